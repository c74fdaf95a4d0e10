"""Formulas in live sheets that refer to sheets which a button replaces: they refer to the new ones.

A program turns a reference into #REF! when its sheet goes, and into one to another file when a
sheet is copied in. So formulas are read before and written again, each in the program's own words.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from xltool.excel.live_sheet import has_password, unprotected
from xltool.excel.one_press import PressJournal
from xltool.xlsx.grid import Grid

if TYPE_CHECKING:
    import xlwings as xw

# Sheet → formula by (row, column).
Formulas = dict[str, dict[tuple[int, int], str]]
BROKEN = "#REF!"


def with_formulas(grid: Grid, but: Iterable[str] = ()) -> list[str]:
    """The sheets of a snapshot in which formulas stand, without these."""
    return [
        sheet.name
        for sheet in grid.sheets
        if sheet.name not in but and any(cell.formula for cell in sheet.cells.values())
    ]


def formulas(book: xw.Book, names: Iterable[str]) -> Formulas:
    """The formulas of these sheets as they stand in an open workbook."""
    found: Formulas = {}
    for name in names:
        used = book.sheets[name].used_range
        block = used.formula
        rows = block if isinstance(block, tuple | list) else [[block]]
        found[name] = {
            (used.row + row, used.column + column): text
            for row, line in enumerate(rows)
            for column, text in enumerate(line)
            if isinstance(text, str) and text.startswith("=")
        }
    return found


def write_formulas(
    book: xw.Book,
    wanted: Formulas,
    protections: Mapping[str, Mapping[str, str]],
    gone: Collection[str],
    journal: PressJournal,
) -> list[str]:
    """Write those formulas that are no longer so; the sheets where that could not be done.

    One that refers to a sheet that is `gone` is not written: Excel would ask for its file.
    """
    left = []
    for name, texts in wanted.items():
        now = formulas(book, [name])[name]
        broken = {at: text for at, text in texts.items() if now.get(at) != text}
        found = {at: text for at, text in broken.items() if not any(one in text for one in gone)}
        if not broken:
            continue
        attributes = protections.get(name, {})
        if has_password(attributes):
            left.append(name)
            continue
        sheet = book.sheets[name]
        with unprotected(sheet, attributes, journal):
            for at, text in found.items():
                with suppress(Exception):
                    sheet.range(at).formula = text
        if any(BROKEN in text for text in formulas(book, [name])[name].values()):
            left.append(name)
    return left
