"""A1 references: columns as letters, cells and areas, within the limits of a worksheet."""

from __future__ import annotations

import functools
import re
from typing import NamedTuple


class Area(NamedTuple):
    """A rectangle of cells, 1-based and inclusive."""

    top: int
    left: int
    bottom: int
    right: int

    def __str__(self) -> str:
        first = f"{letters(self.left)}{self.top}"
        last = f"{letters(self.right)}{self.bottom}"
        return first if first == last else f"{first}:{last}"


@functools.lru_cache(maxsize=1024)
def letters(column: int) -> str:
    """1 → A, 27 → AA."""
    text = ""
    while column > 0:  # of none there is no letter
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


@functools.lru_cache(maxsize=1024)
def column_number(text: str) -> int:
    """A → 1, AA → 27."""
    number = 0
    for char in text:
        number = number * 26 + ord(char) - 64
    return number


@functools.lru_cache(maxsize=8192)
def cell_name(row: int, column: int) -> str:
    """A cell's address, such as B3, of row and column from 1."""
    return f"{letters(column)}{row}"


_AREA = re.compile(r"^\$?([A-Z]{1,3})\$?(\d{1,7})(?::\$?([A-Z]{1,3})\$?(\d{1,7}))?$")
# A number outside Excel's limits can't be a place.
LAST_ROW, LAST_COLUMN = 1_048_576, 16_384


@functools.lru_cache(maxsize=8192)
def read_area(text: str) -> Area | None:
    """`$B$3:$F$3` or `D6` as an area; None for anything else."""
    match = _AREA.match(text)
    if match is None:
        return None
    left, top = column_number(match[1]), int(match[2])
    right, bottom = (column_number(match[3]), int(match[4])) if match[3] else (left, top)
    if not (0 < top <= bottom <= LAST_ROW and left <= right <= LAST_COLUMN):
        return None
    return Area(top, left, bottom, right)
