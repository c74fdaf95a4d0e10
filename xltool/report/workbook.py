"""report.xlsx: 汇总, 问题清单, 平衡, 指标. Streamed; what comes from a filing is never a formula."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from xltool.atomic import writing
from xltool.report.record import VERDICTS, Record
from xltool.report.run import Run, label, sides, state, total
from xltool.report.spool import Spool

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

# Limits of the file format.
MAX_ROWS, MAX_LINKS, MAX_TEXT, MAX_LINK = 1_048_576, 65_530, 32_767, 2_000
_CUT = "…（原文过长，后略）"
_UNSOUND = re.compile("[\ud800-\udfff\ufffe\uffff]")
_SHEET_NAME = re.compile(r"[^\x00-\x1f\[\]:*?/\\\ufffe\uffff]{1,31}")
_CELL = re.compile(r"[A-Z]{1,3}\d{1,7}")
_LINK_ESCAPES = str.maketrans(
    {c: f"%{ord(c):02x}" for c in '%#?:\\"<>[]^`{}| '} | {chr(n): f"%{n:02x}" for n in range(32)}
)

# Colour by word: what is read off a sheet at a glance.
_COLOURS = {
    "有错误": "#B3261E", "错误": "#B3261E", "不平衡": "#B3261E", "待处理": "#B3261E",
    "待核实": "#8A5A00", "核实": "#8A5A00", "经非税项目调节后平衡": "#8A5A00",
    "通过": "#1B6E3C", "平衡": "#1B6E3C", "已说明": "#1B6E3C",
}  # fmt: skip

_UNIT = (("单位", 30), ("部门编码", 11), ("年度", 6))
_SUMMARY = (
    ("序号", 6), *_UNIT, ("结论", 8), ("错误", 6), ("核实", 6), ("提示", 6), ("已说明", 7), ("试行", 6),
    ("收支平衡", 22), ("资金总额", 14), ("金额单位", 9), ("项目数", 7), ("指标数", 7), ("文件", 44),
)  # fmt: skip
_FINDINGS = (
    ("单位", 30), ("级别", 6), ("状态", 8), ("代码", 7), ("工作表", 22), ("单元格", 8), ("问题", 60),
    ("填报内容", 26), ("应为", 26), ("审核属性", 9), ("说明", 30), ("字段", 16), ("文件", 44),
)  # fmt: skip
_INDICATORS = (
    ("单位", 30), ("工作表", 22), ("项目", 30), ("一级指标", 11), ("二级指标", 20), ("单元格", 8),
)  # fmt: skip
_COLUMN_LABELS = {"name": "三级指标", "target": "指标值及单位", "standard": "绩效标准"}


class Link(NamedTuple):
    """A text that opens a file, at a place where `anchor` is given."""

    text: str
    target: str
    anchor: str = ""


Cell = str | int | Decimal | Link | None


class _Formats:
    """The few formats of the book, made once."""

    def __init__(self, book: Workbook) -> None:
        def make(**more: Any) -> Format:
            return book.add_format({"font_name": "宋体", "font_size": 10, "valign": "top", **more})

        self.text = make(text_wrap=True, num_format="@")
        self.number = make()
        self.money = make(num_format="#,##0.00##;[Red]-#,##0.00##")
        self.link = make(font_color="#0B57D0", underline=1)
        self.head = make(bold=True, bg_color="#E9EDF3", bottom=1, text_wrap=True, valign="vcenter")
        self.title = make(bold=True, font_size=16, valign="vcenter")
        self.line = make(font_color="#444444", valign="vcenter")
        self.words = {word: make(font_color=colour, bold=True) for word, colour in _COLOURS.items()}


class _Sheet:
    """A table with a frozen head that goes on, where it is longer than a sheet can be, on the next one."""

    def __init__(self, book: Workbook, formats: _Formats, name: str, coloured: Sequence[str] = ()) -> None:
        self.book, self.formats, self.name, self.coloured = book, formats, name, coloured
        self.sheet: Worksheet = book.add_worksheet(name)
        self.columns: Sequence[tuple[str, float]] = ()
        self.top = self.next = self.links = 0
        self.sheets = 1

    def head(self, columns: Sequence[tuple[str, float]], lines: Sequence[tuple[str, Format]] = ()) -> None:
        """The lines above the table, then the table's head, frozen and repeated on every page."""
        sheet, self.columns = self.sheet, columns
        for at, (_, width) in enumerate(columns):
            sheet.set_column(at, at, width)
        for row, (text, form) in enumerate(lines):
            sheet.set_row(row, 26 if row == 0 else 18)
            sheet.write_string(row, 0, text, form)
        self.top = len(lines)
        sheet.set_row(self.top, 20)
        for at, (text, _) in enumerate(columns):
            sheet.write_string(self.top, at, text, self.formats.head)
        sheet.freeze_panes(self.top + 1, 2 if columns[0][0] == "序号" else 1)
        sheet.repeat_rows(self.top)
        sheet.set_paper(9)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&L&A&R第 &P 页，共 &N 页")
        self.next = self.top + 1

    def row(self, cells: Sequence[Cell]) -> None:
        if self.next >= MAX_ROWS:
            self._go_on()
        for at, cell in enumerate(cells):
            self._write(at, cell)
        self.next += 1

    def close(self) -> None:
        """Filters can be set when the last row is known."""
        if self.columns:
            self.sheet.autofilter(self.top, 0, max(self.next - 1, self.top), len(self.columns) - 1)

    def _go_on(self) -> None:
        self.close()
        self.sheets += 1
        self.sheet, self.links = self.book.add_worksheet(f"{self.name}{self.sheets}"), 0
        self.head(self.columns)

    def _write(self, at: int, cell: Cell) -> None:
        row, formats = self.next, self.formats
        if cell is None or cell == "":
            return
        if isinstance(cell, Link):
            if cell.target and self.links < MAX_LINKS:
                self.links += 1
                url = f"external:{cell.target}" + (f"#{cell.anchor}" if cell.anchor else "")
                self.sheet.write_url(row, at, url, formats.link, string=sound(cell.text))
                return
            cell = cell.text
        if isinstance(cell, str):
            form = formats.words.get(cell) if self.columns[at][0] in self.coloured else None
            self.sheet.write_string(row, at, sound(cell), form or formats.text)
        else:
            form = formats.money if isinstance(cell, Decimal) else formats.number
            self.sheet.write_number(row, at, cell, form)


