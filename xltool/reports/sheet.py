"""A table on the sheets of a workbook: frozen head, filters, links, and text that stays text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from xltool.files.table_column import Column, Row, cells
from xltool.reports.run import Run
from xltool.xlsx.row_height import row_height

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

# Limits of the file format.
MAX_ROWS, MAX_LINKS, MAX_TEXT, MAX_LINK = 1_048_576, 65_530, 32_767, 2_000
LINE = 15  # points; of 宋体 10 and of the fonts that stand in for it
_CUT = "…（原文过长，后略）"
_UNSOUND = re.compile("[\ud800-\udfff\ufffe\uffff]")
_SHEET_NAME = re.compile(r"[^\x00-\x1f\[\]:*?/\\\ufffe\uffff]{1,31}")
_CELL = re.compile(r"[A-Z]{1,3}\d{1,7}")
_LINK_ESCAPES = str.maketrans(
    {c: f"%{ord(c):02x}" for c in '%#?:\\"<>[]^`{}| '} | {chr(n): f"%{n:02x}" for n in range(32)}
)

# Colour by word: what is read off a sheet at a glance.
_COLOURS = {
    "有错误": "#B3261E", "错误": "#B3261E", "不平衡": "#B3261E", "待处理": "#B3261E",
    "待核实": "#8A5A00", "核实": "#8A5A00", "经非税项目调节后平衡": "#8A5A00",
    "通过": "#1B6E3C", "平衡": "#1B6E3C", "已说明": "#1B6E3C",
}  # fmt: skip


class Link(NamedTuple):
    """A text that opens a file, at a place where `anchor` is given."""

    text: str
    target: str
    anchor: str = ""


ReportCell = str | int | Decimal | Link | None


class Formats:
    """The few formats of the book, made once."""

    def __init__(self, book: Workbook) -> None:
        def make(**more: Any) -> Format:
            return book.add_format({"font_name": "宋体", "font_size": 10, "valign": "top", **more})

        self.text = make(text_wrap=True, num_format="@")
        self.number = make(align="center")
        self.money = make(num_format="#,##0.00##_ ;[Red]-#,##0.00##_ ")
        self.link = make(font_color="#0B57D0", underline=1)
        self.head = make(bold=True, bg_color="#E9EDF3", bottom=1, text_wrap=True, valign="vcenter")
        self.title = make(bold=True, font_size=16, valign="vcenter")
        self.line = make(font_color="#444444", valign="vcenter")
        self.words = {word: make(font_color=colour, bold=True) for word, colour in _COLOURS.items()}


class ReportSheet:
    """A table with a frozen head that goes on, where it is longer than a sheet can be, on the next one."""

    def __init__(
        self, book: Workbook, formats: Formats, name: str, coloured: Sequence[str] = ()
    ) -> None:
        self.book, self.formats, self.name, self.coloured = book, formats, name, coloured
        self.sheet: Worksheet = book.add_worksheet(name)
        self.columns: Sequence[tuple[str, float]] = ()
        self.top = self.next = self.links = 0
        self.sheets = 1

    def head(
        self, columns: Sequence[tuple[str, float]], lines: Sequence[tuple[str, Format]] = ()
    ) -> None:
        """The lines above the table, then the table's head, frozen and repeated on every page."""
        sheet, self.columns = self.sheet, columns
        for at, (_, width) in enumerate(columns):
            sheet.set_column(at, at, width)
        for row, (text, form) in enumerate(lines):
            sheet.set_row(row, 26 if row == 0 else 18)
            sheet.write_string(row, 0, text, form)
        self.top = len(lines)
        sheet.set_row(self.top, 20)
        for at, (text, _) in enumerate(columns):
            sheet.write_string(self.top, at, text, self.formats.head)
        sheet.freeze_panes(self.top + 1, 2 if columns[0][0] == "序号" else 1)
        sheet.repeat_rows(self.top)
        sheet.set_paper(9)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&L&A&R第 &P 页，共 &N 页")
        self.next = self.top + 1

    def table(
        self,
        columns: Sequence[Column[Row]],
        rows: Iterable[Row],
        lines: Sequence[tuple[str, Format]] = (),
        head_height: float = 20,
    ) -> None:
        """The head and all rows, each made by walking the same columns."""
        self.head([(column.head, column.width) for column in columns], lines)
        if head_height != 20:
            self.sheet.set_row(self.top, head_height)
        for row in rows:
            self.row(cells(columns, row))

    def row(self, cells: Sequence[ReportCell]) -> None:
        if self.next >= MAX_ROWS:
            self._go_on()
        height = row_height(cells, (width for _, width in self.columns), LINE)
        if height > LINE:
            self.sheet.set_row(self.next, height)
        for at, cell in enumerate(cells):
            self._write(at, cell)
        self.next += 1

    def close(self) -> None:
        """Filters can be set when the last row is known."""
        if self.columns:
            self.sheet.autofilter(self.top, 0, max(self.next - 1, self.top), len(self.columns) - 1)

    def _go_on(self) -> None:
        self.close()
        self.sheets += 1
        self.sheet, self.links = self.book.add_worksheet(f"{self.name}{self.sheets}"), 0
        self.head(self.columns)

    def _write(self, at: int, cell: ReportCell) -> None:
        row, formats = self.next, self.formats
        if cell is None or cell == "":
            return
        if isinstance(cell, Link):
            if cell.target and self.links < MAX_LINKS:
                self.links += 1
                url = f"external:{cell.target}" + (f"#{cell.anchor}" if cell.anchor else "")
                self.sheet.write_url(row, at, url, formats.link, string=sound(cell.text))
                return
            cell = cell.text
        if isinstance(cell, str):
            form = formats.words.get(cell) if self.columns[at][0] in self.coloured else None
            self.sheet.write_string(row, at, sound(cell), form or formats.text)
        else:
            form = formats.money if isinstance(cell, Decimal) else formats.number
            # Excel keeps nothing finer than a float either.
            self.sheet.write_number(row, at, float(cell), form)


def sound(text: str) -> str:
    """A text as a cell can hold it."""
    text = _UNSOUND.sub("\ufffd", text)
    if text.startswith("<r>") and text.endswith("</r>"):
        text += " "  # XlsxWriter would take it for the markup of a rich text
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - len(_CUT)] + _CUT


def target(file: str, run: Run) -> str:
    """A relative link to a file as Excel writes it, safe: neither a scheme nor another machine."""
    link = "/".join(sound(part).translate(_LINK_ESCAPES) for part in run.parts(file))
    if len(link) == 1:  # XlsxWriter looks for a drive and stumbles over a name of one character
        link = f"./{link}"
    return link if len(link) <= MAX_LINK else ""


def anchor(sheet: str, cell: str) -> str:
    if not _SHEET_NAME.fullmatch(sheet) or not _CELL.fullmatch(cell):
        return ""
    return "'{}'!{}".format(sheet.replace("'", "''"), cell)
