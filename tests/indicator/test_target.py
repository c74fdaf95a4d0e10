"""Indicator values: every form of the collected list reads as held right;
what is read can be written."""

import csv
import itertools
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import xltool
from tests.support.paths import DATA
from xltool.indicator import (
    is_empty,
    is_placeholder,
    names,
    parse_target,
    split_targets,
    vocabulary,
    write_target,
)
from xltool.indicator.dates import Day, Period, Span, read_deadline, read_period
from xltool.indicator.normalise import normal_text
from xltool.indicator.units import read_unit
from xltool.indicator.value import KINDS, Target

VALUES = DATA / "indicator_values.tsv"


def _rows():
    with VALUES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row["value"] or "blank")
def test_collected_value(row):
    target = parse_target(row["value"].replace("⏎", "\n"))
    assert (target.operator or "") == row["operator"]
    assert target.number == (Decimal(row["number"]) if row["number"] else None)
    assert target.unit == row["unit"]
    assert target.kind == row["kind"]
    assert target.normal.replace("\n", "⏎") == row["normal"]


def test_the_list_is_whole():
    rows = _rows()
    assert len(rows) == 167
    assert sum(bool(row["differs"]) for row in rows) == 23


# value → operator, number, unit, kind: the forms named in the field's description and near them.
FORMS = {
    "不低于5次": ("≥", "5", "次", "number"),
    "不少于3人": ("≥", "3", "人", "number"),
    "不超过20万元": ("≤", "20", "万元", "money"),
    "超过50%": (">", "50", "%", "number"),
    "小于5%": ("<", "5", "%", "number"),
    "达到95%": ("≥", "95", "%", "number"),
    "达到95%以上": ("≥", "95", "%", "number"),
    "控制在200万元以内": ("≤", "200", "万元", "money"),
    "≧3个": ("≥", "3", "个", "number"),
    "═5个": ("=", "5", "个", "number"),
    "0.9‰": ("=", "0.9", "‰", "number"),
    "780元/生/年": ("=", "780", "元/生/年", "number"),
    "80TB": ("=", "80", "TB", "number"),
    "2 小时": ("=", "2", "小时", "number"),
    "=100.00(%)": ("=", "100.00", "%", "number"),
    "100%（1.0）": ("=", "100", "%", "number"),
    "3，518.85万元": ("=", "3518.85", "万元", "money"),
    "15%及其以下": ("≤", "15", "%", "number"),
    "各1次": ("=", "1", "次", "number"),
    "≥９５％": ("≥", "95", "%", "number"),
    "0起": ("=", "0", "起", "number"),
    "15家以上（含复审）": ("≥", "15", "家", "number"),
    "5个工作日内": ("≤", "5", "个工作日", "number"),
    "2个项目": ("=", "2", "个", "number"),
    "5万人次": ("=", "5", "万人次", "number"),
    "≥\n5座": ("≥", "5", "座", "number"),
    "≥42\n座": ("≥", "42", "座", "number"),
    "≥十座": ("≥", "10", "座", "number"),
    "≤35μg/m3": ("≤", "35", "μg/m3", "number"),
    "≤35µg/m³": ("≤", "35", "μg/m³", "number"),
    "≤0.5毫克/m3": ("≤", "0.5", "毫克/m3", "number"),
    "≤￥20万": ("≤", "20", "万", "money"),
    "¥200,000.00": ("=", "200000.00", "元", "money"),
    "≤1200万元人民币": ("≤", "1200", "万元人民币", "money"),
    "不低于百分之98": ("≥", "98", "%", "number"),
    "千分之3以内": ("≤", "3", "‰", "number"),
    "≤2024年12月31日": ("≤", None, "", "date"),
    "=12月31日前": ("≤", None, "", "date"),
    "≤2024.12": ("≤", "2024.12", "", "number"),
    "≤12月": ("≤", "12", "月", "number"),
    "≤2年": ("≤", "2", "年", "number"),
    "≤500元/（人·天）": ("≤", "500", "元/人·天", "number"),
    "〈5%": ("<", "5", "%", "number"),
    "≥−5%": ("≥", "-5", "%", "number"),
    "≥-5%": ("≥", "-5", "%", "number"),
    "满意度达到95%以上": ("≥", "95", "%", "number"),
    "是": (None, None, "", "boolean"),
    "—": (None, None, "", "blank"),
    "XX%": (None, None, "", "placeholder"),
    "（100字以内）": (None, None, "", "placeholder"),
    "指标1：": (None, None, "", "placeholder"),
    "目标2": (None, None, "", "placeholder"),
    # never guessed
    "约50家": (None, None, "", "text"),
    "20余家": (None, None, "", "text"),
    "5-10次": (None, None, "", "text"),
    "第3名": (None, None, "", "text"),
    "≥95%以下": (None, None, "", "text"),
    "1、2、3等奖": (None, None, "", "text"),
    "24小时值班": (None, None, "", "text"),
    "1 000人": (None, None, "", "text"),
}


