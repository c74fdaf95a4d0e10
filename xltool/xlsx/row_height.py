"""How high a row must be for its wrapped texts: not every program finds that out by itself.

One estimate for filled forms, data books, reports and results. A Chinese character is twice as wide
as a letter; in UTF-8 it takes three bytes, so a text is about as wide as the middle of its letters
and bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

HIGHEST = 409.0  # points; Excel allows no more
# As many letters as a character may be wide (one of four bytes).
_WIDEST = 2.5
# What a cell's borders take of its width, in characters.
_PADDING = 1


def line_count(text: str, room: float) -> int:
    """How many lines a text takes where `room` letters stand in one."""
    if "\n" in text:
        return sum([_lines_of_one(line, room) for line in text.split("\n")])
    return _lines_of_one(text, room)


def _lines_of_one(line: str, room: float) -> int:
    """How many lines one that has no break takes."""
    if len(line) * _WIDEST <= room:
        return 1
    width = (len(line) + len(line.encode("utf-8", "surrogatepass"))) / 2
    return 1 if width <= room else -int(-width // room)


def row_height(
    cells: Iterable[Any], widths: Iterable[float], line: float, *, margin: float = 0
) -> float:
    """The points at which all texts of a row can be read; `widths` of its columns in letters,
    `line` the points of one line. Numbers take one line; a row may have fewer cells than there are
    columns."""
    lines = 1
    for cell, width in zip(cells, widths, strict=False):
        if isinstance(cell, str):
            lines = max(lines, line_count(cell, max(1.0, width - _PADDING)))
    return min(HIGHEST, lines * line + margin)
