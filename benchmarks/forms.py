"""What all fillers write: filings of the seed's size, no two alike,
as filings and as plain cells."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec.structs import replace

import xltool
from xltool.databook import write_databook
from xltool.editions.declaration import load_edition
from xltool.filling.writer import render
from xltool.model import Entry, Filing, Form, Indicator
from xltool.xlsx.references import cell_name
from xltool.xlsx.workbook_reader import open_grid

EXAMPLE = Path(xltool.__file__).parent / "example" / "沅江市科学技术和工业信息化局"
TEMPLATE = Path(load_edition().folder) / "template.xlsx"

Value = str | float
Cells = list[tuple[int, str, Value]]  # sheet (from 0), cell, value


@dataclass(frozen=True, slots=True)
class Job:
    """One workbook to be: the filing that xltool takes, the cells that the others are handed."""

    filing: Filing
    cells: Cells


def varied(seed: Filing, n: int | str) -> Filing:
    """The seed's filing as another unit would have written it: other names, other sentences.

    Without this any memory of the last file would pass for speed.
    """

    def entry(one: Entry) -> Entry:
        if not isinstance(one.value, str) or len(one.value) < 6:
            return one
        return replace(one, value=f"{one.value}{n}", text=f"{one.text}{n}")

    def form(one: Form) -> Form:
        held = {key: one.entries[key] for key in ("year", "period") if key in one.entries}
        names = {key: Entry(f"单位{n}", f"单位{n}") for key in ("unit", "filer")}
        entries = {
            key: held.get(key) or names.get(key) or entry(e) for key, e in one.entries.items()
        }
        rows = tuple(
            replace(row, cells={**row.cells, "name": entry(row.cells["name"])})
            for row in one.indicators
        )
        return replace(one, entries=entries, indicators=rows)

    assert seed.department is not None
    return replace(seed, department=form(seed.department), projects=tuple(map(form, seed.projects)))


def reshaped(filing: Filing, n: int) -> Filing:
    """The filing with one to four indicators in each category:
    among a thousand hardly two grow alike."""
    chance = random.Random(n)

    def form(one: Form) -> Form:
        blocks: dict[str, list[Indicator]] = {}
        for row in one.indicators:
            blocks.setdefault(row.block, []).append(row)
        rows = [row for block in blocks.values() for row in (block * 4)[: chance.randint(1, 4)]]
        return replace(one, indicators=tuple(rows))

    assert filing.department is not None
    return replace(
        filing, department=form(filing.department), projects=tuple(map(form, filing.projects))
    )


def filings(count: int) -> Iterator[Filing]:
    """`count` different filings."""
    [seed] = xltool.load_databook(EXAMPLE)
    return (varied(seed, n) for n in range(count))


def documents(count: int) -> Iterator[str]:
    """The same as data books of one unit in JSON, written once and then only named anew."""
    [seed] = xltool.load_databook(EXAMPLE)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "one.json"
        write_databook([varied(seed, "〔n〕")], path)
        text = path.read_text("utf-8")
    return (text.replace("〔n〕", str(n)) for n in range(count))


def jobs(count: int) -> Iterator[Job]:
    """`count` different filings with the cells they change in the blank template."""
    blank = open_grid(TEMPLATE)
    for filing in filings(count):
        filled = open_grid(render(filing))
        cells: Cells = []
        for number, (before, after) in enumerate(zip(blank.sheets, filled.sheets, strict=True)):
            for at, cell in after.cells.items():
                if cell.text != before[at].text:
                    value = float(Decimal(cell.text)) if cell.number else cell.text
                    cells.append((number, cell_name(*at), value))
        yield Job(filing, cells)
