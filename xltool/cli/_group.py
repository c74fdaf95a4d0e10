"""The group of all commands: each loaded when it is called, a mistyped one guessed,
help in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from xltool import __version__
from xltool.cli._command import CommandGroup, guess


class Commands(CommandGroup):
    """Loads a command when it is called; its one-line help stands in the table."""

    def __init__(self, table: Mapping[str, tuple[str, str]], text: str) -> None:
        super().__init__(help=text)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.table:
            return None
        module, _, function = self.table[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), function)
        _in_chinese(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        guess(ctx, args[0], list(self.table), "命令")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("命令"):
            formatter.write_dl([(name, text) for name, (_, text) in self.table.items()])


def group(table: Mapping[str, tuple[str, str]]) -> click.Command:
    """The whole command line: name → (module:function, what it does)."""
    whole = Commands(
        table, "绩效目标申报表：填报、审核、交叉平衡。退出码：0 没有错误，1 有错误，2 没能运行。"
    )
    _in_chinese(whole)
    version = click.version_option(
        __version__, "-V", "--version", prog_name="xltool", message="%(prog)s %(version)s"
    )
    return version(whole)


def _in_chinese(command: click.Command) -> None:
    command.options_metavar = "[选项]"
    for param in command.params:
        if param.metavar is None:
            param.metavar = _metavar(param.type)
    if isinstance(command, click.Group):
        command.subcommand_metavar = "命令 [参数]…"
        for child in command.commands.values():
            _in_chinese(child)


def _metavar(kind: Any) -> str | None:
    if isinstance(kind, click.DateTime):
        return "年-月-日"
    if not isinstance(kind, click.Path):
        return None
    if kind.file_okay and kind.dir_okay:
        return "文件或文件夹"
    return "文件" if kind.file_okay else "文件夹"
