"""A workbook as a grid: sheets, cells, merges, names, properties, as any source gives them.

The reader of forms works on this and knows neither zip files nor a live spreadsheet.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from msgspec import Struct

from xltool.xlsx.references import Area, letters


class Cell(Struct, frozen=True, gc=False):
    """One cell: its value as text ("" = blank), whether it is a number, and what was odd about it.

    `format` is the format code where it may show a number, or does show a text, as something else
    (`0%`, a date). `unseen` is what to say where nobody can see it (white on white).
    """

    text: str
    number: bool = False
    formula: str = ""
    error: bool = False
    locked: bool = True
    format: str = ""
    unseen: str = ""


BLANK = Cell("")


def row_in_words(row: int) -> str:
    """A row as people name it."""
    return f"第{row}行"


def columns_in_words(columns: range) -> str:
    """Columns that lie side by side as people name them."""
    first, last = letters(columns[0]), letters(columns[-1])
    return f"第{first}列" if first == last else f"第{first}:{last}列"


class Test(NamedTuple):
    """When a conditional format holds, in the words of the file format."""

    kind: str = ""
    operator: str = ""
    formulas: tuple[str, ...] = ()


class Mask(NamedTuple):
    """What a conditional format makes of a cell: its number format, or None; why it hides it."""

    code: str | None = None
    why: str = ""
    test: Test = Test()


class Sheet(Struct):
    """One worksheet: cells by (row, column), 1-based; only cells that say something need be there.

    `objects`: shapes, controls and the like lie on it, `pictures` nothing but pictures; `macro` is
    what a click on one of them would start. `conditional`: how cells of an area may be shown.
    """

    name: str
    cells: dict[tuple[int, int], Cell] = {}
    merges: set[Area] = set()
    names: dict[str, Area | None] = {}
    protected: bool = True
    hidden: bool = False
    hidden_rows: set[int] = set()
    hidden_columns: list[range] = []
    objects: bool = False
    pictures: bool = False
    macro: str = ""
    conditional: list[tuple[Area, Mask]] = []
    part: str = ""

    def __getitem__(self, at: tuple[int, int]) -> Cell:
        return self.cells.get(at, BLANK)

    @property
    def printed(self) -> Area | None:
        """What of it goes on paper, where it says so."""
        return self.names.get("_xlnm.Print_Area")

    def whole(self, area: Area) -> Area:
        """The merged area that begins where this one does, or else the area itself."""
        for merge in self.merges:
            if merge.top == area.top and merge.left == area.left:
                return merge
        return area


class Grid(Struct):
    """A workbook: its sheets in order, its custom document properties.

    `saved` is when a program last saved it, as it wrote that down; `active` what acts or leads
    elsewhere.
    """

    sheets: list[Sheet]
    properties: dict[str, str] = {}
    saved: str = ""
    structure_locked: bool = False
    date1904: bool = False
    active: tuple[str, ...] = ()

    @property
    def modified(self) -> str:
        """When it was last saved: local time to the second, or empty."""
        try:
            stamp = dt.datetime.fromisoformat(self.saved)
            # Without a zone it is taken as local time, as its writer meant it.
            return stamp.astimezone().replace(tzinfo=None).isoformat(" ", "seconds")
        except (ValueError, OverflowError, OSError):
            return ""
