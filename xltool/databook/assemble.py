"""Tables become filings: rows by unit and project, every fault noted with its cell."""

from __future__ import annotations

from collections.abc import Mapping

from xltool.databook.answers import SourceRecord
from xltool.databook.assembly import Assembly, Draft
from xltool.databook.columns import LEVEL2, BookTable, bare, categories, nearest, tables
from xltool.databook.heads import TableRows
from xltool.databook.sources import SourceTables
from xltool.editions.declaration import Block, FormSpec
from xltool.model import Place, Severity


def assemble(sheets: SourceTables, work: Assembly) -> Assembly:
    """Filings out of the tables 部门, 项目 and 指标. What is wrong so far are problems of the opening."""
    if any(problem.severity is Severity.ERROR for problem in work.problems):
        work.spoilt.add("")
    book_tables = tables(work.edition)
    rows = {
        table.name: TableRows(work, table, sheets[table.name])
        for table in book_tables
        if table.name in sheets
    }
    for table, read in (
        (book_tables.department, _departments),
        (book_tables.project, _projects),
        (book_tables.indicators, _indicators),
    ):
        # A later table can only be judged against those before it.
        if table.name not in rows or not rows[table.name].keyed:
            break
        read(work, rows[table.name])
    if not work.drafts and not work.problems:
        work.report(
            "B006",
            f"“{book_tables.department.name}”表里没有数据行",
            Place(book_tables.department.name, ""),
            "",
        )
    return work


def _departments(work: Assembly, rows: TableRows) -> None:
    for record, unit in rows:
        if unit in work.drafts:
            message = f"单位“{unit}”出现两次，一个单位一行"
            work.report("B011", message, record["unit"], unit, field="unit", found=unit)
            continue
        entries = {
            column.id: work.read(record[column.id], column, unit) for column in rows.table.columns
        }
        code = entries.pop("code").text.strip()
        work.open(unit, code, entries, rows.sheet.name)


def _draft(work: Assembly, record: SourceRecord, unit: str) -> Draft | None:
    if unit in work.drafts:
        return work.drafts[unit]
    near = nearest(unit, work.drafts)
    message = f"部门表里没有“{unit}”" + (f"，是不是“{near}”？" if near else "")
    work.report("B008", message, record["unit"], unit, field="unit", found=unit, expected=near)
    return None


def _whose(
    work: Assembly, table: BookTable, record: SourceRecord, unit: str, *columns: str
) -> None:
    """Report what can't be used of the cells that say whose a row is, and of what category."""
    for id_ in columns:
        if record[id_].fault:
            work.read(record[id_], table[id_], unit)


def _projects(work: Assembly, rows: TableRows) -> None:
    label = rows.table["project"].label
    for record, unit in rows:
        draft = _draft(work, record, unit)
        if draft is None:
            continue
        _whose(work, rows.table, record, unit, "unit")
        at, name = record["project"], record["project"].text.strip()
        if not name:
            work.report("B007", f"没有写{label}", at, unit, field="project")
        elif draft.project(name):
            message = f"项目“{name}”在“{unit}”名下出现两次，指标无从归属，请区分项目名称"
            work.report("B012", message, at, unit, field="project", found=name)
        else:
            entries = {
                column.id: work.read(record[column.id], column, unit)
                for column in rows.table.columns
                if column.id != "unit"
            }
            work.project(draft, entries, rows.sheet.name)


def _indicators(work: Assembly, rows: TableRows) -> None:
    blocks_of = {form.id: categories(form) for form in work.edition.form}
    for record, unit in rows:
        draft = _draft(work, record, unit)
        if draft is None:
            continue
        _whose(work, rows.table, record, unit, "unit", "project", "level1", "level2")
        name = record["project"].text.strip()
        form = draft.project(name) if name else 0
        if form is None:
            near = nearest(name, draft.projects)
            message = f"“{unit}”没有项目“{name}”" + (f"，是不是“{near}”？" if near else "")
            work.report(
                "B009", message, record["project"], unit, field="project", found=name, expected=near
            )
            continue
        spec = work.edition.project if name else work.edition.department
        block = _block(work, spec, blocks_of[spec.id], record, unit)
        if block is not None:
            work.indicator(spec, block, rows.table.content, record, unit, form)


def _block(
    work: Assembly, spec: FormSpec, blocks: Mapping[str, Block], record: SourceRecord, unit: str
) -> Block | None:
    """The category that a row names, written with or without the ending 指标."""
    level1, level2 = record["level1"], record["level2"]
    block = blocks.get(bare(level2.text))
    if block is None:
        labels = [block.label for block in spec.indicators.block]
        near = nearest(level2.text.strip(), labels)
        hint = f"，是不是“{near}”？" if near else f"；可填：{'、'.join(labels)}"
        what = f"没有写{LEVEL2}" if level2.blank else f"没有“{level2.text.strip()}”这个{LEVEL2}"
        message = f"{spec.title}：{what}{hint}"
        work.report("B010", message, level2, unit, field="level2", found=level2.text, expected=near)
        return None
    if not level1.blank and bare(level1.text) != bare(block.level1):
        message = f"{LEVEL2}“{block.label}”属于“{block.level1}”，不属于“{level1.text.strip()}”"
        work.report(
            "B010", message, level1, unit, field="level1", found=level1.text, expected=block.level1
        )
        return None
    return block
