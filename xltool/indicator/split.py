"""Several indicators in one row, because a locked form gave too few: names with their values."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from xltool.indicator import vocabulary
from xltool.indicator.parse import parse_target
from xltool.indicator.value import Target


class Split(Struct, frozen=True):
    """The names and values of one row. `pairs` is empty where they can't be paired."""

    names: tuple[str, ...]
    targets: tuple[Target, ...]
    pairs: tuple[tuple[str, Target], ...]

    @property
    def paired(self) -> bool:
        """Each value has a name of its own."""
        return bool(self.pairs)

    @property
    def stuffed(self) -> bool:
        """More than one value stands in the cell."""
        return len(self.targets) > 1

    def __iter__(self) -> Iterator[tuple[str, Target]]:
        return iter(self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)


# Strongest first; a weaker mark is only tried where the stronger ones don't give the number of
# values.
_MARKS = ("\n", "\n；;", "\n；;，,", "\n；;，,、")
_NUMBERED = re.compile(r"^\s*(?:[（(]?[0-9一二三四五六七八九十]{1,2}[)）、.．]|[①-⑳])\s*")


def split_targets(name: str, value: str) -> Split:
    """The name and value cells of one row as pairs (name, Target). Never raises.

    One value keeps its name whole. Several values are paired in order where the name cell splits
    into as many names (by line, ；, ，, then 、); values that say what they are (建筑面积2.6万
    平方米，展示面积1万平方米; 2期，每期100人) belong to the one name. Else nothing is paired.
    """
    target = parse_target(value)
    if not target.parts:
        name = name.strip()
        return Split((name,), (target,), ((name, target),))
    for marks in _MARKS:
        pieces = vocabulary.pieces(name, marks)
        if len(pieces) >= len(target.parts) == len(names := _names(pieces)):
            return Split(names, target.parts, tuple(zip(names, target.parts, strict=True)))
    if all(part.label for part in target.parts[1:]):
        names = tuple(_with_label(name.strip(), part) for part in target.parts)
        return Split(names, target.parts, tuple(zip(names, target.parts, strict=True)))
    several = (_names(vocabulary.pieces(name, marks)) for marks in _MARKS[:3])
    names = next((listed for listed in several if len(listed) > 1), (name.strip(),))
    return Split(names, target.parts, ())


def _with_label(name: str, part: Target) -> str:
    label = part.label.removesuffix(":")
    return f"{name}：{label}" if label else name


def split_standards(standard: str, count: int) -> tuple[Target | None, ...]:
    """The standards of a row with `count` values; None for each where they can't be paired."""
    target = parse_target(standard)
    if count == 1:
        return (target,)
    return target.parts if len(target.parts) == count else (None,) * count


def _names(pieces: list[str]) -> tuple[str, ...]:
    return tuple(filter(None, [_NUMBERED.sub("", piece) for piece in pieces]))
