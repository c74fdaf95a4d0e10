"""The template's XML cut into pieces once, so that filling it is joining strings.

Filled sheets are the template's own text with answers put in, block rows repeated, and everything
below shifted; what carries no answer keeps its bytes.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import unescape as xml_unescape

from xltool.edition import Edition, EditionError
from xltool.grid import Area, column_number, letters, open_grid
from xltool.package import Package, open_package, parse_xml
from xltool.template.layout import FormLayout, Layout, Rows, load_layout
from xltool.template.zipping import Packed, pack

ROW = "\0"  # stands for the row number; can't occur in XML

_ATTRIBUTE = re.compile(r'([\w:]+)="([^"]*)"')
_ROW = re.compile(r"<row ([^>]*?)(?:/>|>(.*?)</row>)", re.DOTALL)
_CELL = re.compile(r"<c ([^>]*?)(?:/>|>(.*?)</c>)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Slot:
    """A cell that takes an answer: its column, its style, and its XML in the blank."""

    column: int
    letter: str
    style: str
    blank: str


@dataclass(frozen=True, slots=True)
class RowPattern:
    """One template row: its attributes, its height in points, its XML around the slots."""

    attributes: str
    height: float
    pieces: tuple[str | Slot, ...]
    empty: tuple[str | Slot, ...]

    def render(self, number: int, cells: Mapping[int, str], height: float, *, copy: bool = False) -> str:
        """The row at `number` with these cells by column; a `copy` has no official text of its own."""
        pieces = self.empty if copy else self.pieces
        inner = "".join(
            [piece if isinstance(piece, str) else cells.get(piece.column, piece.blank) for piece in pieces]
        )
        size = f' ht="{height:g}" customHeight="1"' if height else ""
        return f'<row r="{ROW}"{self.attributes}{size}>{inner}</row>'.replace(ROW, str(number))


# A piece of XML around references: text, or a row number (True: the end of an area).
Piece = str | tuple[int, bool]


@dataclass(frozen=True)
class SheetPattern:
    """One form's sheet, ready to be filled."""

    layout: FormLayout
    part: str
    head: tuple[Piece, ...]
    rows: dict[int, RowPattern]
    tail: tuple[Piece, ...]
    merges_at: int
    widths: dict[int, float]
    sizes: dict[str, float]

    def width(self, area: Area) -> float:
        """The width of some columns, in characters of the default font."""
        return sum(self.widths.get(column, 9.0) for column in range(area.left, area.right + 1))


@dataclass(frozen=True)
class SheetEntry:
    """A sheet of the template's workbook.xml: its attributes and its own names."""

    name: str
    rid: str
    part: str
    state: str
    names: tuple[
        tuple[str, tuple[Piece, ...]], ...
    ]  # (opening tag without scope, pieces after the sheet's name)


@dataclass(frozen=True)
class Compiled:
    """A template workbook, ready to be filled any number of times."""

    layout: Layout
    package: Package
    packed: dict[str, Packed]
    forms: dict[str, SheetPattern]
    sheets: tuple[SheetEntry, ...]
    workbook: tuple[str, str, str, str]
    global_names: tuple[str, ...]
    workbook_part: str
    leaves: dict[str, tuple[str, ...]] = field(default_factory=dict)


def compile_template(edition: Edition, template: Path | None = None) -> Compiled:
    """The compiled template of an edition. Raises EditionError where it can't be used."""
    layout = load_layout(edition, template)
    return _compile(edition.folder, layout.template, layout.template.stat().st_mtime_ns)


@functools.lru_cache(maxsize=8)
def _compile(folder: str, path: Path, stamp: int) -> Compiled:
    from xltool.edition import load_edition

    layout = load_layout(load_edition(Path(folder)), path)
    package = open_package(path)
    grid = open_grid(path)
    parts = {sheet.name: sheet.part for sheet in grid.sheets}
    sizes = _font_sizes(package)
    forms = {
        id_: _sheet(form, parts[form.sheet.name], package.read(parts[form.sheet.name]).decode(), sizes)
        for id_, form in layout.forms.items()
    }
    text = package.read("xl/workbook.xml").decode()
    workbook, sheets, global_names = _workbook(text, parts, path)
    packed = {name: pack(name, package.read(name)) for name in package.names()}
    return Compiled(layout, package, packed, forms, sheets, workbook, global_names, "xl/workbook.xml")


