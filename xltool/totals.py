"""Cross-totals: revenue side, spending side, the non-tax item, and what explains a residual."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from xltool.edition import Edition
from xltool.model import Filing, Place


class Verdict(StrEnum):
    """What the two sides of a department form come to."""

    BALANCED = "平衡"
    BY_NONTAX = "经非税项目调节后平衡"
    UNBALANCED = "不平衡"
    UNKNOWN = "无法判断"


@dataclass(frozen=True, slots=True)
class Term:
    """One addend: its field id, official label, amount (None = blank, counts as 0), and place.

    `adjust` marks a term that is only counted where the side does not close without it.
    """

    field: str
    label: str
    amount: Decimal | None
    place: Place | None = None
    adjust: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    """One side written out: `total` should be the sum of `terms`.

    `sum` counts the terms that are counted; `residual` is total − sum (None where the total is
    blank or an amount can't be read); `adjusted` says that the side closes only with its
    adjusting term; `causes` says in Chinese what would explain a residual.
    """

    side: str
    total: Term
    terms: tuple[Term, ...]
    sum: Decimal
    residual: Decimal | None
    closes: bool
    adjusted: bool = False
    causes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Balance:
    """Both sides of a department form, in the edition's unit of money, and the verdict."""

    unit: str
    sides: tuple[Side, ...]
    verdict: Verdict

    def __getitem__(self, side: str) -> Side:
        return next(s for s in self.sides if s.side == side)

    @property
    def revenue(self) -> Side:
        return self["revenue"]

    @property
    def spending(self) -> Side:
        return self["spending"]


def balance(filing: Filing, edition: Edition | None = None) -> Balance:
    """Both sides of the filing's department form, term by term, and what explains a residual."""
    raise NotImplementedError
