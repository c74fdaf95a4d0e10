"""A PDF with text as rows: ruled tables cell by cell, over page breaks;
without rules the lines of text.

pdfplumber (MIT, as is pdfminer.six below it) finds characters and rules; PyMuPDF would be faster,
but its licence (AGPL) binds whoever passes the tool on. What a cell says, where a line of it was
only wrapped, and which table goes on over a page is settled here.
"""

from __future__ import annotations

import io
import re
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from xltool.editions.declaration import load_edition
from xltool.importing.labels import Labels, labels_of
from xltool.importing.rows import (
    MAX_COLUMNS,
    MAX_ROWS,
    SCANNED,
    FormCell,
    FormRow,
    NotImportable,
)
from xltool.importing.text import rows_of_pieces
from xltool.model import Place

MAX_PAGES = 600
_CHARS = 60_000  # on one page
_UNPACKED = 300 * 2**20  # bytes of all streams
_STREAM = re.compile(rb"stream\r?\n")
_TWICE = re.compile(rb"/(?:FlateDecode|Fl|LZWDecode|LZW)[\s/]+(?:FlateDecode|Fl|LZWDecode|LZW)\b")
_PAGE_NUMBER = re.compile(
    r"^[-—－–\s]*(?:第\s*)?\d{1,4}(?:\s*页)?(?:\s*[/／共]\s*\d+\s*页?)?[-—－–\s]*$"
)
_NO_TEXT = "里没有文字，是扫描件或图片"
_ENUMERATED = re.compile(
    r"^(?:目标\s*\d|[(（]?[\d一二三四五六七八九十]{1,2}[)）.、．]|[一二三四五六]是)"
)
_UNPARTED = re.compile(r".(?:[/／·~\-–][^\s]|[，。、；：）%％,.;:)])*", re.S)
_ASCII_WORD = re.compile(r"[!-~≥≤]+")
_SAME = 3.0  # points: rules that far apart are one


class Char(NamedTuple):
    """One character and its box, in points from the page's upper left corner."""

    text: str
    x0: float
    x1: float
    top: float
    bottom: float

    @property
    def size(self) -> float:
        return self.bottom - self.top


class Line(NamedTuple):
    """One line of text: what it says, where it lies,
    and its pieces between wide gaps with their left edges."""

    text: str
    x0: float
    x1: float
    top: float
    bottom: float
    pieces: tuple[tuple[float, str], ...] = ()

    @property
    def size(self) -> float:
        return self.bottom - self.top


class Box(NamedTuple):
    """One cell of a ruled table with its lines of text."""

    x0: float
    x1: float
    top: float
    bottom: float
    lines: list[Line]


class PageTable(NamedTuple):
    """A ruled table on one page: its cells,
    and whether nothing but page numbers stands above or below."""

    page: int
    number: int  # on its page, from 1
    cells: list[Box]
    first: bool
    last: bool


class TextLines(NamedTuple):
    """The lines of a page outside its tables, in order, from one point on."""

    page: int
    lines: list[tuple[int, Line]]  # with their number on the page


def read_pdf(data: bytes) -> list[FormRow]:
    """The rows of a PDF that holds text.
    Raises NotImportable for a scanned, locked or overlarge one."""
    _bounded(data)
    try:
        blocks = _blocks(data)
    except (NotImportable, MemoryError):
        raise
    except Exception as error:
        if "Password" in repr(error):
            raise NotImportable("PDF 有打开密码，请去掉密码后再导入") from error
        raise NotImportable(f"不是完好的 PDF（{type(error).__name__}）") from error
    if not blocks:
        raise NotImportable(f"PDF {_NO_TEXT}。{SCANNED}")
    if not any(isinstance(block, PageTable) for block in blocks):
        return _unruled([block for block in blocks if isinstance(block, TextLines)])
    return list(_rows(blocks))


def _blocks(data: bytes) -> list[PageTable | TextLines]:
    import pdfplumber

    with pdfplumber.open(io.BytesIO(data)) as book:
        if len(book.pages) > MAX_PAGES:
            raise NotImportable(f"PDF 有 {len(book.pages)} 页（上限 {MAX_PAGES} 页），请只留申报表")
        return [block for page in book.pages for block in _page(page)]


