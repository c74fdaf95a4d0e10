"""The template's XML cut into pieces once, so that filling it is joining strings.

Filled sheets are the template's own text with answers put in, block rows repeated, and everything
below shifted; what carries no answer keeps its bytes.
"""

from __future__ import annotations

import dataclasses
import functools
import html
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from xltool.editions.declaration import Edition, EditionError, Field, edition_in
from xltool.filling.page_breaks import KeptTogether, kept_on_form
from xltool.filling.references import (
    ROW,
    SCOPE,
    SHEET,
    FormulaPiece,
    joined,
    merge_cells,
    name_pieces,
    references,
    shifted,
)
from xltool.filling.row_height import (
    ATTRIBUTE,
    LINE,
    column_widths,
    font_sizes,
    page_height,
    page_margins,
    paper_width,
)
from xltool.template.layout import MOST_SHAPES, FormLayout, GrownRows, Layout, load_layout, stamps
from xltool.xlsx.open_xml import RELATIONSHIPS
from xltool.xlsx.package import Unpacked, open_package
from xltool.xlsx.references import column_number, letters
from xltool.xlsx.shared_parts import Styles
from xltool.xlsx.workbook_reader import frame_of, styles_of
from xltool.xlsx.zip_container import Packed, pack

_ROW = re.compile(r"<row ([^>]*?)(?:/>|>(.*?)</row>)", re.DOTALL)
_XF = re.compile(r"<xf [^>]*?(?:/>|>.*?</xf>)", re.DOTALL)
_UNLOCKED = re.compile(r'(<protection\b[^>]*?\blocked=)"(?:0|false)"')
_CELL = re.compile(r"<c ([^>]*?)(?:/>|>(.*?)</c>)", re.DOTALL)
# What makes an official cell more than a blank one: its type and content.
_OFFICIAL = re.compile(r'(?: t="[^"]*")?/?>.*', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Slot:
    """A cell that takes an answer: its column, its style, and its paper: how much text a line holds
    (a wide character counts two) and how high a line is, in points.

    `blank` is its XML in the blank behind the address, as is what `text` and `number` make.
    """

    column: int
    letter: str
    style: str
    blank: str
    room: float
    line: float

    @property
    def bare(self) -> str:
        """The cell without an answer."""
        return f' s="{self.style}"/>'

    def text(self, escaped: str) -> str:
        """The cell with this text, which is already escaped."""
        return f' s="{self.style}" t="inlineStr"><is><t xml:space="preserve">{escaped}</t></is></c>'

    def number(self, digits: str) -> str:
        """The cell with this number."""
        return f' s="{self.style}"><v>{digits}</v></c>'


class RowPieces(NamedTuple):
    """A row at its place: its XML in pieces, of which the second is its height, and which pieces
    are its slots' cells, by column."""

    pieces: tuple[bytes, ...]
    at: dict[int, int]


class RowPattern:
    """One template row: its height in points, its slots by column, its XML wherever it stands."""

    def __init__(self, attributes: str, height: float, pieces: Sequence[str | Slot]) -> None:
        self.height = height
        self.slots = {piece.column: piece for piece in pieces if isinstance(piece, Slot)}
        self._attributes, self._pieces = attributes, pieces
        self.line = functools.lru_cache(_MOST_PLACES)(self._line)

    def _line(self, number: int, copy: bool) -> RowPieces:
        """The row at `number`; a `copy`, repeated below, has no official text of its own."""
        pieces = [f'<row r="{number}"{self._attributes}', height_attribute(self.height)]
        at: dict[int, int] = {}
        between = ">"
        for piece in self._pieces:
            if isinstance(piece, Slot):
                at[piece.column] = len(pieces) + 1
                pieces += [
                    f'{between}<c r="{piece.letter}{number}"',
                    piece.bare if copy else piece.blank,
                ]
                between = ""
            else:
                between += (_OFFICIAL.sub("/>", piece) if copy else piece).replace(ROW, str(number))
        pieces.append(f"{between}</row>")
        return RowPieces(tuple(piece.encode() for piece in pieces), at)


# Places of a row that are remembered: forms grow by few rows.
_MOST_PLACES = 64


def height_attribute(points: float) -> str:
    """The attributes that give a row this height; none for 0 points."""
    return f' ht="{points:g}" customHeight="1"' if points else ""


@functools.lru_cache(maxsize=1024)  # few heights there are, and to write one takes its time
def height_piece(points: float) -> bytes:
    """The same as a piece of a row."""
    return height_attribute(points).encode()


# A cell that takes an answer: which piece of its sheet it is.
Input = tuple[int, Slot]


class Blank(NamedTuple):
    """The rows of a sheet without answers: their XML in pieces, the pieces that say how high each
    row is and how high that is, the fields' cells, the cells of each indicator row block by block,
    the points of all rows from the first, and which of them are kept on one page. `fields` and
    `blocks` say the row first."""

    pieces: list[bytes]
    heights: dict[int, tuple[int, float]]
    fields: list[tuple[int, Field, Input]]
    blocks: dict[str, list[tuple[int, list[Input]]]]
    points: list[float]
    kept: KeptTogether


class FramePieces(NamedTuple):
    """A sheet's XML above its rows, and below them, in two where page breaks go between."""

    above: bytes
    before_breaks: bytes
    behind_breaks: bytes

    @property
    def below(self) -> bytes:
        """All that stands below the rows of a sheet without page breaks."""
        return self.before_breaks + self.behind_breaks


@dataclass(frozen=True, eq=False)
class SheetPattern:
    """One form's sheet, ready to be filled: its XML above its rows, its rows, its XML below them.

    `page` is how many points of rows fit on one printed page.
    """

    layout: FormLayout
    part: str
    head: tuple[FormulaPiece, ...]
    rows: dict[int, RowPattern]
    above_merges: tuple[FormulaPiece, ...]
    below_merges: tuple[FormulaPiece, ...]
    page: float

    @functools.cached_property
    def long_texts(self) -> list[tuple[Field, Slot, list[float], int]]:
        """The fields that may take more rows:
        their cells, how high their rows are, the last of these."""
        taken = []
        for field in self.layout.spec.field:
            if field.kind == "long":
                top, left, bottom, _ = self.layout.fields[field.id]
                heights = [self.rows[row].height for row in range(top, bottom + 1)]
                taken.append((field, self.rows[top].slots[left], heights, bottom))
        return taken

    @functools.cached_property
    def frame(self) -> Callable[[GrownRows], FramePieces]:
        """What stands around the rows where they now stand."""
        return functools.lru_cache(MOST_SHAPES)(self._frame)

    def _frame(self, rows: GrownRows) -> FramePieces:
        merges = merge_cells(self.layout.merges(rows))
        below = shifted(self.above_merges, rows) + merges + shifted(self.below_merges, rows)
        before, footer, behind = below.rpartition("</headerFooter>")
        if not footer or "<rowBreaks" in below:  # no place for any, or the template's own
            before, footer, behind = below, "", ""
        return FramePieces(
            shifted(self.head, rows).encode(), (before + footer).encode(), behind.encode()
        )

    @functools.cached_property
    def blank(self) -> Callable[[GrownRows], Blank]:
        """The rows without answers where they now stand.
        Not to be changed: a copy takes the answers."""
        return functools.lru_cache(MOST_SHAPES)(self._blank)

    def _blank(self, rows: GrownRows) -> Blank:
        layout = self.layout
        pieces: list[bytes] = []
        heights: dict[int, tuple[int, float]] = {}
        lines: dict[int, tuple[int, dict[int, int], dict[int, Slot]]] = {}
        for row, place, copy in self.lines(rows):
            line, start = row.line(place, copy), len(pieces)
            heights[place] = start + 1, row.height
            lines[place] = start, line.at, row.slots
            pieces += line.pieces
        fields = []
        for field in layout.spec.field:
            area = layout.fields[field.id]
            place = rows.start(area.top)
            start, at, slots = lines[place]
            fields.append((place, field, (start + at[area.left], slots[area.left])))
        columns = layout.columns.values()
        blocks: dict[str, list[tuple[int, list[Input]]]] = {}
        for block, area in layout.blocks.items():
            blocks[block] = inputs = []
            for place in range(rows.start(area.top), rows.end(area.bottom) + 1):
                start, at, slots = lines[place]
                inputs.append((place, [(start + at[column], slots[column]) for column in columns]))
        last = max(heights)
        points = [heights[n][1] if n in heights else 0.0 for n in range(1, last + 1)]
        kept = kept_on_form(layout, rows, last)
        return Blank(pieces, heights, fields, blocks, points, kept)

    def lines(self, rows: GrownRows) -> Iterator[tuple[RowPattern, int, bool]]:
        """Every row of the form, from top to bottom:
        its pattern, where it stands, whether it was added."""
        for number, row in self.rows.items():
            first = rows.start(number)
            yield row, first, False
            for index in range(rows.grown.get(number, 0)):
                yield row, first + index + 1, True


@dataclass(frozen=True)
class SheetEntry:
    """A sheet of the template's workbook.xml: its attributes and its own names."""

    name: str
    rid: str
    part: str
    state: str
    names: tuple[
        FormulaPiece, ...
    ]  # all its names; SHEET and SCOPE stand for the sheet's name and number

    def named(self, quoted: str, scope: int, rows: GrownRows | None) -> str:
        """The sheet's own names, leading to where its rows now stand."""
        return quoted.join(self._names(rows, scope))

    @functools.cached_property
    def _names(self) -> Callable[[GrownRows | None, int], list[str]]:
        def names(rows: GrownRows | None, scope: int) -> list[str]:
            return (
                shifted(self.names, rows or GrownRows({}, 0))
                .replace(SCOPE, str(scope))
                .split(SHEET)
            )

        return functools.lru_cache(MOST_SHAPES)(names)


@dataclass(frozen=True, eq=False)
class Compiled:
    """A template workbook, ready to be filled any number of times."""

    layout: Layout
    parts: Unpacked
    packed: dict[str, Packed]
    forms: dict[str, SheetPattern]
    sheets: tuple[SheetEntry, ...]
    workbook: tuple[str, str, str]
    global_names: tuple[str, ...]
    workbook_part: str
    styles: Styles
    active: tuple[str, ...]  # what in it acts or leads elsewhere
    # Input style → its locked twin.
    twins: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def book(self, sheets: str, names: str) -> bytes:
        """The workbook's own part, with these sheets and their names."""
        before, between, after = self.workbook
        names += "".join(self.global_names)
        defined = f"<definedNames>{names}</definedNames>" if names else ""
        return f"{before}<sheets>{sheets}</sheets>{between}{defined}{after}".encode()

    @functools.cached_property
    def form_of(self) -> dict[str, SheetPattern]:
        """Part name → the form that this sheet is."""
        return {pattern.part: pattern for pattern in self.forms.values()}

    @functools.cached_property
    def known_parts(self) -> dict[bytes, tuple[Packed, bytes]]:
        """Its own parts, packed and as they are."""
        return {packed.name: (packed, self.parts[name]) for name, packed in self.packed.items()}

    @functools.cached_property
    def kept(self) -> dict[str, bytes]:
        """The parts that no filing changes."""
        changed = {*self.form_of, self.workbook_part, *LISTS, "docProps/custom.xml"}
        return {name: data for name, data in self.parts.items() if name not in changed}

    def held(self, pattern: SheetPattern, locked: Mapping[str, Collection[str]]) -> dict[str, str]:
        """Field id → style of its locked twin,
        for the fields of this form that are to be locked."""
        held: dict[str, str] = {}
        for id_ in locked.get(pattern.layout.spec.id, ()):
            area = pattern.layout.fields[id_]
            style = pattern.rows[area.top].slots[area.left].style
            held[id_] = self.twins.get(style, style)
        return held

    @functools.cached_property
    def with_twins(self) -> Compiled:
        """The same template with a locked twin of every input style."""
        xml = self.parts.read(STYLES).decode()
        before, _, rest = xml.partition("<cellXfs")
        _, _, rest = rest.partition(">")
        inner, _, after = rest.partition("</cellXfs>")
        styles = _XF.findall(inner)
        twins: dict[str, str] = {}
        for number, style in enumerate(styles[:]):
            if _UNLOCKED.search(style):
                twins[str(number)] = str(len(styles))
                styles.append(_UNLOCKED.sub(r'\1"1"', style))
        xml = f'{before}<cellXfs count="{len(styles)}">{"".join(styles)}</cellXfs>{after}'
        new = {STYLES: xml.encode()}
        return replace(
            self,
            parts=Unpacked({**self.parts, **new}),
            packed={**self.packed, STYLES: pack(STYLES, new[STYLES])},
            twins=twins,
        )


def compile_template(edition: Edition, template: Path | None = None) -> Compiled:
    """The compiled template of an edition. Raises EditionError where it can't be used."""
    path = template or edition.template
    return _compile(edition.folder, path, stamps(edition, path))


@functools.lru_cache(maxsize=8)
def _compile(folder: str, path: Path, stamp: tuple[int, int]) -> Compiled:
    layout = load_layout(edition_in(Path(folder)), path)
    package = open_package(path)
    frame, kinds = frame_of(package)
    parts = {sheet.name: sheet.part for sheet in frame.sheets}
    sizes = font_sizes(package)
    forms = {
        id_: _sheet(
            form, parts[form.sheet.name], package.read(parts[form.sheet.name]).decode(), sizes
        )
        for id_, form in layout.forms.items()
    }
    text = package.read("xl/workbook.xml").decode()
    workbook, sheets, global_names = _workbook(text, parts, path)
    unpacked = Unpacked({name: package.read(name) for name in package.names()})
    packed = {name: pack(name, data) for name, data in unpacked.items()}
    return Compiled(
        layout,
        unpacked,
        packed,
        forms,
        sheets,
        workbook,
        global_names,
        "xl/workbook.xml",
        styles_of(package, kinds.get("styles", ""), frame.date1904),
        frame.active,
    )


def _sheet(form: FormLayout, part: str, xml: str, sizes: dict[str, float]) -> SheetPattern:
    before, _, rest = xml.partition("<sheetData>")
    widths = column_widths(before)
    body, closing, after = rest.partition("</sheetData>")
    if not closing:
        raise EditionError(f"工作表“{form.sheet.name}”的写法不认识，请用 Excel 或 WPS 另存模板")
    papers = {at: paper_width(form, at, widths) for at in form.inputs}
    rows = dict(_row_patterns(body, papers, sizes))
    for row, column in _inputs(form):
        if row not in rows or column not in rows[row].slots:
            raise EditionError(
                f"工作表“{form.sheet.name}”的 {letters(column)}{row} 没有格式，请在模板里设好再保存"
            )
    printed = form.sheet.printed
    last = printed.right if printed else form.last_column
    width = sum(widths.get(column, 9.0) for column in range(1, last + 1))
    merges = re.search(r"<mergeCells.*?</mergeCells>", after, re.DOTALL)
    start, stop = merges.span() if merges else (0, 0)
    return SheetPattern(
        form,
        part,
        references(before),
        rows,
        references(after[:start]),
        references(after[stop:]),
        page_height(page_margins(after), width),
    )


def _row_patterns(
    body: str, papers: Mapping[tuple[int, int], float], sizes: dict[str, float]
) -> Iterator[tuple[int, RowPattern]]:
    """The rows of a sheet's data, each with its number."""
    for match in _ROW.finditer(body):
        attributes = dict(ATTRIBUTE.findall(match[1]))
        number = int(attributes.pop("r"))
        height = float(attributes.pop("ht", 0) or 0)
        attributes.pop("customHeight", None)
        others = "".join(f' {key}="{value}"' for key, value in attributes.items())
        pieces = _pieces(number, match[2] or "", papers, sizes)
        yield number, RowPattern(others, height, pieces)


def _inputs(form: FormLayout) -> list[tuple[int, int]]:
    """Where answers are put: a field's first cell, in an indicator block every row."""
    inputs = {area[:2] for area in form.fields.values()}
    for area in form.blocks.values():
        for row in range(area.top, area.bottom + 1):
            inputs |= {(row, column) for column in form.columns.values()}
    return sorted(inputs)


def _pieces(
    row: int, xml: str, papers: Mapping[tuple[int, int], float], sizes: dict[str, float]
) -> list[str | Slot]:
    """The cells of a row as they stand, and its slots."""
    pieces: list[str | Slot] = []
    for match in _CELL.finditer(xml):
        attributes = dict(ATTRIBUTE.findall(match[1]))
        letter = attributes["r"].rstrip("0123456789")
        column, style = column_number(letter), attributes.get("s", "0")
        kind = f' t="{attributes["t"]}"' if "t" in attributes else ""
        own = f' s="{style}"{kind}>{match[2]}</c>' if match[2] else f' s="{style}"/>'
        width = papers.get((row, column))
        if width is None:
            pieces.append(f'<c r="{letter}{ROW}"{own}')
            continue
        size = sizes.get(style, 11.0)
        # A wide character takes two units of an 11-point default font; one unit stays free at the
        # edge.
        room = max(2.0, (width - 1.5) * 11.0 / size * 0.97)
        pieces.append(Slot(column, letter, style, own, room, size * LINE))
    return pieces


STYLES = "xl/styles.xml"
# The parts that list the others.
LISTS = "[Content_Types].xml", "xl/_rels/workbook.xml.rels"

_NAME = re.compile(r"(<definedName [^>]*>)([^<]*)</definedName>")


def _workbook(
    xml: str, parts: dict[str, str], path: Path
) -> tuple[tuple[str, str, str], tuple[SheetEntry, ...], tuple[str, ...]]:
    """workbook.xml around its sheets and names."""
    before, _, rest = xml.partition("<sheets>")
    listed, closing, after = rest.partition("</sheets>")
    if not closing:
        raise EditionError(f"{path}：workbook.xml 的写法不认识，请用 Excel 或 WPS 另存模板")
    if "xmlns:r=" not in before:  # some writers declare the prefix on each sheet
        before = before.replace("<workbook ", f'<workbook xmlns:r="{RELATIONSHIPS}" ', 1)
    between, _, named = after.partition("<definedNames>")
    inner, has_names, last = named.partition("</definedNames>")
    if not has_names:
        between, inner, last = "", "", after
    scoped: dict[int, list[FormulaPiece]] = {}
    common = []
    for match in _NAME.finditer(inner):
        attributes = dict(ATTRIBUTE.findall(match[1]))
        scope = attributes.pop("localSheetId", None)
        if scope is None:
            common.append(match[0])
            continue
        tag = "<definedName" + "".join(f' {key}="{value}"' for key, value in attributes.items())
        opening = f'{tag} localSheetId="{SCOPE}">'
        scoped.setdefault(int(scope), []).extend(
            [opening, *name_pieces(match[2]), "</definedName>"]
        )
    sheets = []
    for number, match in enumerate(re.finditer(r"<sheet ([^>]*)/>", listed)):
        a = dict(ATTRIBUTE.findall(match[1]))
        name = html.unescape(a["name"])
        rid = next(v for k, v in a.items() if k.endswith(":id"))
        names = joined(scoped.get(number, []))
        sheets.append(SheetEntry(name, rid, parts[name], a.get("state", ""), names))
    return (before, between, last), tuple(sheets), tuple(common)
