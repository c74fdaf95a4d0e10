"""Reading 指标值及单位: an operator, a number and a unit, or a date, a grade, words.

    parse_target("95%以上")      ≥ 95 %      kind number
    parse_target("12月31日前")   ≤           kind date
    parse_target("≥**%")                     kind placeholder

Nothing is guessed: what does not fit the grammar below stays text, and the original is kept.

    value  = [label [":"]] [operator] number [unit] ["(" remark ")"] [operator]
    number = digits, or one exact number in Chinese numerals
    several values in one cell are apart by line breaks, ； 、 or ，
"""

from __future__ import annotations

import functools
import re
from decimal import Decimal

from msgspec.structs import replace

from xltool.indicator import vocabulary
from xltool.indicator.dates import Span, read_span
from xltool.indicator.numerals import with_digits
from xltool.indicator.units import MeasureUnit, read_unit, splits_noun, unknown_unit
from xltool.indicator.value import Target

_COUNTED = frozenset({"number", "money", "date", "period"})


@functools.lru_cache(maxsize=4096)
def parse_target(text: str) -> Target:
    """Read one indicator value (指标值及单位) as written; the number stays in the unit written with it.

    Never raises and never guesses: what can't be read is of kind `text`, its words kept. Cached.
    """
    body = _body(text)
    return (
        _special(text, body)
        or _single(text, body)
        or _several(text, body)
        or _in_numerals(text, body)
        or _wording(text, body)
    )


def _body(text: str) -> str:
    body = vocabulary.clean(text)
    if "¥" in body:
        body = _YUAN.sub(lambda match: match[1] + (match[2] or "元"), body)
    if "分之" in body:
        body = _SHARE.sub(lambda match: match[2] + ("%" if match[1] == "百" else "‰"), body)
    return body.removeprefix("定性|").replace("|", "") if "|" in body else body


_YUAN = re.compile(r"¥\s*([0-9][0-9,]*(?:\.[0-9]+)?)(?![0-9,.])\s*(千元|万亿元|[万亿]元?|元)?")
_SHARE = re.compile(r"([百千])分之\s*([0-9]+(?:\.[0-9]+)?)")


def is_empty(text: str) -> bool:
    """Nothing is said: blank, a stroke such as — or /, 不适用;
    the same as `parse_target(text).empty`."""
    return not _SAYS.search(text) and (not (body := _body(text)) or body in vocabulary.BLANK)


# A digit, or more letters in a row than any expression for nothing has.
_SAYS = re.compile(rf"[0-9]|\w{{{1 + max(map(len, vocabulary.BLANK))}}}")


def _special(text: str, body: str) -> Target | None:
    """Blank cells, prompts, yes and no, unit-only cells."""
    if not body or body in vocabulary.BLANK:
        return Target(None, None, "", "blank", text)
    if vocabulary.is_prompt(body):
        return Target(None, None, "", "placeholder", text, words=body)
    if body in vocabulary.BOOLEAN:
        return Target(None, None, "", "boolean", text, words=body)
    if vocabulary.DIGIT.search(body) is None and "十" not in body:  # ≥十座 has its number
        operator = vocabulary.BEFORE.get(body[0])
        unit = read_unit(body[1:] if operator else body)
        # 个 or 级 alone may be words; 公里, 万人 and ≥个 are units without a number.
        sole = unit is not None and (unit.kind != "count" or unit.symbol != unit.base)
        if unit is not None and (operator or sole):
            return Target(
                operator,
                None,
                unit.symbol,
                "blank",
                text,
                unit.symbol,
                operator is not None,
                words=body,
            )
    return None


_NUMBER = re.compile(
    r"(?P<head>[^0-9]*?)(?P<number>-?(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?)(?P<tail>[^0-9].*)?",
    re.DOTALL,
)
_BRACKET = re.compile(r"(?P<before>[^()]*)\((?P<inside>[^()]*)\)(?P<after>[^()]*)")


