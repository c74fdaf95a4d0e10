"""What every command is: guarded in what it writes,
told apart by what it takes and what it makes, explained.

A module declares its command with `command()` or `command_group()` of here. A path that a command
takes is a `click.Path`, one that it makes an `OutputPath`: the former are its inputs, over which
nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from xltool.cli._help import HelpPage, examples
from xltool.cli._output import echo
from xltool.files.guard import guarding

_FORCE = "xltool.force"

# Spellings of the version before, and what they are called now; each is said and still works.
# `--json=` is an option that took a value, where the name without one means something else today.
OldSpellings = Mapping[str, tuple[str, ...]]


class OutputPath(click.Path):
    """A path that the command makes; with a `kind` (".pdf") it has to end so, for a file that is
    something else than its name says opens nowhere. No folder is made that is called as a file."""

    kind = ""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path: Any = super().convert(value, param, ctx)
        if not self.file_okay:
            refuse_file_name(Path(path))
        if self.kind:
            refuse_other_kind(Path(path), self.kind)
        return path


def refuse_file_name(folder: Path) -> None:
    """Whoever writes 数据表.xlsx where a folder is meant wants a file, and would get a folder that
    nothing opens."""
    from xltool.files.discover import FileKind, kind_of

    if kind_of(f"文件{folder.suffix}") is not FileKind.OTHER and not folder.exists():
        raise click.UsageError(f"这里要写文件夹，“{folder}”是文件的名称；请去掉 {folder.suffix}")


def refuse_other_kind(file: Path, kind: str) -> None:
    """The file has to end as what is written into it."""
    if file.suffix.lower() != kind:
        raise click.UsageError(f"写成 {kind} 文件，不是“{file}”")


def output_file(kind: str = "") -> OutputPath:
    """The type of an option that names a file to write."""
    made = OutputPath(dir_okay=False, path_type=Path)
    made.kind = kind
    return made


def output_folder() -> OutputPath:
    """The type of an option that names a folder to write into."""
    return OutputPath(file_okay=False, path_type=Path)


def output_path() -> OutputPath:
    """A file, or a folder of files: by its name."""
    return OutputPath(path_type=Path)


class HelpContext(click.Context):
    """Help is laid out for Chinese."""

    formatter_class = HelpPage


class Explained(click.Command):
    """A command, or a group of them, whose help is in Chinese, and asked for with `-h` too."""

    context_class = HelpContext

    def get_help_option_names(self, ctx: click.Context) -> list[str]:
        taken = {name for param in self.params for name in param.opts}
        return [name for name in ("-h", "--help") if name not in taken]

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = "显示这份帮助。"
        return option


class Command(Explained):
    """A command that replaces nothing that a person made."""

    def __init__(self, *arguments: Any, old: OldSpellings | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.old = old or {}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, renamed(args, self.old))

    def invoke(self, ctx: click.Context) -> Any:
        with guarding(ctx.meta.get(_FORCE), _inputs(ctx)):
            return super().invoke(ctx)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from xltool.cli._examples import examples_of

        examples(formatter, examples_of(ctx.command_path.partition(" ")[2], self))


class CommandGroup(Explained, click.Group):
    """Commands under one word; a mistyped one is guessed."""

    command_class = Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        guess(ctx, args[0], self.list_commands(ctx), "命令")
        return super().resolve_command(ctx, args)


def guess(
    ctx: click.Context, word: str, names: list[str], what: str, likeness: float = 0.6
) -> None:
    """Fails with the nearest one where `said` is none of those known;
    does nothing where none is near."""
    if word in names:
        return
    from difflib import get_close_matches

    if near := get_close_matches(word, names, 1, likeness):
        ctx.fail(f"没有{what}“{word}”，是不是 {near[0]}？")


def renamed(args: list[str], old: OldSpellings) -> list[str]:
    """The arguments with old spellings replaced; each is told on stderr."""
    result: list[str] = []
    for place, argument in enumerate(args):
        if argument == "--":
            return [*result, *args[place:]]
        name, sign, value = argument.partition("=")
        follows = args[place + 1 : place + 2]
        valued = sign or (follows and not follows[0].startswith("-"))
        new = old.get(name) or (old.get(f"{name}=") if valued else None)
        if new is None or (sign and len(new) > 1):
            result.append(argument)
            continue
        echo(f"注意：“{name}”改叫“{' '.join(new)}”了，这一版还认，下一版不认", err=True)
        result += [*new, value] if sign else new
    return result


def command(
    name: str | None = None, *, old: OldSpellings | None = None
) -> Callable[[Callable[..., Any]], Command]:
    """Makes a command of a function; `old` are spellings of options that are still understood."""
    return click.command(name, cls=Command, old=old)


def command_group(name: str | None = None) -> Callable[[Callable[..., Any]], CommandGroup]:
    """Makes a group of commands of a function."""
    return click.group(name, cls=CommandGroup)


def _force(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    ctx.meta[_FORCE] = value


force_option = click.option(
    "--force", is_flag=True, expose_value=False, callback=_force,
    help="已有的同名文件，不是 xltool 写的或写出以后有人改过的，也覆盖。",
)  # fmt: skip


def _inputs(ctx: click.Context) -> Iterator[str | Path]:
    """The files that this call names to be read; of a folder that is a data book its tables."""
    for param in ctx.command.params:
        if not isinstance(param.type, click.Path) or isinstance(param.type, OutputPath):
            continue
        given = ctx.params.get(param.name or "")
        for path in given if isinstance(given, tuple) else (given,):
            if path:
                yield path
                yield from _tables(Path(path))


def _tables(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        from xltool.files.discover import holds_folder_book, table_name

        try:
            files = list(folder.iterdir())
        except OSError:
            return  # whoever reads it will say so
        if holds_folder_book(file.name for file in files):
            yield from (file for file in files if table_name(file.name))
