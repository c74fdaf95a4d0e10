"""Worker processes on this machine. One that hangs, dies or grows too large costs only its own input: what
was in its hand besides is done again, each for itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Overdue
from queue import SimpleQueue
from typing import Any

from pebble import ProcessExpired, ProcessPool

from xltool.batch.away import perform
from xltool.batch.inputs import Item
from xltool.batch.jobs import Job, Jobs
from xltool.batch.task import Outcome, RunOrder
from xltool.files.atomic import DiskError

# Handfuls under way for each process: enough that none waits, few enough that memory stays flat.
WINDOW = 4
# Small inputs go to a process by the handful, for sending each takes a tenth of the time that it takes.
HANDFUL = 8
HANDFUL_BYTES = 2**17


def patience(timeout: float, item: Item) -> float:
    """How long an input may take: as long again for every megabyte."""
    return timeout * (1 + item.size / 2**20)


class Processes:
    def __init__(self, jobs: int, timeout: float, memory: int) -> None:
        self.jobs, self.timeout, self.memory = jobs, timeout, memory

    def results(self, jobs: Jobs, order: RunOrder) -> Iterator[tuple[Item, Outcome]]:
        under_way: dict[Future[Any], list[Job]] = {}
        finished: SimpleQueue[Future[Any]] = SimpleQueue()
        alone: deque[Job] = deque()  # of a handful that did not come back
        with ProcessPool(
            max_workers=self.jobs, initializer=_prepare, initargs=(self.memory,)
        ) as pool:
            try:
                while True:
                    while len(under_way) < self.jobs * WINDOW and (
                        some := [alone.popleft()] if alone else _handful(jobs)
                    ):
                        limit = max(patience(self.timeout, item) for item, _ in some)
                        task: Future[Any] = pool.schedule(
                            _perform, args=(some, order), timeout=limit
                        )
                        under_way[task] = some
                        task.add_done_callback(finished.put)
                    if not under_way:
                        return
                    task = finished.get()
                    some = under_way.pop(task)
                    if len(some) > 1 and task.exception():
                        alone.extend(some)  # one of them is at fault: each for itself
                    else:
                        items = [item for item, _ in some]
                        yield from zip(items, _outcomes(task, items[0], self.timeout), strict=True)
            except BaseException:
                pool.stop()
                raise


def _handful(jobs: Jobs) -> list[Job]:
    """The next inputs, not too many to wait for them all."""
    some: list[Job] = []
    size = 0
    while len(some) < HANDFUL and size < HANDFUL_BYTES and (job := jobs.take()):
        some.append(job)
        size += job[0].size
    return some


def _perform(some: list[Job], order: RunOrder) -> list[Outcome]:
    return [perform(item, known, order) for item, known in some]


def _outcomes(task: Future[Any], item: Item, timeout: float) -> list[Outcome]:
    """What came of a handful; where it did not come back, of its only input."""
    try:
        outcomes: list[Outcome] = task.result()
    except Overdue:
        return [Outcome(item.key, failed=f"超过 {patience(timeout, item):.0f} 秒没有做完，已放弃")]
    except ProcessExpired as error:
        return [Outcome(item.key, failed=f"处理进程意外结束（退出码 {error.exitcode}），已放弃")]
    except DiskError:
        raise
    except MemoryError:
        return [Outcome(item.key, failed="占用内存超过上限，已放弃")]
    except Exception as error:
        return [Outcome(item.key, failed=f"程序内部错误（{type(error).__name__}：{error}）")]
    return outcomes


def _prepare(memory: int) -> None:
    """A worker leaves Ctrl-C to the run, and can't take more than its share of memory (not on Windows)."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        import resource
    except ImportError:
        return
    limit = memory * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