@functools.lru_cache(maxsize=64)  # the values of a stuffed cell are tried before they are taken
def _single(text: str, body: str) -> Target | None:
    """One number with its operator and unit, or one date or period."""
    span = read_span(body) or _until(body)
    if span is not None:
        kind = "period" if span.is_period else "date"
        return Target("≤" if span.deadline else None, None, "", kind, text, span=span)
    match = None if "\n" in body else _NUMBER.fullmatch(body)
    if match is None:
        return None
    before, digits, behind = match.groups()
    head = _head(before)
    tail = head and _tail((behind or "").strip(), stated=head[1] is not None)
    if head is None or tail is None:
        return None
    label, front, front_word = head
    unit, noun, remark, back, back_word = tail
    operator = vocabulary.combine(front, front_word, back, back_word)
    if operator == "":
        return None
    number = Decimal(digits.replace(",", ""))
    if remark and _repeats(remark, number, unit):
        remark = ""
    written = "" if unit is None else vocabulary.without_space(unit.written)
    money = unit.kind == "money" if unit is not None else vocabulary.names_money(label)
    symbol = "" if unit is None else unit.symbol
    return Target(
        operator or "=",
        number,
        written,
        "money" if money else "number",
        text,
        symbol,
        operator is not None,
        label,
        noun,
        remark,
    )


_UNTIL = re.compile(
    r"(≤|<=|=<|==?|不超过|不得超过|不晚于|不迟于)\s*(.*(?:[年日号底末]|[./-].*[./-]).*)"
)


def _until(body: str) -> Span | None:
    """A deadline with a sign before it: ≤2024年12月31日; ≤12月 and ≤2年 are lengths of time."""
    signed = _UNTIL.fullmatch(body)
    span = read_span(signed[2]) if signed is not None else None
    if signed is None or span is None or span.is_period:
        return None
    return span if signed[1].startswith("==") or signed[1] == "=" else Span(None, span.end)


def _head(head: str) -> tuple[str, str | None, str] | None:
    """(label, operator, its word) before a number; None where the number is no quantity."""
    if not head or head in vocabulary.BEFORE:
        return "", vocabulary.BEFORE.get(head), head
    rest = head.rstrip()
    operator, word = None, ""
    while ending := vocabulary.ends_with(rest, vocabulary.BEFORE):
        if (
            operator is not None
            and vocabulary.BEFORE[ending] != operator
            and vocabulary.BEFORE[ending] != "≥"
        ):
            return None
        if operator is None:
            operator, word = vocabulary.BEFORE[ending], ending
        rest = rest[: -len(ending)].rstrip()
    if not rest:
        return "", operator, word
    if not vocabulary.is_label(rest):
        return None
    return rest, operator, word


def _tail(
    tail: str, *, stated: bool
) -> tuple[MeasureUnit | None, str, str, str | None, str] | None:
    """(unit, noun, remark, operator, its word) behind a number; None where it can't be read.

    Where an operator is `stated` the number is certain, so that a short word the table doesn't
    have is still its unit: ≥36道.
    """
    remark, operator, word = "", None, ""
    if "/(" in tail:
        tail = _PER_SEVERAL.sub(lambda match: "/" + match[1].replace(".", "/"), tail)
    ending = vocabulary.ends_with(tail, vocabulary.AFTER)
    if ending:
        operator, word, tail = vocabulary.AFTER[ending], ending, tail[: -len(ending)].rstrip()
    bracket = _BRACKET.fullmatch(tail) if "(" in tail else None
    if bracket is not None:
        tail, remark, after = (
            bracket["before"].strip(),
            bracket["inside"].strip(),
            bracket["after"].strip(),
        )
        if not tail and not after and (inside := read_unit(remark)):
            return inside, "", "", operator, word
        if after:
            if operator is not None or after not in vocabulary.AFTER:
                return None
            operator, word = vocabulary.AFTER[after], after
        elif operator is None and (ending := vocabulary.ends_with(tail, vocabulary.AFTER)):
            operator, word, tail = vocabulary.AFTER[ending], ending, tail[: -len(ending)].rstrip()
    if not tail:
        return None, "", remark, operator, word
    unit = read_unit(tail)
    if unit is not None:
        return unit, "", remark, operator, word
    counted = splits_noun(tail)
    if counted is not None:
        return (*counted, remark, operator, word)
    if (stated or operator) and _new_unit().fullmatch(tail) and not vocabulary.is_doubtful(tail):
        return unknown_unit(tail), "", remark, operator, word
    return None


