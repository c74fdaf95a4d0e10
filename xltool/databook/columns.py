"""The three tables of a data book and their columns, taken from the edition."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xltool.databook.problems import Unusable
from xltool.editions.declaration import (
    Block,
    Edition,
    EditionError,
    FormSpec,
    asked_edition,
    default_edition_id,
    load_edition,
)

CODE = "部门编码"
INDICATORS = "指标"
LEVEL1 = "一级指标"
LEVEL2 = "二级指标"


@dataclass(frozen=True, slots=True)
class BookColumn:
    """One column: its head, the field id
    (or indicator column id) it fills, and the field's kind."""

    label: str
    id: str
    kind: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class BookTable:
    """One table: the name of its sheet (or CSV file) and its columns in order."""

    name: str
    columns: tuple[BookColumn, ...]

    def __getitem__(self, id_: str) -> BookColumn:
        return next(column for column in self.columns if column.id == id_)

    @property
    def content(self) -> tuple[BookColumn, ...]:
        """The columns that say something of their own: a row with none of them filled is no row."""
        if self.name != INDICATORS:
            return self.columns
        return tuple(
            column
            for column in self.columns
            if column.id not in ("unit", "project", "level1", "level2")
        )


@dataclass(frozen=True, slots=True)
class BookTables:
    department: BookTable
    project: BookTable
    indicators: BookTable

    def __iter__(self) -> Iterator[BookTable]:
        return iter((self.department, self.project, self.indicators))


def edition_of(named: object, asked: Edition | str | None) -> Edition:
    """The edition asked for, else the one that the data book names, else the default one.

    Raises Unusable where the two differ or the named one is not known, EditionError where the one
    asked for is not known.
    """
    edition = asked_edition(asked)
    if named is None:
        return edition or load_edition()
    # Only an id is taken from a received file, never a path.
    if not isinstance(named, str) or not re.fullmatch(r"[a-z0-9-]+", named):
        raise Unusable(f"写明的版式应当是编号，如 {default_edition_id()}", "B019")
    if edition and edition.id != named:
        raise Unusable(f"数据表写明的版式是 {named}，与指定的版式 {edition.id} 不同", "B019")
    try:
        return edition or load_edition(named)
    except EditionError as error:
        raise Unusable(f"{error}（自己的版式，用 --edition 指明它的文件夹）", "B019") from error


@functools.lru_cache(maxsize=16)
def tables(edition: Edition) -> BookTables:
    """部门, 项目 and 指标 with the official labels of this edition as heads."""
    department, project = edition.department, edition.project
    unit = BookColumn(department["unit"].label, "unit", "unit")
    name = BookColumn(project["project"].label, "project", "text")
    columns = {
        column.id: column.label
        for form in (department, project)
        for column in form.indicators.column
    }
    return BookTables(
        BookTable(department.databook, tuple(_with_code(_answers(department)))),
        BookTable(project.databook, (unit, *_answers(project))),
        BookTable(
            INDICATORS,
            (
                unit,
                name,
                BookColumn(LEVEL1, "level1", "text"),
                BookColumn(LEVEL2, "level2", "text"),
                *(BookColumn(label, id_, "text") for id_, label in columns.items()),
            ),
        ),
    )


def _answers(form: FormSpec) -> list[BookColumn]:
    return [
        BookColumn(field.label, field.id, field.kind) for field in form.field if not field.derived
    ]


def _with_code(columns: list[BookColumn]) -> list[BookColumn]:
    """The unit's code stands behind its name."""
    at = next(number for number, column in enumerate(columns) if column.id == "unit") + 1
    return [*columns[:at], BookColumn(CODE, "code", "code", optional=True), *columns[at:]]


def bare(category: str) -> str:
    """A category's name without spaces and the ending 指标: how names are compared."""
    return "".join(category.split()).removesuffix("指标")


def categories(form: FormSpec) -> dict[str, Block]:
    """The categories of a form by bare name."""
    return {bare(block.label): block for block in form.indicators.block}


# A long book repeats its one misspelt word in every row, and each comparison takes a millisecond.
@functools.lru_cache(maxsize=256)
def _nearest(word: str, names: tuple[str, ...]) -> str:
    return next(iter(difflib.get_close_matches(word, names, n=1, cutoff=0.5)), "")


def nearest(word: str, names: Iterable[str]) -> str:
    """The name most likely meant, or nothing."""
    return _nearest(word, tuple(names))
