"""What a conditional format may make of a cell. Only conditions on a constant are reckoned here;
any other may hold."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from xltool.money import stored_number
from xltool.xlsx.grid import Cell, Mask, Sheet, Test
from xltool.xlsx.ink import hidden
from xltool.xlsx.number_format import amount_shown, as_shown, text_shown


class Masked(NamedTuple):
    """How a cell may be shown: the text ("" where nobody sees it), and what to say of it."""

    shown: str
    detail: str


def unseen_in(sheet: Sheet, at: tuple[int, int], unit: str = "万元") -> str:
    """What to say of a cell that nobody sees as it is stored; empty where it is seen.

    A zero that is hidden says no more than a blank.
    """
    cell = sheet[at]
    if cell.number and stored_number(cell.text) == 0:
        return ""
    if not cell.unseen and sheet.conditional and (seen := masked(sheet, at, cell, unit)):
        return seen.detail
    return cell.unseen


def masked(sheet: Sheet, at: tuple[int, int], cell: Cell, unit: str = "万元") -> Masked | None:
    """What the first conditional format that hides this cell or changes its text makes of it."""
    row, column = at
    if not cell.text.strip():
        return None
    for area, mask in sheet.conditional:
        if not (area.top <= row <= area.bottom and area.left <= column <= area.right):
            continue
        if not _may_hold(mask.test, cell):
            continue
        if mask.why:
            return Masked("", f"条件格式会使{hidden(cell.text, mask.why)}")
        if mask.code is not None and (seen := _shown_by(mask, cell, unit)) is not None:
            return Masked(seen, f"条件格式会把单元格显示为“{seen}”，存的是“{cell.text}”")
    return None


def _shown_by(mask: Mask, cell: Cell, unit: str) -> str | None:
    """What a number format makes of a cell; None where it says the same."""
    code = mask.code or ""
    stored = stored_number(cell.text) if cell.number else None
    if stored is None:
        seen = text_shown(cell.text, code)
        return None if seen == cell.text else seen
    shown = amount_shown(stored, code, unit)
    if shown.same or as_shown(cell.text, code) == as_shown(cell.text, cell.format):
        return None
    return shown.text


_NEVER = ("containsBlanks", "containsErrors")  # of a cell with an answer


def _may_hold(test: Test, cell: Cell) -> bool:
    if test.kind in _NEVER:
        return False
    # To a spreadsheet every text is greater than any number.
    number = stored_number(cell.text) if cell.number else Decimal("Infinity")
    limits = [limit for formula in test.formulas if (limit := stored_number(formula)) is not None]
    if test.kind != "cellIs" or number is None or len(limits) != len(test.formulas):
        return True
    return _holds(test.operator, number, limits)


def _holds(operator: str, number: Decimal, limits: list[Decimal]) -> bool:
    low, high = (min(limits), max(limits)) if limits else (number, number)
    return {
        "equal": number == low,
        "notEqual": number != low,
        "lessThan": number < low,
        "lessThanOrEqual": number <= low,
        "greaterThan": number > low,
        "greaterThanOrEqual": number >= low,
        "between": low <= number <= high,
        "notBetween": not low <= number <= high,
    }.get(operator, True)