_PER_SEVERAL = re.compile(r"/\(([^()/]+)\)")  # 元/(人·天)


@functools.cache
def _new_unit() -> re.Pattern[str]:
    # Compiled when first needed: the sets of characters take their time.
    return re.compile(r"[\u4e00-\u9fffA-Za-zμΩ℃]{1,4}(?:/[\u4e00-\u9fffA-Za-z²³]{1,4})?")


def _repeats(remark: str, number: Decimal, unit: MeasureUnit | None) -> bool:
    """The bracket says the same number again: 100%（1.0）, or only that the number is included."""
    if remark in ("含", "含本数"):
        return True
    if not re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", remark):
        return False
    share = number / 100 if unit is not None and unit.symbol == "%" else number
    return Decimal(remark) == share


_MARKS = frozenset("\n;、,")


def _several(text: str, body: str) -> Target | None:
    """A stuffed cell: its parts, where at least the numbers among them can be read."""
    if _MARKS.isdisjoint(body):
        return None
    if "\n" in body and (folded := _folded(text, body)):
        return folded
    pieces = split_values(body)
    if len(pieces) < 2:
        return None
    return Target(
        None, None, "", "multiple", text, parts=tuple(parse_target(piece) for piece in pieces)
    )


def _folded(text: str, body: str) -> Target | None:
    """One number whose sign or unit stands in a line of its own: ≥42⏎座."""
    lines = _pieces(body, "\n")
    if len(lines) < 2 or sum(vocabulary.DIGIT.search(line) is not None for line in lines) != 1:
        return None
    target = _single(text, "".join(lines))
    if target is None or target.measure is None or target.label or target.noun or target.remark:
        return None
    return target


def split_values(body: str) -> list[str]:
    """The values of a cleaned cell: by line when a line holds a number, else by ； or 、 or ，.

    Within a line every piece must be a number, date or period of its own, else the line is one.
    """
    lines = _pieces(body, "\n")
    if len(lines) > 1:
        return lines if any(_counts(line) for line in lines) else [body]
    for marks in (";", "、", ",", ";、,"):
        pieces = _pieces(body, marks)
        if len(pieces) > 1 and all(_counts(piece) for piece in pieces):
            return pieces
    return [body]


def _pieces(body: str, marks: str) -> list[str]:
    return [piece for piece in vocabulary.pieces(body, marks) if piece.strip(vocabulary.MARKS)]


def _counts(piece: str) -> bool:
    target = _single(piece, piece)
    return target is not None and target.kind in _COUNTED


# With one Chinese digit these mean which, not how many: 一类, 二期, 三级.
_WHICH = frozenset(
    [
        "类",
        "种",
        "款",
        "期",
        "届",
        "轮",
        "节",
        "点",
        "分",
        "号",
        "门",
        "次性",
        "对",
        "面",
        "套",
        "批",
    ]
)


def _in_numerals(text: str, body: str) -> Target | None:
    """三次以上, 两万元以内, 十一月底前; only where the unit makes sure that it is a number."""
    digits = with_digits(body) if len(body) <= 30 else body
    if digits == body:
        return None
    target = _single(text, digits) or _several(text, digits)
    if target is None or not _certain(target):
        return None
    return replace(target, spelled=True) if target.number is not None else target


def _certain(target: Target) -> bool:
    if target.parts:
        return all(map(_certain, target.parts))
    if target.number is None:
        return target.span is not None
    unit = target.measure
    if unit is None:
        return False
    return target.stated or target.number > 10 or unit.symbol not in _WHICH


def _wording(text: str, body: str) -> Target:
    """Words: a grade from the declared list, a limit such as 不超预算, or plain text."""
    if vocabulary.is_grade(body):
        return Target(None, None, "", "grade", text, words=body)
    limit = "≤" if vocabulary.is_limit(body) else None
    return Target(limit, None, "", "text", text, stated=limit is not None, words=text.strip())
