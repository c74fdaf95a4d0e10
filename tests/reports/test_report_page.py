"""report.html in a real headless Chromium, with 10,000 units and with one."""

import base64
import itertools
import json
import re
import subprocess
import zlib
from datetime import datetime
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support.nasty import NASTY, nasty_record
from tests.support.records import as_results, make_records, unreadable
from xltool.reports import html
from xltool.reports.bundle import write_reports
from xltool.reports.html import write_page

pytestmark = pytest.mark.xdist_group("browser")
MANY = 10_000
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


def written(folder: Path, records) -> Path:
    [path] = write_reports(
        as_results(records), folder, ["html"], base=folder, made=datetime(2026, 3, 1, 9, 30)
    )
    return path


@pytest.fixture(scope="session")
def many(tmp_path_factory) -> Path:
    """A report of 10,000 units."""
    return written(tmp_path_factory.mktemp("many"), make_records(MANY))


@pytest.fixture(scope="session")
def some(tmp_path_factory) -> Path:
    """A report of 120 units and one file that could not be read."""
    return written(tmp_path_factory.mktemp("some"), [*make_records(120), unreadable("坏文件.xlsx")])


@pytest.fixture(scope="session")
def few(tmp_path_factory) -> Path:
    return written(tmp_path_factory.mktemp("few"), make_records(12))


@pytest.fixture(scope="session")
def one(tmp_path_factory) -> Path:
    """A report of the first unit that has everything: errors, explanations, an adjusted balance."""
    wanted = (
        r
        for r in make_records(2000)
        if r["counts"]["error"] and r["counts"]["explained"] and r["stale"]
    )
    record = next(r for r in wanted if r["balance"]["verdict"].startswith("经非税"))
    return written(tmp_path_factory.mktemp("one"), [record])


def names(page) -> list[str]:
    return page.locator("tr.unit .open").all_inner_texts()


def test_the_page_is_one_file_that_may_load_nothing(many, browser):
    head = many.read_text("utf-8")[:3000]
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', head)[1]
    assert policy.startswith("default-src &#39;none&#39;") and "unsafe" not in policy
    browser.open(many)
    browser.quiet(many)


def test_of_a_whole_province_the_page_has_the_index_only(tmp_path, browser, monkeypatch):
    monkeypatch.setattr(html, "MOST", 11)
    page = browser.open(written(tmp_path, make_records(12)))
    assert page.get_by_role("status").inner_text() == "共 12 家"
    page.locator("tr.unit .open").first.click()
    assert "明细不在这一页里：见同一文件夹的 findings.csv" in page.locator("tr.detail").inner_text()
    assert 'id="part-0"' not in (tmp_path / "report.html").read_text("utf-8")
    browser.quiet(tmp_path / "report.html")


def test_ten_thousand_units_are_counted_and_paged(many, browser):
    page = browser.open(many)
    assert page.get_by_role("status").inner_text() == "共 10,000 家"
    tiles = {
        verdict: page.locator(f'[data-verdict="{verdict}"] strong').inner_text()
        for verdict in ("error", "query", "pass")
    }
    expected = [r["verdict"] for r in make_records(MANY)]
    assert {v: int(n.replace(",", "")) for v, n in tiles.items()} == {
        v: expected.count(v) for v in tiles
    }
    assert len(names(page)) == 50 and page.locator("tr").count() < 100
    first = names(page)
    page.get_by_role("button", name="下一页").click()
    assert (
        not set(first) & set(names(page)) and "第 2 / 200 页" in page.locator("#pages").inner_text()
    )
    browser.quiet(many)


def test_the_details_of_many_units_are_deflated(many):
    text = many.read_text("utf-8")
    records = list(make_records(MANY))
    parts = re.findall(r'<script type="application/json" id="part-\d+">(.*?)</script>', text)
    assert len(parts) == MANY // html.PART
    last = json.loads(zlib.decompress(base64.b64decode(parts[-1])))
    assert [len(findings) for _, findings, _, _ in last] == [
        len(record["findings"]) for record in records[-html.PART :]
    ]
    assert many.stat().st_size < 15_000_000


