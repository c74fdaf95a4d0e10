"""X507, X508: the long texts against last year's filing and against the form's own amounts."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from decimal import Decimal

from xltool.checks.engine import Hit, Review, rule
from xltool.checks.rules._rows import squeeze
from xltool.checks.rules._text import longer_than_a_year, quote
from xltool.editions.declaration import Edition
from xltool.indicator.dates import read_period
from xltool.model import Form, Severity
from xltool.money import plain, read_amount

# The least that is worth a word: a short goal is often the same, rightly.
LEAST = 20


@rule(
    "X507", "与上年申报一字不差", Severity.QUERY, review="相关性", source="上年的申报（给了才比）"
)
def copied(review: Review) -> Iterator[Hit]:
    """绩效目标、全部金额或全部指标与上年的申报完全相同，多半是照抄，请确认是否真的没有变化。

    职能职责本来就少变，不比。项目按名称找上年的同一个项目。没有给上年的申报时不判断。

    错：整体绩效目标与上年一字不差。
    对：目标改写了；职能没有变。
    """
    if review.last_year is None:
        return
    for form in review.filing.forms:
        before = _same_form(form, review)
        if before is None:
            continue
        for field in review.spec(form).field:
            text = (
                squeeze(form.text(field.id))
                if field.kind == "long" and field.id != "duties"
                else ""
            )
            if len(text) >= LEAST and text == squeeze(before.text(field.id)):
                message = f"“{field.label}”与上年的申报一字不差，请核对是否需要更新"
                yield review.hit(form[field.id], message, field=field.id)
        yield from _same_figures(review, form, before)


def _same_form(form: Form, review: Review) -> Form | None:
    assert review.last_year is not None
    if form.kind == "department":
        return review.last_year.department
    name = squeeze(form.text("project"))
    return next(
        (p for p in review.last_year.projects if name and squeeze(p.text("project")) == name), None
    )


def _same_figures(review: Review, form: Form, before: Form) -> Iterator[Hit]:
    amounts = [f.id for f in review.spec(form).field if f.kind == "amount" and form.amount(f.id)]
    if len(amounts) > 1 and all(form.amount(a) == before.amount(a) for a in amounts):
        label = review.spec(form)[amounts[0]].label
        yield review.hit(
            form[amounts[0]],
            f"“{label}”等 {len(amounts)} 个金额与上年的申报完全相同，请核对",
            field=amounts[0],
        )
    rows, old = _rows(form), _rows(before)
    if len(rows) > 2 and rows == old:
        first = form.indicators[0]
        yield review.hit(
            first.name,
            f"全部 {len(rows)} 行指标的名称和值与上年的申报完全相同，请核对是否需要更新",
            field="name",
        )


def _rows(form: Form) -> list[tuple[str, str]]:
    return [(squeeze(one.name.said), squeeze(one.target.said)) for one in form.indicators]


_NUMBER = r"(?P<amount>[0-9０-９][0-9０-９,，.．]*\s*(?:亿元|万元|元))"
_NAMED = {
    "department": (
        ("total", "资金总额|部门预算总额|预算总额|年度预算申请|预算总收入|预算总支出"),
        ("basic", "基本支出"),
        ("project_spending", "项目支出"),
        ("general", "一般公共预算(?:拨款|资金)?"),
        ("fund", "政府性基金(?:拨款|预算)?"),
    ),
    "project": (
        (
            "own_budget",
            "项目总?预算|预算资金|项目资金|预算金额|年度预算|本级预算|资金总额|申请资金|申请预算",
        ),
    ),
}
# What may stand before such a phrase; after anything else it is the money of something else:
# 科技三项项目支出200万元, 整合项目资金3000万元.
_LEAD = (
    r"(?:^|(?<=[\s，。；：、（(,;:])|(?<=[本该总共的])"
    r"|(?<=安排|用好|使用|申请|年度|全年|部门|其中|预计|下达|落实))"
)
_GLUE = r"(?:安排|总额|为|共计|合计|共|总计|是|约|[:：])*\s*"


@functools.cache
def _named(kind: str) -> list[tuple[str, re.Pattern[str]]]:
    """(field, its name with an amount behind it), for each field of a form that texts call by name."""
    return [
        # Looking at the first character spares looking back in most places.
        (
            field,
            re.compile(
                rf"(?=[{''.join(p[0] for p in phrases.split('|'))}]){_LEAD}(?:{phrases}){_GLUE}{_NUMBER}"
            ),
        )
        for field, phrases in _NAMED[kind]
    ]


@rule(
    "X508",
    "文字里的金额与表中的不同",
    Severity.QUERY,
    review="适当性",
    source="同一张表的文字和金额栏",
)
def amounts_in_text(review: Review) -> Iterator[Hit]:
    """职能、目标里点名写出的预算金额（资金总额1300万元、项目资金569650元），要与金额栏一致。

    只看紧跟在“资金总额”“基本支出”“项目资金”一类词后面、带单位的金额；与表中任何一个金额（或项目两笔之和）相同就不报，
    别的项目的钱、跨年项目全周期的钱也不报。

    错：目标写“项目资金569650元”，年度本级预算金额是 56。
    对：目标写“项目资金56万元”，年度本级预算金额是 56。
    """
    for form in review.filing.forms:
        spec = review.spec(form)
        texts = [
            (f, text) for f in spec.field if f.kind == "long" and "元" in (text := form.text(f.id))
        ]
        known = _amounts(form, review.edition) if texts else None
        if not known or longer_than_a_year(read_period(form.text("period"))):
            continue
        for field, text in texts:
            for target, named in _named(form.kind):
                if target not in spec or form.amount(target) is None:
                    continue
                for match in named.finditer(text):
                    said = _read(match["amount"], review.edition)
                    if said is None or said in known:
                        continue
                    shown, unit = form.amount(target) or Decimal(0), review.edition.unit
                    yield review.hit(
                        form[field.id],
                        f"“{field.label}”里写“{quote(match[0])}”，合 {plain(said)} {unit}，"
                        f"而“{spec[target].label}”填的是 {plain(shown)} {unit}，请核对",
                        field=field.id,
                        found=quote(match[0]),
                        expected=plain(shown),
                    )


def _read(text: str, edition: Edition) -> Decimal | None:
    amount = read_amount(text.replace(" ", ""), edition.unit)
    return amount.value if amount else None


def _amounts(form: Form, edition: Edition) -> set[Decimal]:
    """Every amount of the form, and what its budget parts come to."""
    spec = edition[form.kind]
    found = {a for f in spec.field if f.kind == "amount" and (a := form.amount(f.id)) is not None}
    if found and spec.budget.parts:
        found.add(sum((form.amount(part) or Decimal(0) for part in spec.budget.parts), Decimal(0)))
    return found
