"""The data book as a workbook: what a person sees in a cell is what is read."""

import datetime as dt
from decimal import Decimal

import pytest
from msgspec.structs import replace
from openpyxl import Workbook, load_workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.formatting.rule import CellIsRule, FormulaRule, Rule
from openpyxl.styles import Font, PatternFill
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.styles.numbers import NumberFormat

import xltool
from tests.support.seed import seed_filing
from xltool.databook import load_databook, open_databook, write_databook
from xltool.databook.columns import tables
from xltool.editions.declaration import load_edition
from xltool.errors import XltoolError
from xltool.model import Entry, Filing, Form, Indicator, Severity
from xltool.xlsx.audit.workbook import audit

EDITION = load_edition()


@pytest.fixture(autouse=True, params=[None, 0], ids=["whole", "row by row"])
def size(request, monkeypatch):
    """Each book is read as a small one is, and as a large one."""
    if request.param is not None:
        monkeypatch.setattr("xltool.xlsx.tables.LARGE", request.param)


@pytest.mark.parametrize(("colour", "said"), [("FFFFFFFF", True), ("FFFF0000", False)])
def test_a_part_of_a_text_that_nobody_can_see_is_said(opened, colour, said):
    cell = opened.workbook["指标"]["F2"]
    cell.value = CellRichText("≥9", TextBlock(InlineFont(color=colour), "5%"))
    found = opened().problems
    assert [(p.code, p.cell) for p in found] == [("B020", "F2")] * said
    assert all("“5%”" in p.message and "≥95%" in p.message for p in found)


def test_hidden_rows_and_columns_are_read_and_said_once(opened):
    sheet = opened.workbook["部门"]
    sheet.append([2023, "乙局", "0013", 50, 50])
    sheet.row_dimensions[3].hidden = True
    sheet.row_dimensions[9].hidden = True  # nothing stands in it
    sheet.column_dimensions["D"].hidden = True
    found = opened()
    assert [str(f.department.amount("total")) for f in found.filings] == ["100.1", "50"]
    [problem] = found.problems
    assert (problem.code, problem.severity, problem.sheet) == ("B107", "query", "部门")
    assert "第D列、第3行" in problem.message and "第9行" not in problem.message


def test_a_hidden_table_and_copies_of_one_are_said(opened):
    book = opened.workbook
    book.copy_worksheet(book["部门"]).title = "部门 (2)"
    book["部门 (2)"]["D2"] = 999
    book["项目"].sheet_state = "hidden"
    found = opened()
    assert found.filings[0].department.amount("total") == Decimal("100.1")
    assert [(p.code, p.severity, p.sheet) for p in found.problems] == [
        ("B107", "query", "部门 (2)"), ("B107", "query", "项目"),
    ]  # fmt: skip


def masking(code: str) -> DifferentialStyle:
    return DifferentialStyle(numFmt=NumberFormat(numFmtId=399, formatCode=code))


@pytest.fixture
def opened(tmp_path):
    """A data book of one unit and one project, made by hand: change cells, then read it."""
    workbook = Workbook()
    workbook.remove(workbook.active)
    for table in tables(EDITION):
        workbook.create_sheet(table.name).append([c.label for c in table.columns])
    workbook["部门"].append([2023, "甲局", "0012", 100.1, 100.1])
    workbook["项目"].append(["甲局", "修路", 40])
    workbook["指标"].append(["甲局", "修路", "产出指标", "质量指标", "合格率", "≥95%"])

    def read():
        workbook.save(tmp_path / "book.xlsx")
        return open_databook(tmp_path / "book.xlsx")

    read.workbook = workbook
    return read


def target(found):
    return found.filings[0].projects[0].indicators[0].target.value


def test_plain(opened):
    found = opened()
    assert found.problems == []
    [filing] = found.filings
    assert (filing.code, filing.department.amount("total")) == ("0012", Decimal("100.1"))
    assert str(filing.department["total"].place) == "部门!D2"


