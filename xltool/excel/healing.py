"""What a press that was cut off
(killed, the machine slept, Python fell over) left in the application."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from xltool.errors import XltoolError
from xltool.excel import undo
from xltool.excel.live_sheet import protect
from xltool.excel.one_press import Traces
from xltool.excel.session import BUSY, COPIES, ExcelSession, quiet

if TYPE_CHECKING:
    import xlwings as xw


def heal(session: ExcelSession) -> str:
    """Put back what the last press left undone; a sentence about it, empty where all was well."""
    left = session.journal.left()
    if left is None:
        return ""
    # Whatever can't be put back now stays written down for the next press.
    session.journal.traces = left
    with quiet(session, left.settings):
        message = _put_back(session, left)
    if session.journal.traces.settings:
        raise XltoolError(BUSY)
    session.journal.close()
    return message


def _put_back(session: ExcelSession, left: Traces) -> str:
    _close_copies(session)
    book = _book(session, left.book)
    message = f"上一次“{left.button}”中途断了，程序的设置已恢复" if left.button else ""
    if book is not None:
        book_session = ExcelSession(session.app, book, journal=session.journal)
        _protect_again(book_session, left)
        if left.step:
            untouched = undo.put_back(book_session, Path(left.step))
            message = f"上一次“{left.button}”中途断了，已恢复到按它以前的样子"
            if untouched:
                message += f"（{'、'.join(untouched[:5])}后来有改动，没有动）"
    return message


def _close_copies(session: ExcelSession) -> None:
    """Close the copies of our own that are still open."""
    home = str(Path(tempfile.gettempdir()) / COPIES)
    for book in list(session.app.books):
        with suppress(Exception):
            if str(book.fullname).startswith(home):
                book.close()


def _book(session: ExcelSession, fullname: str) -> xw.Book | None:
    return next(
        (book for book in session.app.books if fullname and str(book.api.FullName) == fullname),
        None,
    )


def _protect_again(session: ExcelSession, left: Traces) -> None:
    for name, attributes in left.protections.items():
        with suppress(Exception):
            protect(session.book.sheets[name], attributes)
    session.journal.note(protections={})
