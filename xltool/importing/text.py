"""Published plain text as rows: what is left of a form when a page is copied or scraped.

Four shapes are known: cells begun by tabs and rows by a blank line (a Word page saved as text), cells
ended by `|` with a row on each line, cells ended by `|` with each on its own line, and words in lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from xltool.editions.declaration import load_edition
from xltool.importing.labels import Labels, bare, labels_of, money_unit, year_line
from xltool.importing.rows import MAX_ROWS, FormCell, FormRow, NotImportable
from xltool.model import Place

TextLine = tuple[int, str]


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
    if sum(line.startswith("\t") for line in lines) > 5:
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
    return [row for row, _ in zip(rows, range(MAX_ROWS), strict=False)]


def _row(pieces: Iterable[TextLine], table: int = 1, loose: bool = True) -> FormRow:
    cells = (
        FormCell(text, i, Place("正文", f"第{line}行")) for i, (line, text) in enumerate(pieces)
    )
    return FormRow(tuple(cells), table, loose)


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
                yield _row(row, table, loose=False)
            else:
                table += 1
            row = [(number, line[1:])]
        elif row and not labels.title(line):
            row[-1] = (row[-1][0], f"{row[-1][1]}\n{line}")
        else:
            if row:
                yield _row(row, table, loose=False)
                row = []
            if line.strip():
                yield _row([(number, line)], 0)
    if row:
        yield _row(row, table, loose=False)


def _piped(lines: list[str]) -> Iterator[FormRow]:
    """`a | b | c |`: a row on each line. Merged cells may be missing, so columns may be shifted."""
    for number, line in enumerate(lines, start=1):
        if "|" not in line:
            if line.strip():
                yield _row([(number, line)], 0)
            continue
        pieces = line.strip().removeprefix("|").split("|")
        yield _row((number, piece.strip()) for piece in pieces)


def _stream(lines: list[str], labels: Labels) -> Iterator[FormRow]:
    """`cell |` on a line of its own: `||` ends a row, otherwise labels do."""
    # Where rows end with a line of pipes and begin with a lone one, that one is no blank cell.
    begins = len(re.findall(r"\|\|\n+\|\n", "\n".join(lines))) > 2
    cells: list[TextLine | None] = []
    for number, line in enumerate(lines, start=1):
        text, pipe, rest = line.partition("|")
        if not pipe:
            if text.strip():
                yield from _by_labels(cells, labels)
                cells = []
                yield _row([(number, text)], 0)
            continue
        ends = "|" in rest
        opening = begins and bool(cells) and cells[-1] is None
        padding = ends and not line.startswith("| ")
        if text.strip() or not (opening or padding):
            cells.append((number, text.strip()))
        if ends:
            cells.append(None)
    yield from _by_labels(cells, labels)


def _worded(lines: list[str], labels: Labels) -> Iterator[FormRow]:
    """Words in lines: labels part them; a line that is nothing but one cell joins the next."""
    cells: list[TextLine | None] = []
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if len(words) <= 1:
            if words:
                cells.append((number, words[0]))
            continue
        yield from _by_labels(cells, labels)
        cells = []
        yield _row(_words(number, line, labels))
    yield from _by_labels(cells, labels)


def _words(number: int, line: str, labels: Labels) -> Iterator[TextLine]:
    """A line's words; after a label of a field everything up to the next label is one cell."""
    if labels.title(line) or labels.other_title(line):
        yield number, line.strip()
        return
    unit, line = money_unit(line)
    if unit:
        yield number, f"单位：{unit}"
    pending, after_field = "", False
    for word in re.findall(r"\S+\s*", line):
        label = labels.says(word.strip())
        if pending and (label or not after_field) and not _open_bracket(pending):
            yield number, pending.strip()
            pending = ""
        if label and not pending:
            yield number, word.strip()
            after_field = any(
                (m := labels.match(kind, word)) and m.role in ("field", "known", "private")
                for kind in ("department", "project")
            )
        else:
            pending += word
    if pending:
        yield number, pending.strip()


