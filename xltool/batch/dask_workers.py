"""The workers of an existing Dask scheduler. One that dies costs nothing: others do its inputs again."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

from xltool.batch.away import perform
from xltool.batch.inputs import Item
from xltool.batch.jobs import Jobs
from xltool.batch.task import Outcome, RunOrder
from xltool.errors import DiskError, XltoolError
from xltool.files.barrier import reason_of
from xltool.files.pool import overdue, patience

_CONNECT_SECONDS = 20
_LOOK_SECONDS = 5.0
# Inputs under way for each thread of the cluster.
_WINDOW = 2


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
        try:
            self.client = distributed.Client(
                address, timeout=_CONNECT_SECONDS, set_as_default=False
            )
        except (OSError, ValueError) as error:
            raise XltoolError(f"连不上 Dask 调度器 {address}：{error}") from error
        try:
            self.client.wait_for_workers(1, timeout=_CONNECT_SECONDS)
            self._same_version()
        except BaseException as error:
            self.client.close()
            if isinstance(error, TimeoutError):
                raise XltoolError(f"Dask 调度器 {address} 上没有工作进程") from error
            raise

    def _same_version(self) -> None:
        from xltool import __version__

        try:
            versions = set(self.client.run(_version).values())
        except Exception as error:
            raise XltoolError(
                f"工作进程上用不了 xltool（{error}）：每台都要装上同一版本"
            ) from error
        if versions != {__version__}:
            raise XltoolError(
                f"工作进程上的 xltool 是 {'、'.join(sorted(versions))}，这里是 {__version__}"
            )

    def results(self, jobs: Jobs, order: RunOrder) -> Iterator[tuple[Item, Outcome]]:
        from distributed import CancelledError, wait

        client = self.client
        since: dict[Any, float] = {}
        items: dict[Any, Item] = {}
        room, looked = 0, 0.0
        try:
            while True:
                if time.monotonic() - looked > _LOOK_SECONDS:
                    room = max(_WINDOW * sum(client.nthreads().values()), _WINDOW)
                    looked = time.monotonic()
                    yield from self._given_up(items, since)
                while len(items) < room and (job := jobs.take()):
                    task = client.submit(perform, *job, order, pure=False)
                    items[task], since[task] = job[0], time.monotonic()
                if not items:
                    return
                try:
                    with client.as_current():
                        finished = wait(list(items), _LOOK_SECONDS, "FIRST_COMPLETED").done
                except TimeoutError:
                    continue
                for task in finished:
                    item = items.pop(task)
                    del since[task]
                    yield item, _outcome(task, item)
        except (CancelledError, OSError) as error:
            raise XltoolError(
                f"与 Dask 调度器断了联系（{error}）；再运行同一条命令就接着做"
            ) from error
        finally:
            client.cancel(list(items), force=True)
            client.close()

    def _given_up(
        self, items: dict[Any, Item], since: dict[Any, float]
    ) -> Iterator[tuple[Item, Outcome]]:
        """Inputs that take too long; their worker is started anew, the only way to stop it. An input may
        wait for one before it on its thread, so each has twice its time."""
        now = time.monotonic()
        late = [
            t for t, item in items.items() if now - since[t] > 2 * patience(self.timeout, item.size)
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
        for task in items:  # the others were held up, or wait for a worker to come back
            since[task] = time.monotonic()
        for task in stuck:
            item = items.pop(task)
            del since[task]
            yield (
                item,
                Outcome(item.key, failed=overdue(patience(self.timeout, item.size)).reason),
            )


def _version() -> str:
    from xltool import __version__

    return __version__


def _running(dask_worker: Any) -> list[Any]:
    """What a worker is at this moment, not what waits for it."""
    return [task.key for task in dask_worker.state.executing]


def _outcome(task: Any, item: Item) -> Outcome:
    from distributed import KilledWorker

    try:
        outcome: Outcome = task.result()
    except KilledWorker:
        return Outcome(item.key, failed="处理它的工作进程接连死掉，已放弃")
    except (DiskError, OSError):
        raise
    except Exception as error:
        return Outcome(item.key, failed=reason_of(error))
    return outcome
