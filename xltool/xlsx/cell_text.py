"""How much text a cell holds, and of which characters."""

from __future__ import annotations

import re

from xltool.xlsx.shared_parts import SPECIAL

# Characters in a cell, as Excel counts them.
MAX_TEXT = 32_767
# Half a character, and the two that stand for none: no file can hold them as text.
UNSTORABLE = re.compile("[\ud800-\udfff\ufffe\uffff]")
_CUT = "…（原文过长，后略）"


def text_length(text: str) -> int:
    """A text's length as Excel counts it: in UTF-16 units, of which a rare character has two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def too_long(text: str) -> bool:
    """More than a cell holds."""
    return len(text) > MAX_TEXT // 2 and text_length(text) > MAX_TEXT


def sound(text: str) -> str:
    """A text as a cell can hold it: no half characters, and no more than Excel counts."""
    if SPECIAL.search(text):
        text = UNSTORABLE.sub("\ufffd", text)
    return cut(text, MAX_TEXT - len(_CUT)) + _CUT if too_long(text) else text


def cut(text: str, length: int) -> str:
    """The beginning of a text, at most so long as Excel counts, no character halved."""
    units = text.encode("utf-16-le", "surrogatepass")
    return units[: 2 * length].decode("utf-16-le", "ignore")
