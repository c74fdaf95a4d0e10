"""The ledger: one SQLite file in WAL mode, checked on opening, backed up before its schema changes.

One writer at a time (`writing`), readers never wait. What is written is append-only facts: units,
issues (what was sent), returns (what came back and how it was judged), choices, notes sent back.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from xltool.campaign.units import Unit
from xltool.errors import XltoolError

FILE = "campaign.db"
VERSION = 1
WAIT = 600  # seconds for another writer to finish

# Each entry brings the ledger from the version before; once released never changed.
_MIGRATIONS = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE units (
        code TEXT PRIMARY KEY, name TEXT NOT NULL, district TEXT NOT NULL, superior TEXT NOT NULL,
        contact TEXT NOT NULL, prefilled TEXT NOT NULL, last_year TEXT NOT NULL, position INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE issues (
        unit TEXT NOT NULL REFERENCES units (code), number INTEGER NOT NULL, batch INTEGER NOT NULL,
        digest TEXT NOT NULL, layout TEXT NOT NULL, file TEXT NOT NULL, sha256 TEXT NOT NULL,
        made_at TEXT NOT NULL, PRIMARY KEY (unit, number)
    ) STRICT;
    CREATE INDEX issues_by_content ON issues (sha256);
    CREATE TABLE returns (
        id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL, unit TEXT NOT NULL, claimed TEXT NOT NULL,
        version INTEGER NOT NULL, name TEXT NOT NULL, modified TEXT NOT NULL, received_at TEXT NOT NULL,
        kind TEXT NOT NULL, verdict TEXT NOT NULL, issue INTEGER NOT NULL,
        findings TEXT NOT NULL, figures TEXT NOT NULL, UNIQUE (sha256, claimed)
    ) STRICT;
    CREATE INDEX returns_by_unit ON returns (unit);
    CREATE TABLE choices (
        unit TEXT PRIMARY KEY REFERENCES units (code), return_id INTEGER NOT NULL REFERENCES returns (id),
        reason TEXT NOT NULL, made_at TEXT NOT NULL
    ) STRICT;
    CREATE TABLE notes (
        return_id INTEGER PRIMARY KEY REFERENCES returns (id), made_at TEXT NOT NULL
    ) STRICT;
    -- What counts: the chosen version, or else the latest valid one that is beyond doubt the unit's own.
    CREATE VIEW counted AS
        SELECT u.code AS unit, COALESCE(c.return_id, (
            SELECT MAX(r.id) FROM returns r
            WHERE r.unit = u.code AND r.claimed = '' AND r.verdict IN ('pass', 'query')
        )) AS return_id
        FROM units u LEFT JOIN choices c ON c.unit = u.code;
    """,
)

LedgerRow = sqlite3.Row


def now() -> str:
    """The present, in local time to the second, as the ledger writes it."""
    return dt.datetime.now().isoformat(sep=" ", timespec="seconds")


_MACHINE = {
    sqlite3.SQLITE_READONLY: "台账写不了：没有权限，或者文件夹是只读的",
    sqlite3.SQLITE_CANTOPEN: "台账打不开：没有权限，或者文件夹是只读的",
    sqlite3.SQLITE_PERM: "台账打不开：没有权限",
    sqlite3.SQLITE_BUSY: "台账正被别的程序使用，请稍后再试",
    sqlite3.SQLITE_LOCKED: "台账正被别的程序使用，请稍后再试",
    sqlite3.SQLITE_FULL: "台账写不了：磁盘已满",
    sqlite3.SQLITE_IOERR: "台账读写出错：请检查磁盘",
}
_DAMAGE = {sqlite3.SQLITE_CORRUPT: "文件已损坏", sqlite3.SQLITE_NOTADB: "不是台账文件"}


