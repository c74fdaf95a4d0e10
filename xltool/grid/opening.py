"""A received .xlsx as a grid: which sheets, what they share, which names lead where."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from xltool.grid.shared import Styles, plain_entities, read_styles, remembered, string_table, unescape
from xltool.grid.words import Grid, Sheet, read_area
from xltool.grid.worksheet import CONTROL, read_sheet
from xltool.package import MAX_CELLS, MAX_SHEETS, Parts, Unreadable, open_parts, parse_xml, read_file, utf8

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
    workbook = _main_part(package)
    folder = workbook.rpartition("/")[0]
    targets = _relations(package, workbook)
    grid, sheet_ids, names = _workbook(package.read(workbook))
    if len(grid.sheets) > MAX_SHEETS:
        raise Unreadable(f"工作表过多（{len(grid.sheets)} 张，上限 {MAX_SHEETS}）")
    strings = _shared_strings(package, targets, most)
    left = most
    styles = _styles(package, targets)
    for sheet, rid in zip(grid.sheets, sheet_ids, strict=True):
        kind, target = targets.get(rid, ("", ""))
        if not kind.endswith("/worksheet"):
            sheet.hidden = True
            continue
        sheet.part = _resolve(folder, target)
        left -= read_sheet(package.read(sheet.part), sheet, strings, styles, blanks, left)
        sheet.objects |= _objects(package, sheet)
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
@remembered(64)
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
    if opening and closing and b"&#" not in listed and len(listed.translate(None, CONTROL)) == len(listed):
        found = _PLAIN_NAME.findall(listed.decode("utf-8", "replace"))
        if listed.count(b"<") == 2 * len(found):
            grid, ids, _ = _parse_workbook(before + after)
            names = [
                (name, int(scope) if scope else None, plain_entities(text) if "&" in text else text)
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


def _shared_strings(package: Parts, targets: dict[str, tuple[str, str]], most: int) -> Mapping[str, str]:
    part = _part_of(package, targets, "/sharedStrings")
    data = utf8(package.read(part)) if part else b""
    if data.count(b"<si") + data.count(b":si") // 2 > most:
        raise Unreadable(f"文字过多（上限 {most:,} 条），请只留申报表")
    return string_table(data) if part else {}


def _part_of(package: Parts, targets: dict[str, tuple[str, str]], kind: str) -> str:
    folder = _main_part(package).rpartition("/")[0]
    for found, target in targets.values():
        if found.endswith(kind):
            part = _resolve(folder, target)
            return part if part in package else ""
    return ""


def _styles(package: Parts, targets: dict[str, tuple[str, str]]) -> Styles:
    part = _part_of(package, targets, "/styles")
    return read_styles(package.read(part)) if part else Styles()


_DRAWN = re.compile(rb'ObjectType="(\w+)"')


def _objects(package: Parts, sheet: Sheet) -> bool:
    """Whether old-style drawings lie on a sheet; the boxes of notes are drawn so too, but are remarks."""
    folder = sheet.part.rpartition("/")[0]
    for kind, target in _relations(package, sheet.part).values():
        part = _resolve(folder, target)
        if kind.endswith("/vmlDrawing") and part in package:
            return any(drawn != b"Note" for drawn in _DRAWN.findall(package.read(part)))
    return False


@remembered(16)
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
