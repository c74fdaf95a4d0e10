"""Return notes work both ways:
what a unit writes on one, or in its own workbook, collect reads back."""

from __future__ import annotations

import pytest
from openpyxl import load_workbook

from tests.support.campaign import Bureau, answered, fill_in
from xltool.campaign.returns.decisions import accept, history
from xltool.campaign.returns.notes import notes, write_notes
from xltool.results_sheet.table import RESULTS_SHEET
from xltool.xlsx.audit.workbook import audit

QUERY = {"department.economic": [["销售收入", "≤1亿元"]]}
WHY = "上级下达的任务书就是这样写的"


@pytest.fixture
def bureau(tmp_path):
    bureau = Bureau(tmp_path, 1, 2)
    bureau.hand_in("1", {"a.xlsx": fill_in(bureau.sent[bureau.codes[0]], QUERY)}, when=1.7e9)
    return bureau


def note(bureau, form):
    [path] = write_notes(
        bureau.campaign, notes(bureau.campaign, queries=True), bureau.folder / form, form
    )
    assert audit(path.read_bytes()) == [] or form == "workbook"
    return path


def test_what_is_written_on_a_return_note_is_read_back(bureau):
    code = bureau.codes[0]
    path = note(bureau, "xlsx")
    assert bureau.states()[code] == "退回"
    result = bureau.hand_in("2", {"随便什么名字.xlsx": answered(path, WHY, "退回意见")})
    [receipt] = result.receipts
    assert (receipt.outcome, receipt.unit, receipt.version) == ("答复", code, 1)
    assert bureau.states()[code] == "待核准" and bureau.counted() == {code: 1}
    assert len(bureau.campaign.ledger.returns()) == 1
    assert any("书面说明" in line.what for line in history(bureau.campaign, code))
    # Once more the same file: nothing changes.
    bureau.hand_in("2", {})
    assert sum("书面说明" in line.what for line in history(bureau.campaign, code)) == 1
    [decided] = accept(bureau.campaign, [code])
    assert WHY in decided.explained[0] and bureau.states()[code] == "核准"


def test_a_unit_without_xltool_answers_in_its_own_workbook(bureau):
    """The marked copy is the unit's own sealed workbook with a place for explanations in it."""
    code = bureau.codes[0]
    path = note(bureau, "workbook")
    assert RESULTS_SHEET in load_workbook(path).sheetnames
    [receipt] = bureau.hand_in(
        "2", {"改.xlsx": answered(path, WHY, RESULTS_SHEET)}, when=1.71e9
    ).receipts
    assert (receipt.outcome, receipt.kind, receipt.unit) == ("收下", "genuine", code)
    assert bureau.states()[code] == "待核准" and bureau.counted() == {code: 2}


def test_an_empty_or_foreign_note_is_said(bureau, tmp_path):
    path = note(bureau, "xlsx")
    result = bureau.hand_in("2", {"空.xlsx": path.read_bytes()})
    assert result.problems == [("2/空.xlsx", "退回意见的答复，但里面没有说明")]
    (tmp_path / "别").mkdir()
    other = Bureau(tmp_path / "别", 1, 1)
    result = other.hand_in("2", {"别.xlsx": answered(path, WHY, "退回意见")})
    assert result.problems == [("2/别.xlsx", "别的批次的退回意见")]
    assert other.counted() == {}


def test_an_error_is_explained_by_nothing(bureau):
    code = bureau.codes[1]
    bureau.hand_in(
        "1", {"b.xlsx": fill_in(bureau.sent[code], {"department.basic": "1"})}, when=1.7e9
    )
    [path] = write_notes(
        bureau.campaign, notes(bureau.campaign, [code]), bureau.folder / "n", "xlsx"
    )
    bureau.hand_in("2", {"答.xlsx": answered(path, WHY, "退回意见")})
    assert bureau.states()[code] == "有错误" and code not in bureau.counted()


def test_which_version_counts_is_not_the_units_word_alone(tmp_path):
    """D603 explained on a return note waits for the clerk; the log says what came back."""
    bureau = Bureau(tmp_path, 1, 1)
    [code] = bureau.codes
    other = {"department.goal": "目标1：修好县内小型水库并通过县级验收。"}
    bureau.hand_in("1", {"a.xlsx": fill_in(bureau.sent[code])}, when=1.7e9)
    bureau.hand_in("2", {"b.xlsx": fill_in(bureau.sent[code], other)}, when=1.71e9)
    assert bureau.states()[code] == "待核实"
    unit_notes = notes(bureau.campaign, queries=True)
    [path] = write_notes(bureau.campaign, unit_notes, tmp_path / "意见", "xlsx")
    bureau.hand_in("3", {"c.xlsx": answered(path, WHY, "退回意见")})
    assert bureau.states()[code] == "待核准" and bureau.counted() == {code: 2}
    events = [line.what for line in history(bureau.campaign, code)]
    assert sum("交回第 2 版的退回意见" in event for event in events) == 1
    assert sum("报来第 2 版" in event for event in events) == 1
    accept(bureau.campaign, [code])
    assert bureau.states()[code] == "核准"


@pytest.mark.parametrize("form", ["xlsx", "workbook"])
def test_a_note_on_what_cannot_be_opened_is_a_table(bureau, form):
    code = bureau.codes[1]
    bureau.hand_in("2", {f"{code}.xlsx": b"PK\x03\x04"})
    unit_notes = notes(bureau.campaign, [code])
    [path] = write_notes(bureau.campaign, unit_notes, bureau.folder / "意见", form)
    assert path.name.endswith("_退回意见.xlsx") and "退回意见" in load_workbook(path).sheetnames
