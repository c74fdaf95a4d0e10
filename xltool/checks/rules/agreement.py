"""I406-I409, I414, X503: indicators that must agree with their standard,
their row and each other."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from xltool.checks.engine import Hit, Review, rule
from xltool.checks.rules._rows import JudgedValue, comparable_name, stuffed, subject, values
from xltool.checks.rules._text import quote
from xltool.indicator import Target
from xltool.indicator.dates import Period, Span, read_period
from xltool.indicator.units import alike
from xltool.model import Severity

FORM = "申报表的格式：一行一个指标"
MATHS = "算术"
_UPWARD, _DOWNWARD = frozenset("≥>"), frozenset("≤<")


@rule(
    "I406",
    "指标值与绩效标准不一致",
    Severity.ERROR,
    review="可行性",
    source="同一行的两栏",
    needs=("standard",),
)
def standards(review: Review) -> Iterator[Hit]:
    """绩效标准里又写了一遍值时，数、单位和方向都要与指标值相同。

    绩效标准填类型（计划标准）或参照（行业标准≥90%、历史标准：93%、上年92%）时不比。没有写年份的时间按本表的年度算
    （11月30日前就是 2024年11月30日前）；人和名、台和套这样可以互换的单位不算不同。一边没写符号、没写单位的由
    I403、I402 去说。

    错：指标值 20家以上，绩效标准 ≥6家；指标值 ≥20家，绩效标准 ≤20家。
    对：指标值 20家以上，绩效标准 ≥20家；绩效标准 行业标准≥15家。
    """
    for value in values(review):
        standard = value.standard
        if standard is None or (standard.number is None and standard.span is None):
            continue
        if _is_reference(value, standard):
            continue
        if reason := _differs(value, standard, value.form.year or review.filing.year):
            beside = quote(standard.text)
            yield value.hit(f"与绩效标准“{beside}”{reason}，请改为一致", expected=beside)


# What a standard refers to instead of saying the value again.
_REFERENCE = re.compile(
    "标准|上年|上一年|去年|往年|前年|历年|历史|行业|国家|全国|全省|全市|同期|同类|同行|市场|合同|约定|规范|规定|规划|定额"
    "|基期|基数|平均|文件|测算|招标|中标|询价|批复|概算|现状|较|比"
)


def _is_reference(value: JudgedValue, standard: Target) -> bool:
    """It says what the value is measured by (行业标准≥90%, 上年3%, ≥85%（历史标准）)."""
    words = standard.label + standard.remark
    if not words:
        return False
    return _REFERENCE.search(words) is not None or comparable_name(
        standard.label
    ) not in comparable_name(value.name)


def _differs(value: JudgedValue, standard: Target, year: int | None) -> str:
    """What disagrees between value and standard, or nothing."""
    target = value.target
    if target.span is not None and standard.span is not None:
        return "" if _same_time(value, target.span, standard.span, year) else "时间不一致"
    stated, beside = target.base, standard.base
    if stated is None or beside is None:
        return ""
    (number, unit), (other, base) = stated, beside
    if not unit or not base:
        number, other = target.number or number, standard.number or other
    elif unit != base and not _alike(target, standard):
        return f"单位不一致（{target.symbol}、{standard.symbol}）"
    if number != other:
        return "数值不一致"
    signs = {target.operator, standard.operator} if target.stated and standard.stated else set()
    return "方向相反" if signs & _UPWARD and signs & _DOWNWARD else ""


def _alike(target: Target, other: Target) -> bool:
    first, second = target.measure, other.measure
    return first is None or second is None or alike(first, second)


def _same_time(value: JudgedValue, span: Span, other: Span, year: int | None) -> bool:
    """They end on the same day, and begin on the same where both are periods.

    A year that is not written is the form's, or any of the project's.
    """
    period = read_period(value.form.text("period"), year)
    years = {year or 0, *(period.years if period is not None else ())}
    return any(_meet(span.within(year), other.within(year), span, other) for year in years)


def _meet(first: Period, second: Period, span: Span, other: Span) -> bool:
    both = span.is_period and other.is_period
    return first.end == second.end and (not both or first.start == second.start)


@rule("I407", "名称和指标值对不上", Severity.QUERY, review="可行性", source=FORM)
def unpaired(review: Review) -> Iterator[Hit]:
    """一格里写了几个指标值，名称的个数却不同，不知道哪个值是哪个指标的。

    错：名称“高企申报，企业入库”，指标值三行“15家、120家、3次”。
    对：两个名称两个值，按先后一一对应；一行只写一个指标最好。
    """
    for _, row, split in stuffed(review):
        if not split.paired:
            told = "；".join(quote(target.text) for target in split.targets)
            yield review.hit(
                row.target,
                f"名称“{quote(row.name)}”有 {len(split.names)} 个，"
                f"指标值有 {len(split.targets)} 个（{told}），对不上，请一行写一个指标",
                field=f"{row.block}.target",
                found=f"{quote(row.name)}：{quote(row.target)}",
            )


@rule("I408", "同一指标两个不同的值", Severity.ERROR, review="可行性", source=MATHS)
def contradictory(review: Review) -> Iterator[Hit]:
    """同一张表里，同名的指标只能有一个值，在哪个类别都一样；名称里的 ★、序号和括号里的单位不计。

    单位不同的（3次、200人）算两件事；一个下限加一个上限（≥3次、≤5次）不矛盾。

    错：税收增长率 ≥1%，又一行税收增长率 ≥2%；质量指标培训合格率 ≥95%，社会效益又写 ≥90%。
    对：增值税增长率 ≥1%，企业所得税增长率 ≥2%。
    """
    for group in review.once(_same_names):
        first, *others = group
        for other in others:
            if _conflict(first.target, other.target):
                before = quote(first.target.text)
                where = ""
                if other.block != first.block:
                    where = f"{review.spec(first.form).block(first.block).label}里"
                yield other.hit(
                    f"与{where}同名指标的“{before}”不同：同一指标出现两个目标值，请保留一个或改名",
                    expected=before,
                )
                break


@rule("I409", "同一指标写了两次", Severity.QUERY, review="可行性", source=FORM)
def repeated(review: Review) -> Iterator[Hit]:
    """同一张表的同一类别里，名称和值都相同的指标写了两次。

    错：数量指标里两行都是“走访企业 ≥60家”。
    对：走访企业 ≥60家，走访个体户 ≥60户。
    """
    for group in review.once(_same_names):
        first, *others = group
        if any(_conflict(first.target, other.target) for other in others):
            continue
        for other in others:
            if other.target == first.target and other.block == first.block:
                yield other.hit("写了两次，请删去一个，或写明区别")


def _same_names(review: Review) -> list[list[JudgedValue]]:
    """Indicators of the same name in one form, where there are several."""
    groups: dict[tuple[int, str], list[JudgedValue]] = defaultdict(list)
    for value in values(review):
        name = subject(value.name)
        if name and value.target.kind not in ("blank", "placeholder"):
            groups[id(value.form), name].append(value)
    return [group for group in groups.values() if len(group) > 1]


def _conflict(first: Target, other: Target) -> bool:
    if first.span is not None and other.span is not None:
        return first.span.end != other.span.end
    first_base, other_base = first.base, other.base
    if (
        first_base is None
        or other_base is None
        or first_base[1] != other_base[1]
        or first.label != other.label
    ):
        return False
    if first.operator in _UPWARD and other.operator in _DOWNWARD:
        return first_base[0] > other_base[0]
    if first.operator in _DOWNWARD and other.operator in _UPWARD:
        return other_base[0] > first_base[0]
    return first_base[0] != other_base[0]


@rule("I414", "一格里写了几个指标", Severity.NOTE, review="可行性", source=FORM)
def several_in_one(review: Review) -> Iterator[Hit]:
    """一格里写了几个名称和几个值，按先后一一对应读出来；拆成几行更清楚，也才能导入财政系统。

    错：名称“高企申报，企业入库”，指标值两行“15家以上、120家以上”。
    对：两行，每行一个名称一个值。
    """
    for _, row, split in stuffed(review):
        if split.paired:
            pairs = "；".join(f"{quote(name)} {quote(target.normal)}" for name, target in split)
            yield review.hit(
                row.target,
                f"一格里写了 {len(split)} 个指标，拆开读作：{pairs}",
                field=f"{row.block}.target",
                expected=pairs,
            )


@rule(
    "X503",
    "项目的指标值高于部门的",
    Severity.QUERY,
    review="相关性",
    source="部门表包含各个项目的产出",
)
def above_the_unit(review: Review) -> Iterator[Hit]:
    """同一指标在部门表和项目表里都有时，一个项目的量不会多过整个部门的量。

    只比个数、金额和面积长度一类能相加的量；比率、时长不比。名称相同，或项目的名称只是说得更细（新增就业人数、
    新增及解决就业人数）时才比。

    错：部门表“新增就业人数 20人以上”，项目表“新增及解决就业人数 180人以上”。
    对：部门表“新增就业人数 ≥200人”，项目表“新增就业人数 ≥180人”。
    """
    units: dict[tuple[str, str], list[tuple[str, JudgedValue]]] = defaultdict(list)
    for value in values(review):
        if not _adds_up(value):
            continue
        core = _core(value.name)
        alike = units[value.block, core[:2] + core[-2:]]
        if value.form.kind == "department":
            alike.append((core, value))
            continue
        for name, unit in alike:
            if _named_within(name, core) and _exceeds(value.target, unit.target):
                whole = f"{quote(unit.name)} {quote(unit.target.text)}"
                yield value.hit(
                    f"高于部门表的“{whole}”，部门目标应不低于所含项目，请核对这两处", expected=whole
                )
                break


def _adds_up(value: JudgedValue) -> bool:
    if value.target.number is None or value.target.label:
        return False
    unit = value.target.measure
    if unit is None:
        return False
    return unit.kind in ("count", "money") or unit.base in (
        "米",
        "亩",
        "立方米",
        "公斤",
        "千瓦时",
    )


def _exceeds(project: Target, unit: Target) -> bool:
    more, less = project.base, unit.base
    if more is None or less is None or more[1] != less[1] or more[0] <= less[0]:
        return False
    band = {project.operator, unit.operator}
    return not (band & _UPWARD and band & _DOWNWARD)


_LINKS = re.compile("[及和与或、的]")


def _core(name: str) -> str:
    return _LINKS.sub("", comparable_name(name))


def _named_within(short: str, long: str) -> bool:
    """The project's indicator has the unit's name, or that name with a few words more inside.

    Both begin and end with the same two characters.
    """
    if short == long:
        return bool(short)
    if len(short) < 4 or len(short) > len(long) or len(short) < 0.6 * len(long):
        return False
    rest = iter(long)
    return all(char in rest for char in short)
