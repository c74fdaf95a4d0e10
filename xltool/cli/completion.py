"""`xltool completion`: the script by which a shell completes commands and options."""

from __future__ import annotations

import os
from typing import Any

import click
from click.shell_completion import (
    CompletionItem,
    ShellComplete,
    add_completion_class,
    split_arg_string,
)

from xltool.cli._command import command

SHELLS = ("bash", "zsh", "fish", "powershell")
_PLACES = {
    "bash": "把下面存成 ~/.local/share/bash-completion/completions/xltool",
    "zsh": "把下面存成 $fpath 里的 _xltool，或在 ~/.zshrc 里 eval",
    "fish": "把下面存成 ~/.config/fish/completions/xltool.fish",
    "powershell": "把下面接在 $PROFILE 后面",
}


class PowerShell(ShellComplete):
    """Windows' own shell, which click does not know."""

    name = "powershell"
    source_template = """\
Register-ArgumentCompleter -Native -CommandName %(prog_name)s -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $env:%(complete_var)s = 'powershell_complete'
    $env:COMP_WORDS = $commandAst.ToString()
    $env:COMP_INCOMPLETE = $wordToComplete
    %(prog_name)s | ForEach-Object {
        $value, $help = $_ -split "`t", 2
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $(if ($help) { $help } else { $value }))
    }
    Remove-Item 'Env:%(complete_var)s', 'Env:COMP_WORDS', 'Env:COMP_INCOMPLETE'
}
"""  # noqa: E501

    def get_completion_args(self) -> tuple[list[str], str]:
        words = split_arg_string(os.environ.get("COMP_WORDS", ""))
        incomplete = os.environ.get("COMP_INCOMPLETE", "")
        arguments = words[1:]
        if incomplete and arguments and arguments[-1] == incomplete:
            arguments.pop()
        return arguments, incomplete

    def format_completion(self, item: CompletionItem) -> str:
        return f"{item.value}\t{item.help}" if item.help else str(item.value)


def register() -> None:
    """Let the command line answer what PowerShell asks."""
    add_completion_class(PowerShell)


@command()
@click.argument("shell", metavar="外壳", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """输出命令补全的脚本：bash、zsh、fish 或 powershell。"""
    from click.shell_completion import get_completion_class

    register()
    kind: Any = get_completion_class(shell)
    script = kind(click.get_current_context().find_root().command, {}, "xltool", "_XLTOOL_COMPLETE")
    # The version of bash is asked of the bash at hand, which may not be the one that will read
    # this.
    text = script.source_template % script.source_vars()
    head = f"# {_PLACES[shell]}\n"
    click.echo((text.rstrip() + "\n" if text.startswith("#compdef") else head + text).rstrip())
