"""Nothing is lost: backups before each change, a ledger rebuilt,
missing originals stop only their own unit."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.support.campaign import Bureau, answered, fill_in
from xltool.campaign.ledger import store
from xltool.campaign.ledger.campaign_folder import open_campaign
from xltool.campaign.ledger.counting import Act
from xltool.campaign.ledger.transfer import export_campaign, import_campaign, missing_originals
from xltool.campaign.returns.collection import collect
from xltool.campaign.returns.decisions import accept, history, send_back
from xltool.campaign.returns.notes import notes, write_notes
from xltool.campaign.returns.rebuild import rebuild
from xltool.campaign.returns.rejudgement import recheck
from xltool.campaign.returns.status import status
from xltool.campaign.rollup.record import rollup_json
from xltool.campaign.rollup.summation import rollup
from xltool.campaign.sending.branch import new_branch, submit
from xltool.campaign.sending.distribution import distribute
from xltool.cli import main
from xltool.errors import XltoolError

OTHER = {"department.goal": "目标1：修好县内小型水库并通过县级验收。"}


@pytest.fixture
def bureau(tmp_path):
    bureau = Bureau(tmp_path, 1, 3)
    files = {f"{code}.xlsx": fill_in(bureau.sent[code]) for code in bureau.codes}
    bureau.hand_in("1", files, when=1.7e9)
    return bureau


def damage(bureau):
    bureau.campaign.ledger.close()
    file = bureau.campaign.folder / store.FILE
    data = bytearray(file.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    file.write_bytes(data)
    for extra in file.parent.glob(f"{store.FILE}-*"):
        extra.unlink()


def reopened(bureau):
    bureau.campaign = open_campaign(bureau.campaign.folder)
    return bureau.campaign


def test_each_changing_command_makes_a_backup_and_ten_are_kept(bureau):
    folder = bureau.campaign.folder
    before = len(store.backups(folder))
    assert before >= 2  # distribute, collect
    collect(bureau.campaign, [bureau.folder / "1"])  # nothing new: nothing to back up
    assert len(store.backups(folder)) == before
    for n in range(12):
        with bureau.campaign.ledger.writing(), bureau.campaign.ledger.transaction():
            bureau.campaign.ledger.record(Act.CAMPAIGN, reason=str(n))
    kept = store.backups(folder)
    assert len(kept) == store.BACKUPS
    import sqlite3

    base = sqlite3.connect(kept[0])
    assert base.execute(
        "SELECT MAX(reason) FROM deeds WHERE id = (SELECT MAX(id) FROM deeds)"
    ).fetchone() == ("10",)
    base.close()


def test_what_a_killed_run_left_is_swept_when_it_is_old(bureau):
    folder = bureau.campaign.folder
    half, fresh, theirs = folder / ".xltool-1.tmp", folder / ".xltool-2.tmp", folder / "我的.tmp"
    for path in (half, fresh, theirs):
        path.write_text("x")
    os.utime(half, (1.7e9, 1.7e9))
    os.utime(theirs, (1.7e9, 1.7e9))
    scratch = folder / ".xltool-3.tmp"
    (scratch / "上年申报").mkdir(parents=True)
    original = next((folder / "originals").iterdir()) / ".xltool-abc.tmp"
    original.write_text("x")
    for path in (scratch, original):
        os.utime(path, (1.7e9, 1.7e9))
    with bureau.campaign.ledger.writing():
        pass
    assert not half.exists() and fresh.exists() and theirs.exists()
    assert not scratch.exists() and not original.exists()


def test_an_original_that_a_power_failure_cut_short_is_kept_whole_when_it_comes_again(bureau):
    row = bureau.campaign.ledger.counted()[bureau.codes[0]]
    path = bureau.campaign.original(row["sha256"])
    data = path.read_bytes()
    path.write_bytes(b"")
    bureau.campaign.keep(row["sha256"], data)
    assert path.read_bytes() == data


@pytest.mark.parametrize("backup", [True, False])
def test_a_damaged_ledger_is_rebuilt(bureau, backup):
    """With a backup the decisions are there too;
    without one all that was sent and all that came."""
    code = bureau.codes[0]
    bureau.hand_in("2", {"x.xlsx": fill_in(bureau.sent[code], OTHER)}, when=1.71e9)
    accept(bureau.campaign, [bureau.codes[1]], note="同意")
    bureau.hand_in("3", {"乱.xlsx": b"no workbook"})
    total = rollup_json(rollup(bureau.campaign))["whole"]
    contents = {row["sha256"] for row in bureau.campaign.ledger.returns()}
    before = {c: r["sha256"] for c, r in bureau.campaign.ledger.counted().items()}
    if not backup:
        for path in store.backups(bureau.campaign.folder):
            path.unlink()
    damage(bureau)
    with pytest.raises(XltoolError, match="campaign rebuild"):
        reopened(bureau)
    result = rebuild(bureau.campaign.folder)
    assert bool(result.backup) is backup and result.damaged
    campaign = reopened(bureau)
    assert {row["sha256"] for row in campaign.ledger.returns()} == contents
    assert len(campaign.ledger.issues()) == 3
    if backup:
        assert {c: r["sha256"] for c, r in campaign.ledger.counted().items()} == before
        assert rollup_json(rollup(campaign))["whole"] == total
        assert bureau.states()[bureau.codes[1]] == "核准"
    else:
        # Which of the two came later only the clerk can say now.
        assert set(campaign.ledger.counted()) == set(before)
        assert bureau.states()[code] == "待核实"
    assert distribute(campaign).units == 0  # what is out is still what is out
    again = rebuild(campaign.folder)
    assert (again.issues, again.returns, again.damaged) == (0, 0, "")


def test_a_districts_ledger_is_rebuilt_too(tmp_path):
    bureau = Bureau(tmp_path, 1, 2)
    district = new_branch(tmp_path / "区", bureau.campaign.folder / "下发" / "第1批" / "第1区.zip")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.xlsx").write_bytes(fill_in(bureau.sent[bureau.codes[0]]))
    collect(district, [tmp_path / "in"])
    for path in store.backups(district.folder):
        path.unlink()
    district.ledger.close()
    district.ledger.path.unlink()
    result = rebuild(district.folder)
    assert (result.issues, result.returns) == (2, 1)
    again = open_campaign(district.folder)
    assert again.branch and set(again.ledger.counted()) == {bureau.codes[0]}
    again.ledger.close()


def test_with_nothing_to_rebuild_from_it_is_said(tmp_path, monkeypatch, capsys):
    bureau = Bureau(tmp_path, 1, 1)
    import shutil

    bureau.campaign.ledger.close()
    shutil.rmtree(bureau.campaign.folder / "下发")
    shutil.rmtree(bureau.campaign.folder / "backups", ignore_errors=True)
    bureau.campaign.ledger.path.unlink()
    monkeypatch.chdir(bureau.campaign.folder)
    assert main(["campaign", "rebuild"]) == 2
    assert "重建不了" in capsys.readouterr().err
    assert not bureau.campaign.ledger.path.exists()


def test_a_missing_original_is_said_and_stops_only_its_own_unit(bureau, tmp_path):
    gone, changed, fine = bureau.codes
    rows = {row["unit"]: row for row in bureau.campaign.ledger.returns()}
    bureau.campaign.original(rows[gone]["sha256"]).unlink()
    bureau.campaign.original(rows[changed]["sha256"]).write_bytes(b"other")
    said = recheck(bureau.campaign)
    assert {one.unit for one in said} == {gone, changed}
    assert all("没能重新审核" in one.after for one in said)
    assert set(bureau.counted()) == {gone, changed, fine}
    missing: list = []
    assert submit(bureau.campaign, tmp_path / "报.zip", missing).filings == 1
    assert {code for code, _ in missing} == {gone, changed}
    assert {code for code, _ in missing_originals(bureau.campaign)} == {gone, changed}
    result = collect(bureau.campaign, [bureau.folder / "1"], pristine=tmp_path / "净")
    assert result.pristine == 1 and len(result.problems) == 2
    # The archive can still be taken in.
    export_campaign(bureau.campaign, tmp_path / "存.zip")
    moved = import_campaign(tmp_path / "存.zip", tmp_path / "恢复")
    assert set(moved.ledger.counted()) == {gone, changed, fine}
    moved.ledger.close()


def test_pristine_copies_go_when_their_return_counts_no_more(bureau, tmp_path):
    """pristine.py: renamed, moved, sent anew; a copy that somebody changed stays and is said."""
    first, second, third = bureau.codes
    folder = tmp_path / "净"
    collect(bureau.campaign, [], pristine=folder)
    copies = {path.name[:7]: path for path in folder.rglob("*.xlsx")}
    assert set(copies) == {first, second, third}
    copies[second].write_bytes(copies[second].read_bytes() + b" ")
    bureau.change(first, general="600.00")
    bureau.change(second, name="东教育和体育局", district="第9区")
    result = collect(bureau.campaign, [], pristine=folder)
    left = {path.name[:7] for path in folder.rglob("*.xlsx")}
    assert left == {second, third} and result.pristine == 1
    assert any("有人改过" in reason for _, reason in result.problems)
    assert {s.unit.code for s in status(bureau.campaign).standings if s.row is not None} == {third}


@pytest.mark.parametrize("lost", [False, True])
def test_what_units_explained_is_rebuilt_and_not_said_a_second_time(bureau, lost):
    code, note = bureau.codes[0], "答.xlsx"
    query = {"department.economic": [["销售收入", "≤1亿元"]]}
    bureau.hand_in("2", {"a.xlsx": fill_in(bureau.sent[code], query)}, when=1.71e9)
    unit_notes = notes(bureau.campaign, [code], queries=True)
    [path] = write_notes(bureau.campaign, unit_notes, bureau.folder / "意见", "xlsx")
    bureau.hand_in("3", {note: answered(path, "任务书如此")}, when=1.72e9)
    if not lost:
        send_back(bureau.campaign, [code], "说明不成立")
    bureau.campaign.ledger.close()
    if lost:
        shutil.rmtree(bureau.campaign.folder / store.BACKUP_FOLDER)
        for file in bureau.campaign.folder.glob(f"{store.FILE}*"):
            file.unlink()
    for _ in range(2):
        rebuild(bureau.campaign.folder)
        events = [line.what for line in history(reopened(bureau), code)]
        assert sum("书面说明" in event for event in events) == 1
        assert lost or bureau.states()[code] == "退回"
        bureau.campaign.ledger.close()


def test_pristine_copies_are_no_returns(bureau, monkeypatch, capsys):
    """The copies lie below the folder that is collected again: only what somebody changed is
    looked at."""
    code, folder = bureau.codes[0], bureau.folder / "1"
    copies = folder / "净"
    collect(bureau.campaign, [folder], pristine=copies)
    result = collect(bureau.campaign, [folder])
    assert (result.counts(), result.copies) == ({"重复": 3}, 3)
    assert notes(bureau.campaign) == []
    [path] = copies.rglob(f"{code}*.xlsx")
    path.write_bytes(fill_in(bureau.sent[code], OTHER))
    monkeypatch.chdir(bureau.campaign.folder)
    assert main(["collect", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "收下 1 份" in out and "先前用 --pristine 写出的 2 份副本，不是报来的，没有收" in out