@pytest.mark.parametrize(("text", "reading"), FORMS.items(), ids=list(FORMS))
def test_form(text, reading):
    target = parse_target(text)
    number = None if reading[1] is None else Decimal(reading[1])
    assert (target.operator, target.number, target.unit, target.kind) == (
        reading[0],
        number,
        *reading[2:],
    )
    assert target.text == text


def test_a_bare_number_is_equal_but_was_not_said():
    assert parse_target("200万").operator == "=" and not parse_target("200万").stated
    assert parse_target("=200万").stated


def test_columns_for_the_bureaus_systems():
    assert parse_target("15家以上").columns == ("≥", "15", "家")
    assert parse_target("≥98百分比").columns == ("≥", "98", "%")
    assert parse_target("显著改善").columns == ("定性", "显著改善", "")
    assert parse_target("……").columns == ("", "", "")
    assert parse_target("≤|475|元/亩") == parse_target("<=475元/亩")


def test_amounts_are_exact():
    assert parse_target("56万").yuan == Decimal(560_000)
    assert parse_target("569,650元").money == Decimal("56.965")
    assert parse_target("1亿").money == Decimal(10_000)
    assert parse_target("15家").money is None
    assert parse_target("资金总额：1245.61").money is None  # no unit was written


def test_units_compare_in_their_base():
    assert parse_target("3万人").base == parse_target("30000人").base
    assert parse_target("2km").base == parse_target("2000米").base
    assert parse_target("15家").base != parse_target("15次").base
    assert read_unit("厷") is None


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2023年1月1日-2023年12月31日", (2023, 1, 1), (2023, 12, 31)),
        ("2023年1月1日至12月31日", (2023, 1, 1), (2023, 12, 31)),
        ("2023.07-2024.01", (2023, 7, 1), (2024, 1, 31)),
        ("2021.1-2021.12", (2021, 1, 1), (2021, 12, 31)),
        ("2023.1-12", (2023, 1, 1), (2023, 12, 31)),
        ("2023-01-01至2023-12-31", (2023, 1, 1), (2023, 12, 31)),
        ("2023年1-12月", (2023, 1, 1), (2023, 12, 31)),
        ("2022年9月—2023年8月", (2022, 9, 1), (2023, 8, 31)),
        ("2022-2024年", (2022, 1, 1), (2024, 12, 31)),
        ("２０２３年", (2023, 1, 1), (2023, 12, 31)),
        ("2021年全年", (2021, 1, 1), (2021, 12, 31)),
        ("2023年上半年", (2023, 1, 1), (2023, 6, 30)),
        ("2024年第一季度", (2024, 1, 1), (2024, 3, 31)),
        ("2023年2月", (2023, 2, 1), (2023, 2, 28)),
    ],
)
def test_period(text, start, end):
    assert read_period(text) == Period(date(*start), date(*end))


@pytest.mark.parametrize(
    "text", ["", "3年", "一年", "长期", "20246-202516", "2023年13月", "2024年3月-2023年1月", "240"]
)
def test_no_period(text):
    assert read_period(text) is None


@pytest.mark.parametrize("dash", "-－—–―−‐‑─━~～∼〜→至到")
def test_a_period_with_any_dash(dash):
    whole = Period(date(2023, 1, 1), date(2024, 6, 30))
    assert read_period(f"2023年1月1日{dash}2024年6月30日") == whole
    assert read_period(f"自2023年1月起{dash}2024年6月止") == whole
    assert read_period(f"2023{dash}2024") == Period(date(2023, 1, 1), date(2024, 12, 31))
    assert parse_target(f"2023年1月{dash}2024年6月").kind == "period"


