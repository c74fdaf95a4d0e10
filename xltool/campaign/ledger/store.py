"""The ledger: one SQLite file in WAL mode, checked on opening, backed up before it is changed.

One writer at a time (`writing`), readers never wait. What is written is append-only facts: units,
issues (what was sent), arrivals (each file that came), returns (each content that came, and how it
was judged by itself), deeds (who decided what, when and why). What follows from them together (is
it superseded, which version counts) is never stored: `returns` and `counted` ask `counting` anew.
"""

from __future__ import annotations

import datetime as dt
import getpass
import re
import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from xltool.campaign.ledger.counting import Act, Deed, in_force
from xltool.campaign.ledger.related import UnitFacts, UnitReturns, related
from xltool.campaign.units import Unit
from xltool.errors import XltoolError, why
from xltool.files.atomic import sweep, temporary_name

FILE = "campaign.db"
VERSION = 3
BACKUP_FOLDER = "backups"
BACKUPS = 10  # kept of those made before each changing command
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
    """
    DROP VIEW counted;
    CREATE TABLE sent (
        id INTEGER PRIMARY KEY, unit TEXT NOT NULL REFERENCES units (code), number INTEGER NOT NULL,
        batch INTEGER NOT NULL, digest TEXT NOT NULL, layout TEXT NOT NULL, file TEXT NOT NULL,
        sha256 TEXT NOT NULL, made_at TEXT NOT NULL, manifest TEXT NOT NULL, UNIQUE (unit, number, digest)
    ) STRICT;
    INSERT INTO sent (unit, number, batch, digest, layout, file, sha256, made_at, manifest)
        SELECT unit, number, batch, digest, layout, file, sha256, made_at, '' FROM issues
        ORDER BY number, batch, unit;
    DROP TABLE issues;
    ALTER TABLE sent RENAME TO issues;
    CREATE INDEX issues_by_content ON issues (sha256);
    ALTER TABLE returns ADD COLUMN seal TEXT NOT NULL DEFAULT '';
    ALTER TABLE returns ADD COLUMN stamp TEXT NOT NULL DEFAULT '';
    ALTER TABLE returns ADD COLUMN content TEXT NOT NULL DEFAULT '';
    UPDATE issues SET digest = sealed(sha256, digest);
    UPDATE returns SET
        seal = COALESCE((SELECT digest FROM issues WHERE issues.unit = returns.unit
                         AND issues.number = returns.issue), ''),
        content = content_in(figures),
        kind = CASE kind WHEN 'stale' THEN 'genuine' ELSE kind END,
        verdict = own_verdict(findings), findings = own_findings(findings);
    CREATE TABLE arrivals (
        id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL, name TEXT NOT NULL, time TEXT NOT NULL,
        zipped INTEGER NOT NULL, day TEXT NOT NULL, taken_at TEXT NOT NULL, return_id INTEGER NOT NULL,
        outcome TEXT NOT NULL, reason TEXT NOT NULL, unit TEXT NOT NULL, UNIQUE (sha256, name, time)
    ) STRICT;
    CREATE INDEX arrivals_by_return ON arrivals (return_id);
    INSERT INTO arrivals (sha256, name, time, zipped, day, taken_at, return_id, outcome, reason, unit)
        SELECT sha256, name, modified, 0, substr(received_at, 1, 10), received_at, id, 'word', '', unit
        FROM returns ORDER BY id;
    CREATE TABLE deeds (
        id INTEGER PRIMARY KEY, made_at TEXT NOT NULL, author TEXT NOT NULL, action TEXT NOT NULL,
        unit TEXT NOT NULL, return_id INTEGER NOT NULL, issue TEXT NOT NULL, detail TEXT NOT NULL,
        reason TEXT NOT NULL, arrivals INTEGER NOT NULL, run INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX deeds_by_unit ON deeds (unit);
    INSERT INTO deeds (made_at, author, action, unit, return_id, issue, detail, reason, arrivals, run)
        SELECT i.made_at, '', 'issue', i.unit, 0, i.digest, '{}', '',
               (SELECT COUNT(*) FROM returns r WHERE r.received_at < i.made_at), 0
        FROM issues i WHERE i.number > 1;
    INSERT INTO deeds (made_at, author, action, unit, return_id, issue, detail, reason, arrivals, run)
        SELECT n.made_at, '', 'note', r.unit, n.return_id, r.seal, '{}', '',
               (SELECT COUNT(*) FROM returns o WHERE o.received_at <= n.made_at), 0
        FROM notes n JOIN returns r ON r.id = n.return_id;
    INSERT INTO deeds (made_at, author, action, unit, return_id, issue, detail, reason, arrivals, run)
        SELECT c.made_at, '', 'choose', c.unit, c.return_id, COALESCE((SELECT digest FROM issues i
               WHERE i.unit = c.unit AND i.made_at <= c.made_at ORDER BY number DESC LIMIT 1), ''),
               '{}', c.reason, (SELECT COUNT(*) FROM returns o WHERE o.received_at <= c.made_at), 0
        FROM choices c;
    DROP TABLE choices;
    DROP TABLE notes;
    """,
    "ALTER TABLE issues ADD COLUMN sealed TEXT NOT NULL DEFAULT '';",
)

