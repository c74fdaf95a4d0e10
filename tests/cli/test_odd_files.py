"""One odd file beside a sound one: it gets its words, and never stops the run."""

import re
import zipfile

import openpyxl
import pytest

from tests.support.packages import repacked
from tests.support.seed import seed_filing
from xltool import fill
from xltool.cli import main


@pytest.fixture
def folder(tmp_path):
    inside = tmp_path / "收到 的"
    inside.mkdir()
    fill(seed_filing(), inside / "好.xlsx")
    return inside


def huge_amount(path, amount=1e25):
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    for row in sheet.iter_rows():
        for cell in row:
            if cell.value == 1245.61:
                cell.value = amount
    book.save(path)


def bent(path, part, old, new):
    with zipfile.ZipFile(path) as package:
        text = package.read(part).decode()
    changed = re.sub(old, new, text, count=1)
    assert changed != text
    path.write_bytes(repacked(path.read_bytes(), **{part: changed.encode()}))


ODD = {
    "1E+25": huge_amount,
    "1E+99": lambda path: huge_amount(path, 1e99),
    "-1E+99": lambda path: huge_amount(path, -1e99),
    "localSheetId=²": lambda path: bent(
        path, "xl/workbook.xml", r'localSheetId="\d"', 'localSheetId="²"'
    ),
    "a comment among the rows": lambda path: bent(
        path, "xl/worksheets/sheet1.xml", "</row>", "</row><!-- 某程序写的 -->"
    ),
    "an instruction among the rows": lambda path: bent(
        path, "xl/worksheets/sheet1.xml", "</row>", "</row><?mso 12?>"
    ),
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("options", [[], ["--mark"]], ids=["read", "marked"])
def test_an_odd_file_does_not_stop_the_others(folder, tmp_path, capsys, odd, options):
    fill(seed_filing(), folder / "怪.xlsx")
    ODD[odd](folder / "怪.xlsx")
    marked = [*options, str(tmp_path / "标")] if options else []
    assert main(["check", str(folder), *marked]) == 1
    said = capsys.readouterr()
    assert "程序内部错误" not in said.out + said.err
    assert "好.xlsx" in said.out and "怪.xlsx" in said.out
    if options:
        assert len(list((tmp_path / "标").glob("*.xlsx"))) == 2
