"""Every button in a live Calc: what it does to the open document, and to the file saved from it."""

import json
import re
import subprocess
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.support.button_table import table as table_of_buttons
from tests.support.clean import clean_filing
from tests.support.paths import ROOT
from tests.support.seed import EXAMPLE, seed_filing
from xltool import check, fill, load_edition, read
from xltool.databook import load_databook
from xltool.databook.write import write_databook
from xltool.errors import XltoolError
from xltool.excel.hosts.libreoffice.bridge import Refused
from xltool.excel.ribbon import buttons, labels, press
from xltool.model import Entry, Filing
from xltool.results_sheet.marks import MARK, is_mark, marks
from xltool.results_sheet.table import HEAD, RESULTS_SHEET, results
from xltool.xlsx.workbook_reader import open_grid

pytestmark = pytest.mark.xdist_group("calc")

DEPARTMENT = load_edition().department.sheet


@pytest.fixture
def seed(app, tmp_path):
    """The example's workbook, open."""
    path = fill(seed_filing(), tmp_path / "沅江 申报=2023.xlsx")
    return app.books.open(str(path))


def saved(book, tmp_path: Path) -> Path:
    goal = tmp_path / "存下来.xlsx"
    book.copy_to(str(goal))
    return goal


def cell(book, sheet: str, address: str):
    return book.sheets(sheet).raw.getCellRangeByName(address)


def table(book) -> list[list[str]]:
    """The rows under the head of the results sheet, as shown."""
    rows = book.sheets(RESULTS_SHEET).used_range.raw.getDataArray()
    top = next(n for n, row in enumerate(rows) if row[: len(HEAD)] == HEAD)
    return [list(row[: len(HEAD)]) for row in rows[top + 1 :]]


def pictures(pdf: Path) -> list[bytes]:
    """The pages as pixels."""
    goal = pdf.with_suffix("")
    subprocess.run(["pdftoppm", "-r", "60", pdf, goal], check=True)
    return [page.read_bytes() for page in sorted(goal.parent.glob(f"{goal.name}-*.ppm"))]


