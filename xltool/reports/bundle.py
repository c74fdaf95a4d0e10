"""All reports of one run, in one pass over its records."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import cast

from xltool.checks.results import CheckResult
from xltool.reports.run import Run, packed, repaired

Report = Callable[[Path, Run], AbstractContextManager[Callable[[CheckResult, bytes], None]]]

# Kind of report: its file, and where it is made (imported only when asked for).
KINDS = {
    "json": ("report.json", "table:json_report"),
    "xlsx": ("report.xlsx", "workbook:workbook_report"),
    "html": ("report.html", "html:html_report"),
    "csv": ("findings.csv", "table:csv_report"),
}


def write_reports(
    records: Iterable[CheckResult | bytes],
    folder: str | Path,
    kinds: Collection[str] = tuple(KINDS),
    *,
    base: str | Path = "",
    title: str = "绩效目标审核结果",
    made: datetime | None = None,
    failed: Iterable[tuple[str, str]] = (),
    findings: int = 0,
    indicators: int = 0,
) -> list[Path]:
    """Write the reports of one run into a folder and give their paths.

    `records` may be any iterable, a generator too: it is gone through once, and memory stays flat.
    A result may be JSON already, in one line, as a journal keeps it: it isn't encoded again.
    `base` is the folder from which the records' files are named (default: where we stand); links to
    them are written relative to the reports. `failed` are (file, reason) of what could not be dealt
    with at all. `findings` and `indicators` are how many there are of all records, where that is
    known beforehand: what is too much for a sheet is then not kept for it. All reports appear
    together at the end, or none does. Raises XltoolError where a report can't be written.
    """
    folder = Path(folder)
    places = folder.absolute(), Path(base).absolute()
    made = made or datetime.now()
    run = Run(*places, title, made, _whole(failed), findings=findings, indicators=indicators)
    paths = [folder / KINDS[kind][0] for kind in kinds]
    with ExitStack() as stack:
        adders = [
            stack.enter_context(_report(kind)(path, run))
            for kind, path in zip(kinds, paths, strict=True)
        ]
        for record in records:
            result, line = packed(record)
            for add in adders:
                add(result, line)
    return paths


def _whole(failed: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((repaired(file), repaired(reason)) for file, reason in failed)


def _report(kind: str) -> Report:
    module, function = KINDS[kind][1].split(":")
    return cast(Report, getattr(import_module(f"xltool.reports.{module}"), function))
