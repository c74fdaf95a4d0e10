"""Runs of `xltool batch` over 100 to 10,000 inputs, and of a whole province: seconds a file and
memory must not grow."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.forms import documents, filings


@dataclass(frozen=True, slots=True)
class Run:
    """One run: how many inputs, worker processes, seconds by the clock and of the
    processors, memory of the parent and of the largest worker (or of who writes a report); of the
    seconds by the clock those after the last input, which the reports take."""

    kind: str
    files: int
    workers: int
    seconds: float
    cpu_seconds: float
    parent_mb: float
    worker_mb: float
    report_seconds: float


def inputs(folder: Path, kind: str, count: int) -> Path:
    """`count` data books of one unit (`fill`), as many workbooks (`check`), or one data book of as
    many units (`book`, CSV tables), no two alike."""
    from xltool.databook import write_databook
    from xltool.filling.writer import render

    folder.mkdir(parents=True)
    if kind == "book":
        write_databook(filings(count), folder / "book")
        return folder
    for n in range(97):
        (folder / f"{n:02}").mkdir()
    if kind == "check":
        for n, filing in enumerate(filings(count)):
            (folder / f"{n % 97:02}" / f"unit{n}.xlsx").write_bytes(render(filing))
    else:
        for n, text in enumerate(documents(count)):
            (folder / f"{n % 97:02}" / f"unit{n}.json").write_text(text, "utf-8")
    return folder


def growth(
    sizes: Sequence[int], workers: Sequence[int], kinds: Sequence[str], place: Path
) -> list[Run]:
    runs = []
    for kind in kinds:
        for count in sizes:
            with tempfile.TemporaryDirectory(dir=place, prefix="xltool-bench-") as folder:
                source = inputs(Path(folder) / "in", kind, count)
                runs += [batch(source, Path(folder) / f"out{n}", kind, count, n) for n in workers]
    return runs


def province(count: int) -> Iterator[Run]:
    """`count` data books of one unit filled by two workers, then all that was filled checked. Once
    each, in the temporary folder, which TMPDIR names: about 100 kB a unit."""
    with tempfile.TemporaryDirectory(prefix="xltool-bench-") as folder:
        source, filled = inputs(Path(folder) / "in", "fill", count), Path(folder) / "filled"
        yield batch(source, filled, "fill", count, 2)
        shutil.rmtree(source)
        for report in filled.glob("*.*"):  # the reports of the first run are no input of the second
            if report.is_file():
                report.unlink()
        yield batch(filled, Path(folder) / "checked", "check", count, 2)


def batch(source: Path, out: Path, kind: str, count: int, workers: int) -> Run:
    options = ["--jobs", str(workers), "--json"]
    command = [sys.executable, "-m", "xltool", "batch", str(source), str(out), *options]
    used = children_cpu()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8")
    peaks: dict[int, int] = {}
    watching = threading.Thread(target=_watch, args=(process.pid, peaks), daemon=True)
    watching.start()
    began = time.perf_counter()
    last, worked, at = "", began, began
    assert process.stdout
    for line in process.stdout:
        last, worked, at = line, at, time.perf_counter()
    process.wait()
    seconds = time.perf_counter() - began
    summary = json.loads(last)
    done = sum(summary["verdicts"].values())
    if done != count or summary["failed"]:
        raise RuntimeError(f"{done} of {count} done: {str(summary)[:300]}")
    parent = peaks.pop(process.pid, 0)
    worker = max(peaks.values(), default=0)
    cpu, reports = children_cpu() - used, at - worked
    return Run(kind, count, workers, seconds, cpu, parent / 2**20, worker / 2**20, reports)


def children_cpu() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _watch(pid: int, peaks: dict[int, int]) -> None:
    """The greatest memory of a process and of each of its children,
    looked at ten times a second."""
    try:
        parent = psutil.Process(pid)
        while parent.is_running() and parent.status() != psutil.STATUS_ZOMBIE:
            for one in (parent, *parent.children(recursive=True)):
                peaks[one.pid] = max(peaks.get(one.pid, 0), one.memory_info().rss)
            time.sleep(0.1)
    except psutil.NoSuchProcess:
        return
