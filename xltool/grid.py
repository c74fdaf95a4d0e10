"""A workbook as a grid: sheets, cells, merges, names, properties, as any source gives them.

The reader of forms works on this and knows neither zip files nor a live spreadsheet. `open_grid`
makes it from a received .xlsx; the ribbon makes it from the running application.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Protocol
from xml.sax.saxutils import unescape as xml_unescape

from xltool.package import Package, Unreadable, open_package, parse_xml


class Cell(NamedTuple):
    """One cell: its value as text ("" = blank), whether it is a number, and what was odd about it.

    `format` is a number's format code where it may show the number as something else (`0%`, a date).
    """

    text: str
    number: bool = False
    formula: str = ""
    error: bool = False
    locked: bool = True
    format: str = ""


class Area(NamedTuple):
    """A rectangle of cells, 1-based and inclusive."""

    top: int
    left: int
    bottom: int
    right: int

    def __str__(self) -> str:
        first = f"{letters(self.left)}{self.top}"
        last = f"{letters(self.right)}{self.bottom}"
        return first if first == last else f"{first}:{last}"


BLANK = Cell("")


@dataclass(slots=True)
class Sheet:
    """One worksheet: cells by (row, column), 1-based; only cells that say something need be there."""

    name: str
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)
    merges: set[Area] = field(default_factory=set)
    names: dict[str, Area | None] = field(default_factory=dict)
    protected: bool = True
    hidden: bool = False
    hidden_lines: list[str] = field(default_factory=list)
    objects: bool = False
    notes: dict[str, str] = field(default_factory=dict)  # cell → a reader's remark; not part of the form
    part: str = ""

    def __getitem__(self, at: tuple[int, int]) -> Cell:
        return self.cells.get(at, BLANK)

    def whole(self, area: Area) -> Area:
        """The merged area that begins where this one does, or else the area itself."""
        for merge in self.merges:
            if merge.top == area.top and merge.left == area.left:
                return merge
        return area


@dataclass(slots=True)
class Grid:
    """A workbook: its sheets in order, its custom document properties."""

    sheets: list[Sheet]
    properties: dict[str, str] = field(default_factory=dict)
    structure_locked: bool = False


@functools.lru_cache(maxsize=1024)
def letters(column: int) -> str:
    """1 → A, 27 → AA."""
    text = ""
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


@functools.lru_cache(maxsize=1024)
def column_number(text: str) -> int:
    """A → 1, AA → 27."""
    number = 0
    for char in text:
        number = number * 26 + ord(char) - 64
    return number


@functools.lru_cache(maxsize=8192)
def cell_name(row: int, column: int) -> str:
    return f"{letters(column)}{row}"


_AREA = re.compile(r"^\$?([A-Z]{1,3})\$?(\d{1,7})(?::\$?([A-Z]{1,3})\$?(\d{1,7}))?$")
# A number outside Excel's limits can't be a place.
_LAST_ROW, _LAST_COLUMN = 1_048_576, 16_384


@functools.lru_cache(maxsize=8192)
def read_area(text: str) -> Area | None:
    """`$B$3:$F$3` or `D6` as an area; None for anything else."""
    match = _AREA.match(text)
    if match is None:
        return None
    left, top = column_number(match[1]), int(match[2])
    right, bottom = (column_number(match[3]), int(match[4])) if match[3] else (left, top)
    if not (0 < top <= bottom <= _LAST_ROW and left <= right <= _LAST_COLUMN):
        return None
    return Area(top, left, bottom, right)


def open_grid(source: Path | str | bytes, *, blanks: bool = False) -> Grid:
    """A received .xlsx as a grid. Raises Unreadable (with the reason) or OSError.

    With `blanks` the blank cells that may be edited are there too (a template's inputs).
    """
    return grid_of(Package(source) if isinstance(source, bytes) else open_package(source), blanks=blanks)


class Unpacked(dict[str, bytes]):
    """Parts that are already inflated."""

    read = dict.__getitem__


class Parts(Protocol):
    """What a grid is made from: parts by name."""

    def __contains__(self, name: str) -> bool: ...

    def read(self, name: str) -> bytes: ...


def grid_of(package: Parts, *, blanks: bool = False) -> Grid:
    """The grid of a package's parts. Raises Unreadable."""
    workbook = _main_part(package)
    folder = workbook.rpartition("/")[0]
    targets = _relations(package, workbook)
    grid, sheet_ids, names = _workbook(package.read(workbook))
    strings = _shared_strings(package, targets)
    styles = _styles(package, targets)
    for sheet, rid in zip(grid.sheets, sheet_ids, strict=True):
        kind, target = targets.get(rid, ("", ""))
        if not kind.endswith("/worksheet"):
            sheet.hidden = True
            continue
        sheet.part = _resolve(folder, target)
        _worksheet(package.read(sheet.part), sheet, strings, styles, blanks)
        _remarks(package, sheet)
    for name, scope, text in names:
        # A name that damage or a paste turned into #REF! is there, but leads nowhere.
        where, _, area = text.rpartition("!")
        where = where.removeprefix("=").strip("'").replace("''", "'")
        if scope is not None and scope < len(grid.sheets):
            sheet = grid.sheets[scope]
            sheet.names[name] = read_area(area) if where == sheet.name else None
    if "docProps/custom.xml" in package:
        grid.properties = dict(_properties(package.read("docProps/custom.xml")))
    return grid


def _main_part(package: Parts) -> str:
    for kind, target in _relations(package, "").values():
        if kind.endswith("/officeDocument"):
            return _resolve("", target)
    raise Unreadable("不是 Excel 工作簿（.xlsx）")


def _resolve(folder: str, target: str) -> str:
    if target.startswith("/"):
        return target[1:]
    parts = folder.split("/") if folder else []
    for step in target.split("/"):
        if step == "..":
            parts = parts[:-1]
        elif step != ".":
            parts.append(step)
    return "/".join(parts)


def _relations(package: Parts, part: str) -> dict[str, tuple[str, str]]:
    """id → (type, target) of a part's internal relations."""
    folder, _, name = part.rpartition("/")
    rels = f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels"
    return _relation_table(package.read(rels)) if rels in package else {}


# What is the same in file after file (relations, styles, shared text, a sheet's frame) is parsed once.
@functools.lru_cache(maxsize=64)
def _relation_table(data: bytes) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}

    def start(tag: str, a: dict[str, str]) -> None:
        if tag == "Relationship" and a.get("TargetMode") != "External":
            found[a.get("Id", "")] = (a.get("Type", ""), a.get("Target", ""))

    parse_xml(data, start)
    return found


