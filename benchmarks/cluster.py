"""The same inputs by a Dask scheduler's workers and by as many local ones:
processor time and time by the clock.

    python -m benchmarks.cluster [--inputs 5000] [--workers 2] [--rounds 3]

The workers of the scheduler are started here, each with one thread, and told apart from the run: of
them only what they spend while the run goes on is counted.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import click
import psutil

from benchmarks.growth import children_cpu, inputs


@click.command()
@click.option("--inputs", "count", default=5000, show_default=True)
@click.option("--workers", default=2, show_default=True)
@click.option("--rounds", default=3, show_default=True)
def main(count: int, workers: int, rounds: int) -> None:
    from distributed import LocalCluster

    memory = Path("/dev/shm")
    with (
        tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder,
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs="CRITICAL",
        ) as cluster,
    ):
        source = inputs(Path(folder) / "in", "check", count)
        others = {"local": [], "dask": ["--dask", cluster.scheduler_address]}
        spent: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
        for number in range(rounds):
            for name, options in others.items():
                out = Path(folder) / f"out-{name}-{number}"
                spent[name].append(_timed(source, out, workers, options))
        for name, times in spent.items():
            cpu, seconds = (statistics.median(column) for column in zip(*times, strict=True))
            click.echo(f"{name:8}{cpu:8.2f} CPU s{seconds:8.2f} s")


def _timed(source: Path, out: Path, workers: int, options: list[str]) -> tuple[float, float]:
    """Processor time of the run and of the cluster's workers meanwhile, and time by the clock."""
    command = [sys.executable, "-m", "xltool", "batch", str(source), str(out)]
    before, began = children_cpu() + _own_processes(), time.perf_counter()
    done = subprocess.run(
        [*command, "--jobs", str(workers), *options], stdout=subprocess.DEVNULL, check=False
    )
    if done.returncode not in (0, 1):
        raise RuntimeError(f"exit code {done.returncode}")
    return children_cpu() + _own_processes() - before, time.perf_counter() - began


def _own_processes() -> float:
    """What the scheduler, which is this process, and its workers have spent."""
    spent = [one.cpu_times() for one in (psutil.Process(), *psutil.Process().children(True))]
    return sum(one.user + one.system for one in spent)


if __name__ == "__main__":
    main()
