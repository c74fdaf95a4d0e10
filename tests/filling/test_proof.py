"""The quick proof of a written workbook:
taken for all we write, sure where it says yes, blind to nothing."""

import re
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec import to_builtins
from msgspec.structs import replace

import xltool
from tests.support.seed import seed_filing
from xltool.editions.declaration import EditionError
from xltool.filling.compile import compile_template
from xltool.filling.proof import proved_sheets
from xltool.filling.read_back import read_back
from xltool.filling.writer import FillError, filled, judge, render, verify
from xltool.model import Entry, FaultKind, Filing, Form, Indicator
from xltool.reading.reader import read_grid
from xltool.xlsx.package import Unpacked
from xltool.xlsx.workbook_reader import grid_of
from xltool.xlsx.zip_container import join, pack, split

EDITIONS = ("hunan-2023", "national-2021")
FIRST, SECOND = "xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml"
BOOK, STRINGS, CUSTOM = "xl/workbook.xml", "xl/sharedStrings.xml", "docProps/custom.xml"


@pytest.fixture(scope="module")
def seed():
    return replace(seed_filing(), code="00430981")


def is_proved(filing: Filing, data: bytes, locked=None) -> bool:
    """Whether the workbook is proved;
    what is then read back without parsing it is what the reader gives."""
    edition = xltool.load_edition(filing.edition)
    compiled = compile_template(edition)
    compiled = compiled.with_twins if locked else compiled
    parts = Unpacked(split(data))
    sheets = proved_sheets(filing, parts, compiled, locked)
    if sheets:
        back = read_back(filing, sheets, parts, compiled)
        assert whole(back) == whole(read_grid(grid_of(parts), edition=edition))
    return bool(sheets)


def whole(filing: Filing):
    """All that a filing holds, with the texts and places that `==` leaves out."""
    return to_builtins([*filing.forms, filing.code, filing.faults, filing.seal, filing.answers])


def said(form, **values):
    entries = {
        key: Entry(value, "" if value is None else str(value)) for key, value in values.items()
    }
    return replace(form, entries={**form.entries, **entries})


def unsaid(form):
    """The form as it is sent out: what is known of it, no answer."""
    known = {key: entry for key, entry in form.entries.items() if key in ("year", "unit")}
    return replace(form, entries=known, indicators=())


def row(block: str, name: str, target: str = "≥1个") -> Indicator:
    return Indicator(block, {"name": Entry(name, name), "target": Entry(target, target)})


def shapes(seed: Filing):
    """Filings that make the sheets grow, multiply and go,
    and texts that XML must spell otherwise."""
    department, [project] = seed.department, seed.projects
    many = (*(row("quantity", f"指标{n}") for n in range(9)), row("satisfaction", "满意度"))
    yield seed
    yield replace(seed, code="")
    yield replace(seed, projects=())
    yield replace(seed, projects=(unsaid(project), project))
    yield replace(seed, department=unsaid(department), projects=(unsaid(project),))
    yield replace(seed, department=None)
    yield replace(seed, projects=tuple(said(project, project=f"项目{n}") for n in range(4)))
    yield replace(
        seed,
        projects=(said(project, project="A & B's <一>"), said(project, project="a & b's <一>")),
    )
    yield replace(seed, department=replace(department, indicators=many))
    yield replace(seed, department=replace(department, indicators=()))
    yield replace(seed, department=said(department, duties="职责。" * 3000, goal="目标\n" * 90))
    yield replace(seed, department=said(department, goal="a<b & c>\x07_x000D_ \r 尾 "))
    yield replace(seed, department=said(department, total=Decimal("0.0001"), other=None))


def test_all_that_we_write_is_proved(seed):
    for filing in shapes(seed):
        assert is_proved(filing, render(filing)), filing


LOCKED = {"department": ("year", "unit", "total", "goal"), "project": ("year", "unit")}


def test_a_workbook_with_locked_cells_is_proved(seed):
    for filing in shapes(seed):
        data = render(filing, locked=LOCKED)
        assert is_proved(filing, data, LOCKED), filing
        judge(filing, Unpacked(split(data)), xltool.load_edition())


def test_a_cell_that_should_be_locked_and_is_not_is_not_overlooked(seed):
    data = render(seed, locked=LOCKED)
    styles = "xl/styles.xml"
    assert not is_proved(seed, render(seed), LOCKED)
    assert not is_proved(seed, data)
    assert not is_proved(seed, data, {**LOCKED, "department": ("year",)})
    assert not is_proved(seed, changed(data, styles, 'locked="1"', 'locked="0"'), LOCKED)


def test_a_workbook_with_nothing_to_know_it_by_is_not_proved(seed):
    filing = replace(seed, department=None, projects=tuple(map(unsaid, seed.projects)))
    assert not is_proved(filing, render(filing))


