"""The verdicts in the running spreadsheet are the headless ones:
the example and mutated filings."""

import pytest

from tests.support.clean import clean_filing
from tests.support.mutations import MUTATIONS
from tests.support.seed import seed_filing
from xltool import check, fill, read
from xltool.excel.ribbon import press
from xltool.filling.writer import FillError
from xltool.results_sheet.table import HEAD, RESULTS_SHEET, results

pytestmark = pytest.mark.xdist_group("calc")

_EVERY_SECOND = MUTATIONS[::2]


def live_rows(app, path) -> list[tuple[str, ...]]:
    """Open the workbook, press 全审, and take the rows from the results sheet."""
    book = app.books.open(str(path))
    press("check_all", book.name)
    rows = book.sheets(RESULTS_SHEET).used_range.raw.getDataArray()
    top = next(n for n, row in enumerate(rows) if row[: len(HEAD)] == HEAD)
    book.close()
    return [row[: len(HEAD)] for row in rows[top + 1 :]]


def headless_rows(path) -> list[tuple[str, ...]]:
    filing = read(path)
    return [row.texts for row in results(filing, check(filing)).rows]


def test_the_example(app, tmp_path):
    path = fill(seed_filing(), tmp_path / "例.xlsx")
    rows = headless_rows(path)
    assert {"T303", "T304", "X501", "I404", "I408"} <= {row[2] for row in rows}
    assert live_rows(app, path) == rows


def test_enough_mutations():
    assert len(_EVERY_SECOND) >= 34
    assert len({m.code[0] for m in _EVERY_SECOND}) >= 4, "every family of rules"


@pytest.mark.parametrize("mutation", _EVERY_SECOND, ids=[m.title for m in _EVERY_SECOND])
def test_a_mutated_filing(app, tmp_path, mutation):
    filing = mutation.change(clean_filing("hospital-county"))
    try:
        path = fill(filing, tmp_path / "变异.xlsx")
    except FillError:
        pytest.fail("a planted fault that can't be written belongs to another test")
    rows = headless_rows(path)
    assert live_rows(app, path) == rows
    if mutation.last_year is None:
        assert mutation.code in {row[2] for row in rows}
