"""T311: a whole form in 元 where it should be in 万元; its sums close all the same."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from xltool.checks.cross_totals import Side, project_budget
from xltool.checks.engine import Hit, Review, rule
from xltool.checks.residual import Term
from xltool.checks.rules._rows import ceilings
from xltool.model import Form, Severity
from xltool.money import convert, read_as_yuan, show

FORM = "申报表的格式：金额单位和小数位数"
# Ten thousand times as much, give or take what a budget changes in a year.
_AS_YUAN = (Decimal(2000), Decimal(50_000))
# No unit of a county has a budget of ten thousand million 元.
_BEYOND_A_UNIT = Decimal(10) ** 10
# From so much on a total is held against what its own indicators cost.
_LARGE = Decimal(10) ** 9
# What is smaller than so is no cost of this budget, if the budget is what it says.
_SMALL = Decimal(2000)


@rule("T311", "像是整张表按元填写", Severity.QUERY, review="适当性", source=FORM)
def whole_form_in_yuan(review: Review) -> Iterator[Hit]:
    """表上各项都平衡，金额却像是按元填进了万元表：与别处写着的金额比。

    有上年的，与上年比（上万倍）；没有的，看成本指标（正好一万分之一，其余的成本也都小得多），再看是否超过一百亿元。
    不平衡的，看是不是个别几项（例如预填的）按万元、其余按元。

    错：上年 3173.17 万元，今年填 31731700；项目预算填 9000000，成本指标写 900 万元。
    对：3173.17。
    """
    edition = review.edition
    if edition.unit == "元" or review.filing.department is None or not review.balance.sides:
        return
    total = review.balance.sides[0].total
    if not total.amount or total.amount < 0:
        return
    if not all(side.closes for side in review.balance.sides):
        reason = _partly(review.balance.sides, total)
    else:
        reason = _beside_others(review, total)
    if reason:
        smaller = show(convert(total.amount, "元", edition.unit))
        asked = (
            f"若是按元填的，应填 {smaller}（单位：{edition.unit}），其余各项一样；没有填错请说明"
        )
        yield Hit(f"{reason}。{asked}", total.place, total.field, total.text, smaller)


def _beside_others(review: Review, total: Term) -> str:
    """Why a total whose sums close is likely in 元; empty where nothing says so."""
    assert total.amount is not None
    unit = review.edition.unit
    before = _total_before(review, total.field)
    if before:
        if not _AS_YUAN[0] <= total.amount / before <= _AS_YUAN[1]:
            return ""
        times = f"{total.amount / before:.0f} 倍"
        return f"资金总额 {show(total.amount)} 是上年 {show(before)} 的 {times}"
    in_yuan = convert(total.amount, unit, "元")
    if in_yuan >= _LARGE and (cost := _cost_in_unit(review, total.amount)):
        return f"资金总额 {show(total.amount)} {unit}，{cost}"
    if in_yuan >= _BEYOND_A_UNIT:
        return f"资金总额 {show(total.amount)} {unit}超过一百亿元，不像一个单位的预算"
    return ""


def _total_before(review: Review, field: str) -> Decimal | None:
    last = review.last_year.department if review.last_year else None
    return last.amount(field) if last else None


def _cost_in_unit(review: Review, total: Decimal) -> str:
    """A cost that is exactly a ten-thousandth of an amount,
    where no cost fits the amounts as they are."""
    reason = ""
    for form in review.filing.forms:
        costs = [amount for _, amount, _ in ceilings(review, form)]
        if any(cost * _SMALL > total for cost in costs):
            return ""
        witnesses = {*costs, sum(costs, Decimal(0))}
        for label, amount in _amounts(review, form):
            if not reason and (meant := read_as_yuan(amount)) in witnesses:
                reason = f"{label} {show(amount)}，成本指标却是 {show(meant)}"
    return reason


def _amounts(review: Review, form: Form) -> Iterator[tuple[str, Decimal]]:
    """The amounts on a form that are not nothing, and of a project its whole budget."""
    for field in review.spec(form).field:
        amount = form.amount(field.id)
        if amount:
            yield f"“{field.label}”", amount
    if form.kind == "project" and (budget := project_budget(form, review.edition)):
        yield "项目预算", budget


def _partly(sides: tuple[Side, ...], total: Term) -> str:
    """Which amounts are in 万元, if with all others in 元 every side closes to the last digit."""
    assert total.amount is not None
    terms = {
        term.field: term for side in sides for term in (side.total, *side.terms) if term.amount
    }
    kept = {field for field, t in terms.items() if abs(t.worth) * 1000 < total.amount}
    if not 0 < len(kept) < len(terms) - len(kept):
        return ""

    def meant(term: Term) -> Decimal:
        return term.worth if term.field in kept else read_as_yuan(term.worth)

    for side in sides:
        plain = sum((meant(term) for term in side.terms if not term.adjust), Decimal(0))
        adjusted = plain + sum((meant(term) for term in side.terms if term.adjust), Decimal(0))
        if meant(side.total) not in (plain, adjusted):
            return ""
    kept_amounts = "、".join(
        f"“{terms[field].label}”{show(terms[field].worth)}" for field in sorted(kept)
    )
    return f"{kept_amounts} 是万元，其余各项像是按元填的"
