"""A damaged or lost ledger, made anew from what else lies in the folder:
a backup, parcels, originals, keys.

What is damaged is set aside, never deleted. On a sound ledger only what it lacks is added, so a
rebuilding that was cut off is simply run again.
"""

from __future__ import annotations

import datetime as dt
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from xltool.campaign.ledger.campaign_folder import UPPER_DEADLINE, Campaign, open_campaign
from xltool.campaign.ledger.counting import Act
from xltool.campaign.ledger.store import BACKUP_FOLDER, FILE, Ledger, backups, now
from xltool.campaign.returns.collection import Collected, LedgerDesk
from xltool.campaign.returns.incoming import Found
from xltool.campaign.returns.judgement import Judgement, Register, judged
from xltool.campaign.sealing import keys, parcel, seal
from xltool.errors import XltoolError, why
from xltool.files.atomic import temporary_name
from xltool.xlsx.package import Unreadable
from xltool.xlsx.workbook_reader import open_grid

_PARCELS = ("下发/*/*.zip", "收到的下发/*.zip")


@dataclass
class Rebuilt:
    """What was found: the backup it began with
    (empty if none), what was added, what could not be used."""

    backup: str = ""
    damaged: str = ""
    issues: int = 0
    returns: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)


def rebuild(folder: Path, sources: Iterable[Path] = ()) -> Rebuilt:
    """Make the ledger whole. `sources` are parcels that lie elsewhere. Raises XltoolError."""
    result = Rebuilt()
    if not (folder / "edition").is_dir() or not (folder / "keys" / keys.PUBLIC).is_file():
        raise XltoolError(f"{folder} 里没有版式或公钥，不是批次文件夹，重建不了")
    if not _sound(folder / FILE):
        _set_aside(folder, result)
        _from_backup(folder, result)
    campaign = _opened(folder)
    parcels = list(_parcels(campaign, sources, result))
    if not campaign.ledger.meta().get("id"):
        _describe(campaign, parcels)
    _add_issues(campaign, parcels, result)
    campaign.ledger.close()
    campaign = open_campaign(folder)
    _add_returns(campaign, result)
    campaign.ledger.close()
    return result


def _opened(folder: Path) -> Campaign:
    return Campaign(folder, Ledger(folder, create=not (folder / FILE).is_file()))


def _sound(file: Path) -> bool:
    """Whether this is a whole ledger of a campaign."""
    if not file.is_file():
        return False
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as base:
            whole = base.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok"
            return bool(whole and base.execute("SELECT 1 FROM meta LIMIT 1").fetchone())
    except sqlite3.DatabaseError:
        return False


def _set_aside(folder: Path, result: Rebuilt) -> None:
    """Move a damaged ledger into the backups: somebody may still read something out of it."""
    parts = [path for path in folder.glob(f"{FILE}*") if path.is_file()]
    if not parts:
        return
    aside = folder / BACKUP_FOLDER / f"损坏的台账-{dt.datetime.now():%Y%m%d-%H%M%S-%f}"
    try:
        aside.mkdir(parents=True)
        for path in parts:
            path.replace(aside / path.name)
    except OSError as error:
        raise XltoolError(f"损坏的台账移不开：{why(error)}") from error
    result.damaged = str(aside)


def _from_backup(folder: Path, result: Rebuilt) -> None:
    """Begin with the latest backup that is whole: it alone knows what was decided."""
    older = sorted((folder / BACKUP_FOLDER).glob("campaign-before-*.db"), reverse=True)
    for backup in (*backups(folder), *older):
        if _sound(backup):
            half = folder / temporary_name(FILE)
            shutil.copyfile(backup, half)
            half.replace(folder / FILE)
            result.backup = backup.name
            return


Listed = tuple[parcel.Manifest, dict[str, bytes], str]


def _parcels(campaign: Campaign, sources: Iterable[Path], result: Rebuilt) -> Iterator[Listed]:
    """The parcels that the issuer signed, oldest first, each with the digest of its manifest."""
    paths = [path for pattern in _PARCELS for path in sorted(campaign.folder.glob(pattern))]
    parcels: list[Listed] = []
    for path in [*paths, *sources]:
        try:
            files = parcel.open_parcel(path)
        except XltoolError as error:
            result.problems.append((str(path), str(error)))
            continue
        manifest = parcel.read_manifest(files)
        signature = parcel.signature_in(files, parcel.SIGNATURE)
        text = files.get(parcel.MANIFEST, b"")
        if manifest is None or not keys.signed(
            campaign.public_key, signature, parcel.CONTEXT + text
        ):
            result.problems.append((str(path), "清单没有本批次的签名，没有用"))
            continue
        parcels.append((manifest, files, parcel.digest(text)))
    yield from sorted(parcels, key=lambda item: item[0].order)


