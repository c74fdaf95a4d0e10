"""What commands print: for programs always UTF-8, for people whatever their console takes,
nothing lost."""

from __future__ import annotations

import codecs
import os
import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from xltool.checks.results import CheckResult

# Encodings of Chinese consoles that lack characters; GB18030 has them all and writes the others
# alike.
_NARROW = {"gbk", "gb2312"}


def for_people() -> None:
    """Let the console show every character:
    as itself where it can, else by its number, never as `?`. What a scheduler closed goes nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            silence(name)
    for stream in (sys.stdout, sys.stderr):
        if not hasattr(stream, "reconfigure"):
            continue
        if _name(stream) in _NARROW:
            stream.reconfigure(encoding="gb18030")
        stream.reconfigure(errors="backslashreplace")


def silence(name: str) -> None:
    """Let nothing more be said on `stdout` or `stderr`."""
    setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - to the end


def _name(stream: TextIO) -> str:
    try:
        return codecs.lookup(stream.encoding).name
    except (LookupError, TypeError):
        return ""


def echo(text: str, err: bool = False) -> None:
    """One line for people: whatever came from a received file steers no terminal
    and begins no other line."""
    from xltool.files.escape import on_terminal

    click.echo(on_terminal(text), err=err)


def pasteable(path: str | Path) -> str:
    """The path as one word of a command that a person pastes:
    in double quotes, which cmd, PowerShell and sh read alike, where they are needed."""
    text = str(path)
    plain = r"[\w./:~+=,-]+" if os.name == "posix" else r"[\w./\\:~+=,-]+"
    if re.fullmatch(plain, text):
        return text
    if os.name == "posix" and re.search(r'[$`"\\!]', text):
        return shlex.quote(text)
    return f'"{text}"'


def echo_lines(text: str, err: bool = False) -> None:
    """A message of several lines:
    those after the first are set in, so that no name begins a message."""
    from xltool.files.escape import lines_on_terminal

    click.echo(lines_on_terminal(text).replace("\n", "\n  "), err=err)


def echo_badge(badge: str, colour: str, text: str) -> None:
    """A line that begins with a word in colour."""
    from xltool.files.escape import on_terminal

    click.echo(f"{click.style(badge, fg=colour)} {on_terminal(text)}")


_COLUMN = 12  # narrower ones make a table of a line that of a page
_PIPE = 160  # columns of a table that goes into a file or to another program


def table(heads: Sequence[str], rows: Sequence[Sequence[Any]], title: str = "") -> None:
    """A table in which nothing is cut;
    where the screen is too narrow for that, a block of lines a row."""
    from xltool.files.display import widest, width
    from xltool.files.escape import on_terminal

    cells = [["" if value is None else on_terminal(str(value)) for value in row] for row in rows]
    room = screen_width() or _PIPE
    columns = zip(heads, *cells, strict=True)
    least = sum(max(map(widest, column)) + 3 for column in columns) + 1
    longest = sum(max(map(width, column)) + 3 for column in zip(heads, *cells, strict=True)) + 1
    if room < min(longest, max(least, _COLUMN * len(heads))):
        _blocks(heads, cells, title)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=title or None, title_justify="left")
    for number, head in enumerate(heads):
        least = max(map(widest, (head, *(row[number] for row in cells))))
        drawn.add_column(Text(head), overflow="fold", min_width=least)
    for row in cells:
        drawn.add_row(*map(Text, row))
    Console(width=room).print(drawn)


def _blocks(heads: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> None:
    if title:
        click.echo(title)
    for row in rows:
        click.echo("-" * 20)
        for head, value in zip(heads, row, strict=True):
            if value:
                echo_line(f"{head}：{value}" if head else value)


def screen_width() -> int:
    """The columns of the terminal; 0 where the output is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def echo_line(text: str) -> None:
    """A line for people: on a terminal folded between words, so that no amount is cut."""
    from xltool.files.display import folded

    room = screen_width()
    indent = len(text) - len(text.lstrip(" "))
    if not room:
        click.echo(text)
        return
    for number, line in enumerate(folded(text, room - indent - 2, -2)):
        click.echo(line if not number else " " * (indent + 2) + line)


def show_result(result: CheckResult) -> None:
    """Everything found in one file, for people."""
    from xltool.reports.console import lines

    for line in lines(result):
        echo_line(line)


def echo_text(text: str) -> None:
    """Text that a program reads on: UTF-8 whatever the console's encoding is."""
    click.echo(text.encode("utf-8", "backslashreplace"), nl=False)


def echo_json(value: Any, indent: int | None = 2) -> None:
    """JSON in UTF-8 with a line end; half characters (of odd file names) escaped."""
    import json

    # What can't be encoded becomes `\udc80`, which is how JSON itself escapes it.
    echo_text(json.dumps(value, ensure_ascii=False, indent=indent) + "\n")
