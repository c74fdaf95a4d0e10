"""The library's face: what `dir(xltool)` shows, and its examples, run as they stand."""

import doctest
import inspect
import re
import tomllib

import xltool
from tests.support.paths import ROOT
from tests.support.seed import EXAMPLE
from xltool.databook import load_databook, write_databook


def test_dir_shows_the_face_and_nothing_else():
    assert dir(xltool) == sorted(xltool.__all__)
    for name in dir(xltool):
        assert getattr(xltool, name) is not None


def test_the_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_databook(load_databook(EXAMPLE), "数据表.xlsx")
    result = doctest.testmod(xltool, extraglobs={"xltool": xltool})
    assert result.attempted >= 6
    assert result.failed == 0


def test_every_function_of_the_face_is_explained():
    bare = [
        name for name in xltool.__all__
        if callable(value := getattr(xltool, name)) and len((inspect.getdoc(value) or "").split()) < 3
    ]  # fmt: skip
    assert bare == []


def test_the_lock_holds_versions_that_are_allowed():
    """Each dependency is locked, no lower than `pyproject.toml` says;
    see CONTRIBUTING for renewing it."""

    def number(version):
        return [int(part) for part in re.findall(r"\d+", version)]

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lock = (ROOT / "requirements" / "lock.txt").read_text("utf-8")
    locked = dict(re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==([\w.]+)", lock.lower(), re.MULTILINE))
    for line in project["dependencies"]:
        name, least = re.match(r"([\w.-]+)\s*>=\s*([\w.]+)", line.lower()).groups()
        assert number(locked[name]) >= number(least), f"renew the lock: {line}"
