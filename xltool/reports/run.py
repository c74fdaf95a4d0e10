"""What the reports of one run share: their title and time, links to the files, the words shown."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from xltool.checks.results import CheckResult

# A file that is named from the reports' own folder, as nearly all are: nothing needs to be worked
# out.
_PLAIN = re.compile(r"[^\\:\0]+")
_UP = frozenset(("", ".", ".."))


@dataclass(frozen=True, slots=True)
class Run:
    """One run: reports lie in `folder`; the records' files are named from `base`.

    `failed` are the files that could not be dealt with, each with the reason; `live` marks a page
    that is written again and again while someone works on the workbook. `findings` and `indicators`
    say how many there will be, where that is known beforehand.
    """

    folder: Path
    base: Path = Path()
    title: str = "绩效目标审核结果"
    made: datetime = field(default_factory=datetime.now)
    failed: tuple[tuple[str, str], ...] = ()
    live: bool = False
    findings: int = 0
    indicators: int = 0

    @property
    def when(self) -> str:
        return f"{self.made:%Y-%m-%d %H:%M}"

    def parts(self, file: str) -> tuple[str, ...]:
        """The way from the reports' folder to a file, part by part; empty where there is none."""
        if not file:
            return ()
        parts = file.split("/")
        if self.base == self.folder and _PLAIN.fullmatch(file) and _UP.isdisjoint(parts):
            return tuple(parts)
        try:
            way = os.path.relpath(self.base / file, self.folder)
        except ValueError:  # another drive, or a name no system takes
            return ()
        return Path(way).parts

    def href(self, file: str) -> str:
        """A relative link for a page. Every character that could mean something else is escaped."""
        return "/".join(quote(part, safe="", errors="replace") for part in self.parts(file))


def titles() -> dict[str, str]:
    """The title of every rule, by code."""
    from xltool.checks.engine import rules

    return {code: rule.title for code, rule in rules().items()}


_decode = msgspec.json.Decoder(CheckResult).decode


def packed(result: CheckResult | bytes) -> tuple[CheckResult, bytes]:
    """A result, and the same as JSON in one line; broken characters (half of a pair, an unreadable
    file name) are replaced."""
    if isinstance(result, bytes):
        return _decode(result), result
    try:
        return result, msgspec.json.encode(result)
    except UnicodeEncodeError:
        whole = msgspec.convert(repaired(msgspec.to_builtins(result)), CheckResult)
        return whole, msgspec.json.encode(whole)


def repaired(value: Any) -> Any:
    """Plain data in which every text can be written as UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {repaired(key): repaired(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [repaired(item) for item in value]
    return value
