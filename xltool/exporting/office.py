"""Workbooks printed to PDF by LibreOffice: one process for many files, alone with its own profile.

Only workbooks that xltool itself has just written are opened here, never a received file. Even so
the profile runs no macro, follows no link and asks nothing.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from xltool.errors import XltoolError, why

MISSING = (
    "没有找到 LibreOffice（soffice），不能转成 PDF。请安装 LibreOffice；"
    "装了 Excel 的机器也可以用功能区的按钮导出 PDF"
)
# The files of one process: a crash costs no more than these a second try.
AT_ONCE = 400
_PLACES = (
    r"C:\Program Files\LibreOffice\program\soffice.com",
    r"C:\Program Files (x86)\LibreOffice\program\soffice.com",
    "/Applications/LibreOffice.app/Contents/MacOS/soffice",
    "/opt/libreoffice/program/soffice",
)
_STARTING, _EACH = 90.0, 5.0  # seconds

# Tagged, so that it can be read aloud and copied from.
_FILTER = 'pdf:calc_pdf_Export:{"UseTaggedPDF":{"type":"boolean","value":"true"}}'

_PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting">
 <prop oor:name="DisableMacrosExecution" oor:op="fuse"><value>true</value></prop>
 <prop oor:name="MacroSecurityLevel" oor:op="fuse"><value>3</value></prop>
 <prop oor:name="BlockUntrustedRefererLinks" oor:op="fuse"><value>true</value></prop>
</item>
<item oor:path="/org.openoffice.Office.Calc/Content/Update">
 <prop oor:name="Link" oor:op="fuse"><value>1</value></prop>
</item>
<item oor:path="/org.openoffice.Office.Common/Misc">
 <prop oor:name="FirstRun" oor:op="fuse"><value>false</value></prop>
</item>
</oor:items>
"""


def find_office() -> str:
    """LibreOffice's program. Raises XltoolError (one line) where there is none."""
    for name in ("soffice", "libreoffice"):
        if found := shutil.which(name):
            return found
    for place in _PLACES:
        if Path(place).is_file():
            return place
    raise XltoolError(MISSING)


def lacks_chinese() -> bool:
    """This machine surely has no Chinese font, so that a PDF would show empty boxes."""
    lister = shutil.which("fc-list")
    if lister is None:
        return False
    with suppress(OSError, subprocess.SubprocessError):
        listed = subprocess.run(
            [lister, ":lang=zh", "family"], capture_output=True, timeout=30, check=True
        )
        return not listed.stdout.strip()
    return False


def print_pdf(
    files: Sequence[Path], folder: Path, *, timeout: float | None = None
) -> dict[Path, Path]:
    """Each workbook as a PDF of the same stem in `folder`; what could not be printed is absent.

    The stems must differ. `timeout` is in seconds for one process. Raises XltoolError where
    LibreOffice is missing or prints nothing at all.
    """
    program = find_office()
    folder.mkdir(parents=True, exist_ok=True)
    made: dict[Path, Path] = {}
    for start in range(0, len(files), AT_ONCE):
        wanted = list(files[start : start + AT_ONCE])
        # Once more for what a crash in the middle has left over.
        for _ in range(2):
            said = _run(program, wanted, folder, timeout or _STARTING + _EACH * len(wanted))
            made |= {file: pdf for file in wanted if _whole(pdf := folder / f"{file.stem}.pdf")}
            wanted = [file for file in wanted if file not in made]
            if not wanted:
                break
        if not made:
            raise XltoolError(f"LibreOffice 没能转出 PDF：{said or '没有说明原因'}")
    return made


def _whole(pdf: Path) -> bool:
    """A PDF that was written to its end."""
    if not pdf.is_file():
        return False
    with pdf.open("rb") as file:
        file.seek(max(0, pdf.stat().st_size - 1024))
        return b"%%EOF" in file.read()


def _run(program: str, files: Sequence[Path], folder: Path, timeout: float) -> str:
    """One process over all files; the last line it said where something is amiss."""
    with tempfile.TemporaryDirectory(prefix="xltool-office-", ignore_cleanup_errors=True) as name:
        profile = Path(name)
        (profile / "user").mkdir()
        (profile / "user" / "registrymodifications.xcu").write_text(_PROFILE, "utf-8")
        command = [
            program, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore", "--nologo",
            "--convert-to", _FILTER, "--outdir", str(folder.resolve()),
            *(str(file.resolve()) for file in files),
        ]  # fmt: skip
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            raise XltoolError(f"LibreOffice 启动不了：{why(error)}") from error
        try:
            said, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            return f"{timeout:.0f} 秒内没有转完"
        finally:
            _end(process)
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""


def _end(process: subprocess.Popen[str]) -> None:
    """No LibreOffice stays behind: the program is a script that starts the real one."""
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        taskkill = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
        subprocess.run(taskkill, capture_output=True, check=False)
    else:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
