"""What a night on a server must never do:
lose a result, overwrite a person's work, keep a wrong verdict."""

import contextlib
import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import threading
import time
import unicodedata
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

import xltool
from tests.support.batches import book_of, command, mounted, named
from tests.support.packages import repacked
from xltool.batch.away import perform
from xltool.batch.inputs import STATE, walk
from xltool.batch.journal import Journal
from xltool.batch.outlet import announced
from xltool.batch.run import RunWishes, run
from xltool.batch.storage import place
from xltool.cli import main
from xltool.databook.write import write_databook
from xltool.errors import XltoolError
from xltool.filling.writer import render


class Inline:
    """One who does the work himself, in this process; `before` is called with each input."""

    def __init__(self, before=lambda item: None):
        self.before = before

    def results(self, jobs, order):
        while job := jobs.take():
            self.before(job[0])
            yield job[0], perform(*job, order)


def night(source, out, **more):
    return run(source, out, crew=Inline(), **more)


def workbook(path: Path, unit: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return xltool.fill(named(unit), path)


def book(path: Path, *units: str) -> Path:
    write_databook([named(unit) for unit in units], path)
    return path


def report(out: Path) -> dict:
    return json.loads((out / "report.json").read_bytes())


def units(out: Path) -> list[str]:
    return sorted(one["unit"] for one in report(out)["files"])


def results(out: Path) -> dict[str, bytes]:
    """The workbooks below OUT, without the reports."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("*.xlsx")
        if path.is_file() and (path.parent != out or not path.name.startswith("report"))
    }


def everything(out: Path) -> dict[str, bytes]:
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and ".xltool" not in path.parts
    }


@pytest.fixture
def source(tmp_path) -> Path:
    """An IN with a data book and a workbook."""
    book(tmp_path / "in" / "城区.json", "甲局", "乙局")
    workbook(tmp_path / "in" / "丙镇.xlsx", "丙镇")
    return tmp_path / "in"


@pytest.fixture
def out(source, tmp_path) -> Path:
    """The OUT of a first, calm night."""
    night(source, tmp_path / "out")
    assert len(results(tmp_path / "out")) == 3
    return tmp_path / "out"


# An input that fails tonight


@pytest.mark.parametrize(
    "slip",
    [
        {"edition": "hunan-2O23"},
        {"settings": "missing.toml"},
        {"settings": "faulty.toml"},
        {"settings": "unknown.toml"},
        {"timeout": -1.0},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
        {"memory": 0},
        {"memory": -5},
        {"jobs": -2},
    ],
    ids=str,
)
def test_a_slip_on_the_command_line_is_said_before_anything_is_touched(
    source, out, tmp_path, slip, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path("faulty.toml").write_text("long_text_min = = 3", "utf-8")
    Path("unknown.toml").write_text('off = ["Z999"]', "utf-8")
    before = everything(out)
    with pytest.raises(XltoolError):
        night(source, out, **slip)
    assert everything(out) == before


def test_relative_settings_hold_wherever_a_worker_stands(source, tmp_path, monkeypatch):
    (tmp_path / "设置.toml").write_text('off = ["T304"]\n', "utf-8")
    monkeypatch.chdir(tmp_path)
    crew = Inline(lambda item: os.chdir("/"))
    summary = run(source, tmp_path / "out", settings="设置.toml", crew=crew)
    assert summary.failed == []
    assert report(tmp_path / "out")["files"]


@pytest.mark.parametrize("how", ["unreadable", "overdue", "damaged", "gone while it was listed"])
def test_what_failed_tonight_keeps_last_nights_results(source, out, how):
    before, files = results(out), report(out)["files"]
    target = source / "城区.json"
    if how == "damaged":
        target.write_bytes(b"{ no book")
        summary = night(source, out)
        assert summary.failed == []
        found = report(out)["files"]
        assert [f["code"] for one in found for f in one["findings"] if f["code"] == "B203"]
    else:
        text = target.read_text("utf-8")
        target.write_text(text.replace("甲局", "甲局"), "utf-8")

        def fails(jobs, order):
            from xltool.batch.task import Outcome

            while job := jobs.take():
                failed = job[0].key == "城区.json"
                done = Outcome("城区.json", failed="读不了") if failed else perform(*job, order)
                yield job[0], done

        crew = Inline()
        crew.results = fails
        summary = run(source, out, crew=crew)
        [(key, reason)] = summary.failed
        assert key == "城区.json"
        assert "沿用" in reason and "的结果" in reason
        assert units(out) == sorted(one["unit"] for one in files)
        dated = [one for one in report(out)["files"] if one["unit"] in ("甲局", "乙局")]
        for one in dated:
            [note] = [f for f in one["findings"] if f["code"] == "B203"]
            assert note["severity"] == "note" and "结果" in note["message"]
            assert one["counts"]["note"] >= 1
    assert results(out) == before
    # The next night goes well: nothing is left of the trouble.
    if how == "damaged":
        book(target, "甲局", "乙局")
    again = night(source, out)
    assert again.failed == []
    assert results(out) == before
    assert not [f for one in report(out)["files"] for f in one["findings"] if f["code"] == "B203"]


def test_a_note_of_an_earlier_result_is_there_once_however_long_it_fails(source, out):
    from xltool.batch.task import Outcome

    class Failing:
        def results(self, jobs, order):
            while job := jobs.take():
                yield job[0], Outcome(job[0].key, failed="读不了")

    for _ in range(3):
        assert len(run(source, out, crew=Failing()).failed) == 2
    for one in report(out)["files"]:
        assert [f["code"] for f in one["findings"]].count("B203") == 1
        assert one["counts"]["note"] == sum(f["severity"] == "note" for f in one["findings"])
    assert len(results(out)) == 3


def test_a_unit_with_a_typo_tonight_keeps_its_workbook(source, out):
    before = results(out)
    text = (source / "城区.json").read_text("utf-8")
    at = text.index("1245.61")
    (source / "城区.json").write_text(text[:at] + '"约数"' + text[at + 7 :], "utf-8")
    night(source, out)
    assert results(out).keys() == before.keys()
    assert results(out)["城区/甲局.xlsx"] == before["城区/甲局.xlsx"]
    [trouble] = [one for one in report(out)["files"] if one["unit"] == "甲局"]
    assert {f["code"] for f in trouble["findings"]} >= {"B013", "B203"}


def test_a_large_book_that_fails_keeps_what_its_parts_gave(tmp_path, monkeypatch):
    from xltool.batch import book_parts

    monkeypatch.setattr(book_parts, "PART", 2)
    source, out = tmp_path / "in", tmp_path / "out"
    book_of(7, source / "书")
    night(source, out)
    before, seen = results(out), units(out)
    assert len(before) == 7
    (source / "书" / "项目.csv").unlink()
    night(source, out)
    assert results(out) == before
    assert set(units(out)) >= set(seen)


# Two inputs, one output


def test_two_inputs_never_share_an_output(tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    workbook(source / "report.xlsx", "单位20")
    book(source / "甲.xlsx", "单位21")
    workbook(source / "甲" / "单位21.xlsx", "单位99")
    book(source / "乙" / "a.xlsx", "单位30")
    book(source / "乙" / "b.xlsx", "单位30")
    book(source / "丙", "单位40")
    book(source / "丙.json", "单位40")
    book(source / "丁.JSON", "单位50")
    book(source / "丁.xlsx", "单位50")
    for _ in range(2):
        summary = night(source, out)
        assert summary.failed == []
        read = [xltool.read(path).unit for path in map(out.joinpath, results(out))]
        read += [xltool.read(p).unit for p in out.glob("report*.xlsx") if p.name != "report.xlsx"]
        assert sorted(read) == sorted(
            [
                "单位20",
                "单位21",
                "单位99",
                "单位30",
                "单位30",
                "单位40",
                "单位40",
                "单位50",
                "单位50",
            ]
        )
        files = report(out)["files"]
        assert len(files) == 9
        assert len({one["file"] for one in files}) == 9
        assert all((out / one["file"]).exists() for one in files)
        [renamed] = [one for one in files if one["unit"] == "单位20"]
        assert "B201" in {f["code"] for f in renamed["findings"]}


def test_a_units_name_does_not_take_a_reports_name(tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    book(source, "report", "甲局")
    night(source, out)
    assert xltool.read(out / "report(2).xlsx").unit == "report"
    assert (out / "甲局.xlsx").exists()


def test_an_input_that_appears_beside_takes_nothing_from_another(tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    book(source / "甲.xlsx", "单位1")
    night(source, out)
    workbook(source / "甲" / "单位1.xlsx", "单位9")
    night(source, out)
    assert sorted(xltool.read(out / name).unit for name in results(out)) == ["单位1", "单位9"]
    assert xltool.read(out / "甲" / "单位1.xlsx").unit == "单位9"


# Two INs, one OUT


def test_another_in_is_refused_and_nothing_touched(source, out, tmp_path):
    other = tmp_path / "other"
    book(other / "城区.json", "丁局")
    before = everything(out)
    with pytest.raises(XltoolError, match="结果"):
        night(other, out)
    assert everything(out) == before
    # By another way to the same folder it is the same.
    (tmp_path / "link").symlink_to(source)
    assert night(tmp_path / "link", out).skipped == 2
    assert night(f"file://{source}", out).skipped == 2


def test_a_link_that_leads_to_tonights_folder_is_the_same_in(source, tmp_path):
    out, link = tmp_path / "out", tmp_path / "current"
    link.symlink_to(source)
    night(link, out)
    shutil.copytree(source, tmp_path / "tomorrow")
    link.unlink()
    link.symlink_to(tmp_path / "tomorrow")
    assert night(link, out).skipped == 2


def test_what_xltool_never_wrote_stays(source, tmp_path):
    out = tmp_path / "out"
    mine = {
        "丙镇.xlsx": b"my own notes",
        "城区/甲局.xlsx": render(named("别人的")),
        "report.xlsx": b"my own report",
        "其他.txt": b"x",
    }
    for name, data in mine.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(data)
    for _ in range(2):
        night(source, out, wishes=RunWishes(prune=True))
        kept = everything(out)
        assert [kept[name] for name in mine if name != "report.xlsx"] == [
            data for name, data in mine.items() if name != "report.xlsx"
        ]
        assert mine["report.xlsx"] in kept.values()
        read = {one["unit"]: one["file"] for one in report(out)["files"]}
        assert read == {
            "丙镇": "丙镇(2).xlsx",
            "甲局": "城区/甲局(2).xlsx",
            "乙局": "城区/乙局.xlsx",
        }
        assert all(xltool.read(out / file).unit == unit for unit, file in read.items())


def test_a_lost_journal_costs_nothing_but_time(source, out):
    before = results(out)
    shutil.rmtree(out / ".xltool")
    night(source, out)
    assert results(out) == before


# A file that is written while it is read


def test_a_file_still_being_written_is_waited_for(tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    whole = render(named("甲局"))
    source.mkdir()
    path = source / "甲.xlsx"
    path.write_bytes(whole[:9000])

    def rest():
        time.sleep(0.6)
        with path.open("ab") as file:
            file.write(whole[9000:])

    thread = threading.Thread(target=rest)
    thread.start()
    night(source, out)
    thread.join()
    assert units(out) == ["甲局"]
    assert (out / "甲.xlsx").read_bytes() == whole


def test_a_verdict_is_never_kept_under_the_fingerprint_of_other_bytes(tmp_path, monkeypatch):
    """Rewritten with the same content while it is read:
    what was judged is what was fingerprinted."""
    from xltool.batch import task

    source, out = tmp_path / "in", tmp_path / "out"
    path = workbook(source / "甲.xlsx", "甲局")
    whole = path.read_bytes()
    path.write_bytes(whole[:9000])
    os.utime(path, (1, 1))
    standing = task.Mark(0, 0, 0)
    monkeypatch.setattr(task, "mark", lambda path: standing)
    monkeypatch.setattr(task, "at_rest", lambda paths: (standing,))
    content_mark = task.content_mark

    def meanwhile(item, data=None):
        path.write_bytes(whole)
        return content_mark(item, data)

    monkeypatch.setattr(task, "content_mark", meanwhile)
    night(source, out)
    monkeypatch.undo()
    night(source, out)
    assert units(out) == ["甲局"]
    assert "R101" not in {f["code"] for one in report(out)["files"] for f in one["findings"]}


def test_a_book_that_changes_while_it_is_read_is_begun_anew(tmp_path, monkeypatch):
    from xltool.batch import task

    source, out = tmp_path / "in", tmp_path / "out"
    folder = book(source / "书", "甲局", "乙局")
    later = book(tmp_path / "later", "丙局", "丁局")
    paths, calls = task._paths, []

    def listed(item):
        calls.append(item)
        return paths(item)

    mark_of, changed = task.content_mark, []

    def meanwhile(item, data=None):
        found = mark_of(item, data)
        if not changed:
            changed.append(True)
            for file in later.iterdir():
                shutil.copy(file, folder / file.name)
        return found

    monkeypatch.setattr(task, "_paths", listed)
    monkeypatch.setattr(task, "content_mark", meanwhile)
    night(source, out)
    assert len(calls) == 2
    assert units(out) == ["丁局", "丙局"]
    assert night(source, out).skipped == 1


# Edited results


def edited_by_someone(path: Path, unit: str) -> bytes:
    data = render(named(unit))
    path.write_bytes(data)
    return data


@pytest.mark.parametrize("change", ["settings", "version", "fresh", "nothing"])
def test_an_edited_result_is_kept_said_and_judged_again(source, out, tmp_path, monkeypatch, change):
    edits = {
        "城区/甲局.xlsx": edited_by_someone(out / "城区/甲局.xlsx", "改过的局"),
        "丙镇.xlsx": edited_by_someone(out / "丙镇.xlsx", "改过的镇"),
    }
    more: dict = {}
    if change == "settings":
        (tmp_path / "s.toml").write_text("long_text_min = 20\n", "utf-8")
        more = {"settings": str(tmp_path / "s.toml")}
    elif change == "version":
        monkeypatch.setattr(xltool, "__version__", "9.9")
    elif change == "fresh":
        more = {"fresh": True}
    summary = night(source, out, **more)
    assert {key for key, _ in summary.notes} == {"城区.json", "丙镇.xlsx"}
    for name, data in edits.items():
        assert (out / name).read_bytes() == data
    assert units(out) == ["乙局", "改过的局", "改过的镇"]
    assert len(results(out)) == 3
    said = [f for one in report(out)["files"] for f in one["findings"] if f["code"] == "B202"]
    assert len(said) == 2
    # Once it was judged it is skipped like any other, until it is edited again.
    assert night(source, out, **{k: v for k, v in more.items() if k != "fresh"}).skipped == 2
    assert units(out) == ["乙局", "改过的局", "改过的镇"]
    edited_by_someone(out / "丙镇.xlsx", "又改了")
    night(source, out, **{k: v for k, v in more.items() if k != "fresh"})
    assert units(out) == ["乙局", "又改了", "改过的局"]


def test_a_changed_input_is_written_beside_the_edited_result(source, out):
    mine = edited_by_someone(out / "丙镇.xlsx", "改过的镇")
    workbook(source / "丙镇.xlsx", "丁镇")
    for _ in range(2):
        night(source, out)
        assert (out / "丙镇.xlsx").read_bytes() == mine
        assert xltool.read(out / "丙镇(2).xlsx").unit == "丁镇"
        assert units(out) == ["丁镇", "乙局", "甲局"]
    # The next change goes to where the last one went.
    workbook(source / "丙镇.xlsx", "戊镇")
    night(source, out)
    assert (out / "丙镇.xlsx").read_bytes() == mine
    assert xltool.read(out / "丙镇(2).xlsx").unit == "戊镇"
    assert len(results(out)) == 4


def test_the_edited_result_of_a_unit_that_is_gone_stays(source, out):
    mine = edited_by_someone(out / "城区/甲局.xlsx", "改过的局")
    book(source / "城区.json", "乙局")
    summary = night(source, out)
    assert (out / "城区/甲局.xlsx").read_bytes() == mine
    assert any("留着" in note for _, note in summary.notes)


def test_remarks_written_into_a_report_are_not_lost(source, out):
    (out / "report.xlsx").write_bytes(b"with my remarks")
    night(source, out)
    [aside] = [p for p in out.glob("report.*.xlsx") if p.name != "report.xlsx"]
    assert aside.read_bytes() == b"with my remarks"
    assert len(list(out.glob("report.*"))) == 4
    night(source, out)
    assert aside.read_bytes() == b"with my remarks"


def test_a_killed_run_leaves_nothing_that_looks_like_anothers(source, out):
    """Killed after it wrote a result and before the journal knew of it;
    meanwhile the input changed."""
    workbook(source / "丙镇.xlsx", "丁镇")

    class Killed(BaseException):
        pass

    class Dying(Inline):
        def results(self, jobs, order):
            for item, outcome in super().results(jobs, order):
                if item.key == "丙镇.xlsx":
                    raise Killed
                yield item, outcome

    with pytest.raises(Killed):
        run(source, out, crew=Dying())
    assert xltool.read(out / "丙镇.xlsx").unit == "丁镇"
    assert [name for name, *_ in announced(out / STATE)] == ["丙镇.xlsx"]
    workbook(source / "丙镇.xlsx", "戊镇")
    night(source, out)
    assert len(results(out)) == 3
    assert xltool.read(out / "丙镇.xlsx").unit == "戊镇"
    assert not list(announced(out / STATE))


def test_a_first_run_killed_before_its_journal_knew_anything(source, tmp_path):
    out = tmp_path / "out"

    class Dying(Inline):
        def results(self, jobs, order):
            while job := jobs.take():
                perform(*job, order)
            raise KeyboardInterrupt
            yield

    assert run(source, out, crew=Dying()).interrupted
    assert len(results(out)) == 3
    workbook(source / "丙镇.xlsx", "丁镇")
    night(source, out)
    assert len(results(out)) == 3
    assert xltool.read(out / "丙镇.xlsx").unit == "丁镇"


def test_a_result_of_a_killed_run_is_not_taken_for_what_the_input_was_before(source, out):
    """甲 was done; 乙 was written, and the run killed; then 甲 came back."""
    first = (source / "丙镇.xlsx").read_bytes()
    workbook(source / "丙镇.xlsx", "丁镇")

    class Dying(Inline):
        def results(self, jobs, order):
            for item, outcome in super().results(jobs, order):
                if item.key == "丙镇.xlsx":
                    raise KeyboardInterrupt
                yield item, outcome

    assert run(source, out, crew=Dying()).interrupted
    (source / "丙镇.xlsx").write_bytes(first)
    night(source, out)
    assert (out / "丙镇.xlsx").read_bytes() == first
    assert units(out) == ["丙镇", "乙局", "甲局"]


def test_what_a_worker_wrote_before_it_was_ended_is_known_as_ours(source, out):
    workbook(source / "丙镇.xlsx", "丁镇")

    class Ended(Inline):
        """The worker wrote its result, and was ended for taking too long."""

        def results(self, jobs, order):
            from xltool.batch.task import Outcome

            for item, outcome in super().results(jobs, order):
                late = item.key == "丙镇.xlsx"
                yield item, Outcome(item.key, failed="超过 60 秒") if late else outcome

    assert run(source, out, crew=Ended()).failed
    workbook(source / "丙镇.xlsx", "戊镇")
    night(source, out)
    assert xltool.read(out / "丙镇.xlsx").unit == "戊镇"
    assert len(results(out)) == 3


# What an operator meets


def test_an_empty_in_after_a_full_one_is_a_share_that_is_not_mounted(source, out):
    for path in source.iterdir():
        path.unlink()
    before = everything(out)
    with pytest.raises(XltoolError, match="--allow-empty"):
        night(source, out)
    assert everything(out) == before
    summary = night(source, out, wishes=RunWishes(allow_empty=True))
    assert len(results(out)) == 3
    assert sorted(summary.gone) == ["丙镇.xlsx", "城区/乙局.xlsx", "城区/甲局.xlsx"]
    assert report(out)["files"] == []


def test_results_of_inputs_that_are_gone_are_listed_and_go_when_asked(source, out):
    (source / "丙镇.xlsx").rename(source / "丙乡.xlsx")
    (source / "城区.json").unlink()
    edited_by_someone(out / "城区/乙局.xlsx", "改过的局")
    for _ in range(2):
        summary = night(source, out)
        assert summary.gone == ["丙镇.xlsx", "城区/乙局.xlsx", "城区/甲局.xlsx"]
        assert len(results(out)) == 4
    assert units(out) == ["丙镇"]
    summary = night(source, out, wishes=RunWishes(prune=True))
    assert results(out).keys() == {"丙乡.xlsx", "城区/乙局.xlsx"}
    assert night(source, out, wishes=RunWishes(prune=True)).gone == []


def test_pruned_is_what_was_removed_and_nothing_else(source, out, monkeypatch):
    shutil.copy(workbook(source.parent / "改了.xlsx", "改了"), out / "城区" / "甲局.xlsx")
    workbook(source / "戊镇.xlsx", "戊镇")
    night(source, out)
    for name in ("城区.json", "丙镇.xlsx"):
        (source / name).unlink()

    def barred(folder, inner):
        raise XltoolError("没有权限")

    with monkeypatch.context() as patch:
        patch.setattr("xltool.batch.storage.Disk.remove", barred)
        summary = night(source, out, wishes=RunWishes(prune=True))
        assert (summary.gone, summary.pruned) == ([], 0)
    summary = night(source, out, wishes=RunWishes(prune=True))
    # The edited one was said to stay last night, and is none of ours since.
    assert summary.gone == ["丙镇.xlsx", "城区/乙局.xlsx"]
    assert (summary.pruned, summary.notes) == (2, [])
    assert sorted(results(out)) == ["城区/甲局.xlsx", "戊镇.xlsx"]


def test_what_is_said_of_the_whole_run_is_said_to_everyone(source, out, tmp_path):
    earlier = tmp_path / "上年"
    workbook(earlier / "甲.xlsx", "甲局")
    (earlier / "坏.xlsx").write_bytes(b"no workbook")
    log = tmp_path / "夜.log"
    ask = (source, out, "-j", "1", "--quiet", "--last-year", earlier, "--log-file", log)
    for said in (called(*ask).stderr, log.read_text("utf-8")):
        assert said.count("上一年的申报读不了") == 1
    with (out / "report.html").open("a") as page:
        page.write("批注")
    said = called(source, out, "-j", "1").stderr
    assert said.count("原来的报告有人改过") == 1


def test_out_inside_in_is_seen_through_any_spelling(source, tmp_path):
    (tmp_path / "link").symlink_to(source)
    for one, other in (
        (source, f"file://{source}/out"),
        (f"file://{source}", source / "out"),
        (tmp_path / "link", source / "out"),
        (source, tmp_path / "link" / "out"),
        ("memory://in", "memory:///in/out"),
    ):
        with pytest.raises(XltoolError, match="文件夹"):
            night(one, other)
    assert not (source / "out").exists()


def test_the_reports_of_a_result_folder_are_no_inputs(out, tmp_path):
    night(out, tmp_path / "again")
    files = {one["file"] for one in report(tmp_path / "again")["files"]}
    assert files == {"丙镇.xlsx", "城区/甲局.xlsx", "城区/乙局.xlsx"}


class Barred:
    """A folder that can't be looked into, even by root."""

    def __init__(self, monkeypatch, folder: Path):
        scan = os.scandir

        def scandir(path):
            if not isinstance(path, int) and Path(path) == folder:
                raise PermissionError(13, "Permission denied", str(path))
            return scan(path)

        monkeypatch.setattr(os, "scandir", scandir)


def test_an_unreadable_folder_costs_only_what_is_in_it(source, out, monkeypatch):
    workbook(source / "乡镇" / "丁镇.xlsx", "丁镇")
    (source / "lost+found").mkdir()
    night(source, out)
    Barred(monkeypatch, source / "乡镇")
    summary = night(source, out, wishes=RunWishes(prune=True))
    [(key, reason)] = summary.failed
    assert key == "乡镇" and "没有权限" in reason
    assert summary.gone == []
    assert (out / "乡镇/丁镇.xlsx").exists()
    assert "丁镇" in units(out)


def test_a_pipe_is_no_input(source, tmp_path):
    os.mkfifo(source / "管道.xlsx")
    os.mkfifo(source / "管道.json")
    assert [item.key for item in walk(place(source))] == ["丙镇.xlsx", "城区.json"]


def test_only_what_failed_is_done_again(source, out):
    from xltool.batch.task import Outcome

    class Half(Inline):
        def results(self, jobs, order):
            while job := jobs.take():
                failed = Outcome(job[0].key, failed="读不了")
                yield job[0], failed if job[0].key == "丙镇.xlsx" else perform(*job, order)

    assert run(source, out, crew=Half()).failed
    workbook(source / "新来的.xlsx", "新局")
    seen = []
    run(
        source,
        out,
        crew=Inline(lambda item: seen.append(item.key)),
        wishes=RunWishes(only_failed=True),
    )
    assert seen == ["丙镇.xlsx"]
    assert units(out) == ["丙镇", "乙局", "甲局"]


class KilledAt(Inline):
    """Is killed when an input's first workbooks are written, before anybody is told."""

    def __init__(self, key):
        self.key = key

    def results(self, jobs, order):
        while job := jobs.take():
            outcome = perform(*job, order)
            if outcome.outputs and job[0].input == self.key and not outcome.parts:
                raise SystemExit
            yield job[0], outcome


@pytest.mark.parametrize("how", ["unreadable", "spoilt", "barred"])
def test_a_book_that_grew_in_a_killed_run_and_then_fails_keeps_its_files(
    source, out, monkeypatch, how
):
    monkeypatch.setattr("xltool.batch.book_parts.PART", 1)
    grown = source / "乡镇" / "书.json"
    grown.parent.mkdir()
    write_databook([replace(named(f"第{n}局"), code=f"00{n}") for n in range(2)], grown)
    night(source, out)
    book(grown, *(f"第{n}局" for n in range(5)))
    with pytest.raises(SystemExit):
        run(source, out, crew=KilledAt("乡镇/书.json"))
    if how == "barred":
        Barred(monkeypatch, source / "乡镇")
    elif how == "spoilt":
        grown.write_bytes(b"{")
    else:
        grown.unlink()
        grown.symlink_to("nowhere")
    before = results(out)
    summary = night(source, out, wishes=RunWishes(prune=True))
    assert summary.gone == []
    assert results(out) == before


@pytest.mark.parametrize("part", [2, 100])
def test_what_a_killed_run_wrote_for_an_input_is_not_gone_to_the_next(
    source, out, monkeypatch, part
):
    monkeypatch.setattr("xltool.batch.book_parts.PART", part)

    book(source / "新书.json", *(f"第{n}局" for n in range(5)))
    with pytest.raises(SystemExit):
        run(source, out, crew=KilledAt("新书.json"))
    assert list((out / "新书").iterdir())
    summary = night(source, out, wishes=RunWishes(only_failed=True, prune=True))
    assert summary.gone == []
    assert list((out / "新书").iterdir())
    assert night(source, out).done == 1
    assert len(list((out / "新书").iterdir())) == 5


@pytest.mark.parametrize("dry", [True, False])
def test_only_failed_needs_a_run_before(source, tmp_path, dry):
    with pytest.raises(XltoolError, match="没有上次的记录"):
        night(source, tmp_path / "out", wishes=RunWishes(only_failed=True, dry=dry))
    assert not list(tmp_path.glob("out/report*"))


def test_only_failed_does_what_lay_in_a_folder_that_could_not_be_read(source, out, monkeypatch):
    workbook(source / "乡镇" / "东片" / "戊镇.xlsx", "戊镇")
    with monkeypatch.context() as patch:
        Barred(patch, source / "乡镇")
        [(key, _)] = night(source, out).failed
        assert key == "乡镇"
    summary = night(source, out, wishes=RunWishes(only_failed=True))
    assert (summary.done, summary.failed) == (1, [])
    assert units(out) == ["丙镇", "乙局", "戊镇", "甲局"]


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(source, out, tmp_path):
    workbook(source / "丙镇.xlsx", "丁镇")
    workbook(source / "新来的.xlsx", "新局")
    before = everything(out)
    events = []
    summary = night(source, out, wishes=RunWishes(dry=True), notice=events.append)
    assert (summary.done, summary.skipped) == (2, 1)
    assert {(e["event"], e["file"]) for e in events} == {
        ("would do", "丙镇.xlsx"), ("would do", "新来的.xlsx"), ("skipped", "城区.json"),
    }  # fmt: skip
    assert everything(out) == before
    assert night(source, tmp_path / "never", wishes=RunWishes(dry=True)).done == 3
    assert not (tmp_path / "never").exists()
    assert night(source, out).done == 2


def test_a_dry_run_takes_no_input_that_is_there_for_gone(source, out, monkeypatch):
    workbook(source / "丙镇.xlsx", "丁镇")
    workbook(source / "乡镇" / "戊镇.xlsx", "戊镇")
    night(source, out)
    workbook(source / "丙镇.xlsx", "己镇")
    Barred(monkeypatch, source / "乡镇")
    (source / "城区.json").unlink()
    (source / "城区.json").symlink_to("nowhere")
    dry = night(source, out, wishes=RunWishes(dry=True))
    real = night(source, out)
    assert dry.gone == real.gone == []
    assert (
        {key for key, _ in dry.failed} == {key for key, _ in real.failed} == {"城区.json", "乡镇"}
    )
    assert (dry.done, dry.skipped) == (real.done, real.skipped) == (1, 0)


def test_a_dry_run_knows_who_takes_a_name_over(source, out):
    (source / "城区.json").unlink()
    workbook(source / "城区" / "甲局.xlsx", "甲局")
    dry = night(source, out, wishes=RunWishes(dry=True))
    assert dry.gone == night(source, out).gone == ["城区/乙局.xlsx"]


@pytest.mark.parametrize("version", [2, 999])
def test_a_dry_run_leaves_the_journal_of_another_version(source, out, version):
    journal = out / STATE / "journal.sqlite"
    with contextlib.closing(sqlite3.connect(journal)) as database:
        database.execute(f"PRAGMA user_version = {version}")
        database.commit()
    before = journal.read_bytes()
    assert night(source, out, wishes=RunWishes(dry=True)).done == 2
    assert journal.read_bytes() == before


def test_a_dry_run_on_a_terminal_names_what_would_be_done(source, tmp_path):
    import pty

    parent, child = pty.openpty()
    with subprocess.Popen(
        command(source, tmp_path / "out", "--dry-run"), stdout=child, stderr=child, close_fds=True
    ):
        os.close(child)
        shown = b""
        with contextlib.suppress(OSError):  # how a terminal ends
            while piece := os.read(parent, 4096):
                shown += piece
    os.close(parent)
    assert "丙镇.xlsx：要处理" in shown.decode()


def test_a_large_book_goes_on_where_out_was_moved(tmp_path, monkeypatch):
    monkeypatch.setattr("xltool.batch.book_parts.PART", 2)
    source = tmp_path / "in"
    source.mkdir()
    book(source / "大.json", *(f"第{n}局" for n in range(5)))
    assert night(source, tmp_path / "out").done == 1
    (tmp_path / "out").rename(tmp_path / "搬了的")
    summary = night(source, tmp_path / "搬了的")
    assert (summary.failed, summary.skipped) == ([], 1)
    dry = night(source, tmp_path / "搬了的", wishes=RunWishes(dry=True))
    assert (dry.failed, dry.done, dry.skipped) == ([], 0, 1)


def test_a_name_as_long_as_a_disk_takes_leaves_room_for_its_number(tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    name = "长" * 83 + ".xlsx"
    workbook(tmp_path / "a.xlsx", "甲镇")
    source.mkdir()
    (tmp_path / "a.xlsx").rename(source / name)
    assert not night(source, out).failed
    shutil.copy(workbook(tmp_path / "b.xlsx", "别人的"), out / name)
    shutil.copy(workbook(tmp_path / "c.xlsx", "乙镇"), source / name)
    assert not night(source, out).failed
    assert units(out) == ["乙镇"]
    assert xltool.read(out / name).unit == "别人的"


def test_so_many_earlier_reports_stay(source, out, monkeypatch):
    from datetime import datetime

    from xltool.batch import reports

    for hour in range(4):

        class Then(datetime):
            @classmethod
            def now(cls, tz=None, hour=hour):
                return datetime(2026, 11, 27, hour)

        monkeypatch.setattr(reports, "datetime", Then)
        night(source, out, wishes=RunWishes(keep_reports=2))
    kept = sorted(path.name for path in out.glob("*.20261127-*"))
    assert len(kept) == 8
    assert {name.split(".")[1] for name in kept} == {"20261127-020000", "20261127-030000"}
    assert (out / "report.html").exists()


def test_an_earlier_report_that_someone_changed_stays_when_its_set_goes(source, out):
    wishes = RunWishes(keep_reports=1)
    night(source, out, wishes=wishes)
    [page] = out.glob("report.*.html")
    page.write_text("我的批注")
    [book_file] = out.glob("report.*.xlsx")
    book_file.unlink()
    book_file.mkdir()
    summary = night(source, out, wishes=wishes)
    assert page.read_text() == "我的批注"
    assert book_file.is_dir()
    assert {name for name, note in summary.notes if "留着" in note} == {page.name, book_file.name}
    assert len(list(out.glob("report.*.json"))) == 1
    assert night(source, out, wishes=wishes).notes == []


def test_a_report_that_cannot_be_read_gives_way(source, out, monkeypatch):
    from xltool.batch import reports

    seal_of = reports._seal

    def barred(file):
        if file == out / "report.html":
            raise PermissionError(13, "Permission denied", str(file))
        return seal_of(file)

    monkeypatch.setattr(reports, "_seal", barred)
    os.utime(out / "report.html", (1, 1))
    [(name, note)] = night(source, out).notes
    assert "留着" in note and (out / name).exists()
    assert (out / "report.html").exists()


@pytest.mark.parametrize("room", [0, 60_000, 180_000])
def test_a_disk_that_is_full_when_the_reports_are_written_loses_nothing(source, tmp_path, room):
    with mounted(tmp_path / "小盘", "size=2m") as disk:
        out = disk / "结果"
        assert called(source, out, "-j", "1").returncode == 1
        before = everything(out)
        filler = disk / "别的"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        # Room for the journal and the new workbook; not for the reports, which are written aside
        # first.
        os.truncate(filler, filler.stat().st_size - room)
        workbook(source / "新来的.xlsx", "新局")
        result = called(source, out, "-j", "1")
        assert result.returncode == 2
        assert "Traceback" not in result.stderr
        now = everything(out)
        assert {name: now[name] for name in before} == before
        filler.unlink()
        assert called(source, out, "-j", "1").returncode == 1
        assert units(out) == ["丙镇", "乙局", "新局", "甲局"]
        assert not list(out.rglob("*.tmp"))


def called(*arguments: object) -> subprocess.CompletedProcess[str]:
    import sys

    return subprocess.run(
        [sys.executable, "-m", "xltool", "batch", *map(str, arguments)],
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip


def test_exit_codes(source, tmp_path):
    out = tmp_path / "out"
    assert called(source, out, "-j", "1").returncode == 1
    (source / "断了.xlsx").symlink_to(tmp_path / "nowhere")
    result = called(source, out, "-j", "1")
    assert result.returncode == 3
    whole = result.stdout + result.stderr
    assert whole.count("断了.xlsx") == 1, "said once under 2>&1"
    quiet = called(source, out, "-j", "1", "--quiet")
    assert quiet.stdout == "" and quiet.stderr.count("\n") == 1
    assert called(source, out, "--edition", "none").returncode == 2


def test_a_start_that_fails_is_json_too(source, tmp_path):
    for more in (
        ["--timeout", "nan"], ["--edition", "none"], ["--memory", "-1"], ["-j", "0"], ["-j", "两"],
        ["--no-such"], ["--last-year", "nowhere"],
    ):  # fmt: skip
        result = CliRunner().invoke(_command(), [str(source), str(tmp_path / "o"), "--json", *more])
        [event] = [json.loads(line) for line in result.output.splitlines()]
        assert event["event"] == "error" and event["reason"] and event["run"]
        assert not (tmp_path / "o").exists()


def _command():
    from xltool.cli.batch import batch

    return batch


@pytest.mark.parametrize(
    ("error", "words"),
    [(KeyboardInterrupt(), "已中断"), (OSError(24, "Too many open files"), "打开的文件太多")],
)
def test_what_ends_a_run_while_the_reports_are_written_is_json_too(
    source, tmp_path, monkeypatch, error, words
):
    def stopped(*_, **__):
        raise error

    monkeypatch.setattr("xltool.batch.reports.write_all", stopped)
    log = tmp_path / "夜.log"
    arguments = [str(source), str(tmp_path / "out"), "-j", "1", "--json", "--log-file", str(log)]
    result = CliRunner().invoke(_command(), arguments, standalone_mode=False)
    assert result.return_value == 2
    last = json.loads(result.output.splitlines()[-1])
    assert last["event"] == "error" and words in last["reason"]
    assert words in log.read_text("utf-8")


def test_the_log_has_times_and_the_run_and_so_have_the_events(source, tmp_path):
    log = tmp_path / "logs" / "夜.log"
    first = called(source, tmp_path / "out", "-j", "1", "--json", "--log-file", log)
    events = [json.loads(line) for line in first.stdout.splitlines()]
    assert [e["event"] for e in events] == ["start", "done", "done", "summary"]
    [run_id] = {e["run"] for e in events}
    assert all(e["time"] for e in events)
    outputs = [name for e in events if e["event"] == "done" for name in e["outputs"]]
    assert sorted(outputs) == ["丙镇.xlsx", "城区/乙局.xlsx", "城区/甲局.xlsx"]
    lines = log.read_text("utf-8").splitlines()
    assert all(run_id in line for line in lines)
    assert called(source, tmp_path / "out", "-j", "1", "--log-file", log).returncode == 1
    assert len(log.read_text("utf-8").splitlines()) > len(lines)


def test_a_log_that_cannot_be_written_on_does_not_end_the_night(source, tmp_path):
    result = called(source, tmp_path / "out", "-j", "1", "--quiet", "--log-file", "/dev/full")
    assert result.returncode == 1
    [line] = result.stderr.splitlines()
    assert "日志写不下去了" in line
    assert units(tmp_path / "out") == ["丙镇", "乙局", "甲局"]


@pytest.mark.parametrize("more", ["", "--json"])
@pytest.mark.parametrize("ending", ["| head -c 1", ">/dev/full", ">&-", "2>&-", ">&- 2>&-"])
def test_a_run_is_done_though_nobody_listens(source, tmp_path, ending, more):
    script = f"set -o pipefail; {shlex.join([*command(source, tmp_path / 'out')])} {more} {ending}"
    result = subprocess.run(["bash", "-c", script], capture_output=True, check=False)
    assert result.returncode == 1, result.stderr
    assert units(tmp_path / "out") == ["丙镇", "乙局", "甲局"]


@pytest.mark.parametrize("name", ["", "城区.json", "部门.csv", "丙镇.xlsx/夜.log"])
def test_no_log_is_written_into_an_input_or_a_folder(source, tmp_path, name):
    before = everything(source)
    result = called(source, tmp_path / "out", "--json", "--log-file", source / name)
    assert (result.returncode, result.stderr) == (2, "")
    [event] = [json.loads(line) for line in result.stdout.splitlines()]
    assert event["event"] == "error" and "日志" in event["reason"]
    assert everything(source) == before


@pytest.mark.parametrize("locale", ["C", "en_US.ISO-8859-1", "POSIX"])
def test_a_machine_of_another_locale_writes_the_same_names(source, tmp_path, locale):
    environment = {
        **{k: v for k, v in os.environ.items() if k != "PYTHONUTF8" and not k.startswith("LC_")},
        "LC_ALL": locale, "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0",
    }  # fmt: skip
    result = subprocess.run(
        command(source, tmp_path / "out"), env=environment, capture_output=True, check=False
    )
    assert result.returncode == 1, result.stderr
    assert (tmp_path / "out" / "城区" / "甲局.xlsx").exists()
    assert units(tmp_path / "out") == ["丙镇", "乙局", "甲局"]


def test_a_smaller_limit_of_the_system_holds(source, tmp_path):
    words = command(source, tmp_path / "out", "--memory", "4000")
    script = f"ulimit -v 900000; exec {shlex.join(words)}"
    result = subprocess.run(
        ["bash", "-c", script], capture_output=True, encoding="utf-8", check=False
    )
    assert result.returncode == 1, result.stdout + result.stderr
    assert units(tmp_path / "out") == ["丙镇", "乙局", "甲局"]


def test_workers_end_with_a_run_that_is_killed(source, tmp_path):
    for n in range(50):
        workbook(source / f"更多{n}.xlsx", f"单位{n}")
    with subprocess.Popen(
        command(source, tmp_path / "out"), stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        process.stdout.readline()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        if not children.exists():
            pytest.skip("this system does not list a process's children")
        workers = [Path("/proc", pid) for pid in children.read_text().split()]
        process.kill()
    assert workers
    for _ in range(100):
        left = [w for w in workers if w.exists() and "Z" not in _state(w)]
        if not left:
            break
        time.sleep(0.1)
    assert left == []


def _state(process: Path) -> str:
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def test_the_journal_says_of_which_in_it_is(out, source):
    journal = Journal(out / ".xltool", 1)
    assert str(source) in journal.about("source")
    journal.close()


def _folder(path: Path) -> None:
    path.mkdir(parents=True)
    (path / "别的.txt").write_text("别的", "utf-8")


def _pipe(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)


def _dead_link(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(path.parent / "没有挂上" / "甲.xlsx")


@pytest.mark.parametrize("put", [_folder, _pipe, _dead_link])
@pytest.mark.parametrize("when", ["before the first night", "after it"])
def test_what_is_no_file_stays_in_the_place_of_a_result(tmp_path, put, when):
    source, out = tmp_path / "in", tmp_path / "out"
    workbook(source / "甲.xlsx", "甲局")
    if when == "after it":
        night(source, out)
        (out / "甲.xlsx").unlink()
    put(out / "甲.xlsx")
    for done in (1, 0):
        summary = night(source, out)
        assert (summary.done, summary.failed) == (done, [])
        assert (out / "甲(2).xlsx").is_file() and not (out / "甲.xlsx").is_file()
    assert night(source, out, wishes=RunWishes(prune=True)).pruned == 0
    assert os.path.lexists(out / "甲.xlsx")


def test_a_folder_called_like_a_report_gives_way(tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    workbook(source / "甲.xlsx", "甲局")
    _folder(out / "report.html")
    [(moved, _)] = night(source, out).notes
    assert (out / moved / "别的.txt").exists() and (out / "report.html").is_file()
    assert night(source, out).notes == []


def test_reports_edited_twice_in_a_second_are_both_kept(source, out):
    """As where a clock was put back: no earlier one is overwritten."""
    night(source, out)
    for remark in (b"first", b"second"):
        (out / "report.xlsx").write_bytes(remark)
        night(source, out)
    assert {file.read_bytes() for file in out.glob("report.2*.xlsx")} == {b"first", b"second"}


@pytest.mark.parametrize("target", ["in/子", "in", "."])
def test_no_link_in_out_leads_into_in(tmp_path, target):
    source, out = tmp_path / "in", tmp_path / "out"
    book(source / "子" / "乙.json", "乙局")
    out.mkdir()
    (out / "子").symlink_to(tmp_path / target)
    before = everything(source)
    with pytest.raises(XltoolError, match="通向输入文件夹的链接"):
        night(source, out)
    assert everything(source) == before


def test_names_that_differ_in_composition_are_said_to(tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    for form in ("NFC", "NFD"):
        workbook(source / unicodedata.normalize(form, "é局.xlsx"), f"{form}局")
    [(_, note)] = night(source, out).notes
    assert "字符的写法" in note and "报告" not in note
    assert len(results(out)) == 2 and units(out) == ["NFC局", "NFD局"]


def test_a_journal_of_the_version_before_is_gone_on_with(source, out):
    """Its tallies knew the verdicts only: the totals are read from its records."""
    night(source, out)
    calm = report(out)
    with contextlib.closing(sqlite3.connect(out / ".xltool" / "journal.sqlite")) as journal:
        rows = journal.execute("SELECT key, verdicts FROM done").fetchall()
        known = {key: json.loads(tally) for key, tally in rows}
        for tally in known.values():
            assert tally.pop("totals") is not None
            tally.pop("findings", None), tally.pop("indicators", None)
        before = [(json.dumps(tally), key) for key, tally in known.items()]
        journal.executemany("UPDATE done SET verdicts = ? WHERE key = ?", before)
        journal.execute("PRAGMA user_version = 3")
        journal.commit()
    summary = night(source, out)
    assert (summary.done, summary.skipped) == (0, len(known))
    assert report(out) == calm
    assert summary.findings == sum(len(one["findings"]) for one in calm["files"])


def test_broken_text_in_a_result_stops_nothing(tmp_path):
    whole = render(named("甲【】局"))
    broken = repacked(whole)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.xlsx").write_bytes(broken)
    assert main(["batch", str(tmp_path / "in"), str(tmp_path / "out"), "-j", "1", "-q"]) in (0, 1)
