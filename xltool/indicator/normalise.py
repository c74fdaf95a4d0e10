"""The normal form of the values in a filing: what is written and what it would be."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from xltool.indicator.parse import parse_target
from xltool.indicator.value import Target
from xltool.model import NOTHING, Entry, Filing, Form, Indicator, Place

COLUMNS = ("target", "standard")


class Change(Struct, frozen=True):
    """One cell: the indicator's name, what stands there, and its normal form."""

    name: str
    was: str
    becomes: str
    place: Place | None


def normal_text(text: str) -> str | None:
    """The normal form of a value where it is a number and written otherwise; else None.

    `15家以上` becomes `≥15家`, `≥98百分比` becomes `≥98%`. Dates, grades and words stay as they are,
    and so does everything that can't be read. Several values in a cell become one a line.
    """
    target = parse_target(text)
    if target.parts:
        becomes = "\n".join(_one(part) for part in target.parts)
        return becomes if becomes.split() != text.split() else None
    return target.normal if target.measured and target.normal != text.strip() else None


def _one(target: Target) -> str:
    """One line of a stuffed cell; a line may itself hold a list (1万、2万、3万)."""
    if target.parts:
        return "、".join(_one(part) for part in target.parts)
    return target.normal if target.measured else target.text.strip()


def changes(filing: Filing) -> Iterator[Change]:
    """Every value and standard of the filing that is not in its normal form.

    Where a form splits the value into sign, number and unit there is nothing to change.
    """
    for form in filing.forms:
        for indicator in form.indicators:
            for column in COLUMNS:
                entry = indicator.cells.get(column, NOTHING)
                if (
                    isinstance(entry.value, str)
                    and (becomes := normal_text(entry.value)) is not None
                ):
                    yield Change(str(indicator.name.value or ""), entry.value, becomes, entry.place)


def normalised(filing: Filing) -> Filing:
    """The same filing with every value in its normal form."""
    return replace(
        filing,
        department=None if filing.department is None else _form(filing.department),
        projects=tuple(_form(form) for form in filing.projects),
    )


def _form(form: Form) -> Form:
    return replace(form, indicators=tuple(_row(indicator) for indicator in form.indicators))


def _row(indicator: Indicator) -> Indicator:
    return replace(
        indicator,
        cells={column: _entry(column, entry) for column, entry in indicator.cells.items()},
    )


def _entry(column: str, entry: Entry) -> Entry:
    becomes = (
        normal_text(entry.value) if column in COLUMNS and isinstance(entry.value, str) else None
    )
    return entry if becomes is None else replace(entry, value=becomes, text=becomes)