def _bounded(data: bytes) -> None:
    """Refuses what would unpack without end: the library below unpacks every stream whole."""
    if _TWICE.search(data):
        raise NotImportable("PDF 的内容经过多重压缩，不予打开")
    room = _UNPACKED
    for match in _STREAM.finditer(data):
        room -= _unpacked(memoryview(data)[match.end() : match.end() + 2**26], room)
        if room < 0:
            raise NotImportable("PDF 展开后过大，不予打开")


def _unpacked(stream: memoryview, most: int) -> int:
    """How many bytes a packed stream comes to, counted no further than is allowed."""
    unpacker, count, rest = zlib.decompressobj(), 0, bytes(stream)
    while rest and count <= most and not unpacker.eof:
        try:
            count += len(unpacker.decompress(rest, 2**20))
        except zlib.error:
            break  # not packed, packed in another way, or damaged from here on
        rest = unpacker.unconsumed_tail
    return count


def _page(page: Any) -> Iterator[PageTable | TextLines]:
    """What stands on one page, from top to bottom; its objects are let go afterwards."""
    try:
        chars = _chars(page)
        tables = [table for table in page.find_tables() if len(table.cells) > 1]
        boxes = [
            [Box(cell[0], cell[2], cell[1], cell[3], []) for cell in table.cells]
            for table in tables
        ]
        outside = _into_cells(chars, boxes)
    finally:
        page.close()
    lines = [line for line in _lines(outside) if not _PAGE_NUMBER.match(line.text)]
    numbered = list(enumerate(lines, start=1))
    spans = [
        (min(cell.top for cell in cells), max(cell.bottom for cell in cells)) for cells in boxes
    ]
    order = sorted(range(len(boxes)), key=lambda n: spans[n])
    number = page.page_number
    above = 0.0
    for place, n in enumerate(order):
        top, bottom = spans[n]
        before = [(k, line) for k, line in numbered if above <= _middle(line) < top]
        if before:
            yield TextLines(number, before)
        first = place == 0 and not before
        last = place == len(order) - 1 and not any(_middle(line) > bottom for line in lines)
        yield PageTable(number, place + 1, boxes[n], first, last)
        above = bottom
    rest = [(k, line) for k, line in numbered if _middle(line) >= above]
    if rest:
        yield TextLines(number, rest)


def _middle(shape: Line | Char) -> float:
    return (shape.top + shape.bottom) / 2


def _chars(page: Any) -> list[Char]:
    """The page's characters; one drawn twice to look bold is one."""
    chars: dict[tuple[str, int, int], Char] = {}
    if len(page.chars) > _CHARS:
        raise NotImportable(f"PDF 第{page.page_number}页的文字过多，请只留申报表")
    for char in page.chars:
        text = char["text"]
        if text.startswith("(cid:") or not text.strip():
            continue
        key = (text, round(char["x0"] / 2), round(char["top"] / 2))
        chars.setdefault(key, Char(text, char["x0"], char["x1"], char["top"], char["bottom"]))
    return list(chars.values())


def _into_cells(chars: Sequence[Char], tables: Sequence[Sequence[Box]]) -> list[Char]:
    """Fill the cells with the lines of text that stand in them;
    the characters outside all tables."""
    held: dict[int, list[Char]] = {}
    outside = []
    cells = [box for table in tables for box in table]
    for char in chars:
        x, y = (char.x0 + char.x1) / 2, _middle(char)
        inside = [
            number
            for number, cell in enumerate(cells)
            if cell.x0 <= x < cell.x1 and cell.top <= y < cell.bottom
        ]
        if inside:
            # Of a table in a table's cell the inner one counts.
            smallest = min(
                inside, key=lambda n: (cells[n].x1 - cells[n].x0) * (cells[n].bottom - cells[n].top)
            )
            held.setdefault(smallest, []).append(char)
        else:
            outside.append(char)
    for n, inner in held.items():
        cells[n].lines.extend(_lines(inner))
    return outside


