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
        unit = table[same]
        table[word] = MeasureUnit(word, unit.symbol, unit.base, unit.factor, unit.kind)
    return table


@functools.cache
def _scales() -> list[tuple[str, Decimal]]:
    """Longest first: 百万 before 百."""
    scales = [(word, Decimal(factor)) for word, factor in _declared()["scale"].items()]
    return sorted(scales, key=lambda pair: -len(pair[0]))


def unknown_unit(text: str) -> MeasureUnit:
    """A unit the table does not have, taken as written."""
    return MeasureUnit(text, text, text, Decimal(1), "unknown")


_PER = str.maketrans("·每", "//")


@functools.lru_cache(maxsize=4096)
def read_unit(text: str) -> MeasureUnit | None:
    """The unit written there, or None where the table has none such."""
    word = text.strip()
    unit = _table().get(word)
    if unit is not None:
        return unit
    if word.endswith("数") and (counted := _table().get(word[:-1])) is not None:
        return MeasureUnit(word, counted.symbol, counted.base, counted.factor, counted.kind)
    if "/" in (apart := word.translate(_PER)):
        return _compound(word, apart.split("/"))
    for scale, factor in _scales():
        if word.startswith(scale):
            scaled = _table().get(word[len(scale) :].strip())
            if scaled is not None and scaled.kind in ("count", "physical"):
                return MeasureUnit(
                    word, scale + scaled.symbol, scaled.base, factor * scaled.factor, scaled.kind
                )
    return None


def _compound(word: str, parts: list[str]) -> MeasureUnit | None:
    """元/生/年: every part is a unit or a thing that is counted; the first a unit.

    Its base has each part in its one spelling: 元/㎡ and 元/平方米 are the same.
    """
    first, *rest = (part.strip() for part in parts)
    head = read_unit(first)
    if head is None or not rest:
        return None
    spellings = [_one_spelling(part) for part in rest]
    if not all(spellings):
        return None
    symbol, base = "/".join([head.symbol, *rest]), "/".join([head.base, *spellings])
    return MeasureUnit(word, symbol, base, head.factor, "per")


def _one_spelling(part: str) -> str:
    """A thing that is counted as it is, a unit in its one spelling; else an empty string."""
    if part in nouns():
        return part
    unit = read_unit(part) if len(part) <= 6 else None
    return unit.symbol if unit is not None else ""


@functools.cache
def _kin() -> dict[str, frozenset[str]]:
    """Each counting word with the words that may stand for it."""
    groups = [line.split() for line in _declared()["alike"]]
    kin_words: dict[str, set[str]] = {}
    for group in groups:
        for word in group:
            kin_words.setdefault(word, set()).update(group)
    return {word: frozenset(others) for word, others in kin_words.items()}


def kin(word: str) -> frozenset[str]:
    """The counting words that may stand for this one."""
    return _kin().get(word, frozenset())


def alike(unit: MeasureUnit, other: MeasureUnit) -> bool:
    """The two units can mean the same: 名 and 人, 个 and 座, 元 and 元/亩 where the one says more."""
    if unit.base == other.base:
        return True
    if "per" in (unit.kind, other.kind):
        first, second = unit.base.split("/"), other.base.split("/")
        return first[: len(second)] == second[: len(first)]
    if not unit.kind == other.kind == "count":
        return False
    return "个" in (unit.base, other.base) or other.base in kin(unit.base)


def money_units() -> dict[str, Decimal]:
    """Every unit of money and what it is in 元."""
    return {word: Decimal(factor) for word, factor in _declared()["money"].items()}


@functools.lru_cache(maxsize=4096)
def splits_noun(text: str) -> tuple[MeasureUnit, str] | None:
    """A counting word and what it counts: 个项目 → (个, 项目)."""
    for cut in range(1, min(4, len(text))):
        unit, noun = _table().get(text[:cut]), text[cut:].strip()
        if unit is None or unit.kind != "count":
            continue
        if noun in nouns() or (len(noun) > 1 and noun in _table()):
            return unit, noun
    return None
