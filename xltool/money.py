"""Amounts of money as exact decimals: reading what people write, writing what forms show."""

from __future__ import annotations

import re
from decimal import Context, Decimal

from msgspec import Struct

# 1 unit in 元.
UNITS = {"元": Decimal(1), "万元": Decimal(10_000), "亿元": Decimal(100_000_000)}
_SUFFIXES = {"元": "元", "万元": "万元", "万": "万元", "亿元": "亿元", "亿": "亿元"}
_FULLWIDTH = str.maketrans("０１２３４５６７８９．，－＋　", "0123456789.,-+ ")
_AMOUNT = (
    r"^[¥￥]?\s*(?P<sign>[-+−]?)\s*[¥￥]?\s*"
    r"(?P<number>[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?|[0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*"
    r"(?P<unit>元|万元|万|亿元|亿)?$"
)


class Amount(Struct, frozen=True):
    """An amount as written: its value in the form's unit, and whether it needed interpreting."""

    value: Decimal
    plain: bool


def read_amount(text: str, unit: str = "万元") -> Amount | None:
    """Read an amount as written in a cell into `unit`; None where it is no amount.

    Understands thousands separators, fullwidth digits, a leading ¥ and a unit of money behind the
    number, which is converted exactly (`8900元` in a 万元 form is 0.89). Nothing else is guessed.
    """
    cleaned = halfwidth(text).strip()
    match = re.match(_AMOUNT, cleaned)
    if match is None:
        return None
    number = Decimal(match["number"].replace(",", ""))
    if match["sign"] in ("-", "−"):
        number = -number
    if match["unit"]:
        number = convert(number, _SUFFIXES[match["unit"]], unit)
    return Amount(number, plain=bool(re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text)))


# How people write that there is no amount.
_NONE = re.compile(
    r"[-—－–─―‐‑−/／\\＼_＿~～.。*]{1,4}|无|没有|暂无|不涉及|未安排|N/?A|null|none", re.IGNORECASE
)


def says_none(text: str) -> bool:
    """Whether a text in the place of an amount says that there is none: `-`, `—`, `/`, `无`."""
    return _NONE.fullmatch(text.strip()) is not None


def halfwidth(text: str) -> str:
    """Fullwidth digits and marks of numbers as Excel reads them when they are typed:
    `１，２` is `1,2`."""
    return text.translate(_FULLWIDTH)


def convert(amount: Decimal, unit: str, to: str) -> Decimal:
    """An amount moved between 元, 万元 and 亿元, exactly."""
    if unit == to:
        return amount
    return tidy(amount * UNITS[unit] / UNITS[to])


def read_as_yuan(amount: Decimal) -> Decimal:
    """What an amount filled in as 万元 is, in 万元, if it was meant in 元."""
    return convert(amount, "元", "万元")


def tidy(amount: Decimal) -> Decimal:
    """The same amount without trailing zeros or an exponent."""
    short = amount.normalize()
    return short.quantize(_ONE, context=_LONG) if short == short.to_integral_value() else short


def stored_number(text: str) -> Decimal | None:
    """A number as a workbook stores it, as it was meant; None for what is no number to Excel.

    Excel keeps 15 digits and stores a binary fraction with 17: `5.0000000000000003E-2` is 0.05.
    Amounts below 10^12 of up to four places keep all their digits. Digits are 0 to 9 only, whatever
    Python takes.
    """
    if len(text) <= 15 and _TIDY.fullmatch(text):
        return Decimal(text)
    text = text.strip(_XML_SPACES)
    if not _STORED.fullmatch(text):
        return None
    number = Decimal(text)
    # A hostile 1E+999999 must not become a million digits.
    if abs(number.adjusted()) > 100:
        return None
    return tidy(number if len(text) <= 15 else _without_noise(number))


def _without_noise(number: Decimal) -> Decimal:
    """What a number with the tail of its binary form was before."""
    if len(number.normalize(_LONG).as_tuple().digits) <= _KEPT:
        return number
    for meant in (number, Decimal(repr(float(number)))):
        if meant.adjusted() < 12 and _exponent(meant.normalize(_LONG)) >= -4:
            return meant
    return Decimal(f"{number:.{_KEPT}g}")


def _exponent(number: Decimal) -> int:
    return int(number.as_tuple().exponent)


_TIDY = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?")  # as `tidy` leaves it
_STORED = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,9})?")
_XML_SPACES = " \t\r\n"
_KEPT = 15  # significant digits of a number in Excel

# A stored number may have a hundred digits before the point; nobody's budget, but it must be said.
_LONG = Context(prec=150)
_ONE = Decimal(1)


def places(amount: Decimal) -> int:
    """How many decimals an amount has, trailing zeros not counted."""
    return len(_decimals(amount)[1])


def show(amount: Decimal, decimals: int = 2) -> str:
    """An amount as people write it: at least `decimals` places, more only where it has more."""
    whole, rest = _decimals(amount)
    rest = rest.ljust(decimals, "0")
    return f"{whole}.{rest}" if rest else whole


def plain(amount: Decimal) -> str:
    """An amount as a bare number for a cell or a data file: `1245.61`, `240`, `0`."""
    return show(amount, 0)


def _decimals(amount: Decimal) -> tuple[str, str]:
    """The digits before the point, and those after it."""
    whole, _, rest = f"{amount:f}".partition(".")
    return whole, rest.rstrip("0")
