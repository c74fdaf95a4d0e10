"""T311 once more, when all of a batch is judged: totals that only 元 in a form of 万元 can explain.

A total that is more than thrice all the smaller ones together, while a ten-thousandth of it lies
among them, is asked about. It is added to results that were made already: a rule sees one filing
only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from xltool.checks.engine import rules
from xltool.checks.results import CheckResult, finding_result, with_findings
from xltool.checks.settings import Settings
from xltool.editions.declaration import EditionError, load_edition
from xltool.model import Finding, Severity
from xltool.money import read_as_yuan, show

CODE = "T311"


class Weight(NamedTuple):
    """How much the question weighs, and whether it is only on trial."""

    severity: Severity = Severity.QUERY
    trial: bool = False


AS_USUAL = Weight()


def weight_of(settings: Settings) -> Weight:
    """As the rule says, or the settings."""
    return Weight(settings.severity.get(CODE) or rules()[CODE].severity, CODE in settings.trial)


_LARGE = Decimal(100_000)  # 万元: nobody asks about a smaller total
_LEAST_OTHERS = 5


class _FileOf(Struct):
    """Of a result whose it is."""

    file: str


_file_of = msgspec.json.Decoder(_FileOf).decode
_whole = msgspec.json.Decoder(CheckResult).decode


def asked(
    records: Iterable[bytes], questions: Mapping[str, str], weight: Weight = AS_USUAL
) -> Iterator[CheckResult | bytes]:
    """The results, with the questions that are asked of some."""
    for record in records:
        if questions and (question := questions.get(_file_of(record).file)):
            yield with_question(_whole(record), question, weight)
        else:
            yield record


def totals_in(results: Iterable[CheckResult]) -> dict[str, Decimal]:
    """File → total, of the forms in 万元 whose sides close, and of which nothing was asked."""
    return {
        result.file: total for result in results if (total := _closing_total(result)) is not None
    }


def outsized(totals: Mapping[str, Decimal]) -> dict[str, str]:
    """File → what to ask of its total, of those that do not fit beside the others of the batch."""
    ordered = sorted(totals.values())
    below = sum(ordered, Decimal(0))
    limit = Decimal(0)
    # From the largest on: the group above a gap that no sum of smaller ones bridges.
    for place in range(len(ordered) - 1, _LEAST_OTHERS - 1, -1):
        below -= ordered[place]
        total, next_below = ordered[place], ordered[place - 1]
        fits = ordered[0] <= read_as_yuan(total) and read_as_yuan(ordered[-1]) <= next_below
        if total >= _LARGE and total > 3 * below and fits:
            limit = total
            break
    if not limit:
        return {}
    others = [total for total in ordered if total < limit]
    beside = f"本批其余 {len(others)} 份在 {show(others[0])} 到 {show(others[-1])} 之间"
    return {file: _question(total, beside) for file, total in totals.items() if total >= limit}


def _closing_total(result: CheckResult) -> Decimal | None:
    if result.balance is None or result.balance.unit != "万元":
        return None
    sides = [side for _, side in result.balance.sides]
    total = sides[0].total.amount if sides else None
    if total is None or not all(side.closes for side in sides):
        return None
    already_asked = any(finding.code == CODE for finding in result.findings)
    return None if already_asked or Decimal(total) <= 0 else Decimal(total)


def _question(total: Decimal, beside: str) -> str:
    return (
        f"资金总额 {show(total)} 万元，{beside}，它的一万分之一倒与它们相当。"
        f"若是按元填的，应填 {show(read_as_yuan(total))}（单位：万元），其余各项一样；没有填错请说明"
    )


def with_question(result: CheckResult, question: str, weight: Weight = AS_USUAL) -> CheckResult:
    """A result with one more query (or what the settings make of it); what its unit wrote to it
    before is its explanation."""
    total = next(side.total for _, side in result.sides)
    try:
        sheet = load_edition(result.edition).department.sheet
    except EditionError:
        sheet = ""
    asking = Finding(
        CODE,
        weight.severity,
        question,
        sheet=sheet,
        cell=total.cell,
        field=total.field,
        found=total.amount or "",
        review=rules()[CODE].review,
        trial=weight.trial,
    )
    # Only a query can be explained away.
    explained = result.stale if weight.severity is Severity.QUERY else ()
    explanation = next((one.explanation for one in explained if one.finding == asking.key), "")
    question_result = finding_result(replace(asking, explanation=explanation))
    stale = tuple(one for one in result.stale if one.finding != asking.key)
    return with_findings(replace(result, stale=stale), [*result.findings, question_result])
