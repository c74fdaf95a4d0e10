"""The workers of an existing Dask scheduler.
One that dies costs nothing: others do its inputs again."""

from __future__ import annotations

import functools
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from xltool.batch.away import OtherVersion, perform, same_version
from xltool.batch.jobs import Job, Jobs
from xltool.batch.local_workers import size_of
from xltool.batch.task import Outcome, RunOrder
from xltool.errors import DiskError, XltoolError
from xltool.files.barrier import Failure, guarded, reason_of
from xltool.files.pool import HANDFUL, handful, overdue, patience

_CONNECT_SECONDS = 20
_LOOK_SECONDS = 5.0
# Handfuls under way for each thread of the cluster.
_WINDOW = 2
KILLED = "处理它的工作进程接连死掉，已放弃"
# How often a handful is sent anew that came to a worker which couldn't do it.
_TRIES = 3


class _SentJobs(NamedTuple):
    """A handful under way: its inputs, since when, to which workers (any, where there is none)."""

    some: list[Job]
    since: float
    workers: frozenset[str]
    tries: int = 1


class Cluster:
    def __init__(self, address: str, timeout: float) -> None:
        try:
            import distributed
        except ImportError as error:
            raise XltoolError("--dask 要用 dask：pip install 'xltool[cluster]'") from error
        # What happens to workers is told by the outcomes.
        for name in ("distributed", "distributed.client"):  # the second has a level of its own
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self.timeout = timeout
        # Which xltool each worker has, by its address.
        self._versions: dict[str, str] = {}
        try:
            self.client = distributed.Client(
                address, timeout=_CONNECT_SECONDS, set_as_default=False
            )
        except Exception as error:  # TLS settings that don't fit are TypeErrors
            raise XltoolError(
                f"连不上 Dask 调度器 {address}：{error or type(error).__name__}"
            ) from error
        try:
            self.client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
            self._look_at_versions()
            self._same_version()
        except BaseException as error:
            self.client.close()
            if isinstance(error, TimeoutError):
                raise XltoolError(f"Dask 调度器 {address} 上没有工作进程") from error
            raise

    def _same_version(self) -> None:
        from xltool import __version__

        others = set(self._versions.values()) - {__version__}
        if others:
            raise XltoolError(
                f"工作进程上的 xltool 是 {'、'.join(sorted(others))}，这里是 {__version__}"
            )

    def _look_at_versions(self) -> None:
        """Ask the workers that joined since."""
        workers = set(self.client.nthreads())
        self._versions = {worker: v for worker, v in self._versions.items() if worker in workers}
        if new := sorted(workers - self._versions.keys()):
            try:
                self._versions |= self.client.run(_version, workers=new)
            except Exception as error:
                raise XltoolError(
                    f"工作进程上用不了 xltool（{error}）：每台都要装上同一版本"
                ) from error

    def _fit(self) -> frozenset[str]:
        """The workers that may be sent something; none said where all may."""
        from xltool import __version__

        fit = frozenset(
            worker for worker, version in self._versions.items() if version == __version__
        )
        if not fit and self._versions:
            self._same_version()
        return fit if len(fit) < len(self._versions) else frozenset()

    def results(self, jobs: Jobs, order: RunOrder) -> Iterator[tuple[Any, Outcome]]:
        from distributed import CancelledError

        under_way: dict[Any, _SentJobs] = {}
        try:
            yield from self._results(jobs, order, under_way)
        except (CancelledError, OSError) as error:
            raise XltoolError(
                f"与 Dask 调度器断了联系（{error}）；再运行同一条命令就接着做"
            ) from error
        finally:
            self.client.cancel(list(under_way), force=True)
            self.client.close()

    def _results(
        self, jobs: Jobs, order: RunOrder, under_way: dict[Any, _SentJobs]
    ) -> Iterator[tuple[Any, Outcome]]:
        again: deque[tuple[list[Job], int]] = (
            deque()
        )  # came back undone, or one of them is at fault
        room, looked, sent = 0, 0.0, 0
        while True:
            if time.monotonic() - looked > _LOOK_SECONDS:
                self._look_at_versions()
                room = max(_WINDOW * sum(self.client.nthreads().values()), _WINDOW)
                looked = time.monotonic()
                self._recall(under_way, again)
                yield from self._given_up(under_way, again)
            while len(under_way) < room:
                # One by one at first, so that a small run is spread over all workers.
                most = min(HANDFUL, 1 + sent // (2 * room))
                handed, tries = again.popleft() if again else (handful(jobs.take, size_of, most), 1)
                if not handed:
                    break
                sent += 1
                fit = self._fit()
                task = self.client.submit(
                    _each, perform, handed, order, pure=False, workers=sorted(fit) or None
                )
                under_way[task] = _SentJobs(handed, time.monotonic(), fit, tries)
            if not under_way:
                return
            for task in self._finished(under_way):
                yield from self._outcomes(task, under_way.pop(task), again)

    def _finished(self, under_way: dict[Any, _SentJobs]) -> list[Any]:
        from distributed import wait

        try:
            with self.client.as_current():
                return list(wait(list(under_way), _LOOK_SECONDS, "FIRST_COMPLETED").done)
        except TimeoutError:
            return []

    def _recall(self, under_way: dict[Any, _SentJobs], again: deque[tuple[list[Job], int]]) -> None:
        """What was sent to workers that are all gone since would wait for ever."""
        lost = [
            task
            for task, sent in under_way.items()
            if sent.workers and sent.workers.isdisjoint(self._versions)
        ]
        self.client.cancel(lost, force=True)
        for task in lost:
            sent = under_way.pop(task)
            again.append((sent.some, sent.tries))

    def _given_up(
        self, under_way: dict[Any, _SentJobs], again: deque[tuple[list[Job], int]]
    ) -> Iterator[tuple[Any, Outcome]]:
        """Inputs that take too long; their worker is started anew, the only way to stop it. An
        input may wait for one before it on its thread, so each has twice its time."""
        now = time.monotonic()
        late = [
            task
            for task, sent in under_way.items()
            if now - sent.since > 2 * self._limit(sent.some)
        ]
        if not late:
            return
        running = self.client.run(_running, on_error="ignore")
        busy = {key: worker for worker, keys in running.items() for key in keys}
        stuck = [task for task in late if task.key in busy]
        self.client.cancel(stuck, force=True)
        if stuck:
            self.client.restart_workers(
                sorted({busy[task.key] for task in stuck}), raise_for_error=False
            )
        for task, sent in under_way.items():  # the others were held up, or wait for a worker
            under_way[task] = sent._replace(since=time.monotonic())
        for task in stuck:
            handed = under_way.pop(task).some
            if len(handed) > 1:
                again.extend(([job], 1) for job in handed)
                continue
            [(item, _)] = handed
            limit = patience(self.timeout, item.size)
            yield item, Outcome(item.key, failed=overdue(limit).reason)

    def _limit(self, jobs: list[Job]) -> float:
        return max(patience(self.timeout, item.size) for item, _ in jobs)

    def _outcomes(
        self, task: Any, sent: _SentJobs, again: deque[tuple[list[Job], int]]
    ) -> Iterator[tuple[Any, Outcome]]:
        """What came of a handful. Where it did not come back, each is sent by itself."""
        from distributed import KilledWorker

        handed = sent.some
        try:
            outcomes: list[Outcome | Failure] = task.result()
        except (DiskError, OSError):
            raise
        except Exception as error:
            if (self._others() or isinstance(error, OtherVersion)) and sent.tries < _TRIES:
                again.append((handed, sent.tries + 1))
                return
            if len(handed) > 1:
                again.extend(([job], 1) for job in handed)
                return
            killed = isinstance(error, KilledWorker)
            outcomes = [Failure(KILLED if killed else reason_of(error))]
        for (item, _), outcome in zip(handed, outcomes, strict=True):
            if isinstance(outcome, Failure):
                outcome = Outcome(item.key, failed=outcome.reason)
            yield item, outcome

    def _others(self) -> bool:
        """Whether a worker of another version is there, which may have joined just now."""
        from xltool import __version__

        self._look_at_versions()
        return any(version != __version__ for version in self._versions.values())


def _version() -> str:
    from xltool import __version__

    return __version__


def _each(
    doing: Callable[..., Outcome], jobs: list[Job], order: RunOrder
) -> list[Outcome | Failure]:
    same_version(order)
    return [guarded(functools.partial(doing, item, prior, order)) for item, prior in jobs]


def _running(dask_worker: Any) -> list[Any]:
    """What a worker is at this moment, not what waits for it."""
    return [task.key for task in dask_worker.state.executing]
