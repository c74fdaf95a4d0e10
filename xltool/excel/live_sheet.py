"""Changes to a live sheet that leave nothing behind: protection put back, text kept text, marks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING

from xltool.errors import XltoolError
from xltool.excel.one_press import PressJournal
from xltool.excel.session import busy
from xltool.xlsx.grid import Sheet
from xltool.xlsx.package import Package, parse_xml

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
    attributes: dict[str, str] = {}

    def start(tag: str, a: dict[str, str]) -> None:
        if tag == "sheetProtection" and _true(a.get("sheet", "0")):
            attributes.update(a)

    parse_xml(package.read(sheet.part), start)
    return attributes


def _true(text: str) -> bool:
    return text in ("1", "true")


def has_password(attributes: Mapping[str, str]) -> bool:
    return any(attributes.get(key) for key in _SECRETS)


@contextmanager
def unprotected(
    sheet: xw.Sheet, attributes: Mapping[str, str], journal: PressJournal
) -> Iterator[None]:
    """Take a sheet's protection off for the block and put the very same back,
    now or at the next press.

    Raises XltoolError where a password is needed.
    """
    if not attributes:
        yield
        return
    if has_password(attributes):
        raise XltoolError(f"工作表“{sheet.name}”设有保护密码，不能在表上做这个改动")
    before = dict(journal.traces.protections)
    journal.note(protections={**before, sheet.name: dict(attributes)})
    sheet.api.Unprotect()
    try:
        yield
    finally:
        protect(sheet, attributes)
        journal.note(protections=before)


@contextmanager
def noted(journal: PressJournal, protections: Mapping[str, Mapping[str, str]]) -> Iterator[None]:
    """Protected sheets that are written to in the block:
    were it cut off, it is known how they were."""
    before = dict(journal.traces.protections)
    journal.note(protections=before | {name: dict(a) for name, a in protections.items() if a})
    try:
        yield
    finally:
        journal.note(protections=before)


def protect(sheet: xw.Sheet, attributes: Mapping[str, str], **more: bool) -> None:
    """Protect a live sheet with the rights that its file says; `more` goes to Excel as it is."""
    rights = {
        allowed: True
        for locked, allowed in _RIGHTS.items()
        if not _true(attributes.get(locked, "1"))
    }
    sheet.api.Protect(
        DrawingObjects=_true(attributes.get("objects", "0")),
        Contents=True,
        Scenarios=_true(attributes.get("scenarios", "0")),
        **rights,
        **more,
    )


# What Excel would turn into a formula, a number, a date or a truth value when it is typed in.
_TYPED = re.compile(r"\s*(?:[-+=@'\d¥￥$(（.%#]|true\s*$|false\s*$)", re.IGNORECASE)


def as_text(text: str) -> str | None:
    """Text in the form in which a cell of an ordinary format takes it literally."""
    if not text:
        return None
    return f"'{text}" if _TYPED.match(text) else text


def write_texts(sheet: xw.Sheet, texts: Mapping[tuple[int, int], str]) -> None:
    """Write texts by (row, column), in blocks of neighbouring rows, one call each."""
    by_column = sorted(texts, key=lambda at: (at[1], at[0]))
    for _, run in groupby(
        enumerate(by_column), key=lambda pair: (pair[1][1], pair[1][0] - pair[0])
    ):
        places = [at for _, at in run]
        _write_block(sheet, places, [texts[at] for at in places])


def _write_block(sheet: xw.Sheet, places: list[tuple[int, int]], texts: list[str]) -> None:
    """Neighbouring cells of one column.
    A cell of the format of text (@) would keep the ' for text."""
    block = sheet.range(places[0], places[-1])
    plain = not any(_TYPED.match(text) for text in texts)
    form = "" if plain else block.number_format
    if form is None and len(places) > 1:  # not all the same
        for at, text in zip(places, texts, strict=True):
            _write_block(sheet, [at], [text])
        return
    literal = plain or form == "@"
    block.value = [[(text or None) if literal else as_text(text)] for text in texts]


def mark(
    sheet: xw.Sheet,
    texts: Mapping[tuple[int, int], str],
    attributes: Mapping[str, str],
    journal: PressJournal,
) -> bool:
    """Write marks beside the form, by (row, column), in two calls;
    whether its protection allows it."""
    if has_password(attributes):
        return False
    try:
        if attributes:
            # Closed to people as before, open to programs until the workbook is closed.
            protect(sheet, attributes, UserInterfaceOnly=True)
        write_texts(sheet, texts)
    except Exception as error:
        if busy(error):
            raise
        return _mark_unprotected(sheet, texts, attributes, journal)
    return True


def _mark_unprotected(
    sheet: xw.Sheet,
    texts: Mapping[tuple[int, int], str],
    attributes: Mapping[str, str],
    journal: PressJournal,
) -> bool:
    """The same in a program that knows no such protection; a shared workbook allows neither."""
    try:
        with unprotected(sheet, attributes, journal):
            write_texts(sheet, texts)
    except Exception as error:
        if busy(error):
            raise
        return False
    return True
