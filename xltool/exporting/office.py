"""Workbooks printed to PDF by LibreOffice: one process for many files, alone with its own profile.

Only workbooks that xltool itself has just written are printed, never a received file.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from xltool.errors import XltoolError
from xltool.files.libreoffice import find_program, run_office

MISSING = (
    "没有找到 LibreOffice（soffice），不能转成 PDF。请安装 LibreOffice；"
    "装了 Excel 的机器也可以用功能区的按钮导出 PDF"
)
# The files of one process: a crash costs no more than these a second try.
AT_ONCE = 400
_STARTING, _EACH = 90.0, 5.0  # seconds

# Tagged, so that it can be read aloud and copied from.
_FILTER = 'pdf:calc_pdf_Export:{"UseTaggedPDF":{"type":"boolean","value":"true"}}'


def find_office() -> str:
    """LibreOffice's program. Raises XltoolError (one line) where there is none."""
    if (program := find_program()) is None:
        raise XltoolError(MISSING)
    return program


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
            patience = timeout or _STARTING + _EACH * len(wanted)
            output = run_office(program, wanted, folder, _FILTER, patience)
            made |= {file: pdf for file in wanted if _whole(pdf := folder / f"{file.stem}.pdf")}
            wanted = [file for file in wanted if file not in made]
            if not wanted:
                break
        if not made:
            raise XltoolError(f"LibreOffice 没能转出 PDF：{output or '没有说明原因'}")
    return made


def _whole(pdf: Path) -> bool:
    """A PDF that was written to its end."""
    if not pdf.is_file():
        return False
    with pdf.open("rb") as file:
        file.seek(max(0, pdf.stat().st_size - 1024))
        return b"%%EOF" in file.read()
