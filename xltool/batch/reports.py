"""The reports of a run, made from its journal, by two processes side by side.

They are made aside and then moved into OUT. What lies there under their names and is not what
xltool left (someone has written remarks into it, or it is another's) gets a dated name first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from xltool.batch.inputs import REPORTS
from xltool.batch.jobs import Summary
from xltool.batch.journal import Journal, LeftFile
from xltool.batch.outlet import Written, seal
from xltool.batch.storage import OCCUPIED, Remote, StorageFolder
from xltool.batch.tidying import put_away
from xltool.checks.beside_others import asked
from xltool.errors import XltoolError
from xltool.reports.bundle import write_reports

# Which reports one process makes: both take about as long.
_TOGETHER = (("json", "csv"), ("html", "xlsx"))
# One night's reports: each with how it was left.
_ReportSet = dict[str, Written]
# What is said of a report that was found changed.
_ASIDE = "原来的报告有人改过（或不是 xltool 写的），留着，改名成这样"
# With fewer units a process of its own costs more than it saves.
_MANY = 200


def write_all(
    home: Path,
    journal: Journal,
    outside: StorageFolder,
    summary: Summary,
    keep: int,
    *,
    alone: bool,
) -> list[tuple[str, str]]:
    """Write all reports into OUT, keeping `keep` earlier sets. `alone`: in this process.

    Returns (name, what a person should know) of earlier ones. Raises XltoolError.
    """
    written = _make(home, journal.run, home / "reports", summary, alone=alone)
    seals = {file.name: _seal(file) for file in written}
    now = _free_date(outside)
    notes = []
    for name in REPORTS:
        before = msgspec.json.decode(journal.about(name) or "[]", type=list[str])
        journal.note(name, msgspec.json.encode([*before[:1], seals[name]]).decode())
        stamp = outside.stamp(name)
        if (
            stamp
            and stamp != journal.about(f"stamp {name}")
            and (stamp == OCCUPIED or _there(outside, name) not in before)
        ):
            outside.rename(name, _dated(name, now))
            notes.append((_dated(name, now), _ASIDE))
    # From here on a killed run leaves reports that are known as ours, old ones and new ones.
    journal.commit()
    if keep:
        notes += _put_by(journal, outside, now, keep)
    for file in written:
        outside.move_in(file, file.name)
        journal.note(file.name, msgspec.json.encode([seals[file.name]]).decode())
        journal.note(f"stamp {file.name}", outside.stamp(file.name))
    journal.commit()
    return notes


def _put_by(journal: Journal, outside: StorageFolder, now: str, keep: int) -> list[tuple[str, str]]:
    """Give the reports that lie in OUT dated names; of earlier ones only so many sets stay, and
    what someone has changed. Returns (name, why it stays)."""
    sets = msgspec.json.decode(journal.about("earlier reports") or "[]", type=list[_ReportSet])
    fresh: _ReportSet = {}
    for name in REPORTS:
        if outside.stamp(name):
            dated_name, digest = _dated(name, now), _there(outside, name)
            outside.rename(name, dated_name)
            fresh[dated_name] = Written(digest, outside.stamp(dated_name))
    sets += [fresh] if fresh else []
    notes = []
    for old in sets[:-keep]:
        for name, written in old.items():
            if reason := put_away(LeftFile(name, written, name), outside):
                notes.append((name, f"以前的报告，留着没有删：{reason}"))
    journal.note("earlier reports", msgspec.json.encode(sets[-keep:]).decode())
    journal.commit()
    return notes


def _free_date(outside: StorageFolder) -> str:
    """The date for reports that give way: now, or, where a clock was put back or runs follow each
    other at once, the next that none of them has."""
    moment = datetime.now()
    while any(outside.stamp(_dated(name, _as_date(moment))) for name in REPORTS):
        moment += timedelta(seconds=1)
    return _as_date(moment)


def _as_date(moment: datetime) -> str:
    return f"{moment:%Y%m%d-%H%M%S}"


def _dated(name: str, when: str) -> str:
    stem, _, suffix = name.rpartition(".")
    return f"{stem}.{when}.{suffix}"


def _seal(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _there(outside: StorageFolder, name: str) -> str:
    """The digest of a report that lies in OUT; empty where it can't be read."""
    with suppress(OSError, XltoolError):
        if isinstance(outside, Remote):
            return seal(outside.load(name))
        return _seal(Path(outside.at(name)))
    return ""


def _make(home: Path, run: int, folder: Path, summary: Summary, *, alone: bool) -> list[Path]:
    if alone or summary.verdicts.total() < _MANY:
        return _write(home, run, folder, [kind for kinds in _TOGETHER for kind in kinds], summary)
    with ProcessPoolExecutor(len(_TOGETHER)) as pool:
        tasks = [pool.submit(_write, home, run, folder, kinds, summary) for kinds in _TOGETHER]
        return [path for task in tasks for path in task.result()]


def _write(
    home: Path, run: int, folder: Path, kinds: Sequence[str], summary: Summary
) -> list[Path]:
    with closing(Journal(home, run)) as journal:
        records = asked(journal.records(), summary.questions, summary.question_weight)
        return write_reports(
            records,
            folder,
            kinds,
            base=folder,
            failed=summary.failed,
            findings=summary.findings,
            indicators=summary.indicators,
        )
