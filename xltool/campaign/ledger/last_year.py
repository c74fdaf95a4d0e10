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

from xltool.campaign.ledger.campaign_folder import Campaign, open_campaign
from xltool.campaign.ledger.counting import Act
from xltool.campaign.ledger.figures import figures_of
from xltool.campaign.ledger.store import FILE
from xltool.campaign.ledger.unit_changes import write_units
from xltool.campaign.sealing.parcel import digest
from xltool.campaign.units import Unit
from xltool.editions.declaration import Edition, edition_in
from xltool.errors import XltoolError, why
from xltool.files.atomic import writing
from xltool.files.discover import FileKind, below
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
    """How many units' filings were taken in, who has none,
    and whose says a year that is not an earlier one."""

    number: int
    absent: list[str]
    not_earlier: list[str]


def take_last_year(campaign: Campaign, source: Path) -> TakenFilings:
    """Take in last year's campaign, or a folder of last year's workbooks.

    What the list says of last year stays; what it doesn't say is taken from the filings.
    """
    units = {unit.code: unit for unit in campaign.ledger.units()}
    # Called as what is half-written, so that one which a kill leaves behind is swept.
    with tempfile.TemporaryDirectory(
        dir=campaign.folder, prefix=".xltool-", suffix=".tmp"
    ) as scratch:
        new_folder = Path(scratch) / FOLDER
        new_folder.mkdir()
        if (source / FILE).is_file():
            taken_codes = _from_campaign(source, units, new_folder)
        elif source.exists():
            taken_codes = _from_files(source, units.values(), new_folder, campaign.year)
        else:
            raise XltoolError(f"没有这个文件夹：{source}")
        if not taken_codes:
            raise XltoolError(f"{source} 里没有一个名单上单位的申报")
        if campaign.folder.name == FOLDER:
            raise XltoolError("批次文件夹的名称不能是“上年申报”")
        destination = campaign.folder / FOLDER
        try:
            if destination.exists():
                destination.replace(Path(scratch) / "old")
            new_folder.replace(destination)
        except OSError as error:
            raise XltoolError(f"存不下上年的申报：{why(error)}") from error
    filings = {code: last_filing(campaign.folder, code) for code in sorted(taken_codes)}
    fresh = _figures(campaign, units, filings)
    with campaign.ledger.writing(), campaign.ledger.transaction():
        if fresh:
            write_units(campaign, fresh)
        reason = f"收进 {len(taken_codes)} 个单位的上年申报：{source.name}"
        campaign.ledger.record(Act.CAMPAIGN, reason=reason)
    absent = [code for code in units if code not in taken_codes]
    late = [code for code, f in filings.items() if f and f.year and f.year >= campaign.year]
    return TakenFilings(len(taken_codes), absent, late)


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


def _from_files(source: Path, units: Iterable[Unit], new_folder: Path, own_year: int) -> set[str]:
    """Workbooks of last year, told by their unit's code, else by a name that only one unit has.

    Of several of one unit the last year before `own_year` counts.
    """
    by_name: dict[str, list[str]] = {}
    codes = set()
    for unit in units:
        codes.add(unit.code)
        by_name.setdefault(unit.name, []).append(unit.code)
    years: dict[str, int] = {}
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
            continue
        year = filing.year or 0
        rank = year if year < own_year else -year  # one that is no earlier is better than none
        if rank >= years.get(code, rank):
            _keep(new_folder, code, file.read_bytes())
            years[code] = rank
    return set(years)


def _keep(new_folder: Path, code: str, data: bytes) -> None:
    with writing(new_folder / _name(code), "wb") as file:
        file.write(data)


def _figures(
    campaign: Campaign, units: dict[str, Unit], filings: Mapping[str, Filing | None]
) -> dict[str, Unit]:
    """The units with last year's amounts out of their filings, where the list has none."""
    changed = {}
    amounts = {f.id for f in campaign.edition.department.field if f.kind == "amount"}
    for code, filing in filings.items():
        if filing is None or filing.edition != campaign.edition.id:
            continue  # other forms, perhaps another unit of money
        own = figures_of(filing, campaign.edition).amounts
        last_year = {**{k: v for k, v in own.items() if k in amounts}, **units[code].last_year}
        if last_year != units[code].last_year:
            changed[code] = replace(units[code], last_year=last_year)
    return changed
