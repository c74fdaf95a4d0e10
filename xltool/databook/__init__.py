"""The data book: the source tables of many units, read into filings and written back.

A data book is a workbook (.xlsx) with the sheets 部门, 项目 and 指标, or a folder with 部门.csv,
项目.csv and 指标.csv, or a .json by field id. Its columns are the official labels of the edition.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from xltool.databook.assembly import Assembly, Piece
from xltool.databook.problems import DatabookError, Problem, Unusable, problem
from xltool.databook.shelf import Shelf
from xltool.databook.write import write_databook
from xltool.editions.declaration import Edition
from xltool.errors import XltoolError, why
from xltool.files.source import Source, called, content
from xltool.model import Filing, Severity

__all__ = [
    "Databook", "DatabookError", "Problem", "Reading", "load_databook", "open_databook", "reading",
    "write_databook",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class _BookReport:
    """What is said of a data book: every problem; the units named in 部门, in order; those of them
    without an error, of which there are filings."""

    problems: list[Problem] = field(default_factory=list)
    units: tuple[str, ...] = ()
    sound: tuple[str, ...] = ()

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.severity is Severity.ERROR]

    @property
    def left_out(self) -> list[str]:
        """The units that were not read because of an error."""
        good = set(self.sound)
        return [unit for unit in self.units if unit not in good]


@dataclass(frozen=True, slots=True)
class Databook(_BookReport):
    """A data book: its problems, its units, and the filings of those without an error."""

    filings: list[Filing] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reading(_BookReport):
    """A data book while it is read:
    each time it is gone through its filings are made anew, one by one."""

    work: Assembly | None = None

    def __iter__(self) -> Iterator[Filing]:
        return self.work.filings() if self.work else iter(())


def load_databook(source: Source, edition: Edition | str | None = None) -> list[Filing]:
    """The filings of a data book, one for each unit, in order; amounts in the edition's unit.

    `source` is a path (a folder of CSV tables too), the bytes of an .xlsx or .json, or a file open
    for reading. Raises DatabookError where anything in it is wrong: its `problems` are all of them
    at once, its `filings` the units without any. Raises XltoolError where the file can't be
    reached.
    """
    book = open_databook(source, edition)
    if book.errors:
        raise DatabookError(called(source) or "数据表", book.problems, book.filings)
    return book.filings


def open_databook(source: Source, edition: Edition | str | None = None) -> Databook:
    """A data book with its faults as values:
    a unit with an error is left out, the others are whole.

    Raises XltoolError only where the file can't be reached or the edition is not known.
    """
    with reading(source, edition) as book:
        return Databook(book.problems, book.units, book.sound, list(book))


@contextmanager
def reading(
    source: Source, edition: Edition | str | None = None, name: str = ""
) -> Iterator[Reading]:
    """`open_databook` for books of thousands of units:
    their filings are never all in memory at once.

    `name` is what the book is called in its problems, where that isn't what the source is called.
    """
    book_name = name or called(source)
    path_or_bytes = content(source)
    try:
        if isinstance(path_or_bytes, Path) and not path_or_bytes.exists():
            raise XltoolError(f"没有这个数据表：{path_or_bytes}")
    except OSError as error:  # a name that is too long
        raise XltoolError(f"读不了 {book_name}：{why(error)}") from error
    shelf: Shelf[Piece] = Shelf()
    with closing(shelf):
        try:
            document = _is_document(path_or_bytes, book_name)
            work = (_document if document else _tables)(path_or_bytes, book_name, edition, shelf)
            book = Reading(work.problems, tuple(work.drafts), tuple(work.sound), work)
        except Unusable as error:
            book = Reading([problem(error.code, str(error), file=book_name)])
        yield book


def _is_document(source: Path | bytes, name: str) -> bool:
    """JSON rather than tables: by the name, or, of bytes without one, by how they begin."""
    if isinstance(source, Path) or Path(name).suffix:
        return Path(name).suffix.lower() == ".json"
    return source[:2] != b"PK"


def _tables(
    source: Path | bytes, name: str, asked: Edition | str | None, shelf: Shelf[Piece]
) -> Assembly:
    from xltool.databook.assemble import assemble
    from xltool.databook.columns import edition_of, tables
    from xltool.databook.sources import open_workbook, read_folder, read_workbook

    if isinstance(source, Path) and source.is_dir():
        edition = edition_of(None, asked)
        sheets, problems = read_folder(source, tables(edition))
    elif Path(name).suffix.lower() == ".csv":
        raise Unusable(f"一个 CSV 只是一张表，请给出放有三张表的文件夹：{Path(name).parent}")
    else:
        book = open_workbook(source, name)
        edition = edition_of(book.properties.get("xltool.databook"), asked)
        sheets, problems = read_workbook(book, tables(edition), name)
    return assemble(sheets, Assembly(edition, name, shelf, problems))


def _document(
    source: Path | bytes, name: str, asked: Edition | str | None, shelf: Shelf[Piece]
) -> Assembly:
    from xltool.databook.columns import edition_of
    from xltool.databook.document import assemble_document, read_document

    document = read_document(source)
    edition = edition_of(document.get("edition"), asked)
    return assemble_document(document, Assembly(edition, name, shelf))
