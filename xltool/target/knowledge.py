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

from xltool.target.units import Unit, read_unit

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
    if any(other in around for other in _words("negations")):
        return None
    if found.wants == DOWN and any(other in around for other in _words("actions")):
        return None
    return found


@functools.lru_cache(maxsize=4096)
def bounded(name: str) -> bool:
    """A rate that can't exceed 100%."""
    return _last(name, "bounded") in _words("bounded")


@functools.lru_cache(maxsize=4096)
def signed(name: str) -> bool:
    """A quantity that may be negative, so that ≥0 says something."""
    return any(word in name for word in _words("signed"))


@functools.cache
def _words(table: str) -> frozenset[str]:
    return frozenset(_declared()[table]["words"].split())


@functools.cache
def _endings(*tables: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """The words that may end a name, and the tails such as 额 that may follow one, the shortest first."""
    words = frozenset(_directions()).union(*(_words(table) for table in tables))
    return words, ("", *sorted(_declared()["tails"].split(), key=len))


def _last(name: str, *tables: str) -> str:
    """The longest word that the name ends with; a unit in brackets is no part of the name."""
    words, tails = _endings(*tables)
    bare = _UNIT_IN_NAME.sub("", name).strip()
    stops = [len(bare) - len(tail) for tail in tails if bare.endswith(tail)]
    found = (bare[start:stop] for start in range(len(bare)) for stop in stops)
    return next((word for word in found if word in words), "")


_UNIT_IN_NAME = re.compile(r"[（(](?:单位[:：])?([^（）()]{1,8})[）)]\s*$")


@functools.lru_cache(maxsize=4096)
def unit_in_name(name: str) -> Unit | None:
    """The unit in brackets at the end of a name: 在职职工人数（人）."""
    match = _UNIT_IN_NAME.search(name)
    return read_unit(match[1]) if match else None


@functools.lru_cache(maxsize=4096)
def expected_units(name: str) -> tuple[str, ...]:
    """The base units that an indicator with this ending can have; empty when unsure."""
    bare = _UNIT_IN_NAME.sub("", name).strip()
    for one in _declared()["expects"]:
        if bare.endswith(tuple(one["endings"].split())):
            return () if bare.endswith(tuple(one["except"].split())) else tuple(one["units"].split())
    return ()


@functools.lru_cache(maxsize=4096)
def unitless(name: str) -> bool:
    """An index, a ratio, a score: a number that has no unit."""
    return name.strip().endswith(tuple(_declared()["unitless"]["endings"].split()))
