"""A real LibreOffice for the tests: opens, converts and prints what we wrote.

def test_it_prints(office, tmp_path):
    [pdf] = office.convert([workbook], "pdf", tmp_path)
    assert office.pages(pdf) == 2
"""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from html import unescape
from pathlib import Path
from typing import NamedTuple

import pytest

FONTS = Path(__file__).with_name("fonts.conf")
_FILTERS = {"xlsx": "xlsx:Calc MS Excel 2007 XML", "pdf": "pdf:calc_pdf_Export"}


class Word(NamedTuple):
    text: str
    left: float
    top: float
    right: float
    bottom: float


class Office:
    """LibreOffice with a profile of its own, so that several can run side by side."""

    def __init__(self, program: str, profile: Path) -> None:
        self.program, self.profile = program, profile
        self.environment = {**os.environ, "FONTCONFIG_FILE": str(FONTS), "LC_ALL": "C.UTF-8"}

    def convert(
        self, files: Sequence[Path], to: str, folder: Path, timeout: float = 180
    ) -> list[Path]:
        """Convert all files (one start of the program) into `folder`; the new paths, in order.

        `to` is `pdf`, `xlsx` or any other extension LibreOffice knows. Files of the same name
        would overwrite each other, so they are refused.
        """
        assert len({file.stem for file in files}) == len(files), "two files of the same name"
        folder.mkdir(parents=True, exist_ok=True)
        command = [
            self.program,
            f"-env:UserInstallation={self.profile.as_uri()}",
            "--headless",
            "--norestore",
        ]
        command += ["--convert-to", _FILTERS.get(to, to), "--outdir", str(folder), *map(str, files)]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=timeout
        )
        made = [folder / f"{file.stem}.{to}" for file in files]
        missing = [file.name for file in made if not file.exists()]
        assert not missing, f"LibreOffice did not write {missing}: {done.stdout} {done.stderr}"
        return made

    def convert_by(self, files: Sequence[Path], to: str, folder: Path) -> None:
        """Convert all files by an extension with its filter (`pdf:writer_pdf_Export`)."""
        folder.mkdir(parents=True, exist_ok=True)
        self._run(
            self.program, f"-env:UserInstallation={self.profile.as_uri()}", "--headless",
            "--norestore", "--convert-to", to, "--outdir", str(folder), *map(str, files),
        )  # fmt: skip

    def pages(self, pdf: Path) -> int:
        """How many pages were printed."""
        return int(re.search(r"^Pages:\s+(\d+)", self._run("pdfinfo", str(pdf)), re.MULTILINE)[1])

    def text(self, pdf: Path, page: int | None = None) -> str:
        """The text of a page (from 1) or of the whole file, laid out as printed."""
        span = [] if page is None else ["-f", str(page), "-l", str(page)]
        return self._run("pdftotext", "-layout", *span, str(pdf), "-")

    def words(self, pdf: Path, page: int) -> list[Word]:
        """Where each run of text stands on a page, in points from the top left."""
        xml = self._run("pdftotext", "-bbox", "-f", str(page), "-l", str(page), str(pdf), "-")
        found = re.findall(
            r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">(.*?)</word>',
            xml,
        )
        return [Word(unescape(text), *map(float, box)) for *box, text in found]

    def pictures(self, pdf: Path, dpi: int = 80) -> list[Path]:
        """Each page as a PNG beside the PDF, to look at."""
        self._run("pdftoppm", "-r", str(dpi), "-png", str(pdf), str(pdf.with_suffix("")))
        return sorted(pdf.parent.glob(f"{pdf.stem}-*.png"))

    def picture(self, pdf: Path, page: int = 1, dpi: int = 50) -> Path:
        """One page as a PPM file, whose points can be read without a library."""
        root = pdf.with_name(f"{pdf.stem}-{page}")
        self._run(
            "pdftoppm",
            "-r",
            str(dpi),
            "-f",
            str(page),
            "-l",
            str(page),
            "-singlefile",
            str(pdf),
            str(root),
        )
        return root.with_suffix(".ppm")

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    program = shutil.which("soffice") or shutil.which("libreoffice")
    if program is None:
        pytest.skip("LibreOffice (soffice) is not installed")
    if shutil.which("pdfinfo") is None:
        pytest.skip("poppler-utils (pdfinfo, pdftotext, pdftoppm) is not installed")
    return Office(program, tmp_path_factory.mktemp("office") / "profile")
