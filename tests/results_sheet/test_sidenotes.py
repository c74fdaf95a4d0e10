"""Marks beside a form: where they go, what they leave alone, what they never are."""

import pytest

from xltool.model import Finding, Severity
from xltool.results_sheet.marks import MARK, marks, to_write
from xltool.xlsx.grid import Cell, Sheet
from xltool.xlsx.references import Area, column_number

AREA = {"_xlnm.Print_Area": Area(1, 1, 30, 6)}


def sheet(**cells: str) -> Sheet:
    return Sheet(
        "表",
        {(int(name[1:]), column_number(name[0])): Cell(text) for name, text in cells.items()},
        names=AREA,
    )


def finding(cell: str, severity: Severity = Severity.ERROR, **more) -> Finding:
    return Finding("T304", severity, "不平\n衡", sheet="表", cell=cell, **more)


def test_findings_of_a_row_are_one_mark():
    found = [finding("F8"), finding("C8", Severity.QUERY), finding("D13")]
    assert marks(found) == {
        "表": {
            8: f"{MARK}F8 错误 T304 不平 衡；C8 核实 T304 不平 衡",
            13: f"{MARK}D13 错误 T304 不平 衡",
        }
    }


def test_notes_trials_and_findings_without_a_cell_are_not_marked():
    assert marks([finding("A1", Severity.NOTE), finding("A2", trial=True), finding("")]) == {}


def test_marks_of_a_sheet_are_one_block_in_the_first_column_beside_the_print_area():
    texts = to_write(sheet(A1="题"), {3: "甲", 5: "乙"})
    assert texts == {(3, 7): "甲", (4, 7): "", (5, 7): "乙"}


def test_marks_that_stand_already_are_not_written_again():
    assert to_write(sheet(G3=MARK + "甲"), {3: MARK + "甲"}) == {}


def test_marks_give_way_to_new_ones_and_go():
    assert to_write(sheet(G3=MARK + "甲"), {4: MARK + "乙"}) == {(3, 7): "", (4, 7): MARK + "乙"}
    assert to_write(sheet(G3=MARK + "甲", I9=MARK + "旧"), {}) == {(3, 7): "", (9, 9): ""}


def test_a_column_in_which_something_else_stands_is_left_alone():
    texts = to_write(sheet(G30="提示", H1="话", I2=MARK + "旧"), {3: MARK + "甲"})
    assert texts == {(2, 9): "", (3, 9): MARK + "甲"}


def test_what_looks_like_a_mark_within_the_form_is_an_answer():
    assert to_write(sheet(F3=MARK + "甲"), {}) == {}


@pytest.mark.parametrize("names", [{}, {"_xlnm.Print_Area": None}])
def test_without_a_print_area_marks_would_be_printed(names):
    bare = Sheet("表", names=names)
    assert to_write(bare, {3: "甲"}) is None
    assert to_write(bare, {}) == {}
