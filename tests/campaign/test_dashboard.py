"""The page of progress: the same records as status, one file, no network,
quick with 7,800 units."""

from __future__ import annotations

import msgspec
import pytest

from tests.support.campaign import Bureau, fill_in, make_campaign
from xltool.campaign.returns.status import status
from xltool.campaign.rollup.dashboard import dashboard, write_dashboard
from xltool.cli import main

NASTY = '</script><img src=x onerror="document.title=1">'


@pytest.fixture(scope="module")
def bureau(tmp_path_factory):
    bureau = Bureau(tmp_path_factory.mktemp("页"), 2, 3, deadline="2024-01-20")
    good, wrong, *_ = bureau.codes
    bureau.hand_in("1", {"a.xlsx": fill_in(bureau.sent[good])}, when=1.7e9)
    changes = {"department.basic": "1", "department.quantity": [[NASTY, "≥1家"]]}
    bureau.hand_in("2", {"b.xlsx": fill_in(bureau.sent[wrong], changes)}, when=1.706e9)
    bureau.hand_in("3", {f"{NASTY.replace('/', '')}.xlsx": b"no workbook"})
    return bureau


def test_the_page_says_what_status_says(bureau):
    data = dashboard(bureau.campaign)
    standing = status(bureau.campaign)
    assert data["totals"] == {
        "应报": len(standing.owing), "已采用": 1, "还差": len(standing.chase),
        "逾期": sum(s.late for s in standing.standings),
    }  # fmt: skip
    assert [u["state"] for u in data["units"]] == [s.state for s in standing.standings]
    assert data["days"] == [["2023-11-15", 1]] or data["days"] == [["2023-11-14", 1]]
    assert [(d["name"], d["owing"], d["covered"]) for d in data["districts"]] == [
        ("第1区", 3, 1),
        ("第2区", 3, 0),
    ]
    assert "T302" in {code for code, _, _ in data["frequent"]}
    assert data["units"][1]["chain"][0].startswith("第 1 版")


def test_a_withdrawn_return_is_one_in_the_chain_and_no_day_is_said(tmp_path):
    from xltool.campaign.returns.decisions import withdraw

    bureau = Bureau(tmp_path, 1, 1)
    [code] = bureau.codes
    bureau.hand_in("1", {"a.xlsx": fill_in(bureau.sent[code])}, when=1.7e9)
    withdraw(bureau.campaign, [code], "重审")
    data = write_dashboard(tmp_path / "进度.html", bureau.campaign)
    [line] = data["units"][0]["chain"]
    assert line.endswith("，已撤回") and data["days"] == []
    assert "还没有采用的申报" in (tmp_path / "进度.html").read_text("utf-8")


@pytest.mark.xdist_group("office")
def test_in_the_browser(browser, bureau, tmp_path, monkeypatch):
    monkeypatch.chdir(bureau.campaign.folder)
    path = tmp_path / "进度.html"
    assert main(["campaign", "report", "-o", str(path)]) == 0
    page = browser.open(path)
    assert page.locator("#units tbody tr").count() == 6
    page.get_by_role("button", name="第2区").first.click()
    assert page.locator("#units tbody tr").count() == 3
    page.select_option("#f-district", "")
    page.get_by_role("button", name="T302").click()
    assert page.locator("#units tbody tr").count() == 1
    page.get_by_role("button", name="第1区第2局").click()
    text = page.locator("#detail").inner_text()
    assert "报来的各版" in text and "T302" in text
    assert page.title() == "批次进度"  # what a unit wrote is text
    assert page.locator("img").count() == 0
    browser.quiet(path)


@pytest.mark.xdist_group("office")
def test_with_7800_units(browser, tmp_path):
    campaign = make_campaign(tmp_path, 130, 60)
    ledger, finding = (
        campaign.ledger,
        {"code": "T302", "severity": "error", "message": "支出侧不平衡" * 5},
    )
    said = msgspec.json.encode([finding] * 5).decode()
    figures = '{"amounts":{"total":"1"},"uncounted":{},"verdict":"","projects":[],"indicators":{}}'
    with ledger.writing(), ledger.transaction():
        ledger.base.execute(
            "INSERT INTO issues (unit, number, batch, digest, layout, file, sha256, made_at, manifest)"
            " SELECT code, 1, 1, code, '', '', code, '2024-01-01 00:00:00', '' FROM units"
        )
        ledger.base.execute(
            "INSERT INTO returns (sha256, unit, claimed, version, name, modified, received_at, kind, verdict,"
            " issue, findings, figures, seal, stamp, content) SELECT code, code, '', 1, code, '', '2024-01-09',"
            " 'genuine', CASE position % 3 WHEN 0 THEN 'error' ELSE 'pass' END, 1,"
            " CASE position % 3 WHEN 0 THEN ? ELSE '[]' END, ?, code, '', code FROM units"
            " WHERE position % 5", (said, figures),
        )  # fmt: skip
        ledger.base.execute(
            "INSERT INTO arrivals (sha256, name, time, zipped, day, taken_at, return_id, outcome, reason, unit)"
            " SELECT sha256, name, '', 0, '2024-01-0' || (1 + id % 9), '', id, 'word', '', unit FROM returns"
        )
    path = tmp_path / "进度.html"
    write_dashboard(path, campaign)
    assert path.stat().st_size < 8 * 2**20
    page = browser.open(path)
    assert page.locator("#units tbody tr").count() == 300  # never all at once
    assert "共 7800 个单位" in page.locator("#count").inner_text()
    page.locator("#more").click()
    assert page.locator("#units tbody tr").count() == 600
    page.select_option("#f-state", "有错误")
    assert "共 2080 个单位" in page.locator("#count").inner_text()
    page.fill("#f-text", "第130区第1局")
    assert page.locator("#units tbody tr").count() <= 1
    browser.quiet(path)
