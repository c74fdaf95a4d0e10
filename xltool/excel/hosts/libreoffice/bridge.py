"""UNO: where its Python part lies, and the way to a running office over a private pipe."""

from __future__ import annotations

import functools
import hashlib
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xltool.errors import XltoolError

_ASK_AGAIN_SECONDS = 2.0
# Where systems put `uno.py` when it is not in the Python that asks for it.
_HOMES = (
    "/usr/lib/python3/dist-packages",
    "/usr/lib64/libreoffice/program",
    "/usr/lib/libreoffice/program",
    "/opt/libreoffice/program",
)


def uno(home: str = "") -> Any:
    """The module `uno`, of the running Python's own minor version. Raises ImportError.

    `home` is the folder where it lies, if that is known. Of all that lies there, only `unohelper`
    is imported with it.
    """
    if "uno" in sys.modules:
        return sys.modules["uno"]
    error: ImportError | None = None
    for place in (home, "", *_HOMES):
        if place:
            sys.path.append(place)
        try:
            import uno as module
            import unohelper  # noqa: F401
        except ImportError as refused:
            error = refused
        else:
            return module
        finally:
            if place:
                sys.path.remove(place)
    raise error or ImportError("uno")


def why_absent() -> str:
    """Why this Python can't talk with LibreOffice; empty where it can."""
    try:
        uno()
    except ImportError as error:
        return f"没有与这个 Python 同版本的 python3-uno：{error}"
    return ""


def connect(
    pipe: str,
    seconds: float = 120.0,
    home: str = "",
    alive: Callable[[], bool] = lambda: True,
) -> Any:
    """The component context of the office that listens on this pipe, waited for while it is alive.

    Raises XltoolError where there is no UNO, or no office answers in time.
    """
    try:
        local = uno(home).getComponentContext()
    except ImportError as error:
        raise XltoolError(f"没有与这个 Python 同版本的 python3-uno：{error}") from error
    resolver = local.ServiceManager.createInstanceWithContext(
        "com.sun.star.bridge.UnoUrlResolver", local
    )
    end = time.monotonic() + seconds
    while True:
        try:
            return resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
        except Exception as error:
            if time.monotonic() > end or not alive():
                raise XltoolError("LibreOffice 没有回应") from error
            time.sleep(0.1)


def url(path: Path | str) -> str:
    return str(uno().systemPathToFileUrl(str(path)))


def system_path(address: str) -> str:
    """A file's path; any other address (of a server, of nothing yet) as it is."""
    return str(uno().fileUrlToSystemPath(address)) if address.startswith("file:") else address


def properties(**values: Any) -> tuple[Any, ...]:
    uno()
    from com.sun.star.beans import PropertyValue

    return tuple(PropertyValue(name, 0, value, 0) for name, value in values.items())


@functools.cache
def _turn_type() -> type:
    """The class of what the office calls back; its bases are there only with UNO."""
    uno()
    import unohelper
    from com.sun.star.awt import XCallback

    class Turn(unohelper.Base, XCallback):  # type: ignore[misc]
        def __init__(self, action: Callable[[], Any]) -> None:
            self.action = action
            self.over = threading.Event()
            self.result: Any = None
            self.error: Exception | None = None

        def notify(self, _: Any) -> None:
            try:
                self.result = self.action()
            except Exception as error:
                self.error = error
            self.over.set()

    return Turn


class Office:
    """A running office, as its context gives it."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self.desktop = self.service("com.sun.star.frame.Desktop")

    def service(self, name: str) -> Any:
        return self.context.ServiceManager.createInstanceWithContext(name, self.context)

    def load(self, path: Path | str, **options: Any) -> Any:
        """Open a file, its macros barred.
        Calc gives None where it can't: a lock file lies there."""
        settled = {"MacroExecutionMode": 0, "UpdateDocMode": 0, **options}
        document = self.desktop.loadComponentFromURL(url(path), "_blank", 0, properties(**settled))
        if document is None:
            raise FileNotFoundError(path)
        return document

    def in_turn(self, action: Callable[[], Any]) -> Any:
        """Do this in the thread that paints the office's windows, so that it can't paint meanwhile.

        UNO's calls lock the office each by itself, but `importSheet` forgets it: a window that is
        painted from half a sheet brings the whole office down. Raises what the action raises.
        """
        turn = _turn_type()(action)
        self.service("com.sun.star.awt.AsyncCallback").addCallback(turn, None)
        while not turn.over.wait(_ASK_AGAIN_SECONDS):
            self.desktop.getImplementationName()  # raises where the office has ended
        if turn.error is not None:
            raise turn.error
        return turn.result

    @property
    def documents(self) -> list[Any]:
        """The spreadsheets that are open now, in no particular order."""
        documents = []
        components = self.desktop.Components.createEnumeration()
        while components.hasMoreElements():
            component = components.nextElement()
            if is_spreadsheet(component):
                documents.append(component)
        return documents

    @property
    def key(self) -> str:
        """What tells this office from another one of this user: its profile."""
        profile = self.service("com.sun.star.util.PathSubstitution").getSubstituteVariableValue(
            "$(user)"
        )
        return f"libreoffice-{hashlib.sha256(profile.encode()).hexdigest()[:12]}"


def is_spreadsheet(component: Any) -> bool:
    supports = getattr(component, "supportsService", None)
    return bool(supports and supports("com.sun.star.sheet.SpreadsheetDocument"))


def in_python(kind: type) -> type:
    """A class whose methods raise Refused where UNO raises.

    An exception of UNO is no Python object to which a traceback could be tied,
    as every `with` does.
    """
    for name, member in list(vars(kind).items()):
        if isinstance(member, property):
            getter, setter = (
                accessor and _translated(accessor) for accessor in (member.fget, member.fset)
            )
            setattr(kind, name, property(getter, setter))
        elif callable(member) and name not in ("__init__", "__class__"):
            setattr(kind, name, _translated(member))
    return kind


def _translated(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def called(*positional: Any, **named: Any) -> Any:
        try:
            return method(*positional, **named)
        except Exception as error:
            if not hasattr(error, "typeName"):  # what UNO raises says of which type it is
                raise
            message = f"{error.typeName.rpartition('.')[2]}: {error}"
        raise Refused(message)

    return called


class Refused(Exception):
    """What the program won't do, with the number by which pywin32 tells refusals of Excel apart."""

    def __init__(self, text: str, hresult: int = -2146827284) -> None:
        super().__init__(text)
        self.hresult = hresult
