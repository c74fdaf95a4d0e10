"""Texts written into the cells of a copy of a received workbook; nothing else in it changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from xltool.model import Place
from xltool.xlsx.edit import (
    BOOK,
    BOOK_RELS,
    parse,
    patch_file,
    sheet_part,
    to_bytes,
    write_text,
)
from xltool.xlsx.open_xml import MAIN
from xltool.xlsx.package import Package


def rewrite(source: Path, destination: Path, texts: Mapping[Place, str]) -> Path:
    """Write `source` to `destination` with these texts in these cells, their style kept.

    Raises XltoolError where the file can't be read or written, or has no such cell.
    """
    return patch_file(source, destination, lambda package: _changed(package, texts), "指标值")


def _changed(package: Package, texts: Mapping[Place, str]) -> dict[str, bytes]:
    book, relations = parse(package.read(BOOK)), parse(package.read(BOOK_RELS))
    changed = {}
    for name in dict.fromkeys(place.sheet for place in texts):
        part = sheet_part(book, relations, name)
        sheet = parse(package.read(part))
        wanted = {place.cell: text for place, text in texts.items() if place.sheet == name}
        for cell in sheet.iter(f"{{{MAIN}}}c"):
            if (text := wanted.pop(cell.get("r", ""), None)) is not None:
                write_text(cell, text)
        if wanted:
            raise ValueError(f"“{name}”没有单元格 {'、'.join(wanted)}")
        changed[part] = to_bytes(sheet)
    return changed
