"""Earlier filings of any kind of file → the same filing; every value knows its source;
nothing is guessed."""

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import layouts
from tests.support.layouts import c
from tests.support.paths import DATA
from tests.support.seed import seed_filing
from xltool.importing import Sure, import_files
from xltool.importing.grids import read_rows
from xltool.importing.rows import NotImportable
from xltool.importing.text import read_text
from xltool.importing.workbooks import shown

SEED = DATA / "seed.txt"
WRITERS = {
    "docx": layouts.write_docx,
    "html": layouts.write_html,
    "xlsx": layouts.write_xlsx,
    "xls": layouts.write_xls,
    "txt": layouts.write_tabbed,
    "pipes.txt": layouts.write_piped,
}


def one(path, **options):
    """The only filing in a file, and the whole result."""
    result = import_files([path], **options)
    [filing] = result.filings
    return filing, result


def rows_of(form):
    return [(i.block, *(e.text for e in i.cells.values() if not e.blank)) for i in form.indicators]


def test_the_published_document_is_the_hand_written_data_book():
    filing, result = one(SEED)
    assert filing == seed_filing()
    assert filing.department.indicators == seed_filing().department.indicators
    assert result.leftovers == []


def test_the_lone_ten_of_the_published_document_stays_on_the_spending_side():
    filing, result = one(SEED)
    assert filing.department["nontax"].blank
    assert filing.department.amount("nontax_spending") == Decimal(10)
    [value] = [v for v in result.values if v.field == "非税支出"]
    assert (value.place.cell, value.sure) == ("第25行", Sure.MEDIUM)


@pytest.mark.parametrize("kind", WRITERS)
def test_the_same_forms_in_every_kind_of_file(kind, tmp_path):
    path = WRITERS[kind](tmp_path / f"旧表.{kind}")
    filing, result = one(path)
    flat = kind == "pipes.txt"  # lines have become spaces there
    department, [project] = filing.department, filing.projects
    assert (filing.unit, filing.year) == ("南岭县水利局", 2024)
    amounts = {
        f: department.amount(f) for f in ("total", "general", "fund", "nontax", "other", "basic")
    }
    assert amounts == {
        "total": Decimal("860.5"), "general": Decimal("800.5"), "fund": Decimal(60), "nontax": None,
        "other": None, "basic": Decimal("510.5"),
    }  # fmt: skip
    assert department.amount("project_spending") == 350
    assert department["nontax_spending"].blank
    assert department.text("duties").split() == ["（一）管水。", "（二）治河。"]
    assert department.text("goal").replace(" ", "\n") == "目标1：修好水渠。\n目标2：守住汛期。"
    assert rows_of(department) == [
        ("quantity", "维修水渠", "≥12公里"),
        ("quantity", *(("巡河 清淤", "≥40次 ≥3处") if flat else ("巡河\n清淤", "≥40次\n≥3处"))),
        ("cost", "维修费", "≤200万元"),
        ("social", "受益人口", "≥1.2万人"),
        ("satisfaction", "村民满意度", "≥90%"),
    ]
    assert project.text("project") == "水渠维修"
    assert (project.amount("own_budget"), project.amount("upper_budget")) == (
        200,
        Decimal("150.25"),
    )
    assert project.text("period") == "2024年1月1日-2024年12月31日"
    assert (project.text("period_goal"), project.text("annual_goal")) == (
        "三年修完全部干渠",
        "修好第一段",
    )
    assert rows_of(project) == [
        ("quantity", "维修水渠", "≥12公里", "计划标准"),
        ("cost", "维修费", "≤200万元", "计划标准"),
        ("economic", "节约水费", "≥8万元", "历史标准"),
    ]
    assert result.leftovers == []
    assert all(v.file == path.name and v.place.cell for v in result.values)


def test_a_value_names_its_table_and_cell(tmp_path):
    _, result = one(layouts.write_docx(tmp_path / "a.docx"))
    [budget] = [v for v in result.values if v.field == "该项目支出上级资金"]
    assert (str(budget.place), budget.sure) == ("表2!第2行第4格", Sure.HIGH)
    _, result = one(layouts.write_xlsx(tmp_path / "a.xlsx"))
    [unit] = [v for v in result.values if v.field == "部门名称"]
    assert (unit.place.sheet, unit.place.cell) == ("Sheet", "C5")


