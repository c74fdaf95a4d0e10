"""The fields of one form found in rows of cells by their labels; its indicators are `tables.py`'s.

Every cell of the form ends up as a label, in a value, or in the list of what was not imported: what
nobody has accounted for when the rows are through is listed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from xltool.editions.declaration import Field
from xltool.files.table_habits import folded
from xltool.importing.labels import Labels, Match, year_line
from xltool.importing.money_scope import MoneyScope
from xltool.importing.record import ImportedValue, Leftover, Sure
from xltool.importing.rows import FormCell, FormRow, tidy_text
from xltool.importing.tables import IndicatorTable
from xltool.model import Entry, Form, Place
from xltool.money import plain, read_amount

_BLANKS = {"", "/", "／", "—", "——", "-", "－", "无"}
_STAMP = re.compile(r"^[（(]?(?:盖章|公章|签章|签字|单位盖章)[)）]?$")
_FURTHER = re.compile(r"\s(?P<label>[^\s:：]{2,20})\s*[:：]")
_LINE = 200  # characters of a line that may hold several labels
_THIS_YEAR = re.compile(r"年度|当年|本年")
_CODED_UNIT = re.compile(r"^[\[【(（]?(?P<code>\d{3,20})[\]】)）]?[-—_\s]*(?P<name>\D.{2,})$", re.S)
_BOXES = "□☑☒√✓✔■R"
_WHOSE = re.compile(r"^单\s*位\s*[:：]\s*")
_ONLY_GOAL = "绩效目标"
_ORGAN = re.compile(
    r"(?:局|委|委员会|办|办公室|厅|处|院|所|站|校|学|中心|政府|会|馆|队|团|部|社|署|园|场|室)$"
)
_COMPANY = re.compile(r"公司|企业|合作社|厂$|商行")
_HEAD = re.compile(r"^(?!\D{0,2}\d+(?:\.\d+)?$).{1,14}$")
_YEAR_HEAD = re.compile(r"^(?:本年|当年|本年度|年度)(?:度)?\D{0,4}(?:预算|资金|金额|安排|申请)")


class FormReader:
    """Reads the rows of one form.
    `form` is the result; `values` and `leftovers` say how it came about."""

    def __init__(self, kind: str, labels: Labels, unit: str = "", split: bool = False) -> None:
        self.kind, self.edition, self.labels = kind, labels.edition, labels
        self.spec = self.edition[kind]
        self.scope = MoneyScope(self.edition.unit, unit)
        self.code = ""
        self.entries: dict[str, Entry] = {}
        self.sources: list[tuple[str, Entry, Sure, str]] = []
        self.leftovers: list[Leftover] = []
        self.table = IndicatorTable(kind, self.edition, labels, split)
        self.halves: dict[str, int] = {}
        self.inline_amounts = False
        self.below: list[tuple[Match, FormCell]] = []
        self.performer: tuple[str, str, Place] | None = None  # who carries the project out
        self.goal: tuple[str, Place] | None = None  # a goal that doesn't say of which time
        self.whole_life: int | None = None  # columns before this one hold the whole life's money
        self.year_column: FormCell | None = None  # the head over this year's amounts
        self.accounted: set[int] = set()
        self.lines: dict[Place | None, str] = {}  # what stands in the row of each place

    def titled(self, year: int, place: Place) -> None:
        """The year that the form's title names."""
        self._keep(self.spec["year"], Entry(year, str(year), place), Sure.HIGH, "")
        self.table.year = year

    def told(self, field_id: str, value: str | int, place: Place) -> None:
        """An answer given by the one who imports, where the form itself has none."""
        if field_id not in self.entries:
            self._keep(
                self.spec[field_id], Entry(value, str(value), place), Sure.HIGH, "命令行给定"
            )

    def read(self, rows: Sequence[FormRow], title_at: int | None = None) -> None:
        """Take in the rows of one form;
        those above its title, or its first label, are none of it."""
        rows = self._without_units(rows)
        for row in rows:
            line = " | ".join(" ".join(cell.text.split()) for cell in row.filled)
            self.lines.update((cell.place, line) for cell in row.filled)
        recognised = [index for index, row in enumerate(rows) if self._recognised(row)]
        first, last = (recognised[0], recognised[-1]) if recognised else (0, len(rows))
        begins = first if title_at is None else min(first, title_at)
        for i, row in enumerate(rows):
            if i < first:
                self._heading(row)
            if not row.filled:
                self._pass_units(row.cells)
                continue
            if row.scattered:
                self.below = []
                self.table.block = None  # nothing below may pass for the category above
                self._leave_row(row, "没有认出这是哪一栏的值")
                continue
            if self.table.takes(row, self._field_row(row)):
                self.below = []
                self._account(*row.cells)
                continue
            self._row(row)
        self.table.finish()
        self.leftovers += self.table.leftovers
        self._list_the_rest(rows, begins, last)
        self._unit_name()
        order = {
            c.place: number for number, c in enumerate(cell for row in rows for cell in row.cells)
        }
        self.leftovers.sort(key=lambda left: order.get(left.place, 0))

    def _without_units(self, rows: Sequence[FormRow]) -> list[FormRow]:
        """The rows with stated units of money taken out, but for those of the indicator table."""
        cleaned_rows, inside = [], False
        for row in rows:
            if self.table.is_head(row):
                inside = True
            elif inside and row.filled and self._field_row(row):
                inside = False
            cleaned_rows.append(row if inside else self._labels_apart(self.scope.taken_out(row)))
        return cleaned_rows

    def _labels_apart(self, row: FormRow) -> FormRow:
        """Two labels with their answers in one cell (`填报单位：某局    填表人：某某`) as two cells."""
        cells: list[FormCell] = []
        for cell in row.cells:
            match = self.labels.match(self.kind, cell.text) if len(cell.text) < _LINE else None
            if match is None or match.inline is None:
                cells.append(cell)
                continue
            start = 0
            for further in _FURTHER.finditer(cell.text):
                before = cell.text[start : further.start()]
                inner = self.labels.match(self.kind, further["label"])
                if inner and inner.asks and self.labels.match(self.kind, before):
                    cells.append(replace(cell, text=before.strip()))
                    start = further.start("label")
            cells.append(replace(cell, text=cell.text[start:].strip()) if start else cell)
        return replace(row, cells=tuple(cells))

    @property
    def unit(self) -> str:
        """The unit of money that holds at the end of the form."""
        return self.scope.near

    @property
    def form(self) -> Form:
        return Form(
            self.kind, dict(self.entries), tuple(self.table.indicators), sheet=self.spec.sheet
        )

    def values(self) -> list[ImportedValue]:
        """Every imported value with its source, fields first."""
        project = str(self.entries["project"].value) if "project" in self.entries else ""
        fields = [(self.spec[id_].label, e, sure, note) for id_, e, sure, note in self.sources]
        return [
            ImportedValue(
                self.spec.title,
                project,
                label,
                entry.text,
                entry.place or Place("", ""),
                sure,
                note,
                value=self._became(entry),
                source=self.lines.get(entry.place, entry.text),
            )
            for label, entry, sure, note in (*fields, *self.table.sources)
        ]

    def _became(self, entry: Entry) -> str:
        """What an answer became, an amount with its unit."""
        if isinstance(entry.value, Decimal):
            return f"{plain(entry.value)}{self.edition.unit}"
        return entry.said

    def _account(self, *cells: FormCell) -> None:
        self.accounted.update(id(cell) for cell in cells)

    def _leave(self, place: Place, text: str, reason: str) -> None:
        self.leftovers.append(Leftover(place, text, reason))

    def _leave_row(self, row: FormRow, reason: str) -> None:
        rest = [cell for cell in row.filled if id(cell) not in self.accounted]
        rest = [c for c in rest if not c.text.startswith(self.labels.hints)]
        self._account(*rest)
        if rest:
            text = " | ".join(tidy_text(c.text) for c in rest)
            self._leave(rest[0].place, text, reason)

    def _list_the_rest(self, rows: Sequence[FormRow], first: int, last: int) -> None:
        """What no label, value or list entry has accounted for;
        lines around the form are none of it."""
        last = max([last, *(index for index, row in enumerate(rows) if row.table and row.filled)])
        for i, row in enumerate(rows):
            outside = row.table == 0 or (row.loose and i < first)
            if outside and not first <= i <= last and not self._speaks_of_forms(row):
                continue
            self._leave_row(row, "没有认出这是哪一栏的值")

    def _speaks_of_forms(self, row: FormRow) -> bool:
        """Text beside the form with the form's words in it: a table that has lost its cells."""
        text = folded("".join(cell.text for cell in row.filled))
        form_words = [word for word in self.labels.words if word in text]
        longest = [
            word
            for word in form_words
            if not any(word in other for other in form_words if word != other)
        ]
        return len(longest) > 3

    def _recognised(self, row: FormRow) -> bool:
        """A word of this form, or of the other one."""
        return self.table.is_head(row) or any(self.labels.says(cell.text) for cell in row.filled)

    def _field_row(self, row: FormRow) -> bool:
        """The row starts with a label of a field, or with the form's tail."""
        match = self.labels.match(self.kind, row.filled[0].text)
        return match is not None and (match.asks or match.role == "half")

    def _pass_units(self, cells: Sequence[FormCell]) -> None:
        for cell in cells:
            self.scope.passed(cell.unit)

    def _heading(self, row: FormRow) -> None:
        """Above the form: a unit's name with its code before it (`207101某某法院`) says whose it is."""
        for cell in row.filled:
            text = _WHOSE.sub("", cell.text.strip())
            match = _CODED_UNIT.match(text)
            if match and _ORGAN.search(match["name"].strip()) and self.performer is None:
                self.performer = ("表头", text, cell.place)
                self._account(cell)

    def _row(self, row: FormRow) -> None:
        cells = list(row.cells)
        self._pass_units(cells)
        matches = [self.labels.match(self.kind, cell.text) for cell in cells]
        if self._beneath(cells, matches, row.loose):
            return
        self._money_columns(row, matches)
        self._goal_columns(matches)
        used: set[int] = set()
        waiting: list[tuple[Match, FormCell]] = []
        answered = False
        for i, (cell, match) in enumerate(zip(cells, matches, strict=True)):
            if match is None:
                continue
            self._account(cell)
            if match.role == "half":
                self.halves[match.id] = cell.column
            if match.role in ("section", "longterm"):
                self.scope.passed(match.unit)  # 年度预算申请（元）
            if not match.asks:
                continue
            value = self._beside(i, cells, matches, match)
            if row.loose and value is not None and value.blank:
                value = self._past_blanks(i, cells, matches, match) or value
            if value is None or value.blank:
                waiting.append((match, cell))
            else:
                answered = True
                self._account(value)
                self._take(match, cell, value, row, matches, inline=value is cell)
            if value is not None:
                used.add(next((index for index, cell in enumerate(cells) if cell is value), i))
        self.below = [] if answered else waiting
        for i, (cell, match) in enumerate(zip(cells, matches, strict=True)):
            if match is None and i not in used and not cell.blank:
                self._unlabelled(cell, matches)

    def _money_columns(self, row: FormRow, matches: Sequence[Match | None]) -> None:
        """Heads over columns of amounts (上年度安排资金 · 本年度申请资金), and whole-life money's columns."""
        both = list(zip(row.cells, matches, strict=True))
        if any(m is not None and m.role == "field" and not self._is_amount(m) for _, m in both):
            self.year_column = None
        heads = [c for c, m in both if m is None and not c.blank]
        if not row.loose and not any(m and m.role not in ("section", "known") for _, m in both):
            this = [head for head in heads if _YEAR_HEAD.search(folded(head.text))]
            if (
                len(heads) > 1
                and len(this) == 1
                and all(_HEAD.search(folded(head.text)) for head in heads)
            ):
                self.year_column = this[0]
        if any(m is not None and m.role == "whole_life" for _, m in both):
            this = [
                c for c, m in both if m and self._money(m) and _THIS_YEAR.search(folded(c.text))
            ]
            self.whole_life = this[0].column if this else 10_000
        elif not any(match and self._money(match) for match in matches):
            self.whole_life = None

    def _goal_columns(self, matches: Sequence[Match | None]) -> None:
        """The whole period's goal and the year's side by side: so are their indicators below."""
        goals = [
            match.id
            for match in matches
            if match is not None and match.id in ("period_goal", "annual_goal")
        ]
        if sorted(goals) == ["annual_goal", "period_goal"]:
            self.table.annual_last = goals[1] == "annual_goal"

    def _money(self, match: Match) -> bool:
        """The label of an amount, imported or not."""
        return self._is_amount(match) or (match.role == "known" and match.money)

    def _beside(
        self, i: int, cells: list[FormCell], matches: list[Match | None], match: Match
    ) -> FormCell | None:
        """The cell that answers the label: itself behind the colon, or its right neighbour."""
        cell = cells[i]
        is_amount = self._is_amount(match)
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
        under = self.year_column
        if under is not None and is_amount:
            return next(
                (
                    cell
                    for cell in cells[i + 1 :]
                    if cell.column < under.end and under.column < cell.end
                ),
                None,
            )
        return cells[i + 1]

    def _past_blanks(
        self, i: int, cells: list[FormCell], matches: list[Match | None], match: Match
    ) -> FormCell | None:
        """In running text merged cells are blank ones:
        the only text before the next label answers."""
        end = next((j for j in range(i + 1, len(cells)) if matches[j] is not None), len(cells))
        filled = [cell for cell in cells[i + 1 : end] if not cell.blank]
        if len(filled) != 1 or (self._is_amount(match) and read_amount(filled[0].text) is None):
            return None
        return filled[0]

    def _beneath(self, cells: list[FormCell], matches: list[Match | None], loose: bool) -> bool:
        """A row of answers under a row of labels (总体目标 · 年度目标)."""
        waiting, self.below = self.below, []
        filled = [cell for cell in cells if not cell.blank]
        if not waiting or any(match is not None for match in matches) or not filled:
            return False
        pairs = [
            (match, cell, label)
            for cell in filled
            for match, label in waiting
            if label.column == cell.column and label.width == cell.width
        ]
        if len(waiting) == len(filled) and loose:
            pairs = [(m, cell, label) for (m, label), cell in zip(waiting, filled, strict=True)]
        if len(pairs) != len(filled) or any(self._is_amount(m) for m, _, _ in pairs):
            return False
        for match, cell, label in pairs:
            self._account(cell)
            row = FormRow(tuple(cells), loose=loose)
            self._take(match, label, cell, row, matches, beneath=True)
        return True

    def _is_amount(self, match: Match) -> bool:
        return match.role == "field" and self.spec[match.id].kind == "amount"

    def _take(
        self,
        match: Match,
        label: FormCell,
        cell: FormCell,
        row: FormRow,
        matches: Sequence[Match | None],
        inline: bool = False,
        beneath: bool = False,
    ) -> None:
        text = tidy_text(match.inline or "" if inline else cell.text)
        if match.role == "private":
            self._leave(cell.place, "", f"{match.id}：个人信息，不导入")
            return
        if match.role == "tail" and _STAMP.match(folded(text)):
            return
        if match.role == "whole_life" or self._of_whole_life(match, label, row, matches):
            shown = self.spec[match.id].label if match.role == "field" else match.id
            self._leave(cell.place, text, f"“{shown}”：项目全周期的金额，不是本年度的")
            return
        if match.role in ("known", "tail"):
            if match.performer and self.performer is None:
                self.performer = (match.id, text, cell.place)
            elif match.id == _ONLY_GOAL and self.goal is None and self.kind == "project":
                self.goal = (text, cell.place)
            else:
                self._leave(cell.place, text, self._no_field(match.id))
            return
        if match.role == "field" and (self.labels.exact(text) or year_line(text)):
            self._leave(cell.place, text, f"“{self.spec[match.id].label}”后面不是它的值")
            return
        if self._is_amount(match) and self._two_amounts(cell, row, matches):
            reason = f"“{self.spec[match.id].label}”：后面有几个金额，分不清哪一个是本年度的"
            self._leave(cell.place, text, reason)
            return
        sure = Sure.HIGH if match.official and not inline and not beneath else Sure.MEDIUM
        self._set(
            self.spec[match.id], text, cell.place, Sure.LOW if row.loose else sure, match.unit
        )

    def _no_field(self, label: str) -> str:
        return f"“{label}”：版式“{self.edition.id}”没有这一栏"

    def _of_whole_life(
        self, match: Match, label: FormCell, row: FormRow, matches: Sequence[Match | None]
    ) -> bool:
        """An amount in the columns under 项目资金总额, beside those of the year."""
        if self.whole_life is None or not self._money(match):
            return False
        if _THIS_YEAR.search(folded(label.text)):
            return False
        if not row.loose:
            return label.column < self.whole_life
        # Columns of running text are shifted: of two amounts the first is the whole life's.
        amounts = [c for c, m in zip(row.cells, matches, strict=True) if m and self._money(m)]
        return len(amounts) < 2 or label is amounts[0]

    def _two_amounts(self, cell: FormCell, row: FormRow, matches: Sequence[Match | None]) -> bool:
        """A second amount stands right behind the first, and no head says whose it is."""
        if self.year_column is not None:
            return False
        at = next((index for index, c in enumerate(row.cells) if c is cell), None)
        if at is None or at + 1 >= len(row.cells) or matches[at] is not None:
            return False
        border = self.halves.get("spending")
        after = row.cells[at + 1]
        if border is not None and cell.column < border <= after.column:
            return False
        return matches[at + 1] is None and read_amount(after.text) is not None

    def _set(self, spec: Field, text: str, place: Place, sure: Sure, unit: str) -> None:
        if spec.kind == "text" and "□" in text:
            chosen = _ticked(text)
            if chosen is None:
                self._leave(place, text, f"“{spec.label}”：看不出勾的是哪一项")
            else:
                self._keep(spec, Entry(chosen, text, place), Sure.LOW, f"勾选的是“{chosen}”")
            return
        if spec.kind != "amount":
            if re.search(r"\w", text.strip(" …*×X")) and self.edition.placeholder != text:
                self._keep(spec, self._worded(spec, text, place), sure, "")
            return
        if text in _BLANKS:
            return
        got = self.scope.amount(text, unit)
        if isinstance(got, str):
            self._leave(place, text, f"“{spec.label}”：{got}")
            return
        value, note, certain = got
        self._keep(spec, Entry(value, text, place), sure if certain else Sure.LOW, note)

    def _worded(self, spec: Field, text: str, place: Place) -> Entry:
        """A text as answered; a unit's code before its name (`207101某某局`) is kept apart."""
        match = _CODED_UNIT.match(text) if spec.kind == "unit" else None
        if match is None or spec.id not in ("unit", "filer"):
            return Entry(text, text, place)
        self.code = self.code or match["code"]
        return Entry(match["name"].strip(), text, place)

    def _keep(self, spec: Field, entry: Entry, sure: Sure, note: str) -> None:
        held = self.entries.get(spec.id)
        if held is None:
            self.entries[spec.id] = entry
            self.sources.append((spec.id, entry, sure, note))
        elif held.value != entry.value and entry.place is not None:
            reason = f"“{spec.label}”又出现一次，与 {held.place} 的“{held.text}”不同，只导入前一个"
            self._leave(entry.place, entry.text, reason)

    def _unlabelled(self, cell: FormCell, matches: Sequence[Match | None]) -> None:
        """A cell without a label: the lone amount on the spending side, or not accounted for."""
        border = self.halves.get("spending")
        if border is None or cell.column < border:
            return
        row_fields = {match.id for match in matches if match is not None and match.role == "field"}
        for id_, neighbour in self.labels.beside.items():
            if neighbour in row_fields and id_ in self.spec and read_amount(cell.text):
                self._account(cell)
                self._set(self.spec[id_], tidy_text(cell.text), cell.place, Sure.MEDIUM, "")
                return

    def _unit_name(self) -> None:
        """填报单位 repeats the unit's name: it fills in where the name itself is missing."""
        for spec in self.spec.field:
            entry = self.entries.get(spec.id)
            if not spec.same_as or entry is None:
                continue
            target = self.spec[spec.same_as]
            del self.entries[spec.id]
            self.sources = [source for source in self.sources if source[0] != spec.id]
            if target.id in self.entries:
                self._keep(target, entry, Sure.MEDIUM, "")
            else:
                self._keep(target, entry, Sure.MEDIUM, f"取自“{spec.label}”")
        self._performing_unit()
        self._only_goal()

    def _only_goal(self) -> None:
        """A project's one goal, of which the form doesn't say more, is the year's."""
        if self.goal is None:
            return
        text, place = self.goal
        if {"annual_goal", "period_goal"} & set(self.entries) or "annual_goal" not in self.spec:
            self._leave(place, text, self._no_field(_ONLY_GOAL))
        else:
            note = f"表上只有“{_ONLY_GOAL}”一栏，当作本年度的"
            self._keep(self.spec["annual_goal"], Entry(text, text, place), Sure.LOW, note)

    def _performing_unit(self) -> None:
        """Who carries the project out, or heads the page,
        is the unit where nothing else says it."""
        if self.performer is None:
            return
        label, text, place = self.performer
        spec = self.spec["unit"]
        if "unit" in self.entries or _COMPANY.search(text):
            if label != "表头" and text != self.entries.get("unit", Entry()).text:
                self._leave(place, text, self._no_field(label))
            return
        self._keep(spec, self._worded(spec, text, place), Sure.LOW, f"取自“{label}”")

    @property
    def empty(self) -> bool:
        return not self.table.indicators and not (set(self.entries) - {"year"})


def _ticked(text: str) -> str | None:
    """The one option that is ticked (`新增项目□ 延续项目☑`); None where none is, or more."""
    behind = re.findall(rf"([^\s{_BOXES}]+)\s*([{_BOXES}])", text)
    before = [
        (option, box) for box, option in re.findall(rf"([{_BOXES}])\s*([^\s{_BOXES}]+)", text)
    ]
    pairs = before if text.strip()[:1] in _BOXES else behind
    chosen = [option for option, box in pairs if box != "□"]
    return chosen[0] if len(chosen) == 1 and len(pairs) > 1 else None
