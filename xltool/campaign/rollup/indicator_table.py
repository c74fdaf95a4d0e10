"""All units' indicators in one table, straight from the ledger:
of what counts, in the order of the list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.returns.collection import original_bytes
from xltool.editions.declaration import Edition, edition_in
from xltool.errors import XltoolError
from xltool.files.barrier import Failure
from xltool.files.pool import WorkerPool
from xltool.reading.reader import read_grid
from xltool.reports.indicators import columns_of, indicator_rows, save_csv, save_xlsx
from xltool.xlsx.workbook_reader import open_grid

CountedFile = tuple[str, str, bytes]  # code, what the file is called, its bytes

# What each process of a run works with.
_edition: Edition | None = None


def _set_up(folder: Path) -> None:
    global _edition
    _edition = edition_in(folder)


def _rows(item: CountedFile) -> list[tuple[str, ...]]:
    assert _edition is not None
    code, name, data = item
    filing = read_grid(open_grid(data), source=name, edition=_edition)
    columns = columns_of([_edition])
    return list(indicator_rows(replace(filing, code=code), _edition, columns))


def write_indicators(campaign: Campaign, path: Path) -> tuple[int, int, list[tuple[str, str]]]:
    """Write the indicators of all that counts;
    how many, of how many units, and what could not be read."""
    if path.suffix.lower() not in (".csv", ".xlsx"):
        raise XltoolError(f"指标写成 .csv 或 .xlsx，不是“{path.suffix}”：{path}")
    problems: list[tuple[str, str]] = []
    names: list[str] = []
    pool = WorkerPool(
        _rows, size=_size, setup=_set_up, given=(campaign.edition_folder,), clean=True
    )
    rows: list[tuple[str, ...]] = []
    read = 0
    for number, unit_rows in enumerate(pool.in_order(_items(campaign, names, problems))):
        if isinstance(unit_rows, Failure):
            problems.append((names[number], unit_rows.reason))
            continue
        rows += unit_rows
        read += 1
    if not read:
        raise XltoolError("还没有计入的申报，没有指标可写")
    save = save_xlsx if path.suffix.lower() == ".xlsx" else save_csv
    save(rows, path, columns_of([campaign.edition]))
    return len(rows), read, problems


def _size(item: CountedFile) -> int:
    return len(item[2])


def _items(
    campaign: Campaign, names: list[str], problems: list[tuple[str, str]]
) -> Iterator[CountedFile]:
    """The originals that count; one that is gone is told and stops only its own unit."""
    units = {unit.code: unit.name for unit in campaign.ledger.units()}
    for code, row in campaign.ledger.counted().items():
        try:
            data = original_bytes(campaign, row["sha256"])
        except XltoolError as error:
            problems.append((code, str(error)))
            continue
        names.append(code)
        yield code, f"{code}_{units[code]}.xlsx", data
