"""The units of a campaign (a list in .xlsx or .csv):
code, name, district, superior, contact, known figures.

A column headed by an official label (or 上年 + label) holds last year's figure; 预填 + label holds
what is known of this year, which is prefilled and locked. Amounts are in the edition's unit.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from xltool.databook.sources import NO_TEXT, csv_records, encoding_of, read_bytes
from xltool.editions.declaration import Edition, Field
from xltool.errors import XltoolError, why
from xltool.files.discover import FileKind, kind_of
from xltool.files.display import first_few
from xltool.files.filenames import TakenNames
from xltool.files.table_habits import aside, read_code, visible
from xltool.model import Place
from xltool.money import plain, read_amount, says_none, stored_number
from xltool.reading.reader import answer
from xltool.xlsx.conditional import unseen_in
from xltool.xlsx.grid import Cell, Sheet
from xltool.xlsx.number_format import amount_shown
from xltool.xlsx.package import Unreadable
from xltool.xlsx.references import cell_name
from xltool.xlsx.workbook_reader import TABLE_CELLS, open_grid

CODE, NAME, DISTRICT, SUPERIOR, CONTACT = "部门编码", "部门名称", "区县", "主管部门", "联系人"
# The heads of a list, as bureaus have them.
_KNOWN = {
    CODE: "code",
    "单位编码": "code",
    "预算单位编码": "code",
    NAME: "name",
    "单位名称": "name",
    "预算单位名称": "name",
    DISTRICT: "district",
    "县区": "district",
    "所属区县": "district",
    SUPERIOR: "superior",
    CONTACT: "contact",
}
_WHOLE_NUMBER = re.compile(r"[1-9][0-9]*", re.ASCII)
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


def district_meant(said: str, units: Iterable[Unit]) -> str:
    """The district that somebody names, as the list has it: what tables call 未分区县 is the empty
    one. Raises XltoolError for one that is on no unit's line."""
    districts = {unit.district for unit in units}
    meant = "" if said == NO_DISTRICT and said not in districts else said
    if meant not in districts:
        raise XltoolError(f"名单里没有区县“{said}”")
    return meant


class UnitFiles:
    """The places of files made for units in a folder:
    a folder for each district, a name for each unit."""

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


def of_before(
    folder: Path, endings: Iterable[str], current: Collection[Path] = ()
) -> tuple[int, str]:
    """How many files made for units earlier lie in a folder beside the current ones,
    and the first of their names."""
    found = {path for ending in endings for path in folder.glob(f"*/*{ending}")}
    old = sorted(found - set(current))
    return len(old), first_few([str(path.relative_to(folder)) for path in old], 5)


@dataclass(frozen=True, slots=True)
class UnitList:
    """A list as it was read: its units, the columns that it has, and what is to say of it.

    `named` holds `code`, `name` … and `prefilled.ID`, `last_year.ID`:
    nothing else of a unit is known by it.
    """

    units: list[Unit]
    named: frozenset[str]
    remarks: tuple[str, ...] = ()

    def onto(self, unit: Unit, before: Unit) -> Unit:
        """A unit as it was, with what this list says of it:
        a column that isn't there changes nothing."""
        plain_values = {key: getattr(unit, key) for key in self.named if "." not in key}
        figures = {}
        for kind in ("prefilled", "last_year"):
            ids = {key.partition(".")[2] for key in self.named if key.startswith(f"{kind}.")}
            unlisted = {id_: text for id_, text in getattr(before, kind).items() if id_ not in ids}
            figures[kind] = {**unlisted, **getattr(unit, kind)}
        return replace(before, **plain_values, **figures)  # type: ignore[arg-type]


def read_unit_list(path: Path, edition: Edition, known_codes: Collection[str] = ()) -> UnitList:
    """The list in the first sheet of a workbook, or in a .csv. Raises UnitsError with every fault.

    With `known_codes`, those of the ledger, a list may have fewer columns, and codes that differ
    from a known one by lost zeros only are refused.
    """
    sheet = _list_sheet(path)
    faults: list[str] = []
    remarks: list[str] = []
    heads = _heads(sheet, edition, faults, [CODE] if known_codes else [CODE, NAME, DISTRICT])
    rows = [] if faults else list(_rows(sheet, heads, edition, faults, remarks))
    faults += _bad_codes(sheet, heads, rows, known_codes)
    named = {kind if spec is None else f"{kind}.{spec.id}" for kind, spec in heads.values()}
    for row, unit in rows:
        if unit.code not in known_codes and not unit.name:
            faults.append(f"第 {row} 行没有{NAME}")
    if known_codes and not {"name", "district"} <= named:
        faults += [
            f"第 {row} 行的 {unit.code} 是新单位：名单里要有“{NAME}”和“{DISTRICT}”两列"
            for row, unit in rows
            if unit.code not in known_codes and unit.name
        ]
    if not rows and not faults:
        faults.append("名单里没有单位")
    remarks += _same_names(rows)
    if faults:
        more = f"\n……共 {len(faults)} 处" if len(faults) > 20 else ""
        raise UnitsError(f"{path} 不能用：\n" + "\n".join(faults[:20]) + more)
    return UnitList([unit for _, unit in rows], frozenset(named), tuple(remarks))


