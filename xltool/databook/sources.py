"""The tables of a data book as they stand in a workbook or in CSV files:
heads and rows of cells."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from xltool.databook.answers import SourceCell, lines
from xltool.databook.columns import BookTable, BookTables, nearest
from xltool.databook.problems import Problem, Unusable, problem
from xltool.errors import XltoolError, why
from xltool.files.discover import table_name
from xltool.files.table_habits import visible
from xltool.model import Place
from xltool.xlsx.grid import Cell as Stored
from xltool.xlsx.references import cell_name
from xltool.xlsx.tables import Tables as Workbook
from xltool.xlsx.tables import open_tables

LARGEST = 256 * 1024 * 1024  # bytes of one CSV or JSON file
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class SourceTable:
    """One table as found: its heads, then its rows with their numbers; cells by column, 1-based;
    `titles` are what stands above the heads; `hidden_rows` and `hidden_columns` are those that are
    hidden, of rows so far as one has gone.

    Cells that say nothing need not be there. The rows of a CSV are gone through once.
    """

    name: str
    heads: dict[int, SourceCell] = field(default_factory=dict)
    rows: Iterable[SourceRow] = ()
    titles: tuple[SourceCell, ...] = ()
    hidden_rows: Set[int] = frozenset()
    hidden_columns: Sequence[range] = ()


SourceRow = tuple[int, dict[int, SourceCell]]
SourceTables = dict[str, SourceTable]


def read_bytes(path: Path) -> bytes:
    """A file's bytes; XltoolError where the machine refuses."""
    try:
        if stat.S_ISFIFO(path.stat().st_mode):
            raise XltoolError(f"{path}：不是普通文件（管道），没有读取")
        if path.stat().st_size > LARGEST:
            raise XltoolError(f"{path}：文件超过 {LARGEST // 1024 // 1024} MB，没有读取")
        return path.read_bytes()
    except OSError as error:
        raise XltoolError(f"{path}：无法读取（{why(error)}）") from error


# What to say of a file whose encoding is none of these.
NO_TEXT = "文字编码不是 UTF-8 或 GB18030，请用 Excel 另存为“CSV UTF-8（逗号分隔）”"


def encoding_of(data: bytes) -> str | None:
    """How a text is written, of the ways of Excel in China: UTF-8 with or without BOM, UTF-16 with
    BOM, GB18030."""
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ["utf-16"] if marked else ["utf-8-sig", "gb18030"]:
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            for at in range(0, len(data), _CHUNK):
                decoder.decode(data[at : at + _CHUNK])
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    return None


def read_folder(folder: Path, tables: BookTables) -> tuple[SourceTables, list[Problem]]:
    """部门.csv, 项目.csv and 指标.csv of a folder."""
    sheets: SourceTables = {}
    problems: list[Problem] = []
    try:
        files = {table_name(p.name): p for p in sorted(folder.iterdir()) if table_name(p.name)}
    except OSError as error:
        raise XltoolError(f"{folder}：无法读取（{why(error)}）") from error
    for table in tables:
        if table.name not in files:
            problems.append(missing(table, files, str(folder), f"文件 {table.name}.csv"))
            continue
        path = files[table.name]
        outcome = _read_csv(path, str(folder), table)
        if isinstance(outcome, Problem):
            problems.append(outcome)
        else:
            sheets[table.name] = outcome
    return sheets, problems


def open_workbook(source: Path | bytes, name: str) -> Workbook:
    """A received workbook, opened under guard. Raises Unusable."""
    with _opening(name):
        book = open_tables(source)
    if "xltool.edition" in book.properties:
        raise Unusable("这是申报工作簿，不是数据表；审核请用 xltool check")
    return book


@contextmanager
def _opening(name: str) -> Iterator[None]:
    from xltool.xlsx.package import Unreadable

    try:
        yield
    except Unreadable as error:
        raise Unusable(f"打不开：{error}") from error
    except OSError as error:
        raise XltoolError(f"{name}：无法读取（{why(error)}）") from error


def read_workbook(
    book: Workbook, tables: BookTables, file: str
) -> tuple[SourceTables, list[Problem]]:
    """The sheets 部门, 项目 and 指标 of a workbook; other sheets are ignored."""
    sheet_names = {name.strip(): name for name in book.sheets}
    sheets: SourceTables = {}
    problems = []
    for table in tables:
        if table.name not in sheet_names:
            problems.append(missing(table, sheet_names, file, f"工作表“{table.name}”"))
            continue
        name = sheet_names[table.name]
        problems += _beside(name, book, file)
        source = sheet_of(name, _shown(name, book.sheets[name], file), table)
        sheets[table.name] = replace(
            source,
            hidden_rows=book.hidden_rows.get(name, frozenset()),
            hidden_columns=book.hidden_columns.get(name, ()),
        )
    return sheets, problems


