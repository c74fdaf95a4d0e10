"""The official template: drawn by code, stored twice, read by hand, opened and printed for real."""

import re
import tomllib
import zipfile

import pytest
from openpyxl import load_workbook
from openpyxl.cell.cell import MergedCell
from openpyxl.styles import Protection

from tests.support.paths import ROOT, TESTS
from xltool.cli import main
from xltool.editions.declaration import load_edition
from xltool.template.bindings import problems
from xltool.template.draw import draw
from xltool.xlsx.audit.workbook import audit

EDITION = load_edition("hunan-2023")
TOP = ROOT / "workbook_template.xlsx"
GOLDEN = tomllib.loads((TESTS / "golden" / "template.toml").read_text("utf-8"))
FORMS = list(GOLDEN)


def parts(path):
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


@pytest.fixture(scope="module")
def book():
    return load_workbook(EDITION.template)


def test_the_two_stored_templates_are_the_same_file():
    assert TOP.read_bytes() == EDITION.template.read_bytes()


def test_drawing_again_gives_the_stored_template_part_by_part(tmp_path):
    draw(tmp_path / "drawn.xlsx", EDITION)
    drawn, stored = parts(tmp_path / "drawn.xlsx"), parts(EDITION.template)
    assert list(drawn) == list(stored)
    assert [name for name in stored if drawn[name] != stored[name]] == []


# ── the reading by hand ──────────────────────────────────────────────────────────────────────


def test_the_sheets(book):
    assert book.sheetnames == [golden["sheet"] for golden in GOLDEN.values()]


@pytest.mark.parametrize("form", FORMS)
def test_the_official_texts(book, form):
    golden = GOLDEN[form]
    rows = book[golden["sheet"]].iter_rows(max_col=6)
    assert {c.coordinate: c.value for row in rows for c in row if c.value is not None} == golden[
        "texts"
    ]


@pytest.mark.parametrize("form", FORMS)
def test_what_is_locked(book, form):
    golden = GOLDEN[form]
    sheet = book[golden["sheet"]]
    cells = [c for row in sheet.iter_rows() for c in row if not isinstance(c, MergedCell)]
    assert {c.coordinate for c in cells if not c.protection.locked} == set(golden["inputs"].split())


@pytest.mark.parametrize("form", FORMS)
def test_the_merges(book, form):
    golden = GOLDEN[form]
    merged = {area.coord for area in book[golden["sheet"]].merged_cells.ranges}
    assert merged == set(golden["merges"].split())


@pytest.mark.parametrize("form", FORMS)
def test_the_names(book, form):
    golden = GOLDEN[form]
    names = {
        name: defined.attr_text.rpartition("!")[2].replace("$", "")
        for name, defined in book[golden["sheet"]].defined_names.items()
    }
    assert names == golden["names"]
    assert not book.defined_names  # all of them belong to a sheet, so that they are copied with it


@pytest.mark.parametrize("form", FORMS)
def test_the_page(book, form):
    golden = GOLDEN[form]
    sheet = book[golden["sheet"]]
    assert sheet.print_area.rpartition("!")[2] == golden["print_area"]
    assert sheet.print_title_rows == golden["print_titles"]
    page = sheet.page_setup
    assert (page.paperSize, page.orientation, page.fitToHeight) == (9, "portrait", 0)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.print_options.horizontalCentered
    assert sheet.oddFooter.center.text == "第 &P 页 共 &N 页"


@pytest.mark.parametrize("form", FORMS)
def test_the_protection(book, form):
    protection = book[GOLDEN[form]["sheet"]].protection
    assert protection.sheet
    assert protection.password is None
    actions = (
        *("insertRows", "formatRows", "selectLockedCells", "selectUnlockedCells", "deleteRows"),
        *("insertColumns", "deleteColumns", "formatCells", "formatColumns", "sort"),
    )
    allowed = {name for name in actions if getattr(protection, name) is False}
    assert allowed == {"insertRows", "formatRows", "selectLockedCells", "selectUnlockedCells"}


@pytest.mark.parametrize("form", FORMS)
def test_every_input_has_a_chinese_prompt(book, form):
    golden = GOLDEN[form]
    prompted = {}
    for rule in book[golden["sheet"]].data_validations.dataValidation:
        for row in (row for area in rule.sqref.ranges for row in area.rows):
            prompted.update({f"{'_ABCDEF'[column]}{line}": rule for line, column in row})
        assert rule.showInputMessage
        assert re.search("[\u4e00-\u9fff]", rule.prompt)
        assert rule.errorStyle in (
            None,
            "warning",
        )  # a validation never stops anyone: it is no rule
    assert set(prompted) == set(golden["inputs"].split())


