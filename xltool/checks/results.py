"""What the check of one file comes to:
the one shape that every report, journal, ledger and worker passes on.

Decided here, once: the verdict, how many findings count, what stands open. Amounts are strings of
exact decimals in the edition's unit; absent ones are None. As JSON a result has these names as
keys; `schema/report.schema.json` says it all for other programs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from xltool.checks.answers import stale
from xltool.checks.cross_totals import Balance, Side, balance, lines
from xltool.checks.engine import edition_of
from xltool.checks.residual import Term
from xltool.editions.declaration import Edition
from xltool.model import Filing, Finding, FindingState, Form, Severity, finding_state
from xltool.money import plain

# The verdict of a whole file, worst first.
VERDICTS = {"error": "有错误", "query": "待核实", "pass": "通过"}
# The sides of the cross-total with their names, in the order of the form.
SIDES = {"revenue": "收入侧", "spending": "支出侧"}

# What is counted apart from the severities, by the state of the finding.
_COUNTED_APART = {FindingState.TRIAL: "trial", FindingState.EXPLAINED: "explained"}


class Counts(Struct, frozen=True):
    """How many findings count, by severity; explained queries and trial rules apart."""

    error: int = 0
    query: int = 0
    note: int = 0
    explained: int = 0
    trial: int = 0


class FindingResult(Struct, frozen=True):
    """One finding as texts: where it is, what it says, what its unit said to it."""

    code: str = ""
    severity: str = ""
    message: str = ""
    sheet: str = ""
    cell: str = ""
    field: str = ""
    found: str = ""
    expected: str = ""
    review: str = ""
    explanation: str = ""
    trial: bool = False

    @property
    def state(self) -> FindingState:
        """What is still to be done about it."""
        return finding_state(self.severity, self.explanation, self.trial)

    @property
    def label(self) -> str:
        """错误, 核实 or 提示."""
        return Severity(self.severity).label


class TermResult(Struct, frozen=True):
    """One figure of a side: its field, printed label, amount and cell;
    `adjust`: the non-tax item."""

    field: str
    label: str
    amount: str | None
    cell: str
    adjust: bool


class SideResult(Struct, frozen=True):
    """One side of the cross-total:
    its total, what it should be the sum of, the difference and why."""

    total: TermResult
    terms: tuple[TermResult, ...]
    sum: str
    residual: str | None
    closes: bool
    adjusted: bool
    causes: tuple[str, ...]


class BalanceResult(Struct, frozen=True):
    """Both sides, as far as the edition has them; `lines` say it as sums."""

    unit: str
    verdict: str
    lines: tuple[str, ...]
    revenue: SideResult | UnsetType = UNSET
    spending: SideResult | UnsetType = UNSET

    @property
    def sides(self) -> Iterator[tuple[str, SideResult]]:
        """Each side with its name, 收入侧 first."""
        for id_, name in SIDES.items():
            side = getattr(self, id_)
            if side is not UNSET:
                yield name, side


class StaleExplanation(Struct, frozen=True):
    """A written explanation whose finding is gone."""

    finding: str
    explanation: str


class ProjectResult(Struct, frozen=True):
    """A project form and what it spends in the year."""

    sheet: str
    name: str
    budget: str


class CheckResult(Struct, frozen=True):
    """Everything found in one file. `indicators` are rows of texts by column: sheet, form, project,
    level1, level2, cell, then the edition's own columns."""

    file: str
    unit: str
    code: str
    year: int | None
    edition: str
    verdict: str
    balance: BalanceResult | None
    counts: Counts
    findings: tuple[FindingResult, ...]
    stale: tuple[StaleExplanation, ...] = ()
    projects: tuple[ProjectResult, ...] = ()
    indicators: tuple[dict[str, str], ...] = ()

    @property
    def sides(self) -> list[tuple[str, SideResult]]:
        """The sides of the balance with their names; none without a department form."""
        return list(self.balance.sides) if self.balance else []

    @property
    def total(self) -> str | None:
        """The department form's total, as written on its first side."""
        return next((side.total.amount for _, side in self.sides), None)


