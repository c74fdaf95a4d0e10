"""Worker processes on this machine. One that hangs, dies or grows too large costs only its own input."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Overdue
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from pebble import ProcessExpired, ProcessPool

from xltool.atomic import DiskError
from xltool.batch.away import perform
from xltool.batch.walk import Item
from xltool.batch.work import Order, Outcome

if TYPE_CHECKING:
    from xltool.batch.run import Jobs

# Inputs under way for each process: enough that none waits, few enough that memory stays flat.
WINDOW = 8


def patience(timeout: float, item: Item) -> float:
    """How long an input may take: as long again for every megabyte."""
    return timeout * (1 + item.size / 2**20)


class Processes:
    def __init__(self, jobs: int, timeout: float, memory: int) -> None:
        self.jobs, self.timeout, self.memory = jobs, timeout, memory

    def results(self, jobs: Jobs, order: Order) -> Iterator[tuple[Item, Outcome]]:
        under_way: dict[Future[Any], Item] = {}
        finished: SimpleQueue[Future[Any]] = SimpleQueue()
        with ProcessPool(max_workers=self.jobs, initializer=_prepare, initargs=(self.memory,)) as pool:
            try:
                while True:
                    while len(under_way) < self.jobs * WINDOW and (job := jobs.take()):
                        limit = patience(self.timeout, job[0])
                        task: Future[Any] = pool.schedule(perform, args=(*job, order), timeout=limit)
                        under_way[task] = job[0]
                        task.add_done_callback(finished.put)
                    if not under_way:
                        return
                    task = finished.get()
                    item = under_way.pop(task)
                    yield item, _outcome(task, item, patience(self.timeout, item))
            except BaseException:
                pool.stop()
                raise


def _outcome(task: Any, item: Item, limit: float) -> Outcome:
    try:
        outcome: Outcome = task.result()
    except Overdue:
        return Outcome(item.key, failed=f"超过 {limit:.0f} 秒没有做完，已放弃")
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
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        import resource
    except ImportError:
        return
    limit = memory * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
