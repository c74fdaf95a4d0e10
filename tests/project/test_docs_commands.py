"""Every `xltool …` in the READMEs and in docs/ names a command that exists, with options it has."""

import re
import shlex

import click
import pytest

from tests.support.paths import ROOT
from xltool.cli import COMMANDS
from xltool.cli._group import group

PAGES = sorted([*ROOT.glob("README*.md"), ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])


def commands(text):
    """Command lines of blocks (without their remarks) and of the running text."""
    for line in re.findall(r"^(?: {4})?xltool ([a-z-].*)$", text, re.MULTILINE):
        yield re.split(r"\s{2,}|\s#", line)[0]
    yield from re.findall(r"`xltool ([^`]+)`", text)


def resolve(arguments):
    """The command that these arguments name, and what is left for it."""
    command = group(COMMANDS)
    context = click.Context(command)
    while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
        found = command.get_command(context, arguments[0])
        assert found is not None, f"没有命令 {arguments[0]}"
        command, arguments = found, arguments[1:]
    return command, arguments


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_exists(page):
    for line in commands(page.read_text("utf-8")):
        names = line.split(" | ")  # `xltool edition new | check`
        first = shlex.split(names[0])
        for arguments in [first, *([*first[:-1], name] for name in names[1:])]:
            command, rest = resolve([a for a in arguments if a not in ("…", "...")])
            if rest != ["--version"]:
                command.make_parser(click.Context(command)).parse_args(list(rest))
