"""Whether a return counts: one answer, asked by status, chase list, roll-up, notes,
copies and submission.

A unit's returns are its words. What counts is what the bureau picked, or else the latest valid word
on the workbook that the unit has now, unless it was sent back or withdrawn. Nothing here reads or
writes: facts go in, an outcome comes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec


class Act(StrEnum):
    """What was decided or done, as the history has it."""

    CHOOSE = "choose"
    UNCHOOSE = "unchoose"
    ACCEPT = "accept"
    RETURN = "return"  # decided: to be mended and sent again
    NOTE = "note"  # a return note was written: the same, without a decider
    EXPLAIN = "explain"  # the unit answered a return note
    REOPEN = "reopen"
    WITHDRAW = "withdraw"
    EXTEND = "extend"
    ISSUE = "issue"
    ABOLISH = "abolish"
    EXEMPT = "exempt"
    MERGE = "merge"
    RESTORE = "restore"
    UPDATE = "update"
    RENAME = "rename"
    MOVE = "move"
    ADD = "add"
    CAMPAIGN = "campaign"  # something about the whole campaign
    UNDO = "undo"


class Deed(msgspec.Struct, frozen=True):
    """One line of the history: who, when, what, why.
    `arrivals` is how much had arrived before it."""

    id: int
    made_at: str
    author: str
    action: str
    unit: str = ""
    return_id: int = 0
    issue: str = ""
    detail: str = "{}"
    reason: str = ""
    arrivals: int = 0
    run: int = 0


@dataclass(frozen=True, slots=True)
class Word:
    """One return as counting sees it: what it is, and what says when it was made.

    `issue` is the digest of the seal; `stamp` the workbook's own last-modified time where a program
    wrote one; `zipped` its time inside a zip; `arrival` the number of its latest arrival.
    """

    id: int
    own: bool
    valid: bool
    issue: str
    content: str
    day: str
    stamp: str
    zipped: str
    time: str
    arrival: int
    first: int
    sha256: str = ""

    @property
    def order(self) -> tuple[str, str, str, int]:
        return self.day, self.stamp or self.time, self.time, self.arrival


@dataclass(frozen=True, slots=True)
class Standpoint:
    """What the bureau's acts say of one unit, in force now."""

    left: str = ""  # abolished, exempt or merged: it owes nothing
    picked: int = 0
    accepted: bool = False
    returned: frozenset[int] = frozenset()
    withdrawn: int = 0  # arrivals up to here are taken back
    taken_back: frozenset[str] = frozenset()  # returns that a district took back, by sha256

    def takes_back(self, arrival: int, sha256: str) -> bool:
        """Whether a return that arrived then is withdrawn."""
        return arrival <= self.withdrawn or sha256 in self.taken_back


@dataclass(frozen=True, slots=True)
class Counted:
    """Which return counts (0: none), what it competes with, and where the unit stands."""

    counts: int = 0
    unclear: tuple[int, ...] = ()
    standpoint: Standpoint = field(default_factory=Standpoint)


def standpoint(deeds: Iterable[Deed], issue: str) -> Standpoint:
    """What holds after these acts of one unit.
    A pick holds for the workbook that was out when it was made."""
    left, picked, accepted, withdrawn = "", 0, False, 0
    returned: set[int] = set()
    taken_back: dict[str, list[str]] = {}  # by who took back
    for deed in deeds:
        match deed.action:
            case Act.CHOOSE | Act.ACCEPT:
                holds = deed.issue == issue
                picked, accepted = (
                    (deed.return_id if holds else 0),
                    holds and deed.action == Act.ACCEPT,
                )
                returned.discard(deed.return_id)
            case Act.UNCHOOSE | Act.REOPEN:
                picked, accepted = 0, False
            case Act.RETURN | Act.NOTE:
                returned.add(deed.return_id)
                if picked == deed.return_id:
                    picked, accepted = 0, False
            case Act.EXPLAIN:
                returned.discard(deed.return_id)  # its word anew: somebody has to look again
            case Act.WITHDRAW if deed.detail == "{}":
                picked, accepted, withdrawn = 0, False, deed.arrivals
            case Act.WITHDRAW:
                withdrawal = msgspec.json.decode(deed.detail)
                taken_back[withdrawal["sender"]] = withdrawal["contents"]
                if picked in withdrawal["returns"]:
                    picked, accepted = 0, False
            case Act.ABOLISH | Act.EXEMPT | Act.MERGE:
                left = deed.action
            case Act.RESTORE:
                left = ""
    back = frozenset().union(*taken_back.values())
    return Standpoint(left, picked, accepted, frozenset(returned), withdrawn, back)


def weigh(words: Sequence[Word], issue: str, deeds: Iterable[Deed]) -> Counted:
    """Which word of a unit counts.
    `issue` is the digest of what it was last sent, empty if nothing."""
    stand = standpoint(deeds, issue)
    if stand.left or not issue:
        return Counted(0, (), stand)
    if stand.picked:
        return Counted(stand.picked, (), stand)
    valid = [
        word
        for word in words
        if word.own
        and word.valid
        and word.issue == issue
        and not stand.takes_back(word.arrival, word.sha256)
    ]
    if not valid:
        return Counted(0, (), stand)
    latest = max(valid, key=lambda word: word.order)
    if latest.id in stand.returned:
        return Counted(0, (), stand)
    unclear = tuple(
        word.id
        for word in valid
        if word.content != latest.content
        and word.id not in stand.returned
        and not _surely_before(word, latest)
    )
    return Counted(latest.id, unclear, stand)


def _surely_before(word: Word, other: Word) -> bool:
    """Whether what the files themselves say leaves no doubt
    that this word was sent before the other.

    The order of arrival says nothing: whoever collects may open the later mail first.
    """
    stamps = (word.stamp, other.stamp) if word.stamp and other.stamp else None
    zipped = (word.zipped, other.zipped) if word.zipped and other.zipped else None
    if any(pair is not None and pair[0] > pair[1] for pair in (stamps, zipped)):
        return False
    if word.day != other.day:
        return word.day < other.day
    if stamps and stamps[0] != stamps[1]:
        return True
    return zipped is not None and zipped[0] < zipped[1]


def in_force(deeds: Iterable[Deed]) -> list[Deed]:
    """The acts that were not undone, in order."""
    deeds = list(deeds)
    undone: set[int] = set()
    for deed in deeds:
        if deed.action == Act.UNDO:
            undone.update(msgspec.json.decode(deed.detail, type=dict[str, list[int]])["deeds"])
    return [deed for deed in deeds if deed.action != Act.UNDO and deed.id not in undone]


def asked_between(deeds: Iterable[Deed], first: int, last: int) -> bool:
    """Whether the bureau itself asked for another version after one arrival and before another."""
    asking = (Act.RETURN, Act.NOTE, Act.REOPEN, Act.WITHDRAW, Act.EXTEND, Act.ISSUE)
    return any(deed.action in asking and first <= deed.arrivals < last for deed in deeds)
