"""A fault of the program over one file is that file's line;
the others are done, in every command."""

import shutil

import pytest

import xltool
from tests.support.case import filing_of
from xltool.importing import filings as importing


@pytest.fixture
def folder(tmp_path):
    home = tmp_path / "收到"
    home.mkdir()
    xltool.fill(filing_of(), home / "甲.xlsx")
    for name in ("乙坏.xlsx", "丙.xlsx"):
        shutil.copy(home / "甲.xlsx", home / name)
    return home


def breaking(original, which):
    """A function of the program that fails over the bad file."""

    def broken(*args, **options):
        if "乙坏" in str(which(*args)):
            raise ZeroDivisionError("内部")
        return original(*args, **options)

    return broken


@pytest.mark.parametrize(
    ("command", "inner"),
    [
        (["check"], "xltool.checks.engine.check"),
        (["check", "--mark", "标"], "xltool.results_sheet.insert.mark_file"),
        (["balance"], "xltool.cli.check.check_result"),
        (["normalise"], "xltool.indicator.normalise.changes"),
        (["indicators"], "xltool.reports.indicators.indicator_rows"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_other_files_are_done(folder, tmp_path, monkeypatch, capsys, command, inner):
    from importlib import import_module

    from xltool.cli import main

    module, _, name = inner.rpartition(".")
    room = import_module(module)
    broken = breaking(getattr(room, name), lambda first, *rest: getattr(first, "source", first))
    monkeypatch.setattr(room, name, broken)
    monkeypatch.chdir(tmp_path)
    code = main([command[0], str(folder), *command[1:]])
    shown = capsys.readouterr()
    assert code == 2
    assert shown.err.count("程序内部错误（ZeroDivisionError：内部）") == 1
    assert "Traceback" not in shown.err
    if command != ["indicators"]:
        assert "甲.xlsx" in shown.out and "丙.xlsx" in shown.out


def test_a_file_that_breaks_the_import_leaves_nothing_behind(folder, monkeypatch):
    read = importing._forms

    def broken(rows, wishes, result, file):
        forms = read(rows, wishes, result, file)
        if "乙坏" in file:
            raise ZeroDivisionError("内部")
        return forms

    monkeypatch.setattr(importing, "_forms", broken)
    imported = importing.import_files([folder])
    assert list(imported.unread) == ["乙坏.xlsx"]
    assert {value.file for value in imported.values} == {"甲.xlsx", "丙.xlsx"}
