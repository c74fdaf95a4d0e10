"""File names that Windows accepts, Chinese kept."""

from __future__ import annotations

import re
import unicodedata

_FORBIDDEN = re.compile(
    r'[<>:"/\\|?*\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+'
)
_RESERVED = re.compile(r"^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|clock\$)(?=\.|$)", re.IGNORECASE)
LONGEST = 80  # characters: with its folders a path stays below the 260 of old Windows


def safe_name(text: str) -> str:
    """A file or folder name made of this text: never empty, reserved, hidden or a path."""
    name = unicodedata.normalize("NFC", text)
    name = re.sub(r"\s+", " ", _FORBIDDEN.sub("_", name))[:LONGEST].strip(" .") or "_"
    return f"_{name}" if _RESERVED.match(name) else name


def distinct(name: str, taken: set[str]) -> str:
    """The name, numbered where another one is the same to Windows; `taken` is added to."""
    result, number = name, 1
    while result.casefold() in taken:
        number += 1
        result = f"{name}({number})"
    taken.add(result.casefold())
    return result
