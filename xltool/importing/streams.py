"""A stream of cells without rows, as running text leaves them,
parted into rows by the labels among them.

Where it is not certain which cells answer which label, they are given as a scattered row: listed,
not imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from xltool.files.table_habits import folded
from xltool.importing.labels import Labels, lone_unit, money_unit, year_line
from xltool.importing.rows import FormCell, FormRow
from xltool.model import Place
from xltool.money import read_amount

TextLine = tuple[int, str]

_KINDS = ("project", "department")
_RUNNING = re.compile(r"[，。；：、,;:\d]|^(?:目标|[一二三四五六七八九十]+是)")
_ENUMERATED = re.compile(r"^\s*(?:目标\s*)?[(（]?[1一][)）.、．:：]")
_LONGEST_LABEL = 4  # pieces that one label may be broken into
_BARE_VALUE = re.compile(r"^[≥≤=＞＜<>≧≦]?\s*\d+(\.\d+)?\s*\S{0,3}$")
_VALUE = re.compile(
    r"^[≥≤=＞＜<>≧≦]|\d|^(?:优|良|好|是|否|显著|持续|稳步|有效|不断|长期|明显|基本|全部|按时|及时|定性)"
    r"|^.{0,3}(?:提升|提高|改善|增强|健全|完善|保障|促进|达标|合格|满意|及时|良好|优秀|到位|完成|降低|减少"
    r"|稳定|较好|规范|充分|合理|增加|通过|无)$"
)


def text_row(
    pieces: Iterable[TextLine], table: int = 1, loose: bool = True, scattered: bool = False
) -> FormRow:
    """A row of running text; each cell is placed by its line."""
    cells = (
        FormCell(text, index, Place("正文", f"第{line}行"))
        for index, (line, text) in enumerate(pieces)
    )
    return FormRow(tuple(cells), table, loose, scattered=scattered)


def joined_labels(cells: Sequence[TextLine | None], labels: Labels) -> list[TextLine | None]:
    """The cells with the labels that a narrow column has broken put together: 年度本级 · 预算金额."""
    joined: list[TextLine | None] = []
    at = 0
    while at < len(cells):
        cell, taken = cells[at], 1
        if cell is not None and len(cell[1]) <= 20:
            for count in range(_LONGEST_LABEL, 1, -1):
                group = [cell for cell in cells[at : at + count] if cell is not None and cell[1]]
                if len(group) == count and _one_label([c[1] for c in group], labels):
                    cell, taken = (cell[0], "".join(c[1] for c in group)), count
                    break
        # Written downwards, a character a line, it heads what stands beside it and asks for
        # nothing.
        downwards = cell is not None and taken > 2 and len(cell[1]) == taken
        joined += [None, cell, None] if downwards else [cell]
        at += taken
    return joined


def _one_label(pieces: list[str], labels: Labels) -> bool:
    """Together a label, and not a row of labels that each stand for themselves."""
    whole = "".join(pieces)
    return len(whole) <= 30 and labels.exact(whole) and not all(map(labels.says, pieces))


def is_label(text: str, labels: Labels) -> bool:
    """A label that asks for an answer: a field of either form, imported or not."""
    return any((m := labels.match(k, text)) and m.asks for k in _KINDS)


def _answered_inside(text: str, labels: Labels) -> bool:
    """Label and answer in one cell: `年度资金总额：500`."""
    return any((m := labels.match(k, text)) and m.inline for k in _KINDS)


def label_kind(text: str, labels: Labels) -> str:
    """What a label asks for: `amount`, `unit`, `text`, `period`, `long`, `private`;
    a known one is `long`."""
    for kind in _KINDS:
        match = labels.match(kind, text)
        if match is not None and match.role == "field":
            return labels.edition[kind][match.id].kind
        if match is not None and match.role in ("private", "whole_life"):
            return "private" if match.role == "private" else "amount"
        if match is not None and match.performer:
            return "unit"
        if match is not None and match.money:
            return "amount"
        if match is not None and match.id.endswith(("部门", "单位")):
            return "unit"
    return "long"


def rows_by_labels(cells: Sequence[TextLine | None], labels: Labels) -> Iterator[FormRow]:
    """A stream of cells as rows: a label begins one, heads stand together, None ends one."""
    yield from _Stream(labels).rows(joined_labels(cells, labels))


class _Stream:
    """Takes the cells one by one and gives a row as soon as it is whole."""

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.heads = 0  # how many columns the indicator table has
        self.row: list[TextLine] = []

    def rows(self, cells: Sequence[TextLine | None]) -> Iterator[FormRow]:
        labels = self.labels
        for at, cell in enumerate(cells):
            row = self.row
            if cell is None:
                yield from self._end_of_row()
                continue
            text = cell[1]
            if _alone(text, labels):
                yield from self._flush()
                yield text_row([cell])
            elif self._heading(text, cells, at):
                if row and not self._all_heads():
                    yield from self._flush()
                self.row.append(cell)
            else:
                if row and self._all_heads():
                    yield from self._flush()
                if self._ends_before(text):
                    yield from self._flush()
                self.row.append(cell)
        yield from self._flush()

    def _heading(self, text: str, cells: Sequence[TextLine | None], at: int) -> bool:
        """A head of the indicator table, or a word that stands among them."""
        if self.labels.head(text):
            return True
        after = cells[at + 1] if at + 1 < len(cells) else None
        head_count = sum(1 for _, t in self.row if self.labels.head(t))
        return (
            head_count > 1
            and after is not None
            and bool(self.labels.head(after[1]))
            and not self.labels.says(text)
        )

    def _all_heads(self) -> bool:
        return bool(self.labels.head(self.row[-1][1])) or any(
            is_section(t, self.labels) for _, t in self.row[-1:]
        )

    def _ends_before(self, text: str) -> bool:
        """A label begins a new row, but where it goes on the row's labels or category."""
        if not self.row or not self.labels.says(text) or self._goes_on(text):
            return False
        return not self._waits_for_answer() or not is_label(text, self.labels)

    def _waits_for_answer(self) -> bool:
        """Only labels so far: the answers to several labels may stand below them."""
        return all(
            is_label(t, self.labels) and not _answered_inside(t, self.labels) for _, t in self.row
        )

    def _goes_on(self, text: str) -> bool:
        """A second-level category goes on the row that its first level began."""
        return (
            len(self.row) == 1
            and bool(self.labels.first_level(self.row[0][1]))
            and bool(self.labels.block("project", text))
        )

    def _end_of_row(self) -> Iterator[FormRow]:
        row = self.row
        if row and self.heads and not self.labels.says(row[0][1]):
            yield text_row(row)
            self.row = []
        else:
            yield from self._flush()

    def _flush(self) -> Iterator[FormRow]:
        row, self.row = self.row, []
        if not row:
            return
        labels = self.labels
        heads = sum(1 for _, t in row if labels.head(t))
        if heads > 1:
            self.heads = sum(1 for _, t in row if not is_section(t, labels))
            yield text_row(row)
            return
        leading = [
            cell
            for cell in row[:2]
            if labels.first_level(cell[1]) or labels.block("project", cell[1])
        ]
        if leading:
            yield from self._indicators(leading, row[len(leading) :])
        else:
            yield from answered(row, labels, "\n")

    def _indicators(self, leading: list[TextLine], rest: list[TextLine]) -> Iterator[FormRow]:
        """The cells below one category cut into indicators, where they come out even."""
        width = max(self.heads - 2, 1)
        while rest and not rest[-1][1] and len(rest) % width:
            rest.pop()
        if len(rest) % width or not _plausible(rest, width):
            yield text_row(leading)
            if any(t for _, t in rest):
                yield text_row([cell for cell in rest if cell[1]], scattered=True)
            return
        groups = [rest[i : i + width] for i in range(0, len(rest), width)] or [[]]
        for number, group in enumerate(groups):
            yield text_row((leading if number == 0 else []) + group)


