"""What a unit changed between two returns, cell by cell; all units' indicators in one table."""

from __future__ import annotations

import csv

import pytest
from openpyxl import load_workbook

from tests.support.campaign import Bureau, fill_in
from xltool.campaign.returns.resubmission import compare, write_comparison
from xltool.campaign.rollup.indicator_table import write_indicators
from xltool.cli import main
from xltool.errors import XltoolError
from xltool.xlsx.audit.workbook import audit

GOAL = "目标1：修好县内小型水库并通过县级验收。"


@pytest.fixture
def bureau(tmp_path):
    bureau = Bureau(tmp_path, 1, 2)
    code = bureau.codes[0]
    first = {"department.quantity": [["维修水库", "≥10座"], ["新建泵站", "≥2座"]]}
    second = {
        "department.goal": GOAL,
        "department.fund": "1300.00",
        "department.total": "2401.01",
        "department.basic": "1301.01",
        "department.quantity": [
            ["维修水库", "≥12座"],
            ["清淤渠道", "≥3公里"],
            ["新建泵站", "≥2座"],
        ],
    }
    bureau.hand_in("1", {"a.xlsx": fill_in(bureau.sent[code], first)}, when=1.7e9)
    bureau.hand_in("2", {"a.xlsx": fill_in(bureau.sent[code], second)}, when=1.71e9)
    return bureau


def test_each_changed_cell_is_told_and_nothing_else(bureau):
    found = compare(bureau.campaign, bureau.codes[0])
    said = {(c.label.partition("·")[0], c.before, c.after) for c in found.changes}
    assert ("资金总额", "2391.01", "2401.01") in said or ("资金总额", "2391.01", "2401.01") in said
    assert ("政府性基金拨款", "1290", "1300") in said
    assert any(c.after == GOAL for c in found.changes)
    assert ("数量指标", "≥10座", "≥12座") in said
    # A row put in between is an addition: the row after it did not change.
    assert ("数量指标", "", "清淤渠道") in said and ("数量指标", "", "≥3公里") in said
    assert not any("泵站" in c.before + c.after for c in found.changes)
    assert len(found.changes) == 7
    assert all(c.sheet and c.cell for c in found.changes)
    assert len(found.chain) == 2 and "采用" in found.chain[1]
    back = compare(bureau.campaign, bureau.codes[0], 2, 1)
    assert {(c.before, c.after) for c in back.changes} == {
        (c.after, c.before) for c in found.changes
    }


def test_as_a_page_and_as_a_sheet(bureau, tmp_path, monkeypatch, capsys):
    found = compare(bureau.campaign, bureau.codes[0])
    write_comparison(tmp_path / "对比.xlsx", bureau.campaign, found)
    assert audit((tmp_path / "对比.xlsx").read_bytes()) == []
    rows = list(load_workbook(tmp_path / "对比.xlsx").active.iter_rows(min_row=4, values_only=True))
    assert len(rows) == len(found.changes)
    monkeypatch.chdir(bureau.campaign.folder)
    assert main(["campaign", "compare", bureau.codes[0], "-o", "../对比.html"]) == 0
    text = (tmp_path / "对比.html").read_text("utf-8")
    assert GOAL in text and "≥12座" in text and "<script" not in text
    assert main(["campaign", "compare", bureau.codes[0], "1", "2"]) == 0
    assert "7 处不同" in capsys.readouterr().out
    assert main(["campaign", "compare", bureau.codes[1]]) == 2
    with pytest.raises(XltoolError, match="没有第 9 版"):
        compare(bureau.campaign, bureau.codes[0], 1, 9)


def test_all_indicators_in_one_table(bureau, tmp_path):
    other = bureau.codes[1]
    bureau.hand_in("3", {"b.xlsx": fill_in(bureau.sent[other])}, when=1.7e9)
    count, units, problems = write_indicators(bureau.campaign, tmp_path / "指标.csv")
    assert (units, problems) == (2, [])
    with (tmp_path / "指标.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == count
    text = (tmp_path / "指标.csv").read_text("utf-8-sig")
    assert "清淤渠道" in text and "≥10座" not in text  # of what counts only
    row = bureau.campaign.ledger.counted()[other]
    bureau.campaign.original(row["sha256"]).unlink()
    _, units, problems = write_indicators(bureau.campaign, tmp_path / "指标.xlsx")
    assert units == 1 and [code for code, _ in problems] == [other]