@pytest.mark.parametrize("edition", EDITIONS)
def test_forms_of_every_edition_are_proved(edition):
    found = xltool.load_edition(edition)
    texts = {
        f.id: Entry("内容", "内容") for f in found.department.field if f.kind in ("text", "long")
    }
    filing = Filing(edition, department=Form("department", {**texts, "year": Entry(2024, "2024")}))
    assert is_proved(filing, render(filing))


def changed(data: bytes, part: str, old: str, new: str) -> bytes:
    """The package with one spot of a part altered."""
    parts = split(data)
    assert old.encode() in parts[part], old
    parts[part] = parts[part].replace(old.encode(), new.encode(), 1)
    return join(pack(name, content) for name, content in parts.items())


SPOTS = {
    "an amount": (FIRST, "<v>1245.61</v>", "<v>1245.62</v>"),
    "an amount as text": (
        FIRST,
        "><v>1245.61</v></c>",
        ' t="inlineStr"><is><t>1245.61</t></is></c>',
    ),
    "a word": (FIRST, "工业", "农业"),
    "an official text": (FIRST, 't="s"><v>3</v>', 't="s"><v>4</v>'),
    "a style": (FIRST, '<c r="A3" s="', '<c r="A3" s="1'),
    "a cell that is gone": (FIRST, '<c r="B3"', '<c r="G3"'),
    "a cell's content in another": (SECOND, '<c r="D9"', '<c r="D10"'),
    "a merge": (FIRST, '<mergeCell ref="A1:F1"/>', ""),
    "the protection": (FIRST, ' sheet="1"', ' sheet="0"'),
    "a name that leads elsewhere": (BOOK, "!$D$6<", "!$D$7<"),
    "a name that is gone": (BOOK, 'name="基本支出"', 'name="基本开支"'),
    "a hidden sheet": (
        BOOK,
        '<sheet name="部门整体支出绩效目标表"',
        '<sheet state="hidden" name="部门整体支出绩效目标表"',
    ),
    "shared text": (STRINGS, "基本支出", "基木支出"),
    "the unit's code": (CUSTOM, "00430981", "00430982"),
    "the edition": (CUSTOM, "hunan-2023", "national-2021"),
    "a height that is none": (FIRST, ' ht="', ' ht="x'),
    "a row of another number": (FIRST, '<row r="5"', '<row r="6"'),
    "an attribute of a row": (FIRST, '<row r="5"', '<row r="5" hidden="1"'),
    "a sheet that is not there": (BOOK, 'r:id="rId1"', 'r:id="rId9"'),
    "one sheet twice": (BOOK, 'r:id="rId1"', 'r:id="rId2"'),
    "another order of sheets": (BOOK, 'sheetId="1"', 'sheetId="2"'),
    "a bare &": (FIRST, "工业", "工&业"),
    "an unclosed row": (FIRST, "</row>", ""),
    "text between cells": (FIRST, "</c><c", "</c>x<c"),
}


@pytest.mark.parametrize("spot", SPOTS)
def test_no_change_is_overlooked(seed, spot):
    data = render(seed)
    assert not is_proved(seed, changed(data, *SPOTS[spot]))
    assert is_proved(seed, data)


def test_a_part_too_many_is_not_overlooked(seed):
    parts = split(render(seed))
    parts["xl/more.xml"] = b"<more/>"
    assert not is_proved(seed, join(pack(name, content) for name, content in parts.items()))


def template(folder: Path, old: str, new: str) -> Path:
    """The template with something on its first sheet altered: what this pattern finds."""
    path = folder / "模板.xlsx"
    with (
        zipfile.ZipFile(xltool.load_edition().template) as before,
        zipfile.ZipFile(path, "w") as after,
    ):
        for name in before.namelist():
            text = before.read(name).decode()
            assert name != FIRST or re.search(old, text)
            after.writestr(name, re.sub(old, lambda _: new, text) if name == FIRST else text)
    return path


@pytest.mark.parametrize(
    ("old", "new", "sound"),
    [
        ("<cols>", "<cols>", True),
        ('<sheetProtection sheet="1"', '<sheetProtection sheet="0"', False),
        ('<mergeCell ref="A1:F1"/>', '<mergeCell ref="A1:F1"/><mergeCell ref="B1:C1"/>', False),
        ("<cols>", '<cols><col min="9" max="9" hidden="1"/>', False),
    ],
)
def test_nothing_is_proved_with_a_template_that_is_not_sound(seed, tmp_path, old, new, sound):
    path = template(tmp_path, re.escape(old), new)
    compiled = compile_template(xltool.load_edition(), path)
    sheets = proved_sheets(seed, Unpacked(split(render(seed, path))), compiled)
    assert bool(sheets) is sound


def test_a_template_without_a_cell_for_each_answer_is_refused(tmp_path):
    """Also one in a lower row of an indicator block, which few filings need."""
    path = template(tmp_path, '<c r="E14"[^>]*(?:/>|>.*?</c>)', "")
    with pytest.raises(EditionError, match="E14 没有格式"):
        compile_template(xltool.load_edition(), path)


