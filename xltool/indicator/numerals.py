"""Chinese numerals as digits: 三次以上 → 3次以上, 两万元 → 2万元, 百分之九十五 → 95%."""

from __future__ import annotations

import re

_DIGITS = {char: number for number, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_TENS = {"十": 10, "百": 100, "千": 1000}
_CHARACTERS = "[零〇一二两三四五六七八九十百千万亿]+"
_RUN = re.compile(_CHARACTERS)
_DECIMAL = re.compile(f"({_CHARACTERS})点([零〇一二三四五六七八九]+)")
_SHARE = re.compile(f"([百千])分之({_CHARACTERS})")
_SOME = re.compile("[一二两三四五六七八九十]|百分百")


def with_digits(text: str) -> str:
    """The text with every Chinese numeral that says one exact number written in digits.

    A closing 万 or 亿 stays (两万元 → 2万元), a series of digits is a year (二〇二四年) or
    approximate (三五家, left as it is).
    """
    if _SOME.search(text) is None and "百分之百" not in text:
        return text
    text = text.replace("百分之百", "100%").replace("百分百", "100%")
    if "点" in text:
        text = _DECIMAL.sub(lambda m: f"{_written(m[1])}.{_places(m[2])}", text)
    if "分之" in text:
        text = _SHARE.sub(lambda m: f"{_written(m[2])}{'%' if m[1] == '百' else '‰'}", text)
    return text if "分之" in text else _RUN.sub(lambda m: _written(m[0]), text)


def _written(run: str) -> str:
    body = run.rstrip("万亿")
    if not _SOME.search(body):
        return run
    value = _year(body) or _value(body)
    return run if value is None else f"{value}{run[len(body) :]}"


def _places(run: str) -> str:
    return "".join(str(_DIGITS[char]) for char in run)


def _year(run: str) -> int | None:
    if len(run) != 4 or any(char not in _DIGITS for char in run):
        return None
    return int("".join(str(_DIGITS[char]) for char in run))


def _value(run: str) -> int | None:
    """一万二千三百 → 12300; None where the numeral is none, or means about so many."""
    total = 0
    for scale, factor in (("亿", 100_000_000), ("万", 10_000)):
        head, mark, tail = run.partition(scale)
        if mark:
            high = _below_ten_thousand(head)
            if high is None:
                return None
            total, run = total + high * factor, tail
    low = _below_ten_thousand(run) if run else 0
    return None if low is None else total + low


def _below_ten_thousand(run: str) -> int | None:
    total, digit, least = 0, None, 10_000
    for char in run:
        if char in _TENS:
            weight = _TENS[char]
            if weight >= least or digit == 0:
                return None
            total, digit, least = total + (1 if digit is None else digit) * weight, None, weight
        elif char in _DIGITS and (digit is None or digit == 0):
            digit = _DIGITS[char]
        else:
            return None
    # 一百二 may be 102 or 120
    if digit and least > 10 and least < 10_000 and run[-2:-1] not in "零〇":
        return None
    return total + (digit or 0)
