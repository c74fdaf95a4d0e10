"""The page in a real Chromium:
how long until it is ready, how long a check takes, what a thousand need.

    python -m benchmarks.page 审核.html [--count 1000]

Prints medians of five openings,
and the memory of the page's process while many workbooks are judged.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.forms import filings
from xltool.filling.writer import render

READY = "html[data-ready]"


def main() -> None:
    given = argparse.ArgumentParser()
    given.add_argument("page", type=Path)
    given.add_argument("--count", type=int, default=1000)
    asked = given.parse_args()
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as driver, tempfile.TemporaryDirectory() as folder:
        files = _workbooks(Path(folder), asked.count)
        chromium = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        ready, first, each = [], [], []
        for _ in range(5):
            page = chromium.new_page()
            begin = time.perf_counter()
            page.goto(asked.page.resolve().as_uri())
            page.wait_for_selector(READY, timeout=120_000)
            ready.append(time.perf_counter() - begin)
            first.append(_judged(page, files[:1]))
            each.append(_judged(page, files[1:101]) / 100)
            page.close()
        print(
            f"ready {statistics.median(ready):.2f} s, first check {statistics.median(first):.2f} s,"
        )
        print(
            f"then {1000 * statistics.median(each):.1f} ms a check (its reading and showing with it)"
        )
        page = chromium.new_page()
        page.goto(asked.page.resolve().as_uri())
        page.wait_for_selector(READY, timeout=120_000)
        for upto in range(0, asked.count, 250):
            seconds = _judged(page, files[upto : upto + 250])
            print(f"{upto + 250} workbooks: {seconds:.1f} s for the last 250, {_memory():.0f} MB")
        chromium.close()


def _workbooks(folder: Path, count: int) -> list[Path]:
    made = []
    for number, filing in enumerate(filings(count)):
        path = folder / f"{number:05}.xlsx"
        path.write_bytes(render(filing))
        made.append(path)
    return made


def _judged(page: Page, files: list[Path]) -> float:
    page.evaluate("document.getElementById('state').textContent = ''")
    begin = time.perf_counter()
    page.set_input_files("#files", files)
    page.locator("#state", has_text="审核了").wait_for(timeout=600_000)
    return time.perf_counter() - begin


def _memory() -> float:
    """MB of the largest renderer process, which is the page's."""
    most = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            command = (status.parent / "cmdline").read_bytes()
            if b"--type=renderer" in command:
                lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
                most = max(most, int(lines["VmRSS"].split()[0]))
        except (OSError, KeyError):
            continue
    return most / 1024


if __name__ == "__main__":
    main()
