"""What an indicator's name says about its value: direction, bounds, unit. Data in `directions.toml`.

Unsure is silent: every question answers None or False where the words don't decide it.
"""

from __future__ import annotations

import functools
import re
import tomllib
from pathlib import Path
from typing import Any

from msgspec import Struct

from xltool.indicator.units import MeasureUnit, read_unit

UP, DOWN = "up", "down"


@functools.cache
def _declared() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "directions.toml").read_text("utf-8"))


class Direction(Struct, frozen=True):
    """Which way is good, and the word that says so. `outputs`: also among the outputs."""

    wants: str
    word: str
    outputs: bool


@functools.cache
def _directions() -> dict[str, Direction | None]:
    """Every word; None for one that only hides the shorter words in it, or that is not sure."""
    return {
        word: Direction(group["wants"], word, group.get("outputs", True))
        if group["sure"] and group["wants"] in (UP, DOWN)
        else None
        for group in _declared()["direction"]
        for word in group["words"].split()
    }


@functools.lru_cache(maxsize=4096)
def direction(name: str) -> Direction | None:
    """Which way an indicator of this name should go, by the word it ends with; None when unsure."""
    word = _last(name)
    found = _directions()[word] if word else None
    if found is None:
        return None
    around = name.replace(found.word, " ")
    if _any("negations").search(around):
        return None
    if found.wants == DOWN and _any("actions").search(around):
        return None
    return found


def bounded(name: str) -> bool:
    """A rate that can't exceed 100%."""
    return _last(name, "bounded") in _words("bounded")


@functools.lru_cache(maxsize=4096)
def signed(name: str) -> bool:
    """A quantity that may be negative, so that ≥0 says something."""
    return _any("signed").search(name) is not None


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
    found: dict[str, list[str]] = {}
    for word in sorted(frozenset(_directions()).union(*map(_words, tables)), key=len, reverse=True):
        found.setdefault(word[-2:], []).append(word)
    return found


@functools.cache
def _tails() -> dict[str, list[str]]:
    """The tails such as 额 that may follow a word, the shortest first, by their last character."""
    found: dict[str, list[str]] = {}
    for tail in sorted(_declared()["tails"].split(), key=len):
        found.setdefault(tail[-1], []).append(tail)
    return found


def _last(name: str, *tables: str) -> str:
    """The longest word that the name ends with, the shortest tail after it; a unit in brackets is no part
    of the name."""
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
    """A name without the unit in brackets at its end."""
    bare = name.strip()
    return _UNIT_IN_NAME.sub("", bare).strip() if bare.endswith(_CLOSING) else bare


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
        _Expected(*(tuple(one[key].split()) for key in ("endings", "except", "units")))
        for one in _declared()["expects"]
    )


def expected_units(name: str) -> tuple[str, ...]:
    """The base units that an indicator with this ending can have; empty when unsure."""
    bare = _bare(name)
    for one in _expected():
        if bare.endswith(one.endings):
            return () if bare.endswith(one.but) else one.units
    return ()


@functools.cache
def _unitless() -> tuple[str, ...]:
    return tuple(_declared()["unitless"]["endings"].split())


def unitless(name: str) -> bool:
    """An index, a ratio, a score: a number that has no unit."""
    return name.strip().endswith(_unitless())
