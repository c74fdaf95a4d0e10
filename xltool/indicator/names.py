"""What an indicator's name says about its value: direction, bounds, unit.
Data in `directions.toml`.

Unsure is silent: every question answers None or False where the words don't decide it.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from xltool.indicator.units import MeasureUnit, kin, read_unit

UP, DOWN = "up", "down"


@functools.cache
def _declared() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "directions.toml").read_text("utf-8"))


class Direction(Struct, frozen=True):
    """Which way is good, and the word that says so.

    `outputs`: also among the outputs. `share`: a part of a whole.
    `only`: the kind of unit it needs.
    """

    wants: str
    word: str
    outputs: bool
    share: bool
    only: str


@functools.cache
def _directions() -> dict[str, Direction | None]:
    """Every word; None for one that only hides the shorter words in it, or that is not sure."""
    directions: dict[str, Direction | None] = {}
    for group in _declared()["direction"]:
        wants = group["wants"]
        sure = group["confidence"] == "high" and wants in (UP, DOWN)
        for word in _words_of(group):
            share = group.get("share", False) and word.endswith("率")
            declared = Direction(
                wants, word, group.get("outputs", True), share, group.get("only", "")
            )
            directions[word] = declared if sure else None
    return directions


@functools.cache
def _derived() -> dict[str, str]:
    """What only tells the way once it rises or falls: 费用, 债务."""
    groups = [g for g in _declared()["direction"] if g["confidence"] == "derived"]
    return {word: group["wants"] for group in groups for word in _words_of(group)}


def _words_of(group: dict[str, Any]) -> Iterator[str]:
    """The words that a group lists, and every head with every measure: 败诉 + 率."""
    yield from group.get("words", "").split()
    measures = group.get("measures", "").split()
    for head in group.get("heads", "").split():
        yield from (head + measure for measure in measures)


@functools.lru_cache(maxsize=4096)
def direction(name: str) -> Direction | None:
    """Which way an indicator of this name should go, by the word it ends with; None when unsure."""
    bare = _bare(name)
    for change in (*_changes("same"), *_changes("opposite")):
        if bare.endswith(change):
            return _changing(bare.removesuffix(change), change)
    word = _last(name)
    way = _directions()[word] if word else None
    return way if way is not None and _plainly(name, way) else None


@functools.cache
def _changes(table: str) -> tuple[str, ...]:
    return tuple(sorted(_declared()[table].split(), key=len, reverse=True))


def _changing(what: str, change: str) -> Direction | None:
    """The way of a rise or fall: that of what rises, the other one of what falls."""
    for word in _changes("compared"):
        what = what.removesuffix(word)
    word, way = _last(what), direction(what)
    wants = way.wants if way is not None else _derived().get(word, "")
    if not wants:
        return None
    if change in _changes("opposite"):
        wants = DOWN if wants == UP else UP
    return Direction(wants, word + change, True, False, "")


def _plainly(name: str, way: Direction) -> bool:
    """Nothing else in the name turns its meaning round."""
    around = _any("harmless").sub(" ", name.replace(way.word, " "))
    if _any("negations").search(around):
        return False
    if way.wants == UP:
        return True
    acted = not way.share and not way.only and _any("actions").search(around)
    return not acted and not _any("reductions").search(around)


@functools.lru_cache(maxsize=4096)
def bounded(name: str) -> bool:
    """A rate that can't exceed 100%."""
    word = _last(name, "bounded")
    if word in _words("bounded"):
        return True
    way = _directions().get(word)
    return way is not None and way.share


@functools.lru_cache(maxsize=4096)
def signed(name: str) -> bool:
    """A quantity that may be negative, so that ≥0 says something."""
    return _any("signed").search(name) is not None


def falling(label: str) -> bool:
    """Words before a number that make it how much something falls: 同比下降, 降幅."""
    return bool(label) and (
        _any("reductions").search(label) is not None or label.endswith(_changes("opposite"))
    )


@functools.cache
def _words(table: str) -> frozenset[str]:
    return frozenset(_declared()[table]["words"].split())


@functools.cache
def _any(table: str) -> re.Pattern[str]:
    """One of these words, anywhere."""
    return re.compile("|".join(map(re.escape, sorted(_words(table)))))


@functools.cache
def _endings(*tables: str) -> dict[str, list[str]]:
    """The words that may end a name, the longest first, by their last two characters."""
    endings: dict[str, list[str]] = {}
    for word in sorted(frozenset(_directions()).union(*map(_words, tables)), key=len, reverse=True):
        endings.setdefault(word[-2:], []).append(word)
    return endings


