"""Blocks of commands in the READMEs and in docs/ can be pasted:
each is parsed for the shells it is meant for."""

import re
import shutil
import subprocess
import sys

import pytest

from tests.support.paths import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```(console|sh|bash|powershell|cmd|bat)\n(.*?)^```", re.DOTALL | re.MULTILINE)
# What one of the three shells (PowerShell 5, cmd, sh) reads otherwise than the others.
ONLY_SOME = re.compile(r"&&|\|\||(?<!\\)[;`]|\\$|\$\(|%\w+%|^\s*(?:export|set) |'", re.MULTILINE)


def blocks(*languages):
    for page in PAGES:
        for number, (language, text) in enumerate(BLOCK.findall(page.read_text("utf-8")), 1):
            if language in languages:
                yield pytest.param(text, id=f"{page.relative_to(ROOT)}-{number}")


@pytest.mark.parametrize("text", list(blocks("console")))
def test_a_console_block_is_the_same_to_every_shell(text):
    assert ONLY_SOME.findall(text) == []
    assert text.count('"') % 2 == 0


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
@pytest.mark.parametrize("text", list(blocks("console", "sh", "bash")))
def test_sh_reads_it(text):
    result = subprocess.run(
        ["bash", "-n"], input=text, capture_output=True, encoding="utf-8", check=False
    )
    assert result.returncode == 0, result.stderr


def powershell_errors(text: str) -> bool:
    """Whether PowerShell 5 can't read the text; && and || came with version 7."""
    if "&&" in text or "||" in text:
        return True
    tree_sitter = pytest.importorskip("tree_sitter")
    grammar = pytest.importorskip("tree_sitter_powershell")
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    return bool(parser.parse(text.encode("utf-8")).root_node.has_error)


@pytest.mark.parametrize("text", list(blocks("console", "powershell")))
def test_powershell_reads_it(text):
    assert not powershell_errors(text)


def test_powershell_reads_the_script_that_completes_commands():
    command = [sys.executable, "-m", "xltool", "completion", "powershell"]
    script = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
    assert "Register-ArgumentCompleter" in script
    assert not powershell_errors(script)


@pytest.mark.parametrize("text", ["xltool a && xltool b", "xltool 'a", "if (", "a |"])
def test_what_version_5_cannot_read_is_seen(text):
    assert powershell_errors(text)


def test_there_are_blocks_to_look_at():
    assert len(list(blocks("console"))) >= 15
