"""The documentation as a site:
built with warnings as errors, whole, and nothing in it asks the network."""

import io
import json
import re
import shutil
import zipfile
from collections import Counter
from html import unescape

import pdfplumber
import pytest

from tests.support.paths import ROOT
from website.build import build, pack
from xltool.checks.engine import rules

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("mkdocs", reason="the site needs the extra `site`")
    pytest.importorskip("material", reason="the site needs the extra `site`")
    folder = tmp_path_factory.mktemp("site")
    return build(folder)


def test_every_page_is_there(site):
    for page in (ROOT / "docs").rglob("*.md"):
        assert (site / page.relative_to(ROOT / "docs")).with_suffix(".html").is_file()
    for name in ("index", "api", "limits", "options", "changelog", "contributing"):
        assert (site / f"{name}.html").is_file()


def test_every_rule_has_its_page_with_a_wrong_and_a_right_example(site):
    for code in rules():
        text = (site / "rules" / f"{code}.html").read_text("utf-8")
        assert "错：" in text or "例：" in text
        assert "对：" in text


# Text between the marks of a page, without code: what a reader would see of unread Markdown.
_CODE = re.compile(r"<(pre|code|script|style|head)\b.*?</\1>", re.DOTALL)
_UNREAD = re.compile(r"^ *[*-] \S|\*\*[^*]+\*\*|\]\(|^ *\|.*\|$|`")


def test_no_mark_of_the_source_is_left_in_a_page(site):
    found = {}
    for page in site.rglob("*.html"):
        text = unescape(re.sub(r"<[^>]*>", "", _CODE.sub("", page.read_text("utf-8"))))
        found[page.name] = [line.strip() for line in text.split("\n") if _UNREAD.search(line)]
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_no_word_of_the_source_is_lost(site):
    """Where a page has its name in docs/: a mark that the site reads as its own takes text away."""
    lost = {}
    for source in (ROOT / "docs").rglob("*.md"):
        page = (site / source.relative_to(ROOT / "docs")).with_suffix(".html").read_text("utf-8")
        seen = re.sub(r"\s", "", unescape(re.sub(r"<[^>]*>", "", page)))
        said = re.sub(r"(?m)\]\([^)]*\)|<[^>]*>|^ *```.*$", " ", source.read_text("utf-8"))
        words = Counter(re.findall(r"[A-Za-z]{3,}|[\u4e00-\u9fff]{2,}", said))
        lost[source.name] = [word for word, count in words.items() if seen.count(word) < count]
    assert {name: words for name, words in lost.items() if words} == {}


def test_the_face_is_explained(site):
    text = (site / "api.html").read_text("utf-8")
    for name in (
        "xltool.fill",
        "xltool.read",
        "xltool.check",
        "xltool.balance",
        "xltool.load_databook",
    ):
        assert name in re.sub(r"<[^>]*>", "", text)


def test_nothing_is_fetched_from_elsewhere(site):
    asked = re.compile(
        r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=\"(?:https?:)?//[^\"]*", re.IGNORECASE
    )
    found = {
        page.name: asked.findall(page.read_text("utf-8"))[:2]
        for page in site.rglob("*.html")
        if asked.search(page.read_text("utf-8"))
    }
    assert found == {}


def test_it_is_handed_out_as_one_file(site, tmp_path):
    copy = shutil.copytree(site, tmp_path / "site")
    with zipfile.ZipFile(pack(copy)) as archive:
        names = archive.namelist()
    assert "index.html" in names
    # The page for what isn't there has no style but on a web server.
    assert "404.html" not in names


def test_one_searches_in_chinese(site):
    text = (site / "search" / "search_index.json").read_text("utf-8")
    said = "".join(one["text"] + one["title"] for one in json.loads(text)["docs"])
    assert "交叉平衡" in said.replace("\u200b", "")


def test_the_search_works_in_a_folder(site, browser):
    """Opened from a folder, without a server, every request stays on the disk."""
    page = browser.blank()
    page.goto((site / "index.html").as_uri())
    page.fill("input.md-search__input", "非税")
    # The search looks when a key comes up, as it does for a person; filling alone lets none come
    # up.
    page.press("input.md-search__input", "End")
    page.wait_for_selector(".md-search-result__item")
    assert "非税" in page.inner_text(".md-search-result__list")
    local = ("file:", "data:", "blob:")
    assert [url for url in browser.requests if not url.startswith(local)] == []


@pytest.mark.parametrize("card", ["accountant", "bureau", "server", "developer"])
def test_a_card_is_one_printed_page(site, browser, card):
    page = browser.blank()
    page.goto((site / "cards" / f"{card}.html").as_uri())
    with pdfplumber.open(io.BytesIO(page.pdf(prefer_css_page_size=True))) as printed:
        [sheet] = printed.pages
    assert (round(sheet.width), round(sheet.height)) == (595, 842)


# One page of each kind, and those with the widest tables and the longest commands.
KINDS = (
    "index", "english", "manual", "faq", "limits", "options", "api", "excel", "campaign", "settings", "import",
    "rules", "rules/T304", "rules-accuracy", "performance", "contributing", "cards/bureau",
)  # fmt: skip
# A page wider than the screen; columns in which words fall apart.
ILL_FITTING = """() => [
    document.documentElement.scrollWidth > innerWidth ? "wide" : "",
    ...[...document.querySelectorAll(".md-typeset td")]
        .filter((cell) => cell.innerText.length > 3 && cell.clientWidth < 44)
        .map((cell) => cell.innerText),
].filter(Boolean)"""


@pytest.mark.parametrize("width", [390, 1280])
def test_every_kind_of_page_fits_the_screen(site, browser, width):
    page = browser.blank()
    page.set_viewport_size({"width": width, "height": 844})
    found = {}
    for name in KINDS:
        page.goto((site / f"{name}.html").as_uri())
        found[name] = page.evaluate(ILL_FITTING)
    assert {name: what for name, what in found.items() if what} == {}
