"""Other places' layouts: lists of projects, split values in every order, heads in two rows,
many units."""

import itertools
from decimal import Decimal

import pytest

from tests.support import layouts
from tests.support.accounting import lost
from tests.support.layouts import c
from xltool.editions.declaration import load_edition
from xltool.importing import import_files
from xltool.importing.grids import read_rows

NATIONAL, HUNAN = load_edition("national-2021"), load_edition("hunan-2023")
WRITERS = {
    "docx": layouts.write_docx,
    "html": layouts.write_html,
    "xlsx": layouts.write_xlsx,
    "xls": layouts.write_xls,
}


def imported(path, edition=NATIONAL):
    result = import_files([path], edition)
    assert not lost(read_rows(path), result, edition)
    return result


def indicators(form):
    return [(i.block, *(e.text for e in i.cells.values() if not e.blank)) for i in form.indicators]


LIST = [
    [
        c("序号"), c("项目名称"), c("预算单位"), c("年度目标"), c("一级指标"), c("二级指标"),
        c("三级指标"), c("指标性质"), c("指标值"), c("度量单位"), c("权重"),
    ],
    [c("1", 1, 3), c("修渠", 1, 3), c("水利局", 1, 3), c("修好三条渠", 1, 3), c("产出指标", 1, 2),
     c("数量指标"), c("渠长"), c("≥"), c("12"), c("公里"), c("30")],
    [c("质量指标"), c("合格率"), c("="), c("100"), c("%"), c("20")],
    [c("满意度指标"), c("服务对象满意度指标"), c("村民满意度"), c("≥"), c("90"), c("%"), c("10")],
    [c("2"), c("植树"), c("林业局"), c("植树百亩"), c("产出指标"), c("数量指标"), c("面积"), c("≥"),
     c("100"), c("亩"), c("50")],
    [c("合计"), c("", 10)],
]  # fmt: skip


@pytest.mark.parametrize("kind", WRITERS)
def test_a_table_of_projects_is_a_form_for_each(kind, tmp_path):
    title = "2024年项目支出绩效目标表"
    path = WRITERS[kind](tmp_path / f"a.{kind}", [(title, LIST)], "单位：万元")
    result = imported(path)
    assert [(f.unit, f.year) for f in result.filings] == [("水利局", 2024), ("林业局", 2024)]
    first, second = (filing.projects[0] for filing in result.filings)
    assert (first.text("project"), first.text("annual_goal")) == ("修渠", "修好三条渠")
    assert indicators(first) == [
        ("quantity", "渠长", "≥", "12", "公里", "30"), ("quality", "合格率", "=", "100", "%", "20"),
        ("satisfaction", "村民满意度", "≥", "90", "%", "10"),
    ]  # fmt: skip
    assert indicators(second) == [("quantity", "面积", "≥", "100", "亩", "50")]


def test_a_list_with_one_row_a_project_and_heads_in_two_rows(tmp_path):
    rows = [
        [c("项目名称", 1, 2), c("实施单位", 1, 2), c("资金（万元）", 3), c("年度目标", 1, 2)],
        [c("年度资金总额"), c("财政拨款"), c("其他资金")],
        [c("修渠"), c("某局"), c("90.5"), c("80"), c("10.5"), c("修好三条渠")],
        [c("植树"), c("某局"), c("30"), c("30"), c("0"), c("植树百亩")],
        [c("没见过的行", 6)],
    ]
    path = layouts.write_docx(tmp_path / "a.docx", [("2024年项目支出绩效目标汇总表", rows)], "附表")
    result = imported(path)
    [filing] = result.filings
    assert [
        (p.text("project"), p.amount("total"), p.amount("fiscal"), p.text("annual_goal"))
        for p in filing.projects
    ] == [
        ("修渠", Decimal(905_000), Decimal(800_000), "修好三条渠"),
        ("植树", Decimal(300_000), Decimal(300_000), "植树百亩"),
    ]
    assert any("没见过的行" in left.text for left in result.leftovers)


ORDERS = list(itertools.permutations([("指标性质", "≥"), ("指标值", "5"), ("计量单位", "公里")]))


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "-".join(h for h, _ in order))
@pytest.mark.parametrize("edition", [NATIONAL, HUNAN], ids=lambda e: e.id)
def test_a_value_split_in_any_order_is_one_value(order, edition, tmp_path):
    heads = [c("一级指标"), c("二级指标"), c("三级指标"), *(c(h) for h, _ in order), c("权重")]
    row = [c("产出指标"), c("数量指标"), c("修路"), *(c(v) for _, v in order), c("30")]
    layout = [[c("项目名称"), c("修路", 3), c("预算单位"), c("某局", 2)], heads, row]
    path = layouts.write_docx(tmp_path / "a.docx", [("项目支出绩效目标表", layout)], "（2024年度）")
    result = imported(path, edition)
    [one] = result.filings[0].projects[0].indicators
    assert one.target.text == "≥5公里"
    listed = any(left.text == "30" for left in result.leftovers)
    assert listed or one["weight"].text == "30"


