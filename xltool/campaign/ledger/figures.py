"""What the roll-up needs of a filing: exact amounts as text, projects, indicators by category."""

from __future__ import annotations

import hashlib
from collections import Counter
from decimal import Decimal
from typing import Any

import msgspec

from xltool.checks.cross_totals import Balance, Side, balance, project_budget
from xltool.editions.declaration import Edition
from xltool.model import Filing, Form
from xltool.money import plain


class ProjectFigures(msgspec.Struct, frozen=True):
    """One project: its name and its amounts by field id, in the edition's unit."""

    name: str
    amounts: dict[str, str]
    budget: str


class Figures(msgspec.Struct, frozen=True):
    """One filing in figures. `uncounted` are adjusting amounts that a side closes without, by side;
    `content` is the digest of all its answers.
    """

    amounts: dict[str, str]
    uncounted: dict[str, str]
    verdict: str
    projects: list[ProjectFigures]
    indicators: dict[str, int]
    content: str = ""


def content_of(filing: Filing) -> str:
    """What is answered, in short:
    two files with the same answers have the same one, however saved."""
    answers = [_answers_of(form) for form in filing.forms]
    return hashlib.sha256(repr(answers).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _answers_of(form: Form) -> tuple[str, list[Any], list[Any]]:
    said = ((id_, entry.said) for id_, entry in sorted(form.entries.items()))
    fields = [(id_, text) for id_, text in said if text and not text.isspace()]
    indicators = []
    for row in form.indicators:
        cells = [(id_, entry.text) for id_, entry in sorted(row.cells.items())]
        indicators.append((row.block, cells))
    return form.kind, fields, indicators


def _uncounted(side: Side) -> str | None:
    """What a side filled in and does not count, where it closes without;
    None where there is nothing."""
    apart = [term for term in side.terms if term.adjust]
    if not side.closes or side.adjusted or not any(term.filled for term in apart):
        return None
    return plain(sum((term.worth for term in apart), Decimal(0)))


def figures_of(filing: Filing, edition: Edition, sums: Balance | None = None) -> Figures:
    """The figures of a filing; amounts that are blank or unreadable are not there.

    `sums` is its balance, where that is known already.
    """
    if filing.department is None:
        return Figures({}, {}, "", [], {})
    amounts = {
        field.id: plain(amount)
        for field in edition.department.field
        if field.kind == "amount" and (amount := filing.department.amount(field.id)) is not None
    }
    sums = sums or balance(filing, edition)
    uncounted: dict[str, str] = {}
    for side in sums.sides:
        apart = _uncounted(side)
        if apart is not None:
            uncounted[side.side] = apart
    projects = []
    for form in filing.projects:
        own = {
            field.id: plain(amount)
            for field in edition.project.field
            if field.kind == "amount" and (amount := form.amount(field.id)) is not None
        }
        budget = project_budget(form, edition) or Decimal(0)
        projects.append(ProjectFigures(form.text("project").strip(), own, plain(budget)))
    counted = Counter(
        f"{form.kind}.{row.block}" for form in filing.forms for row in form.indicators
    )
    return Figures(
        amounts,
        uncounted,
        sums.verdict.value,
        projects,
        dict(sorted(counted.items())),
        content_of(filing),
    )
