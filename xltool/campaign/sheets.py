"""Official-looking workbooks: title, sub-title, ruled table, repeated heads, page numbers."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import IO, Any

from xltool.files.table_column import Column, Row, cells, heads
from xltool.xlsx.row_height import row_height

TITLE, HEAD, TEXT = "方正小标宋简体", "黑体", "宋体"


class RuledBook:
    """A workbook being written; a context manager that closes it."""

    def __init__(self, file: IO[Any]) -> None:
        from xlsxwriter import Workbook

        # Text from other people is never a formula or a link.
        options = {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "default_format_properties": {"font_name": TEXT, "font_size": 10.5},
        }
        self.book = Workbook(file, options)
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def __enter__(self) -> RuledBook:
        return self

    def __exit__(self, *_: object) -> None:
        self.book.close()

    def style(self, **properties: Any) -> Any:
        """A format, made once; in whatever order the properties are given, it is written once."""
        key = tuple(properties.items())
        if key not in self._formats:
            base = {"font_name": TEXT, "font_size": 10.5, "valign": "vcenter"}
            self._formats[key] = self.book.add_format({**base, **properties})
        return self._formats[key]

    def sheet(
        self, name: str, widths: Sequence[float], *, landscape: bool = True, repeat: int = 0
    ) -> Any:
        """A sheet set up for A4: widths in characters, `repeat` = last head row (0-based) on each page."""
        sheet = self.book.add_worksheet(name)
        sheet.set_default_row(20)
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        sheet.set_paper(9)
        if landscape:
            sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        sheet.center_horizontally()
        sheet.hide_gridlines(2)
        sheet.set_footer('&C&"宋体,Regular"&9第 &P 页 共 &N 页')
        if repeat:
            sheet.repeat_rows(0, repeat)
        return sheet

    def heading(self, sheet: Any, title: str, left: str, columns: int, right: str = "") -> None:
        """The title over all columns, and one line beneath it: something left, the unit of money right."""
        sheet.set_row(0, 36)
        big = self.style(font_name=TITLE, font_size=18, align="center")
        _across(sheet, 0, 0, columns - 1, title, big)
        sheet.set_row(1, 20)
        split = max(0, columns - 3) if right else columns - 1
        _across(sheet, 1, 0, split, left, self.style(align="left"))
        if right:
            _across(sheet, 1, split + 1, columns - 1, right, self.style(align="right"))

    def table(
        self,
        name: str,
        title: str,
        subtitle: str,
        columns: Sequence[Column[Row]],
        rows: Sequence[Row],
        *,
        landscape: bool = True,
    ) -> Any:
        """A whole sheet with one plain table: the columns walked for the head and for every row."""
        widths = [column.width for column in columns]
        sheet = self.sheet(name, widths, landscape=landscape, repeat=2)
        self.heading(sheet, title, subtitle, len(columns))
        head = self.style(
            font_name=HEAD, border=1, align="center", text_wrap=True, bg_color="#EDEDED"
        )
        sheet.set_row(2, 24)
        for column, text in enumerate(heads(columns)):
            sheet.write_string(2, column, text, head)
        for number, row in enumerate(rows, 3):
            values = cells(columns, row)
            for column, value in enumerate(values):
                self.put(sheet, number, column, value)
            sheet.set_row(number, height(values, widths))
        sheet.freeze_panes(3, 0)
        if rows:
            sheet.autofilter(2, 0, 2 + len(rows), len(columns) - 1)
        return sheet

    def answer(self, sheet: Any, row: int, column: int, text: str) -> None:
        """A cell that is open for whoever received the sheet."""
        style = self.style(border=1, text_wrap=True, align="left", bg_color="#FFF8DC", locked=False)
        sheet.write_string(row, column, text, style)

    def put(
        self, sheet: Any, row: int, column: int, value: Any, places: int = 2, **style: Any
    ) -> None:
        """One ruled cell: text, a count, or an amount with so many decimals."""
        if value is None or value == "":
            sheet.write_blank(row, column, None, self.style(border=1, **style))
        elif isinstance(value, Decimal):
            shown = "#,##0" + ("." + "0" * places if places else "")
            sheet.write_number(
                row, column, value, self.style(border=1, align="right", num_format=shown, **style)
            )
        elif isinstance(value, int):
            sheet.write_number(row, column, value, self.style(border=1, align="center", **style))
        else:
            style = {"align": "left", **style}
            sheet.write_string(
                row, column, str(value)[:32_000], self.style(border=1, text_wrap=True, **style)
            )


def height(texts: Sequence[Any], widths: Sequence[float]) -> float:
    """The points of a row; one of a single line has some air."""
    return max(20.0, row_height(texts, widths, line=15, margin=4))


def _across(sheet: Any, row: int, first: int, last: int, text: str, style: Any) -> None:
    if first == last:
        sheet.write_string(row, first, text, style)
    else:
        sheet.merge_range(row, first, row, last, text, style)