Name = tuple[str, int | None, str]


_PLAIN_NAME = re.compile(
    r'<definedName name="([^"<>&]*+)"(?: localSheetId="([0-9]++)")?+(?: hidden="[01]")?+>'
    r"([^<>]*+)</definedName>"
)


def _workbook(data: bytes) -> tuple[Grid, list[str], list[Name]]:
    """Sheets, their relation ids, and names (name, number of the sheet it belongs to, where it leads)."""
    before, opening, rest = data.partition(b"<definedNames>")
    listed, closing, after = rest.partition(b"</definedNames>")
    if opening and closing and b"&#" not in listed and len(listed.translate(None, _CONTROL)) == len(listed):
        found = _PLAIN_NAME.findall(listed.decode("utf-8", "replace"))
        if listed.count(b"<") == 2 * len(found):
            grid, ids, _ = _parse_workbook(before + after)
            names = [
                (name, int(scope) if scope else None, xml_unescape(text, _QUOTES) if "&" in text else text)
                for name, scope, text in found
            ]
            return grid, ids, names
    return _parse_workbook(data)


def _parse_workbook(data: bytes) -> tuple[Grid, list[str], list[Name]]:
    grid, ids, names = Grid([]), [], []
    pending: list[str] = []
    inside: tuple[str, int | None] | None = None

    def start(tag: str, a: dict[str, str]) -> None:
        nonlocal inside
        if tag == "sheet" and "name" in a:
            state = a.get("state", "visible")
            grid.sheets.append(Sheet(a["name"], hidden=state != "visible"))
            ids.append(next((v for k, v in a.items() if k.endswith(":id")), ""))
        elif tag == "definedName":
            scope = a.get("localSheetId", "")
            inside = (a.get("name", ""), int(scope) if scope.isdigit() else None)
            pending.clear()
        elif tag == "workbookProtection":
            grid.structure_locked = a.get("lockStructure") in ("1", "true")

    def end(tag: str) -> None:
        nonlocal inside
        if tag == "definedName" and inside is not None:
            names.append((*inside, "".join(pending)))
            inside = None

    def text(data: str) -> None:
        if inside is not None:
            pending.append(data)

    parse_xml(data, start, end, text)
    return grid, ids, names


