"""Filings as DataFrames and back: dtypes as stated, money exact, nothing lost."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import xltool
from tests.support.batches import named
from tests.support.seed import UNIT, seed_filing
from xltool import frames
from xltool.databook import DatabookError
from xltool.model import Filing

SEED = seed_filing()


def dtypes(frame: pd.DataFrame, columns) -> None:
    for name, kind in columns.items():
        assert frame[name].dtype == pd.Series([], dtype=kind).dtype, name


@pytest.mark.parametrize(
    ("make", "columns"),
    [
        (frames.filings, frames.FILING_COLUMNS),
        (frames.indicators, frames.INDICATOR_COLUMNS),
        (frames.findings, frames.FINDING_COLUMNS),
        (frames.balances, frames.BALANCE_COLUMNS),
    ],
)
def test_dtypes_are_those_that_are_stated_with_rows_and_without(make, columns):
    whole = make([SEED, named("乙局")])
    assert len(whole) and set(whole["unit"]) == {UNIT, "乙局"}
    dtypes(whole, columns)
    none = make([])
    assert len(none) == 0 and list(none.columns) == list(columns)
    dtypes(none, columns)
    assert len(make(SEED)) * 2 == len(whole)  # a filing by itself


def test_money_is_decimal_and_never_a_float():
    fields = frames.filings(SEED)
    amounts = fields[fields["kind"] == "amount"]
    filled = [value for value in amounts["value"] if value is not None]
    assert filled and all(type(value) is Decimal for value in filled)
    total = amounts[(amounts["field"] == "total") & (amounts["form"] == "department")]
    assert list(total["value"]) == [SEED.department.amount("total")]
    assert set(amounts["money"]) == {"万元"}
    figures = frames.balances(SEED)
    assert all(value is None or type(value) is Decimal for value in figures["amount"])
    for _, side in figures.groupby("side"):
        by_role = side.set_index("role")["amount"]
        terms = side[(side["role"] == "term") & ~side["adjusting"]]["amount"]
        assert sum((one for one in terms if one is not None), Decimal(0)) <= by_role["sum"]


def test_findings_are_those_of_the_check():
    found = xltool.check(SEED)
    table = frames.findings(SEED)
    assert list(table["code"]) == [f.code for f in found]
    assert list(table["message"]) == [f.message for f in found]
    assert list(frames.findings((SEED, found[:2]))["code"]) == [f.code for f in found[:2]]
    assert table["severity"].min() == "error"
    assert table["severity"].cat.ordered


def test_every_indicator_has_a_row():
    table = frames.indicators(SEED)
    assert len(table) == sum(len(form.indicators) for form in SEED.forms)
    assert list(table["target"]) == [i.target.text for form in SEED.forms for i in form.indicators]


def test_three_tables_make_the_filings_and_back():
    filings = [SEED, named("乙局")]
    parts = frames.tables(filings)
    assert frames.databook(*parts.values()) == filings
    assert frames.tables([]).keys() == parts.keys()


@pytest.mark.parametrize(
    "value",
    [
        1245.61, "1245.61", Decimal("1245.61"), pd.Series([1245.61])[0], np.float32(1245.61),
        1245.6100000000001, Decimal("1.24561E+3"),
    ],
    ids=repr,
)  # fmt: skip
def test_an_amount_is_exact_however_it_stands(value):
    assert total_of(pd.Series([value], dtype=object)) == Decimal("1245.61")


@pytest.mark.parametrize("dtype", ["float32", "Float32", "float64", "Float64", "category"])
def test_an_amount_is_exact_in_any_column(dtype):
    assert total_of(pd.Series([1245.61], dtype=dtype)) == Decimal("1245.61")


def total_of(column):
    parts = frames.tables(SEED)
    head = next(label for label in parts["部门"].columns if "资金总额" in label)
    parts["部门"][head] = column
    [filing] = frames.databook(*parts.values())
    return filing.department.amount("total")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.datetime64("2026-12-31", "ns"), "2026年12月31日"), (np.float32(0.95), "0.95"),
        (pd.Timestamp("2026-12-31"), "2026年12月31日"), (np.datetime64("NaT"), ""), (pd.NA, ""),
        (-0.0, "0"), (0.1 + 0.2, "0.3"), (np.int64(7), "7"),
    ],
    ids=repr,
)  # fmt: skip
def test_values_of_numpy_are_what_they_print(value, text):
    parts = frames.tables(SEED)
    head = next(label for label in parts["部门"].columns if "职能" in label)
    parts["部门"][head] = pd.Series([value], dtype=object)
    [filing] = frames.databook(*parts.values())
    assert filing.department.text("duties") == text


@pytest.mark.parametrize("value", [float("inf"), Decimal("-Infinity"), np.array([1.0, 2.0])])
def test_what_is_no_amount_is_a_problem_among_others(value):
    with pytest.raises(DatabookError) as caught:
        total_of(pd.Series([value], dtype=object))
    assert [p.code for p in caught.value.problems] == ["B013"]


def test_what_is_no_frame_is_one_line():
    with pytest.raises(TypeError, match="“项目”应当是 DataFrame，不是 list"):
        frames.databook(frames.tables(SEED)["部门"], [])


def test_missing_values_are_blank_and_a_year_that_became_a_float_is_a_year():
    parts = frames.tables([SEED, named("乙局")])
    units = parts["部门"]
    year = next(label for label in units.columns if "年" in label)
    units[year] = units[year].astype(float)
    text = next(label for label in units.columns if "职能" in label)
    units.loc[1, text] = float("nan")
    first, second = frames.databook(*parts.values())
    assert first.year == SEED.year
    assert second.department["duties"].blank if "duties" in second.department.entries else True
    assert [e.text for e in second.department.entries.values()].count("nan") == 0


def test_what_is_wrong_is_said_all_at_once():
    parts = frames.tables([SEED, named("乙局")])
    head = next(label for label in parts["部门"].columns if "资金总额" in label)
    parts["部门"].loc[0, head] = "约数"
    parts["部门"].loc[1, head] = "不知道"
    with pytest.raises(DatabookError) as caught:
        frames.databook(*parts.values())
    assert [p.code for p in caught.value.problems] == ["B013", "B013"]
    with pytest.raises(DatabookError):
        frames.databook(pd.DataFrame({"不认识": [1]}))


def test_a_filing_shows_itself_in_a_notebook():
    html = SEED._repr_html_()
    assert UNIT in html and "资金总额" in html and SEED.projects[0].text("project") in html
    assert "<script" not in html
    assert "&lt;b&gt;" in named("<b>局</b>")._repr_html_()
    assert "没有单位名称" in Filing("hunan-2023")._repr_html_()
    assert xltool.read(b"")._repr_html_()
    named("甲\ud800局")._repr_html_().encode()  # a notebook is saved as UTF-8
