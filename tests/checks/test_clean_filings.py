"""No false alarm: well-made filings of many kinds of unit get no error and no query."""

import pytest

from tests.support.clean import NAMES, clean_filing
from xltool import check, fill, load_edition, read
from xltool.editions.conversion import convert
from xltool.model import Severity


def test_there_are_enough_of_them():
    assert len(NAMES) >= 20
    kinds = {name.split("-")[0] for name in NAMES}
    assert {"school", "hospital", "bureau", "township"} <= kinds


@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_say(name):
    assert [f for f in check(clean_filing(name)) if f.severity is not Severity.NOTE] == []


@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_say_of_the_workbook(name, tmp_path):
    filing = clean_filing(name)
    back = read(fill(filing, tmp_path / "申报.xlsx"))
    assert back == filing
    assert [f for f in check(back) if f.severity is not Severity.NOTE] == []


# Its spending closes by way of the non-tax cell, which the newer form does not have.
NO_CELL = {"township-hill"}


@pytest.mark.parametrize("name", sorted(set(NAMES) - NO_CELL))
def test_nothing_to_say_on_the_newer_form(name):
    moved = convert(clean_filing(name), load_edition("national-2021")).filing
    assert [f for f in check(moved) if f.severity is not Severity.NOTE] == []