def test_heads_of_a_value_in_a_second_row(tmp_path):
    layout = [
        [c("项目名称"), c("修路", 2), c("预算单位"), c("某局", 2)],
        [c("一级指标", 1, 2), c("二级指标", 1, 2), c("三级指标", 1, 2), c("指标值", 3)],
        [c("计算符号"), c("目标值"), c("计量单位")],
        [c("产出指标"), c("数量指标"), c("修路"), c("≥"), c("5"), c("公里")],
    ]
    path = layouts.write_docx(tmp_path / "a.docx", [("项目支出绩效目标表", layout)], "（2024年度）")
    [one] = imported(path).filings[0].projects[0].indicators
    assert one.target.text == "≥5公里"


def test_two_sets_of_columns_side_by_side_and_the_year_s_counts(tmp_path):
    heads = [c("一级指标"), c("二级指标"), c("三级指标"), c("实施周期指标值"), c("二级指标"),
             c("三级指标"), c("当年度指标值")]  # fmt: skip
    rows = [
        [
            c("产出指标", 1, 3),
            c("数量指标"),
            c("渠长"),
            c("90公里"),
            c("数量指标"),
            c("渠长"),
            c("30公里"),
        ],
        [c("质量指标", 1, 2), c("合格率"), c("100%"), c("质量指标", 1, 2), c("合格率"), c("98%")],
        [c("返工率"), c("≤1%"), c("返工率"), c("≤2%")],
    ]
    layout = [[c("项目名称"), c("修渠", 3), c("预算单位"), c("某局", 2)], heads, *rows]
    path = layouts.write_docx(tmp_path / "a.docx", [("项目支出绩效目标表", layout)], "（2024年度）")
    result = imported(path, HUNAN)
    assert indicators(result.filings[0].projects[0]) == [
        ("quantity", "渠长", "30公里"), ("quality", "合格率", "98%"), ("quality", "返工率", "≤2%"),
    ]  # fmt: skip
    assert any("90公里" in left.text for left in result.leftovers)


def test_costs_go_where_the_edition_has_costs(tmp_path):
    """成本指标 on the first level, or its three parts: to the nearest category, and that is said."""
    rows = [
        [c("一级指标"), c("二级指标"), c("三级指标"), c("指标值")],
        [c("成本指标", 1, 2), c("经济成本指标"), c("每公里造价"), c("≤30万元")],
        [c("生态环境成本指标"), c("占林地"), c("0亩")],
        [c("产出指标"), c("成本指标"), c("总投资"), c("≤90万元")],
    ]
    layout = [[c("项目名称"), c("修渠"), c("预算单位"), c("某局")], *rows]
    path = layouts.write_docx(tmp_path / "a.docx", [("项目支出绩效目标表", layout)], "（2024年度）")
    form = imported(path, HUNAN).filings[0].projects[0]
    assert {i.block for i in form.indicators} == {"cost"} and len(form.indicators) == 3
    result = imported(path, NATIONAL)
    blocks = [i.block for i in result.filings[0].projects[0].indicators]
    assert blocks == ["cost_economic", "cost_economic", "cost_ecological"]
    assert any("归入“经济成本指标”" in v.note for v in result.values)


def test_last_year_s_and_this_year_s_amounts_stand_under_their_heads(tmp_path):
    layout = [
        [c("项目名称"), c("修渠"), c("实施单位"), c("某局")],
        [c("项目资金（万元）", 1, 3), c("项目"), c("上年度安排资金"), c("本年度申请资金")],
        [c("上级资金"), c("130"), c("300")],
        [c("本级资金"), c("20"), c("40")],
        [c("年度目标"), c("修好三条渠，守住汛期", 3)],
        [c("其他资金"), c("7", 3)],
    ]
    path = layouts.write_docx(tmp_path / "a.docx", [("项目支出绩效目标表", layout)], "（2024年度）")
    form = imported(path).filings[0].projects[0]
    amounts = [form.amount(f) for f in ("upper_budget", "own_budget", "other")]
    assert amounts == [3_000_000, 400_000, 70_000]


