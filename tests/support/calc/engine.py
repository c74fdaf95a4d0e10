"""The xlwings engine over UNO. Every call that does work in the host is counted in `App.calls`.

Navigation (which app, which book, which sheet object) is not counted; what reads, writes, copies,
opens, protects, selects or lists is. Excel's rules are kept where Calc is laxer: a locked cell on
a protected sheet refuses (unless only people are kept out), typed text becomes numbers and formulas.
"""

import os
import re
from pathlib import Path
from typing import Any

from .com import AppApi, BookApi, BooksApi, ComError, RangeApi, SheetApi
from .office import Office, properties, url

XLSX = "Calc MS Excel 2007 XML"


class Engine:
    name = "calc"
    type = "desktop"

    def __init__(self, office: Office) -> None:
        self.apps = Apps()
        self.apps.running = [App(self, office)]

    @staticmethod
    def prepare_xl_data_element(x: Any, _options: Any) -> Any:
        return "" if x is None else x

    @staticmethod
    def clean_value_data(
        data: Any, _datetime: Any, empty_as: Any, _number: Any, _errors: Any
    ) -> Any:
        return [[empty_as if c in ("", None) else c for c in row] for row in data]


class Apps:
    running: list["App"]

    def __iter__(self) -> Any:
        return iter(self.running)

    def __len__(self) -> int:
        return len(self.running)

    def keys(self) -> list[int]:
        return [app.pid for app in self.running]

    def __getitem__(self, pid: int) -> "App":
        return next(app for app in self.running if app.pid == pid)


class App:
    """The running Calc. What a person would do at a dialog stands in `files` and `answer`."""

    def __init__(self, engine: Engine, office: Office) -> None:
        self.engine, self.office = engine, office
        self.pid, self.hwnd = os.getpid(), 4711
        self.open: list[Book] = []
        self.refusing: Exception | None = None
        self.calls: list[str] = []
        self.reset()

    def reset(self) -> None:
        self.refusing = None
        for book in list(self.open):
            book.close()
        self.calls = []
        self.alerts: list[str] = []
        self.said: list[Any] = []
        self.files: list[Any] = []
        self.proposed = self.asked = ""
        self.number: int | None = 1
        self.protected_with: dict[str, Any] = {}
        self.lets_programs_in = True  # whether it knows UserInterfaceOnly
        self.opened_with = 0
        self.answer = "yes"
        self.screen_updating = self.display_alerts = self.enable_events = True
        self.security = 1  # low, as automation has it unless told otherwise
        self.calculation = "automatic"

    def call(self, what: str) -> None:
        if self.refusing is not None:
            raise self.refusing
        self.calls.append(what)

    def alert(self, prompt: str, title: Any, buttons: str, mode: Any, callback: Any) -> str:
        self.alerts.append(prompt)
        return "ok" if buttons == "ok" else self.answer

    @property
    def books(self) -> "Books":
        return Books(self)

    @property
    def api(self) -> AppApi:
        return AppApi(self)

    @property
    def status_bar(self) -> Any:
        return self.said[-1] if self.said else False

    @status_bar.setter
    def status_bar(self, text: Any) -> None:
        self.said.append(text)

    @property
    def selection(self) -> "Range | None":
        self.call("selection")
        if not self.open:
            return None
        book = self.open[-1]
        place = book.doc.CurrentController.getSelection()
        if not hasattr(place, "getRangeAddress"):
            return None
        a = place.getRangeAddress()
        sheet = Sheet(book, book.doc.Sheets.getByIndex(a.Sheet))
        return Range(sheet, a.StartRow + 1, a.StartColumn + 1, a.EndRow + 1, a.EndColumn + 1)


class Books:
    def __init__(self, app: App) -> None:
        self.app = app

    @property
    def api(self) -> BooksApi:
        return BooksApi(self)

    @property
    def active(self) -> "Book":
        return self.app.open[-1]

    def __len__(self) -> int:
        return len(self.app.open)

    def __iter__(self) -> Any:
        return iter(list(self.app.open))

    def __call__(self, key: str | int) -> "Book":
        if isinstance(key, int):
            return self.app.open[key - 1]
        for book in self.app.open:
            if book.name == key:
                return book
        raise KeyError(key)

    def open(self, fullname: str, *_: Any, **__: Any) -> "Book":
        self.app.call("open")
        self.app.opened_with = self.app.security
        return Book(self.app, self.app.office.load(fullname), fullname)

    def from_template(self, template: str) -> "Book":
        """A new workbook that is not saved anywhere yet."""
        self.app.call("add")
        return Book(self.app, self.app.office.load(template, AsTemplate=True), "")


