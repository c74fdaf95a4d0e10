"""One worksheet's XML: its cells."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from operator import lt
from typing import NamedTuple

from msgspec.structs import replace

from xltool.xlsx.grid import Cell, Mask, Sheet
from xltool.xlsx.ink import hidden, hidden_run
from xltool.xlsx.open_xml import MAIN
from xltool.xlsx.package import MAX_CELLS, Unreadable, parse_xml, utf8, walk_xml
from xltool.xlsx.references import Area, cell_name, column_number, read_area
from xltool.xlsx.shared_parts import (
    OTHER_ENTITY,
    RunWalk,
    Styles,
    decoded,
    plain_text,
    read_styles,
    unescape,
    unseen_runs,
)
from xltool.xlsx.sheet_frame import Frame, FrameWalk, read_frame, thin

_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})$")
# A day of the strict format, and the time of it.
_DAY = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9]{2}):([0-9]{2})(?::[0-9]{2}(?:\.[0-9]+)?)?Z?)?$"
)
_OPEN = Cell("", locked=False)

# The spelling in which Excel, WPS, LibreOffice and we ourselves write cells; anything else is
# parsed.
_PLAIN_PIECE = re.compile(
    r'<c r="(?P<blank>[A-Z]{1,3}+[0-9]{1,7}+)"(?: s="[0-9]++")?(?: t="n")?(?:/>|></c>)|(?P<close></row>)'
    r'|<row r="(?P<row>[1-9][0-9]{0,6}+)"(?P<with>(?: [A-Za-z:0-9]++="[^"<>&]*+")*)(?P<end>/?)>'
)
_ATTRIBUTE = re.compile(r' ([A-Za-z:0-9]++)="([^"]*+)"')
# What is remembered is let through here, and looked at once: half the time of the whole pattern.
_PLAIN_CELL = re.compile(
    r'<c r="([A-Z0-9]++)"([^<>/]*+)>'
    r'(?:<v>([^<>]*+)</v></c>|<is><t(?: xml:space="preserve")?>([^<>]*+)</t></is></c>)'
)
_STYLE_AND_KIND = re.compile(r'(?: s="([0-9]{1,9}+)")?(?: t="(s|n|str|inlineStr|b)")?')


At = tuple[int, int]


class _Addresses(dict[str, At]):
    """`B3` → (3, 2), remembered: the same few addresses stand in every form.

    What is no address is (0, 0), which stands nowhere, and is not kept: it may be of any length.
    """

    def __missing__(self, address: str) -> At:
        if len(self) > 100_000:
            self.clear()
        match = _REFERENCE.match(address)
        if match is None:
            return _NOWHERE
        self[address] = at = (int(match[2]), column_number(match[1]))
        return at


_NOWHERE: At = (0, 0)
_BEYOND: At = (10**8, 0)
_ADDRESSES = _Addresses()


class _CellAttributes(dict[str, tuple[str, str] | None]):
    """The style and kind that a cell's attributes say, remembered;
    None where they are spelled otherwise."""

    def __missing__(self, text: str) -> tuple[str, str] | None:
        if len(self) > 20_000:
            self.clear()
        match = _STYLE_AND_KIND.fullmatch(text)
        if match is None:
            return None
        self[text] = plain = (match[1] or "0", match[2] or "n")
        return plain


_STYLES_AND_KINDS = _CellAttributes()


class _Between(NamedTuple):
    """What stands between two cells: blank cells, ends and beginnings of rows, in ascending order.

    `inside`: it begins within a row; then `lead` is the row of the blank cells that come first.
    `first` and `last` are its first and last place, `row` the row in which it ends, `left` whether
    one is open.
    """

    inside: bool
    lead: int
    first: At
    last: At
    row: int
    left: bool
    hidden: tuple[int, ...]
    prefixes: frozenset[str]


class _Betweens(dict[str, _Between | None]):
    """What stands between two cells, read and remembered;
    None for what is spelled otherwise, or damage."""

    def __missing__(self, text: str) -> _Between | None:
        if len(self) > 20_000:
            self.clear()
        between = _between(text)
        if len(text) < 2000:
            self[text] = between
        return between


_BETWEENS = _Betweens()


_LOWEST = 3.0  # points of a row's height


def unseen(row: Mapping[str, str]) -> bool:
    """Whether a row with these attributes is hidden, or so low that nobody sees it."""
    return row.get("hidden") in ("1", "true") or thin(row.get("ht", ""), _LOWEST)


def _between(text: str) -> _Between | None:
    places: list[At] = []
    hidden: list[int] = []
    prefixes: set[str] = set()
    row = lead = at = 0
    inside = left = not text.startswith("<row ")
    for piece in _PLAIN_PIECE.finditer(text):
        start, end = piece.span()
        if start != at:
            return None
        at = end
        if blank := piece["blank"]:
            place = _ADDRESSES[blank]
            lead = lead or (0 if row else place[0])
            if not left or place[0] != (row or lead):
                return None
            places.append(place)
        elif piece["close"]:
            if not left:
                return None
            left = False
        else:
            attributes = _ATTRIBUTE.findall(piece["with"])
            names = [name for name, _ in attributes]
            if left or len(set(names)) != len(names) or "r" in names:
                return None
            row, left = int(piece["row"]), not piece["end"]
            places.append((row, 0))
            prefixes |= {name.partition(":")[0] for name in names if ":" in name}
            if unseen(dict(attributes)):
                hidden.append(row)
    if at != len(text) or not all(map(lt, places, places[1:])):
        return None
    ends = (places[0], places[-1]) if places else (_BEYOND, _NOWHERE)
    return _Between(inside, lead, *ends, row, left, tuple(hidden), frozenset(prefixes - {"xml"}))


def read_sheet(
    data: bytes,
    sheet: Sheet,
    strings: Mapping[str, str],
    styles: Styles,
    blanks: bool = False,
    most: int = MAX_CELLS,
) -> int:
    """Fill a sheet from its XML; blank cells are left out unless they are open and asked for.

    Returns the number of its cells that are not blank. Raises Unreadable above `most`.
    """
    data = utf8(data)
    if len(data) > most and _cells_in(data) > most:  # a cell takes more than a byte
        raise _too_many(sheet, most)
    before, _, rest = data.partition(b"<sheetData>")
    cells, closing, after = rest.partition(b"</sheetData>")
    try:
        plain = (
            _plain_cells(cells, before, sheet, strings, styles) if closing and not blanks else None
        )
        frame = read_frame(data if plain is None else b"%b<sheetData/>%b" % (before, after))
        if plain is None or frame.rows or frame.tables != 1:
            sheet.cells.clear()
            sheet.hidden_rows.clear()
            plain = _cells_in(data)
            walk = CellWalk(sheet, strings, styles, blanks)
            parse_xml(data, walk.start, walk.end, walk.text, walk.foreign)
    except ValueError as error:
        raise Unreadable(f"文件已损坏：{sheet.name} 的行列号无效") from error
    _framed(sheet, frame, styles)
    if b"cfRule" in after and b":dxf" in after:
        sheet.conditional += _later_formats(after)
    return plain


def read_large_sheet(
    pieces: Iterable[bytes], sheet: Sheet, strings: Mapping[str, str], styles: Styles, most: int
) -> int:
    """`read_sheet` of XML that comes in pieces: it is never whole in memory.
    Blank cells are left out."""
    walk, around = CellWalk(sheet, strings, styles), FrameWalk()

    def start(tag: str, a: dict[str, str]) -> None:
        around.start(tag, a)
        walk.start(tag, a)

    def text(data: str) -> None:
        around.text(data)
        walk.text(data)

    def end(tag: str) -> None:
        around.end(tag)
        walk.end(tag)
        if len(sheet.cells) > most:
            raise _too_many(sheet, most)

    try:
        for _ in walk_xml(pieces, start, end, text, walk.foreign):
            pass
    except ValueError as error:
        raise Unreadable(f"文件已损坏：{sheet.name} 的行列号无效") from error
    _framed(sheet, around.frame(), styles)
    return len(sheet.cells)


# Conditional formats of 2010 and later hold their format themselves, where other rules stand.
_LATER = re.compile(rb"<x14:conditionalFormatting\b.*?</x14:conditionalFormatting>", re.DOTALL)
_LATER_FORMAT = re.compile(rb"<x14:dxf>(.*?)</x14:dxf>", re.DOTALL)
_LATER_AREAS = re.compile(rb"<xm:sqref>([^<]*)</xm:sqref>")
_AS_STYLES = b'<styleSheet xmlns="%b"><dxfs><dxf>%%b</dxf></dxfs></styleSheet>' % MAIN.encode()


def _later_formats(data: bytes) -> Iterator[tuple[Area, Mask]]:
    for rule in _LATER.findall(data):
        for format in _LATER_FORMAT.findall(rule):
            try:
                mask = read_styles(_AS_STYLES % format).conditional.get("0")
            except Unreadable:
                continue
            if mask is not None:
                for areas in _LATER_AREAS.findall(rule):
                    yield from _areas(areas.decode(), mask)


def _areas(areas: str, mask: Mask) -> Iterator[tuple[Area, Mask]]:
    for text in areas.split():
        if area := read_area(text):
            yield area, mask


def add_masks(sheet: Sheet, frame: Frame, styles: Styles) -> None:
    """How cells of a sheet may be shown by its conditional formats."""
    for areas, number, test in frame.conditional:
        if (mask := styles.conditional.get(number)) is not None:
            sheet.conditional += _areas(areas, mask._replace(test=test))


def _framed(sheet: Sheet, frame: Frame, styles: Styles) -> None:
    if not frame.tables:
        raise Unreadable(f"文件已损坏：{sheet.name[:31]} 没有表格内容")
    sheet.merges = set(frame.merges)
    sheet.protected, sheet.objects = frame.protected, frame.objects
    sheet.hidden_columns += frame.hidden
    if styles.conditional:
        add_masks(sheet, frame, styles)


def _too_many(sheet: Sheet, most: int) -> Unreadable:
    return Unreadable(
        f"单元格过多（到“{sheet.name[:31]}”已超过上限 {most:,} 格），请只留申报表，"
        "选中申报表以下的行删除后再保存"
    )


def _cells_in(data: bytes) -> int:
    """How many cells say something, at most: values, texts and formulas; blank cells are none."""
    plain = sum(map(data.count, (b"<v", b"<is", b"<f>", b"<f ", b"<f/")))
    return plain + sum(map(data.count, (b":v>", b":v ", b":is>", b":is ", b":f>", b":f ")))


def _plain_cells(
    data: bytes, before: bytes, sheet: Sheet, strings: Mapping[str, str], styles: Styles
) -> int | None:
    """Take the cells at a glance where they are spelled as usual, and count them;
    None where they are not."""
    text, escaped = decoded(data), b"&" in data
    if text is None or (escaped and OTHER_ENTITY.search(text)):
        return None
    pieces = _PLAIN_CELL.split(text)
    places = [*map(_ADDRESSES.__getitem__, pieces[1::5])]
    if not _in_order(pieces[::5], places, before, sheet):
        return None
    cells = sheet.cells
    unlocked, formats, of_texts, *_ = styles
    escaped = escaped or b"_x" in data
    attributes = map(_STYLES_AND_KINDS.__getitem__, pieces[2::5])
    for at, plain, value, inline in zip(
        places, attributes, pieces[3::5], pieces[4::5], strict=True
    ):
        if plain is None:
            return None
        style, kind = plain
        content = inline if kind == "inlineStr" else value
        if content is None or (kind == "b" and content not in _TRUTH):
            return None
        if not content:
            continue
        if kind == "n":
            form = formats.get(style, "")
            cells[at] = Cell(content, True, "", False, style not in unlocked, form)
            continue
        if kind == "s":
            if (content := strings.get(content)) is None:
                raise _no_such_text(sheet, at)
        elif kind == "b":
            content = _TRUTH[content]
        elif escaped:
            content = plain_text(content)
        form = of_texts.get(style, "") if of_texts and kind != "b" else ""
        cells[at] = Cell(content, False, "", False, style not in unlocked, form)
    if styles.hiding or unseen_runs(strings):
        _tell_unseen(sheet, pieces, strings, styles)
    return len(places)


def _in_order(arounds: Iterable[str], places: Iterable[At], before: bytes, sheet: Sheet) -> bool:
    """Whether the cells, and what stands before and behind each, follow one another as they should,
    in rows that are opened and closed; hidden rows are noted."""
    row, last, left = -1, _NOWHERE, False  # no cell stands outside a row
    prefixes: frozenset[str] = frozenset()
    for around, at in zip_longest(arounds, places):
        if around:
            between = _BETWEENS[around]
            if between is None:
                return False
            inside, lead, first, blank, ends_in, still_left, hidden, named = between
            if inside != left or first <= last or (lead and lead != row):
                return False
            row, left = ends_in or row, still_left
            if blank > last:
                last = blank
            if hidden:
                sheet.hidden_rows.update(hidden)
            if named:
                prefixes |= named
        if at is None:  # behind the last cell
            break
        if not left or at[0] != row or at <= last:
            return False
        last = at
    return not left and all(b" xmlns:%b=" % prefix.encode() in before for prefix in prefixes)


def _no_such_text(sheet: Sheet, at: At) -> Unreadable:
    return Unreadable(f"文件已损坏：{sheet.name} 的 {cell_name(*at)} 指向不存在的文字")


def _tell_unseen(
    sheet: Sheet, pieces: list[str], strings: Mapping[str, str], styles: Styles
) -> None:
    """Of the cells that were taken at a glance those that nobody can see."""
    runs = unseen_runs(strings)
    for address, attributes, value in zip(pieces[1::5], pieces[2::5], pieces[3::5], strict=True):
        plain, at = _STYLES_AND_KINDS[attributes], _ADDRESSES[address]
        if plain is None or (cell := sheet.cells.get(at)) is None:
            continue
        style, kind = plain
        run = runs.get(value, "") if runs and kind == "s" else ""
        if unseen := _unseen(styles, style, cell, run):
            sheet.cells[at] = replace(cell, unseen=unseen)


def _unseen(styles: Styles, style: str, cell: Cell, run: str) -> str:
    """What is said of a cell that nobody can read, by its style or by a run of its text; empty
    where it is seen."""
    hiding = styles.hiding.get(style)
    why = hiding.reason(cell.text, cell.number) if hiding and cell.text.strip() else ""
    if why:
        return hidden(cell.text, why)
    return hidden_run(cell.text, run) if run and style not in styles.grounded else ""


# What holds what in a sheet; anything else is no cell that Excel would read.
_AROUND = {
    "sheetData": ("worksheet",),
    "row": ("sheetData",),
    "c": ("row",),
    "v": ("c",),
    "f": ("c",),
    "is": ("c",),
    "r": ("is",),
    "rPh": ("is",),
    "t": ("is", "r", "rPh"),
}
_CLOSED = ("sheetData", "row", "c", "v", "f", "t")  # these hold nothing else
_ELSEWHERE: tuple[str, ...] = ()
_KINDS = frozenset(("n", "s", "str", "inlineStr", "b", "e", "d"))
_NO_FORMAT: dict[str, str] = {}
_TRUTH = {"1": "TRUE", "true": "TRUE", "0": "FALSE", "false": "FALSE"}


class CellWalk:
    """Takes the cells of a sheet from its XML, however they are spelled: one value a cell, one cell
    a place, else the sheet is damaged. `sheet` gets them, with `blanks` the blank ones that are
    open, too; who clears it meanwhile goes on below (tables)."""

    def __init__(
        self, sheet: Sheet, strings: Mapping[str, str], styles: Styles, blanks: bool = False
    ) -> None:
        self.sheet, self.strings, self.styles, self.blanks = sheet, strings, styles, blanks
        self.run = RunWalk()
        self.unseen_runs = unseen_runs(strings)
        self.open: list[str] = [""]  # elements around
        self.row = self.column = 0
        self.kind = self.style = ""
        self.value: list[str] = []
        self.formula: list[str] = []
        self.given: list[str] = []  # what of value, formula and text a cell has
        self.rows = array("L")  # so far, as long as they ascend
        self.others: set[int] = set()
        self.columns: set[int] = set()
        self.tables = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        around = self.open[-1]
        self.open.append(tag)
        if around not in _AROUND.get(tag, _ELSEWHERE) or self.tables > 1:
            if tag in _AROUND or around in _CLOSED or self.tables > 1:
                raise self.damaged()
            if around == "rPr":
                self.run.dress(tag, attributes)
            return
        if tag == "c":
            self._cell(attributes)
        elif around == "c":
            if tag in self.given:
                raise self.damaged()
            self.given.append(tag)
        elif tag == "row":
            self._row(attributes)
        elif tag == "r":
            self.run.hides = False
        elif tag == "sheetData":
            self.tables += 1

    def _row(self, attributes: dict[str, str]) -> None:
        self.row, self.column = int(attributes.get("r", self.row + 1)), 0
        if self.row < 1:
            raise self.damaged()
        if not self.rows or self.row > self.rows[-1]:
            self.rows.append(self.row)
        elif self.row in self.others or self.rows[bisect_left(self.rows, self.row)] == self.row:
            raise self.damaged()
        else:
            self.others.add(self.row)
        self.columns.clear()
        if unseen(attributes):
            self.sheet.hidden_rows.add(self.row)

    def _cell(self, attributes: dict[str, str]) -> None:
        written = attributes.get("r")
        if written is None:
            self.column += 1
        elif (reference := _REFERENCE.match(written)) is None or int(reference[2]) != self.row:
            raise self.damaged()
        else:
            self.column = column_number(reference[1])
        if self.column in self.columns:
            raise self.damaged()
        self.columns.add(self.column)
        self.kind, self.style = attributes.get("t", "n"), attributes.get("s", "0")
        self.value.clear()
        self.formula.clear()
        self.given.clear()
        self.run.begin()

    def end(self, tag: str) -> None:
        self.open.pop()
        if tag == "c":
            self._taken()

    def text(self, data: str) -> None:
        tag = self.open[-1]
        if tag == "v" or (tag == "t" and self.open[-2] != "rPh"):
            self.value.append(data)
            if self.run.hides:
                self.run.unseen += data.strip()
        elif tag == "f":
            self.formula.append(data)

    def _taken(self) -> None:
        locked = self.style not in self.styles.unlocked
        content = "".join(self.value)
        if not content and "f" not in self.given:
            if self.blanks and not locked:
                self.sheet.cells[self.row, self.column] = _OPEN
            return
        kind, run = self.kind, self.run.unseen
        if kind not in _KINDS or ("is" if kind != "inlineStr" else "v") in self.given:
            raise self.damaged()
        if kind == "s":
            if content not in self.strings:
                raise _no_such_text(self.sheet, (self.row, self.column))
            run = self.unseen_runs.get(content, "")
            content = self.strings[content]
        elif kind == "b":
            content = _TRUTH.get(content, "")
            if not content:
                raise self.damaged()
        elif kind == "d" and (day := _DAY.match(content)):
            clock = f" {day[4]}:{day[5]}" if day[4] and day[4] + day[5] != "0000" else ""
            content = f"{int(day[1])}年{int(day[2])}月{int(day[3])}日{clock}"
        elif kind in ("str", "inlineStr", "d"):
            content = unescape(content)
        formula = ("=" + "".join(self.formula)) if "f" in self.given else ""
        # TRUE and FALSE are shown as they are under any format.
        codes = {"n": self.styles.formats, "b": _NO_FORMAT}.get(kind, self.styles.of_texts)
        code = codes.get(self.style, "")
        cell = Cell(content, kind == "n", formula, kind == "e", locked, code)
        if (self.styles.hiding or run) and (unseen := _unseen(self.styles, self.style, cell, run)):
            cell = replace(cell, unseen=unseen)
        self.sheet.cells[self.row, self.column] = cell

    def foreign(self) -> None:
        """An element of no workbook; among the cells Excel would not read it."""
        if "sheetData" in self.open:
            raise self.damaged()

    def damaged(self) -> Unreadable:
        """What is said of a cell that is spelled wrongly."""
        at = cell_name(max(self.row, 1), max(self.column, 1))
        return Unreadable(
            f"文件已损坏：{self.sheet.name[:31]} 的 {at} 写法不对（重复的格、多余的内容），Excel 也读不了"
        )