def _refused(error: sqlite3.DatabaseError) -> str:
    """Why a ledger can't be used: the machine's refusal is told apart from damage."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _MACHINE:
        return _MACHINE[code]
    return (
        f"台账读不了（{_DAMAGE.get(code, error)}），请停用本文件夹，从 backups 里的备份或导出件恢复"
    )


class Ledger:
    """An open ledger. Queries give rows; changes are made inside `writing()`."""

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        self.folder = folder
        self.path = folder / FILE
        if not create and not self.path.is_file():
            raise XltoolError(
                f"这里不是申报批次文件夹（没有 {FILE}）：{folder.resolve()}；"
                "请进到批次文件夹里再运行，或用 --campaign 指明"
            )
        try:
            self.base = sqlite3.connect(self.path, timeout=30, isolation_level=None)
            self.close = weakref.finalize(
                self, self.base.close
            )  # at the latest when nobody uses it
            self.base.row_factory = sqlite3.Row
            self.base.execute("PRAGMA trusted_schema = OFF")  # it may have come from elsewhere
            self.base.execute("PRAGMA journal_mode = WAL")
            self.base.execute("PRAGMA synchronous = NORMAL")
            self.base.execute("PRAGMA foreign_keys = ON")
            self._examine()
            self._migrate()
        except sqlite3.DatabaseError as error:
            raise XltoolError(_refused(error)) from error

    def _examine(self) -> None:
        found = [row[0] for row in self.base.execute("PRAGMA quick_check(3)")]
        if found != ["ok"]:
            raise sqlite3.DatabaseError(f"完整性检查没有通过：{found[0]}")

    def _migrate(self) -> None:
        version = self._version()
        if version > VERSION:
            raise XltoolError(f"台账由更新的 xltool 建立（第 {version} 版），请升级 xltool")
        if version == VERSION:
            return
        with self.writing():
            for step in range(self._version(), VERSION):
                if step:
                    self.back_up(f"before-{step + 1}")
                # One transaction: the new schema is there as a whole or not at all.
                self.base.executescript(
                    f"BEGIN IMMEDIATE; {_MIGRATIONS[step]} PRAGMA user_version = {step + 1}; COMMIT;"
                )

    def _version(self) -> int:
        return int(self.base.execute("PRAGMA user_version").fetchone()[0])

    def back_up(self, label: str) -> Path:
        """A whole copy of the ledger in `backups/`."""
        folder = self.folder / "backups"
        folder.mkdir(exist_ok=True)
        path = folder / f"campaign-{label}.db"
        with closing(sqlite3.connect(path)) as copy:
            self.base.backup(copy)
        return path

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer; another process waits. The lock goes with the process, however it ends."""
        from filelock import FileLock, Timeout

        try:
            with FileLock(self.folder / ".writing.lock", timeout=WAIT):
                yield
        except Timeout as error:
            raise XltoolError("另一个 xltool 正在写这个批次，请等它结束后再试") from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing."""
        try:
            self.base.execute("BEGIN IMMEDIATE")
            yield
            self.base.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            self._roll_back()
            raise XltoolError(_refused(error)) from error
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            self.base.execute("ROLLBACK")

    # ── facts ────────────────────────────────────────────────────────────────────────────────

    def meta(self) -> dict[str, str]:
        return dict(self.base.execute("SELECT key, value FROM meta").fetchall())

    def set_meta(self, values: Mapping[str, str]) -> None:
        self.base.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(values.items()))

    def units(self) -> list[Unit]:
        """The units on the list, in its order."""
        rows = self.base.execute("SELECT * FROM units ORDER BY position")
        return [
            Unit(
                *(row[key] for key in ("code", "name", "district", "superior", "contact")),
                *(msgspec.json.decode(row[key]) for key in ("prefilled", "last_year")),
            )
            for row in rows
        ]

    def put_units(self, units: Iterable[Unit]) -> None:
        """Add units, or bring what is known of them up to date; none is ever taken off."""
        self.base.executemany(
            "INSERT INTO units VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (code) DO UPDATE SET"
            " name = excluded.name, district = excluded.district, superior = excluded.superior,"
            " contact = excluded.contact, prefilled = excluded.prefilled, last_year = excluded.last_year,"
            " position = excluded.position",
            [
                (
                    u.code,
                    u.name,
                    u.district,
                    u.superior,
                    u.contact,
                    _json(u.prefilled),
                    _json(u.last_year),
                    n,
                )
                for n, u in enumerate(units)
            ],
        )

    def issues(self) -> dict[str, LedgerRow]:
        """The latest issue of each unit: what it should return."""
        rows = self.base.execute("SELECT *, MAX(number) FROM issues GROUP BY unit")
        return {row["unit"]: row for row in rows}

    def issued_contents(self) -> set[str]:
        """The sha256 of everything ever sent out."""
        return {row[0] for row in self.base.execute("SELECT sha256 FROM issues")}

    def add_issues(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self.base.executemany(
            "INSERT INTO issues VALUES (:unit, :number, :batch, :digest, :layout, :file, :sha256, :made_at)",
            list(rows),
        )

    def set_batch(self, issues: Iterable[tuple[str, int]], batch: int) -> None:
        """These issues were handed on in this batch."""
        self.base.executemany(
            "UPDATE issues SET batch = ? WHERE unit = ? AND number = ?",
            [(batch, *one) for one in issues],
        )

    def last_batch(self) -> int:
        return int(self.base.execute("SELECT COALESCE(MAX(batch), 0) FROM issues").fetchone()[0])

    def returns(self) -> list[LedgerRow]:
        """Everything that came back, in the order in which it was taken in."""
        return self.base.execute("SELECT * FROM returns ORDER BY id").fetchall()

    def returns_of(self, unit: str) -> list[LedgerRow]:
        return self.base.execute(
            "SELECT * FROM returns WHERE unit = ? ORDER BY id", (unit,)
        ).fetchall()

    def add_return(self, values: Mapping[str, Any]) -> int:
        """Add a return and give it the unit's next version number (0 where the unit is not known)."""
        self.base.execute(
            "INSERT INTO returns (sha256, unit, claimed, version, name, modified, received_at, kind,"
            " verdict, issue, findings, figures) VALUES (:sha256, :unit, :claimed,"
            " CASE WHEN :unit = '' THEN 0 ELSE"
            " (SELECT COALESCE(MAX(version), 0) + 1 FROM returns WHERE unit = :unit) END,"
            " :name, :modified, :received_at, :kind, :verdict, :issue, :findings, :figures)",
            values,
        )
        return int(
            self.base.execute(
                "SELECT version FROM returns WHERE id = last_insert_rowid()"
            ).fetchone()[0]
        )

    def judge_return(self, id_: int, values: Mapping[str, Any]) -> None:
        """Write a return's judgement anew."""
        self.base.execute(
            "UPDATE returns SET kind = :kind, verdict = :verdict, findings = :findings, figures = :figures"
            " WHERE id = :id",
            {**values, "id": id_},
        )

    def counted(self) -> dict[str, LedgerRow]:
        """Unit → the return that counts."""
        rows = self.base.execute("SELECT r.* FROM counted c JOIN returns r ON r.id = c.return_id")
        return {row["unit"]: row for row in rows}

    def choose(self, unit: str, return_id: int | None, reason: str) -> None:
        """Let this return count for the unit; None goes back to the latest valid one."""
        if return_id is None:
            self.base.execute("DELETE FROM choices WHERE unit = ?", (unit,))
        else:
            self.base.execute(
                "INSERT OR REPLACE INTO choices VALUES (?, ?, ?, ?)",
                (unit, return_id, reason, now()),
            )

    def choices(self) -> dict[str, LedgerRow]:
        return {row["unit"]: row for row in self.base.execute("SELECT * FROM choices")}

    def note_returned(self, return_ids: Iterable[int]) -> None:
        self.base.executemany(
            "INSERT OR REPLACE INTO notes VALUES (?, ?)", [(id_, now()) for id_ in return_ids]
        )

    def noted(self) -> dict[int, str]:
        """Return → when it was sent back with a note."""
        return {row[0]: row[1] for row in self.base.execute("SELECT return_id, made_at FROM notes")}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