class Book:
    _unsaved = 0

    def __init__(self, app: App, doc: Any, fullname: str) -> None:
        self.app, self.doc = app, doc
        if not fullname:
            Book._unsaved += 1
            fullname = f"工作簿{Book._unsaved}"
        self.fullname = fullname
        self.open_to_programs: set[str] = set()
        self.shared = False  # among several people, as Excel did it of old
        app.open.append(self)

    @property
    def name(self) -> str:
        return Path(self.fullname).name

    @property
    def api(self) -> BookApi:
        return BookApi(self)

    @property
    def sheets(self) -> "Sheets":
        return Sheets(self)

    def activate(self) -> None:
        self.app.open.remove(self)
        self.app.open.append(self)

    def save(self, path: str | None = None, password: Any = None) -> None:
        self.app.call("save")
        self.fullname = path or self.fullname
        self.copy_to(self.fullname)

    def copy_to(self, path: str) -> None:
        self.doc.storeToURL(url(path), properties(FilterName=XLSX))

    def close(self) -> None:
        self.app.call("close")
        self.app.open.remove(self)
        self.doc.close(True)

    def to_pdf(self, path: str, quality: Any = None) -> None:
        self.app.call("to_pdf")
        self.doc.storeToURL(url(path), properties(FilterName="calc_pdf_Export"))

    def take(self, source: "Book", name: str, after: "Sheet", offset: int = 0) -> None:
        """A sheet of another workbook behind one of this workbook."""
        if self.doc.isProtected():
            raise ComError("the structure of the workbook is protected")
        index = [*self.doc.Sheets.ElementNames].index(after.name) + 1 + offset
        self.doc.Sheets.importSheet(source.doc, name, index)


class Sheets:
    def __init__(self, book: Book) -> None:
        self.book = book

    @property
    def active(self) -> "Sheet":
        return Sheet(self.book, self.book.doc.CurrentController.getActiveSheet())

    def __len__(self) -> int:
        return self.book.doc.Sheets.Count

    def __iter__(self) -> Any:
        self.book.app.call("list sheets")
        sheets = self.book.doc.Sheets
        return iter([Sheet(self.book, sheets.getByIndex(n)) for n in range(sheets.Count)])

    def __call__(self, key: str | int) -> "Sheet":
        sheets = self.book.doc.Sheets
        if isinstance(key, int):
            return Sheet(self.book, sheets.getByIndex(key - 1))
        if not sheets.hasByName(key):
            raise KeyError(key)
        return Sheet(self.book, sheets.getByName(key))


class Sheet:
    def __init__(self, book: Book, raw: Any) -> None:
        self.book, self.raw = book, raw

    @property
    def api(self) -> SheetApi:
        return SheetApi(self)

    @property
    def name(self) -> str:
        return self.raw.Name

    @name.setter
    def name(self, value: str) -> None:
        self.book.app.call("rename sheet")
        self.raw.Name = value

    @property
    def index(self) -> int:
        return [*self.book.doc.Sheets.ElementNames].index(self.name) + 1

    @property
    def visible(self) -> bool:
        return self.raw.IsVisible

    @visible.setter
    def visible(self, value: bool) -> None:
        self.book.app.call("show sheet")
        self.raw.IsVisible = value

    @property
    def names(self) -> "Names":
        return Names(self)

    def delete(self) -> None:
        self.book.app.call("delete sheet")
        if self.book.doc.isProtected():
            raise ComError("the structure of the workbook is protected")
        self.book.doc.Sheets.removeByName(self.name)

    def range(self, first: Any, second: Any = None) -> "Range":
        if isinstance(first, str):
            whole = re.fullmatch(r"(\d+):(\d+)", first)
            if whole:
                return Range(self, int(whole[1]), 1, int(whole[2]), 1024)
            a = self.raw.getCellRangeByName(first).getRangeAddress()
            return Range(self, a.StartRow + 1, a.StartColumn + 1, a.EndRow + 1, a.EndColumn + 1)
        second = second or first
        if isinstance(first, Range):
            return Range(self, first.top, first.left, second.bottom, second.right)
        return Range(self, *first, *second)

    @property
    def used_range(self) -> "Range":
        self.book.app.call("used range")
        cursor = self.raw.createCursor()
        cursor.gotoEndOfUsedArea(False)
        a = cursor.getRangeAddress()
        return Range(self, 1, 1, a.EndRow + 1, a.EndColumn + 1)


