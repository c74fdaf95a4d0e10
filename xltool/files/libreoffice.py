"""LibreOffice as a converter: one process for many files, alone with a profile of its own.

The profile runs no macro, follows no link, updates nothing and asks nothing, for received files are
opened with it too.
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

_PLACES = (
    r"C:\Program Files\LibreOffice\program\soffice.com",
    r"C:\Program Files (x86)\LibreOffice\program\soffice.com",
    "/Applications/LibreOffice.app/Contents/MacOS/soffice",
    "/opt/libreoffice/program/soffice",
)

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


def find_program() -> str | None:
    """LibreOffice's program, or None where there is none."""
    for name in ("soffice", "libreoffice"):
        if program := shutil.which(name):
            return program
    return next((place for place in _PLACES if Path(place).is_file()), None)


def run_office(program: str, files: Sequence[Path], folder: Path, to: str, timeout: float) -> str:
    """One process converts all files into `folder`; the last line it said where something is amiss.

    `to` is an extension with a filter behind it (`docx:MS Word 2007 XML`). What could not be
    converted is absent afterwards. Raises XltoolError where the program doesn't start.
    """
    with tempfile.TemporaryDirectory(prefix="xltool-office-", ignore_cleanup_errors=True) as name:
        profile = Path(name)
        (profile / "user").mkdir()
        (profile / "user" / "registrymodifications.xcu").write_text(_PROFILE, "utf-8")
        command = [
            program, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore", "--nologo",
            "--convert-to", to, "--outdir", str(folder.resolve()),
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
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            return f"{timeout:.0f} 秒内没有转完"
        finally:
            _end(process)
    lines = [line for line in output.splitlines() if line.strip()]
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
