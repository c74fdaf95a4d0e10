"""审核: check, cross-totals, normal forms, from finding to finding, and away with the marks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path

from xltool.checks.results import VERDICTS, counts, verdict
from xltool.errors import XltoolError
from xltool.excel.buttons.last_year import differences
from xltool.excel.desk_settings import house_rules, last_year, read_former, remember_last_year
from xltool.excel.live_sheet import mark, noted, protection, write_texts
from xltool.excel.locked_inputs import locked_inputs, unlock
from xltool.excel.ribbon import button, desk
from xltool.excel.session import WORKBOOKS_READ, ExcelSession, busy
from xltool.excel.undo import PlannedSheet, planned, step
from xltool.model import Filing, Finding, Place
from xltool.reading.last_year import doubt, same_unit
from xltool.results_sheet.marks import marks, to_write
from xltool.results_sheet.table import (
    CHANGES_SHEET,
    HEAD,
    PLACE,
    RESULTS_SHEET,
    SHEET,
    beside_the_table,
    in_the_way,
    make_way,
    results,
)
from xltool.results_sheet.write import write_changes, write_results
from xltool.template.layout import load_layout
from xltool.xlsx.grid import Grid
from xltool.xlsx.references import column_number
from xltool.xlsx.workbook_reader import open_grid

# The families of rules that speak of sums: totals, and the sums across forms.
_SUMS = ("T", "X501", "X502", "X506")


@button("xltool check 申报.xlsx --mark 副本")
def check_all() -> str:
    """Check the workbook by every rule: results on their sheet, marks beside the rows."""
    _, findings, shown = _review(lambda f: True, last_year)
    return f"{_verdict(findings)}。{shown}"


@button("xltool balance")
def cross_totals() -> str:
    """Reconcile both sides of the department form and the forms with each other."""
    from xltool.checks.cross_totals import balance, lines

    filing, findings, _ = _review(lambda f: f.code.startswith(_SUMS), last_year)
    if filing.department is None:
        raise XltoolError("没有部门整体支出绩效目标表，无法核对两侧合计")
    sums = balance(filing)
    across = [
        f"{finding.severity.label}：{finding.message}"
        for finding in findings
        if finding.code.startswith("X5")
    ]
    desk().tell("\n".join([*lines(sums), *(a for a in across if a)]))
    return f"{sums.verdict}"


@button("xltool check 申报.xlsx --last-year 上年.xlsx")
def compare_last_year() -> str:
    """Check against an earlier filing of the unit, which is remembered for the next checks."""
    session = desk()
    source = session.ask_file("对比上年：选上年的申报表", WORKBOOKS_READ)
    if source is None:
        return "没有对比"
    former = read_former(source)

    def against(filing: Filing) -> tuple[Filing, str]:
        if filing.unit and not same_unit(former, filing):
            raise XltoolError(f"选的是“{former.unit}”的申报，这个工作簿是“{filing.unit}”的")
        return former, doubt(filing, former)

    filing, findings, shown = _review(lambda f: True, against)
    remember_last_year(filing, source)
    told = doubt(filing, former)
    session.tell("\n".join([*([f"注意：{told}"] if told else []), *differences(former, filing)]))
    return f"{_verdict(findings)}。{shown}；以后全审都与这份上年申报对比"


# The filing to compare with, and what a person must know of it.
Former = Callable[[Filing], tuple[Filing | None, str]]


def _review(marked: Callable[[Finding], bool], former: Former) -> tuple[Filing, list[Finding], str]:
    """Read, check, show; the filing, all its findings and where they were shown."""
    from xltool.checks.engine import check, edition_of

    session = desk()
    with session.snapshot() as path:
        filing = session.read(path)
        grid = open_grid(path)
        make_way(grid.sheets, RESULTS_SHEET)
        rules = house_rules(grid.properties)
        last_filing, told = former(filing)
        findings = check(filing, strict=False, settings=rules, last_year=last_filing)
        texts = _texts(grid, marks(finding for finding in findings if marked(finding)))
        file = write_results(results(filing, findings), path.with_name("xltool-results.xlsx"))
        with step(session, path, _plan(grid, texts) | _one_sheet(file)):
            unmarked = _mark(session, path, grid, texts)
            shown = _show(session, grid, file, RESULTS_SHEET) + _left_out(grid)
        locked = locked_inputs(load_layout(edition_of(filing)), open_grid(path, blanks=True))
        if locked and not grid.structure_locked:
            shown = unlock(session, session.package(path), grid, locked) + shown
    if unmarked:
        shown += f"（{'、'.join(unmarked)}没有加标记：有保护密码、共享或没有打印区域）"
    if told:
        shown += f"。{told}"
    return filing, findings, shown


def _left_out(grid: Grid) -> str:
    """What somebody wrote on the results sheet where the new one doesn't take it over."""
    stray = [
        text
        for sheet in grid.sheets
        if sheet.name == RESULTS_SHEET
        for text in beside_the_table(sheet.cells)
    ]
    if not stray:
        return ""
    return (
        f"；写在“说明”栏以外的 {len(stray)} 处没有搬到新的结果表（{stray[0][:20]}），"
        "撤销上一步可以找回"
    )


