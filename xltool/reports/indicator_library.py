"""The indicator library as a workbook that a bureau goes on editing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from xltool.files.atomic import writing
from xltool.files.table_column import cells
from xltool.indicator.library import Library
from xltool.library import COLUMNS, SHEET
from xltool.xlsx.cell_text import sound


def save_library(library: Library, path: Path) -> None:
    """Write a library as a workbook that a bureau goes on editing; numbers are numbers."""
    from xlsxwriter import Workbook

    with (
        writing(path, "wb") as file,
        Workbook(file, {"in_memory": True, "strings_to_formulas": False}) as book,
    ):
        write_sheet(book, library)


def write_sheet(book: Any, library: Library) -> Any:
    """The sheet 指标库, in an open workbook of XlsxWriter."""
    sheet = book.add_worksheet(SHEET)
    text = book.add_format({"num_format": "@", "text_wrap": True, "font_name": "宋体"})
    head = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1, "font_name": "宋体"})
    for number, column in enumerate(COLUMNS):
        sheet.set_column(number, number, column.width)
        sheet.write_string(0, number, column.head, head)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, max(1, len(library.entries)), len(COLUMNS) - 1)
    for row_number, entry in enumerate(library.entries, 1):
        for number, value in enumerate(cells(COLUMNS, entry)):
            if isinstance(value, (Decimal, int)):
                sheet.write_number(row_number, number, float(value))
            elif value:
                sheet.write_string(row_number, number, sound(value), text)
    return sheet
