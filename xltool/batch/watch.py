"""A folder under watch: each workbook saved in it is checked once, its findings written beside it.

It is how people without macros (WPS, barred Excel) get the check while they work. Spreadsheet
programs save in many steps (a temporary file, a rename, or in place), so a save counts as finished
when the file has been left alone for a moment and can be read whole.
"""

from __future__ import annotations

import stat
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from xltool.batch.at_rest import PATIENCE, QUIET, Mark, mark, whole
from xltool.checks.results import CheckResult, check_result
from xltool.checks.settings import Settings
from xltool.editions.declaration import Edition
from xltool.errors import XltoolError
from xltool.files.barrier import reason_of
from xltool.files.discover import PAGE_ENDING, FileKind, below, in_litter, kind_of
from xltool.model import FaultKind, Filing

_TICK = 0.2
_GONE = "文件夹不见了（改了名、删了，或者共享盘断了），等它回来"
_BACK = "文件夹回来了，接着守"


@dataclass(frozen=True, slots=True)
class CheckedSave:
    """One save: the workbook, its result, and the page written beside it (None: see `problem`)."""

    path: Path
    at: datetime
    result: CheckResult | None = None
    page: Path | None = None
    problem: str = ""


@dataclass(slots=True)
class Waiting:
    """Files that changed and have not come to rest, and the mark at which each was last checked;
    `away` are those that went with the folder and were not seen since."""

    changed: dict[Path, float] = field(default_factory=dict)
    since: dict[Path, float] = field(default_factory=dict)
    checked: dict[Path, Mark] = field(default_factory=dict)
    away: set[Path] = field(default_factory=set)

    def touch(self, path: Path, now: float) -> None:
        self.changed[path] = now
        self.since.setdefault(path, now)

    def know(self, path: Path) -> None:
        """What lies there is no save to be checked."""
        if state := mark(path):
            self.checked[path] = state

    def come_back(self, paths: Iterable[Path], now: float) -> None:
        """The folder was away: what is there now counts as changed, but for files that came back as
        they were, whatever the disk numbers them by now."""
        self.away |= set(self.checked)
        for path in paths:
            self.touch(path, now)

    def _known(self, path: Path, state: Mark) -> bool:
        before = self.checked.get(path)
        alike = before and path in self.away and state[:2] == before[:2]
        return state == before or bool(alike)

    def drop(self, path: Path) -> None:
        self.changed.pop(path, None)
        self.since.pop(path, None)

    def at_rest(self, now: float) -> list[tuple[Path, Mark]]:
        """The saves that are finished by now;
        files that are gone, or already checked, are dropped."""
        finished = []
        for path, last in list(self.changed.items()):
            if now - last < QUIET:
                continue
            state = mark(path)
            if state is None:
                self.drop(path)
            elif self._known(path, state):
                self.checked[path] = state
                self.away.discard(path)
                self.drop(path)
            elif whole(path) or now - self.since[path] >= PATIENCE:
                finished.append((path, state))
        return finished


def watch(
    folder: Path,
    *,
    settings: Settings | None = None,
    edition: Edition | None = None,
    existing: bool = False,
    polling: bool = False,
    last_year: Callable[[Filing], Filing | None] = lambda filing: None,
    stop: threading.Event | None = None,
) -> Iterator[CheckedSave]:
    """Every save of a workbook below `folder`, as it is checked, until `stop` is set or Ctrl-C.

    `existing` also checks what lies there already; `polling` is for network drives that report no
    changes. A folder that goes away is waited for; that it went and came back is told as of the
    `folder` itself. Raises XltoolError where the folder can't be watched.
    """
    if not folder.is_dir():
        raise XltoolError(f"没有这个文件夹：{folder}")
    waiting, stop = Waiting(), stop or threading.Event()
    for path in _workbooks(folder):
        if existing:
            waiting.touch(path, time.monotonic() - QUIET)
        else:
            waiting.know(path)
    while not stop.is_set():
        for path, state in _finished(folder, waiting, polling, stop):
            result = judge(path, settings, edition, last_year)
            if mark(path) != state:
                # Saved again meanwhile: that save is judged, this one is not reported.
                waiting.touch(path, time.monotonic())
                continue
            waiting.checked[path] = state
            waiting.away.discard(path)
            waiting.drop(path)
            yield result
        yield from _until_it_is_back(folder, stop)
        waiting.come_back(_workbooks(folder), time.monotonic())


