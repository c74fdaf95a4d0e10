"""Marks beside a form: what was found in a row stands next to it, outside the print area.

A mark is text in the first free column to the right of what is printed. So no cell or style of
the form changes, no program prints it, taking the text away leaves no trace, and all marks of a
sheet are one column that a running spreadsheet takes in a single call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from xltool.model import Finding, Severity

if TYPE_CHECKING:
    from xltool.xlsx.grid import Sheet

MARK = "◀审核："
_LONG = 2000


def marks(findings: Iterable[Finding]) -> dict[str, dict[int, str]]:
    """Sheet → row → text; what is only to be noted, or on trial, is not marked."""
    by_sheet: dict[str, dict[int, list[str]]] = {}
    for finding in findings:
        unmarked = finding.trial or finding.severity is Severity.NOTE
        if unmarked or not finding.cell or not finding.sheet:
            continue
        parts = (finding.cell, finding.severity.label, finding.code, finding.message)
        rows = by_sheet.setdefault(finding.sheet, {})
        rows.setdefault(_row(finding.cell), []).append(" ".join(" ".join(parts).split()))
    return {
        sheet: {row: (MARK + "；".join(sentences))[:_LONG] for row, sentences in rows.items()}
        for sheet, rows in by_sheet.items()
    }


def _row(cell: str) -> int:
    return int("".join(char for char in cell.partition(":")[0] if char.isdigit()))


def is_mark(text: str) -> bool:
    """A remark that xltool wrote beside a form."""
    return text.startswith(MARK)


def to_write(sheet: Sheet, wanted: Mapping[int, str]) -> dict[tuple[int, int], str] | None:
    """Texts by (row, column), "" = take away, after which the sheet's marks are the wanted ones.

    Empty where they are so already. None where they would be printed: the sheet has no print area.
    """
    printed = sheet.printed
    if printed is None:
        return None if wanted else {}
    beside = {at: cell for at, cell in sheet.cells.items() if at[1] > printed.right}
    ours = {at: cell.text for at, cell in beside.items() if is_mark(cell.text)}
    taken = {at[1] for at, cell in beside.items() if at not in ours and (cell.text or cell.formula)}
    column = _free_column(printed.right + 1, taken)
    new = {(row, column): text for row, text in wanted.items()}
    if new == ours:
        return {}
    texts = dict.fromkeys(ours, "")
    if rows := [row for row, c in ours | new if c == column]:
        # Blank cells between: one block is one call.
        texts |= {(row, column): "" for row in range(min(rows), max(rows) + 1)}
    return texts | new


# A text runs over as many empty columns; another text beside it would cut it off.
_ROOM = 4


def _free_column(first: int, taken: set[int]) -> int:
    """The first column from here on that is free and has free ones behind it."""
    column = first
    while near := [c for c in taken if column <= c <= column + _ROOM]:
        column = max(near) + 1
    return column
