"""Texts from received files where programs show them:
they steer no terminal and begin no formula."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

# Control characters, line ends of any kind, and what turns the direction of writing.
_STEERING = dict.fromkeys(
    (
        *range(32),
        *range(127, 160),
        0x061C,
        0x200E,
        0x200F,
        *range(0x2028, 0x202F),
        *range(0x2066, 0x206A),
    ),
    "�",
)
# What spreadsheet programs may take for the beginning of a formula, fullwidth forms included.
_FORMULA_SIGNS = "=+-@＝＋－＠"
_FORMULA = rf"^\s*[{re.escape(_FORMULA_SIGNS)}]"
_NUMBER = r"^[+-]?\d+(\.\d+)?%?$"
_CONTROLS = r"[\x00-\x08\x0b\x0c\x0e-\x1f]"


@functools.cache
def _doubtful() -> re.Pattern[str]:
    # Compiled when first needed: the sets of characters take their time, and a terminal needs none.
    return re.compile(rf"^[\t\r]|{_FORMULA}|{_CONTROLS}")


def on_terminal(text: str) -> str:
    """A text as a terminal may show it, in one line."""
    return text.translate(_STEERING)


def lines_on_terminal(text: str) -> str:
    """A message of several lines as a terminal may show it."""
    return "\n".join(map(on_terminal, text.split("\n")))


def in_csv(text: str) -> str:
    """A CSV cell that no spreadsheet program reads as a formula: such a text gets a leading `'`.
    A lone sign is none, and stays itself: 计算符号 may be `=`."""
    if not _doubtful().search(text) or (len(text) == 1 and text in _FORMULA_SIGNS):
        return text
    text = re.sub(_CONTROLS, "", text)
    if text.startswith(("\t", "\r")) or (re.match(_FORMULA, text) and not re.match(_NUMBER, text)):
        return f"'{text}"
    return text


# What a cell without control characters begins with if it is doubtful.
_DOUBTFUL_FIRST = frozenset(f"{_FORMULA_SIGNS} \n")


def csv_cells(values: Iterable[object]) -> list[str]:
    """Such cells of a whole row. Hardly one is doubtful: seen for all at once."""
    cells = list(map(str, values))
    plain = "".join(cells).replace("\n", "").isprintable()
    if plain and _DOUBTFUL_FIRST.isdisjoint([cell[:1] for cell in cells]):
        return cells
    return list(map(in_csv, cells))
