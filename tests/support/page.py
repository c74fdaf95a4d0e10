"""The built page in real browsers, opened from its file: Chromium and Firefox, driven alike.

def test_it(at_work, tmp_path):
    at_work.judge([tmp_path / "甲.xlsx"])
    name, data = at_work.saved("#save-json")
"""

import base64
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support import firefox
from tests.support.browser import offline
from tests.support.paths import TESTS
from xltool.errors import XltoolError
from xltool.page.build import page
from xltool.page.runtime import pinned, runtime

NODE = TESTS / "node"
WHEELS = NODE / "wheels"
_LONG = 240  # seconds; machines that do other things too


@pytest.fixture(scope="session")
def runtime_parts() -> dict[str, bytes]:
    """The pinned runtime, from npm and PyPI as `.ci/run` puts them there."""
    try:
        return runtime([NODE / "node_modules"], WHEELS)
    except XltoolError as error:
        pytest.skip(f"the browser's Python is not installed: {error}")


@pytest.fixture(scope="session")
def built(runtime_parts, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("page") / "审核.html"
    path.write_bytes(page(runtime_parts))
    return path


def wheel_for_browser(name: str) -> Path:
    """A wheel compiled for the runtime, which only the tests need."""
    found = sorted(WHEELS.glob(f"{name}-*wasm32.whl"))
    if not found:
        one = pinned()["msgspec"]
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "--only-binary=:all:",
        ]
        command += [
            "--platform",
            one["platform"],
            "--python-version",
            one["python"],
            "--implementation",
            "cp",
        ]
        done = subprocess.run([*command, "-d", str(WHEELS), name], capture_output=True, check=False)
        found = sorted(WHEELS.glob(f"{name}-*wasm32.whl"))
        if done.returncode or not found:
            pytest.skip(f"{name} for the browser's Python can't be had")
    return found[-1]


class PageAtWork:
    """The page open in a browser. What it complains of or asks the network for is remembered."""

    def run(self, script: str, *given):
        raise NotImplementedError

    def choose(self, selector: str, paths: list[Path]) -> None:
        raise NotImplementedError

    def saved(self, selector: str) -> tuple[str, bytes]:
        """The file that a click on this button saves: its name and its bytes."""
        raise NotImplementedError

    def text(self, selector: str) -> str:
        return self.run(
            f"const e = document.querySelector({json.dumps(selector)}); return e ? e.innerText : ''"
        )

    def click(self, selector: str) -> None:
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def until(self, condition: str) -> None:
        """Wait until the page says yes."""
        end = time.monotonic() + _LONG
        while not self.run(f"return Boolean({condition})"):
            if time.monotonic() > end:
                raise TimeoutError(f"{condition}: {self.text('#state')}")
            time.sleep(0.05)

    def judge(self, paths: list[Path], says: str = "审核了") -> None:
        self.clear()
        self.choose("#files", paths)
        self.until(f"document.getElementById('state').textContent.includes({json.dumps(says)})")
        self.idle()

    def idle(self) -> None:
        self.until("document.getElementById('working').hidden")

    def clear(self) -> None:
        self.idle()
        self.run("window.confirm = () => true")
        self.click("#clear")
        self.until("document.getElementById('state').textContent !== '' ")

    def ready(self) -> None:
        self.until(
            "document.documentElement.dataset.ready || document.documentElement.dataset.failed"
        )
        assert self.run("return document.documentElement.dataset.failed || ''") == ""


class InChromium(PageAtWork):
    def __init__(self, chromium, path: Path, **options) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.context = offline(chromium, accept_downloads=True, **options)
        self.page = self.context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda said: self.complaints.append(f"{said.type}: {said.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(path.as_uri())

    def run(self, script: str, *given):
        call = f"(given) => (function () {{ {script} }}).apply(null, given)"
        return self.page.evaluate(call, list(given))

    def choose(self, selector: str, paths: list[Path]) -> None:
        self.page.set_input_files(selector, paths)

    def drop(self, selector: str, paths: list[Path]) -> None:
        """Files and folders let go over this element, as out of a file manager."""
        box = self.page.locator(selector).bounding_box()
        files = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
        mouse = self.context.new_cdp_session(self.page)
        for kind in ("dragEnter", "dragOver", "drop"):
            mouse.send("Input.dispatchDragEvent", {"type": kind, "data": files, **place})
        mouse.detach()

    def saved(self, selector: str) -> tuple[str, bytes]:
        self.idle()
        with self.page.expect_download(timeout=_LONG * 1000) as found:
            self.click(selector)
        self.idle()
        return found.value.suggested_filename, Path(found.value.path()).read_bytes()

    def close(self) -> None:
        self.context.close()


class InFirefox(PageAtWork):
    def __init__(self, path: Path, downloads: Path) -> None:
        self.complaints: list[str] = []
        self.fox = firefox.Firefox(downloads)
        self.requests = self.fox.requests
        self.fox.open(path)

    def run(self, script: str, *given):
        return self.fox.run(script, *given)

    def choose(self, selector: str, paths: list[Path]) -> None:
        self.fox.choose(selector, paths)

    def saved(self, selector: str) -> tuple[str, bytes]:
        self.idle()
        for old in self.fox.downloads.iterdir():
            old.unlink()
        self.click(selector)
        end, size = time.monotonic() + _LONG, -1
        while time.monotonic() < end:
            here = [file for file in self.fox.downloads.iterdir() if file.suffix != ".part"]
            if (
                here
                and not list(self.fox.downloads.glob("*.part"))
                and here[0].stat().st_size == size > 0
            ):
                self.idle()
                return here[0].name, here[0].read_bytes()
            size = here[0].stat().st_size if here else -1
            time.sleep(0.2)
        raise TimeoutError(f"nothing was saved: {self.text('#state')}")

    def picture(self) -> bytes:
        return base64.b64decode(self.fox.picture())

    def close(self) -> None:
        self.fox.close()


# Getting ready takes its time: one open page for each browser serves all tests.
@pytest.fixture(scope="session")
def _in_chromium(_chromium, built):
    one = InChromium(_chromium, built)
    one.ready()
    yield one
    one.close()


@pytest.fixture(scope="session")
def _in_firefox(built, tmp_path_factory):
    if firefox.program() is None:
        pytest.skip("Firefox is not installed")
    one = InFirefox(built, tmp_path_factory.mktemp("downloads"))
    one.ready()
    yield one
    one.close()


@pytest.fixture(params=["chromium", "firefox"])
def at_work(request) -> PageAtWork:
    one = request.getfixturevalue(f"_in_{request.param}")
    one.clear()
    return one
