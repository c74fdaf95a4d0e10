"""The real filing of 2023, as a workbook:
exactly these findings at exactly these cells, no more, no less.

Written by hand from the document: code, sheet, cell, and the text that stands in the cell.
"""

import openpyxl
import pytest

from tests.support.seed import seed_filing
from xltool import check, fill, read
from xltool.model import Severity

UNIT = "部门整体支出绩效目标表"
PROJECT = "科技三项、税收增量、中小微企业创新创业大赛专项"

ERRORS = {
    ("I404", UNIT, "F25", "0次以上"),  # 环保处罚
    ("I408", UNIT, "F27", "1%以上\n2%以上"),  # 税收增长率
    ("I406", PROJECT, "E12", "20家以上"),  # against ≥6家
}
QUERIES = {
    ("X501", UNIT, "F7", "523.67"),  # 240 is covered, 283.67 is not
    ("T304", UNIT, "F8", "10"),
    ("I403", UNIT, "F17", "200万"),
    ("I403", UNIT, "F18", "20万"),
    ("I403", PROJECT, "E15", "200万"),
    ("I403", PROJECT, "E16", "20万"),
    ("I405", PROJECT, "F18", "≥200万、\n≤1亿"),  # 销售收入
    ("X503", PROJECT, "E20", "180人以上"),  # 20人以上 in the department form
    ("I412", PROJECT, "E21", "环境进一步优化"),
    ("P206", PROJECT, "E23", ""),  # 可持续性
    ("I402", PROJECT, "F25", "≥85"),  # 85%以上: the unit is lost
}
TRIAL = [("I417", "F29")]  # 满意度 of nobody
NOTES = {
    ("T303", UNIT, "F8", "10"),
    ("I414", UNIT, "F13", "15家以上\n120家以上"),
    ("I414", UNIT, "F14", "6家以上\n4次以上"),
    ("I414", UNIT, "F15", "100万元以上\n6家以上"),
    ("I414", UNIT, "F23", "10场以上\n3场以上"),
    ("I414", UNIT, "F27", "1%以上\n2%以上"),
    ("I414", PROJECT, "E9", "15家以上\n120家以上"),
    ("I414", PROJECT, "E10", "6家以上\n4次以上\n1、2、3等奖"),
    ("I414", PROJECT, "E11", "100万元以上\n6家以上"),
    ("I414", PROJECT, "E18", "200万以上\n1亿"),
    ("I414", PROJECT, "E19", "10场以上\n3场以上"),
}


@pytest.fixture(scope="module")
def workbook(tmp_path_factory):
    return fill(seed_filing(), tmp_path_factory.mktemp("seed") / "申报.xlsx")


def test_exactly_these_findings(workbook):
    found = check(read(workbook))
    for severity, expected in (
        (Severity.ERROR, ERRORS),
        (Severity.QUERY, QUERIES),
        (Severity.NOTE, NOTES),
    ):
        own = sorted(
            (f.code, f.sheet, f.cell) for f in found if f.severity is severity and not f.trial
        )
        assert own == sorted(place[:3] for place in expected)
    assert [(f.code, f.cell) for f in found if f.trial] == TRIAL


def test_the_cells_hold_what_the_list_says(workbook):
    """The list is about the document, not about whatever the rules point at."""
    book = openpyxl.load_workbook(workbook)
    for _, sheet, cell, text in ERRORS | QUERIES | NOTES:
        value = book[sheet][cell].value
        assert "\n".join(str("" if value is None else value).split()) == text, (sheet, cell)


def test_what_the_messages_say(workbook):
    said = {(f.code, f.cell): f.message for f in check(read(workbook))}
    assert "≥6家" in said["I406", "E12"] and "20家以上" in said["I406", "E12"]
    assert "1%以上" in said["I408", "F27"] and "2%以上" in said["I408", "F27"]
    assert "≤200万" in said["I403", "E15"]
    assert "20人以上" in said["X503", "E20"]
    assert "85%以上" in said["I402", "F25"]
    assert "完成高企申报和复审 ≥15家；完成科技型中小企业申报入库 ≥120家" in said["I414", "F13"]
    assert "奖补资金 ≥200万；销售收入 1亿" in said["I414", "E18"]
