"""Excel's own object model, as far as xltool reaches past xlwings' (`.api`), over the Calc engine."""

from typing import Any


class ComError(Exception):
    """What pywin32 raises when Excel refuses."""

    def __init__(self, text: str, hresult: int = -2146827284) -> None:
        super().__init__(text)
        self.hresult = hresult


class AppApi:
    def __init__(self, app: Any) -> None:
        self.app = app

    @property
    def AutomationSecurity(self) -> int:
        return self.app.security

    @AutomationSecurity.setter
    def AutomationSecurity(self, value: int) -> None:
        self.app.security = value

    def Goto(self, goal: "RangeApi") -> None:
        self.app.call("go to")
        sheet = goal.range.sheet
        sheet.book.activate()
        controller = sheet.book.doc.CurrentController
        controller.setActiveSheet(sheet.raw)
        controller.select(goal.range.raw)

    def InputBox(self, Prompt: str, Title: str, Default: int, Type: int) -> Any:
        assert Type == 1, "a number"
        self.app.asked = Prompt
        return float(self.app.number) if self.app.number else False

    def GetOpenFilename(self, kinds: str, index: int, title: str) -> Any:
        return str(self.app.files.pop(0)) if self.app.files else False

    def GetSaveAsFilename(self, name: str, kinds: str, index: int, title: str) -> Any:
        self.app.proposed = name
        return str(self.app.files.pop(0)) if self.app.files else False

    def FileDialog(self, kind: int) -> "FileDialog":
        return FileDialog(self.app)


class FileDialog:
    Title = ""

    def __init__(self, app: Any) -> None:
        self.app = app

    def Show(self) -> int:
        return -1 if self.app.files else 0

    def SelectedItems(self, index: int) -> str:
        return str(self.app.files.pop(0))


class BooksApi:
    def __init__(self, books: Any) -> None:
        self.books = books

    def Add(self, template: str) -> Any:
        return self.books.from_template(template)


class BookApi:
    def __init__(self, book: Any) -> None:
        self.book = book
        self.Worksheets = WorksheetsApi(book)
        self.CustomDocumentProperties = PropertiesApi(book)

    @property
    def FullName(self) -> str:
        return self.book.fullname

    def Unprotect(self, password: str = "") -> None:
        self.book.app.call("unprotect book")
        self.book.doc.unprotect(password)

    @property
    def ProtectStructure(self) -> bool:
        self.book.app.call("locked?")
        return self.book.doc.isProtected()

    def SaveCopyAs(self, path: str) -> None:
        self.book.app.call("save copy")
        self.book.copy_to(path)


class PropertiesApi:
    def __init__(self, book: Any) -> None:
        self.book = book

    def Add(self, name: str, link: bool, kind: int, value: str) -> None:
        self.book.app.call("property")
        self.book.doc.DocumentProperties.UserDefinedProperties.addProperty(name, 0x80, value)


class WorksheetsApi:
    def __init__(self, book: Any) -> None:
        self.book = book

    def __call__(self, name: str) -> "SheetApi":
        return SheetApi(self.book.sheets(name))

    def Copy(self, Before: Any, After: "SheetApi") -> None:
        self.book.app.call("copy sheets")
        for n, name in enumerate(self.book.doc.Sheets.ElementNames):
            After.sheet.book.take(self.book, name, After.sheet, n)


class SheetApi:
    def __init__(self, sheet: Any) -> None:
        self.sheet = sheet

    def Copy(self, Before: Any, After: "SheetApi") -> None:
        self.sheet.book.app.call("copy sheet")
        After.sheet.book.take(self.sheet.book, self.sheet.name, After.sheet)

    def _not_shared(self) -> None:
        if self.sheet.book.shared:
            raise ComError("protection cannot be changed in a shared workbook")

    def Unprotect(self, password: str = "") -> None:
        self.sheet.book.app.call("unprotect")
        self._not_shared()
        self.sheet.book.open_to_programs.discard(self.sheet.name)
        self.sheet.raw.unprotect(password)

    def Protect(self, UserInterfaceOnly: bool = False, **rights: Any) -> None:
        self.sheet.book.app.call("protect")
        self._not_shared()
        self.sheet.book.app.protected_with = rights
        self.sheet.raw.protect("")
        if UserInterfaceOnly and self.sheet.book.app.lets_programs_in:
            self.sheet.book.open_to_programs.add(self.sheet.name)


class RangeApi:
    def __init__(self, range_: Any) -> None:
        self.range = range_
