"""A run over a folder: inputs streamed to workers, results into the journal, reports at the end."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import TimeoutError as Overdue
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import filelock

from xltool.atomic import DiskError
from xltool.batch.journal import FOLDER, Journal
from xltool.batch.walk import Item, check_folders, walk
from xltool.batch.work import Order, Outcome, fingerprint, work
from xltool.model import XltoolError

# How long one input may take, and how much memory a worker may hold.
TIMEOUT_SECONDS = 60.0
MEMORY_MB = 2048

Notice = Callable[[dict[str, Any]], None]


@dataclass(slots=True)
class Summary:
    """What a run did: inputs done, skipped as unchanged, failed; units by verdict; seconds taken."""

    done: int = 0
    skipped: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    verdicts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    interrupted: bool = False


class Crew(Protocol):
    """Whoever does the work: results come in any order, at most a few inputs are under way at once."""

    def results(self, items: Iterator[tuple[Item, str]], order: Order) -> Iterator[tuple[Outcome, str]]: ...


def run(
    source: Path,
    output: Path,
    *,
    jobs: int = 0,
    fresh: bool = False,
    edition: str = "",
    settings: str = "",
    timeout: float = TIMEOUT_SECONDS,
    memory: int = MEMORY_MB,
    crew: Crew | None = None,
    notice: Notice = lambda event: None,
) -> Summary:
    """Do everything in `source` into `output`; the reports of all inputs that are there now.

    Raises XltoolError where it can't begin (folders, a second run on the same OUT). Ctrl-C ends it
    in good order: what was done is kept, `Summary.interrupted` says so, the next run goes on.
    """
    from xltool.report.bundle import write_reports

    check_folders(source, output)
    began = time.monotonic()
    order = Order(str(output), edition, settings)
    try:
        (output / FOLDER).mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(output / FOLDER / "lock", blocking=False)
        lock.acquire()
    except filelock.Timeout as error:
        raise XltoolError(f"另一次运行正在写 {output}，请等它结束") from error
    except OSError as error:
        raise XltoolError(f"写不了 {output}：{error.strerror or error}") from error
    summary = Summary()
    with lock:
        _sweep(output)
        journal = Journal(output)
        try:
            workers = crew or Processes(jobs or os.cpu_count() or 1, timeout, memory)
            pending = _pending(source, order, journal, fresh, summary, notice)
            for outcome, mark in workers.results(pending, order):
                journal.put(outcome, mark)
                summary.done += not outcome.failed
                notice(_event(outcome))
        except KeyboardInterrupt:
            summary.interrupted = True
        finally:
            journal.commit()
        summary.failed = list(journal.failures())
        for one in journal.records():
            summary.verdicts[one["verdict"]] += 1
        if not summary.interrupted:
            write_reports(journal.records(), output, base=output, failed=summary.failed)
        journal.close()
    summary.seconds = time.monotonic() - began
    return summary


def _sweep(output: Path) -> None:
    """Remove what a killed run left half-written; nobody else writes here now."""
    for left in output.rglob(".xltool-*.tmp"):
        left.unlink(missing_ok=True)


def _pending(
    source: Path, order: Order, journal: Journal, fresh: bool, summary: Summary, notice: Notice
) -> Iterator[tuple[Item, str]]:
    """The inputs that need doing, each with its fingerprint; the others are kept as they are."""
    for item in walk(source):
        try:
            mark = fingerprint(item, order)
        except OSError as error:
            outcome = Outcome(item.key, failed=f"读不了：{error.strerror or error}")
            journal.put(outcome, "")
            notice(_event(outcome))
            continue
        if not fresh and journal.unchanged(item.key, mark):
            journal.keep(item.key)
            summary.skipped += 1
            notice({"event": "skipped", "file": item.key})
            continue
        yield item, mark


def _event(outcome: Outcome) -> dict[str, Any]:
    if outcome.failed:
        return {"event": "failed", "file": outcome.key, "reason": outcome.failed}
    verdicts = Counter(one["verdict"] for one in outcome.records)
    return {"event": "done", "file": outcome.key, "units": len(outcome.records), "verdicts": dict(verdicts)}


class Processes:
    """Worker processes on this machine. One that hangs, dies or grows too large costs only its own input."""

    def __init__(self, jobs: int, timeout: float, memory: int) -> None:
        self.jobs, self.timeout, self.memory = jobs, timeout, memory

    def results(self, items: Iterator[tuple[Item, str]], order: Order) -> Iterator[tuple[Outcome, str]]:
        from concurrent.futures import FIRST_COMPLETED, Future, wait

        from pebble import ProcessPool

        under_way: dict[Future[Any], tuple[Item, str]] = {}
        with ProcessPool(max_workers=self.jobs, initializer=_prepare, initargs=(self.memory,)) as pool:
            try:
                more = True
                while more or under_way:
                    while more and len(under_way) < self.jobs * 8:
                        pair = next(items, None)
                        if pair is None:
                            more = False
                            break
                        task: Future[Any] = pool.schedule(work, args=(pair[0], order), timeout=self.timeout)
                        under_way[task] = pair
                    finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
                    for task in finished:
                        item, mark = under_way.pop(task)
                        yield _result(task, item, self.timeout), mark
            except BaseException:
                pool.stop()
                raise


def _result(task: Any, item: Item, timeout: float) -> Outcome:
    from pebble import ProcessExpired

    try:
        outcome: Outcome = task.result()
    except Overdue:
        return Outcome(item.key, failed=f"超过 {timeout:g} 秒没有做完，已放弃")
    except ProcessExpired as error:
        return Outcome(item.key, failed=f"处理进程意外结束（退出码 {error.exitcode}），已放弃")
    except DiskError:
        raise
    except MemoryError:
        return Outcome(item.key, failed="占用内存超过上限，已放弃")
    except Exception as error:
        return Outcome(item.key, failed=f"程序内部错误（{type(error).__name__}：{error}）")
    return outcome


def _prepare(memory: int) -> None:
    """A worker leaves Ctrl-C to the run, and can't take more than its share of memory (not on Windows)."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        import resource
    except ImportError:
        return
    limit = memory * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
