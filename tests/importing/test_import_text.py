"""Forms as pasted or scraped text: cells a line, words in a line, no cells at all."""

from decimal import Decimal

import pytest

from tests.support.accounting import lost
from xltool.editions.declaration import load_edition
from xltool.importing import Sure, import_files
from xltool.importing.text import read_text

NATIONAL, HUNAN = load_edition("national-2021"), load_edition("hunan-2023")


def imported(tmp_path, text, edition=NATIONAL, **options):
    path = tmp_path / "a.txt"
    path.write_text(text, "utf-8")
    result = import_files([path], edition, **options)
    assert not lost(read_text(text.encode()), result, edition)
    return result


def project(result):
    [filing] = result.filings
    [form] = filing.projects
    return form


def form_of(*lines):
    return "\n".join(("项目支出绩效目标表", "（2024年度）", "项目名称", "修路", *lines, ""))


@pytest.mark.parametrize(
    "stated",
    [
        "资金情况\n（万元）\n年度资金总额：\n90",
        "资金情况\n（单位：万元）\n年度资金总额：\n90",
        "资金情况（万元）\n年度资金总额：\n90",
        "资金情况 （万元）\n年度资金总额：90",
        "单位：万元\n年度资金总额\n90",
        "金额单位：人民币万元\n年度资金总额\n90",
        "年度资金总额（万元）\n90",
        "年度资金总额：90万元",
        "年度资金总额\n90\n单位：万元",
    ],
)
def test_a_unit_of_money_counts_wherever_the_form_states_it(stated, tmp_path):
    """National forms are in 元: a 万元 that is overlooked is a factor of 10,000."""
    assert project(imported(tmp_path, form_of(*stated.split("\n")))).amount("total") == 900_000


def test_two_units_that_disagree_are_said_and_the_nearest_counts(tmp_path):
    result = imported(tmp_path, form_of("单位：元", "资金情况（万元）", "年度资金总额：", "90"))
    [value] = [v for v in result.values if v.field == "年度资金总额"]
    assert project(result).amount("total") == 900_000
    assert value.sure is Sure.LOW and "元、万元" in value.note


def test_an_amount_without_a_unit_is_taken_only_where_it_could_be_one(tmp_path):
    result = imported(tmp_path, form_of("年度资金总额", "90", "上级资金", "900000"))
    assert project(result)["total"].blank and project(result).amount("upper_budget") == 900_000
    assert any("按元不像" in left.reason for left in result.leftovers)


def test_a_label_broken_over_two_lines_is_one_label(tmp_path):
    lines = (
        "预算部门",
        "某某镇人民政府",
        "年度本级",
        "预算金额",
        "90",
        "本年度绩效目标",
        "修5公里路",
    )
    text = "2024年项目支出绩效目标表\n项目支出名称\n修路\n" + "\n".join(lines)
    form = project(imported(tmp_path, text, HUNAN))
    assert form.text("unit") == "某某镇人民政府" and form.amount("own_budget") == 90


@pytest.mark.parametrize(
    ("lines", "unit", "note"),
    [
        (("实施单位", "某镇政府", "办公楼", "三层"), "", "三层"),  # which of the three is it?
        (("实施单位：某镇政府 单位：万元",), "某镇政府", ""),
        (("实施单位（盖章）：某镇政府（单位：万元）",), "某镇政府", ""),
        (("实施单位：", "单位负责人："), "", ""),
        (("实施单位 某镇政府 联络处室 综合股",), "某镇政府", "综合股"),
        (("实施单位 某镇政府 没见过的栏 内容",), "", "没见过的栏"),
    ],
)
def test_a_unit_s_name_swallows_no_neighbour(lines, unit, note, tmp_path):
    result = imported(tmp_path, form_of(*lines, "年度目标", "修好五公里路，通到村口"))
    form = project(result)
    assert (form.text("unit"), form.text("annual_goal")) == (unit, "修好五公里路，通到村口")
    assert any(note in left.text for left in result.leftovers) or not note