def test_a_number_is_what_excel_shows_not_what_floats_hold(opened):
    opened.workbook["部门"]["D2"] = 0.1 + 0.2
    opened.workbook["部门"]["E2"] = 1245.61 * 3
    department = opened().filings[0].department
    assert department.amount("total") == Decimal("0.3")
    assert department.amount("general") == Decimal("3736.83")


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (0.95, "0%", "95%"),
        (0.955, "0.0%", "95.5%"),
        (1, "0.00%", "100%"),
        (20, "General", "20"),
        (1e-7, "General", "0.0000001"),
        (dt.datetime(2023, 12, 31), "yyyy/m/d", "2023年12月31日"),
        (dt.datetime(2023, 12, 31), 'yyyy"年"m"月"', "2023年12月"),
        (dt.datetime(2023, 12, 31, 8, 30), "yyyy-mm-dd hh:mm", "2023年12月31日 08:30"),
        (dt.time(8, 30), "h:mm", "08:30"),
        (15, '0"家"', "15家"),
        (True, "General", "TRUE"),
        ("95%", "@", "95%"),
        ("第一行\r\n第二行", "@", "第一行\n第二行"),
    ],
)
def test_percentages_dates_and_texts_are_read_as_seen(opened, value, code, text):
    cell = opened.workbook["指标"]["F2"]
    cell.value, cell.number_format = value, code
    assert target(opened()) == text


def test_a_code_kept_as_a_number_shows_its_zeros(opened):
    cell = opened.workbook["部门"]["C2"]
    cell.value, cell.number_format = 12, "000000"
    assert opened().filings[0].code == "000012"


@pytest.mark.parametrize(
    ("value", "code"), [(0.95, "0%"), (dt.datetime(2023, 1, 1), "yyyy-m-d"), (True, "General")]
)
def test_what_is_no_amount_is_not_taken_for_one(opened, value, code):
    cell = opened.workbook["部门"]["D2"]
    cell.value, cell.number_format = value, code
    found = opened()
    assert [(p.code, p.sheet, p.cell, p.unit) for p in found.problems] == [
        ("B013", "部门", "D2", "甲局")
    ]


@pytest.mark.parametrize(
    ("value", "code"), [(31731700, "0!.0000"), (1002, '"9999.99"'), (5, ";;;"), (15, '0"家"')]
)
def test_an_amount_shown_as_another_one_is_said_with_both(opened, value, code):
    cell = opened.workbook["部门"]["D2"]
    cell.value, cell.number_format = value, code
    found = opened()
    [problem] = found.problems
    assert (problem.code, problem.cell, problem.unit) == ("B020", "D2", "甲局")
    assert str(value) in problem.message
    assert found.filings == []


@pytest.mark.parametrize(
    ("value", "code"), [(5, ";;;"), ("修路", ";;;"), (-3, "yyyy-m-d"), (12345678.9, "h:mm")]
)
def test_a_text_that_its_format_hides_is_said(opened, value, code):
    cell = opened.workbook["指标"]["F2"]
    cell.value, cell.number_format = value, code
    [problem] = opened().problems
    assert (problem.code, problem.cell) == ("B020", cell.coordinate)
    assert str(value) in problem.message


@pytest.mark.parametrize(
    ("sheet", "at"),
    [
        ("部门", "D2"),
        ("部门", "B2"),
        ("部门", "C2"),
        ("项目", "A2"),
        ("项目", "B2"),
        ("指标", "A2"),
        ("指标", "B2"),
        ("指标", "D2"),
        ("指标", "F2"),
    ],
)
def test_what_nobody_can_see_is_said_with_what_is_stored(opened, sheet, at):
    cell = opened.workbook[sheet][at]
    cell.font = Font(color="FFFFFFFF")
    found = opened()
    problem = next(p for p in found.problems if p.code == "B020")
    assert (problem.sheet, problem.cell) == (sheet, at)
    assert "看不见" in problem.message and str(cell.value) in problem.message
    cell.fill = PatternFill("solid", fgColor="FF0000FF")
    assert opened().problems == []


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (FormulaRule(["TRUE"], font=Font(color="FFFFFF")), True),
        (CellIsRule("greaterThan", ["100"], font=Font(color="FFFFFF")), True),
        (CellIsRule("equal", ["0"], font=Font(color="FFFFFF")), False),
        (FormulaRule(["TRUE"], font=Font(color="FF0000")), False),
        (Rule("expression", formula=["TRUE"], dxf=masking('"9999.99"')), True),
        (Rule("expression", formula=["TRUE"], dxf=masking("0.00")), False),
    ],
)
def test_a_conditional_format_that_may_hide_or_mask_an_amount_is_said(opened, rule, said):
    opened.workbook["部门"].conditional_formatting.add("C2:E9", rule)
    found = opened().problems
    assert [(p.code, p.cell) for p in found if p.cell == "D2"] == [("B020", "D2")] * said
    assert said or found == []
    assert all("条件格式" in p.message for p in found)