def _shared_strings(package: Parts, targets: dict[str, tuple[str, str]]) -> Mapping[str, str]:
    part = _part_of(package, targets, "/sharedStrings")
    return _string_table(package.read(part)) if part else {}


@functools.lru_cache(maxsize=16)
def _string_table(data: bytes) -> Mapping[str, str]:
    """Shared texts by their number as cells write it."""
    strings: dict[str, str] = {}
    pieces: list[str] = []
    wanted = phonetic = False

    def start(tag: str, a: dict[str, str]) -> None:
        nonlocal wanted, phonetic
        if tag == "si":
            pieces.clear()
        elif tag == "rPh":
            phonetic = True
        wanted = tag == "t" and not phonetic

    def end(tag: str) -> None:
        nonlocal wanted, phonetic
        wanted = False
        if tag == "rPh":
            phonetic = False
        elif tag == "si":
            strings[str(len(strings))] = unescape("".join(pieces))

    def text(data: str) -> None:
        if wanted:
            pieces.append(data)

    parse_xml(data, start, end, text)
    return strings


def _part_of(package: Parts, targets: dict[str, tuple[str, str]], kind: str) -> str:
    folder = _main_part(package).rpartition("/")[0]
    for found, target in targets.values():
        if found.endswith(kind):
            part = _resolve(folder, target)
            return part if part in package else ""
    return ""


class Styles(NamedTuple):
    """By cell style number as written: which may be edited when protected, and number formats."""

    unlocked: frozenset[str] = frozenset()
    formats: Mapping[str, str] = MappingProxyType({})


# Builtin formats that show a number as something else. Those that Chinese Excel adds are dates.
_BUILTIN = {
    **dict.fromkeys(("9", "10"), "0%"),
    **dict.fromkeys(
        map(str, (14, 15, 16, 22, 27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 56, 58)), "yyyy-m-d"
    ),
    **dict.fromkeys(("17", "55", "57"), "yyyy-m"),
    **dict.fromkeys(map(str, (18, 19, 20, 21, 32, 33, 34, 35, 45, 46, 47)), "h:mm:ss"),
}


def _styles(package: Parts, targets: dict[str, tuple[str, str]]) -> Styles:
    part = _part_of(package, targets, "/styles")
    return _read_styles(package.read(part)) if part else Styles()


@functools.lru_cache(maxsize=16)
def _read_styles(data: bytes) -> Styles:
    codes = dict(_BUILTIN)
    unlocked: set[str] = set()
    formats: dict[str, str] = {}
    inside = False
    number = -1

    def start(tag: str, a: dict[str, str]) -> None:
        nonlocal inside, number
        if tag == "cellXfs":
            inside = True
        elif tag == "numFmt":
            codes[a.get("numFmtId", "")] = a.get("formatCode", "")
        elif inside and tag == "xf":
            number += 1
            if code := codes.get(a.get("numFmtId", "")):
                formats[str(number)] = code
        elif inside and tag == "protection" and a.get("locked") in ("0", "false"):
            unlocked.add(str(number))

    def end(tag: str) -> None:
        nonlocal inside
        if tag == "cellXfs":
            inside = False

    parse_xml(data, start, end)
    return Styles(frozenset(unlocked), formats)


_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})$")
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


def unescape(text: str) -> str:
    """Characters that XML can't hold are written `_xHHHH_` in a workbook."""
    return _ESCAPE.sub(lambda m: chr(int(m[1], 16)), text) if "_x" in text else text


