"""What `xltool batch` adds to the library's own loop:
processor time of the whole process tree, side by side.

    python -m benchmarks.overhead [--inputs 1500] [--rounds 3] [--other CHECKOUT]

The loop does the same work, one input after the other in one process: read + check, or load + fill
+ check. `--other` is another checkout of xltool, whose batch runs in turn with this one's. All have
their bytecode ready, as an installed xltool has.
"""

from __future__ import annotations

import compileall
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import click

from benchmarks.growth import children_cpu, inputs

ROOT = Path(__file__).parent.parent
LOOP = """
import sys, pathlib, xltool
kind, source, out = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
out.mkdir()
if kind == "check":
    for path in sorted(source.rglob("*.xlsx")):
        xltool.check(xltool.read(path))
else:
    for path in sorted(source.rglob("*.json")):
        for filing in xltool.load_databook(path):
            xltool.fill(filing, out / f"{path.stem}.xlsx")
            xltool.check(filing)
"""
BATCH = "import sys; from xltool.cli import program; sys.exit(program())"
# Not even loaded: what makes reports takes a while to load.
NO_REPORTS = "types.SimpleNamespace(write_all=lambda *a, **k: [])"
WITHOUT_REPORTS = f"import sys, types; sys.modules['xltool.batch.reports'] = {NO_REPORTS}; {BATCH}"


@click.command()
@click.option("--inputs", "count", default=1500, show_default=True)
@click.option("--rounds", default=3, show_default=True)
@click.option("--other", type=click.Path(path_type=Path, exists=True))
def main(count: int, rounds: int, other: Path | None) -> None:
    for root in (ROOT, other or ROOT):
        compileall.compile_dir(root / "xltool", quiet=1)
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        for kind in ("check", "fill"):
            source = inputs(Path(folder) / kind, kind, count)
            spent: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
            for round_ in range(rounds):
                out = Path(folder) / f"out-{kind}-{round_}"
                for name, root, code, arguments in _contestants(kind, source, out, other):
                    spent[name].append(_timed(root, code, arguments))
            loop = statistics.median(cpu for cpu, _ in spent["loop"])
            for name, times in spent.items():
                cpu = statistics.median(one for one, _ in times)
                seconds = statistics.median(one for _, one in times)
                click.echo(f"{kind:6}{name:28}{cpu:7.2f} CPU s {cpu / loop:6.2f} ×{seconds:8.2f} s")


def _contestants(
    kind: str, source: Path, out: Path, other: Path | None
) -> list[tuple[str, Path, str, list[str]]]:
    def batch(name: str, jobs: int) -> list[str]:
        return ["batch", str(source), f"{out}-{name}", "--jobs", str(jobs)]

    found = [
        ("loop", ROOT, LOOP, [kind, str(source), f"{out}-loop"]),
        ("batch, no reports", ROOT, WITHOUT_REPORTS, batch("plain", 1)),
        ("batch, one worker", ROOT, BATCH, batch("one", 1)),
        ("batch, two workers", ROOT, BATCH, batch("two", 2)),
    ]
    if other:
        found.append(("other batch, two workers", other, BATCH, batch("other", 2)))
    return found


def _timed(root: Path, code: str, arguments: list[str]) -> tuple[float, float]:
    """Processor time and time by the clock of one run in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(root.absolute())}
    before, began = children_cpu(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment, cwd=root, stdout=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    if done.returncode not in (0, 1):
        raise RuntimeError(f"exit code {done.returncode}")
    return children_cpu() - before, time.perf_counter() - began


if __name__ == "__main__":
    main()
