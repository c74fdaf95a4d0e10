"""Every `xltool …` in the READMEs and in docs/ names a command that exists, with options it has."""

import re
import shlex

import click
import pytest

from tests.support.paths import ROOT
from xltool.cli import COMMANDS
from xltool.cli._group import group
from xltool.cli.help import every_command

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TEXTS = [page.read_text("utf-8") for page in PAGES if page.name != "CHANGELOG.md"]


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


# What means the same on every command that has it; it stands in the manual or on the page of all
# options.
EVERYWHERE = {"--help", "--force", "--output", "--edition", "--campaign", "--by"}


@pytest.mark.parametrize(
    ("name", "option"),
    [
        pytest.param(name, option.opts, id=f"{name} {option.opts[-1]}")
        for name, made in every_command()
        for option in made.params
        if isinstance(option, click.Option) and not option.hidden
        if not EVERYWHERE & set(option.opts)
    ],
)
def test_every_option_is_documented(name, option):
    """A page that is about the command names the option;
    the derived page of all options is no explanation."""
    spelled = re.compile("|".join(rf"(?<![\w-]){re.escape(text)}(?![\w-])" for text in option))
    about = [text for text in TEXTS if re.search(rf"\b{name.split()[-1]}\b", text)]
    assert any(spelled.search(text) for text in about), f"xltool {name}：文档里没有写 {option[-1]}"


# Options of other programs and of the benchmarks that the pages name.
OTHERS = {
    "--kinds", "--most", "--part", "--rounds", "--time",
    "--no-index", "--find-links", "--user", "--prefix", "--no-package-lock", "--now", "--memory-limit",
    "--system", "--create-home",
    "--directory", "--no-deps", "--only-binary", "--implementation", "--python-version", "--platform",
}  # fmt: skip


# The history names what is gone.
PRESENT = [page for page in PAGES if page.name != "CHANGELOG.md"]


@pytest.mark.parametrize("page", PRESENT, ids=lambda page: page.name)
def test_no_page_names_an_option_that_is_gone(page):
    options = [o for _, made in every_command() for o in made.params if isinstance(o, click.Option)]
    real = {text for option in options if not option.hidden for text in option.opts}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", page.read_text("utf-8")))
    assert named - real - OTHERS - {"--help", "--version"} == set()
