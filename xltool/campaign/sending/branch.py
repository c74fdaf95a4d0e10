"""The second level: a district's own ledger of a campaign that the upper office sealed.

The district hands the sealed workbooks on as they are, collects with the same rules, and passes
upwards what counts. Its ledger holds the upper office's public key and no private one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from xltool.campaign.ledger.campaign_folder import (
    UPPER_DEADLINE,
    Campaign,
    make_folder,
    open_campaign,
    save,
)
from xltool.campaign.ledger.counting import Act
from xltool.campaign.ledger.store import LedgerRow, now
from xltool.campaign.ledger.trusted_keys import TRUSTED, trusted_keys
from xltool.campaign.returns.collection import original_bytes
from xltool.campaign.returns.deadlines import Deadlines
from xltool.campaign.returns.verification import verify_files
from xltool.campaign.returns.withdrawals import held_back
from xltool.campaign.sealing import keys, parcel, seal, withdrawal
from xltool.campaign.sending.parcel_files import OUTBOX, Sent
from xltool.campaign.units import NO_DISTRICT, Unit, district_meant
from xltool.editions.declaration import edition_in
from xltool.errors import XltoolError
from xltool.files.filenames import TakenNames
from xltool.xlsx.workbook_reader import open_grid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

RECEIVED = "收到的下发"
OWN_KEY = "own"  # under keys/: the district's own pair, for what it adds when it passes on


def new_branch(
    folder: Path,
    source: Path,
    key_file: Path | None = None,
    *,
    trusted: Collection[str] = (),
    issuer: str = "",
    deadline: str = "",
) -> Campaign:
    """A sub-ledger from a received parcel, which must be genuine and whole.

    `key_file` is the upper office's public key where it came by another way; `trusted` are
    fingerprints of keys that the receiver vouches for. `issuer` and `deadline` are the district's
    own.
    """
    key = keys.load_public(key_file.read_bytes()) if key_file else None
    files, manifest, forwarding = _sound(source, key, trusted)
    _vouched(files, key, trusted)
    forwarded = forwarding.deadline if forwarding else ""
    upper_deadline = forwarded or manifest.deadline
    if deadline and upper_deadline and deadline > upper_deadline:
        raise XltoolError(f"报送截止不能晚于上级的 {upper_deadline}")
    campaign = _new_folder(folder, source, files, manifest, forwarding)
    public_key = keys.public_pem(key) if key else files[parcel.PUBLIC]
    (folder / "keys").mkdir(mode=0o700)
    (folder / "keys" / keys.PUBLIC).write_bytes(public_key)
    own = {
        "deadline": deadline or upper_deadline,
        UPPER_DEADLINE: upper_deadline,
        _OWN: deadline,
        "issuer": issuer or manifest.issuer,
        TRUSTED: "\n".join(map(keys.plain_fingerprint, trusted)),
    }
    save(campaign, [], _branch_meta(manifest) | own)
    take_parcel(campaign, source)
    return open_campaign(folder)


def _new_folder(
    folder: Path,
    source: Path,
    files: dict[str, bytes],
    manifest: parcel.Manifest,
    forwarding: parcel.Forwarding | None,
) -> Campaign:
    """The empty sub-ledger with the edition of the parcel; an unsound workbook in it is refused
    before anything is made."""
    if any(name not in files for name in parcel.EDITION):
        raise XltoolError(f"{source} 里没有版式，不能建立下级台账")
    with tempfile.TemporaryDirectory() as scratch:
        for name in parcel.EDITION:
            (Path(scratch) / Path(name).name).write_bytes(files[name])
        parcel.workbooks(manifest, files, edition_in(Path(scratch)), _part(forwarding))
        return make_folder(folder, Path(scratch), manifest.layout)


def _branch_meta(manifest: parcel.Manifest) -> dict[str, str]:
    """What a sub-ledger has from the upper office and can't choose."""
    return {
        "id": manifest.campaign,
        "title": manifest.title,
        "year": str(manifest.year),
        "role": "branch",
        "district": manifest.district,
    }


