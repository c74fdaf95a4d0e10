"""What a run has done, so that a killed one goes on and unchanged inputs are skipped: SQLite in OUT."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from xltool.atomic import DiskError
from xltool.batch.work import Outcome
from xltool.model import XltoolError

FOLDER = ".xltool"


class Journal:
    """The ledger of one OUT folder: for each input its fingerprint, what came of it, what was written."""

    def __init__(self, output: Path) -> None:
        self._output = output
        path = output / FOLDER / "journal.sqlite"
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(path)
            # WAL survives a kill at any moment; a lost last commit only means work done again.
            self._db.executescript(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                "CREATE TABLE IF NOT EXISTS done (key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL,"
                " run INTEGER NOT NULL, failed TEXT NOT NULL, outputs TEXT NOT NULL, records BLOB NOT NULL)"
                " WITHOUT ROWID"
            )
            [(last,)] = self._db.execute("SELECT coalesce(max(run), 0) FROM done")
        except sqlite3.OperationalError as error:
            raise DiskError(f"写不了日志 {path}：{error}") from error
        except sqlite3.DatabaseError as error:
            raise XltoolError(f"日志 {path} 已损坏（{error}）；删掉它再运行，会全部重做") from error
        self.run = last + 1
        self._pending = 0

    def unchanged(self, key: str, fingerprint: str) -> bool:
        """Whether this very input was done well before and all that was written is still there."""
        row = self._db.execute(
            "SELECT outputs FROM done WHERE key = ? AND fingerprint = ? AND failed = ''", (key, fingerprint)
        ).fetchone()
        return row is not None and all(
            (self._output / name).is_file() for name in msgspec.json.decode(row[0])
        )

    def keep(self, key: str) -> None:
        """The input is still there; its result of an earlier run stands."""
        self._db.execute("UPDATE done SET run = ? WHERE key = ?", (self.run, key))
        self._count()

    def put(self, outcome: Outcome, fingerprint: str) -> None:
        """Note a result. Files that this input no longer gives are removed."""
        before = self._db.execute("SELECT outputs FROM done WHERE key = ?", (outcome.key,)).fetchone()
        if before:
            for name in set(msgspec.json.decode(before[0])) - set(outcome.outputs):
                (self._output / name).unlink(missing_ok=True)
        self._db.execute(
            "INSERT OR REPLACE INTO done VALUES (?, ?, ?, ?, ?, ?)",
            (
                outcome.key,
                fingerprint,
                self.run,
                outcome.failed,
                msgspec.json.encode(outcome.outputs).decode(),
                msgspec.json.encode(outcome.records),
            ),
        )
        self._count()

    def _count(self) -> None:
        self._pending += 1
        if self._pending >= 200:
            self.commit()

    def commit(self) -> None:
        try:
            self._db.commit()
        except sqlite3.OperationalError as error:
            raise DiskError(f"磁盘已满，写不了日志（{error}）") from error
        self._pending = 0

    def records(self) -> Iterator[dict[str, Any]]:
        """The records of every input that is there now, in order; one at a time."""
        for (packed,) in self._db.execute("SELECT records FROM done WHERE run = ? ORDER BY key", (self.run,)):
            yield from msgspec.json.decode(packed)

    def failures(self) -> Iterator[tuple[str, str]]:
        """(input, reason) of all that could not be done."""
        yield from self._db.execute(
            "SELECT key, failed FROM done WHERE run = ? AND failed <> '' ORDER BY key", (self.run,)
        )

    def close(self) -> None:
        self._db.close()
