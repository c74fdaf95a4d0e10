"""What every command is: guarded in what it writes, and told apart by what it takes and what it makes.

A module declares its command with `command()` or `command_group()` of here. A path that a command takes
is a `click.Path`, one that it makes an `OutputPath`: the former are its inputs, over which nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from xltool.files.guard import guarding

_FORCE = "xltool.force"


class OutputPath(click.Path):
    """A path that the command makes."""


def output_file() -> OutputPath:
    return OutputPath(dir_okay=False, path_type=Path)


def output_folder() -> OutputPath:
    return OutputPath(file_okay=False, path_type=Path)


def output_path() -> OutputPath:
    """A file, or a folder of files: by its name."""
    return OutputPath(path_type=Path)


class Command(click.Command):
    """A command that replaces nothing that a person made."""

    def invoke(self, ctx: click.Context) -> Any:
        with guarding(ctx.meta.get(_FORCE), _inputs(ctx)):
            return super().invoke(ctx)


class CommandGroup(click.Group):
    """Commands under one word."""

    command_class = Command


def command(name: str | None = None) -> Callable[[Callable[..., Any]], Command]:
    return click.command(name, cls=Command)


def command_group(name: str | None = None) -> Callable[[Callable[..., Any]], CommandGroup]:
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
