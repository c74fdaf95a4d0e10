"""Drafts of filings, and every problem met on the way; a unit with an error is held back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from xltool.databook.answers import SourceCell, SourceRecord, answer
from xltool.databook.columns import BookColumn
from xltool.databook.problems import Problem, problem
from xltool.databook.shelf import Shelf
from xltool.editions.declaration import Block, Edition, FormSpec
from xltool.files.table_habits import find_invisible, without_invisible
from xltool.model import Entry, Filing, Form, Indicator, Place, Severity


@dataclass(slots=True)
class FormDraft:
    """A form as its row gives it, and the indicators that come for it later."""

    entries: Mapping[str, Entry]
    sheet: str
    indicators: list[Indicator] = field(default_factory=list)


# What is put on the shelf for a unit: a form, or an indicator of its n-th form (the department's is
# 0).
Piece = FormDraft | tuple[int, Indicator]


@dataclass(slots=True)
class Draft:
    """One unit on its way to a filing: what a later row may ask for. The rest is on the shelf."""

    number: int
    code: str
    projects: list[str] = field(default_factory=list)  # their names, as written

    def project(self, name: str) -> int | None:
        """The number of the project's form."""
        return next(
            (number for number, project in enumerate(self.projects, 1) if project.strip() == name),
            None,
        )


def _filing(code: str, pieces: Iterable[Piece], edition: Edition, source: str) -> Filing:
    """The filing, with the answers that a data book does not repeat."""
    forms: list[FormDraft] = []
    for piece in pieces:
        if isinstance(piece, FormDraft):
            forms.append(piece)
        else:
            forms[piece[0]].indicators.append(piece[1])
    department, *projects = forms
    entries = complete(edition.department, department.entries, department.entries)
    first = None
    if not projects or not _names_only(department, edition):
        first = _form(edition.department, entries, department)
    others = (
        _form(edition.project, complete(edition.project, project.entries, entries), project)
        for project in projects
    )
    return Filing(edition.id, first, tuple(others), code, source)


def _names_only(department: FormDraft, edition: Edition) -> bool:
    """The unit's row says whose the projects are and of which year,
    and nothing of a department form."""
    answered_ids = {id_ for id_, entry in department.entries.items() if not entry.blank}
    whose = {field.id for field in edition.department.field if field.kind in ("year", "unit")}
    return not department.indicators and answered_ids <= whose


def _form(spec: FormSpec, entries: Mapping[str, Entry], draft: FormDraft) -> Form:
    return Form(spec.id, entries, in_order(spec, draft.indicators), draft.sheet)


def complete(
    spec: FormSpec, entries: Mapping[str, Entry], department: Mapping[str, Entry]
) -> dict[str, Entry]:
    """All fields of a form in its own order, the derived ones repeated from where they stand."""
    own = {
        field.id: department[field.id] if field.from_department else entries.get(field.id, Entry())
        for field in spec.field
    }
    return {field.id: own[field.same_as or field.id] for field in spec.field}


def in_order(spec: FormSpec, indicators: Iterable[Indicator]) -> tuple[Indicator, ...]:
    """Indicators category by category, as the form shows them."""
    order = {block.id: number for number, block in enumerate(spec.indicators.block)}
    return tuple(sorted(indicators, key=lambda indicator: order[indicator.block]))


@dataclass
class Assembly:
    """Gathers drafts and problems. A unit with an error is `spoilt`; `""` spoils all of them."""

    edition: Edition
    file: str
    shelf: Shelf[Piece]
    problems: list[Problem] = field(default_factory=list)
    drafts: dict[str, Draft] = field(default_factory=dict)
    spoilt: set[str] = field(default_factory=set)
    cleaned: bool = False  # invisible characters were met and said

    def open(self, unit: str, code: str, entries: Mapping[str, Entry], sheet: str) -> Draft:
        """A unit's department form begins its filing."""
        draft = self.drafts[unit] = Draft(len(self.drafts), code)
        self.shelf.put(draft.number, FormDraft(entries, sheet))
        return draft

    def project(self, draft: Draft, entries: Mapping[str, Entry], sheet: str) -> int:
        """One more project of a unit; the number of its form."""
        draft.projects.append(str(entries["project"].value))
        self.shelf.put(draft.number, FormDraft(entries, sheet))
        return len(draft.projects)

    def report(
        self, code: str, message: str, at: SourceCell | Place | None, unit: str | None, **more: str
    ) -> None:
        """Note a problem of this unit, of all units (`""`), or of none in particular (None)."""
        place = at.place if isinstance(at, SourceCell) else at
        reported = problem(code, message, file=self.file, place=place, unit=unit or "", **more)
        self.problems.append(reported)
        if reported.severity is Severity.ERROR and unit is not None:
            self.spoilt.add(unit)

    def read(self, cell: SourceCell, column: BookColumn, unit: str) -> Entry:
        """One answer; what there is to say about it is reported."""
        got = answer(cell, column.kind, self.edition)
        for code, message, expected in got.remarks:
            sentence = f"“{column.label}”：{message}"
            self.report(
                code,
                sentence,
                cell,
                unit,
                field=column.id,
                found=cell.text[:200],
                expected=expected,
            )
        return got.entry

    def seen(self, cell: SourceCell) -> SourceCell:
        """What people see of a cell; that there was more is said once."""
        if not find_invisible(cell.text):
            return cell
        if not self.cleaned:
            self.cleaned = True
            message = "有看不见的字符（多半是从网页或聊天里粘贴来的），已忽略"
            self.report("B105", message, cell, None)
        return cell._replace(text=without_invisible(cell.text))

    def indicator(
        self,
        spec: FormSpec,
        block: Block,
        columns: Iterable[BookColumn],
        record: SourceRecord,
        unit: str,
        form: int,
    ) -> None:
        """One indicator of a unit's form; what the form has no column for is said."""
        own = {column.id for column in spec.indicators.column}
        entries = {}
        for column in columns:
            cell = record[column.id]
            if column.id in own:
                entries[column.id] = self.read(cell, column, unit)
            elif not cell.blank:
                message = f"{spec.title}没有“{column.label}”一栏，“{cell.text[:40]}”不会填入"
                self.report("B103", message, cell, unit, field=column.id, found=cell.text[:200])
        self.shelf.put(self.drafts[unit].number, (form, Indicator(block.id, entries)))

    @property
    def sound(self) -> list[str]:
        """The units without an error."""
        return (
            [] if "" in self.spoilt else [unit for unit in self.drafts if unit not in self.spoilt]
        )

    def filings(self) -> Iterator[Filing]:
        """The filings of the sound units, in order, made one by one."""
        for unit in self.sound:
            draft = self.drafts[unit]
            yield _filing(draft.code, self.shelf.take(draft.number), self.edition, self.file)
