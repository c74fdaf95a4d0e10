"""Contestants in processes of their own, called in turn: what one holds in memory is its own."""

from __future__ import annotations

import gc
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from benchmarks.fillers import FILLERS, Prepared
from benchmarks.forms import Job, jobs

# How long one contestant's turn should take, and how many files it may have.
TURN_SECONDS = 0.5
FEWEST, MOST = 3, 200


@dataclass
class Result:
    """What one contestant did: seconds a file in each round (by the clock, of the processor), its
    greatest memory, why it stood aside."""

    name: str
    rounds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak_mb: float = 0.0
    skipped: str = ""

    @property
    def seconds(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.rounds)

    @property
    def cpu_seconds(self) -> float:
        return statistics.median(self.cpu)


def contest(names: Sequence[str], kind: str, folder: Path, rounds: int) -> list[Result]:
    """`rounds` rounds in which every contestant has its turn,
    so that all meet the machine's moods alike."""
    results = [Result(name) for name in names]
    spawn = multiprocessing.get_context("spawn")
    pipes: dict[str, Connection] = {}
    processes = []
    for result in results:
        here, there = spawn.Pipe()
        process = spawn.Process(
            target=_serve, args=(there, kind, result.name, str(folder)), daemon=False
        )
        process.start()
        there.close()
        processes.append(process)
        answer = here.recv()
        if isinstance(answer, str):
            result.skipped = answer
        else:
            pipes[result.name] = here
    for _ in range(rounds):
        for result in results:
            if result.name in pipes:
                pipes[result.name].send("go")
                answer = pipes[result.name].recv()
                if isinstance(answer, str):
                    result.skipped = answer
                    del pipes[result.name]
                else:
                    seconds, cpu, result.peak_mb = answer
                    result.rounds.append(seconds)
                    result.cpu.append(cpu)
    for pipe in pipes.values():
        pipe.send("end")
    for process in processes:
        process.join(10)
        process.terminate()
    return results


def _serve(pipe: Connection, kind: str, name: str, folder: str) -> None:
    """One contestant: made ready once, then a turn for each word through the pipe."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="xltool-bench-") as mine:
        try:
            turn = _fill_turn(name, Path(mine)) if kind == "fill" else _read_turn(name, Path(mine))
            next(turn)  # warm: modules loaded, templates compiled
            next(turn)
        except ImportError as error:
            pipe.send(f"not here: {error}")
            return
        except Exception as error:
            pipe.send(f"{type(error).__name__}: {error}")
            return
        pipe.send(None)
        while pipe.recv() == "go":
            try:
                seconds, cpu = next(turn)
            except Exception as error:
                pipe.send(f"{type(error).__name__}: {error}")
                return
            own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            pipe.send((seconds, cpu, max(own, child, _children_rss()) / 1024))


def _children_rss() -> float:
    """A node process that still runs, in KB."""
    return sum(child.memory_info().rss for child in psutil.Process().children()) / 1024


def _many(first: float) -> int:
    return max(FEWEST, min(MOST, int(TURN_SECONDS / max(first, 1e-6))))


Timing = tuple[float, float]  # seconds a file: by the clock, of the processor


def _fill_turn(name: str, folder: Path) -> Iterator[Timing]:
    fill = FILLERS[name]()
    count = FEWEST
    pool: list[Job] = []
    while True:
        if len(pool) < count:
            pool = list(jobs(count))
            if isinstance(fill, Prepared):
                fill.prepare(pool)
        paths = [folder / f"{n}.xlsx" for n in range(count)]
        timing = _timed(fill, pool, paths)
        if any(path.stat().st_size < 5000 for path in paths):
            raise RuntimeError("wrote no workbook")
        for path in paths:
            path.unlink()
        yield timing
        count = max(count, _many(timing[0]))


def _read_turn(name: str, folder: Path) -> Iterator[Timing]:
    from benchmarks.readers import READERS
    from xltool.filling.writer import render

    read = READERS[name]()

    def read_all(paths: Sequence[Path]) -> None:
        for path in paths:
            read(path)

    count = FEWEST
    paths: list[Path] = []
    while True:
        if len(paths) < count:
            paths = [folder / f"{n}.xlsx" for n in range(count)]
            for path, job in zip(paths, jobs(count), strict=True):
                path.write_bytes(render(job.filing))
        yield (timing := _timed(read_all, paths))
        count = max(count, _many(timing[0]))


def _timed(work: Callable[..., None], *what: Any) -> Timing:
    gc.collect()
    cpu, began = _cpu(), time.perf_counter()
    work(*what)
    count = len(what[0])
    return (time.perf_counter() - began) / count, (_cpu() - cpu) / count


def _cpu() -> float:
    """Processor seconds of this process and of its node process, if it has one."""
    spent = [child.cpu_times() for child in psutil.Process().children()]
    return time.process_time() + sum(one.user + one.system for one in spent)
