"""Sending out: a sealed workbook for each unit, a parcel for each district, only what changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.ledger.counting import Act
from xltool.campaign.ledger.related import UnitReturns
from xltool.campaign.ledger.store import Ledger, LedgerRow, now
from xltool.campaign.ledger.unit_changes import refuse_left
from xltool.campaign.returns.deadlines import Deadlines
from xltool.campaign.sealing import keys, parcel, seal
from xltool.campaign.sending.parcel_files import OUTBOX, Sent, common_files, manifest
from xltool.campaign.units import NO_DISTRICT, Unit, district_meant
from xltool.checks.settings import departures
from xltool.editions.declaration import Edition, FormSpec, edition_in
from xltool.errors import XltoolError
from xltool.files.barrier import Failure
from xltool.files.filenames import TakenNames
from xltool.files.pool import WorkerPool
from xltool.filling.writer import FillError, filled
from xltool.model import Entry, Filing, Form
from xltool.xlsx.workbook_reader import read_properties


def prefill(
    unit: Unit, year: int, edition: Edition, *, as_before: bool = False
) -> dict[str, dict[str, str]]:
    """What is printed in the unit's workbook and locked: form kind → field id → value as text.

    The name of another unit, as of the authority over a project, is for the unit to fill in;
    `as_before`, it is taken for the unit's own, as in workbooks of the first version.
    """

    def printed(form: FormSpec) -> Iterator[tuple[str, str]]:
        for field in form.field:
            if field.kind == "year":
                yield field.id, str(year)
            elif "unit" in (field.id, field.same_as) or (as_before and field.kind == "unit"):
                yield field.id, unit.name
            elif form.id == "department" and field.id in unit.prefilled:
                yield field.id, unit.prefilled[field.id]

    return {form.id: dict(printed(form)) for form in edition.form}


def blank_filing(unit: Unit, prefilled: dict[str, dict[str, str]], edition: Edition) -> Filing:
    """A filing that says only what is known already: one department form, one project form."""

    def form(spec: FormSpec) -> Form:
        entries = {}
        for id_, text in prefilled[spec.id].items():
            kind = spec[id_].kind
            value: int | Decimal | str = text
            if kind == "year":
                value = int(text)
            elif kind == "amount":
                value = Decimal(text)
            entries[id_] = Entry(value, text)
        return Form(spec.id, entries)

    return Filing(edition.id, form(edition.department), (form(edition.project),), unit.code)


class _Sealed(NamedTuple):
    """A workbook that may go out, and the digest of its seal with the signature."""

    data: bytes
    seal: str


def workbook(unit: Unit, mark: seal.Seal, key: keys.PrivateKey, edition: Edition) -> bytes:
    """The unit's workbook, sealed, its known values locked; read back before it may go out."""
    return _sealed(unit, mark, key, edition).data


def _sealed(unit: Unit, mark: seal.Seal, key: keys.PrivateKey, edition: Edition) -> _Sealed:
    try:
        sealed_workbook = filled(
            blank_filing(unit, mark.prefilled, edition),
            edition=edition,
            properties=seal.properties_of(mark, key),
            locked=mark.prefilled,
        )
    except FillError as error:
        raise XltoolError(f"{unit.code} {unit.name} 的工作簿没有下发：{error}") from error
    properties = read_properties(sealed_workbook.parts.get("docProps/custom.xml", b""))
    if seal.claimed(properties) != mark:
        raise XltoolError(f"{unit.code} {unit.name} 的工作簿写出后封印读回不一致，没有下发")
    return _Sealed(sealed_workbook.data, seal.whole_digest(properties))


# What each process of a run works with.
_given: tuple[Edition, keys.PrivateKey] | None = None


def _setup(edition: Path, folder: Path) -> None:
    global _given
    _given = edition_in(edition), keys.load_private(folder)


def _make(order: tuple[Unit, seal.Seal]) -> _Sealed:
    assert _given is not None
    unit, mark = order
    return _sealed(unit, mark, _given[1], _given[0])


def _whole(made: _Sealed | Failure) -> _Sealed:
    """A parcel that lacks a workbook isn't sent."""
    if isinstance(made, Failure):
        raise XltoolError(made.reason)
    return made


class _Order(NamedTuple):
    """A workbook to be made: for whom, with which seal, and the digest of what the seal says."""

    unit: Unit
    mark: seal.Seal
    digest: str


class _SendingPlan(NamedTuple):
    """What a run has to send, and of the other units asked for why they get nothing."""

    orders: list[_Order]
    unchanged: int
    locked: tuple[str, ...]


