"""A workbook of tables, gone through row by row. Of a large one neither sheets nor shared texts are
ever whole in memory, so that they may be larger than those of a form.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from msgspec.structs import replace

from xltool.xlsx.cells import CellWalk, add_masks
from xltool.xlsx.conditional import unseen_in
from xltool.xlsx.grid import Cell, Grid, Sheet
from xltool.xlsx.package import Package, Unreadable, read_file, walk_xml
from xltool.xlsx.shared_parts import Styles, TextWalk
from xltool.xlsx.sheet_frame import FrameWalk
from xltool.xlsx.workbook_reader import TABLE_CELLS, frame_of, open_grid, styles_of

# Bytes of a file from which on it is large: a book of a thousand units.
LARGE = 2**20
# Of a large one: bytes of a part and of all parts unpacked; cells of a sheet, and shared texts;
# characters of one text.
MOST_PART = 256 * 2**20
MOST_UNPACKED = 512 * 2**20
MOST_CELLS = 4 * TABLE_CELLS
MOST_TEXT = 2**20
_MOST_HIDDEN = 1000  # hidden rows that are kept

SheetRow = tuple[int, dict[int, Cell]]


class Tables(NamedTuple):
    """A workbook's sheets by name, to be gone through once; its custom document properties; which
    sheets are hidden, and of each which rows and columns are (of rows so far as one has gone)."""

    sheets: Mapping[str, Iterable[SheetRow]]
    properties: Mapping[str, str]
    hidden: frozenset[str] = frozenset()
    hidden_rows: Mapping[str, set[int]] = MappingProxyType({})
    hidden_columns: Mapping[str, list[range]] = MappingProxyType({})


def open_tables(source: Path | bytes) -> Tables:
    """The tables of a received .xlsx, each as its rows by number, with their cells by column.

    `source` is its path or its bytes. Raises Unreadable (of a large one perhaps only when its rows
    are gone through) or OSError.
    """
    data = source if isinstance(source, bytes) else read_file(source)
    if len(data) < LARGE:
        grid = open_grid(data, most=TABLE_CELLS)
        return _tables(grid, {sheet.name: _rows_of(sheet) for sheet in grid.sheets})
    package = Package(data, MOST_UNPACKED)
    grid, parts = frame_of(package)
    strings = _strings(package, parts.get("sharedStrings", ""))
    styles = styles_of(package, parts.get("styles", ""), grid.date1904)
    _look_around(package, grid.sheets, styles)
    rows = partial(_streamed, package, strings=strings, styles=styles)
    return _tables(grid, {sheet.name: rows(sheet) for sheet in grid.sheets if sheet.part})


def _tables(grid: Grid, sheets: Mapping[str, Iterable[SheetRow]]) -> Tables:
    hidden = frozenset(sheet.name for sheet in grid.sheets if sheet.hidden)
    rows = {sheet.name: sheet.hidden_rows for sheet in grid.sheets}
    columns = {sheet.name: sheet.hidden_columns for sheet in grid.sheets}
    return Tables(sheets, grid.properties, hidden, rows, columns)


def _rows_of(sheet: Sheet) -> Iterator[SheetRow]:
    rows: dict[int, dict[int, Cell]] = {}
    for (row, column), cell in sheet.cells.items():
        if sheet.conditional and (unseen := unseen_in(sheet, (row, column))):
            cell = replace(cell, unseen=unseen)
        rows.setdefault(row, {})[column] = cell
    return iter(sorted(rows.items()))


def _look_around(package: Package, sheets: Iterable[Sheet], styles: Styles) -> None:
    """What stands around the cells of large sheets: hidden columns before them; behind them, where
    the styles have any, conditional formats."""
    for sheet in sheets:
        if sheet.part:
            walk = FrameWalk()
            for _ in walk_xml(
                package.pieces(sheet.part, MOST_PART), walk.start, walk.end, walk.text
            ):
                if walk.tables and not styles.conditional:
                    break
            sheet.hidden_columns += walk.frame().hidden
            add_masks(sheet, walk.frame(), styles)


def _streamed(
    package: Package, sheet: Sheet, strings: Mapping[str, str], styles: Styles
) -> Iterator[SheetRow]:
    """The rows of a sheet as its XML is unpacked."""
    last = 0

    def ready(but: int = 0) -> Iterator[SheetRow]:
        """The rows taken so far, but not the last: it may go on."""
        nonlocal last
        rows = list(_rows_of(sheet))
        sheet.cells.clear()
        if len(sheet.hidden_rows) > _MOST_HIDDEN:
            sheet.hidden_rows.difference_update(sorted(sheet.hidden_rows)[_MOST_HIDDEN:])
        for row, cells in rows[len(rows) - but :]:
            sheet.cells.update({(row, column): cell for column, cell in cells.items()})
        for row, cells in rows[: len(rows) - but]:
            if row <= last:
                raise Unreadable(f"文件已损坏：{sheet.name[:31]} 的行没有按顺序")
            last = row
            yield row, cells

    try:
        for _ in _walked(package, sheet.part, "c", CellWalk(sheet, strings, styles)):
            yield from ready(but=1)
    except ValueError as error:
        raise Unreadable(f"文件已损坏：{sheet.name} 的行列号无效") from error
    yield from ready()


def _strings(package: Package, part: str) -> Mapping[str, str]:
    texts = _SharedTexts()
    if part in package:
        for _ in _walked(package, part, "si", TextWalk(texts.add)):
            pass
    return texts


def _walked(package: Package, part: str, unit: str, walk: CellWalk | TextWalk) -> Iterator[None]:
    """Walk a part piece by piece, within the limits:
    so many cells or texts (`unit`), none too long."""
    count = length = 0

    def opened(tag: str, attributes: dict[str, str]) -> None:
        nonlocal count, length
        if tag == unit:
            count, length = count + 1, 0
            if count > MOST_CELLS:
                raise Unreadable(f"单元格或文字过多（上限 {MOST_CELLS:,}）")
        walk.start(tag, attributes)

    def text_piece(piece: str) -> None:
        nonlocal length
        length += len(piece)
        if length > MOST_TEXT:
            raise Unreadable(f"有一段文字过长（上限 {MOST_TEXT:,} 字）")
        walk.text(piece)

    yield from walk_xml(package.pieces(part, MOST_PART), opened, walk.end, text_piece, walk.foreign)


class _SharedTexts(Mapping[str, str]):
    """Shared texts by their number as cells write it,
    one behind the other in one string of bytes."""

    def __init__(self) -> None:
        self._bytes, self._ends = bytearray(), array("Q", [0])
        self.unseen: dict[str, str] = {}

    def add(self, text: str, unseen: str) -> None:
        if unseen:
            self.unseen[str(len(self))] = unseen
        self._bytes += text.encode()
        self._ends.append(len(self._bytes))

    def __getitem__(self, number: str) -> str:
        at = int(number) if number.isdecimal() and len(number) < 10 else -1
        if not 0 <= at < len(self) or str(at) != number:
            raise KeyError(number)
        return self._bytes[self._ends[at] : self._ends[at + 1]].decode()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __iter__(self) -> Iterator[str]:
        return map(str, range(len(self)))
