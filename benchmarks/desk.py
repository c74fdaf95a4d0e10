"""`python -m benchmarks.desk`: the buttons in a live LibreOffice. How long a full check of 1 + 5
forms takes from the click to the results sheet, the helper being warm and a click starting it anew;
and two processes that press at once, so many times.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import click
import psutil
from msgspec.structs import replace

from tests.support.calc.engine import CountedApp
from tests.support.calc.office import Office
from tests.support.paths import ROOT
from tests.support.seed import seed_filing
from xltool import fill
from xltool.excel.hosts.libreoffice.engine import Engine, LiveBook
from xltool.model import Filing, Form
from xltool.results_sheet.table import RESULTS_SHEET


@click.command()
@click.option("--rounds", default=10, show_default=True, help="Full checks that are timed.")
@click.option("--pairs", default=50, show_default=True, help="How often two press at once.")
def main(rounds: int, pairs: int) -> None:
    """Measure the buttons in a live LibreOffice of its own."""
    with tempfile.TemporaryDirectory(prefix="xltool-desk-") as folder:
        os.environ["APPDATA"] = folder  # locks, steps to undo and the log stay in there
        with Office() as office:
            app = connect(office)
            book = app.books.open(str(fill(six_forms(), Path(folder) / "六张.xlsx")))
            timed(app, rounds)
            at_once(office, book, pairs)


def connect(office: Office) -> CountedApp:
    import xlwings as xw

    app = CountedApp(office)
    xw.engines.add(xw.Engine(impl=Engine(app)))
    xw.engines["libreoffice"].activate()
    return app


def six_forms() -> Filing:
    """The example with five projects; every one of them has its findings."""
    filing = seed_filing()
    [project] = filing.projects
    return replace(filing, projects=tuple(named(project, f"项目{n}") for n in range(1, 6)))


def named(form: Form, name: str) -> Form:
    entry = form.entries["project"]
    return replace(form, entries={**form.entries, "project": replace(entry, value=name, text=name)})


def timed(app: CountedApp, rounds: int) -> None:
    """Full checks, each of a workbook without any marks."""
    from xltool.excel.ribbon import press

    clock, work = [], []
    for _ in range(rounds + 1):
        app.calls.clear()
        began, spent = time.perf_counter(), processor_time(app.office)
        press("check_all")
        clock.append(time.perf_counter() - began)
        work.append(processor_time(app.office) - spent)
        calls = len(app.calls)
        press("clear_marks")
    print(f"全审 1 + 5 张表，{rounds} 次，每次调用 {calls} 次，负载 {os.getloadavg()[0]:.1f}")
    print(f"  第一次 {clock[0]:.2f} s（处理器 {work[0]:.2f} s）")
    print(f"  热着的：中位数 {statistics.median(clock[1:]):.2f} s，最快 {min(clock[1:]):.2f} s；"
          f"两个进程的处理器时间 {statistics.median(work[1:]):.2f} s")  # fmt: skip


def processor_time(office: Office) -> float:
    """The seconds that the office and this process have worked,
    which say more than the clock under load."""
    started = psutil.Process(office.process.pid)
    times = [one.cpu_times() for one in (started, *started.children(recursive=True))]
    return time.process_time() + sum(one.user + one.system for one in times)


def at_once(office: Office, book: LiveBook, pairs: int) -> None:
    seen: Counter[tuple[int, ...]] = Counter()
    for _ in range(pairs):
        both = [start(office, book) for _ in range(2)]
        told = [one.communicate(timeout=300)[1].decode("utf-8", "replace") for one in both]
        codes = tuple(sorted(one.returncode for one in both))
        seen[codes] += 1
        if codes not in ((0, 0), (0, 2)):
            print(f"  退出码 {codes}：{told}")
        sheets = [name for name in book.doc.Sheets.ElementNames if RESULTS_SHEET in name]
        if sheets != [RESULTS_SHEET] or book.doc.hasControllersLocked():
            raise SystemExit(f"两个同时按以后：{sheets}，锁着：{book.doc.hasControllersLocked()}")
    print(f"两个进程同时按 {pairs} 次：都做成 {seen[0, 0]}，一个被拒 {seen[0, 2]}，"
          f"别的 {pairs - seen[0, 0] - seen[0, 2]}；每次都只有一张“{RESULTS_SHEET}”")  # fmt: skip


def start(office: Office, book: LiveBook) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-B", "-m", "xltool.excel", "check_all", "--book", book.mark]
    return subprocess.Popen(
        [*command, "--pipe", office.pipe],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


if __name__ == "__main__":
    main()