def test_forms_in_several_files_are_one_filing(tmp_path):
    first = layouts.write_docx(tmp_path / "部门.docx", layouts.WHOLE[:1])
    second = layouts.write_html(tmp_path / "项目.html", layouts.WHOLE[1:], encoding="gb18030")
    result = import_files([first, second])
    [filing] = result.filings
    assert filing.department is not None and len(filing.projects) == 1
    assert filing.source == "部门.docx、项目.html"


OTHER_PROVINCE = [
    [c("项目名称"), c("村道硬化", 2), c("项目负责人"), c("某某", 2)],
    [c("主管部门"), c("交通局", 2), c("预算单位"), c("北坡乡", 2)],
    [c("资金情况\n（元）", 1, 2), c("本级资金"), c("250000"), c("上级资金"), c("1,000,000.50", 2)],
    [c("自有资金"), c("3000", 4)],
    [c("总体目标", 3), c("年度目标", 3)],
    [c("五年通到组", 3), c("今年通三个组", 3)],
    [
        c("绩效指标", 1, 5),
        c("一级指标"),
        c("二级指标"),
        c("三级指标"),
        c("指标性质"),
        c("指标值"),
        c("计量单位"),
    ],
    [c("产出指标", 1, 2), c("数量指标"), c("硬化里程"), c("≥"), c("6"), c("公里")],
    [c("质量指标"), c("验收"), c("定性"), c("合格"), c("")],
    [c("投入指标"), c("资金管理指标"), c("到位率"), c("="), c("100"), c("%")],
    [c("满意度指标"), c("服务对象满意度指标"), c("村民满意"), c("≥"), c("90%"), c("%")],
]


@pytest.mark.parametrize("write", [layouts.write_docx, layouts.write_html, layouts.write_xlsx])
def test_another_province_s_names_units_and_split_columns(write, tmp_path):
    suffix = {"write_docx": "docx", "write_html": "html", "write_xlsx": "xlsx"}[write.__name__]
    forms = [("项目支出绩效目标申报表（2022年度）", OTHER_PROVINCE)]
    filing, result = one(write(tmp_path / f"x.{suffix}", forms, "单位：元"))
    [form] = filing.projects
    assert (form.year, form.text("unit"), form.text("project")) == (2022, "北坡乡", "村道硬化")
    assert (form.amount("own_budget"), form.amount("upper_budget")) == (25, Decimal("100.00005"))
    assert form.text("annual_goal") == "今年通三个组"
    assert form["period_goal"].blank  # 总体目标 is not certainly the whole period's
    assert rows_of(form) == [
        ("quantity", "硬化里程", "≥6公里"),
        ("quality", "验收", "合格"),
        ("satisfaction", "村民满意", "≥90%"),
    ]
    left = {(one.text, one.reason) for one in result.leftovers}
    assert ("", "项目负责人：个人信息，不导入") in left
    assert ("3000", "“自有资金”：版式“hunan-2023”没有这一栏") in left
    assert any("到位率" in text and "对不上" in reason for text, reason in left)
    assert not any("某某" in v.text for v in result.values)
    assert {v.note for v in result.values if v.field == "年度本级预算金额"} == {
        "原文单位元，折合25万元"
    }


def test_an_unknown_category_takes_nothing_below_it_for_the_category_above(tmp_path):
    layout = [
        *layouts.PROJECT[:6],
        [c("产出指标", 1, 2), c("数量指标"), c("修渠"), c("3处"), c("")],
        [c("别处没有的指标", 1, 2), c("一"), c("1个"), c("")],
        [c("二"), c("2个"), c("")],
    ]
    filing, result = one(layouts.write_docx(tmp_path / "a.docx", [(layouts.PROJECT_TITLE, layout)]))
    assert rows_of(filing.projects[0]) == [("quantity", "修渠", "3处")]
    assert sum("别处" in left.text or "二" in left.text for left in result.leftovers) == 2


def test_two_value_columns_are_not_chosen_between(tmp_path):
    heads = [c("绩效指标"), c("一级指标"), c("二级指标"), c("三级指标"), c("指标值"), c("指标值")]
    row = [c(""), c("产出指标"), c("数量指标"), c("修渠"), c("3处"), c("9处")]
    path = layouts.write_docx(
        tmp_path / "a.docx", [(layouts.PROJECT_TITLE, [layouts.PROJECT[0], heads, row])]
    )
    filing, result = one(path)
    assert filing.projects[0].indicators == ()
    assert any("两组相同的栏头" in left.reason for left in result.leftovers)


