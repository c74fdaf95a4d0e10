"""A column of a table as one record: its head, its width and what stands in it for one row."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, NamedTuple, TypeVar

Row = TypeVar("Row")


class Column(NamedTuple, Generic[Row]):
    """One column: whoever walks the columns for the head walks them for every row too.

    Neighbours of one `group` have that as their common head above their own.
    """

    head: str
    value: Callable[[Row], Any]
    width: float = 12
    kind: str = ""
    group: str = ""


def heads(columns: Iterable[Column[Row]]) -> list[str]:
    """The heads of the columns, in their order."""
    return [column.head for column in columns]


def cells(columns: Iterable[Column[Row]], row: Row) -> list[Any]:
    """One row of the table, a cell for each column."""
    return [column.value(row) for column in columns]
