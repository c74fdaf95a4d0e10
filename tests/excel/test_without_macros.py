"""The launcher's entry point, `xltool live`, and the panel in a real window."""

import os
import shutil
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from tests.support.seed import seed_filing
from xltool import fill
from xltool.cli.live import live
from xltool.errors import XltoolError
from xltool.excel import panel
from xltool.excel.__main__ import main
from xltool.excel.ribbon import labels
from xltool.results_sheet.table import RESULTS_SHEET


@pytest.mark.xdist_group("calc")
def test_the_entry_point_takes_what_the_launcher_gives(app, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("xltool.excel.session.LINGER_SECONDS", 0.0)
    name = '沅江 "申报"=2023.xlsx'
    book = app.books.open(str(fill(seed_filing(), tmp_path / name)))
    escaped = "".join(
        c if (c.isalnum() and c.isascii()) or c in " ._-" else f"*{ord(c):04X}" for c in name
    )
    assert main(["check_all", "--book", escaped, "--hwnd", str(app.hwnd)]) == 0
    assert RESULTS_SHEET in [s.name for s in book.sheets]
    assert "错误" in capsys.readouterr().out
    assert app.status_bar is False, "the foot line is Excel's again"
    assert main(["check_all", "--book", "no.xlsx", "--hwnd", "1"]) == 2
    assert "已经不在" in capsys.readouterr().err


@pytest.mark.xdist_group("calc")
def test_live_presses_by_id_or_label(app, tmp_path):
    book = app.books.open(str(fill(seed_filing(), tmp_path / "a.xlsx")))
    assert CliRunner().invoke(live, ["全审"]).exit_code == 0
    assert RESULTS_SHEET in [s.name for s in book.sheets]
    assert CliRunner().invoke(live, ["clear_marks", "--book", book.name]).exit_code == 0
    assert RESULTS_SHEET not in [s.name for s in book.sheets]


def test_live_lists_the_buttons():
    output = CliRunner().invoke(live, [], terminal_width=200).output
    assert all(one.id in output and one.label in output for one in labels())


def test_without_excel_it_is_one_sentence():
    """A process of its own, in which no engine is registered."""
    command = [sys.executable, "-m", "xltool", "live", "check_all"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 2
    assert "Excel" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def screen(monkeypatch):
    """A display of its own."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed")
    pytest.importorskip("tkinter")
    reading, writing = os.pipe()
    server = subprocess.Popen(
        [
            "Xvfb",
            "-displayfd",
            str(writing),
            "-screen",
            "0",
            "900x500x24",
            "-nolisten",
            "tcp",
            "-noreset",
        ],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as told:
        monkeypatch.setenv("DISPLAY", f":{told.readline().strip()}")
    yield
    server.terminate()
    server.wait()


def until(root, condition) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "the panel did not get there"
        root.update()
        time.sleep(0.01)


def test_the_panel_has_the_ribbons_buttons_and_tells_how_it_went(screen, tmp_path):
    import tkinter as tk

    pressed = []

    def press(button: str) -> subprocess.Popen[str]:
        pressed.append(button)
        code = "print('好了')" if button == "check_all" else "import sys; sys.exit('出错了')"
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
        command = [sys.executable, "-c", code]
        return subprocess.Popen(command, text=True, encoding="utf-8", env=environment, **pipes)

    root = tk.Tk()
    try:
        window = panel.Panel(root, press)
        root.update()
        assert [b.cget("text") for b in window.buttons.values()] == [one.label for one in labels()]
        assert root.attributes("-topmost") == 1
        assert window.foot.get() == panel.READY
        window.buttons["check_all"].invoke()
        assert window.foot.get() == "请稍候……"
        window.buttons["add_row"].invoke()
        assert pressed == ["check_all"], "one at a time"
        until(root, lambda: window.running is None)
        assert window.foot.get() == "好了"
        window.buttons["add_row"].invoke()
        until(root, lambda: window.running is None)
        assert window.foot.get() == "出错了"
    finally:
        root.destroy()


def test_the_panel_presses_in_a_process_of_its_own():
    if subprocess.run(
        [sys.executable, "-I", "-c", "import xltool"], capture_output=True
    ).returncode:
        pytest.skip("xltool is not installed, and an isolated Python finds no sources")
    process = panel.press("check_all")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "Excel" in err
    assert not out


def test_no_screen_is_one_sentence(monkeypatch):
    pytest.importorskip("tkinter")
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(XltoolError, match="没有屏幕"):
        panel.show()