def printed(pdf: Path) -> str:
    command = ["pdftotext", str(pdf), "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def marked(book, sheet: str) -> dict[int, str]:
    """Row → mark, as they stand beside a form."""
    cells = open_cells(book, sheet)
    return {row: text for (row, column), text in cells.items() if is_mark(text)}


def open_cells(book, sheet: str) -> dict[tuple[int, int], str]:
    table = book.sheets(sheet).used_range.raw.getDataArray()
    return {
        (r, c): str(v) for r, line in enumerate(table, 1) for c, v in enumerate(line, 1) if v != ""
    }


# ── 审核 ──


def test_check_all_shows_what_the_headless_check_finds(app, seed, tmp_path):
    said = press("check_all")
    headless = read(seed.fullname)
    expected = results(headless, check(headless))
    assert table(seed) == [list(row.texts) for row in expected.rows]
    top = [row[0] for row in seed.sheets(RESULTS_SHEET).used_range.raw.getDataArray()]
    assert top[0] == expected.title
    assert tuple(top[1 : len(expected.summary) + 1]) == expected.summary
    assert any(
        "711.94" in line and "523.67" in line and "10.00" in line for line in expected.summary
    )
    assert "错误" in said
    assert app.said[0] == "全审：请稍候……"
    assert app.said[-1].startswith("全审：")


def test_the_results_lead_to_the_cells_and_only_explanations_can_be_written(seed):
    press("check_all")
    sheet = seed.sheets(RESULTS_SHEET).raw
    assert sheet.isProtected()
    [told] = [row for row in table(seed) if row[2] == "T304"]
    row = next(n for n in range(60) if sheet.getCellByPosition(2, n).String == "T304")
    link = sheet.getCellByPosition(HEAD.index("位置"), row).getTextFields().getByIndex(0).URL
    assert told[3:5] == [DEPARTMENT, "F8"]
    assert link.replace("$", "").replace("'", "") in (f"#{DEPARTMENT}.F8", f"#{DEPARTMENT}!F8")
    locked = [
        sheet.getCellByPosition(column, row).CellProtection.IsLocked for column in range(len(HEAD))
    ]
    assert [HEAD[n] for n, shut in enumerate(locked) if not shut] == ["说明"]


def test_marks_stand_beside_their_rows_and_are_no_layout_change(seed, tmp_path):
    before = read(seed.fullname)
    press("check_all")
    told = {
        sheet.name: marked(seed, sheet.name) for sheet in seed.sheets if marked(seed, sheet.name)
    }
    assert told == marks(check(before))
    assert told[DEPARTMENT][8].startswith(f"{MARK}F8 核实 T304 ")
    assert {
        column for (_, column), text in open_cells(seed, DEPARTMENT).items() if is_mark(text)
    } == {8}, "the form's own hints stand in G"
    after = read(saved(seed, tmp_path))
    assert after == before
    assert after.faults == before.faults
    assert check(after) == [replace(f, file=after.source) for f in check(before)]


def parts(path: Path) -> dict[str, bytes]:
    """What is in a saved file, but for the time and for where the cursor and the windows were."""
    view = re.compile(rb"<(sheetViews|bookViews)>.*?</\1>", re.DOTALL)
    with zipfile.ZipFile(path) as package:
        names = [name for name in package.namelist() if name != "docProps/core.xml"]
        return {name: view.sub(b"", package.read(name)) for name in names}


def test_marks_come_off_without_a_trace(app, seed, tmp_path):
    before = parts(saved(seed, tmp_path))
    press("check_all")
    assert marked(seed, DEPARTMENT)
    assert app.protected_with == {
        "DrawingObjects": True,
        "Contents": True,
        "Scenarios": True,
        "AllowFormattingRows": True,
        "AllowInsertingRows": True,
    }, "the protection of the official template, as it was"
    press("clear_marks")
    assert RESULTS_SHEET not in [s.name for s in seed.sheets]
    assert seed.sheets(1).raw.isProtected()
    after = parts(saved(seed, tmp_path))
    assert {name for name in before | after if before.get(name) != after.get(name)} == set()


def test_marks_go_with_their_findings(seed, tmp_path):
    press("check_all")
    was = marked(seed, DEPARTMENT)
    cell(seed, DEPARTMENT, "F8").String = ""
    press("check_all")
    now = marked(seed, DEPARTMENT)
    assert now != was
    assert now == marks(check(read(saved(seed, tmp_path))))[DEPARTMENT]


def test_a_program_that_keeps_programs_out_too(app, seed):
    app.lets_programs_in = False
    press("check_all")
    assert marked(seed, DEPARTMENT)
    assert seed.sheets(DEPARTMENT).raw.isProtected()


def test_what_others_wrote_beside_the_form_is_left_alone(seed):
    sheet = seed.sheets(DEPARTMENT).raw
    sheet.unprotect("")
    cell(seed, DEPARTMENT, "H13").String = "科长：请再核"
    press("check_all")
    cells = open_cells(seed, DEPARTMENT)
    assert cells[13, 8] == "科长：请再核"
    assert {column for (_, column), text in cells.items() if is_mark(text)} == {9}
    cell(seed, DEPARTMENT, "H13").String = ""
    press("check_all")
    assert {c for (_, c), text in open_cells(seed, DEPARTMENT).items() if is_mark(text)} == {8}
    cell(seed, DEPARTMENT, "H12").String = "再核一次"
    press("clear_marks")
    assert not marked(seed, DEPARTMENT)
    assert open_cells(seed, DEPARTMENT)[12, 8] == "再核一次"


def test_someone_elses_note_is_left_alone_and_is_no_layout_change(seed, tmp_path):
    sheet = seed.sheets(DEPARTMENT).raw
    sheet.unprotect("")
    sheet.getAnnotations().insertNew(cell(seed, DEPARTMENT, "F8").getCellAddress(), "科长：请再核")
    sheet.protect("")
    press("check_all")
    press("clear_marks")
    found = sheet.getAnnotations()
    assert [found.getByIndex(n).String for n in range(found.Count)] == ["科长：请再核"]
    assert read(saved(seed, tmp_path)).faults == read(seed.fullname).faults


def test_printing_the_forms_shows_no_marks(app, seed, tmp_path):
    clean, with_marks = tmp_path / "前.pdf", tmp_path / "后.pdf"
    seed.to_pdf(str(clean))
    press("check_all")
    seed.sheets(RESULTS_SHEET).delete()
    assert marked(seed, DEPARTMENT)
    seed.to_pdf(str(with_marks))
    assert "部门整体支出绩效目标表" in printed(clean)
    assert printed(with_marks) == printed(clean)
    assert pictures(with_marks) == pictures(clean)


def test_an_explanation_is_kept_and_counts_and_a_stale_one_is_said(seed):
    press("check_all")
    sheet = seed.sheets(RESULTS_SHEET).raw
    row = next(n for n in range(60) if sheet.getCellByPosition(2, n).String == "T304")
    sheet.getCellByPosition(HEAD.index("说明"), row).String = "10 万元由非税收入安排"
    press("check_all")
    [again] = [r for r in table(seed) if r[2] == "T304"]
    assert again[HEAD.index("说明")] == "10 万元由非税收入安排"
    assert [s.name for s in seed.sheets].count(RESULTS_SHEET) == 1
    cell(seed, DEPARTMENT, "F8").String = ""
    press("check_all")
    [stale] = [r for r in table(seed) if r[HEAD.index("说明")]]
    assert stale[1] == "已不适用"
    assert "保留" in press("clear_marks"), "a written explanation is not thrown away"
    assert RESULTS_SHEET in [s.name for s in seed.sheets]


def test_cross_totals_says_both_sides_and_marks_only_sums(app, seed):
    assert press("cross_totals") == "经非税项目调节后平衡"
    [told] = app.alerts
    assert "711.94 + " in told
    assert "283.67" in told
    assert marked(seed, DEPARTMENT)
    assert all(" T" in text or " X5" in text for text in marked(seed, DEPARTMENT).values())


def test_next_finding_goes_from_cell_to_cell_and_round(app, seed):
    with pytest.raises(XltoolError, match="先点“全审”"):
        press("next_finding")
    press("check_all")
    places = list(dict.fromkeys(f"{row[3]}!{row[4]}" for row in table(seed) if row[4]))
    seen = []
    for _ in places:
        said = press("next_finding")
        here = app.selection
        seen.append(f"{here.sheet.name}!{here.address.replace('$', '').partition(':')[0]}")
    assert set(seen) == set(places)
    assert said.startswith(("错误", "核实", "提示"))
    assert "从头开始" in press("next_finding")


def test_normalise_rewrites_what_is_sure_and_lists_the_originals(seed, tmp_path):
    before = read(seed.fullname)
    press("normalise")
    after = read(saved(seed, tmp_path))
    department = [one.target.text for one in after.department.block("quantity")]
    assert department == ["≥15家\n≥120家", "≥6家\n≥4次"]
    was = {
        str(e.place): e.text for f in before.forms for i in f.indicators for e in i.cells.values()
    }
    now = {
        str(e.place): e.text for f in after.forms for i in f.indicators for e in i.cells.values()
    }
    listed = [row[:3] for row in seed.sheets("规范记录").used_range.raw.getDataArray()[1:]]
    assert {place: (old, new) for place, old, new in listed} == {
        place: (was[place], now[place]) for place in was if was[place] != now[place]
    }
    assert after.department["goal"] == before.department["goal"]
    assert "没有改动" in press("normalise")


def test_pasted_locks_are_said_and_opened(app, seed, tmp_path):
    """What pasting from an ordinary workbook leaves: cells that are locked, of another look."""
    sheet = seed.sheets(DEPARTMENT).raw
    sheet.unprotect("")
    area = open_grid(Path(seed.fullname)).sheets[0].names["数量指标"]
    pasted = [f"E{area.top}:F{area.bottom}", "C4", "B10"]
    for address in pasted:
        held = sheet.getCellRangeByName(address)
        protection = held.getCellByPosition(0, 0).CellProtection
        protection.IsLocked = True
        held.CellProtection = protection
    sheet.protect("")
    was = read(saved(seed, tmp_path))
    assert "已经解开" in press("check_all")
    for address in ("E13", "F14", "C4", "B10"):
        assert not cell(seed, DEPARTMENT, address).CellProtection.IsLocked, address
    assert cell(seed, DEPARTMENT, "A4").CellProtection.IsLocked
    assert sheet.isProtected()
    assert read(saved(seed, tmp_path)) == was
    assert "解开" not in press("check_all")


def test_what_is_typed_into_indicators_stays_as_it_was_typed(app, tmp_path):
    """12月31日, 3-5, =0, 1/2 typed into the blank form, in cells of the format of text."""
    app.files = [tmp_path / "空表.xlsx"]
    press("new_form")
    book = app.books.active
    area = open_grid(load_edition().template).sheets[0].names["数量指标"]
    typed = ["12月31日", "3-5"]
    for row, text in enumerate(typed, area.top):
        seen = book.sheets(1).range(f"F{row}")
        seen.raw_value = text
        book.sheets(1).range(f"E{row}").raw_value = "=0"
        assert seen.cells[0].String == text
    back = read(saved(book, tmp_path)).department.block("quantity")
    assert [(one.name.text, one.target.text) for one in back] == [("=0", t) for t in typed]


# ── 填报 ──


def test_new_form(app, tmp_path):
    app.files = [tmp_path / "新表.xlsx"]
    press("new_form")
    assert app.books.active.name == "新表.xlsx"
    assert (tmp_path / "新表.xlsx").read_bytes() == load_edition().template.read_bytes()
    app.files = []
    assert press("new_form") == "没有新建"


def test_new_form_of_another_edition(app, tmp_path):
    app.files = [tmp_path / "新表.xlsx"]
    app.number = 2
    press("new_form")
    assert app.asked_for.splitlines()[1:] == [
        f"{n}  {load_edition(id_).title}"
        for n, id_ in enumerate(("hunan-2023", "national-2021"), 1)
    ]
    assert read(tmp_path / "新表.xlsx").edition == "national-2021"
    app.number = None
    assert press("new_form") == "没有新建"
    app.number = 9
    with pytest.raises(XltoolError, match="没有序号"):
        press("new_form")


def test_fill_from_data_into_a_blank_workbook(app, tmp_path):
    app.files = [tmp_path / "空表.xlsx"]
    press("new_form")
    app.files = [EXAMPLE / "部门.csv"]
    press("fill_from_data")
    book = app.books.active
    assert book.name == "空表.xlsx"
    filing = read(saved(book, tmp_path))
    assert filing == seed_filing()
    assert not [f for f in filing.faults if f.kind not in ("amount", "amount_text")]
    assert sorted(s.name for s in book.sheets) == sorted(form.sheet for form in filing.forms)


def test_fill_from_data_asks_before_it_overwrites(app, seed, tmp_path):
    cell(seed, DEPARTMENT, "C4").Value = 1.0
    app.files, app.answer = [EXAMPLE / "部门.csv"], "no"
    assert "未动" in press("fill_from_data")
    assert read(saved(seed, tmp_path)).department.amount("total") == 1
    app.files, app.answer = [EXAMPLE / "部门.csv"], "yes"
    press("fill_from_data")
    assert read(saved(seed, tmp_path)).department.amount("total") == Decimal("1245.61")


def test_fill_from_data_asks_which_unit_when_the_workbook_names_none(app, tmp_path):
    two = [seed_filing(), clean_filing("hospital-county")]
    write_databook(two, tmp_path / "两家.xlsx")
    app.files = [tmp_path / "空表.xlsx"]
    press("new_form")
    app.files, app.number = [tmp_path / "两家.xlsx"], 2
    press("fill_from_data")
    assert two[1].unit in app.asked_for
    assert read(saved(app.books.active, tmp_path)) == two[1]


def test_fill_from_data_keeps_to_the_workbooks_unit(app, tmp_path):
    path = fill(clean_filing("hospital-county"), tmp_path / "医院.xlsx")
    book = app.books.open(str(path))
    before = read(saved(book, tmp_path))
    app.files = [EXAMPLE / "部门.csv"]
    with pytest.raises(XltoolError, match="数据表里没有"):
        press("fill_from_data")
    assert read(saved(book, tmp_path)) == before


def test_add_row_below_the_cursor(app, seed, tmp_path):
    before = read(seed.fullname)
    area = open_grid(Path(seed.fullname)).sheets[0].names["数量指标"]
    for row in (area.top, area.bottom + 1):  # the first row, then what is now the last
        seed.app.api.Goto(seed.sheets(DEPARTMENT).range(f"E{row}").api)
        press("add_row")
        at = app.selection.row
        assert at == row + 1
        cell(seed, DEPARTMENT, f"E{at}").String = f"新指标{at}"
        cell(seed, DEPARTMENT, f"F{at}").String = "≥1家"
    after = read(saved(seed, tmp_path))
    assert [i.name.text for i in after.department.block("quantity")] == [
        before.department.block("quantity")[0].name.text,
        f"新指标{area.top + 1}",
        before.department.block("quantity")[1].name.text,
        f"新指标{area.bottom + 2}",
    ]
    assert after.faults == before.faults, "rows added inside a block are no layout change"
    assert [i for i in after.department.indicators if i.block != "quantity"] == [
        i for i in before.department.indicators if i.block != "quantity"
    ]


def test_add_row_wants_the_cursor_in_a_category(app, seed):
    app.api.Goto(seed.sheets(DEPARTMENT).range("C4").api)
    with pytest.raises(XltoolError, match="光标不在指标行上"):
        press("add_row")
    assert app.alerts == ["光标不在指标行上：请先点一下要加行的指标类别"]


def test_text_that_looks_like_a_formula_stays_text_when_a_row_moves(app, seed, tmp_path):
    area = open_grid(Path(seed.fullname)).sheets[0].names["数量指标"]
    cell(seed, DEPARTMENT, f"E{area.bottom}").String = "=1+1"
    cell(seed, DEPARTMENT, f"F{area.bottom}").String = "007"
    app.api.Goto(seed.sheets(DEPARTMENT).range(f"E{area.bottom}").api)
    press("add_row")
    moved = read(saved(seed, tmp_path)).department.block("quantity")[-1]
    assert (moved.name.text, moved.target.text) == ("=1+1", "007")


def test_delete_empty_rows_removes_only_what_was_added(app, seed, tmp_path):
    before = read(seed.fullname)
    area = open_grid(Path(seed.fullname)).sheets[0].names["数量指标"]
    for _ in range(3):
        app.api.Goto(seed.sheets(DEPARTMENT).range(f"E{area.top}").api)
        press("add_row")
    cell(seed, DEPARTMENT, f"E{area.top + 2}").String = "留下的"
    assert "2 个" in press("delete_empty_rows")
    grid = open_grid(saved(seed, tmp_path))
    assert grid.sheets[0].names["数量指标"].bottom == area.bottom + 1
    after = read(saved(seed, tmp_path))
    assert len(after.department.block("quantity")) == 3
    assert after.faults == before.faults
    assert seed.sheets(DEPARTMENT).raw.isProtected()
    assert press("delete_empty_rows") == "没有后加的空行"


def test_add_project_takes_year_and_unit_along(seed, tmp_path):
    before = read(seed.fullname)
    press("add_project")
    name = list(seed.sheets)[-1].name
    after = read(saved(seed, tmp_path))
    assert after == before, "a blank project form is no project"
    assert after.faults == before.faults
    cell(seed, name, "B3").String = "新项目"
    cell(seed, name, "B4").Value = 283.67
    new = read(saved(seed, tmp_path)).projects[-1]
    assert (new.year, new.text("unit"), new.text("filer")) == (2023, before.unit, before.unit)
    assert new.amount("own_budget") == Decimal("283.67")


# ── 输出、帮助 ──


def test_export_pdf_leaves_results_out_and_the_workbook_alone(app, seed, tmp_path):
    press("check_all")
    before = open_grid(saved(seed, tmp_path)).sheets
    app.files = [tmp_path / "输出.pdf"]
    press("export_pdf")
    text = printed(tmp_path / "输出.pdf")
    assert "项目支出绩效目标表" in text
    assert "审核结果" not in text
    assert app.proposed == str(tmp_path / f"{read(seed.fullname).unit}_2023年绩效目标申报表.pdf")
    assert open_grid(saved(seed, tmp_path)).sheets == before
    assert [book.name for book in app.books] == [seed.name]


@pytest.mark.parametrize("ending", [".json", ".xlsx"])
def test_export_data(app, seed, tmp_path, ending):
    goal = tmp_path / f"数据{ending}"
    app.files = [goal]
    press("export_data")
    assert load_databook(goal) == [seed_filing()]
    if ending == ".json":
        json.loads(goal.read_text("utf-8"))


def test_total_folder(app, tmp_path):
    folder = tmp_path / "上报"
    folder.mkdir()
    fill(clean_filing("hospital-county"), folder / "医院.xlsx")
    fill(seed_filing(), folder / "工信局.xlsx")
    app.files = [folder]
    said = press("total_folder")
    assert "有错误 1 份" in said
    assert app.books.active.name == "report.xlsx"
    assert (tmp_path / "上报-汇总" / "report.html").is_file()


@pytest.mark.parametrize(("name", "words"), [("guide", "资金总额"), ("rules_help", "T304")])
def test_help_pages(app, monkeypatch, name, words):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    press(name)
    from urllib.parse import unquote, urlparse

    assert words in Path(unquote(urlparse(opened[0]).path)).read_text("utf-8")


# ── 上年、设置、报送 ──


@pytest.fixture
def former(tmp_path):
    """The same unit's filing of the year before, with other amounts."""
    filing = seed_filing()
    department = filing.department
    entries = {
        **department.entries,
        "year": Entry(2022, "2022"),
        "total": Entry(Decimal("1000"), "1000"),
    }
    last = replace(filing, department=replace(department, entries=entries))
    last = replace(last, projects=tuple(
        replace(p, entries={**p.entries, "year": Entry(2022, "2022")}) for p in last.projects
    ))  # fmt: skip
    return fill(last, tmp_path / "上年.xlsx")


def test_compare_last_year_is_what_the_command_line_finds_and_is_remembered(app, seed, former):
    expected = [list(r.texts) for r in results(
        read(seed.fullname), check(read(seed.fullname), last_year=read(former))
    ).rows]  # fmt: skip
    app.files = [former]
    said = press("compare_last_year")
    assert "对比" in said
    assert table(seed) == expected
    assert any("1000 → 1245.61（+24.6%）" in line for line in app.alerts[0].splitlines())
    press("check_all")
    assert table(seed) == expected, "the next full check knows last year too"
    press("cross_totals")
    former.unlink()
    press("check_all")
    plain = [list(r.texts) for r in results(read(seed.fullname), check(read(seed.fullname))).rows]
    assert table(seed) == plain
    app.files = []
    assert press("compare_last_year") == "没有对比"


def test_another_units_filing_is_not_compared(app, seed, tmp_path):
    app.files = [fill(clean_filing("hospital-county"), tmp_path / "医院.xlsx")]
    with pytest.raises(XltoolError, match="选的是"):
        press("compare_last_year")


def test_import_last_year_makes_a_draft(app, former, tmp_path):
    app.files = [tmp_path / "空表.xlsx"]
    press("new_form")
    book = app.books.active
    app.files = [former]
    assert "金额要重新填" in press("import_last_year")
    draft, last = read(saved(book, tmp_path)), read(former)
    assert (draft.year, draft.unit) == (2023, last.unit)
    assert draft.department.amount("total") is None
    assert draft.department["goal"] == last.department["goal"]
    assert [i.name for i in draft.department.indicators] == [
        i.name for i in last.department.indicators
    ]
    assert "已撤销" in press("undo_last")
    assert not any(read(saved(book, tmp_path)).department.indicators)


def test_settings_make_the_verdict_the_bureaus(app, seed, tmp_path):
    house = tmp_path / "县里.toml"
    house.write_text('off = ["T304"]\n', "utf-8")
    app.files, app.number = [house], 2
    assert "识别码" in press("settings")
    press("check_all")
    assert "T304" not in {row[2] for row in table(seed)}
    app.number = 1
    assert "财政部门的设置" in press("settings")
    app.number = 3
    press("settings")
    press("check_all")
    assert "T304" in {row[2] for row in table(seed)}
    house.write_text("nonsense = 1\n", "utf-8")
    app.files, app.number = [house], 2
    with pytest.raises(XltoolError, match="没有设置"):
        press("settings")


def test_previous_finding_goes_back(app, seed):
    press("check_all")
    press("next_finding")
    first = app.selection.address
    press("next_finding")
    second = app.selection.address
    assert first != second
    press("previous_finding")
    assert app.selection.address == first
    assert "从末尾开始" in press("previous_finding")


def test_error_note_lists_findings_with_their_explanations(app, seed, tmp_path):
    press("check_all")
    sheet = seed.sheets(RESULTS_SHEET).raw
    row = next(n for n in range(60) if sheet.getCellByPosition(2, n).String == "T304")
    sheet.getCellByPosition(HEAD.index("说明"), row).String = "10 万元由非税收入安排"
    app.files = [tmp_path / "出错说明.xlsx"]
    press("error_note")
    cells = open_grid(tmp_path / "出错说明.xlsx").sheets[0].cells
    texts = [cell.text for cell in cells.values()]
    assert "10 万元由非税收入安排" in texts
    assert "T304" in texts
    assert not [t for t in texts if t == "提示"]
    assert app.books.active.name == "出错说明.xlsx"


def test_the_package_holds_workbook_pdf_and_error_note(app, seed, tmp_path):
    goal = tmp_path / "报送.zip"
    app.files, app.answer = [goal], "no"
    assert "没有打包" in press("submission_package")
    assert not goal.exists()
    app.answer = "yes"
    press("submission_package")
    unit = read(seed.fullname).unit
    with zipfile.ZipFile(goal) as package:
        names = package.namelist()
        assert sorted(Path(n).suffix for n in names) == [".pdf", ".xlsx", ".xlsx"]
        assert all(n.startswith(f"{unit}_2023年") for n in names)
        package.extractall(tmp_path / "包")
    assert read(tmp_path / "包" / f"{unit}_2023年绩效目标申报表.xlsx") == seed_filing()


def test_printing_opens_the_forms_alone(app, seed, monkeypatch):
    from urllib.parse import unquote, urlparse

    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    press("check_all")
    press("print_forms")
    text = printed(Path(unquote(urlparse(opened[0]).path)))
    assert "项目支出绩效目标表" in text
    assert RESULTS_SHEET not in text


@pytest.mark.parametrize(
    ("button", "name"),
    [("new_form", "新表.xlsx"), ("export_data", "数据.json"), ("export_pdf", "表.pdf")],
)
def test_nothing_is_overwritten_without_being_asked(app, seed, tmp_path, button, name):
    goal = tmp_path / name
    goal.write_text("重要")
    app.files, app.answer = [goal], "no"
    press(button)
    assert goal.read_text() == "重要"
    assert "已经存在" in app.alerts[0]
    app.files, app.answer = [goal], "yes"
    press(button)
    assert goal.read_bytes()[:1] in (b"P", b"[", b"%", b"{")


def test_an_open_workbook_is_not_overwritten_by_a_new_one(app, seed):
    before = Path(seed.fullname).read_bytes()
    app.files = [Path(seed.fullname)]
    with pytest.raises(XltoolError, match="正开着"):
        press("new_form")
    assert Path(seed.fullname).read_bytes() == before


def test_a_second_total_of_the_same_folder(app, tmp_path):
    folder = tmp_path / "上报"
    folder.mkdir()
    fill(clean_filing("hospital-county"), folder / "医院.xlsx")
    for _ in range(2):
        app.files = [folder]
        press("total_folder")
    assert [b.name for b in app.books] == ["report.xlsx"]
    report = app.books.active
    report.sheets(1).raw.getCellByPosition(20, 40).String = "科长的批注"
    app.files = [folder]
    with pytest.raises(XltoolError, match="里面有改动"):
        press("total_folder")
    assert report.sheets(1).raw.getCellByPosition(20, 40).String == "科长的批注"


def test_about(app):
    press("about")
    assert "版式" in app.alerts[0]
    assert "xltool.log" in app.alerts[0]


# ── around every button ──


def spoilt() -> Filing:
    """1 + 5 forms like the example's, with a finding in more than 40 cells."""
    filing = seed_filing()
    names = [f"{filing.projects[0].text('project')}{n}" for n in range(1, 6)]
    five = [
        replace(
            filing.projects[0], entries={**filing.projects[0].entries, "project": Entry(name, name)}
        )
        for name in names
    ]
    return replace(filing, projects=tuple(five))


def test_a_full_check_takes_few_calls(app, tmp_path):
    """1 + 5 forms full of findings, in at most 3 host calls a sheet,
    results sheet and marks included."""
    book = app.books.open(str(fill(spoilt(), tmp_path / "六张表.xlsx")))
    app.calls.clear()
    press("check_all")
    calls = list(app.calls)
    sheets = len(list(book.sheets))
    assert sheets == 7
    assert len({(row[3], row[4]) for row in table(book) if row[4] and row[1] != "提示"}) >= 40
    assert all(marked(book, sheet.name) for sheet in book.sheets if sheet.name != RESULTS_SHEET)
    assert calls.count("save copy") == 1, "every sheet is read in the same one call"
    assert not calls.count("read")
    assert calls.count("write") == calls.count("protect") == 6, "the marks of a sheet are one block"
    assert len(calls) <= 3 * sheets, calls
    cell(book, DEPARTMENT, "C4").Value = 1
    for sheet in list(book.sheets)[1:6]:
        sheet.raw.getCellRangeByName("B4").String = "约三百"
    app.calls.clear()
    press("check_all")
    assert app.calls.count("write") == 6, "every sheet's marks changed"
    assert len(app.calls) <= 3 * sheets, app.calls
    app.calls.clear()
    press("check_all")
    assert len(app.calls) < 10, "unchanged marks are not touched again"
    app.calls.clear()
    press("clear_marks")
    assert len(app.calls) <= 3 * sheets, app.calls


def test_a_button_that_only_reads_leaves_no_document_changed(app, seed, tmp_path):
    """Such a document would be asked about at closing, and an open summary never be made anew."""
    folder = tmp_path / "上报"
    folder.mkdir()
    fill(clean_filing("hospital-county"), folder / "医院.xlsx")
    app.files = [folder]
    press("total_folder")
    seed.activate()
    press("about")
    press("check_all")
    assert {b.name: b.api.Saved for b in app.books} == {"report.xlsx": True, seed.name: False}
    app.files = [folder]
    assert "结果在" in press("total_folder")


def test_all_is_put_back_when_a_button_fails(app, seed, monkeypatch, tmp_path):
    def broken(*_):
        assert (app.screen_updating, app.display_alerts) == (False, False)
        assert (app.enable_events, app.security, app.calculation) == (False, 3, "manual")
        raise ZeroDivisionError("内部错误")

    monkeypatch.setattr("xltool.excel.buttons.reviewing._mark", broken)
    with pytest.raises(XltoolError, match=r"xltool\.log"):
        press("check_all")
    assert (app.screen_updating, app.calculation, app.display_alerts) == (True, "automatic", True)
    assert (app.enable_events, app.security) == (True, 1)
    log = tmp_path / "roaming" / "xltool" / "xltool.log"
    assert "ZeroDivisionError" in log.read_text("utf-8")
    assert str(log) in app.alerts[0]
    assert "Traceback" not in app.alerts[0]


def test_no_macro_of_a_copy_can_run(app, seed, tmp_path):
    app.files = [tmp_path / "a.pdf"]
    press("export_pdf")
    assert app.opened_with == 3, "macros are barred while a copy is open"
    assert app.security == 1, "and as before afterwards"


def test_a_busy_excel_is_said_to_be_busy(app, seed):
    app.refusing = Refused("call was rejected", -2147418111)
    with pytest.raises(XltoolError, match="先结束单元格编辑"):
        press("check_all")


def test_a_workbook_that_was_never_saved(app, tmp_path):
    fill(seed_filing(), tmp_path / "模板.xlsx")
    book = app.books.from_template(str(tmp_path / "模板.xlsx"))
    press("check_all")
    assert any(row[2] == "T304" for row in table(book))
    app.files = [tmp_path / "a.json"]
    press("export_data")
    assert app.proposed.endswith("_2023年绩效目标数据.json")


def test_changes_that_are_not_saved_are_seen(seed):
    cell(seed, DEPARTMENT, "C4").Value = 1000
    press("check_all")
    assert any(row[2] in ("T301", "T302") for row in table(seed))
    assert read(seed.fullname).department.amount("total") == Decimal("1245.61")


def test_a_read_only_file(app, tmp_path):
    path = fill(seed_filing(), tmp_path / "只读.xlsx")
    path.chmod(0o444)
    before = path.read_bytes()
    book = app.books.open(str(path))
    press("check_all")
    assert any(row[2] == "T304" for row in table(book))
    assert path.read_bytes() == before


def test_the_named_workbook_is_meant_not_the_one_in_front(app, seed, tmp_path):
    other = app.books.open(str(fill(clean_filing("hospital-county"), tmp_path / "另一本.xlsx")))
    press("check_all", seed.name, app.hwnd)
    assert RESULTS_SHEET in [s.name for s in seed.sheets]
    assert RESULTS_SHEET not in [s.name for s in other.sheets]
    with pytest.raises(XltoolError, match="已经不在"):
        press("check_all", "没有的.xlsx")


def test_a_foreign_workbook_is_told_so_and_left_alone(app, tmp_path):
    import xlsxwriter

    with xlsxwriter.Workbook(str(tmp_path / "账.xlsx")) as workbook:
        workbook.add_worksheet("流水").write("A1", "不是填报表")
    book = app.books.open(str(tmp_path / "账.xlsx"))
    for name in ("check_all", "cross_totals", "normalise", "clear_marks", "add_row", "add_project",
                 "delete_empty_rows", "export_pdf", "export_data", "fill_from_data"):  # fmt: skip
        with pytest.raises(XltoolError, match="不是由官方模板"):
            press(name)
    assert [s.name for s in book.sheets] == ["流水"]


def test_no_workbook_at_all(app):
    for name in ("check_all", "add_row", "export_pdf"):
        with pytest.raises(XltoolError, match="没有打开的工作簿"):
            press(name)
    assert app.alerts


def test_a_locked_structure_gets_its_results_in_another_window(app, seed):
    seed.doc.protect("秘密")
    said = press("check_all")
    assert "另一个窗口" in said
    assert RESULTS_SHEET not in [s.name for s in seed.sheets]
    assert any(row[2] == "T304" for row in table(app.books.active))
    app.books(seed.name).activate()
    with pytest.raises(XltoolError, match="结构受保护"):
        press("add_project")


def test_a_sheet_with_a_password_is_checked_without_marks(app, seed):
    seed.sheets(DEPARTMENT).raw.unprotect("")
    seed.sheets(DEPARTMENT).raw.protect("秘密")
    said = press("check_all")
    assert "没有加标记" in said
    assert not marked(seed, DEPARTMENT)
    assert any(row[2] == "T304" for row in table(seed))


def test_a_shared_workbook_is_checked_without_marks(app, seed):
    app.shared.add(seed.mark)
    assert "没有加标记" in press("check_all")
    assert not marked(seed, DEPARTMENT)
    assert any(row[2] == "T304" for row in table(seed))
    assert seed.sheets(DEPARTMENT).raw.isProtected()


def test_unknown_button(app):
    with pytest.raises(XltoolError, match="没有“no_such”这个按钮"):
        press("no_such")


def test_every_button_was_pressed_here():
    source = Path(__file__).read_text("utf-8")
    source += Path(__file__).with_name("test_presses.py").read_text("utf-8")
    assert [name for name in buttons() if f'"{name}"' not in source] == []
    assert len(labels()) == 24


def test_the_table_in_the_docs_is_what_is_bound():
    docs = (ROOT / "docs" / "excel.md").read_text("utf-8")
    assert table_of_buttons() in docs, "python -m tests.support.button_table"
    assert "``" not in table_of_buttons(), "every button is pressed live in a test"
