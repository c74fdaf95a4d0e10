"""What people do between two presses: sheets renamed, removed or hidden, files moved, another year."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.support.seed import EXAMPLE, seed_filing
from xltool import fill, load_edition, read
from xltool.editions.conversion import convert
from xltool.errors import XltoolError
from xltool.excel.desk_settings import take_settings
from xltool.excel.ribbon import press
from xltool.model import Entry, Filing
from xltool.results_sheet.table import CHANGES_SHEET, HEAD, RESULTS_SHEET
from xltool.template.layout import load_layout

pytestmark = pytest.mark.xdist_group("calc")

DEPARTMENT = load_edition().department.sheet
REASON = "由非税收入安排"


@pytest.fixture
def seed(app, tmp_path):
    """The example's workbook, open."""
    return app.books.open(str(fill(seed_filing(), tmp_path / "沅江 申报=2023.xlsx")))


def now(book, tmp_path: Path) -> Filing:
    goal = tmp_path / "现在.xlsx"
    book.copy_to(str(goal))
    return read(goal)


def of_year(year: int) -> Filing:
    filing = seed_filing()
    said = {"year": Entry(year, str(year))}
    forms = [replace(form, entries={**form.entries, **said}) for form in filing.forms]
    return replace(filing, department=forms[0], projects=tuple(forms[1:]))


def sheet_names(book) -> list[str]:
    return [sheet.name for sheet in book.sheets]


def explain(book) -> None:
    sheet = book.sheets(RESULTS_SHEET).raw
    row = next(n for n in range(60) if sheet.getCellByPosition(2, n).String == "T304")
    sheet.getCellByPosition(HEAD.index("说明"), row).String = REASON


# ── undone after a sheet was renamed or removed ──


def test_a_project_sheet_renamed_since_is_not_doubled(app, seed, tmp_path):
    press("check_all")
    name = seed.sheets(2).name
    seed.sheets(2).raw.Name = "我的项目"
    said = press("undo_last")
    assert f"“{name}”（已删去或改了名）" in said
    assert sheet_names(seed) == [DEPARTMENT, "我的项目"]
    assert len(now(seed, tmp_path).projects) == 1


def test_a_project_sheet_removed_since_does_not_come_back(app, seed, tmp_path):
    press("normalise")
    seed.doc.Sheets.removeByName(seed.sheets(2).name)
    assert "已删去或改了名" in press("undo_last")
    assert now(seed, tmp_path).projects == ()


# ── sheets that are called as ours ──


def test_a_form_called_as_the_results_is_read_and_stays(app, seed, tmp_path):
    seed.sheets(2).raw.Name = RESULTS_SHEET
    for button in ("check_all", "cross_totals"):
        with pytest.raises(XltoolError, match="不是本工具写的"):
            press(button)
    assert press("clear_marks") == "标记已清除"
    assert len(now(seed, tmp_path).projects) == 1


@pytest.mark.parametrize(
    ("name", "button"), [(RESULTS_SHEET, "check_all"), (CHANGES_SHEET, "normalise")]
)
def test_a_persons_own_sheet_is_not_replaced_by_ours(app, seed, name, button):
    seed.doc.Sheets.insertNewByName(name, 2)
    seed.sheets(name).raw.getCellByPosition(0, 0).String = "我的笔记"
    with pytest.raises(XltoolError, match=f"“{name}”的表，不是本工具写的"):
        press(button)
    press("clear_marks")
    assert seed.sheets(name).raw.getCellByPosition(0, 0).String == "我的笔记"


def test_explanations_on_a_renamed_results_sheet_still_count(app, seed, tmp_path):
    press("check_all")
    explain(seed)
    seed.sheets(RESULTS_SHEET).raw.Name = "审核结果-张三"
    assert list(now(seed, tmp_path).answers.values()) == [REASON]
    press("check_all")
    assert {"审核结果-张三", RESULTS_SHEET} <= set(sheet_names(seed))
    assert list(now(seed, tmp_path).answers.values()) == [REASON]
    assert "写有 1 条说明，保留" in press("clear_marks")


