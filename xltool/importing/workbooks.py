"""Workbooks of any layout as rows: .xlsx as every workbook is read, .xls through xlrd;
values as shown."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

from xltool.importing.rows import MAX_COLUMNS, MAX_ROWS, FormCell, FormRow
from xltool.model import Place
from xltool.money import stored_number
from xltool.results_sheet.marks import is_mark
from xltool.results_sheet.table import HEAD, KEY, RESULTS_SHEET
from xltool.xlsx.grid import Cell, Sheet
from xltool.xlsx.number_format import (
    BUILTIN,
    DATE_1904,
    amount_shown,
    as_read,
    text_shown,
)
from xltool.xlsx.references import cell_name

_NO_RESULT = "公式的结果没有存下来：请在 Excel 或 WPS 里打开、保存一次再导入，或直接填写"
_MOST_FORMULAS = 50  # named one by one
_HIDDEN = "隐藏的工作表，没有读"
_RESULTS = "xltool 写的审核结果，不是申报，没有读"
_BEYOND = f"超出 {MAX_ROWS} 行、{MAX_COLUMNS} 列的内容，没有读"


def read_xlsx(data: bytes) -> list[FormRow]:
    """The rows of every visible sheet; of a formula the last value. Raises Unreadable.

    What a check wrote into a marked copy is no filing: its marks are left out, its sheet is named.
    """
    from xltool.xlsx.workbook_reader import open_grid

    rows: list[FormRow] = []
    for number, sheet in enumerate(open_grid(data).sheets, start=1):
        filled = {at: cell for at, cell in sheet.cells.items() if cell.text.strip() or cell.formula}
        if sheet.hidden:
            rows += _unread("", sheet.name, "", _HIDDEN) if filled else []
            continue
        if sheet.name == RESULTS_SHEET and HEAD[KEY] in {
            cell.text.strip() for cell in filled.values()
        }:
            rows += _unread("", sheet.name, "", _RESULTS)
            continue
        filled = {at: cell for at, cell in filled.items() if not is_mark(cell.text)}
        widths = {(merge.top, merge.left): merge.right - merge.left + 1 for merge in sheet.merges}
        under = _under_merges(sheet)
        seen = {at: cell for at, cell in filled.items() if at not in under}
        values = {at: _shown(cell) for at, cell in seen.items() if cell.text.strip()}
        rows += _rows(sheet.name, number, values, widths)
        rows += _unreckoned(sheet.name, {at: c for at, c in seen.items() if at not in values})
    return rows


def _under_merges(sheet: Sheet) -> set[tuple[int, int]]:
    """The cells that a merge covers: what is stored in them nobody sees."""
    covered = set()
    for merge in sheet.merges:
        for row in range(merge.top, min(merge.bottom, MAX_ROWS) + 1):
            for column in range(merge.left, min(merge.right, MAX_COLUMNS) + 1):
                covered.add((row, column))
        covered.discard((merge.top, merge.left))
    return covered


def _unreckoned(sheet: str, formulas: Mapping[tuple[int, int], Cell]) -> list[FormRow]:
    """Formulas without a result, each with its place; of very many the first ones."""
    rows: list[FormRow] = []
    for at, cell in sorted(formulas.items(), key=lambda pair: pair[0])[:_MOST_FORMULAS]:
        formula = f"={cell.formula.lstrip('=')}"
        rows += _unread(formula, sheet, cell_name(*at), _NO_RESULT)
    if (more := len(formulas) - _MOST_FORMULAS) > 0:
        rows += _unread("", sheet, "", f"另有 {more} 个公式的结果没有存下来")
    return rows


def _shown(cell: Cell) -> str:
    """What a cell shows, exactly."""
    if cell.number:
        return shown(cell.text, cell.format)
    text = (text_shown(cell.text, cell.format) or cell.text) if cell.format else cell.text
    return text.replace("\r\n", "\n").replace("\r", "\n")


def shown(text: str, number_format: str = "") -> str:
    """A stored number as the sheet shows it: `0.95` under `0%` is `95%`; the digits stay exact."""
    stored = stored_number(text)
    if stored is not None and number_format:
        seen = amount_shown(stored, number_format)
        if seen.amount is not None and not seen.same:
            return seen.text  # stored in 元, shown in 万元
    return as_read(text, number_format)


def read_xls(data: bytes) -> list[FormRow]:
    """The rows of every visible sheet of an old workbook. Raises what the damage leads to."""
    import xlrd

    book = xlrd.open_workbook(
        file_contents=data, formatting_info=True, ragged_rows=True, logfile=io.StringIO()
    )
    rows: list[FormRow] = []
    for number, sheet in enumerate(book.sheets(), start=1):
        if sheet.visibility:
            rows += _unread("", sheet.name, "", _HIDDEN) if sheet.nrows else []
            continue
        widths, under = {}, set()
        room = MAX_ROWS * MAX_COLUMNS
        for top, bottom, left, right in sheet.merged_cells:
            bottom, right = min(bottom, MAX_ROWS), min(right, MAX_COLUMNS)
            room -= max(bottom - top, 0) * max(right - left, 0)
            if room < 0:
                raise ValueError("merged cells over merged cells")
            widths[top + 1, left + 1] = right - left
            under |= {(r + 1, c + 1) for r in range(top, bottom) for c in range(left, right)}
            under.discard((top + 1, left + 1))
        values = {}
        for row in range(sheet.nrows):
            for column in range(sheet.row_len(row)):
                if (row + 1, column + 1) in under:
                    continue
                cell = sheet.cell(row, column)
                form = book.format_map[book.xf_list[cell.xf_index].format_key]
                code = BUILTIN.get(form.format_key, form.format_str)
                values[row + 1, column + 1] = _xls_text(cell, DATE_1904 * book.datemode + code)
        rows += _rows(sheet.name, number, values, widths)
    return rows


def _xls_text(cell: Any, number_format: str) -> str:
    """What a cell of an old workbook shows; an error shows nothing that could be imported."""
    import xlrd

    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return "是" if cell.value else "否"
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return ""
    if isinstance(cell.value, int | float):
        # 15 digits are what a workbook stores; the rest is the binary form's noise.
        return shown(f"{cell.value:.15g}", "" if number_format == "General" else number_format)
    return str(cell.value).replace("\r\n", "\n").replace("\r", "\n")


def _rows(
    sheet: str, number: int, values: dict[tuple[int, int], str], widths: dict[tuple[int, int], int]
) -> Iterator[FormRow]:
    lines: dict[int, list[FormCell]] = {}
    beyond = ""
    for (row_number, column_number), text in sorted(values.items()):
        name = cell_name(row_number, column_number)
        if row_number > MAX_ROWS or column_number > MAX_COLUMNS:
            beyond = beyond or name
            continue
        cell = FormCell(
            text, column_number - 1, Place(sheet, name), widths.get((row_number, column_number), 1)
        )
        lines.setdefault(row_number, []).append(cell)
    for cells in lines.values():
        if any(not cell.blank for cell in cells):
            yield FormRow(tuple(cells), number, page=sheet)
    if beyond:
        yield from _unread("", sheet, beyond, _BEYOND)


def _unread(text: str, sheet: str, cell: str, reason: str) -> list[FormRow]:
    return [FormRow((FormCell(text, 0, Place(sheet, cell)),), page=sheet, unread=reason)]