def test_a_text_under_a_format_of_its_own_is_taken_as_shown(opened):
    cell = opened.workbook["指标"]["F2"]
    cell.value, cell.number_format = "42", '"≥"@"座"'
    assert target(opened()) == "≥42座"


def test_a_formula_without_a_result_and_an_error_value(opened):
    opened.workbook["部门"]["D2"] = "=60+40.1"
    opened.workbook["部门"]["E2"] = "#N/A"
    assert [(p.code, p.cell) for p in opened().problems] == [("B017", "D2"), ("B017", "E2")]


def test_a_formula_with_a_result_is_taken_and_said(tmp_path):
    from xlsxwriter import Workbook as Writer

    with Writer(tmp_path / "book.xlsx") as workbook:
        for table in tables(EDITION):
            sheet = workbook.add_worksheet(table.name)
            sheet.write_row(0, 0, [c.label for c in table.columns])
            if table.name == "部门":
                sheet.write_row(1, 0, [2023, "甲局", ""])
                sheet.write_formula(1, 3, "=60+40.1", value=100.1)
    found = open_databook(tmp_path / "book.xlsx")
    assert [(p.code, p.severity, p.cell) for p in found.problems] == [("B101", Severity.NOTE, "D2")]
    assert found.filings[0].department.amount("total") == Decimal("100.1")


def test_sheets_that_are_not_ours_are_ignored_and_a_misspelt_one_is_named(opened):
    opened.workbook.create_sheet("草稿").append(["随便"])
    assert opened().problems == []
    opened.workbook["指标"].title = "指标表"
    assert [p.code for p in opened().problems] == ["B002"]


def test_a_filled_form_is_no_data_book(tmp_path):
    xltool.fill(seed_filing(), tmp_path / "book.xlsx")
    [problem] = open_databook(tmp_path / "book.xlsx").problems
    assert problem.code == "B001"
    assert "xltool check" in problem.message


def test_heads_below_a_title_row_are_found(opened):
    opened.workbook["部门"].insert_rows(1)
    assert opened().filings[0].department["total"].place.cell == "D3"


def test_the_empty_book_has_heads_prompts_and_lists(tmp_path):
    path = tmp_path / "数据表.xlsx"
    write_databook([], path)
    assert [p.code for p in open_databook(path).problems] == ["B006"]
    workbook = load_workbook(path)
    assert workbook.sheetnames == ["部门", "项目", "指标", "填写说明"]
    for table in tables(EDITION):
        sheet = workbook[table.name]
        assert [cell.value for cell in sheet[1]] == [c.label for c in table.columns]
        assert sheet.freeze_panes.endswith("2")
        validations = sheet.data_validations.dataValidation
        assert len(validations) == len(table.columns)
        assert all(v.prompt and v.promptTitle for v in validations)
    lists = {
        str(v.sqref).split(":")[0]: v.formula1
        for v in workbook["指标"].data_validations.dataValidation
    }
    assert "部门!$B$2" in lists["A2"]
    assert "产出指标" in lists["C2"]
    first, last = lists["D2"].split("!")[1].replace("$", "").split(":")
    listed = [row[0].value for row in workbook["填写说明"][first:last]]
    assert [name.removesuffix("指标") for name in listed] == [
        b.label.removesuffix("指标") for b in EDITION.department.indicators.block
    ]


