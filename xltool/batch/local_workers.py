"""Worker processes on this machine:
the pool of `files/pool`, whose failures are outcomes of a run."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from xltool.batch.away import perform
from xltool.batch.inputs import Item
from xltool.batch.jobs import Job, Jobs
from xltool.batch.task import Outcome, RunOrder
from xltool.files.barrier import Failure
from xltool.files.pool import WorkerPool


class LocalWorkers:
    """`jobs` processes, each input under a limit of seconds and of memory (MB)."""

    def __init__(self, jobs: int, timeout: float, memory: int) -> None:
        self.jobs, self.timeout, self.memory = jobs, timeout, memory

    def results(self, jobs: Jobs, order: RunOrder) -> Iterator[tuple[Item, Outcome]]:
        """Every input with what became of it, in any order."""
        pool = WorkerPool(
            functools.partial(_perform, order),
            workers=self.jobs,
            seconds=self.timeout,
            memory_mb=self.memory,
            size=size_of,
        )
        for (item, _), result in pool.as_done(jobs.take):
            if isinstance(result, Failure):
                yield item, Outcome(item.key, failed=result.reason)
            else:
                yield item, result


def _perform(order: RunOrder, job: Job) -> Outcome:
    item, prior = job
    return perform(item, prior, order)


def size_of(job: Job) -> int:
    """The bytes of a job's input."""
    return job[0].size