def _list_sheet(path: Path) -> Sheet:
    """The first visible sheet with something in it; of a .csv all of it. Raises UnitsError."""
    try:
        if kind_of(path.name) is FileKind.TABLE:
            sheet = _csv_sheet(path)
        else:
            sheets = open_grid(path, most=TABLE_CELLS).sheets
            sheet = next((sheet for sheet in sheets if sheet.cells and not sheet.hidden), Sheet(""))
    except Unreadable as error:
        raise UnitsError(f"{path}：{error}") from error
    except csv.Error as error:
        raise UnitsError(f"{path}：不是完整的表格（{error}）") from error
    except OSError as error:
        raise UnitsError(f"读不了 {path}：{why(error)}") from error
    if not sheet.cells:
        raise UnitsError(f"{path}：没有内容")
    return sheet


def _csv_sheet(path: Path) -> Sheet:
    data = read_bytes(path)
    encoding = encoding_of(data)
    if encoding is None:
        raise UnitsError(f"{path}：{NO_TEXT}")
    cells: dict[tuple[int, int], Cell] = {}
    for row, record in enumerate(csv_records(data, encoding, set(_KNOWN)), 1):
        for column, text in enumerate(record, 1):
            if text.strip():
                # Without a zero in front it may have had one, before a spreadsheet program saved
                # it.
                cells[row, column] = Cell(text, number=_WHOLE_NUMBER.fullmatch(text) is not None)
    return Sheet(path.name, cells)


ListHead = tuple[str, Field | None]  # ("code" … | "prefilled" | "last_year", the field)


def _heads(
    sheet: Sheet, edition: Edition, faults: list[str], needed: list[str]
) -> dict[int, ListHead]:
    fields = {
        field.label: field
        for field in edition.department.field
        if field.id not in ("year", "unit", "filer")
    }
    heads: dict[int, ListHead] = {}
    top = _head_row(sheet, fields)
    for (row, column), cell in sorted(sheet.cells.items()):
        text = visible(cell.text)
        if row != top or not text:
            continue
        label = _PREFIX.sub("", text)
        head: ListHead | None = None
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
    kinds = {kind for kind, _ in heads.values()}
    faults += [f"缺少列“{label}”" for label in needed if _KNOWN[label] not in kinds]
    return heads


def _head_row(sheet: Sheet, fields: Collection[str]) -> int:
    """The first row with several heads, or else with anything in it: titles may stand above."""
    counts: dict[int, int] = {}
    for (row, _), cell in sorted(sheet.cells.items()):
        if text := visible(cell.text):
            is_head = text in _KNOWN or _PREFIX.sub("", text) in fields
            counts[row] = counts.get(row, 0) + is_head
    return next((row for row, count in counts.items() if count > 1), min(counts))


def _rows(
    sheet: Sheet,
    heads: dict[int, ListHead],
    edition: Edition,
    faults: list[str],
    remarks: list[str],
) -> Iterator[tuple[int, Unit]]:
    """Each unit with its row; a row of totals is no unit, and that is said."""
    rows = _texts_by_row(sheet, heads)
    top = _head_row(sheet, {spec.label for _, spec in heads.values() if spec})
    for row in sorted(row for row in rows if row > top):
        beside = [text for text in rows[row].values() if aside(text)]
        if beside:
            remarks.append(f"第 {row} 行是“{beside[0][:20]}”，不是单位，没有收进")
            continue
        texts: dict[str, str] = {}
        figures: dict[str, dict[str, str]] = {"prefilled": {}, "last_year": {}}
        for column, text in rows[row].items():
            kind, spec = heads[column]
            value, fault = _cell_value(sheet, (row, column), text, spec, edition)
            if fault:
                faults.append(f"{cell_name(row, column)}：{fault}")
            elif spec is None:
                texts[kind] = value
            else:
                figures[kind][spec.id] = value
        code = read_code(texts.get("code", ""))
        texts["code"] = code.text
        if code.said:
            (faults if code.ruined else remarks).append(f"第 {row} 行：部门编码{code.said}")
        if not code.text:
            faults.append(f"第 {row} 行没有{CODE}")
        if row in sheet.hidden_rows:
            remarks.append(f"第 {row} 行是隐藏的（筛选或手工），也收进了")
        yield row, Unit(**{"code": "", "name": "", **texts}, **figures)  # type: ignore[arg-type]