def test_the_kinds_of_validation(book):
    department, project = (book[golden["sheet"]] for golden in GOLDEN.values())
    kinds = {
        sheet.title: {str(rule.sqref): rule.type for rule in sheet.data_validations.dataValidation}
        for sheet in (department, project)
    }
    amounts = {"C4", "D6", "D7", "D8", "D9", "F6", "F7", "F8"}
    assert {at for at, kind in kinds[department.title].items() if kind == "decimal"} == amounts
    assert {at for at, kind in kinds[project.title].items() if kind == "decimal"} == {"B4", "E4"}
    assert kinds[project.title]["B5"] == "textLength"
    assert kinds[project.title]["F9:F26"] == "list"
    assert kinds[department.title]["A1"] == "custom"


def test_the_identity():
    custom = parts(EDITION.template)["docProps/custom.xml"].decode()
    found = dict(re.findall(r'name="([^"]+)"><vt:lpwstr>([^<]*)<', custom))
    assert found == {"xltool.edition": "hunan-2023", "xltool.form": "1"}
    assert (
        "<dc:creator>xltool</dc:creator>" in parts(EDITION.template)["docProps/core.xml"].decode()
    )


def test_the_fonts_are_those_of_such_forms():
    styles = parts(EDITION.template)["xl/styles.xml"].decode()
    assert set(re.findall(r'<name val="([^"]+)"', styles)) == {"宋体", "黑体"}


# ── checks of a template ─────────────────────────────────────────────────────────────────────


def test_every_field_and_block_is_bound_once():
    assert problems(EDITION.template, EDITION) == []


def test_it_is_sound():
    assert audit(EDITION.template) == []


def test_what_a_bad_template_is_told(tmp_path):
    book = load_workbook(EDITION.template)
    sheet = book["部门整体支出绩效目标表"]
    names = sheet.defined_names
    del names["基本支出"]
    names["其他资金"].attr_text = "'部门整体支出绩效目标表'!$D$8"
    names["数量指标"].attr_text = "'部门整体支出绩效目标表'!$E$13:$F$13"
    names["项目支出"].attr_text = "#REF!"
    names["部门名称"].attr_text = "'部门整体支出绩效目标表'!$A$3"
    names["指标值及单位"].attr_text = "'部门整体支出绩效目标表'!$G$12"
    sheet["F16"].protection = Protection(locked=True)
    sheet.protection.sheet = False
    del book["项目支出绩效目标表"]
    del book.custom_doc_props["xltool.edition"]
    book.save(tmp_path / "bad.xlsx")
    found = problems(tmp_path / "bad.xlsx", EDITION)
    blocks = "、".join(block.label for block in EDITION.department.indicators.block)
    assert [line.removeprefix("部门整体支出绩效目标表：") for line in found] == [
        "文档属性 xltool.edition 是“”，应当是“hunan-2023”",
        "工作表没有保护，官方文字可以被改动",
        "字段“部门名称”的单元格 A3 被锁定，无法填写",
        "字段“基本支出”没有定义名称（范围应为本工作表）",
        "字段“项目支出”的定义名称不指向本工作表的单元格",
        "指标类别“数量指标”只有 1 行，应当至少 2 行",
        "指标类别“质量指标”的单元格 E15:F16 被锁定，无法填写",
        f"指标列“指标值及单位”（G12）不在这些指标类别的列内：{blocks}",
        "单元格 D8 重复绑定：纳入专户管理的非税收入拨款、其他资金",
        "可填写却没有绑定的单元格：B3、C3、D3、E3、F3、F6、F7、D9、E14、F14",
        "缺少工作表“项目支出绩效目标表”",
    ]


def test_the_commands(tmp_path, capsys):
    assert main(["template", "draw", "-o", str(tmp_path / "模板.xlsx")]) == 0
    assert parts(tmp_path / "模板.xlsx") == parts(EDITION.template)
    assert main(["template", "check", str(tmp_path / "模板.xlsx")]) == 0
    capsys.readouterr()
    other = load_edition("national-2021").template
    assert main(["template", "check", str(other)]) == 1
    assert "应当是“hunan-2023”" in capsys.readouterr().out
    (tmp_path / "坏.xlsx").write_bytes(b"PK")
    assert main(["template", "check", str(tmp_path / "坏.xlsx")]) == 2
    assert "坏.xlsx" in capsys.readouterr().err


