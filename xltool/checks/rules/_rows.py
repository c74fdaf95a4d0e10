"""Indicator rows as the rules look at them:
each name with its value and standard, split where stuffed."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from msgspec import Struct

from xltool.checks.engine import Hit, Review
from xltool.checks.rules._text import quote
from xltool.indicator import Split, Target, parse_target, split_targets
from xltool.indicator.library import LibraryEntry
from xltool.indicator.names import comparable_name, subject
from xltool.indicator.split import split_standards
from xltool.model import Entry, Form, Indicator, Severity
from xltool.money import UNITS, tidy

__all__ = [
    "JudgedValue",
    "ceilings",
    "comparable_name",
    "library_entry",
    "of_kind",
    "readings",
    "stuffed",
    "subject",
    "values",
    "worded",
]


class JudgedValue(Struct, frozen=True):
    """One indicator: its name, its value, and the standard beside it (None where there is none)."""

    form: Form
    row: Indicator
    name: str
    target: Target
    standard: Target | None
    level1: str
    kind: str

    @property
    def block(self) -> str:
        return self.row.block

    @property
    def output(self) -> bool:
        """Counted among the outputs (产出), not the benefits."""
        return self.level1.startswith("产出")

    def hit(
        self,
        message: str,
        column: str = "target",
        *,
        expected: str = "",
        severity: Severity | None = None,
    ) -> Hit:
        """A hit at one of its cells; `message` goes on after the name and what is written."""
        entry, target = self.row[column], self.target if column == "target" else self.standard
        name, text = quote(self.name), quote(target.text if target is not None else "")
        field = f"{self.block}.{column}"
        return Hit(
            f"指标“{name}”的“{text}”{message}",
            entry.place,
            field,
            f"{name}：{text}",
            expected,
            severity,
        )


def values(review: Review) -> Sequence[JudgedValue]:
    """Every indicator that can be told apart; rows that can't be paired are left to I407."""
    return review.once(_read)[0]


def library_entry(review: Review, value: JudgedValue) -> LibraryEntry | None:
    """What the bureau's own library knows of an indicator."""
    library = review.library if review.settings.library else None
    return None if library is None else library.find(value.name, value.target, review.filing.unit)


def of_kind(review: Review, *kinds: str) -> Iterator[JudgedValue]:
    """Every indicator of these categories (quantity, cost, satisfaction …)."""
    grouped = review.once(_by_kind)
    return itertools.chain.from_iterable(grouped.get(kind, ()) for kind in kinds)


def worded(review: Review) -> Sequence[JudgedValue]:
    """Every indicator whose value is no number in digits, no date and no period."""
    return review.once(_worded)


def stuffed(review: Review) -> Sequence[tuple[Form, Indicator, Split]]:
    """Every indicator row with several values in its cell."""
    return review.once(_read)[1]


def readings(review: Review) -> Sequence[tuple[JudgedValue, str, Target]]:
    """(indicator, column, reading) of every value and standard that is a number."""
    return review.once(_readings)


def _read(review: Review) -> tuple[list[JudgedValue], list[tuple[Form, Indicator, Split]]]:
    judged: list[JudgedValue] = []
    several: list[tuple[Form, Indicator, Split]] = []
    for form in review.filing.forms:
        spec = review.spec(form)
        for row in form.indicators:
            name, target_text, standard = row.name.said, row.target.said, row.standard.said
            if not target_text or target_text.isspace():
                continue
            target = parse_target(target_text)
            pairs: Sequence[tuple[str, Target]] = ((name.strip(), target),)
            if target.parts:
                split = split_targets(name, target_text)
                several.append((form, row, split))
                pairs = split.pairs
            block = spec.block(row.block)
            level1, kind = block.level1, block.kind
            standards = split_standards(standard, len(pairs))
            for (part_name, value), beside in zip(pairs, standards, strict=True):
                if beside is not None and beside.kind in ("blank", "placeholder"):
                    beside = None
                judged.append(JudgedValue(form, row, part_name, value, beside, level1, kind))
    return judged, several


def _by_kind(review: Review) -> dict[str, list[JudgedValue]]:
    grouped: dict[str, list[JudgedValue]] = {}
    for value in values(review):
        grouped.setdefault(value.kind, []).append(value)
    return grouped


def _worded(review: Review) -> Sequence[JudgedValue]:
    return [
        value
        for value in values(review)
        if value.target.spelled or (value.target.number is None and value.target.span is None)
    ]


def _readings(review: Review) -> Sequence[tuple[JudgedValue, str, Target]]:
    stated = []
    for value in values(review):
        if value.target.number is not None:
            stated.append((value, "target", value.target))
        if value.standard is not None and value.standard.number is not None:
            stated.append((value, "standard", value.standard))
    return stated


# No part of this year's budget: a price, a part of a part, a saving, another year's or another
# purse's money.
_APART = re.compile(
    "单价|单位|每|均|单[台套件个次站场村人户项座只辆张亩份批具处间节]|价格|[米里亩顷吨]造价|标准|定额|限额|控制数|其中|季度|[上下]半年"
    "|月|节|减少|降低|下降|压减|核减|自筹|自有|自行|社会资本|捐赠|贷款|上年|去年|往年|历年|同期|上一年"
    "|结转|市场|违约|罚|赔|损失|收入|工资|补助额度|限价"
)


def ceilings(review: Review, form: Form) -> list[tuple[str, Decimal, Entry]]:
    """(name, amount in the edition's unit, entry) of each ceiling on costs in money."""
    return [
        (quote(value.name), tidy(yuan / UNITS[review.edition.unit]), value.row.target)
        for value in of_kind(review, "cost")
        if value.form is form
        and (yuan := value.target.yuan) is not None
        and value.target.operator not in ("≥", ">")
        and not _APART.search(value.name + value.target.label)
    ]
