"""What a press that was cut off (killed, the machine slept, Python fell over) left in the application."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from xltool.errors import XltoolError
from xltool.excel import undo
from xltool.excel.live_sheet import protect
from xltool.excel.one_press import Traces
from xltool.excel.session import BUSY, COPIES, ExcelSession, put_settings_back

if TYPE_CHECKING:
    import xlwings as xw


def heal(here: ExcelSession) -> str:
    """Put back what the last press left undone; a sentence about it, empty where all was well."""
    left = here.journal.left()
    if left is None:
        return ""
    # Whatever can't be put back now stays written down for the next press.
    here.journal.traces = left
    here.journal.note(settings=put_settings_back(here.app, left.settings))
    if here.journal.traces.settings:
        raise XltoolError(BUSY)
    _close_copies(here)
    book = _book(here, left.book)
    said = f"上一次“{left.button}”中途断了，程序的设置已恢复" if left.button else ""
    if book is not None:
        there = ExcelSession(here.app, book, journal=here.journal)
        _protect_again(there, left)
        if left.step:
            kept = undo.put_back(there, Path(left.step))
            said = f"上一次“{left.button}”中途断了，已恢复到按它以前的样子"
            if kept:
                said += f"（{'、'.join(kept[:5])}后来有改动，没有动）"
    here.journal.close()
    return said


def _close_copies(here: ExcelSession) -> None:
    """Close the copies of our own that are still open."""
    home = str(Path(tempfile.gettempdir()) / COPIES)
    for book in list(here.app.books):
        with suppress(Exception):
            if str(book.fullname).startswith(home):
                book.close()


def _book(here: ExcelSession, fullname: str) -> xw.Book | None:
    return next((b for b in here.app.books if fullname and str(b.api.FullName) == fullname), None)


def _protect_again(there: ExcelSession, left: Traces) -> None:
    for name, attributes in left.protections.items():
        with suppress(Exception):
            protect(there.book.sheets[name], attributes)
    there.journal.note(protections={})
