"""A table of many projects, one or more rows each, taken apart into a form for each project.

`项目名称 | 预算单位 | 年度目标 | 一级指标 | 二级指标 | 三级指标 | 指标值`: the heads become labels beside their
answers, the indicator columns a table of their own, so that one reader reads both layouts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from xltool.files.table_habits import folded
from xltool.importing.labels import Labels, label_key
from xltool.importing.rows import FormCell, FormRow

_WORD = re.compile(r"[\u4e00-\u9fff]")
_NUMBERS = ("序号", "编号")
_SUMS = ("合计", "小计", "总计", "共计")


@dataclass(frozen=True)
class _ListColumn:
    """One column of the table: its head as a label, or as a head of the indicator table."""

    head: FormCell
    indicator: bool
    project: bool
    number: bool = False  # the rows' numbers, which say nothing

    def over(self, cell: FormCell) -> bool:
        return self.head.column < cell.end and cell.column < self.head.end


def lists_apart(rows: Sequence[FormRow], labels: Labels) -> Iterator[FormRow]:
    """The rows, with every table of projects replaced by the rows of its projects' forms."""
    at = 0
    while at < len(rows):
        heads, below = _heads(rows, at, labels)
        if not heads:
            yield rows[at]
            at += 1
            continue
        end = below
        while end < len(rows) and _belongs(rows[end], rows[at], labels):
            end += 1
        form_rows = list(_projects(heads, rows[below:end]))
        if not any(
            row.begins for row in form_rows
        ):  # no project is named below: rows like any other
            yield rows[at]
            at += 1
            continue
        shown = {id(column.head) for column in heads}
        upper = [
            cell
            for cell in rows[at].filled
            if id(cell) not in shown and not labels.exact(cell.text)
        ]
        if upper:
            yield replace(rows[at], cells=tuple(upper), scattered=True)
        yield from form_rows
        at = end


def _heads(rows: Sequence[FormRow], at: int, labels: Labels) -> tuple[list[_ListColumn], int]:
    """The columns where a table of projects begins here, and where its rows begin;
    none where not."""
    top, below = rows[at], at + 1
    cells = top.filled
    if not top.table or len(cells) < 3 or not _named(cells, labels):
        return [], below
    if below < len(rows) and any(cell.width > 1 for cell in cells) and not top.loose:
        lower = rows[below]
        if (
            lower.table == top.table
            and lower.filled
            and all(labels.exact(cell.text) for cell in lower.filled)
        ):
            cells = _two_rows(cells, lower.filled)
            below += 1
    if not any(_is_project(cell, labels) for cell in cells):
        return [], below  # the lower heads ask for something else
    label_count = sum(labels.exact(cell.text) for cell in cells)
    following = rows[below] if below < len(rows) else None
    if label_count < 3 or label_count * 3 < len(cells) * 2 or following is None:
        return [], below
    if following.table != top.table or any(
        labels.exact(c.text) for c in _under_project(cells, following, labels)
    ):
        return [], below
    return [_column(cell, labels) for cell in cells], below


def _named(cells: Sequence[FormCell], labels: Labels) -> bool:
    """The project's name is asked for, and no cell of the row is an answer to its neighbour."""
    matches = [labels.match("project", cell.text) for cell in cells]
    named = (
        sum(
            match is not None and match.role == "field" and match.id == "project"
            for match in matches
        )
        == 1
    )
    answered = any(match is not None and match.inline for match in matches)
    alternating = sum(
        m is None and labels.head(c.text) is None for m, c in zip(matches, cells, strict=True)
    )
    return named and not answered and alternating * 3 <= len(cells)


def _under_project(cells: Sequence[FormCell], row: FormRow, labels: Labels) -> list[FormCell]:
    heads = [cell for cell in cells if _is_project(cell, labels)]
    return [
        cell for cell in row.filled if any(head.column <= cell.column < head.end for head in heads)
    ]


def _is_project(cell: FormCell, labels: Labels) -> bool:
    match = labels.match("project", cell.text)
    return match is not None and match.role == "field" and match.id == "project"


def _two_rows(upper: Sequence[FormCell], lower: Sequence[FormCell]) -> list[FormCell]:
    """Heads over two rows: the lower ones, with the unit of money that the upper one states."""
    heads = []
    for head in upper:
        under = [c for c in lower if head.column <= c.column < head.end]
        unit = label_key(head.text)[1]
        heads += [_in_money(c, unit) for c in under] or [head]
    return heads


def _in_money(cell: FormCell, unit: str) -> FormCell:
    """The head with a unit of money, unless there is none or it states its own."""
    if not unit or label_key(cell.text)[1]:
        return cell
    return replace(cell, text=f"{cell.text}（{unit}）")


def _column(cell: FormCell, labels: Labels) -> _ListColumn:
    if folded(cell.text) in _NUMBERS:
        return _ListColumn(cell, False, False, number=True)
    return _ListColumn(cell, labels.head(cell.text) is not None, _is_project(cell, labels))


def _belongs(row: FormRow, top: FormRow, labels: Labels) -> bool:
    """The table goes on: no title, no label at the beginning of the row."""
    if row.table != top.table or not row.filled:
        return row.table == top.table
    first = row.filled[0]
    if labels.title(first.text) or labels.other_title(first.text):
        return False
    match = labels.match("project", first.text)
    return match is None or match.role not in ("field", "tail", "private")


def _projects(heads: Sequence[_ListColumn], rows: Sequence[FormRow]) -> Iterator[FormRow]:
    """The forms of the projects, each begun by the row that names it."""
    name = next(head for head in heads if head.project)
    table_heads = tuple(head.head for head in heads if head.indicator and head.head.text)
    begun = opened = False
    for row in rows:
        cells = row.filled
        if not cells:
            continue
        aligned = not row.loose or len(row.cells) == len(heads)
        summed = any(folded(cell.text).startswith(_SUMS) for cell in cells[:2])
        own = [
            cell for cell in cells if name.head.column <= cell.column and cell.end <= name.head.end
        ]
        # A line over the whole width is a heading; a number alone names no project.
        if own and (len(cells) == 1 or not _WORD.search(own[0].text)):
            own = []
        heading = len(cells) == 1 and name.over(cells[0])
        if not aligned or summed or heading or (not begun and not own):
            yield replace(row, cells=tuple(cells), scattered=True)
            continue
        if own:
            begun, opened = True, False
            yield FormRow((name.head, own[0]), row.table, row.loose, row.page, begins="project")
        for column in heads:
            for cell in cells:
                if column.over(cell) and not (column.indicator or column.project or column.number):
                    yield FormRow((column.head, cell), row.table, row.loose, row.page)
        stray = [cell for cell in cells if not any(column.over(cell) for column in heads)]
        if stray:
            yield replace(row, cells=tuple(stray), scattered=True)
        indicators = tuple(
            cell for cell in cells if any(head.over(cell) for head in heads if head.indicator)
        )
        if indicators and not opened:
            opened = True
            yield FormRow(table_heads, row.table, row.loose, row.page)
        if indicators:
            yield replace(row, cells=indicators)
