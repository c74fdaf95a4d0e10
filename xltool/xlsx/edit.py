"""A copy of a received workbook in which a few parts differ and every other keeps its bytes."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

from xltool.errors import XltoolError, why
from xltool.files.atomic import writing
from xltool.xlsx.open_xml import MAIN, RELATIONSHIPS
from xltool.xlsx.package import Package, Unreadable, open_package, resolve
from xltool.xlsx.shared_parts import armour
from xltool.xlsx.xml_tree import Element, SubElement, parse, to_bytes

__all__ = [
    "BOOK", "BOOK_RELS", "Element", "SubElement", "cell_at", "parse", "patch_file",
    "sheet_part", "to_bytes", "write_text",
]  # fmt: skip

BOOK, BOOK_RELS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"


def patch_file(
    source: Path, destination: Path, change: Callable[[Package], dict[str, bytes]], what: str
) -> Path:
    """Write `source` to `destination` with the parts that `change` gives, new ones at the end.

    Raises XltoolError where the file can't be read or written,
    saying in Chinese `what` is not in it.
    """
    try:
        package = open_package(source)
        package.loosen()
        parts = {name: package.read(name) for name in package.names()}
        changed = change(package)
    except Unreadable as error:
        raise XltoolError(f"{source}：{error}") from error
    except (OSError, KeyError, ValueError) as error:
        raise XltoolError(f"{source}：{what}写不进去：{why(error)}") from error
    with (
        writing(destination, "wb") as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made,
    ):
        for name, data in (parts | changed).items():
            made.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return destination


def sheet_part(book: Element, relations: Element, sheet: str) -> str:
    """The part of the sheet with this name, empty where there is none."""
    for entry in book.iter(f"{{{MAIN}}}sheet"):
        if entry.get("name") == sheet:
            rid = entry.get(f"{{{RELATIONSHIPS}}}id")
            target = next(
                (relation.get("Target", "") for relation in relations if relation.get("Id") == rid),
                "",
            )
            return resolve("xl", target)
    return ""


def write_text(cell: Element, text: str) -> None:
    """Make a cell say this, its style kept."""
    for child in list(cell):
        cell.remove(child)
    cell.attrib.pop("t", None)
    if text:
        cell.set("t", "inlineStr")
        inline = SubElement(SubElement(cell, f"{{{MAIN}}}is"), f"{{{MAIN}}}t")
        inline.text = armour(text)
        inline.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")


def cell_at(sheet: Element, row: int, column: int) -> Element:
    """The cell in this place of a sheet's part, made in its order where there is none."""
    from xltool.xlsx.references import cell_name, column_number

    def place(cell: Element) -> int:
        return column_number(cell.get("r", "").rstrip("0123456789"))

    lines = sheet.find(f"{{{MAIN}}}sheetData")
    if lines is None:
        raise ValueError("没有表格内容")
    new_row = Element(f"{{{MAIN}}}row", r=str(row))
    line = _in_order(lines, row, lambda line: int(line.get("r", "0")), new_row)
    line.attrib.pop("spans", None)  # only a hint, and no longer true
    new_cell = Element(f"{{{MAIN}}}c", r=cell_name(row, column))
    return _in_order(line, column, place, new_cell)


def _in_order(parent: Element, at: int, place: Callable[[Element], int], new: Element) -> Element:
    for index, child in enumerate(parent):
        if place(child) == at:
            return child
        if place(child) > at:
            parent.insert(index, new)
            return new
    parent.append(new)
    return new
