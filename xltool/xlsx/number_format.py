"""What a person sees in a cell that stores a number: at most 15 digits, percentages and dates as such."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal, InvalidOperation

from xltool.money import plain

_LONGEST_CODE = 255  # characters that Excel allows in a number format
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')


def stored_number(text: str) -> Decimal | None:
    """A stored number as Excel means it: 15 significant digits; None for what is no usable number."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    # A hostile 1E+999999 must not become a million digits.
    if not number.is_finite() or abs(number.adjusted()) > 100:
        return None
    return Decimal(f"{number:.15g}") if len(text) > 15 else number


def as_seen(text: str, code: str = "") -> str:
    """A stored number as text under a number format: `0.95` under `0%` is `95%`, 44927 may be a day."""
    number = stored_number(text)
    if number is None:
        return text
    if not code or len(code) > _LONGEST_CODE:
        return plain(number)
    code = _QUOTED.sub("", code).lower()
    if "%" in code:
        return f"{plain(number * 100)}%"
    if set(code) & set("ymdhs"):
        return _moment(number, code) or plain(number)
    shown = plain(number)
    # A code such as 00123 kept as a number.
    return shown.zfill(len(code)) if re.fullmatch("0{2,}", code) else shown


def _moment(number: Decimal, code: str) -> str:
    """A day or a time of day, in Chinese."""
    try:
        at = dt.datetime(1899, 12, 30) + dt.timedelta(seconds=round(number * 86_400))
    except OverflowError:
        return ""
    clock = f"{at:%H:%M}" if at.second == 0 else f"{at:%H:%M:%S}"
    if number < 1:
        return clock
    if "y" in code and "d" not in code:
        return f"{at.year}年{at.month}月" if "m" in code else f"{at.year}年"
    day = f"{at.year}年{at.month}月{at.day}日"
    return day if at.time() == dt.time() else f"{day} {clock}"
