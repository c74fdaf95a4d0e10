"""The reports of a run, made from its journal; the workbook, which takes longest, beside the others."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path

from xltool.batch.jobs import Summary
from xltool.batch.journal import Journal
from xltool.files import guard
from xltool.reports.bundle import write_reports

_TOGETHER = (("json", "html", "csv"), ("xlsx",))
# With fewer units a process of its own costs more than it saves.
_MANY = 200


def write_all(home: Path, run: int, folder: Path, summary: Summary, *, alone: bool) -> list[Path]:
    """Write all reports into a folder; their paths. `alone`: in this process. Raises XltoolError."""
    if alone or summary.verdicts.total() < _MANY:
        return _write(
            home, run, folder, [kind for kinds in _TOGETHER for kind in kinds], summary.failed
        )
    watched = guard.current() is not None
    with ProcessPoolExecutor(len(_TOGETHER), initializer=guard.resume, initargs=(watched,)) as pool:
        tasks = [
            pool.submit(_write, home, run, folder, kinds, summary.failed) for kinds in _TOGETHER
        ]
        return [path for task in tasks for path in task.result()]


def _write(
    home: Path, run: int, folder: Path, kinds: Sequence[str], failed: Sequence[tuple[str, str]]
) -> list[Path]:
    with closing(Journal(home, run)) as journal:
        return write_reports(journal.records(), folder, kinds, base=folder, failed=failed)
