"""`xltool indicators`, `normalise` and `rules`: what they print and write, and what they refuse."""

import csv
import io
import zipfile

import openpyxl
import pytest
from click.testing import CliRunner

from tests.support.case import filing_of
from tests.support.paths import DOCS
from tests.support.seed import UNIT, seed_filing
from xltool import check, fill, read
from xltool.checks.engine import rules
from xltool.cli import main
from xltool.cli.indicators import indicators, normalise
from xltool.cli.rules import rules as rules_command
from xltool.errors import XltoolError
from xltool.indicator.normalise import changes, normal_text, normalised
from xltool.reports.indicators import COLUMNS, indicator_rows
from xltool.reports.rulebook import examples, explanation, markdown
from xltool.results_sheet.insert import mark_file
from xltool.results_sheet.table import results
from xltool.xlsx.audit.workbook import audit

PAGE = DOCS / "rules.md"


def run(command, *arguments):
    result = CliRunner().invoke(command, [str(a) for a in arguments], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result.return_value, result.stdout


@pytest.fixture
def seed(tmp_path):
    return fill(seed_filing(), tmp_path / "科工局.xlsx")


def table(text):
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


# ── indicators ──


def test_values_are_split_in_three(seed):
    code, printed = run(indicators, seed)
    assert code == 0
    rows = table(printed)
    first = rows[0]
    assert list(first) == list(COLUMNS)
    assert (first["单位"], first["一级指标"], first["二级指标"]) == (UNIT, "产出指标", "数量指标")
    assert (first["三级指标"], first["指标值及单位"]) == ("完成高企申报和复审", "15家以上")
    assert (first["计算符号"], first["指标值"], first["计量单位"]) == ("≥", "15", "家")
    assert first["说明"] == "原在同一格" and first["单元格"] == "F13"
    by_name = {(row["项目"] != "", row["三级指标"]): row for row in rows}
    assert by_name[True, "销售收入"]["绩效标准"] == "≤1亿"
    assert by_name[True, "环境进一步优化"]["计算符号"] == "定性"
    assert by_name[False, "工作完成时限"]["指标值"] == "12月31日前"


def test_files_hold_the_same_rows(seed, tmp_path):
    code, _ = run(
        indicators, seed, "--csv", tmp_path / "指标.csv", "--xlsx", tmp_path / "指标.xlsx"
    )
    assert code == 0
    rows = table((tmp_path / "指标.csv").read_text("utf-8-sig"))
    sheet = openpyxl.load_workbook(tmp_path / "指标.xlsx").active
    cells = [["" if c is None else c for c in row] for row in sheet.iter_rows(values_only=True)]
    assert cells[0] == list(COLUMNS)
    assert cells[1:] == [list(row.values()) for row in rows]
    assert len(rows) == len(list(indicator_rows(read(seed))))


def test_what_can_not_be_paired_stays_as_written():
    filing = filing_of({"department": {"quantity": [["甲，乙，丙", "3次\n5次"]]}})
    row = dict(zip(COLUMNS, next(iter(indicator_rows(filing))), strict=True))
    assert (row["三级指标"], row["指标值及单位"], row["计算符号"]) == ("甲，乙，丙", "3次\n5次", "")
    assert "对不上" in row["说明"]


def test_no_cell_becomes_a_formula(tmp_path):
    evil = '=HYPERLINK("http://x","点我")'
    filing = filing_of({"department": {"quantity": [[evil, "=5个"], ["@SUM(A1)", "+3家"]]}})
    path = fill(filing, tmp_path / "a.xlsx")
    run(indicators, path, "--csv", tmp_path / "b.csv", "--xlsx", tmp_path / "b.xlsx")
    rows = table((tmp_path / "b.csv").read_text("utf-8-sig"))
    assert rows[0]["三级指标"] == f"'{evil}" and rows[1]["三级指标"] == "'@SUM(A1)"
    assert rows[0]["计算符号"] == "=" and rows[0]["指标值及单位"] == "'=5个"
    sheet = openpyxl.load_workbook(tmp_path / "b.xlsx").active
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    assert sheet["H2"].value == evil


def test_a_file_that_is_no_form_is_said_and_the_others_go_on(seed, tmp_path, capfd):
    (tmp_path / "坏.xlsx").write_bytes(b"no workbook")
    assert main(["indicators", str(tmp_path)]) == 2
    printed = capfd.readouterr()
    assert "坏.xlsx" in printed.err and "高企" in printed.out


# ── normalise ──


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("15家以上", "≥15家"),
        ("≥98百分比", "≥98%"),
        ("控制在200万元以内", "≤200万元"),
        (">=20平方米", "≥20平方米"),
        ("15家以上\n\n120家以上", "≥15家\n≥120家"),
        ("6家以上\n1、2、3等奖", "≥6家\n1、2、3等奖"),
        ("≥15家", None),
        ("200万", None),
        ("12月31日前", None),
        ("2023.07-2024.01", None),
        ("约50家", None),
        ("显著改善", None),
        ("", None),
    ],
)
def test_only_numbers_are_put_in_normal_form(text, becomes):
    assert normal_text(text) == becomes