def _verdict(findings: list[Finding]) -> str:
    number = counts(findings)
    numbers = f"错误 {number.error}　核实 {number.query}　提示 {number.note}"
    return f"{VERDICTS[verdict(findings)]}：{numbers}"


# Sheet → texts to write beside it by (row, column), None where it takes none.
_Marks = dict[str, "dict[tuple[int, int], str] | None"]


def _texts(grid: Grid, wanted: dict[str, dict[int, str]]) -> _Marks:
    """What is to be written beside each form so that the wanted marks stand there."""
    return {
        sheet.name: to_write(sheet, wanted.get(sheet.name, {}))
        for sheet in grid.sheets
        if sheet.name != RESULTS_SHEET
    }


def _plan(grid: Grid, texts: _Marks) -> dict[str, PlannedSheet | None]:
    """The sheets as they are with these texts beside them."""
    return {
        sheet.name: planned(sheet, written)
        for sheet in grid.sheets
        if (written := texts.get(sheet.name))
    }


def _one_sheet(file: Path) -> dict[str, PlannedSheet | None]:
    """The sheet in a file of ours, as it will stand in the workbook."""
    [sheet] = open_grid(file).sheets
    return {sheet.name: planned(sheet)}


def _mark(session: ExcelSession, path: Path, grid: Grid, texts: _Marks) -> list[str]:
    """Mark the forms; the sheets on which that was not possible."""
    package = session.package(path)
    failed = [name for name, written in texts.items() if written is None]
    locks = {
        sheet.name: protection(package, sheet) for sheet in grid.sheets if texts.get(sheet.name)
    }
    with noted(session.journal, locks):
        for name, attributes in locks.items():
            live = session.book.sheets[name]
            if not mark(live, texts[name] or {}, attributes, session.journal):
                failed.append(name)
    return failed


def _show(session: ExcelSession, grid: Grid, file: Path, name: str) -> str:
    """Bring a sheet of ours into the workbook in place of its predecessor; where it can be seen."""
    try:
        session.bring(file)
    except Exception as error:
        if busy(error):
            raise
        # A locked or shared workbook takes no further sheet: it stands in a workbook of its own.
        session.app.books.api.Add(str(file))
        return f"工作簿不让加表（受保护或共享），“{name}”在另一个窗口"
    new = session.book.sheets[-1]
    if any(sheet.name == name for sheet in grid.sheets):
        # Only now: what was written on the old one is on the new one.
        session.book.sheets[name].delete()
        new.name = name
    session.go(new)
    return f"详见“{name}”表"


@button()
def next_finding() -> str:
    """Go to the cell of the next finding."""
    return _turn(1)


@button()
def previous_finding() -> str:
    """Go to the cell of the finding before."""
    return _turn(-1)


def _turn(by: int) -> str:
    """Go so many findings on (or back) from where the cursor stands, round and round."""
    session = desk()
    if not session.has(RESULTS_SHEET):
        raise XltoolError("还没有审核结果，请先点“全审”")
    stops = _stops(session)
    if not stops:
        return "没有要看的问题"
    at = _standing(session, stops)
    # Between two findings the next one is the one behind, the previous one the one before.
    target = int(at) + by if at == int(at) else int(at + 0.5 * by)
    row, place, message = stops[target % len(stops)]
    sheet = session.book.sheets[place.sheet]
    if sheet.visible in (True, -1):  # -1 is Excel's own
        session.go(sheet, place.cell)
    else:  # no program goes to a cell that can't be seen
        session.go(session.book.sheets[RESULTS_SHEET], (row, PLACE + 1))
        message += f"（{place}，这张表是隐藏的）"
    again = "（从头开始）" if target >= len(stops) else ""
    if target < 0:
        again = "（从末尾开始）"
    return f"{message}{again}"