def test_goals_side_by_side_are_parted_or_listed(tmp_path):
    two = imported(tmp_path, form_of("长期目标", "年度目标", "三年通到每个组", "今年通三个组"))
    form = project(two)
    assert (form.text("period_goal"), form.text("annual_goal")) == (
        "三年通到每个组",
        "今年通三个组",
    )
    for lines in (("今年通三个组",), ("1.通三个组", "2.修一座桥"), ("甲，", "乙，", "丙，")):
        form = project(imported(tmp_path, form_of("长期目标", "年度目标", *lines)))
        assert form["period_goal"].blank and form["annual_goal"].blank


def test_a_long_answer_of_several_lines_is_whole_or_listed(tmp_path):
    whole = project(imported(tmp_path, form_of("年度目标", "1.修路。", "2.修桥。")))
    assert whole.text("annual_goal") == "1.修路。\n2.修桥。"
    broken = imported(tmp_path, form_of("年度目标", "1.修路。", "没见过的栏", "内容"))
    assert project(broken)["annual_goal"].blank
    assert any("没见过的栏" in left.text for left in broken.leftovers)


HEADS = ("一级指标", "二级指标", "三级指标")
ROW = ("产出指标", "数量指标", "修路长度", "≥5公里")


@pytest.mark.parametrize(
    "head",
    ["年度指标值", "预期值", "计划值", "2024年指标值", "年度(/项目)指标值", "全年（程）指标值",
     "预期指标值", "目标值", "绩效目标值", "当年预期实现值"],
)  # fmt: skip
def test_a_value_s_head_is_known_in_every_wording(head, tmp_path):
    [one] = project(imported(tmp_path, form_of(*HEADS, head, *ROW))).indicators
    assert (one.name.text, one.target.text) == ("修路长度", "≥5公里")


@pytest.mark.parametrize("head", ["某某村", "2021年指标值", "实施期指标值", "折合数"])
def test_indicators_under_a_head_that_is_no_value_s_are_listed(head, tmp_path):
    result = imported(tmp_path, form_of(*HEADS, head, *ROW))
    assert project(result).indicators == ()
    assert any("修路长度" in left.text and "≥5公里" in left.text for left in result.leftovers)


def test_of_several_years_values_the_form_s_own_counts(tmp_path):
    heads = " | ".join((*HEADS, "2023年指标值", "2024年指标值", "2025年指标值"))
    text = form_of() + f"{heads} |\n产出指标 | 数量指标 | 修路长度 | 3公里 | 5公里 | 7公里 |\n" * 1
    text = text.replace(
        "项目名称\n修路", "项目名称 | 修路 |\n实施单位 | 某局 |\n年度目标 | 修路，修桥 |"
    )
    [one] = project(imported(tmp_path, text)).indicators
    assert one.target.text == "5公里"


def test_a_category_is_never_an_indicator_s_name(tmp_path):
    rows = ("产出指标 | 数量指标 | 修路长度 | ≥5公里 |", "生态效益 指标 (选填) | 绿化 | 3亩 |",
            "| 别处 指标（10分） | 名 | 1个 |")  # fmt: skip
    text = form_of() + "\n".join((" | ".join((*HEADS, "指标值")) + " |", *rows)) + "\n"
    text = text.replace(
        "项目名称\n修路", "项目名称 | 修路 |\n实施单位 | 某局 |\n年度目标 | 修路，修桥 |"
    )
    result = imported(tmp_path, text)
    rows = [(i.block, i.name.text) for i in project(result).indicators]
    assert rows == [("quantity", "修路长度"), ("ecological", "绿化")]
    assert any("别处" in left.text for left in result.leftovers)


