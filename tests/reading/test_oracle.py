"""What is read without a finding is what LibreOffice shows and what openpyxl stores.

Held for every kind of file that was once misread (`tests/support/received.py`) and for seeded
mutants of a sound filing; `XLTOOL_ORACLE` is how many of these (`.ci/run` takes 500).
"""

from __future__ import annotations

import io
import os
import random
import re
import warnings
from collections.abc import Mapping
from decimal import Decimal

import openpyxl
import pytest

from tests.support.calc.office import Office, why_absent
from tests.support.case import filing_of
from tests.support.packages import packed, parts_of
from tests.support.received import CASES, SPELLINGS
from tests.support.spellings import Pack
from xltool.excel.hosts.libreoffice import bridge
from xltool.filling.writer import render
from xltool.model import Entry, Fault, FaultKind, Filing
from xltool.money import read_amount, stored_number
from xltool.reading.reader import read_grid
from xltool.xlsx.grid import Cell, Grid
from xltool.xlsx.number_format import NO_ROOM, as_shown, text_shown
from xltool.xlsx.workbook_reader import open_grid

MUTANTS = int(os.environ.get("XLTOOL_ORACLE", "25"))
# What Excel opens and others don't; the reader's own tests hold these.
OFFICE_CANT = {
    "backslashes in the names of parts",
    "names of parts in another case",
    "names of parts percent-encoded",
}
OPENPYXL_CANT = {
    "no styles", "the strict format", "a stamp", "a shape that runs a macro", "a text box",
}  # fmt: skip
ALL = {name: case for name, case in (SPELLINGS | CASES).items() if name not in OFFICE_CANT}
PACK = 50  # mutants that the other programs read at once


@pytest.fixture(scope="module")
def workbook() -> bytes:
    return render(filing_of({}))


@pytest.fixture(scope="module")
def calc():
    if reason := why_absent():
        pytest.skip(reason)
    with Office() as office:
        in_chinese(office)
        yield office


def in_chinese(office: Office) -> None:
    """Number formats as a Chinese machine has them: `!` before a character, built-in dates."""
    provider = office.service("com.sun.star.configuration.ConfigurationProvider")
    [where] = bridge.properties(nodepath="/org.openoffice.Setup/L10N")
    update = "com.sun.star.configuration.ConfigurationUpdateAccess"
    settings = provider.createInstanceWithArguments(update, (where,))
    settings.setPropertyValue("ooSetupSystemLocale", "zh-CN")
    settings.commitChanges()


class Witness:
    """What the other programs say of a sheet's cells:
    the text that is shown, the value that is stored.

    `book` is openpyxl's, None where it can't open the file. Cells that are not `changed` are those
    of the sound sheet `clean`, which is asked once for all.
    """

    def __init__(self, document, book, sheet: str, clean=None, changed=frozenset()) -> None:
        self._sheet = document.Sheets.getByName(sheet)
        self._book = book[sheet] if book else None
        self._clean, self._changed = clean, changed
        self._known: dict[str, str] = {}

    def shown(self, at: str) -> str:
        if self._clean is not None and at not in self._changed:
            return self._clean.shown(at)
        if at not in self._known:
            self._known[at] = str(self._sheet.getCellRangeByName(at).String)
        return self._known[at]

    def stored(self, at: str) -> object:
        return self._book[at].value if self._book else None


def said_at(filing: Filing) -> set[tuple[str, str]]:
    """The cells of which the reader says something."""
    return {(f.place.sheet, f.place.cell) for f in filing.faults if f.place}


def answers(filing: Filing, sheet: str) -> list[Entry]:
    """Every answer of a sheet that is read, and of which nothing is said."""
    quiet = said_at(filing)
    found: list[Entry] = []
    for form in filing.forms:
        found += [e for key, e in form.entries.items() if key not in ("year", "filer")]
        found += [e for one in form.indicators for e in one.cells.values()]
    here = [e for e in found if e.place and e.place.sheet == sheet and e.place.cell]
    return [e for e in here if (e.place.sheet, e.place.cell) not in quiet]


def squeezed(text: str) -> str:
    return "".join(text.split())


def cell_of(grid: Grid, sheet: str, at: str) -> Cell:
    found = next(s for s in grid.sheets if s.name == sheet)
    row = int(re.sub(r"\D", "", at))
    return found[row, openpyxl.utils.column_index_from_string(re.sub(r"\d", "", at))]


def unlike(entry: Entry, cell: Cell, witness: Witness) -> str:
    """How an answer differs from what a person sees or another program stores;
    empty where it does not."""
    shown, stored = witness.shown(entry.place.cell), witness.stored(entry.place.cell)
    if isinstance(entry.value, Decimal):
        return unlike_amount(entry.value, shown, stored)
    if cell.number:
        return unlike_number(entry, cell, shown)
    if isinstance(stored, bool):  # LibreOffice shows it as a number under a number format
        return "" if entry.text == str(stored).upper() else f"openpyxl stores {stored!r}"
    if cell.format and shown == stored:  # LibreOffice formats no text that has a pronunciation
        shown = text_shown(shown, cell.format)
    if squeezed(entry.text) != squeezed(shown):
        return f"LibreOffice shows {shown!r}"
    if isinstance(stored, str) and not cell.format and squeezed(entry.text) != squeezed(stored):
        return f"openpyxl stores {stored!r}"
    return ""


