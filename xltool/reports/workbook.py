"""report.xlsx: 汇总, 问题清单, 平衡, 指标. Streamed; what comes from a filing is never a formula."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct

from xltool.checks.results import VERDICTS, BalanceResult, CheckResult, Counts, FindingResult
from xltool.editions.declaration import EditionError, load_edition
from xltool.files.atomic import writing
from xltool.files.table_column import Column
from xltool.reports.run import Run, titles
from xltool.reports.sheet import REPORT, anchor, target
from xltool.reports.spool import Spool
from xltool.xlsx.table_book import CellValue, TableBook
from xltool.xlsx.table_frame import Link


class UnitSummary(Struct, frozen=True):
    """What 汇总 keeps of a result until the last one is there; `total` in `money`."""

    file: str
    name: str
    code: str
    year: int | None
    verdict: str
    counts: Counts
    balanced: str
    total: str | None
    money: str
    projects: int
    indicators: int


# (name, file, …) of what waits on disk for the head of its sheet.
SpooledFindings = tuple[str, str, tuple[FindingResult, ...]]
SpooledBalance = tuple[str, str, BalanceResult, list[tuple[str, str, str | None]]]
SpooledIndicator = tuple[str, str, dict[str, str]]


class SummaryRow(NamedTuple):
    """A file on 汇总: its number there, what was kept of its result, and the link to it."""

    number: int
    unit: UnitSummary
    link: str


class ListedFinding(NamedTuple):
    """A finding on 问题清单: whose it is, the name of its rule, and the link to its file."""

    name: str
    file: str
    finding: FindingResult
    rule: str
    link: str

    @property
    def place(self) -> CellValue:
        """The cell, as a link that leads to it."""
        sheet, cell = self.finding.sheet, self.finding.cell
        return Link(cell, self.link, anchor(sheet, cell)) if cell else ""


class BalanceRow(NamedTuple):
    """A file on 平衡: its amounts by side and label."""

    name: str
    file: str
    balance: BalanceResult
    amounts: dict[tuple[str, str], str | None]
    link: str

    @property
    def causes(self) -> str:
        return "\n".join(
            f"{name}：{cause}" for name, side in self.balance.sides for cause in side.causes
        )


class ListedIndicator(NamedTuple):
    """An indicator on 指标: whose it is, and its cells by column."""

    name: str
    file: str
    indicator: dict[str, str]


class FailedFile(NamedTuple):
    """A file on 没能处理, and why."""

    name: str
    reason: str
    link: str


SUMMARY_COLUMNS: tuple[Column[SummaryRow], ...] = (
    Column("序号", lambda row: row.number, 6),
    Column("单位", lambda row: row.unit.name, 30),
    Column("部门编码", lambda row: row.unit.code, 11),
    Column("年度", lambda row: row.unit.year, 6),
    Column("结论", lambda row: row.unit.verdict, 8, "verdict"),
    Column("错误", lambda row: row.unit.counts.error, 6),
    Column("核实", lambda row: row.unit.counts.query, 6),
    Column("提示", lambda row: row.unit.counts.note, 6),
    Column("已说明", lambda row: row.unit.counts.explained, 7),
    Column("试行", lambda row: row.unit.counts.trial, 6),
    Column("收支平衡", lambda row: row.unit.balanced, 22, "verdict"),
    Column("资金总额", lambda row: _amount(row.unit.total), 14),
    Column("金额单位", lambda row: row.unit.money, 9),
    Column("项目数", lambda row: row.unit.projects, 7),
    Column("指标数", lambda row: row.unit.indicators, 7),
    Column("文件", lambda row: Link(row.unit.file, row.link), 44),
)
FINDING_COLUMNS: tuple[Column[ListedFinding], ...] = (
    Column("单位", lambda row: row.name, 30),
    Column("级别", lambda row: row.finding.label, 6, "verdict"),
    Column("状态", lambda row: row.finding.state, 8, "verdict"),
    Column("代码", lambda row: row.finding.code, 7),
    Column("规则", lambda row: row.rule, 22),
    Column("工作表", lambda row: row.finding.sheet, 22),
    Column("单元格", lambda row: row.place, 8),
    Column("问题", lambda row: row.finding.message, 60),
    Column("填报值", lambda row: row.finding.found, 26),
    Column("对照值", lambda row: row.finding.expected, 26),
    Column("审核属性", lambda row: row.finding.review, 9),
    Column("说明", lambda row: row.finding.explanation, 30),
    Column("文件", lambda row: row.file, 44),
)
# 平衡 and 指标 get more columns in their middle: those that the records bring along.
BALANCE_COLUMNS: tuple[Column[BalanceRow], ...] = (
    Column("单位", lambda row: row.name, 30),
    Column("判断", lambda row: row.balance.verdict, 22, "verdict"),
    Column("金额单位", lambda row: row.balance.unit, 9),
)
BALANCE_LAST: tuple[Column[BalanceRow], ...] = (
    Column("可能的原因", lambda row: row.causes, 50),
    Column("文件", lambda row: Link(row.file, row.link), 44),
)
INDICATOR_COLUMNS: tuple[Column[ListedIndicator], ...] = (
    Column("单位", lambda row: row.name, 30),
    Column("工作表", lambda row: row.indicator["sheet"], 22),
    Column("项目", lambda row: row.indicator["project"], 30),
    Column("一级指标", lambda row: row.indicator["level1"], 11),
    Column("二级指标", lambda row: row.indicator["level2"], 20),
    Column("单元格", lambda row: row.indicator["cell"], 8),
)
INDICATOR_LAST: tuple[Column[ListedIndicator], ...] = (Column("文件", lambda row: row.file, 44),)
FAILED_COLUMNS: tuple[Column[FailedFile], ...] = (
    Column("文件", lambda row: Link(row.name, row.link), 60),
    Column("原因", lambda row: row.reason, 80),
)


# More rows than people read in a sheet: then it says where they all are, and a run of thousands of
# units doesn't spend most of its time writing them.
MOST = 20_000


@contextmanager
def workbook_report(path: Path, run: Run) -> Iterator[Callable[[CheckResult, bytes], None]]:
    """The workbook of one run. Sheets whose head depends on all records are spooled to
    disk first."""
    with (
        writing(path, "wb") as file,
        TableBook(file, REPORT) as book,
        Spool(UnitSummary) as units,
        Spool(SpooledBalance) as sums,
        Spool(SpooledFindings) as findings,
        Spool(SpooledIndicator) as indicators,
    ):
        tally = Counter[str]()
        terms: dict[tuple[str, str], None] = {}
        columns: dict[str, str] = {}

        def add(result: CheckResult, packed: bytes) -> None:
            tally[result.verdict] += 1
            tally["unbalanced"] += bool(result.balance and result.balance.verdict == "不平衡")
            units.append(_summary_row(result))
            tally["findings"] += len(result.findings)
            tally["indicators"] += len(result.indicators)
            if max(run.findings, tally["findings"]) <= MOST:
                findings.append([_name(result), result.file, result.findings])
            if result.balance:
                cells = _balance_cells(result)
                terms.update(dict.fromkeys((side, term) for side, term, _ in cells))
                sums.append([_name(result), result.file, result.balance, cells])
            if max(run.indicators, tally["indicators"]) <= MOST:
                _note_columns(result, columns)
                for row in result.indicators:
                    indicators.append([_name(result), result.file, row])

        yield add
        book.describe({"title": run.title, "created": run.made})
        _summary(book, units, tally, run)
        _finding_sheet(book, findings, max(tally["findings"], run.findings), run)
        _balances(book, sums, list(terms), run)
        _indicator_sheet(book, indicators, columns, max(tally["indicators"], run.indicators))
        if run.failed:
            failed = (FailedFile(name, reason, target(name, run)) for name, reason in run.failed)
            book.table("没能处理", FAILED_COLUMNS, failed)


_INDICATOR_KEYS = ("sheet", "form", "project", "level1", "level2", "cell")


def _note_columns(result: CheckResult, columns: dict[str, str]) -> None:
    """Add to `columns` the indicator columns that this result is the first to have,
    with their labels."""
    labels = _labels(result.edition)
    for row in result.indicators:
        for column in row:
            if column not in _INDICATOR_KEYS and column not in columns:
                columns[column] = labels.get(column, column)


@functools.lru_cache(maxsize=64)
def _labels(edition: str) -> dict[str, str]:
    """The printed heads of an edition's indicator columns; none for an edition that is not here."""
    try:
        forms = load_edition(edition).form
    except EditionError:
        return {}
    return {column.id: column.label for form in forms for column in form.indicators.column}


