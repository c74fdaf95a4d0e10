"""The units of a campaign (units.xlsx): code, name, district, superior, contact, known figures.

A column headed by an official label (or 上年 + label) holds last year's figure; 预填 + label holds
what is known of this year, which is prefilled and locked. Amounts are in the edition's unit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from xltool.editions.declaration import Edition, Field
from xltool.errors import XltoolError, why
from xltool.files.filenames import TakenNames
from xltool.model import Place
from xltool.money import plain, read_amount
from xltool.reading.reader import answer
from xltool.xlsx.grid import Sheet
from xltool.xlsx.package import Unreadable
from xltool.xlsx.references import cell_name
from xltool.xlsx.workbook_reader import TABLE_CELLS, open_grid

CODE, NAME, DISTRICT, SUPERIOR, CONTACT = "部门编码", "部门名称", "区县", "主管部门", "联系人"
_KNOWN = {
    CODE: "code",
    NAME: "name",
    DISTRICT: "district",
    SUPERIOR: "superior",
    CONTACT: "contact",
}
_PREFIX = re.compile(r"^(预填|上年)[：:\s]*")


NO_DISTRICT = "未分区县"


class UnitsError(XltoolError):
    """A list of units that can't be used: all that is wrong, one line each."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit on the list; `prefilled` and `last_year` are field id → value as text."""

    code: str
    name: str
    district: str = ""
    superior: str = ""
    contact: str = ""
    prefilled: dict[str, str] = field(default_factory=dict)
    last_year: dict[str, str] = field(default_factory=dict)


class UnitFiles:
    """The places of files made for units in a folder: a folder for each district, a name for each unit."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._taken_districts = TakenNames()
        self._districts: dict[str, str] = {}
        self._taken_units: dict[str, TakenNames] = {}

    def place(self, unit: Unit, suffix: str) -> Path:
        """`folder/区县/004_县水利局.xlsx`; no two units get the same."""
        district = unit.district or NO_DISTRICT
        if district not in self._districts:
            self._districts[district] = self._taken_districts.give(district)
            self._taken_units[district] = TakenNames()
        name = self._taken_units[district].give(f"{unit.code}_{unit.name}", suffix)
        return self._folder / self._districts[district] / name


def read_units(path: Path, edition: Edition) -> list[Unit]:
    """The units in the first sheet of a workbook, in order. Raises UnitsError with every fault."""
    try:
        sheet = next(
            (s for s in open_grid(path, most=TABLE_CELLS).sheets if s.cells and not s.hidden), None
        )
    except Unreadable as error:
        raise UnitsError(f"{path}：{error}") from error
    except OSError as error:
        raise UnitsError(f"读不了 {path}：{why(error)}") from error
    if sheet is None:
        raise UnitsError(f"{path}：没有内容")
    faults: list[str] = []
    heads = _heads(sheet, edition, faults)
    units = [] if faults else list(_rows(sheet, heads, edition, faults))
    seen: dict[str, int] = {}
    for unit in units:
        seen[unit.code] = seen.get(unit.code, 0) + 1
    faults += [f"部门编码 {code} 出现 {count} 次" for code, count in seen.items() if count > 1]
    if not units and not faults:
        faults.append("名单里没有单位")
    if faults:
        more = f"\n……共 {len(faults)} 处" if len(faults) > 20 else ""
        raise UnitsError(f"{path} 不能用：\n" + "\n".join(faults[:20]) + more)
    return units


Head = tuple[str, Field | None]  # ("code" … | "prefilled" | "last_year", the field)


def _heads(sheet: Sheet, edition: Edition, faults: list[str]) -> dict[int, Head]:
    fields = {f.label: f for f in edition.department.field if f.id not in ("year", "unit", "filer")}
    heads: dict[int, Head] = {}
    top = min(row for (row, _), cell in sheet.cells.items() if cell.text.strip())
    for (row, column), cell in sorted(sheet.cells.items()):
        text = cell.text.strip()
        if row != top or not text:
            continue
        label = _PREFIX.sub("", text)
        head: Head | None = None
        if text in _KNOWN:
            head = (_KNOWN[text], None)
        elif label in fields:
            head = ("prefilled" if text.startswith("预填") else "last_year", fields[label])
        if head is None:
            faults.append(f"{cell_name(row, column)}：不认识的列“{text[:40]}”")
        elif head in heads.values():
            faults.append(f"{cell_name(row, column)}：列“{text[:40]}”出现两次")
        else:
            heads[column] = head
    given = {kind for kind, _ in heads.values()}
    faults += [f"缺少列“{label}”" for label in (CODE, NAME, DISTRICT) if _KNOWN[label] not in given]
    return heads


def _rows(
    sheet: Sheet, heads: dict[int, Head], edition: Edition, faults: list[str]
) -> Iterator[Unit]:
    rows: dict[int, dict[int, str]] = {}
    for (row, column), cell in sheet.cells.items():
        # A number is taken as Excel shows it, not with the tail of its binary form.
        text = answer(cell, Place(sheet.name, "")).text.strip()
        if column in heads and text:
            rows.setdefault(row, {})[column] = text
    for row in sorted(rows)[1:]:
        texts: dict[str, str] = {}
        figures: dict[str, dict[str, str]] = {"prefilled": {}, "last_year": {}}
        for column, text in rows[row].items():
            kind, spec = heads[column]
            if spec is None:
                texts[kind] = " ".join(text.split())
                continue
            value = _figure(spec, text, edition)
            if value is None:
                faults.append(f"{cell_name(row, column)}：“{spec.label}”的“{text[:40]}”读不成金额")
            else:
                figures[kind][spec.id] = value
        faults += [
            f"第 {row} 行没有{label}"
            for label, kind in ((CODE, "code"), (NAME, "name"))
            if not texts.get(kind)
        ]
        yield Unit(**{"code": "", "name": "", **texts}, **figures)  # type: ignore[arg-type]


def _figure(spec: Field, text: str, edition: Edition) -> str | None:
    if spec.kind != "amount":
        return text
    amount = read_amount(text, edition.unit)
    return None if amount is None else plain(amount.value)
