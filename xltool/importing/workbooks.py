"""Workbooks of any layout as rows: .xlsx through openpyxl, .xls through xlrd; values as they are shown."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

from xltool.importing.rows import MAX_COLUMNS, MAX_ROWS, FormCell, FormRow
from xltool.model import Place
from xltool.xlsx.number_format import DATE_1904, as_read


def read_xlsx(data: bytes) -> list[FormRow]:
    """The rows of every visible sheet; of a formula the last value. Raises what the damage leads to."""
    import warnings

    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of extensions openpyxl leaves aside
        book = openpyxl.load_workbook(io.BytesIO(data), data_only=True)
    rows = []
    for number, sheet in enumerate(book.worksheets, start=1):
        if sheet.sheet_state != "visible":
            continue
        widths = {
            (a.min_row, a.min_col): a.max_col - a.min_col + 1 for a in sheet.merged_cells.ranges
        }
        values = {
            (r, c): shown(cell.value, cell.number_format)
            for (
                r,
                c,
            ), cell in sheet._cells.items()  # iter_rows would make a cell for each blank one
            if r <= MAX_ROWS and c <= MAX_COLUMNS and type(cell).__name__ != "MergedCell"
        }
        rows += _rows(sheet.title, number, values, widths)
    return rows


def read_xls(data: bytes) -> list[FormRow]:
    """The rows of every visible sheet of an old workbook. Raises what the damage leads to."""
    import xlrd

    book = xlrd.open_workbook(
        file_contents=data, formatting_info=True, ragged_rows=True, logfile=io.StringIO()
    )
    rows = []
    for number, sheet in enumerate(book.sheets(), start=1):
        if sheet.visibility:
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
        for r in range(min(sheet.nrows, MAX_ROWS)):
            for c in range(min(sheet.row_len(r), MAX_COLUMNS)):
                if (r + 1, c + 1) in under:
                    continue
                cell = sheet.cell(r, c)
                form = book.format_map[book.xf_list[cell.xf_index].format_key].format_str
                values[r + 1, c + 1] = shown(_xls_value(cell), DATE_1904 * book.datemode + form)
        rows += _rows(sheet.name, number, values, widths)
    return rows


def _xls_value(cell: Any) -> Any:
    import xlrd

    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return None
    return cell.value


def _rows(
    sheet: str, number: int, values: dict[tuple[int, int], str], widths: dict[tuple[int, int], int]
) -> list[FormRow]:
    from openpyxl.utils import get_column_letter

    lines: dict[int, list[FormCell]] = {}
    for (r, c), text in sorted(values.items()):
        place = Place(sheet, f"{get_column_letter(c)}{r}")
        lines.setdefault(r, []).append(FormCell(text, c - 1, place, widths.get((r, c), 1)))
    return [
        FormRow(tuple(cells), number, page=sheet)
        for cells in lines.values()
        if any(not c.blank for c in cells)
    ]


def shown(value: Any, number_format: str = "General") -> str:
    """A cell's value as the sheet shows it: `0.95` under `0%` is `95%`; the digits stay exact."""
    if value is None or isinstance(value, bool):
        return "" if value is None else ("是" if value else "否")
    if isinstance(value, dt.datetime | dt.date | dt.time | dt.timedelta):
        from openpyxl.utils.datetime import to_excel

        value = to_excel(value)
    if not isinstance(value, int | float):
        return str(value).replace("\r\n", "\n").replace("\r", "\n")
    return as_read(repr(value), number_format, exact=True)
