"""Work spread over processes of this machine, each under limits of time and memory.

An item that hangs, dies, grows too large or meets a fault of the program costs only itself: its
result is a Failure with the reason. What travelled with it is done again, each for itself.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Overdue
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from xltool.errors import DiskError
from xltool.files import guard
from xltool.files.barrier import Failure, Result, guarded, reason_of

if TYPE_CHECKING:
    from pebble import ProcessPool

Work = TypeVar("Work")

# How long an item may take (a large one longer), and how much memory a process may hold.
SECONDS = 60.0
MEMORY_MB = 2048
# Small items go to a process by the handful, for sending each takes a tenth of the time that it
# takes.
HANDFUL = 8
HANDFUL_BYTES = 2**17
# Handfuls under way for each process: enough that none waits, few enough that memory stays flat.
WINDOW = 4
# Of large items fewer: no more bytes than this are under way, or read ahead.
MOST_AHEAD_BYTES = 64 * 2**20
# Up to here starting processes costs more than it saves.
FEW = 48
MOST_WORKERS = 8


def _no_size(item: object) -> int:
    return 0


@dataclass(frozen=True)
class WorkerPool(Generic[Work, Result]):
    """Processes that each do `work(item)`, after `setup(*given)` once in each.

    `size` gives an item's bytes: time is allowed, and handfuls are made, by it. `clean` processes
    inherit nothing of this one (an open ledger, a lock); they take a moment longer to start.
    """

    work: Callable[[Work], Result]
    workers: int = 0  # 0: one for each core, eight at most
    seconds: float = SECONDS
    memory_mb: int = MEMORY_MB
    size: Callable[[Work], int] = _no_size
    setup: Callable[..., None] | None = None
    given: tuple[Any, ...] = ()
    clean: bool = False

    def as_done(self, take: Callable[[], Work | None]) -> Iterator[tuple[Work, Result | Failure]]:
        """Every item with its result, as they come. `take()` may give more after it gave None, as
        long as results are still to come."""
        run = _PoolRun(self, take)
        try:
            yield from run.results()
        except BaseException:
            run.processes.stop()  # nobody waits for what is under way
            raise
        else:
            run.processes.close()
        finally:
            run.processes.join()

    def _processes(self, workers: int) -> ProcessPool:
        from pebble import ProcessPool

        return ProcessPool(
            max_workers=workers,
            initializer=_begin,
            initargs=(self.memory_mb, self.setup, self.given),
            context=_context(self.clean),
        )

    def in_order(self, items: Iterable[Work]) -> Iterator[Result | Failure]:
        """The result of each item, in their order.
        A few are done in this process, behind the same barrier."""
        rest = iter(items)
        first = self._first(rest)
        if len(first) < FEW and sum(map(self.size, first)) < MOST_AHEAD_BYTES:
            if self.setup is not None:
                self.setup(*self.given)
            for item in first:
                yield _one(self.work, item)
            return
        numbered = enumerate(_chained(first, rest))
        most_ahead = self._workers() * WINDOW * HANDFUL
        waiting: dict[int, Result | Failure] = {}
        following = 0

        def take() -> tuple[int, Work] | None:
            # No further ahead of the one that all wait for than memory allows.
            return next(numbered, None) if len(waiting) < most_ahead else None

        for (number, _), result in self._of_pairs().as_done(take):
            waiting[number] = result
            while following in waiting:
                yield waiting.pop(following)
                following += 1

    def _first(self, items: Iterator[Work]) -> list[Work]:
        """The first few items, fewer of large ones: they are all in memory at once."""
        first: list[Work] = []
        size = 0
        for item in items:
            first.append(item)
            size += self.size(item)
            if len(first) >= FEW or size >= MOST_AHEAD_BYTES:
                break
        return first

    def _of_pairs(self) -> WorkerPool[tuple[int, Work], Result]:
        """This pool for items that carry their number."""
        return WorkerPool(
            work=_Unnumbered(self.work),
            workers=self.workers,
            seconds=self.seconds,
            memory_mb=self.memory_mb,
            size=lambda pair: self.size(pair[1]),
            setup=self.setup,
            given=self.given,
            clean=self.clean,
        )

    def patience(self, item: Work) -> float:
        """How many seconds an item may take: as long again for every megabyte."""
        return patience(self.seconds, self.size(item))

    def _workers(self) -> int:
        return self.workers or max(1, min(MOST_WORKERS, os.cpu_count() or 1))

    def _results(self, task: Future[Any], item: Work) -> list[Result | Failure]:
        """What came of a handful; where it did not come back, of its only item."""
        from pebble import ProcessExpired

        try:
            results: list[Result | Failure] = task.result()
        except Overdue:
            return [overdue(self.patience(item))]
        except ProcessExpired as error:
            return [ended(error.exitcode)]
        except DiskError:
            raise
        except Exception as error:
            return [Failure(reason_of(error))]
        return results


class _PoolRun(Generic[Work, Result]):
    """One run of a pool: its processes, what they have under way, and what is done again."""

    def __init__(self, pool: WorkerPool[Work, Result], take: Callable[[], Work | None]) -> None:
        self.pool, self.take = pool, take
        self.workers = pool._workers()
        self.processes = pool._processes(self.workers)
        self.under_way: dict[Future[Any], list[Work]] = {}
        self.finished: SimpleQueue[Future[Any]] = SimpleQueue()
        self.ahead = 0  # bytes under way
        self.alone: deque[Work] = deque()  # of a handful that did not come back
        self.suspects: deque[Work] = deque()  # of which one ended all processes

    def results(self) -> Iterator[tuple[Work, Result | Failure]]:
        from concurrent.futures.process import BrokenProcessPool

        while True:
            self._begin()
            if not self.under_way:
                return
            task = self.finished.get()
            items = self.under_way.pop(task)
            self.ahead -= sum(map(self.pool.size, items))
            error = task.exception()
            if isinstance(error, BrokenProcessPool) and (self.under_way or len(items) > 1):
                self._start_anew(items)
            elif isinstance(error, BrokenProcessPool):
                self._start_anew([])
                yield items[0], ended()
            elif error and len(items) > 1:
                self.alone.extend(items)  # one of them is at fault: each for itself
            else:
                yield from zip(items, self.pool._results(task, items[0]), strict=True)

    def _begin(self) -> None:
        """Put as much under way as may be."""
        while self._has_room() and (items := self._next()):
            seconds = max(map(self.pool.patience, items))
            try:
                with _ctrl_c_held_back():
                    task: Future[Any] = self.processes.schedule(
                        _each, args=(self.pool.work, items), timeout=seconds
                    )
            except RuntimeError:  # the processes have ended, and what they had is not back yet
                self._start_anew(items)
                continue
            self.under_way[task] = items
            self.ahead += sum(map(self.pool.size, items))
            task.add_done_callback(self.finished.put)

    def _has_room(self) -> bool:
        if self.suspects:
            return not self.under_way  # one by one
        return len(self.under_way) < self.workers * WINDOW and self.ahead < MOST_AHEAD_BYTES

    def _next(self) -> list[Work]:
        for waiting in (self.suspects, self.alone):
            if waiting:
                return [waiting.popleft()]
        return handful(self.take, self.pool.size)

    def _start_anew(self, items: Iterable[Work]) -> None:
        """New processes, where those of before were given up: one ended before anybody knew what it
        had begun. All that was under way is done again, one by one: so the one at fault shows."""
        self.suspects.extend(items)
        for others in self.under_way.values():
            self.suspects.extend(others)
        self.under_way.clear()
        self.finished, self.ahead = SimpleQueue(), 0
        self.processes.stop()
        self.processes.join()
        self.processes = self.pool._processes(self.workers)


def ended(code: int | None = None) -> Failure:
    """The failure of an item whose process ended, with this exit code where it is known."""
    known = "" if code is None else f"（退出码 {code}）"
    return Failure(f"处理进程意外结束{known}，已放弃")


def handful(
    take: Callable[[], Work | None], size: Callable[[Work], int], most: int = HANDFUL
) -> list[Work]:
    """The next items, not too many to wait for them all."""
    items: list[Work] = []
    bytes_taken = 0
    while len(items) < most and bytes_taken < HANDFUL_BYTES:
        item = take()
        if item is None:
            break
        items.append(item)
        bytes_taken += size(item)
    return items


def patience(seconds: float, size: int) -> float:
    """How many seconds `size` bytes may take where a small item may take `seconds`."""
    return seconds * (1 + size / 2**20)


def overdue(seconds: float) -> Failure:
    """The failure of an item that took longer than its time."""
    return Failure(f"超过 {seconds:.0f} 秒没有做完，已放弃")


class _Unnumbered:
    """`work` on an item that carries its number."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self.work = work

    def __call__(self, pair: tuple[int, Any]) -> Any:
        return self.work(pair[1])