def test_hundreds_of_sheets_are_not_printed_by_mistake(many, browser):
    page = browser.open(many)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("tr.unit").count() == 50
    assert "请先筛选" in page.get_by_role("status").inner_text()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert "请先筛选" not in page.get_by_role("status").inner_text()
    page.get_by_role("searchbox", name="查找").fill("云溪区")
    page.get_by_role("status").filter(has_text="符合条件").wait_for()
    chosen = int(page.get_by_role("status").inner_text().split()[-2].replace(",", ""))
    assert 50 < chosen < 1000
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("tr.unit").count() == chosen


def opened(page, number: int):
    """The details of a unit that was opened, once they are read."""
    page.locator(f"#detail-{number}", has_not_text="正在读取").wait_for()
    return page.locator(f"#detail-{number}")


def _chosen(page) -> None:
    """Wait until the list shows what was searched for: a click while it changes meets nothing."""
    page.get_by_role("status").filter(has_text="符合条件").wait_for()


def test_search_filter_and_sort(many, browser):
    page, records = browser.open(many), list(make_records(MANY))
    status = page.get_by_role("status")
    page.get_by_role("searchbox", name="查找").fill("云溪区 教育局")
    expected = sum("云溪区" in r["file"] and "教育局" in r["file"] for r in records)
    status.filter(has_text=f"符合条件 {expected} 家").wait_for()
    assert all("云溪区教育局" in name for name in names(page))

    page.get_by_role("button", name="清除条件").click()
    status.filter(has_text=re.compile("^共 10,000 家$")).wait_for()
    page.locator('[data-verdict="query"]').click()
    count = f"{sum(r['verdict'] == 'query' for r in records):,}"
    status.filter(has_text=f"符合条件 {count} 家").wait_for()
    assert page.locator('[data-verdict="query"]').get_attribute("aria-pressed") == "true"

    page.locator('[data-verdict="query"]').click()
    page.locator("#balance").select_option("不平衡")
    page.locator("#code").select_option("I405")
    chosen = [
        r
        for r in records
        if r["balance"]["verdict"] == "不平衡" and any(f["code"] == "I405" for f in r["findings"])
    ]
    status.filter(has_text=f"符合条件 {len(chosen)} 家").wait_for()

    page.get_by_role("button", name="资金总额").click()
    assert (
        page.get_by_role("columnheader", name="资金总额").get_attribute("aria-sort") == "descending"
    )
    chosen.sort(key=lambda r: -float(r["balance"]["revenue"]["total"]["amount"]))
    assert names(page) == [r["unit"] for r in chosen[:50]]
    page.get_by_role("button", name="资金总额").click()
    assert names(page)[0] == chosen[-1]["unit"]

    page.get_by_role("searchbox", name="查找").fill("没有这样的单位")
    page.get_by_text("没有符合条件的单位").wait_for()
    browser.quiet(many)


@pytest.mark.parametrize("number", [0, 4_321, MANY - 1])
def test_any_unit_opens_with_all_that_was_found(many, browser, number):
    record = [*make_records(number + 1)][-1]
    page = browser.open(many)
    page.get_by_role("searchbox", name="查找").fill(record["code"] + " " + record["unit"])
    _chosen(page)
    button = page.locator(f'tr.unit[data-unit="{number}"] .open')
    button.click()
    assert button.get_attribute("aria-expanded") == "true"
    detail = opened(page, number)
    shown = detail.inner_text()
    for f in record["findings"]:
        assert (
            f["message"] in shown
            and f["cell"] in shown
            and f["found"] in shown
            and f["explanation"] in shown
        )
    assert detail.locator(".finding").count() == len(record["findings"])
    words = {
        "error": "错误",
        "query": "核实",
        "note": "提示",
        "explained": "已说明",
        "trial": "试行",
    }
    counted = [
        f"{word} {record['counts'][key]}" for key, word in words.items() if record["counts"][key]
    ]
    head = f"问题（{'，'.join(counted)}）" if counted else "没有发现问题"
    assert head in shown  # as the command line counts
    for side in ("revenue", "spending"):
        for term in record["balance"][side]["terms"]:
            if term["amount"] is not None:
                assert term["label"] in shown and f"{float(term['amount']):,.2f}" in shown
    assert record["balance"]["verdict"] in shown
    button.click()
    assert detail.count() == 0
    browser.quiet(many)


