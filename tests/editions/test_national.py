"""The second shipped edition is made of data and a template only, and everything works on it."""

import re
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

import xltool
from tests.support.seed import seed_filing
from tests.support.strategies import filings
from xltool.databook import load_databook, write_databook
from xltool.editions.conversion import convert
from xltool.editions.copy import copy_edition
from xltool.editions.declaration import SHIPPED, EditionError, default_edition_id, load_edition
from xltool.filling.writer import render
from xltool.model import Entry, Indicator
from xltool.reading.reader import read_grid
from xltool.template.bindings import problems
from xltool.template.draw import draw
from xltool.xlsx.audit.workbook import audit
from xltool.xlsx.workbook_reader import open_grid

NATIONAL = load_edition("national-2021")
PACKAGE = Path(xltool.__file__).parent
OTHERS = sorted(
    p.parent.name for p in SHIPPED.glob("*/edition.toml") if p.parent.name != default_edition_id()
)


@pytest.fixture(scope="module")
def moved():
    """The real filing on the national forms."""
    return convert(seed_filing(), NATIONAL).filing


def test_no_program_text_names_an_edition_but_the_default():
    assert OTHERS == ["national-2021"]
    for file in PACKAGE.rglob("*.py"):
        text = file.read_text("utf-8")
        for name in OTHERS:
            assert name not in text and name.replace("-", "_") not in text, file


def test_the_stored_template_is_what_its_layout_draws(tmp_path):
    draw(tmp_path / "drawn.xlsx", NATIONAL)
    with (
        zipfile.ZipFile(tmp_path / "drawn.xlsx") as drawn,
        zipfile.ZipFile(NATIONAL.template) as stored,
    ):
        assert drawn.namelist() == stored.namelist()
        assert [n for n in stored.namelist() if drawn.read(n) != stored.read(n)] == []


def test_every_field_is_bound_once_and_the_package_is_sound():
    assert problems(NATIONAL.template, NATIONAL) == []
    assert audit(NATIONAL.template.read_bytes()) == []


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(filings(NATIONAL))
def test_filled_and_read_back(filing):
    data = render(filing)
    back = read_grid(open_grid(data))
    assert back == filing
    assert audit(data) == []
    xltool.check(back)  # whatever a unit writes, no rule fails


def test_the_data_book_of_split_values(moved, tmp_path):
    for name in ("书.xlsx", "书.json", "书"):
        write_databook([moved], tmp_path / name, NATIONAL)
        assert load_databook(tmp_path / name, NATIONAL) == [moved]


def test_a_split_value_reads_as_one():
    def target(sign, number, measure):
        cells = {"sign": sign, "number": number, "measure": measure}
        return Indicator("quantity", {c: Entry(t or None, t) for c, t in cells.items()}).target.text

    assert target("≥", "95", "%") == "≥95%"
    assert target("定性", "显著改善", "") == "显著改善"
    assert target("=", "116", "人") == "=116人"
    assert target("≥", "≥95%", "%") == "≥95%"
    assert target("", "", "") == ""


def test_amounts_are_in_yuan(moved, tmp_path):
    assert moved.department.amount("total") == Decimal("12456100")
    xltool.fill(moved, tmp_path / "a.xlsx")
    form = open_grid(tmp_path / "a.xlsx").sheets[0]
    total = form[form.names["资金总额"][:2]]
    assert (total.text, total.number, total.locked) == ("12456100", True, False)
    sums = xltool.balance(xltool.read(tmp_path / "a.xlsx"))
    assert sums.unit == "元"
    # The lone 10 of the non-tax row has no cell here: the difference is shown, not hidden.
    assert sums.spending.residual == Decimal(100_000)


def test_the_rules_that_apply_find_the_same(moved, tmp_path):
    xltool.fill(moved, tmp_path / "a.xlsx")
    here = {f.code for f in xltool.check(xltool.read(tmp_path / "a.xlsx"))}
    there = {f.code for f in xltool.check(seed_filing())}
    assert {"I404", "I408", "X501", "I403", "X503", "I412", "P206", "I414"} <= here & there
    assert "I406" not in here  # it judges 绩效标准, which these forms don't have
    assert not {"T303", "T304"} & here


def test_cost_categories_count_as_cost(moved):
    costs = {b.id for b in NATIONAL.project.indicators.block if b.kind == "cost"}
    assert costs == {"cost_economic", "cost_social", "cost_ecological"}
    project = moved.projects[0]
    over = tuple(
        Indicator(
            one.block,
            {**one.cells, "number": Entry("9999", "9999"), "measure": Entry("万元", "万元")},
        )
        if one.block == "cost_economic"
        else one
        for one in project.indicators
    )
    from msgspec.structs import replace

    worse = replace(moved, projects=(replace(project, indicators=over),))
    assert "X502" in {f.code for f in xltool.check(worse)}


def test_a_workbook_that_lost_its_mark_is_still_told_apart(moved, tmp_path):
    xltool.fill(moved, tmp_path / "a.xlsx")
    grid = open_grid(tmp_path / "a.xlsx")
    grid.properties.clear()
    back = read_grid(grid)
    assert (back.edition, back.department) == ("national-2021", moved.department)


def test_libreoffice_and_the_validator(moved, office, validator, tmp_path):
    path = tmp_path / "申报.xlsx"
    xltool.fill(moved, path)
    assert validator.errors([path, NATIONAL.template]) == {path: [], NATIONAL.template: []}
    [saved] = office.convert([path], "xlsx", tmp_path / "saved")
    assert xltool.read(saved) == moved
    [pdf] = office.convert([path], "pdf", tmp_path / "printed")
    assert "部门（单位）整体支出绩效目标表" in office.text(pdf).replace(" ", "")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("widths = [", "widths = [[", "layout.toml：不是有效的 TOML"),
        ('style = "title"', 'style = "bold"', "没有样式“bold”；可以用：title、year、subtitle"),
        ("[department]", "[office]", "顶层：不认识“office”"),
        ('*8"]', '*9"]', "超出 8 列"),
        ('"@unit*6"', '{ cell = "@unit*6", style = "wide" }', "没有样式“wide”"),
        (
            "[department]",
            """[[department.hint]]
cell = "J4"
text = "◀"
when = "N({budget})>0"
colour = "C00000"
[department]""",
            "department 的提示 J4：when 写得不对：'budget'",
        ),
        (", 62, 74, 66, 46]", "]", "至少要"),
    ],
)
def test_a_layout_that_can_not_be_drawn_says_where(tmp_path, old, new, told):
    folder = copy_edition(NATIONAL, "county-2030", tmp_path)
    layout = folder / "layout.toml"
    text = layout.read_text("utf-8")
    assert old in text
    layout.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(EditionError, match=re.escape(told)):
        draw(tmp_path / "模板.xlsx", load_edition(folder))
    assert not (tmp_path / "模板.xlsx").exists()
