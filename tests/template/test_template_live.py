"""The template under an accountant's hands, in a live Calc: rows inserted while it is protected."""

import shutil

import pytest
from openpyxl import load_workbook

import xltool
from tests.support.calc.office import Office, why_absent
from tests.support.case import filing_of
from xltool.excel.hosts.libreoffice.bridge import properties

pytestmark = pytest.mark.xdist_group("office")
EDITION = xltool.load_edition()
DEPARTMENT = EDITION.department.sheet


@pytest.fixture(scope="module")
def calc():
    reason = why_absent()
    if reason:
        pytest.skip(reason)
    with Office() as office:
        yield office


@pytest.fixture
def opened(calc, tmp_path):
    """The blank, opened for editing; and how to save it and go on with the file."""
    path = tmp_path / "填报.xlsx"
    shutil.copyfile(EDITION.template, path)
    document = calc.load(path)

    def save():
        document.storeToURL(path.as_uri(), properties(FilterName="Calc MS Excel 2007 XML"))
        return path

    yield document.Sheets.getByName(DEPARTMENT), save
    document.close(True)


def test_rows_inserted_in_a_block_are_part_of_it(opened):
    sheet, save = opened
    assert sheet.isProtected()
    sheet.Rows.insertByIndex(13, 2)  # between the two rows of 数量指标
    for row in (14, 15):
        assert not sheet.getCellRangeByName(f"E{row}").CellProtection.IsLocked
        assert not sheet.getCellRangeByName(f"F{row}").CellProtection.IsLocked
        assert sheet.getCellRangeByName(f"C{row}").CellProtection.IsLocked
    for row, name in (
        (13, "高企申报"),
        (14, "项目申报"),
        (15, "培训"),
        (16, "评价"),
        (17, "合格单位"),
    ):
        sheet.getCellRangeByName(f"E{row}").setString(name)
        sheet.getCellRangeByName(f"F{row}").setString(f"≥{row}家")
    filing = xltool.read(save())
    assert filing.faults == ()
    found = [(i.block, i.name.text, i.target.text) for i in filing.department.indicators]
    assert found == [
        ("quantity", "高企申报", "≥13家"),
        ("quantity", "项目申报", "≥14家"),
        ("quantity", "培训", "≥15家"),
        ("quantity", "评价", "≥16家"),
        ("quality", "合格单位", "≥17家"),
    ]
    assert str(filing.department.indicators[2].target.place) == f"{DEPARTMENT}!F15"


def test_all_that_refers_to_rows_follows(opened):
    sheet, save = opened
    sheet.unprotect("")  # Calc tears merges on a protected sheet; Excel and WPS don't
    sheet.Rows.insertByIndex(13, 3)
    sheet.protect("")
    book = load_workbook(save())
    saved = book[DEPARTMENT]
    merged = {area.coord for area in saved.merged_cells.ranges}
    assert {"A12:A33", "B13:B23", "C13:D17", "B24:B33", "C32:D33"} <= merged
    names = {name: d.attr_text.rpartition("!")[2] for name, d in saved.defined_names.items()}
    assert names["数量指标"] == "$E$13:$F$17"
    assert names["社会公众或服务对象满意度"] == "$E$32:$F$33"
    assert saved.print_area.endswith("$A$1:$F$33")
    reach = {str(rule.sqref) for rule in saved.data_validations.dataValidation}
    assert {"E13:E33", "F13:F33"} <= reach
    assert xltool.read(save()).faults == ()


def test_a_value_typed_in_comes_back_with_its_cell(opened):
    sheet, save = opened
    sheet.getCellRangeByName("A1").setString("2023年部门整体支出绩效目标表")
    sheet.getCellRangeByName("A2").setString("填报单位：（盖章）某某局")
    sheet.getCellRangeByName("B3").setString("某某局")
    sheet.getCellRangeByName("C4").setValue(1245.61)
    sheet.getCellRangeByName("F8").setValue(10)
    department = xltool.read(save()).department
    assert (department.year, department.text("filer"), department.text("unit")) == (
        2023,
        "某某局",
        "某某局",
    )
    assert str(department.amount("total")) == "1245.61"
    assert str(department["nontax_spending"].place) == f"{DEPARTMENT}!F8"


@pytest.mark.parametrize(
    ("change", "said"), [("insertByIndex", "多了 1 行"), ("removeByIndex", "少了 1 行")]
)
def test_a_row_of_the_official_part_is_told_once(opened, change, said):
    sheet, save = opened
    sheet.unprotect("")
    getattr(sheet.Rows, change)(4, 1)
    faults = [fault for fault in xltool.read(save()).faults if fault.kind != "protection"]
    assert [fault.kind for fault in faults] == ["rows"]
    assert said in faults[0].detail


def test_a_sheet_copied_in_calc_is_a_project_of_its_own(calc, tmp_path):
    """The sheet-scoped names go along with the copy."""
    path = xltool.fill(filing_of({}), tmp_path / "申报.xlsx")
    document = calc.load(path)
    document.Sheets.copyByName(document.Sheets.ElementNames[1], "河道清淤", 0)
    document.storeToURL(path.as_uri(), properties(FilterName="Calc MS Excel 2007 XML"))
    document.close(True)
    filing = xltool.read(path)
    assert filing.faults == ()
    assert filing.department == filing_of({}).department
    assert [form.sheet for form in filing.projects] == ["河道清淤", "小型水库维修养护"]
    assert filing.projects[0] == filing.projects[1] == filing_of({}).projects[0]