def test_the_whole_life_s_money_is_not_the_year_s(tmp_path):
    text = """项目支出绩效目标申报表 | | |
项目名称 | 修路 | 实施单位 | 某局 |
资金情况 (万元) | 项目资金总额: | 300 | 年度资金申请总额 | 90 |
其中:财政拨款 | 280 | 其中:当年财政拨款 | 80 |
其他资金 | 20 | 其他资金 | 10 |
"""
    form = project(imported(tmp_path, text))
    assert (form.amount("total"), form.amount("fiscal"), form.amount("other")) == (
        900_000,
        800_000,
        100_000,
    )
    alone = imported(tmp_path, form_of("项目总投资（万元）", "300", "财政拨款", "280"))
    assert project(alone)["total"].blank and project(alone)["fiscal"].blank


def test_last_year_s_amount_beside_this_year_s_is_not_taken(tmp_path):
    text = form_of("单位：万元", "上级资金 130 300")
    result = imported(tmp_path, text)
    assert project(result)["upper_budget"].blank
    assert any("130 | 300" in left.text for left in result.leftovers)


RUN_ON = """项目绩效目标表
（2024年度）
项目名称修渠
项目主管部门某县水利局项目执行单位某乡政府
资金情况
（万元）
年度资金总额:16
总体目标年度目标
修好三条渠，守住汛期。
绩效指标一级指标二级指标指标内容指标值
产出指标数量指标渠道长度≥5公里
新建水闸3座
时效指标完成时间12月31日前
效益指标可持续影响指标灌溉保障能力稳步提高
社会公众或服务对象满意度指标村民满意度≥90%
"""


def test_text_without_cells_is_cut_at_the_form_s_words(tmp_path):
    result = imported(tmp_path, RUN_ON)
    form = project(result)
    assert (form.text("project"), form.amount("total")) == ("修渠", Decimal(160_000))
    rows = [(i.block, i.name.text, i.target.text) for i in form.indicators]
    assert rows == [
        ("quantity", "渠道长度", "≥5公里"), ("quantity", "新建水闸", "3座"),
        ("sustainable", "灌溉保障能力", "稳步提高"), ("satisfaction", "村民满意度", "≥90%"),
    ]  # fmt: skip
    assert form["annual_goal"].blank and form["period_goal"].blank  # one text under two heads
    assert any("完成时间12月31日前" in left.text for left in result.leftovers)
    assert all(v.sure is Sure.LOW for v in result.values if v.field != "年度")


def test_another_form_is_one_sentence(tmp_path):
    text = "部门预算项目支出绩效自评表（2024年度）\n项目名称 | 修路 |\n" + "其中 | 3 | 4 |\n" * 70
    [left] = imported_leftovers(tmp_path, text)
    assert "绩效自评表" in left.reason
    heads = " | ".join((*HEADS, "指标值", "完成值", "得分"))
    untitled = (
        f"项目名称 | 修路 |\n实施单位 | 某局 |\n{heads} |\n" + " | ".join((*ROW, "5", "10")) + " |"
    )
    [left] = imported_leftovers(tmp_path, untitled)
    assert "绩效自评表" in left.reason


def imported_leftovers(tmp_path, text):
    path = tmp_path / "b.txt"
    path.write_text(text, "utf-8")
    result = import_files([path])
    assert result.filings == [] and result.values == []
    return result.leftovers


def test_a_heading_written_downwards_asks_for_nothing(tmp_path):
    lines = ("总", "体", "目", "标", "年度目标", "修好五公里路，通到村口。", "绩", "效", "指", "标")
    form = project(imported(tmp_path, form_of("实施单位", "某局", *lines, *HEADS, "指标值", *ROW)))
    assert form.text("annual_goal") == "修好五公里路，通到村口。"
    assert len(form.indicators) == 1


