"""The scripts by which a shell completes, and what xltool answers them."""

import os
import shutil
import subprocess
import sys

import pytest

SHELLS = ("bash", "zsh", "fish", "powershell")


def called(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "xltool", *arguments], capture_output=True, encoding="utf-8", check=False,
        env={**os.environ, **environment},
    )  # fmt: skip


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_has_a_script(shell):
    result = called("completion", shell)
    assert result.returncode == 0, result.stderr
    assert "_XLTOOL_COMPLETE" in result.stdout
    assert f"{shell}_complete" in result.stdout


def test_the_script_is_one_that_bash_reads(tmp_path):
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    script = tmp_path / "script"
    script.write_text(called("completion", "bash").stdout, "utf-8")
    result = subprocess.run(["bash", "-n", str(script)], capture_output=True, check=False)
    assert result.returncode == 0, result.stderr


def test_commands_and_options_are_completed():
    words = {
        "_XLTOOL_COMPLETE": "bash_complete",
        "COMP_WORDS": "xltool batch --keep",
        "COMP_CWORD": "2",
    }
    assert called(**words).stdout.strip() == "plain,--keep-reports"
    words = {"_XLTOOL_COMPLETE": "bash_complete", "COMP_WORDS": "xltool colle", "COMP_CWORD": "1"}
    assert called(**words).stdout.strip() == "plain,collect"


def test_powershell_gets_the_help_too():
    words = {"COMP_WORDS": "xltool batch --pru", "COMP_INCOMPLETE": "--pru"}
    result = called(**words, _XLTOOL_COMPLETE="powershell_complete")
    value, _, text = result.stdout.strip().partition("\t")
    assert value == "--prune" and "删掉" in text


def test_an_unknown_shell_is_one_line():
    result = called("completion", "csh")
    assert result.returncode == 2 and "Traceback" not in result.stderr
