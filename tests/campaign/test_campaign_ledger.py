"""The ledger is whole whatever happens: two collectors at once, a kill, damage, another version."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from tests.support.campaign import (
    EDITION,
    fill_in,
    make_campaign,
    sent_workbooks,
    unit_rows,
    write_units,
)
from xltool.campaign.ledger import store as ledgers
from xltool.campaign.ledger.campaign_folder import open_campaign, pin_settings
from xltool.campaign.ledger.transfer import export_campaign, import_campaign
from xltool.campaign.returns.collection import collect
from xltool.campaign.rollup.record import rollup_json
from xltool.campaign.rollup.summation import rollup
from xltool.campaign.sealing import parcel as parcels
from xltool.campaign.sending.branch import new_branch, submit, take_parcel
from xltool.campaign.sending.distribution import distribute
from xltool.campaign.units import UnitsError, read_unit_list
from xltool.errors import XltoolError
from xltool.library import load_library

COLLECT = "import sys; from xltool.cli import main; sys.exit(main(['collect', '--campaign', *sys.argv[1:]]))"


def returned(folder, campaign):
    """Every unit hands in two versions, the later one with another goal."""
    distribute(campaign)
    folder.mkdir()
    for n, (code, blank) in enumerate(sent_workbooks(campaign.folder / "下发").items()):
        for version, goal in enumerate(
            ["目标1：修好全部列入计划的水库。", "目标1：修好水库并通过县级验收。"]
        ):
            file = folder / f"{version}-{code}.xlsx"
            file.write_bytes(fill_in(blank, {"department.goal": goal}))
            os.utime(file, (1_700_000_000 + version * 1000, 1_700_000_000 + version * 1000 + n))
    return folder


def outcome(campaign):
    """What the bureau relies on: which content counts for each unit, and the totals."""
    counted = {code: row["sha256"] for code, row in campaign.ledger.counted().items()}
    data = rollup_json(rollup(campaign))
    return counted, data["whole"], len(campaign.ledger.returns())


def children(pid):
    """The processes that this one started (Linux)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text("utf-8", "replace").rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def start(campaign, folder):
    return subprocess.Popen([sys.executable, "-c", COLLECT, str(campaign.folder), str(folder)])


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The campaign as one undisturbed run leaves it, and its returns."""
    base = tmp_path_factory.mktemp("账")
    campaign = make_campaign(base, 2, 15)
    folder = returned(base / "in", campaign)
    archive = base / "空.zip"
    export_campaign(campaign, archive)
    collect(campaign, [folder])
    return archive, folder, outcome(campaign)


def test_two_processes_collecting_at_once(expected, tmp_path):
    archive, folder, right = expected
    campaign = import_campaign(archive, tmp_path / "两个")
    processes = [start(campaign, folder) for _ in range(2)]
    for process in processes:
        assert process.wait(120) == 0
    assert outcome(campaign) == right


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 on this system")
def test_a_kill_while_collecting_loses_nothing(expected, tmp_path, monkeypatch):
    archive, folder, right = expected
    campaign = import_campaign(archive, tmp_path / "断")
    # One return a transaction, so that there is something to cut in two.
    code = f"import xltool.campaign.returns.collection as c; c.BATCH = 1; {COLLECT}"
    process = subprocess.Popen([sys.executable, "-c", code, str(campaign.folder), str(folder)])
    deadline = time.monotonic() + 60
    while len(campaign.ledger.returns()) < 5:  # a reader is never blocked
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    workers = children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline, "its workers outlive a killed collector"
        time.sleep(0.05)
    campaign.ledger.close()
    again = open_campaign(campaign.folder)  # whole: the integrity check passes
    cut = len(again.ledger.returns())
    assert 5 <= cut < right[2], "the run was over before it was killed"
    collect(again, [folder])
    assert outcome(again) == right


def test_a_reader_sees_the_ledger_while_it_is_written(tmp_path):
    campaign = make_campaign(tmp_path, 1, 2)
    other = open_campaign(campaign.folder)
    with campaign.ledger.writing(), campaign.ledger.transaction():
        campaign.ledger.set_meta({"title": "新"})
        assert other.ledger.meta()["title"] == "批次"
    assert other.ledger.meta()["title"] == "新"


def test_a_second_writer_waits_and_then_says_so(tmp_path, monkeypatch):
    campaign = make_campaign(tmp_path, 1, 2)
    other = open_campaign(campaign.folder)
    monkeypatch.setattr(ledgers, "WAIT", 0.05)
    with (
        campaign.ledger.writing(),
        pytest.raises(XltoolError, match="另一个 xltool"),
        other.ledger.writing(),
    ):
        pass


def test_a_damaged_ledger_is_said_in_one_line(tmp_path):
    campaign = make_campaign(tmp_path, 2, 30)
    campaign.ledger.close()
    file = campaign.folder / ledgers.FILE
    data = bytearray(file.read_bytes())
    data[4096:12288] = b"\xff" * 8192
    file.write_bytes(data)
    with pytest.raises(XltoolError, match="台账读不了"):
        open_campaign(campaign.folder)


def test_a_schema_change_backs_up_first(tmp_path, monkeypatch):
    campaign = make_campaign(tmp_path, 1, 2)
    campaign.ledger.close()
    monkeypatch.setattr(
        ledgers, "_MIGRATIONS", (*ledgers._MIGRATIONS, "CREATE TABLE more (x TEXT) STRICT;")
    )
    version = ledgers.VERSION
    monkeypatch.setattr(ledgers, "VERSION", version + 1)
    again = open_campaign(campaign.folder)
    assert again.ledger.base.execute("SELECT COUNT(*) FROM more").fetchone()[0] == 0
    [backup] = (campaign.folder / "backups").glob("*.db")
    old = sqlite3.connect(backup)
    assert old.execute("PRAGMA user_version").fetchone()[0] == version
    assert old.execute("SELECT COUNT(*) FROM units").fetchone()[0] == 2
    old.close()
    again.ledger.close()
    monkeypatch.undo()
    with pytest.raises(XltoolError, match="更新的 xltool"):
        open_campaign(campaign.folder)


def test_a_full_disk_is_one_line_and_nothing_is_half_written(tmp_path):
    campaign = make_campaign(tmp_path, 1, 2)
    pages = campaign.ledger.base.execute("PRAGMA page_count").fetchone()[0]
    campaign.ledger.base.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(XltoolError, match="磁盘已满"), campaign.ledger.transaction():
        campaign.ledger.set_meta({str(n): "x" * 4000 for n in range(50)})
    assert "0" not in campaign.ledger.meta()


def test_no_campaign_here(tmp_path):
    with pytest.raises(XltoolError, match="不是申报批次文件夹"):
        open_campaign(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_two_level_campaign(tmp_path):
    """The district has a ledger of its own; the bureau takes in what it passes up."""
    bureau = make_campaign(tmp_path, 2, 4)
    distribute(bureau)
    district = new_branch(tmp_path / "第1区台账", bureau.folder / "下发" / "第1批" / "第1区.zip")
    assert (district.title, district.branch, len(district.ledger.units())) == ("批次", True, 4)
    assert not (district.folder / "keys" / "private.pem").exists()
    sent = distribute(district)
    assert sent.units == 4 and [p[0] for p in sent.parcels] == ["主管0", "主管1"]
    assert distribute(district).units == 0
    blanks = sent_workbooks(district.folder / "下发")
    folder = tmp_path / "in"
    folder.mkdir()
    for n, (code, blank) in enumerate(blanks.items()):
        (folder / f"{code}.xlsx").write_bytes(
            fill_in(blank, {"department.basic": "1"} if n == 0 else {})
        )
    collect(district, [folder])
    assert len(district.ledger.counted()) == 3
    assert submit(district, tmp_path / "上报.zip").filings == 3
    result = collect(bureau, [tmp_path / "上报.zip"])
    assert [(r.kind, r.verdict) for r in result.receipts] == [("genuine", "pass")] * 3
    assert rollup_json(rollup(bureau))["whole"] == rollup_json(rollup(district))["whole"]
    # The bureau sends one unit a new workbook: the district takes the further parcel in.
    rows = unit_rows(2, 4)
    rows[0][7] = "1500.00"
    units = read_unit_list(write_units(tmp_path / "u2.xlsx", rows), EDITION).units
    with bureau.ledger.transaction():
        bureau.ledger.put_units(units)
    [(_, parcel, _)] = distribute(bureau).parcels
    assert take_parcel(district, parcel) == 1
    assert take_parcel(district, parcel) == 0
    assert distribute(district).units == 1
    with pytest.raises(XltoolError, match="没有私钥"):
        _ = district.private_key


def test_a_parcel_that_was_touched_makes_no_branch(tmp_path):
    bureau = make_campaign(tmp_path, 1, 2)
    distribute(bureau)
    parcel = bureau.folder / "下发" / "第1批" / "第1区.zip"
    data = bytearray(parcel.read_bytes())
    at = data.find(b"PK\x03\x04", 4) + 400
    data[at : at + 8] = b"\0" * 8
    parcel.write_bytes(data)
    with pytest.raises(XltoolError):
        new_branch(tmp_path / "台账", parcel)
    assert not (tmp_path / "台账").exists()


@pytest.mark.parametrize("what", ["path", "digest", "content", "amount", "twice"])
def test_a_hostile_manifest_makes_no_branch(tmp_path, what):
    """Signed by a key of its own, as anybody can:
    what it says is still not taken for a path or a sum."""
    bureau = make_campaign(tmp_path, 1, 2)
    distribute(bureau)
    files = parcels.read_parcel(bureau.folder / "下发" / "第1批" / "第1区.zip")
    manifest = parcels.read_manifest(files)
    first, second = manifest.units
    change = msgspec.structs.replace
    if what == "path":
        files["../../../逃.xlsx"] = files[first.file]
        first = change(first, file="../../../逃.xlsx")
    elif what == "digest":
        first = change(first, sha256="../../../逃")
    elif what == "content":
        first = change(first, file=second.file)
    elif what == "amount":
        first = change(first, last_year={"total": "NaN; 很多"})
    else:
        second = change(second, code=first.code)
    listed = {
        name: parcels.digest(data)
        for name, data in files.items()
        if name.endswith((".xlsx", ".toml"))
    }
    text = msgspec.json.encode(
        change(manifest, units=[first, second], files={**manifest.files, **listed})
    )
    files[parcels.MANIFEST] = text
    files[parcels.SIGNATURE] = bureau.private_key.sign(parcels.CONTEXT + text).hex().encode()
    parcels.write_parcel(tmp_path / "恶.zip", files)
    before = sorted(tmp_path.parent.rglob("*"))
    with pytest.raises(XltoolError):
        new_branch(tmp_path / "台账", tmp_path / "恶.zip")
    assert sorted(tmp_path.parent.rglob("*")) == before


def test_export_and_import_keep_everything(expected, tmp_path):
    archive, folder, right = expected
    first = import_campaign(archive, tmp_path / "一")
    collect(first, [folder])
    count = export_campaign(first, tmp_path / "满.zip")
    assert count == right[2] + 5
    moved = import_campaign(tmp_path / "满.zip", tmp_path / "二", "")
    assert outcome(moved) == outcome(first) == right
    with pytest.raises(XltoolError, match="没有私钥"):
        distribute(moved)


def test_the_private_key_moves_with_the_right_passphrase_only(tmp_path):
    campaign = make_campaign(tmp_path, 1, 1)
    secret = (campaign.folder / "keys" / "private.pem").read_bytes().split(b"\n")[1]
    export_campaign(campaign, tmp_path / "x.zip", "口令abc")
    assert secret not in (tmp_path / "x.zip").read_bytes()
    with pytest.raises(XltoolError, match="口令不对"):
        import_campaign(tmp_path / "x.zip", tmp_path / "错", "别的")
    assert not (tmp_path / "错").exists()
    moved = import_campaign(tmp_path / "x.zip", tmp_path / "对", "口令abc")
    assert distribute(moved).units == 1


def test_an_archive_with_anything_else_in_it_is_refused(tmp_path):
    import zipfile

    campaign = make_campaign(tmp_path, 1, 1)
    export_campaign(campaign, tmp_path / "x.zip")
    for name in (
        "../逃.txt",
        "keys/private.pem",
        "originals/../../x",
        "/etc/passwd",
        "edition/evil.py",
    ):
        bad = tmp_path / "bad.zip"
        bad.write_bytes((tmp_path / "x.zip").read_bytes())
        with zipfile.ZipFile(bad, "a") as archive:
            archive.writestr(name, b"x")
        with pytest.raises(XltoolError):
            import_campaign(bad, tmp_path / "坏")
        assert not (tmp_path / "坏").exists()
    assert not list(tmp_path.parent.glob("逃*"))


@pytest.mark.parametrize(
    ("rows", "heads", "said"),
    [
        ([["1", "甲", "区"], ["1", "乙", "区"]], None, "部门编码 1 出现 2 次"),
        ([["", "甲", "区"]], None, "没有部门编码"),
        ([["1", "甲", "区", "x"]], ["部门编码", "部门名称", "区县", "资金"], "不认识的列“资金”"),
        ([["1", "甲"]], ["部门编码", "部门名称"], "缺少列“区县”"),
        (
            [["1", "甲", "区", "很多"]],
            ["部门编码", "部门名称", "区县", "预填资金总额"],
            "读不成金额",
        ),
        (
            [["1", "甲", "区", "—"]],
            ["部门编码", "部门名称", "区县", "预填资金总额"],
            "没有就空着",
        ),
        ([], None, "名单里没有单位"),
    ],
)
def test_a_list_that_cannot_be_used_says_all_that_is_wrong(tmp_path, rows, heads, said):
    path = write_units(tmp_path / "u.xlsx", rows, heads or ["部门编码", "部门名称", "区县"])
    with pytest.raises(UnitsError, match=said):
        read_unit_list(path, EDITION)


def test_codes_keep_their_zeros_and_figures_are_exact(tmp_path):
    heads = ["部门编码", "部门名称", "区县", "资金总额", "上年基本支出", "预填 一般公共预算"]
    path = write_units(
        tmp_path / "u.xlsx", [["007", "甲", "区", "1,200.50", "3万元", "５.10"]], heads
    )
    [unit] = read_unit_list(path, EDITION).units
    assert unit.code == "007"
    assert unit.last_year == {"total": "1200.5", "basic": "3"}
    assert unit.prefilled == {"general": "5.1"}


def test_a_folder_that_has_something_is_left_alone(tmp_path):
    campaign = make_campaign(tmp_path, 1, 1)
    before = sorted(p.name for p in campaign.folder.iterdir())
    with pytest.raises(XltoolError, match="已经存在"):
        make_campaign(tmp_path, 1, 1)
    assert sorted(p.name for p in Path(campaign.folder).iterdir()) == before


def test_a_read_only_ledger_is_not_called_damaged(tmp_path):
    file = tmp_path / ledgers.FILE
    sqlite3.connect(file).execute("CREATE TABLE a (x)").connection.close()
    base = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
    with pytest.raises(sqlite3.OperationalError) as refused:
        base.execute("CREATE TABLE b (x)")
    base.close()
    assert ledgers._refused(refused.value) == "台账写不了：没有权限，或者文件夹是只读的"
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / ledgers.FILE).write_text("junk " * 500)
    with pytest.raises(XltoolError, match=r"台账读不了（不是台账文件）.*备份"):
        open_campaign(tmp_path / "b")


def test_the_indicator_library_goes_with_the_campaign(tmp_path):
    """Pinned with the settings, carried in the archive, and in force where it arrives."""
    (tmp_path / "指标库.toml").write_text('[[indicator]]\nname = "甲"\nunit = "家"\n', "utf-8")
    house = tmp_path / "设置.toml"
    house.write_text('library = "指标库.toml"\n', "utf-8")
    (tmp_path / "原").mkdir()
    campaign = make_campaign(tmp_path / "原", 1, 1)
    pin_settings(campaign.folder, house)
    export_campaign(open_campaign(campaign.folder), tmp_path / "x.zip")
    arrived = import_campaign(tmp_path / "x.zip", tmp_path / "新")
    assert Path(arrived.settings.library) == arrived.folder / "指标库.toml"
    (entry,) = load_library(arrived.settings.library).entries
    assert entry.name == "甲"