def check_result(
    filing: Filing,
    findings: Sequence[Finding],
    edition: Edition | None = None,
    sums: Balance | None = None,
) -> CheckResult:
    """A filing and its findings as one result.
    `sums` is its balance where that is known already."""
    edition = edition or edition_of(filing)
    if filing.department is None:
        sums = None
    elif sums is None:
        sums = balance(filing, edition)
    return CheckResult(
        file=filing.source,
        unit=filing.unit,
        code=filing.code,
        year=filing.year,
        edition=filing.edition,
        verdict=verdict(findings),
        balance=balance_result(sums) if sums else None,
        counts=counts(findings),
        findings=tuple(map(finding_result, findings)),
        stale=tuple(StaleExplanation(key, filing.answers[key]) for key in stale(filing, findings)),
        projects=tuple(_project(form, edition) for form in filing.projects),
        indicators=tuple(row for form in filing.forms for row in _indicators(form, edition)),
    )


def whole_results(
    results: Sequence[CheckResult | dict[str, Any]], failed: Sequence[tuple[str, str]] = ()
) -> dict[str, Any]:
    """The results of a run (or the JSON of some) as one JSON; `failed` are (file, reason) of what
    could not be read at all."""
    lost = [{"file": file, "reason": reason} for file, reason in failed]
    return {"files": msgspec.to_builtins(list(results)), **({"failed": lost} if lost else {})}


def with_findings(result: CheckResult, findings: Sequence[FindingResult]) -> CheckResult:
    """A result with other findings; what counts, and the verdict, follow from them."""
    return replace(
        result, findings=tuple(findings), counts=counts(findings), verdict=verdict(findings)
    )


def verdict(findings: Iterable[Finding | FindingResult]) -> str:
    """`error`, `query` or `pass`: the worst that is still open."""
    still_open = {finding.severity for finding in findings if finding.state is FindingState.OPEN}
    if Severity.ERROR in still_open:
        return "error"
    return "query" if Severity.QUERY in still_open else "pass"


def counts(findings: Iterable[Finding | FindingResult]) -> Counts:
    """How many findings count."""
    counted = Counter(
        _COUNTED_APART.get(finding.state, str(finding.severity)) for finding in findings
    )
    return Counts(**counted)


def finding_result(f: Finding) -> FindingResult:
    """A finding as texts."""
    return FindingResult(
        f.code, f.severity.value, f.message, f.sheet, f.cell, f.field, f.found, f.expected, f.review,
        f.explanation, f.trial,
    )  # fmt: skip


def balance_result(sums: Balance) -> BalanceResult:
    """A cross-total as texts."""
    sides = {side.side: _side(side) for side in sums.sides}
    return BalanceResult(
        sums.unit,
        sums.verdict.value,
        tuple(lines(sums)),
        sides.get("revenue", UNSET),
        sides.get("spending", UNSET),
    )


def _side(side: Side) -> SideResult:
    return SideResult(
        total=_term(side.total),
        terms=tuple(map(_term, side.terms)),
        sum=plain(side.sum),
        residual=None if side.residual is None else plain(side.residual),
        closes=side.closes,
        adjusted=side.adjusted,
        causes=tuple(cause.text for cause in side.causes),
    )


def _term(term: Term) -> TermResult:
    amount = None if term.amount is None else plain(term.amount)
    return TermResult(
        term.field, term.label, amount, term.place.cell if term.place else "", term.adjust
    )


def _project(form: Form, edition: Edition) -> ProjectResult:
    parts = [form.amount(part) for part in edition.project.budget.parts]
    budget = plain(sum((part for part in parts if part is not None), Decimal(0)))
    return ProjectResult(form.sheet, form.text("project").strip(), budget)


def _indicators(form: Form, edition: Edition) -> Iterator[dict[str, str]]:
    blocks = {block.id: block for block in edition[form.kind].indicators.block}
    project = form.text("project").strip() if form.kind == "project" else ""
    for row in form.indicators:
        yield {
            "sheet": form.sheet,
            "form": form.kind,
            "project": project,
            "level1": blocks[row.block].level1,
            "level2": blocks[row.block].label,
            "cell": row.name.place.cell if row.name.place else "",
            **{column: entry.text for column, entry in row.cells.items()},
        }
