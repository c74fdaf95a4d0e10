"""Names of files made for units: safe on Windows, Chinese kept, never two the same."""

from __future__ import annotations

import re
import unicodedata

# With what turns the direction of writing, or can't be written at all.
_FORBIDDEN = re.compile(
    r'[<>:"/\\|?*\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+'
)
_LONGEST = 200
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
        _FORBIDDEN.sub("_", unicodedata.normalize("NFC", unit[:_LONGEST])).strip(" .")
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