def _sound(
    source: Path, key: keys.PublicKey | None, trusted: Collection[str]
) -> tuple[dict[str, bytes], parcel.Manifest, parcel.Forwarding | None]:
    """The files of a parcel that is genuine and whole, its manifest,
    and what a forwarder says of it."""
    files = parcel.open_parcel(source)
    checked = verify_files(source, files, key, trusted)
    wrong = [file for file in checked.files if not file.good]
    if wrong:
        # A parcel of another year is no forgery; only what it says of itself tells which it is.
        named = f"“{checked.title}”（{checked.year} 年）{checked.district}"
        itself = f"；包上写的是{named}，请看是否拿错了包" if key and checked.title else ""
        raise XltoolError(f"{source} 没有通过核对：{wrong[0].name} {wrong[0].said}{itself}")
    manifest = parcel.read_manifest(files)
    if manifest is None:
        raise XltoolError(f"{source} 里没有清单，不是下发的压缩包")
    return files, manifest, parcel.read_forwarding(files)


def _vouched(files: dict[str, bytes], key: keys.PublicKey | None, trusted: Collection[str]) -> None:
    """A fingerprint that was named must be of a key that is used here:
    else the parcel is another's."""
    used = [key or keys.load_public(files[parcel.PUBLIC])]
    if parcel.FORWARD_KEY in files:
        used.append(keys.load_public(files[parcel.FORWARD_KEY]))
    fingerprints = {keys.fingerprint(public_key) for public_key in used}
    for text in trusted:
        if keys.plain_fingerprint(text) not in fingerprints:
            raise XltoolError(
                f"包里没有指纹为 {text} 的公钥（有：{'；'.join(sorted(fingerprints))}）"
            )


def _part(forwarding: parcel.Forwarding | None) -> Collection[str]:
    return forwarding.part if forwarding else ()


def take_parcel(campaign: Campaign, source: Path) -> int:
    """Take a (further) parcel of the upper office into the sub-ledger;
    the number of new workbooks."""
    files, manifest, forwarding = _sound(source, campaign.public_key, trusted_keys(campaign))
    _for_this_ledger(campaign, manifest, source)
    workbooks = parcel.workbooks(manifest, files, campaign.edition, _part(forwarding))
    seals = {code: _seal_digests(data) for code, data in workbooks.items()}
    digests = {code: content for code, (content, _) in seals.items()}
    paper = parcel.digest(files[parcel.MANIFEST])
    listed = [entry for entry in manifest.units if entry.code in workbooks]
    ledger = campaign.ledger
    with ledger.writing():
        _keep_papers(campaign, paper, files)
        have, latest = ledger.issues_of(), ledger.issues()
        units_by_code = {unit.code: unit for unit in ledger.units()}
        fresh = [entry for entry in listed if digests[entry.code] not in have.get(entry.code, {})]
        for entry in fresh:
            campaign.keep(entry.sha256, workbooks[entry.code])
        newer = _newer(fresh, latest)
        with ledger.transaction():
            _heed(campaign, _upper_word(campaign, files, manifest, forwarding), listed, paper)
            if not fresh:
                return 0
            newest = {entry.code: entry.unit for entry in newer}
            ledger.put_units({**units_by_code, **newest}.values())
            ledger.add_issues(
                _issue_row(entry, *seals[entry.code], manifest, paper) for entry in fresh
            )
            for entry in newer:
                if entry.code in latest:
                    ledger.record(Act.ISSUE, entry.code, detail={"number": entry.issue})
            reason = f"收进第 {manifest.batch} 批：{len(fresh)} 个新的工作簿"
            ledger.record(Act.CAMPAIGN, reason=reason)
    return len(fresh)


