"""An example or two for every help page, ready to be pasted."""

from __future__ import annotations

import tomllib
from pathlib import Path

import click


def examples() -> dict[str, list[str]]:
    """The lines of `examples.toml` by command."""
    return tomllib.loads(Path(__file__).with_name("examples.toml").read_text("utf-8"))


def examples_of(name: str, command: click.Command) -> list[str]:
    """The examples of `campaign new`;
    where none is written down, the command with what it can't do without."""
    if lines := examples().get(name):
        return lines
    needed = []
    for param in command.params:
        if not param.required:
            continue
        value = (param.metavar or "值").strip("[]…").replace(" ", "")
        needed += [param.opts[0], value] if isinstance(param, click.Option) else [value]
    return [" ".join(["xltool", name, *needed])]
