"""The indicator library (指标库) as a file: read from .xlsx or .toml, made from accepted filings."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path

from xltool.editions.declaration import load_edition
from xltool.errors import XltoolError, why
from xltool.files.declarations import read_declaration
from xltool.files.table_column import Column
from xltool.indicator import split_targets
from xltool.indicator.library import Library, LibraryEntry, Seen, gather
from xltool.indicator.units import read_unit
from xltool.model import Filing

SHEET = "指标库"
MOST = 20_000  # entries


def name_list(count: int) -> str:
    """Where the names of so many entries stand, as a list in a workbook refers to it."""
    return f"={SHEET}!$A$2:$A${count + 1}"


class LibraryError(XltoolError):
    """A library that can't be used: file, row and reason in one line."""


COLUMNS: tuple[Column[LibraryEntry], ...] = (
    Column("名称", lambda entry: entry.name, 34),
    Column("类别", lambda entry: entry.category, 18),
    Column("单位", lambda entry: entry.unit, 10),
    Column("方向", lambda entry: entry.direction, 8),
    Column("下限", lambda entry: entry.low, 12),
    Column("上限", lambda entry: entry.high, 12),
    Column("适用范围", lambda entry: entry.scope, 20),
    Column("出现次数", lambda entry: entry.seen or None, 10),
)
_KEYS = dict(
    zip(
        (column.head for column in COLUMNS),
        LibraryEntry.__struct_fields__,
        strict=True,
    )
)
_DIRECTIONS = {"": "", "≥": "≥", ">=": "≥", "越多越好": "≥", "≤": "≤", "<=": "≤", "越少越好": "≤"}


def load_library(path: str | Path) -> Library:
    """The library in this file. Raises LibraryError: which row, and what is wrong."""
    file = Path(path)
    try:
        return _load(file, file.stat().st_mtime_ns)
    except FileNotFoundError as error:
        raise LibraryError(f"没有指标库 {file}") from error
    except OSError as error:
        raise LibraryError(f"{file}：读不了：{why(error)}") from error


@functools.lru_cache(maxsize=8)
def _load(file: Path, stamp: int) -> Library:
    rows = _toml_rows(file) if file.suffix.lower() == ".toml" else _sheet_rows(file)
    entries = []
    for place, row in rows:
        if row.get("name", "").strip():
            entries.append(_entry(file, place, row))
        if len(entries) > MOST:
            raise LibraryError(f"{file}：超过 {MOST} 条，不像指标库")
    if not entries:
        raise LibraryError(f"{file}：一条指标也没有")
    return Library(tuple(entries))


def _toml_rows(file: Path) -> Iterator[tuple[str, dict[str, str]]]:
    data = read_declaration(file, LibraryError, parse_float=Decimal)
    listed = data.get("indicator", [])
    if not isinstance(listed, list):
        raise LibraryError(f"{file}：indicator 要写成一个个 [[indicator]]")
    for number, row in enumerate(listed, 1):
        unknown = [key for key in row if key not in _KEYS.values()]
        if unknown:
            raise LibraryError(
                f"{file}：第 {number} 条：不认识“{unknown[0]}”，可写 {'、'.join(_KEYS.values())}"
            )
        yield f"第 {number} 条", {key: str(value) for key, value in row.items()}


def _sheet_rows(file: Path) -> Iterator[tuple[str, dict[str, str]]]:
    from xltool.xlsx.package import Unreadable
    from xltool.xlsx.tables import open_tables

    try:
        for sheet, rows in open_tables(file).sheets.items():
            heads: dict[int, str] = {}
            for number, row in rows:
                texts = {column: cell.text.strip() for column, cell in row.items()}
                if not heads:
                    columns = {column: _KEYS[t] for column, t in texts.items() if t in _KEYS}
                    heads = columns if "name" in columns.values() else {}
                    continue
                yield (
                    f"“{sheet}”第 {number} 行",
                    {heads[column]: text for column, text in texts.items() if column in heads},
                )
            if heads:
                return
    except Unreadable as error:
        raise LibraryError(f"{file}：{error}") from error
    raise LibraryError(f"{file}：没有找到表头“名称”")


def _entry(file: Path, place: str, row: dict[str, str]) -> LibraryEntry:
    direction = _DIRECTIONS.get(row.get("direction", "").strip())
    if direction is None:
        raise LibraryError(f"{file}：{place}：方向写 ≥、≤ 或空着，不是“{row['direction']}”")
    unit = row.get("unit", "").strip()
    measure = read_unit(unit) if unit else None
    low, high = (_number(file, place, row.get(key, "")) for key in ("low", "high"))
    if low is not None and high is not None and low > high:
        raise LibraryError(f"{file}：{place}：下限 {low} 高过上限 {high}")
    seen = _number(file, place, row.get("seen", ""))
    return LibraryEntry(
        row["name"].strip(), row.get("category", "").strip(), measure.symbol if measure else unit,
        direction, low, high, row.get("scope", "").strip(), int(seen or 0),
    )  # fmt: skip


def _number(file: Path, place: str, text: str) -> Decimal | None:
    bare = text.strip().removesuffix("%").replace(",", "")
    if not bare:
        return None
    try:
        number = Decimal(bare)
    except InvalidOperation:
        raise LibraryError(f"{file}：{place}：“{text}”不是数") from None
    if not number.is_finite():
        raise LibraryError(f"{file}：{place}：“{text}”不是数")
    return number


def library_of(filings: Iterable[Filing]) -> Library:
    """The library of what stands in these filings: names, units, directions, usual ranges."""
    return gather(sighting for filing in filings for sighting in _seen(filing))


def _seen(filing: Filing) -> Iterator[Seen]:
    edition = load_edition(filing.edition)
    for form in filing.forms:
        spec = edition[form.kind]
        for row in form.indicators:
            label = spec.block(row.block).label
            for name, target in split_targets(row.name.said, row.target.said).pairs:
                yield Seen(name.strip(), label, target)
