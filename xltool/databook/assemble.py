"""Tables become filings: rows by unit and project, every fault noted with its cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from xltool.databook.answers import Cell, answer
from xltool.databook.columns import LEVEL2, Column, bare, categories, nearest, tables
from xltool.databook.heads import Record, Rows
from xltool.databook.problems import Problem, problem
from xltool.databook.sources import Sheets
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


def assemble(sheets: Sheets, edition: Edition, file: str, problems: Iterable[Problem] = ()) -> Assembly:
    """Filings out of the tables 部门, 项目 and 指标; `problems` are those of the opening."""
    work = Assembly(edition, file, list(problems))
    if any(p.severity is Severity.ERROR for p in work.problems):
        work.spoilt.add("")
    known = tables(edition)
    rows = {t.name: Rows(work, t, sheets[t.name]) for t in known if t.name in sheets}
    for table, read in (
        (known.department, _departments),
        (known.project, _projects),
        (known.indicators, _indicators),
    ):
        # A later table can only be judged against those before it.
        if table.name not in rows or not rows[table.name].keyed:
            break
        read(work, rows[table.name])
    if not work.drafts and not work.problems:
        work.report("B006", f"“{known.department.name}”表里没有数据行", Place(known.department.name, ""), "")
    return work


def _departments(work: Assembly, rows: Rows) -> None:
    for record, unit in rows:
        if unit in work.drafts:
            said = f"单位“{unit}”出现两次，一个单位一行"
            work.report("B011", said, record["unit"], unit, field="unit", found=unit)
            continue
        entries = {c.id: work.read(record[c.id], c, unit) for c in rows.table.columns}
        code = entries.pop("code").text.strip()
        work.drafts[unit] = Draft(code, entries, rows.sheet.name)


def _draft(work: Assembly, record: Record, unit: str) -> Draft | None:
    if unit in work.drafts:
        return work.drafts[unit]
    near = nearest(unit, work.drafts)
    said = f"部门表里没有“{unit}”" + (f"，是不是“{near}”？" if near else "")
    work.report("B008", said, record["unit"], unit, field="unit", found=unit, expected=near)
    return None


def _projects(work: Assembly, rows: Rows) -> None:
    label = rows.table["project"].label
    for record, unit in rows:
        draft = _draft(work, record, unit)
        if draft is None:
            continue
        at, name = record["project"], record["project"].text.strip()
        if not name:
            work.report("B007", f"没有写{label}", at, unit, field="project")
        elif draft.project(name):
            said = f"项目“{name}”在“{unit}”名下出现两次，指标无从归属，请区分项目名称"
            work.report("B012", said, at, unit, field="project", found=name)
        else:
            entries = {c.id: work.read(record[c.id], c, unit) for c in rows.table.columns if c.id != "unit"}
            draft.projects.append(ProjectDraft(entries, rows.sheet.name))


def _indicators(work: Assembly, rows: Rows) -> None:
    known = {form.id: categories(form) for form in work.edition.form}
    for record, unit in rows:
        draft = _draft(work, record, unit)
        if draft is None:
            continue
        name = record["project"].text.strip()
        home = draft.project(name) if name else draft
        if home is None:
            near = nearest(name, [str(p.entries["project"].value) for p in draft.projects])
            said = f"“{unit}”没有项目“{name}”" + (f"，是不是“{near}”？" if near else "")
            work.report("B009", said, record["project"], unit, field="project", found=name, expected=near)
            continue
        spec = work.edition.project if name else work.edition.department
        block = _block(work, spec, known[spec.id], record, unit)
        if block is not None:
            home.indicators.append(work.indicator(spec, block, rows.table.content, record, unit))


def _block(
    work: Assembly, spec: FormSpec, known: Mapping[str, Block], record: Record, unit: str
) -> Block | None:
    """The category that a row names, written with or without the ending 指标."""
    level1, level2 = record["level1"], record["level2"]
    block = known.get(bare(level2.text))
    if block is None:
        labels = [b.label for b in spec.indicators.block]
        near = nearest(level2.text.strip(), labels)
        hint = f"，是不是“{near}”？" if near else f"；可填：{'、'.join(labels)}"
        what = f"没有写{LEVEL2}" if level2.blank else f"没有“{level2.text.strip()}”这个{LEVEL2}"
        said = f"{spec.title}：{what}{hint}"
        work.report("B010", said, level2, unit, field="level2", found=level2.text, expected=near)
        return None
    if not level1.blank and bare(level1.text) != bare(block.level1):
        said = f"{LEVEL2}“{block.label}”属于“{block.level1}”，不属于“{level1.text.strip()}”"
        work.report("B010", said, level1, unit, field="level1", found=level1.text, expected=block.level1)
        return None
    return block