@functools.cache
def _tails() -> dict[str, list[str]]:
    """The tails such as 额 that may follow a word, the shortest first, by their last character."""
    tails: dict[str, list[str]] = {}
    for tail in sorted(_declared()["tails"].split(), key=len):
        tails.setdefault(tail[-1], []).append(tail)
    return tails


def _last(name: str, *tables: str) -> str:
    """The longest word that the name ends with, the shortest tail after it; a unit in brackets is
    no part of the name."""
    words, bare = _endings(*tables), _bare(name)
    first, longest = len(bare), ""
    for tail in ("", *_tails().get(bare[-1:], ())):
        end = len(bare) - len(tail)
        if tail and not bare.endswith(tail):
            continue
        for word in words.get(bare[max(end - 2, 0) : end], ()):
            if bare.endswith(word, 0, end):
                if end - len(word) < first:
                    first, longest = end - len(word), word
                break
    return longest


_UNIT_IN_NAME = re.compile(r"[（(](?:单位[:：])?([^（）()]{1,8})[）)]\s*$")


def _bare(name: str) -> str:
    """A name without the short bracket at its end, most often a unit."""
    bare = name.strip()
    return _UNIT_IN_NAME.sub("", bare).strip() if bare.endswith(_CLOSING) else bare


def bare_name(name: str) -> str:
    """A name without the unit in brackets at its end."""
    return _bare(name) if unit_in_name(name) is not None else name.strip()


def unit_in_name(name: str) -> MeasureUnit | None:
    """The unit in brackets at the end of a name: 在职职工人数（人）."""
    match = _UNIT_IN_NAME.search(name) if name.rstrip().endswith(_CLOSING) else None
    return read_unit(match[1]) if match else None


_CLOSING = (")", "）")


class _Expected(Struct, frozen=True):
    """Names with these endings have one of these units."""

    endings: tuple[str, ...]
    but: tuple[str, ...]
    units: tuple[str, ...]


@functools.cache
def _expected() -> tuple[_Expected, ...]:
    return tuple(
        _Expected(*(tuple(group[key].split()) for key in ("endings", "except", "units")))
        for group in _declared()["expects"]
    )


@functools.lru_cache(maxsize=4096)
def expected_units(name: str) -> tuple[str, ...]:
    """The base units that an indicator with this ending can have; empty when unsure."""
    bare = _bare(name)
    for expected in _expected():
        if bare.endswith(expected.endings):
            return () if bare.endswith(expected.but) else expected.units
    return _counted_unit(bare)


def _counted_unit(bare: str) -> tuple[str, ...]:
    """门数, 床位数, 天数: the unit that the name counts in, and those that may stand for it."""
    if not bare.endswith("数"):
        return ()
    for length in (3, 2, 1):
        unit = read_unit(bare[-1 - length : -1])
        if unit is None or unit.written != unit.symbol or unit.symbol in _words("vague_counts"):
            continue
        if unit.kind == "count":
            times = ("次",) if unit.symbol.endswith("次") else ()
            return unit.symbol, *times, "个", "项", *sorted(kin(unit.symbol))
        if unit.kind == "physical":
            return (unit.symbol, "个工作日") if unit.symbol == "天" else (unit.symbol,)
    return ()


def fits(unit: MeasureUnit, wanted: tuple[str, ...]) -> bool:
    """The unit measures the same as one of these; a rate may also say how many per something."""
    base = unit.base.partition("/")[0]
    if any(measure is not None and measure.base == base for measure in map(read_unit, wanted)):
        return True
    return unit.kind == "per" and "‰" in wanted and base != "元"


@functools.cache
def _unitless() -> tuple[str, ...]:
    return tuple(_declared()["unitless"]["endings"].split())


def unitless(name: str) -> bool:
    """An index, a ratio, a score: a number that has no unit."""
    return name.strip().endswith(_unitless())


# Numbering at the beginning; blanks and punctuation anywhere.
_NOISE = re.compile(
    r"^\s*(?:指标|目标)?[0-9一二三四五六七八九十]{1,2}[、.．:：)）]|[\s,，。.;；:：、“”\"'《》()（）\-—_]+"
)


@functools.lru_cache(maxsize=4096)
def comparable_name(text: str) -> str:
    """A name without blanks, punctuation and numbering, to compare names."""
    return _NOISE.sub("", text)


_STARS = re.compile("[★☆▲△●○◆◇■□※*＊]")


@functools.lru_cache(maxsize=4096)
def subject(name: str) -> str:
    """What an indicator is of: its name without marks, numbering,
    and the unit in brackets at its end."""
    return comparable_name(bare_name(_STARS.sub("", name)))
