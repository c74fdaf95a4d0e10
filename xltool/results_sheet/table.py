"""The sheet 审核结果 inside a filing:
its content, made from findings, and the unit's answers read back.

The content is a neutral table. Whoever shows it (the ribbon in a running Excel, `check --mark` in
a file) writes the same rows; the column 说明 is open for the unit's explanations, and a hidden
column ties each to its finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from xltool.checks.answers import stale
from xltool.checks.cross_totals import balance, lines
from xltool.checks.results import VERDICTS, counts, verdict
from xltool.editions.declaration import Edition, load_edition
from xltool.errors import XltoolError
from xltool.files.table_column import Column, cells, heads
from xltool.model import Filing, Finding, Severity

RESULTS_SHEET = "审核结果"
CHANGES_SHEET = "规范记录"
# What xltool itself puts into a workbook of forms; no form is called so.
OWN_SHEETS = (RESULTS_SHEET, CHANGES_SHEET)


class ResultLine(NamedTuple):
    """What is said about one finding, or of an answer that no finding asks for any more."""

    number: str
    level: str
    code: str
    sheet: str
    message: str
    found: str
    explanation: str
    key: str
    cell: str = ""
    expected: str = ""
    todo: str = ""
    review: str = ""


# The kinds: a place is a link, an answer is open for the unit, a key is hidden.
COLUMNS: tuple[Column[ResultLine], ...] = (
    Column("序号", lambda line: line.number, 5),
    Column("级别", lambda line: line.level, 8),
    Column("代码", lambda line: line.code, 7),
    Column("表", lambda line: line.sheet, 16),
    Column("位置", lambda line: line.cell, 6, "place"),
    Column("问题", lambda line: line.message, 46),
    # Right behind the question, so that it is seen without scrolling.
    Column("说明", lambda line: line.explanation, 34, "answer"),
    Column("填报值", lambda line: line.found, 22),
    Column("对照值", lambda line: line.expected, 22),
    Column("处理要求", lambda line: line.todo, 22),
    Column("审核属性", lambda line: line.review, 9),
    Column("标识", lambda line: line.key, 3, "key"),
)
HEAD = tuple(heads(COLUMNS))
ANSWER, KEY = HEAD.index("说明"), HEAD.index("标识")
SHEET, PLACE = HEAD.index("表"), HEAD.index("位置")
CHANGES_HEAD = ("位置", "原文", "规范写法")
STALE = "已不适用"

_TODO = {
    Severity.ERROR: "请改正",
    Severity.QUERY: "请改正，或在“说明”栏写明理由",
    Severity.NOTE: "请看一下，不必答复",
}


class ResultRow(Struct, frozen=True):
    """One line of the table: its texts in the order of COLUMNS, and where its link leads."""

    texts: tuple[str, ...]
    level: str
    sheet: str = ""
    cell: str = ""


class Results(Struct, frozen=True):
    """What stands on the sheet: the lines on top (verdict, both sides, counts), then the rows."""

    title: str
    summary: tuple[str, ...]
    rows: tuple[ResultRow, ...]


def results(filing: Filing, findings: Sequence[Finding], edition: Edition | None = None) -> Results:
    """The results of one filing. Answers that no finding asks for any more stay,
    marked as stale."""
    edition = edition or load_edition(filing.edition)
    gone = [(key, filing.answers[key]) for key in stale(filing, findings)]
    number = counts(findings)
    verdict_text = VERDICTS[verdict(findings)]
    summary = [
        f"{filing.unit or '（单位未填）'}　{filing.year or '（年度未填）'}年　{edition.title}"
    ]
    if filing.department is not None:
        summary += lines(balance(filing, edition))
    told = f"错误 {number.error}　核实 {number.query}　提示 {number.note}"
    if number.explained:
        told += f"　已说明 {number.explained}"
    if number.trial:
        told += f"　试行 {number.trial}（不计）"
    if gone:
        told += f"　有 {len(gone)} 条说明已不对应任何问题，列在最后"
    rows = [_row(number, finding) for number, finding in enumerate(findings, 1)]
    rows += [_stale(key, text) for key, text in gone]
    return Results(f"审核结果：{verdict_text}", (*summary, told), tuple(rows))


def _row(number: int, finding: Finding) -> ResultRow:
    level = f"{finding.severity.label}（试行）" if finding.trial else finding.severity.label
    todo = "试行规则，不必处理" if finding.trial else _TODO[finding.severity]
    line = ResultLine(
        number=str(number),
        level=level,
        code=finding.code,
        sheet=finding.sheet,
        cell=finding.cell,
        message=finding.message,
        found=finding.found,
        expected=finding.expected,
        todo=todo,
        review=finding.review,
        explanation=finding.explanation,
        key=finding.key,
    )
    texts = tuple(cells(COLUMNS, line))
    return ResultRow(texts, finding.severity.value, finding.sheet, finding.cell)


def _stale(key: str, text: str) -> ResultRow:
    code, sheet, _, found_text = [*key.split("|", 3), "", "", ""][:4]
    message = "以前写的说明；对应的问题已经改好或内容已变，可以删去"
    line = ResultLine("", STALE, code, sheet, message, found_text, explanation=text, key=key)
    return ResultRow(tuple(cells(COLUMNS, line)), "stale", sheet)


class _TextCell(Protocol):
    @property
    def text(self) -> str: ...


class _SheetOfCells(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def names(self) -> Mapping[str, Any]: ...
    @property
    def cells(self) -> Mapping[tuple[int, int], _TextCell]: ...


def read_answers(filled: Mapping[tuple[int, int], _TextCell]) -> dict[str, str]:
    """The unit's written explanations by finding key, from the filled cells
    (row, column) of our sheet.

    The columns are found by their heads, so sorting rows or moving columns loses nothing.
    """
    table: dict[int, dict[int, str]] = {}
    for (row, column), cell in sorted(filled.items()):
        if cell.text:
            table.setdefault(row, {})[column] = cell.text
    answers: dict[str, str] = {}
    answer = key = 0
    for line in table.values():
        heads = {text: column for column, text in line.items()}
        if HEAD[ANSWER] in heads and HEAD[KEY] in heads:
            answer, key = heads[HEAD[ANSWER]], heads[HEAD[KEY]]
        elif line.get(key) and line.get(answer, "").strip():
            answers[line[key]] = line[answer].strip()
    return answers


def answers_in(sheets: Iterable[_SheetOfCells]) -> dict[str, str]:
    """The unit's written explanations in a workbook: on our sheet;
    where that has been renamed, on the one with its heads."""
    others = []
    for sheet in sheets:
        if sheet.name == RESULTS_SHEET:
            return read_answers(sheet.cells)
        if all(name.startswith("_") for name in sheet.names):  # a form has names of its own
            others.append(sheet)
    return next((found for sheet in others if (found := read_answers(sheet.cells))), {})


def in_the_way(sheets: Iterable[_SheetOfCells], name: str) -> bool:
    """Whether a sheet has the name of one of ours (`OWN_SHEETS`) and is none."""
    heads = {HEAD[ANSWER], HEAD[KEY]} if name == RESULTS_SHEET else set(CHANGES_HEAD)
    sheet = next((sheet for sheet in sheets if sheet.name == name), None)
    if sheet is None or not any(cell.text.strip() for cell in sheet.cells.values()):
        return False
    rows: dict[int, set[str]] = {}
    for (row, _), cell in sheet.cells.items():
        rows.setdefault(row, set()).add(cell.text)
    return not any(heads <= texts for texts in rows.values())


def make_way(sheets: Iterable[_SheetOfCells], name: str) -> None:
    """Raises XltoolError where ours would take the place of a sheet that somebody made."""
    if in_the_way(sheets, name):
        raise XltoolError(
            f"工作簿里有一张叫“{name}”的表，不是本工具写的：请先给它另取一个名字，再来一次"
        )


def written_lines(filled: Mapping[tuple[int, int], _TextCell]) -> list[dict[int, str]]:
    """The texts of each row in which something is written, by column."""
    lines: dict[int, dict[int, str]] = {}
    for (row, column), cell in sorted(filled.items()):
        if text := cell.text.strip():
            lines.setdefault(row, {})[column] = text
    return list(lines.values())


def beside_the_table(filled: Mapping[tuple[int, int], _TextCell]) -> list[str]:
    """What somebody wrote on our sheet outside the table:
    behind its columns, below its rows, right of the top."""
    stray_texts: list[str] = []
    columns: set[int] = set()
    key = 0
    for line in written_lines(filled):
        heads = {text: column for column, text in line.items()}
        if HEAD[ANSWER] in heads and HEAD[KEY] in heads:
            columns, key = (
                {column for text, column in heads.items() if text in HEAD},
                heads[HEAD[KEY]],
            )
            stray_texts += [text for text in heads if text not in HEAD]
        elif not columns:
            stray_texts += list(line.values())[1:]
        elif not line.get(key):
            stray_texts += line.values()
        else:
            stray_texts += [text for column, text in line.items() if column not in columns]
    return stray_texts
