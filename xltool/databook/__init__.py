"""The data book: the source tables of many units, read into filings and written back.

A data book is a workbook (.xlsx) with the sheets 部门, 项目 and 指标, or a folder with 部门.csv,
项目.csv and 指标.csv, or a .json by field id. Its columns are the official labels of the edition.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xltool.databook.problems import DatabookError, Problem, Unusable, problem
from xltool.databook.write import write_databook
from xltool.edition import Edition
from xltool.model import Filing, Severity, XltoolError

if TYPE_CHECKING:
    from xltool.databook.assembly import Assembly

__all__ = ["Databook", "DatabookError", "Problem", "load_databook", "open_databook", "write_databook"]


@dataclass(frozen=True, slots=True)
class Databook:
    """What a data book holds: the filings of the units without an error, and every problem.

    `units` are all units named in 部门, in order.
    """

    filings: list[Filing]
    problems: list[Problem]
    units: tuple[str, ...] = ()

    @property
    def errors(self) -> list[Problem]:
        return [p for p in self.problems if p.severity is Severity.ERROR]

    @property
    def left_out(self) -> list[str]:
        """The units that were not read because of an error."""
        good = {filing.unit for filing in self.filings}
        return [unit for unit in self.units if unit not in good]


def load_databook(path: str | Path, edition: Edition | str | None = None) -> list[Filing]:
    """The filings of a data book, one for each unit, in order; amounts in the edition's unit.

    Raises DatabookError where anything in it is wrong: its `problems` are all of them at once,
    its `filings` the units without any. Raises XltoolError where the file can't be reached.
    """
    book = open_databook(path, edition)
    if book.errors:
        raise DatabookError(str(path), book.problems, book.filings)
    return book.filings


def open_databook(path: str | Path, edition: Edition | str | None = None) -> Databook:
    """A data book with its faults as values: a unit with an error is left out, the others are whole.

    Raises XltoolError only where the file can't be reached or the edition is not known.
    """
    path = Path(path)
    if not path.exists():
        raise XltoolError(f"没有这个数据表：{path}")
    try:
        work = _document(path, edition) if path.suffix.lower() == ".json" else _tables(path, edition)
    except Unusable as error:
        return Databook([], [problem(error.code, str(error), file=str(path))])
    return Databook(work.filings(), work.problems, tuple(work.drafts))


def _tables(path: Path, asked: Edition | str | None) -> Assembly:
    from xltool.databook.assemble import assemble
    from xltool.databook.columns import edition_of, tables
    from xltool.databook.sources import open_workbook, read_folder, read_workbook

    if path.is_dir():
        edition = edition_of(None, asked)
        sheets, problems = read_folder(path, tables(edition))
    elif path.suffix.lower() == ".csv":
        raise Unusable(f"一个 CSV 只是一张表，请给出放有三张表的文件夹：{path.parent}")
    else:
        grid = open_workbook(path)
        edition = edition_of(grid.properties.get("xltool.databook"), asked)
        sheets, problems = read_workbook(grid, tables(edition), path)
    return assemble(sheets, edition, str(path), problems)


def _document(path: Path, asked: Edition | str | None) -> Assembly:
    from xltool.databook.columns import edition_of
    from xltool.databook.document import assemble_document, read_document

    document = read_document(path)
    return assemble_document(document, edition_of(document.get("edition"), asked), str(path))
