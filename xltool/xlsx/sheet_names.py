"""Names of sheets that Excel accepts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from xltool.xlsx.cell_text import cut, text_length

MAX_SHEET_NAME = 31
_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f\ufffe\uffff\ud800-\udfff]+")
_RESERVED = "history"


def sheet_name(wanted: str, taken: set[str]) -> str:
    """A sheet name that Excel accepts and no other sheet has; `taken` (casefolded) is added to."""
    base = re.sub(r"\s+", " ", _FORBIDDEN.sub("_", wanted)).strip().strip("'").strip() or "项目"
    if base.casefold() == _RESERVED:
        base += "_"
    name, number = _shortened(base, MAX_SHEET_NAME), 1
    while name.casefold() in taken:
        number += 1
        tail = f"({number})"
        name = _shortened(base, MAX_SHEET_NAME - len(tail)) + tail
    taken.add(name.casefold())
    return name


def _shortened(text: str, length: int) -> str:
    """At most so long, with an end that Excel takes."""
    return cut(text, length).rstrip("' ")


def sheet_name_faults(name: str) -> Iterator[str]:
    """What Excel would not take as the name of a sheet."""
    length = text_length(name)
    if not 1 <= length <= MAX_SHEET_NAME:
        yield f"工作表名“{name}”有 {length} 个字，应当是 1 至 {MAX_SHEET_NAME} 个字"
    if _FORBIDDEN.search(name) or name.startswith("'") or name.endswith("'"):
        yield f"工作表名“{name}”含有不允许的字符"
    if name.casefold() == _RESERVED:
        yield "工作表名 History 是 Excel 保留的"