def distribute(
    campaign: Campaign,
    output: Path | None = None,
    districts: Iterable[str] = (),
    progress: Callable[[int, int], None] | None = None,
    page: bytes | None = None,
) -> Sent:
    """Send to every unit what it does not have yet; a second run sends nothing.

    `page` is a web page in which units can check what they filled in; it goes into every parcel.
    """
    if campaign.branch:
        from xltool.campaign.sending.branch import forward

        return forward(campaign, output, districts)
    key, ledger = campaign.private_key, campaign.ledger  # no key, nothing sent
    with ledger.writing():
        orders, unchanged, locked = _planned(campaign, frozenset(districts))
        batch = ledger.last_batch() + 1
        if not orders:
            return Sent(batch - 1, 0, unchanged, [], locked)
        folder = (output or campaign.folder / OUTBOX) / f"第{batch}批"
        parcels: list[tuple[str, Path, int]] = []
        rows: list[dict[str, Any]] = []
        for written, issues in _parcels_written(campaign, key, orders, folder, batch, page):
            parcels.append(written)
            rows += issues
            if progress:
                progress(len(rows), len(orders))
        # The parcels are on disk before the ledger says so; a run cut off in between is simply
        # repeated.
        summary = f"第 {batch} 批，{len(orders)} 个单位，{len(parcels)} 个压缩包"
        _record_issues(ledger, rows, summary)
        return Sent(batch, len(orders), unchanged, parcels, locked)


def _planned(campaign: Campaign, wanted: Collection[str]) -> _SendingPlan:
    """Who gets what: units of the `wanted` districts
    (of all, if none is named), ordered by district.

    Raises XltoolError where a district is on no unit's line.
    """
    ledger = campaign.ledger
    last = ledger.issues()
    stands = {code: returns.outcome.standpoint for code, returns in ledger.standings().items()}
    units = ledger.units()
    wanted = {district_meant(said, units) for said in sorted(wanted)}
    orders: list[_Order] = []
    locked: list[str] = []
    unchanged = 0
    for unit in units:
        stand = stands.get(unit.code)
        if wanted and unit.district not in wanted:
            continue
        if stand is not None and stand.left:
            continue
        before = last.get(unit.code)
        out = before["digest"] if before else ""
        mark = _seal(campaign, unit, before["number"] + 1 if before else 1, out)
        content = seal.digest_of(mark)
        if before and before["digest"] == content:
            unchanged += 1
        elif stand is not None and stand.accepted:
            locked.append(unit.code)  # approved: a new workbook would void that
        else:
            orders.append(_Order(unit, mark, content))
    orders.sort(key=lambda order: order.unit.district)
    return _SendingPlan(orders, unchanged, tuple(locked))


def _parcels_written(
    campaign: Campaign,
    key: keys.PrivateKey,
    orders: list[_Order],
    folder: Path,
    batch: int,
    page: bytes | None,
) -> Iterator[tuple[tuple[str, Path, int], list[dict[str, Any]]]]:
    """Each parcel as it is written, (district, file, units), with its rows for the ledger.

    One district at a time, so that no more than its workbooks are held.
    """
    pool = WorkerPool(
        _make, setup=_setup, given=(campaign.edition_folder, campaign.folder / "keys"), clean=True
    )
    finished = pool.in_order((order.unit, order.mark) for order in orders)
    taken, deadlines = TakenNames(), Deadlines.of(campaign)
    for district, group in groupby(orders, key=lambda order: order.unit.district):
        district_orders = list(group)
        made = [_whole(next(finished)) for _ in district_orders]
        workbooks = [one.data for one in made]
        listed = _listed(district_orders, workbooks)
        path = folder / taken.give(district or NO_DISTRICT, ".zip")
        packed = list(zip(listed, workbooks, strict=True))
        parcel.write_parcel(path, _parcel(campaign, key, district, batch, packed, deadlines, page))
        rows = [
            _issue_row(campaign, listed_unit, batch, order.digest, one.seal)
            for listed_unit, order, one in zip(listed, district_orders, made, strict=True)
        ]
        yield (district or NO_DISTRICT, path, len(district_orders)), rows


def _issue_row(
    campaign: Campaign, listed: parcel.ListedUnit, batch: int, content: str, sealed: str
) -> dict[str, Any]:
    """What the ledger holds of a workbook that was sent."""
    return {
        "unit": listed.code,
        "number": listed.issue,
        "batch": batch,
        "digest": content,
        "layout": campaign.layout,
        "file": listed.file,
        "sha256": listed.sha256,
        "made_at": now(),
        "sealed": sealed,
    }


def _record_issues(ledger: Ledger, rows: list[dict[str, Any]], summary: str) -> None:
    with ledger.transaction():
        ledger.add_issues(rows)
        for row in rows:
            if row["number"] > 1:
                ledger.record(Act.ISSUE, row["unit"], detail={"number": row["number"]})
        ledger.record(Act.CAMPAIGN, reason=f"下发：{summary}")