def _describe(campaign: Campaign, parcels: list[Listed]) -> None:
    """What the campaign is, from its parcels, where no backup says it."""
    if not parcels:
        campaign.ledger.close()
        (campaign.folder / FILE).unlink()
        raise XltoolError("没有完好的备份，也没有下发过的压缩包，重建不了；请用导出件恢复")
    manifest, files, _ = parcels[-1]
    root = (campaign.folder / "keys" / keys.PRIVATE).is_file()
    marks = [
        _mark(data) for name, data in files.items() if name.endswith(".xlsx") and "/" not in name
    ]
    sealed = any(mark and mark.forms for mark in marks)
    meta = {
        "id": manifest.campaign,
        "title": manifest.title,
        "year": str(manifest.year),
        "deadline": manifest.deadline,
        "issuer": manifest.issuer,
        "role": "root" if root else "branch",
        "made_at": now(),
        **({"seal": "2"} if sealed else {}),
        **({} if root else {"district": manifest.district, UPPER_DEADLINE: manifest.deadline}),
    }
    with campaign.ledger.writing(), campaign.ledger.transaction():
        campaign.ledger.set_meta(meta)
    vars(campaign).pop("meta", None)


def _mark(data: bytes) -> seal.Seal | None:
    try:
        return seal.claimed(open_grid(data).properties)
    except Unreadable:
        return None


def _add_issues(campaign: Campaign, parcels: list[Listed], result: Rebuilt) -> None:
    """Units and issues that the ledger lacks, as the issuer listed them."""
    ledger = campaign.ledger
    with ledger.writing():
        units_by_code = {unit.code: unit for unit in ledger.units()}
        have, latest = ledger.issues_of(), {c: r["number"] for c, r in ledger.issues().items()}
        contents = ledger.issued_contents()
        rows = []
        for manifest, files, paper in parcels:
            for listed in manifest.units:
                data = files.get(listed.file) or _kept(campaign, listed.sha256)
                mark = _mark(data) if data and listed.sha256 not in contents else None
                if mark is None or seal.digest_of(mark) in have.get(listed.code, {}):
                    continue
                if listed.issue >= latest.get(listed.code, 0):
                    units_by_code[listed.code] = listed.unit
                    latest[listed.code] = listed.issue
                have.setdefault(listed.code, {})[seal.digest_of(mark)] = listed.issue
                rows.append({
                    "unit": listed.code, "number": listed.issue, "batch": manifest.batch,
                    "digest": seal.digest_of(mark), "layout": manifest.layout, "file": listed.file,
                    "sha256": listed.sha256, "made_at": now(), "manifest": paper,
                })  # fmt: skip
        if rows:
            with ledger.transaction():
                ledger.put_units(units_by_code.values())
                ledger.add_issues(rows)
                ledger.record(Act.CAMPAIGN, reason=f"重建：补进 {len(rows)} 次下发")
    result.issues = len(rows)


def _kept(campaign: Campaign, sha256: str) -> bytes | None:
    path = campaign.original(sha256)
    return path.read_bytes() if path.is_file() else None


def _add_returns(campaign: Campaign, result: Rebuilt) -> None:
    """Originals that the ledger does not know: judged and entered;
    what they were called is lost."""
    ledger = campaign.ledger
    register = Register.of(campaign)
    with ledger.writing():
        desk = LedgerDesk(campaign, Collected())
        known_digests = {sha256 for sha256, _, _ in desk.noted} | desk.issued
        known_digests |= {sha256 for sha256, _ in desk.known}
        entries: list[tuple[Found, str, bytes, Judgement]] = []
        for path in sorted(campaign.folder.glob("originals/??/*"), key=lambda p: p.stat().st_mtime):
            if path.name in known_digests or path.name.startswith("."):
                continue
            data = path.read_bytes()
            if parcel.digest(data) != path.name:
                result.problems.append((path.name, "原件被改动过，没有用"))
                continue
            when = dt.datetime.fromtimestamp(path.stat().st_mtime).isoformat(" ", "seconds")
            judgement = judged(data, "", register)
            unit = judgement.unit or judgement.claimed
            name = f"（重建）{unit}_{path.name[:12]}.xlsx"
            entries.append((Found(name, when, path), path.name, data, judgement))
        desk.take(entries)
        desk.take_answers()
        result.returns = len(entries)
        if entries:
            with ledger.transaction():
                ledger.record(Act.CAMPAIGN, reason=f"重建：补进 {len(entries)} 份原件")