def _for_this_ledger(campaign: Campaign, manifest: parcel.Manifest, source: Path) -> None:
    """Raises XltoolError where the parcel is another campaign's or district's."""
    if manifest.campaign != campaign.id:
        raise XltoolError(f"{source} 不属于这个批次")
    district = campaign.meta.get("district", manifest.district)
    if manifest.district != district:
        raise XltoolError(f"{source} 是“{manifest.district}”的压缩包，这里是“{district}”的台账")


# What a sub-ledger notes beside the upper office's last day: by which word that is known, the last
# days of single units, and the district's own day.
_UPPER_BATCH, _UPPER_AS_OF, _UPPER_DAYS = "upper_batch", "upper_as_of", "upper_days"
_OWN = "own_deadline"


class _UpperWord(NamedTuple):
    """What an upper office says of the last day; of two words the greater is the later.

    Parcels of before say nothing by which those of one batch could be told apart: there the later
    day is taken for the newer one.
    """

    as_of: str
    batch: int
    day: str


def _upper_word(
    campaign: Campaign,
    files: dict[str, bytes],
    manifest: parcel.Manifest,
    forwarding: parcel.Forwarding | None,
) -> _UpperWord:
    """The issuer's word, or a forwarder's whose key is trusted here.

    Any other forwarder adds nothing, its time neither: it could make an old parcel the latest.
    """
    if forwarding is None:
        return _UpperWord(*manifest.order, manifest.deadline)
    forwarder = keys.fingerprint(keys.load_public(files[parcel.FORWARD_KEY]))
    trusted = keys.plain_fingerprint(forwarder) in trusted_keys(campaign)
    as_of = (forwarding.as_of if trusted else "") or manifest.as_of
    return _UpperWord(as_of, manifest.batch, forwarding.deadline or manifest.deadline)


def _heed(
    campaign: Campaign, word: _UpperWord, listed: list[parcel.ListedUnit], paper: str
) -> None:
    """If this is the upper office's last word: its last day holds, and these workbooks are passed
    on with this paper."""
    meta = campaign.ledger.meta()
    batch = int(meta.get(_UPPER_BATCH, "0"))
    latest = word >= _UpperWord(meta.get(_UPPER_AS_OF, ""), batch, meta.get(UPPER_DEADLINE, ""))
    if latest:
        _follow_deadline(campaign, word)
        _follow_units_days(campaign, {entry.code: entry.deadline for entry in listed})
    sealed = [(entry.file, entry.sha256) for entry in listed]
    campaign.ledger.set_manifest(sealed, paper, latest=latest)


def _follow_deadline(campaign: Campaign, word: _UpperWord) -> None:
    """The upper office's last day is the district's too, unless the district set an earlier one."""
    if not (word.day or word.as_of):
        return
    meta = campaign.ledger.meta()
    before, upper = meta.get("deadline", ""), meta.get(UPPER_DEADLINE, "")
    own = meta.get(_OWN, before if before != upper else "")
    after = min(filter(None, (own, word.day)), default="")
    campaign.ledger.set_meta({
        "deadline": after, UPPER_DEADLINE: word.day, _OWN: own,
        _UPPER_BATCH: str(word.batch), _UPPER_AS_OF: word.as_of,
    })  # fmt: skip
    if after != before:
        said = f"改为 {after}" if after else "已取消"
        campaign.ledger.record(Act.CAMPAIGN, reason=f"上级的报送截止{said}")
    vars(campaign).pop("meta", None)


def _follow_units_days(campaign: Campaign, days: dict[str, str]) -> None:
    """What the upper office says of the last days of single units (code → day, empty where it has
    none of its own), where that is new."""
    known = msgspec.json.decode(campaign.ledger.meta().get(_UPPER_DAYS, "{}"), type=dict[str, str])
    for code, day in days.items():
        if day != known.get(code, ""):
            reason = "上级另定" if day else "上级取消了另定的截止日"
            campaign.ledger.record(Act.EXTEND, code, detail={"deadline": day}, reason=reason)
    text = msgspec.json.encode({**known, **days}).decode()
    campaign.ledger.set_meta({_UPPER_DAYS: text})


