"""A sealed workbook of a campaign goes through the ribbon
and is still genuine when it comes back."""

import pytest

from tests.support.campaign import fill_in, make_campaign, sent_workbooks
from xltool import read
from xltool.campaign.ledger.campaign_folder import pin_settings
from xltool.campaign.returns.judgement import Register, judge
from xltool.campaign.sending.distribution import distribute
from xltool.checks.engine import check, rules
from xltool.databook.write import write_databook
from xltool.errors import XltoolError
from xltool.excel.ribbon import press
from xltool.results_sheet.table import HEAD, RESULTS_SHEET

pytestmark = pytest.mark.xdist_group("calc")


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    made = make_campaign(tmp_path_factory.mktemp("批次"), 1, 1)
    distribute(made)
    return made


@pytest.fixture
def sent(campaign):
    [data] = sent_workbooks(campaign.folder).values()
    return data


def returned(book, tmp_path):
    goal = tmp_path / f"{book.name}"
    book.copy_to(str(tmp_path / "交回.xlsx"))
    return (tmp_path / "交回.xlsx").read_bytes(), goal.name


def test_filled_by_the_ribbon(app, campaign, sent, tmp_path):
    (tmp_path / "我.xlsx").write_bytes(sent)
    (tmp_path / "填好.xlsx").write_bytes(fill_in(sent))
    filing = read(tmp_path / "填好.xlsx")
    write_databook([filing], tmp_path / "数据.json")
    book = app.books.open(str(tmp_path / "我.xlsx"))
    app.files = [tmp_path / "数据.json"]
    press("fill_from_data")
    verdict = judge(*returned(book, tmp_path), Register.of(campaign))
    assert verdict.kind == "genuine", [f.message for f in verdict.findings]
    assert verdict.filing == filing
    assert not [f for f in verdict.findings if f.code.startswith(("D", "R"))]


def test_the_ribbon_fills_nothing_against_the_seal(app, campaign, sent, tmp_path):
    (tmp_path / "我.xlsx").write_bytes(sent)
    (tmp_path / "别的数.xlsx").write_bytes(
        fill_in(sent, {"department.general": "1.00", "department.total": "1291.00"})
    )
    write_databook([read(tmp_path / "别的数.xlsx")], tmp_path / "数据.json")
    app.books.open(str(tmp_path / "我.xlsx"))
    app.files = [tmp_path / "数据.json"]
    with pytest.raises(XltoolError, match="下发时定为"):
        press("fill_from_data")


def test_checked_and_marked(app, campaign, sent, tmp_path):
    (tmp_path / "我.xlsx").write_bytes(fill_in(sent, {"department.total": "1.00"}))
    book = app.books.open(str(tmp_path / "我.xlsx"))
    press("check_all")
    assert RESULTS_SHEET in [s.name for s in book.sheets]
    press("normalise")
    press("add_project")
    verdict = judge(*returned(book, tmp_path), Register.of(campaign))
    assert verdict.kind == "genuine", [f.message for f in verdict.findings]
    assert not [f for f in verdict.findings if f.code.startswith(("D", "R"))]


def test_a_sealed_workbook_is_judged_by_the_bureaus_settings(app, tmp_path):
    made = make_campaign(tmp_path, 1, 1)
    (tmp_path / "设置.toml").write_text(
        'long_text_min = 2000\nseverity = { P210 = "error" }\n', "utf-8"
    )
    pin_settings(made.folder, tmp_path / "设置.toml")
    distribute(made)
    [data] = sent_workbooks(made.folder).values()
    (tmp_path / "我.xlsx").write_bytes(fill_in(data))
    book = app.books.open(str(tmp_path / "我.xlsx"))
    press("check_all")
    rows = book.sheets(RESULTS_SHEET).used_range.raw_value
    codes = [row[HEAD.index("代码")] for row in rows if len(row) >= len(HEAD)]
    verdict = judge(*returned(book, tmp_path), Register.of(made))
    expected = [f.code for f in check(verdict.filing, settings=made.settings)]
    assert sorted(code for code in codes if code in rules()) == sorted(expected)
    assert expected.count("P210") > [f.code for f in check(verdict.filing)].count("P210")
    app.number = 1
    assert f"“{made.title}”下发的" in press("settings")