# The spelling in which Excel, WPS, LibreOffice and we ourselves write cells; anything else is parsed.
_HIDDEN_ROW = re.compile(r'<row (?=[^<>]*\bhidden="(?:1|true)")[^<>]*?\br="(\d{1,7})"')
_PLAIN_CELL = re.compile(
    r'<c r="([A-Z]{1,3}+[0-9]{1,7}+)"(?: s="([0-9]++)")?+(?: t="(s|n|str|inlineStr|b)")?+>'
    r'(?:<v>([^<>]*+)</v></c>|<is><t(?: xml:space="preserve")?+>([^<>]*+)</t></is></c>)'
)


class _Addresses(dict[str, tuple[int, int]]):
    """`B3` → (3, 2), remembered: the same few addresses stand in every form."""

    def __missing__(self, address: str) -> tuple[int, int]:
        if len(self) > 100_000:
            self.clear()
        match = _REFERENCE.match(address)
        assert match is not None  # the pattern of a cell admits nothing else
        self[address] = at = (int(match[2]), column_number(match[1]))
        return at


_ADDRESSES = _Addresses()
# Not allowed in XML, or (carriage return) not what a parser gives back.
_CONTROL = bytes({*range(32)} - {9, 10})
_QUOTES = {"&quot;": '"', "&apos;": "'"}
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)")


def _worksheet(
    data: bytes, sheet: Sheet, strings: Mapping[str, str], styles: Styles, blanks: bool = False
) -> None:
    """Fill a sheet from its XML; blank cells are left out unless they are open and asked for."""
    before, opening, rest = data.partition(b"<sheetData>")
    cells, closing, after = rest.partition(b"</sheetData>")
    try:
        if not blanks and opening and closing and _plain_cells(cells, sheet, strings, styles):
            data = b"%b<sheetData/>%b" % (before, after)
        else:
            sheet.cells.clear()
            sheet.hidden_lines.clear()
            _parse_cells(data, sheet, strings, styles)
        frame = _frame(data)
    except ValueError as error:
        raise Unreadable(f"文件已损坏：{sheet.name} 的行列号无效") from error
    sheet.merges = set(frame.merges)
    sheet.protected, sheet.objects = frame.protected, frame.objects
    sheet.hidden_lines += frame.hidden


def _plain_cells(data: bytes, sheet: Sheet, strings: Mapping[str, str], styles: Styles) -> bool:
    """Take the cells at a glance where they are spelled as usual; False where they are not."""
    if len(data.translate(None, _CONTROL)) != len(data):
        return False
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return False
    if "&" in text and _ENTITY.search(text):
        return False
    found = _PLAIN_CELL.findall(text)
    # Every tag is one of a row or of a cell taken, or else the spelling is not the usual one.
    count = text.count
    tags = count("<row ") + count("</row>") + count("<c ") + count("</c>")
    if tags + 2 * count("<v>") + 4 * count("<is>") != count("<") or len(found) != count("</c>"):
        return False
    if "hidden=" in text:
        sheet.hidden_lines += [f"第{row}行" for row in _HIDDEN_ROW.findall(text)]
    cells = sheet.cells
    unlocked, formats = styles
    for address, style, kind, value, inline in found:
        content = value or inline
        if not content:
            continue
        number, form = False, ""
        if kind == "s":
            if content not in strings:
                raise Unreadable(f"文件已损坏：{sheet.name} 的 {address} 指向不存在的文字")
            content = strings[content]
        elif not kind or kind == "n":
            number, form = True, formats.get(style, "")
        elif kind == "b":
            content = "TRUE" if content == "1" else "FALSE"
        else:
            content = unescape(xml_unescape(content, _QUOTES) if "&" in content else content)
        cells[_ADDRESSES[address]] = Cell(content, number, "", False, style not in unlocked, form)
    return True


class _Frame(NamedTuple):
    """A sheet around its cells."""

    merges: frozenset[Area]
    protected: bool
    objects: bool
    hidden: list[str]


