"""Last year's filing of each unit, kept in the campaign:
for the comparison with it, and the year-on-year."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import msgspec

from xltool.campaign.ledger.campaign_folder import Campaign, open_campaign
from xltool.campaign.ledger.counting import Act
from xltool.campaign.ledger.figures import figures_of
from xltool.campaign.ledger.store import FILE
from xltool.campaign.ledger.unit_changes import (
    mergers,
    share_of,
    together_again,
    with_share,
    write_units,
)
from xltool.campaign.sealing.parcel import digest
from xltool.campaign.units import Unit
from xltool.editions.declaration import Edition, edition_in
from xltool.errors import XltoolError, why
from xltool.files.atomic import writing
from xltool.files.discover import FileKind, below, kind_of
from xltool.model import Entry, Filing, Form
from xltool.reading.reader import read

FOLDER = "上年申报"
_EDITION = "版式"


def has_last_filings(folder: Path) -> bool:
    """Whether last year's filings were taken into this campaign."""
    return (folder / FOLDER).is_dir()


def listed_filing(amounts: Mapping[str, str], edition: Edition) -> Filing | None:
    """What the list says of a unit's last year, as a filing of nothing else;
    None where it says nothing."""
    entries = {
        id_: Entry(Decimal(text), text)
        for id_, text in amounts.items()
        if id_ in edition.department and edition.department[id_].kind == "amount"
    }
    return Filing(edition.id, Form(edition.department.id, entries)) if entries else None


def with_listed(filed: Filing, listed: Filing) -> Filing:
    """A filing of last year with the amounts that are known otherwise; as it is on other forms,
    which may have another unit of money."""
    known = listed.department
    if filed.edition != listed.edition or filed.department is None or known is None:
        return filed
    own = filed.department
    other = {
        id_: entry for id_, entry in known.entries.items() if own.amount(id_) != known.amount(id_)
    }
    return msgspec.structs.replace(
        filed, department=msgspec.structs.replace(own, entries={**own.entries, **other})
    )


def last_filing(folder: Path, code: str) -> Filing | None:
    """The unit's filing of the year before, None where none was taken in."""
    file = folder / FOLDER / _name(code)
    return _read(file, folder) if code and file.is_file() else None


def _read(file: Path, folder: Path) -> Filing:
    own = folder / FOLDER / _EDITION
    return read(file, edition=edition_in(own) if own.is_dir() else None)


def _name(code: str) -> str:
    """A code may hold anything, so the file is called by its digest."""
    return f"{digest(code.encode())[:32]}.xlsx"


class TakenFilings(NamedTuple):
    """How many units' filings were taken in, who has none, whose was not taken, for it says a year
    that is not an earlier one, who had one before and has none now, and which workbooks are no
    filing of a unit on the list."""

    number: int
    absent: list[str]
    not_earlier: list[str]
    gone: list[str]
    unknown: list[str]


def take_last_year(campaign: Campaign, source: Path) -> TakenFilings:
    """Take in last year's campaign, or a folder of last year's workbooks.

    What the list says of last year stays; what it doesn't say is taken from the filings. What was
    taken from filings before goes with them. Raises XltoolError where there are none of an earlier
    year.
    """
    if campaign.folder.name == FOLDER:
        raise XltoolError("批次文件夹的名称不能是“上年申报”")
    units = {unit.code: unit for unit in campaign.ledger.units()}
    before = [code for code in units if (campaign.folder / FOLDER / _name(code)).is_file()]
    # Called as what is half-written, so that one which a kill leaves behind is swept.
    with tempfile.TemporaryDirectory(
        dir=campaign.folder, prefix=".xltool-", suffix=".tmp"
    ) as scratch:
        new_folder = Path(scratch) / FOLDER
        new_folder.mkdir()
        taken_codes, unknown = _copied(source, units, new_folder, campaign.year)
        if not taken_codes:
            raise XltoolError(f"{source} 里没有一个名单上单位的申报")
        filings, late = _of_earlier_years(Path(scratch), taken_codes, campaign.year)
        if not filings:
            raise XltoolError(
                f"{source} 里的申报写的年度都不早于 {campaign.year} 年，不是上年的，没有收"
            )
        apart = _apart(campaign, units)
        own = apart | _figures(campaign, apart, _as_listed(campaign, apart), filings)
        # The ledger first: what stands there is told from the list's own figures by the old
        # filings, so that a run cut off in between is simply repeated.
        with campaign.ledger.writing(), campaign.ledger.transaction():
            together = together_again(campaign, own)
            write_units(
                campaign, {code: unit for code, unit in together.items() if unit != units[code]}
            )
            reason = f"收进 {len(filings)} 个单位的上年申报：{source.name}"
            campaign.ledger.record(Act.CAMPAIGN, reason=reason)
        _put(campaign, new_folder, Path(scratch) / "old")
    absent = [code for code in units if code not in taken_codes]
    gone = [code for code in before if code not in filings]
    return TakenFilings(len(filings), absent, late, gone, unknown)


