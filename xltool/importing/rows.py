"""The neutral shape the forms are found in: a source as rows of cells, each with its place.

Cells hidden under a merge are absent; the merged cell says how far it reaches. Lines of text
outside tables are rows of one cell.
"""

from __future__ import annotations

from dataclasses import dataclass

from xltool.errors import XltoolError
from xltool.model import Place

# A form has some dozens of rows; what lies far beyond is formatting, not filing.
MAX_ROWS, MAX_COLUMNS = 5_000, 256
SCANNED = (
    "请找原来的电子表，或先用扫描软件（WPS、Adobe 等）识别成 Word 再导入；识别出来的字要逐格核对"
)


class NotImportable(XltoolError):
    """A file of a kind that can't be imported, with the way out in Chinese."""


@dataclass(frozen=True, slots=True)
class FormCell:
    """One cell: its text as written, its first column (from 0), its width, its place.

    `unit` is a unit of money that stood in it and was taken out of the text.
    """

    text: str
    column: int
    place: Place
    width: int = 1
    unit: str = ""

    @property
    def blank(self) -> bool:
        return not self.text.strip()

    @property
    def end(self) -> int:
        return self.column + self.width


@dataclass(frozen=True, slots=True)
class FormRow:
    """One row. `table` numbers the source's tables
    (0 = a line of text outside them), `page` its sheets.

    `loose`: columns were guessed from running text, so a row may be shifted against the one above.
    `scattered`: it can't be told which labels its cells answer, so none of them is imported.
    `begins`: the kind of form that begins here, where a table of many forms was taken apart.
    `unread`: why something of the source is not among the rows; its cell says what and where.
    """

    cells: tuple[FormCell, ...]
    table: int = 0
    loose: bool = False
    page: str = ""
    scattered: bool = False
    unread: str = ""
    begins: str = ""

    @property
    def filled(self) -> list[FormCell]:
        return [cell for cell in self.cells if not cell.blank]


def place_in_table(name: str, row: int, cell: int) -> Place:
    """`表1` and `第3行第2格`, counted from 1 as a reader counts."""
    return Place(name, f"第{row}行第{cell}格")


def tidy_text(text: str) -> str:
    """A text without the printed page's padding: outer space, ends of lines, empty lines."""
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    return "\n".join(line for line in lines if line.strip()).strip()
