"""What commands print: for programs always UTF-8, for people whatever their console takes, nothing lost."""

from __future__ import annotations

import codecs
import sys
from typing import Any, TextIO

import click

# Encodings of Chinese consoles that lack characters; GB18030 has them all and writes the others alike.
_NARROW = {"gbk", "gb2312"}


def for_people() -> None:
    """Let the console show every character: as itself where it can, else by its number, never as `?`."""
    for stream in (sys.stdout, sys.stderr):
        if not hasattr(stream, "reconfigure"):
            continue
        if _name(stream) in _NARROW:
            stream.reconfigure(encoding="gb18030")
        stream.reconfigure(errors="backslashreplace")


def _name(stream: TextIO) -> str:
    try:
        return codecs.lookup(stream.encoding).name
    except (LookupError, TypeError):
        return ""


def echo_text(text: str) -> None:
    """Text that a program reads on: UTF-8 whatever the console's encoding is."""
    click.echo(text.encode("utf-8", "backslashreplace"), nl=False)


def echo_json(value: Any, indent: int | None = 2) -> None:
    """JSON in UTF-8 with a line end; half characters (of odd file names) escaped."""
    import json

    # What can't be encoded becomes `\udc80`, which is how JSON itself escapes it.
    echo_text(json.dumps(value, ensure_ascii=False, indent=indent) + "\n")