def _newer(
    entries: list[parcel.ListedUnit], latest: dict[str, LedgerRow]
) -> list[parcel.ListedUnit]:
    """Without what was overtaken: a parcel that comes late says what was known when it was made,
    and never takes the place of newer data."""
    return [
        entry
        for entry in entries
        if entry.code not in latest or entry.issue >= latest[entry.code]["number"]
    ]


def _issue_row(
    entry: parcel.ListedUnit, content: str, sealed: str, manifest: parcel.Manifest, paper: str
) -> dict[str, Any]:
    """The ledger's row of a workbook received; batch 0 until it is handed on."""
    return {
        "unit": entry.code,
        "number": entry.issue,
        "batch": 0,
        "digest": content,
        "layout": manifest.layout,
        "file": entry.file,
        "sha256": entry.sha256,
        "made_at": now(),
        "manifest": paper,
        "sealed": sealed,
    }


def _seal_digests(data: bytes) -> tuple[str, str]:
    """Of the seal in a workbook that was verified: the digest of what it says, and of all of it."""
    properties = open_grid(data).properties
    mark = seal.claimed(properties)
    assert mark is not None
    return seal.digest_of(mark), seal.whole_digest(properties)


def _keep_papers(campaign: Campaign, paper: str, files: dict[str, bytes]) -> None:
    """What the issuer signed, without the workbooks, which are kept by their content:
    to be passed on as it is."""
    path = campaign.folder / RECEIVED / f"{paper}.zip"
    if not path.exists():
        manifest = parcel.read_manifest(files)
        assert manifest is not None
        left_out = {*parcel.FORWARD_FILES, *(unit.file for unit in manifest.units)}
        listed = {*manifest.files, parcel.MANIFEST, parcel.SIGNATURE} - left_out
        parcel.write_parcel(path, {n: d for n, d in files.items() if n in listed})


def forward(campaign: Campaign, output: Path | None = None, districts: Iterable[str] = ()) -> Sent:
    """Hand the sealed workbooks on, a parcel for each superior; only what was not handed on yet,
    of the districts named or of all.

    What the issuer signed goes on as it is; the district says, signed with its own key, which part
    it passes on.
    """
    ledger = campaign.ledger
    with ledger.writing():
        issues = ledger.issues()
        units = {unit.code: unit for unit in ledger.units()}
        wanted = {district_meant(said, units.values()) for said in districts}
        left = {code for code, known in ledger.standings().items() if known.outcome.standpoint.left}
        asked = [
            row
            for code, row in issues.items()
            if code not in left and (not wanted or units[code].district in wanted)
        ]
        due = [row for row in asked if row["batch"] == 0]
        batch = ledger.last_batch() + 1
        if not due:
            return Sent(batch - 1, 0, len(asked), [])
        folder = (output or campaign.folder / OUTBOX) / f"第{batch}批"
        parcels = write_parts(campaign, folder, due, units)
        with ledger.transaction():
            ledger.set_batch((row["id"] for row in due), batch)
            reason = f"转发第 {batch} 批：{len(due)} 个单位，{len(parcels)} 个压缩包"
            ledger.record(Act.CAMPAIGN, reason=reason)
        return Sent(batch, len(due), len(asked) - len(due), parcels)


def write_parts(
    campaign: Campaign, folder: Path, due: list[LedgerRow], units: dict[str, Unit]
) -> list[tuple[str, Path, int]]:
    """A parcel for each superior and each manifest of the issuer that its workbooks came with."""
    key = _own_key(campaign)
    parcels, taken = [], TakenNames()
    parts: dict[tuple[str, str], list[LedgerRow]] = {}
    for row in due:
        parts.setdefault((units[row["unit"]].superior, row["manifest"]), []).append(row)
    for (superior, paper), rows in sorted(parts.items(), key=lambda part: part[0]):
        name = superior or campaign.meta.get("district") or NO_DISTRICT
        path = folder / taken.give(name, ".zip")
        parcel.write_parcel(path, _forwarded(campaign, paper, rows, key))
        parcels.append((name, path, len(rows)))
    return parcels


