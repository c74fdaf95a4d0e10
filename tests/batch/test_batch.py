"""A folder at once: mirrored, resumable, one bad file never stops the rest,
nothing half-written."""

import io
import json
import os
import pty
import random
import shutil
import signal
import sqlite3
import subprocess
import time
import zipfile
from contextlib import closing, suppress
from pathlib import Path

import pytest
from msgspec.structs import replace

import xltool
from benchmarks.killing import contents
from tests.support.batches import book_of, command, many, mounted, named
from tests.support.packages import repacked
from tests.support.seed import EXAMPLE, UNIT
from xltool.batch import book_parts as parts
from xltool.batch import local_workers as crews
from xltool.batch import task as working
from xltool.batch.inputs import walk
from xltool.batch.jobs import Jobs
from xltool.batch.journal import Journal
from xltool.batch.local_workers import LocalWorkers
from xltool.batch.run import run
from xltool.batch.storage import place
from xltool.batch.task import Outcome, RunOrder
from xltool.checks.settings import load_settings
from xltool.errors import XltoolError
from xltool.files.atomic import temporary_name
from xltool.filling.writer import render
from xltool.model import Entry


@pytest.fixture
def source(tmp_path) -> Path:
    """An IN with a data book in a folder, workbooks, and what a real folder also holds."""
    inside = tmp_path / "收到 的"
    shutil.copytree(EXAMPLE, inside / "城区" / "科工局")
    (inside / "乡镇").mkdir(parents=True)
    for unit in ("甲镇", "乙镇"):
        xltool.fill(named(unit), inside / "乡镇" / f"{unit} 报表.xlsx")
    (inside / "乡镇" / "坏.xlsx").write_bytes(b"PK\3\4 broken")
    (inside / "乡镇" / "~$甲镇 报表.xlsx").write_bytes(b"lock")
    (inside / "乡镇" / ".~lock.乙镇 报表.xlsx#").write_bytes(b"lock")
    (inside / "说明.txt").write_text("不是表", "utf-8")
    return inside


def test_out_mirrors_in_and_a_bad_file_stops_nothing(source, tmp_path):
    out = tmp_path / "结果"
    summary = run(source, out, jobs=2)
    assert (summary.done, summary.skipped, summary.failed) == (4, 0, [])
    made = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert {
        f"城区/科工局/{UNIT}.xlsx",
        "乡镇/甲镇 报表.xlsx",
        "乡镇/乙镇 报表.xlsx",
        "report.json",
        "report.xlsx",
        "findings.csv",
        "report.html",
    } == {name for name in made if not name.startswith(".xltool/")}
    report = json.loads((out / "report.json").read_bytes())
    verdicts = {one["file"]: one["verdict"] for one in report["files"]}
    assert verdicts["乡镇/坏.xlsx"] == "error"
    assert len(report["files"]) == 4
    assert (out / "乡镇/甲镇 报表.xlsx").read_bytes() == (
        source / "乡镇/甲镇 报表.xlsx"
    ).read_bytes()


def test_three_bad_units_of_ten_leave_seven_whole(source, tmp_path):
    shutil.rmtree(source / "乡镇")
    book = source / "城区" / "科工局"
    head, line = (book / "部门.csv").read_text("utf-8-sig").split("\n", 1)
    units = [
        line.replace(UNIT, f"第{n}局").replace("1245.61", "约数" if n < 3 else "1245.61")
        for n in range(10)
    ]
    (book / "部门.csv").write_text(
        "\n".join([head, *(u.rstrip("\n") for u in units)]) + "\n", "utf-8-sig"
    )
    for name in ("项目.csv", "指标.csv"):
        first = (book / name).read_text("utf-8-sig").split("\n", 1)[0]
        (book / name).write_text(first + "\n", "utf-8-sig")
    out = tmp_path / "out"
    run(source, out, jobs=1)
    assert {p.name for p in (out / "城区/科工局").iterdir()} == {
        f"第{n}局.xlsx" for n in range(3, 10)
    }
    report = json.loads((out / "report.json").read_bytes())
    bad = {one["unit"] for one in report["files"] if one["findings"][0]["code"].startswith("B")}
    assert bad == {"第0局", "第1局", "第2局"}


