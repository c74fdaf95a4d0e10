"""Changes to a live sheet that leave nothing behind: protection put back, text kept text, notes as marks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING

from xltool.grid import Sheet
from xltool.model import XltoolError
from xltool.package import Package, parse_xml
from xltool.report.results import MARK

if TYPE_CHECKING:
    import xlwings as xw

# What the file calls a right (1 = locked) and what Excel's Protect calls it (True = allowed).
_RIGHTS = {
    "formatCells": "AllowFormattingCells",
    "formatColumns": "AllowFormattingColumns",
    "formatRows": "AllowFormattingRows",
    "insertColumns": "AllowInsertingColumns",
    "insertRows": "AllowInsertingRows",
    "insertHyperlinks": "AllowInsertingHyperlinks",
    "deleteColumns": "AllowDeletingColumns",
    "deleteRows": "AllowDeletingRows",
    "sort": "AllowSorting",
    "autoFilter": "AllowFiltering",
    "pivotTables": "AllowUsingPivotTables",
}
_SECRETS = ("password", "hashValue")


def protection(package: Package, sheet: Sheet) -> dict[str, str]:
    """The attributes of a sheet's protection as its file has them; empty where it has none."""
    found: dict[str, str] = {}

    def start(tag: str, a: dict[str, str]) -> None:
        if tag == "sheetProtection" and _true(a.get("sheet", "0")):
            found.update(a)

    parse_xml(package.read(sheet.part), start)
    return found


def _true(text: str) -> bool:
    return text in ("1", "true")


def has_password(attributes: Mapping[str, str]) -> bool:
    return any(attributes.get(key) for key in _SECRETS)


@contextmanager
def unprotected(sheet: xw.Sheet, attributes: Mapping[str, str]) -> Iterator[None]:
    """Take a sheet's protection off for the block and put the very same back.

    Raises XltoolError where a password is needed.
    """
    if not attributes:
        yield
        return
    if has_password(attributes):
        raise XltoolError(f"工作表“{sheet.name}”设有保护密码，不能在表上做这个改动")
    sheet.api.Unprotect()
    try:
        yield
    finally:
        rights = {
            allowed: not _true(attributes.get(locked, "1"))
            for locked, allowed in _RIGHTS.items()
            if not _true(attributes.get(locked, "1"))
        }
        sheet.api.Protect(
            DrawingObjects=_true(attributes.get("objects", "0")),
            Contents=True,
            Scenarios=_true(attributes.get("scenarios", "0")),
            **rights,
        )


# What Excel would turn into a formula, a number, a date or a truth value when it is typed in.
_TYPED = re.compile(r"\s*(?:[-+=@'\d¥￥$(（.%#]|true\s*$|false\s*$)", re.IGNORECASE)


def as_text(text: str) -> str | None:
    """Text in the form in which a cell takes it literally."""
    if not text:
        return None
    return f"'{text}" if _TYPED.match(text) else text


def write_texts(sheet: xw.Sheet, texts: Mapping[tuple[int, int], str]) -> None:
    """Write texts by (row, column), in blocks of neighbouring rows, one call each."""
    by_column = sorted(texts, key=lambda at: (at[1], at[0]))
    for _, run in groupby(enumerate(by_column), key=lambda pair: (pair[1][1], pair[1][0] - pair[0])):
        places = [at for _, at in run]
        sheet.range(places[0], places[-1]).value = [[as_text(texts[at])] for at in places]


def mark(sheet: xw.Sheet, seen: Sheet, wanted: Mapping[str, str], attributes: Mapping[str, str]) -> bool:
    """Make the sheet's marks these ones, touching only those that differ; whether they could be made.

    A mark is a note: no style changes, nothing is printed, and deleting it leaves no trace. A cell
    that has someone else's note keeps that one.
    """
    ours = {cell: text for cell, text in seen.notes.items() if MARK in text}
    gone = [cell for cell, text in ours.items() if _said(text) != wanted.get(cell)]
    new = {c: t for c, t in wanted.items() if c not in seen.notes or c in gone}
    if not gone and not new:
        return True
    if has_password(attributes) and _true(attributes.get("objects", "0")):
        return False
    with unprotected(sheet, attributes if _true(attributes.get("objects", "0")) else {}):
        for cell in gone:
            sheet.range(cell).api.Comment.Delete()
        for cell, text in new.items():
            sheet.range(cell).api.AddComment(text)
    return True


def _said(text: str) -> str:
    """A mark's own text: some programs put the author's name in front of it."""
    return text[text.index(MARK) :]