def _copied(
    source: Path, units: dict[str, Unit], new_folder: Path, year: int
) -> tuple[set[str], list[str]]:
    """Copy last year's filings from where they are: whose there are, and which workbooks are of
    nobody on the list."""
    if (source / FILE).is_file():
        return _from_campaign(source, units, new_folder), []
    if not source.exists():
        raise XltoolError(f"没有这个文件夹：{source}")
    if kind_of(source.name) is FileKind.ARCHIVE:
        raise XltoolError(
            f"{source} 是压缩包：先解开；整个批次的存档先用 xltool campaign import 恢复"
        )
    return _from_files(source, units.values(), new_folder, year)


def _of_earlier_years(
    folder: Path, codes: Iterable[str], year: int
) -> tuple[dict[str, Filing | None], list[str]]:
    """The filings taken into a folder by code, and whose are left out,
    for they say a year that is no earlier one."""
    filings = {code: last_filing(folder, code) for code in sorted(codes)}
    late = [code for code, filing in filings.items() if filing and (filing.year or 0) >= year]
    for code in late:
        (folder / FOLDER / _name(code)).unlink()
        del filings[code]
    return filings, late


def _put(campaign: Campaign, new_folder: Path, old: Path) -> None:
    """What was taken in now in the place of what was taken in before."""
    destination = campaign.folder / FOLDER
    try:
        if destination.exists():
            destination.replace(old)
        new_folder.replace(destination)
    except OSError as error:
        raise XltoolError(f"存不下上年的申报：{why(error)}") from error


def _apart(campaign: Campaign, units: Mapping[str, Unit]) -> dict[str, Unit]:
    """The units without the figures of those that were merged into them."""
    apart, deeds = dict(units), campaign.ledger.deeds_by_unit()
    for code, into in mergers(campaign).items():
        apart[into] = with_share(apart[into], share_of(deeds.get(into, ()), code), -1)
    return apart


def _as_listed(campaign: Campaign, units: Mapping[str, Unit]) -> dict[str, dict[str, str]]:
    """Code → what is known of last year without the figures of the filings taken in before."""
    listed = {}
    for code, unit in units.items():
        before = last_filing(campaign.folder, code) if unit.last_year else None
        figures = _amounts(before, campaign.edition)
        listed[code] = {k: v for k, v in unit.last_year.items() if figures.get(k) != v}
    return listed


def _from_campaign(source: Path, units: dict[str, Unit], new_folder: Path) -> set[str]:
    """What counted in last year's campaign, by code, with the edition it was filed on."""
    earlier = open_campaign(source)
    try:
        shutil.copytree(earlier.edition_folder, new_folder / _EDITION)
        taken_codes = set()
        for code, row in earlier.ledger.counted().items():
            original = earlier.original(row["sha256"])
            if code in units and original.is_file():
                _keep(new_folder, code, original.read_bytes())
                taken_codes.add(code)
        return taken_codes
    finally:
        earlier.ledger.close()


def _from_files(
    source: Path, units: Iterable[Unit], new_folder: Path, own_year: int
) -> tuple[set[str], list[str]]:
    """Workbooks of last year, told by their unit's code, else by a name that only one unit has.

    Of several of one unit the last year before `own_year` counts.
    """
    by_name: dict[str, list[str]] = {}
    codes = set()
    for unit in units:
        codes.add(unit.code)
        by_name.setdefault(unit.name, []).append(unit.code)
    years: dict[str, int] = {}
    unknown: list[str] = []
    files = [source] if source.is_file() else [
        listed.path for listed in below(source) if listed.kind is FileKind.WORKBOOK
    ]  # fmt: skip
    for file in files:
        filing = read(file)
        named = by_name.get(filing.unit, [])
        code = named[0] if len(named) == 1 else ""
        if filing.code in codes:
            code = filing.code
        if not code or not any(filing.forms):
            unknown.append(file.name)
            continue
        year = filing.year or 0
        rank = year if year < own_year else -year  # one that is no earlier is better than none
        if rank >= years.get(code, rank):
            _keep(new_folder, code, file.read_bytes())
            years[code] = rank
    return set(years), unknown


def _keep(new_folder: Path, code: str, data: bytes) -> None:
    with writing(new_folder / _name(code), "wb") as file:
        file.write(data)


def _figures(
    campaign: Campaign,
    units: Mapping[str, Unit],
    listed: Mapping[str, dict[str, str]],
    filings: Mapping[str, Filing | None],
) -> dict[str, Unit]:
    """The units with last year's amounts out of their filings, where the list has none."""
    changed = {}
    for code, unit in units.items():
        last_year = {**_amounts(filings.get(code), campaign.edition), **listed[code]}
        if last_year != unit.last_year:
            changed[code] = replace(unit, last_year=last_year)
    return changed


def _amounts(filing: Filing | None, edition: Edition) -> dict[str, str]:
    """The department's amounts in a filing on these forms;
    other forms may have another unit of money."""
    if filing is None or filing.edition != edition.id:
        return {}
    amounts = {field.id for field in edition.department.field if field.kind == "amount"}
    return {k: v for k, v in figures_of(filing, edition).amounts.items() if k in amounts}
