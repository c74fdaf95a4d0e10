"""report.json and findings.csv: the results for other programs."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from xltool.checks.results import VERDICTS
from xltool.errors import XltoolError, why
from xltool.files.atomic import writing
from xltool.files.escape import row_in_csv
from xltool.reports.record import Record
from xltool.reports.run import Run, label, state

AddRecord = Callable[[Record], None]

_FILES, _TAIL = b'"files": [', b"\n]}\n"

CSV_COLUMNS = (
    "文件", "单位", "部门编码", "年度", "结论", "级别", "代码", "工作表", "单元格", "字段",
    "问题", "填报内容", "应为", "审核属性", "说明", "状态",
)  # fmt: skip


@contextmanager
def json_report(path: Path, run: Run) -> Iterator[AddRecord]:
    """`{"failed": [{"file", "reason"}, …], "files": [RECORD, …]}`, a record a line; no failed, no key."""
    encode = msgspec.json.Encoder().encode
    with writing(path, "wb") as file:
        failed = [{"file": name, "reason": reason} for name, reason in run.failed]
        file.write(b"{" + (b'"failed": ' + encode(failed) + b", " if failed else b"") + _FILES)
        separator = b"\n"

        def add(record: Record) -> None:
            nonlocal separator
            file.write(separator + encode(record))
            separator = b",\n"

        yield add
        file.write(_TAIL)


def read_records(path: Path) -> Iterator[Record]:
    """The records of a report.json; one at a time where it is written a record a line.

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
    return [(str(one["file"]), str(one["reason"])) for one in whole.get("failed", [])]


_decode = msgspec.json.Decoder().decode


def _whole(text: bytes) -> Record:
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


def _checked(record: object, path: Path) -> Record:
    if not isinstance(record, dict) or not {"file", "verdict", "findings"} <= record.keys():
        raise XltoolError(f"“{path}”不是 report.json：有一项不是审核结果")
    return record


@contextmanager
def csv_report(path: Path, run: Run) -> Iterator[AddRecord]:
    """All findings, a row each, for spreadsheet programs: UTF-8 with BOM, no cell is ever a formula."""
    with writing(path, "w", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(CSV_COLUMNS)

        def add(record: Record) -> None:
            unit = [record["file"], record["unit"], record["code"], record["year"] or ""]
            unit = row_in_csv([*unit, VERDICTS[record["verdict"]]])
            for f in record["findings"]:
                writer.writerow(unit + row_in_csv([
                    label(f["severity"]), f["code"], f["sheet"], f["cell"], f["field"], f["message"],
                    f["found"], f["expected"], f["review"], f["explanation"], state(f),
                ]))  # fmt: skip

        yield add
        for name, reason in run.failed:
            writer.writerow(row_in_csv([name, *[""] * 3, "没能处理", *[""] * 5, reason, *[""] * 5]))
