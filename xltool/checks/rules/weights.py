"""What newer forms ask for besides:
the parts of a project's money, and the weights of its indicators."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from xltool.checks.cross_totals import side_of
from xltool.checks.engine import Hit, Review, rule
from xltool.checks.rules._text import quote
from xltool.model import Entry, Form, Severity
from xltool.money import plain, show

_WEIGHT = r"^\s*(\d{1,3}(?:\.\d+)?)\s*(?:%|％|分)?\s*$"


@rule(
    "T309",
    "项目资金各项之和不等于总额",
    Severity.ERROR,
    review="适当性",
    source="表内合计关系",
    needs=("budget",),
)
def project_money_closes(review: Review) -> Iterator[Hit]:
    """年度资金总额 = 财政拨款 + 其他资金；财政拨款 = 上级资金 + 本级资金（按版式声明的合计关系，空着当 0）。

    各项都没有填的，不算。

    错：上级资金 50 + 本级资金 40 = 90 ≠ 财政拨款 100。
    对：上级资金 60 + 本级资金 40 = 财政拨款 100。
    """
    for form in review.filing.projects:
        spec = review.spec(form)
        for declared in spec.sum:
            side = side_of(form, spec, declared, review.edition)
            if side.residual is None or side.closes or not any(term.filled for term in side.terms):
                continue
            yield Hit(
                f"{side.equation}，各项合计比{side.total.label}{'少' if side.residual > 0 else '多'} "
                f"{show(abs(side.residual))} {review.edition.unit}，请核对改正",
                side.total.place,
                side.total.field,
                side.total.text or show(side.total.worth),
                show(side.sum),
            )


@rule(
    "I415",
    "指标的权重合计不对",
    Severity.QUERY,
    review="可行性",
    source="没有读到规定各项权重的全国性文件，按本级的设置",
    needs=("weight",),
)
def weights_add_up(review: Review) -> Iterator[Hit]:
    """一张表各指标的权重，合计应当是设置 weight_total 里的一个数（默认 100，或留 10 给预算执行率的 90）。

    设置 weight_by_level1 另外规定各一级指标的合计（例如产出 50、效益 30、满意度 10），默认不查。
    一个权重也没有写的表不查。

    错：三条指标的权重是 50、30、15，合计 95。
    对：50、30、10，合计 90，另有预算执行率 10。
    """
    for form in review.filing.forms:
        if review.spec(form).indicators.has("weight"):
            yield from _form(review, form)


def _form(review: Review, form: Form) -> Iterator[Hit]:
    written = [row for row in form.indicators if not row["weight"].blank]
    if not written:
        return
    sums: dict[str, Decimal] = {}
    for row in form.indicators:
        entry, weight = row["weight"], _weight(row["weight"])
        if weight is None:
            reason = (
                f"的权重“{quote(entry)}”不是数" if not entry.blank else "没有写权重，而别的指标写了"
            )
            yield review.hit(
                entry, f"指标“{quote(row.name)}”{reason}，请核对", field=f"{row.block}.weight"
            )
            continue
        level1 = review.spec(form).block(row.block).level1
        sums[level1] = sums.get(level1, Decimal(0)) + weight
    first, total = written[0]["weight"], sum(sums.values(), start=Decimal(0))
    wanted = review.settings.weight_total
    if wanted and total not in wanted:
        yield _wrong(
            review, first, "各项指标", total, "或".join(str(n) for n in wanted), "weight_total"
        )
    for level1, should in review.settings.weight_by_level1.items():
        if (level_total := sums.get(level1, Decimal(0))) != should:
            yield _wrong(review, first, f"“{level1}”", level_total, str(should), "weight_by_level1")


def _wrong(
    review: Review, entry: Entry, whose: str, total: Decimal, should: str, setting: str
) -> Hit:
    return review.hit(
        entry,
        f"{whose}的权重合计 {plain(total)}，应当是 {should}（设置 {setting}），请核对",
        field="weight",
        found=plain(total),
        expected=should,
    )


def _weight(entry: Entry) -> Decimal | None:
    match = re.match(_WEIGHT, entry.text)
    return Decimal(match[1]) if match else None
