"""A total that only 元 can explain beside a campaign's other units is asked about when it is
collected, in the standing and under the roll-up; the settings say how much that weighs."""

from __future__ import annotations

import pytest
from openpyxl import load_workbook

from tests.support.campaign import fill_in, sent_workbooks, unit_rows, write_units
from xltool.campaign.ledger.campaign_folder import new_campaign
from xltool.campaign.returns.collection import collect
from xltool.campaign.returns.decisions import accept
from xltool.campaign.returns.notes import notes, write_notes
from xltool.campaign.returns.status import status
from xltool.campaign.rollup.record import rollup_json
from xltool.campaign.rollup.sheets import write_rollup
from xltool.campaign.rollup.summation import rollup
from xltool.campaign.sending.distribution import distribute
from xltool.errors import XltoolError

ODD, OTHER = "0001004", "0001002"


def closing(times: int) -> dict[str, object]:
    """The answers of a small unit, its amounts so many times what they are in 万元."""
    amounts = {
        "department.general": 60, "department.fund": 30, "department.total": 90,
        "department.basic": 50, "department.project_spending": 40,
        "project.own_budget": 30, "project.upper_budget": 10,
    }  # fmt: skip
    plain = {key: str(amount * times) for key, amount in amounts.items()}
    return plain | {
        "department.cost": [["公用经费支出控制率", "≤100%"]],
        "project.cost": [["维修养护工程费控制率", "≤100%", "≤100%"]],
    }


CHANGES = {OTHER: closing(1), ODD: closing(10_000)}


def collected(folder, settings: str = "", units: int = 8):
    """A campaign of so many units, nothing known of last year, one of them in 元."""
    rows = [[*row[:5], "", "", ""] for row in unit_rows(1, units)]
    listed = write_units(folder / "名单.xlsx", rows)
    campaign = new_campaign(folder / "批次", year=2024, edition="hunan-2023", units=listed)
    (campaign.folder / "settings.toml").write_text(settings, "utf-8")
    distribute(campaign)
    inside = folder / "收到"
    inside.mkdir()
    for code, blank in sent_workbooks(campaign.folder / "下发").items():
        changes = CHANGES.get(code, {})
        (inside / f"{code}.xlsx").write_bytes(fill_in(blank, changes))
    return campaign, collect(campaign, [inside])


def standing(campaign):
    return {s.unit.code: s for s in status(campaign).standings}


def test_it_is_asked_when_collected_in_the_standing_and_under_the_roll_up(tmp_path):
    campaign, result = collected(tmp_path)
    assert {r.verdict for r in result.new} == {"pass"}
    assert list(result.questions) == [ODD]
    assert "T311 核实" in result.questions[ODD] and "90.00" in result.questions[ODD]
    one = standing(campaign)[ODD]
    assert (one.state, one.question) == ("待核实", result.questions[ODD])
    assert one.remarks[-1] == one.question
    assert [s.state for code, s in standing(campaign).items() if code != ODD] == ["通过"] * 7
    book = rollup(campaign)
    assert rollup_json(book)["questions"] == result.questions
    write_rollup(tmp_path / "汇总.xlsx", book)
    sheet = load_workbook(tmp_path / "汇总.xlsx").worksheets[0]
    said = [str(cell.value) for row in sheet for cell in row if cell.value]
    assert any(ODD in text and "T311" in text for text in said)


@pytest.mark.parametrize(
    ("settings", "state", "asked"),
    [
        ('severity = { T311 = "note" }', "通过", True),
        ('severity = { T311 = "error" }', "有错误", True),
        ('trial = ["T311"]', "通过", True),
        ('off = ["T311"]', "通过", False),
    ],
)
def test_the_settings_say_how_much_it_weighs(tmp_path, settings, state, asked):
    campaign, result = collected(tmp_path, settings)
    assert list(result.questions) == [ODD] * asked
    assert standing(campaign)[ODD].state == state


def test_what_was_approved_is_not_asked_again(tmp_path):
    campaign, _ = collected(tmp_path)
    accept(campaign, [ODD], note="核过原件")
    assert standing(campaign)[ODD].state == "核准"
    assert rollup(campaign).questions == {}
    assert collect(campaign, [tmp_path / "收到"]).questions == {}


def test_few_units_say_nothing(tmp_path):
    _, result = collected(tmp_path, units=5)
    assert result.questions == {}


def test_whoever_approves_or_writes_notes_sees_it_too(tmp_path):
    campaign, result = collected(tmp_path)
    with pytest.raises(XltoolError, match="1 处待核实没有说明"):
        accept(campaign, [ODD])
    assert notes(campaign) == []
    [note] = notes(campaign, queries=True)
    assert (note.unit.code, note.question) == (ODD, result.questions[ODD])
    [path] = write_notes(campaign, [note], tmp_path / "意见")
    assert "T311" in path.read_text("utf-8")
    one = standing(campaign)[ODD]
    assert one.state == "退回" and "T311" in one.remarks[0]
