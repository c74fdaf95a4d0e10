"""The filings of `tests/data/fresh/`: forty clean ones, and faults to plant in them, a line each.

`clean.txt`: `@ unit｜year｜basic` opens a filing, `＋ project｜own｜upper｜period` a project form; 职能,
目标, 长期 and 本年 are its texts; every other line is `category name＝value｜standard`.
"""

from __future__ import annotations

import functools
from decimal import Decimal
from typing import Any

from msgspec import Struct

from tests.support.case import filing_of
from tests.support.paths import DATA
from xltool.model import Filing

FOLDER = DATA / "fresh"
BLOCKS = dict(
    zip(
        "量质时本经社生续满",
        [
            "quantity",
            "quality",
            "time",
            "cost",
            "economic",
            "social",
            "ecological",
            "sustainable",
            "satisfaction",
        ],
        strict=True,
    )
)
_TEXTS = {"职能": "duties", "目标": "goal", "长期": "period_goal", "本年": "annual_goal"}
_FORMS = {"部": "department", "项": "project"}


class Planted(Struct, frozen=True):
    """One fault: where it goes, what it says, which rules may find it (any of them), and why."""

    unit: str
    form: str
    field: str
    name: str
    value: str
    standard: str
    codes: tuple[str, ...]
    why: str


def _lines(file: str) -> list[str]:
    lines = (FOLDER / file).read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@functools.cache
def clean_forms() -> dict[str, dict[str, dict[str, Any]]]:
    """Unit → its two forms, each field id → answer and category id → rows."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    form: dict[str, Any] = {}
    for line in _lines("clean.txt"):
        mark, _, rest = line.partition(" ")
        if mark == "@":
            unit, year, basic = rest.split("｜")
            form = {"year": year, "filer": unit, "unit": unit, "basic": basic}
            found[unit] = {"department": form}
        elif mark == "＋":
            department = form
            project, own, upper, period = rest.split("｜")
            spent = Decimal(own) + Decimal(upper or 0)
            total = str(Decimal(department["basic"]) + spent)
            department |= {"total": total, "general": total, "project_spending": str(spent)}
            same = {key: department[key] for key in ("year", "filer", "unit")}
            form = {"project": project, "own_budget": own, "upper_budget": upper} | same
            form["period"] = period
            found[form["unit"]]["project"] = form
        elif mark in _TEXTS:
            form[_TEXTS[mark]] = rest
        else:
            name, _, said = rest.partition("＝")
            value, _, standard = said.partition("｜")
            row = [name, value, standard] if "project" in form else [name, value]
            form.setdefault(BLOCKS[mark], []).append(row)
    return found


def fresh_filing(unit: str) -> Filing:
    """One of the clean filings."""
    return _filing(clean_forms()[unit])


def _filing(forms: dict[str, dict[str, Any]]) -> Filing:
    base = {"edition": "hunan-2023", "code": "", "source": "", "department": {}, "project": {}}
    return filing_of(forms, base)


@functools.cache
def planted() -> tuple[Planted, ...]:
    return tuple(
        Planted(*line[:6], tuple(line[6].split("/")), line[7])
        for line in (text.split("｜") for text in _lines("planted.txt"))
    )


def plant(fault: Planted) -> Filing:
    """The clean filing with this fault: one row more, or another answer in a field."""
    forms = {name: dict(form) for name, form in clean_forms()[fault.unit].items()}
    form = forms[_FORMS[fault.form]]
    value = fault.value.replace("⏎", "\n")
    if fault.name == "＝":
        form[fault.field] = value
    else:
        row = [fault.name, value, fault.standard][: 3 if "project" in form else 2]
        block = BLOCKS[fault.field]
        form[block] = [*form.get(block, []), row]
    return _filing(forms)
