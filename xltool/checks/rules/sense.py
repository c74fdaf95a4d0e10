"""I416-I422: values that can be read
and still say nothing a reviewer could hold against the year's work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from xltool.checks.engine import Hit, Review, rule
from xltool.checks.rules._rows import (
    JudgedValue,
    comparable_name,
    library_entry,
    of_kind,
    subject,
    values,
    worded,
)
from xltool.indicator import Target
from xltool.indicator.names import UP, direction, expected_units
from xltool.model import Severity

SENSE = "审核常识：指标要能衡量、能核对"
PLACED = "申报表的格式：指标按类别填"


@rule("I416", "口号加百分比", Severity.QUERY, review="可行性", source=SENSE)
def slogans(review: Review) -> Iterator[Hit]:
    """“维护社会稳定 ≥95%”没有分子和分母，算不出来，也核对不了；请换成算得出的率、数，或写定性的结果。

    错：促进农村经济发展 =100%；提升治理水平 ≥90%。
    对：农村居民收入增长率 ≥6%；调解成功率 ≥95%。
    """
    for value in values(review):
        if (
            value.target.symbol != "%"
            or value.kind == "satisfaction"
            or value.name.endswith(_MEASURED)
        ):
            continue
        if _SLOGAN.search(subject(value.name)):
            yield value.hit("是口号加百分比，说不出分子和分母，请换成算得出的指标")


_MEASURED = ("率", "度", "比", "比例", "占比", "比重")
_SLOGAN = re.compile(
    "^(?:有效|进一步|持续|全面|切实|大力|积极|不断)*(?:维护|促进|推动|推进|提升|提高|增强|改善|助力|保障|确保|加强|优化|弘扬|营造|巩固|繁荣|带动|服务|支持|深化).*"
    "(?:稳定|和谐|发展|振兴|水平|能力|意识|形象|环境|秩序|文化|精神|氛围|素质|影响力|竞争力|凝聚力|获得感|幸福感|建设|治理|民生|权益|文明|格局|改革|开放|经济|进步|繁荣)$"
    "|(?:和谐稳定|高质量发展|经济社会发展|可持续发展|社会稳定)$"
)


@rule("I417", "名称没有说是什么", Severity.QUERY, review="相关性", source=PLACED)
def nameless(review: Review) -> Iterator[Hit]:
    """三级指标只写了类别（社会效益、数量指标），或只写“满意度”而没有说是谁的。

    错：满意度 ≥90%；社会效益 ≥90%。
    对：参训学员满意度 ≥90%。
    """
    for value in values(review):
        name = value.name
        if name in _OF_NOBODY:
            yield value.hit("没有说是谁的满意度，请写明是哪些人")
        elif name in review.spec(value.form).category_names and "满意" not in name:
            # 服务对象满意度 says whose.
            yield value.hit("名称只是类别，请写明考核的是什么")


_OF_NOBODY = frozenset(("满意度", "满意率", "满意度指标", "★满意度", "满意程度"))


@rule("I418", "指标放错了类别", Severity.QUERY, review="相关性", source=PLACED)
def misplaced(review: Review) -> Iterator[Hit]:
    """满意度要放在满意度指标里；次数、场数是数量，不是质量；达标率、及时率不是成本。

    错：质量指标里写“学员满意度 ≥95%”；质量指标里写“仪器维护 ≥4次”；成本指标里写“资助标准达标率 100%”。
    对：质量指标里写“一次验收合格率 ≥95%”“差错 ≤2次”。
    """
    for value in values(review):
        if value.kind == "satisfaction" or (where := _belongs(value)) is None:
            continue
        if any(block.kind == where[0] for block in review.spec(value.form).indicators.block):
            yield value.hit(f"像是放错了类别：这是{where[1]}，请核对")


def _belongs(value: JudgedValue) -> tuple[str, str] | None:
    """(category, its name) where it plainly belongs; None when unsure."""
    name, target = value.name, value.target
    if name.endswith(("满意度", "满意率")) and target.symbol in ("%", "分", ""):
        return "satisfaction", "满意度指标"
    if value.kind == "quality" and _counts_times(target) and direction(subject(name)) is None:
        return None if _HARM.search(name) else ("quantity", "数量指标")
    if value.kind == "cost" and target.symbol == "%":
        way = direction(subject(name))
        if way is not None and way.share and way.wants == UP:
            return "quality", "质量指标"
    return None


def _counts_times(target: Target) -> bool:
    return bool(target.number) and target.operator in ("≥", ">", "=") and target.symbol in _TIMES


_TIMES = frozenset(["次", "场", "场次", "期", "人次", "批次", "课时"])
_HARM = re.compile("错|误|故|投诉|违|事故|频")


@rule("I419", "投入当作产出", Severity.QUERY, review="相关性", source=PLACED)
def inputs(review: Review) -> Iterator[Hit]:
    """投入多少钱、多少人是投入，不是产出；产出要写用这些钱和人做成了什么。

    错：数量指标里写“投入资金 86万元”“投入人员 12人”。
    对：数量指标里写“维修道路 ≥5公里”。
    """
    for value in of_kind(review, "quantity", "quality"):
        if _PUT_IN.search(value.name) is None:
            continue
        if value.output and _INPUT.search(subject(value.name)):
            yield value.hit("是投入，不是产出，请写做成了什么，投入的钱写到成本指标")


_PUT_IN = re.compile("投入|安排|使用")
_INPUT = re.compile(
    "^(?:财政|项目|年度)?(?:投入|安排|使用)(?:财政|项目|专项)?(?:资金|经费|人员|人力|人数)(?:额|量|数|金额|总额)?$"
    "|^(?:财政|项目|专项)?(?:资金|经费|人员|人力)投入(?:额|量|数|金额|总额|人数)?$"
)


@rule(
    "I420",
    "等级太笼统",
    Severity.QUERY,
    review="可行性",
    source=SENSE,
    yields_to=("I410", "I412"),
)
def vague_grades(review: Review) -> Iterator[Hit]:
    """满意度写“较高”、时效写“及时”、质量写“好”，到年底怎样都说得过去。

    错：群众满意度 较高；完成及时性 及时；服务质量 好。
    对：群众满意度 ≥90%；12月20日前完成；验收合格。
    """
    for value in worded(review):
        if value.target.kind not in ("grade", "boolean", "text"):
            continue
        words = comparable_name(value.target.words)
        if value.kind == "satisfaction" and value.target.kind == "grade":
            yield value.hit("没有数，请写“≥90%”这样的值")
        elif value.kind == "time" and _IN_TIME.fullmatch(words):
            yield value.hit("没有期限，请写“12月20日前”“≤5个工作日”这样的值")
        elif value.kind == "quality" and _GOOD.fullmatch(words) and not _GRADED.search(value.name):
            yield value.hit("不能衡量，请写能核对的率、数或等级")


_IN_TIME = re.compile(
    "(?:很|较|比较|非常)?(?:及时|按时|准时|按期|如期|尽快|快速|高效|迅速)(?:完成)?"
)
_GOOD = re.compile("(?:很|较|比较|非常)?(?:好|高|强|大|不错|明显|显著)")
_GRADED = re.compile("评估|评定|评价|等级|等次|考核|验收|鉴定")


@rule("I421", "比率写成了小数", Severity.QUERY, review="可行性", source=SENSE)
def decimal_rates(review: Review) -> Iterator[Hit]:
    """比率要写成百分数：0.97 看不出是 97% 还是 0.97%。

    错：随访真实率 ≥0.95；达标比例 ≥0.97比例。
    对：随访真实率 ≥95%。
    """
    for value in values(review):
        target = value.target
        if target.symbol not in _NO_UNIT or (number := target.number) is None:
            continue
        if not 0 < number <= 1:
            continue
        if "%" in expected_units(value.name) or target.symbol:
            percent = f"{(number * 100).normalize():f}%"
            yield value.hit(f"是小数，请写成“{percent}”这样的百分数", expected=percent)


_NO_UNIT = ("", "比例", "比率", "比重", "占比", "率")


@rule(
    "I422",
    "目标值偏离常见范围",
    Severity.QUERY,
    review="可行性",
    source="设置里的下限，本级的指标库",
)
def unusual(review: Review) -> Iterator[Hit]:
    """满意度低于设置 satisfaction_least（默认 60%）的，目标过低，起不到考核作用。

    设置里有本级指标库的，数值低于常见范围的一半、高于它的两倍（百分数差 20 个百分点以上）也提出来。

    错：患者满意度 ≥50%；指标库里维修水库一般 10～40座，写 ≥300座。
    对：患者满意度 ≥85%。
    """
    least = Decimal(review.settings.satisfaction_least)
    for value in of_kind(review, "satisfaction"):
        if value.target.symbol != "%":
            continue
        number = value.target.number
        if number is not None and value.target.operator in ("≥", ">", "=") and 0 < number < least:
            yield value.hit(f"目标过低（低于 {least}%），请核实", expected=f"≥{least}%")
    if review.library is None:
        return
    for value in values(review):
        if (entry := library_entry(review, value)) is not None and entry.far(value.target):
            yield value.hit(f"偏离常见范围：指标库里是 {entry.range}，请核实", expected=entry.range)
