"""The indicator table of one form: heads, categories carried down, one indicator a row."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from xltool.editions.declaration import Edition
from xltool.importing.labels import Labels, bare, money_unit
from xltool.importing.record import Leftover, Sure
from xltool.importing.rows import FormCell, FormRow, tidy_text
from xltool.indicator.value_columns import value_columns
from xltool.model import Entry, Indicator, compose

_SIGNS = {
    "≥": "≥", "≧": "≥", ">=": "≥", "≤": "≤", "≦": "≤", "<=": "≤", "=": "=", ">": ">", "<": "<",
    "定性": "定性", "": "",
}  # fmt: skip
_VALUE = ("sign", "target", "number", "measure")
_PROMPT = re.compile(r"^(?:指标\d*[:：]?|[…\.。·*×]+|[XＸ]+|[≥≤=<>]?\*+.{0,3})$")
_LEVELS = ("level1", "level2")


def _blank_value(text: str, placeholder: str) -> bool:
    key = bare(text)
    return not key or key == bare(placeholder) or bool(_PROMPT.match(key))


@dataclass
class IndicatorTable:
    """Takes the rows of a form that belong to its indicator table."""

    kind: str
    edition: Edition
    labels: Labels
    split: bool = False
    indicators: list[Indicator] = field(default_factory=list)
    sources: list[tuple[str, Entry, Sure, str]] = field(default_factory=list)
    leftovers: list[Leftover] = field(default_factory=list)
    heads: list[tuple[str, FormCell, bool]] = field(default_factory=list)
    open: bool = False
    longterm: bool = False  # the next table was announced as the long-term one
    skip: str = ""  # why the rows of this table are not imported
    table: int = -1
    level1: str = ""
    block: str | None = None
    dropped: dict[str, list[Leftover]] = field(default_factory=dict)

    def finish(self) -> None:
        """Say once for each column that the edition doesn't have what stood in it."""
        for label, cells in self.dropped.items():
            first, more = cells[0], f"，共 {len(cells)} 格" if len(cells) > 1 else ""
            reason = f"“{label}”：版式“{self.edition.id}”没有这一栏{more}"
            self.leftovers.append(Leftover(first.place, first.text, reason))

    def is_head(self, row: FormRow) -> bool:
        ids = [h[0] for c in row.filled if (h := self.labels.head(c.text))]
        return (
            "name" in ids
            and bool({"target", "number"} & set(ids))
            and ("level1" in ids or "level2" in ids)
        )

    def takes(self, row: FormRow, field_row: bool) -> bool:
        """True where the row is the table's: its heads, or an indicator."""
        sections = [m for c in row.filled if (m := self.labels.match(self.kind, c.text))]
        longterm = any(m.role == "longterm" for m in sections)
        if self.is_head(row):
            self._start(row, longterm or self.longterm)
            self.longterm = False
            return True
        if len(row.filled) == 1 and sections:
            self.longterm = longterm
        if not self.open:
            return False
        # 单位：万元 in a cell of its own heads the next form.
        states_unit = any(
            unit and not rest for unit, rest in (money_unit(c.text) for c in row.filled)
        )
        name = self._column("name")
        # A word of the form below the heads is an indicator's name; before them it begins another part.
        field_row = field_row and (row.loose or name is None or row.filled[0].column < name.column)
        if field_row or states_unit or (row.table != self.table and not self._continues(row)):
            self.open = False
            return False
        self.table = row.table
        self._row(row)
        return True

    def _start(self, row: FormRow, longterm: bool) -> None:
        found = [(h[0], c, h[1]) for c in row.filled if (h := self.labels.head(c.text))]
        found = [("target" if i == "number" else i, c, official) for i, c, official in found]
        # Where the official head stands, another name for the same column is only a remark beside it.
        sure = Counter(i for i, _, official in found if official)
        self.heads = [
            ("ignored" if sure[i] == 1 and not official else i, c, official)
            for i, c, official in found
        ]
        self.open, self.table, self.level1, self.block = True, row.table, "", None
        twice = [
            i for i, n in Counter(i for i, _, _ in self.heads if i != "ignored").items() if n > 1
        ]
        self.skip = ""
        if longterm:
            self.skip = "长期指标表：版式只有本年度指标"
        elif twice:
            self.skip = "指标表有两组相同的栏头，分不清哪一组是本年度的"
        for cell in row.filled:
            known = self.labels.head(cell.text) or self.labels.match(self.kind, cell.text)
            if known is None:
                self.leftovers.append(
                    Leftover(cell.place, cell.text.strip(), "指标表里没有认出的栏头")
                )

    def _continues(self, row: FormRow) -> bool:
        """A table split over two pages goes on where its first cells are categories."""
        return row.table != 0 and any(self._says_category(c) for c in row.filled[:2])

    def _column(self, id_: str) -> FormCell | None:
        return next((c for i, c, _ in self.heads if i == id_), None)

    def _row(self, row: FormRow) -> None:
        if self.skip:
            self._leave(row.filled, self.skip)
            return
        cells = self._by_columns(row)
        if cells is None and row.loose:
            cells = self._by_order(row)
        if cells is None:
            if not row.loose or any(bare(c.text).endswith("指标") for c in row.filled):
                self.block = None  # an unknown category: nothing below may pass for the one above
            self._leave(row.filled, "指标行与栏头对不上")
            return
        self._indicator(cells, row)

    def _leave(self, cells: list[FormCell], reason: str) -> None:
        text = " | ".join(" ".join(c.text.split()) for c in cells)
        if cells and not all(_blank_value(c.text, self.edition.placeholder) for c in cells):
            self.leftovers.append(Leftover(cells[0].place, text, reason))

    def _by_columns(self, row: FormRow) -> dict[str, FormCell] | None:
        """The row's cells by column id where they stand under their heads; None where they don't."""
        name = self._column("name")
        assert name is not None
        before = [c for c in row.filled if c.column < name.column]
        if any(c.end > name.column for c in before):
            return None
        if not self._categories(before):
            return None
        return self._under_heads([c for c in row.filled if c.column >= name.column])

    def _under_heads(self, cells: list[FormCell]) -> dict[str, FormCell] | None:
        found: dict[str, FormCell] = {}
        for cell in cells:
            over = [i for i, h, _ in self.heads if h.column < cell.end and cell.column < h.end]
            if len(over) > 1 or (over and over[0] in found and over[0] != "ignored"):
                return None
            if over:
                found[over[0]] = cell
            else:
                self.leftovers.append(
                    Leftover(cell.place, cell.text.strip(), "指标表里没有栏头的格")
                )
        return found

    def _by_order(self, row: FormRow) -> dict[str, FormCell] | None:
        """A shifted row of running text: categories first, the rest in the order of the heads."""
        cells = list(row.cells)
        leading = 0
        while leading < min(2, len(cells)) and self._says_category(cells[leading]):
            leading += 1
        rest = cells[leading:]
        if rest and bare(rest[0].text).endswith("指标"):
            return None  # a category that is not known, or a name: it can't be told
        if not self._categories(cells[:leading]):
            return None
        while rest and rest[-1].blank:
            rest.pop()
        heads = [i for i, _, _ in self.heads if i not in _LEVELS]
        if all(_blank_value(c.text, self.edition.placeholder) for c in rest):
            return {}
        if len(rest) > len(heads) or len(rest) < min(2, len(heads)):
            return None
        found = {i: c for i, c in zip(heads, rest, strict=False) if not c.blank}
        if found and (
            "name" not in found or not re.search(r"[\u4e00-\u9fff]{2}", found["name"].text)
        ):
            return None
        return found

    def _says_category(self, cell: FormCell) -> bool:
        if cell.blank:
            return False
        return bool(self.labels.first_level(cell.text) or self.labels.block(self.kind, cell.text))

    def _categories(self, cells: list[FormCell]) -> bool:
        """Follow the categories in a row's first cells; False where one isn't known."""
        level1, block = self.level1, self.block
        for n, cell in enumerate(cells):
            first, second = (
                self.labels.first_level(cell.text),
                self.labels.block(self.kind, cell.text),
            )
            section = self.labels.match(self.kind, cell.text)
            head = self._column("level1")
            under_first = head is not None and head.column <= cell.column < head.end
            if first and (under_first or not second or self._more(cells[n + 1 :])):
                if first != level1 or under_first:
                    level1, block = first, (second if not self._more(cells[n + 1 :]) else None)
            elif second:
                block = second
            elif section is None or section.role not in ("section", "longterm"):
                return False
        self.level1, self.block = level1, block
        return True

    def _more(self, cells: list[FormCell]) -> bool:
        return any(self.labels.block(self.kind, c.text) for c in cells)

    def _indicator(self, cells: dict[str, FormCell], row: FormRow) -> None:
        placeholder = self.edition.placeholder
        kept = {i: c for i, c in cells.items() if not _blank_value(c.text, placeholder)}
        if not kept:
            return
        own = {b.id: b for b in self.edition[self.kind].indicators.block}
        if self.block is None:
            self._leave(list(kept.values()), "不知道属于哪一类指标")
            return
        if self.block not in own:
            self._leave(list(kept.values()), f"版式“{self.edition.id}”没有这一类指标")
            return
        columns = {c.id: c.label for c in self.edition[self.kind].indicators.column}
        value = self._value(kept)
        if value is None:
            self._leave(list(kept.values()), "指标性质、指标值、计量单位合不成一个值")
            return
        entries, notes = value
        for id_, cell in kept.items():
            text = tidy_text(cell.text)
            if id_ in _VALUE:
                continue
            if id_ in columns:
                entries[id_] = Entry(text, text, cell.place)
            else:
                label = " ".join(next(c.text for i, c, _ in self.heads if i == id_).split())
                self.dropped.setdefault(label, []).append(Leftover(cell.place, text, ""))
        if not entries:
            return
        official = {i: o for i, _, o in self.heads}
        official["number"] = official.get("target", False)
        pieces = self._split(entries) if self.split else [entries]
        for piece in pieces:
            self.indicators.append(
                Indicator(self.block, {i: piece[i] for i in columns if i in piece})
            )
            for id_ in columns:
                if id_ in piece:
                    note = notes.get(id_, "") or ("由一格拆开" if len(pieces) > 1 else "")
                    sure = (
                        Sure.LOW
                        if row.loose
                        else Sure.HIGH
                        if official.get(id_) and not note
                        else Sure.MEDIUM
                    )
                    label = f"{own[self.block].label} · {columns[id_]}"
                    self.sources.append((label, piece[id_], sure, note))

    @staticmethod
    def _split(entries: dict[str, Entry]) -> list[dict[str, Entry]]:
        """A stuffed row as its indicators, where names, values and standards pair without doubt."""
        from xltool.indicator import split_targets
        from xltool.indicator.split import split_standards

        name, target = entries.get("name"), entries.get("target")
        if name is None or target is None or set(entries) - {"name", "target", "standard"}:
            return [entries]
        pairs = split_targets(name.text, target.text)
        standard = entries.get("standard")
        standards = split_standards(standard.text, len(pairs)) if standard else ()
        if len(pairs) < 2 or None in standards:
            return [entries]
        pieces = []
        for n, (one, value) in enumerate(pairs):
            piece = {
                "name": Entry(one, one, name.place),
                "target": Entry(value.text, value.text, target.place),
            }
            if standard is not None:
                text = standards[n].text  # type: ignore[union-attr]
                piece["standard"] = Entry(text, text, standard.place)
            pieces.append(piece)
        return pieces

    def _value(self, cells: dict[str, FormCell]) -> tuple[dict[str, Entry], dict[str, str]] | None:
        """The value in the columns that this edition has, and a note on each that was made.

        指标性质 + 指标值 + 计量单位 become one value or stay three, one value stays one or becomes
        three. None where the three don't fit together.
        """
        sign, number, measure = (
            tidy_text(cells[i].text) if i in cells else "" for i in ("sign", "target", "measure")
        )
        sign = _SIGNS.get(bare(sign), "?")
        if sign == "?" or (not number and (sign or measure)):
            return None
        place = next((cells[i].place for i in ("target", "sign", "measure") if i in cells), None)
        apart = any(i in ("sign", "measure") for i, _, _ in self.heads)
        if not self.edition[self.kind].indicators.has("number"):
            text = compose(sign, number, measure)
            made = "由几格合成" if apart and text else ""
            return ({"target": Entry(text, text, place)}, {"target": made}) if text else ({}, {})
        parts = (sign, number, measure) if apart else value_columns(number)
        named = dict(zip(("sign", "number", "measure"), parts, strict=True))
        found = {
            i: Entry(text, text, cells[i].place if i in cells else place)
            for i, text in named.items()
            if text
        }
        return found, {} if apart else dict.fromkeys(found, "由一格拆开")