def _chained(first: list[Work], rest: Iterator[Work]) -> Iterator[Work]:
    yield from first
    yield from rest


def _each(work: Callable[[Work], Result], items: list[Work]) -> list[Result | Failure]:
    return [_one(work, item) for item in items]


def _one(work: Callable[[Work], Result], item: Work) -> Result | Failure:
    return guarded(lambda: work(item))


def _context(clean: bool) -> Any:
    from multiprocessing import get_context

    return get_context("spawn") if clean else get_context()


@contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """What is started meanwhile never sees Ctrl-C: a worker that is about to begin has not yet said
    that it leaves it to the run, and would end with a traceback."""
    import signal

    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(memory_mb: int, setup: Callable[..., None] | None, given: tuple[Any, ...]) -> None:
    """A worker leaves Ctrl-C to the run, ends with it,
    and can't take more than its share of memory."""
    import signal

    guard.resume(False)  # of the results of a run it is its own journal that knows whose they are
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _end_with_parent()
    _limit_memory(memory_mb)
    if setup is not None:
        setup(*given)
    _seldom_collect()


def _seldom_collect() -> None:
    """What is loaded lives as long as the worker, and an item leaves little garbage: looking for it
    at every seven hundredth value takes a twentieth of the work."""
    import gc

    gc.set_threshold(50_000)
    gc.freeze()


def _end_with_parent() -> None:
    """A run that was killed leaves no worker behind."""
    import threading
    from multiprocessing import parent_process

    parent = parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _limit_memory(memory_mb: int) -> None:
    """Not on Windows. A smaller limit that the machine's keeper set stays."""
    try:
        import resource
    except ImportError:
        return
    wanted = memory_mb * 2**20
    set_before = resource.getrlimit(resource.RLIMIT_AS)
    limit = min([wanted, *(earlier for earlier in set_before if earlier != resource.RLIM_INFINITY)])
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