def test_bars_begin_where_the_one_before_ended(one, browser):
    page = browser.open(one)
    spending = page.locator(".side").nth(1)
    bars = [
        (float(bar.get_attribute("x")), float(bar.get_attribute("width")))
        for bar in spending.locator("tr.term rect").all()
    ]
    assert len(bars) == 3 and bars[0][0] == 0
    for (x, width), (following, _) in itertools.pairwise(bars):
        assert following == pytest.approx(x + width, abs=1)
    assert spending.locator("rect.fill-adjust").count() == 1


def test_one_file_is_shown_at_once(one, browser):
    page = browser.open(one)
    assert page.locator("#list").is_hidden() and page.locator("#overview").is_hidden()
    assert page.get_by_role("heading", level=2).inner_text().endswith("有错误")
    assert "问题已不在的说明" in page.locator("#single").inner_text()
    browser.quiet(one)


def test_editions_in_another_unit_of_money_are_sorted_by_worth(browser, tmp_path):
    records = list(make_records(3))
    for record, unit, total in zip(
        records, ("万元", "元", "万元"), ("100", "1500000", "200"), strict=True
    ):
        record["balance"] |= {"unit": unit}
        record["balance"]["revenue"]["total"] = {
            **record["balance"]["revenue"]["total"],
            "amount": total,
        }
    page = browser.open(written(tmp_path, records))
    page.get_by_role("button", name="资金总额").click()
    assert names(page) == [records[n]["unit"] for n in (2, 1, 0)]
    assert page.get_by_role("cell", name="1,500,000.00 元").count() == 1


def test_a_file_that_could_not_be_read_is_in_the_list(some, browser):
    page = browser.open(some)
    page.get_by_role("searchbox", name="查找").fill("坏文件")
    _chosen(page)
    page.locator("tr.unit", has_text="坏文件.xlsx").locator(".open").click()
    page.locator("tr.detail", has_text="文件打不开").wait_for()
    browser.quiet(some)


def test_the_keyboard_is_enough(some, browser):
    page = browser.open(some)
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.locator("tr.unit .open").first.focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent") == names(page)[1]
    page.keyboard.press("Enter")
    assert page.locator("tr.detail").count() == 1
    page.keyboard.press("Escape")
    assert page.locator("tr.detail").count() == 0
    page.get_by_role("button", name="错误", exact=True).focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "错误"
    browser.quiet(some)


def test_links_lead_to_the_files(some, browser):
    page = browser.open(some)
    record = next(make_records(1))
    link = page.get_by_role("link", name=record["file"], exact=True).first
    page.get_by_role("searchbox", name="查找").fill(record["file"])
    assert link.evaluate("a => decodeURI(a.href)") == f"file://{some.parent}/{record['file']}"


def test_light_and_dark_follow_the_system_and_the_switch(some, browser):
    def paper(page) -> str:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    light, dark = browser.open(some, color_scheme="light"), browser.open(some, color_scheme="dark")
    assert paper(light) == "rgb(255, 255, 255)" and paper(dark) != paper(light)
    dark.get_by_role("button", name="浅色").click()
    assert paper(dark) == "rgb(255, 255, 255)"
    for wait in range(20):  # a busy browser writes down what it is to keep in its own time
        dark.wait_for_timeout(100 * wait)
        dark.reload()
        if paper(dark) == "rgb(255, 255, 255)":
            break
    assert paper(dark) == "rgb(255, 255, 255)"
    browser.quiet(some)


def test_a_phone_shows_it_without_scrolling_sideways(some, one, browser):
    for path in (some, one):
        page = browser.open(path, **PHONE)
        if path == some:
            page.locator("tr.unit .open").first.tap()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def printed(page, folder: Path) -> str:
    page.pdf(path=folder / "print.pdf", prefer_css_page_size=True)
    done = subprocess.run(
        ["pdftotext", "-layout", folder / "print.pdf", "-"], capture_output=True, check=True
    )
    return done.stdout.decode()


