"""report.xlsx: 汇总, 问题清单, 平衡, 指标. Streamed; what comes from a filing is never a formula."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any

from xltool.checks.results import VERDICTS
from xltool.editions.declaration import EditionError, load_edition
from xltool.files.atomic import writing
from xltool.reports.record import Record
from xltool.reports.run import Run, label, sides, state, titles, total
from xltool.reports.sheet import Formats, Link, ReportCell, ReportSheet, anchor, target
from xltool.reports.spool import Spool

if TYPE_CHECKING:
    from xlsxwriter.workbook import Workbook

_UNIT = (("单位", 30), ("部门编码", 11), ("年度", 6))
_SUMMARY = (
    ("序号", 6), *_UNIT, ("结论", 8), ("错误", 6), ("核实", 6), ("提示", 6), ("已说明", 7), ("试行", 6),
    ("收支平衡", 22), ("资金总额", 14), ("金额单位", 9), ("项目数", 7), ("指标数", 7), ("文件", 44),
)  # fmt: skip
_FINDINGS = (
    ("单位", 30), ("级别", 6), ("状态", 8), ("代码", 7), ("规则", 22), ("工作表", 22), ("单元格", 8),
    ("问题", 60), ("填报内容", 26), ("应为", 26), ("审核属性", 9), ("说明", 30),
    ("文件", 44),
)  # fmt: skip
_INDICATORS = (
    ("单位", 30), ("工作表", 22), ("项目", 30), ("一级指标", 11), ("二级指标", 20), ("单元格", 8),
)  # fmt: skip


# More rows than people read in a sheet: then it says where they all are, and a run of thousands of
# units doesn't spend most of its time writing them.
MOST = 20_000


@contextmanager
def workbook_report(path: Path, run: Run) -> Iterator[Callable[[Record], None]]:
    """The workbook of one run. Sheets whose head depends on all records are spooled to disk first."""
    with (
        writing(path, "wb") as file,
        _book(file) as book,
        Spool() as units,
        Spool() as sums,
        Spool() as findings,
        Spool() as indicators,
    ):
        book.set_properties({"title": run.title, "created": run.made})
        formats = Formats(book)
        coloured = ("结论", "收支平衡", "级别", "状态", "判断")
        sheets = {
            n: ReportSheet(book, formats, n, coloured) for n in ("汇总", "问题清单", "平衡", "指标")
        }
        tally = Counter[str]()
        terms: dict[tuple[str, str], None] = {}
        columns: dict[str, str] = {}

        def add(record: Record) -> None:
            tally[record["verdict"]] += 1
            tally["unbalanced"] += bool(
                record["balance"] and record["balance"]["verdict"] == "不平衡"
            )
            units.append(_summary_row(record))
            tally["findings"] += len(record["findings"])
            tally["indicators"] += len(record["indicators"])
            if tally["findings"] <= MOST:
                findings.append([_name(record), record["file"], record["findings"]])
            if record["balance"]:
                cells = _balance_cells(record)
                terms.update(dict.fromkeys((side, term) for side, term, _ in cells))
                sums.append([_name(record), record["file"], record["balance"], cells])
            for one in record["indicators"] if tally["indicators"] <= MOST else ():
                labels = _labels(record["edition"])
                for column in (c for c in one if c not in _INDICATOR_KEYS and c not in columns):
                    columns[column] = labels.get(column, column)
                indicators.append([_name(record), record["file"], one])

        yield add
        _summary(sheets["汇总"], units, tally, run)
        _finding_sheet(sheets["问题清单"], findings, tally["findings"], run)
        if run.failed:
            sheets["没能处理"] = ReportSheet(book, formats, "没能处理", coloured)
            sheets["没能处理"].head([("文件", 60), ("原因", 80)])
            for name, reason in run.failed:
                sheets["没能处理"].row([Link(name, target(name, run)), reason])
        _balances(sheets["平衡"], sums, list(terms), run)
        _indicator_sheet(sheets["指标"], indicators, columns, tally["indicators"])
        for sheet in sheets.values():
            sheet.close()


@contextmanager
def _book(file: IO[bytes]) -> Iterator[Workbook]:
    """A workbook whose rows go to disk as they come; closed whatever happens."""
    import xlsxwriter
    from xlsxwriter.exceptions import FileCreateError

    with TemporaryDirectory() as folder:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        book = xlsxwriter.Workbook(file, options | {"tmpdir": folder})
        try:
            yield book
        finally:
            try:
                book.close()
            except FileCreateError as error:  # it wraps what the disk said
                raise error.args[0] from error


_INDICATOR_KEYS = ("sheet", "form", "project", "level1", "level2", "cell")


@functools.lru_cache(maxsize=64)
def _labels(edition: str) -> dict[str, str]:
    """The printed heads of an edition's indicator columns; none for an edition that is not here."""
    try:
        forms = load_edition(edition).form
    except EditionError:
        return {}
    return {column.id: column.label for form in forms for column in form.indicators.column}


