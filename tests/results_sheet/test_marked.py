"""`check --mark`: the results inside a copy of the workbook, and the explanations read back."""

import re
import zipfile

import openpyxl
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from tests.support.seed import seed_filing
from xltool import check, fill, read
from xltool.cli.check import check as command
from xltool.errors import XltoolError
from xltool.model import Entry
from xltool.results_sheet.insert import mark_file
from xltool.results_sheet.marks import is_mark, marks
from xltool.results_sheet.table import HEAD, RESULTS_SHEET, results
from xltool.xlsx.audit.workbook import audit
from xltool.xlsx.workbook_reader import open_grid


@pytest.fixture
def workbook(tmp_path):
    return fill(seed_filing(), tmp_path / "申报.xlsx")


def marked(path, goal):
    filing = read(path)
    findings = check(filing)
    return mark_file(path, goal, results(filing, findings), marks(findings))


def test_only_the_listed_parts_differ(workbook, tmp_path):
    copy = marked(workbook, tmp_path / "审核后.xlsx")
    with zipfile.ZipFile(workbook) as one, zipfile.ZipFile(copy) as two:
        new = set(two.namelist()) - set(one.namelist())
        changed = {name for name in one.namelist() if one.read(name) != two.read(name)}
    assert new == {"xl/worksheets/xltool-results.xml"}
    assert changed == {
        "[Content_Types].xml",
        "xl/workbook.xml",
        "xl/_rels/workbook.xml.rels",
        "xl/styles.xml",
        "xl/worksheets/sheet1.xml",
        "xl/worksheets/sheet2.xml",
    }


def test_the_filing_reads_as_before(workbook, tmp_path):
    copy = marked(workbook, tmp_path / "审核后.xlsx")
    before, after = read(workbook), read(copy)
    assert after == before
    assert after.faults == before.faults
    beside = {}
    sheets = open_grid(copy).sheets[:-1]
    for sheet in sheets:
        ours = [at for at, one in sheet.cells.items() if is_mark(one.text)]
        beside[sheet.name] = {at[0]: sheet.cells.pop(at).text for at in ours}
    assert beside == marks(check(before))
    assert sheets == open_grid(workbook).sheets


def test_older_marks_give_way(workbook, tmp_path):
    copy = marked(workbook, tmp_path / "审核后.xlsx")
    filing = read(copy)
    again = mark_file(copy, tmp_path / "再审.xlsx", results(filing, []), {})
    assert open_grid(again).sheets[:-1] == open_grid(workbook).sheets
    assert audit(again) == []


def test_the_rows_stand_there_and_only_the_explanation_is_open(workbook, tmp_path):
    copy = marked(workbook, tmp_path / "审核后.xlsx")
    sheet = openpyxl.load_workbook(copy)[RESULTS_SHEET]
    rows = [[cell.value or "" for cell in row] for row in sheet.iter_rows()]
    top = next(n for n, row in enumerate(rows) if tuple(row) == HEAD)
    filing = read(workbook)
    assert [tuple(row) for row in rows[top + 1 :]] == [
        row.texts for row in results(filing, check(filing)).rows
    ]
    assert {HEAD[c.column - 1] for c in sheet[top + 2] if not c.protection.locked} == {"说明"}
    assert sheet.protection.sheet
    links = [
        c.hyperlink.location for row in sheet.iter_rows(min_row=top + 2) for c in row if c.hyperlink
    ]
    assert links[0] == "'部门整体支出绩效目标表'!F25"


def test_explanations_come_back_and_stay_on_the_next_marking(workbook, tmp_path):
    copy = marked(workbook, tmp_path / "审核后.xlsx")
    book = openpyxl.load_workbook(copy)
    sheet = book[RESULTS_SHEET]
    at = next(row[0].row for row in sheet.iter_rows() if row[2].value == "T304")
    sheet.cell(at, HEAD.index("说明") + 1, "非税收入安排")
    answered = tmp_path / "答复.xlsx"
    book.save(answered)
    filing = read(answered)
    [finding] = [f for f in check(filing) if f.code == "T304"]
    assert finding.explanation == "非税收入安排"
    assert not finding.open
    again = marked(answered, tmp_path / "再审.xlsx")
    assert read(again).answers == filing.answers
    assert [s.name for s in open_grid(again).sheets].count(RESULTS_SHEET) == 1
    gone = replace(filing, answers={"T999|表|栏|值": "过时的"})
    last = results(gone, check(gone)).rows[-1]
    assert (last.level, last.texts[1]) == ("stale", "已不适用")


