"""`xltool help`: the help of any command, and the table of all options."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from xltool.cli._command import HelpContext, command
from xltool.cli._output import echo_text


@command("help")
@click.argument("words", metavar="[命令…]", nargs=-1)
@click.option(
    "--options", "table", is_flag=True, help="列出全部选项：哪个选项在哪些命令里，管什么。"
)
@click.pass_context
def help_(ctx: click.Context, words: tuple[str, ...], table: bool) -> None:
    """某条命令的说明，同 命令 --help。"""
    if table:
        echo_text(options_page())
        return
    click.echo(_context(ctx, words).get_help())


def _context(ctx: click.Context, words: tuple[str, ...]) -> click.Context:
    """As if the command had been called."""
    here = ctx.find_root()
    for word in words:
        if not isinstance(here.command, click.Group):
            raise click.UsageError(f"“{here.command.name}”下面没有命令“{word}”", ctx)
        name, found, _ = here.command.resolve_command(here, [word])
        if found is None:
            raise click.UsageError(f"没有命令“{word}”", ctx)
        here = HelpContext(found, info_name=name, parent=here)
    return here


def every_command(
    group: click.Command | None = None, words: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """Each command with its words: `campaign new`."""
    if group is None:
        from xltool.cli import COMMANDS
        from xltool.cli._group import group as whole

        group = whole(COMMANDS)
    if not isinstance(group, click.Group):
        yield " ".join(words), group
        return
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if found is not None:
            yield from every_command(found, (*words, name))


def options() -> dict[str, list[tuple[str, click.Option]]]:
    """Each option by its long name, with the commands that have it."""
    found: dict[str, list[tuple[str, click.Option]]] = {}
    for name, one in every_command():
        for param in one.params:
            if isinstance(param, click.Option) and not param.hidden:
                found.setdefault(max(param.opts, key=len), []).append((name, param))
    return dict(sorted(found.items()))


def options_page() -> str:
    """The table of all options as Markdown."""
    lines = [
        "# 选项一览", "",
        "一个选项在哪条命令里都是一个意思。`-h`、`--help` 每条命令都有；`-V` 是版本。`-o` 是结果写到哪里；"
        "另有名称的（`--mark`、`--pristine`、`--chase`、`--show`）是顺带多写的一样东西。", "",
        "本页由 `xltool help --options` 生成。", "",
        "| 选项 | 管什么 | 命令 |", "|---|---|---|",
    ]  # fmt: skip
    for name, uses in options().items():
        spelled = "、".join(f"`{one}`" for one in sorted(uses[0][1].opts, key=len))
        if not uses[0][1].is_flag:
            spelled += f" {_metavar(uses[0][1])}"
        said: dict[str, list[str]] = {}
        for command_name, option in uses:
            said.setdefault(option.help or "", []).append(command_name)
        meaning = "<br>".join(said) if len(said) < 4 else next(iter(said))
        commands = "、".join(f"`{one}`" for one, _ in uses)
        lines.append(f"| {spelled} | {_cell(meaning or name)} | {commands} |")
    return "\n".join(lines) + "\n"


def _metavar(option: click.Option) -> str:
    kind: Any = option.type
    if isinstance(kind, click.Choice):
        return "、".join(map(str, kind.choices))
    return option.metavar or ("路径" if isinstance(kind, click.Path) else "值")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