@contextmanager
def workbook_report(path: Path, run: Run) -> Iterator[Callable[[Record], None]]:
    """The workbook of one run. Sheets whose head depends on all records are spooled to disk first."""
    with (
        writing(path, "wb") as file,
        _book(file) as book,
        Spool() as units,
        Spool() as sums,
        Spool() as indicators,
    ):
        book.set_properties({"title": run.title, "created": run.made})
        formats = _Formats(book)
        coloured = ("结论", "收支平衡", "级别", "状态", "判断")
        sheets = {n: _Sheet(book, formats, n, coloured) for n in ("汇总", "问题清单", "平衡", "指标")}
        sheets["问题清单"].head(_FINDINGS)
        tally: Counter[str] = Counter()
        terms: dict[tuple[str, str], None] = {}
        columns: dict[str, None] = {}

        def add(record: Record) -> None:
            tally[record["verdict"]] += 1
            tally["unbalanced"] += bool(record["balance"] and record["balance"]["verdict"] == "不平衡")
            units.append(_summary_row(record))
            for finding in record["findings"]:
                sheets["问题清单"].row(_finding_row(record, finding, run))
            if record["balance"]:
                cells = _balance_cells(record)
                terms.update(dict.fromkeys((side, term) for side, term, _ in cells))
                sums.append([_name(record), record["file"], record["balance"], cells])
            for one in record["indicators"]:
                columns.update(dict.fromkeys(c for c in one if c not in _INDICATOR_KEYS))
                indicators.append([_name(record), record["file"], one])

        yield add
        _summary(sheets["汇总"], units, tally, run)
        _balances(sheets["平衡"], sums, list(terms), run)
        _indicator_sheet(sheets["指标"], indicators, list(columns), run)
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


