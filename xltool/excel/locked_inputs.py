"""Inputs that are locked although the form has them open:
cells pasted from elsewhere bring that with them."""

from __future__ import annotations

from itertools import groupby, product

from xltool.excel.live_sheet import has_password, protection, unprotected
from xltool.excel.session import ExcelSession
from xltool.reading.reader import form_of
from xltool.template.layout import FormLayout, Layout
from xltool.template.match import locate
from xltool.xlsx.grid import Grid, Sheet
from xltool.xlsx.package import Package
from xltool.xlsx.references import Area

# Whose form it is: a campaign locks that on purpose.
_WHOSE = ("unit", "year")


def locked_inputs(layout: Layout, grid: Grid) -> dict[str, list[Area]]:
    """Sheet → areas of inputs that can't be typed into. The grid was read with its blank cells."""
    locked: dict[str, list[Area]] = {}
    for sheet in grid.sheets:
        form = form_of(layout, sheet)
        if form is not None and sheet.protected and (areas := list(_locked(form, sheet))):
            locked[sheet.name] = areas
    return locked


def _locked(form: FormLayout, sheet: Sheet) -> list[Area]:
    rows, _ = locate(form, sheet)
    areas = [
        sheet.whole(rows.area(form.fields[field.id]))
        for field in form.spec.field
        if field.kind not in _WHOSE and not field.from_department
    ]
    locked = [area for area in areas if sheet[area.top, area.left].locked]
    hidden: set[tuple[int, int]] = set()
    for merge in sheet.merges:
        rows_of, columns_of = range(merge.top, merge.bottom + 1), range(merge.left, merge.right + 1)
        hidden |= set(product(rows_of, columns_of)) - {(merge.top, merge.left)}
    for blank in form.blocks.values():
        block = rows.area(blank)
        for row in range(block.top, block.bottom + 1):
            columns = [
                column
                for column in range(block.left, block.right + 1)
                if sheet[row, column].locked and (row, column) not in hidden
            ]
            for _, run in groupby(enumerate(columns), key=lambda pair: pair[1] - pair[0]):
                held = [column for _, column in run]
                locked.append(Area(row, held[0], row, held[-1]))
    return locked


def unlock(
    session: ExcelSession, package: Package, grid: Grid, locked: dict[str, list[Area]]
) -> str:
    """Open them again; a sentence about it, empty where there were none."""
    opened = left = 0
    for sheet in grid.sheets:
        areas = locked.get(sheet.name, [])
        attributes = protection(package, sheet)
        if not areas:
            continue
        if has_password(attributes):
            left += len(areas)
            continue
        live = session.book.sheets[sheet.name]
        with unprotected(live, attributes, session.journal):
            for area in areas:
                live.range((area.top, area.left), (area.bottom, area.right)).api.Locked = False
        opened += len(areas)
    message = f"有 {opened} 处要填的格子被粘贴成了锁定，已经解开。" if opened else ""
    return message + (f"有 {left} 处要填的格子锁着，工作表设了密码，解不开。" if left else "")
