"""One running soffice for this process: its own profile, its own pipe."""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from xltool.excel.hosts.libreoffice import bridge


def why_absent() -> str:
    """Why no live Calc can be had here; empty where it can."""
    if shutil.which("soffice") is None:
        return "LibreOffice (soffice) is not installed"
    return bridge.why_absent()


def desktop_environment() -> dict[str, str]:
    """The environment of a desktop: no virtual environment is active.

    In one that is of another Python than its own,
    LibreOffice ends at once where it has an extension in Python.
    """
    places = os.environ["PATH"].split(os.pathsep)
    outside = [place for place in places if not Path(place).parent.joinpath("pyvenv.cfg").exists()]
    kept = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    return {**kept, "PATH": os.pathsep.join(outside)}


class Office(bridge.Office):
    """A soffice of its own. Leaving the block ends it and removes its profile."""

    display = ""  # where it shows its windows; without one it shows none

    def __init__(self) -> None:
        self.profile = Path(tempfile.mkdtemp(prefix="xltool-calc-"))

    def __enter__(self) -> "Office":
        self.pipe = f"xltool{os.getpid()}{self.profile.name[-4:]}"
        command = [
            "soffice", f"-env:UserInstallation={self.profile.as_uri()}", "--norestore", "--nologo",
            "--nodefault", f"--accept=pipe,name={self.pipe};urp;",
        ]  # fmt: skip
        if not self.display:
            command += ["--headless", "--invisible"]
        # A session of its own: `soffice` is a script, and the program it starts must end with it.
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**desktop_environment(), **({"DISPLAY": self.display} if self.display else {})},
        )
        try:
            super().__init__(bridge.connect(self.pipe, 180, alive=self._running))
        except BaseException:
            self._kill()
            raise
        return self

    def _running(self) -> bool:
        return self.process.poll() is None

    def __exit__(self, *_: object) -> None:
        # Asked from a thread: an office that shows a dialog never answers.
        asking = threading.Thread(target=self._terminate, daemon=True)
        asking.start()
        asking.join(20)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self._kill()
        shutil.rmtree(self.profile, ignore_errors=True)

    def _terminate(self) -> None:
        with suppress(Exception):
            self.desktop.terminate()

    @property
    def alive(self) -> bool:
        """Whether it still runs; one that is falling over gets a moment for it."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        return self.process.poll() is None

    def restart(self) -> None:
        self.__exit__()
        self.__enter__()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def load(self, path: Path | str, **options: Any) -> Any:
        return super().load(path, **options)