def send_again(
    campaign: Campaign,
    output: Path,
    codes: Iterable[str] = (),
    districts: Iterable[str] = (),
    page: bytes | None = None,
) -> list[tuple[str, Path, int]]:
    """The parcels once more, of these units or districts, as they are out: for who lost one.
    Who owes nothing any more gets none.

    Nothing is issued anew: the same seals and numbers,
    so returns on the first copies count as before.
    """
    units = {unit.code: unit for unit in campaign.ledger.units()}
    rows = _lost(campaign, units, set(codes), districts)
    if campaign.branch:
        from xltool.campaign.sending.branch import write_parts

        return write_parts(campaign, output, rows, units)
    parcels, taken, deadlines = [], TakenNames(), Deadlines.of(campaign)
    rows.sort(key=lambda row: units[row["unit"]].district)
    for district, group in groupby(rows, key=lambda row: units[row["unit"]].district):
        packed = [_as_sent(campaign, units[row["unit"]], row) for row in group]
        path = output / taken.give(district or NO_DISTRICT, ".zip")
        batch = max(row["batch"] for row in rows)
        parcel.write_parcel(
            path, _parcel(campaign, campaign.private_key, district, batch, packed, deadlines, page)
        )
        parcels.append((district or NO_DISTRICT, path, len(packed)))
    return parcels


def _lost(
    campaign: Campaign, units: dict[str, Unit], wanted: set[str], districts: Iterable[str]
) -> list[LedgerRow]:
    """The issues of these units and districts. Raises XltoolError for who never had one and for
    one that is named and owes nothing."""
    places = {district_meant(said, units.values()) for said in districts}
    issues = campaign.ledger.issues()
    if unknown := wanted - set(units):
        raise XltoolError(f"名单里没有部门编码：{'、'.join(sorted(unknown))}")
    for code in sorted(wanted):
        refuse_left(campaign, code)
    if unsent := wanted - set(issues):
        raise XltoolError(f"还没有下发过：{'、'.join(sorted(unsent))}")
    standings = campaign.ledger.standings()
    owing = {code for code in units if not _has_left(standings.get(code))}
    asked_for = wanted | {code for code in owing if units[code].district in places}
    rows = [row for code, row in issues.items() if code in asked_for]
    if not rows:
        raise XltoolError("这些单位还没有下发过，或者不再应报，没有可再发的")
    return rows


def _has_left(returns: UnitReturns | None) -> bool:
    return returns is not None and bool(returns.outcome.standpoint.left)


def _as_sent(campaign: Campaign, unit: Unit, row: LedgerRow) -> tuple[parcel.ListedUnit, bytes]:
    """A unit's workbook made once more, to the byte, and its line on the manifest."""
    mark = _seal(campaign, unit, row["number"], row["digest"])
    if seal.digest_of(mark) != row["digest"]:
        raise XltoolError(
            f"{unit.code} {unit.name} 的资料在下发以后又改过，不能原样再发：请运行 distribute"
        )
    data = workbook(unit, mark, campaign.private_key, campaign.edition)
    listed = parcel.ListedUnit(
        unit.code, unit.name, unit.district, unit.superior, unit.contact, unit.prefilled,
        unit.last_year, row["number"], row["file"], parcel.digest(data),
    )  # fmt: skip
    return listed, data


def _seal(campaign: Campaign, unit: Unit, number: int, out: str = "") -> seal.Seal:
    """What a unit's workbook seals. `out` is the digest of what the unit has: a workbook that only
    seals more names, as those of the first version do, is no other one."""
    mark = seal.Seal(
        campaign=campaign.id,
        title=campaign.title,
        unit=unit.code,
        name=unit.name,
        district=unit.district,
        year=campaign.year,
        edition=campaign.edition.id,
        issue=number,
        layout=campaign.layout,
        prefilled=prefill(unit, campaign.year, campaign.edition),
        forms=campaign.forms,
        settings=departures(campaign.settings),
    )
    if out and seal.digest_of(mark) != out:
        names = prefill(unit, campaign.year, campaign.edition, as_before=True)
        as_before = msgspec.structs.replace(mark, prefilled=names)
        if seal.digest_of(as_before) == out:
            return as_before
    return mark


def _listed(orders: list[_Order], workbooks: list[bytes]) -> list[parcel.ListedUnit]:
    taken = TakenNames()
    listed = []
    for (unit, mark, _digest), data in zip(orders, workbooks, strict=True):
        name = taken.give(f"{unit.code}_{unit.name}", ".xlsx")
        listed.append(
            parcel.ListedUnit(
                unit.code, unit.name, unit.district, unit.superior, unit.contact, unit.prefilled,
                unit.last_year, mark.issue, name, parcel.digest(data),
            )
        )  # fmt: skip
    return listed


def _parcel(
    campaign: Campaign,
    key: keys.PrivateKey,
    district: str,
    batch: int,
    workbooks: list[tuple[parcel.ListedUnit, bytes]],
    days: Deadlines,
    page: bytes | None,
) -> dict[str, bytes]:
    files = {listed.file: data for listed, data in workbooks}
    files |= common_files(campaign, district, [listed.unit for listed, _ in workbooks], days, page)
    listed_units = [
        msgspec.structs.replace(listed, deadline=days.units.get(listed.code, ""))
        for listed, _ in workbooks
    ]
    text = manifest(campaign, district, batch, listed_units, files, days.of_district(district))
    return {
        **files,
        parcel.MANIFEST: text,
        parcel.SIGNATURE: key.sign(parcel.CONTEXT + text).hex().encode(),
    }
