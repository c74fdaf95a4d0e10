"""How wide a text stands on a terminal, and lines folded so that no number and no word is cut."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from unicodedata import east_asian_width

# What stays in one piece: numbers, words, options, file names. Each Chinese character may end a
# line.
_PIECES = re.compile(r"\x1b\[[0-9;]*m|\s+|[!-~]+|.", re.DOTALL)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_NOT_FIRST = ".,;:)，。、；：！？）》”’」』】〉…—％"
_LONG_PIECE = 24  # a longer one (a path, a digest) may be parted
_NOT_LAST = "（《“‘「『【〈"


def width(text: str) -> int:
    """How many columns a text takes: a Chinese character two."""
    if text.isascii():
        return len(_COLOUR.sub("", text)) if "\x1b" in text else len(text)
    text = _COLOUR.sub("", text)
    return sum(2 if east_asian_width(character) in "WFA" else 1 for character in text)


def folded(text: str, columns: int, first: int = 0) -> list[str]:
    """The lines of a text, none wider than `columns` (the first:
    by `first` less) but for one long word."""
    lines: list[str] = []
    line, room = "", columns - first
    for piece in _pieces(text):
        if line and width(line) + width(piece.rstrip()) > room:
            lines.append(line.rstrip())
            line, room = "", columns
        line += piece if line or not lines else piece.lstrip()
    return [*lines, line.rstrip()]


def _pieces(text: str) -> Iterator[str]:
    """What may not be parted, marks with what they belong to."""
    held = ""
    for piece in _PIECES.findall(text):
        if held and (piece[0] in _NOT_FIRST or held[-1] in _NOT_LAST):
            held += piece
        else:
            if held:
                yield held
            held = piece
    if held:
        yield held


def first_few(names: Sequence[str], most: int) -> str:
    """The first of these names, and 等 where there are more."""
    return "、".join(names[:most]) + ("等" if len(names) > most else "")


def widest(text: str) -> int:
    """The columns of the longest piece, which a table's column needs;
    no more than a long number takes."""
    return min(max(map(width, _pieces(text)), default=0), _LONG_PIECE)
