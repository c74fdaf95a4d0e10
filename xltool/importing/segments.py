"""Rows → the forms among them: where each begins, which kind it is, and what is no such form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from xltool.files.table_habits import folded
from xltool.importing.labels import Labels, money_unit, year_line, year_of
from xltool.importing.lists import lists_apart
from xltool.importing.rows import FormCell, FormRow
from xltool.model import Place

_IDENTITY = {"department": "unit", "project": "project"}
_BESIDE_TITLE = re.compile(r"^(?:附件|附表|附|表)\s*[\d一二三四五六七八九十]*[-—\d]*[:：]?$")
_SELF_EVALUATION = "绩效自评表"
_LONG = 200  # characters of another form's text that are listed


@dataclass
class Segment:
    """The rows of one form, its kind and year as its title says;
    `other` is the title of another form."""

    kind: str | None = None
    year: int | None = None
    year_place: Place | None = None
    rows: list[FormRow] = field(default_factory=list)
    started: bool = False
    identified: bool = False
    heads: bool = False
    other: str = ""
    title_at: int | None = None  # how many rows stand above the title
    follows: bool = False  # the form before it goes on: what that one stated holds here too

    @property
    def place(self) -> Place:
        return next((cell.place for row in self.rows for cell in row.filled), Place("", ""))

    @property
    def tabular(self) -> bool:
        """It holds rows of a table, not running text alone."""
        return any(row.table and len(row.filled) > 1 for row in self.rows)

    def text(self) -> str:
        """The beginning of what stands in it."""
        whole = " | ".join(" ".join(cell.text.split()) for row in self.rows for cell in row.filled)
        return whole if len(whole) <= _LONG else f"{whole[:_LONG]}……（共 {len(whole)} 字）"


def segments(rows: Sequence[FormRow], labels: Labels) -> list[Segment]:
    """The forms in reading order, each with its rows;
    what stands before the first is a segment too."""
    parts = [Segment()]
    page = ""
    for row in _readable(rows, labels):
        if row.page != page:
            page = row.page
            _turn_page(page, parts, labels)
        now = parts[-1]
        if row.begins:
            if not now.other:
                now = _begun(row.begins, parts)
            now.rows.append(row)
            continue
        if not now.started and _stands_beside_title(row):
            continue
        title = _title_cell(row)
        if title and _titled(row, title, parts, labels):
            continue
        if title and not now.started and (year := year_line(title.text)):
            now.year, now.year_place = year, title.place
            continue
        now = _within(row, now, parts, labels)
        now.rows.append(row)
    for segment in parts:
        if not segment.other and _evaluates(segment.rows, labels):
            segment.other = _SELF_EVALUATION
        segment.kind = segment.kind or kind_of(segment.rows, labels)
    return [part for part in parts if part.rows]


def _readable(rows: Sequence[FormRow], labels: Labels) -> Iterator[FormRow]:
    """The rows, lists and lines that share one taken apart."""
    for whole in lists_apart(rows, labels):
        for row in _lines_apart(whole, labels):
            if not row.unread:
                yield row


def _turn_page(page: str, parts: list[Segment], labels: Labels) -> None:
    """A sheet of a workbook never goes on with the form of the sheet before;
    its name may say what it is."""
    if parts[-1].rows:
        parts.append(Segment())
    now = parts[-1]
    now.kind = labels.title(page)
    now.other = "" if now.kind or not labels.other_title(page) else page


def _begun(kind: str, parts: list[Segment]) -> Segment:
    """The segment of a row that begins a form of this kind:
    the current one, unless that has begun already."""
    now = parts[-1]
    if now.identified:
        now = Segment(kind, now.year, now.year_place, follows=True)
        parts.append(now)
    now.kind, now.started, now.identified = kind, True, True
    return now


def _stands_beside_title(row: FormRow) -> bool:
    """Whether the row says nothing but 附件1 or the like."""
    return len(row.filled) == 1 and bool(_BESIDE_TITLE.match(folded(row.filled[0].text)))


def _titled(row: FormRow, title: FormCell, parts: list[Segment], labels: Labels) -> bool:
    """Whether `title` is the title of a form, ours or another:
    that one then is the current segment."""
    kind, other = labels.title(title.text), labels.other_title(title.text)
    if not (kind or other):
        return False
    now = parts[-1]
    if now.started or now.heads or now.other or other:
        parts.append(now := Segment())
    now.kind, now.other = kind, "" if kind else title.text.strip()
    now.title_at = len(now.rows)
    if (year := year_of(title.text)) is not None:
        now.year, now.year_place = year, title.place
    if other or len(row.filled) > 1:
        now.rows.append(row)
    return True


def _within(row: FormRow, now: Segment, parts: list[Segment], labels: Labels) -> Segment:
    """The segment that a row without a title belongs to: the current one, or one that it begins."""
    if now.other:
        return now
    ids = _fields(row, now.kind, labels)
    if now.kind == "department" and now.heads and _begins_project(row, labels):
        now = Segment("project", now.year, now.year_place, follows=True)
        parts.append(now)
        ids = _fields(row, now.kind, labels)
    identity = _IDENTITY.get(now.kind or "project", "") in ids
    if identity and now.identified and now.heads:
        now = Segment(now.kind, now.year, now.year_place, follows=True)
        parts.append(now)
    now.identified |= identity
    now.started |= bool(ids)
    now.heads |= any(labels.head(cell.text) for cell in row.filled)
    return now


def _lines_apart(row: FormRow, labels: Labels) -> Iterator[FormRow]:
    """A title and the lines below it, where they stand in one cell: `…绩效目标表⏎（2024年度）`."""
    filled = row.filled
    lines = filled[0].text.split("\n") if len(filled) == 1 else []
    if len(lines) < 2 or labels.title(filled[0].text) or not any(map(labels.title, lines)):
        yield row
        return
    cell = filled[0]
    for line in lines:
        if line.strip():
            part = FormCell(line, cell.column, cell.place, cell.width)
            yield FormRow((part,), row.table, row.loose, row.page)


def _accompanies_title(text: str) -> bool:
    """附件2, or a unit of money and nothing else."""
    if _BESIDE_TITLE.match(folded(text)):
        return True
    unit, others = money_unit(text)
    return bool(unit) and not others


def _title_cell(row: FormRow) -> FormCell | None:
    """The cell that may be a title: alone in its row but for 附件2, a unit of money, the year."""
    rest = [cell for cell in row.filled if not _accompanies_title(cell.text)]
    if len(rest) > 1:
        rest = [c for c in rest if not year_line(c.text)]
    return rest[0] if len(rest) == 1 else None


def _begins_project(row: FormRow, labels: Labels) -> bool:
    """A row that begins with the project's name, after a whole department form."""
    match = labels.match("project", row.filled[0].text) if row.filled else None
    return match is not None and match.role == "field" and match.id in labels.decisive["project"]


def _fields(row: FormRow, kind: str | None, labels: Labels) -> set[str]:
    kinds = (kind,) if kind else ("department", "project")
    matches = [labels.match(kind, cell.text) for cell in row.filled for kind in kinds]
    return {match.id for match in matches if match is not None and match.role == "field"}


def kind_of(rows: Sequence[FormRow], labels: Labels) -> str | None:
    """Which form rows without a title are: told by a field that only one of the forms has."""
    for kind in ("project", "department"):
        field_ids = {id_ for row in rows for id_ in _fields(row, kind, labels)}
        if field_ids & set(labels.decisive[kind]) and len(field_ids) > 1:
            return kind
    return None


def _evaluates(rows: Sequence[FormRow], labels: Labels) -> bool:
    """Its indicator table has columns for what came of it (完成值, 得分): a self-evaluation."""
    for row in rows:
        ids = {h[0] for cell in row.filled if (h := labels.head(cell.text))}
        if len(ids & {"level1", "level2", "name"}) > 1 and any(
            labels.outcome(cell.text) for cell in row.filled
        ):
            return True
    return False
