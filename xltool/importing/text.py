"""Published plain text as rows: what is left of a form when a page is copied or scraped.

Five shapes are known: rows of cells parted by tabs, cells begun by tabs and rows by a blank line (a
Word page saved as text), cells ended by `|` with a row on each line, cells ended by `|` with each
on its own line, and words in lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from xltool.editions.declaration import load_edition, usable_editions
from xltool.files.table_habits import folded
from xltool.importing.labels import Labels, labels_of, money_unit
from xltool.importing.rows import MAX_ROWS, FormRow, NotImportable
from xltool.importing.run_on import run_on_rows, runs_on
from xltool.importing.streams import (
    TextLine,
    answered,
    is_label,
    joined_labels,
    rows_by_labels,
    text_row,
)
from xltool.model import Place


def decode(data: bytes, declared: str = "") -> str:
    """Text out of bytes: its byte order mark, what it declares, UTF-8, or the GB family."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    for name in (declared, "utf-8-sig", "gb18030"):
        try:
            return data.decode(name) if name else data.decode("utf-8-sig")
        except (UnicodeDecodeError, LookupError):
            continue
    raise NotImportable("文字编码认不出（不是 UTF-8，也不是 GBK）")


def read_text(data: bytes) -> list[FormRow]:
    """The rows of a published text, each cell with its line."""
    text = decode(data).replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " ")
    labels = labels_of(load_edition())
    lines = text.split("\n")
    piped = [line for line in lines if "|" in line]
    if sum("\t" in line.strip("\t") for line in lines) > 3:
        rows = _separated(lines)
    elif sum(line.startswith("\t") for line in lines) > 5:
        rows = _tabbed(lines, labels)
    elif len(piped) > 3:
        several = sum(len([c for c in line.split("|") if c.strip()]) > 1 for line in piped)
        rows = (
            _piped(lines)
            if several * 3 > len([p for p in piped if p.strip(" |")])
            else _stream(lines, labels)
        )
    else:
        rows = _worded(lines, labels)
    return _bounded(rows)


def rows_of_pieces(lines: Sequence[Sequence[str]], places: Sequence[Place]) -> list[FormRow]:
    """The rows of a drawn page's lines, each parted at its gaps, its cells at the line's place."""
    labels = labels_of(load_edition())
    rows = _own_categories(_bounded(_parted(lines, labels)), labels)
    return [
        replace(
            row, cells=tuple(replace(cell, place=places[_number(cell.place)]) for cell in row.cells)
        )
        for row in rows
    ]


def _number(place: Place) -> int:
    """The index of the line that a place names."""
    return int(place.cell[1:-1]) - 1


def _parted(lines: Sequence[Sequence[str]], labels: Labels) -> Iterator[FormRow]:
    cells: list[TextLine | None] = []
    for number, pieces in enumerate(lines, start=1):
        if len(pieces) == 1:
            cells.append((number, pieces[0]))
            continue
        yield from rows_by_labels(cells, labels)
        cells = []
        yield from _row_of([(number, piece) for piece in pieces], labels)
    yield from rows_by_labels(cells, labels)


def _own_categories(rows: Sequence[FormRow], labels: Labels) -> list[FormRow]:
    """Where categories stand in the middle of their rows,
    a row without one of its own belongs to none.

    A page shows no merged cells. That a category stands beside its first row, and not beside its
    middle one, is seen by the first level: it has been passed before any category below it.
    """
    levels: dict[str, str] = {}
    for form in (form for edition in usable_editions() for form in edition.form):
        levels |= {folded(block.label): block.level1 for block in form.indicators.block}
    passed, middle = "", False
    for row in rows:
        for cell in row.filled[:2]:
            passed = labels.first_level(cell.text) or passed
        second = next(
            (levels[folded(cell.text)] for cell in row.filled[:2] if folded(cell.text) in levels),
            "",
        )
        middle |= bool(second) and second != passed and second not in _MOVED
    if not middle:
        return list(rows)
    return [_without_category(row, labels) for row in rows]


def _without_category(row: FormRow, labels: Labels) -> FormRow:
    """A row of two texts, no label among them, is of no category; any other stays as it is."""
    if len(row.filled) != 2 or any(labels.exact(cell.text) for cell in row.filled):
        return row
    return replace(row, scattered=True)


# Level-2 categories that stand under another first level in other editions.
_MOVED = ("成本指标", "满意度指标", "效益指标")


def _bounded(rows: Iterable[FormRow]) -> list[FormRow]:
    bounded = list(islice(rows, MAX_ROWS + 1))
    if len(bounded) > MAX_ROWS:
        raise NotImportable(f"文字过多（上限 {MAX_ROWS} 行），请只留申报表")
    return bounded


