"""A filing moved to another edition's forms, or to next year's: nothing dropped without a word.

Fields go by their ids, amounts between 元 and 万元 exactly, indicators to their category, values into
one column or three. Every change that a person should look at is a `Note`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from msgspec.structs import replace

from xltool.editions.declaration import Edition, Field, FormSpec, load_edition
from xltool.indicator import parse_target
from xltool.indicator.dates import read_period
from xltool.indicator.value_columns import value_columns
from xltool.model import Entry, Filing, Form, Indicator
from xltool.money import convert as convert_money
from xltool.money import plain, tidy

LOST, CHECK, MADE = "放不下", "请复核", "算出"


@dataclass(frozen=True, slots=True)
class ConversionNote:
    """One thing to look at: 放不下 (no place for it), 请复核 (changed or to be confirmed), 算出 (a sum)."""

    kind: str
    form: str
    project: str
    field: str
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Converted:
    """The filing on its new forms, and all that a person should look at."""

    filing: Filing
    notes: tuple[ConversionNote, ...] = field(default=())


def convert(filing: Filing, to: Edition, source: Edition | None = None) -> Converted:
    """The filing on the forms of `to`.
    `source` is its own edition, where that is not known by its id."""
    source = source or load_edition(filing.edition)
    notes: list[ConversionNote] = []
    forms = [_Move(source, to, form, notes).form() for form in filing.forms]
    moved = replace(
        filing,
        edition=to.id,
        department=next((form for form in forms if form.kind == "department"), None),
        projects=tuple(form for form in forms if form.kind == "project"),
        faults=(),
        seal={},
        answers={},
    )
    return Converted(moved, tuple(notes))


class _Move:
    """One form on its way from one edition to another."""

    def __init__(
        self, source: Edition, to: Edition, form: Form, notes: list[ConversionNote]
    ) -> None:
        self.source, self.to, self.old, self.notes = source, to, form, notes
        self.was, self.spec = source[form.kind], to[form.kind]

    def form(self) -> Form:
        entries = {field.id: self._entry(field.id) for field in self.spec.field}
        self._sums(entries)
        self._left(entries)
        rows = [row for indicator in self.old.indicators for row in self._indicator(indicator)]
        order = {block.id: number for number, block in enumerate(self.spec.indicators.block)}
        rows.sort(key=lambda row: order[row.block])
        return Form(self.old.kind, entries, tuple(rows), self.spec.sheet)

    def note(self, kind: str, label: str, text: str, reason: str) -> None:
        self.notes.append(
            ConversionNote(kind, self.spec.title, self.old.text("project"), label, text, reason)
        )

    def _entry(self, id_: str) -> Entry:
        entry = self.old[id_]
        if id_ in self.was and self.was[id_].kind == "amount" and self.spec[id_].kind != "amount":
            return Entry(None, entry.text)
        if isinstance(entry.value, Decimal):
            value = convert_money(entry.value, self.source.unit, self.to.unit)
            return Entry(value, plain(value))
        return Entry(entry.value, entry.text)

    def _sums(self, entries: dict[str, Entry]) -> None:
        """Totals that the old form did not have, from their parts;
        an inner sum before an outer one."""
        for _ in self.spec.sum:
            for sum_spec in self.spec.sum:
                if sum_spec.total in self.was or not entries[sum_spec.total].blank:
                    continue
                parts = [entries[part].value for part in sum_spec.parts]
                amounts = [part for part in parts if isinstance(part, Decimal)]
                if amounts and not any(
                    e.unread for e in (entries[part] for part in sum_spec.parts)
                ):
                    value = tidy(sum(amounts, Decimal(0)))
                    entries[sum_spec.total] = Entry(value, plain(value))
                    names = "、".join(self.spec[part].label for part in sum_spec.parts)
                    self.note(
                        MADE,
                        self.spec[sum_spec.total].label,
                        plain(value),
                        f"原表没有这一栏，由{names}相加",
                    )

    def _left(self, entries: Mapping[str, Entry]) -> None:
        """Answers that the new form has no field for; a total of what is there is not lost."""
        for form_field in self.was.field:
            entry = self.old[form_field.id]
            if form_field.id in self.spec or form_field.derived or entry.blank:
                continue
            sum_spec = next(
                (sum_spec for sum_spec in self.was.sum if sum_spec.total == form_field.id), None
            )
            if sum_spec is not None and self._adds_up(sum_spec.parts, entry, entries):
                continue
            self.note(
                LOST,
                form_field.label,
                entry.text or str(entry.value),
                f"版式“{self.to.id}”没有这一栏",
            )

    def _adds_up(self, parts: tuple[str, ...], total: Entry, entries: Mapping[str, Entry]) -> bool:
        """The total is what its parts come to, and all of them have found a place
        (or are sums again)."""
        amounts = [self.old.amount(part) or Decimal(0) for part in parts]
        placed = all(
            part in entries or self.old[part].blank or self._sum_of(part, entries) for part in parts
        )
        return placed and sum(amounts, Decimal(0)) == total.value

    def _sum_of(self, id_: str, entries: Mapping[str, Entry]) -> bool:
        inner = next((sum_spec for sum_spec in self.was.sum if sum_spec.total == id_), None)
        return inner is not None and self._adds_up(inner.parts, self.old[id_], entries)

    def _indicator(self, indicator: Indicator) -> Iterator[Indicator]:
        was = self.was.block(indicator.block)
        block = next(
            (block for block in self.spec.indicators.block if block.id == indicator.block), None
        )
        block = block or next(
            (block for block in self.spec.indicators.block if block.kind == was.kind), None
        )
        name = indicator.name.text or str(indicator.name.value or "")
        if block is None:
            text = f"{name} {indicator.target.text}".strip()
            self.note(LOST, was.label, text, f"版式“{self.to.id}”没有这一类指标")
            return
        if block.id != was.id:
            self.note(CHECK, block.label, name, f"原属“{was.label}”，请复核类别")
        cells = {
            column.id: Entry(indicator[column.id].value, indicator[column.id].text)
            for column in self.spec.indicators.column
        }
        if self.spec.indicators.has("number") and not self.was.indicators.has("number"):
            parts = value_columns(indicator.target.text)
            cells |= {
                c: Entry(t or None, t)
                for c, t in zip(("sign", "number", "measure"), parts, strict=True)
            }
        for column in self.was.indicators.column:
            entry = indicator[column.id]
            gone = not self.spec.indicators.has(column.id) and column.id not in _VALUE
            if gone and not entry.blank:
                self.note(
                    LOST, column.label, f"{name}：{entry.text}", f"版式“{self.to.id}”没有这一列"
                )
        yield Indicator(
            block.id,
            {
                column.id: cells[column.id]
                for column in self.spec.indicators.column
                if column.id in cells
            },
        )


_VALUE = ("target", "sign", "number", "measure")


def next_year(filing: Filing, edition: Edition | None = None) -> Converted:
    """Next year's draft: year, one-year periods and deadlines moved on,
    amounts emptied, texts kept.

    Everything that was kept and needs a look is noted;
    nothing is declared to be right for next year.
    """
    edition = edition or load_edition(filing.edition)
    year = filing.year
    notes: list[ConversionNote] = []
    forms = [_draft(form, edition[form.kind], year, notes) for form in filing.forms]
    drafted = replace(
        filing,
        department=next((form for form in forms if form.kind == "department"), None),
        projects=tuple(form for form in forms if form.kind == "project"),
        faults=(),
        seal={},
        answers={},
    )
    return Converted(drafted, tuple(notes))


def _draft(form: Form, spec: FormSpec, year: int | None, notes: list[ConversionNote]) -> Form:
    def note(kind: str, label: str, text: str, reason: str) -> None:
        notes.append(ConversionNote(kind, spec.title, form.text("project"), label, text, reason))

    entries: dict[str, Entry] = {}
    for form_field in spec.field:
        entry = form[form_field.id]
        entries[form_field.id], doubt = _drafted(form_field, entry, year)
        if doubt:
            text = _text_of(entry)
            shown = text[:40] if form_field.kind == "long" else text
            note(CHECK, form_field.label, shown, doubt)
    rows = []
    for indicator in form.indicators:
        rows.append(_drafted_indicator(indicator, year))
        label = spec.block(indicator.block).label
        text = f"{indicator.name.text} {indicator.target.text}".strip()
        note(CHECK, label, text, "沿用上年指标，请复核")
    return Form(form.kind, entries, tuple(rows), spec.sheet)


def _drafted(form_field: Field, entry: Entry, year: int | None) -> tuple[Entry, str]:
    """A field's answer for next year, and what about it somebody must look at ("": nothing)."""
    text = _text_of(entry)
    if form_field.kind == "year":
        moved = entry.value + 1 if isinstance(entry.value, int) else None
        return Entry(moved, "" if moved is None else str(moved)), ""
    if form_field.kind == "amount":
        return Entry(), ""
    if form_field.kind == "period" and not entry.blank:
        span = read_period(text, year)
        if year is None or span is None or not span.start.year == span.end.year == year:
            return Entry(text, text), "跨年或读不出，没有改，请复核"
        later = _later(text, year)
        return Entry(later, later), ""
    doubt = ""
    if form_field.kind == "long" and not entry.blank:
        stale = year is not None and str(year) in text
        doubt = f"沿用上年文字{f'，其中写有 {year} 年' if stale else ''}，请复核"
    return Entry(entry.value, entry.text), doubt


def _drafted_indicator(indicator: Indicator, year: int | None) -> Indicator:
    cells = {}
    for id_, entry in indicator.cells.items():
        text = _text_of(entry)
        if year is not None and id_ != "name" and parse_target(text).span is not None:
            text = _later(text, year)
        cells[id_] = Entry(text or None, text)
    return Indicator(indicator.block, cells)


def _text_of(entry: Entry) -> str:
    return entry.text or ("" if entry.value is None else str(entry.value))


def _later(text: str, year: int) -> str:
    """Every mention of the year a year later; 29 February becomes 28 February."""
    moved = re.sub(rf"(?<!\d){year}(?!\d)", str(year + 1), text)
    return re.sub(rf"({year + 1}(?:年0?2月|[.\-/]0?2[.\-/]))29(?!\d)", r"\g<1>28", moved)