def _sheet(form: FormLayout, part: str, xml: str, sizes: dict[str, float]) -> SheetPattern:
    before, _, rest = xml.partition("<sheetData>")
    body, closing, after = rest.partition("</sheetData>")
    if not closing:
        raise EditionError(f"工作表“{form.sheet.name}”的写法不认识，请用 Excel 或 WPS 另存模板")
    slots = form.inputs
    rows = {}
    for match in _ROW.finditer(body):
        attributes = dict(_ATTRIBUTE.findall(match[1]))
        number = int(attributes.pop("r"))
        height = float(attributes.pop("ht", 0) or 0)
        attributes.pop("customHeight", None)
        rows[number] = RowPattern(
            "".join(f' {key}="{value}"' for key, value in attributes.items()),
            height,
            *_pieces(number, match[2] or "", slots),
        )
    merges = re.search(r"<mergeCells.*?</mergeCells>", after, re.DOTALL)
    start, stop = merges.span() if merges else (0, 0)
    above, below = _references(after[:start]), _references(after[stop:])
    return SheetPattern(
        form, part, _references(before), rows, above + below, len(above), _widths(before), sizes
    )


def _pieces(
    row: int, xml: str, slots: Iterable[tuple[int, int]]
) -> tuple[tuple[str | Slot, ...], tuple[str | Slot, ...]]:
    """The cells of a row as they stand, and as they stand in a row repeated below."""
    slots = frozenset(slots)
    pieces: list[str | Slot] = []
    empty: list[str | Slot] = []
    for match in _CELL.finditer(xml):
        attributes = dict(_ATTRIBUTE.findall(match[1]))
        letter = attributes["r"].rstrip("0123456789")
        column, style = column_number(letter), attributes.get("s", "0")
        bare = f'<c r="{letter}{ROW}" s="{style}"/>'
        kind = f' t="{attributes["t"]}"' if "t" in attributes else ""
        own = f'<c r="{letter}{ROW}" s="{style}"{kind}>{match[2]}</c>' if match[2] else bare
        if (row, column) in slots:
            pieces.append(Slot(column, letter, style, own))
            empty.append(Slot(column, letter, style, bare))
        else:
            pieces.append(own)
            empty.append(bare)
    return _joined(pieces), _joined(empty)


def _joined(pieces: list[str | Slot]) -> tuple[str | Slot, ...]:
    """Neighbouring texts made one."""
    joined: list[str | Slot] = []
    for piece in pieces:
        if isinstance(piece, str) and joined and isinstance(joined[-1], str):
            joined[-1] += piece
        else:
            joined.append(piece)
    return tuple(joined)


_HOLDER = re.compile(
    r'(?P<attribute>\b(?:ref|sqref|activeCell|topLeftCell)="[^"]*")'
    r"|(?P<text><(?:formula1?2?|xm:f|xm:sqref)>[^<]*<)"
    r'|(?P<brk><brk id="\d+")'
)
_ADDRESS = re.compile(
    r"(?<![A-Za-z0-9_.!'])(?P<c1>\$?[A-Z]{1,3}\$?)(?P<r1>\d+)(?::(?P<c2>\$?[A-Z]{1,3}\$?)(?P<r2>\d+))?(?![A-Za-z0-9_(.])"
)
_LITERAL = re.compile(r'("[^"]*"|&quot;.*?&quot;)')


def _references(xml: str) -> tuple[Piece, ...]:
    """XML cut at the row numbers of its references."""
    pieces: list[Piece] = []
    last = 0
    for match in _HOLDER.finditer(xml):
        pieces.append(xml[last : match.start()])
        last = match.end()
        if match["attribute"]:
            key, _, value = match[0].partition('"')
            pieces += [f'{key}"', *addresses(value[:-1]), '"']
        elif match["text"]:
            tag, _, value = match[0].partition(">")
            pieces.append(tag + ">")
            for n, part in enumerate(_LITERAL.split(value[:-1])):
                pieces += [part] if n % 2 else addresses(part)
            pieces.append("<")
        else:
            number = re.sub(r"\D", "", match[0])
            pieces += ['<brk id="', (int(number), True), '"']
    pieces.append(xml[last:])
    return _merged(pieces)


def addresses(text: str) -> list[Piece]:
    """A formula or list of areas cut at its row numbers."""
    pieces: list[Piece] = []
    last = 0
    for match in _ADDRESS.finditer(text):
        pieces += [text[last : match.start()] + match["c1"], (int(match["r1"]), False)]
        if match["c2"]:
            pieces += [":" + match["c2"], (int(match["r2"]), True)]
        last = match.end()
    pieces.append(text[last:])
    return pieces


