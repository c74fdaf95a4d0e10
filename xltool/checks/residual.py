"""What would explain a sum that does not close:
only changes that really close it, the likeliest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from msgspec import Struct

from xltool.model import Place
from xltool.money import places, show, tidy

MOST = 3  # more explanations than this explain nothing

# A factor between what was written and what was meant, by the form's unit of money.
_POINT = {
    Decimal(100): "像是漏了小数点",
    Decimal(10): "像是小数点错了一位",
    Decimal("0.1"): "像是小数点错了一位",
    Decimal("0.01"): "像是小数点错了两位",
}
SLIPS = {
    "万元": {
        Decimal(10_000): "像是按元填在了万元表里",
        Decimal("0.0001"): "像是按亿元填在了万元表里",
        **_POINT,
    },
    "元": {Decimal("0.0001"): "像是按万元填在了元表里", **_POINT},
}


class Term(Struct, frozen=True):
    """One addend: its field id, official label, amount (None = blank, counts as 0), and place.

    `text` is what was written; `adjust` marks a term that is only counted where the side does not
    close without it.
    """

    field: str
    label: str
    amount: Decimal | None
    place: Place | None = None
    adjust: bool = False
    text: str = ""

    @property
    def unread(self) -> bool:
        return self.amount is None and bool(self.text.strip())

    @property
    def filled(self) -> bool:
        """There is an amount, and it is not zero."""
        return bool(self.amount)

    @property
    def worth(self) -> Decimal:
        """The amount as it counts in a sum: 0 where the cell is blank."""
        return Decimal(0) if self.amount is None else self.amount

    def __str__(self) -> str:
        if self.amount is not None:
            return f"{self.label} {show(self.amount)}"
        return f"{self.label}“{self.text}”（读不出）" if self.unread else f"{self.label}（空）"


class Cause(Struct, frozen=True):
    """One explanation of a residual. `kind` is total, item, missing, slip, swap or rounding.

    `field` is what would have to change and `should` the amount it would then have.
    """

    kind: str
    text: str
    field: str = ""
    should: Decimal | None = None


def rounding(terms: Sequence[Term], decimals: int) -> Decimal:
    """How far a sum of rounded amounts may be off: half a unit of each one's last place.

    A cell does not keep trailing zeros (240 may be 240.00), so no amount is taken to be stated
    more coarsely than the form's own `decimals`.
    """
    return sum(
        (_half(max(decimals, places(term.amount))) for term in terms if term.amount),
        start=Decimal(0),
    )


def _half(decimals: int) -> Decimal:
    return Decimal(5).scaleb(-1 - decimals)


def slip(written: Decimal, meant: Decimal, unit: str) -> tuple[Decimal, str] | None:
    """The factor by which `written` misses `meant` exactly and how it looks,
    if it is one of SLIPS."""
    if not written or not meant:
        return None
    return next(
        ((factor, reading) for factor, reading in SLIPS[unit].items() if written == meant * factor),
        None,
    )


def explain(
    total: Term,
    terms: Sequence[Term],
    *,
    unit: str,
    tolerance: Decimal,
    confirmed: bool = False,
    missing: Sequence[Term] = (),
    instead: Sequence[Term] = (),
) -> tuple[Cause, ...]:
    """What closes `total` = Σ `terms`, which differ.

    `confirmed`: the other side closes with this total, so the total is not doubted. `missing` are
    amounts stated elsewhere that may belong here; `instead` are terms as stated elsewhere.
    """
    filled = [term for term in terms if term.filled]
    if not filled:
        return (Cause("missing", "各项都没有填"),)
    residual = total.worth - sum(cell.worth for cell in filled)
    doubted = filled if confirmed else [total, *filled]
    causes = [
        *_stated_elsewhere(filled, residual, missing, instead),
        *_whole_items(total, filled, residual, confirmed),
        *_slipped(total, filled, residual, unit, tolerance, confirmed),
        *_swapped(total, doubted, residual, adjacent=True),
        *_left_blank(terms, residual),
    ]
    causes = causes or [*_swapped(total, doubted, residual, adjacent=False)]
    once = {(cause.field, cause.should): cause for cause in reversed(causes)}
    return tuple(cause for cause in causes if once[cause.field, cause.should] is cause)[:MOST]


def _stated_elsewhere(
    filled: Sequence[Term], residual: Decimal, missing: Sequence[Term], instead: Sequence[Term]
) -> Iterator[Cause]:
    for term in missing:
        if term.amount == residual:
            text = f"差额正好等于“{term.label}”{show(residual)}，像是这一侧漏填了"
            yield Cause("missing", text, term.field, residual)
    for new in instead:
        for old in filled:
            if old.field == new.field and residual == new.worth - old.worth:
                text = f"“{old.label}”{show(old.worth)} 换成{new.label} {show(new.worth)} 就平衡"
                yield Cause("item", text, old.field, new.worth)


def _left_blank(terms: Sequence[Term], residual: Decimal) -> Iterator[Cause]:
    blank = [term for term in terms if term.amount is None and not term.adjust]
    if len(blank) == 1 and residual > 0:
        text = f"“{blank[0].label}”空着：填 {show(residual)} 就平衡"
        yield Cause("missing", text, blank[0].field, residual)


def _whole_items(
    total: Term, filled: Sequence[Term], residual: Decimal, confirmed: bool
) -> Iterator[Cause]:
    """An item left out, counted twice, or taken away instead of added."""
    for term in filled:
        named = f"“{term.label}”{show(term.worth)}"
        if residual == -term.worth and confirmed:
            yield Cause("item", f"{named} 像是多计了：不计这一项就平衡", term.field, Decimal(0))
        elif residual == -term.worth:
            text = f"“{total.label}”像是漏加了{named}"
            yield Cause("item", text, total.field, total.worth - residual)
        elif residual == term.worth and confirmed:
            text = f"差额正好等于{named}：像是有同样的一笔漏填了"
            yield Cause("item", text, term.field, 2 * term.worth)
        elif residual == term.worth:
            text = f"“{total.label}”像是把{named} 加了两次"
            yield Cause("item", text, total.field, total.worth - residual)
        elif residual == -2 * term.worth:
            text = f"差额正好是{named} 的两倍：像是该加的写成了减，或正负号写反了"
            yield Cause("item", text, term.field, -term.worth)
        elif residual == 2 * term.worth and not confirmed:
            text = f"差额正好是{named} 的两倍：“{total.label}”像是把它重复计入了"
            yield Cause("item", text, total.field, total.worth - residual)


def _slipped(
    total: Term,
    filled: Sequence[Term],
    residual: Decimal,
    unit: str,
    tolerance: Decimal,
    confirmed: bool,
) -> Iterator[Cause]:
    """元 typed in a 万元 form, a lost or moved decimal point."""
    reached = total.worth - residual
    for factor, reading in SLIPS[unit].items():
        if not confirmed and abs(total.worth / factor - reached) <= tolerance:
            yield _slip(total, factor, reading)
        for term in filled:
            should = term.worth / factor
            if abs(residual + term.worth - should) <= tolerance < abs(should):
                yield _slip(term, factor, reading)
        if len(filled) > 1 and abs(total.worth - reached / factor) <= tolerance:
            text = f"各项{reading}：合计 {show(reached)}，应为 {show(tidy(reached / factor))}"
            yield Cause("slip", text, should=tidy(reached / factor))


def _slip(term: Term, factor: Decimal, reading: str) -> Cause:
    should = tidy(term.worth / factor)
    text = f"“{term.label}”{show(term.worth)} {reading}：应为 {show(should)}"
    return Cause("slip", text, term.field, should)


def _swapped(
    total: Term, doubted: Sequence[Term], residual: Decimal, *, adjacent: bool
) -> Iterator[Cause]:
    """Two digits of one amount changed places; such a difference is divisible by 9."""
    # An amount of 23 digits and more has no remainder within 28 digits; nobody typed it by a slip.
    if residual.adjusted() > 20 or residual.scaleb(6) % 9:
        return
    for term in doubted:
        should = term.worth - residual if term is total else term.worth + residual
        if _one_swap(show(term.worth), show(should), adjacent):
            text = f"“{term.label}”{show(term.worth)} 像是两位数字写颠倒了：应为 {show(should)}"
            yield Cause("swap", text, term.field, should)


def _one_swap(written: str, meant: str, adjacent: bool) -> bool:
    """The two differ by one exchange of digits, the decimal point not counted."""
    if len(written) != len(meant) or written.find(".") != meant.find("."):
        return False
    a, b = written.replace(".", ""), meant.replace(".", "")
    differ = [number for number, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
    if len(differ) != 2:
        return False
    first, second = differ
    return a[first] == b[second] and a[second] == b[first] and (not adjacent or second == first + 1)