def test_names_and_texts_that_are_no_text_stop_nothing(tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    folder = source / os.fsdecode("旧".encode("gb18030"))
    folder.mkdir(parents=True)
    # As another program might write it: we ourselves refuse half a character.
    whole = render(named("甲【】局"))
    with zipfile.ZipFile(io.BytesIO(whole)) as parts:
        texts = {part: parts.read(part) for part in parts.namelist()}
    broken = repacked(
        whole, **{p: t.replace("【】".encode(), b"_xD800_") for p, t in texts.items()}
    )
    for name in ("甲".encode("gb18030"), "乙".encode("gb18030"), b"a\xff"):
        (folder / os.fsdecode(name + b".xlsx")).write_bytes(broken)
    shutil.copytree(EXAMPLE, folder / os.fsdecode(b"\xff"))
    for done, skipped in ((4, 0), (0, 4)):
        summary = run(source, out, jobs=1)
        assert (summary.done, summary.skipped, summary.failed) == (done, skipped, [])
    assert len(list(out.rglob("*.xlsx"))) == 5
    assert len(json.loads((out / "report.json").read_bytes())["files"]) == 4


def test_a_filing_with_a_sheet_named_as_a_data_books_is_a_filing(tmp_path):
    seed = named("甲局")
    entries = {**seed.projects[0].entries, "project": Entry("部门", "部门")}
    project = replace(seed.projects[0], entries=entries)
    xltool.fill(replace(seed, projects=(project,)), tmp_path / "in" / "甲局.xlsx")
    run(tmp_path / "in", tmp_path / "out", jobs=1)
    [judged] = json.loads((tmp_path / "out" / "report.json").read_bytes())["files"]
    assert judged["unit"] == "甲局" and judged["projects"]


def test_a_second_run_skips_and_a_changed_input_is_done_again(source, tmp_path):
    out = tmp_path / "out"
    run(source, out, jobs=1)
    first = contents(out)
    again = run(source, out, jobs=1)
    assert (again.done, again.skipped) == (0, 4)
    assert contents(out) == first
    xltool.fill(named("丙镇"), source / "乡镇" / "甲镇 报表.xlsx")
    changed = run(source, out, jobs=1)
    assert (changed.done, changed.skipped) == (1, 3)
    units = {one["unit"] for one in json.loads((out / "report.json").read_bytes())["files"]}
    assert "丙镇" in units
    assert "甲镇" not in units
    (out / "乡镇" / "乙镇 报表.xlsx").unlink()
    assert run(source, out, jobs=1).done == 1  # a missing output is made again
    assert run(source, out, jobs=1, fresh=True).done == 4


@pytest.mark.parametrize(
    "harm",
    [lambda d: b"", lambda d: d[: len(d) // 2], lambda d: bytes(len(d))],
    ids=["empty", "cut", "zeros"],
)
def test_an_output_that_was_damaged_is_made_anew_and_one_that_was_edited_stays(
    source, tmp_path, harm
):
    out = tmp_path / "out"
    run(source, out, jobs=1)
    first = contents(out)
    filled = out / "城区" / "科工局" / f"{UNIT}.xlsx"
    filled.write_bytes(harm(filled.read_bytes()))
    assert run(source, out, jobs=1).done == 1
    assert contents(out) == first
    edited = render(named("有人改过"))
    filled.write_bytes(edited)
    assert run(source, out, jobs=1).done == 0
    assert filled.read_bytes() == edited


@pytest.mark.parametrize(
    "harm", [lambda d: b"", lambda d: d[: len(d) // 2], lambda d: bytes(len(d))]
)
def test_a_damaged_part_is_cut_anew(tmp_path, monkeypatch, harm):
    source, out = tmp_path / "in", tmp_path / "out"
    book_of(8, source / "书")
    monkeypatch.setattr(parts, "PART", 3)
    run(source, out, jobs=1)
    first = contents(out)
    part = sorted((out / ".xltool" / "parts").rglob("*.json"))[1]
    whole = part.read_bytes()
    part.write_bytes(harm(whole))
    shutil.rmtree(out / "书")
    assert run(source, out, jobs=1).failed == []
    assert contents(out) == first
    assert part.read_bytes() == whole


def test_the_journal_outlives_a_power_failure(tmp_path):
    """Written ahead, and forced to the disk before it is taken over: never a spoilt one."""
    with closing(Journal(tmp_path)) as journal:
        assert journal._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert journal._db.execute("PRAGMA synchronous").fetchone()[0] >= 1


def test_what_an_input_no_longer_gives_goes_away(source, tmp_path):
    out = tmp_path / "out"
    run(source, out, jobs=1)
    book = source / "城区" / "科工局"
    for name in ("部门.csv", "项目.csv", "指标.csv"):
        text = (book / name).read_text("utf-8-sig")
        (book / name).write_text(text.replace(UNIT, "改名局"), "utf-8-sig")
    run(source, out, jobs=1)
    assert [p.name for p in (out / "城区/科工局").iterdir()] == ["改名局.xlsx"]


@pytest.mark.parametrize("place", ["inside", "same", "above"])
def test_out_and_in_must_be_apart(source, tmp_path, place):
    out = {"inside": source / "out", "same": source, "above": source.parent}[place]
    with pytest.raises(XltoolError, match="文件夹"):
        run(source, out)
    assert not (source / "out").exists()


def test_an_empty_folder_and_a_missing_one(tmp_path):
    (tmp_path / "空").mkdir()
    summary = run(tmp_path / "空", tmp_path / "out")
    assert (summary.done, summary.failed) == (0, [])
    with pytest.raises(XltoolError, match="没有这个文件夹"):
        run(tmp_path / "无", tmp_path / "out")


def test_two_runs_on_one_out_are_kept_apart(source, tmp_path):
    import filelock

    out = tmp_path / "out"
    (out / ".xltool").mkdir(parents=True)
    with (
        filelock.FileLock(out / ".xltool" / "lock"),
        pytest.raises(XltoolError, match="另一次运行"),
    ):
        run(source, out)


def _slow(item, prior, order):
    if "坏" in item.key:
        time.sleep(60)
    return Outcome(item.key)


def _greedy(item, prior, order):
    if "坏" in item.key:
        bytearray(4 << 30)
    return Outcome(item.key)


def _dying(item, prior, order):
    if "坏" in item.key:
        os._exit(7)
    return Outcome(item.key)


@pytest.mark.parametrize(
    ("doing", "words"), [(_slow, "没有做完"), (_greedy, "内存"), (_dying, "意外结束")]
)
def test_an_input_that_hangs_or_grows_or_kills_costs_only_itself(source, monkeypatch, doing, words):
    monkeypatch.setattr(crews, "perform", doing)
    crew = LocalWorkers(2, timeout=2.0, memory=1500)
    jobs = Jobs(walk(place(source)))
    results = {outcome.key: outcome.failed for _, outcome in crew.results(jobs, RunOrder("x"))}
    assert len(results) == 4
    assert words in results.pop("乡镇/坏.xlsx")
    assert set(results.values()) == {""}


def test_the_fingerprint_knows_settings_and_content(source, tmp_path):
    [item] = [i for i in walk(place(source)) if i.key == "乡镇/甲镇 报表.xlsx"]
    content, tool = working.content_mark(item), working.tool_mark("", load_settings())
    assert working.content_mark(item) == content
    assert working.content_mark(item, Path(item.path).read_bytes()) == content
    custom = tmp_path / "设置.toml"
    custom.write_text("long_text_min = 20\n", "utf-8")
    assert working.tool_mark("", load_settings(custom)) != tool
    assert working.tool_mark("hunan-2023", load_settings()) != tool
    xltool.fill(named("丙镇"), Path(item.path))
    assert working.content_mark(item) != content


def test_killed_at_any_moment_the_end_is_the_same(tmp_path):
    source = many(tmp_path / "in", 40)
    run(source, tmp_path / "calm", jobs=2)
    out = tmp_path / "out"
    dice = random.Random(7)
    for _ in range(6):
        process = subprocess.Popen(
            command(source, out), stdout=subprocess.DEVNULL, start_new_session=True
        )
        time.sleep(0.3 + dice.random() * 0.8)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    finished = subprocess.run(command(source, out), capture_output=True, check=False)
    assert finished.returncode == 1, finished.stderr
    assert contents(out) == contents(tmp_path / "calm")
    assert not list(out.rglob("*.tmp"))


@pytest.mark.parametrize("folder", ["", "乡镇", ".xltool", ".xltool/reports"])
def test_what_a_kill_left_half_written_is_swept_wherever_it_lies(source, tmp_path, folder):
    out = tmp_path / "out"
    place = out / folder
    place.mkdir(parents=True)
    (place / temporary_name("0123456789abcdef")).write_bytes(b"half")
    (place / "别人的.tmp").write_bytes(b"whole")
    run(source, out, jobs=1)
    assert [path.name for path in out.rglob("*.tmp")] == ["别人的.tmp"]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "service"])
def test_a_stopped_run_ends_in_good_order_and_the_next_goes_on(tmp_path, stop):
    source = many(tmp_path / "in", 100)
    out = tmp_path / "out"
    process = subprocess.Popen(
        command(source, out),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
        # What was started in the background has Ctrl-C ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    process.stdout.readline()
    if stop is signal.SIGINT:
        os.killpg(process.pid, stop)  # a terminal tells them all
    else:
        process.send_signal(stop)
    _, complained = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "已中断" in complained
    assert "Traceback" not in complained
    assert run(source, out, jobs=1).skipped > 0


def test_json_events_are_lines_of_json(source, tmp_path):
    result = subprocess.run(
        command(source, tmp_path / "o", "--json"), capture_output=True, check=False
    )
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert events[-1]["event"] == "summary"
    assert [e["event"] for e in events[:-1]] == ["start"] + ["done"] * 4
    assert result.returncode == 1


def test_a_large_book_is_done_in_parts_as_if_it_were_whole(tmp_path, monkeypatch):
    source, out = tmp_path / "in", tmp_path / "out"
    book = book_of(26, source / "书")
    run(source, tmp_path / "whole", jobs=1)
    monkeypatch.setattr(parts, "PART", 5)
    events: list[dict] = []
    summary = run(source, out, jobs=2, notice=events.append)
    assert (summary.done, summary.failed) == (1, [])
    assert sum("part" in event for event in events) == 5
    assert contents(out) == contents(tmp_path / "whole")
    report = json.loads((out / "report.json").read_bytes())["files"]
    assert {f["code"] for one in report for f in one["findings"]} >= {"B013", "B102"}
    # Nothing changed: nothing is done. One unit changed: only its part. Units gone: their files go.
    again = run(source, out, jobs=2, notice=events.append)
    assert (again.done, again.skipped) == (0, 1)
    table = book / "部门.csv"
    table.write_text(
        table.read_text("utf-8-sig").replace("第25局,,1245.61", "第25局,,1245.6"), "utf-8-sig"
    )
    events.clear()
    run(source, out, jobs=2, notice=events.append)
    assert [event.get("part") for event in events if event["event"] == "done"] == [None, 5]
    shutil.rmtree(book)
    book_of(14, book)
    run(source, out, jobs=2)
    shutil.rmtree(tmp_path / "whole")
    run(source, tmp_path / "whole", jobs=1)
    assert len(list((out / "书").iterdir())) == 13
    assert contents(out) == contents(tmp_path / "whole")


def test_a_run_killed_inside_a_large_book_goes_on_there(tmp_path, monkeypatch):
    source, out = tmp_path / "in", tmp_path / "out"
    book_of(26, source / "书")
    run(source, tmp_path / "calm", jobs=1)
    monkeypatch.setattr(parts, "PART", 5)

    class Stop(Exception):
        pass

    def stop(event: dict) -> None:
        if event.get("part") == 2:
            raise Stop

    with pytest.raises(Stop):
        run(source, out, jobs=1, notice=stop)
    events: list[dict] = []
    run(source, out, jobs=1, notice=events.append)
    assert {
        event["part"] for event in events if event["event"] == "skipped" and "part" in event
    } >= {1, 2}
    assert contents(out) == contents(tmp_path / "calm")


def test_an_older_journal_is_begun_anew(source, tmp_path):
    out = tmp_path / "out"
    (out / ".xltool").mkdir(parents=True)
    with sqlite3.connect(out / ".xltool" / "journal.sqlite") as old:
        old.execute("CREATE TABLE done (key TEXT PRIMARY KEY, run INTEGER)")
        old.execute("INSERT INTO done VALUES ('x', 7)")
    old.close()
    assert run(source, out, jobs=1).done == 4


def test_a_spoilt_journal_is_one_line(source, tmp_path):
    (tmp_path / "out" / ".xltool").mkdir(parents=True)
    (tmp_path / "out" / ".xltool" / "journal.sqlite").write_bytes(b"no database " * 500)
    with pytest.raises(XltoolError, match="已损坏"):
        run(source, tmp_path / "out", jobs=1)


def test_on_a_terminal_there_is_a_progress_bar(source, tmp_path):
    parent, child = pty.openpty()
    process = subprocess.Popen(
        command(source, tmp_path / "out"), stdout=child, stderr=child, close_fds=True
    )
    os.close(child)
    shown = b""
    with suppress(OSError):  # how a terminal ends
        while piece := os.read(parent, 4096):
            shown += piece
    assert process.wait() == 1
    os.close(parent)
    text = shown.decode()
    assert "4/4" in text
    assert "━" in text
    assert "处理 4 个输入" in text
    assert "坏.xlsx：" not in text  # lines are for logs


def test_in_a_log_every_input_is_a_plain_line(source, tmp_path):
    result = called(source, tmp_path / "out")
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert sorted(line.partition("：")[0] for line in lines[:4]) == [
        "乡镇/乙镇 报表.xlsx",
        "乡镇/坏.xlsx",
        "乡镇/甲镇 报表.xlsx",
        "城区/科工局",
    ]
    assert "\x1b" not in result.stdout


def one_line(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 2, result.stdout
    assert "Traceback" not in result.stderr
    [line] = [line for line in result.stderr.splitlines() if line.startswith("错误：")]
    return line


def test_a_read_only_folder_is_one_line(source, tmp_path):
    with mounted(tmp_path / "只读", "ro") as folder:
        line = one_line(called(source, folder / "结果"))
    assert "写不了" in line


def test_a_full_disk_is_one_line_and_earlier_outputs_stay_whole(tmp_path):
    source = many(tmp_path / "in", 40)
    with mounted(tmp_path / "小盘", "size=600k") as disk:
        assert "磁盘已满" in one_line(called(source, disk / "结果"))
        whole = list(disk.rglob("单位*.xlsx"))
        assert whole
        for path in whole:
            assert not xltool.read(path).faults
        assert not list(disk.rglob("*.tmp"))


def called(source: Path, out: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(source, out), capture_output=True, encoding="utf-8", check=False)
