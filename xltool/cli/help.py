"""`xltool help`: the help of any command, and the table of all options."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
    context = ctx.find_root()
    for word in words:
        if not isinstance(context.command, click.Group):
            raise click.UsageError(f"“{context.command.name}”下面没有命令“{word}”", ctx)
        name, subcommand, _ = context.command.resolve_command(context, [word])
        if subcommand is None:
            raise click.UsageError(f"没有命令“{word}”", ctx)
        context = HelpContext(subcommand, info_name=name, parent=context)
    return context


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
        subcommand = group.get_command(context, name)
        if subcommand is not None:
            yield from every_command(subcommand, (*words, name))


def options() -> dict[str, list[tuple[str, click.Option]]]:
    """Each option by its long name, with the commands that have it."""
    uses: dict[str, list[tuple[str, click.Option]]] = {}
    for name, subcommand in every_command():
        for param in subcommand.params:
            if isinstance(param, click.Option) and not param.hidden:
                uses.setdefault(max(param.opts, key=len), []).append((name, param))
    return dict(sorted(uses.items()))


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
        spelled = "、".join(f"`{spelling}`" for spelling in sorted(uses[0][1].opts, key=len))
        if not uses[0][1].is_flag:
            spelled += f" {_metavar(uses[0][1])}"
        meanings: dict[str, list[str]] = {}
        for command_name, option in uses:
            meanings.setdefault(option.help or "", []).append(command_name)
        meaning = "<br>".join(meanings) if len(meanings) < 4 else next(iter(meanings))
        commands = _grouped(command_name for command_name, _ in uses)
        lines.append(f"| {spelled} | {_cell(meaning or name)} | {commands} |")
    return "\n".join(lines) + "\n"


def _grouped(names: Iterable[str]) -> str:
    """Commands in one line, what several have in common said once: `campaign` 的 `new`、`move`."""
    groups: dict[str, list[str]] = {}
    for name in names:
        first, _, rest = name.partition(" ")
        groups.setdefault(first, []).append(rest)
    return "；".join(
        f"`{first}` 的 " + "、".join(f"`{rest}`" for rest in rests)
        if len(rests) > 1
        else f"`{f'{first} {rests[0]}'.strip()}`"
        for first, rests in groups.items()
    )


def _metavar(option: click.Option) -> str:
    kind: Any = option.type
    if isinstance(kind, click.Choice):
        return "、".join(map(str, kind.choices))
    return option.metavar or ("路径" if isinstance(kind, click.Path) else "值")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
