"""I4xx, one value at a time: can it be read, does it say something, does it fit its name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec.structs import replace

from xltool.checks.engine import Hit, Review, rule
from xltool.checks.rules._rows import (
    JudgedValue,
    comparable_name,
    library_entry,
    readings,
    subject,
    values,
    worded,
)
from xltool.checks.rules._text import quote
from xltool.indicator import Target, is_placeholder, write_target
from xltool.indicator.dates import Period, impossible, read_period
from xltool.indicator.names import (
    DOWN,
    UP,
    bounded,
    direction,
    expected_units,
    falling,
    fits,
    signed,
    unit_in_name,
    unitless,
)
from xltool.indicator.units import alike, kin
from xltool.indicator.vocabulary import is_vague
from xltool.model import Severity

SENSE = "审核常识：指标值要能衡量、能核对"
IMPORT = "财政业务系统按计算符号、指标值、计量单位三栏导入，拆不开的导不进去"
MATHS = "算术"
_FACING = {"≥": UP, ">": UP, "≤": DOWN, "<": DOWN}
_SIGN = {UP: "≥", DOWN: "≤"}


@rule("I401", "指标值或实施期读不出来", Severity.QUERY, review="可行性", source=IMPORT)
def readable(review: Review) -> Iterator[Hit]:
    """看上去是数或日期，却读不成数、日期或等级的值：符号自相矛盾、不确定的数、只有单位没有数、不存在的日期、
    结束早于开始；项目支出实施期读不成期间的也算（“长期”“一年”不问）。

    读不出来就不会导入财政系统，年底也无从对照。普通的定性文字不算；汉字写的数读得出，
    数量、成本里以数开头而读不成一个数的，都只提示。

    错：约50家；≥95%以下；6月31日前；实施期 20246-202516、2024年12月-2024年1月。
    对：≥50家；6月30日前；显著改善；实施期 2024年6月-2025年1月。
    """
    for value in worded(review):
        if reason := _unreadable(value.target):
            yield value.hit(f"{reason}，请写成“≥50家”“12月31日前”这样的形式")
        elif value.target.spelled:
            wish = value.target.normal
            yield value.hit(f"读作“{wish}”，请改用数字", expected=wish, severity=Severity.NOTE)
        elif value.kind in review.settings.countable and _has_a_number(value.target):
            yield value.hit(
                "里有数，却不是一个确定的数，财政业务系统导不进去；能写成“≥50家”这样的最好",
                severity=Severity.NOTE,
            )
    for form in review.filing.projects:
        entry = form["period"]
        if isinstance(entry.value, str) and (reason := _no_period(entry.value)):
            yield review.hit(
                entry,
                f"项目支出实施期“{quote(entry)}”{reason}，请写成“2024年1月-2024年12月”这样的形式",
                field="period",
            )


_RATIO = re.compile(r"[0-9]\s*[:/：]\s*[0-9]|±\s*[0-9]")  # 1:3, 15/10万, 9:00, ±2%
_CLASS = re.compile(r"[≥≤><=]\s*(?:[Ⅰ-Ⅴ]|I{1,3}|IV|V|[一二三四五六甲乙丙])\s*[类级等]等?")  # ≥Ⅲ类
_SIGNS = ".,~-—/≥≤><=% "


def _unreadable(target: Target) -> str:
    if target.kind == "blank" and target.words:
        return "只有单位，没有数"
    if target.kind != "text" or target.operator:
        return ""
    words = target.words
    if reason := impossible(words):
        return f"不是真实的时间：{reason}"
    if _RATIO.search(words):
        return ""
    if is_vague(words):
        return "不是确定的数"
    if re.fullmatch(r"[≥≤><=]?\s*[0-9.,]+\s*/.+", words):
        return f"“{words[words.index('/') :]}”前面缺计量单位"
    if (words[:1] in _FACING or words[:1] == "=") and not _CLASS.fullmatch(words):
        return "有符号，却读不出数"
    if (
        words.strip(_SIGNS)
        and not words.strip(_SIGNS + "0123456789")
        and not re.search(r"%.*%", words)
    ):
        return "读不出是数还是日期"
    return ""


_RANGE = re.compile(r"[0-9]\s*[-~～—–至到]\s*[0-9]")


_BEGINS = re.compile("[≥≤><=]?[0-9一二两三四五六七八九十百千]+[^、]+")


def _has_a_number(target: Target) -> bool:
    """Words that begin with a number which is no ratio and no range: 24小时值班, 十二三座."""
    if target.kind != "text" or target.operator or not _BEGINS.fullmatch(target.words):
        return False
    return not (_RATIO.search(target.words) or _RANGE.search(target.words))


# What an ongoing project may say of its time instead of days.
_OPEN_PERIOD = re.compile("[年月季度]|长期|常态|持续|经常|不限|永久|跨|分期")


def _no_period(text: str) -> str:
    """Why a 实施期 is no period; empty where it is one, says how long,
    or waits for its answer (P202)."""
    if read_period(text) is not None or read_period(text, 2000) is not None:
        return ""
    if is_placeholder(text) or not text.strip():
        return ""
    if reason := impossible(text):
        return f"不是真实的时间：{reason}"
    return "" if _OPEN_PERIOD.search(text) else "读不成从哪天到哪天"


@rule("I402", "数没有单位", Severity.QUERY, review="可行性", source=IMPORT)
def units(review: Review) -> Iterator[Hit]:
    """一个数要有计量单位，指标值和绩效标准都一样。零、名称括号里已写明单位的、
    本来没有单位的（指数、比、得分）除外。

    错：满意度 ≥85（是 85% 还是 85分？）；新建校舍 3（栋、间还是平方米？）。
    对：满意度 ≥85%；在职职工人数（人） 116；安全事故 0。
    """
    for value, column, target in readings(review):
        if target.number and not target.symbol and not _unit_known(value.name):
            beside = f"，而指标值是“{quote(value.target.text)}”" if column == "standard" else ""
            yield value.hit(f"没有计量单位{beside}，请补上单位", column)


def _unit_known(name: str) -> bool:
    return unitless(name) or unit_in_name(name) is not None


@rule("I403", "数没有写 ≤ 或 ≥", Severity.QUERY, review="可行性", source=SENSE)
def operators(review: Review) -> Iterator[Hit]:
    """成本是上限，要写 ≤；满意度是下限，要写 ≥。哪些类别需要，见设置 at_most 和 at_least。

    零、单价和补助标准（元/人、名称带“标准”、以元计的补助）本来就是定数，不要求。

    错：印刷费 20万；群众满意度 90%。
    对：印刷费 ≤20万元；群众满意度 ≥90%；生均补助 780元/生/年。
    """
    wanted = dict.fromkeys(review.settings.at_most, "≤") | dict.fromkeys(
        review.settings.at_least, "≥"
    )
    for value in values(review):
        sign, target = wanted.get(value.kind), value.target
        if sign is None or not target.number or target.stated or _fixed(value):
            continue
        if target.kind == "money" if sign == "≤" else target.symbol in ("", "%", "分"):
            beside = (
                value.standard.normal
                if value.standard is not None and value.standard.stated
                else ""
            )
            contrast = f"，而绩效标准是“{beside}”" if beside else ""
            wish = write_target(replace(target, operator=sign, stated=True))
            yield value.hit(f"没有写“{sign}”{contrast}，请写成“{wish}”", expected=wish)


_RATES = ("标准", "单价", "补助", "补贴", "津贴", "工资", "定额")


def _fixed(value: JudgedValue) -> bool:
    """A price or a rate of aid is meant exactly: 补助标准 2400元, 陪审补助 100元."""
    return "标准" in value.name or (
        value.target.symbol == "元" and any(word in value.name for word in _RATES)
    )


@rule("I404", "怎样都成立或怎样都不成立", Severity.ERROR, review="可行性", source=MATHS)
def decidable(review: Review) -> Iterator[Hit]:
    """没有哪个结果能使它不成立（≥0次），或没有哪个结果能使它成立（合格率 >100%）的指标值。

    可以为负的量（增长率、结余）写 ≥0 有意义；会超过 100% 的比率（增长率、完成率）写 ≥100% 也有意义。
    不会超过 100% 的比率写 ≥100%，与 =100% 是一个意思，作为核实提出。

    错：环保处罚 0次以上；验收合格率 ≤100%；群众满意度 >100%。
    对：环保处罚 0次；验收合格率 =100%；税收增长率 ≥0%。
    """
    reported = None
    for value, column, target in readings(review):
        judged = _decided(value, target) if value is not reported else None
        if judged:
            reason, severity = judged
            yield value.hit(reason, column, severity=severity)
            reported = value


def _decided(value: JudgedValue, target: Target) -> tuple[str, Severity | None] | None:
    number, sign = target.number, target.operator
    if number is None:
        return None
    if number <= 0 and not signed(value.name) and not signed(target.label):
        if sign == "≥" or (sign == ">" and number < 0):
            none = f"0{target.symbol}"
            return f"恒成立，起不到考核作用；若指不发生，请写“{none}”", None
        if sign == "<" or number < 0:
            return "怎样都达不到，请核对", None
    if target.symbol != "%" or number < 100 or not _never_above(value):
        return None
    if sign == "≤" or (sign == "<" and number > 100):
        return "恒成立，起不到考核作用：这个比率不会超过 100%，请核对符号", None
    if sign == ">" or number > 100:
        return "怎样都达不到：这个比率不会超过 100%，请核对", None
    if sign == "≥":
        return "就是“100%”：这个比率不会超过 100%，请写“100%”，或留有余地", Severity.QUERY
    return None


def _never_above(value: JudgedValue) -> bool:
    """A share of a whole, or a degree of satisfaction."""
    return bounded(value.name) or (value.kind == "satisfaction" and not signed(value.name))


@rule("I405", "≤ 和 ≥ 像是写反了", Severity.QUERY, review="可行性", source=SENSE)
def facing(review: Review) -> Iterator[Hit]:
    """收入、满意度、覆盖率越多越好，写 ≤ 就是给好事封顶；成本、处罚、投诉越少越好，写 ≥ 就是要求坏事发生。

    哪些词有方向，见 `xltool/indicator/directions.toml`，设置里有本级指标库的先看指标库；拿不准的不报。
    零和怎样都成立的值由 I404 去说；值里写明下降、减少多少的（投诉次数 下降≥10%）不看。

    错：销售收入 ≤1亿；居民投诉 ≥3次；印刷成本 ≥20万元。
    对：销售收入 ≥1亿元；居民投诉 ≤3次；投诉办结率 ≥95%。
    """
    for value, column, target in readings(review):
        faces = _FACING.get(target.operator or "") if target.number else None
        if faces and falling(target.label):
            continue  # 投诉次数 下降≥10%
        wants, because = ("", "")
        if faces:
            wants, because = _by_library(review, value) or _wanted(value, target)
        if wants and wants != faces and _decided(value, target) is None:
            bound = "不低于" if wants == UP else "不超过"
            yield value.hit(
                f"方向像是反了：{because}，应当{bound}某个数，请核实是否该写“{_SIGN[wants]}”",
                column,
                expected=_SIGN[wants],
            )


def _by_library(review: Review, value: JudgedValue) -> tuple[str, str] | None:
    entry = library_entry(review, value)
    if entry is None or not entry.direction:
        return None
    return _FACING[entry.direction], f"指标库里“{quote(entry.name)}”写“{entry.direction}”"


def _wanted(value: JudgedValue, target: Target) -> tuple[str, str]:
    """Which way the value should face and why; two empty strings when unsure."""
    way = direction(subject(value.name))
    if way is not None and way.wants == UP and value.kind == "cost":
        return "", ""
    if way is not None and way.only == "time" and not target.lasting:
        way = None
    if way is not None and (way.outputs or not value.output):
        return way.wants, f"“{way.word}”一般{'越多' if way.wants == UP else '越少'}越好"
    if value.kind == "satisfaction" and target.symbol in ("%", "分"):
        return UP, "满意度越高越好"
    if value.kind == "cost" and target.kind == "money" and way is None and "节" not in value.name:
        return DOWN, "成本是花费的上限"
    return "", ""


@rule("I410", "能计数的指标没有数", Severity.QUERY, review="可行性", source=SENSE)
def countable(review: Review) -> Iterator[Hit]:
    """数量和成本可以计数，只写“及时”“较好”就无从核对。哪些类别要有数，见设置 countable。

    “不超预算”是有上限的，算有数；文字里带数的不报。

    错：数量指标“走访企业”写“显著提高”。
    对：走访企业 ≥60家；成本写“不超预算”。
    """
    for value in worded(review):
        target = value.target
        if value.kind not in review.settings.countable or target.kind not in (
            "grade",
            "text",
            "boolean",
        ):
            continue
        if (
            target.operator
            or _SOME_NUMBER.search(target.words)
            or comparable_name(value.name) == comparable_name(target.words)
        ):
            continue
        label = review.spec(value.form).block(value.block).label
        yield value.hit(f"没有数，{label}要写出能核对的数和单位")


_SOME_NUMBER = re.compile(r"[0-9零一二两三四五六七八九十百千万亿①-⑳]|全部|全覆盖|所有|应.尽")


@rule(
    "I411",
    "时限在年度或实施期之外",
    Severity.ERROR,
    review="可行性",
    source="申报表的年度、项目支出实施期",
)
def deadlines(review: Review) -> Iterator[Hit]:
    """部门表的时限要落在预算年度里，项目表的要落在项目支出实施期里。

    没有写年份的（12月31日前）按本年度算；实施期读不出来时不报。只看产出指标，效益可以在以后显现。

    错：2023年的部门表写“2024年3月底前”；实施期到 2023年10月，时限写“12月31日前”。
    对：2023年的部门表写“12月31日前”；实施期 2022—2024年的项目写“2024年6月底前”。
    """
    for value in values(review):
        span = value.target.span
        if span is None or not value.output:
            continue
        year = value.form.year or review.filing.year
        if year is None:
            continue
        allowed = _allowed(value, year)
        written = span.within(year)
        if allowed is None or (
            written.end in allowed and (span.deadline or written.start in allowed)
        ):
            continue
        frame = "预算年度" if value.form.kind == "department" else "项目支出实施期"
        yield value.hit(
            f"在{frame}（{_show(allowed)}）之外，请改时限或核对{frame}", expected=_show(allowed)
        )


def _allowed(value: JudgedValue, year: int) -> Period | None:
    """The days a deadline may lie in; None where the 实施期 itself is in question (P203)."""
    written = f"{year}年" if value.form.kind == "department" else value.form.text("period")
    period = read_period(written, year)
    return period if period is not None and year in period.years else None


def _show(period: Period) -> str:
    return "至".join(f"{day.year}年{day.month}月{day.day}日" for day in (period.start, period.end))


@rule("I412", "指标值照抄名称", Severity.QUERY, review="可行性", source=SENSE)
def repeats(review: Review) -> Iterator[Hit]:
    """指标值和三级指标的名称一字不差，或只是把名称里“……情况”的话再说一遍，等于没有指标值。

    错：名称“环境进一步优化”，指标值也是“环境进一步优化”；名称“办学条件改善情况”，指标值“改善”。
    对：名称“空气质量优良天数”，指标值“≥330天”。
    """
    for value in worded(review):
        if value.target.kind not in ("text", "grade"):
            continue
        name, words = subject(value.name), comparable_name(value.target.words)
        if name == words:
            yield value.hit("只是照抄了名称，请写出要达到的数、等级或时限")
        elif len(words) > 1 and _STATE.search(name) and _STATE.sub("", name).endswith(words):
            yield value.hit("只是把名称再说一遍，请写出要达到的数、等级或时限")


_STATE = re.compile("(?:情况|状况|程度|效果|作用|成效|进展)$")


@rule("I413", "单位和名称不相配", Severity.QUERY, review="可行性", source=SENSE)
def matching_units(review: Review) -> Iterator[Hit]:
    """“……率”的单位是 %（每万人几件、每年几次也是率），“……人数”的单位是人，“……天数”的单位是天，
    名称括号里写了单位的就该用那个单位。

    哪些名称配哪些单位，见 `xltool/indicator/directions.toml`，设置里有本级指标库的先看指标库；拿不准的不报。

    错：验收合格率 ≥95个；培训人数 ≥20场；开放床位数 ≥60人；发放金额（万元） 116户。
    对：验收合格率 ≥95%；投诉率 ≤2件/万人；培训人数 ≥200人次。
    """
    for value in values(review):
        unit = value.target.measure if value.target.number is not None else None
        if unit is None:
            continue
        if unit.kind == "rate" and signed(value.target.label):
            continue  # 死亡人数 同比下降5%
        entry = library_entry(review, value)
        if entry is not None and (own := entry.measure) is not None:
            fit, wanted = alike(own, unit), f"{own.symbol}（指标库）"
        elif (named := unit_in_name(value.name)) is not None:
            fit, wanted = fits(unit, (named.symbol, *kin(named.symbol))), named.symbol
        elif units := expected_units(value.name):
            fit, wanted = fits(unit, units), "、".join(units[:3])
        else:
            continue
        if not fit:
            yield value.hit(
                f"单位是“{unit.symbol}”，与名称不相配（应当是{wanted}一类），请核实",
                expected=wanted,
            )
