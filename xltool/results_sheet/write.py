"""The results table as a workbook of one sheet:
what the ribbon copies in and what a file receives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from xltool.model import Place
from xltool.results_sheet import table
from xltool.results_sheet.table import CHANGES_HEAD, RESULTS_SHEET, ResultRow, Results
from xltool.xlsx.cell_text import sound
from xltool.xlsx.row_height import row_height

_FILLS = {"error": "FDE9E7", "query": "FFF6DD", "note": "EEF3FA", "stale": "F2F2F2"}
_FONT = {"font_name": "宋体", "font_size": 10, "valign": "top", "text_wrap": True}


def write_results(results: Results, path: Path) -> Path:
    """Write the table to `path`; all is locked but the column 说明, without a password."""
    from xlsxwriter import Workbook

    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(str(path), options) as book:

        def style(**changes: Any) -> Any:
            return book.add_format({**_FONT, **changes})

        sheet = book.add_worksheet(RESULTS_SHEET)
        sheet.hide_gridlines(2)
        columns = table.COLUMNS
        for at, column in enumerate(columns):
            sheet.set_column(at, at, column.width, None, {"hidden": column.kind == "key"})
        sheet.set_row(0, 24)
        sheet.write_string(
            0, 0, sound(results.title), style(bold=True, font_size=14, text_wrap=False)
        )
        for row, line in enumerate(results.summary, 1):
            sheet.write_string(row, 0, sound(line), style(text_wrap=False))
        top = len(results.summary) + 2
        for at, column in enumerate(columns):
            sheet.write_string(top, at, column.head, style(bold=True, border=1, bg_color="D9E2EE"))
        for row, result in enumerate(results.rows, top + 1):
            _write_row(sheet, row, result, style)
        sheet.freeze_panes(top + 1, 0)
        if results.rows:
            sheet.autofilter(top, 0, top + len(results.rows), len(columns) - 1)
        sheet.protect(
            "", {"autofilter": True, "sort": True, "format_columns": True, "format_rows": True}
        )
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(top)
    return path


def _write_row(sheet: Any, row: int, result: ResultRow, style: Callable[..., Any]) -> None:
    """One finding; only its answer cell is open, its place leads to the cell."""
    sheet.set_row(row, _height(result.texts))
    cell = style(border=1, bg_color=_FILLS[result.level])
    link = style(border=1, bg_color=_FILLS[result.level], font_color="0563C1", underline=1)
    answer = style(border=1, locked=False)
    for at, (text, column) in enumerate(zip(result.texts, table.COLUMNS, strict=True)):
        if column.kind == "place" and result.cell:
            sheet.write_url(row, at, _link(result.sheet, result.cell), link, sound(text))
        else:
            form = answer if column.kind == "answer" else cell
            sheet.write_string(row, at, sound(text), form)


def _height(texts: Sequence[str]) -> float:
    """The points of a row; the keys stand in a hidden column."""
    columns = [column for column in table.COLUMNS if column.kind != "key"]
    shown = [text for text, column in zip(texts, table.COLUMNS, strict=True) if column in columns]
    return row_height(shown, [column.width for column in columns], line=14, margin=3)


def write_changes(name: str, changes: Sequence[tuple[Place, str, str]], path: Path) -> Path:
    """A sheet of (place, was, is), so that no original text is lost."""
    from xlsxwriter import Workbook

    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(str(path), options) as book:
        sheet = book.add_worksheet(name)
        head = book.add_format({**_FONT, "bold": True, "border": 1, "bg_color": "D9E2EE"})
        cell = book.add_format({**_FONT, "border": 1})
        link = book.add_format({**_FONT, "border": 1, "font_color": "0563C1", "underline": 1})
        for column, (text, width) in enumerate(zip(CHANGES_HEAD, (30, 40, 40), strict=True)):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, text, head)
        for row, (place, was, now) in enumerate(changes, 1):
            sheet.write_url(row, 0, _link(place.sheet, place.cell), link, str(place))
            sheet.write_string(row, 1, sound(was), cell)
            sheet.write_string(row, 2, sound(now), cell)
        sheet.freeze_panes(1, 0)
    return path


def _link(sheet: str, cell: str) -> str:
    quoted = sheet.replace("'", "''")
    return f"internal:'{quoted}'!{cell}"