def test_the_copy_is_sound(workbook, tmp_path, validator):
    copy = marked(workbook, tmp_path / "审核后.xlsx")
    assert audit(copy) == []
    assert validator.errors([copy]) == {copy: []}


def test_the_command_writes_copies_and_leaves_the_originals(workbook, tmp_path):
    before = workbook.read_bytes()
    folder = tmp_path / "审核后"
    result = CliRunner().invoke(
        command, [str(workbook), "--mark", str(folder)], standalone_mode=False
    )
    assert result.return_value == 1, result.output
    assert RESULTS_SHEET in [s.name for s in open_grid(folder / "申报.xlsx").sheets]
    assert workbook.read_bytes() == before
    same = CliRunner().invoke(
        command, [str(workbook), "--mark", str(tmp_path)], standalone_mode=False
    )
    assert "另外一个文件夹" in same.output
    assert workbook.read_bytes() == before


# ── workbooks as other programs spell them ───────────────────────────────────────────────────

STYLES = "xl/styles.xml"


def respelled(path, change) -> None:
    """The package with its parts changed: name → text, as a function makes them anew."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in change(parts).items():
            archive.writestr(name, text)


def strict(parts):
    words = (
        ("http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://purl.oclc.org/ooxml/spreadsheetml/main"),
        ("http://schemas.openxmlformats.org/officeDocument/2006/", "http://purl.oclc.org/ooxml/officeDocument/"),
    )  # fmt: skip
    for was, becomes in words:
        parts = {name: text.replace(was, becomes) for name, text in parts.items()}
    return parts


def without_styles(parts):
    types = parts["[Content_Types].xml"]
    parts["[Content_Types].xml"] = re.sub(r'<Override PartName="/xl/styles.xml"[^>]*/>', "", types)
    rels = parts["xl/_rels/workbook.xml.rels"]
    parts["xl/_rels/workbook.xml.rels"] = re.sub(
        r'<Relationship [^>]*Target="styles.xml"[^>]*/>', "", rels
    )
    gone = r' s="\d+"|<conditionalFormatting.*</conditionalFormatting>'
    return {
        name: re.sub(gone, "", text, flags=re.DOTALL)
        for name, text in parts.items()
        if name != STYLES
    }


@pytest.mark.parametrize(
    "change",
    [strict, without_styles, lambda parts: {n.replace("/", "\\"): t for n, t in parts.items()}],
    ids=["strict", "no styles", "backslashes"],
)
def test_what_can_be_read_can_be_marked(workbook, tmp_path, change):
    respelled(workbook, change)
    goal = marked(workbook, tmp_path / "标.xlsx")
    assert read(goal) == read(workbook)
    assert RESULTS_SHEET in openpyxl.load_workbook(goal).sheetnames
    assert audit(goal) == []


def test_characters_that_xml_cannot_hold_are_marked_too(workbook, tmp_path):
    odd = "目标\x1b[2J\uffff_x0041_"
    filing = seed_filing()
    entries = {**filing.department.entries, "goal": Entry(odd, odd)}
    fill(
        replace(filing, department=replace(filing.department, entries=entries)),
        workbook,
    )
    goal = marked(workbook, tmp_path / "标.xlsx")
    assert read(goal).department.text("goal") == odd
    assert RESULTS_SHEET in openpyxl.load_workbook(goal).sheetnames


def test_a_sheet_that_somebody_called_as_ours_is_not_replaced(workbook, tmp_path):
    book = openpyxl.load_workbook(workbook)
    book.create_sheet(RESULTS_SHEET)["A1"] = "我的笔记"
    book.save(workbook)
    with pytest.raises(XltoolError, match="不是本工具写的：请先给它另取一个名字"):
        marked(workbook, tmp_path / "审核后.xlsx")
    assert not (tmp_path / "审核后.xlsx").exists()


def test_a_project_form_called_as_the_results_is_read(workbook):
    book = openpyxl.load_workbook(workbook)
    book.worksheets[1].title = RESULTS_SHEET
    book.save(workbook)
    assert len(read(workbook).projects) == 1


def test_explanations_are_read_from_a_renamed_results_sheet(workbook, tmp_path):
    copy = marked(workbook, tmp_path / "审核后.xlsx")
    book = openpyxl.load_workbook(copy)
    sheet = book[RESULTS_SHEET]
    row = next(cells[0].row for cells in sheet.iter_rows() if cells[2].value == "T304")
    sheet.cell(row, HEAD.index("说明") + 1, "由非税收入安排")
    sheet.title = "审核结果（张三）"
    book.save(copy)
    assert list(read(copy).answers.values()) == ["由非税收入安排"]
