"""Forms that are longer than a page are broken between categories, in the file and on paper."""

import re
from zipfile import ZipFile

import pytest
from msgspec.structs import replace

import xltool
from tests.support.clean import clean_filing
from tests.support.seed import seed_filing
from xltool.filling.paper import for_paper
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


# ── as it goes on paper ──


@pytest.fixture(scope="module")
def papers(written, tmp_path_factory):
    folder = tmp_path_factory.mktemp("纸")
    return {name: for_paper(path, folder / path.name) for name, path in written.items()}


@pytest.mark.parametrize("name", ["平常", "行多", "字多", "一类超过一页"])
def test_no_label_is_cut_by_the_end_of_a_page(written, papers, name):
    assert breaks_of(papers[name]) == breaks_of(written[name])
    form, paper = open_grid(written[name]).sheets, open_grid(papers[name]).sheets
    cut = 0
    for was, is_, breaks in zip(form, paper, breaks_of(papers[name]), strict=True):
        begun = {(area.top, area.left) for area in was.names.values() if area}
        for merge in was.merges:
            ends = [row for row in breaks if merge.top <= row < merge.bottom]
            if not ends or (merge.top, merge.left) in begun:
                assert merge in is_.merges
                continue
            cut += 1
            assert merge not in is_.merges
            for row in (merge.top, *(row + 1 for row in ends)):
                assert is_[row, merge.left].text == was[merge.top, merge.left].text != ""
        answers = {at: cell.text for at, cell in was.cells.items() if cell.text}
        assert answers.items() <= {at: cell.text for at, cell in is_.cells.items()}.items()
    assert cut


def test_every_page_says_which_indicators_it_holds(papers, office, tmp_path):
    [pdf] = office.convert([papers["行多"]], "pdf", tmp_path)
    pages = office.text(pdf).split("\f")
    assert ["产出指标" in page for page in pages[:4]] == [True] * 4


def test_a_form_filled_in_by_hand_is_laid_out_for_paper(written, tmp_path):
    """Its program knows no breaks: 40 rows were typed in, or it was saved by another program."""
    bare = tmp_path / "手填.xlsx"
    with ZipFile(written["行多"]) as package, ZipFile(bare, "w") as made:
        for name in package.namelist():
            made.writestr(name, re.sub(rb"<rowBreaks.*</rowBreaks>", b"", package.read(name)))
    assert not any(breaks_of(bare))
    assert breaks_of(for_paper(bare, tmp_path / "纸.xlsx")) == breaks_of(written["行多"])


def test_the_validator_takes_what_goes_on_paper(papers, validator):
    paths = list(papers.values())
    assert validator.errors(paths) == {path: [] for path in paths}


def test_a_short_form_goes_on_paper_as_it_is(tmp_path):
    short = xltool.fill(clean_filing("hospital-county"), tmp_path / "短.xlsx")
    paper = for_paper(short, tmp_path / "纸.xlsx")
    with ZipFile(short) as was, ZipFile(paper) as is_:
        assert {n: was.read(n) for n in was.namelist()} == {n: is_.read(n) for n in is_.namelist()}
