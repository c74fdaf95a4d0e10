"""The xlwings engine over UNO.

Navigation (which app, which book, which sheet object) is free; what reads, writes, copies, opens,
protects, selects or lists goes through `App.asked`, which tests and the log listen to. Excel's
rules are kept where Calc is laxer: a locked cell on a protected sheet refuses (unless only people
are kept out), typed text becomes numbers and formulas.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from xltool.excel.hosts.libreoffice.bridge import (
    Office,
    Refused,
    in_python,
    is_spreadsheet,
    properties,
    system_path,
    url,
)
from xltool.excel.hosts.libreoffice.dialogs import Dialogs
from xltool.excel.hosts.libreoffice.object_model import (
    AppApi,
    BookApi,
    BooksApi,
    RangeApi,
    SheetApi,
)

_FILTERS = {
    ".xlsx": "Calc MS Excel 2007 XML",
    ".xlsm": "Calc MS Excel 2007 VBA XML",
    ".ods": "calc8",
    ".pdf": "calc_pdf_Export",
}
_LAST_COLUMN = 1024
_log = logging.getLogger(__name__)


class Engine:
    name = "libreoffice"
    type = "desktop"

    def __init__(self, app: App) -> None:
        self.apps = Apps(app)
        app.engine = self

    @staticmethod
    def prepare_xl_data_element(x: Any, _options: Any) -> Any:
        return "" if x is None else x

    @staticmethod
    def clean_value_data(
        data: Any, _datetime: Any, empty_as: Any, _number: Any, _errors: Any
    ) -> Any:
        return [[empty_as if cell in ("", None) else cell for cell in row] for row in data]


def use(office: Office) -> App:
    """Make this office the one that xlwings speaks with in this process."""
    import xlwings as xw

    app = App(office)
    xw.engines.add(xw.Engine(impl=Engine(app)))
    xw.engines[Engine.name].activate()
    return app


class Apps:
    def __init__(self, app: App) -> None:
        self.running = [app]

    def __iter__(self) -> Iterator[App]:
        return iter(self.running)

    def __len__(self) -> int:
        return len(self.running)

    def keys(self) -> list[int]:
        return [app.pid for app in self.running]

    def __getitem__(self, pid: int) -> App:
        return next(app for app in self.running if app.pid == pid)


@in_python
class App:
    """The running office. `open_to_programs` are sheets protected against people only."""

    engine: Engine
    hwnd = 0

    def __init__(self, office: Office) -> None:
        self.office = office
        self.key = office.key
        self.pid = int(self.key.rpartition("-")[2][:7], 16)
        self.dialogs = Dialogs(office)
        self.open_to_programs: set[tuple[str, str]] = set()
        self._foot: Any = None
        self._said: Any = False
        self.display_alerts = self.enable_events = True

    def asked(self, what: str, given: Any = None, book: LiveBook | None = None) -> None:
        """Something is about to be done in the program."""
        _log.debug("%s %s", what, book.name if book else "")

    def alert(self, prompt: str, title: Any, buttons: str, mode: Any, callback: Any) -> str:
        return self.dialogs.message(prompt, str(title or ""), buttons, wrong=mode == "critical")

    @property
    def books(self) -> Books:
        return Books(self)

    @property
    def api(self) -> AppApi:
        return AppApi(self)

    # ── settings ─────────────────────────────────────────────────────────────────────────────

    @property
    def screen_updating(self) -> bool:
        return not any(doc.hasControllersLocked() for doc in self.office.documents)

    @screen_updating.setter
    def screen_updating(self, on: bool) -> None:
        for doc in self.office.documents:
            if not on:
                doc.lockControllers()
            while on and doc.hasControllersLocked():
                doc.unlockControllers()

    @property
    def status_bar(self) -> Any:
        return self._said

    @status_bar.setter
    def status_bar(self, text: Any) -> None:
        self._said = text
        if self._foot is not None:
            with suppress(Exception):
                self._foot.end()
            self._foot = None
        frame = self.office.desktop.getCurrentFrame()
        if text and frame is not None:
            self._foot = frame.createStatusIndicator()
            self._foot.start(str(text), 0)

    @property
    def selection(self) -> Range | None:
        self.asked("selection")
        book = self.books.front
        if book is None or book.doc.CurrentController is None:
            return None
        place = book.doc.CurrentController.getSelection()
        if not hasattr(place, "getRangeAddress"):
            return None
        a = place.getRangeAddress()
        sheet = LiveSheet(book, book.doc.Sheets.getByIndex(a.Sheet))
        return Range(sheet, a.StartRow + 1, a.StartColumn + 1, a.EndRow + 1, a.EndColumn + 1)


@in_python
class Books:
    """The documents that are open at this moment, in no particular order."""

    def __init__(self, app: App) -> None:
        self.app = app

    @property
    def api(self) -> BooksApi:
        return BooksApi(self)

    @property
    def front(self) -> LiveBook | None:
        """The document in front; where that is none of the spreadsheets, the first of them."""
        doc = self.app.office.desktop.getCurrentComponent()
        if doc is not None and is_spreadsheet(doc):
            return LiveBook(self.app, doc)
        return next((book for book in self if not book.unseen), None)

    @property
    def active(self) -> LiveBook:
        front = self.front
        if front is None:
            raise KeyError("no document is open")
        return front

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __iter__(self) -> Iterator[LiveBook]:
        return iter([LiveBook(self.app, doc) for doc in self.app.office.documents])

    def __call__(self, key: str | int) -> LiveBook:
        books = list(self)
        if isinstance(key, int):
            return books[key - 1]
        # A document's own mark first: two files of one name may be open.
        for book in books:
            if book.mark == key:
                return book
        for book in books:
            if book.name == key:
                return book
        raise KeyError(key)

    def open(self, fullname: str, _links: Any = None, read_only: Any = None, *_: Any) -> LiveBook:
        """Open a file; one opened for reading only is not shown (our own copies)."""
        self.app.asked("open")
        options = {"Hidden": True} if read_only else {}
        return LiveBook(self.app, self.app.office.load(fullname, **options))

    def from_template(self, template: str) -> LiveBook:
        """A new workbook that is not saved anywhere yet."""
        self.app.asked("add")
        return LiveBook(self.app, self.app.office.load(template, AsTemplate=True))


@in_python
class LiveBook:
    def __init__(self, app: App, doc: Any) -> None:
        self.app, self.doc = app, doc

    def asked(self, what: str, given: Any = None) -> None:
        self.app.asked(what, given, self)

    @property
    def mark(self) -> str:
        """What tells this open document from every other one."""
        return str(self.doc.RuntimeUID)

    @property
    def unseen(self) -> bool:
        return any(argument.Name == "Hidden" and argument.Value for argument in self.doc.getArgs())

    @property
    def fullname(self) -> str:
        return system_path(self.doc.URL) or str(self.doc.Title)

    @property
    def name(self) -> str:
        return Path(self.fullname).name

    @property
    def api(self) -> BookApi:
        return BookApi(self)

    @property
    def sheets(self) -> Sheets:
        return Sheets(self)

    def activate(self) -> None:
        self.doc.CurrentController.Frame.activate()

    def save(self, path: str | None = None, password: Any = None) -> None:
        self.asked("save")
        if path is None:
            self.doc.store()
        else:
            self.doc.storeAsURL(url(path), properties(FilterName=_filter(path)))

    def copy_to(self, path: str) -> None:
        self.doc.storeToURL(url(path), properties(FilterName=_filter(path)))

    def close(self) -> None:
        self.asked("close")
        self.app.open_to_programs = {
            sheet for sheet in self.app.open_to_programs if sheet[0] != self.mark
        }
        self.doc.close(True)

    def to_pdf(self, path: str, quality: Any = None) -> None:
        self.asked("to_pdf")
        self.doc.storeToURL(url(path), properties(FilterName=_FILTERS[".pdf"]))

    def take(self, source: LiveBook, name: str, after: LiveSheet, offset: int = 0) -> None:
        """A sheet of another workbook behind one of this workbook."""
        if self.doc.isProtected():
            raise Refused("the structure of the workbook is protected")
        index = [*self.doc.Sheets.ElementNames].index(after.name) + 1 + offset
        sheets = self.doc.Sheets
        self.app.office.in_turn(lambda: sheets.importSheet(source.doc, name, index))


def _filter(path: str) -> str:
    return _FILTERS.get(Path(path).suffix.lower(), _FILTERS[".xlsx"])


@in_python
class Sheets:
    def __init__(self, book: LiveBook) -> None:
        self.book = book

    @property
    def active(self) -> LiveSheet:
        return LiveSheet(self.book, self.book.doc.CurrentController.getActiveSheet())

    def __len__(self) -> int:
        return int(self.book.doc.Sheets.Count)

    def __iter__(self) -> Iterator[LiveSheet]:
        self.book.asked("list sheets")
        sheets = self.book.doc.Sheets
        return iter([LiveSheet(self.book, sheets.getByIndex(n)) for n in range(sheets.Count)])

    def __call__(self, key: str | int) -> LiveSheet:
        sheets = self.book.doc.Sheets
        if isinstance(key, int):
            return LiveSheet(self.book, sheets.getByIndex(key - 1))
        if not sheets.hasByName(key):
            raise KeyError(key)
        return LiveSheet(self.book, sheets.getByName(key))


@in_python
class LiveSheet:
    def __init__(self, book: LiveBook, raw: Any) -> None:
        self.book, self.raw = book, raw

    @property
    def api(self) -> SheetApi:
        return SheetApi(self)

    @property
    def name(self) -> str:
        return str(self.raw.Name)

    @name.setter
    def name(self, value: str) -> None:
        self.book.asked("rename sheet")
        self.raw.Name = value

    @property
    def index(self) -> int:
        return [*self.book.doc.Sheets.ElementNames].index(self.name) + 1

    @property
    def visible(self) -> bool:
        return bool(self.raw.IsVisible)

    @visible.setter
    def visible(self, value: bool) -> None:
        self.book.asked("show sheet")
        self.raw.IsVisible = value

    @property
    def open_to_programs(self) -> bool:
        return (self.book.mark, self.name) in self.book.app.open_to_programs

    @open_to_programs.setter
    def open_to_programs(self, value: bool) -> None:
        open_sheets, own = self.book.app.open_to_programs, (self.book.mark, self.name)
        (open_sheets.add if value else open_sheets.discard)(own)

    @property
    def names(self) -> Names:
        return Names(self)

    def delete(self) -> None:
        self.book.asked("delete sheet")
        if self.book.doc.isProtected():
            raise Refused("the structure of the workbook is protected")
        self.book.doc.Sheets.removeByName(self.name)

    def range(self, first: Any, second: Any = None) -> Range:
        if isinstance(first, str):
            whole = re.fullmatch(r"(\d+):(\d+)", first)
            if whole:
                return Range(self, int(whole[1]), 1, int(whole[2]), _LAST_COLUMN)
            a = self.raw.getCellRangeByName(first).getRangeAddress()
            return Range(self, a.StartRow + 1, a.StartColumn + 1, a.EndRow + 1, a.EndColumn + 1)
        second = second or first
        if isinstance(first, Range):
            return Range(self, first.top, first.left, second.bottom, second.right)
        return Range(self, *first, *second)

    @property
    def used_range(self) -> Range:
        self.book.asked("used range")
        cursor = self.raw.createCursor()
        cursor.gotoEndOfUsedArea(False)
        a = cursor.getRangeAddress()
        return Range(self, 1, 1, a.EndRow + 1, a.EndColumn + 1)


@in_python
class Names:
    def __init__(self, sheet: LiveSheet) -> None:
        self.sheet = sheet

    def __call__(self, name: str) -> LiveName:
        return LiveName(self.sheet, self.sheet.raw.NamedRanges.getByName(name))


@in_python
class LiveName:
    def __init__(self, sheet: LiveSheet, raw: Any) -> None:
        self.sheet, self.raw = sheet, raw

    @property
    def refers_to(self) -> str:
        return str(self.raw.Content)

    @refers_to.setter
    def refers_to(self, value: str) -> None:
        self.sheet.book.asked("name")
        where, _, area = value.removeprefix("=").rpartition("!")
        self.raw.setContent(f"${where}.{area}")


@in_python
class Range:
    max_cells_per_read = max_cells_per_write = None

    def __init__(self, sheet: LiveSheet, top: int, left: int, bottom: int, right: int) -> None:
        self.sheet = sheet
        self.top, self.left, self.bottom, self.right = top, left, bottom, right

    @property
    def raw(self) -> Any:
        return self.sheet.raw.getCellRangeByPosition(
            self.left - 1, self.top - 1, self.right - 1, self.bottom - 1
        )

    def asked(self, what: str) -> None:
        self.sheet.book.asked(what)

    @property
    def api(self) -> RangeApi:
        return RangeApi(self)

    @property
    def row(self) -> int:
        return self.top

    @property
    def column(self) -> int:
        return self.left

    @property
    def shape(self) -> tuple[int, int]:
        return self.bottom - self.top + 1, self.right - self.left + 1

    @property
    def cells(self) -> list[Any]:
        rows, columns = self.shape
        raw = self.raw
        return [raw.getCellByPosition(c, r) for r in range(rows) for c in range(columns)]

    @property
    def address(self) -> str:
        return str(self.raw.AbsoluteName).rpartition(".")[2]

    def __call__(self, *place: int) -> Range:
        row, column = place if len(place) == 2 else (1, place[0])
        at = (self.top + row - 1, self.left + column - 1)
        return Range(self.sheet, *at, *at)

    @property
    def raw_value(self) -> Any:
        self.asked("read")
        return [list(row) for row in self.raw.getDataArray()]

    @raw_value.setter
    def raw_value(self, value: Any) -> None:
        self.asked("write")
        closed = self.sheet.raw.isProtected()
        if closed and self.sheet.open_to_programs:
            self.sheet.raw.unprotect("")
        elif closed and any(cell.CellProtection.IsLocked for cell in self.cells):
            raise Refused("the cell is locked")
        raw = self.raw
        try:
            for row_number, row in enumerate(value if isinstance(value, list) else [[value]]):
                for column_number, content in enumerate(row):
                    self._type(raw.getCellByPosition(column_number, row_number), content)
        finally:
            if closed and not self.sheet.raw.isProtected():
                self.sheet.raw.protect("")

    @property
    def formula(self) -> Any:
        self.asked("read")
        rows = [list(row) for row in self.raw.getFormulaArray()]
        return rows[0][0] if self.shape == (1, 1) else rows

    @formula.setter
    def formula(self, value: str) -> None:
        self.asked("write")
        self.raw.getCellByPosition(0, 0).setFormula(value)

    @property
    def number_format(self) -> str | None:
        """`@` where every cell has the format of text, None where only some have."""
        self.asked("read format")
        kinds = {self._takes_text(cell) for cell in self.cells}
        if len(kinds) != 1:
            return None
        return "@" if kinds == {True} else "General"

    def _type(self, cell: Any, value: Any) -> None:
        """What Excel makes of a value that is put into a cell."""
        if not isinstance(value, str):
            cell.setValue(value)
        elif self._takes_text(cell):
            cell.setString(value)
        elif value.startswith("'"):
            cell.setString(value[1:])
        else:
            cell.setFormula(value)

    def _takes_text(self, cell: Any) -> bool:
        """Whether the cell has the format of text (`@`), which takes everything as it is typed."""
        formats = self.sheet.book.doc.NumberFormats
        return bool(formats.getByKey(cell.NumberFormat).Type & 0x100)  # NumberFormat.TEXT

    def unlock(self, locked: bool) -> None:
        raw = self.raw
        protection = raw.getCellByPosition(0, 0).CellProtection
        protection.IsLocked = locked
        raw.CellProtection = protection

    def merge(self, across: bool) -> None:
        self.asked("merge")
        if self.sheet.raw.isProtected():
            raise Refused("the sheet is protected")
        self.raw.merge(False)
        self.raw.merge(True)

    def insert(self, shift: str, copy_origin: Any = None) -> None:
        self.asked("insert")
        self._whole_rows()
        self.sheet.raw.Rows.insertByIndex(self.top - 1, self.bottom - self.top + 1)

    def delete(self, shift: str | None = None) -> None:
        self.asked("delete")
        self._whole_rows()
        self.sheet.raw.Rows.removeByIndex(self.top - 1, self.bottom - self.top + 1)

    def _whole_rows(self) -> None:
        """Calc tears merged cells of a protected sheet apart where Excel extends them."""
        if self.right != _LAST_COLUMN or self.sheet.raw.isProtected():
            raise Refused("the sheet is protected")
