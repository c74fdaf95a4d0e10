"""Indicator rows as the rules look at them: each name with its value and standard, split where stuffed."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from xltool.edition import Block
from xltool.model import Form, Indicator, Severity
from xltool.review import Hit, Review
from xltool.rules._text import quote
from xltool.target import Split, Target, split_targets
from xltool.target.split import split_standards


class Value(Struct, frozen=True):
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
    def readings(self) -> Iterator[tuple[str, Target]]:
        """(column, reading) of the value and of the standard."""
        yield "target", self.target
        if self.standard is not None:
            yield "standard", self.standard

    @property
    def output(self) -> bool:
        """Counted among the outputs (产出), not the benefits."""
        return self.level1.startswith("产出")

    def hit(
        self, message: str, column: str = "target", *, expected: str = "", severity: Severity | None = None
    ) -> Hit:
        """A hit at one of its cells; `message` goes on after the name and what is written."""
        entry, target = self.row[column], self.target if column == "target" else self.standard
        name, text = quote(self.name), quote(target.text if target is not None else "")
        field = f"{self.block}.{column}"
        return Hit(
            f"指标“{name}”的“{text}”{message}", entry.place, field, f"{name}：{text}", expected, severity
        )


def rows(review: Review) -> Sequence[tuple[Form, Indicator, Split]]:
    """Every indicator row that has a value, with its reading."""
    return review.once(_rows)


def values(review: Review) -> Sequence[Value]:
    """Every indicator that can be told apart; rows that can't be paired are left to I407."""
    return review.once(_values)


def _rows(review: Review) -> Sequence[tuple[Form, Indicator, Split]]:
    return list(_each_row(review))


def _values(review: Review) -> Sequence[Value]:
    return list(_each_value(review))


def _each_row(review: Review) -> Iterator[tuple[Form, Indicator, Split]]:
    for form in review.filing.forms:
        for row in form.indicators:
            if not row.target.blank:
                yield form, row, split_targets(row.name.said, row.target.said)


def _each_value(review: Review) -> Iterator[Value]:
    blocks: dict[str, dict[str, Block]] = {
        spec.id: {b.id: b for b in spec.indicators.block} for spec in review.edition.form
    }
    for form, row, split in rows(review):
        standards = split_standards(row.standard.said, len(split.pairs))
        block = blocks[form.kind][row.block]
        for (name, target), standard in zip(split, standards, strict=True):
            blank = standard is None or standard.kind in ("blank", "placeholder")
            yield Value(form, row, name, target, None if blank else standard, block.level1, block.kind)


_NOISE = re.compile(r"[\s,，。.;；:：、“”\"'《》()（）\-—_]+")
_NUMBERING = re.compile(r"^(?:指标|目标)?[0-9一二三四五六七八九十]{1,2}[、.．:：)）]")


@functools.lru_cache(maxsize=4096)
def squeeze(text: str) -> str:
    """A name without blanks, punctuation and numbering, to compare names."""
    return _NOISE.sub("", _NUMBERING.sub("", text.strip()))