def _cell_value(
    sheet: Sheet, at: tuple[int, int], text: str, spec: Field | None, edition: Edition
) -> tuple[str, str]:
    """What a cell says of its unit (a text, or the amount of a field), and what is wrong with it."""
    if unseen := unseen_in(sheet, at, edition.unit):
        return "", f"{unseen}，请改成看得见的"
    if spec is None:
        return " ".join(text.split()), ""
    difference = _shown(sheet[at], spec, edition)
    if difference is not None:
        return "", f"“{spec.label}”{difference}"
    value = _figure(spec, text, edition)
    if value is None:
        advice = "，没有就空着" if says_none(text) else ""
        return "", f"“{spec.label}”的“{text[:40]}”读不成金额{advice}"
    return value, ""


def _texts_by_row(sheet: Sheet, columns: Collection[int]) -> dict[int, dict[int, str]]:
    """Row → column → text, of these columns. A number is taken as Excel shows it, not with the tail
    of its binary form."""
    rows: dict[int, dict[int, str]] = {}
    for (row, column), cell in sheet.cells.items():
        text = visible(answer(cell, Place(sheet.name, "")).text)
        if column in columns and text:
            rows.setdefault(row, {})[column] = text
    return rows


def _bad_codes(
    sheet: Sheet,
    heads: dict[int, ListHead],
    rows: list[tuple[int, Unit]],
    known_codes: Collection[str],
) -> Iterator[str]:
    """Codes that a spreadsheet program spoiled, or that stand twice, each with its row."""
    column = next((c for c, (kind, _) in heads.items() if kind == "code"), 0)
    numbers = {row for row, _ in rows if sheet[row, column].number}
    # Where codes are texts of one length and begin with zeros, a shorter number has lost its own.
    whole = {unit.code for row, unit in rows if row not in numbers} | set(known_codes)
    padded = {len(code) for code in whole if code.isdigit() and code.startswith("0")}
    rows_by_code: dict[str, list[int]] = {}
    for row, unit in rows:
        code = unit.code
        rows_by_code.setdefault(code, []).append(row)
        if row in numbers and len(code) > 15 and code.strip("0"):
            yield f"第 {row} 行：部门编码丢了末位（{code}），请把这一列设成文本再填"
        elif code.isdigit() and code not in known_codes:
            meant = [k for k in known_codes if k != code and k.lstrip("0") == code.lstrip("0")]
            if meant:
                yield f"第 {row} 行：部门编码 {code} 在台账里是 {meant[0]}，前导零丢了，请把这一列设成文本"
            elif row in numbers and any(len(code) < length for length in padded):
                yield f"第 {row} 行：部门编码 {code} 是数字，前导零可能丢了，请把这一列设成文本"
    for code, places in rows_by_code.items():
        if code and len(places) > 1:
            at = "、".join(map(str, places))
            yield f"第 {at} 行：部门编码 {code} 出现 {len(places)} 次"


def _same_names(rows: list[tuple[int, Unit]]) -> Iterator[str]:
    """Units of one district with one name: a unit that stands twice, under two codes."""
    rows_by_name: dict[tuple[str, str], list[int]] = {}
    for row, unit in rows:
        if unit.name:
            rows_by_name.setdefault((unit.name, unit.district), []).append(row)
    for (name, _), places in rows_by_name.items():
        if len(places) > 1:
            at = "、".join(map(str, places))
            yield f"第 {at} 行同在一个区县，名称都是“{name}”，编码不同，请看是否重复"


def _shown(cell: Cell, spec: Field, edition: Edition) -> str | None:
    """Why an amount can't be taken as it is shown; None where it can."""
    if cell.formula and not cell.text:
        return "是公式，结果没有存下来，请在 Excel 或 WPS 里打开并保存一次"
    stored = stored_number(cell.text) if spec.kind == "amount" and cell.number else None
    if stored is None or (seen := amount_shown(stored, cell.format, edition.unit)).same:
        return None
    return f"显示为“{seen.text}”，存的是“{plain(stored)}”，请改成同一个数"


def _figure(spec: Field, text: str, edition: Edition) -> str | None:
    if spec.kind != "amount":
        return text
    amount = read_amount(text, edition.unit)
    return None if amount is None else plain(amount.value)
