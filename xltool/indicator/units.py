"""Units of measure: the declared table in `units.toml`, loaded once."""

from __future__ import annotations

import functools
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct


class MeasureUnit(Struct, frozen=True):
    """One unit: as written, its one spelling (百分比 → %), and what it converts to.

    `factor` units of `base` make one of it. `kind` is `count`, `physical`, `rate`, `point` or
    `money`; a compound such as 元/生/年 is of kind `per`, its base the whole compound.
    """

    written: str
    symbol: str
    base: str
    factor: Decimal
    kind: str


@functools.cache
def _declared() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "units.toml").read_text("utf-8"))


def variants() -> dict[str, str]:
    """Traditional characters and their simplified forms."""
    return dict(_declared()["variants"])


@functools.cache
def nouns() -> frozenset[str]:
    """Things that may follow a counting word: 项目 in 2个项目."""
    return frozenset(_declared()["nouns"].split())


@functools.cache
def _table() -> dict[str, MeasureUnit]:
    data = _declared()
    table = {
        word: MeasureUnit(word, word, word, Decimal(1), "count") for word in data["count"].split()
    }
    groups = [("physical", group) for group in data["physical"]]
    groups += [(kind, data[kind]) for kind in ("rate", "point", "money")]
    for kind, group in groups:
        base = next(iter(group))
        table |= {
            word: MeasureUnit(word, word, base, Decimal(factor), kind)
            for word, factor in group.items()
        }
    for word, same in data["same"].items():
        one = table[same]
        table[word] = MeasureUnit(word, one.symbol, one.base, one.factor, one.kind)
    return table


@functools.cache
def _scales() -> list[tuple[str, Decimal]]:
    """Longest first: 百万 before 百."""
    found = [(word, Decimal(factor)) for word, factor in _declared()["scale"].items()]
    return sorted(found, key=lambda pair: -len(pair[0]))


def unknown_unit(text: str) -> MeasureUnit:
    """A unit the table does not have, taken as written."""
    return MeasureUnit(text, text, text, Decimal(1), "unknown")


_PER = str.maketrans("·每", "//")


@functools.lru_cache(maxsize=4096)
def read_unit(text: str) -> MeasureUnit | None:
    """The unit written there, or None where the table has none such."""
    word = text.strip()
    known = _table().get(word)
    if known is not None:
        return known
    if "/" in (apart := word.translate(_PER)):
        return _compound(word, apart.split("/"))
    for scale, factor in _scales():
        if word.startswith(scale):
            one = _table().get(word[len(scale) :].strip())
            if one is not None and one.kind in ("count", "physical"):
                return MeasureUnit(
                    word, scale + one.symbol, one.base, factor * one.factor, one.kind
                )
    return None


def _compound(word: str, parts: list[str]) -> MeasureUnit | None:
    """元/生/年: every part is a unit or a thing that is counted; the first a unit."""
    first, *rest = (part.strip() for part in parts)
    head = read_unit(first)
    if head is None or not rest:
        return None
    if not all(part in nouns() or (len(part) <= 6 and read_unit(part)) for part in rest):
        return None
    tail = "/".join(rest)
    return MeasureUnit(word, f"{head.symbol}/{tail}", f"{head.base}/{tail}", head.factor, "per")


def money_units() -> dict[str, Decimal]:
    """Every unit of money and what it is in 元."""
    return {word: Decimal(factor) for word, factor in _declared()["money"].items()}


@functools.lru_cache(maxsize=4096)
def splits_noun(text: str) -> tuple[MeasureUnit, str] | None:
    """A counting word and what it counts: 个项目 → (个, 项目)."""
    for cut in range(1, min(4, len(text))):
        unit, noun = _table().get(text[:cut]), text[cut:].strip()
        if unit is not None and unit.kind == "count" and noun in nouns():
            return unit, noun
    return None
