"""The fields of one form found in rows of cells by their labels; its indicators are `tables.py`'s."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xltool.editions.declaration import Field
from xltool.importing.labels import Labels, Match, money_unit
from xltool.importing.record import ImportedValue, Leftover, Sure
from xltool.importing.rows import FormCell, FormRow, tidy_text
from xltool.importing.tables import IndicatorTable
from xltool.model import Entry, Form, Place
from xltool.money import convert, plain, read_amount

_BLANKS = {"", "/", "／", "—", "——", "-", "－", "无"}


class FormReader:
    """Reads the rows of one form. `form` is the result; `values` and `leftovers` say how it came about."""

    def __init__(self, kind: str, labels: Labels, unit: str = "", split: bool = False) -> None:
        self.kind, self.edition, self.labels = kind, labels.edition, labels
        self.spec = self.edition[kind]
        self.unit = unit  # of money, as the form states it
        self.entries: dict[str, Entry] = {}
        self.sources: list[tuple[str, Entry, Sure, str]] = []
        self.leftovers: list[Leftover] = []
        self.table = IndicatorTable(kind, self.edition, labels, split)
        self.halves: dict[str, int] = {}
        self.inline_amounts = False
        self.below: list[tuple[Match, FormCell]] = []

    def titled(self, year: int, place: Place) -> None:
        """The year that the form's title names."""
        self._keep(self.spec["year"], Entry(year, str(year), place), Sure.HIGH, "")

    def told(self, field_id: str, value: str | int, place: Place) -> None:
        """An answer given by the one who imports, where the form itself has none."""
        if field_id not in self.entries:
            self._keep(
                self.spec[field_id], Entry(value, str(value), place), Sure.HIGH, "命令行给定"
            )

    def read(self, rows: Sequence[FormRow]) -> None:
        """Take in the rows of one form."""
        known = [i for i, row in enumerate(rows) if self._recognised(row)]
        first, last = (known[0], known[-1]) if known else (0, len(rows))
        for i, row in enumerate(rows):
            if not row.filled:
                continue
            if self.table.takes(row, self._field_row(row)):
                self.below = []
                continue
            # Lines of a page before and after the form say nothing about it.
            self._row(row, quiet=(row.table == 0 or row.loose) and not first <= i <= last)
        self.table.finish()
        self.leftovers += self.table.leftovers
        self._unit_name()

    @property
    def form(self) -> Form:
        return Form(
            self.kind, dict(self.entries), tuple(self.table.indicators), sheet=self.spec.sheet
        )

    def values(self) -> list[ImportedValue]:
        """Every imported value with its source, fields first."""
        project = str(self.entries["project"].value) if "project" in self.entries else ""
        found = [
            ImportedValue(
                self.spec.title,
                project,
                self.spec[id_].label,
                entry.text,
                entry.place or Place("", ""),
                sure,
                note,
            )
            for id_, entry, sure, note in self.sources
        ]
        for label, entry, sure, note in self.table.sources:
            found.append(
                ImportedValue(
                    self.spec.title,
                    project,
                    label,
                    entry.text,
                    entry.place or Place("", ""),
                    sure,
                    note,
                )
            )
        return found

    def _recognised(self, row: FormRow) -> bool:
        return any(self.labels.match(self.kind, c.text) for c in row.filled) or self.table.is_head(
            row
        )

    def _field_row(self, row: FormRow) -> bool:
        """The row starts with a label of a field, or with the form's tail."""
        match = self.labels.match(self.kind, row.filled[0].text)
        return match is not None and match.role in ("field", "known", "private", "tail", "half")

    def _row(self, row: FormRow, quiet: bool) -> None:
        cells = [self._without_unit(cell) for cell in row.cells]
        matches = [self.labels.match(self.kind, c.text) for c in cells]
        if self._beneath(cells, matches, row.loose):
            return
        used: set[int] = set()
        waiting: list[tuple[Match, FormCell]] = []
        answered = False
        for i, (cell, match) in enumerate(zip(cells, matches, strict=True)):
            if match is None:
                continue
            if match.role == "half":
                self.halves[match.id] = cell.column
            if match.role == "section" and match.unit:
                self.unit = match.unit  # 年度预算申请（元）
            if match.role not in ("field", "known", "private"):
                continue
            value = self._beside(i, cells, matches, match)
            if value is None or value.blank:
                waiting.append((match, cell))
            else:
                answered = True
                self._take(match, value, row.loose, inline=value is cell)
            if value is not None:
                used.add(next((j for j, c in enumerate(cells) if c is value), i))
        self.below = [] if answered else waiting
        for i, (cell, match) in enumerate(zip(cells, matches, strict=True)):
            if match is None and i not in used and not cell.blank:
                self._unlabelled(cell, matches, quiet)

    def _without_unit(self, cell: FormCell) -> FormCell:
        unit, rest = money_unit(cell.text)
        if not unit:
            return cell
        self.unit = unit
        return FormCell(rest, cell.column, cell.place, cell.width)

    def _beside(
        self, i: int, cells: list[FormCell], matches: list[Match | None], match: Match
    ) -> FormCell | None:
        """The cell that answers the label: itself behind the colon, or its right neighbour."""
        cell = cells[i]
        is_amount = match.role == "field" and self.spec[match.id].kind == "amount"
        if match.inline:
            self.inline_amounts |= is_amount
            return cell
        if match.inline == "" and is_amount and self.inline_amounts:
            return None  # this form writes amounts behind the colon: nothing there means blank
        if i + 1 == len(cells) or matches[i + 1] is not None:
            return None
        border = self.halves.get("spending")
        if border is not None and is_amount and cell.column < border <= cells[i + 1].column:
            return None  # the right-hand neighbour belongs to the spending side
        return cells[i + 1]

    def _beneath(self, cells: list[FormCell], matches: list[Match | None], loose: bool) -> bool:
        """A row of answers under a row of labels (总体目标 · 年度目标)."""
        waiting, self.below = self.below, []
        filled = [c for c in cells if not c.blank]
        if not waiting or any(m is not None for m in matches) or not filled:
            return False
        pairs = [
            (match, cell)
            for cell in filled
            for match, label in waiting
            if label.column == cell.column and label.width == cell.width
        ]
        if len(waiting) == len(filled) and loose:
            pairs = [(match, cell) for (match, _), cell in zip(waiting, filled, strict=True)]
        if len(pairs) != len(filled) or any(self._is_amount(m) for m, _ in pairs):
            return False
        for match, cell in pairs:
            self._take(match, cell, loose, beneath=True)
        return True

    def _is_amount(self, match: Match) -> bool:
        return match.role == "field" and self.spec[match.id].kind == "amount"

    def _take(
        self, match: Match, cell: FormCell, loose: bool, inline: bool = False, beneath: bool = False
    ) -> None:
        text = tidy_text(match.inline or "" if inline else cell.text)
        if match.role == "private":
            self.leftovers.append(Leftover(cell.place, "", f"{match.id}：个人信息，不导入"))
            return
        if match.role == "known":
            self.leftovers.append(
                Leftover(cell.place, text, f"“{match.id}”：版式“{self.edition.id}”没有这一栏")
            )
            return
        sure = Sure.HIGH if match.official and not inline and not beneath else Sure.MEDIUM
        self._set(self.spec[match.id], text, cell.place, Sure.LOW if loose else sure, match.unit)

    def _set(self, spec: Field, text: str, place: Place, sure: Sure, unit: str) -> None:
        if spec.kind != "amount":
            if text.strip(" …*×X") and self.edition.placeholder != text:
                self._keep(spec, Entry(text, text, place), sure, "")
            return
        if text in _BLANKS:
            return
        stated = unit or self.unit
        amount = read_amount(text, stated or self.edition.unit)
        if amount is None:
            self.leftovers.append(Leftover(place, text, f"“{spec.label}”：不是能认出的金额"))
            return
        value, note = convert(amount.value, stated or self.edition.unit, self.edition.unit), ""
        if not stated and not re.search(r"[元万亿]\s*$", text):
            sure, note = Sure.LOW, f"表上没有写明金额单位，按{self.edition.unit}"
        elif value != amount.value:
            note = f"原文单位{stated}，折合{plain(value)}{self.edition.unit}"
        self._keep(spec, Entry(value, text, place), sure, note)

    def _keep(self, spec: Field, entry: Entry, sure: Sure, note: str) -> None:
        held = self.entries.get(spec.id)
        if held is None:
            self.entries[spec.id] = entry
            self.sources.append((spec.id, entry, sure, note))
        elif held.value != entry.value and entry.place is not None:
            reason = f"“{spec.label}”又出现一次，与 {held.place} 的“{held.text}”不同，只导入前一个"
            self.leftovers.append(Leftover(entry.place, entry.text, reason))

    def _unlabelled(self, cell: FormCell, matches: Sequence[Match | None], quiet: bool) -> None:
        border = self.halves.get("spending")
        if border is not None and cell.column >= border:
            here = {m.id for m in matches if m is not None and m.role == "field"}
            for id_, neighbour in self.labels.beside.items():
                if neighbour in here and id_ in self.spec and read_amount(cell.text):
                    self._set(self.spec[id_], tidy_text(cell.text), cell.place, Sure.MEDIUM, "")
                    return
        if not quiet and not cell.text.startswith(self.labels.hints):
            self.leftovers.append(Leftover(cell.place, tidy_text(cell.text), "没有认出这是哪一栏"))

    def _unit_name(self) -> None:
        """填报单位 repeats the unit's name: it fills in where the name itself is missing."""
        for spec in self.spec.field:
            entry = self.entries.get(spec.id)
            if not spec.same_as or entry is None:
                continue
            target = self.spec[spec.same_as]
            del self.entries[spec.id]
            self.sources = [s for s in self.sources if s[0] != spec.id]
            if target.id in self.entries:
                self._keep(target, entry, Sure.MEDIUM, "")
            else:
                self._keep(target, entry, Sure.MEDIUM, f"取自“{spec.label}”")

    @property
    def empty(self) -> bool:
        return not self.table.indicators and not (set(self.entries) - {"year"})
