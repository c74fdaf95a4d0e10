"""A LibreOffice in a real window, with the extension installed as a user installs it."""

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.support.calc.office import Office
from tests.support.paths import ROOT
from xltool.excel.hosts.libreoffice import addon
from xltool.excel.hosts.libreoffice.bridge import uno
from xltool.excel.one_press import StillRunning, one_press
from xltool.excel.ribbon import labels
from xltool.excel.session import TITLE

# unopkg will not work for root, as whom tests run in a container: there it works for nobody.
_FOR_ROOT = """#!/bin/sh
[ "$1" = add ] && chmod -R a+rX "$(dirname "$4")"
exec setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/tmp {unopkg} "$@"
"""
SECONDS = 60.0


def why_absent() -> str:
    """Why no window can be had here; empty where one can."""
    missing = [
        name for name in ("Xvfb", "unopkg", "xdotool", "import") if shutil.which(name) is None
    ]
    return f"{'、'.join(missing)} is not installed" if missing else ""


@contextmanager
def screen() -> Iterator[str]:
    """A display of its own, far from those that other tests are given."""
    for _ in range(5):
        display = f":{random.SystemRandom().randrange(200, 60000)}"
        # Without -noreset it starts anew, and lets nobody in meanwhile, when its last client has
        # gone.
        command = ["Xvfb", display, "-screen", "0", "1366x768x24", "-nolisten", "tcp", "-noreset"]
        server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        if _opens(display):
            break
        server.kill()
        server.wait()
    try:
        yield display
    finally:
        server.terminate()
        server.wait()


def _opens(display: str) -> bool:
    command = ["xdotool", "getdisplaygeometry"]
    for _ in range(60):
        asked = subprocess.run(
            command, env={**os.environ, "DISPLAY": display}, capture_output=True, check=False
        )
        if asked.returncode == 0:
            return True
        time.sleep(0.25)
    return False


