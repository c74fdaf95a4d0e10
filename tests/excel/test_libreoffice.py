"""The extension in a real LibreOffice window:
installed, shown, pressed, and what it can't do said."""

import os
import signal
import subprocess
import zipfile
from io import BytesIO
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from tests.support.calc import desk as live
from tests.support.calc.office import why_absent
from tests.support.clean import clean_filing
from tests.support.seed import seed_filing
from xltool import fill
from xltool.cli.addin import addin
from xltool.excel.hosts.libreoffice import addon
from xltool.excel.ribbon import labels
from xltool.excel.session import TITLE
from xltool.results_sheet.table import RESULTS_SHEET


def parts() -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(addon.extension())) as package:
        return {name: package.read(name) for name in package.namelist()}


def test_the_extension_is_built_of_the_ribbons_labels():
    assert addon.extension() == addon.extension()
    made = parts()
    for name, data in made.items():
        if name.endswith((".xcu", ".xml")):
            ElementTree.fromstring(data)
    text = made["Addons.xcu"].decode()
    for one in labels():
        assert text.count(f"<value>xltool:{one.id}</value>") == 2, "menu and toolbar"
        assert f"<value>{one.label}</value>" in text
    component = made["xltool_desk.py"].decode()
    compile(component, "xltool_desk.py", "exec")
    assert "@BUTTONS@" not in component
    assert all(f" {one.id}" in component or f'"{one.id}' in component for one in labels())
    groups = {one.group for one in labels()}
    assert groups == {name for names in addon.TOOLBARS for name in names}


def test_without_libreoffice_it_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path))
    result = CliRunner().invoke(addin, ["install", "--libreoffice"])
    assert "没有找到 LibreOffice" in str(result.exception)


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    reason = why_absent() or live.why_absent()
    if reason:
        pytest.skip(reason)
    home = tmp_path_factory.mktemp("桌面") / "家"
    with pytest.MonkeyPatch.context() as patch, live.screen() as display:
        for folder in (home.parent, home.parent.parent):
            folder.chmod(0o755)
        with live.DeskOffice(display, home, patch) as running:
            yield running


@pytest.mark.xdist_group("calc")
def test_the_toolbar_presses_the_very_functions(office, tmp_path):
    document = office.load(fill(seed_filing(), tmp_path / "沅江 申报.xlsx"))
    for _ in range(2):
        office.press_and_wait(document, "check_all")
        assert document.Sheets.ElementNames.count(RESULTS_SHEET) == 1
        assert document.CurrentController.ActiveSheet.Name == RESULTS_SHEET
        assert not document.hasControllersLocked()
    office.picture(tmp_path / "审核.png")
    office.press_and_wait(document, "clear_marks")
    assert RESULTS_SHEET not in document.Sheets.ElementNames
    office.press(document, "undo_last")
    office.settle(document)
    assert RESULTS_SHEET in document.Sheets.ElementNames
    document.close(True)


@pytest.mark.xdist_group("calc")
def test_two_quick_clicks_are_one(office, tmp_path):
    document = office.load(fill(seed_filing(), tmp_path / "表.xlsx"))
    for _ in range(3):
        office.press(document, "check_all", times=2)
        office.settle(document)
        assert [n for n in document.Sheets.ElementNames if RESULTS_SHEET in n] == [RESULTS_SHEET]
    document.close(True)


@pytest.mark.xdist_group("calc")
def test_the_document_of_the_window_is_meant_and_another_kind_is_told_so(office, tmp_path):
    one = office.load(fill(clean_filing("hospital-county"), tmp_path / "一.xlsx"))
    two = office.load(fill(seed_filing(), tmp_path / "二.xlsx"))
    other = office.desktop.loadComponentFromURL("private:factory/scalc", "_blank", 0, ())
    office.press_and_wait(one, "check_all")
    assert RESULTS_SHEET in one.Sheets.ElementNames
    assert RESULTS_SHEET not in two.Sheets.ElementNames
    office.press(other, "check_all")
    assert "不是由官方模板做的" in office.answer(TITLE)
    for document in (other, two, one):
        document.close(True)


@pytest.mark.xdist_group("calc")
def test_a_broken_python_is_said_in_the_window(office, tmp_path):
    """The helper that runs is ended; the next press finds a Python that is none."""
    written = office.home / ".xltool" / "python.txt"
    was = written.read_bytes()
    document = office.load(fill(seed_filing(), tmp_path / "表.xlsx"))
    office.press_and_wait(document, "check_all")
    pattern = f"{office.home}.*libreoffice.helper"
    [helper] = subprocess.run(
        ["pgrep", "-f", pattern], capture_output=True, text=True
    ).stdout.split()
    os.kill(int(helper), signal.SIGKILL)
    assert "没有能启动 xltool" in office.answer(TITLE)
    written.write_bytes("/没有/这个/python\r\n".encode("utf-16"))
    office.press(document, "check_all")
    assert "没有能启动 xltool" in office.answer(TITLE)
    written.write_bytes(was)
    office.press_and_wait(document, "check_all")
    document.close(True)
