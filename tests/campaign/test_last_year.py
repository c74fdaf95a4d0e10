"""Last year's filing of each unit:
compared with when a return is judged, and added up beside this year's."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.support.campaign import HEADS, Bureau, fill_in, write_units
from xltool.campaign.ledger.campaign_folder import new_campaign, open_campaign
from xltool.campaign.ledger.counting import Act
from xltool.campaign.ledger.last_year import last_filing, take_last_year
from xltool.campaign.ledger.unit_changes import leave, merge, taken_in
from xltool.campaign.returns.judgement import Register, _year_before
from xltool.campaign.returns.rejudgement import recheck
from xltool.campaign.rollup.dashboard import dashboard
from xltool.campaign.rollup.summation import comparison, rollup
from xltool.cli import main
from xltool.errors import XltoolError

# What the clean answers say of 2024.
IN_2023 = {
    "project.period": "2023年",
    "department.time": [["年度任务完成时限", "2023年12月31日前"]],
    "project.time": [["工程完工时限", "2023年11月30日前", "计划标准"]],
}


@pytest.fixture
def years(tmp_path):
    """Last year's campaign with two filings, this year's with the same answers from one unit."""
    (tmp_path / "去年").mkdir()
    earlier = Bureau(tmp_path / "去年", 1, 2, year=2023)
    first = earlier.codes[0]
    files = {f"{code}.xlsx": fill_in(earlier.sent[code], IN_2023) for code in earlier.codes}
    earlier.hand_in("1", files, when=1.7e9)
    now = Bureau(tmp_path, 1, 2)
    rows = [[*row[:5], row[7]] for row in now.rows]
    units = write_units(tmp_path / "无上年.xlsx", rows, [*HEADS[:5], HEADS[7]])
    now.campaign = new_campaign(tmp_path / "今年", year=2024, edition="hunan-2023", units=units)
    now.sent = now.distribute()
    now.hand_in("2", {"a.xlsx": fill_in(now.sent[first])}, when=1.71e9)
    return earlier, now


def codes_of(now, code):
    [row] = now.campaign.ledger.returns_of(code)
    return {finding["code"] for finding in json.loads(row["findings"])}


@pytest.mark.parametrize("form", ["campaign", "folder"])
def test_a_goal_copied_from_last_year_is_queried(years, form):
    earlier, now = years
    first, second = now.codes
    assert "X507" not in codes_of(now, first)
    source = earlier.campaign.folder if form == "campaign" else earlier.folder / "1"
    taken = take_last_year(now.campaign, source)
    assert (taken.number, taken.absent, taken.not_earlier) == (2, [], [])
    recheck(now.campaign)
    assert "X507" in codes_of(now, first)
    # The next return is compared at once.
    now.hand_in("3", {"b.xlsx": fill_in(now.sent[second])}, when=1.72e9)
    assert "X507" in codes_of(now, second)


def test_last_years_amounts_stand_beside_this_years(years):
    earlier, now = years
    first, _ = now.codes
    assert not rollup(now.campaign).last_year
    take_last_year(now.campaign, earlier.campaign.folder)
    book = rollup(now.campaign)
    totals = {id_: (n, last, this) for name, id_, n, last, this in comparison(book) if not name}
    units, last, this = totals["total"]
    assert (units, last) == (1, this)
    [unit] = [u for u in dashboard(now.campaign)["units"] if u["code"] == first]
    assert unit["last"] == unit["this"] == "2391.01"


def test_twice_replaces_and_nothing_found_is_said(years, tmp_path):
    earlier, now = years
    take_last_year(now.campaign, earlier.campaign.folder)
    take_last_year(now.campaign, earlier.campaign.folder)
    assert last_filing(now.campaign.folder, now.codes[1]).department is not None
    assert last_filing(now.campaign.folder, "没有") is None
    (tmp_path / "空").mkdir()
    with pytest.raises(XltoolError, match="没有一个名单上单位"):
        take_last_year(now.campaign, tmp_path / "空")
    assert last_filing(now.campaign.folder, now.codes[1]) is not None


def test_of_several_years_the_last_before_this_one_counts(years, tmp_path):
    _, now = years
    first, _ = now.codes
    folder = tmp_path / "几年"
    for year in (2022, 2024, 2023, 2021):
        folder.mkdir(exist_ok=True)
        answers = {"department.year": str(year)}
        (folder / f"{2030 - year}.xlsx").write_bytes(fill_in(now.sent[first], answers))
    assert take_last_year(now.campaign, folder).not_earlier == []
    assert last_filing(now.campaign.folder, first).year == 2023


def test_this_years_filings_are_not_last_years(years, tmp_path, capsys):
    """The wrong folder: nothing is taken in, and nothing of it stays."""
    earlier, now = years
    first, second = now.codes
    units = now.campaign.ledger.units()
    with pytest.raises(XltoolError, match="都不早于 2024 年"):
        take_last_year(now.campaign, now.folder / "2")
    assert now.campaign.ledger.units() == units and last_filing(now.campaign.folder, first) is None
    mixed = tmp_path / "混着"
    mixed.mkdir()
    (mixed / "1.xlsx").write_bytes(fill_in(now.sent[first]))
    (mixed / "2.xlsx").write_bytes(
        fill_in(earlier.sent[second], {**IN_2023, "department.basic": "7"})
    )
    now.campaign.ledger.close()
    where = ["--campaign", str(now.campaign.folder)]
    assert main(["campaign", "last-year", *where, str(mixed)]) == 0
    assert f"没有收 1 份：写的年度不早于 2024 年（{first}）" in capsys.readouterr().out
    now.campaign = open_campaign(now.campaign.folder)
    figures = {unit.code: unit.last_year for unit in now.campaign.ledger.units()}
    assert not figures[first] and figures[second]["basic"] == "7"
    # The right folder afterwards: nothing of the wrong one is left.
    take_last_year(now.campaign, earlier.campaign.folder)
    figures = {unit.code: unit.last_year for unit in now.campaign.ledger.units()}
    assert figures[first] and figures[second]["basic"] != "7"


def test_what_was_not_taken_and_what_is_gone_is_said(years, tmp_path, monkeypatch, capsys):
    """A folder with one late filing takes the place of all that was taken in before."""
    earlier, now = years
    first, second = now.codes
    monkeypatch.chdir(now.campaign.folder)
    assert main(["campaign", "last-year", str(earlier.campaign.folder)]) == 0
    assert "随之去掉" not in capsys.readouterr().out
    late = tmp_path / "补"
    late.mkdir()
    (late / "坏.xlsx").write_bytes(b"x")
    (late / "1.xlsx").write_bytes(fill_in(earlier.sent[first], IN_2023))
    assert main(["campaign", "last-year", str(late)]) == 0
    said = capsys.readouterr().out
    assert "没有收 1 个工作簿：不是名单上单位的申报，或者打不开（坏.xlsx）" in said
    assert f"先前收过、这次没有的 1 个单位，上年申报随之去掉了（{second}）" in said
    (tmp_path / "存.zip").write_bytes(b"x")
    assert main(["campaign", "last-year", str(tmp_path / "存.zip")]) == 2
    assert "是压缩包：先解开" in capsys.readouterr().err


def test_what_the_list_says_of_last_year_stays(years):
    earlier, now = years
    first, _ = now.codes
    listed = [
        replace(unit, last_year={"total": "5"}) if unit.code == first else unit
        for unit in now.campaign.ledger.units()
    ]
    with now.campaign.ledger.transaction():
        now.campaign.ledger.put_units(listed)
    for _ in range(2):
        take_last_year(now.campaign, earlier.campaign.folder)
        figures = {unit.code: unit.last_year for unit in now.campaign.ledger.units()}
        assert figures[first]["total"] == "5" and len(figures[first]) > 3


def last_totals(now):
    return {unit.code: unit.last_year.get("total") for unit in now.campaign.ledger.units()}


@pytest.mark.parametrize("merged_first", [True, False])
def test_of_merged_units_last_years_figures_are_of_both_in_any_order(years, merged_first):
    """Merged before last year's filings were taken in or after, once more or corrected; restored,
    each has its own; and the return is judged beside the same figures."""
    earlier, now = years
    first, second = now.codes
    folder = earlier.campaign.folder
    take_last_year(now.campaign, folder)
    own = last_totals(now)
    both = str(Decimal(own[first]) + Decimal(own[second]))
    if merged_first:
        now.campaign = new_campaign(
            now.folder / "再", year=2024, edition="hunan-2023", units=now.folder / "无上年.xlsx"
        )
        merge(now.campaign, second, first, "并入")
        take_last_year(now.campaign, folder)
    else:
        merge(now.campaign, second, first, "并入")
    for _ in range(2):
        assert last_totals(now) == {first: both, second: own[second]}
        take_last_year(now.campaign, folder)
    judged = _year_before(first, Register.of(now.campaign))
    assert judged.department.amount("total") == Decimal(both)
    assert judged.department.text("goal")  # all else is as it was filed
    other = now.folder / "更正"
    other.mkdir()
    changed = {**IN_2023, "department.total": "7000", "department.basic": "5900"}
    (other / "1.xlsx").write_bytes(fill_in(earlier.sent[first], IN_2023))
    (other / "2.xlsx").write_bytes(fill_in(earlier.sent[second], changed))
    take_last_year(now.campaign, other)
    assert last_totals(now) == {first: str(Decimal(own[first]) + 7000), second: "7000"}
    leave(now.campaign, Act.RESTORE, [second], "弄错了")
    assert last_totals(now) == {first: own[first], second: "7000"}


def test_the_filing_follows_a_unit_that_has_another_code_now(years):
    """A new code is a new unit into which the old one is merged: what it copies is told."""
    earlier, now = years
    first, _ = now.codes
    take_last_year(now.campaign, earlier.campaign.folder)
    new = [replace(now.campaign.ledger.units()[0], code=code, last_year={}) for code in "AB"]
    with now.campaign.ledger.transaction():
        now.campaign.ledger.put_units([*now.campaign.ledger.units(), *new])
    merge(now.campaign, first, "A", "换了编码")
    merge(now.campaign, "A", "B", "又换了")
    sent = now.distribute()
    now.hand_in("4", {"b.xlsx": fill_in(sent["B"])}, when=1.72e9)
    assert "X507" in codes_of(now, "B")
    assert last_totals(now)["B"] == last_totals(now)[first]
    assert taken_in(now.campaign) == {"A": [first], "B": ["A", first]}


def test_last_year_moves_along_with_the_campaign(years):
    from xltool.campaign.ledger.transfer import export_campaign, import_campaign

    earlier, now = years
    first, _ = now.codes
    take_last_year(now.campaign, earlier.campaign.folder)
    (now.campaign.folder / "批复模板.docx").write_bytes(b"own")
    export_campaign(now.campaign, now.folder / "存.zip")
    moved = import_campaign(now.folder / "存.zip", now.folder / "搬")
    assert last_filing(moved.folder, first) == last_filing(now.campaign.folder, first)
    assert (moved.folder / "批复模板.docx").read_bytes() == b"own"


SMALL = {
    "general": "30", "fund": "30.5", "total": "60.5", "basic": "40.5", "project_spending": "20",
}  # fmt: skip


def amounts(times: int) -> dict[str, str]:
    """A small unit's department form that closes;
    ten thousand times as much, it is filled in yuan."""
    return {f"department.{key}": str(Decimal(value) * times) for key, value in SMALL.items()}


@pytest.mark.parametrize("known", ["list", "filing", "nothing"])
def test_a_form_filled_in_yuan_is_told_by_last_year(tmp_path, known):
    """T311 asks for last year's total: the filing that was taken in, or what stands on the list."""
    rows = [["0001001", "第1区第1局", "第1区", "60"]]
    heads = ["部门编码", "部门名称", "区县", "上年资金总额"]
    if known != "list":
        rows, heads = [row[:3] for row in rows], heads[:3]
    bureau = Bureau.__new__(Bureau)
    bureau.folder = tmp_path
    units = write_units(tmp_path / "名单.xlsx", rows, heads)
    bureau.campaign = new_campaign(tmp_path / "批次", year=2024, edition="hunan-2023", units=units)
    bureau.sent = bureau.distribute()
    [code] = bureau.sent
    if known == "filing":
        (tmp_path / "去年").mkdir()
        (tmp_path / "去年" / f"{code}.xlsx").write_bytes(
            fill_in(bureau.sent[code], {**amounts(1), "department.year": "2023"})
        )
        assert take_last_year(bureau.campaign, tmp_path / "去年").absent == []
    bureau.hand_in("1", {"a.xlsx": fill_in(bureau.sent[code], amounts(10_000))})
    assert ("T311" in codes_of(bureau, code)) is (known != "nothing")
