"""T3xx: the cross-totals of the department form, and the amounts they are made of."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from xltool.checks.cross_totals import (
    NONTAX,
    NONTAX_SPENDING,
    PROJECT_SPENDING,
    Side,
    Verdict,
    projects_budget,
)
from xltool.checks.engine import Hit, Review, rule
from xltool.checks.residual import slip
from xltool.model import Severity
from xltool.money import places, show

SUMS = "表内合计关系"
FORM = "申报表的格式：金额单位和小数位数"


@rule("T301", "收入侧合计不等于资金总额", Severity.ERROR, review="适当性", source=SUMS)
def revenue_closes(review: Review) -> Iterator[Hit]:
    """资金总额 = 一般公共预算 + 政府性基金拨款 + 纳入专户管理的非税收入拨款 + 其他资金（空着当 0）。

    纳入专户管理的非税收入是单独一项收入，不含在一般公共预算里。写出各项、差额和能说明差额的原因。

    错：一般公共预算 1883.17 + 政府性基金 1190.00 = 3073.17 ≠ 资金总额 3173.17。
    对：1883.17 + 1290.00 = 3173.17。
    """
    yield from _open_side(review, "revenue")


@rule("T302", "支出侧合计不等于资金总额", Severity.ERROR, review="适当性", source=SUMS)
def spending_closes(review: Review) -> Iterator[Hit]:
    """资金总额 = 基本支出 + 项目支出（+ 非税收入行右侧那一格的金额）。

    不加右侧那一格就平衡的，不加；加上才平衡的，由 T303、T304 说。

    错：基本支出 711.94 + 项目支出 523.67 = 1235.61 ≠ 资金总额 1245.61，右侧那一格空着。
    对：711.94 + 523.67 + 非税支出 10.00 = 1245.61。
    """
    yield from _open_side(review, "spending")


def _open_side(review: Review, name: str) -> Iterator[Hit]:
    for side in review.balance.sides:
        if side.side != name or side.residual is None or side.closes or _total_missing(side):
            continue
        total, residual = side.total, side.residual
        causes = "；".join(cause.text for cause in side.causes) or "没有哪一项能单独说明这个差额"
        yield Hit(
            f"{side.name}不平衡：{side.equation}，各项合计比{total.label}{'少' if residual > 0 else '多'} "
            f"{show(abs(residual))} {review.edition.unit}。{causes}。请核对改正",
            total.place,
            total.field,
            total.text or show(total.worth),
            show(side.sum),
        )


def _total_missing(side: Side) -> bool:
    """Blank or zero over parts that are not: T305 says so."""
    return (
        not side.total.filled and not side.total.unread and any(term.filled for term in side.terms)
    )


@rule(
    "T303",
    "支出侧经非税项目调节后平衡",
    Severity.NOTE,
    review="适当性",
    source=SUMS,
    needs=("nontax_spending",),
)
def closes_by_nontax(review: Review) -> Iterator[Hit]:
    """支出侧加上非税收入行右侧那一格的金额才平衡：用文字和数字写出来，不算错。

    两侧都写着同一笔非税金额的，是正常情形，不提示。

    例：基本支出 711.94 + 项目支出 523.67 + 非税支出 10.00 = 资金总额 1245.61。
    对：基本支出 + 项目支出 = 资金总额，右侧那一格空着。
    """
    department = review.filing.department
    for side in review.balance.sides:
        if (
            side.adjusted
            and department
            and department.amount(NONTAX) != department.amount(NONTAX_SPENDING)
        ):
            term = next(term for term in side.terms if term.adjust and term.filled)
            message = f"支出侧{Verdict.BY_NONTAX}：{side.equation}"
            yield Hit(message, term.place, term.field, term.text or show(term.worth))


@rule(
    "T304",
    "非税项目在收支两侧处理不一致",
    Severity.QUERY,
    review="适当性",
    source=SUMS,
    needs=("nontax_spending",),
)
def nontax_on_both_sides(review: Review) -> Iterator[Hit]:
    """非税收入行右侧那一格填了数，却与收入侧或支出侧的合计对不上，请单位核实。

    三种情形：一、支出侧加上它才平衡，而收入侧没有列同样的非税收入；二、两侧都填了但金额不同；
    三、支出侧不加它就已经平衡。右侧那一格空着而两侧都平衡的不问：非税安排的支出已含在基本支出和
    项目支出里。

    错：右侧填 10.00，收入侧非税收入空着，一般公共预算等于资金总额。
    对：两侧都填 10.00，而且两侧都平衡。
    """
    department = review.filing.department
    if department is None:
        return
    income, spent = department.amount(NONTAX), department.amount(NONTAX_SPENDING)
    side = next(
        (side for side in review.balance.sides if any(term.adjust for term in side.terms)), None
    )
    if not spent or side is None or department[NONTAX].unread:
        return
    message = _nontax_query(side, income, spent)
    if message:
        yield review.hit(
            department[NONTAX_SPENDING],
            message,
            field=NONTAX_SPENDING,
            expected=show(income) if income else "",
        )


def _nontax_query(side: Side, income: Decimal | None, spent: Decimal) -> str:
    """What to ask about non-tax revenue that is spent: the spending side closes without it, the
    income side has none, or has another amount; "" where nothing is to be asked."""
    shown = f"收入侧“纳入专户管理的非税收入拨款”{show(income) if income else '没有填'}"
    if side.closes and not side.adjusted:
        return (
            f"非税收入行右侧填了 {show(spent)}，但支出侧不加它就已经平衡（{side.equation}）："
            f"这 {show(spent)} 是否已含在基本支出或项目支出里？请核实，已含的删去；{shown}"
        )
    if side.closes and not income:
        return (
            f"支出侧加上非税 {show(spent)} 才平衡（{side.equation}），而{shown}："
            f"请核实这 {show(spent)} 是否用非税收入安排，是则在收入侧列出并相应调整，否则改正支出"
        )
    if income and income != spent:
        return (
            f"非税项目两侧金额不同：{shown}，支出侧右侧填 {show(spent)}，"
            f"相差 {show(income - spent)}，请核实改正，或说明理由"
        )
    return ""


@rule("T305", "资金总额空着或为零，而分项有数", Severity.ERROR, review="适当性", source=SUMS)
def total_stated(review: Review) -> Iterator[Hit]:
    """分项有金额，资金总额就不能空着，也不能是 0。

    错：资金总额 0，基本支出 90。
    对：资金总额 90，基本支出 90。
    """
    open_sides = [side for side in review.balance.sides if _total_missing(side)]
    if open_sides:
        total = open_sides[0].total
        shown = "空着" if total.amount is None else "为 0"
        sums = "，".join(f"{side.name}各项合计 {show(side.sum)}" for side in open_sides)
        yield Hit(
            f"“{total.label}”{shown}，而{sums}，请填写",
            total.place,
            total.field,
            total.text,
            show(open_sides[0].sum),
        )


@rule("T306", "金额为负数", Severity.ERROR, review="适当性", source=FORM)
def no_negative(review: Review) -> Iterator[Hit]:
    """预算申请的金额不能是负数。

    错：项目支出 -523.67。
    对：项目支出 523.67。
    """
    for form in review.filing.forms:
        for field in review.spec(form).field:
            amount = form.amount(field.id)
            if amount is not None and amount < 0:
                yield review.hit(
                    form[field.id],
                    f"“{field.label}”是负数 {show(amount)}，请改正",
                    field=field.id,
                    expected="不小于 0",
                )


@rule("T307", "像是金额单位或小数点错了", Severity.QUERY, review="适当性", source=SUMS)
def unit_slips(review: Review) -> Iterator[Hit]:
    """应当相等的金额正好差 10000 倍（元填进了万元表）、10 倍或 100 倍（小数点），指出是哪一格、应为多少。

    比的是：两侧的合计与资金总额，部门项目支出与各项目表合计。

    错：项目支出 5236700，其余各项以万元计。
    对：项目支出 523.67。
    """
    reported: set[str] = set()
    for side in review.balance.sides:
        terms = {term.field: term for term in (side.total, *side.terms)}
        for cause in side.causes:
            if cause.kind != "slip" or cause.field in reported:
                continue
            reported.add(cause.field)
            term = terms.get(cause.field, side.total)
            should = "" if cause.should is None else show(cause.should)
            yield Hit(f"{cause.text}。请核实改正", term.place, term.field, term.text, should)
    yield from _slipped_projects(review, reported)


def _slipped_projects(review: Review, reported: set[str]) -> Iterator[Hit]:
    department = review.filing.department
    spending = department.amount(PROJECT_SPENDING) if department else None
    budgets = projects_budget(review.filing, review.edition)
    if department is None or not spending or not budgets or PROJECT_SPENDING in reported:
        return
    unit = review.edition.unit
    entry = department[PROJECT_SPENDING]
    if likely_slip := slip(spending, budgets, unit):
        reading = likely_slip[1]
        message = (
            f"部门表项目支出 {show(spending)} {reading}：各项目表合计 {show(budgets)}。请核实改正"
        )
        yield review.hit(entry, message, field=PROJECT_SPENDING, expected=show(budgets))


@rule("T308", "小数位数过多或有舍入差", Severity.NOTE, review="形式", source=FORM)
def rounded(review: Review) -> Iterator[Hit]:
    """小数位数超过版式认可的；合计的差额在四舍五入以内的（各数末位的半个单位之和），只提示，不算错。

    例：523.67001；711.94 + 523.67 = 1235.61 ≈ 1235.62。
    对：711.94 + 523.67 = 1235.61。
    """
    most = review.edition.max_decimals
    for form in review.filing.forms:
        for field in review.spec(form).field:
            amount = form.amount(field.id)
            if amount is not None and places(amount) > most:
                yield review.hit(
                    form[field.id],
                    f"“{field.label}”{show(amount)} 有 {places(amount)} 位小数，版式最多认 {most} 位",
                    field=field.id,
                    expected=f"最多 {most} 位小数",
                )
    for side in review.balance.sides:
        if side.closes and side.residual:
            yield Hit(
                f"{side.name}有舍入差：{side.equation}，相差 {show(side.residual)}，"
                f"在四舍五入的误差 {show(side.tolerance, 3)} 以内，不算错",
                side.total.place,
                side.total.field,
                side.total.text,
                show(side.sum),
            )