def _standing(session: ExcelSession, stops: list[tuple[int, Place, str]]) -> float:
    """At which of the findings the cursor stands;
    n + 0.5 is behind the n-th, before the next one."""
    selection = session.app.selection
    if selection is None or selection.sheet.book.name != session.book.name:
        return -0.5
    sheet, cell = selection.sheet.name, selection.address.replace("$", "").partition(":")[0]
    rows = [row for row, _, _ in stops]
    if sheet == RESULTS_SHEET:
        last = bisect_right(rows, selection.row) - 1
        return float(last) if last >= 0 and rows[last] == selection.row else last + 0.5
    places = [place for _, place, _ in stops]
    return float(places.index(Place(sheet, cell))) if Place(sheet, cell) in places else -0.5


def _stops(session: ExcelSession) -> list[tuple[int, Place, str]]:
    """(row on the results sheet, place, what is said) of each cell with findings,
    in their order."""
    table = session.book.sheets[RESULTS_SHEET].used_range.options(ndim=2).value
    sheets = {sheet.name for sheet in session.book.sheets}
    told: dict[Place, tuple[int, list[str]]] = {}
    heads: list[str] = []
    for number, line in enumerate(table, 1):
        texts = ["" if v is None else str(v) for v in line]
        if {HEAD[SHEET], HEAD[PLACE]} <= set(texts):
            heads = texts
        elif heads:
            sheet, cell = texts[heads.index(HEAD[SHEET])], texts[heads.index(HEAD[PLACE])]
            if sheet in sheets and cell:
                message = "　".join(texts[heads.index(head)] for head in ("级别", "代码", "问题"))
                told.setdefault(Place(sheet, cell), (number, []))[1].append(message)
    return [(row, place, "；".join(messages)) for place, (row, messages) in told.items()]


@button()
def clear_marks() -> str:
    """Take the marks off the forms, and the results away unless explanations are written there."""
    session = desk()
    with session.snapshot() as path:
        filing = session.read(path)
        grid = open_grid(path)
        texts = _texts(grid, {})
        listed = any(sheet.name == RESULTS_SHEET for sheet in grid.sheets)
        listed = listed and not in_the_way(grid.sheets, RESULTS_SHEET)
        goes = listed and not filing.answers
        if goes and grid.structure_locked:
            raise XltoolError(f"工作簿结构受保护，“{RESULTS_SHEET}”删不掉")
        plan = _plan(grid, texts) | ({RESULTS_SHEET: None} if goes else {})
        with step(session, path, plan):
            failed = _mark(session, path, grid, texts)
            if failed:
                raise XltoolError(f"{'、'.join(failed)}有保护密码或共享，标记去不掉")
            if goes:
                session.book.sheets[RESULTS_SHEET].delete()
    if goes:
        return f"标记和“{RESULTS_SHEET}”已清除"
    if listed:
        return f"标记已清除；“{RESULTS_SHEET}”里写有 {len(filing.answers)} 条说明，保留"
    return "标记已清除"


@button("xltool normalise")
def normalise() -> str:
    """Rewrite the indicator values that can be read for sure; originals are listed on a sheet."""
    from xltool.indicator.normalise import changes as normal_forms

    session = desk()
    with session.snapshot() as path:
        filing = session.read(path)
        grid = open_grid(path)
        changes = [
            (form.place, form.was, form.becomes)
            for form in normal_forms(filing)
            if form.place is not None
        ]
        make_way(grid.sheets, CHANGES_SHEET)
        if not changes:
            return "指标值都已是规范写法，或者读不准，没有改动"
        texts: dict[str, dict[tuple[int, int], str]] = {}
        for place, _, new in changes:
            texts.setdefault(place.sheet, {})[_at(place)] = new
        file = write_changes(
            CHANGES_SHEET, [*_listed(grid), *changes], path.with_name("xltool-changes.xlsx")
        )
        with step(session, path, _plan(grid, dict(texts)) | _one_sheet(file)):
            # The originals are on record before the first of them is overwritten.
            shown = _show(session, grid, file, CHANGES_SHEET)
            for name, written in texts.items():
                write_texts(session.book.sheets[name], written)
    return f"改写了 {len(changes)} 个指标值，原文{shown}；可以“撤销上一步”"


def _at(place: Place) -> tuple[int, int]:
    column = place.cell.rstrip("0123456789")
    return int(place.cell[len(column) :]), column_number(column)


def _listed(grid: Grid) -> list[tuple[Place, str, str]]:
    """What earlier runs changed: their originals stay listed."""
    sheet = next((sheet for sheet in grid.sheets if sheet.name == CHANGES_SHEET), None)
    if sheet is None:
        return []
    rows = sorted({row for row, _ in sheet.cells})[1:]
    listed = []
    for row in rows:
        where, _, cell = sheet[row, 1].text.rpartition("!")
        if where:
            listed.append((Place(where, cell), sheet[row, 2].text, sheet[row, 3].text))
    return listed