def _lines(chars: Sequence[Char]) -> list[Line]:
    """Characters as lines from top to bottom, each from left to right with its gaps."""
    rows: list[list[Char]] = []
    for char in sorted(chars, key=_middle):
        if rows and abs(_middle(char) - _middle(rows[-1][0])) < 0.5 * max(
            char.size, rows[-1][0].size
        ):
            rows[-1].append(char)
        else:
            rows.append([char])
    return [_line(sorted(row, key=lambda c: c.x0)) for row in rows]


def _line(row: list[Char]) -> Line:
    pieces: list[tuple[float, str]] = []
    for before, char in zip([None, *row], row, strict=False):
        gap = 0.0 if before is None else char.x0 - before.x1
        latin = before is not None and before.text.isascii() and char.text.isascii()
        if before is None or gap > 0.8 * char.size:
            pieces.append((char.x0, char.text))
        else:
            left, text = pieces[-1]
            space = " " if latin and gap > 0.2 * char.size else ""
            pieces[-1] = (left, text + space + char.text)
    top, bottom = min(cell.top for cell in row), max(cell.bottom for cell in row)
    text = " ".join(piece for _, piece in pieces)
    return Line(text, row[0].x0, row[-1].x1, top, bottom, tuple(pieces))


def _cell_text(box: Box) -> str:
    """The text of a cell: a line that was only wrapped goes on, one that was ended is ended."""
    text = ""
    for line, after in zip(box.lines, [*box.lines[1:], None], strict=False):
        text += line.text
        if after is not None:
            text += "" if _wrapped(line, after.text, box) else "\n"
    return text


def _wrapped(line: Line, following: str, box: Box) -> bool:
    """The line is full: what begins the next one had no room on it."""
    if re.search(r"[/／（(≥≤=<>，,、]$", line.text):
        return True  # nobody ends a line there
    left, right = line.x0 - box.x0, box.x1 - line.x1
    margin = min(6.0, min(box_line.x0 for box_line in box.lines) - box.x0)
    centred = abs(left - right) < 0.6 * line.size
    free = left + right - 2 * margin if centred else right - margin
    # What isn't parted comes down whole: a number, 元/亩, a mark that begins no line.
    word = _ASCII_WORD.match(following)
    whole = _UNPARTED.match(following)
    assert whole is not None
    needs = len(whole[0]) * line.size
    if word is not None and len(word[0]) > 1:
        needs = 0.55 * line.size * len(word[0])
    return free < needs * 1.05


def _unruled(blocks: Sequence[TextLines]) -> list[FormRow]:
    """The rows of pages without rules:
    a line is a row, but where it only carries cells above it on."""
    labels = labels_of(load_edition())
    rows: list[list[tuple[float, str]]] = []
    places: list[Place] = []
    for block in blocks:
        before: Line | None = None
        for number, line in block.lines:
            if before is not None and _carries_on(line, before, rows[-1], labels):
                rows[-1] = [(x, text + _under(x, line)) for x, text in rows[-1]]
            else:
                rows.append(list(line.pieces))
                places.append(Place(f"第{block.page}页", f"第{number}行"))
            before = line
    return rows_of_pieces([[text for _, text in row] for row in rows], places)


def _carries_on(line: Line, before: Line, row: Sequence[tuple[float, str]], labels: Labels) -> bool:
    """A line close below the one before, with fewer pieces, each under one of the row's."""
    close = line.top - before.top < 1.45 * before.size
    fewer = len(line.pieces) < len(row)
    under = all(any(abs(x - left) < _SAME for left, _ in row) for x, _ in line.pieces)
    return close and fewer and under and not any(labels.exact(text) for _, text in line.pieces)


def _under(x: float, line: Line) -> str:
    text = next((text for left, text in line.pieces if abs(x - left) < _SAME), "")
    return f"\n{text}" if _ENUMERATED.match(text) else text


def _rows(blocks: Sequence[PageTable | TextLines]) -> Iterator[FormRow]:
    """Lines and tables as rows; a table that goes on over the page keeps its number and columns."""
    number = 0
    for group in _groups(blocks):
        if isinstance(group, TextLines):
            for index, line in group.lines:
                place = Place(f"第{group.page}页", f"第{index}行")
                yield FormRow((FormCell(line.text, 0, place),))
            continue
        number += 1
        yield from _table_rows(group, number)


