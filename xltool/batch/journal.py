"""What a run has done, so that a killed one goes on and unchanged inputs are skipped:
one SQLite file."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from xltool.batch.inputs import Item, parts_of
from xltool.batch.outlet import NEW, PriorState, Written
from xltool.batch.task import Outcome, Tally, dated, tally_of
from xltool.checks.results import CheckResult
from xltool.errors import DiskError, XltoolError

# Raised when the tables change. An older journal is begun anew, and what lies in OUT is then taken
# for somebody else's unless it is made again just so: change the tables with care.
VERSION = 4
# Older ones with the same tables, whose tallies say less.
_UNDERSTOOD = (3, VERSION)
_TABLES = """
    CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE done (key TEXT PRIMARY KEY, origin TEXT NOT NULL, content TEXT NOT NULL,
        tool TEXT NOT NULL, run INTEGER NOT NULL, made TEXT NOT NULL, failed TEXT NOT NULL,
        outputs TEXT NOT NULL, parts BLOB NOT NULL, verdicts TEXT NOT NULL,
        records BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE written (name TEXT PRIMARY KEY, key TEXT NOT NULL, origin TEXT NOT NULL,
        run INTEGER NOT NULL, seal TEXT NOT NULL, stamp TEXT NOT NULL,
        edited INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX by_key ON written (key);
    CREATE INDEX by_origin ON done (origin);
"""
# What a kill takes of the journal is done again: no more than this many inputs or seconds of them.
_COMMIT_EVERY = 200
_COMMIT_SECONDS = 2.0


class LeftFile(NamedTuple):
    """A file of OUT that no input gives any more: its name, how it was left, whose it was."""

    name: str
    written: Written
    origin: str


class Journal:
    """The ledger of one OUT: for each input its fingerprint, what came of it, what was written."""

    def __init__(self, folder: Path, run: int = 0, *, dry: bool = False) -> None:
        """`dry`: nothing is kept of what is noted."""
        self._dry = dry
        self._path = folder / "journal.sqlite"
        self._pending, self._committed = 0, time.monotonic()
        with self._said():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self._path)
            # WAL survives a kill at any moment. After a power failure the last rows may be gone,
            # and what they told is done again; a row is never there before its outputs, which are
            # on the disk before their names are (`atomic.writing`).
            self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
            [(version,)] = self._db.execute("PRAGMA user_version")
            if dry and version not in _UNDERSTOOD:
                self._db.close()
                self._db = sqlite3.connect(":memory:")
            if version not in _UNDERSTOOD:
                old = "".join(
                    f"DROP TABLE IF EXISTS {name};" for name in ("about", "done", "written")
                )
                self._db.executescript(
                    f"BEGIN; {old} {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;"
                )
            elif version != VERSION and not dry:
                self._db.execute(f"PRAGMA user_version = {VERSION}")
            [(last,)] = self._db.execute("SELECT coalesce(max(run), 0) FROM done")
        # In a process that only reads, the run is the one that is being written.
        self.run = run or last + 1
        self._new = self.empty and not self._db.execute("SELECT 1 FROM written LIMIT 1").fetchone()

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

    def about(self, name: str) -> str:
        """What is noted of the whole OUT, such as its IN."""
        with self._said():
            row = self._db.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return row[0] if row else ""

    def note(self, name: str, value: str) -> None:
        with self._said():
            self._db.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, value))

    @property
    def empty(self) -> bool:
        """Nothing was ever done."""
        with self._said():
            return self._db.execute("SELECT 1 FROM done LIMIT 1").fetchone() is None

    def prior(self, item: Item, *, fresh: bool = False) -> PriorState:
        """What is known of an input, and of the files where its results go.

        Of one that failed, or with `fresh`, nothing that would let it be skipped. In the first run
        nothing is known: a second look at what was just written would only take time.
        """
        if self._new:
            return NEW
        with self._said():
            row = self._db.execute(
                "SELECT content, tool, outputs, failed FROM done WHERE key = ?", (item.key,)
            ).fetchone()
            written = {
                name: Written(seal, stamp, bool(edited))
                for name, seal, stamp, edited in self._files(item)
            }
        if row is None:
            return PriorState(written=written)
        content, tool, outputs, failed = row
        if failed or fresh:
            return PriorState(content, written=written)
        return PriorState(content, tool, tuple(msgspec.json.decode(outputs)), written)

    def _files(self, item: Item) -> Iterator[tuple[str, str, str, int]]:
        """What was written by this input, or by others where its results go:
        (name, seal, stamp, edited)."""
        wanted = "SELECT name, seal, stamp, edited FROM written WHERE"
        yield from self._db.execute(f"{wanted} key = ? OR name = ?", (item.key, item.output))
        home = f"{item.own}/" if item.own else ""
        if item.names is not None:
            for name in item.names.values():
                yield from self._db.execute(f"{wanted} name = ?", (home + name,))
        elif home:
            yield from self._db.execute(
                f"{wanted} name > ? AND name < ? AND instr(substr(name, ?), '/') = 0",
                (home, item.own + chr(ord("/") + 1), len(home) + 1),
            )
        elif item.is_folder:
            yield from self._db.execute(f"{wanted} instr(name, '/') = 0")

    def failed_before(self, key: str) -> bool:
        """The input, a part of it, or a folder in which it lies could not be done the last time."""
        keys = [key]
        while above := keys[-1].rpartition("/")[0]:
            keys.append(above)
        with self._said():
            rows = self._db.execute(
                f"SELECT 1 FROM done WHERE failed <> '' AND (key IN ({_marks(keys)}) OR origin = ?)",
                (*keys, key),
            )
            return rows.fetchone() is not None

    def keep_all(self, key: str) -> None:
        """The earlier result of an input and of its parts stands, whatever the input is now."""
        with self._said():
            self._db.execute(
                "UPDATE written SET run = ? WHERE key IN (SELECT key FROM done WHERE origin = ?)",
                (self.run, key),
            )
            self._keep_files(key, key)
            self._db.execute("UPDATE done SET run = ? WHERE origin = ?", (self.run, key))
        self._count()

    def _keep_files(self, key: str, origin: str) -> None:
        """The files of an input and of its parts stand: what a killed run wrote is known by them
        only."""
        self._db.execute(
            "UPDATE written SET run = ? WHERE (key = ? OR key > ? AND key < ?) AND origin = ?",
            (self.run, key, *parts_of(key), origin),
        )

    def keep(self, key: str, outputs: dict[str, Written] | None = None) -> list[Item]:
        """The input is still there and unchanged; its earlier result stands.
        Its parts, if it has any."""
        with self._said():
            self._db.execute("UPDATE written SET run = ? WHERE key = ?", (self.run, key))
            rows = self._db.execute(
                "UPDATE done SET run = ? WHERE key = ? RETURNING parts", (self.run, key)
            ).fetchall()
            for name, written in (outputs or {}).items():
                self._db.execute(
                    "UPDATE written SET stamp = ? WHERE name = ?", (written.stamp, name)
                )
        self._count()
        return msgspec.json.decode(rows[0][0], type=list[Item]) if rows else []

    def put(self, outcome: Outcome, origin: str) -> None:
        """Note a result."""
        if outcome.failed:
            self._put_failed(outcome, origin)
            return
        encode = msgspec.json.encode
        row = (
            outcome.key, origin, outcome.content, outcome.tool, self.run, _now(), "",
            encode(list(outcome.outputs)).decode(), encode(outcome.parts),
            encode(outcome.tally).decode(), outcome.records,
        )  # fmt: skip
        files = [
            (name, outcome.key, origin, self.run, written.seal, written.stamp, written.edited)
            for name, written in outcome.outputs.items()
        ]
        with self._said():
            self._db.execute(f"INSERT OR REPLACE INTO done VALUES ({_marks(row)})", row)
            self._put_files(files)
            for name in outcome.kept:
                self._db.execute("UPDATE written SET run = ? WHERE name = ?", (self.run, name))
            if outcome.stand:
                self._keep_files(outcome.key, origin)
                parts = "origin = ? AND key <> origin"
                self._stand(parts, (outcome.key,), "现在的数据表读不出来")
        self._count()

    def _put_failed(self, outcome: Outcome, origin: str) -> None:
        """What an input gave before stands, said to be of then; so do the parts of a large book."""
        files = [
            (name, outcome.key, origin, self.run, written.seal, written.stamp, written.edited)
            for name, written in outcome.outputs.items()
        ]
        new = (
            outcome.key,
            origin,
            "",
            "",
            self.run,
            _now(),
            outcome.failed,
            "[]",
            b"[]",
            "{}",
            b"",
        )
        with self._said():
            self._put_files(files)
            self._db.execute(
                f"INSERT INTO done VALUES ({_marks(new)})"
                " ON CONFLICT (key) DO UPDATE SET run = excluded.run, failed = excluded.failed",
                new,
            )
            self._stand("key = ? OR origin = ?", (outcome.key, outcome.key), outcome.failed)
            self._keep_files(outcome.key, origin)
        self._count()

    def keep_below(self, folder: str, reason: str) -> bool:
        """A folder that can't be read this time: what its inputs gave stands.
        Whether there was anything."""
        inside = (f"{folder}/", folder + chr(ord("/") + 1))
        with self._said():
            stands = self._stand(
                "origin > ? AND origin < ? OR origin = ?", (*inside, folder), reason
            )
            self._db.execute(
                "UPDATE written SET run = ? WHERE origin > ? AND origin < ?", (self.run, *inside)
            )
        self._count()
        return stands

    def _stand(self, which: str, values: Iterable[str], reason: str) -> bool:
        """Earlier results of these inputs stand, their records marked as of when they are."""
        rows = self._db.execute(
            f"SELECT key, made, records FROM done WHERE {which}", tuple(values)
        ).fetchall()
        for key, made_at, records in rows:
            self._db.execute(
                "UPDATE done SET run = ?, records = ? WHERE key = ?",
                (self.run, dated(records, made_at, reason), key),
            )
            self._db.execute("UPDATE written SET run = ? WHERE key = ?", (self.run, key))
        return bool(rows)

    def _put_files(self, files: Iterable[tuple[Any, ...]]) -> None:
        self._db.executemany("INSERT OR REPLACE INTO written VALUES (?, ?, ?, ?, ?, ?, ?)", files)

    def adopt(self, name: str, written: Written, key: str, origin: str) -> None:
        """A file that was written before it could be noted: its run, or its worker, was killed. The
        input is done again, for what is noted of it is of another time."""
        self._new = False
        with self._said():
            self._put_files([(name, key, origin, 0, written.seal, written.stamp, False)])
            self._db.execute("UPDATE done SET tool = '?' WHERE key = ? AND tool <> ''", (key,))

    def seal(self, name: str) -> str:
        """The digest of a written file, as it is noted; empty where there is none."""
        with self._said():
            row = self._db.execute("SELECT seal FROM written WHERE name = ?", (name,)).fetchone()
        return row[0] if row else ""

    def left_over(self) -> list[LeftFile]:
        """Files that inputs gave earlier and, seen again in this run, no longer give."""
        return self._left("origin IN (SELECT key FROM done WHERE run = ?)")

    def gone(self) -> list[LeftFile]:
        """Files that inputs gave earlier which are no longer there at all."""
        return self._left("origin NOT IN (SELECT key FROM done WHERE run = ?)")

    def _left(self, whose: str) -> list[LeftFile]:
        with self._said():
            rows = self._db.execute(
                "SELECT name, seal, stamp, edited, origin FROM written"
                f" WHERE run < ? AND {whose} ORDER BY name",
                (self.run, self.run),
            )
            return [
                LeftFile(name, Written(seal, stamp, bool(edited)), origin)
                for name, seal, stamp, edited, origin in rows
            ]

    def forget(self, files: Iterable[LeftFile]) -> None:
        """These files are none of ours any more;
        nor are parts and inputs that gave nothing but them."""
        with self._said():
            self._db.executemany(
                "DELETE FROM written WHERE name = ?", [(file.name,) for file in files]
            )
            # Parts of a book that has fewer of them now. The plus keeps SQLite from looking up every
            # origin of this run for the few rows that are older.
            self._db.execute(
                "DELETE FROM done WHERE run < ?"
                " AND +origin IN (SELECT key FROM done WHERE run = ?)",
                (self.run, self.run),
            )
            self._db.execute(
                "DELETE FROM done WHERE run < ? AND NOT EXISTS"
                " (SELECT 1 FROM written WHERE written.key = done.key)",
                (self.run,),
            )

    def _count(self) -> None:
        self._pending += 1
        if self._pending >= _COMMIT_EVERY or time.monotonic() - self._committed > _COMMIT_SECONDS:
            self.commit()

    def commit(self) -> None:
        """Put what was noted on the disk; a dry run notes nothing."""
        if not self._dry:
            with self._said():
                self._db.commit()
        self._pending, self._committed = 0, time.monotonic()

    def records(self) -> Iterator[bytes]:
        """The records of every input that is there now, in order, each as JSON; one at a time."""
        with self._said():
            rows = self._db.execute(
                "SELECT records FROM done WHERE run = ? ORDER BY key", (self.run,)
            )
            for (packed,) in rows:
                yield from _lines(packed)

    def tallies(self) -> Iterator[Tally]:
        """What every input that is there now comes to."""
        decode = msgspec.json.Decoder(Tally).decode
        with self._said():
            rows = self._db.execute(
                "SELECT key, verdicts FROM done WHERE run = ? ORDER BY key", (self.run,)
            )
            for key, encoded in rows:
                tally = decode(encoded)
                yield tally if tally.totals is not None else self._counted_again(key)

    def _counted_again(self, key: str) -> Tally:
        """The tally of an input that was noted by an earlier version."""
        [(packed,)] = self._db.execute("SELECT records FROM done WHERE key = ?", (key,))
        return tally_of([msgspec.json.decode(line, type=CheckResult) for line in _lines(packed)])

    def failures(self) -> Iterator[tuple[str, str]]:
        """(input, reason) of all that could not be done;
        where an earlier result stands, of when it is."""
        with self._said():
            rows = self._db.execute(
                "SELECT key, failed, made, tool FROM done WHERE run = ? AND failed <> '' ORDER BY key",
                (self.run,),
            )
            for key, reason, made_at, tool in rows:
                yield key, f"{reason}；沿用 {made_at} 的结果" if tool else reason

    def close(self) -> None:
        self._db.close()


def _lines(packed: bytes) -> list[bytes]:
    """The records of one input, each JSON in one line."""
    return packed.split(b"\n") if packed else []


def _now() -> str:
    return datetime.now().isoformat(" ", "minutes")


def _marks(row: Sequence[Any]) -> str:
    return ", ".join("?" * len(row))