def _until_it_is_back(folder: Path, stop: threading.Event) -> Iterator[CheckedSave]:
    """Wait for a folder that went away; that it did, and that it is back."""
    if _number(folder) is not None:
        return
    yield CheckedSave(folder, datetime.now(), problem=_GONE)
    while _number(folder) is None and not stop.wait(_TICK):
        pass
    if not stop.is_set():
        yield CheckedSave(folder, datetime.now(), problem=_BACK)


def _workbooks(folder: Path) -> Iterator[Path]:
    return (file.path for file in below(folder) if file.kind is FileKind.WORKBOOK)


def _number(folder: Path) -> tuple[int, int] | None:
    """What the disk knows this folder by; None where there is none."""
    try:
        state = folder.stat()
    except OSError:
        return None
    return (state.st_dev, state.st_ino) if stat.S_ISDIR(state.st_mode) else None


def _finished(
    folder: Path, waiting: Waiting, polling: bool, stop: threading.Event
) -> Iterator[tuple[Path, Mark]]:
    """The finished saves, as long as the folder is the one that it is now:
    of another in its place the system reports nothing."""
    number = _number(folder)
    if number is None:
        return
    # It may go before it is watched.
    with suppress(FileNotFoundError), closing(_changes(folder, polling, stop)) as changes:
        for events in changes:
            for _, name in events:
                waiting.touch(Path(name), time.monotonic())
            yield from waiting.at_rest(time.monotonic())
            if _number(folder) != number:
                return


def _changes(
    folder: Path, polling: bool, stop: threading.Event
) -> Generator[set[tuple[Any, str]], None, None]:
    """What changed of the workbooks below `folder`;
    every tick, though nothing did: a file may be at rest."""
    import watchfiles

    return watchfiles.watch(
        folder,
        watch_filter=lambda change, path: wanted(folder, Path(path)),
        debounce=100,
        step=20,
        stop_event=stop,
        rust_timeout=int(_TICK * 1000),
        yield_on_timeout=True,
        force_polling=polling or None,
    )


def wanted(folder: Path, path: Path) -> bool:
    """A workbook that a person made, not in a hidden folder."""
    inner = path.relative_to(folder) if path.is_relative_to(folder) else Path(path.name)
    return kind_of(path.name) is FileKind.WORKBOOK and not in_litter(inner.as_posix())


def judge(
    path: Path,
    settings: Settings | None = None,
    edition: Edition | None = None,
    last_year: Callable[[Filing], Filing | None] = lambda filing: None,
) -> CheckedSave:
    """Check one workbook and write `<name>.审核结果.html` beside it. Never raises."""
    from xltool.checks.engine import check
    from xltool.reading.reader import read
    from xltool.reports.html import write_page

    now = datetime.now()
    try:
        filing = read(path, edition=edition)
        if any(fault.kind == FaultKind.FOREIGN for fault in filing.faults):
            return CheckedSave(path, now, problem="不是申报工作簿，未审核")
        before = last_year(filing)
        findings = check(filing, settings=settings, edition=edition, last_year=before, strict=False)
        result = replace(check_result(filing, findings, edition), file=path.name)
        page = path.with_name(path.stem + PAGE_ENDING)
        write_page(result, page, live=True)
    except Exception as error:  # one bad file never ends the watch
        return CheckedSave(path, now, problem=reason_of(error))
    return CheckedSave(path, now, result, page)
