"""Verdicts equal a careful reviewer's on filings and faults written before the rules, and on reviewed rows."""

import csv
import re

import pytest

from tests.support.case import filing_of, place_of
from tests.support.fresh import FOLDER, clean_forms, fresh_filing, plant, planted
from xltool import check
from xltool.editions.declaration import load_edition
from xltool.model import Severity


def told(filing):
    """Errors and queries, rules on trial included."""
    return [f for f in check(filing) if f.severity is not Severity.NOTE]


def test_there_are_enough_of_them():
    assert len(clean_forms()) == 40
    assert len(planted()) >= 100
    assert len(reviewed()) >= 100


@pytest.mark.parametrize("unit", clean_forms())
def test_no_alarm_at_a_clean_filing(unit):
    assert told(fresh_filing(unit)) == []


@pytest.mark.parametrize("fault", planted(), ids=lambda f: f"{f.unit}-{f.name}-{f.value}"[:40])
def test_every_fault_is_found(fault):
    """By a rule that a reviewer would name, and by no other error."""
    found = check(plant(fault))
    assert {f.code for f in found} & set(fault.codes), fault.why
    assert {f.code for f in found if f.severity is Severity.ERROR} <= {*fault.codes, "I406"}


def reviewed():
    lines = (FOLDER / "reviewed.tsv").read_text("utf-8").splitlines()
    return list(csv.DictReader((n for n in lines if not n.startswith("#")), delimiter="\t"))


BLOCKS = {block.label: block.id for block in load_edition().project.indicators.block}


def filed(row):
    """The clean filing with this one indicator in its category, in the year it was filed for."""
    block = next(b for label, b in BLOCKS.items() if label.startswith(row["category"][:4]))
    year = re.search("20[0-9]{2}", row["value"])
    year = year[0] if year and row["codes"] != "I411" else "2024"
    project = {
        block: [[row["name"], row["value"], row["standard"]]],
        "year": year,
        "period": f"{year}年1月-{year}年12月",
    }
    if block != "time":
        project["time"] = [["工程完工时限", "11月30日前", "计划标准"]]
    department = {"year": year, "time": [["年度任务完成时限", "12月31日前"]]}
    if row["budget"]:
        project |= {"own_budget": row["budget"], "upper_budget": ""}
        project |= {} if block == "cost" else {"cost": [["材料费", "≤10万元", "计划标准"]]}
        department |= {"project_spending": row["budget"], "basic": str(3173.17 - 86)}
    return filing_of({"department": department, "project": project}), block


@pytest.mark.parametrize("row", reviewed(), ids=lambda row: f"{row['name']} {row['value']}")
def test_reviewed(row):
    filing, block = filed(row)
    rows = {place_of(filing, f"project.{block}.1.{column}") for column in ("name", "target")}
    cells = {place.cell for place in rows}
    found = {
        f.code: f for f in check(filing) if f.cell in cells and f.sheet == filing.projects[0].sheet
    }
    if row["codes"]:
        assert set(row["codes"].split("/")) & set(found), row["why"]
    else:
        serious = [f.message for f in found.values() if f.severity is not Severity.NOTE]
        assert serious == [], row["why"]
