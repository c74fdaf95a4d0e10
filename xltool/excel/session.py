"""The workbook in front of the accountant, as xlwings gives it, and what may be done to it.

A workbook is read in one host call: Excel saves a copy of it as it stands, unsaved changes
included, and the ordinary reader reads the copy. So live and headless see the very same filing.
What is shown is made as a file as well, and its sheet is copied in, again in one call.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from xltool.errors import XltoolError
from xltool.excel.one_press import PressJournal
from xltool.files.filenames import TakenNames
from xltool.model import Filing
from xltool.xlsx.package import Package, Unreadable, open_package

if TYPE_CHECKING:
    import xlwings as xw

TITLE = "xltool 绩效目标"
# The workbooks that a button asks for, as Excel's windows want it: to be read, to be written.
WORKBOOKS_READ = "Excel 工作簿 (*.xlsx;*.xlsm),*.xlsx;*.xlsm"
WORKBOOKS_WRITTEN = "Excel 工作簿 (*.xlsx),*.xlsx"
# How long a message stays at the foot of the window, which shows it until told otherwise.
LINGER_SECONDS = 12.0
# Folders of copies that are open only while a button works.
COPIES = "xltool-"
# What Excel answers while a cell is being edited or a dialog is open.
_BUSY = {-2147418111, -2146777998}
BUSY = "Excel 正忙：请先结束单元格编辑、关掉对话框，再点一次"
_NOT_OURS = {"foreign": "这个工作簿不是由官方模板做的填报表", "unreadable": "这个工作簿读不了"}


def give_back_the_foot(app: Any) -> None:
    """Let the message at the foot of the window be read, then give the line back to the
    application unless something else stands there."""
    shown = app.status_bar
    time.sleep(LINGER_SECONDS)
    if app.status_bar == shown:
        app.status_bar = False


class ExcelSession:
    """One Excel and the workbook that a button works on.

    `journal` is there while a button works (`doing` is its name): what it changes is noted first.
    """

    def __init__(
        self,
        app: xw.App,
        book: xw.Book | None,
        *,
        journal: PressJournal | None = None,
        doing: str = "",
    ) -> None:
        self.app = app
        self._book = book
        self._journal = journal
        self.doing = doing

    def at_work(self, journal: PressJournal, doing: str) -> ExcelSession:
        """The same desk while a button works."""
        return ExcelSession(self.app, self._book, journal=journal, doing=doing)

    @property
    def journal(self) -> PressJournal:
        if self._journal is None:
            raise RuntimeError("no button is being pressed")
        return self._journal

    @property
    def application(self) -> str:
        """What tells this running application from every other one of this user."""
        return str(getattr(self.app.impl, "key", "") or f"excel-{self.app.pid}")

    @property
    def has_book(self) -> bool:
        return self._book is not None

    @property
    def book(self) -> xw.Book:
        if self._book is None:
            raise XltoolError("没有打开的工作簿（受保护的视图里的文件请先点“启用编辑”）")
        return self._book

    # ── reading ──────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def snapshot(self) -> Iterator[Path]:
        """The workbook as it stands now, as a file that is gone when the block ends."""
        # Excel opens no two workbooks of one name: ours have names that nobody else gives.
        name = "xltool-snapshot" + (Path(self.book.name).suffix or ".xlsx")
        with tempfile.TemporaryDirectory(prefix=COPIES, ignore_cleanup_errors=True) as folder:
            path = Path(folder) / name
            self.book.api.SaveCopyAs(str(path))
            yield path

    def read(self, path: Path) -> Filing:
        """The filing in a snapshot. Raises XltoolError where the workbook is none of ours."""
        from xltool.reading.reader import read

        filing = replace(read(path), source=self.source)
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
        return sheet in {sheet.name for sheet in self.book.sheets}

    @property
    def locked(self) -> bool:
        """Whether sheets can neither be added nor removed."""
        return bool(self.book.api.ProtectStructure)

    def open(self, path: Path) -> xw.Book:
        """A file as a further workbook, not listed among the recent files."""
        return self.app.books.open(str(path), update_links=False, add_to_mru=False)

    @contextmanager
    def opened(self, path: Path) -> Iterator[xw.Book]:
        """A copy of our own, open while the block lasts, for reading only."""
        book = self.app.books.open(str(path), update_links=False, read_only=True, add_to_mru=False)
        try:
            yield book
        finally:
            book.close()

    def bring(self, path: Path) -> None:
        """Copy all sheets of a file behind the last sheet of the workbook."""
        last = self.book.sheets[-1].api
        with self.opened(path) as book:
            book.api.Worksheets.Copy(Before=None, After=last)

    def set_property(self, name: str, value: str) -> None:
        """One of the workbook's own document properties, as text."""
        properties = self.book.api.CustomDocumentProperties
        with suppress(Exception):
            properties(name).Delete()
        if value:
            properties.Add(name, False, 4, value)

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

    def choose(self, question: str, options: Sequence[str]) -> int | None:
        """Which of these (from 0), None where the accountant thinks better of it;
        one alone is not asked."""
        if len(options) == 1:
            return 0
        listed = "\n".join(f"{number}  {option}" for number, option in enumerate(options, 1))
        answer = self.app.api.InputBox(
            Prompt=f"{question}（填序号）\n{listed}", Title=TITLE, Default=1, Type=1
        )
        if isinstance(answer, bool):
            return None
        if not 1 <= int(answer) <= len(options):
            raise XltoolError(f"没有序号 {int(answer)}")
        return int(answer) - 1

    def ask_file(self, title: str, kinds: str) -> Path | None:
        """A file to open, None where the accountant thinks better of it."""
        return _path(self.app.api.GetOpenFilename(kinds, 1, title))

    def ask_save(self, title: str, name: str, kinds: str) -> Path | None:
        """Where to write a file, None where the accountant thinks better of it.

        A name is proposed in the workbook's folder that nothing there has. A file that is there is
        replaced only when that is wanted, and never one that is open.
        """
        proposed = str(self.folder / _free(self.folder, name)) if self.folder else name
        place = _path(self.app.api.GetSaveAsFilename(proposed, kinds, 1, title))
        if place is None:
            return None
        place = _with_ending(place, kinds)
        if not place.exists():
            return place
        if any(_same(str(book.fullname), place) for book in self.app.books):
            raise XltoolError(f"“{place.name}”正开着，换一个名字，或者先把它关掉")
        question = f"“{place.name}”已经存在。要用新的换掉它吗？换掉后原来的内容找不回来。"
        return place if self.confirm(question) else None

    def ask_folder(self, title: str) -> Path | None:
        """An existing folder; None where the person thought better of it."""
        dialog = self.app.api.FileDialog(4)  # msoFileDialogFolderPicker
        dialog.Title = title
        return Path(dialog.SelectedItems(1)) if dialog.Show() else None

    @property
    def folder(self) -> Path | None:
        """Where the workbook lies, None where there is none or it was never saved."""
        if self._book is None:
            return None
        place = Path(self.source)
        return place.parent if place.is_absolute() else None

    @property
    def source(self) -> str:
        """The workbook's full name as Excel has it:
        a path, an address in a cloud, or just a name."""
        return str(self.book.api.FullName)


