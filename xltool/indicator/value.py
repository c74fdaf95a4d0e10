"""One indicator value as read, and its normal form."""

from __future__ import annotations

import functools
from decimal import Decimal

from msgspec import Struct

from xltool.indicator.dates import Span
from xltool.indicator.units import MeasureUnit, money_units, read_unit

KINDS = (
    "number", "money", "date", "period", "grade", "boolean", "text", "placeholder", "blank", "multiple",
)  # fmt: skip


class Target(Struct, frozen=True, dict=True):
    """One indicator value as read. Two are equal when they say the same.

    `operator` is ≥ ≤ > < = or None; a bare number reads as = with `stated` False. `number` is in
    `unit` as written; `symbol` is the unit's one spelling (百分比 → %). `span` holds the days of a
    date or period, `words` the cleaned text of everything that is no number, `parts` the values of
    a stuffed cell (kind multiple). `spelled`: the number is in Chinese numerals. `text` is the
    original, never lost.
    """

    operator: str | None
    number: Decimal | None
    unit: str
    kind: str
    text: str
    symbol: str = ""
    stated: bool = False
    label: str = ""
    noun: str = ""
    remark: str = ""
    span: Span | None = None
    words: str = ""
    parts: tuple[Target, ...] = ()
    spelled: bool = False

    def __eq__(self, other: object) -> bool:
        return self._said == other._said if isinstance(other, Target) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._said)

    @property
    def _said(self) -> tuple[object, ...]:
        """All but how it was written."""
        same = (
            self.operator,
            self.number,
            self.kind,
            self.symbol,
            self.stated,
            self.label,
            self.noun,
        )
        return (*same, self.remark, self.span, self.words, self.parts)

    @property
    def measured(self) -> bool:
        """It has an exact number."""
        return self.number is not None

    @property
    def empty(self) -> bool:
        """Nothing is said: blank, or a stroke such as — or /; a unit left alone is something."""
        return self.kind == "blank" and not self.words

    @property
    def columns(self) -> tuple[str, str, str]:
        """(计算符号, 指标值, 计量单位) as the finance bureaus' systems import them; 定性 is free text."""
        if self.number is not None:
            return self.operator or "=", write_number(self.number), self.symbol + self.noun
        if self.kind in ("blank", "placeholder"):
            return "", "", ""
        return (
            "定性",
            self.text.strip() if self.kind == "multiple" else self.words or self.normal,
            "",
        )

    # A reading is kept (`parse_target`) and asked for these by many rules.
    @functools.cached_property
    def measure(self) -> MeasureUnit | None:
        """Its unit in the declared table."""
        return read_unit(self.symbol) if self.symbol else None

    @functools.cached_property
    def normal(self) -> str:
        """The normal form: `≥15家`."""
        return write_target(self)

    @property
    def lasting(self) -> bool:
        """A length of time: 10分钟, 5个工作日."""
        unit = self.measure
        return unit is not None and unit.base in ("秒", "个工作日", "个月")

    @functools.cached_property
    def base(self) -> tuple[Decimal, str] | None:
        """The number in its base unit, to compare 3万人 with 30000人; None without a number."""
        if self.number is None:
            return None
        unit = self.measure
        return (
            (self.number, self.symbol) if unit is None else (self.number * unit.factor, unit.base)
        )

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


def write_target(target: Target) -> str:
    """The normal form of a value: `≥15家`, `95%`, `12月31日前`; what is no number stays as it is."""
    if target.parts:
        return "\n".join(
            write_target(part).replace("\n", "、") or part.text for part in target.parts
        )
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
