"""Pressing a button: the registry of the ribbon's functions, and everything around each of them.

Each is a Python function without arguments that returns one sentence. Called from anywhere (the
add-in's launcher, `xltool live`, the panel, a test) it works on the desk that is set, or on the
active workbook; a message shows while it runs, and an error is a sentence in Excel.
"""

from __future__ import annotations

import functools
import logging
import zipfile
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree

from xltool.errors import XltoolError
from xltool.excel.addin import ADDIN
from xltool.excel.one_press import StillRunning, one_press
from xltool.excel.places import log_file
from xltool.excel.session import BUSY, ExcelSession, attach, busy, quiet

Function = Callable[[], str]
_HOMES = ("filling", "rows", "reviewing", "undoing", "output", "helping")
_BUTTONS: dict[str, Function] = {}
_COMMANDS: dict[str, str] = {}
_desk: ContextVar[ExcelSession | None] = ContextVar("desk", default=None)


@dataclass(frozen=True, slots=True)
class Label:
    """A button as the ribbon shows it."""

    id: str
    group: str
    label: str
    tip: str


@functools.cache
def labels() -> tuple[Label, ...]:
    """The ribbon's buttons in order, read from the add-in's own ribbon part."""
    with zipfile.ZipFile(ADDIN) as package:
        root = ElementTree.fromstring(package.read("customUI/customUI14.xml"))
    space = "{http://schemas.microsoft.com/office/2009/07/customui}"
    return tuple(
        Label(b.get("id", ""), group.get("label", ""), b.get("label", ""), b.get("supertip", ""))
        for group in root.iter(f"{space}group")
        for b in group.iter(f"{space}button")
    )


def buttons() -> dict[str, Function]:
    """Every function of the ribbon by its button's id."""
    for home in _HOMES:
        import_module(f"xltool.excel.buttons.{home}")
    return dict(_BUTTONS)


def desk() -> ExcelSession:
    """The desk that the pressed button works on."""
    session = _desk.get()
    if session is None:
        raise RuntimeError("no button is being pressed")
    return session


def button(command: str = "") -> Callable[[Function], Function]:
    """Bind a function to the button of its name;
    `command` does the same where no program is open."""

    def bound(function: Function) -> Function:
        name = function.__name__

        @functools.wraps(function)
        def pressed() -> str:
            return _run(name, function)

        _BUTTONS[name], _COMMANDS[name] = pressed, command
        return pressed

    return bound


def commands() -> dict[str, str]:
    """Which command line does the same as a button; empty where that is only of use on a screen."""
    buttons()
    return dict(_COMMANDS)


def press(name: str, book: str = "", hwnd: int | None = None) -> str:
    """Press a button on this workbook of this Excel (default: the active ones); what it said.

    An error is shown in Excel and raised as XltoolError; only without any Excel it is raised alone.
    """
    function = buttons().get(name)
    if function is None:
        raise XltoolError(
            f"没有“{name}”这个按钮；有：{'、'.join(label.label for label in labels())}"
        )
    token = _desk.set(attach(book, hwnd))
    try:
        return function()
    finally:
        _desk.reset(token)


def _run(name: str, function: Function) -> str:
    session = _desk.get() or attach()
    label = next((label.label for label in labels() if label.id == name), name)
    try:
        with one_press(session.application) as journal:
            return _alone(session.at_work(journal, label), label, function)
    except StillRunning as error:
        # The press at work shows its own end: nothing to click away, nothing of it is touched.
        session.say(f"{label}：{error}")
        raise


def _alone(session: ExcelSession, label: str, function: Function) -> str:
    from xltool.excel.healing import heal

    token = _desk.set(session)
    try:
        session.say(f"{label}：请稍候……")
        healed = heal(session)
        session.journal.note(button=label, book=session.source if session.has_book else "")
        with quiet(session):
            message = function()
        session.say(f"{label}：{message.splitlines()[0]}" if message else None)
        if healed:
            session.tell(healed)
        return message
    except Exception as error:
        sentence = _sentence(label, error)
        session.say(f"{label}：{sentence}")
        session.tell(sentence, wrong=True)
        raise (error if isinstance(error, XltoolError) else XltoolError(sentence)) from error
    finally:
        _desk.reset(token)
        session.journal.end()


def _sentence(label: str, error: Exception) -> str:
    if isinstance(error, XltoolError):
        return str(error)
    if busy(error):
        return BUSY
    log = log_file()
    _logger(log).error("%s", label, exc_info=error)
    return f"“{label}”没有完成，工作簿里的内容请核对一下；详情记在 {log}"


def _plain_lines() -> logging.Formatter:
    from xltool.files.escape import lines_on_terminal

    class PlainLines(logging.Formatter):
        """Entries in which a received name steers no terminal."""

        def format(self, record: logging.LogRecord) -> str:
            return lines_on_terminal(super().format(record))

    return PlainLines("%(asctime)s %(message)s")


def _logger(log: Path) -> logging.Logger:
    from logging.handlers import RotatingFileHandler

    logger = logging.getLogger("xltool.excel")
    if not any(getattr(handler, "baseFilename", "") == str(log) for handler in logger.handlers):
        log.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            log, maxBytes=2**20, backupCount=1, encoding="utf-8", delay=True
        )
        handler.setFormatter(_plain_lines())
        logger.addHandler(handler)
        logger.propagate = False
    return logger
