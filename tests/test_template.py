"""The official template: drawn by code, stored twice, and read here by hand."""

import zipfile
from pathlib import Path

import pytest
from openpyxl import load_workbook

from xltool.edition import load_edition
from xltool.template.binding import problems
from xltool.template.draw import draw

EDITION = load_edition("hunan-2023")
TOP = Path(__file__).parents[1] / "workbook_template.xlsx"


def parts(path):
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


@pytest.fixture(scope="module")
def book():
    return load_workbook(EDITION.template)


def test_the_two_stored_templates_are_the_same_file():
    assert TOP.read_bytes() == EDITION.template.read_bytes()


def test_drawing_again_gives_the_stored_template_part_by_part(tmp_path):
    draw(tmp_path / "drawn.xlsx", EDITION)
    drawn, stored = parts(tmp_path / "drawn.xlsx"), parts(EDITION.template)
    assert list(drawn) == list(stored)
    assert [name for name in stored if drawn[name] != stored[name]] == []


def test_every_field_and_block_is_bound_once():
    assert problems(EDITION.template, EDITION) == []