def test_cells_parted_by_tabs(tmp_path):
    text = (
        "2024年项目支出绩效目标表\n部门(单位)名称：某局\n项目名称\t修路\t项目类别\t其他\n"
        "项目资金\t财政拨款（元）\t900000.00\n\t其他资金（元）\t0.00\n"
        "绩效指标\t一级指标\t二级指标\t三级指标\t指标性质\t指标值\t计量单位\n"
        "\t产出指标\t数量指标\t修路长度\t≥\t5\t公里\n\t\t质量指标\t合格率\t＝\t100\t%\n"
    )
    form = project(imported(tmp_path, text))
    assert (form.text("unit"), form.amount("fiscal")) == ("某局", 900_000)
    assert [i.target.text for i in form.indicators] == ["≥5公里", "=100%"]


def test_the_whole_period_s_indicators_beside_the_year_s(tmp_path):
    """Two sets of the same heads: the goals above them say which is the year's."""
    text = (
        "项目支出绩效目标表 |||\n（2024年度） |||\n项目名称 | 修渠 | 实施单位 | 某局 |\n"
        "总体目标 | 实施期目标 ||| 年度目标 |||\n|| 三年修完干渠，通水到田 ||| 修好第一段 |||\n"
        "绩效指标 | 一级指标 | 二级指标 | 三级指标 | 指标值 | 二级指标 | 三级指标 | 指标值 |\n"
        "|| 产出指标 | 数量指标 | 渠长 | 90公里 | 数量指标 | 渠长 | 30公里 |\n"
    )
    result = imported(tmp_path, text)
    form = project(result)
    assert form.text("annual_goal") == "修好第一段"
    assert [i.target.text for i in form.indicators] == ["30公里"]
    assert any("90公里" in left.text for left in result.leftovers)


@pytest.mark.parametrize(
    ("text", "value"),
    [("新增项目□ 延续项目☑", "延续项目"), ("□新增 √延续", "延续"), ("新增项目□ 延续项目□", None),
     ("新增项目√ 延续项目√ 其他□", None)],
)  # fmt: skip
def test_of_options_the_ticked_one_is_the_answer(text, value, tmp_path):
    result = imported(tmp_path, form_of("项目属性", text, "年度目标", "修好五公里路，通到村口"))
    assert project(result)["nature"].value == value
    assert value or any("勾" in left.reason for left in result.leftovers)


def test_an_answer_with_gaps_goes_to_the_label_above_it(tmp_path):
    result = imported(tmp_path, form_of("年度目标", "修好五公里路， 通到村口 和渡口"))
    assert project(result).text("annual_goal") == "修好五公里路， 通到村口 和渡口"


def test_a_title_of_the_whole_department_is_no_project_s(tmp_path):
    text = "2024年整体支出绩效目标申报表\n单位名称：某局\n部门预算总额（万元）\n612.35\n基本支出\n412.35\n"
    path = tmp_path / "a.txt"
    path.write_text(text, "utf-8")
    [filing] = import_files([path], HUNAN).filings
    assert filing.projects == () and filing.department.amount("total") == Decimal("612.35")


def test_a_project_s_one_goal_and_the_unit_above_the_form(tmp_path):
    head = "项目支出绩效目标表\n2024年\n金额单位：万元\n单位：001001-某某县人大办\n"
    text = f"{head}项目名称：会议费\n绩效目标：开好会，办好事。\n"
    result = imported(tmp_path, text)
    form = project(result)
    assert (form.text("unit"), form.text("annual_goal")) == ("某某县人大办", "开好会，办好事。")
    assert result.filings[0].code == "001001"
    assert {v.sure for v in result.values if v.note} == {Sure.LOW}


def test_heads_of_a_list_without_a_project_are_listed(tmp_path):
    """Chance found it: the heads of a table of projects in which no project stands were lost."""
    text = "项目支出名称：修渠\n项目名称 一级指标 一级指标 合格\n（万元） 预算部门"
    rows = read_text(text.encode())
    (tmp_path / "a.txt").write_text(text, "utf-8")
    result = import_files([tmp_path / "a.txt"])
    assert "合格" in "".join(left.text for left in result.leftovers)
    assert not lost(rows, result, load_edition())
