"""Random filings for property-based tests: anything that a unit can write and a form can hold."""

from decimal import Decimal

from hypothesis import strategies as st

from xltool.databook.assembly import complete, in_order
from xltool.editions.declaration import Edition, FormSpec, load_edition
from xltool.files.table_habits import visible, without_invisible
from xltool.model import Entry, Filing, Form, Indicator
from xltool.money import tidy

# What breaks careless writers: formulas, markup, escapes, quotes, other scripts, controls, edges.
_FORMULAS = ("=1+1", "+86", "-1", "@SUM(A1)", "007", "1e5", "TRUE", "#REF!")
_MARKUP = ("'", '"', ",", "，", "\n", "\n\n", "\t", "<b>&amp;", "]]>", "_x0041_", "{}", "%s", "$&")
_SCRIPTS = ("😀", "𠮷", "é", "　", "\u00a0", "\ufeff", "\x01", "\x0b", "\x1f", "\u2028", "……")
_WORDS = ("目标1：完成", "≥95%", "15家以上", "120家", "2023年12月31日前")
_PIECES = st.sampled_from(_FORMULAS + _MARKUP + _SCRIPTS + _WORDS)
# XML and UTF-8 can't hold these at all; \r is a line break and becomes \n.
_ANY = st.characters(exclude_categories=("Cs",), exclude_characters="\r\ufffe\uffff")
texts = st.one_of(
    st.just(""),
    st.lists(st.one_of(_PIECES, st.text(_ANY, max_size=8)), max_size=6).map("".join),
    st.sampled_from([" ", "　", "\n", " \n "]),
).map(without_invisible)
names = st.lists(st.one_of(_PIECES, st.text(_ANY, max_size=8)), max_size=4).map(
    # What nobody sees is no part of a name.
    lambda pieces: visible(f"局{''.join(pieces)}")
)
codes = st.one_of(st.just(""), st.from_regex(r"0{0,3}[0-9]{3,9}", fullmatch=True))
amounts = st.decimals(Decimal("-99999999"), Decimal("99999999"), places=4).map(tidy) | st.just(
    Decimal(0)
)
years = st.integers(2000, 2099)


def entry(value: object) -> Entry:
    """An entry that says this; nothing is blank."""
    if value is None or value == "":
        return Entry()
    return Entry(value, str(value))  # type: ignore[arg-type]


def _answer(kind: str) -> st.SearchStrategy[Entry]:
    values = {"amount": st.none() | amounts, "year": years, "unit": names}.get(kind, texts)
    return values.map(entry)


@st.composite
def indicators(draw: st.DrawFn, spec: FormSpec) -> tuple[Indicator, ...]:
    """Up to six indicators a category, none of them hollow, in the form's order."""
    found = []
    columns = [c.id for c in spec.indicators.column]
    for block in draw(
        st.lists(st.sampled_from(spec.indicators.block), max_size=4, unique_by=lambda b: b.id)
    ):
        for _ in range(draw(st.integers(1, 6))):
            cells = {c: draw(texts) for c in columns}
            cells[draw(st.sampled_from(columns))] = f"指标{draw(texts)}"
            found.append(Indicator(block.id, {c: entry(text) for c, text in cells.items()}))
    return in_order(spec, found)


@st.composite
def filings(draw: st.DrawFn, edition: Edition | None = None, unit: str | None = None) -> Filing:
    """A whole filing: a department form and up to five projects with names of their own."""
    edition = edition or load_edition()

    def entries(spec: FormSpec) -> dict[str, Entry]:
        return {f.id: draw(_answer(f.kind)) for f in spec.field if not f.derived}

    own = entries(edition.department)
    if unit is not None:
        own["unit"] = entry(unit)
    rows = draw(indicators(edition.department))
    if not rows:
        # A data book's department row that says nothing but year and unit is no department form.
        field = next(f.id for f in edition.department.field if f.kind == "long")
        own[field] = entry(f"职责{own[field].text}")
    department = complete(edition.department, own, own)
    projects = []
    for name in draw(st.lists(names, max_size=5, unique_by=str.strip)):
        answers = {**entries(edition.project), "project": entry(name)}
        whole = complete(edition.project, answers, department)
        projects.append(Form("project", whole, draw(indicators(edition.project))))
    form = Form("department", department, rows)
    return Filing(edition.id, form, tuple(projects), draw(codes))


@st.composite
def books(draw: st.DrawFn, edition: Edition | None = None) -> list[Filing]:
    """Up to three units of different names."""
    units = draw(st.lists(names, min_size=1, max_size=3, unique_by=str.strip))
    return [draw(filings(edition, unit)) for unit in units]
