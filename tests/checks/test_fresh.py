"""Verdicts equal a careful reviewer's on filings and faults written before the rules,
and on reviewed rows."""

import pytest

from tests.support.accuracy import rows_of, said_of, table
from tests.support.fresh import clean_forms, fresh_filing, plant, planted
from tests.support.paths import DOCS
from xltool import check
from xltool.model import Severity

REVIEWED, PUBLISHED = rows_of("reviewed.tsv"), rows_of("samples.tsv")


def told(filing):
    """Errors and queries, rules on trial included."""
    return [f for f in check(filing) if f.severity is not Severity.NOTE]


def test_there_are_enough_of_them():
    assert len(clean_forms()) == 40
    assert len(planted()) >= 100
    assert len(REVIEWED) >= 100 and len(PUBLISHED) >= 90


@pytest.mark.parametrize("unit", clean_forms())
def test_no_alarm_at_a_clean_filing(unit):
    assert told(fresh_filing(unit)) == []


@pytest.mark.parametrize("fault", planted(), ids=lambda f: f"{f.unit}-{f.name}-{f.value}"[:40])
def test_every_fault_is_found(fault):
    """By a rule that a reviewer would name, and by no other error."""
    found = check(plant(fault))
    assert {f.code for f in found} & set(fault.codes), fault.why
    assert {f.code for f in found if f.severity is Severity.ERROR} <= {*fault.codes, "I406"}


@pytest.mark.parametrize("row", REVIEWED, ids=lambda row: f"{row['name']} {row['value']}")
def test_reviewed(row):
    assert_judged(row)


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: f"{row['name']} {row['value']}")
def test_published(row):
    assert_judged(row)


def assert_judged(row):
    """One of the rules that a reviewer would name speaks, or none that asks for anything."""
    said = said_of(row)
    if row["codes"]:
        assert set(row["codes"].split("/")) & set(said), row["why"]
    else:
        assert said == {}, row["why"]


def test_the_table_of_accuracy_is_current():
    page = (DOCS / "rules-accuracy.md").read_text("utf-8")
    assert table() in page, "run: python -m tests.support.accuracy"
