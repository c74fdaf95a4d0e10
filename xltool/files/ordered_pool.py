"""Work spread over a few processes, its results in the order of the items."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from xltool.errors import XltoolError

Item = TypeVar("Item")
Result = TypeVar("Result")

CHUNK = 16  # items that travel together
FEW = 48  # up to here, starting processes costs more than it saves
MOST = 8


def ordered(
    work: Callable[[Item], Result], items: Iterable[Item], setup: Callable[..., None], *given: Any
) -> Iterator[Result]:
    """`work(item)` for each item, after `setup(*given)` in each process. Never holds many items at once."""
    iterator = iter(items)
    first = list(islice(iterator, FEW))
    if len(first) < FEW:
        setup(*given)
        yield from map(work, first)
        return
    from concurrent.futures import Future, ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    count = max(1, min(MOST, os.cpu_count() or 1))
    # Spawned, not forked: the same on Windows, and no lock or connection is inherited.
    context = get_context("spawn")
    with ProcessPoolExecutor(count, context, initializer=_begin, initargs=(setup, *given)) as pool:
        waiting: deque[Future[list[Result]]] = deque()
        chunks = _chunks(first, iterator)
        try:
            for chunk in chunks:
                waiting.append(pool.submit(_each, work, chunk))
                if len(waiting) > 4 * count:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        except BrokenProcessPool as error:
            raise XltoolError(
                "一个工作进程意外结束（内存不足？），已完成的部分都在台账里，请再运行一次"
            ) from error
        finally:
            for future in waiting:
                future.cancel()


def _begin(setup: Callable[..., None], *given: Any) -> None:
    """In each worker: end with the process that started it, even one that was killed."""
    import signal
    import threading
    from multiprocessing import parent_process

    # Ctrl+C reaches the whole group; it is the main process that stops the work.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    starter = parent_process()
    assert starter is not None

    def follow() -> None:
        starter.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
    setup(*given)


def _chunks(first: list[Item], rest: Iterator[Item]) -> Iterator[list[Item]]:
    for n in range(0, len(first), CHUNK):
        yield first[n : n + CHUNK]
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def _each(work: Callable[[Item], Result], chunk: list[Item]) -> list[Result]:
    return [work(item) for item in chunk]
