"""What the reports of one run share: their title and time, links to the files, the words shown."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from xltool.model import Severity, finding_state
from xltool.reports.record import Record


@dataclass(frozen=True, slots=True)
class Run:
    """One run: reports lie in `folder`; the records' files are named from `base`.

    `failed` are the files that could not be dealt with, each with the reason; `live` marks a page
    that is written again and again while someone works on the workbook.
    """

    folder: Path
    base: Path = Path()
    title: str = "绩效目标审核结果"
    made: datetime = field(default_factory=datetime.now)
    failed: tuple[tuple[str, str], ...] = ()
    live: bool = False

    @property
    def when(self) -> str:
        return f"{self.made:%Y-%m-%d %H:%M}"

    def parts(self, file: str) -> tuple[str, ...]:
        """The way from the reports' folder to a file, part by part; empty where there is none."""
        if not file:
            return ()
        try:
            way = os.path.relpath(self.base / file, self.folder)
        except ValueError:  # another drive, or a name no system takes
            return ()
        return Path(way).parts

    def href(self, file: str) -> str:
        """A relative link for a page. Every character that could mean something else is escaped."""
        return "/".join(quote(part, safe="", errors="replace") for part in self.parts(file))


@functools.cache
def label(severity: str) -> str:
    """错误, 核实 or 提示."""
    return Severity(severity).label


def state(finding: Record) -> str:
    """What is still to be done about a finding."""
    return finding_state(finding["severity"], finding["explanation"], finding["trial"])


def sides(record: Record) -> Iterator[tuple[str, Record]]:
    """The sides of a record's balance with their names, 收入侧 first."""
    for side, name in (("revenue", "收入侧"), ("spending", "支出侧")):
        if record["balance"] and side in record["balance"]:
            yield name, record["balance"][side]


def total(record: Record) -> str | None:
    """The department form's total, as written on its first side."""
    return next((side["total"]["amount"] for _, side in sides(record)), None)


def titles() -> dict[str, str]:
    """The title of every rule, by code."""
    from xltool.checks.engine import rules

    return {code: one.title for code, one in rules().items()}


def sound(record: Record) -> Record:
    """The record as it is; broken characters (half of a pair, an unreadable file name) replaced."""
    import msgspec

    try:
        msgspec.json.encode(record)
    except UnicodeEncodeError:
        return cast(Record, repaired(record))
    return record


def repaired(value: Any) -> Any:
    """Plain data in which every text can be written as UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {repaired(key): repaired(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [repaired(one) for one in value]
    return value