def _open_bracket(text: str) -> bool:
    return sum(text.count(c) for c in "(（") > sum(text.count(c) for c in ")）")


def _by_labels(cells: list[TextLine | None], labels: Labels) -> Iterator[FormRow]:
    """A stream of cells parted into rows: a label begins one, heads stand together, None ends one.

    Where more than one cell follows a label, or labels crowd before one value, it is not certain
    which belongs to which: such a row is given so that nothing in it fits.
    """
    heads = 0
    row: list[TextLine] = []
    for cell in cells:
        if cell is None:
            if row and labels.head(row[-1][1]):
                heads = sum(1 for _, t in row if labels.head(t))
                yield _row(row)
            elif heads and row and not labels.says(row[0][1]):
                yield _row(row)
            else:
                yield from _settled(row, heads, labels)
            row = []
            continue
        text = cell[1]
        if labels.title(text) or labels.other_title(text) or year_line(text):
            yield from _settled(row, heads, labels)
            yield _row([cell])
            row = []
            continue
        if labels.head(text):
            if row and not labels.head(row[-1][1]) and not _section(row[-1][1], labels):
                yield from _settled(row, heads, labels)
                row = []
            row.append(cell)
            continue
        if row and labels.head(row[-1][1]):
            heads = sum(1 for _, t in row if labels.head(t))
            yield _row(row)
            row = []
        if row and labels.says(text) and not _goes_on(row, text, labels):
            yield from _settled(row, heads, labels)
            row = []
        row.append(cell)
    yield from _settled(row, heads, labels)


def _section(text: str, labels: Labels) -> bool:
    match = labels.match("project", text)
    return match is not None and match.role in ("section", "longterm")


def _goes_on(row: list[TextLine], text: str, labels: Labels) -> bool:
    """A second-level category goes on the row that its first level began."""
    return (
        len(row) == 1
        and bool(labels.first_level(row[0][1]))
        and bool(labels.block("project", text))
    )


def _settled(row: list[TextLine], heads: int, labels: Labels) -> Iterator[FormRow]:
    """A row of a stream: an indicator group cut into indicators, a field with its one value."""
    if not row:
        return
    leading = [t for t in row[:2] if labels.first_level(t[1]) or labels.block("project", t[1])]
    if not leading:
        if len([t for _, t in row if t]) <= 2:
            yield _row(row)
            return
        yield _row(row[:1])
        yield _row([(row[1][0], " | ".join(t for _, t in row[1:]))])
        return
    rest, width = row[len(leading) :], max(heads - 2, 1)
    while rest and not rest[-1][1] and len(rest) % width:
        rest.pop()
    if len(rest) % width or not _plausible(rest, width):
        yield _row(leading)
        if any(t for _, t in rest):
            yield _row([(rest[0][0], " | ".join(t for _, t in rest if t))])
        return
    groups = [rest[i : i + width] for i in range(0, len(rest), width)] or [[]]
    for n, group in enumerate(groups):
        yield _row((leading if n == 0 else []) + group)


_VALUE = re.compile(
    r"^[≥≤=＞＜<>≧≦]|\d|^(?:优|良|好|是|否|显著|持续|稳步|有效|不断|长期|明显|基本|全部|按时|及时|定性)"
)


def _plausible(cells: list[TextLine], width: int) -> bool:
    """Cut so, every group has a name that is no bare value, and a value that reads like one."""
    if width < 2:
        return False
    groups = [cells[i : i + width] for i in range(0, len(cells), width)]
    return all(
        g[0][1]
        and not re.match(r"^[≥≤=＞＜<>≧≦]?\s*\d+(\.\d+)?\s*\S{0,3}$", g[0][1])
        and all(_VALUE.search(bare(t)) or not t or width > 2 for _, t in g[1:2])
        for g in groups
    )