def _summary(sheet: _Sheet, units: Iterable[Any], tally: Counter[str], run: Run) -> None:
    said = "，".join(f"{word} {tally[key]}" for key, word in VERDICTS.items())
    whole = sum(tally[key] for key in VERDICTS)
    line = f"{run.when} 审核，共 {whole} 个文件：{said}；收支不平衡 {tally['unbalanced']}"
    sheet.head(_SUMMARY, [(run.title, sheet.formats.title), (line, sheet.formats.line)])
    for number, unit in enumerate(units, start=1):
        file, name, code, year, verdict, count, balanced, total, money, projects, indicators = unit
        sheet.row([
            number, name, code, year, verdict, *count, balanced, _amount(total), money, projects,
            indicators, Link(file, target(file, run)),
        ])  # fmt: skip


def _finding_row(record: Record, f: Record, run: Run) -> list[Cell]:
    file = target(record["file"], run)
    anchor = _anchor(f["sheet"], f["cell"])
    return [
        _name(record), label(f["severity"]), state(f), f["code"], f["sheet"],
        Link(f["cell"], file, anchor) if f["cell"] else "", f["message"], f["found"], f["expected"],
        f["review"], f["explanation"], f["field"], record["file"],
    ]  # fmt: skip


def _balance_cells(record: Record) -> list[tuple[str, str, str | None]]:
    """(side, label, amount) of every figure of both sides, in the order of the form."""
    cells = []
    for name, side in sides(record):
        cells += [(name, term["label"], term["amount"]) for term in (side["total"], *side["terms"])]
        cells += [(name, "合计", side["sum"]), (name, "差额", side["residual"])]
    return cells


def _balances(sheet: _Sheet, sums: Iterable[Any], terms: list[tuple[str, str]], run: Run) -> None:
    # A second edition's labels arrive late: keep each side together, its sum and residual last.
    last = ("合计", "差额")
    terms = sorted(terms, key=lambda term: (term[0] != "收入侧", term[1] in last))
    figures = [(f"{side}\n{term}", 14.0) for side, term in terms]
    sheet.head([("单位", 30), ("判断", 22), ("金额单位", 9), *figures, ("可能的原因", 50), ("文件", 44)])
    sheet.sheet.set_row(sheet.top, 32)
    for name, file, balance, cells in sums:
        amounts = {(side, term): amount for side, term, amount in cells}
        causes = [f"{name}：{cause}" for name, s in sides({"balance": balance}) for cause in s["causes"]]
        sheet.row([
            name, balance["verdict"], balance["unit"], *(_amount(amounts.get(term)) for term in terms),
            "\n".join(causes), Link(file, target(file, run)),
        ])  # fmt: skip


def _indicator_sheet(sheet: _Sheet, rows: Iterable[Any], columns: list[str], run: Run) -> None:
    columns = sorted(columns, key=lambda c: list(_COLUMN_LABELS).index(c) if c in _COLUMN_LABELS else 9)
    sheet.head([*_INDICATORS, *((_COLUMN_LABELS.get(c, c), 26) for c in columns), ("文件", 44)])
    for name, file, one in rows:
        link = Link(one["cell"], target(file, run), _anchor(one["sheet"], one["cell"]))
        sheet.row([
            name, one["sheet"], one["project"], one["level1"], one["level2"], link,
            *(one.get(column, "") for column in columns), file,
        ])  # fmt: skip


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def sound(text: str) -> str:
    """A text as a cell can hold it."""
    text = _UNSOUND.sub("\ufffd", text)
    if text.startswith("<r>") and text.endswith("</r>"):
        text += " "  # XlsxWriter would take it for the markup of a rich text
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - len(_CUT)] + _CUT


def target(file: str, run: Run) -> str:
    """A relative link to a file as Excel writes it, safe: neither a scheme nor another machine."""
    link = "/".join(sound(part).translate(_LINK_ESCAPES) for part in run.parts(file))
    return link if len(link) <= MAX_LINK else ""


def _anchor(sheet: str, cell: str) -> str:
    if not _SHEET_NAME.fullmatch(sheet) or not _CELL.fullmatch(cell):
        return ""
    return "'{}'!{}".format(sheet.replace("'", "''"), cell)
