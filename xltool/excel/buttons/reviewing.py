"""审核: check, cross-totals, normal forms, from finding to finding, and away with the marks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path

from xltool.checks.results import VERDICTS, counts, verdict
from xltool.errors import XltoolError
from xltool.excel.live_sheet import mark, protection, write_texts
from xltool.excel.ribbon import button, desk
from xltool.excel.session import ExcelSession, busy
from xltool.model import Filing, Finding, Place
from xltool.results_sheet.marks import marks, to_write
from xltool.results_sheet.table import HEAD, PLACE, RESULTS_SHEET, SHEET, results
from xltool.results_sheet.write import write_changes, write_results
from xltool.xlsx.grid import Grid
from xltool.xlsx.references import column_number
from xltool.xlsx.workbook_reader import open_grid

CHANGES_SHEET = "规范记录"
# The families of rules that speak of sums: totals, and the sums across forms.
_SUMS = ("T", "X501", "X502", "X506")


@button
def check_all() -> str:
    """Check the workbook by every rule: results on their sheet, marks beside the rows."""
    _, findings, shown = _review(lambda f: True)
    return f"{_verdict(findings)}。{shown}"


@button
def cross_totals() -> str:
    """Reconcile both sides of the department form and the forms with each other."""
    from xltool.checks.cross_totals import balance, lines

    filing, findings, _ = _review(lambda f: f.code.startswith(_SUMS))
    if filing.department is None:
        raise XltoolError("没有部门整体支出绩效目标表，无法核对两侧合计")
    sums = balance(filing)
    across = [f"{f.severity.label}：{f.message}" for f in findings if f.code.startswith("X5")]
    desk().tell("\n".join([*lines(sums), *(a for a in across if a)]))
    return f"{sums.verdict}"


def _review(marked: Callable[[Finding], bool]) -> tuple[Filing, list[Finding], str]:
    """Read, check, show; the filing, all its findings and where they were shown."""
    from xltool.checks.engine import check

    here = desk()
    with here.snapshot() as path:
        filing = here.read(path)
        findings = check(filing, strict=False)
        grid = open_grid(path)
        unmarked = _mark(here, path, grid, marks(f for f in findings if marked(f)))
        file = write_results(results(filing, findings), path.with_name("xltool-results.xlsx"))
        shown = _show(here, grid, file, RESULTS_SHEET)
    if unmarked:
        shown += f"（{'、'.join(unmarked)}没有加标记：有保护密码、共享或没有打印区域）"
    return filing, findings, shown


def _verdict(findings: list[Finding]) -> str:
    number = counts(findings)
    said = f"错误 {number.error}　核实 {number.query}　提示 {number.note}"
    return f"{VERDICTS[verdict(findings)]}：{said}"


def _mark(
    here: ExcelSession, path: Path, grid: Grid, wanted: dict[str, dict[int, str]]
) -> list[str]:
    """Mark the forms; the sheets on which that was not possible."""
    package = here.package(path)
    failed = []
    for sheet in grid.sheets:
        if sheet.name == RESULTS_SHEET:
            continue
        texts = to_write(sheet, wanted.get(sheet.name, {}))
        if texts is None or (
            texts and not mark(here.book.sheets[sheet.name], texts, protection(package, sheet))
        ):
            failed.append(sheet.name)
    return failed


def _show(here: ExcelSession, grid: Grid, file: Path, name: str) -> str:
    """Bring a sheet of ours into the workbook in place of its predecessor; where it can be seen."""
    try:
        here.bring(file)
    except Exception as error:
        if busy(error):
            raise
        # A locked or shared workbook takes no further sheet: it stands in a workbook of its own.
        here.app.books.api.Add(str(file))
        return f"工作簿不让加表（受保护或共享），“{name}”在另一个窗口"
    new = here.book.sheets[-1]
    if any(s.name == name for s in grid.sheets):
        # Only now: what was written on the old one is on the new one.
        here.book.sheets[name].delete()
        new.name = name
    here.go(new)
    return f"详见“{name}”表"


@button
def next_finding() -> str:
    """Go to the cell of the next finding."""
    here = desk()
    if not here.has(RESULTS_SHEET):
        raise XltoolError("还没有审核结果，请先点“全审”")
    stops = _stops(here)
    if not stops:
        return "没有要看的问题"
    selection = here.app.selection
    at = -1
    if selection is not None and selection.sheet.book.name == here.book.name:
        sheet, cell = selection.sheet.name, selection.address.replace("$", "").partition(":")[0]
        rows = [row for row, _, _ in stops]
        places = [place for _, place, _ in stops]
        if sheet == RESULTS_SHEET:
            at = bisect_right(rows, selection.row) - 1
        elif Place(sheet, cell) in places:
            at = places.index(Place(sheet, cell))
    _, place, said = stops[(at + 1) % len(stops)]
    here.go(here.book.sheets[place.sheet], place.cell)
    again = "（从头开始）" if at + 1 >= len(stops) else ""
    return f"{said}{again}"


def _stops(here: ExcelSession) -> list[tuple[int, Place, str]]:
    """(row on the results sheet, place, what is said) of each cell with findings, in their order."""
    table = here.book.sheets[RESULTS_SHEET].used_range.options(ndim=2).value
    sheets = {s.name for s in here.book.sheets}
    told: dict[Place, tuple[int, list[str]]] = {}
    heads: list[str] = []
    for number, line in enumerate(table, 1):
        texts = ["" if v is None else str(v) for v in line]
        if {HEAD[SHEET], HEAD[PLACE]} <= set(texts):
            heads = texts
        elif heads:
            sheet, cell = texts[heads.index(HEAD[SHEET])], texts[heads.index(HEAD[PLACE])]
            if sheet in sheets and cell:
                said = "　".join(texts[heads.index(head)] for head in ("级别", "代码", "问题"))
                told.setdefault(Place(sheet, cell), (number, []))[1].append(said)
    return [(row, place, "；".join(said)) for place, (row, said) in told.items()]


@button
def clear_marks() -> str:
    """Take the marks off the forms, and the results away unless explanations are written there."""
    here = desk()
    with here.snapshot() as path:
        filing = here.read(path)
        grid = open_grid(path)
        failed = _mark(here, path, grid, {})
        if failed:
            raise XltoolError(f"{'、'.join(failed)}有保护密码或共享，标记去不掉")
        if not here.has(RESULTS_SHEET):
            return "标记已清除"
        if filing.answers:
            return f"标记已清除；“{RESULTS_SHEET}”里写有 {len(filing.answers)} 条说明，保留"
        if here.locked:
            raise XltoolError(f"工作簿结构受保护，“{RESULTS_SHEET}”删不掉")
        here.book.sheets[RESULTS_SHEET].delete()
    return f"标记和“{RESULTS_SHEET}”已清除"


@button
def normalise() -> str:
    """Rewrite the indicator values that can be read for sure; originals are listed on a sheet."""
    from xltool.indicator.normalise import changes as normal_forms

    here = desk()
    with here.snapshot() as path:
        filing = here.read(path)
        grid = open_grid(path)
        changes = [(c.place, c.was, c.becomes) for c in normal_forms(filing) if c.place is not None]
        if not changes:
            return "指标值都已是规范写法，或者读不准，没有改动"
        for sheet in dict.fromkeys(place.sheet for place, _, _ in changes):
            texts = {_at(place): new for place, _, new in changes if place.sheet == sheet}
            write_texts(here.book.sheets[sheet], texts)
        file = write_changes(
            CHANGES_SHEET, [*_listed(grid), *changes], path.with_name("xltool-changes.xlsx")
        )
        _show(here, grid, file, CHANGES_SHEET)
    return f"改写了 {len(changes)} 个指标值，原文记在“{CHANGES_SHEET}”表"


def _at(place: Place) -> tuple[int, int]:
    column = place.cell.rstrip("0123456789")
    return int(place.cell[len(column) :]), column_number(column)


def _listed(grid: Grid) -> list[tuple[Place, str, str]]:
    """What earlier runs changed: their originals stay listed."""
    sheet = next((s for s in grid.sheets if s.name == CHANGES_SHEET), None)
    if sheet is None:
        return []
    rows = sorted({row for row, _ in sheet.cells})[1:]
    listed = []
    for row in rows:
        where, _, cell = sheet[row, 1].text.rpartition("!")
        if where:
            listed.append((Place(where, cell), sheet[row, 2].text, sheet[row, 3].text))
    return listed
