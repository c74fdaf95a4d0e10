"""The workbook's own part: taken at a glance and read with care, it says the same."""

from __future__ import annotations

from itertools import product

import pytest

from xltool.xlsx.references import Area
from xltool.xlsx.workbook_part import _parse_workbook, read_workbook

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TITLES = ("部门表", "项目 表", "Sheet1", "甲!乙", "A", "B'A", "x,'A", "1")
LEADS = (
    "'{0}'!$B$3", "{0}!$B$3", "='{0}'!$B$3", "#REF!$B$3", "'{0}'!#REF!", "'{1}'!$B$3",
    "'{0}'!$1:$2,'{0}'!$A:$A", "{0}!$1:$2,{0}!$A:$A", "SUM('{0}'!$B$3)", "$B$3", "5", "",
)  # fmt: skip


def part(titles: tuple[str, ...], leads: list[tuple[str, str]]) -> bytes:
    sheets = "".join(
        f'<sheet name="{title}" sheetId="{n}" r:id="rId{n}"/>' for n, title in enumerate(titles, 1)
    )
    names = "".join(
        f'<definedName name="n{n}"{scope}>{lead}</definedName>'
        for n, (lead, scope) in enumerate(leads)
    )
    return (
        f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><workbookPr date1904="1"/>'
        f"<sheets>{sheets}</sheets><definedNames>{names}</definedNames></workbook>"
    ).encode()


@pytest.mark.parametrize("titles", [(a, b) for a, b in product(TITLES, TITLES) if a != b])
def test_a_glance_and_care_say_the_same(titles):
    leads = [
        (lead.format(*(title.replace("'", "''") for title in titles)), scope)
        for lead in LEADS
        for scope in (' localSheetId="0"', ' localSheetId="7"', "")
    ]
    whole = part(titles, leads)
    assert read_workbook(whole) == _parse_workbook(whole)
    for lead in leads:  # one by one, too: a single odd one sends all of them the careful way
        alone = part(titles, [lead])
        assert read_workbook(alone) == _parse_workbook(alone)


def test_names_lead_to_cells_and_settings_are_read():
    read = read_workbook(part(("部门表", "大赛"), [("'部门表'!$B$3:$C$4", ' localSheetId="0"')]))
    assert [(sheet.name, sheet.state, sheet.relation) for sheet in read.sheets] == [
        ("部门表", "visible", "rId1"), ("大赛", "visible", "rId2"),
    ]  # fmt: skip
    assert read.sheets[0].names == {"n0": Area(3, 2, 4, 3)} and not read.sheets[1].names
    assert read.date1904 and not read.structure_locked
