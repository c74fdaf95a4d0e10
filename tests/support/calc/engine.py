"""The product's engine with a person's answers prepared
and what is asked of the program counted."""

from typing import Any

from xltool.excel.hosts.libreoffice.bridge import Office, Refused
from xltool.excel.hosts.libreoffice.engine import App, LiveBook
from xltool.excel.hosts.libreoffice.object_model import AppApi


class PreparedDialogs:
    """Answers as a person would give them: `app.files`, `app.number`, `app.answer`."""

    def __init__(self, app: "CountedApp") -> None:
        self.app = app

    def message(self, text: str, title: str, buttons: str, *, wrong: bool) -> str:
        self.app.alerts.append(text)
        return "ok" if buttons == "ok" else self.app.answer

    def ask(self, prompt: str, title: str, default: str) -> str | None:
        self.app.asked_for = prompt
        return None if self.app.number is None else str(self.app.number)

    def open_file(self, title: str, kinds: str) -> str | None:
        return self._next()

    def save_file(self, title: str, name: str, kinds: str) -> str | None:
        self.app.proposed = name
        return self._next()

    def folder(self, title: str) -> str | None:
        return self._next()

    def _next(self) -> str | None:
        return str(self.app.files.pop(0)) if self.app.files else None


class CountedApi(AppApi):
    """With Excel's setting for macros, which Calc takes file by file."""

    @property
    def AutomationSecurity(self) -> int:
        return self.app.security

    @AutomationSecurity.setter
    def AutomationSecurity(self, value: int) -> None:
        self.app.security = value


class CountedApp(App):
    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self.dialogs = PreparedDialogs(self)  # type: ignore[assignment]
        self.hwnd = 4711
        self.prepare()

    def reset(self) -> None:
        for doc in self.office.documents:
            doc.close(True)
        self.prepare()

    def prepare(self) -> None:
        self.refusing: Exception | None = None
        self.calls: list[str] = []
        self.alerts: list[str] = []
        self.said: list[Any] = []
        self.files: list[Any] = []
        self.proposed = self.asked_for = ""
        self.number: int | None = 1
        self.protected_with: dict[str, Any] = {}
        self.lets_programs_in = True  # whether it knows UserInterfaceOnly
        self.open_to_programs = set()
        self.shared: set[str] = set()  # documents shared by several people, as Excel did it of old
        self.opened_with = 0
        self.answer = "yes"
        self.display_alerts = self.enable_events = True
        self.security = 1  # low, as automation has it unless told otherwise
        self.calculation = "automatic"  # Excel's own; Calc keeps it in each document

    @property
    def open_to_programs(self) -> set[tuple[str, str]]:
        return self._open if self.lets_programs_in else set()

    @open_to_programs.setter
    def open_to_programs(self, value: set[tuple[str, str]]) -> None:
        self._open = value

    @property
    def api(self) -> CountedApi:
        return CountedApi(self)

    @property
    def status_bar(self) -> Any:
        return self.said[-1] if self.said else False

    @status_bar.setter
    def status_bar(self, text: Any) -> None:
        self.said.append(text)

    def asked(self, what: str, given: Any = None, book: LiveBook | None = None) -> None:
        if self.refusing is not None:
            raise self.refusing
        self.calls.append(what)
        if what == "open":
            self.opened_with = self.security
        if what == "protect":
            self.protected_with = given
        if what in ("protect", "unprotect") and book is not None and book.mark in self.shared:
            raise Refused("protection cannot be changed in a shared workbook")