# A row as the ledger gives it, by column.
LedgerRow = Mapping[str, Any]


def _own_findings(text: str) -> str:
    """The findings of a file by itself: what follows from other files isn't stored any more."""
    findings = msgspec.json.decode(text)
    return msgspec.json.encode(
        [finding for finding in findings if finding["code"] not in ("D603", "D604")]
    ).decode()


def _own_verdict(text: str) -> str:
    from xltool.checks.results import verdict
    from xltool.model import Finding

    return verdict(msgspec.json.decode(_own_findings(text), type=list[Finding]))


def _content_in(figures: str) -> str:
    return str(msgspec.json.decode(figures).get("content", ""))


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
    if isinstance(error, sqlite3.IntegrityError):
        return f"台账里已有与此矛盾的记录，没有写入（{error}）"
    return (
        f"台账读不了（{_DAMAGE.get(code, error)}），请停用本文件夹，用 xltool campaign rebuild 重建，"
        "或从 backups 里的备份、导出件恢复"
    )


class Ledger:
    """An open ledger. Queries give rows; changes are made inside `writing()`."""

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        self.folder = folder
        self.author = ""  # who acts, where a command names somebody
        self._backed_up = True
        self._run = 0
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
        complaints = [row[0] for row in self.base.execute("PRAGMA quick_check(3)")]
        if complaints != ["ok"]:
            raise sqlite3.DatabaseError(f"完整性检查没有通过：{complaints[0]}")

    def _migrate(self) -> None:
        version = self._version()
        if version > VERSION:
            raise XltoolError(f"台账由更新的 xltool 建立（第 {version} 版），请升级 xltool")
        if version == VERSION:
            return
        self.base.create_function("own_findings", 1, _own_findings)
        self.base.create_function("own_verdict", 1, _own_verdict)
        self.base.create_function("content_in", 1, _content_in)
        self.base.create_function("sealed", 2, self._sealed)
        with self.writing():
            first = self._version()
            for step in range(first, VERSION):
                if first:
                    self.back_up(f"before-{step + 1}")
                # One transaction: the new schema is there as a whole or not at all.
                self.base.executescript(
                    f"BEGIN IMMEDIATE; {_MIGRATIONS[step]} PRAGMA user_version = {step + 1}; COMMIT;"
                )

    def _sealed(self, sha256: str, digest: str) -> str:
        """The digest of the seal in a workbook kept here;
        where none is kept, the one that is known."""
        from xltool.campaign.sealing import seal
        from xltool.xlsx.workbook_reader import open_grid

        file = self.folder / "originals" / sha256[:2] / sha256
        if digest != sha256 or not file.is_file():
            return digest
        mark = seal.claimed(open_grid(file).properties)
        return seal.digest_of(mark) if mark else digest

    def _version(self) -> int:
        return int(self.base.execute("PRAGMA user_version").fetchone()[0])

    def back_up(self, label: str) -> Path:
        """A whole copy of the ledger in `backups/`."""
        folder = self.folder / BACKUP_FOLDER
        path = folder / f"campaign-{label}.db"
        half = folder / temporary_name(path.name)
        try:
            folder.mkdir(exist_ok=True)
            with closing(sqlite3.connect(half)) as copy:
                self.base.backup(copy)
            half.replace(path)
        except OSError as error:
            raise XltoolError(f"台账备份不了：{why(error)}（{folder}）") from error
        return path

    def _back_up_before_change(self) -> None:
        """A copy before the first change of a command; the latest ten are kept."""
        if self._backed_up:
            return
        self._backed_up = True
        if not self.base.execute("SELECT 1 FROM meta LIMIT 1").fetchone():
            return  # just made: nothing to lose
        label = stamp = f"{dt.datetime.now():%Y%m%d-%H%M%S}"
        number = 1
        while (self.folder / BACKUP_FOLDER / f"campaign-{label}.db").exists():
            number += 1
            label = f"{stamp}-{number}"
        self.back_up(label)
        for old in backups(self.folder)[BACKUPS:]:
            old.unlink(missing_ok=True)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer; another process waits.
        The lock goes with the process, however it ends."""
        from filelock import FileLock, Timeout

        try:
            with FileLock(self.folder / ".writing.lock", timeout=WAIT):
                self._backed_up = False
                _sweep(self.folder)
                yield
        except Timeout as error:
            raise XltoolError("另一个 xltool 正在写这个批次，请等它结束后再试") from error
        except PermissionError as error:
            raise XltoolError(_MACHINE[sqlite3.SQLITE_READONLY]) from error
        finally:
            self._backed_up = True

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing."""
        try:
            self._back_up_before_change()
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
                    unit.code,
                    unit.name,
                    unit.district,
                    unit.superior,
                    unit.contact,
                    _json(unit.prefilled),
                    _json(unit.last_year),
                    number,
                )
                for number, unit in enumerate(units)
            ],
        )

    def issues(self) -> dict[str, LedgerRow]:
        """The latest issue of each unit: what it should return."""
        rows = self.base.execute("SELECT * FROM issues ORDER BY number, id")
        return {row["unit"]: row for row in rows}

    def issues_of(self, units: Iterable[str] | None = None) -> dict[str, dict[str, int]]:
        """Unit → the digest of each of its issues → its number, the latest last."""
        by_unit: dict[str, dict[str, int]] = {}
        for row in self._of("SELECT * FROM issues", units, "number, id"):
            numbers = by_unit.setdefault(row["unit"], {})
            numbers.pop(row["digest"], None)  # sent again as it was before: now the latest
            numbers[row["digest"]] = row["number"]
        return by_unit

    def issued_contents(self) -> set[str]:
        """The sha256 of everything ever sent out."""
        return {row[0] for row in self.base.execute("SELECT sha256 FROM issues")}

    def add_issues(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self.base.executemany(
            "INSERT INTO issues (unit, number, batch, digest, layout, file, sha256, made_at, manifest,"
            " sealed) VALUES (:unit, :number, :batch, :digest, :layout, :file, :sha256, :made_at,"
            " :manifest, :sealed)",
            [{"manifest": "", "sealed": "", **row} for row in rows],
        )

    def issued_seals(self) -> frozenset[str]:
        """The `seal.whole_digest` of all that was sent out; of what was sent by an earlier xltool
        it is not known."""
        rows = self.base.execute("SELECT sealed FROM issues WHERE sealed <> ''")
        return frozenset(row[0] for row in rows)

    def set_manifest(
        self, issues: Iterable[tuple[str, str]], paper: str, *, latest: bool = False
    ) -> None:
        """These workbooks (file, sha256) came with this manifest: noted where none was known, or
        where this is the `latest`."""
        self.base.executemany(
            "UPDATE issues SET manifest = ? WHERE file = ? AND sha256 = ? AND (manifest = '' OR ?)",
            [(paper, *issue, latest) for issue in issues],
        )

    def set_batch(self, issues: Iterable[int], batch: int) -> None:
        """These issues were handed on in this batch."""
        self.base.executemany(
            "UPDATE issues SET batch = ? WHERE id = ?", [(batch, id_) for id_ in issues]
        )

    def last_batch(self) -> int:
        return int(self.base.execute("SELECT COALESCE(MAX(batch), 0) FROM issues").fetchone()[0])

    # ── what came back ───────────────────────────────────────────────────────────────────────

    def returns(self) -> list[LedgerRow]:
        """Everything that came back, in the order in which it was taken in, as it stands now."""
        return sorted(
            (row for unit in self.standings().values() for row in unit.rows),
            key=lambda row: row["id"],
        )

    def returns_of(self, unit: str) -> list[LedgerRow]:
        return list(self.standings([unit]).get(unit, UnitReturns()).rows)

    def standings(self, units: Iterable[str] | None = None) -> dict[str, UnitReturns]:
        """Unit → its returns as they stand now, and which of them counts. Everybody reads this.

        Returns that belong to nobody stand under the empty text.
        """
        codes = None if units is None else list(units)
        issues, deeds = self.issues_of(codes), self.deeds_by_unit(codes)
        rows: dict[str, list[LedgerRow]] = {}
        for row in self.own_returns(codes):
            rows.setdefault(row["unit"], []).append(row)
        by_unit: dict[str, UnitReturns] = {}
        for unit in {**rows, **issues, **deeds}:
            unit_issues = issues.get(unit, {}) if unit else {}
            facts = UnitFacts(
                unit_issues,
                next(reversed(unit_issues), ""),
                rows.get(unit, []),
                deeds.get(unit, []),
            )
            by_unit[unit] = related(facts, self.folder)
        return by_unit

    def own_returns(self, units: Iterable[str] | None = None) -> list[LedgerRow]:
        """The returns, each judged by itself,
        with the number of its latest arrival and of the first, and when it was sent last.

        That is by its own time: an older copy that is found later is not a later word, and still
        shows that it was there on its day.
        """
        # Of each return by itself, through the index: not all arrivals for a few units.
        words = "FROM arrivals WHERE return_id = r.id AND outcome = 'word'"
        last = f"SELECT id {words} ORDER BY day DESC, time DESC, id DESC LIMIT 1"
        return self._of(
            f"SELECT r.*, (SELECT MAX(id) {words}) AS arrival, a.day, a.time, a.zipped,"
            f" (SELECT MIN(id) {words}) AS first, (SELECT MIN(day) FROM arrivals"
            " WHERE return_id = r.id AND outcome IN ('word', 'copy')) AS first_day,"
            f" (SELECT COUNT(*) {words}) AS times"
            f" FROM returns r JOIN arrivals a ON a.id = ({last})",
            units,
            "r.id",
            "r.unit",
        )

    def _of(
        self, query: str, units: Iterable[str] | None, order: str, unit: str = "unit"
    ) -> list[LedgerRow]:
        """Rows of these units, or of all."""
        if units is None:
            return list(map(dict, self.base.execute(f"{query} ORDER BY {order}")))
        codes = list(units)
        rows: list[LedgerRow] = []
        for start in range(0, len(codes), 500):
            part = codes[start : start + 500]
            where = f"WHERE {unit} IN ({','.join('?' * len(part))})"
            rows += map(dict, self.base.execute(f"{query} {where} ORDER BY {order}", part))
        return rows

    def add_return(self, values: Mapping[str, Any]) -> tuple[int, int]:
        """Add a return and give it the unit's next version number (0 where the unit is not known).

        Its id and its version.
        """
        self.base.execute(
            "INSERT INTO returns (sha256, unit, claimed, version, name, modified, received_at, kind,"
            " verdict, issue, findings, figures, seal, stamp, content) VALUES (:sha256, :unit, :claimed,"
            " CASE WHEN :unit = '' THEN 0 ELSE"
            " (SELECT COALESCE(MAX(version), 0) + 1 FROM returns WHERE unit = :unit) END,"
            " :name, :modified, :received_at, :kind, :verdict, :issue, :findings, :figures, :seal,"
            " :stamp, :content)",
            values,
        )
        row = self.base.execute(
            "SELECT id, version FROM returns WHERE id = last_insert_rowid()"
        ).fetchone()
        return int(row[0]), int(row[1])

    def judge_return(self, id_: int, values: Mapping[str, Any]) -> int:
        """Write a return's judgement anew; one of a unit that was not on the list becomes its.

        Its version.
        """
        self.base.execute(
            "UPDATE returns SET kind = :kind, verdict = :verdict, findings = :findings, figures = :figures,"
            " content = :content, seal = :seal, stamp = :stamp WHERE id = :id",
            {**values, "id": id_},
        )
        self.base.execute(
            "UPDATE returns SET unit = :unit, version ="
            " (SELECT COALESCE(MAX(version), 0) + 1 FROM returns WHERE unit = :unit)"
            " WHERE id = :id AND unit = '' AND :unit <> ''",
            {"unit": values["unit"], "id": id_},
        )
        row = self.base.execute("SELECT version FROM returns WHERE id = ?", (id_,)).fetchone()
        return int(row[0])

    def add_arrival(self, values: Mapping[str, Any]) -> None:
        """One line for a file that came: what it is called, when it was made, what became of it."""
        self.base.execute(
            "INSERT INTO arrivals (sha256, name, time, zipped, day, taken_at, return_id, outcome, reason,"
            " unit) VALUES (:sha256, :name, :time, :zipped, :day, :taken_at, :return_id, :outcome,"
            " :reason, :unit)"
            # What nobody could place when it came may be placed now.
            " ON CONFLICT DO UPDATE SET return_id = excluded.return_id, outcome = excluded.outcome,"
            " reason = excluded.reason, unit = excluded.unit"
            " WHERE arrivals.return_id = 0 AND excluded.return_id <> 0",
            values,
        )

    def arrivals(self) -> list[LedgerRow]:
        """Every file that ever came, in order."""
        return list(map(dict, self.base.execute("SELECT * FROM arrivals ORDER BY id")))

    def idle_arrivals(self) -> list[LedgerRow]:
        """The arrivals that brought no return:
        blank forms, other kinds of files, what can't be opened."""
        rows = self.base.execute("SELECT * FROM arrivals WHERE return_id = 0 ORDER BY id")
        return list(map(dict, rows))

    def issue_owners(self) -> dict[str, str]:
        """The sha256 of everything ever sent out → whose it is."""
        return dict(self.base.execute("SELECT sha256, unit FROM issues").fetchall())

    def counted(self) -> dict[str, LedgerRow]:
        """Unit → the return that counts, in the order of the list."""
        standings = self.standings()
        codes = [row[0] for row in self.base.execute("SELECT code FROM units ORDER BY position")]
        counting = {code: standings[code].counting for code in codes if code in standings}
        return {code: row for code, row in counting.items() if row is not None}

    # ── what was decided ─────────────────────────────────────────────────────────────────────

    def as_of(self) -> str:
        """The state of the history, greater as text than that of any state before:
        the latest time in it, and how many acts there are.

        The time comes first because a ledger that was restored counts some acts a second time; the
        number orders what was done in one second, or after a clock was put back.
        """
        latest, number = self.base.execute(
            "SELECT MAX(made_at), COALESCE(MAX(id), 0) FROM deeds"
        ).fetchone()
        return f"{max(latest or '', self.meta().get('made_at', ''))} {number:09d}"

    def deeds(self) -> list[Deed]:
        """The whole history, oldest first, undone acts and all."""
        names = "id, made_at, author, action, unit, return_id, issue, detail, reason, arrivals, run"
        return [Deed(*row) for row in self.base.execute(f"SELECT {names} FROM deeds ORDER BY id")]

    def deeds_by_unit(self, units: Iterable[str] | None = None) -> dict[str, list[Deed]]:
        """The acts in force, by unit."""
        wanted = None if units is None else set(units)
        by_unit: dict[str, list[Deed]] = {}
        for deed in in_force(self.deeds()):
            if wanted is None or deed.unit in wanted:
                by_unit.setdefault(deed.unit, []).append(deed)
        return by_unit

    def record(
        self,
        action: Act,
        unit: str = "",
        *,
        return_id: int = 0,
        reason: str = "",
        detail: Any = None,
    ) -> None:
        """Add a line to the history. What was sent to the unit
        and what had arrived then are noted."""
        if not self._run:
            self._run = 1 + int(
                self.base.execute("SELECT COALESCE(MAX(run), 0) FROM deeds").fetchone()[0]
            )
        issue = next(reversed(self.issues_of([unit]).get(unit, {})), "") if unit else ""
        self.base.execute(
            "INSERT INTO deeds (made_at, author, action, unit, return_id, issue, detail, reason,"
            " arrivals, run) VALUES (?, ?, ?, ?, ?, ?, ?, ?,"
            " (SELECT COALESCE(MAX(id), 0) FROM arrivals), ?)",
            (now(), self.author or _login(), action, unit, return_id, issue, _json(detail or {}), reason,
             self._run),
        )  # fmt: skip


def backups(folder: Path) -> list[Path]:
    """The copies made before changing commands, the latest first."""
    copies = [
        path
        for path in (folder / BACKUP_FOLDER).glob("campaign-*.db")
        if re.fullmatch(r"campaign-\d{8}-\d{6}(-\d+)?", path.stem)
    ]
    return sorted(copies, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)


def _login() -> str:
    """The name under which somebody sits at this machine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


_STALE = 3600  # seconds after which a half-written file is nobody's any more


def _sweep(folder: Path) -> None:
    """Remove what a killed run left half-written: only names that xltool gives, only when old."""
    reports = ["下发/*/*", "退回意见/*/*", "退回意见/*/*/*", "批复/*/*"]
    places = ["*", "originals/*/.xltool-*", f"{BACKUP_FOLDER}/*", *reports]
    sweep((path for place in places for path in folder.glob(place)), _STALE)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