def test_a_period_without_a_year_needs_one():
    assert read_period("1-12月") is None
    assert read_period("1-12月", 2023) == Period(date(2023, 1, 1), date(2023, 12, 31))


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("12月31日前", (2023, 12, 31)),
        ("2023年底", (2023, 12, 31)),
        ("年底前", (2023, 12, 31)),
        ("11月底前完成", (2023, 11, 30)),
        ("2月底前", (2023, 2, 28)),
        ("2024年6月30日之前", (2024, 6, 30)),
        ("于2022年9月1日前完成", (2022, 9, 1)),
        ("2023/6/30", (2023, 6, 30)),
        ("年内", (2023, 12, 31)),
        ("第三季度", (2023, 9, 30)),
        ("第三季度末", (2023, 9, 30)),
    ],
)
def test_deadline(text, end):
    assert read_deadline(text, 2023) == date(*end)


def test_no_deadline():
    for text in ("每月10日前", "及时", "30日内", "3个月", "2月30日前"):
        assert read_deadline(text, 2023) is None, text


def test_stuffed_cells_are_paired_in_order():
    split = split_targets("完成高企申报和复审，完成科技型中小企业申报入库", "15家以上\n\n120家以上")
    assert [(name, target.normal) for name, target in split] == [
        ("完成高企申报和复审", "≥15家"),
        ("完成科技型中小企业申报入库", "≥120家"),
    ]
    assert split.stuffed and split.paired
    three = split_targets("评价\n\n培训会\n\n参加项目", "6家以上\n\n4次以上\n\n1、2、3等奖")
    assert [target.kind for _, target in three] == ["number", "number", "text"]


def test_one_value_keeps_its_name_whole():
    split = split_targets("推进新型工业企业、搞好培训企业", "20家以上")
    assert split.pairs == (("推进新型工业企业、搞好培训企业", parse_target("20家以上")),)
    assert not split.stuffed


def test_values_that_say_what_they_are_belong_to_one_name():
    split = split_targets("物管服务面积", "建筑面积2.6万平方米,展示面积1万平方米")
    assert [name for name, _ in split] == ["物管服务面积：建筑面积", "物管服务面积：展示面积"]
    assert [target.columns for _, target in split] == [
        ("=", "2.6", "万平方米"),
        ("=", "1", "万平方米"),
    ]


def test_counts_that_differ_are_not_paired():
    split = split_targets("高企申报，企业入库，专项培训", "15家\n120家")
    assert not split.paired and len(split.targets) == 2 and len(split.names) == 3


def test_the_face():
    assert xltool.parse_target("15家以上").normal == "≥15家"
    assert xltool.Target is Target
    assert next(iter(xltool.split_targets("满意度", "≥85%")))[0] == "满意度"


# ── properties ──

units = st.sampled_from(
    ["", "家", "次", "%", "‰", "元", "万元", "万人", "平方米", "元/生/年", "个工作日", "TB", "天"]
)
numbers = st.decimals(min_value=0, max_value=10**9, places=4, allow_nan=False)
labels = st.sampled_from(["", "各", "建筑面积", "满意度", "比上年增长"])


@st.composite
def quantities(draw):
    unit = draw(units)
    label = draw(labels)
    stated = draw(st.booleans())
    operator = draw(st.sampled_from("≥≤><=")) if stated else "="
    kind = "money" if unit in ("元", "万元") else "number"
    remark = draw(st.sampled_from(["", "含复审", "其中市级"]))
    return Target(operator, draw(numbers), unit, kind, "", unit, stated, label, "", remark)


years = st.one_of(st.none(), st.integers(2000, 2049))


@st.composite
def days(draw, year):
    return Day(year, draw(st.integers(1, 12)), draw(st.integers(1, 28)))


@st.composite
def dated(draw):
    year = draw(years)
    end = draw(days(year))
    if draw(st.booleans()):
        return Target("≤", None, "", "date", "", span=Span(None, end))
    start = draw(days(year))
    if (start.month, start.day) > (end.month, end.day):
        start, end = end, start
    span = Span(start, end)
    return Target(None, None, "", "period" if span.is_period else "date", "", span=span)


single = st.one_of(quantities(), dated())


@given(single)
def test_what_is_written_reads_the_same(target):
    assert parse_target(write_target(target)) == target


@given(st.lists(single, min_size=2, max_size=4))
def test_a_stuffed_cell_reads_the_same(parts):
    target = Target(None, None, "", "multiple", "", parts=tuple(parts))
    assert parse_target(write_target(target)) == target


alphabet = st.sampled_from(
    "0123456789.,-/≥≤><=%‰家次万亿元年月日前后以上下内至到、，；：()（）*…X \n\t|各约一二第季度底"
)