def test_paper_holds_the_whole_list_with_a_head_on_each_page(some, browser, tmp_path):
    page = browser.open(some, color_scheme="dark")
    pages = printed(page, tmp_path).split("\f")[:-1]
    assert len(pages) > 2 and all("资金总额" in text for text in pages[:-1])
    whole = re.sub(r"\s", "", "".join(pages))
    assert all(r["unit"] in whole for r in make_records(120))
    assert "清除条件" not in whole and "下一页" not in whole
    assert page.locator("tr.unit").count() == 50  # the screen is as it was
    info = subprocess.run(
        ["pdfinfo", tmp_path / "print.pdf"], capture_output=True, check=True
    ).stdout.decode()
    assert re.search(r"Page size:\s+59[45]\.\d* x 84[12]\.\d* pts \(A4\)", info)


def test_one_unit_can_be_printed_by_itself(some, browser, tmp_path):
    page = browser.open(some)
    page.evaluate("window.print = () => {}")
    for number in (0, 1):
        page.locator("tr.unit .open").nth(number).click()
    chosen, other = names(page)[:2]
    page.get_by_role("button", name="打印本单位").first.click()
    text = re.sub(r"\s", "", printed(page, tmp_path))
    assert chosen in text and other not in text and "收支平衡" in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", [{}, PHONE], ids=["desk", "phone"])
def test_axe_finds_no_serious_fault(few, one, browser, scheme, device):
    for path in (few, one):
        page = browser.open(path, color_scheme=scheme, **device)
        if path == few:
            page.locator("tr.unit .open").first.click()
            page.locator('[data-verdict="error"]').click()
        found = Axe().run(page).response["violations"]
        serious = [
            (v["id"], [n["html"][:120] for n in v["nodes"][:3]])
            for v in found
            if v["impact"] in ("serious", "critical")
        ]
        assert serious == []


def test_what_files_say_is_shown_as_text(browser, tmp_path):
    path = written(tmp_path, [nasty_record(text) for text in NASTY])
    page = browser.open(path)
    page.evaluate("addEventListener('securitypolicyviolation', () => document.title = 'violated')")
    for number, text in enumerate(NASTY):
        page.locator(f'tr.unit[data-unit="{number}"] .open').click()
        detail = opened(page, number)
        assert detail.locator(".what").evaluate("e => e.textContent") == text
        assert (
            page.locator(f'tr.unit[data-unit="{number}"] .open').evaluate("e => e.textContent")
            == text
        )
        assert detail.locator(".terms").first.evaluate(
            "(e, text) => e.textContent.includes(text)", text
        )
    assert page.locator("img, iframe, object, script:not([type])").count() == 1
    assert page.title() == "绩效目标审核结果"
    browser.quiet(path)


@pytest.mark.parametrize("text", NASTY)
def test_what_one_file_says_is_shown_as_text(text, tmp_path):
    """The page's data holds nothing that ends a script element, and gives the text back."""
    page = written(tmp_path, [nasty_record(text)]).read_text("utf-8")
    [part] = re.findall(
        r'<script type="application/json" id="part-0">(.*?)</script>', page, re.DOTALL
    )
    assert not set("<>&'") & set(part)
    assert json.loads(part)[0][1][0]["message"] == text
    assert page.count("<script") == 4


def test_a_title_is_text_too(browser, tmp_path):
    title = "</title><script>alert(1)</script>&amp;"
    [path] = write_reports(as_results(make_records(3)), tmp_path, ["html"], title=title)
    page = browser.open(path)
    assert page.get_by_role("heading", level=1).inner_text() == title and page.title() == title
    browser.quiet(path)


def test_no_units_at_all(browser, tmp_path):
    page = browser.open(written(tmp_path, []))
    assert "没有符合条件的单位" in page.locator("#table").inner_text()
    browser.quiet(tmp_path / "report.html")


def test_a_live_page_shows_the_newest_when_one_comes_back_to_it(browser, tmp_path):
    path = tmp_path / "甲.审核结果.html"

    def write(unit: str) -> None:
        [result] = as_results([{**next(make_records(1)), "unit": unit}])
        write_page(result, path, live=True)

    write("从前的名称")
    page = browser.open(path)
    write("现在的名称")
    with page.expect_navigation():
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert "现在的名称" in page.locator("#single").inner_text()