def unlike_amount(value: Decimal, shown: str, stored: object) -> str:
    bare = squeezed(shown)
    seen = read_amount(re.sub(r"^[-(](.*?)\)?$", r"-\1", bare))
    if bare in ("", "-") and not value:
        seen = read_amount("0")
    if seen is None or abs(seen.value) != abs(value):
        return f"LibreOffice shows {shown!r}"
    if isinstance(stored, int | float) and stored_number(repr(stored)) != value:
        return f"openpyxl stores {stored!r}"
    return ""


def unlike_number(entry: Entry, cell: Cell, shown: str) -> str:
    """A number that is an answer in words: a date, a percentage, a count with its unit."""
    if early(cell) or same_figure(entry.text, shown):
        return ""
    ours, theirs = (re.sub(r"\b0(\d:)", r"\1", squeezed(text)) for text in (entry.text, shown))
    return "" if ours == theirs else f"LibreOffice shows {shown!r}"


def same_figure(ours: str, shown: str) -> bool:
    """Whether the digits are the same but for what is rounded; what stands around them is equal."""
    figure = re.compile(r"-?[\d,]+(?:\.\d+)?(?:E[+-]\d+)?")
    if squeezed(figure.sub("#", ours)) != squeezed(
        figure.sub("#", re.sub(r"\((.+)\)", r"-\1", shown))
    ):
        return False
    pairs = zip(
        figure.findall(ours), figure.findall(re.sub(r"\((.+)\)", r"-\1", shown)), strict=True
    )
    return all(rounds(*pair) for pair in pairs)


def rounds(ours: str, shown: str) -> bool:
    """Whether the figure that is shown is ours in fewer digits."""
    one, other = (Decimal(text.replace(",", "")) for text in (ours, shown))
    return abs(one - other) <= Decimal(1).scaleb(other.as_tuple().exponent) / 2


def early(cell: Cell) -> bool:
    """A day before March 1900, which LibreOffice counts otherwise than Excel."""
    code, number = cell.format, stored_number(cell.text)
    return number is not None and number < 61 and as_shown("45000", code) != as_shown("45031", code)


def told_wrongly(faults: tuple[Fault, ...], sheet: str, witness: Witness) -> list[str]:
    """Findings that claim of a cell to show what LibreOffice doesn't show."""
    return [
        f"{one.place}: {one.detail}, LibreOffice shows {shown!r}"
        for one in faults
        if one.kind in (FaultKind.SHOWN, FaultKind.ROUNDED) and one.place.sheet == sheet
        if squeezed(one.found) != squeezed(shown := witness.shown(one.place.cell))
        if one.found != NO_ROOM  # LibreOffice knows days before the first
    ]


def compare(data: bytes, witnesses: Mapping[str, Witness]) -> tuple[int, list[str]]:
    """How many answers of these sheets were compared, and all that differs."""
    grid = open_grid(data)
    filing = read_grid(grid)
    count, wrong = 0, []
    for sheet, witness in witnesses.items():
        wrong += told_wrongly(filing.faults, sheet, witness)
        for entry in answers(filing, sheet):
            count += 1
            if reason := unlike(entry, cell_of(grid, sheet, entry.place.cell), witness):
                wrong.append(f"{entry.place}: read {entry.value!r}; {reason}")
    return count, wrong


def openpyxl_book(data: bytes):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return openpyxl.load_workbook(io.BytesIO(data), data_only=True)


def loaded(calc: Office, data: bytes, tmp_path):
    path = tmp_path / "件.xlsx"
    path.write_bytes(data)
    return calc.load(path, Hidden=True)


@pytest.mark.heavy
def test_mutants_are_read_as_a_person_sees_them(calc, workbook, tmp_path):
    chance = random.Random(14)
    name = filing_of({}).department.sheet
    compared, wrong = 0, []
    for first in range(0, MUTANTS, PACK):
        pack = Pack(workbook, chance, min(PACK, MUTANTS - first))
        document = loaded(calc, pack.together(), tmp_path)
        book = openpyxl_book(pack.together())
        try:
            clean = Witness(document, book, "0")
            for number, changed in enumerate(pack.changed):
                witness = Witness(document, book, str(number), clean, changed)
                count, differences = compare(pack.alone(number), {name: witness})
                compared += count
                wrong += [f"{first + number}: {one}" for one in differences]
        finally:
            document.close(True)
    assert not wrong, "\n".join(wrong)
    assert compared > 30 * MUTANTS


@pytest.mark.heavy
@pytest.mark.parametrize("name", ALL)
def test_what_was_once_misread_is_read_as_a_person_sees_it(calc, workbook, tmp_path, name):
    data = packed(ALL[name](parts_of(workbook)))
    document = loaded(calc, data, tmp_path)
    book = None if name in OPENPYXL_CANT else openpyxl_book(data)
    try:
        sheets = document.Sheets.ElementNames
        witnesses = {sheet: Witness(document, book, sheet) for sheet in sheets}
        count, wrong = compare(data, witnesses)
    finally:
        document.close(True)
    assert not wrong, "\n".join(wrong)
    assert count > 50
