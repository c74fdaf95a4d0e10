"""What is read without a finding is what LibreOffice shows and what openpyxl stores, mutant after mutant.

Every mutant is a sound filing in which one to three cells were spelled, formatted or moved otherwise, the
same from run to run. (Not asked: `_x0041_` in a text, which Excel takes for A and LibreOffice as it stands.)
`XLTOOL_ORACLE` is how many (`.ci/run` takes 60; 500 find differences that are open).
"""

from __future__ import annotations

import io
import os
import random
import re
import warnings
import zipfile
from decimal import Decimal

import openpyxl
import pytest

import xltool
from tests.support.calc.office import Office, why_absent
from tests.support.case import filing_of
from tests.support.packages import repacked
from xltool.filling.writer import render
from xltool.model import Entry, Filing
from xltool.money import read_amount, stored_number
from xltool.xlsx.grid import Grid
from xltool.xlsx.number_format import as_shown
from xltool.xlsx.workbook_reader import open_grid

MUTANTS = int(os.environ.get("XLTOOL_ORACLE", "25"))
SHEET, STYLES = "xl/worksheets/sheet1.xml", "xl/styles.xml"

VALUES = ["5", "7.25", "1000", "1E3", "0.1", "5.0000000000000003E-2", "1245.6100000000001", "-3", "45291",
          "0.97916666666666663", "12345678.9", "31731700", "0", "42"]  # fmt: skip
FORMATS = ["General", "0", "0.00", "#,##0.00", "0%", "0.0%", '"≥"0"座"', "0!.0000", "0.00,", ";;;", '"9999.99"',
           '"2"0.00', '0.00"万元"', "0.00;[Red]0.00", 'yyyy"年"m"月"d"日"', 'm"月"d"日"', "0.00_ ",
           "[&lt;100]0.0;0.00", "@", '_ * #,##0.00_ ;_ * -#,##0.00_ ;_ * "-"??_ ;_ @_ ']  # fmt: skip


@pytest.fixture(scope="module")
def parts() -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(render(filing_of({})))) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.fixture(scope="module")
def calc():
    if reason := why_absent():
        pytest.skip(reason)
    with Office() as office:
        yield office


def mutant(parts: dict[str, str], chance: random.Random) -> bytes:
    changed = {SHEET: parts[SHEET], STYLES: parts[STYLES]}
    for _ in range(chance.randint(1, 3)):
        cells = list(
            re.finditer(r'<c r="([B-F]\d+)"( s="\d+")?[^>]*?(?:/>|>.*?</c>)', changed[SHEET])
        )
        cell = chance.choice([c for c in cells if int(re.sub(r"\D", "", c[1])) > 3])
        style = cell[2] or ""
        at, value = cell[1], chance.choice(VALUES)
        if chance.random() < 0.6:
            style = f' s="{formatted(changed, style, chance.choice(FORMATS))}"'
        new = chance.choice(
            [
                f'<c r="{at}"{style}><v>{value}</v></c>',
                f'<c r="{at}"{style}><v>{value}</v></c>',
                f'<c r="{at}"{style}><v> {value}\n</v></c>',
                f'<c r="{at}"{style} t="str"><v>{value}</v></c>',
                f'<c r="{at}"{style} t="inlineStr"><is><r><t>{value}</t></r><r><t>万元</t></r></is></c>',
                f'<c r="{at}"{style} t="inlineStr"><is><t>{value}</t><rPh sb="0" eb="1"><t>9</t></rPh></is></c>',
                f'<c r="{at}"{style}><v>{value}</v><extLst><ext uri="u"><v>9</v></ext></extLst></c>',
                f'<c r="{at}"{style}><f>{value}</f><v>{value}</v></c>',
                f'<c r="{at}"{style}><v>{value}</v><v>9</v></c>',
                f'<!-- <c r="{at}"><v>9</v></c> --><c r="{at}"{style}><v><![CDATA[{value}]]></v></c>',
                f'<c r="{at}"{style} t="b"><v>1</v></c>',
                f'<c r="{at}"{style} t="inlineStr"><is><t>12月31日前</t></is></c>',
            ]
        )  # fmt: skip
        changed[SHEET] = changed[SHEET][: cell.start()] + new + changed[SHEET][cell.end() :]
    return repacked(packed(parts), **{name: text.encode() for name, text in changed.items()})


