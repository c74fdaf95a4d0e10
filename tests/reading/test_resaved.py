"""The clean filing saved again by other programs: every value the same, no error."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import openpyxl
import pytest

import xltool
from tests.support.calc.office import Office, why_absent
from tests.support.case import filing_of
from tests.support.paths import TESTS
from xltool.excel.hosts.libreoffice.bridge import properties, url
from xltool.model import Severity

LIBRARIES = ("exceljs", "xlsx", "xlsx-populate")


def by_openpyxl(source: Path, goal: Path) -> None:
    openpyxl.load_workbook(source).save(goal)


def by_libreoffice(source: Path, goal: Path) -> None:
    if reason := why_absent():
        pytest.skip(reason)
    with Office() as office:
        document = office.load(source, Hidden=True)
        document.storeToURL(url(goal), properties(FilterName="Calc MS Excel 2007 XML"))
        document.close(True)


def by_node(library: str):
    def save(source: Path, goal: Path) -> None:
        node = TESTS / "node"
        if shutil.which("node") is None or not (node / "node_modules" / library).exists():
            pytest.skip(f"{library} is not installed: npm install --prefix tests/node")
        command = ["node", node / "resave.mjs", library, source, goal]
        subprocess.run(command, check=True, capture_output=True, timeout=120)

    return save


PROGRAMS = {"openpyxl": by_openpyxl, "LibreOffice": by_libreoffice} | {
    library: by_node(library) for library in LIBRARIES
}


@pytest.mark.heavy
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_clean_filing_saved_again_says_the_same(tmp_path, program):
    filing = filing_of({})
    source = xltool.fill(filing, tmp_path / "原.xlsx")
    PROGRAMS[program](source, tmp_path / "另存.xlsx")
    assert (tmp_path / "另存.xlsx").read_bytes() != source.read_bytes()
    back = xltool.read(tmp_path / "另存.xlsx")
    # The unit's code is a property of the document, which some of them lose.
    assert (back.department, back.projects) == (filing.department, filing.projects)
    texts = [entry.text for form in back.forms for entry in form.entries.values()]
    first = [entry.text for form in xltool.read(source).forms for entry in form.entries.values()]
    assert texts == first
    errors = [f for f in xltool.check(back) if f.severity == Severity.ERROR]
    assert errors == []
