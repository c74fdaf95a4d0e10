"""The add-in on the accountant's machine:
installed for one user, without admin rights, and examined.

Everything is a file of this user: the add-in in Excel's XLSTART folder and, beside xltool's log,
`python.txt`, which tells the add-in's launcher which Python to start.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from xltool.errors import XltoolError
from xltool.files.atomic import writing

ADDIN = Path(__file__).with_name("xltool.xlam")


@dataclass(frozen=True, slots=True)
class Installed:
    """Where the parts of an installation stand for the user whose roaming folder is `appdata`."""

    appdata: Path

    @property
    def addin(self) -> Path:
        """A trusted location that Excel opens from at every start."""
        return self.appdata / "Microsoft" / "Excel" / "XLSTART" / "xltool.xlam"

    @property
    def interpreter(self) -> Path:
        return self.appdata / "xltool" / "python.txt"

    @property
    def log(self) -> Path:
        return self.appdata / "xltool" / "xltool.log"

    def interpreter_path(self) -> Path | None:
        """The Python that the launcher starts, None where nothing (readable) is written."""
        try:
            return Path(self.interpreter.read_text("utf-16").strip())
        except (OSError, UnicodeError):
            return None


def user() -> Installed:
    """This user's places. Raises XltoolError where there is no roaming folder (not Windows)."""
    appdata = os.environ.get("APPDATA")
    if not appdata:
        raise XltoolError("这台机器上没有 %APPDATA% 文件夹（不是 Windows），加载项没有地方安装")
    return Installed(Path(appdata))


def windowless_python() -> Path:
    """This Python, in the form that opens no console window where there is one."""
    python = Path(sys.executable)
    pythonw = python.with_name("pythonw.exe")
    return pythonw if pythonw.is_file() else python


def install() -> Installed:
    """Put the add-in into XLSTART and write down this Python for it.
    Installing again renews both."""
    place = user()
    with writing(place.interpreter, "wb", own=True) as file:
        # UTF-16 with a mark: the one encoding in which VBA reads any user name right.
        file.write(f"{windowless_python()}\r\n".encode("utf-16"))
    with writing(place.addin, "wb", own=True) as file:
        file.write(ADDIN.read_bytes())
    return place


def uninstall() -> list[Path]:
    """Take away what `install` put there; the files removed. The log stays."""
    place = user()
    removed = []
    for file in (place.addin, place.interpreter):
        try:
            file.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise XltoolError(f"删不了“{file}”：请先关闭 Excel 再试") from error
        removed.append(file)
    return removed