def _beside(name: str, book: Workbook, file: str) -> Iterator[Problem]:
    """That a sheet is hidden, or that there are copies of it, of which none is read."""
    if name in book.hidden:
        message = f"工作表“{name}”是隐藏的，读的是它"
        yield problem("B107", message, file=file, place=Place(name, ""))
    copy = re.compile(
        rf"{re.escape(name.strip())}\s*(?:[(（]\d+[)）]|[-_—]?\s*(?:副本|旧|新|修改).*)"
    )
    for other in book.sheets:
        if copy.fullmatch(other.strip()):
            message = f"“{other}”像是“{name}”的另一份，没有读，读的是“{name}”"
            yield problem("B107", message, file=file, place=Place(other, ""))


def _shown(
    name: str, rows: Iterable[tuple[int, dict[int, Stored]]], file: str
) -> Iterator[SourceRow]:
    from xltool.databook.shown import shown

    with _opening(file):
        for row, cells in rows:
            yield (
                row,
                {
                    column: shown(cell, Place(name, cell_name(row, column)))
                    for column, cell in sorted(cells.items())
                    if cell.text or cell.formula
                },
            )


def missing(table: BookTable, present: Iterable[str], file: str, what: str) -> Problem:
    """The problem that a table is not there; one of the names `present` may be meant for it."""
    near = nearest(table.name, present)
    hint = f"，是不是“{near}”？" if near else ""
    return problem("B002", f"缺少{what}{hint}", file=file, expected=table.name)


def _read_csv(path: Path, file: str, table: BookTable) -> SourceTable | Problem:
    name = path.name
    data = read_bytes(path)
    encoding = encoding_of(data)
    if encoding is None:
        return problem(
            "B001",
            f"{name} 的{NO_TEXT}",
            file=file,
            place=Place(name, ""),
        )
    count = 0
    labels = {column.label for column in table.columns}
    try:
        for _ in csv_records(data, encoding, labels):
            count += 1
    except csv.Error as error:
        place = Place(name, f"A{count + 1}")
        return problem("B001", f"{name} 从这一行起读不下去（{error}）", file=file, place=place)
    return sheet_of(name, _csv_rows(name, csv_records(data, encoding, labels)), table)


def csv_records(data: bytes, encoding: str, labels: Collection[str]) -> Iterator[list[str]]:
    """The lines of a table with these heads, one by one: the text of a large one is never whole in
    memory. Raises csv.Error."""
    opening = io.TextIOWrapper(io.BytesIO(data[:_CHUNK]), encoding, "replace", newline="\n")
    delimiter = _delimiter(list(itertools.islice(opening, _TITLE_ROWS)), labels)
    text = io.TextIOWrapper(io.BytesIO(data), encoding, newline="")
    records = csv.reader(text, delimiter=delimiter, strict=True)
    return (
        [] if number == 0 and _SEPARATOR.match("".join(record)) else record
        for number, record in enumerate(records)
    )


_SEPARATOR = re.compile(r"sep=(.?)\s*$", re.IGNORECASE)


def _delimiter(first: list[str], labels: Collection[str]) -> str:
    """What parts the cells: as the first line says
    (`sep=;`), or else so that most heads are found."""
    if first and (declared := _SEPARATOR.match(first[0])) and declared[1]:
        return declared[1]

    def heads(delimiter: str) -> int:
        return max((_known_heads(line.split(delimiter), labels) for line in first), default=0)

    # Excel's "Unicode text" is separated by tabs, its CSV by semicolons in some countries.
    return max((",", "\t", ";"), key=heads)


def _known_heads(cells: Iterable[str], labels: Collection[str]) -> int:
    return sum(visible(cell).strip('"') in labels for cell in cells)


def _csv_rows(name: str, records: Iterable[list[str]]) -> Iterator[SourceRow]:
    for row, record in enumerate(records, 1):
        yield (
            row,
            {
                number: SourceCell(lines(value), Place(name, cell_name(row, number)))
                for number, value in enumerate(record, 1)
                if value
            },
        )


# So far down the heads may stand below titles and a line with the unit of money.
_TITLE_ROWS = 10


def sheet_of(name: str, rows: Iterable[SourceRow], table: BookTable) -> SourceTable:
    """The heads are the first row with several of the table's own, or else with anything in it;
    what stands above are titles. Blank rows are not rows."""
    filled = ((n, row) for n, row in rows if any(not cell.blank for cell in row.values()))
    labels = {column.label for column in table.columns}
    first = list(itertools.islice(filled, _TITLE_ROWS))
    head_counts = [sum(visible(cell.text) in labels for cell in row.values()) for _, row in first]
    at = next((number for number, count in enumerate(head_counts) if count > 1), 0)
    titles = [cell for _, row in first[:at] for cell in row.values() if not cell.blank]
    heads = first[at][1] if first else {}
    return SourceTable(name, heads, itertools.chain(first[at + 1 :], filled), tuple(titles))
