"""Excel's own object model, as far as xltool reaches past xlwings'
(`.api`), over the Calc engine."""

from __future__ import annotations

from typing import Any

from xltool.excel.hosts.libreoffice.bridge import Refused, in_python


@in_python
class AppApi:
    def __init__(self, app: Any) -> None:
        self.app = app

    def Goto(self, destination: RangeApi) -> None:
        self.app.asked("go to")
        sheet = destination.range.sheet
        sheet.book.activate()
        controller = sheet.book.doc.CurrentController
        controller.setActiveSheet(sheet.raw)
        controller.select(destination.range.raw)

    def InputBox(self, Prompt: str, Title: str, Default: Any, Type: int) -> Any:
        answer = self.app.dialogs.ask(Prompt, Title, str(Default))
        if answer is None:
            return False
        return float(answer) if Type == 1 and answer.strip().isdigit() else answer

    def GetOpenFilename(self, kinds: str, index: int, title: str) -> Any:
        return self.app.dialogs.open_file(title, kinds) or False

    def GetSaveAsFilename(self, name: str, kinds: str, index: int, title: str) -> Any:
        return self.app.dialogs.save_file(title, name, kinds) or False

    def FileDialog(self, kind: int) -> FolderDialog:
        return FolderDialog(self.app)


@in_python
class FolderDialog:
    Title = ""
    chosen = ""

    def __init__(self, app: Any) -> None:
        self.app = app

    def Show(self) -> int:
        self.chosen = self.app.dialogs.folder(self.Title) or ""
        return -1 if self.chosen else 0

    def SelectedItems(self, index: int) -> str:
        return self.chosen


@in_python
class BooksApi:
    def __init__(self, books: Any) -> None:
        self.books = books

    def Add(self, template: str) -> Any:
        return self.books.from_template(template)


@in_python
class BookApi:
    def __init__(self, book: Any) -> None:
        self.book = book
        self.Worksheets = WorksheetsApi(book)
        self.CustomDocumentProperties = PropertiesApi(book)

    @property
    def FullName(self) -> str:
        return str(self.book.fullname)

    def Unprotect(self, password: str = "") -> None:
        self.book.asked("unprotect book")
        self.book.doc.unprotect(password)

    @property
    def ProtectStructure(self) -> bool:
        self.book.asked("locked?")
        return bool(self.book.doc.isProtected())

    def SaveCopyAs(self, path: str) -> None:
        self.book.asked("save copy")
        self.book.copy_to(path)

    @property
    def Saved(self) -> bool:
        return not self.book.doc.isModified()


@in_python
class PropertiesApi:
    def __init__(self, book: Any) -> None:
        self.book = book

    def Add(self, name: str, link: bool, kind: int, value: str) -> None:
        self.book.asked("property")
        bag = self.book.doc.DocumentProperties.UserDefinedProperties
        if bag.PropertySetInfo.hasPropertyByName(name):
            bag.removeProperty(name)
        bag.addProperty(name, 0x80, value)


@in_python
class WorksheetsApi:
    def __init__(self, book: Any) -> None:
        self.book = book

    def __call__(self, name: str) -> SheetApi:
        return SheetApi(self.book.sheets(name))

    def Copy(self, Before: Any, After: SheetApi) -> None:
        self.book.asked("copy sheets")
        for number, name in enumerate(self.book.doc.Sheets.ElementNames):
            After.sheet.book.take(self.book, name, After.sheet, number)


@in_python
class SheetApi:
    def __init__(self, sheet: Any) -> None:
        self.sheet = sheet

    def Copy(self, Before: SheetApi | None, After: SheetApi | None) -> None:
        self.sheet.book.asked("copy sheet")
        other = Before or After
        if other is None:
            raise Refused("a sheet is copied before or after another one")
        neighbour = other.sheet
        neighbour.book.take(self.sheet.book, self.sheet.name, neighbour, -1 if Before else 0)

    def Unprotect(self, password: str = "") -> None:
        self.sheet.book.asked("unprotect")
        self.sheet.open_to_programs = False
        self.sheet.raw.unprotect(password)
        if self.sheet.raw.isProtected():
            raise Refused("the sheet has a password")

    def Protect(self, UserInterfaceOnly: bool = False, **rights: Any) -> None:
        # Calc keeps the rights of a sheet that was protected before; it can't be given others.
        self.sheet.book.asked("protect", rights)
        self.sheet.raw.protect("")
        if UserInterfaceOnly:
            self.sheet.open_to_programs = True


@in_python
class RangeApi:
    def __init__(self, range_: Any) -> None:
        self.range = range_

    @property
    def Locked(self) -> bool:
        return any(cell.CellProtection.IsLocked for cell in self.range.cells)

    @Locked.setter
    def Locked(self, value: bool) -> None:
        self.range.sheet.book.asked("lock")
        self.range.unlock(value)
