"""A small campaign for tests: a list of units, and units that fill in what they were sent."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

from msgspec.structs import replace

from tests.support.case import filing_of
from xltool.campaign.ledger.campaign_folder import Campaign, new_campaign
from xltool.campaign.sealing import seal
from xltool.campaign.sealing.parcel import read_parcel
from xltool.editions.declaration import load_edition
from xltool.filling.writer import render
from xltool.model import Entry, Filing
from xltool.results_sheet.table import ANSWER, HEAD
from xltool.xlsx.workbook_reader import open_grid

EDITION = load_edition("hunan-2023")
HEADS = [
    "部门编码",
    "部门名称",
    "区县",
    "主管部门",
    "联系人",
    "资金总额",
    "基本支出",
    "预填一般公共预算",
]


def unit_rows(districts: int, each: int) -> list[list[str]]:
    """Rows of a list: each unit has figures of last year
    and a known general budget of this year."""
    rows = []
    for d in range(1, districts + 1):
        for u in range(1, each + 1):
            n = d * 100 + u
            general = f"{1000 + n}.{n % 100:02}"
            last = f"{1400 + n}.5"
            rows.append(
                [
                    f"0{d:03}{u:03}",
                    f"第{d}区第{u}局",
                    f"第{d}区",
                    f"主管{u % 2}",
                    "甲",
                    last,
                    "600",
                    general,
                ]
            )
    return rows


def write_units(path: Path, rows: list[list[str]], heads: list[str] | None = None) -> Path:
    from xlsxwriter import Workbook

    with Workbook(str(path), {"strings_to_numbers": False}) as book:
        sheet = book.add_worksheet("名单")
        for r, row in enumerate([heads or HEADS, *rows]):
            for c, value in enumerate(row):
                sheet.write_string(r, c, value)
    return path


def make_campaign(
    folder: Path, districts: int = 2, each: int = 3, *, year: int = 2024, **options: str
) -> Campaign:
    units = write_units(folder / "units.xlsx", unit_rows(districts, each))
    return new_campaign(folder / "批次", year=year, edition="hunan-2023", units=units, **options)


def sent_workbooks(outbox: Path) -> dict[str, bytes]:
    """Code → workbook, out of all parcels under a folder."""
    found = {}
    for parcel in sorted(outbox.rglob("*.zip")):
        for name, data in read_parcel(parcel).items():
            if name.endswith(".xlsx") and "/" not in name:
                found[name.partition("_")[0]] = data
    return found


def fill_in(data: bytes, changes: Mapping[str, object] | None = None) -> bytes:
    """The workbook as a unit would return it:
    its own seal, the clean answers, a balance that closes."""
    grid = open_grid(data)
    mark = seal.claimed(grid.properties)
    assert mark is not None
    given = mark.prefilled["department"]
    general = Decimal(given.get("general", "1883.17"))
    total = general + Decimal("1290.00")
    base = {
        "department.general": f"{general}",
        "department.total": f"{total}",
        "department.fund": "1290.00",
        "department.basic": f"{total - 1100}",
        "department.project_spending": "1100",
        "department.unit": mark.name,
        "department.filer": mark.name,
        "project.unit": mark.name,
        "project.filer": mark.name,
        "department.year": str(mark.year),
        "project.year": str(mark.year),
        **(changes or {}),
    }
    filing = replace(filing_of(nested(base)), code=mark.unit)
    return with_properties(filing, grid.properties, mark.prefilled)


def nested(flat: Mapping[str, object]) -> dict[str, object]:
    """Dotted keys as tables, as a case file has them."""
    result: dict[str, dict[str, object]] = {}
    for key, value in flat.items():
        form, _, field = key.partition(".")
        result.setdefault(form, {})[field] = value
    return result  # type: ignore[return-value]


def with_properties(
    filing: Filing, properties: Mapping[str, str], prefilled: Mapping[str, Mapping[str, str]]
) -> bytes:
    """A workbook with a seal of our choice."""
    ours = ("xltool.edition", "xltool.form", "xltool.unit_code")
    kept = {k: v for k, v in properties.items() if k not in ours}
    return render(filing, edition=EDITION, properties=kept, locked=prefilled)


def patched(data: bytes, part: str, change: Callable[[str], str]) -> bytes:
    """The workbook with one part's text changed, as a program or a person would."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as goal,
    ):
        for name in source.namelist():
            text = source.read(name)
            if name == part:
                changed = change(text.decode())
                assert changed != text.decode(), f"nothing changed in {part}"
                text = changed.encode()
            goal.writestr(name, text)
    return out.getvalue()


