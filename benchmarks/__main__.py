"""`python -m benchmarks`: fill, read, start-up and growth, side by side;
a table, and JSON for a record.

`--part province` is a run of its own, over 100,000 books:
half an hour and 10 GB in the temporary folder.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from benchmarks.contest import Result, contest
from benchmarks.fillers import FILLERS
from benchmarks.growth import Run, growth, province
from benchmarks.readers import READERS
from benchmarks.startup import BARE, startup

MEMORY, DISK = Path("/dev/shm"), Path.cwd()
OTHER_FILLERS = [name for name in FILLERS if not name.startswith(("xltool", "limit", "openpyxl"))]
ON_DISK = [
    "xltool fill",
    "xltool render only",
    "openpyxl, naive",
    "limit: write",
    "limit: write through",
    "limit: write atomically",
]
PARTS = ("fill", "disk", "read", "startup", "growth")
PROVINCE = "province"  # only when asked for


PART = click.Choice([*PARTS, PROVINCE])


@click.command()
@click.option(
    "--rounds", default=7, show_default=True, help="Interleaved rounds; medians are shown."
)
@click.option("--part", "parts", multiple=True, type=PART, help="Only these parts.")
@click.option(
    "--sizes", default="100,1000,10000", show_default=True, help="Files in the growth runs."
)
@click.option("--most", default=100_000, show_default=True, help="Files in the run of a province.")
@click.option(
    "--json", "file", type=click.Path(path_type=Path), help="Write all figures here as JSON."
)
def main(rounds: int, parts: Sequence[str], sizes: str, most: int, file: Path | None) -> None:
    """Measure xltool beside what else there is, on this machine."""
    console = Console(width=110)
    parts = parts or PARTS
    load = os.getloadavg()[0]
    console.print(f"{machine()}; load before: {load:.1f}")
    figures: dict[str, Any] = {"machine": machine(), "load_before": load, "rounds": rounds}
    targets: list[Target] = []
    if "fill" in parts:
        results = contest(list(FILLERS), "fill", MEMORY, rounds)
        show(console, "Fill the seed's forms, on a memory file system", results, "xltool fill")
        figures["fill"] = [asdict(one) for one in results]
        at = by_name(results)
        others = [name for name in OTHER_FILLERS if name in at]
        fastest = min(others, key=lambda name: at[name].seconds)
        targets.append(
            Target.of("naive openpyxl / fill", at["openpyxl, naive"], at["xltool fill"], "≥", 60)
        )
        said = f"fastest other filler ({fastest}) / fill"
        targets.append(Target.of(said, at[fastest], at["xltool fill"], "≥", 12))
        for said, name in (("", "deflate"), (" as fill does", "deflate fast")):
            limit = at[f"limit: {name} + write"]
            what = f"fill / deflating and writing the bytes{said}"
            targets.append(Target.of(what, at["xltool fill"], limit, "≤", 2.5))
    if "disk" in parts:
        results = contest(ON_DISK, "fill", DISK, rounds)
        show(console, "The same on a disk", results, "xltool fill")
        figures["disk"] = [asdict(one) for one in results]
        at = by_name(results)
        for said, name in (("", "limit: write through"), (" into the page cache", "limit: write")):
            targets.append(
                Target.of(f"fill / writing, disk{said}", at["xltool fill"], at[name], "≤", 2)
            )
    if "read" in parts:
        results = contest(list(READERS), "read", MEMORY, rounds)
        show(console, "Read the filled forms", results, "xltool read + all rules")
        figures["read"] = [asdict(one) for one in results]
        at = by_name(results)
        ours = at["xltool read + all rules"]
        targets.append(
            Target.of("openpyxl load / read + rules", at["openpyxl load"], ours, "≥", 20)
        )
    if "startup" in parts:
        results = startup(max(rounds, 9))
        show(console, "From nothing to done", results, BARE)
        figures["startup"] = [asdict(one) for one in results]
        at = by_name(results)
        targets.append(
            Target.of("xltool --version / bare Python", at["xltool --version"], at[BARE], "≤", 3)
        )
        targets.append(
            Target.of("xltool check FILE / bare Python", at["xltool check FILE"], at[BARE], "≤", 10)
        )
    if "growth" in parts:
        runs = growth([int(n) for n in sizes.split(",")], (1, 2), ("fill", "check", "book"), MEMORY)
        show_growth(console, runs)
        figures["growth"] = [asdict(one) for one in runs]
    if PROVINCE in parts:
        runs = list(province(most))
        show_growth(console, runs)
        figures[PROVINCE] = [asdict(one) for one in runs]
    if targets:
        show_targets(console, targets)
    figures["targets"] = [asdict(one) for one in targets]
    figures["load_after"] = os.getloadavg()[0]
    console.print(f"load after: {figures['load_after']:.1f}")
    if file:
        file.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", "utf-8")


def machine() -> str:
    """The kind of processor, cores, system and Python; nothing that names this one machine."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return f"{cpu}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