def _free(folder: Path, name: str) -> str:
    """The name, numbered where a file in the folder has it."""
    with suppress(OSError):
        taken = TakenNames(file.name for file in folder.iterdir())
        return taken.give(Path(name).stem, Path(name).suffix)
    return name


def _with_ending(place: Path, kinds: str) -> Path:
    """The place with the first of the kinds' endings where it was given none.

    Raises XltoolError where it was given another.
    """
    endings = [pattern.removeprefix("*") for pattern in kinds.split(",")[1::2]]
    if place.suffix.lower() in endings:
        return place
    if re.fullmatch(r"\.[A-Za-z]{2,4}\d?", place.suffix):
        raise XltoolError(f"只能存成 {'、'.join(endings)}：{place.name}")
    return place.with_name(place.name + endings[0])


def _same(fullname: str, place: Path) -> bool:
    with suppress(OSError):
        return Path(fullname).samefile(place)
    return False


def _path(answer: Any) -> Path | None:
    return Path(answer) if isinstance(answer, str) and answer else None


_FORCE_DISABLE = 3  # msoAutomationSecurityForceDisable
_QUIET: dict[str, Any] = {
    "screen_updating": False,
    "display_alerts": False,
    "enable_events": False,
    "AutomationSecurity": _FORCE_DISABLE,
}
# How long an application that is busy (a cell is being edited) is asked again for its settings.
_PATIENCE_SECONDS = 5.0


