"""The second level: a district's own ledger of a campaign that the upper office sealed.

The district hands the sealed workbooks on as they are, collects with the same rules, and passes
upwards what counts. Its ledger holds the upper office's public key and no private one.
"""

from __future__ import annotations

from pathlib import Path

from xltool.campaign.ledger.campaign_folder import Campaign, make_folder, open_campaign, save
from xltool.campaign.ledger.counting import Act
from xltool.campaign.ledger.store import LedgerRow, now
from xltool.campaign.returns.verification import verify
from xltool.campaign.sealing import keys, parcel, seal
from xltool.campaign.sending.parcel_files import OUTBOX, Sent, common_files, manifest
from xltool.campaign.units import NO_DISTRICT
from xltool.editions.declaration import edition_in
from xltool.errors import XltoolError
from xltool.files.filenames import TakenNames
from xltool.xlsx.workbook_reader import open_grid


def new_branch(folder: Path, source: Path, key_file: Path | None = None) -> Campaign:
    """A sub-ledger from a received parcel, which must be genuine and whole.

    `key_file` is the upper office's public key where it came by another way.
    """
    import tempfile

    key = keys.load_public(key_file.read_bytes()) if key_file else None
    checked = verify(source, key)
    wrong = [one for one in checked.files if not one.good]
    if wrong:
        raise XltoolError(f"{source} 没有通过核对：{wrong[0].name} {wrong[0].said}")
    files = parcel.read_parcel(source)
    manifest = parcel.read_manifest(files)
    if manifest is None:
        raise XltoolError(f"{source} 里没有清单，不是下发的压缩包")
    if any(name not in files for name in parcel.EDITION):
        raise XltoolError(f"{source} 里没有版式，不能建立下级台账")
    with tempfile.TemporaryDirectory() as scratch:
        for name in parcel.EDITION:
            (Path(scratch) / Path(name).name).write_bytes(files[name])
        parcel.workbooks(
            manifest, files, edition_in(Path(scratch))
        )  # refused before anything is made
        campaign = make_folder(folder, Path(scratch), manifest.layout)
    (folder / "keys").mkdir(mode=0o700)
    (folder / "keys" / keys.PUBLIC).write_bytes(
        keys.public_pem(key) if key else files[parcel.PUBLIC]
    )
    meta = {
        "id": manifest.campaign,
        "title": manifest.title,
        "year": str(manifest.year),
        "deadline": manifest.deadline,
        "issuer": manifest.issuer,
        "role": "branch",
        "district": manifest.district,
    }
    save(campaign, [], meta)
    take_parcel(campaign, source)
    return open_campaign(folder)


def take_parcel(campaign: Campaign, source: Path) -> int:
    """Take a (further) parcel of the upper office into the sub-ledger; the number of new workbooks."""
    checked = verify(source, campaign.public_key)
    wrong = [one for one in checked.files if not one.good]
    if wrong:
        raise XltoolError(f"{source} 没有通过核对：{wrong[0].name} {wrong[0].said}")
    files = parcel.read_parcel(source)
    manifest = parcel.read_manifest(files)
    if manifest is None or manifest.campaign != campaign.id:
        raise XltoolError(f"{source} 不属于这个批次")
    if manifest.district != campaign.meta.get("district", manifest.district):
        raise XltoolError(
            f"{source} 是“{manifest.district}”的压缩包，这里是“{campaign.meta['district']}”的台账"
        )
    workbooks = parcel.workbooks(manifest, files, campaign.edition)
    digests = {code: _sealed(data) for code, data in workbooks.items()}
    ledger = campaign.ledger
    with ledger.writing():
        have, latest = ledger.issues_of(), ledger.issues()
        known = {unit.code: unit for unit in ledger.units()}
        fresh = [one for one in manifest.units if digests[one.code] not in have.get(one.code, {})]
        if not fresh:
            return 0
        for one in fresh:
            campaign.keep(one.sha256, workbooks[one.code])
        # A parcel that comes late says what was known then: it never takes the place of newer data.
        newer = [
            one
            for one in fresh
            if one.code not in latest or one.issue >= latest[one.code]["number"]
        ]
        with ledger.transaction():
            ledger.put_units({**known, **{one.code: one.unit for one in newer}}.values())
            ledger.add_issues(
                {
                    "unit": one.code,
                    "number": one.issue,
                    "batch": 0,  # not handed on yet
                    "digest": digests[one.code],
                    "layout": manifest.layout,
                    "file": one.file,
                    "sha256": one.sha256,
                    "made_at": now(),
                }
                for one in fresh
            )
            for one in newer:
                if one.code in latest:
                    ledger.record(Act.ISSUE, one.code, detail={"number": one.issue})
            said = f"收进第 {manifest.batch} 批：{len(fresh)} 个新的工作簿"
            ledger.record(Act.CAMPAIGN, reason=said)
    return len(fresh)


def _sealed(data: bytes) -> str:
    """The digest of the seal in a workbook that was verified."""
    mark = seal.claimed(open_grid(data).properties)
    assert mark is not None
    return seal.digest_of(mark)


def forward(campaign: Campaign, output: Path | None = None) -> Sent:
    """Hand the sealed workbooks on, a parcel for each superior; only what was not handed on yet."""
    ledger = campaign.ledger
    with ledger.writing():
        issues = ledger.issues()
        units = {unit.code: unit for unit in ledger.units()}
        due = [row for row in issues.values() if row["batch"] == 0]
        batch = ledger.last_batch() + 1
        if not due:
            return Sent(batch - 1, 0, len(issues), [])
        folder = (output or campaign.folder / OUTBOX) / f"第{batch}批"
        parcels, taken = [], TakenNames()
        for superior in sorted({units[row["unit"]].superior for row in due}):
            rows = [row for row in due if units[row["unit"]].superior == superior]
            name = superior or campaign.meta.get("district") or NO_DISTRICT
            path = folder / taken.give(name, ".zip")
            parcel.write_parcel(path, _forwarded(campaign, name, batch, rows))
            parcels.append((name, path, len(rows)))
        with ledger.transaction():
            ledger.set_batch((row["id"] for row in due), batch)
        return Sent(batch, len(due), len(issues) - len(due), parcels)


def _forwarded(
    campaign: Campaign, name: str, batch: int, rows: list[LedgerRow]
) -> dict[str, bytes]:
    units = {unit.code: unit for unit in campaign.ledger.units()}
    files = {row["file"]: campaign.original(row["sha256"]).read_bytes() for row in rows}
    files |= common_files(campaign, name, [units[row["unit"]] for row in rows])
    listed = [
        parcel.ListedUnit(
            u.code, u.name, u.district, u.superior, u.contact, u.prefilled, u.last_year,
            row["number"], row["file"], row["sha256"],
        )
        for row in rows
        for u in (units[row["unit"]],)
    ]  # fmt: skip
    by = campaign.meta.get("district") or campaign.title
    return {**files, parcel.MANIFEST: manifest(campaign, name, batch, listed, files, forwarded=by)}


def submit(campaign: Campaign, path: Path) -> int:
    """Pass upwards what counts: the originals as they came, in one zip; the number of filings."""
    units = {unit.code: unit for unit in campaign.ledger.units()}
    from xltool.campaign.returns.collection import original_bytes

    files: dict[str, bytes] = {}
    taken = TakenNames()
    for code, row in campaign.ledger.counted().items():
        name = taken.give(f"{code}_{units[code].name}", ".xlsx")
        files[name] = original_bytes(campaign, row["sha256"])
    if not files:
        raise XltoolError("还没有可以上报的申报")
    parcel.write_parcel(path, files)
    return len(files)
