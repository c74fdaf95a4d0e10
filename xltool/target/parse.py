"""Reading 指标值及单位: an operator, a number and a unit, or a date, a grade, words.

    parse_target("95%以上")      ≥ 95 %      kind number
    parse_target("12月31日前")   ≤           kind date
    parse_target("≥**%")                     kind placeholder

Nothing is guessed: what does not fit the grammar below stays text, and the original is kept.

    value  = [label [":"]] [operator] number [unit] ["(" remark ")"] [operator]
    several values in one cell are apart by line breaks, ； 、 or ，
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from decimal import Decimal

from xltool.target import words
from xltool.target.dates import Span, read_span
from xltool.target.units import Unit, money_units, read_unit, splits_noun, unknown_unit

KINDS = (
    "number", "money", "date", "period", "grade", "boolean", "text", "placeholder", "blank", "multiple",
)  # fmt: skip
_COUNTED = frozenset({"number", "money", "date", "period"})


@dataclass(frozen=True, slots=True)
class Target:
    """One indicator value as read. Two are equal when they say the same.

    `operator` is ≥ ≤ > < = or None; a bare number reads as = with `stated` False. `number` is in
    `unit` as written; `symbol` is the unit's one spelling (百分比 → %). `span` holds the days of a
    date or period, `words` the cleaned text of everything that is no number, `parts` the values of
    a stuffed cell (kind multiple). `text` is the original, never lost.
    """

    operator: str | None
    number: Decimal | None
    unit: str = field(compare=False)
    kind: str
    text: str = field(compare=False)
    symbol: str = ""
    stated: bool = False
    label: str = ""
    noun: str = ""
    remark: str = ""
    span: Span | None = None
    words: str = ""
    parts: tuple[Target, ...] = ()

    @property
    def measured(self) -> bool:
        """It has an exact number."""
        return self.number is not None

    @property
    def empty(self) -> bool:
        """Nothing is said: blank, or a stroke such as — or /; a unit left alone is something."""
        return self.kind == "blank" and not self.words

    @property
    def normal(self) -> str:
        """The normal form: `≥15家`."""
        return write_target(self)

    @property
    def columns(self) -> tuple[str, str, str]:
        """(计算符号, 指标值, 计量单位) as the finance bureaus' systems import them; 定性 is free text."""
        if self.number is not None:
            return self.operator or "=", write_number(self.number), self.symbol + self.noun
        if self.kind in ("blank", "placeholder"):
            return "", "", ""
        return "定性", self.text.strip() if self.kind == "multiple" else self.words or self.normal, ""

    @property
    def measure(self) -> Unit | None:
        """Its unit in the declared table."""
        return read_unit(self.symbol) if self.symbol else None

    @property
    def base(self) -> tuple[Decimal, str] | None:
        """The number in its base unit, to compare 3万人 with 30000人; None without a number."""
        if self.number is None:
            return None
        unit = self.measure
        return (self.number, self.symbol) if unit is None else (self.number * unit.factor, unit.base)

    @property
    def yuan(self) -> Decimal | None:
        """The amount in 元, exactly; None where it is no money or its unit was not written."""
        if self.kind != "money" or self.number is None or not self.symbol:
            return None
        return self.number * money_units()[self.symbol]

    @property
    def money(self) -> Decimal | None:
        """The same in 万元."""
        yuan = self.yuan
        return None if yuan is None else yuan / 10_000


@functools.lru_cache(maxsize=65536)
def parse_target(text: str) -> Target:
    """Read one indicator value as written. Never raises, never guesses; cached."""
    body = words.clean(text)
    if body.startswith("定性|"):
        body = body[3:]
    if "|" in body:
        body = body.replace("|", "")
    return _special(text, body) or _single(text, body) or _several(text, body) or _wording(text, body)


def write_target(target: Target) -> str:
    """The normal form of a value: `≥15家`, `95%`, `12月31日前`; what is no number stays as it is."""
    if target.parts:
        return "\n".join(write_target(part).replace("\n", "、") or part.text for part in target.parts)
    if target.span is not None:
        return f"{target.label}{target.span}"
    if target.number is None:
        return target.words
    operator = target.operator if target.stated and target.operator else ""
    remark = f"（{target.remark}）" if target.remark else ""
    label = target.label.replace(":", "：")
    return f"{label}{operator}{write_number(target.number)}{target.symbol}{target.noun}{remark}"


def write_number(number: Decimal) -> str:
    """Plain digits without trailing zeros or an exponent."""
    digits = f"{number:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def is_placeholder(text: str) -> bool:
    """A prompt left as an answer: ……, ≥**%, XX, 指标1：, (100字以内); also inside a longer text."""
    return words.is_prompt(words.clean(text))


def _special(text: str, body: str) -> Target | None:
    """Blank cells, prompts, yes and no, unit-only cells."""
    if not body or body in words.BLANK:
        return Target(None, None, "", "blank", text)
    if words.is_prompt(body):
        return Target(None, None, "", "placeholder", text, words=body)
    if body in words.BOOLEAN:
        return Target(None, None, "", "boolean", text, words=body)
    if words.DIGIT.search(body) is None:
        operator = words.BEFORE.get(body[0])
        unit = read_unit(body[1:] if operator else body)
        if unit is not None and (operator or unit.kind != "count"):
            return Target(
                operator, None, unit.symbol, "blank", text, unit.symbol, operator is not None, words=body
            )
    return None


