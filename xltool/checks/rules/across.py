"""X5xx: one form against another, and a project's indicators against its money."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from xltool.checks.cross_totals import PROJECT_SPENDING, project_budget, projects_budget
from xltool.checks.engine import Hit, Review, rule
from xltool.checks.residual import Term, rounding, slip
from xltool.checks.rules._rows import JudgedValue, ceilings, of_kind
from xltool.checks.rules._text import longer_than_a_year, on, quote
from xltool.files.table_habits import folded
from xltool.indicator.dates import read_period
from xltool.indicator.units import kin, read_unit
from xltool.model import Entry, FaultKind, Form, Severity
from xltool.money import UNITS, show, tidy

BETWEEN = "表间关系：部门表的项目支出与各项目表的当年预算"
# One so named is of the project from beginning to end.
OF_ALL_YEARS = ("总投资", "总造价", "总成本", "概算")


@rule(
    "X501",
    "项目表合计与部门项目支出不等",
    Severity.QUERY,
    review="适当性",
    source=BETWEEN,
    needs=("project_spending",),
)
def projects_covered(review: Review) -> Iterator[Hit]:
    """部门表的项目支出 = 各项目表（年度本级预算金额 + 上级资金）之和，或其中说明了的一部分。

    没有全部报项目表的要核实；各项目表合计超过部门项目支出的是错误。有金额读不出时不判断。

    错：部门项目支出 523.67，只报了一个 240.00 的项目，283.67 没有项目表。
    对：各项目表合计正好是部门的项目支出。
    """
    department = review.filing.department
    budgets = projects_budget(review.filing, review.edition)
    if department is None or budgets is None or department[PROJECT_SPENDING].unread:
        return
    spending = department.amount(PROJECT_SPENDING) or Decimal(0)
    terms = _project_terms(review)
    tolerance = rounding([*terms, Term("", "", spending)], review.edition.decimals)
    rest = spending - budgets
    if abs(rest) <= tolerance:
        return
    total = _sum_of(terms, budgets)
    unit = review.edition.unit
    if rest > 0:
        if slip(spending, budgets, unit):
            return
        message = (
            f"部门项目支出 {show(spending)}，各项目表的当年预算合计 {show(budgets)}（{total}），"
            f"还有 {show(rest)} {unit}没有项目表，请补报，或说明这部分是什么"
        )
    else:
        stated = "（空着）" if department[PROJECT_SPENDING].blank else f" {show(spending)}"
        message = (
            f"各项目表的当年预算合计 {show(budgets)}（{total}），"
            f"超过部门项目支出{stated}，多 {show(-rest)} {unit}{_by_slip(budgets, spending, unit)}，请改正"
        )
    yield review.hit(
        department[PROJECT_SPENDING],
        message,
        field=PROJECT_SPENDING,
        expected=show(budgets),
        severity=None if rest > 0 else Severity.ERROR,
    )


def _project_terms(review: Review) -> list[Term]:
    return [
        Term("", f"“{quote(form['project'])}”", project_budget(form, review.edition))
        for form in review.filing.projects
    ]


def _sum_of(terms: Sequence[Term], total: Decimal) -> str:
    """The terms as a sum; a single one says what it comes to itself."""
    addends = " + ".join(str(term) for term in terms)
    return f"{addends} = {show(total)}" if len(terms) > 1 else addends


def _by_slip(budgets: Decimal, spending: Decimal, unit: str) -> str:
    likely_slip = slip(budgets, spending, unit)
    return f"；各项目表的金额{likely_slip[1]}" if likely_slip else ""


@rule(
    "X502",
    "项目的成本指标超过预算",
    Severity.ERROR,
    review="适当性",
    source="表内关系：成本指标与项目的当年预算",
)
def costs_within_budget(review: Review) -> Iterator[Hit]:
    """一个项目以金额计的成本指标，单独一项或各部分之和，不能超过它当年的预算（年度本级预算金额 + 上级资金）。

    只加同一个整体的各部分：单价、每…、均…、其中、上半年、月均、节约、自筹、上年、控制数这些不加；“总成本”“全年支出”
    这样的总数单独比，不与它的各部分重复加。各部分都是“……费”时，超过是错误；不能肯定是不是各部分的，只核实。
    实施期长于一年的项目，成本可能是全周期的，也只核实；写明总投资、总造价、概算的不报。

    错：成本指标 3584 万元，预算 2565 万元；材料费 600 万元 + 人工费 520 万元，预算 1100 万元。
    对：200 万元 + 20 万元 ≤ 预算 240 万元；设备购置费 150 万元，单台价格 50 万元，预算 150 万元。
    """
    for form in review.filing.projects:
        costs = ceilings(review, form)
        budget = project_budget(form, review.edition)
        if budget is None or not costs:
            continue
        name, amount, entry = max(costs, key=lambda cost: cost[1])
        over = _over_budget(costs, budget)
        if over is None:
            continue
        reached, certain, cost_text = over
        unit = review.edition.unit
        long = longer_than_a_year(read_period(form.text("period")))
        if long and reached == amount and any(word in name for word in OF_ALL_YEARS):
            continue
        if long:
            advice = "请核实是不是全周期的成本"
        elif certain:
            advice = "请改正"
        else:
            advice = "请核实各项是不是同一笔预算的各部分"
        yield review.hit(
            entry,
            f"{cost_text}，超过项目的当年预算 {show(budget)} {unit}，多 {show(reached - budget)}，{advice}",
            field="cost.target",
            expected=f"不超过 {show(budget)} {unit}",
            severity=None if certain and not long else Severity.QUERY,
        )


def _over_budget(
    costs: Sequence[tuple[str, Decimal, Entry]], budget: Decimal
) -> tuple[Decimal, bool, str] | None:
    """What goes beyond the budget: the highest cost, or else all parts together; (how much, whether
    that is certain, in words)."""
    name, amount, _ = max(costs, key=lambda cost: cost[1])
    if amount > budget:
        return amount, True, f"成本指标“{name}”{show(amount)}"
    parts = [cost for cost in costs if not _WHOLE.search(cost[0])]
    summed = sum((part[1] for part in parts), start=Decimal(0))
    # Twice the highest: it is the whole under a name of its own, the others are its parts.
    if summed <= budget or summed == 2 * amount:
        return None
    addends = " + ".join(f"{part[0]} {show(part[1])}" for part in parts)
    return summed, _are_parts(parts), f"成本指标 {addends} = {show(summed)}"


# A cost indicator so named is the whole, not one more part.
_WHOLE = re.compile(
    "总|合计|共计|预算|^(?:本?项目|年度|全年|本年|当年|财政|专项|资金)*"
    "(?:成本|支出|费用|投入|投资|经费|资金)(?:控制|支出|投入|数|额)*$"
)


def _are_parts(costs: Sequence[tuple[str, Decimal, Entry]]) -> bool:
    """Every one is a fee of its own kind, none a kind of another: 材料费, 人工费."""
    names = [name for name, _, _ in costs]
    if not all(name.endswith("费") for name in names):
        return False
    pairs = itertools.combinations([name.removesuffix("费") for name in names], 2)
    return not any(first in second or second in first for first, second in pairs)


@rule(
    "X510",
    "单价乘数量超过预算",
    Severity.QUERY,
    review="适当性",
    source="表内关系：成本指标、数量指标与项目的当年预算",
)
def prices_within_budget(review: Review) -> Iterator[Hit]:
    """成本指标里的单价（800元/人、620万元/月）乘上数量，不能超过项目的当年预算。

    只在正好有一个数量指标的单位与单价相配时才乘；每月的乘实施期在本年的月数。

    错：补贴标准 800元/人，受训人员 ≥500人，合 40 万元，预算 30 万元。
    对：补贴标准 800元/人，受训人员 ≥300人，合 24 万元，预算 30 万元。
    """
    priced = [
        price
        for price in of_kind(review, "cost")
        if "/" in price.target.symbol and price.target.operator not in ("≥", ">")
    ]
    for form in review.filing.projects if priced else ():
        prices = [price for price in priced if price.form is form]
        budget = project_budget(form, review.edition)
        if budget is None or not prices:
            continue
        counted = [value for value in of_kind(review, "quantity") if value.form is form]
        for price in prices:
            product = _multiplied(price, counted)
            if product is None or sum(_same_price(price, other) for other in prices) > 1:
                continue
            total = tidy(product[0] / UNITS[review.edition.unit])
            if total > budget:
                unit = review.edition.unit
                yield price.hit(
                    f"乘{product[1]}，合 {show(total)} {unit}，"
                    f"超过项目的当年预算 {show(budget)} {unit}，多 {show(total - budget)}，请核对",
                    expected=f"不超过 {show(budget)} {unit}",
                )


def _same_price(price: JudgedValue, other: JudgedValue) -> bool:
    """Prices of the same kind of thing: the quantity may be of either."""
    first, second = price.target.measure, other.target.measure
    return first is not None and second is not None and first.base[:3] == second.base[:3]


def _multiplied(price: JudgedValue, counted: Sequence[JudgedValue]) -> tuple[Decimal, str] | None:
    """(yuan, by what) of a price and the one quantity that it is of;
    None where that is not sure."""
    unit, number = price.target.measure, price.target.number
    if unit is None or number is None or unit.kind != "per":
        return None
    money, *per = unit.base.split("/")
    if money != "元" or not per:
        return None
    total, by = number * unit.factor, list[str]()
    for part in per:
        if part == "年":
            continue
        factor = _months(price) if part in ("月", "个月") else _quantity_in(part, counted)
        thing = read_unit(part)
        # A cost of so much a ton may be borne by others too; aid is not.
        if thing is not None and thing.kind == "physical" and part not in ("月", "个月"):
            factor = factor if _AID.search(price.name) else None
        if factor is None:
            return None
        total, by = total * factor[0], [*by, factor[1]]
    return (total, "、".join(by)) if by else None


_AID = re.compile("补助|补贴|奖补|资助|标准")


def _months(value: JudgedValue) -> tuple[Decimal, str] | None:
    year = value.form.year
    period = read_period(value.form.text("period"), year)
    if period is None or year is None or year not in period.years:
        return None
    first = period.start.month if period.start.year == year else 1
    last = period.end.month if period.end.year == year else 12
    return Decimal(last - first + 1), f" {last - first + 1} 个月"


def _quantity_in(part: str, counted: Sequence[JudgedValue]) -> tuple[Decimal, str] | None:
    """The one quantity that is counted in this unit, or in one that may stand for it."""
    wanted = read_unit(part)
    base = part if wanted is None else wanted.base
    # 人次 counts the same people again and again.
    may_be = {base, *kin(part) - {"人次"}}
    fitting = [c for c in counted if (b := c.target.base) is not None and b[1] in may_be]
    if len(fitting) != 1 or fitting[0].target.operator in ("≤", "<"):
        return None
    quantity = fitting[0].target
    stated = quantity.base
    assert stated is not None
    factor = Decimal(1) if wanted is None else wanted.factor
    return stated[0] / factor, f"“{quote(fitting[0].name)}”{quantity.normal}"


@rule(
    "X504", "两张项目表同名", Severity.ERROR, review="完整性", source="申报表的格式：一个项目一张表"
)
def one_form_a_project(review: Review) -> Iterator[Hit]:
    """一个项目只有一张项目表，两张表的项目支出名称不能相同（空格、全角半角不计）。

    错：两张项目表都写“小型水库维修养护”。
    对：“小型水库维修养护（一期）”和“小型水库维修养护（二期）”。
    """
    first: dict[str, Form] = {}
    for form in review.filing.projects:
        name = _name(form)
        if name and first.setdefault(name, form) is not form:
            yield review.hit(
                form["project"],
                f"项目支出名称“{quote(form['project'])}”与{on(first[name])}的相同，请合并成一张，或改正名称",
                field="project",
                expected="与其他项目不同的名称",
            )


@rule(
    "X505",
    "一份申报里年度或版式不同",
    Severity.ERROR,
    review="形式",
    source="申报表的格式：一年一份申报",
)
def one_year(review: Review) -> Iterator[Hit]:
    """一份申报的各张表要是同一年度、同一版式。

    错：部门表 2024 年，一张项目表 2023 年。
    对：各张表都是 2024 年。
    """
    dated = [form for form in review.filing.forms if form.year is not None]
    for form in dated[1:]:
        if form.year != dated[0].year:
            yield review.hit(
                form["year"],
                f"本表是 {form.year} 年，而{on(dated[0])}是 {dated[0].year} 年，请统一",
                field="year",
                expected=str(dated[0].year),
            )
    for fault in review.filing.faults:
        if fault.kind == FaultKind.EDITION:
            message = f"{fault.detail}，请用同一版式填报"
            yield Hit(message, fault.place, fault.field, fault.found, fault.expected)


@rule(
    "X506",
    "一个项目的预算超过部门项目支出",
    Severity.ERROR,
    review="适当性",
    source=BETWEEN,
    needs=("project_spending",),
)
def project_within_spending(review: Review) -> Iterator[Hit]:
    """任何一个项目当年的预算，不能单独就超过部门表的项目支出。

    错：部门项目支出 523.67，一个项目就有 600.00。
    对：每个项目都不超过部门的项目支出。
    """
    department = review.filing.department
    spending = department.amount(PROJECT_SPENDING) if department else None
    if spending is None:
        return
    for form in review.filing.projects:
        budget = project_budget(form, review.edition)
        terms = [Term("", "", budget), Term("", "", spending)]
        if budget is not None and budget - spending > rounding(terms, review.edition.decimals):
            unit = review.edition.unit
            yield review.hit(
                form[review.edition.project.budget.parts[0]],
                f"项目“{quote(form['project'])}”的当年预算 {show(budget)}，"
                f"单独就超过部门项目支出 {show(spending)}，多 {show(budget - spending)} {unit}，请改正",
                field=review.edition.project.budget.parts[0],
                found=show(budget),
                expected=f"不超过 {show(spending)}",
            )


def _name(form: Form) -> str:
    return folded(form.text("project"))
