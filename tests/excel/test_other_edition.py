"""The buttons over a form of another edition: amounts in 元, values in three columns."""

import pytest
from msgspec.structs import replace

from tests.support.case import filing_of
from xltool import check, fill, read
from xltool.excel.ribbon import press
from xltool.model import Entry
from xltool.results_sheet.table import HEAD, RESULTS_SHEET, results

pytestmark = pytest.mark.xdist_group("calc")


def test_check_balance_and_rows_on_the_national_form(app, tmp_path):
    filing = filing_of({"edition": "national-2021", "department": {"other": "100"}})
    path = fill(filing, tmp_path / "申报.xlsx")
    book = app.books.open(str(path))
    press("check_all")
    headless = read(path)
    expected = results(headless, check(headless))
    assert any(row.texts[2] == "T301" for row in expected.rows)
    shown = book.sheets(RESULTS_SHEET).used_range.raw.getDataArray()
    top = next(n for n, row in enumerate(shown) if row[: len(HEAD)] == HEAD)
    assert [list(row[: len(HEAD)]) for row in shown[top + 1 :]] == [
        list(r.texts) for r in expected.rows
    ]
    assert "元" in "".join(str(row[0]) for row in shown[:top])


def test_what_is_typed_in_three_columns_is_read_as_one_value(app, tmp_path):
    filing = filing_of({"edition": "national-2021"})
    path = fill(filing, tmp_path / "申报.xlsx")
    place = read(path).department.block("quantity")[0].cells["number"].place
    book = app.books.open(str(path))
    book.sheets(place.sheet).raw.getCellRangeByName(place.cell).setString("45")
    goal = tmp_path / "存.xlsx"
    book.copy_to(str(goal))
    [first, *rest] = filing.department.indicators[1:]
    typed = replace(first, cells={**first.cells, "number": Entry("45", "45")})
    back = read(goal).department.indicators
    assert list(back[1:]) == [typed, *rest]
    assert back[1].target.text == "≥45座"