def entry(value: object) -> Entry:
    return Entry(value, str(value))  # type: ignore[arg-type]


class Bureau:
    """A clerk's desk for tests: one campaign, its list as rows that can be changed,
    days of returns."""

    def __init__(
        self,
        folder: Path,
        districts: int = 2,
        each: int = 3,
        *,
        year: int = 2024,
        **options: str,
    ) -> None:
        self.folder = folder
        self.rows = unit_rows(districts, each)
        self.campaign = make_campaign(folder, districts, each, year=year, **options)
        self.sent = self.distribute()

    @property
    def codes(self) -> list[str]:
        return [row[0] for row in self.rows]

    def distribute(self) -> dict[str, bytes]:
        """Send out what changed; the workbooks of this batch by code."""
        from xltool.campaign.sending.distribution import distribute

        sent = distribute(self.campaign)
        here = self.campaign.folder / "下发" / f"第{sent.batch}批"
        return sent_workbooks(here) if sent.units else {}

    def parcel(self, district: str = "第1区") -> Path:
        """What was sent to a district first."""
        return self.campaign.folder / "下发" / "第1批" / f"{district}.zip"

    def change(self, code: str, **values: str) -> dict[str, bytes]:
        """Another value on the list (general, name, district), sent out; the new workbooks."""
        from xltool.campaign.units import read_unit_list

        columns = {"name": 1, "district": 2, "contact": 4, "general": 7}
        for row in self.rows:
            if row[0] == code:
                for key, value in values.items():
                    row[columns[key]] = value
        units = read_unit_list(
            write_units(self.folder / "名单.xlsx", self.rows), self.campaign.edition
        ).units
        with self.campaign.ledger.transaction():
            self.campaign.ledger.put_units(units)
        return self.distribute()

    def hand_in(
        self, run: str, files: Mapping[str, bytes], when: float = 0, **options: object
    ) -> object:
        """Collect these files out of a folder of their own; `when` is their time on the disk."""
        import os

        from xltool.campaign.returns.collection import collect

        here = self.folder / run
        for name, data in files.items():
            path = here / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            if when:
                os.utime(path, (when, when))
        return collect(self.campaign, [here], **options)  # type: ignore[arg-type]

    def states(self) -> dict[str, str]:
        from xltool.campaign.returns.status import status

        return {s.unit.code: s.state for s in status(self.campaign).standings}

    def standing(self, code: str) -> object:
        from xltool.campaign.returns.status import status

        return next(s for s in status(self.campaign).standings if s.unit.code == code)

    def counted(self) -> dict[str, int]:
        return {code: row["version"] for code, row in self.campaign.ledger.counted().items()}


def stamped(data: bytes, when: str) -> bytes:
    """The workbook as a program would have saved it at this time (UTC, ISO)."""
    import re

    return patched(
        data,
        "docProps/core.xml",
        lambda xml: re.sub(r"(<dcterms:modified[^>]*>)[^<]*", rf"\g<1>{when}", xml),
    )


def answered(path: Path, text: str, sheet: str = "退回意见") -> bytes:
    """The note with this explanation in every answer cell, saved by another program."""
    from openpyxl import load_workbook

    book = load_workbook(path)
    rows = book[sheet]
    head = next(row for row in rows.iter_rows() if any(c.value == HEAD[ANSWER] for c in row))
    column = next(c.column for c in head if c.value == HEAD[ANSWER])
    for row in range(head[0].row + 1, rows.max_row + 1):
        if rows.cell(row, 1).value:
            rows.cell(row, column).value = text
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