_NUMBER = re.compile(
    r"(?P<head>[^0-9]*?)(?P<number>-?(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?)(?P<tail>[^0-9].*)?",
    re.DOTALL,
)
_BRACKET = re.compile(r"(?P<before>[^()]*)\((?P<inside>[^()]*)\)(?P<after>[^()]*)")


def _single(text: str, body: str) -> Target | None:
    """One number with its operator and unit, or one date or period."""
    span = read_span(body)
    if span is not None:
        kind = "period" if span.is_period else "date"
        return Target("≤" if span.deadline else None, None, "", kind, text, span=span)
    match = _NUMBER.fullmatch(body)
    if match is None or "\n" in body:
        return None
    head = _head(match["head"])
    tail = head and _tail((match["tail"] or "").strip(), stated=head[1] is not None)
    if head is None or tail is None:
        return None
    label, front, front_word = head
    unit, noun, remark, back, back_word = tail
    operator = words.combine(front, front_word, back, back_word)
    if operator == "":
        return None
    number = Decimal(match["number"].replace(",", ""))
    if remark and _repeats(remark, number, unit):
        remark = ""
    written = "" if unit is None else words.without_space(unit.written)
    money = unit.kind == "money" if unit is not None else words.names_money(label)
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


def _head(head: str) -> tuple[str, str | None, str] | None:
    """(label, operator, its word) before a number; None where the number is no quantity."""
    rest = head.rstrip()
    operator, word = None, ""
    while found := words.ends_with(rest, words.BEFORE):
        if operator is not None and words.BEFORE[found] != operator and words.BEFORE[found] != "≥":
            return None
        if operator is None:
            operator, word = words.BEFORE[found], found
        rest = rest[: -len(found)].rstrip()
    if not rest:
        return "", operator, word
    if not words.is_label(rest):
        return None
    return rest, operator, word


def _tail(tail: str, *, stated: bool) -> tuple[Unit | None, str, str, str | None, str] | None:
    """(unit, noun, remark, operator, its word) behind a number; None where it can't be read.

    Where an operator is `stated` the number is certain, so that a short word the table doesn't
    have is still its unit: ≥36道.
    """
    remark, operator, word = "", None, ""
    found = words.ends_with(tail, words.AFTER)
    if found:
        operator, word, tail = words.AFTER[found], found, tail[: -len(found)].rstrip()
    bracket = _BRACKET.fullmatch(tail)
    if bracket is not None:
        tail, remark, after = bracket["before"].strip(), bracket["inside"].strip(), bracket["after"].strip()
        if not tail and not after and (inside := read_unit(remark)):
            return inside, "", "", operator, word
        if after:
            if operator is not None or after not in words.AFTER:
                return None
            operator, word = words.AFTER[after], after
        elif operator is None and (found := words.ends_with(tail, words.AFTER)):
            operator, word, tail = words.AFTER[found], found, tail[: -len(found)].rstrip()
    if not tail:
        return None, "", remark, operator, word
    unit = read_unit(tail)
    if unit is not None:
        return unit, "", remark, operator, word
    counted = splits_noun(tail)
    if counted is not None:
        return (*counted, remark, operator, word)
    if (stated or operator) and _NEW_UNIT.fullmatch(tail) and not words.is_doubtful(tail):
        return unknown_unit(tail), "", remark, operator, word
    return None


_NEW_UNIT = re.compile(r"[\u4e00-\u9fffA-Za-zμΩ℃]{1,4}(?:/[\u4e00-\u9fffA-Za-z]{1,4})?")


def _repeats(remark: str, number: Decimal, unit: Unit | None) -> bool:
    """The bracket says the same number again: 100%（1.0）, or only that the number is included."""
    if remark in ("含", "含本数"):
        return True
    if not re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", remark):
        return False
    share = number / 100 if unit is not None and unit.symbol == "%" else number
    return Decimal(remark) == share


_MARK = re.compile("[\n;、,]")


def _several(text: str, body: str) -> Target | None:
    """A stuffed cell: its parts, where at least the numbers among them can be read."""
    if _MARK.search(body) is None:
        return None
    pieces = split_values(body)
    if len(pieces) < 2:
        return None
    return Target(None, None, "", "multiple", text, parts=tuple(parse_target(piece) for piece in pieces))


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
    pieces = (words.trim(piece) for piece in re.split(f"[{marks}]", body))
    return [piece for piece in pieces if piece.strip(words.MARKS)]


def _counts(piece: str) -> bool:
    one = _single(piece, piece)
    return one is not None and one.kind in _COUNTED


def _wording(text: str, body: str) -> Target:
    """Words: a grade from the declared list, a limit such as 不超预算, or plain text."""
    if words.is_grade(body):
        return Target(None, None, "", "grade", text, words=body)
    limit = "≤" if words.is_limit(body) else None
    return Target(limit, None, "", "text", text, stated=limit is not None, words=text.strip())
