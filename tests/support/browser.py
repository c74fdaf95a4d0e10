"""A real headless Chromium for the tests: every page opened is watched for errors and requests.

def test_page(browser):
    page = browser.open(path)
    page.get_by_role("searchbox").fill("教育局")
    browser.quiet()
"""

import shutil
from pathlib import Path

import pytest

# How long a page may take on a machine with other work; what hangs is ended by the test's own
# limit.
PATIENCE_MS = 200_000


def offline(chromium, **options):
    """A fresh context without a network, whose pages are waited for patiently."""
    context = chromium.new_context(offline=True, **options)
    context.set_default_timeout(PATIENCE_MS)
    return context


class Browser:
    """One running Chromium. What pages complain of, or ask the network for, is remembered."""

    def __init__(self, chromium) -> None:
        self._chromium, self.complaints, self.requests = chromium, [], []
        self._contexts = []

    def open(self, path: Path, **options):
        """The file in a fresh context
        (`viewport`, `color_scheme`, …), offline, once it is ready."""
        context = offline(self._chromium, **options)
        self._contexts.append(context)
        page = context.new_page()
        page.on(
            "console", lambda message: self.complaints.append(f"{message.type}: {message.text}")
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]")
        return page

    def blank(self):
        """An empty page, offline and watched, for HTML that is in no file."""
        context = offline(self._chromium)
        self._contexts.append(context)
        page = context.new_page()
        page.on(
            "console", lambda message: self.complaints.append(f"{message.type}: {message.text}")
        )
        page.on("request", lambda request: self.requests.append(request.url))
        return page

    def quiet(self, *paths: Path) -> None:
        """Nothing was complained of, and nothing but these files was asked for."""
        assert self.complaints == []
        assert set(self.requests) <= {path.as_uri() for path in paths}

    def close(self) -> None:
        for context in self._contexts:
            context.close()
        self._contexts.clear()
        self.complaints.clear()
        self.requests.clear()


@pytest.fixture(scope="session")
def _chromium():
    program = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    if program is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        running = driver.chromium.launch(
            executable_path=program, args=["--no-sandbox"], timeout=PATIENCE_MS
        )
        yield running
        running.close()


@pytest.fixture
def browser(_chromium):
    one = Browser(_chromium)
    yield one
    one.close()