def test_a_list_of_was_and_would_be(seed):
    code, printed = run(normalise, seed)
    assert code == 0
    assert "F16 推进新型工业企业、搞好培训企业：20家以上 → ≥20家" in printed
    assert not list(changes(normalised(read(seed))))


def test_the_copy_has_the_normal_forms_and_the_original_is_untouched(seed, tmp_path):
    before = seed.read_bytes()
    code, _ = run(normalise, seed, "--write", tmp_path / "规范.xlsx")
    assert code == 0 and seed.read_bytes() == before
    copy = read(tmp_path / "规范.xlsx")
    assert copy == normalised(read(seed))
    assert copy.department.block("quality")[1].target.value == "≥20家"
    assert [f.code for f in check(copy)] == [f.code for f in check(read(seed))]


def test_a_folder_goes_into_a_folder(seed, tmp_path):
    code, _ = run(normalise, seed.parent, "--write", tmp_path / "规范")
    assert code == 0 and read(tmp_path / "规范" / seed.name) == normalised(read(seed))


def test_never_over_the_original(seed):
    before = seed.read_bytes()
    with pytest.raises(XltoolError, match="不能写回原文件"):
        run(normalise, seed, "--write", seed)
    assert seed.read_bytes() == before


def test_the_copy_differs_in_these_cells_only(seed, tmp_path):
    run(normalise, seed, "--write", tmp_path / "规范.xlsx")
    with zipfile.ZipFile(seed) as old, zipfile.ZipFile(tmp_path / "规范.xlsx") as new:
        assert new.namelist() == old.namelist()
        differ = [name for name in old.namelist() if old.read(name) != new.read(name)]
    assert all(name.startswith("xl/worksheets/sheet") for name in differ) and len(differ) == 2
    before, after = (openpyxl.load_workbook(f) for f in (seed, tmp_path / "规范.xlsx"))
    places = {(c.place.sheet, c.place.cell) for c in changes(read(seed))}
    for sheet in before:
        for row in sheet.iter_rows():
            for cell in row:
                other = after[sheet.title][cell.coordinate]
                same = (cell.value, cell.style_id) == (other.value, other.style_id)
                assert same or (sheet.title, cell.coordinate) in places, cell.coordinate
    assert audit((tmp_path / "规范.xlsx").read_bytes()) == []


def test_explanations_and_other_sheets_stay(seed, tmp_path):
    filing = read(seed)
    marked = mark_file(seed, tmp_path / "审.xlsx", results(filing, check(filing)), {})
    run(normalise, marked, "--write", tmp_path / "规范.xlsx")
    assert openpyxl.load_workbook(tmp_path / "规范.xlsx").sheetnames[-1] == "审核结果"


def test_the_copy_satisfies_the_validator_of_the_format(seed, tmp_path, validator):
    run(normalise, seed, "--write", tmp_path / "规范.xlsx")
    assert validator.errors([tmp_path / "规范.xlsx"]) == {tmp_path / "规范.xlsx": []}


# ── rules ──


def test_the_list_and_a_page():
    _, listed = run(rules_command)
    assert all(code in listed for code in rules())
    _, page = run(rules_command, "i405")
    for part in ("≤ 和 ≥ 像是写反了", "核实", "可行性", "错：", "对：", "directions.toml"):
        assert part in page


def test_an_unknown_rule_is_met_with_the_nearest():
    with pytest.raises(XltoolError, match="I405"):
        run(rules_command, "II405")


def test_every_rule_has_an_example_each_way():
    for code, rule in rules().items():
        assert set(examples(rule)) in ({"错", "对"}, {"例", "对"}), code
        assert explanation(rule), code


def test_the_reference_page_is_current():
    assert PAGE.read_text("utf-8") == markdown(rules()), (
        "run: xltool rules --markdown > docs/rules.md"
    )