@given(st.one_of(st.text(), st.text(alphabet, max_size=24)))
def test_any_text_is_read_and_kept(text):
    target = parse_target(text)
    assert target.kind in KINDS and target.text == text
    assert parse_target(target.normal) == parse_target(parse_target(target.normal).normal)
    assert len(target.columns) == 3
    split_targets(text, text)


# Prompts and words for nothing, in half and full width, with what cleaning takes away beside and
# inside.
WHOLE = """
……  …  ..  __  ＿＿  ***  ≥＊＊%  xx个  ＸＸ  ××%  指标  指标1：  目标二  三级指标  指标值及单位：
(100字以内)  （50字内）  请填写  請选择  在此填写  （例如  示例  填写说明
—  ——  --  /  ／  无此项  无此内容  不适用  N/A  n/a  ｜  定性|  数字化  指标体系建设  2个  15家以上
"""
around = st.sampled_from(
    ["", "", "", " ", "　", "（", "。", "\u200b", "\ufeff", "|", "\n", "甲", "1"]
)
prompts = st.builds(
    lambda before, text, at, inside, after: before + text[:at] + inside + text[at:] + after,
    *(around, st.sampled_from(WHOLE.split()), st.integers(0, 4), around, around),
)


@given(st.one_of(prompts, st.text(), st.text(alphabet, max_size=24)))
def test_a_glance_sees_what_a_close_look_sees(text):
    assert is_empty(text) == parse_target(text).empty
    body = vocabulary.clean(text)
    assert is_placeholder(text) == (
        vocabulary._is_dots(vocabulary.without_space(body))
        or vocabulary._PROMPT.search(body) is not None
    )


known = [
    word
    for table in ((), ("bounded",))
    for words in names._endings(*table).values()
    for word in words
]
tails = ["", *itertools.chain(*names._tails().values())]


@given(
    *(st.sampled_from(part) for part in (["", "新增", *known], known, tails, ["", "（人）", "类"]))
)
def test_the_longest_word_that_a_name_ends_with(before, word, tail, unit):
    name = before + word + tail
    ends = [
        (name[a : len(name) - len(t)], t)
        for a in range(len(name))
        for t in tails
        if name.endswith(t)
    ]
    words = {word for group in names._endings().values() for word in group}
    longest = next(
        (
            end
            for end, _ in sorted(ends, key=lambda e: (-len("".join(e)), len(e[1])))
            if end in words
        ),
        "",
    )
    assert names._last(name + unit) == ("" if unit == "类" else longest)


@given(st.one_of(st.text(), st.text(alphabet, max_size=24)))
def test_the_normal_form_says_the_same(text):
    target = parse_target(text)
    again = parse_target(target.normal)
    assert (again.operator, again.number, again.symbol, again.span) == (
        target.operator, target.number, target.symbol, target.span,
    )  # fmt: skip


@given(st.one_of(st.text(), st.text(alphabet, max_size=24)))
def test_a_proposal_reads_as_what_was_written(text):
    becomes = normal_text(text)
    if becomes is not None:
        assert becomes != text.strip() and parse_target(becomes) == parse_target(text)
        assert normal_text(becomes) is None


FRAGMENTS = """
≥ ≤ > 不低于 不超过 达到 控制在 以上 以内 及以下 15 3.5 1,200 100.00 2023 12 家 次 % 万元 亿 元/人
个月 年 月 日 前 底 全年 - 至 、 ， ； ： （ ） 含 各 每年 约 余 左右 满意度 增长 个 项目 ** ……
"""
fragments = st.sampled_from([*FRAGMENTS.split(), "\n"])


@given(st.lists(fragments, max_size=9).map("".join))
def test_pieces_of_values_in_any_order(text):
    """What people could write by mistake: the normal form still says what was read."""
    target = parse_target(text)
    again = parse_target(target.normal)
    assert (again.operator, again.number, again.symbol, again.span, again.parts) == (
        target.operator, target.number, target.symbol, target.span, target.parts,
    )  # fmt: skip
    becomes = normal_text(text)
    assert becomes is None or (parse_target(becomes) == target and normal_text(becomes) is None)


def test_a_list_inside_a_stuffed_cell_stays_one_value():
    split = split_targets("评价\n培训\n评奖", "≥6家\n≥4次\n1万、2万、3万")
    assert [target.kind for _, target in split] == ["number", "number", "multiple"]
    assert parse_target("≥6家\n1万、2万、3万").normal == "≥6家\n1万、2万、3万"