def test_an_amount_that_is_none_and_a_second_different_answer_are_listed(tmp_path):
    layout = [
        *layouts.PROJECT[:1],
        [c("年度本级预算金额"), c("约200（含结转）", 2), c("该项目支出上级资金"), c("5", 2)],
        [c("上级资金"), c("6", 5)],
    ]
    filing, result = one(layouts.write_docx(tmp_path / "a.docx", [(layouts.PROJECT_TITLE, layout)]))
    assert filing.projects[0]["own_budget"].blank
    assert filing.projects[0].amount("upper_budget") == 5
    reasons = [left.reason for left in result.leftovers]
    assert any("不是能认出的金额" in r for r in reasons) and any(
        "只导入前一个" in r for r in reasons
    )


def test_no_stated_unit_of_money_is_said(tmp_path):
    path = layouts.write_docx(
        tmp_path / "a.docx", [(layouts.PROJECT_TITLE, layouts.PROJECT)], "填报单位：某局"
    )
    _, result = one(path)
    [value] = [v for v in result.values if v.field == "年度本级预算金额"]
    assert (value.sure, value.note) == (Sure.LOW, "表上没有写明金额单位，按万元")


def test_the_right_hand_amount_never_becomes_the_left_hand_one(tmp_path):
    """The non-tax row of the department form: its right cell is spending, whatever stands left."""
    layout = list(layouts.DEPARTMENT)
    layout[1] = [c("年度预算申请\n（万元）", 1, 6), c("资金总额：", 4)]
    layout[3] = [c("其中：一般公共预算：", 2), c("其中：基本支出：", 2)]
    layout[4] = [c("政府性基金拨款：", 2), c("项目支出：", 2)]
    layout[5] = [c("纳入专户管理的非税收入拨款：", 2), c("10", 2)]
    filing, _ = one(layouts.write_docx(tmp_path / "a.docx", [(layouts.DEPARTMENT_TITLE, layout)]))
    assert filing.department["nontax"].blank and filing.department["fund"].blank
    assert filing.department.amount("nontax_spending") == 10


def test_stuffed_cells_are_split_only_when_asked_and_only_when_they_pair(tmp_path):
    path = layouts.write_docx(tmp_path / "a.docx")
    filing, result = one(path, split=True)
    assert rows_of(filing.department)[:3] == [
        ("quantity", "维修水渠", "≥12公里"), ("quantity", "巡河", "≥40次"), ("quantity", "清淤", "≥3处"),
    ]  # fmt: skip
    assert sum(v.note == "由一格拆开" for v in result.values) == 4
    layout = [
        *layouts.PROJECT[:6],
        [c("产出指标"), c("数量指标"), c("甲\n乙\n丙"), c("≥1个\n≥2个"), c("")],
    ]
    filing, _ = one(
        layouts.write_docx(tmp_path / "b.docx", [(layouts.PROJECT_TITLE, layout)]), split=True
    )
    assert rows_of(filing.projects[0]) == [("quantity", "甲\n乙\n丙", "≥1个\n≥2个")]


def test_a_unit_and_a_year_from_outside_only_where_the_form_has_none(tmp_path):
    layout = [[c("项目支出名称"), c("水渠维修", 5)], *layouts.PROJECT[2:]]
    path = layouts.write_docx(tmp_path / "a.docx", [("项目支出绩效目标表", layout)], "单位：万元")
    filing, result = one(path, unit="南岭县水利局", year=2021)
    assert (filing.unit, filing.year) == ("南岭县水利局", 2021)
    assert {str(v.place) for v in result.values if v.note == "命令行给定"} == {
        "命令行!--unit",
        "命令行!--year",
    }
    filing, _ = one(layouts.write_docx(tmp_path / "b.docx"), unit="别的局", year=2021)
    assert (filing.unit, filing.year) == ("南岭县水利局", 2024)


