"""Names of files made for units: safe on Windows, Chinese kept, never two the same."""

from __future__ import annotations

import re
import unicodedata

_RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"com{n}" for n in range(1, 10)),
    *(f"lpt{n}" for n in range(1, 10)),
}


def file_name(unit: str, taken: set[str], suffix: str = ".xlsx") -> str:
    """A file name for a unit that is safe on Windows and that no other unit has (`taken` grows)."""
    stem = (
        re.sub(r'[<>:"/\\|?*\x00-\x1f\x7f]+', "_", unicodedata.normalize("NFC", unit)).strip(" .")
        or "未命名单位"
    )
    if stem.casefold() in _RESERVED:
        stem += "_"
    while len(stem.encode()) > 200:
        stem = stem[:-1]
    name, number = stem, 1
    while name.casefold() in taken:
        number += 1
        name = f"{stem}({number})"
    taken.add(name.casefold())
    return name + suffix
