"""How quick report.html of 10,000 units is in a real Chromium, and what the reports cost to make.

    python benchmarks/report_page.py [UNITS] [ROUNDS]

Prints medians in milliseconds: from opening the file to the first possible interaction, to the end
of loading, then each kind of interaction up to the painted result.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

# Does something to the page and waits until the browser has painted it.
PAINTED = """(action) => new Promise((done) => {
  const start = performance.now();
  new Function(action)();
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
})"""
ACTIONS = {
    "筛选结论": "document.querySelector('[data-verdict=query]').click()",
    "筛选问题": "document.querySelector('.chip').click()",
    "清除条件": "document.getElementById('filters').reset()",
    "按单位排序": "document.querySelector('[data-sort=name]').click()",
    "按金额排序": "document.querySelector('[data-sort=total]').click()",
    "翻页": "document.querySelector('#pages button:last-child').click()",
    "打开一家": "document.querySelector('tr.unit .open').click()",
    "列出全部（打印）": "dispatchEvent(new Event('beforeprint'))",
}
SEARCH = """() => new Promise((done) => {
  const box = document.getElementById('search'), start = performance.now();
  new MutationObserver((_, watch) => { watch.disconnect(); done(performance.now() - start); })
    .observe(document.getElementById('table'), { childList: true });
  box.value = '云溪区 教育'; box.dispatchEvent(new Event('input', { bubbles: true }));
})"""


def main(units: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("json", "csv", "html", "xlsx"):
            print(cost(kind, units, Path(folder)))
        page = Path(folder) / "report.html"
        for name, times in measure(page, rounds).items():
            print(f"{name:　<10} {statistics.median(times):8.0f} ms")


def cost(kind: str, units: int, folder: Path) -> str:
    """Time and peak memory of one kind of report, in a process of its own."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from tests.support.records import as_results, make_records\n"
        "from xltool.reports.bundle import write_reports\n"
        f"[path] = write_reports(as_results(make_records({units})), {str(folder)!r}, [{kind!r}])\n"
        "import resource; print(path.stat().st_size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    size, memory = map(int, done.stdout.split())
    took = time.perf_counter() - start
    return f"{kind:5} {took:6.1f} s {size / 2**20:7.1f} MB  内存峰值 {memory / 2**10:5.0f} MB"


def measure(path: Path, rounds: int) -> dict[str, list[float]]:
    from playwright.sync_api import sync_playwright

    times: dict[str, list[float]] = defaultdict(list)
    with sync_playwright() as driver:
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for _ in range(rounds):
            page = browser.new_page()
            page.goto(path.as_uri())
            page.wait_for_load_state("load")
            entry = "performance.getEntriesByName('xltool-ready')[0].startTime"
            times["可以操作"].append(page.evaluate(entry))
            times["读完全页"].append(
                page.evaluate("performance.getEntriesByType('navigation')[0].loadEventStart")
            )
            times["查找"].append(page.evaluate(SEARCH))
            page.evaluate("document.getElementById('filters').reset()")
            for name, action in ACTIONS.items():
                times[name].append(page.evaluate(PAINTED, action))
            page.close()
        browser.close()
    return times


if __name__ == "__main__":
    main(*(int(argument) for argument in (*sys.argv[1:], *("10000", "5")[len(sys.argv) - 1 :])))