# ── real programs ────────────────────────────────────────────────────────────────────────────


def test_the_sdk_validator_finds_no_error(validator):
    assert validator.errors([EDITION.template]) == {EDITION.template: []}


def filled(tmp_path, name, amounts, *, screen):
    """The template with these amounts; `screen`: print all of it, as one would see it."""
    book = load_workbook(EDITION.template)
    sheet = book["部门整体支出绩效目标表"]
    for at, amount in amounts.items():
        sheet[at] = amount
    if screen:
        sheet.print_area = "A1:Q30"
    sheet.page_setup.blackAndWhite = False
    path = tmp_path / f"{name}.xlsx"
    book.save(path)
    return path


def coloured(picture):
    """How many points of a PPM picture are not grey."""
    data = picture.read_bytes()
    head = re.match(rb"P6\s+\d+\s+\d+\s+255\s", data)
    red, green, blue = (data[head.end() + n :: 3] for n in range(3))
    return sum(max(point) - min(point) > 60 for point in zip(red, green, blue, strict=True))


SEED = {"C4": 1245.61, "D6": 1245.61, "F6": 711.94, "F7": 523.67, "F8": 10}
CASES = {
    "blank": ({}, ()),
    "closed": ({**SEED, "F6": 721.94, "F8": None}, ()),
    "seed": (SEED, ("请核对非税收入",)),
    "both_sides": ({**SEED, "D6": 1235.61, "D8": 10}, ()),
    "revenue_open": ({**SEED, "D6": 1245.6, "F6": 721.94, "F8": None}, ("收入侧不平衡",)),
    "spending_open": ({**SEED, "F8": 10.01}, ("支出侧不平衡",)),
    "both_open": ({"C4": None, "D9": 3, "F7": 4}, ("收入侧不平衡", "支出侧不平衡")),
    "text": ({"C4": "1245.61万元", "D6": 1245.61, "F6": 1245.61}, ()),
    "half_a_fen": ({"C4": 100, "D6": 99.9951, "F6": 100.0049}, ()),
}


@pytest.mark.xdist_group("office")
def test_an_imbalance_shows_on_screen_and_never_on_paper(office, tmp_path):
    screens = [filled(tmp_path, f"{case}_screen", CASES[case][0], screen=True) for case in CASES]
    papers = [filled(tmp_path, f"{case}_paper", CASES[case][0], screen=False) for case in CASES]
    pdfs = office.convert([*screens, *papers], "pdf", tmp_path / "pdf")
    on_screen, on_paper = pdfs[: len(CASES)], pdfs[len(CASES) :]
    counts = {}
    for case, screen, paper in zip(CASES, on_screen, on_paper, strict=True):
        counts[case] = coloured(office.picture(screen)), coloured(office.picture(paper))
        assert "平衡" not in office.text(paper)
    assert {case: bool(screen) for case, (screen, _) in counts.items()} == {
        case: bool(hints) for case, (_, hints) in CASES.items()
    }
    assert {paper for _, paper in counts.values()} == {0}
    assert counts["both_open"][0] > counts["revenue_open"][0]


@pytest.mark.xdist_group("office")
def test_it_prints_on_one_page_each(office, tmp_path):
    [pdf] = office.convert([EDITION.template], "pdf", tmp_path)
    assert office.pages(pdf) == 2
    for page, form in enumerate(GOLDEN.values(), 1):
        printed = re.sub(r"[\s…]", "", office.text(pdf, page))
        one_line = [text for text in form["texts"].values() if "\n" not in text and "…" not in text]
        assert [text for text in one_line if re.sub(r"\s", "", text) not in printed] == []
        assert f"第{page}页共2页" in printed


@pytest.mark.xdist_group("office")
def test_libreoffice_keeps_what_matters(office, tmp_path):
    [saved] = office.convert([EDITION.template], "xlsx", tmp_path)
    book = load_workbook(saved)
    for golden in GOLDEN.values():
        sheet = book[golden["sheet"]]
        assert sheet.protection.sheet
        names = {name: d.attr_text.rpartition("!")[2] for name, d in sheet.defined_names.items()}
        assert {name: at.replace("$", "") for name, at in names.items()} == golden["names"]
        assert {area.coord for area in sheet.merged_cells.ranges} == set(golden["merges"].split())
        values = {
            c.coordinate: c.value for row in sheet.iter_rows(max_col=6) for c in row if c.value
        }
        assert values == golden["texts"]
    assert problems(saved, EDITION) == []