def answered(row: Sequence[TextLine], labels: Labels, between: str) -> Iterator[FormRow]:
    """Labels and the cells behind them as rows of one label and its one answer.

    `between` joins the pieces of a long answer.
    """
    asked: list[TextLine] = []
    answers: list[TextLine] = []
    for cell in row:
        if not is_label(cell[1], labels):
            answers.append(cell)
            continue
        if answers or any(_answered_inside(t, labels) for _, t in asked):
            yield from _settled(asked, answers, labels, between)
            asked, answers = [], []
        asked.append(cell)
    yield from _settled(asked, answers, labels, between)


def _settled(
    asked: list[TextLine], answers: list[TextLine], labels: Labels, between: str
) -> Iterator[FormRow]:
    kinds = [label_kind(t, labels) for _, t in asked]
    if not asked:
        yield from (text_row([cell]) for cell in answers if labels.exact(cell[1]))
        stray = [cell for cell in answers if not labels.exact(cell[1])]
        yield from [text_row(stray, scattered=True)] if stray else []
        return
    inside = _answered_inside(asked[-1][1], labels)
    goals = [number for number, kind in enumerate(kinds) if kind == "long"]
    pairs = len(asked) > 1 and goals[-2:] == [len(asked) - 2, len(asked) - 1]
    if not answers:
        yield text_row(asked)
    elif pairs and len(asked) == len(answers) == 2 and not _ENUMERATED.match(answers[0][1]):
        yield from (text_row([label, value]) for label, value in zip(asked, answers, strict=True))
    elif pairs and any(t for _, t in answers):
        yield from (text_row([label]) for label in asked)
        yield text_row(answers, scattered=True)
    else:
        yield from (text_row([label]) for label in asked[:-1])
        if inside:
            yield text_row(asked[-1:])
            yield text_row(answers, scattered=True)
        else:
            yield from _one_answer(asked[-1], answers, kinds[-1], between)


