"""What a unit changed between two of its returns, cell by cell, and the chain of its versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple

from xltool.campaign.documents import page
from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.ledger.related import in_order
from xltool.campaign.ledger.store import LedgerRow
from xltool.campaign.ledger.unit_changes import unit_of
from xltool.campaign.returns.collection import original_bytes
from xltool.campaign.returns.judgement import KINDS
from xltool.campaign.units import Unit
from xltool.checks.results import VERDICTS
from xltool.editions.declaration import Edition, FormSpec
from xltool.errors import XltoolError
from xltool.files.atomic import writing
from xltool.files.table_column import Column
from xltool.model import NOTHING, Entry, Filing, Form, Indicator, Place
from xltool.reading.reader import read_grid
from xltool.results_sheet.table import RESULTS_SHEET
from xltool.xlsx.workbook_reader import open_grid


class CellChange(NamedTuple):
    """One cell that says another thing: where it stands now (or stood), what it is, both texts."""

    sheet: str
    cell: str
    label: str
    before: str
    after: str


CHANGE_COLUMNS: tuple[Column[CellChange], ...] = (
    Column("工作表", lambda row: row.sheet, 24),
    Column("单元格", lambda row: row.cell, 8),
    Column("栏目", lambda row: row.label, 26),
    Column("原来", lambda row: row.before, 40),
    Column("现在", lambda row: row.after, 40),
)


@dataclass(frozen=True)
class Comparison:
    """Two returns of a unit and what differs."""

    unit: Unit
    before: LedgerRow
    after: LedgerRow
    changes: list[CellChange]
    chain: list[str]


def compare(campaign: Campaign, code: str, first: int = 0, second: int = 0) -> Comparison:
    """The differences of two versions of a unit; without numbers of the last two.
    Raises XltoolError."""
    unit = unit_of(campaign, code)
    rows = {row["version"]: row for row in campaign.ledger.returns_of(code)}
    if len(rows) < 2:
        raise XltoolError(f"{code} {unit.name} 只报过 {len(rows)} 版，没有可比的")
    ordered = in_order(rows.values())
    second = second or ordered[-1]["version"]
    first = first or next(row["version"] for row in reversed(ordered) if row["version"] != second)
    for version in (first, second):
        if version not in rows:
            raise XltoolError(f"{code} 没有第 {version} 版（现有：{'、'.join(map(str, rows))}）")
    before, after = rows[first], rows[second]
    old, new = (_filing(campaign, row) for row in (before, after))
    changes = list(differences(old, new, campaign.edition))
    return Comparison(unit, before, after, changes, [chain_line(row) for row in ordered])


def _filing(campaign: Campaign, row: LedgerRow) -> Filing:
    grid = open_grid(original_bytes(campaign, row["sha256"]))
    return read_grid(grid, source=row["name"], edition=campaign.edition)


def chain_line(row: LedgerRow) -> str:
    """One version in the chain of a unit's returns."""
    again = f"，报来 {row['times']} 次" if row["times"] > 1 else ""
    counts = "，采用" if row["counts"] else ""
    if row["sent_back"] and not row["counts"]:
        counts = "，已退回"
    if row["withdrawn"] and not row["counts"]:
        counts = "，已撤回"
    state = f"{VERDICTS[row['verdict']]}，{KINDS[row['kind']]}"
    return f"第 {row['version']} 版（{row['day']}{again}）：{state}{counts}"


def differences(old: Filing, new: Filing, edition: Edition) -> Iterator[CellChange]:
    """Each cell that says another thing; projects are matched by their names. Then what the unit
    explained otherwise."""
    if old.department is not None or new.department is not None:
        yield from _forms(old.department, new.department, edition.department)
    before, after = _by_name(old), _by_name(new)
    gone = [key for key in before if key not in after]
    come = [key for key in after if key not in before]
    # A single project with another name is the same project renamed.
    renamed = dict(zip(come, gone, strict=True)) if len(gone) == len(come) == 1 else {}
    for key, form in after.items():
        yield from _forms(before.get(renamed.get(key, key)), form, edition.project)
    for key in gone:
        if key not in renamed.values():
            yield from _forms(before[key], None, edition.project)
    for asked in {**old.answers, **new.answers}:
        was, now = old.answers.get(asked, ""), new.answers.get(asked, "")
        if was != now:
            yield CellChange(RESULTS_SHEET, "", f"说明·{asked.partition('|')[0]}", was, now)


def _by_name(filing: Filing) -> dict[tuple[str, int], Form]:
    """The projects by name, and which it is of those that have the same name."""
    seen: Counter[str] = Counter()
    forms = {}
    for form in filing.projects:
        name = form.text("project").strip()
        forms[name, seen[name]] = form
        seen[name] += 1
    return forms


def _forms(old: Form | None, new: Form | None, spec: FormSpec) -> Iterator[CellChange]:
    sheet = (new or old or Form(spec.id, {})).sheet or spec.sheet
    for field in spec.field:
        was = old[field.id] if old else NOTHING
        now = new[field.id] if new else NOTHING
        if _text(was) != _text(now):
            yield _change(sheet, now.place or was.place, field.label, was, now)
    columns = {column.id: column.label for column in spec.indicators.column}
    for block in spec.indicators.block:
        label = block.label
        pairs = _paired(old.block(block.id) if old else [], new.block(block.id) if new else [])
        for first, second in pairs:
            for id_, column in columns.items():
                was = first.cells.get(id_, NOTHING) if first else NOTHING
                now = second.cells.get(id_, NOTHING) if second else NOTHING
                if _text(was) != _text(now):
                    yield _change(sheet, now.place or was.place, f"{label}·{column}", was, now)


def _paired(
    old: Sequence[Indicator], new: Sequence[Indicator]
) -> Iterator[tuple[Indicator | None, Indicator | None]]:
    """Rows of one category side by side:
    those of the same name, then those that took each other's place."""
    before, after = [_name(row) for row in old], [_name(row) for row in new]
    changes = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for _, old_first, old_end, new_first, new_end in changes:
        for at in range(max(old_end - old_first, new_end - new_first)):
            yield (
                old[old_first + at] if old_first + at < old_end else None,
                new[new_first + at] if new_first + at < new_end else None,
            )


def _name(row: Indicator) -> str:
    return next((_text(entry) for entry in row.cells.values() if _text(entry)), "")


def _text(entry: Entry) -> str:
    return entry.said.strip()


def _change(sheet: str, place: Place | None, label: str, was: Entry, now: Entry) -> CellChange:
    at = place.cell if place else ""
    return CellChange(place.sheet if place else sheet, at, label, _text(was), _text(now))


def write_comparison(path: Path, campaign: Campaign, comparison: Comparison) -> None:
    """The differences as a page (.html) or a sheet (.xlsx)."""
    if path.suffix.lower() == ".html":
        with writing(path) as file:
            file.write(page("comparison.html", campaign=campaign, comparison=comparison))
        return
    if path.suffix.lower() != ".xlsx":
        raise XltoolError(f"对比写成 .html 或 .xlsx，不是“{path.suffix}”：{path}")
    from xltool.campaign.sheets import OFFICIAL
    from xltool.xlsx.table_book import TableBook

    versions = f"第 {comparison.before['version']} 版 → 第 {comparison.after['version']} 版"
    unit, changes = comparison.unit, comparison.changes
    subtitle = f"{unit.code} {unit.name}　{versions}　{len(changes)} 处不同"
    title = f"{campaign.title}重报对比"
    with writing(path, "wb") as file, TableBook(file, OFFICIAL) as book:
        book.table("重报对比", CHANGE_COLUMNS, changes, title=title, line=subtitle)