def _merged(pieces: list[Piece]) -> tuple[Piece, ...]:
    merged: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        else:
            merged.append(piece)
    return tuple(merged)


def shifted(pieces: Iterable[Piece], rows: Rows) -> str:
    """The pieces as text, with the row numbers where the rows now stand."""
    return "".join(
        [
            piece if isinstance(piece, str) else str(rows.end(piece[0]) if piece[1] else rows.start(piece[0]))
            for piece in pieces
        ]
    )


def merge_cells(merges: Iterable[Area]) -> str:
    merged = sorted(merges)
    inner = "".join([f'<mergeCell ref="{area}"/>' for area in merged])
    return f'<mergeCells count="{len(merged)}">{inner}</mergeCells>' if merged else ""


def _widths(xml: str) -> dict[int, float]:
    widths: dict[int, float] = {}
    for match in re.finditer(r"<col ([^>]*)/>", xml):
        a = dict(_ATTRIBUTE.findall(match[1]))
        for column in range(int(a["min"]), min(int(a["max"]), 256) + 1):
            widths[column] = float(a.get("width", 9))
    return widths


def _font_sizes(package: Package) -> dict[str, float]:
    """Cell style number → font size in points."""
    fonts: list[float] = []
    styles: list[float] = []
    inside = ""

    def start(tag: str, a: dict[str, str]) -> None:
        nonlocal inside
        if tag in ("fonts", "cellXfs", "cellStyleXfs", "dxfs"):
            inside = tag
        elif inside == "fonts" and tag == "font":
            fonts.append(11.0)
        elif inside == "fonts" and tag == "sz":
            fonts[-1] = float(a["val"])
        elif inside == "cellXfs" and tag == "xf":
            styles.append(fonts[int(a.get("fontId", 0))])

    def end(tag: str) -> None:
        nonlocal inside
        if tag == inside:
            inside = ""

    parse_xml(package.read("xl/styles.xml"), start, end)
    return {str(n): size for n, size in enumerate(styles)}


_NAME = re.compile(r"(<definedName [^>]*>)([^<]*)</definedName>")
_TITLE_ROWS = re.compile(r"(\$)(\d+)(:\$)(\d+)")


def _workbook(
    xml: str, parts: dict[str, str], path: Path
) -> tuple[tuple[str, str, str, str], tuple[SheetEntry, ...], tuple[str, ...]]:
    """workbook.xml around its sheets and names."""
    before, _, rest = xml.partition("<sheets>")
    listed, closing, after = rest.partition("</sheets>")
    if not closing:
        raise EditionError(f"{path}：workbook.xml 的写法不认识，请用 Excel 或 WPS 另存模板")
    between, _, named = after.partition("<definedNames>")
    inner, has_names, last = named.partition("</definedNames>")
    if not has_names:
        between, inner, last = "", "", after
    scoped: dict[int, list[tuple[str, tuple[Piece, ...]]]] = {}
    common = []
    for match in _NAME.finditer(inner):
        attributes = dict(_ATTRIBUTE.findall(match[1]))
        scope = attributes.pop("localSheetId", None)
        if scope is None:
            common.append(match[0])
            continue
        tag = "<definedName" + "".join(f' {key}="{value}"' for key, value in attributes.items())
        scoped.setdefault(int(scope), []).append((tag, _name_pieces(match[2])))
    sheets = []
    for number, match in enumerate(re.finditer(r"<sheet ([^>]*)/>", listed)):
        a = dict(_ATTRIBUTE.findall(match[1]))
        name = xml_unescape(a["name"], {"&quot;": '"', "&apos;": "'"})
        rid = next(v for k, v in a.items() if k.endswith(":id"))
        sheets.append(SheetEntry(name, rid, parts[name], a.get("state", ""), tuple(scoped.get(number, ()))))
    return (before, between, last, listed), tuple(sheets), tuple(common)


def _name_pieces(text: str) -> tuple[Piece, ...]:
    """What a name leads to, cut at sheet names (shown as ROW) and row numbers."""
    pieces: list[Piece] = []
    for n, part in enumerate(re.split(r"('(?:[^']|'')*'!|[^'!,:$]+!)", text)):
        if n % 2:
            pieces.append(ROW)
        elif _TITLE_ROWS.fullmatch(part.rstrip(",")):
            first, last = re.findall(r"\d+", part)
            pieces += ["$", (int(first), False), ":$", (int(last), True), part[len(part.rstrip(",")) :]]
        else:
            pieces += addresses(part)
    return tuple(p for p in pieces if p != "")


def column_letter(column: int) -> str:
    return letters(column)
