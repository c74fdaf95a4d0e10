"""A received .xlsx as a grid: which sheets, what they share, which names lead where."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from xltool.xlsx.active_content import active_contents, drawn, is_empty_drawing
from xltool.xlsx.cells import read_large_sheet, read_sheet
from xltool.xlsx.grid import Grid, Sheet
from xltool.xlsx.open_xml import VALUE_TYPES
from xltool.xlsx.package import (
    LARGE_PART,
    MAX_CELLS,
    MAX_SHEETS,
    MAX_SMALL,
    MAX_STREAMED,
    Package,
    Parts,
    Unreadable,
    open_parts,
    parse_xml,
    read_file,
    resolve,
    utf8,
)
from xltool.xlsx.recognised import NO_WORKBOOK, by_parts
from xltool.xlsx.shared_parts import (
    OTHER_ENTITY,
    Styles,
    counted_from_1904,
    decoded,
    plain_entities,
    read_styles,
    remembered,
    string_table,
    unescape,
)
from xltool.xlsx.workbook_part import ListedSheet, read_workbook

# Cells of a table of many units (a data book, a list of units).
TABLE_CELLS = 3_000_000


def open_grid(source: Path | str | bytes, *, blanks: bool = False, most: int = MAX_CELLS) -> Grid:
    """A received .xlsx as a grid. Raises Unreadable (with the reason) or OSError.

    With `blanks` the blank cells that may be edited are there too (a template's inputs). `most` is
    the number of cells, and of shared texts, above which it is refused.
    """
    data = source if isinstance(source, bytes) else read_file(source)
    return grid_of(open_parts(data), blanks=blanks, most=most)


def grid_of(package: Parts, *, blanks: bool = False, most: int = MAX_CELLS) -> Grid:
    """The grid of a package's parts. Raises Unreadable."""
    grid, parts = frame_of(package)
    strings = _shared_strings(package, parts.get("sharedStrings", ""), most)
    left = most
    styles = styles_of(package, parts.get("styles", ""), grid.date1904)
    parts_read: set[str] = set()
    for sheet in grid.sheets:
        if sheet.part:
            if sheet.part in parts_read:
                raise Unreadable(f"文件已损坏：几张工作表共用一个部件（“{sheet.name[:31]}”等）")
            parts_read.add(sheet.part)
            if (
                not blanks
                and isinstance(package, Package)
                and package.size(sheet.part) > LARGE_PART
            ):
                pieces = package.pieces(sheet.part, MAX_STREAMED)
                left -= read_large_sheet(pieces, sheet, strings, styles, left)
            else:
                data = package.read(sheet.part)
                left -= read_sheet(data, sheet, strings, styles, blanks, left)
            _look_at_objects(package, sheet)
    return grid


def frame_of(package: Parts) -> tuple[Grid, dict[str, str]]:
    """A workbook without the content of its sheets, and its own parts by kind."""
    workbook = _main_part(package)
    folder = workbook.rpartition("/")[0]
    targets = _relations(package, workbook)
    parts = {
        kind.rpartition("/")[2]: resolve(folder, target)
        for kind, target in reversed(targets.values())
    }
    said = read_workbook(_small(package, workbook))
    if len(said.sheets) > MAX_SHEETS:
        raise Unreadable(f"工作表过多（{len(said.sheets)} 张，上限 {MAX_SHEETS}）")
    grid = Grid(
        [_listed_sheet(listed, targets, folder) for listed in said.sheets],
        structure_locked=said.structure_locked,
        date1904=said.date1904,
        active=said.very_hidden,
    )
    if "docProps/custom.xml" in package:
        grid.properties = dict(read_properties(_small(package, "docProps/custom.xml")))
    grid.active = (*grid.active, *active_contents(package, package.names()))
    if _CORE in package:
        grid.saved = _saved(package.read(_CORE))
    return grid, parts


def _listed_sheet(
    listed: ListedSheet, targets: Mapping[str, tuple[str, str]], folder: str
) -> Sheet:
    sheet = Sheet(listed.name, names=dict(listed.names), hidden=listed.state != "visible")
    kind, target = targets.get(listed.relation, ("", ""))
    if kind.endswith("/worksheet"):
        sheet.part = resolve(folder, target)
    else:
        sheet.hidden = True
    return sheet


_CORE = "docProps/core.xml"
_MODIFIED = re.compile(rb"<dcterms:modified\b[^>]*>\s*([^<]{10,40}?)\s*</")


def _saved(core: bytes) -> str:
    """When a program last saved the workbook, as it wrote that down."""
    match = _MODIFIED.search(core)
    return match[1].decode("ascii", "replace") if match else ""


def _main_part(package: Parts) -> str:
    for kind, target in _relations(package, "").values():
        if kind.endswith("/officeDocument"):
            part = resolve("", target)
            if part.endswith(".bin"):
                break
            return part
    raise Unreadable(by_parts(package.names()) or NO_WORKBOOK)


def _relations(package: Parts, part: str) -> dict[str, tuple[str, str]]:
    """id → (type, target) of a part's internal relations."""
    folder, _, name = part.rpartition("/")
    rels = f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels"
    return _relation_table(_small(package, rels)) if rels in package else {}


# What is the same in file after file (relations, styles, shared text, a sheet's frame) is parsed
# once.
@remembered(64)
def _relation_table(data: bytes) -> dict[str, tuple[str, str]]:
    relations: dict[str, tuple[str, str]] = {}

    seen_ids: set[str] = set()

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag != "Relationship":
            return
        if attributes.get("Id", "") in seen_ids:
            raise Unreadable(f"文件已损坏：关系 {attributes.get('Id', '')[:60]} 重复")
        seen_ids.add(attributes.get("Id", ""))
        if attributes.get("TargetMode") != "External":
            relations[attributes.get("Id", "")] = (
                attributes.get("Type", ""),
                attributes.get("Target", ""),
            )

    parse_xml(data, start)
    return relations


def _shared_strings(package: Parts, part: str, most: int) -> Mapping[str, str]:
    if part not in package:
        return {}
    data = utf8(_small(package, part))
    if len(data) > most and data.count(b"<si") + data.count(b":si") // 2 > most:
        raise Unreadable(f"文字过多（上限 {most:,} 条），请只留申报表")
    return string_table(data)


def _small(package: Parts, part: str) -> bytes:
    """A part that has no reason to be large."""
    if isinstance(package, Package) and package.size(part) > MAX_SMALL:
        raise Unreadable(f"文件展开后过大（{part[:60]}），请只留申报表")
    return package.read(part)


def styles_of(package: Parts, part: str, date1904: bool = False) -> Styles:
    """The styles of a part, dates counted from 1904 where the workbook says so."""
    styles = read_styles(_small(package, part)) if part in package else Styles()
    return counted_from_1904(styles) if date1904 else styles


_DRAWN = re.compile(rb'ObjectType="(\w+)"')


def _look_at_objects(package: Parts, sheet: Sheet) -> None:
    """What lies on a sheet: pictures only or more.
    The boxes of notes are drawn, too, but are remarks."""
    folder = sheet.part.rpartition("/")[0]
    relations = _relations(package, sheet.part)
    if not sheet.objects and not relations:
        return
    if sheet.objects and _nothing_drawn(package, folder, relations):
        sheet.objects = False
    for kind, target in relations.values():
        part = resolve(folder, target)
        if kind.endswith("/vmlDrawing") and part in package:
            if any(drawn_kind != b"Note" for drawn_kind in _DRAWN.findall(package.read(part))):
                sheet.objects, sheet.pictures = True, False
                sheet.macro = sheet.macro or drawn(package, part)[1]
                return
        elif kind.endswith("/drawing"):
            more, macro = drawn(package, part)
            sheet.macro = sheet.macro or macro
            sheet.pictures = sheet.objects and not more


_LYING = frozenset(("oleObject", "package", "control", "ctrlProp", "image"))


def _nothing_drawn(package: Parts, folder: str, relations: Mapping[str, tuple[str, str]]) -> bool:
    """Whether the only thing that lies on a sheet is one empty drawing."""
    targets = [(kind.rpartition("/")[2], target) for kind, target in relations.values()]
    drawings = [target for kind, target in targets if kind == "drawing"]
    return (
        len(drawings) == 1
        and _LYING.isdisjoint(kind for kind, _ in targets)
        and is_empty_drawing(package, resolve(folder, drawings[0]))
    )


# The spelling in which Excel, WPS, LibreOffice and we ourselves write them; others are parsed.
_PROPERTIES = re.compile(
    rb"(?:<\?xml [^<>?]*+\?>)?\s*+<Properties"
    rb' xmlns="http://schemas\.openxmlformats\.org/officeDocument/2006/custom-properties"'
    rb' xmlns:vt="%b">' % re.escape(VALUE_TYPES).encode()
)
_PLAIN_PROPERTY = re.compile(
    r'<property fmtid="[^"<>&\s]*+" pid="[0-9]++" name="([^"<>&\s]*+)">'
    rf'<vt:(\w++)(?: xmlns:vt="{re.escape(VALUE_TYPES)}")?>([^<>]*+)</vt:\2></property>'
)


@remembered(16)
def read_properties(data: bytes) -> dict[str, str]:
    """The custom document properties, texts by name."""
    head = _PROPERTIES.match(data)
    text = decoded(data[head.end() :].rstrip()) if head else None
    if text is not None and not OTHER_ENTITY.search(text):
        pieces = _PLAIN_PROPERTY.split(text)
        if "".join(pieces[::4]) == "</Properties>":
            return {
                name: unescape((plain_entities(value) if "&" in value else value).strip())
                for name, value in zip(pieces[1::4], pieces[3::4], strict=True)
                if name
            }
    return _parse_properties(data)


def _parse_properties(data: bytes) -> dict[str, str]:
    """The same from their XML, however it is spelled."""
    properties: dict[str, str] = {}
    name = ""
    pieces: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal name
        if tag == "property":
            name = attributes.get("name", "")
            pieces.clear()

    def end(tag: str) -> None:
        if tag == "property" and name:
            properties[name] = unescape("".join(pieces).strip())

    parse_xml(data, start, end, pieces.append)
    return properties