def test_what_is_written_beside_the_explanations_is_told(app, seed):
    press("check_all")
    sheet = seed.sheets(RESULTS_SHEET).raw
    sheet.unprotect("")
    sheet.getCellByPosition(14, 9).String = "写在旁边的"
    assert "1 处没有搬到新的结果表（写在旁边的）" in press("check_all")
    press("undo_last")
    assert seed.sheets(RESULTS_SHEET).raw.getCellByPosition(14, 9).String == "写在旁边的"


# ── hidden ──


def test_findings_on_a_hidden_sheet_are_gone_through(app, seed):
    seed.sheets(2).raw.IsVisible = False
    press("check_all")
    said = [press("next_finding") for _ in range(30)]
    hidden = [one for one in said if "这张表是隐藏的" in one]
    assert len(set(hidden)) > 5
    assert any("从头开始" in one for one in said)


# ── last year's filing ──


def test_a_former_filing_that_went_away_is_told_and_stops_no_check(app, seed, tmp_path):
    former = fill(of_year(2022), tmp_path / "上年.xlsx")
    app.files = [former]
    press("compare_last_year")
    former.write_bytes(b"nothing")
    said = press("check_all")
    assert said.startswith("有错误")
    assert "没有与上年对比" in said
    app.files = [tmp_path / "说明.xlsx"]
    assert "没有与上年对比" in press("error_note")
    former.unlink()
    assert "没有与上年对比：没有上一年的申报" in press("check_all", seed.name)


def test_this_years_own_filing_as_last_years_is_told(app, seed, tmp_path):
    app.files = [fill(seed_filing(), tmp_path / "同年.xlsx")]
    assert "不早于本表的 2023 年，请看是否拿错了" in press("compare_last_year")
    assert "拿错了" in app.alerts[-1]
    assert "拿错了" in press("check_all")


def test_last_years_amounts_are_in_the_unit_of_this_years_form(app, tmp_path):
    moved = convert(of_year(2023), load_edition("national-2021")).filing
    app.books.open(str(fill(moved, tmp_path / "元.xlsx")))
    app.files = [fill(of_year(2022), tmp_path / "万元.xlsx")]
    press("compare_last_year")
    assert "单位：元" in app.alerts[-1]
    assert "7119400 → 7119400（+0.0%）" in app.alerts[-1]


# ── of another year ──


def test_content_of_another_year_is_asked_about(app, seed, tmp_path):
    app.files = [tmp_path / "数据.json"]
    press("export_data")
    seed.close()
    blank = tmp_path / "空.xlsx"
    blank.write_bytes(load_edition().template.read_bytes())
    book = app.books.open(str(blank))
    form = load_layout(load_edition()).forms["department"]
    field = next(one for one in form.spec.field if one.id == "year")
    at, said = form.fields["year"], field.pattern.format("2026") if field.pattern else "2026"
    book.sheets(1).raw.getCellByPosition(at.left - 1, at.top - 1).String = said
    app.answer = "no"
    for button, file in (
        ("fill_from_data", tmp_path / "数据.json"),
        ("import_last_year", fill(of_year(2022), tmp_path / "上年.xlsx")),
    ):
        app.files = [file]
        assert press(button).startswith("没有")
        assert "工作簿写的是 2026 年，要填进来的是 2023 年的" in app.alerts[-1]
    assert now(book, tmp_path).year == 2026


# ── one verdict for the folder and for the workbook ──


def test_a_folder_is_totalled_by_the_settings_of_the_desk(app, seed, tmp_path):
    settings = tmp_path / "设置.toml"
    settings.write_text('off = ["T304"]\n', "utf-8")
    take_settings(settings)
    folder = tmp_path / "收"
    folder.mkdir()
    fill(seed_filing(), folder / "甲.xlsx")
    app.files = [folder]
    press("total_folder")
    assert "T304" not in (tmp_path / "收-汇总" / "findings.csv").read_text("utf-8-sig")


