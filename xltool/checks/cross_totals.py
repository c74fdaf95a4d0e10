"""Cross-totals: revenue side, spending side, the non-tax item, and the verdict on both."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from xltool.checks.residual import Cause, Term, explain, rounding
from xltool.editions.declaration import Edition, FormSpec, Sum, load_edition
from xltool.model import Filing, Form
from xltool.money import show

# The income item and the unlabelled right-hand cell of its row, where the spending out of it
# stands.
NONTAX, NONTAX_SPENDING = "nontax", "nontax_spending"
PROJECT_SPENDING = "project_spending"
SIDES = {"revenue": "收入侧", "spending": "支出侧", "budget": "项目资金"}
_OPPOSITE = {NONTAX: NONTAX_SPENDING, NONTAX_SPENDING: NONTAX}


class Verdict(StrEnum):
    """What the two sides of a department form come to."""

    BALANCED = "平衡"
    BY_NONTAX = "经非税项目调节后平衡"
    UNBALANCED = "不平衡"
    UNKNOWN = "无法判断"


class Side(Struct, frozen=True):
    """One side written out: `total` should be the sum of `terms`.

    `sum` counts the terms that are counted; `residual` is total − sum (None where the total is
    blank or an amount can't be read); `closes` allows for `tolerance`, half a unit of the last
    place of each amount; `adjusted` says that the side closes only with its adjusting term;
    `causes` says in Chinese what would explain a residual.
    """

    side: str
    total: Term
    terms: tuple[Term, ...]
    sum: Decimal
    residual: Decimal | None
    closes: bool
    adjusted: bool = False
    causes: tuple[Cause, ...] = ()
    tolerance: Decimal = Decimal(0)

    @property
    def name(self) -> str:
        return SIDES[self.side]

    @property
    def counted(self) -> tuple[Term, ...]:
        """The filled terms that the sum counts: an adjusting term only where it is needed."""
        with_adjusting = self.adjusted or not self.closes
        return tuple(
            term for term in self.terms if term.filled and (with_adjusting or not term.adjust)
        )

    @property
    def unread(self) -> tuple[Term, ...]:
        return tuple(term for term in (self.total, *self.terms) if term.unread)

    @property
    def equation(self) -> str:
        """`基本支出 711.94 + 项目支出 523.67 = 1235.61 ≠ 资金总额 1245.61`."""
        addends = " + ".join(
            str(t) for t in (*self.counted, *(term for term in self.terms if term.unread))
        )
        if not addends:
            addends = "各项都没有填"
        elif not self.unread and len(self.counted) > 1:
            addends += f" = {show(self.sum)}"
        return f"{addends}{self._sign}{self.total}"

    @property
    def _sign(self) -> str:
        """What stands between the addends and the total."""
        if self.residual is None:
            return "；"
        if not self.residual:
            return " = "
        return " ≈ " if self.closes else " ≠ "


class Balance(Struct, frozen=True):
    """Both sides of a department form, in the edition's unit of money, and the verdict."""

    unit: str
    sides: tuple[Side, ...]
    verdict: Verdict

    def __getitem__(self, side: str) -> Side:
        """`revenue` or `spending`; KeyError where the edition declares no such side."""
        return {side.side: side for side in self.sides}[side]

    @property
    def revenue(self) -> Side:
        return self["revenue"]

    @property
    def spending(self) -> Side:
        return self["spending"]


def balance(filing: Filing, edition: Edition | None = None) -> Balance:
    """Both sides of the filing's department form, term by term, and what explains a residual.

    Amounts are in the edition's unit (`Balance.unit`), blanks count as 0. Without a department
    form, a total or readable amounts the verdict is 无法判断. Raises EditionError where the filing's
    edition is not known and none is given.
    """
    edition = edition or load_edition(filing.edition)
    form = filing.department or Form("department", {})
    spec = edition.department
    sides = [side_of(form, spec, equation, edition) for equation in spec.sum]
    explained = tuple(
        _explained(side, [s for s in sides if s is not side], form, spec, filing, edition)
        for side in sides
    )
    return Balance(edition.unit, explained, _verdict(explained, form))


def project_budget(form: Form, edition: Edition) -> Decimal | None:
    """What one project may spend in the year;
    None where a required amount is blank or one can't be read."""
    spec = edition.project
    parts = spec.budget.parts
    if any(form[part].unread or (spec[part].required and form[part].blank) for part in parts):
        return None
    amounts = [a for a in map(form.amount, parts) if a is not None]
    return sum(amounts, start=Decimal(0)) if amounts else None


def projects_budget(filing: Filing, edition: Edition) -> Decimal | None:
    """The budgets of all project forms together;
    None where there is no form or one can't be told."""
    budgets = [project_budget(form, edition) for form in filing.projects]
    if not budgets or None in budgets:
        return None
    return sum((budget for budget in budgets if budget is not None), start=Decimal(0))


def lines(sums: Balance) -> list[str]:
    """Both sides as equations with labels and figures, what explains a residual,
    and the verdict."""
    written = []
    for side in sums.sides:
        written.append(f"{side.name}：{side.equation}（{_side_verdict(side, sums)}）")
        written += [
            f"　　可能的原因：{cause.text}" for cause in side.causes if cause.kind != "rounding"
        ]
    return [*written, f"结论：{sums.verdict}（单位：{sums.unit}）"]


def _side_verdict(side: Side, sums: Balance) -> str:
    if side.residual is None:
        return Verdict.UNKNOWN
    if not side.closes:
        return f"{Verdict.UNBALANCED}，差 {show(side.residual)}"
    verdict: str = (
        Verdict.BY_NONTAX
        if side.adjusted and sums.verdict is not Verdict.BALANCED
        else Verdict.BALANCED
    )
    if side.residual:
        verdict += f"，相差 {show(side.residual)} 在四舍五入以内"
    spare = [str(term) for term in side.terms if term.filled and term not in side.counted]
    return f"{verdict}；未计入{'、'.join(spare)}" if spare else verdict


def _term(form: Form, spec: FormSpec, field: str, *, adjust: bool = False) -> Term:
    entry = form[field]
    return Term(field, spec[field].label, form.amount(field), entry.place, adjust, entry.text)


def side_of(form: Form, spec: FormSpec, declared: Sum, edition: Edition) -> Side:
    """One declared sum of a form, written out with its residual."""
    total = _term(form, spec, declared.total)
    parts = tuple(_term(form, spec, part) for part in declared.parts)
    adjusts = tuple(_term(form, spec, part, adjust=True) for part in declared.adjust)
    terms = (*parts, *adjusts)
    reached, adjusted = _sum(parts), _sum(terms)
    tolerance = rounding((total, *parts), edition.decimals)
    if total.amount is None or any(term.unread for term in terms):
        return Side(declared.side, total, terms, adjusted, None, False, tolerance=tolerance)
    without, by_adjusting = total.amount - reached, total.amount - adjusted
    if (
        without
        and abs(by_adjusting) <= tolerance
        and (not by_adjusting or abs(without) > tolerance)
    ):
        return Side(
            declared.side, total, terms, adjusted, by_adjusting, True, True, tolerance=tolerance
        )
    if abs(without) <= tolerance:
        return Side(declared.side, total, terms, reached, without, True, tolerance=tolerance)
    return Side(declared.side, total, terms, adjusted, by_adjusting, False, tolerance=tolerance)


def _sum(terms: Sequence[Term]) -> Decimal:
    return sum((term.worth for term in terms), start=Decimal(0))


def _verdict(sides: Sequence[Side], form: Form) -> Verdict:
    if any(side.residual is not None and not side.closes for side in sides):
        return Verdict.UNBALANCED
    if not sides or any(side.residual is None for side in sides):
        return Verdict.UNKNOWN
    if any(side.adjusted for side in sides) and form.amount(NONTAX) != form.amount(NONTAX_SPENDING):
        return Verdict.BY_NONTAX
    return Verdict.BALANCED


def _explained(
    side: Side, others: Sequence[Side], form: Form, spec: FormSpec, filing: Filing, edition: Edition
) -> Side:
    """The side with what explains its residual."""
    if not side.residual or side.total.amount is None:
        return side
    if side.closes:
        reason = f"相差 {show(side.residual)}，在四舍五入的误差 {show(side.tolerance)} 以内"
        return replace(side, causes=(Cause("rounding", reason),))
    opposite = [
        _term(form, spec, _OPPOSITE[term.field]) for term in side.terms if _opposite(term, spec)
    ]
    budget = projects_budget(filing, edition)
    causes = explain(
        side.total,
        side.terms,
        unit=edition.unit,
        tolerance=side.tolerance,
        confirmed=any(other.closes for other in others),
        missing=[term for term in opposite if term.filled],
        instead=[Term(PROJECT_SPENDING, "各项目表合计", budget)] if budget else [],
    )
    if side.sum and any(other.residual is not None and other.sum == side.sum for other in others):
        # Both sides come to the same: nothing but the total is in doubt.
        causes = tuple(
            cause for cause in causes if cause.field == side.total.field and side.total.amount
        )
        reason = f"两侧各项合计都是 {show(side.sum)}，像是“{side.total.label}”写错了"
        causes = causes or (Cause("total", reason, side.total.field, side.sum),)
    return replace(side, causes=causes)


def _opposite(term: Term, spec: FormSpec) -> bool:
    """The term is blank, and its other half stands on the other side of the form."""
    return not term.filled and not term.unread and _OPPOSITE.get(term.field, "") in spec