def _name(record: Record) -> str:
    return record["unit"] or Path(record["file"]).name


def _summary_row(record: Record) -> list[Any]:
    sums, count = record["balance"], record["counts"]
    return [
        record["file"], _name(record), record["code"], record["year"], VERDICTS[record["verdict"]],
        [count[key] for key in ("error", "query", "note", "explained", "trial")],
        sums["verdict"] if sums else "", total(record),
        sums["unit"] if sums else "", len(record["projects"]), len(record["indicators"]),
    ]  # fmt: skip


def _summary(sheet: ReportSheet, units: Iterable[Any], tally: Counter[str], run: Run) -> None:
    said = "，".join(f"{word} {tally[key]}" for key, word in VERDICTS.items())
    whole = sum(tally[key] for key in VERDICTS)
    line = f"{run.when} 审核，共 {whole} 个文件：{said}；收支不平衡 {tally['unbalanced']}"
    line += f"；另有 {len(run.failed)} 个文件没能处理" if run.failed else ""
    sheet.head(_SUMMARY, [(run.title, sheet.formats.title), (line, sheet.formats.line)])
    for number, unit in enumerate(units, start=1):
        file, name, code, year, verdict, count, balanced, total, money, projects, indicators = unit
        sheet.row([
            number, name, code, year, verdict, *count, balanced, _amount(total), money, projects,
            indicators, Link(file, target(file, run)),
        ])  # fmt: skip


def _finding_sheet(sheet: ReportSheet, files: Iterable[Any], count: int, run: Run) -> None:
    sheet.head(_FINDINGS)
    if count > MOST:
        sheet.row([f"共 {count:,} 条，太多，不在这里列出：全部见 findings.csv"])
        return
    known = titles()
    for name, file, findings in files:
        link = target(file, run)
        for one in findings:
            sheet.row(_finding_row(name, file, one, link, known))


def _finding_row(
    name: str, file: str, f: Record, link: str, known: dict[str, str]
) -> list[ReportCell]:
    at = anchor(f["sheet"], f["cell"])
    return [
        name, label(f["severity"]), state(f), f["code"], known.get(f["code"], ""), f["sheet"],
        Link(f["cell"], link, at) if f["cell"] else "", f["message"], f["found"], f["expected"],
        f["review"], f["explanation"], file,
    ]  # fmt: skip


def _balance_cells(record: Record) -> list[tuple[str, str, str | None]]:
    """(side, label, amount) of every figure of both sides, in the order of the form."""
    cells = []
    for name, side in sides(record):
        cells += [(name, term["label"], term["amount"]) for term in (side["total"], *side["terms"])]
        cells += [(name, "合计", side["sum"]), (name, "差额", side["residual"])]
    return cells


def _balances(
    sheet: ReportSheet, sums: Iterable[Any], terms: list[tuple[str, str]], run: Run
) -> None:
    # A second edition's labels arrive late: keep each side together, its sum and residual last.
    last = ("合计", "差额")
    terms = sorted(terms, key=lambda term: (term[0] != "收入侧", term[1] in last))
    figures = [(f"{side}\n{term}", 14.0) for side, term in terms]
    sheet.head(
        [("单位", 30), ("判断", 22), ("金额单位", 9), *figures, ("可能的原因", 50), ("文件", 44)]
    )
    sheet.sheet.set_row(sheet.top, 32)
    for name, file, balance, cells in sums:
        amounts = {(side, term): amount for side, term, amount in cells}
        causes = [
            f"{name}：{cause}" for name, s in sides({"balance": balance}) for cause in s["causes"]
        ]
        sheet.row([
            name, balance["verdict"], balance["unit"], *(_amount(amounts.get(term)) for term in terms),
            "\n".join(causes), Link(file, target(file, run)),
        ])  # fmt: skip


def _indicator_sheet(
    sheet: ReportSheet, rows: Iterable[Any], columns: dict[str, str], count: int
) -> None:
    sheet.head([*_INDICATORS, *((text, 26) for text in columns.values()), ("文件", 44)])
    if count > MOST:
        sheet.row([f"共 {count:,} 行，太多，不在这里列出：全部见 report.json"])
        return
    for name, file, one in rows:
        sheet.row([
            name, one["sheet"], one["project"], one["level1"], one["level2"], one["cell"],
            *(one.get(column, "") for column in columns), file,
        ])  # fmt: skip


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
