"""One file's result as plain data: the one shape that every report, journal and worker passes on.

    {"file", "unit", "code", "year", "edition", "verdict",
     "balance": {"unit", "verdict", "lines", "revenue": SIDE, "spending": SIDE} or null,
     "counts": {"error", "query", "note", "explained", "trial"},
     "findings": [FINDING], "stale": [{"finding", "explanation"}], "projects": [{"sheet", "name", "budget"}],
     "indicators": [{"sheet", "form", "project", "level1", "level2", "cell", <column id>: text}]}

Amounts are strings of exact decimals in the edition's unit; absent ones are null. `stale` are written
explanations whose finding is gone. `schema/report.schema.json` says it all for other programs.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from xltool.checks.cross_totals import Balance, Side, balance, lines
from xltool.checks.engine import edition_of, stale
from xltool.checks.residual import Term
from xltool.checks.results import counts, verdict
from xltool.editions.declaration import Edition
from xltool.model import Filing, Finding, Form
from xltool.money import plain

Record = dict[str, Any]


def record(filing: Filing, findings: Sequence[Finding], edition: Edition | None = None) -> Record:
    """A filing and its findings as one record."""
    edition = edition or edition_of(filing)
    sums = balance(filing, edition) if filing.department is not None else None
    return {
        "file": filing.source,
        "unit": filing.unit,
        "code": filing.code,
        "year": filing.year,
        "edition": filing.edition,
        "verdict": verdict(findings),
        "balance": balance_record(sums) if sums else None,
        "counts": counts(findings),
        "findings": [finding_record(f) for f in findings],
        "stale": [
            {"finding": key, "explanation": filing.answers[key]} for key in stale(filing, findings)
        ],
        "projects": [_project(form, edition) for form in filing.projects],
        "indicators": [row for form in filing.forms for row in _indicators(form, edition)],
    }


def whole_results(
    results: Sequence[Record], failed: Sequence[tuple[str, str]] = ()
) -> dict[str, list[Record]]:
    """The results of a run as one JSON; `failed` are (file, reason) of what could not be read at all."""
    lost = [{"file": file, "reason": reason} for file, reason in failed]
    return {"files": list(results), **({"failed": lost} if lost else {})}


def finding_record(f: Finding) -> Record:
    """A finding as plain data, by the names of its fields."""
    return {
        "code": f.code,
        "severity": f.severity.value,
        "message": f.message,
        "sheet": f.sheet,
        "cell": f.cell,
        "field": f.field,
        "found": f.found,
        "expected": f.expected,
        "review": f.review,
        "explanation": f.explanation,
        "trial": f.trial,
    }


def balance_record(sums: Balance) -> Record:
    return {
        "unit": sums.unit,
        "verdict": sums.verdict.value,
        "lines": lines(sums),
        **{side.side: _side(side) for side in sums.sides},
    }


def _side(side: Side) -> Record:
    return {
        "total": _term(side.total),
        "terms": [_term(term) for term in side.terms],
        "sum": plain(side.sum),
        "residual": None if side.residual is None else plain(side.residual),
        "closes": side.closes,
        "adjusted": side.adjusted,
        "causes": [cause.text for cause in side.causes],
    }


def _term(term: Term) -> Record:
    return {
        "field": term.field,
        "label": term.label,
        "amount": None if term.amount is None else plain(term.amount),
        "cell": term.place.cell if term.place else "",
        "adjust": term.adjust,
    }


def _project(form: Form, edition: Edition) -> Record:
    parts = [form.amount(part) for part in edition.project.budget.parts]
    return {
        "sheet": form.sheet,
        "name": form.text("project").strip(),
        "budget": plain(sum((p for p in parts if p is not None), Decimal(0))),
    }


def _indicators(form: Form, edition: Edition) -> list[Record]:
    blocks = {b.id: b for b in edition[form.kind].indicators.block}
    return [
        {
            "sheet": form.sheet,
            "form": form.kind,
            "project": form.text("project").strip() if form.kind == "project" else "",
            "level1": blocks[one.block].level1,
            "level2": blocks[one.block].label,
            "cell": one.name.place.cell if one.name.place else "",
            **{column: entry.text for column, entry in one.cells.items()},
        }
        for one in form.indicators
    ]
