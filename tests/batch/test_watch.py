"""Each save of a workbook is checked exactly once, whatever way it was saved."""

import os
import queue
import shutil
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

import xltool
from tests.support.paths import TESTS
from tests.support.seed import seed_filing
from xltool.batch.watch import judge, wanted, watch
from xltool.cli.watch import line
from xltool.errors import XltoolError

WAIT = 30  # a limit for a broken watcher; nothing here depends on speed


@pytest.fixture
def workbook(tmp_path):
    """The example filled, beside the watched folder."""
    path = tmp_path / "填好.xlsx"
    xltool.fill(seed_filing(), path)
    return path


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "看着").mkdir()
    return tmp_path / "看着"


class Desk:
    """What the watcher said, one by one."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.said = folder, queue.Queue()

    def next(self):
        return self.said.get(timeout=WAIT)

    def settle(self):
        """Let everything so far be seen: a last workbook comes, and nothing came before it."""
        last = self.folder / "最后.xlsx"
        last.write_bytes(b"no workbook")
        assert self.next().path == last


@contextmanager
def watching(folder, **options):
    desk, stop, began = Desk(folder), threading.Event(), threading.Event()
    ready = folder / "开始.xlsx"

    def run():
        for one in watch(folder, stop=stop, **options):
            if one.path == ready:
                began.set()
            else:
                desk.said.put(one)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    # The operating system takes a moment until it reports changes: go on once it does.
    for number in range(WAIT):
        ready.write_bytes(b"%d" % number)
        if began.wait(1):
            break
    ready.unlink()
    try:
        yield desk
    finally:
        stop.set()
        thread.join(WAIT)
    assert not thread.is_alive()


def test_a_saved_workbook_gets_its_page(folder, workbook):
    with watching(folder) as desk:
        shutil.copy(workbook, folder / "甲.xlsx")
        one = desk.next()
        desk.settle()
    assert one.path == folder / "甲.xlsx"
    assert one.page == folder / "甲.审核结果.html"
    assert seed_filing().unit in one.page.read_text("utf-8")
    assert one.result.verdict == "error" and one.result.file == "甲.xlsx"


def test_half_a_file_waits_for_the_other_half(folder, workbook):
    data = workbook.read_bytes()
    with watching(folder) as desk:
        with (folder / "甲.xlsx").open("wb") as file:
            file.write(data[: len(data) // 2])
            file.flush()
            time.sleep(1.5)  # longer than a save is left alone
            assert desk.said.empty()
            file.write(data[len(data) // 2 :])
        one = desk.next()
        desk.settle()
    assert one.result.unit == seed_filing().unit


def test_saving_by_renaming_as_excel_does(folder, workbook):
    goal = folder / "甲.xlsx"
    shutil.copy(workbook, goal)
    with watching(folder) as desk:
        (folder / "~$甲.xlsx").write_bytes(b"owner")
        shutil.copy(workbook, folder / "5F2A1000")
        goal.rename(folder / "8B3C2000.tmp")
        (folder / "5F2A1000").rename(goal)
        (folder / "8B3C2000.tmp").unlink()
        (folder / "~$甲.xlsx").unlink()
        assert desk.next().path == goal
        desk.settle()


def test_saving_twice_is_checked_twice_and_reading_is_no_save(folder, workbook):
    goal = folder / "甲.xlsx"
    with watching(folder) as desk:
        for _ in range(2):
            shutil.copy(workbook, goal)
            assert desk.next().path == goal
        goal.read_bytes()
        goal.chmod(0o644)
        desk.settle()


def test_lock_files_pages_and_hidden_folders_are_left_alone(folder, workbook):
    with watching(folder) as desk:
        for name in (
            "~$甲.xlsx",
            ".~lock.甲.xlsx#",
            ".~甲.xlsx",
            "lu123.tmp",
            "甲.html",
            ".xltool-1.tmp",
        ):
            (folder / name).write_bytes(workbook.read_bytes())
        (folder / ".git").mkdir()
        shutil.copy(workbook, folder / ".git" / "甲.xlsx")
        desk.settle()
    assert not list(folder.glob("*审核结果*")) or [p.name for p in folder.glob("*审核结果*")] == [
        "开始.审核结果.html", "最后.审核结果.html",
    ]  # fmt: skip


def test_a_pipe_is_left_alone_and_the_watch_goes_on(folder, workbook):
    with watching(folder) as desk:
        os.mkfifo(folder / "管道.xlsx")
        time.sleep(1)  # longer than a save is left alone
        shutil.copy(workbook, folder / "甲.xlsx")
        assert desk.next().path == folder / "甲.xlsx"
        desk.settle()


def test_a_workbook_deleted_again_is_forgotten(folder, workbook):
    with watching(folder) as desk:
        shutil.copy(workbook, folder / "甲.xlsx")
        (folder / "甲.xlsx").unlink()
        desk.settle()


def test_subfolders_and_what_was_there_before(folder, workbook):
    (folder / "乙县").mkdir()
    shutil.copy(workbook, folder / "乙县" / "旧.xlsx")
    with watching(folder, existing=True) as desk:
        assert desk.next().page == folder / "乙县" / "旧.审核结果.html"
        desk.settle()


def test_a_network_drive_is_looked_at_again_and_again(folder, workbook):
    with watching(folder, polling=True) as desk:
        shutil.copy(workbook, folder / "甲.xlsx")
        assert desk.next().result.unit == seed_filing().unit


def test_other_peoples_workbooks_get_a_line_and_no_page(folder):
    import xlsxwriter

    path = folder / "通讯录.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("通讯录").write_string(0, 0, "电话")
    one = judge(path)
    assert "不是申报工作簿" in line(one, folder)
    assert [p.name for p in folder.iterdir()] == ["通讯录.xlsx"]


def test_a_page_that_cannot_be_written_is_a_line(folder, workbook):
    shutil.copy(workbook, folder / "甲.xlsx")
    (folder / "甲.审核结果.html").mkdir()
    one = judge(folder / "甲.xlsx")
    assert one.page is None and "写不了" in line(one, folder)


def test_one_line_says_it_all(folder, workbook):
    shutil.copy(workbook, folder / "甲.xlsx")
    said = line(judge(folder / "甲.xlsx"), folder)
    assert "\n" not in said
    assert (
        "甲.xlsx：有错误（错误 " in said
        and "经非税项目调节后平衡" in said
        and "甲.审核结果.html" in said
    )


def test_a_file_name_does_not_steer_the_terminal(folder, workbook):
    path = folder / "\x1b[2J甲\n乙.xlsx"
    shutil.copy(workbook, path)
    said = line(judge(path), folder)
    assert "\x1b" not in said and "\n" not in said


def test_names(folder):
    assert wanted(folder, folder / "县" / "甲.XLSX")
    assert not wanted(folder, folder / "县" / "~$甲.xlsx")
    assert not wanted(folder, folder / "甲.csv")


@pytest.mark.parametrize("polling", [False, True])
@pytest.mark.parametrize("other", [True, False], ids=["another", "the same"])
def test_a_folder_that_goes_and_comes_back_is_watched_on(folder, workbook, polling, other):
    shutil.copy(workbook, folder / "早有的.xlsx")
    with watching(folder, polling=polling) as desk:
        shutil.copy(workbook, folder / "甲.xlsx")
        assert desk.next().path == folder / "甲.xlsx"
        away = folder.rename(folder.with_name("挪走"))
        gone = desk.next()
        assert gone.path == folder and "不见了" in gone.problem
        assert line(gone, folder).split(" ", 1)[1].startswith("看着：文件夹不见了")
        shutil.copy(workbook, away / "乙.xlsx")
        if other:
            # As of a slow disk: the folder is there before its files are.
            folder.mkdir()
            time.sleep(1)
            (folder / "甲.xlsx").write_bytes(b"PK")
            shutil.copytree(away, folder, dirs_exist_ok=True)
        else:
            away.rename(folder)
        assert "回来了" in desk.next().problem
        assert desk.next().path == folder / "乙.xlsx"
        shutil.copy(workbook, folder / "丙.xlsx")
        assert desk.next().path == folder / "丙.xlsx"
        desk.settle()


def test_another_folder_in_its_place_is_watched(folder, workbook):
    with watching(folder) as desk:
        folder.rename(folder.with_name("挪走"))
        folder.mkdir()
        shutil.copy(workbook, folder / "甲.xlsx")
        while (said := desk.next()).path == folder:
            pass
        assert said.path == folder / "甲.xlsx"


def test_no_such_folder_is_one_line(tmp_path):
    with pytest.raises(XltoolError, match="没有这个文件夹"):
        next(watch(tmp_path / "没有"))


def test_the_command_ends_in_good_order(folder, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr("xltool.batch.watch.watch", interrupted)
    from xltool.cli.watch import watch as command

    result = CliRunner().invoke(command, [str(folder)])
    assert result.exit_code == 0 and "已结束" in result.output


@pytest.fixture
def saver(workbook, folder, tmp_path):
    """A LibreOffice that has the workbook open and saves it when told."""
    python = shutil.which("python3", path="/usr/bin")
    if shutil.which("soffice") is None or python is None:
        pytest.skip("LibreOffice (soffice, python3-uno) is not installed")
    shutil.copy(workbook, folder / "甲.xlsx")
    script = TESTS / "support" / "lo_saver.py"
    with subprocess.Popen(
        [python, str(script), str(folder / "甲.xlsx"), str(tmp_path / "profile")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "ready\n"
        yield process
        process.stdin.close()


@pytest.mark.xdist_group("soffice")
def test_twenty_saves_by_a_live_libreoffice_are_checked_once_each(saver, folder):
    place = xltool.read(folder / "甲.xlsx").department["total"].place
    with watching(folder) as desk:
        for number in range(1, 21):
            saver.stdin.write(f"{place.sheet} {place.cell} {1000 + number}\n")
            saver.stdin.flush()
            assert saver.stdout.readline() == "saved\n"
            one = desk.next()
            assert one.path == folder / "甲.xlsx" and one.result is not None, one.problem
            # The page shows what this very save holds.
            assert one.result.total == str(1000 + number)
            assert f'"{1000 + number}"' in one.page.read_text("utf-8")
        desk.settle()
