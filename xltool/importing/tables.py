"""The indicator table of one form: heads, categories carried down, one indicator a row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from xltool.editions.declaration import Edition
from xltool.files.table_habits import folded
from xltool.importing.labels import Labels, head_year, money_unit
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
_WORD = re.compile(r"[\u4e00-\u9fffA-Za-z]")
_NONE = ("无", "不涉及", "不适用", "/", "-", "—", "——")
_LEVELS = ("level1", "level2")
_LONG_TERM = "长期指标表：版式只有本年度指标"
_NO_VALUE = "指标表里没有认出哪一栏是指标值"
_TWICE = "指标表有两组相同的栏头，分不清哪一组是本年度的"


def _blank_value(text: str, placeholder: str) -> bool:
    key = folded(text)
    return not key or key == folded(placeholder) or bool(_PROMPT.match(key))


class Head(NamedTuple):
    """One head of the table: its column's id, where it stands, whether it is the official one."""

    id: str
    cell: FormCell
    official: bool = False

    @property
    def label(self) -> str:
        return " ".join(self.cell.text.split())

    def over(self, cell: FormCell) -> bool:
        return self.cell.column < cell.end and cell.column < self.cell.end


class Under(NamedTuple):
    """A cell and the head that it stands under."""

    head: Head
    cell: FormCell