def test_the_written_workbook_is_sound(tmp_path, validator):
    write_databook([], tmp_path / "empty.xlsx")
    odd = filing(goal="=1+1\n\x01_x0041_😀\ufeff", duties="长" * 32_767)
    write_databook([seed_filing(), odd], tmp_path / "book.xlsx")
    for path, errors in validator.errors(tmp_path.iterdir()).items():
        assert errors == [], path
        assert audit(path) == []


@pytest.mark.xdist_group("office")
def test_a_book_saved_by_libreoffice_reads_the_same(office, tmp_path):
    filings = [
        seed_filing(),
        replace(filing("乙局", goal="=1+1", total=Decimal("0.07")), code="0012"),
    ]
    write_databook(filings, tmp_path / "book.xlsx")
    [saved] = office.convert([tmp_path / "book.xlsx"], "xlsx", tmp_path / "saved")
    found = open_databook(saved)
    assert not found.errors
    assert [p.code for p in found.problems] == []
    again = open_databook(tmp_path / "book.xlsx")
    assert found.filings == again.filings


def test_codes_are_text_cells(tmp_path):
    write_databook([seed_filing()], tmp_path / "book.xlsx")
    sheet = load_workbook(tmp_path / "book.xlsx")["部门"]
    assert sheet["C2"].number_format == "@"
    assert sheet["D2"].value == 1245.61


def test_drawing_twice_gives_the_same_bytes(tmp_path):
    for name in ("a.xlsx", "b.xlsx"):
        write_databook([seed_filing()], tmp_path / name)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def filing(unit="甲局", projects=("修路",), edition="hunan-2023", **entries):
    texts = {"unit": unit, **entries}
    department = Form("department", {k: Entry(v, str(v)) for k, v in texts.items() if v != ""})
    forms = tuple(
        Form("project", {"project": Entry(p, p)}) if p else Form("project", {}) for p in projects
    )
    return Filing(edition, department, forms)


@pytest.mark.parametrize(
    ("filings", "words"),
    [
        ([filing(""), filing()], "没有部门名称"),
        ([filing(), filing()], "有两份申报"),
        ([filing(projects=("修路", "修路"))], "有两个项目都叫"),
        ([filing(projects=("",))], "项目没有名称"),
        ([filing(goal="\x00" * 32_768)], "32767"),
        ([filing(goal="\ud800")], "无法保存"),
        ([filing(), filing("乙局", edition="mars-2050")], "只能有一个版式"),
    ],
)
@pytest.mark.parametrize("name", ["book.xlsx", "book"])
def test_what_could_not_be_read_back_is_not_written(tmp_path, filings, words, name):
    with pytest.raises(XltoolError, match=words):
        write_databook(filings, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_what_a_data_book_has_no_column_for_is_said(tmp_path):
    project = Form(
        "project", {"project": Entry("修路"), "unit": Entry("乙局", "乙局"), "year": Entry(2023)}
    )
    department = Form(
        "department", {"unit": Entry("甲局"), "filer": Entry("甲局"), "year": Entry(2023)}
    )
    said = write_databook([Filing("hunan-2023", department, (project,))], tmp_path / "book")
    assert said == ["“甲局”的“修路”：预算部门写作“乙局”，数据表里不另列"]


def test_indicators_stand_category_by_category(opened):
    for level2, name in (("数量指标", "里程"), ("质量", "完好率")):
        opened.workbook["指标"].append(["甲局", "修路", "产出", level2, name, "1"])
    [project] = opened().filings[0].projects
    assert [(one.block, one.name.value) for one in project.indicators] == [
        ("quantity", "里程"),
        ("quality", "合格率"),
        ("quality", "完好率"),
    ]
    assert isinstance(project.indicators[0], Indicator)


def test_load_reads_what_open_reads(opened, tmp_path):
    found = opened()
    assert load_databook(tmp_path / "book.xlsx") == found.filings
