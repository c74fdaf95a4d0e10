"""Forms that are longer than a page are broken between categories, in the file and on paper."""

import re
from zipfile import ZipFile

import pytest
from msgspec.structs import replace

import xltool
from tests.support.seed import seed_filing
from xltool.model import Entry, Filing, Form, Indicator
from xltool.template.layout import load_layout
from xltool.xlsx.workbook_reader import open_grid

pytestmark = pytest.mark.xdist_group("office")
LAYOUT = load_layout(xltool.load_edition())


def many(form: Form, count: int) -> Form:
    """The form with `count` indicators in every block."""
    columns = LAYOUT.forms[form.kind].columns
    rows = [
        Indicator(block, {id_: Entry(f"第{n}条", f"第{n}条") for id_ in columns})
        for block in LAYOUT.forms[form.kind].blocks
        for n in range(1, count + 1)
    ]
    return replace(form, indicators=tuple(rows))


def shapes() -> dict[str, Filing]:
    seed = seed_filing()
    grown = replace(seed, projects=tuple(many(form, 5) for form in seed.projects))
    text = "负责全市工业经济运行调度、数据统计和形势分析工作。" * 60
    return {
        "平常": seed,
        "行多": replace(grown, department=many(seed.department, 4)),
        "字多": replace(grown, department=with_duties(many(seed.department, 4), text)),
        "一类超过一页": replace(grown, department=many(seed.department, 40)),
    }


def with_duties(form: Form, text: str) -> Form:
    return replace(form, entries={**form.entries, "duties": Entry(text, text)})


def breaks_of(path) -> list[list[int]]:
    with ZipFile(path) as package:
        names = sorted(n for n in package.namelist() if n.startswith("xl/worksheets/sheet"))
        return [[int(n) for n in re.findall(rb'<brk id="(\d+)"', package.read(n))] for n in names]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("分页")
    return {name: xltool.fill(one, folder / f"{name}.xlsx") for name, one in shapes().items()}


@pytest.mark.parametrize("name", ["平常", "行多", "字多"])
def test_a_page_begins_with_a_category_or_with_the_heads(written, name):
    grid = open_grid(written[name])
    found = breaks_of(written[name])
    assert any(found)
    for sheet, breaks, form in zip(grid.sheets, found, ("department", "project"), strict=True):
        tops = {sheet.names[block.label].top for block in LAYOUT.forms[form].spec.indicators.block}
        heads = min(tops) - 1
        assert {row + 1 for row in breaks} <= tops - {min(tops)} | set(range(1, heads + 1))


def test_no_program_has_to_break_a_page_by_itself(written, office, tmp_path):
    paths = list(written.values())
    for path, pdf in zip(paths, office.convert(paths, "pdf", tmp_path), strict=True):
        assert office.pages(pdf) == sum(len(breaks) + 1 for breaks in breaks_of(path))


def test_the_validator_finds_the_breaks_where_they_belong(written, validator):
    assert validator.errors(list(written.values())) == {path: [] for path in written.values()}