@dataclass(frozen=True, slots=True)
class Target:
    """A ratio of two results, by the clock and by the processor time used,
    and what it should be."""

    what: str
    clock: float
    cpu: float
    sign: str
    limit: float

    @classmethod
    def of(cls, what: str, one: Result, other: Result, sign: str, limit: float) -> Target:
        return cls(
            what, one.seconds / other.seconds, one.cpu_seconds / other.cpu_seconds, sign, limit
        )

    @property
    def met(self) -> bool:
        return self.clock >= self.limit if self.sign == "≥" else self.clock <= self.limit


def by_name(results: Sequence[Result]) -> dict[str, Result]:
    return {one.name: one for one in results if one.rounds}


def show(console: Console, title: str, results: Sequence[Result], base: str) -> None:
    """A table of medians; the ratio is each one's time over that of `base`."""
    table = Table(title=title)
    for head in ("", "ms a file", "CPU ms", "files/s", "× " + base, "least–most ms", "peak MB"):
        table.add_column(head, justify="left" if not head else "right")
    at = by_name(results)
    for one in sorted(results, key=lambda one: one.seconds if one.rounds else 1e9):
        if not one.rounds:
            table.add_row(one.name, "–", "–", "–", "–", one.skipped[:40], "–")
            continue
        cpu = f"{one.cpu_seconds * 1000:.2f}" if one.cpu else "–"
        spread = f"{min(one.rounds) * 1000:.2f}–{max(one.rounds) * 1000:.2f}"
        peak = f"{one.peak_mb:.0f}" if one.peak_mb else "–"
        ratio = f"{one.seconds / at[base].seconds:.2f}"
        table.add_row(
            one.name,
            f"{one.seconds * 1000:.2f}",
            cpu,
            f"{1 / one.seconds:,.0f}",
            ratio,
            spread,
            peak,
        )
    console.print(table)


def show_growth(console: Console, runs: Sequence[Run]) -> None:
    table = Table(
        title="xltool batch: fill books of one unit, check workbooks, fill one large book"
    )
    heads = (
        "",
        "files",
        "workers",
        "s",
        "CPU s",
        "files/s",
        "× 1 worker",
        "reports s",
        "parent MB",
        "worker MB",
    )
    for head in heads:
        table.add_column(head, justify="right" if head else "left")
    alone = {(run.kind, run.files): run.seconds for run in runs if run.workers == 1}
    for run in runs:
        faster = alone.get((run.kind, run.files), run.seconds) / run.seconds
        speed = f"{run.files / run.seconds:,.0f}"
        seconds, cpu = f"{run.seconds:.1f}", f"{run.cpu_seconds:.1f}"
        rest = f"{run.report_seconds:.1f}", f"{run.parent_mb:.0f}", f"{run.worker_mb:.0f}"
        table.add_row(
            run.kind,
            f"{run.files:,}",
            str(run.workers),
            seconds,
            cpu,
            speed,
            f"{faster:.2f}",
            *rest,
        )
    console.print(table)


def show_targets(console: Console, targets: Sequence[Target]) -> None:
    table = Table(title="Targets")
    for head in ("", "is", "by CPU time", "should be", ""):
        table.add_column(head, justify="right" if head else "left")
    for one in targets:
        met = "met" if one.met else "NOT MET"
        table.add_row(
            one.what, f"{one.clock:.1f}", f"{one.cpu:.1f}", f"{one.sign} {one.limit:g}", met
        )
    console.print(table)


if __name__ == "__main__":
    main()
