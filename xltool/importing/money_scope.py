"""The unit of money that a form states, wherever it states it:
in a heading, at a label, on a line of its own.

A factor of 10,000 hangs on it, so two units that disagree are said, and an amount whose unit is
stated nowhere is taken only where it could be one.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from xltool.files.table_habits import folded
from xltool.importing.labels import label_key, lone_unit, money_unit
from xltool.importing.rows import FormCell, FormRow
from xltool.money import UNITS, plain, read_amount, tidy

_YUAN = {**UNITS, "千元": Decimal(1000)}
_HEADING = 30  # characters of a heading that may state a unit in brackets
_OWN_UNIT = re.compile(r"[元万亿]\s*$")
# A year's budget of a unit or a project, in 元: what lies outside was surely meant in another unit.
_LEAST, _MOST = Decimal(1_000), Decimal(10_000_000_000)


class MoneyScope:
    """The units that one form states: `near` the last one passed, `stated` all of them."""

    def __init__(self, unit: str, inherited: str = "") -> None:
        self.unit = unit  # the edition's
        self.near = inherited
        self.stated: dict[str, None] = {inherited: None} if inherited else {}

    def passed(self, unit: str) -> None:
        """A unit stated at this point of the form: it holds from here on."""
        if unit:
            self.near = unit
            self.stated[unit] = None

    def taken_out(self, row: FormRow) -> FormRow:
        """A row outside the indicator table, with the units that it states taken out of its texts.

        A cell that states a unit keeps the rest of its text;
        a label keeps the unit in its brackets.
        """
        alone = len(row.filled) == 1
        cells = []
        for cell in row.cells:
            unit, rest = money_unit(cell.text)
            if not unit and (alone or "(" in folded(cell.text)):
                unit, rest = lone_unit(cell.text), ""
            if unit:
                cell = FormCell(rest, cell.column, cell.place, cell.width, unit)
            elif len(cell.text) <= _HEADING:
                unit = label_key(cell.text)[1]
            if unit:
                self.stated[unit] = None
            cells.append(cell)
        return replace(row, cells=tuple(cells))

    def amount(self, text: str, own: str = "") -> tuple[Decimal, str, bool] | str:
        """(amount in the edition's unit, note, sure) of what stands in a cell, or why it is none.

        `own` is the unit printed at the amount's label.
        """
        if _OWN_UNIT.search(text):
            amount = read_amount(text, self.unit)
            return "不是能认出的金额" if amount is None else (amount.value, "", True)
        amount = read_amount(text, self.unit)
        if amount is None:
            return "不是能认出的金额"
        units = list(self.stated)
        unit = own or self.near or (units[0] if len(units) == 1 else "")
        if not unit and units:
            return f"表上写了几种金额单位（{'、'.join(units)}），分不清用哪一种"
        if not unit:
            return self._unstated(amount.value)
        value = tidy(amount.value * _YUAN[unit] / _YUAN[self.unit])
        note = ""
        if value != amount.value:
            note = f"原文单位{unit}，折合{plain(value)}{self.unit}"
        if not own and len(units) > 1:
            note = f"表上写了几种金额单位（{'、'.join(units)}），按最近的“{unit}”" + (
                f"，折合{plain(value)}{self.unit}" if value != amount.value else ""
            )
            return value, note, False
        return value, note, True

    def _unstated(self, value: Decimal) -> tuple[Decimal, str, bool] | str:
        if value and not _LEAST <= abs(value * _YUAN[self.unit]) <= _MOST:
            return f"表上没有写明金额单位，按{self.unit}不像"
        return value, f"表上没有写明金额单位，按{self.unit}", False
