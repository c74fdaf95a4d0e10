"""A bureau's own indicator library (指标库): what it knows of indicators by name.

Each entry says the usual category, unit, direction and range of one indicator, and for which units
it holds. Unsure is silent: what an entry leaves blank is not judged.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct

from xltool.indicator.names import subject
from xltool.indicator.units import MeasureUnit, alike, read_unit
from xltool.indicator.value import Target


class LibraryEntry(Struct, frozen=True):
    """One indicator. `direction` is ≥, ≤ or blank; `low` and `high` are the usual range in `unit`;
    `scope` holds words of which the filing unit's name has one (教育、学校), blank for every unit;
    `seen` is how often it stood in the filings that the library was made from.
    """

    name: str
    category: str = ""
    unit: str = ""
    direction: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    scope: str = ""
    seen: int = 0

    @property
    def measure(self) -> MeasureUnit | None:
        """Its unit in the declared table."""
        return read_unit(self.unit) if self.unit else None

    def holds_for(self, filing_unit: str) -> bool:
        """The entry is for every unit, or for those with a word of its scope in their name."""
        words = self.scope.replace("，", "、").replace(",", "、").split("、")
        return not self.scope.strip() or any(w and w in filing_unit for w in map(str.strip, words))

    def far(self, target: Target) -> bool:
        """The number lies far outside the usual range: beyond it by half or double, a percentage by
        twenty points. False where either is unknown or the units can't be compared."""
        unit, own = target.measure, self.measure
        if target.number is None or unit is None or own is None or unit.base != own.base:
            return False
        number = target.number * unit.factor / own.factor
        if unit.kind == "rate":
            low, high = _moved(self.low, -20), _moved(self.high, 20)
        else:
            low, high = _times(self.low, Decimal("0.5")), _times(self.high, Decimal(2))
        return (low is not None and number < low) or (high is not None and number > high)

    @property
    def range(self) -> str:
        """The usual range in words: 10～20件."""
        low, high = (("" if n is None else f"{n.normalize():f}") for n in (self.low, self.high))
        return f"{low}～{high}{self.unit}"


def _moved(bound: Decimal | None, by: int) -> Decimal | None:
    return None if bound is None else bound + by


def _times(bound: Decimal | None, factor: Decimal) -> Decimal | None:
    return None if bound is None else bound * factor


class Library(Struct, frozen=True, dict=True):
    """The entries of a library, found by an indicator's name."""

    entries: tuple[LibraryEntry, ...] = ()

    @functools.cached_property
    def _by_name(self) -> dict[str, list[LibraryEntry]]:
        by_subject: dict[str, list[LibraryEntry]] = {}
        for entry in self.entries:
            by_subject.setdefault(subject(entry.name), []).append(entry)
        return by_subject

    def find(self, name: str, target: Target, filing_unit: str) -> LibraryEntry | None:
        """The entry of this name that holds for the filing unit: first one in the value's own unit,
        then one with a scope before one for all."""
        unit = target.measure

        def fitness(entry: LibraryEntry) -> tuple[bool, bool]:
            own = entry.measure
            alike_unit = unit is not None and own is not None and alike(own, unit)
            return alike_unit, bool(entry.scope.strip())

        fitting = [e for e in self._by_name.get(subject(name), ()) if e.holds_for(filing_unit)]
        return max(fitting, key=fitness, default=None)


class Seen(Struct, frozen=True):
    """One indicator as it stood in an accepted filing."""

    name: str
    category: str
    target: Target


# From how many values on they show which way, and what range is usual.
ENOUGH_FOR_WAY, ENOUGH_FOR_RANGE = 2, 3


def gather(seen: Iterable[Seen]) -> Library:
    """A library of what stood in accepted filings, the most frequent first."""
    groups: dict[tuple[str, str], list[Seen]] = {}
    for sighting in seen:
        unit = sighting.target.measure
        if sighting.target.number is not None and subject(sighting.name):
            groups.setdefault((subject(sighting.name), unit.base if unit else ""), []).append(
                sighting
            )
    entries = [_entry(group) for group in groups.values()]
    return Library(tuple(sorted(entries, key=lambda e: (-e.seen, e.category, e.name))))


def _entry(group: Sequence[Seen]) -> LibraryEntry:
    first = group[0]
    unit = first.target.measure
    factor = Decimal(1) if unit is None else unit.factor
    numbers = [base[0] / factor for sighting in group if (base := sighting.target.base) is not None]
    signs = {sighting.target.operator for sighting in group if sighting.target.stated}
    way = ""
    if signs and len(numbers) >= ENOUGH_FOR_WAY:
        if signs <= {"≥", ">"}:
            way = "≥"
        elif signs <= {"≤", "<"}:
            way = "≤"
    enough = len(numbers) >= ENOUGH_FOR_RANGE
    return LibraryEntry(
        name=first.name,
        category=first.category,
        unit=first.target.symbol,
        direction=way,
        low=min(numbers) if enough else None,
        high=max(numbers) if enough else None,
        seen=len(group),
    )