@contextmanager
def quiet(session: ExcelSession, former: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Nothing flickers, asks or reacts meanwhile, nor recalculates once `calculate_later` said so;
    all of it is put back whatever happens.

    `former` are the settings to put back that a press which was cut off had noted,
    where there was one.

    A copy of a received file may be opened, and automation would run its macros unasked: barred.
    """
    before: dict[str, Any] = {}
    for name in _QUIET:
        with suppress(Exception):  # Calc and WPS have not all of them
            before[name] = getattr(_owner(session.app, name), name)
    before |= former or {}
    session.journal.note(settings=before)
    try:
        for name, value in _QUIET.items():
            with suppress(Exception):
                if name in before:
                    setattr(_owner(session.app, name), name, value)
        yield
    finally:
        changed = session.journal.traces.settings
        session.journal.note(settings=put_settings_back(session.app, changed))


def calculate_later(session: ExcelSession) -> None:
    """Let nothing recalculate until the button has written all its cells.

    Not for buttons that only read: it is part of every open workbook, which would then count as
    changed. Calc keeps it in each document, so there it is left alone.
    """
    settings = session.journal.traces.settings
    with suppress(Exception):
        if "calculation" not in settings:
            session.journal.note(settings={**settings, "calculation": session.app.calculation})
        session.app.calculation = "manual"


def put_settings_back(app: xw.App, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Put the application's settings back; those that it still refuses after a while."""
    left = dict(settings)
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        for name, value in list(left.items()):
            try:
                setattr(_owner(app, name), name, value)
            except Exception as error:
                if busy(error):
                    continue
            del left[name]
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.2)


def _owner(app: xw.App, name: str) -> Any:
    """Who has this setting: what xlwings doesn't name, Excel itself has."""
    return app.api if name == "AutomationSecurity" else app


def attach(book: str = "", hwnd: int | None = None) -> ExcelSession:
    """The desk with this Excel window and workbook, or with the active ones.

    Raises XltoolError where no Excel is running or the workbook has been closed meanwhile.
    """
    app = _app(hwnd)
    if not book:
        return ExcelSession(app, _active(app))
    try:
        return ExcelSession(app, app.books[book])
    except (KeyError, LookupError) as error:
        raise XltoolError(f"工作簿“{book}”已经不在这个 Excel 里了") from error


def _active(app: xw.App) -> xw.Book | None:
    """The workbook in front; with nothing but hidden workbooks open there is none."""
    try:
        active = app.books.active if len(app.books) else None
    except KeyError:
        return None
    return active if active is not None and active.api is not None else None


def _app(hwnd: int | None) -> xw.App:
    import xlwings as xw

    _bounded()
    try:
        running = list(xw.apps)
    except Exception as error:  # no engine on this system
        raise XltoolError("这台机器上没有能连接的 Excel") from error
    for app in running:
        if app.hwnd == hwnd:
            return app
    current_app = _by_window(hwnd) or (running[0] if running else _by_name())
    if current_app is None:
        raise XltoolError("没有找到正在运行的 Excel：请先打开 Excel 和要用的工作簿")
    return current_app


def _by_window(hwnd: int | None) -> xw.App | None:
    """The Excel of a window that is not the front one of its process
    (each workbook has its own)."""
    if sys.platform != "win32" or not hwnd:
        return None
    import xlwings as xw
    from xlwings import _xlwindows

    with suppress(Exception):
        app = xw.App(impl=_xlwindows.App(xl=hwnd), add_book=False)
        len(app.books)
        return app
    return None


def _by_name() -> xw.App | None:
    """An Excel without any workbook has no window to find it by; WPS has other windows."""
    if sys.platform != "win32":
        return None
    import xlwings as xw
    from win32com.client import GetActiveObject
    from xlwings import _xlwindows

    for name in ("Excel.Application", "Ket.Application", "ET.Application"):
        with suppress(Exception):
            running = _xlwindows.COMRetryObjectWrapper(GetActiveObject(name))
            return xw.App(impl=_xlwindows.App(xl=running), add_book=False)
    return None


def _bounded() -> None:
    """xlwings repeats a refused call for ever;
    a cell that stays in edit mode must end in a sentence."""
    if sys.platform == "win32":
        from xlwings import _xlwindows

        _xlwindows.N_COM_ATTEMPTS = 500


def busy(error: Exception) -> bool:
    """Whether Excel only refused because a cell is being edited or a dialog is open."""
    return getattr(error, "hresult", None) in _BUSY