def _name(result: CheckResult) -> str:
    return result.unit or Path(result.file).name


def _summary_row(result: CheckResult) -> UnitSummary:
    sums = result.balance
    return UnitSummary(
        file=result.file,
        name=_name(result),
        code=result.code,
        year=result.year,
        verdict=VERDICTS[result.verdict],
        counts=result.counts,
        balanced=sums.verdict if sums else "",
        total=result.total,
        money=sums.unit if sums else "",
        projects=len(result.projects),
        indicators=len(result.indicators),
    )


def _summary(book: TableBook, units: Iterable[Any], tally: Counter[str], run: Run) -> None:
    verdict_counts = "，".join(f"{word} {tally[key]}" for key, word in VERDICTS.items())
    whole = sum(tally[key] for key in VERDICTS)
    line = f"{run.when} 审核，共 {whole} 个文件：{verdict_counts}；收支不平衡 {tally['unbalanced']}"
    line += f"；另有 {len(run.failed)} 个文件没能处理" if run.failed else ""
    rows = (
        SummaryRow(number, unit, target(unit.file, run)) for number, unit in enumerate(units, 1)
    )
    book.table("汇总", SUMMARY_COLUMNS, rows, title=run.title, line=line, fixed_columns=2)


def _finding_sheet(book: TableBook, files: Iterable[Any], count: int, run: Run) -> None:
    sheet = book.sheet("问题清单", FINDING_COLUMNS)
    if count > MOST:
        sheet.row([f"共 {count:,} 条，太多，不在这里列出：全部见 findings.csv"])
        return
    rule_titles = titles()

    def rows() -> Iterator[ListedFinding]:
        for name, file, findings in files:
            link = target(file, run)
            for finding in findings:
                yield ListedFinding(name, file, finding, rule_titles.get(finding.code, ""), link)

    sheet.rows(rows())