def _tabbed(lines: list[str], labels: Labels) -> Iterator[FormRow]:
    """A tab begins a cell; a blank line before it begins a row. Merged cells are there, blank."""
    row: list[TextLine] = []
    table = 0
    for number, line in enumerate(lines, start=1):
        begins = line.startswith("\t")
        if begins and not (number > 1 and not lines[number - 2].strip(" ")) and row:
            row.append((number, line[1:]))
        elif begins:
            if row:
                yield text_row(row, table, loose=False)
            else:
                table += 1
            row = [(number, line[1:])]
        elif row and not labels.title(line):
            row[-1] = (row[-1][0], f"{row[-1][1]}\n{line}")
        else:
            if row:
                yield text_row(row, table, loose=False)
                row = []
            if line.strip():
                yield text_row([(number, line)], 0)
    if row:
        yield text_row(row, table, loose=False)


def _separated(lines: list[str]) -> Iterator[FormRow]:
    """Cells parted by tabs, a row on each line: a table copied out of a workbook or a document."""
    for number, line in enumerate(lines, start=1):
        if "\t" in line:
            yield text_row((number, piece.strip()) for piece in line.split("\t"))
        elif line.strip():
            yield text_row([(number, line)], 0)


def _piped(lines: list[str]) -> Iterator[FormRow]:
    """`a | b | c |`: a row on each line. Merged cells may be missing, so columns may be shifted."""
    begun: list[TextLine] = []
    for number, line in enumerate(lines, start=1):
        if "|" not in line:
            if line.strip():
                yield from [text_row(begun)] if begun else []
                begun = []
                yield text_row([(number, line)], 0)
            continue
        pieces = [(number, p.strip()) for p in line.strip().removeprefix("|").split("|")]
        if len(pieces) == 2 and pieces[0][1] and not pieces[1][1]:
            begun.append(pieces[0])  # `项目名称 |`: its row goes on below
            continue
        yield text_row([*begun, *pieces])
        begun = []
    if begun:
        yield text_row(begun)


def _stream(lines: list[str], labels: Labels) -> Iterator[FormRow]:
    """`cell |` on a line of its own: `||` ends a row, otherwise labels do."""
    # Where rows end with a line of pipes and begin with a lone one, that one is no blank cell.
    begins = len(re.findall(r"\|\|\n+\|\n", "\n".join(lines))) > 2
    cells: list[TextLine | None] = []
    for number, line in enumerate(lines, start=1):
        text, pipe, rest = line.partition("|")
        if not pipe:
            if text.strip():
                yield from rows_by_labels(cells, labels)
                cells = []
                yield text_row([(number, text)], 0)
            continue
        ends = "|" in rest
        opening = begins and bool(cells) and cells[-1] is None
        padding = ends and not line.startswith("| ")
        if text.strip() or not (opening or padding):
            cells.append((number, text.strip()))
        if ends:
            cells.append(None)
    yield from rows_by_labels(cells, labels)


def _worded(lines: list[str], labels: Labels) -> Iterator[FormRow]:
    """Words in lines: labels part them; a line that is nothing but one cell joins the next."""
    cells: list[TextLine | None] = []
    run_on = any(map(runs_on, lines))
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if run_on and words and not labels.exact(line):
            yield from rows_by_labels(cells, labels)
            cells = []
            yield from run_on_rows(number, line, labels)
            continue
        if len(words) <= 1 or labels.exact(line.strip()):
            if words:
                cells.append((number, line.strip()))
            continue
        asked = cells[-1][1] if cells and cells[-1] is not None else ""
        if asked and is_label(asked, labels) and not any(map(labels.says, words)):
            cells.append((number, line.strip()))  # the label above asked for it
            continue
        yield from rows_by_labels(cells, labels)
        cells = []
        yield from _words(number, line, labels)
    yield from rows_by_labels(cells, labels)


def _words(number: int, line: str, labels: Labels) -> Iterator[FormRow]:
    """A line of several words: a title, an indicator, or labels each with its answer."""
    if labels.title(line) or labels.other_title(line):
        yield text_row([(number, line.strip())])
        return
    first, _, rest = line.strip().partition(" ")
    if labels.title(first) or labels.other_title(first):
        yield text_row([(number, first)])
        yield from _words(number, rest, labels) if rest.strip() else ()
        return
    unit, line = money_unit(line)
    if unit:
        yield text_row([(number, f"单位：{unit}")])
    yield from _row_of(list(_pieces(number, line)), labels)


def _row_of(line: Sequence[TextLine], labels: Labels) -> Iterator[FormRow]:
    """The pieces of one line: heads, an indicator, or labels each with its answer."""
    pieces = [label for label in joined_labels(line, labels) if label is not None]
    if not pieces:
        return
    category = labels.first_level(pieces[0][1]) or labels.block("project", pieces[0][1])
    heads = sum(1 for _, t in pieces if labels.head(t))
    if category or heads > 1 or not any(is_label(t, labels) for _, t in pieces):
        yield text_row(pieces)
    else:
        yield from answered(pieces, labels, " ")


def _pieces(number: int, line: str) -> Iterator[TextLine]:
    """The words of a line; what stands in brackets is not parted."""
    pending = ""
    for word in re.findall(r"\S+\s*", line):
        pending += word
        if not _open_bracket(pending):
            yield number, pending.strip()
            pending = ""
    if pending:
        yield number, pending.strip()


def _open_bracket(text: str) -> bool:
    return sum(text.count(c) for c in "(（") > sum(text.count(c) for c in ")）")
