"""A copy of a received workbook in which a few parts differ and every other keeps its bytes."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from xltool.atomic import writing
from xltool.machine import why
from xltool.model import XltoolError
from xltool.package import Package, Unreadable, open_package

if TYPE_CHECKING:
    from lxml.etree import _Element

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
BOOK, BOOK_RELS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"


def patch_file(source: Path, goal: Path, change: Callable[[Package], dict[str, bytes]], what: str) -> Path:
    """Write `source` to `goal` with the parts that `change` gives, new ones at the end.

    Raises XltoolError where the file can't be read or written, saying in Chinese `what` is not in it.
    """
    try:
        package = open_package(source)
        parts = {name: package.read(name) for name in package.names()}
        changed = change(package)
    except Unreadable as error:
        raise XltoolError(f"{source}：{error}") from error
    except (OSError, KeyError, ValueError, SyntaxError) as error:  # lxml's errors are SyntaxErrors
        raise XltoolError(f"{source}：{what}写不进去：{why(error)}") from error
    with writing(goal, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in (parts | changed).items():
            made.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return goal


def parse(data: bytes) -> _Element:
    from lxml import etree

    # The package guard has been over it only as zip: no entity, network or size surprises here either.
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))


def to_bytes(root: _Element) -> bytes:
    from lxml import etree

    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, standalone=True)


def sheet_part(book: _Element, relations: _Element, sheet: str) -> str:
    """The part of the sheet with this name, empty where there is none."""
    for one in book.iter(f"{{{MAIN}}}sheet"):
        if one.get("name") == sheet:
            rid = one.get(f"{{{REL}}}id")
            target = next((r.get("Target", "") for r in relations if r.get("Id") == rid), "")
            return target[1:] if target.startswith("/") else f"xl/{target}"
    return ""