def isolated_python(folder: Path) -> Path:
    """A Python that finds these sources even when it is started isolated (-I)."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    [packages] = folder.glob("lib/python3*/site-packages")
    known = [place for place in sys.path if place.endswith("site-packages")]
    (packages / "here.pth").write_text("\n".join([str(ROOT), *known]), "utf-8")
    return folder / "bin" / "python"


class DeskOffice(Office):
    """Shown on a display, with the extension in its profile."""

    def __init__(self, display: str, home: Path, monkeypatch: Any) -> None:
        super().__init__()
        self.display, self.home = display, home
        home.mkdir(parents=True)
        home.chmod(0o755)
        monkeypatch.delenv("APPDATA", raising=False)
        monkeypatch.setenv("HOME", str(home))
        self.python = isolated_python(home / "解释器")
        if os.geteuid() == 0:
            programs = home / "bin"
            programs.mkdir()
            wrapper = programs / "unopkg"
            wrapper.write_text(_FOR_ROOT.format(unopkg=shutil.which("unopkg")))
            wrapper.chmod(0o755)
            monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
            self.profile.chmod(0o777)
        addon.install(self.profile)
        (home / ".xltool" / "python.txt").write_bytes(f"{self.python}\r\n".encode("utf-16"))
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "0:0", str(self.profile)], check=True)

    def press(self, document: Any, button: str, times: int = 1) -> None:
        """Click this button on the toolbar of the document's window, with the mouse."""
        window = document.CurrentController.Frame.ContainerWindow
        window.toFront()
        self._click(window, next(one.label for one in labels() if one.id == button), times)

    def answer(self, title: str, label: str = "OK") -> str:
        """Click a button of the message of this title, once it is shown; what the message says."""
        until(lambda: self.messages(title), f"the message {title}")
        [message] = self.messages(title)
        until(lambda: _named(message, label), f"{label} of the message {title}")
        words = " ".join(one.getAccessibleName() for one in _parts(message))
        until(lambda: self._dismissed(title, label), f"the end of the message {title}")
        return words

    def _dismissed(self, title: str, label: str) -> bool:
        """Click once; whether the message is gone.
        A click while it is being laid out may miss it."""
        for message in self.messages(title):
            with suppress(Exception):  # it is closing
                self._click(message, label)
            time.sleep(0.5)
        return not self.messages(title)

    def settle(self, document: Any) -> None:
        """Wait for the end of all clicks before: they are taken in their order, this one last."""
        while not self.messages(TITLE):
            until(self.idle, "the end of what works")
            self.press(document, "about")
            with suppress(AssertionError):  # it was refused, for another one was at work
                until(lambda: self.messages(TITLE), "the message of about", 10)
        self.answer(TITLE)

    def messages(self, title: str) -> list[Any]:
        """The windows of this title that are shown."""
        toolkit = self.service("com.sun.star.awt.Toolkit")
        windows = [toolkit.getTopWindow(n) for n in range(toolkit.getTopWindowCount())]
        return [window for window in windows if _is_called(window, title)]

    def _click(self, window: Any, label: str, times: int = 1) -> None:
        [button] = _named(window, label)
        place, size = button.getLocationOnScreen(), button.getSize()
        at = str(place.X + size.Width // 2), str(place.Y + size.Height // 2)
        handle = window.getWindowHandle(uno().ByteSequence(b""), _X11).WindowHandle
        self._mouse("mousemove", *at)
        # Windows lie upon each other: the click must not come before this one has come up.
        until(lambda: f"WINDOW={handle}" in self._mouse("getmouselocation", "--shell"), label)
        self._mouse("click", "--repeat", str(times), "--delay", "80", "1")

    def _mouse(self, *command: str) -> list[str]:
        done = subprocess.run(
            ["xdotool", *command],
            env={**os.environ, "DISPLAY": self.display},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.split()

    def press_and_wait(self, document: Any, button: str) -> None:
        """Press, and wait until the button has done its work."""
        began = set(self.steps())
        self.press(document, button)
        until(lambda: set(self.steps()) != began, f"{button} at work")
        until(self.idle, f"the end of {button}")

    def steps(self) -> list[Path]:
        """What is written down of the buttons that wrote into a document."""
        return sorted((self.home / ".xltool" / "undo").glob("*/*"))

    def idle(self) -> bool:
        """Whether no button is at work."""
        try:
            with one_press(self.key):
                return True
        except StillRunning:
            return False

    def picture(self, goal: Path) -> Path:
        command = ["import", "-display", self.display, "-window", "root", str(goal)]
        subprocess.run(command, check=True)
        return goal


def _is_called(window: Any, title: str) -> bool:
    """Whether this is the window's title; of one that closes meanwhile it is not any more."""
    with suppress(Exception):
        return any(one.getAccessibleName() == title for one in _context(window))
    return False


_X11 = 6  # com.sun.star.lang.SystemDependent
_BUTTON = 44  # com.sun.star.accessibility.AccessibleRole
# What has no button in it and much else: menus, the sheet itself.
_SKIPPED = (33, 34, 58)


def _context(part: Any) -> list[Any]:
    """What is told of a window or a part of one; of one that is closing, nothing."""
    context = part and part.getAccessibleContext()
    return [context] if context else []


def _parts(part: Any) -> Iterator[Any]:
    for context in _context(part):
        yield context
        if context.getAccessibleRole() not in _SKIPPED:
            for n in range(context.getAccessibleChildCount()):
                yield from _parts(context.getAccessibleChild(n))


def _named(window: Any, label: str) -> list[Any]:
    """The buttons of a window with this label, as what reads a screen aloud finds them."""
    return [
        part
        for part in _parts(window)
        if part.getAccessibleRole() == _BUTTON and part.getAccessibleName() == label
    ]


def until(condition: Callable[[], Any], what: str, seconds: float = SECONDS) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"never came: {what}"
        time.sleep(0.05)
