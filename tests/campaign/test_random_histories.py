"""Random histories of units and clerk: the order of collecting changes nothing, undoing a decision
brings back what was before it, and every reader tells the same all the way."""

from __future__ import annotations

import os
import random
import re
import shutil
from contextlib import suppress

import pytest

from tests.support.campaign import Bureau, answered, fill_in
from xltool.campaign.ledger.campaign_folder import open_campaign
from xltool.campaign.ledger.counting import Act
from xltool.campaign.ledger.unit_changes import leave, merge
from xltool.campaign.returns.collection import collect
from xltool.campaign.returns.decisions import accept, reopen, send_back, undo, withdraw
from xltool.campaign.returns.notes import notes, write_notes
from xltool.campaign.returns.rejudgement import choose, recheck
from xltool.campaign.returns.status import chase_text, status
from xltool.campaign.rollup.dashboard import dashboard
from xltool.errors import XltoolError

DAY = 86400
CHANGES = (
    {},
    {"department.goal": "目标1：修好县内小型水库并通过县级验收。"},
    {"department.economic": [["销售收入", "≤1亿元"]]},
    {"department.basic": "1"},
)
COUNTING = ("通过", "待核实", "待核准", "选定", "核准")


def reopened(bureau):
    bureau.campaign.ledger.close()
    bureau.campaign = open_campaign(bureau.campaign.folder)  # another command begins


def received(bureau, chance):
    """Files with the times at which they were made: returns, some of them under other names,
    letters, blank forms."""
    files = []
    for number in range(9):
        code, when = chance.choice(bureau.codes), 1.7e9 + number * DAY
        name = chance.choice([code, f"{number}", f"{chance.choice(bureau.codes)}_x"])
        data = fill_in(bureau.sent[code], chance.choice(CHANGES))
        files.append((f"{name}.xlsx", data, when))
        if chance.random() < 0.3:
            files.append((f"{code}_说明.docx", b"%d" % number, when + 100))
        if chance.random() < 0.3:
            blank = bureau.sent[chance.choice(bureau.codes)]
            files.append((f"{code}_白.xlsx", blank, when + 200))
    return files


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_order_of_collecting_changes_nothing(tmp_path, seed):
    chance = random.Random(seed)
    bureau = Bureau(tmp_path, 1, 3)
    bureau.campaign.ledger.close()
    files, told = received(bureau, chance), []
    for turn in range(3):
        home = tmp_path / f"第{turn}种"
        shutil.copytree(bureau.campaign.folder, home / "批次")
        campaign = open_campaign(home / "批次")
        step = chance.choice([1, 3]) if turn else len(files)
        for start in range(0, len(files), step):
            for number, (name, data, when) in enumerate(files[start : start + step]):
                path = home / f"{start}" / f"{number}" / name
                path.parent.mkdir(parents=True)
                path.write_bytes(data)
                os.utime(path, (when, when))
            collect(campaign, [home / f"{start}"])
        standings = {
            s.unit.code: (
                s.state,
                s.row and s.row["sha256"],
                s.versions,
                sorted(re.sub(r"第 [\d、]+ 版", "", remark) for remark in s.remarks),
            )
            for s in status(campaign).standings
        }
        told.append((standings, {(n.unit.code, n.sha256) for n in notes(campaign, queries=True)}))
        campaign.ledger.close()
        chance.shuffle(files)
    assert told[1:] == told[:1] * 2


def told(bureau):
    return (
        [(s.unit, s.state, s.since, s.counted, s.remarks) for s in status(bureau.campaign).standings],
        [(note.unit.code, note.version, note.words) for note in notes(bureau.campaign, queries=True)],
    )  # fmt: skip


def decide(bureau, chance, act, code, step):
    """One decision of the clerk on a unit."""
    campaign = bureau.campaign
    match act:
        case "accept":
            accept(campaign, [code], note=chance.choice(["", "同意"]))
        case "return":
            send_back(campaign, [code], f"意见{step}")
        case "withdraw":
            withdraw(campaign, [code], f"撤回{step}")
        case "reopen":
            reopen(campaign, [code], "重开")
        case "choose":
            choose(campaign, code, chance.choice([1, 2, None]))
        case "notes":
            due = notes(campaign, [code], queries=True)
            write_notes(campaign, due, bureau.folder / f"意见{step}", "xlsx")
        case "merge":
            merge(campaign, code, chance.choice(bureau.codes), "合并")
        case _:
            leave(campaign, Act(act), [code], "理由")


def arrive(bureau, chance, code, step, made):
    """A return, the same again, an answered note or a letter."""
    when = 1.7e9 + step * DAY
    sheets = sorted(bureau.folder.glob("意见*/*/*.xlsx"))
    if made.get(code) and chance.random() < 0.3:
        files = {f"{step}.xlsx": chance.choice(made[code])}
    elif sheets and chance.random() < 0.4:
        files = {f"{step}.xlsx": answered(chance.choice(sheets), f"说明{step}")}
    elif chance.random() < 0.1:
        files = {f"{code}.docx": b"%d" % step}
    else:
        data = fill_in(bureau.sent[code], chance.choice(CHANGES))
        made.setdefault(code, []).append(data)
        files = {f"{chance.choice([code, code, step, bureau.codes[0]])}.xlsx": data}
    bureau.hand_in(f"来{step}", files, when=when)


def readers_agree(bureau):
    campaign = bureau.campaign
    standing, counted = status(campaign), campaign.ledger.counted()
    text = chase_text(campaign, standing)
    page = {unit["code"]: unit for unit in dashboard(campaign)["units"]}
    noted = {note.unit.code for note in notes(campaign, queries=True)}
    for one in standing.standings:
        code = one.unit.code
        assert (one.row is not None) == (code in counted) == (one.state in COUNTING), one
        assert (f"\n{code} " in text) == one.missing
        assert (page[code]["state"], page[code]["remarks"]) == (one.state, list(one.remarks))
        if one.state in ("免报", "撤销", "并入", "核准"):
            assert code not in noted
        if one.state == "有错误":
            assert code in noted


@pytest.mark.parametrize("seed", [5, 35])
def test_undoing_brings_back_what_was_and_readers_agree(tmp_path, seed):
    chance, bureau, made = random.Random(seed), Bureau(tmp_path, 2, 2), {}
    acts = ["accept", "return", "withdraw", "reopen", "choose", "notes", "exempt", "restore", "merge"]  # fmt: skip
    for step in range(60):
        code = chance.choice(bureau.codes)
        reopened(bureau)
        if chance.random() < 0.5:
            arrive(bureau, chance, code, step, made)
            assert chance.random() < 0.9 or recheck(bureau.campaign) == []
            continue
        before, deeds = told(bureau), len(bureau.campaign.ledger.deeds())
        with suppress(XltoolError):
            decide(bureau, chance, chance.choice(acts), code, step)
        if len(bureau.campaign.ledger.deeds()) == deeds:
            assert told(bureau) == before
            continue
        readers_agree(bureau)
        if chance.random() < 0.5:
            reopened(bureau)
            undo(bureau.campaign)
            assert told(bureau) == before