@functools.lru_cache(maxsize=64)
def _frame(data: bytes) -> _Frame:
    merges: set[Area] = set()
    hidden: list[str] = []
    protected = objects = False

    def start(tag: str, a: dict[str, str]) -> None:
        nonlocal protected, objects
        if tag == "mergeCell":
            area = read_area(a.get("ref", ""))
            if area:
                merges.add(area)
        elif tag == "sheetProtection":
            protected = a.get("sheet") in ("1", "true")
        elif tag == "col":
            if a.get("hidden") in ("1", "true"):
                hidden.append(f"第{letters(min(int(a.get('min', 1)), _LAST_COLUMN))}列")
        elif tag in ("drawing", "oleObjects", "controls", "picture"):
            objects = True

    parse_xml(data, start)
    return _Frame(frozenset(merges), protected, objects, hidden)


def _parse_cells(data: bytes, sheet: Sheet, strings: Mapping[str, str], styles: Styles) -> None:
    cells = sheet.cells
    row = column = 0
    kind = style = ""
    value: list[str] = []
    formula: list[str] = []
    has_formula = False
    taking: list[str] | None = None

    def start(tag: str, a: dict[str, str]) -> None:
        nonlocal row, column, kind, style, taking, has_formula
        if tag == "c":
            reference = _REFERENCE.match(a.get("r", ""))
            if reference:
                column, row = column_number(reference[1]), int(reference[2])
            else:
                column += 1
            kind, style = a.get("t", "n"), a.get("s", "0")
            value.clear()
            formula.clear()
            has_formula = False
        elif tag == "v" or tag == "t":
            taking = value
        elif tag == "f":
            taking, has_formula = formula, True
        elif tag == "rPh":
            taking = None
        elif tag == "row":
            row, column = int(a.get("r", row + 1)), 0
            if a.get("hidden") in ("1", "true"):
                sheet.hidden_lines.append(f"第{row}行")

    def end(tag: str) -> None:
        nonlocal taking
        if tag == "v" or tag == "t" or tag == "f":
            taking = None
        elif tag == "c":
            locked = style not in styles.unlocked
            content = "".join(value)
            if not content and not has_formula:
                if not locked:
                    cells[row, column] = _OPEN
                return
            number = error = False
            if kind == "s":
                if content not in strings:
                    at = cell_name(row, column)
                    raise Unreadable(f"文件已损坏：{sheet.name} 的 {at} 指向不存在的文字")
                content = strings[content]
            elif kind == "n":
                number = True
            elif kind == "b":
                content = "TRUE" if content == "1" else "FALSE"
            elif kind == "e":
                error = True
            else:
                content = unescape(content)
            said = ("=" + "".join(formula)) if has_formula else ""
            code = styles.formats.get(style, "") if number else ""
            cells[row, column] = Cell(content, number, said, error, locked, code)

    def text(data: str) -> None:
        if taking is not None:
            taking.append(data)

    parse_xml(data, start, end, text)


_OPEN = Cell("", locked=False)
_DRAWN = re.compile(rb'ObjectType="(\w+)"')


def _remarks(package: Parts, sheet: Sheet) -> None:
    """A sheet's notes. Their boxes are drawings too, in the old manner, but no objects on the form."""
    for kind, target in _relations(package, sheet.part).values():
        part = _resolve(sheet.part.rpartition("/")[0], target)
        if part not in package:
            continue
        if kind.endswith("/vmlDrawing"):
            sheet.objects |= any(drawn != b"Note" for drawn in _DRAWN.findall(package.read(part)))
        elif kind.endswith("/comments"):
            sheet.notes |= _notes(package.read(part))


def _notes(data: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    cell = ""
    wanted = False

    def start(tag: str, a: dict[str, str]) -> None:
        nonlocal cell, wanted
        if tag == "comment":
            cell = a.get("ref", "")
            found[cell] = ""
        wanted = tag == "t"

    def end(tag: str) -> None:
        nonlocal wanted
        wanted = False

    def text(data: str) -> None:
        if wanted and cell:
            found[cell] += data

    parse_xml(data, start, end, text)
    return found


@functools.lru_cache(maxsize=16)
def _properties(data: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    pieces: list[str] = []

    def start(tag: str, a: dict[str, str]) -> None:
        nonlocal name
        if tag == "property":
            name = a.get("name", "")
            pieces.clear()

    def end(tag: str) -> None:
        if tag == "property" and name:
            found[name] = unescape("".join(pieces).strip())

    parse_xml(data, start, end, pieces.append)
    return found
