"""A well-made filing with one fault planted: the right code at the right cell, and nothing else."""

import pytest

from tests.support.case import place_of
from tests.support.clean import NAMES, clean_filing
from tests.support.mutations import MUTATIONS
from xltool import check, fill, load_edition, read
from xltool.checks.engine import rules
from xltool.model import Severity

TWO = [name for name in NAMES if len(clean_filing(name).projects) == 2]
by_title = pytest.mark.parametrize("mutation", MUTATIONS, ids=[m.title for m in MUTATIONS])


def judged(mutation, filing, last_year):
    """What is found, notes left aside, and what should be: (code, sheet, cell)."""
    found = check(filing, last_year=last_year)
    expected = [(code, place_of(filing, address)) for code, address in mutation.expect]
    return (
        sorted({(f.code, f.sheet, f.cell) for f in found if f.severity is not Severity.NOTE}),
        sorted((code, place.sheet, place.cell) for code, place in expected),
    )


def test_there_are_enough_faults_and_of_every_kind():
    assert len(MUTATIONS) >= 60
    assert len({m.title for m in MUTATIONS}) == len(MUTATIONS)
    planted = {m.code for m in MUTATIONS}
    # R101-R105 and R108-R110 are faults of the file; R106, P212, P213, T303, T308, I414 are notes;
    # D6xx belong to a campaign; what these forms have no field for is planted in tests/cases
    others = {*(f"R{n}" for n in (*range(101, 107), 108, 109, 110))}
    others |= {"P212", "P213", "T303", "T308", "T311", "I414"}
    others |= {"R111", "R112", "R113"}  # of the file, too
    consequences = {code for m in MUTATIONS for code, _ in m.expect[1:]}
    edition = load_edition()
    judged_here = {
        code for code, rule in rules().items() if code[0] != "D" and not rule.lacks(edition)
    }
    assert judged_here - planted - others <= consequences


@by_title
@pytest.mark.parametrize("name", TWO)
def test_found_where_it_was_planted(mutation, name):
    clean = clean_filing(name)
    last_year = mutation.last_year(clean) if mutation.last_year else None
    found, expected = judged(mutation, mutation.change(clean), last_year)
    assert found == expected


@by_title
def test_found_in_the_workbook(mutation, tmp_path):
    clean = clean_filing("hospital-county")
    last_year = mutation.last_year(clean) if mutation.last_year else None
    filing = read(fill(mutation.change(clean), tmp_path / "申报.xlsx"))
    found, expected = judged(mutation, filing, last_year)
    assert found == expected