def _one_answer(
    label: TextLine, answers: list[TextLine], kind: str, between: str
) -> Iterator[FormRow]:
    """One label and the cells behind it: its answer, and what can't be told apart from it."""
    while len(answers) > 1 and not answers[-1][1]:
        answers = answers[:-1]
    count = len(answers)
    while count > 1 and len(answers[count - 1][1]) == 1 and not answers[count - 1][1].isdigit():
        count -= 1  # 绩 | 效 | 指 | 标: a heading written downwards
    if count > 1 and kind == "amount":
        amounts = [read_amount(t) is not None for _, t in answers[:2]]
        count = 1 if amounts == [True, False] or not answers[0][1] else 0
    elif count > 1 and kind == "long":
        whole = between == " " or all(len(t) >= 12 or _RUNNING.search(t) for _, t in answers)
        count = count if whole else 0
    elif count > 1 and kind == "private":
        count = min(count, 2)
    elif count > 1 and (between != " " or kind != "text" or count > 2):
        count = 0
    if count:
        text = between.join(t for _, t in answers[:count] if t)
        yield text_row([label, (answers[0][0], text)])
    else:
        yield text_row([label])
    if answers[count:]:
        yield text_row(answers[count:], scattered=True)


def _alone(text: str, labels: Labels) -> bool:
    """A line that answers nothing: a title, the year, a unit of money."""
    unit, rest = money_unit(text)
    if labels.title(text) or labels.other_title(text) or year_line(text):
        return True
    if unit and not rest:
        return True
    return "(" in folded(text) and bool(lone_unit(text))


def is_section(text: str, labels: Labels) -> bool:
    """A heading of the form's own that only divides it (资金情况, 绩效指标)."""
    match = labels.match("project", text)
    return match is not None and match.role in ("section", "longterm")


def _plausible(cells: Sequence[TextLine], width: int) -> bool:
    """Cut so, every group has a name that is no bare value, and a value that reads like one."""
    if width < 2:
        return False
    groups = [cells[i : i + width] for i in range(0, len(cells), width)]
    for group in groups:
        (_, name), *values = group
        if not name or _BARE_VALUE.match(name):
            return False
        if width == 2 and any(text and not _VALUE.search(folded(text)) for _, text in values[:1]):
            return False
    return True
