"""The pictures of the README and the manual, made from the shipped example:
`python -m website.pictures`.

Needs LibreOffice, poppler, Chromium (with playwright), Xvfb, xdotool and ImageMagick. Beside the
pictures lies what can be read on each; a test makes it anew and says when a picture is out of date.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "pictures"
TEXTS = FOLDER / "texts.json"
_EXAMPLE = ROOT / "xltool" / "example"
# The texts that stand on the first screen, and nothing below it.
_SEEN = """() => {
  const seen = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const range = document.createRange();
    range.selectNodeContents(walk.currentNode);
    const place = range.getBoundingClientRect();
    if (place.width && place.bottom < innerHeight) seen.push(walk.currentNode.textContent);
  }
  return seen.join(" ");
}"""
# What differs from one making to the next.
_FLEETING = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?|xltool \d[\w.]*|\s+")


def filled_form(work: Path, picture: Path | None) -> str:
    """The first page of the filled form, as LibreOffice prints it."""
    import xltool
    from xltool.exporting.office import print_pdf

    book = next(_EXAMPLE.iterdir())
    workbook = xltool.fill(xltool.load_databook(book)[0], work / "form.xlsx")
    page = print_pdf([workbook], work / "pdf")[workbook]
    if picture is not None:
        stem = picture.with_suffix("")
        command = ["pdftoppm", "-png", "-r", "80", "-f", "1", "-l", "1", "-singlefile"]
        subprocess.run([*command, str(page), str(stem)], check=True)
    text = ["pdftotext", "-f", "1", "-l", "1", "-raw", str(page), "-"]
    return subprocess.run(text, check=True, capture_output=True, encoding="utf-8").stdout


def report_page(work: Path, picture: Path | None) -> str:
    """The report's page, as a browser shows it."""
    from playwright.sync_api import sync_playwright

    from xltool.batch.run import run

    run(_EXAMPLE, work / "report", jobs=1)
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 490}, color_scheme="light")
        page.goto((work / "report" / "report.html").as_uri())
        page.wait_for_selector("html[data-ready]")
        if picture is not None:
            page.screenshot(path=str(picture))
        text = page.evaluate(_SEEN)
        browser.close()
    return text


def toolbar(work: Path, picture: Path | None) -> str:
    """The buttons, in the window that needs no macros."""
    from xltool.excel.ribbon import labels

    if picture is not None:
        number = ":97"
        server = subprocess.Popen(["Xvfb", number, "-screen", "0", "900x500x24", "-noreset"])
        try:
            env = {**os.environ, "DISPLAY": number}
            code = "from xltool.excel.panel import show; show()"
            window = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=env)
            try:
                _when_shown(env, picture)
            finally:
                window.terminate()
                window.wait(10)
        finally:
            server.terminate()
            server.wait(10)
    return "\n".join(f"{one.group} {one.label}" for one in labels())


def _when_shown(env: dict[str, str], picture: Path) -> None:
    """Take the window once it is there and drawn."""
    import time

    search = ["xdotool", "search", "--onlyvisible", "--name", "."]
    for _ in range(60):
        time.sleep(0.5)
        found = subprocess.run(search, env=env, capture_output=True, encoding="utf-8", check=False)
        if found.stdout.strip():
            time.sleep(2)
            window = found.stdout.split()[0]
            subprocess.run(["import", "-window", window, str(picture)], env=env, check=True)
            return
    raise TimeoutError("the window did not appear")


PICTURES: dict[str, Callable[[Path, Path | None], str]] = {
    "form.png": filled_form,
    "report.png": report_page,
    "toolbar.png": toolbar,
}


def text_of(name: str) -> str:
    """What can be read on a picture if it were made now,
    without what changes from one making to the next."""
    with tempfile.TemporaryDirectory() as work:
        return _FLEETING.sub(" ", PICTURES[name](Path(work), None)).strip()


def size_of(picture: Path) -> list[int]:
    """Width and height of a PNG."""
    return list(struct.unpack(">II", picture.read_bytes()[16:24]))


def make() -> None:
    FOLDER.mkdir(exist_ok=True)
    known = {}
    for name, draw in PICTURES.items():
        with tempfile.TemporaryDirectory() as work:
            text = draw(Path(work), FOLDER / name)
        known[name] = {"size": size_of(FOLDER / name), "text": _FLEETING.sub(" ", text).strip()}
        print(FOLDER / name, *known[name]["size"])
    TEXTS.write_text(json.dumps(known, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    make()
