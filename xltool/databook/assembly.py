"""Drafts of filings, and every problem met on the way; a unit with an error is held back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from xltool.databook.answers import Cell, Record, answer
from xltool.databook.columns import Column
from xltool.databook.problems import Problem, problem
from xltool.edition import Block, Edition, FormSpec
from xltool.model import Entry, Filing, Form, Indicator, Place, Severity


@dataclass
class ProjectDraft:
    entries: Mapping[str, Entry]
    sheet: str
    indicators: list[Indicator] = field(default_factory=list)


@dataclass
class Draft:
    """One unit on its way to a filing."""

    code: str
    entries: Mapping[str, Entry]
    sheet: str
    indicators: list[Indicator] = field(default_factory=list)
    projects: list[ProjectDraft] = field(default_factory=list)

    def filing(self, edition: Edition, source: str) -> Filing:
        """The filing, with the answers that a data book does not repeat."""
        department = complete(edition.department, self.entries, self.entries)
        first = _form(edition.department, department, self)
        projects = (
            _form(edition.project, complete(edition.project, one.entries, department), one)
            for one in self.projects
        )
        return Filing(edition.id, first, tuple(projects), self.code, source)

    def project(self, name: str) -> ProjectDraft | None:
        return next((p for p in self.projects if str(p.entries["project"].value).strip() == name), None)


def _form(spec: FormSpec, entries: Mapping[str, Entry], draft: Draft | ProjectDraft) -> Form:
    return Form(spec.id, entries, in_order(spec, draft.indicators), draft.sheet)


def complete(
    spec: FormSpec, entries: Mapping[str, Entry], department: Mapping[str, Entry]
) -> dict[str, Entry]:
    """All fields of a form in its own order, the derived ones repeated from where they stand."""
    own = {f.id: department[f.id] if f.from_department else entries.get(f.id, Entry()) for f in spec.field}
    return {f.id: own[f.same_as or f.id] for f in spec.field}


def in_order(spec: FormSpec, indicators: Iterable[Indicator]) -> tuple[Indicator, ...]:
    """Indicators category by category, as the form shows them."""
    order = {block.id: n for n, block in enumerate(spec.indicators.block)}
    return tuple(sorted(indicators, key=lambda one: order[one.block]))


@dataclass
class Assembly:
    """Gathers drafts and problems. A unit with an error is `spoilt`; `""` spoils all of them."""

    edition: Edition
    file: str
    problems: list[Problem] = field(default_factory=list)
    drafts: dict[str, Draft] = field(default_factory=dict)
    spoilt: set[str] = field(default_factory=set)

    def report(self, code: str, message: str, at: Cell | Place | None, unit: str | None, **more: str) -> None:
        """Note a problem of this unit, of all units (`""`), or of none in particular (None)."""
        place = at.place if isinstance(at, Cell) else at
        one = problem(code, message, file=self.file, place=place, unit=unit or "", **more)
        self.problems.append(one)
        if one.severity is Severity.ERROR and unit is not None:
            self.spoilt.add(unit)

    def read(self, cell: Cell, column: Column, unit: str) -> Entry:
        """One answer; what there is to say about it is reported."""
        got = answer(cell, column.kind, self.edition)
        for code, message, expected in got.remarks:
            said = f"“{column.label}”：{message}"
            self.report(code, said, cell, unit, field=column.id, found=cell.text[:200], expected=expected)
        return got.entry

    def indicator(
        self, spec: FormSpec, block: Block, columns: Iterable[Column], record: Record, unit: str
    ) -> Indicator:
        """One indicator of this form; what the form has no column for is said."""
        own = {c.id for c in spec.indicators.column}
        entries = {}
        for column in columns:
            cell = record[column.id]
            if column.id in own:
                entries[column.id] = self.read(cell, column, unit)
            elif not cell.blank:
                said = f"{spec.title}没有“{column.label}”一栏，“{cell.text[:40]}”不会填入"
                self.report("B103", said, cell, unit, field=column.id, found=cell.text[:200])
        return Indicator(block.id, entries)

    def filings(self) -> list[Filing]:
        """The units without an error."""
        if "" in self.spoilt:
            return []
        good = (draft for unit, draft in self.drafts.items() if unit not in self.spoilt)
        return [draft.filing(self.edition, self.file) for draft in good]
