"""The same filing as other programs spell it: every spelling reads the same, with no fault."""

from __future__ import annotations

import re

import pytest

from tests.support.case import filing_of
from tests.support.packages import packed, parts_of
from tests.support.received import SHEETS, SPELLINGS
from xltool.filling.writer import render
from xltool.model import Filing
from xltool.reading.reader import read_grid
from xltool.xlsx.workbook_reader import open_grid


@pytest.fixture(scope="module")
def parts() -> dict[str, str]:
    return parts_of(render(filing_of({})))


def back(parts: dict[str, str]) -> Filing:
    return read_grid(open_grid(packed(parts)))


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_it_reads_the_same(parts, spelling):
    changed = spelling(parts)
    assert changed != parts
    filing = back(changed)
    assert filing == filing_of({})
    assert filing.faults == ()


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ("2024-06-03T00:00:00", "2024年6月3日"), ("2024-06-03", "2024年6月3日"),
        ("2024-06-03T08:30:00Z", "2024年6月3日 08:30"), ("2024-06-03T17:05", "2024年6月3日 17:05"),
    ],
)  # fmt: skip
def test_a_day_of_the_strict_format_is_a_day(parts, stored, read):
    name = SHEETS[1]
    pattern = r'<c r="B5"( s="\d+")?[^>]*>.*?</c>'
    assert re.search(pattern, parts[name], re.DOTALL)
    cell = r'<c r="B5"\1 t="d"><v>@</v></c>'.replace("@", stored)
    filing = back(parts | {name: re.sub(pattern, cell, parts[name], count=1, flags=re.DOTALL)})
    assert filing.projects[0].text("period") == read


@pytest.mark.parametrize("height", ["0", "0.75", "2.25"])
def test_a_row_so_low_that_nobody_sees_its_answers_is_said(parts, height):
    name = SHEETS[0]
    [row] = re.findall(r'<row r="13"[^>]*>', parts[name])
    low = re.sub(r' (?:ht|customHeight)="[^"]*"', "", row)[:-1]
    low += f' ht="{height}" customHeight="1">'
    filing = back(parts | {name: parts[name].replace(row, low)})
    assert [f.detail for f in filing.faults] == ["有行列被隐藏：第13行"]


@pytest.mark.parametrize(
    ("official", "typed"),
    [
        ("年部门整体支出绩效目标表", "年\n部门整体支出绩效目标表"),
        ("年项目支出绩效目标表", "年 项目支出　绩效目标表"),
        ("填报单位：（盖章）", "填 报 单 位：（盖章）"),
    ],
)
def test_official_text_around_an_answer_may_be_broken_or_spaced_as_labels_may(
    parts, official, typed
):
    changed = {name: text.replace(official, typed) for name, text in parts.items()}
    assert changed != parts
    filing = back(changed)
    assert filing == filing_of({})
    assert filing.faults == ()