# ── a person's own sheets with formulas ──


def formula(book, sheet: str, address: str) -> str:
    return book.sheets(sheet).raw.getCellRangeByName(address).Formula


@pytest.fixture
def linked(seed):
    """The example with a sheet of the accountant's own, which refers to the forms and they to it."""
    seed.doc.Sheets.insertNewByName("底稿", 2)
    own, form = seed.sheets("底稿").raw, seed.sheets(DEPARTMENT).raw
    own.getCellRangeByName("A1").Formula = f"=$'{DEPARTMENT}'.C4+1"
    own.getCellRangeByName("A2").Formula = f"=SUM($'{seed.sheets(2).name}'.A1:C9)"
    own.getCellRangeByName("B1").Value = 77
    form.unprotect("")
    form.getCellRangeByName("C5").Formula = "=$'底稿'.B1"
    form.protect("")
    return seed


def test_formulas_lead_to_the_filled_forms_and_come_back(app, linked):
    places = [("底稿", "A1"), ("底稿", "A2"), (DEPARTMENT, "C5")]
    before = [formula(linked, *place) for place in places]
    app.files = [EXAMPLE / "部门.csv"]
    press("fill_from_data")
    assert [formula(linked, *place) for place in places[:2]] == before[:2]
    assert press("undo_last").endswith("恢复到按它以前的样子")
    assert [formula(linked, *place) for place in places] == before


def test_formulas_to_a_form_that_went_are_told(app, linked, tmp_path):
    app.files = [tmp_path / "数据.json"]
    press("export_data")
    linked.sheets(2).raw.Name = "别的名字"
    app.files = [tmp_path / "数据.json"]
    press("fill_from_data")
    assert "底稿里有公式引用原来的表" in app.alerts[-1]
    assert "REF" not in formula(linked, "底稿", "A1")
    before = formula(linked, "底稿", "A1")
    press("undo_last")
    assert formula(linked, "底稿", "A2") == "=SUM($别的名字.A1:C9)"
    assert formula(linked, "底稿", "A1") == before


# ── names that a person types ──


@pytest.mark.parametrize(
    ("button", "typed", "written"),
    [
        ("export_data", "数据", "数据.json"),
        ("export_data", "数据2023.12", "数据2023.12.json"),
        ("export_pdf", "稿", "稿.pdf"),
        ("error_note", "出错", "出错.xlsx"),
        ("submission_package", "包", "包.zip"),
        ("new_form", "新表", "新表.xlsx"),
    ],
)
def test_a_name_without_ending_gets_it(app, seed, tmp_path, button, typed, written):
    app.files = [tmp_path / typed]
    press(button)
    assert (tmp_path / written).is_file()
    assert not (tmp_path / typed).exists()


def test_another_ending_is_refused(app, seed, tmp_path):
    app.files = [tmp_path / "稿.docx"]
    with pytest.raises(XltoolError, match=r"只能存成 \.pdf：稿\.docx"):
        press("export_pdf")
    assert not (tmp_path / "稿.docx").exists()


def test_a_name_with_a_space_in_it_is_the_same_unit(app, seed, tmp_path):
    app.files = [tmp_path / "数据.json"]
    press("export_data")
    place = now(seed, tmp_path).department["unit"].place
    cell = seed.sheets(DEPARTMENT).raw.getCellRangeByName(place.cell)
    cell.String = cell.String.replace("沅江市", "沅江市 ")
    app.files = [fill(of_year(2022), tmp_path / "上年.xlsx")]
    assert "对比" in press("compare_last_year")
    app.files = [tmp_path / "数据.json"]
    assert press("fill_from_data").startswith("已填入")