class Names:
    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet

    def __call__(self, name: str) -> "Name":
        return Name(self.sheet, self.sheet.raw.NamedRanges.getByName(name))


class Name:
    def __init__(self, sheet: Sheet, raw: Any) -> None:
        self.sheet, self.raw = sheet, raw

    @property
    def refers_to(self) -> str:
        return self.raw.Content

    @refers_to.setter
    def refers_to(self, value: str) -> None:
        self.sheet.book.app.call("name")
        where, _, area = value.removeprefix("=").rpartition("!")
        self.raw.setContent(f"${where}.{area}")


class Range:
    max_cells_per_read = max_cells_per_write = None

    def __init__(self, sheet: Sheet, top: int, left: int, bottom: int, right: int) -> None:
        self.sheet = sheet
        self.top, self.left, self.bottom, self.right = top, left, bottom, right

    @property
    def raw(self) -> Any:
        return self.sheet.raw.getCellRangeByPosition(
            self.left - 1, self.top - 1, self.right - 1, self.bottom - 1
        )

    def call(self, what: str) -> None:
        self.sheet.book.app.call(what)

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
    def address(self) -> str:
        return self.raw.AbsoluteName.rpartition(".")[2]

    def __call__(self, *place: int) -> "Range":
        row, column = place if len(place) == 2 else (1, place[0])
        return Range(self.sheet, *[self.top + row - 1, self.left + column - 1] * 2)

    @property
    def raw_value(self) -> Any:
        self.call("read")
        return [list(row) for row in self.raw.getDataArray()]

    @raw_value.setter
    def raw_value(self, value: Any) -> None:
        self.call("write")
        to_programs = self.sheet.name in self.sheet.book.open_to_programs
        if to_programs:
            self.sheet.raw.unprotect("")
        self._must_be_open()
        for r, row in enumerate(value if isinstance(value, list) else [[value]]):
            for c, one in enumerate(row):
                _type(self.raw.getCellByPosition(c, r), one)
        if to_programs:
            self.sheet.raw.protect("")

    def _must_be_open(self) -> None:
        if self.sheet.raw.isProtected():
            rows, columns = self.shape
            cells = [self.raw.getCellByPosition(c, r) for r in range(rows) for c in range(columns)]
            if any(cell.CellProtection.IsLocked for cell in cells):
                raise ComError("the cell is locked")

    def merge(self, across: bool) -> None:
        self.call("merge")
        if self.sheet.raw.isProtected():
            raise ComError("the sheet is protected")
        self.raw.merge(False)
        self.raw.merge(True)

    def insert(self, shift: str, copy_origin: Any = None) -> None:
        self.call("insert")
        assert self.right == 1024, "only whole rows"
        assert not self.sheet.raw.isProtected(), (
            "Calc tears merged cells apart where Excel extends them"
        )
        self.sheet.raw.Rows.insertByIndex(self.top - 1, self.bottom - self.top + 1)

    def delete(self, shift: str | None = None) -> None:
        self.call("delete")
        if self.sheet.raw.isProtected():
            raise ComError("the sheet is protected")
        self.sheet.raw.Rows.removeByIndex(self.top - 1, self.bottom - self.top + 1)


def _type(cell: Any, value: Any) -> None:
    """What Excel makes of a value that is put into a cell."""
    if not isinstance(value, str):
        cell.setValue(value)
    elif value.startswith("'"):
        cell.setString(value[1:])
    else:
        cell.setFormula(value)