@dataclass
class IndicatorTable:
    """Takes the rows of a form that belong to its indicator table."""

    kind: str
    edition: Edition
    labels: Labels
    split: bool = False
    year: int | None = None  # the form's
    indicators: list[Indicator] = field(default_factory=list)
    sources: list[tuple[str, Entry, Sure, str]] = field(default_factory=list)
    leftovers: list[Leftover] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)
    aside: list[Head] = field(default_factory=list)  # a second set of columns, of another period
    open: bool = False
    longterm: bool = False  # the next table was announced as the long-term one
    announced: bool = False  # a heading since the last row: the next heads begin a table
    skip: str = ""  # why the rows of this table are not imported
    table: int = -1
    level1: str = ""
    block: str | None = None
    annual_last: bool | None = None  # the year's goal stands right of the whole period's
    fresh: bool = False  # the heads were just read, no row below them yet
    dropped: dict[str, list[Leftover]] = field(default_factory=dict)

    def finish(self) -> None:
        """Say once for each column that the edition doesn't have what stood in it."""
        for label, cells in self.dropped.items():
            more = f"，共 {len(cells)} 格" if len(cells) > 1 else ""
            reason = f"“{label}”：版式“{self.edition.id}”没有这一栏{more}"
            text = " | ".join(cell.text for cell in cells)
            self.leftovers.append(Leftover(cells[0].place, text, reason))

    def is_head(self, row: FormRow) -> bool:
        """A row of heads: the name's with a value's, or two of the three levels."""
        ids = {h[0] for cell in row.filled if (h := self.labels.head(cell.text))}
        levels = len(ids & {*_LEVELS, "name"})
        valued = bool({"target", "number"} & ids)
        if levels == 2:
            return valued or "name" in ids
        return levels > 2

    def takes(self, row: FormRow, field_row: bool) -> bool:
        """True where the row is the table's: its heads, or an indicator."""
        sections = [m for cell in row.filled if (m := self.labels.match(self.kind, cell.text))]
        longterm = any(section.role == "longterm" for section in sections)
        if self.is_head(row):
            self._start(row, longterm or self.longterm)
            self.longterm = False
            return True
        if len(row.filled) == 1 and sections and sections[0].role in ("section", "longterm"):
            self.longterm, self.announced = longterm, True
            return False
        if not self.open:
            return False
        if self.fresh and self._refined(row):
            return True
        self.fresh = False
        # 单位：万元 in a cell of its own heads the next form.
        money_units = [money_unit(cell.text) for cell in row.filled]
        states_unit = any(unit and not rest for unit, rest in money_units)
        # A word of the form below the heads is an indicator's name; before them it begins another
        # part.
        border = self._name_column()
        field_row = field_row and (
            row.loose or border is None or row.filled[0].column < border.column
        )
        if field_row or states_unit or (row.table != self.table and not self._continues(row)):
            self.open = False
            return False
        self.table = row.table
        self._row(row)
        return True

    @staticmethod
    def _told(heads: list[Head]) -> list[tuple[str, str]]:
        return [(head.id, folded(head.cell.text)) for head in heads]

    def _start(self, row: FormRow, longterm: bool) -> None:
        heads = []
        for cell in row.filled:
            head = self.labels.head(cell.text)
            if head is not None:
                id_, official = head
                heads.append(Head("target" if id_ == "number" else id_, cell, official))
            elif self.labels.match(self.kind, cell.text) is None:
                heads.append(Head("ignored", cell))
                left = Leftover(cell.place, cell.text.strip(), "指标表里没有认出的栏头")
                self.leftovers.append(left)
        again = self.open and not self.announced and self._told(heads) == self._told(self.heads)
        self.open, self.table, self.fresh, self.announced = True, row.table, True, False
        if again and not longterm:  # repeated at the head of a page: the category goes on
            self.heads = heads
            return
        self._use(heads)
        self.level1, self.block = "", None
        if longterm:
            self.skip = _LONG_TERM

    def _use(self, heads: list[Head]) -> None:
        """Settle which heads count: one set of columns, and in it one value of this year's."""
        groups = self._groups(heads)
        self.aside, self.skip = [], ""
        if len(groups) > 1:
            this = [group for group in groups if any(h.id == "target" for h in group)]
            if len(this) == len(groups) == 2 and self.annual_last is not None:
                this = [groups[self.annual_last]]
            if len(this) == 1:
                self.aside = [h for group in groups if group is not this[0] for h in group]
                heads = [head for head in heads if head.id == "level1" or head in this[0]]
        heads = self._of_year(heads)
        # Where the official head stands, another name for the same column is only a remark beside
        # it.
        sure = Counter(head.id for head in heads if head.official)
        heads = [
            head._replace(id="ignored") if sure[head.id] == 1 and not head.official else head
            for head in heads
        ]
        self.heads = heads
        counts = Counter(head.id for head in heads if head.id != "ignored")
        if max(counts.values(), default=0) > 1:
            self.skip = _TWICE
        elif not counts["target"] or not counts["name"]:
            self.skip = self._no_value(heads) if counts["name"] else _NO_VALUE

    def _no_value(self, heads: list[Head]) -> str:
        """Why no column is the value's:
        one may be, under a head that nobody knows, or several are."""
        unknown = [
            head.label
            for head in heads
            if head.id == "ignored" and self.labels.head(head.label) is None
        ]
        if not unknown:
            return _NO_VALUE
        if len(unknown) == 1:
            return f"{_NO_VALUE}；若是“{unknown[0]}”，请把栏头改成“指标值”再导入"
        named = "、".join(unknown[:2])
        return f"{_NO_VALUE}：“{named}”等 {len(unknown)} 栏都像；请只留一栏，栏头改成“指标值”再导入"

    @staticmethod
    def _groups(heads: list[Head]) -> list[list[Head]]:
        """Sets of columns side by side: a new one begins where 二级指标 or the name comes again."""
        groups: list[list[Head]] = [[]]
        for head in heads:
            if head.id == "level1":
                continue
            if head.id in ("level2", "name") and any(h.id == head.id for h in groups[-1]):
                groups.append([])
            groups[-1].append(head)
        return groups

    def _of_year(self, heads: list[Head]) -> list[Head]:
        """Of values for several years the form's own counts."""
        values = [head for head in heads if head.id == "target"]
        years = {head_year(value.cell.text) for value in values}
        own = [value for value in values if head_year(value.cell.text) == self.year]
        if years == {None} or not values or self.year is None:
            return heads
        if len(own) == 1 or years == {self.year}:
            counting = own
        elif len(values) > 1 or values[0] not in own:
            counting = [value for value in values if head_year(value.cell.text) is None]
        else:
            counting = values
        return [
            head._replace(id="ignored") if head.id == "target" and head not in counting else head
            for head in heads
        ]

    def _refined(self, row: FormRow) -> bool:
        """A second row of heads under the first: 指标值 over 指标性质 · 指标值 · 计量单位."""
        if row.loose or not row.filled or row.table != self.table:
            return False
        new = []
        for cell in row.filled:
            label = self.labels.head(cell.text)
            if label is None or not any(head.over(cell) for head in (*self.heads, *self.aside)):
                return False
            id_, official = label
            new.append(Head("target" if id_ == "number" else id_, cell, official))
        standing = [head for head in self.heads if not any(map(head.over, row.filled))]
        self._use(sorted([*standing, *new], key=lambda h: h.cell.column))
        return True

    def _continues(self, row: FormRow) -> bool:
        """A table split over two pages goes on where its first cells are categories."""
        return row.table != 0 and any(self._says_category(cell) for cell in row.filled[:2])

    def _head(self, id_: str) -> FormCell | None:
        return next((head.cell for head in self.heads if head.id == id_), None)

    def _name_column(self) -> FormCell | None:
        return self._head("name") or self._head("level2")

    def _row(self, row: FormRow) -> None:
        if self.skip:
            if not all(self._says_category(cell) for cell in row.filled):
                self._leave(row.filled, self.skip)
            return
        cells = self._by_columns(row)
        if cells is None and row.loose:
            cells = self._by_order(row)
        if cells is None:
            if not row.loose or self._may_hold_category(row):
                self.block = None  # an unknown category: nothing below may pass for the one above
            self._leave(row.filled, "指标行与栏头对不上")
            return
        self._indicator(cells, row)

    def _may_hold_category(self, row: FormRow) -> bool:
        """A shifted row that can't be read may begin another category."""
        heads = sum(1 for head in self.heads if head.id not in _LEVELS)
        return len(row.filled) > heads or any(
            folded(cell.text).endswith("指标") for cell in row.filled
        )

    def _leave(self, cells: Sequence[FormCell], reason: str) -> None:
        text = " | ".join(" ".join(cell.text.split()) for cell in cells)
        if cells and not all(_blank_value(cell.text, self.edition.placeholder) for cell in cells):
            self.leftovers.append(Leftover(cells[0].place, text, reason))

    def _by_columns(self, row: FormRow) -> list[Under] | None:
        """The row's cells under their heads where they stand under them; None where they don't."""
        name = self._head("name")
        assert name is not None
        other = [cell for cell in row.filled if any(head.over(cell) for head in self.aside)]
        cells = [cell for cell in row.filled if cell not in other]
        start = min(
            (head.cell.column for head in self.heads if head.id == "level2"), default=name.column
        )
        before = [cell for cell in cells if cell.column < name.column]
        if any(cell.end > name.column for cell in before):
            return None
        if any(start <= cell.column for cell in before) and not before:
            return None
        if not self._categories(before):
            return None
        under = self._under_heads([cell for cell in cells if cell.column >= name.column])
        if under is None or not all(self._may_be(u, row.loose) for u in under):
            return None
        self._set_aside(other)
        return under

    def _may_be(self, under: Under, loose: bool) -> bool:
        """The cell can be what its head says:
        no category is a name or a value, no prompt a value."""
        text = under.cell.text
        if under.head.id not in ("name", "target"):
            return True
        if self.labels.category(text) and (loose or self._says_category(under.cell)):
            return False
        if under.head.id == "name":
            return _blank_value(text, self.edition.placeholder) or bool(_WORD.search(text))
        return "**" not in text or _blank_value(text, self.edition.placeholder)

    def _set_aside(self, cells: Sequence[FormCell]) -> None:
        label = next((h.label for h in self.aside if h.id in ("ignored", "target")), "长期指标")
        for cell in cells:
            if not _blank_value(cell.text, self.edition.placeholder):
                left = Leftover(cell.place, tidy_text(cell.text), "")
                self.dropped.setdefault(f"{label}一组", []).append(left)

    def _under_heads(self, cells: Sequence[FormCell]) -> list[Under] | None:
        placed: list[Under] = []
        for cell in cells:
            over = [head for head in self.heads if head.over(cell)]
            taken = {u.head.id for u in placed if u.head.id != "ignored"}
            if len(over) > 1 or (over and over[0].id in taken):
                return None
            if over:
                placed.append(Under(over[0], cell))
            else:
                self.leftovers.append(
                    Leftover(cell.place, cell.text.strip(), "指标表里没有栏头的格")
                )
        return placed

    def _by_order(self, row: FormRow) -> list[Under] | None:
        """A shifted row of running text: categories first, the rest in the order of the heads."""
        cells = list(row.cells)
        if self.aside:
            cells = self._own_half(cells)
            if not cells:
                return None
        leading = 0
        while leading < min(2, len(cells)) and self._says_category(cells[leading]):
            leading += 1
        rest = cells[leading:]
        if rest and self.labels.category(rest[0].text):
            return None  # a category that is not known, or a name: it can't be told
        if not self._categories(cells[:leading]):
            return None
        while rest and rest[-1].blank:
            rest.pop()
        first = self._name_column()
        heads = [head for head in self.heads if head.id not in _LEVELS]
        if first is not None:
            heads = [head for head in heads if head.cell.column >= first.column]
        if all(
            _blank_value(c.text, self.edition.placeholder) or folded(c.text) in _NONE for c in rest
        ):
            return []
        if len(rest) > len(heads) or len(rest) < min(2, len(heads)):
            return None
        placed = [Under(h, c) for h, c in zip(heads, rest, strict=False) if not c.blank]
        if not all(self._may_be(u, True) for u in placed):
            return None
        name = next((u.cell for u in placed if u.head.id == "name"), None)
        if placed and (name is None or not re.search(r"[\u4e00-\u9fff]{2}", name.text)):
            return None
        return placed

    def _own_half(self, cells: list[FormCell]) -> list[FormCell]:
        """Of a row over two sets of columns without its blank cells:
        the half of this year's set."""
        filled = [cell for cell in cells if not cell.blank]
        first = filled[:1] if self.labels.first_level(filled[0].text) else []
        rest = filled[len(first) :]
        half = len(rest) // 2
        after = self.heads[-1].cell.column > self.aside[-1].cell.column
        parts = (rest[:half], rest[half:])
        own, other = parts if not after else (parts[1], parts[0])
        if (
            len(rest) % 2
            or len(own) < 2
            or (self._says_category(own[0]) != self._says_category(other[0]))
        ):
            return []
        self._set_aside(other)
        return [*first, *own]

    def _says_category(self, cell: FormCell) -> bool:
        if cell.blank:
            return False
        return bool(self.labels.first_level(cell.text) or self.labels.block(self.kind, cell.text))

    def _categories(self, cells: Sequence[FormCell]) -> bool:
        """Follow the categories in a row's first cells; False where one isn't known."""
        level1, block = self.level1, self.block
        for number, cell in enumerate(cells):
            first, second = (
                self.labels.first_level(cell.text),
                self.labels.block(self.kind, cell.text),
            )
            section = self.labels.match(self.kind, cell.text)
            head = self._head("level1")
            under_first = head is not None and head.column <= cell.column < head.end
            if first and (under_first or not second or self._more(cells[number + 1 :])):
                if first != level1 or under_first:
                    level1, block = first, (second if not self._more(cells[number + 1 :]) else None)
            elif second:
                block = second
            elif section is None or section.role not in ("section", "longterm"):
                return False
        self.level1, self.block = level1, block
        return True

    def _more(self, cells: Sequence[FormCell]) -> bool:
        return any(self.labels.block(self.kind, cell.text) for cell in cells)

    def _indicator(self, cells: list[Under], row: FormRow) -> None:
        placeholder = self.edition.placeholder
        filled = [cell for cell in cells if not _blank_value(cell.cell.text, placeholder)]
        if all(folded(cell.cell.text) in _NONE for cell in filled):
            return  # 无 in every cell says that there is no indicator
        if self.block is None:
            self._leave([cell.cell for cell in filled], "不知道属于哪一类指标")
            return
        block = self.labels.own_block(self.kind, self.block)
        if block is None:
            self._leave([cell.cell for cell in filled], f"版式“{self.edition.id}”没有这一类指标")
            return
        columns = {column.id: column.label for column in self.edition[self.kind].indicators.column}
        by_id = {cell.head.id: cell.cell for cell in filled if cell.head.id != "ignored"}
        value = self._value(by_id)
        if value is None:
            self._leave([cell.cell for cell in filled], "指标性质、指标值、计量单位合不成一个值")
            return
        entries, notes = value
        for head, cell in filled:
            if head.id in _VALUE:
                continue
            text = tidy_text(cell.text)
            if head.id in columns:
                entries[head.id] = Entry(text, text, cell.place)
            else:
                self.dropped.setdefault(head.label, []).append(Leftover(cell.place, text, ""))
        if entries:
            self._add(block, entries, notes, row.loose)

    def _add(
        self, block: str, entries: dict[str, Entry], notes: dict[str, str], loose: bool
    ) -> None:
        columns = {column.id: column.label for column in self.edition[self.kind].indicators.column}
        spec = self.edition[self.kind].block(block)
        official = {head.id: head.official for head in self.heads}
        official["number"] = official.get("target", False)
        moved = "" if block == self.block else f"原表的类别归入“{spec.label}”"
        pieces = self._split(entries) if self.split else [entries]
        for piece in pieces:
            self.indicators.append(
                Indicator(block, {column: piece[column] for column in columns if column in piece})
            )
            for id_ in columns:
                if id_ not in piece:
                    continue
                remarks = [moved, notes.get(id_, ""), "由一格拆开" if len(pieces) > 1 else ""]
                note = "；".join(dict.fromkeys(filter(None, remarks)))
                sure = Sure.HIGH if official.get(id_) and not note else Sure.MEDIUM
                label = f"{spec.label} · {columns[id_]}"
                self.sources.append((label, piece[id_], Sure.LOW if loose else sure, note))

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
        for number, (part_name, value) in enumerate(pairs):
            piece = {
                "name": Entry(part_name, part_name, name.place),
                "target": Entry(value.text, value.text, target.place),
            }
            if standard is not None:
                text = standards[number].text  # type: ignore[union-attr]
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
        sign = _SIGNS.get(folded(sign), "?")
        if sign == "?" or (not number and (sign or measure)):
            return None
        place = next((cells[i].place for i in ("target", "sign", "measure") if i in cells), None)
        apart = any(head.id in ("sign", "measure") for head in self.heads)
        if not self.edition[self.kind].indicators.has("number"):
            text = compose(sign, number, measure)
            note = "由几格合成" if apart and text else ""
            return ({"target": Entry(text, text, place)}, {"target": note}) if text else ({}, {})
        parts = (sign, number, measure) if apart else value_columns(number)
        named = dict(zip(("sign", "number", "measure"), parts, strict=True))
        entries = {
            i: Entry(text, text, cells[i].place if i in cells else place)
            for i, text in named.items()
            if text
        }
        return entries, {} if apart else dict.fromkeys(entries, "由一格拆开")