def _groups(
    blocks: Sequence[PageTable | TextLines],
) -> Iterator[TextLines | list[PageTable]]:
    run: list[PageTable] = []
    for block in blocks:
        if isinstance(block, TextLines):
            if run:
                yield run
            run = []
            yield block
        elif run and run[-1].last and block.first and _alike(run[-1], block):
            run.append(block)
        else:
            if run:
                yield run
            run = [block]
    if run:
        yield run


def _alike(table: PageTable, other: PageTable) -> bool:
    """Tables on following pages with the same left and right edge are one that goes on."""
    edges = [
        (min(cell.x0 for cell in t.cells), max(cell.x1 for cell in t.cells)) for t in (table, other)
    ]
    return other.page == table.page + 1 and all(
        abs(a - b) < 2 * _SAME for a, b in zip(edges[0], edges[1], strict=True)
    )


def _table_rows(tables: Sequence[PageTable], number: int) -> Iterator[FormRow]:
    edges = _edges([cell.x0 for table in tables for cell in table.cells])
    rows: list[list[FormCell]] = []
    boxes: dict[Place, Box] = {}
    for table in tables:
        begins = True
        for row_number, cells in enumerate(_by_height(table.cells), start=1):
            row = []
            for column_number, box in enumerate(cells, start=1):
                column = bisect_right(edges, box.x0 + _SAME) - 1
                width = max(bisect_right(edges, box.x1 - _SAME) - column, 1)
                place = Place(
                    f"第{table.page}页", f"表{table.number}第{row_number}行第{column_number}格"
                )
                row.append(FormCell(_cell_text(box), column, place, width))
                boxes[place] = box
            if begins and rows and (joined := _goes_on(rows[-1], row, boxes)):
                rows[-1] = joined
            else:
                rows.append(row)
            begins = False
    if len(edges) > MAX_COLUMNS or len(rows) > MAX_ROWS:
        raise NotImportable("PDF 里有一张表过大，请只留申报表")
    yield from (FormRow(tuple(row), number) for row in rows)


def _edges(values: Sequence[float]) -> list[float]:
    """Left edges of columns, those that are one taken together."""
    edges: list[float] = []
    for value in sorted(values):
        if not edges or value - edges[-1] > _SAME:
            edges.append(value)
    return edges


def _by_height(cells: Sequence[Box]) -> list[list[Box]]:
    """The cells row by row: those that begin at one height."""
    rows: list[list[Box]] = []
    for box in sorted(cells, key=lambda b: (b.top, b.x0)):
        if rows and box.top - rows[-1][0].top < _SAME:
            rows[-1].append(box)
        else:
            rows.append([box])
    return [sorted(row, key=lambda b: b.x0) for row in rows]


def _goes_on(
    above: list[FormCell], row: list[FormCell], boxes: dict[Place, Box]
) -> list[FormCell] | None:
    """A row broken by the end of the page, whole again; None where the page begins with a new row.

    It is taken for broken where one text stands alone under another of a row of several, or where
    what was broken are words of the form.
    """
    filled = [cell for cell in row if not cell.blank]
    heads = {cell.column: cell for cell in above if not cell.blank}
    pairs = [(heads.get(cell.column), cell) for cell in filled]
    if not filled or any(h is None or h.width != c.width for h, c in pairs):
        return None
    words = labels_of(load_edition())
    alone = len(filled) == 1 and len(heads) > 1 and not re.fullmatch(r"[…./—\-\s]*", filled[0].text)
    if not alone and not all(words.exact(h.text + c.text) for h, c in pairs if h is not None):
        return None
    whole = {}
    for head, rest in pairs:
        assert head is not None
        box = boxes[head.place]
        wrapped = not box.lines or _wrapped(box.lines[-1], rest.text, box)
        whole[head.column] = replace(head, text=head.text + ("" if wrapped else "\n") + rest.text)
    return [whole.get(cell.column, cell) if not cell.blank else cell for cell in above]
