"""P211, X507-X509: the long texts against last year's filing,
the form's own amounts and its indicators."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from decimal import Decimal

from msgspec import Struct

from xltool.checks.engine import Hit, Review, rule
from xltool.checks.rules._rows import comparable_name, subject, values
from xltool.checks.rules._text import longer_than_a_year, quote
from xltool.editions.declaration import Edition
from xltool.indicator.dates import read_period
from xltool.indicator.numerals import with_digits
from xltool.indicator.units import MeasureUnit, read_unit
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
                comparable_name(form.text(field.id))
                if field.kind == "long" and field.id != "duties"
                else ""
            )
            if len(text) >= LEAST and text == comparable_name(before.text(field.id)):
                message = f"“{field.label}”与上年的申报一字不差，请核对是否需要更新"
                yield review.hit(form[field.id], message, field=field.id)
        yield from _same_figures(review, form, before)


def _same_form(form: Form, review: Review) -> Form | None:
    assert review.last_year is not None
    if form.kind == "department":
        return review.last_year.department
    name = comparable_name(form.text("project"))
    return next(
        (
            project
            for project in review.last_year.projects
            if name and comparable_name(project.text("project")) == name
        ),
        None,
    )


def _same_figures(review: Review, form: Form, before: Form) -> Iterator[Hit]:
    amounts = [
        field.id
        for field in review.spec(form).field
        if field.kind == "amount" and form.amount(field.id)
    ]
    if len(amounts) > 1 and all(form.amount(amount) == before.amount(amount) for amount in amounts):
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
    return [
        (comparable_name(row.name.said), comparable_name(row.target.said))
        for row in form.indicators
    ]


_NUMBER = r"(?P<amount>[0-9０-９][0-9０-９,，.．]*\s*(?:亿元|万元|元))(?![/／每])"
_NAMED = {
    "department": (
        (
            "total",
            "资金总额|部门(?:整体)?预算(?:总额)?|(?:年度|全年|年初)预算|总预算|预算总额|年度预算申请|预算总收入|预算总支出|收入预算|支出预算",
        ),
        ("basic", "基本支出"),
        ("project_spending", "项目支出"),
        ("general", "一般公共预算(?:拨款|资金)?"),
        ("fund", "政府性基金(?:拨款|预算)?"),
    ),
    "project": (
        (
            "own_budget",
            "项目总?预算|预算资金|项目(?:总?资金|总?经费|支出)|预算金额|年度预算|本级预算|总预算|资金总额|申请资金|申请预算",
        ),
    ),
}
# What may stand before such a phrase; after anything else it is the money of something else:
# 科技三项项目支出200万元, 整合项目资金3000万元.
_LEAD = (
    r"(?:^|(?<=[\s，。；：、（(,;:])|(?<=[本该总共的年])"
    r"|(?<=安排|投入|用好|使用|申请|年度|全年|部门|其中|预计|下达|落实|拨付|发放|计划))"
)
_GLUE = r"(?:安排|总额|为|共计|合计|共|总计|是|约|[:：])*\s*"
# Money without a name of its own, which is the project's where nothing says otherwise: 安排补助资金96万元.
_UNNAMED = re.compile(
    r"(?:^|(?<=[\s，。；：、（(,;:年内]))(?:本?项目|年度|全年|本年|当年|计划|预计|拟|共|总|合计|安排|投入|发放|拨付|使用|申请|下达|落实|需要?|支付|列支)+"
    r"(?:县级|市级|区级|本级|财政|专项|补助|补贴|项目|预算|总)*(?:资金|经费|预算|支出)?"
    + _GLUE
    + _NUMBER
)


@functools.cache
def _named(kind: str) -> list[tuple[str, re.Pattern[str]]]:
    """(field, its name with an amount behind it),
    for each field of a form that texts call by name."""
    return [
        # Looking at the first character spares looking back in most places.
        (
            field,
            re.compile(rf"(?=[{_firsts(phrases)}]){_LEAD}(?:{phrases}){_GLUE}{_NUMBER}"),
        )
        for field, phrases in _NAMED[kind]
    ]


def _firsts(phrases: str) -> str:
    return "".join(c for p in phrases.split("|") for c in p.lstrip("(?:")[:1])


@rule(
    "X508",
    "文字里的金额与表中的不同",
    Severity.QUERY,
    review="适当性",
    source="同一张表的文字和金额栏",
)
def amounts_in_text(review: Review) -> Iterator[Hit]:
    """职能、目标里写出的预算金额（资金总额1300万元、项目经费569650元、安排补助资金96万元），要与金额栏一致。

    看紧跟在“资金总额”“基本支出”“项目资金”一类词后面、带单位的金额；项目表里只说“安排资金”“投入资金”的，
    只有这一笔、或者超过预算才算。与表中任何一个金额（或项目两笔之和）相同就不报，别的项目的钱、跨年项目全周期的钱也不报。

    错：目标写“项目资金569650元”，年度本级预算金额是 56；目标写“安排补助资金96万元”，预算 86。
    对：目标写“项目资金56万元”，年度本级预算金额是 56。
    """
    for form in review.filing.forms:
        spec = review.spec(form)
        texts = [
            (field, text)
            for field in spec.field
            if field.kind == "long" and "元" in (text := form.text(field.id))
        ]
        form_amounts = _amounts(form, review.edition) if texts else None
        if not form_amounts:
            continue
        for field, text in texts:
            for target, match, amount in _differing(form, review, text, form_amounts):
                if longer_than_a_year(read_period(form.text("period"))):
                    continue
                shown, unit = form.amount(target) or Decimal(0), review.edition.unit
                yield review.hit(
                    form[field.id],
                    f"“{field.label}”里写“{quote(match[0])}”，合 {plain(amount)} {unit}，"
                    f"而“{spec[target].label}”填的是 {plain(shown)} {unit}，请核对",
                    field=field.id,
                    found=quote(match[0]),
                    expected=plain(shown),
                )


def _differing(
    form: Form, review: Review, text: str, form_amounts: set[Decimal]
) -> Iterator[tuple[str, re.Match[str], Decimal]]:
    """(field, mention, amount) of each amount
    that is called by a field's name and is none of the form's."""
    spec, named = review.spec(form), set()
    for target, pattern in _named(form.kind):
        if target not in spec or form.amount(target) is None:
            continue
        for match in pattern.finditer(text):
            named.add(match.end())
            amount = _read(match["amount"], review.edition)
            if amount is not None and amount not in form_amounts:
                yield target, match, amount
    target = next((t for t, _ in _NAMED["project"] if t in spec), "")
    if form.kind != "project" or not target or form.amount(target) is None:
        return
    others = [m for m in _UNNAMED.finditer(text) if m.end() not in named]
    if not others:
        return
    amounts = [_read(other["amount"], review.edition) or Decimal(0) for other in others]
    if sum(amounts) in form_amounts:
        return
    alone = len(re.findall(_NUMBER, text)) == 1
    for match, amount in zip(others, amounts, strict=True):
        if amount and amount not in form_amounts and (alone or amount > max(form_amounts)):
            yield target, match, amount


def _read(text: str, edition: Edition) -> Decimal | None:
    amount = read_amount(text.replace(" ", ""), edition.unit)
    return amount.value if amount else None


def _amounts(form: Form, edition: Edition) -> set[Decimal]:
    """Every amount of the form, and what its budget parts come to."""
    spec = edition[form.kind]
    amounts = {
        a
        for field in spec.field
        if field.kind == "amount" and (a := form.amount(field.id)) is not None
    }
    if amounts and spec.budget.parts:
        amounts.add(
            sum((form.amount(part) or Decimal(0) for part in spec.budget.parts), Decimal(0))
        )
    return amounts


@rule(
    "X509",
    "目标里的数量与指标的不同",
    Severity.QUERY,
    review="相关性",
    source="同一张表的目标和指标",
)
def quantities_in_text(review: Review) -> Iterator[Hit]:
    """年度目标里写的数量，要与同一件事、同一单位的指标值相同。

    只比目标的同一句里说到指标名称的每一个字、单位又相同的数；目标里另有一处与指标相同的，不报。

    错：目标写“培训农民200人次”，指标“培训农民”写“≥120人次”。
    对：目标写“培训农民200人次”，指标写“≥200人次”。
    """
    for form in review.filing.forms:
        for field in _THIS_YEAR:
            if mentions := _mentions(form.text(field)):
                yield from _quantities(review, form, field, mentions)


_THIS_YEAR = ("goal", "annual_goal")
_CLAUSE_END = re.compile("[，。；;,！、\n]")
_SOME_NUMBER = re.compile("[0-9二两三四五六七八九十百千]")
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([\u4e00-\u9fff㎡%‰A-Za-z]{1,4})")


def _quantities(review: Review, form: Form, field: str, mentions: list[_Mention]) -> Iterator[Hit]:
    units, label = {mention.base for mention in mentions}, review.spec(form)[field].label
    for value in values(review):
        base = value.target.base if value.form is form else None
        if base is None or base[1] not in units:
            continue
        number, unit = base
        name = set(subject(value.name))
        same = [
            mention for mention in mentions if mention.base == unit and name.issubset(mention.text)
        ]
        if not same or len(subject(value.name)) < 3:
            continue
        if number not in {m.number for m in same} and number != sum(m.number for m in same):
            beside = f"{quote(value.name)} {quote(value.target.text)}"
            yield review.hit(
                form[field],
                f"“{label}”里写“{quote(same[0].text)}”，而指标“{beside}”，数量不同，请核对",
                field=field,
                found=quote(same[0].text),
                expected=beside,
            )


class _Mention(Struct, frozen=True):
    """A quantity in a clause: its number in its base unit, and the clause."""

    number: Decimal
    base: str
    text: str


def _mentions(text: str) -> list[_Mention]:
    """The quantities of a text, but for those of each (每村3处)."""
    mentions = []
    for written in _CLAUSE_END.split(text):
        if _SOME_NUMBER.search(written) is None or "每" in written or "各" in written:
            continue
        for match in _QUANTITY.finditer(with_digits(written)):
            unit = _longest_unit(match[2])
            if unit is not None and unit.kind in ("count", "physical", "rate"):
                number = Decimal(match[1]) * unit.factor
                mentions.append(_Mention(number, unit.base, written.strip()))
    return mentions


@functools.lru_cache(maxsize=1024)
def _longest_unit(text: str) -> MeasureUnit | None:
    """The unit that a text begins with: 人次 before 人."""
    return next((u for n in range(len(text), 0, -1) if (u := read_unit(text[:n]))), None)


@rule(
    "P211",
    "目标只讲花钱",
    Severity.QUERY,
    review="相关性",
    source="审核常识：绩效目标要写花钱做成什么",
)
def only_spending(review: Review) -> Iterator[Hit]:
    """绩效目标要写做成什么、达到什么效果；通篇只讲资金支付、预算执行的，等于没有目标。

    错：年度目标写“按进度支付项目资金，确保预算执行率达到100%”。
    对：年度目标写“维修水库十八座，按进度支付工程款”。
    """
    for form in review.filing.forms:
        for field in review.spec(form).field:
            text = form.text(field.id) if field.kind == "long" and "goal" in field.id else ""
            if not _SPENDS.search(text) or _ACHIEVES.search(text) or _COUNTS.search(text):
                continue
            if all(_SPENDS.search(c) for c in _CLAUSE_END.split(text) if c.strip()):
                yield review.hit(
                    form[field.id],
                    f"“{field.label}”只写了花钱“{quote(text)}”，请写明做成什么、达到什么效果",
                    field=field.id,
                )


_SPENDS = re.compile("资金|经费|预算|执行率|支付|支出|拨付")
_ACHIEVES = re.compile(
    "维修|维护|建设|改造|新建|购置|采购|培训|开展|举办|救助|资助|补助|补贴|发放|治理|整治|提高|提升|改善|改进|服务|修复|更新|监测|检查|惠及|受益|解决|完善|增强"
    "|保障(?!.{0,6}(?:资金|经费|支付|支出|预算))"
)
_COUNTS = re.compile("[0-9一二三四五六七八九十百]+[个家人名次场件项座亩户]")