def test_many_units_and_other_forms_in_one_workbook(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for n, unit in enumerate(("甲局", "乙局", "丙局")):
        for title, layout in layouts.WHOLE:
            sheet = book.create_sheet(f"{unit}{title[5:7]}")
            sheet.cell(1, 1, title)
            sheet.cell(2, 1, "单位：万元")
            for r, k, (text, _, _) in layouts.placed(layout):
                sheet.cell(3 + r, 1 + k, text.replace("南岭县水利局", unit))
        if n == 1:
            other = book.create_sheet("自评")
            for k, text in enumerate(("一级指标", "三级指标", "年度指标值", "完成值", "得分")):
                other.cell(1, 1 + k, text)
                other.cell(2, 1 + k, "9")
    book.save(tmp_path / "a.xlsx")
    result = imported(tmp_path / "a.xlsx", HUNAN)
    assert [(f.unit, len(f.projects), f.department is not None) for f in result.filings] == [
        ("甲局", 1, True), ("乙局", 1, True), ("丙局", 1, True),
    ]  # fmt: skip
    assert [left.reason for left in result.leftovers] == [
        "是绩效自评表，不是绩效目标申报表，不导入"
    ]


def test_a_row_that_does_not_fit_its_heads_gives_no_value(tmp_path):
    """Tables whose cells stand one column off: a category is no name, a prompt no value."""
    heads = [c("一级指标"), c("二级指标"), c("三级指标"), c("指标值")]
    rows = [
        [c("产出指标"), c("数量指标"), c("渠长"), c("12公里")],
        [c(""), c("产出指标"), c("质量指标"), c("合格率(≥**%)")],
        [c("产出指标"), c("时效指标"), c("≥"), c("%")],
        [c("满意度指标"), c("服务对象满意度指标"), c("服务对象满意度"), c("≥90%")],
    ]
    layout = [[c("项目名称"), c("修渠"), c("预算单位"), c("某局")], heads, *rows]
    path = layouts.write_docx(tmp_path / "a.docx", [("项目支出绩效目标表", layout)], "（2024年度）")
    result = imported(path, HUNAN)
    assert indicators(result.filings[0].projects[0]) == [
        ("quantity", "渠长", "12公里"), ("satisfaction", "服务对象满意度", "≥90%"),
    ]  # fmt: skip


VILLAGES = [
    [c("项目名称"), c("山塘整修"), c("预算单位"), c("水利局")],
    [c("一级指标"), c("二级指标"), c("三级指标"), c("东山村"), c("西山村"), c("南山村")],
    [c("产出指标", 1, 2), c("数量指标"), c("整修山塘"), c("2口"), c("3口"), c("1口")],
    [c("时效指标"), c("完工时间"), c("12月底前"), c("12月底前"), c("12月底前")],
]


def test_a_column_for_each_village_is_listed_with_what_to_do(tmp_path):
    title = "2024年项目支出绩效目标表"
    result = imported(layouts.write_xlsx(tmp_path / "a.xlsx", [(title, VILLAGES)]))
    [filing] = result.filings
    assert filing.projects[0].indicators == ()
    reasons = [left.reason for left in result.leftovers if "整修山塘" in left.text]
    assert reasons == [
        "指标表里没有认出哪一栏是指标值：“东山村、西山村”等 3 栏都像；请只留一栏，栏头改成“指标值”再导入"
    ]


def test_one_unknown_head_is_named_as_perhaps_the_value_s(tmp_path):
    rows = [[*VILLAGES[0]], [*VILLAGES[1][:4]], [*VILLAGES[2][:4]], [*VILLAGES[3][:3]]]
    title = "2024年项目支出绩效目标表"
    result = imported(layouts.write_xlsx(tmp_path / "a.xlsx", [(title, rows)]))
    assert any(
        "若是“东山村”，请把栏头改成“指标值”" in left.reason and "整修山塘" in left.text
        for left in result.leftovers
    )


@pytest.mark.parametrize(
    "text, says",
    [
        ("專項資金績效目標表\n項目名稱 | 修渠 |\n產出指標 | 數量指標 | 渠長 | 12公里 |\n", "繁体"),
        ("绩效情况。\n指标名称 |\n计量单位 |\n指标值 |\n修渠 |\n公里 |\n12 |\n", "没有写是哪一类"),
        ("今天开会，讨论了修渠的事。\n", "没有认出表名和栏目"),
    ],
)
def test_why_a_text_gave_no_form(text, says, tmp_path):
    (tmp_path / "a.txt").write_text(text, "utf-8")
    result = import_files([tmp_path / "a.txt"], NATIONAL)
    assert result.filings == []
    [left] = result.leftovers
    assert left.reason.startswith("没有找到绩效目标表：") and says in left.reason