def _own_key(campaign: Campaign) -> Ed25519PrivateKey:
    folder = campaign.folder / "keys" / OWN_KEY
    if not (folder / keys.PRIVATE).is_file():
        keys.make_keys(folder)
    return keys.load_private(folder)


def own_fingerprint(campaign: Campaign) -> str:
    """The fingerprint of the district's own key, which a receiver may name as trusted."""
    return keys.fingerprint(keys.public_of(_own_key(campaign)))


def _forwarded(
    campaign: Campaign, paper: str, rows: list[LedgerRow], key: Ed25519PrivateKey
) -> dict[str, bytes]:
    papers = campaign.folder / RECEIVED / f"{paper}.zip"
    if not paper or not papers.is_file():
        raise XltoolError(
            "台账里没有上级签过名的清单，不能转发：请把上级的压缩包用 campaign receive 再收一次"
        )
    signed = parcel.read_parcel(papers)
    manifest = parcel.read_manifest(signed)
    files = {row["file"]: original_bytes(campaign, row["sha256"]) for row in rows}
    deadline = Deadlines.of(campaign).general
    own = deadline if manifest and deadline != manifest.deadline else ""
    forwarding = parcel.Forwarding(
        manifest=paper,
        by=campaign.meta.get("district") or campaign.title,
        part=sorted(files),
        deadline=own,
        as_of=campaign.ledger.as_of(),
    )
    text = msgspec.json.format(msgspec.json.encode(forwarding), indent=1)
    return {
        **files,
        **signed,
        parcel.FORWARDING: text,
        parcel.FORWARD_SIGNATURE: key.sign(parcel.FORWARD_CONTEXT + text).hex().encode(),
        parcel.FORWARD_KEY: keys.public_pem(keys.public_of(key)),
    }


@dataclass(frozen=True, slots=True)
class Submitted:
    """What was passed upwards: how many filings, how many units' returns were said to be withdrawn,
    and who explained something on a return note, which does not go with the filing."""

    filings: int
    withdrawn: int
    explained: list[str]


def submit(
    campaign: Campaign, path: Path, missing: list[tuple[str, str]] | None = None
) -> Submitted:
    """Pass upwards what counts: the originals as they came, in one zip.

    A district also says there, signed with its own key, what it holds withdrawn. An original that
    is gone stops only its own unit: it is put into `missing` as (code, reason).
    """
    units = {unit.code: unit for unit in campaign.ledger.units()}
    files: dict[str, bytes] = {}
    taken = TakenNames()
    for code, row in campaign.ledger.counted().items():
        try:
            data = original_bytes(campaign, row["sha256"])
        except XltoolError as error:
            if missing is None:
                raise
            missing.append((code, str(error)))
            continue
        files[taken.give(f"{code}_{units[code].name}", ".xlsx")] = data
    held = held_back(campaign)
    if not files and not (campaign.branch and held.units):
        raise XltoolError("还没有可以上报的申报")
    filings = len(files)
    if campaign.branch:
        files[withdrawal.FILE] = withdrawal.signed_paper(held, _own_key(campaign))
    parcel.write_parcel(path, files)
    return Submitted(
        filings, len(held.units) if campaign.branch else 0, _explained_on_notes(campaign)
    )


def _explained_on_notes(campaign: Campaign) -> list[str]:
    """The units that explained something of what counts on a return note: that is not in the
    workbook itself."""
    counted = {code: row["id"] for code, row in campaign.ledger.counted().items()}
    deeds = campaign.ledger.deeds_by_unit(counted)
    return [
        code
        for code, id_ in counted.items()
        if any(d.action == Act.EXPLAIN and d.return_id == id_ for d in deeds.get(code, []))
    ]
