"""What we write, in real programs: the Open XML SDK finds no error; LibreOffice shows the same
values in the same cells, keeps the protection, prints it whole, and what it saves reads back the
same."""

import re
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from openpyxl import load_workbook

import xltool
from tests.support.seed import seed_filing
from tests.support.strategies import filings
from xltool.model import Entry, Filing, Form, Indicator

pytestmark = pytest.mark.xdist_group("office")
EDITION = xltool.load_edition()


def answered(form: Form, **values: object) -> Form:
    return replace(
        form, entries={**form.entries, **{key: Entry(v, str(v)) for key, v in values.items()}}
    )


def many(form: Form, count: int) -> Form:
    """The form with `count` indicators in every block."""
    spec = EDITION[form.kind].indicators
    rows = [
        Indicator(block.id, {column.id: Entry(f"{column.label}{n}" * n) for column in spec.column})
        for block in spec.block
        for n in range(1, count + 1)
    ]
    return replace(form, indicators=tuple(rows))


def shipped() -> dict[str, Filing]:
    """Filings of every shape a workbook can take, by the name of their file."""
    seed = seed_filing()
    [project] = seed.projects
    tricky = "=1+1\n@SUM(A1)\n<b>&amp;</b> ]]> \"'\n　全角空格　\n\U0001f600𠮷\t制表"
    names = ("创业创新大赛", "创业创新大赛（第二批）", "A/B:C*项目", "很长的项目名称" * 6)
    return {
        "seed": seed,
        "grown": replace(
            seed,
            department=many(seed.department, 6),
            projects=tuple(many(answered(project, project=name), 3) for name in names),
        ),
        "long": replace(
            seed,
            department=answered(
                seed.department,
                duties="\n".join(
                    f"（{n}）负责全市工业经济运行调度、数据统计和形势分析工作。" * 3
                    for n in range(20)
                ),
                goal="目标：做好科技对经济发展的引领工作。" * 30,
            ),
        ),
        "tricky": replace(
            seed,
            department=answered(
                seed.department, duties=tricky, total=Decimal("0.0001"), basic=Decimal("-1")
            ),
            projects=(answered(project, period_goal=tricky, annual_goal="-3"),),
            code="00430981",
        ),
        "alone": replace(
            seed,
            projects=(),
            department=replace(
                answered(seed.department, duties="职责。", goal="目标。"), indicators=()
            ),
        ),
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    return {
        name: xltool.fill(filing, folder / f"{name}.xlsx") for name, filing in shipped().items()
    }


@pytest.fixture(scope="module")
def saved(written, office, tmp_path_factory):
    """The same workbooks, opened and saved by LibreOffice."""
    made = office.convert(list(written.values()), "xlsx", tmp_path_factory.mktemp("saved"))
    return dict(zip(written, made, strict=True))


@pytest.fixture(scope="module")
def printed(written, office, tmp_path_factory):
    made = office.convert(list(written.values()), "pdf", tmp_path_factory.mktemp("printed"))
    return dict(zip(written, made, strict=True))


NAMES = ["seed", "grown", "long", "tricky", "alone"]


def test_the_sdk_validator_finds_no_error(written, validator):
    assert validator.errors(written.values()) == {path: [] for path in written.values()}


def test_every_shape_is_tested(written):
    assert list(written) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_libreoffice_shows_the_same_values_in_the_same_cells(written, saved, name):
    ours, theirs = load_workbook(written[name]), load_workbook(saved[name])
    assert theirs.sheetnames == ours.sheetnames
    for sheet in ours:
        found = {
            c.coordinate: c.value for row in theirs[sheet.title].iter_rows() for c in row if c.value
        }
        assert found == {c.coordinate: c.value for row in sheet.iter_rows() for c in row if c.value}
        assert theirs[sheet.title].protection.sheet
        locks = {
            c.coordinate: c.protection.locked for row in sheet.iter_rows() for c in row if c.value
        }
        assert {at: theirs[sheet.title][at].protection.locked for at in locks} == locks


@pytest.mark.parametrize("name", NAMES)
def test_what_libreoffice_saves_reads_back_the_same(written, saved, name):
    ours, theirs = xltool.read(written[name]), xltool.read(saved[name])
    assert theirs == ours
    assert theirs.faults == ours.faults
    places = [{key: entry.place for key, entry in form.entries.items()} for form in ours.forms]
    assert [
        {key: entry.place for key, entry in form.entries.items()} for form in theirs.forms
    ] == places


@settings(max_examples=2, derandomize=True, deadline=None, phases=[Phase.generate],
          suppress_health_check=list(HealthCheck))  # fmt: skip
@given(st.lists(filings(), min_size=6, max_size=6))
def test_random_filings_survive_libreoffice_and_the_validator(
    office, validator, tmp_path_factory, drawn
):
    folder = tmp_path_factory.mktemp("random")
    paths = [xltool.fill(filing, folder / f"{n}.xlsx") for n, filing in enumerate(drawn)]
    assert validator.errors(paths) == {path: [] for path in paths}
    for path, again in zip(paths, office.convert(paths, "xlsx", folder / "saved"), strict=True):
        assert xltool.read(again) == xltool.read(path)


# ── on paper ─────────────────────────────────────────────────────────────────────────────────


def squeezed(text: str) -> str:
    """The text without blanks: where lines break on paper doesn't matter."""
    return re.sub(r"\s", "", text)


def test_the_seed_prints_on_its_pages(printed, office):
    pdf = printed["seed"]
    assert office.pages(pdf) == 3
    pages = [squeezed(office.text(pdf, page)) for page in range(1, 4)]
    assert [page.startswith("2023年") for page in pages] == [True, False, True]
    # The heads stand on every page that carries indicators, and every page knows its number.
    assert all("一级指标" in page and "指标值及单位" in page for page in pages)
    assert [f"第{n}页共3页" in page for n, page in enumerate(pages, 1)] == [True] * 3


def test_one_form_is_one_page_where_it_can_be(printed, office):
    assert office.pages(printed["alone"]) == 1


def squeezed_lines(text: str) -> list[str]:
    return [squeezed(line) for line in text.splitlines() if line.isprintable()]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_missing_on_paper(printed, office, name):
    paper = squeezed(office.text(printed[name]))
    for form in shipped()[name].forms:
        for field in EDITION[form.kind].field:
            if field.kind in ("unit", "text", "long", "period"):
                for line in squeezed_lines(form.text(field.id)):
                    assert line[:12] in paper, (field.label, line)
                    assert line[-6:] in paper, (field.label, line)


@pytest.mark.parametrize("name", ["seed", "alone"])
def test_long_texts_stay_inside_their_cells(printed, office, name):
    """Text that is too high for its row would hang out over the rows above and below."""
    words = office.words(printed[name], 1)
    form = shipped()[name].department
    rows = [
        ["其他资金"],
        form.text("duties").split("\n"),
        form.text("goal").split("\n"),
        ["一级指标"],
    ]
    previous = 0.0
    for lines in rows:
        first, last = squeezed(lines[0])[:4], squeezed(lines[-1])[:4]
        top = min(word.top for word in words if word.text.startswith(first))
        bottom = max(word.bottom for word in words if word.text.startswith(last))
        assert top >= previous
        previous = bottom