def test_word_revisions_and_nested_tables(tmp_path):
    """Deleted text is gone, inserted text is there, a form inside a layout table is found."""
    import docx
    from docx.oxml import parse_xml

    w = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    document = docx.Document()
    document.add_paragraph(layouts.PROJECT_TITLE)
    outer = document.add_table(1, 1).cell(0, 0)
    table = outer.add_table(1, 4)
    for k, text in enumerate(("项目支出名称", "", "预算部门", "某局")):
        table.cell(0, k).text = text
    paragraph = table.cell(0, 1).paragraphs[0]._p
    paragraph.append(
        parse_xml(f'<w:del {w} w:id="1"><w:r><w:delText>旧名</w:delText></w:r></w:del>')
    )
    paragraph.append(parse_xml(f'<w:ins {w} w:id="2"><w:r><w:t>新名</w:t></w:r></w:ins>'))
    document.save(tmp_path / "a.docx")
    filing, _ = one(tmp_path / "a.docx")
    assert filing.projects[0].text("project") == "新名"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("空.docx", b"", "空的"),
        ("坏.docx", b"PK\x03\x04broken", "损坏"),
        ("密.docx", b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "打开密码"),
        ("坏.xls", b"\xd0\xcf\x11\xe0" + bytes(600), "不是完好的"),
        ("a.pdf", b"%PDF-1.7", "不是完好的 PDF"),
        ("扫描.jpg", b"\xff\xd8\xff\xe0", "扫描件"),
        ("a.mht", b"MIME-Version: 1.0\nContent-Type: multipart/related", "mht"),
        ("a.bin", b"\x7fELF\0\0\0", "不是能导入的文件"),
    ],
)
def test_what_is_no_readable_file_is_said_in_one_line(name, data, reason, tmp_path):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(NotImportable, match=reason):
        read_rows(tmp_path / name)
    result = import_files([tmp_path / name, SEED])
    assert list(result.unread) == [name] and len(result.filings) == 1


def test_a_web_page_called_xls_is_a_web_page(tmp_path):
    filing, _ = one(layouts.write_html(tmp_path / "导出.xls"))
    assert filing.unit == "南岭县水利局"


def test_a_declared_entity_is_refused(tmp_path):
    import zipfile

    path = layouts.write_docx(tmp_path / "a.docx")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(tmp_path / "b.docx", "w") as goal:
        for name in source.namelist():
            data = source.read(name)
            if name == "word/document.xml":
                data = data.replace(
                    b"?>", b'?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>', 1
                )
            goal.writestr(name, data)
    with pytest.raises(NotImportable, match="DTD"):
        read_rows(tmp_path / "b.docx")


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        ("1245.61", "", "1245.61"), ("0.30", "0.00", "0.3"), ("0.95", "0%", "95%"),
        ("15", '"≥"0"家"', "≥15家"), ("240", "#,##0.00", "240"), ("45657", 'm"月"d"日"', "12月31日"),
        ("31731700", "0!.0000", "3173.1700"),
    ],
)  # fmt: skip
def test_workbook_values_as_they_are_shown(value, form, text):
    assert shown(value, form) == text


def test_a_page_that_is_no_form_gives_nothing(tmp_path):
    path = tmp_path / "新闻.html"
    path.write_text(
        "<html><body><table><tr><td>项目名称</td><td>修路</td></tr></table></body></html>", "utf-8"
    )
    result = import_files([path])
    assert result.filings == [] and "没有找到" in result.leftovers[0].reason


def test_a_line_that_heads_the_next_form_is_no_indicator(tmp_path):
    """Several projects in one scraped page, without a title between them."""

    def table(name, value):
        return (
            f"301某县法院 | 单位:万元 | |||\n项目名称 | {name} | |||\n"
            "一级指标 | 二级指标 | 三级指标 | 指标解释 | 指标值 |\n"
            f"产出指标 | 数量指标 | 开庭 | 开庭次数 | {value} |\n数量指标 | 结案 | 结案数 | 9件 | |\n"
        )  # fmt: skip

    path = tmp_path / "a.txt"
    path.write_text(
        "2023年项目支出绩效目标表\n" + table("审判", "≥400次") + table("执行", "≥30次"), "utf-8"
    )
    filing, _ = one(path)
    first, second = filing.projects
    assert rows_of(first) == [("quantity", "开庭", "≥400次"), ("quantity", "结案", "9件")]
    assert rows_of(second) == [("quantity", "开庭", "≥30次"), ("quantity", "结案", "9件")]
    assert (second.text("project"), second.year) == ("执行", 2023)


