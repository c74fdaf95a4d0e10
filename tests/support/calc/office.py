"""One running soffice for this process: its own profile, its own pipe."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

_DEBIAN = "/usr/lib/python3/dist-packages"


def why_absent() -> str:
    """Why no live Calc can be had here; empty where it can."""
    if shutil.which("soffice") is None:
        return "LibreOffice (soffice) is not installed"
    try:
        _uno()
    except ImportError as error:
        return f"python3-uno is missing or of another Python version: {error}"
    return ""


def _uno() -> Any:
    """UNO comes with the system's Python packages, of which nothing else may be found."""
    if "uno" not in sys.modules:
        sys.path.append(_DEBIAN)
        try:
            import uno
        finally:
            sys.path.remove(_DEBIAN)
    else:
        import uno
    return uno


def url(path: Path | str) -> str:
    return _uno().systemPathToFileUrl(str(path))


def properties(**values: Any) -> tuple[Any, ...]:
    from com.sun.star.beans import PropertyValue

    return tuple(PropertyValue(name, 0, value, 0) for name, value in values.items())


class Office:
    """A headless soffice. Leaving the block ends it and removes its profile."""

    def __enter__(self) -> "Office":
        uno = _uno()
        self.profile = Path(tempfile.mkdtemp(prefix="xltool-calc-"))
        pipe = f"xltool{os.getpid()}"
        command = [
            "soffice", f"-env:UserInstallation={self.profile.as_uri()}", "--headless", "--invisible",
            "--norestore", "--nologo", "--nodefault", f"--accept=pipe,name={pipe};urp;",
        ]  # fmt: skip
        # A session of its own: `soffice` is a script, and the program it starts must end with it.
        self.process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        local = uno.getComponentContext()
        resolver = local.ServiceManager.createInstanceWithContext(
            "com.sun.star.bridge.UnoUrlResolver", local
        )
        for _ in range(300):
            try:
                self.context = resolver.resolve(
                    f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext"
                )
                break
            except Exception:
                time.sleep(0.2)
        else:
            self._kill()
            raise RuntimeError("soffice did not answer within a minute")
        manager = self.context.ServiceManager
        self.desktop = manager.createInstanceWithContext("com.sun.star.frame.Desktop", self.context)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.desktop.terminate()
            self.process.wait(20)
        except Exception:
            self._kill()
        shutil.rmtree(self.profile, ignore_errors=True)

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
        """Open a file. Calc answers None where it can't, for instance while a lock file lies there."""
        document = self.desktop.loadComponentFromURL(url(path), "_blank", 0, properties(**options))
        if document is None:
            raise FileNotFoundError(path)
        return document