def _balance_cells(result: CheckResult) -> list[tuple[str, str, str | None]]:
    """(side, label, amount) of every figure of both sides, in the order of the form."""
    cells = []
    for name, side in result.sides:
        cells += [(name, term.label, term.amount) for term in (side.total, *side.terms)]
        cells += [(name, "合计", side.sum), (name, "差额", side.residual)]
    return cells


def _balances(book: TableBook, sums: Iterable[Any], terms: list[tuple[str, str]], run: Run) -> None:
    # A second edition's labels arrive late: keep each side together, its sum and residual last.
    last = ("合计", "差额")
    terms = sorted(terms, key=lambda term: (term[0] != "收入侧", term[1] in last))
    columns = [*BALANCE_COLUMNS, *map(_figure_column, terms), *BALANCE_LAST]
    rows = (
        BalanceRow(
            name,
            file,
            balance,
            {(side, term): amount for side, term, amount in figures},
            target(file, run),
        )
        for name, file, balance, figures in sums
    )
    book.table("平衡", columns, rows, head_height=32)


def _figure_column(term: tuple[str, str]) -> Column[BalanceRow]:
    return Column("\n".join(term), lambda row: _amount(row.amounts.get(term)), 14.0)


def _indicator_sheet(
    book: TableBook, rows: Iterable[Any], columns: dict[str, str], count: int
) -> None:
    shown = [*INDICATOR_COLUMNS, *map(_indicator_column, columns.items()), *INDICATOR_LAST]
    sheet = book.sheet("指标", shown)
    if count > MOST:
        sheet.row([f"共 {count:,} 行，太多，不在这里列出：全部见 report.json"])
        return
    sheet.rows(ListedIndicator(*row) for row in rows)


def _indicator_column(column: tuple[str, str]) -> Column[ListedIndicator]:
    id_, text = column
    return Column(text, lambda row: row.indicator.get(id_, ""), 26)


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