def packed(parts: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


def formatted(changed: dict[str, str], style: str, code: str) -> int:
    """The number of a new cell style: this one with another number format."""
    styles = changed[STYLES]
    table = re.search(r'<cellXfs count="(\d+)">(.*?)</cellXfs>', styles, re.DOTALL)
    count, xfs = int(table[1]), re.findall(r"<xf [^>]*?/>|<xf .*?</xf>", table[2], re.DOTALL)
    number = 300 + count
    old = xfs[int(re.sub(r"\D", "", style) or 0)]
    new = re.sub(
        r' applyNumberFormat="\d"', "", re.sub(r'numFmtId="\d+"', f'numFmtId="{number}"', old)
    )
    new = new.replace("<xf ", '<xf applyNumberFormat="1" ', 1)
    styles = styles.replace(table[0], f'<cellXfs count="{count + 1}">{table[2]}{new}</cellXfs>')
    quoted = code.replace('"', "&quot;")
    one = f'<numFmt numFmtId="{number}" formatCode="{quoted}"/>'
    styles = re.sub(
        r'<numFmts count="(\d+)">', lambda m: f'<numFmts count="{int(m[1]) + 1}">{one}', styles
    )
    assert one in styles
    changed[STYLES] = styles
    return count


def said_at(filing: Filing) -> set[tuple[str, str]]:
    """The cells of which the reader says something."""
    return {(f.place.sheet, f.place.cell) for f in filing.faults if f.place}


def answers(filing: Filing) -> list[Entry]:
    """Every answer that is read, and of which nothing is said."""
    quiet = said_at(filing)
    found = []
    for form in filing.forms:
        found += [e for key, e in form.entries.items() if key not in ("year", "filer")]
        found += [e for one in form.indicators for e in one.cells.values()]
    return [e for e in found if e.place and (e.place.sheet, e.place.cell) not in quiet]


def squeezed(text: str) -> str:
    return "".join(text.split())


def differs(entry: Entry, grid: Grid, shown: str, stored: object) -> str:
    """How an answer differs from what a person sees or another program stores; empty where it does not."""
    sheet = next(s for s in grid.sheets if s.name == entry.place.sheet)
    row = int(re.sub(r"\D", "", entry.place.cell))
    cell = sheet[row, openpyxl.utils.column_index_from_string(re.sub(r"\d", "", entry.place.cell))]
    if isinstance(entry.value, Decimal):
        bare = squeezed(shown)
        seen = read_amount(re.sub(r"^[-(](.*?)\)?$", r"-\1", bare))
        if bare in ("", "-") and not entry.value:
            seen = read_amount("0")
        if seen is None or abs(seen.value) != abs(entry.value):
            return f"LibreOffice shows {shown!r}"
        if isinstance(stored, int | float) and stored_number(repr(stored)) != entry.value:
            return f"openpyxl stores {stored!r}"
        return ""
    if cell.number:
        ours = squeezed(as_shown(cell.text, cell.format)) if cell.format else entry.text
        general = cell.format in ("", "General") and read_amount(shown)
        if general and abs(general.value - Decimal(entry.text)) < Decimal("1e-8"):
            return ""
        return "" if ours == squeezed(shown) else f"LibreOffice shows {shown!r}, we {ours!r}"
    if squeezed(entry.text) != squeezed(shown):
        return f"LibreOffice shows {shown!r}"
    if isinstance(stored, str) and not cell.format and squeezed(entry.text) != squeezed(stored):
        return f"openpyxl stores {stored!r}"
    return ""


def opened(calc: Office, path) -> object:
    return calc.load(path, Hidden=True)


@pytest.mark.heavy
def test_what_is_read_in_silence_is_what_a_person_sees(calc, parts, tmp_path):
    chance = random.Random(14)
    compared = refused = 0
    wrong: list[str] = []
    for number in range(MUTANTS):
        path = tmp_path / "变.xlsx"
        path.write_bytes(mutant(parts, chance))
        filing = xltool.read(path)
        if filing.department is None:
            refused += 1
            continue
        grid = open_grid(path)
        document = opened(calc, path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(path, data_only=True)
        try:
            for entry in answers(filing):
                sheet = document.Sheets.getByName(entry.place.sheet)
                shown = sheet.getCellRangeByName(entry.place.cell).String
                stored = book[entry.place.sheet][entry.place.cell].value
                compared += 1
                if reason := differs(entry, grid, shown, stored):
                    wrong.append(f"{number} {entry.place}: read {entry.value!r}; {reason}")
        finally:
            document.close(True)
    assert wrong == []
    assert compared > 30 * (MUTANTS - refused)
    assert refused < MUTANTS / 2
