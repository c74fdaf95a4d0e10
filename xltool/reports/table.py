"""report.json and findings.csv: the results for other programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from xltool.checks.results import VERDICTS, CheckResult, FindingResult
from xltool.errors import XltoolError, why
from xltool.files.atomic import writing
from xltool.files.csv_table import csv_table
from xltool.files.table_column import Column, cells, heads
from xltool.reports.run import Run

# A result, and the same as JSON: it is encoded once, for all reports.
AddResult = Callable[[CheckResult, bytes], None]

_FILES, _TAIL = b'"files": [', b"\n]}\n"


class FindingRow(NamedTuple):
    """One row of findings.csv: a finding of a file, or the reason why a file has none."""

    file: str
    result: CheckResult | None
    finding: FindingResult
    verdict: str
    level: str = ""
    state: str = ""


# What stands in all rows of a file.
FILE_COLUMNS: tuple[Column[FindingRow], ...] = (
    Column("文件", lambda row: row.file),
    Column("单位", lambda row: row.result.unit if row.result else ""),
    Column("部门编码", lambda row: row.result.code if row.result else ""),
    Column("年度", lambda row: (row.result and row.result.year) or ""),
    Column("结论", lambda row: row.verdict),
)
FINDING_COLUMNS: tuple[Column[FindingRow], ...] = (
    Column("级别", lambda row: row.level),
    Column("代码", lambda row: row.finding.code),
    Column("工作表", lambda row: row.finding.sheet),
    Column("单元格", lambda row: row.finding.cell),
    Column("字段", lambda row: row.finding.field),
    Column("问题", lambda row: row.finding.message),
    Column("填报值", lambda row: row.finding.found),
    Column("对照值", lambda row: row.finding.expected),
    Column("审核属性", lambda row: row.finding.review),
    Column("说明", lambda row: row.finding.explanation),
    Column("状态", lambda row: row.state),
)


@contextmanager
def json_report(path: Path, run: Run) -> Iterator[AddResult]:
    """`{"failed": [{"file", "reason"}, …], "files": [RESULT, …]}`, a result a line;
    no failed, no key."""
    encode = msgspec.json.Encoder().encode
    with writing(path, "wb") as file:
        failed = [{"file": name, "reason": reason} for name, reason in run.failed]
        file.write(b"{" + (b'"failed": ' + encode(failed) + b", " if failed else b"") + _FILES)
        separator = b"\n"

        def add(result: CheckResult, packed: bytes) -> None:
            nonlocal separator
            file.write(separator + packed)
            separator = b",\n"

        yield add
        file.write(_TAIL)


def read_results(path: Path) -> Iterator[CheckResult]:
    """The results in a report.json; one at a time where it is written a result a line.

    Raises XltoolError where the file is not such a report.
    """
    with _opened(path) as file:
        if file.readline().rstrip().endswith(_FILES):
            text = b""
            for line in file:
                if (text := line.strip().rstrip(b",")) and text != _TAIL.strip():
                    yield _checked(_decode(text), path)
            if text != _TAIL.strip():
                raise XltoolError(f"“{path}”没有写完：结尾缺了")
            return
        file.seek(0)
        files = _whole(file.read()).get("files")
    if not isinstance(files, list):
        raise XltoolError(f"“{path}”不是 report.json：没有 files")
    for record in files:
        yield _checked(record, path)


def read_failed(path: Path) -> list[tuple[str, str]]:
    """(file, reason) of what could not be dealt with in the run of a report.json."""
    with _opened(path) as file:
        head = file.readline()
        whole = _whole(head + b"]}" if head.rstrip().endswith(_FILES) else head + file.read())
    return [(str(entry["file"]), str(entry["reason"])) for entry in whole.get("failed", [])]


_decode = msgspec.json.Decoder().decode


def _whole(text: bytes) -> dict[str, Any]:
    whole = _decode(text)
    return whole if isinstance(whole, dict) else {}


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise XltoolError(f"读不了“{path}”：{why(error)}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise XltoolError(f"“{path}”不是 report.json，或没有写完") from error


def _checked(record: object, path: Path) -> CheckResult:
    try:
        return msgspec.convert(record, CheckResult)
    except msgspec.ValidationError as error:
        raise XltoolError(f"“{path}”不是 report.json：有一项不是审核结果") from error


@contextmanager
def csv_report(path: Path, run: Run) -> Iterator[AddResult]:
    """All findings, a row each, for spreadsheet programs."""
    with csv_table(path, heads((*FILE_COLUMNS, *FINDING_COLUMNS))) as add_row:

        def put(rows: Sequence[FindingRow]) -> None:
            of_file = cells(FILE_COLUMNS, rows[0]) if rows else []
            for row in rows:
                add_row([*of_file, *cells(FINDING_COLUMNS, row)])

        def add(result: CheckResult, packed: bytes) -> None:
            verdict = VERDICTS[result.verdict]
            found = result.findings
            put([FindingRow(result.file, result, f, verdict, f.label, f.state) for f in found])

        yield add
        for name, reason in run.failed:  # nothing else is known of such a file
            put([FindingRow(name, None, FindingResult(message=reason), "没能处理")])
