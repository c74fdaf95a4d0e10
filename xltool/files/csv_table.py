"""CSV tables for spreadsheet programs: UTF-8 with a mark, by which Excel knows their Chinese."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from xltool.files.atomic import writing
from xltool.files.escape import csv_cells

AddRow = Callable[[Iterable[object]], None]


@contextmanager
def csv_table(path: Path, heads: Iterable[str]) -> Iterator[AddRow]:
    """A table with these heads, whole in its place when the block ends; what is given adds a row.

    No cell of it is ever a formula. Raises XltoolError where it can't be written.
    """
    with writing(path, encoding="utf-8-sig") as file:
        yield csv_rows(file, heads)


def csv_rows(file: IO[str], heads: Iterable[str]) -> AddRow:
    """The same into an open file, whose line ends are left as written."""

    writer = csv.writer(file, lineterminator="\r\n")

    def add(row: Iterable[object]) -> None:
        writer.writerow(csv_cells(row))

    add(heads)
    return add
