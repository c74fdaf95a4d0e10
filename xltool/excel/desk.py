"""The workbook in front of the accountant, as xlwings gives it, and what may be done to it.

A workbook is read in one host call: Excel saves a copy of it as it stands, unsaved changes
included, and the ordinary reader reads the copy. So live and headless see the very same filing.
What is shown is made as a file as well, and its sheet is copied in, again in one call.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xltool.model import Filing, XltoolError
from xltool.package import Package, Unreadable, open_package

if TYPE_CHECKING:
    import xlwings as xw

TITLE = "xltool 绩效目标"
# What Excel answers while a cell is being edited or a dialog is open.
_BUSY = {-2147418111, -2146777998}
_NOT_OURS = {"foreign": "这个工作簿不是由官方模板做的填报表", "unreadable": "这个工作簿读不了"}


class Desk:
    """One Excel and the workbook that a button works on."""

    def __init__(self, app: xw.App, book: xw.Book | None) -> None:
        self.app = app
        self._book = book

    @property
    def book(self) -> xw.Book:
        if self._book is None:
            raise XltoolError("没有打开的工作簿（受保护的视图里的文件请先点“启用编辑”）")
        return self._book

    # ── reading ──────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def snapshot(self) -> Iterator[Path]:
        """The workbook as it stands now, as a file that is gone when the block ends."""
        with tempfile.TemporaryDirectory(prefix="xltool-") as folder:
            path = Path(folder) / "snapshot.xlsx"
            self.book.api.SaveCopyAs(str(path))
            yield path

    def read(self, path: Path) -> Filing:
        """The filing in a snapshot. Raises XltoolError where the workbook is none of ours."""
        from xltool.reader import read

        filing = replace(read(path), source=self.book.fullname)
        for fault in filing.faults:
            if fault.kind in _NOT_OURS:
                raise XltoolError(f"{_NOT_OURS[fault.kind]}：{fault.detail}")
        return filing

    def package(self, path: Path) -> Package:
        """The parts of a snapshot."""
        try:
            return open_package(path)
        except Unreadable as error:
            raise XltoolError(f"这个工作簿读不了：{error}") from error

    # ── changing ─────────────────────────────────────────────────────────────────────────────

    def has(self, sheet: str) -> bool:
        return sheet in {s.name for s in self.book.sheets}

    @property
    def locked(self) -> bool:
        """Whether sheets can neither be added nor removed."""
        return bool(self.book.api.ProtectStructure)

    def open(self, path: Path) -> xw.Book:
        """A file as a further workbook, not listed among the recent files."""
        return self.app.books.open(str(path), update_links=False, add_to_mru=False)

    @contextmanager
    def opened(self, path: Path) -> Iterator[xw.Book]:
        """A file open while the block lasts."""
        book = self.open(path)
        try:
            yield book
        finally:
            book.close()

    def bring(self, path: Path) -> None:
        """Copy all sheets of a file behind the last sheet of the workbook."""
        last = self.book.sheets[-1].api
        with self.opened(path) as book:
            book.api.Worksheets.Copy(None, last)

    def go(self, sheet: xw.Sheet, cell: str | tuple[int, int] = "A1") -> None:
        """Bring a cell before the accountant's eyes."""
        self.app.api.Goto(sheet.range(cell).api)

    # ── talking ──────────────────────────────────────────────────────────────────────────────

    def say(self, text: str | None) -> None:
        """One line at the foot of the window; None gives the line back to Excel."""
        with suppress(Exception):
            self.app.status_bar = text or False

    def tell(self, text: str, *, wrong: bool = False) -> None:
        self.app.alert(text, TITLE, "ok", "critical" if wrong else "info")

    def confirm(self, question: str) -> bool:
        return self.app.alert(question, TITLE, "yes_no", "info") == "yes"

    def ask_file(self, title: str, kinds: str) -> Path | None:
        """A file to open, None where the accountant thinks better of it."""
        return _path(self.app.api.GetOpenFilename(kinds, 1, title))

    def ask_save(self, title: str, name: str, kinds: str) -> Path | None:
        return _path(self.app.api.GetSaveAsFilename(name, kinds, 1, title))

    def ask_folder(self, title: str) -> Path | None:
        dialog = self.app.api.FileDialog(4)  # msoFileDialogFolderPicker
        dialog.Title = title
        return Path(dialog.SelectedItems(1)) if dialog.Show() else None

    @property
    def folder(self) -> Path | None:
        """Where the workbook lies, None where it was never saved."""
        place = Path(self.book.fullname)
        return place.parent if place.is_absolute() else None


def _path(answer: Any) -> Path | None:
    return Path(answer) if isinstance(answer, str) and answer else None


@contextmanager
def quiet(app: xw.App, *, calculating: bool) -> Iterator[None]:
    """Nothing flickers, recalculates or asks meanwhile; all of it is put back whatever happens."""
    names = ["screen_updating", "display_alerts"] + (["calculation"] if calculating else [])
    before = {name: getattr(app, name) for name in names}
    try:
        for name in names:
            setattr(app, name, "manual" if name == "calculation" else False)
        yield
    finally:
        for name, value in before.items():
            with suppress(Exception):
                setattr(app, name, value)


def attach(book: str = "", hwnd: int | None = None) -> Desk:
    """The desk with this Excel window and workbook, or with the active ones.

    Raises XltoolError where no Excel is running or the workbook has been closed meanwhile.
    """
    app = _app(hwnd)
    if not book:
        return Desk(app, app.books.active if len(app.books) else None)
    try:
        return Desk(app, app.books[book])
    except (KeyError, LookupError) as error:
        raise XltoolError(f"工作簿“{book}”已经不在这个 Excel 里了") from error


def _app(hwnd: int | None) -> xw.App:
    import xlwings as xw

    try:
        running = list(xw.apps)
    except Exception as error:  # no engine on this system
        raise XltoolError("这台机器上没有能连接的 Excel") from error
    chosen = [app for app in running if hwnd is not None and app.hwnd == hwnd] or running[:1]
    if chosen:
        return chosen[0]
    wps = _wps()
    if wps is None:
        raise XltoolError("没有找到正在运行的 Excel：请先打开 Excel 和要用的工作簿")
    return wps


def _wps() -> xw.App | None:
    """WPS answers to the same calls under its own name; its windows are not found like Excel's."""
    if os.name != "nt":
        return None
    import xlwings as xw
    from win32com.client import GetActiveObject
    from xlwings import _xlwindows

    for name in ("Ket.Application", "ET.Application"):
        with suppress(Exception):
            return xw.App(impl=_xlwindows.App(xl=GetActiveObject(name)), add_book=False)
    return None


def busy(error: Exception) -> bool:
    """Whether Excel only refused because a cell is being edited or a dialog is open."""
    return getattr(error, "hresult", None) in _BUSY
