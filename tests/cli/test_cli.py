"""The command line's frame: Chinese throughout, lazy, one line for every failure."""

import gettext
import importlib
import os
import subprocess
import sys

import click
import pytest
from babel.messages.pofile import read_po

from tests.support.paths import ROOT
from tests.support.seed import seed_filing
from xltool import fill
from xltool.cli import COMMANDS, main

LOCALE = ROOT / "xltool" / "locale" / "zh_CN" / "LC_MESSAGES"


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "xltool", *arguments],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, **env},
        check=False,
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_loads_and_explains_itself(name):
    module, _, function = COMMANDS[name][0].partition(":")
    command = getattr(importlib.import_module(module), function)
    assert isinstance(command, click.Command)
    assert command.help


def test_help_is_chinese_in_any_locale():
    for language in ("C", "en_US.UTF-8", "zh_CN.UTF-8"):
        result = run("--help", LANG=language, LC_ALL=language, LANGUAGE="en")
        assert result.returncode == 0
        assert "用法：" in result.stdout
        assert "Show this message" not in result.stdout


def test_an_unknown_command_is_one_line_and_exit_2():
    result = run("nope")
    assert result.returncode == 2
    assert "没有命令“nope”" in result.stderr
    assert "Traceback" not in result.stderr


def test_version():
    result = run("--version")
    assert result.stdout.startswith("xltool ")


def test_version_and_help_load_nothing_heavy():
    code = (
        "import sys; from xltool.cli import main; main(['--help']);"
        "heavy = {'pandas', 'openpyxl', 'xlwings', 'lxml', 'rich', 'jinja2', 'xlsxwriter'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    assert result.stdout.strip().endswith("[]")


def test_checking_a_file_makes_no_dataclass_and_loads_no_other_forms_tools(tmp_path):
    form = fill(seed_filing(), tmp_path / "form.xlsx")
    code = (
        f"import sys; from xltool.cli import main; main(['check', {str(form)!r}]);"
        "needless = {'dataclasses', 'difflib', 'zipfile', 'xltool.filling', 'xltool.databook', 'lxml'};"
        "print(sorted(needless & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    assert result.stdout.strip().endswith("[]")


def test_a_fault_of_the_program_is_one_line(monkeypatch, capsys):
    broken = click.Command("broken", callback=lambda: 1 / 0)
    monkeypatch.setitem(COMMANDS, "broken", ("tests.cli.test_cli:_broken", ""))
    monkeypatch.setattr(sys.modules[__name__], "_broken", broken, raising=False)
    assert main(["broken"]) == 2
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_the_catalogue_is_compiled():
    with (LOCALE / "messages.po").open("rb") as file:
        catalogue = read_po(file, locale="zh_CN")
    with (LOCALE / "messages.mo").open("rb") as file:
        shipped = gettext.GNUTranslations(file)
    for message in catalogue:
        if message.id:
            one = message.id[0] if message.pluralizable else message.id
            told = message.string[0] if message.pluralizable else message.string
            assert shipped.gettext(one) == told or shipped.ngettext(*message.id, 1) == told


def test_a_python_of_32_bits_is_refused_in_words(monkeypatch, capsys):
    monkeypatch.setattr(sys, "maxsize", 2**31 - 1)
    assert main(["check", "a.xlsx"]) == 2
    assert "64 位" in capsys.readouterr().err
    assert main(["--version"]) == 0