def test_no_number_is_no_amount(seed):
    for value in ("NaN", "Infinity", "-0"):
        filing = replace(seed, department=said(seed.department, other=Decimal(value)))
        assert is_proved(filing, render(filing)) is (value == "-0")


def test_another_filing_is_not_proved(seed):
    data = render(seed)
    department = seed.department
    [first, *others] = department.indicators
    for other in (
        replace(seed, projects=()),
        replace(seed, projects=seed.projects * 2),
        replace(seed, department=None),
        replace(seed, department=said(department, general=None)),
        replace(seed, department=said(department, other=Decimal("1"))),
        replace(seed, department=said(department, unheard_of="1")),
        replace(seed, department=replace(department, indicators=tuple(others))),
        replace(seed, department=replace(department, indicators=(*others, first))),
        replace(seed, department=replace(department, indicators=(first, *department.indicators))),
    ):
        assert not is_proved(other, data)
        with pytest.raises(FillError):
            verify(other, data, xltool.load_edition())


ODD = st.text(st.sampled_from("甲a1 　.…\r\n\t&<_x00D;{}年\x0b\ufffe'\""), max_size=8)
ANSWERS = st.one_of(ODD, st.none(), st.decimals(0, 10**6, places=2), st.integers(0, 3000))


@given(
    st.dictionaries(
        st.sampled_from(["year", "unit", "goal", "duties", "filer", "total", "other"]), ANSWERS
    ),
    st.lists(st.tuples(st.sampled_from(["quantity", "quality", "cost"]), ODD, ODD), max_size=4),
    ODD,
    st.sampled_from([None, LOCKED]),
)
@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_proved_the_reader_reads_so(answers, rows, project, locked):
    """However odd the filing: the proof never says yes where the reader would say no."""
    seed = seed_filing()
    department = said(seed.department, **answers)
    department = replace(department, indicators=tuple(row(*one) for one in rows))
    filing = replace(
        seed,
        department=department,
        projects=tuple(said(one, project=project) for one in seed.projects),
    )
    try:
        data = render(filing, locked=locked)
    except FillError:
        assume(False)
    if is_proved(filing, data, locked):
        judge(filing, Unpacked(split(data)), xltool.load_edition())


LONG = st.integers(0, 40).map(lambda n: "一条职责，写得长些。\n" * n + "尾")
COUNTS = st.lists(st.integers(0, 4), min_size=9, max_size=9)


@given(COUNTS, st.lists(COUNTS, max_size=3), LONG, LONG)
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_however_forms_grow_they_are_proved_and_read_so(department, projects, duties, goal):
    """Each way to grow is spelled out anew, not judged anew:
    there must be none that the reader finds bad."""
    seed, edition = seed_filing(), xltool.load_edition()

    def grown(form: Form, counts: list[int], **values: str) -> Form:
        blocks = {spec.id: spec for spec in edition.form}[form.kind].indicators.block
        rows = [
            row(b.id, f"{b.label}{n}")
            for b, count in zip(blocks, counts, strict=True)
            for n in range(count)
        ]
        return replace(said(form, **values), indicators=tuple(rows))

    filing = replace(
        seed,
        department=grown(seed.department, department, duties=duties, goal=goal),
        projects=tuple(
            grown(seed.projects[0], counts, project=f"项目{n}", annual_goal=goal)
            for n, counts in enumerate(projects)
        ),
    )
    data = render(filing)
    assert is_proved(filing, data)
    judge(filing, Unpacked(split(data)), edition)


def test_what_a_cell_hides_is_said_of_what_is_read_back(seed):
    """An amount with more decimals than its cell shows is written whole, and said to be."""
    filing = replace(seed, department=said(seed.department, other=Decimal("0.123456789")))
    assert is_proved(filing, render(filing))
    assert [fault.kind for fault in filled(filing).read_back().faults] == [FaultKind.ROUNDED]


def test_what_could_not_be_proved_is_read_back_by_the_reader(seed):
    data = changed(render(seed), FIRST, " ht=", "  ht=")
    assert not is_proved(seed, data)
    made = verify(seed, data, xltool.load_edition())
    assert made.read_back() == seed
    assert made.read_back().department["total"].place.cell


@given(
    st.sampled_from([FIRST, SECOND, BOOK, STRINGS, CUSTOM]),
    st.floats(0, 0.999),
    st.sampled_from('0189AD<>&"/ \x07中'),
)
@settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_character_altered_anywhere_is_no_harm_where_it_is_proved(part, share, character):
    """Whatever is altered in a written part: where the proof still says yes, so does the reader."""
    seed = seed_filing()
    parts = Unpacked(split(render(seed)))
    text = parts[part].decode()
    at = int(share * len(text))
    parts[part] = (text[:at] + character + text[at + 1 :]).encode()
    if proved_sheets(seed, parts, compile_template(xltool.load_edition())):
        judge(seed, parts, xltool.load_edition())
