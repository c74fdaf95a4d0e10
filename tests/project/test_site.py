"""The documentation as a site:
built with warnings as errors, whole, and nothing in it asks the network."""

import json
import re
import shutil
import zipfile

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
        assert "index.html" in archive.namelist()


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
