"""The library's face: what `dir(xltool)` shows, and its examples, run as they stand."""

import doctest
import inspect

import xltool
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