CELL_A_LINE = """2024年项目支出绩效目标表
填报单位:某局 单位:万元 |
||||
|
项目支出名称 |
修路 |
年度本级预算金额 |
30万 |
||||
|
本年度绩效指标 |
一级指标 |
二级指标 |
三级指标 |
指标值及单位 |
绩效标准 |
|||
|
产出指标 |
数量指标 |
新修 |
3公里 |
计划标准 |
||
|
改造 |
≥5公里 |
计划标准 |
||||
|
质量指标 |
|
|
|
||
"""


def test_cells_on_lines_of_their_own(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(CELL_A_LINE, "utf-8")
    filing, _ = one(path)
    [form] = filing.projects
    assert (form.text("project"), form.amount("own_budget"), form.year) == ("修路", 30, 2024)
    assert rows_of(form) == [
        ("quantity", "新修", "3公里", "计划标准"),
        ("quantity", "改造", "≥5公里", "计划标准"),
    ]


STREAM = """绩效目标申报表（2021年度）
项目名称 |
修桥 |
项目负责人某某电话 |
某某000 |
年度目标 |
建成一座 |
绩效指标 |
一级指标 |
二级指标 |
三级指标 |
指标值 |
产出指标 |
数量指标 |
新建桥梁 |
1座 |
加固桥梁 |
2座 |
质量指标 |
验收 |
抽检 |
100% |
效益指标 |
社会效益 |
"""


def test_a_stream_of_cells_is_parted_only_where_it_comes_out_even(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(STREAM, "utf-8")
    filing, result = one(path)
    [form] = filing.projects
    assert (form.text("project"), form.text("annual_goal")) == ("修桥", "建成一座")
    assert rows_of(form) == [("quantity", "新建桥梁", "1座"), ("quantity", "加固桥梁", "2座")]
    assert any("验收 | 抽检 | 100%" in left.text for left in result.leftovers)


WORDS = """2021年度项目支出绩效目标申报表
项目名称 湖边 步道 项目负责人某某 某某000
年度资金总额: 40
绩效指标 一级指标 二级指标 三级指标 指标值
产出指标 数量指标 步道长度( ≥**米 ) ≥800米
座椅 40个
满意度指标 服务对象满意度指标 游客满意( ≥**% ) ≥90%
成本指标 步道每米造价 不高于 定额
"""


def test_words_in_lines(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(WORDS, "utf-8")
    filing, result = one(path)
    [form] = filing.projects
    assert (form.text("project"), form.year) == ("湖边 步道", 2021)
    assert rows_of(form) == [
        ("quantity", "步道长度( ≥**米 )", "≥800米"), ("quantity", "座椅", "40个"),
        ("satisfaction", "游客满意( ≥**% )", "≥90%"),
    ]  # fmt: skip
    assert any("不高于" in left.text for left in result.leftovers)


@pytest.mark.parametrize("kind", WRITERS)
def test_damage_is_never_more_than_a_line(kind, tmp_path):
    """Bytes changed, lost and repeated in a sound file:
    read as far as it goes, or said to be damaged."""
    whole = WRITERS[kind](tmp_path / f"a.{kind}").read_bytes()
    chance = random.Random(kind)
    for _ in range(12):
        data = bytearray(whole)
        for _ in range(chance.choice([1, 5, 40])):
            at = chance.randrange(len(data))
            what = chance.random()
            if what < 0.6:
                data[at] = chance.randrange(256)
            elif what < 0.8:
                del data[at : at + chance.randrange(60)]
            else:
                data[at:at] = data[at : at + chance.randrange(60)]
        path = tmp_path / f"b.{kind}"
        path.write_bytes(bytes(data))
        result = import_files([path])
        assert (
            result.filings
            or result.leftovers
            or next(iter(result.unread.values())).count("\n") == 0
        )


@given(
    st.text(
        alphabet="|\t\n 项目名称指标值产出数量一二三级：单位万元1≥%……（）2023年度", max_size=400
    )
)
def test_any_text_is_read_without_a_fault(text):
    rows = read_text(text.encode() or b" ")
    assert all(cell.place.cell for row in rows for cell in row.cells)


def test_sheets_are_forms_of_their_own_even_without_titles(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    for n, (title, layout) in enumerate(layouts.WHOLE):
        sheet = book.active if n == 0 else book.create_sheet()
        sheet.title = title[5:]
        sheet.cell(1, 1, "单位：万元")
        for r, k, (text, _, _) in layouts.placed(layout):
            sheet.cell(2 + r, 1 + k, text)
    book.save(tmp_path / "a.xlsx")
    filing, _ = one(tmp_path / "a.xlsx", year=2024)
    assert len(filing.department.indicators) == 5
    assert [p.text("project") for p in filing.projects] == ["水渠维修"]


def test_a_project_after_a_department_form_needs_no_title(tmp_path):
    forms = [(layouts.DEPARTMENT_TITLE, layouts.DEPARTMENT), ("附：", layouts.PROJECT)]
    filing, _ = one(layouts.write_docx(tmp_path / "a.docx", forms))
    assert len(filing.department.indicators) == 5
    [project] = filing.projects
    assert (project.text("project"), project.year, len(project.indicators)) == ("水渠维修", 2024, 3)


def test_the_nearest_stated_unit_of_money_counts_and_no_other_forms(tmp_path):
    layout = [
        [c("资金情况（元）", 1, 2), c("本级资金"), c("250000", 2), c("上级资金"), c("5000")],
        *layouts.PROJECT[:1],
    ]
    path = layouts.write_docx(
        tmp_path / "a.docx", [(layouts.PROJECT_TITLE, layout)], "填报单位：某局"
    )
    filing, _ = one(path)
    assert (filing.projects[0].amount("own_budget"), filing.projects[0].amount("upper_budget")) == (
        25,
        Decimal("0.5"),
    )
    path = tmp_path / "b.txt"
    path.write_text(
        "某县部门预算收支表\n单位：元\n收入 | 300000 |\n支出 | 300000 |\n合计 | 300000 |\n"
        "2024年项目支出绩效目标表\n项目支出名称 | 修路 | 预算部门 | 某局 |\n年度本级预算金额 | 30 | |\n",
        "utf-8",
    )  # fmt: skip
    result = import_files([path])
    assert result.filings[0].projects[0].amount("own_budget") == 30
    assert any(v.note == "表上没有写明金额单位，按万元" for v in result.values)


def test_an_indicator_named_like_a_field_is_an_indicator(tmp_path):
    layout = [
        *layouts.PROJECT[:6],
        [c("产出指标", 1, 2), c("成本指标", 1, 2), c("材料"), c("≤5万元"), c("")],
        [c("其他资金"), c("≤1万元（单位：元/人）"), c("")],
    ]
    filing, result = one(layouts.write_docx(tmp_path / "a.docx", [(layouts.PROJECT_TITLE, layout)]))
    assert rows_of(filing.projects[0]) == [
        ("cost", "材料", "≤5万元"), ("cost", "其他资金", "≤1万元（单位：元/人）"),
    ]  # fmt: skip
    assert result.leftovers == []


def test_long_term_indicators_are_not_this_years(tmp_path):
    heads = [c("一级指标"), c("二级指标"), c("三级指标"), c("实施期指标值"), c("指标值")]
    rows = [[c("产出指标"), c("数量指标"), c("水渠"), c("90公里"), c("30公里")]]
    title = layouts.PROJECT_TITLE
    filing, _ = one(
        layouts.write_docx(tmp_path / "a.docx", [(title, [layouts.PROJECT[0], heads, *rows])])
    )
    assert rows_of(filing.projects[0]) == [("quantity", "水渠", "30公里")]
    plain = [c("一级指标"), c("二级指标"), c("三级指标"), c("指标值")]
    long = [[c("长期绩效指标", 6)], plain, [c("产出指标"), c("数量指标"), c("水渠"), c("90公里")]]
    year = [[c("年度绩效指标", 6)], plain, [c("产出指标"), c("数量指标"), c("水渠"), c("30公里")]]
    filing, result = one(
        layouts.write_docx(tmp_path / "b.docx", [(title, [layouts.PROJECT[0], *long, *year])])
    )
    assert rows_of(filing.projects[0]) == [("quantity", "水渠", "30公里")]
    assert any("90公里" in left.text and "长期" in left.reason for left in result.leftovers)
