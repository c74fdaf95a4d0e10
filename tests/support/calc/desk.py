"""A LibreOffice in a real window, with the extension installed as a user installs it."""

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.calc.office import Office
from tests.support.paths import ROOT
from xltool.excel.hosts.libreoffice import addon
from xltool.excel.one_press import StillRunning, one_press

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
        server = subprocess.Popen(
            ["Xvfb", display, "-screen", "0", "1366x768x24", "-nolisten", "tcp"],
            stderr=subprocess.DEVNULL,
        )
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

    def press(self, document: Any, button: str) -> None:
        """What a click on the toolbar dispatches, in this document's window."""
        helper = self.service("com.sun.star.frame.DispatchHelper")
        helper.executeDispatch(document.CurrentController.Frame, f"xltool:{button}", "", 0, ())

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

    def keys(self, *keys: str) -> None:
        environment = {**os.environ, "DISPLAY": self.display, "LC_ALL": "C.UTF-8"}
        subprocess.run(["xdotool", "key", *keys], env=environment, check=True)

    def shows(self, title: str) -> bool:
        """Whether a window of this title is there; of Chinese, xdotool tells the letters before it."""
        plain = title.encode("ascii", "ignore").decode()
        return any(one.startswith(plain) for one in self.windows())

    def windows(self) -> list[str]:
        """The titles of all windows that are shown."""
        environment = {**os.environ, "DISPLAY": self.display, "LC_ALL": "C.UTF-8"}
        command = ["xdotool", "search", "--onlyvisible", "--name", ""]
        found = subprocess.run(command, env=environment, capture_output=True, text=True).stdout
        return [
            subprocess.run(
                ["xdotool", "getwindowname", one], env=environment, capture_output=True, text=True
            ).stdout.strip()
            for one in found.split()
        ]


def until(condition: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, f"never came: {what}"
        time.sleep(0.05)
