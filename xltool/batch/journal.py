"""What a run has done, so that a killed one goes on and unchanged inputs are skipped: one SQLite file."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from xltool.batch.inputs import Item
from xltool.batch.task import Known, Outcome
from xltool.errors import DiskError, XltoolError

FOLDER = ".xltool"
# Raised when the tables change: an older journal is then begun anew.
VERSION = 2
_TABLES = """
    CREATE TABLE done (key TEXT PRIMARY KEY, origin TEXT NOT NULL, mark TEXT NOT NULL,
        run INTEGER NOT NULL, failed TEXT NOT NULL, outputs TEXT NOT NULL, parts BLOB NOT NULL,
        verdicts TEXT NOT NULL, records BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE written (name TEXT PRIMARY KEY, key TEXT NOT NULL, origin TEXT NOT NULL,
        run INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX by_key ON written (key);
"""
# What a kill takes of the journal is done again: no more than this many inputs or seconds of them.
_COMMIT_EVERY = 200
_COMMIT_SECONDS = 2.0


class Journal:
    """The ledger of one OUT: for each input its fingerprint, what came of it, what was written."""

    def __init__(self, folder: Path, run: int = 0) -> None:
        self._path = folder / "journal.sqlite"
        self._pending, self._committed = 0, time.monotonic()
        with self._said():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self._path)
            # WAL survives a kill at any moment. After a power failure the last rows may be gone, and what
            # they told is done again; a row is never there before its outputs, which are on the disk before
            # their names are (`atomic.writing`).
            self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
            [(version,)] = self._db.execute("PRAGMA user_version")
            if version != VERSION:
                old = "DROP TABLE IF EXISTS done; DROP TABLE IF EXISTS written;"
                self._db.executescript(
                    f"BEGIN; {old} {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;"
                )
            [(last,)] = self._db.execute("SELECT coalesce(max(run), 0) FROM done")
        # In a process that only reads, the run is the one that is being written.
        self.run = run or last + 1

    @contextmanager
    def _said(self) -> Iterator[None]:
        """What SQLite and the disk complain of, in one line."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise DiskError(f"写不了日志 {self._path}（{error}）：磁盘已满，或不许写") from error
        except sqlite3.DatabaseError as error:
            raise XltoolError(
                f"日志 {self._path} 已损坏（{error}）；删掉它再运行，会全部重做"
            ) from error

    def known(self, key: str) -> Known:
        """What is known of an input that was done well."""
        with self._said():
            row = self._db.execute(
                "SELECT mark, outputs FROM done WHERE key = ? AND failed = ''", (key,)
            ).fetchone()
        return Known(row[0], tuple(msgspec.json.decode(row[1]))) if row else Known()

    def keep(self, key: str) -> list[Item]:
        """The input is still there and unchanged; its earlier result stands. Its parts, if it has any."""
        with self._said():
            self._db.execute("UPDATE written SET run = ? WHERE key = ?", (self.run, key))
            [(parts,)] = self._db.execute(
                "UPDATE done SET run = ? WHERE key = ? RETURNING parts", (self.run, key)
            )
        self._count()
        return msgspec.json.decode(parts, type=list[Item])

    def put(self, outcome: Outcome, origin: str) -> None:
        """Note a result."""
        encode = msgspec.json.encode
        outputs, parts = encode(outcome.outputs).decode(), encode(outcome.parts)
        verdicts, failed = encode(outcome.verdicts).decode(), outcome.failed
        row = (
            outcome.key,
            origin,
            outcome.mark,
            self.run,
            failed,
            outputs,
            parts,
            verdicts,
            outcome.records,
        )
        files = [(name, outcome.key, origin, self.run) for name in outcome.outputs]
        with self._said():
            self._db.execute("INSERT OR REPLACE INTO done VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            self._db.executemany("INSERT OR REPLACE INTO written VALUES (?, ?, ?, ?)", files)
        self._count()

    def left_over(self) -> list[str]:
        """Files that inputs gave earlier and, seen again in this run, no longer give; forgotten hereby."""
        gone = "run < ? AND origin IN (SELECT key FROM done WHERE run = ?)"
        both = (self.run, self.run)
        with self._said():
            names = [
                name for (name,) in self._db.execute(f"SELECT name FROM written WHERE {gone}", both)
            ]
            self._db.execute(f"DELETE FROM written WHERE {gone}", both)
            self._db.execute(f"DELETE FROM done WHERE {gone}", both)
        return names

    def _count(self) -> None:
        self._pending += 1
        if self._pending >= _COMMIT_EVERY or time.monotonic() - self._committed > _COMMIT_SECONDS:
            self.commit()

    def commit(self) -> None:
        with self._said():
            self._db.commit()
        self._pending, self._committed = 0, time.monotonic()

    def records(self) -> Iterator[dict[str, Any]]:
        """The records of every input that is there now, in order; one at a time."""
        with self._said():
            rows = self._db.execute(
                "SELECT records FROM done WHERE run = ? ORDER BY key", (self.run,)
            )
            for (packed,) in rows:
                yield from msgspec.json.decode(packed)

    def verdicts(self) -> Counter[str]:
        """How many units of all inputs that are there now got which verdict."""
        total = Counter[str]()
        with self._said():
            for (some,) in self._db.execute("SELECT verdicts FROM done WHERE run = ?", (self.run,)):
                total.update(msgspec.json.decode(some))
        return total

    def failures(self) -> Iterator[tuple[str, str]]:
        """(input, reason) of all that could not be done."""
        with self._said():
            yield from self._db.execute(
                "SELECT key, failed FROM done WHERE run = ? AND failed <> '' ORDER BY key",
                (self.run,),
            )

    def close(self) -> None:
        self._db.close()
