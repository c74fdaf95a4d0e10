"""The real filing of 2023: exactly the findings on reading, presence, sums and between forms."""

from tests.support.seed import seed_filing
from xltool import check, fill, read
from xltool.model import Severity

PROJECT = "科技三项、税收增量、中小微企业创新创业大赛专项"
EXPECTED = {
    ("X501", Severity.QUERY, "project_spending"),
    ("T304", Severity.QUERY, "nontax_spending"),
    ("T303", Severity.NOTE, "nontax_spending"),
    ("P206", Severity.QUERY, "sustainable.target"),
}


def own(findings):
    return [f for f in findings if f.code[0] in "RPTX" and f.code not in ("X503", "X507", "X508")]


def test_the_data_book_gets_exactly_these():
    found = own(check(seed_filing()))
    assert {(f.code, f.severity, f.field) for f in found} == EXPECTED
    assert len(found) == len(EXPECTED)


def test_the_filled_workbook_gets_the_same_with_their_cells(tmp_path):
    path = tmp_path / "申报.xlsx"
    fill(seed_filing(), path)
    found = own(check(read(path)))
    assert {(f.code, f.severity, f.field) for f in found} == EXPECTED
    assert {(f.code, f.sheet, f.cell) for f in found} == {
        ("X501", "部门整体支出绩效目标表", "F7"),
        ("T304", "部门整体支出绩效目标表", "F8"),
        ("T303", "部门整体支出绩效目标表", "F8"),
        ("P206", PROJECT, "E23"),
    }


def test_the_messages_say_the_figures():
    said = {f.code: f.message for f in check(seed_filing())}
    for figure in ("711.94", "523.67", "10.00", "1245.61"):
        assert figure in said["T303"]
    assert "10.00" in said["T304"] and "没有填" in said["T304"]
    for figure in ("523.67", "240.00", "283.67"):
        assert figure in said["X501"]
    assert "可持续性" in said["P206"]
