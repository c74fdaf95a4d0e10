"""Blocks of commands in the READMEs and in docs/ can be pasted: each is parsed for the shells it is meant for."""

import re
import shutil
import subprocess

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


def test_powershell_reads_its_blocks():
    """Where PowerShell is here it parses them; elsewhere what version 5 lacks is looked for."""
    shell = shutil.which("pwsh") or shutil.which("powershell")
    for param in blocks("powershell"):
        [text] = param.values
        assert "&&" not in text and "||" not in text, param.id
        if shell:
            code = "[ScriptBlock]::Create([Console]::In.ReadToEnd()) | Out-Null"
            subprocess.run(
                [shell, "-NoProfile", "-Command", code], input=text, encoding="utf-8", check=True
            )


def test_there_are_blocks_to_look_at():
    assert len(list(blocks("console"))) >= 15
