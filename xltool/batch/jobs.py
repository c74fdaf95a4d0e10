"""What a run has to do, who does it, and what came of it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from xltool.batch.inputs import Item
from xltool.batch.journal import Journal
from xltool.batch.outlet import PriorState
from xltool.batch.task import Outcome, RunOrder
from xltool.checks.beside_others import AS_USUAL, Weight

Job = tuple[Item, PriorState]


@dataclass(slots=True)
class Summary:
    """What a run did: inputs done, skipped as unchanged, failed; units by verdict, findings and
    indicators of all of them; seconds taken.

    `notes` are (input, what a person should know of its results); `gone` are files of OUT whose
    inputs are no longer there; where they were to be removed those that were, and `pruned` says how
    many.
    """

    done: int = 0
    skipped: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    verdicts: Counter[str] = field(default_factory=Counter)
    findings: int = 0
    indicators: int = 0
    notes: list[tuple[str, str]] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    pruned: int = 0
    run: str = ""
    seconds: float = 0.0
    interrupted: bool = False
    question_weight: Weight = AS_USUAL
    questions: dict[str, str] = field(
        default_factory=dict
    )  # file → what its total beside others asks


class Crew(Protocol):
    """Whoever does the work: results come in any order,
    at most a few inputs are under way at once."""

    def results(self, jobs: Jobs, order: RunOrder) -> Iterator[tuple[Item, Outcome]]:
        """`jobs.take()` may give more after it gave None, as long as results are still to come."""
        ...


class Jobs:
    """What is still to be done: the inputs as they are found,
    the parts of large books as they are cut."""

    def __init__(
        self, items: Iterable[Item], journal: Journal | None = None, fresh: bool = False
    ) -> None:
        """`fresh`: all of them are done again."""
        self._items, self._journal, self._fresh = iter(items), journal, fresh
        self._parts: deque[Item] = deque()

    def take(self) -> Job | None:
        """The next one with what is known of it; None where there is nothing just now."""
        item = self._parts.popleft() if self._parts else next(self._items, None)
        if item is None:
            return None
        return item, self._journal.prior(item, fresh=self._fresh) if self._journal else PriorState()

    def add(self, parts: Iterable[Item]) -> None:
        self._parts.extend(parts)
