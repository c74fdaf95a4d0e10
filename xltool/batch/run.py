"""A run over a folder: inputs streamed to workers, results into the journal, reports at the end."""

from __future__ import annotations

import hashlib
import math
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from datetime import datetime
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any

import filelock
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from xltool.batch.earlier import earlier_path, note_earlier_files
from xltool.batch.inputs import STATE, Item, walk
from xltool.batch.jobs import Crew, Jobs, Summary
from xltool.batch.journal import Journal, LeftFile
from xltool.batch.outlet import NOTEBOOKS, Written, announced, forget_announced, seal
from xltool.batch.storage import (
    OCCUPIED,
    StorageFolder,
    is_url,
    on_disk,
    place,
    way_into,
    within,
)
from xltool.batch.task import Outcome, RunOrder, tool_mark
from xltool.checks import beside_others
from xltool.checks.results import verdict
from xltool.errors import XltoolError, why
from xltool.files import guard
from xltool.files.atomic import is_temporary, sweep
from xltool.files.pool import MEMORY_MB, SECONDS

# With less a worker can't even load what it works with.
LEAST_MB = 256

Notice = Callable[[dict[str, Any]], None]


class RunWishes(Struct, frozen=True):
    """What an operator may ask of a run beside IN and OUT.

    `fresh`: nothing is skipped. `only_failed`: nothing is done but what could not be done the last
    time. `dry`: only say what would be done. `allow_empty`: an IN without any input is meant so.
    `prune`: results whose inputs are gone are removed. `keep_reports`: so many earlier sets of
    reports stay beside the new ones.
    """

    fresh: bool = False
    only_failed: bool = False
    dry: bool = False
    allow_empty: bool = False
    prune: bool = False
    keep_reports: int = 0


def run(
    source: Path | str,
    output: Path | str,
    *,
    jobs: int = 0,
    fresh: bool = False,
    edition: str = "",
    settings: str = "",
    last_year: str = "",
    timeout: float = SECONDS,
    memory: int = MEMORY_MB,
    wishes: RunWishes | None = None,
    crew: Crew | None = None,
    notice: Notice = lambda event: None,
    name: str = "",
) -> Summary:
    """Do everything in `source` into `output`; the reports of all inputs that are there now.

    Both are folders or URLs that fsspec knows. What a person made or changed in `output` is left as
    it is. `last_year` is a workbook, or a folder of them, with the filings of the year before to
    compare with; workers on other machines must reach it too. `name` is what the run is called in
    its events. Raises XltoolError where it can't begin (folders, edition, settings, limits, a
    second run on the same OUT) or go on (a full disk). Ctrl-C ends it in good order: what was done
    is kept, `Summary.interrupted` says so, the next run goes on.
    """
    from xltool.batch.local_workers import LocalWorkers

    wishes = wishes or RunWishes(fresh=fresh)
    inside, outside = places(source, output)
    _apart(inside, outside)
    check_limits(jobs, timeout, memory, wishes.keep_reports)
    order = order_of(outside, edition, settings, last_year, name or run_name(), dry=wishes.dry)
    crew = crew or LocalWorkers(jobs or os.cpu_count() or 1, timeout, memory)
    local = isinstance(crew, LocalWorkers)
    began = time.monotonic()
    home = state_folder(output)
    if local or not is_url(output):
        order = replace(order, notebooks=str(home / NOTEBOOKS))
    if wishes.dry and not (home / "journal.sqlite").exists():
        return _foreseen(crew, Jobs(_inputs(inside)), order, None, notice, began)
    with (
        guard.own_record(),
        _locked(home, output),
        closing(Journal(home, dry=wishes.dry)) as journal,
    ):
        _same_source(journal, inside, source, output)
        items = _inputs(inside, journal, wishes)
        if wishes.dry:
            return _foreseen(
                crew, Jobs(items, journal, wishes.fresh), order, journal, notice, began
            )
        _tidy_up(home, journal, outside)
        unread = note_earlier_files(outside, order.last_year, edition) if last_year else []
        notice({"event": "start", "source": str(source), "output": str(output), "jobs": jobs})
        with _swept(home, outside):
            summary = _done(crew, Jobs(items, journal, wishes.fresh), order, journal, notice)
        summary.notes += [("上一年", reason) for reason in unread]
        if not summary.interrupted:
            if beside_others.CODE not in order.settings.off:
                summary.question_weight = beside_others.weight_of(order.settings)
                _ask(journal, summary)
            _finish(
                home,
                journal,
                outside,
                summary,
                wishes,
                alone=jobs == 1,
                elsewhere=not local,
            )
    summary.seconds = time.monotonic() - began
    return summary


def check_limits(jobs: int, timeout: float, memory: int, keep_reports: int = 0) -> None:
    """Whether the limits make sense. Raises XltoolError."""
    if jobs < 0:
        raise XltoolError(f"进程数不能是 {jobs}")
    if not (math.isfinite(timeout) and timeout > 0):
        raise XltoolError(f"时间限度应当是大于 0 的秒数，不能是 {timeout:g}")
    if memory < LEAST_MB:
        raise XltoolError(f"内存限度 {memory} MB 太小，至少要 {LEAST_MB} MB")
    if keep_reports < 0:
        raise XltoolError(f"保留的报告套数不能是 {keep_reports}")


def order_of(
    outside: StorageFolder,
    edition: str,
    settings: str,
    last_year: str,
    name: str,
    *,
    dry: bool = False,
) -> RunOrder:
    """What every worker is told. Edition and settings are read here, once, before the first input:
    a slip in them must not fail all of them. Raises XltoolError."""
    from xltool import __version__
    from xltool.checks.engine import known_settings
    from xltool.checks.settings import load_settings
    from xltool.editions.declaration import load_edition
    from xltool.template.layout import load_layout

    if edition:
        folder = "/" in edition or "\\" in edition
        edition = str(Path(edition).absolute()) if folder else edition
        load_layout(load_edition(edition))
    loaded = load_settings(settings or None)
    known_settings(loaded)
    last_year = earlier_path(last_year) if last_year else ""
    mark = tool_mark(edition, loaded, last_year)
    return RunOrder(outside.at(""), edition, loaded, mark, __version__, name, dry, last_year)


def run_name() -> str:
    """What a run is called: when it began, and something that no other run has."""
    return f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def _inputs(
    inside: StorageFolder, journal: Journal | None = None, wishes: RunWishes | None = None
) -> Iterator[Item]:
    """The inputs. Raises XltoolError where there are none, and were some:
    a share that isn't mounted."""
    items = walk(inside)
    first = next(items, None)
    if first is None:
        if journal and wishes and not wishes.allow_empty and not journal.empty:
            raise XltoolError(
                f"{inside.at('')} 里一个输入也没有，以前有：共享盘没有挂上？结果都没有动；"
                "真是空的，就加 --allow-empty"
            )
        return iter(())
    whole = chain([first], items)
    return _failed_before(whole, journal) if journal and wishes and wishes.only_failed else whole


def _failed_before(items: Iterable[Item], journal: Journal) -> Iterator[Item]:
    for item in items:
        if journal.failed_before(item.key):
            yield item
        else:
            journal.keep_all(item.key)


def _same_source(
    journal: Journal, inside: StorageFolder, source: Path | str, output: Path | str
) -> None:
    """One OUT is of one IN: another one's run would take its results for inputs that are gone."""
    recorded = msgspec.json.decode(journal.about("source") or "[]", type=list[str])
    if recorded and not set(recorded) & set(inside.identity):
        raise XltoolError(
            f"{output} 里是 {recorded[0]} 的结果，不是 {source} 的：请换一个输出文件夹；"
            f"输入只是搬了地方，就删掉 {state_folder(output)} 再运行（内容相同的结果照用，改过的留着）"
        )
    journal.note("source", msgspec.json.encode(inside.identity).decode())


def _foreseen(
    crew: Crew, jobs: Jobs, order: RunOrder, journal: Journal | None, notice: Notice, began: float
) -> Summary:
    """What a run would do; nothing is written."""
    summary = Summary(run=order.run)
    with closing(crew.results(jobs, order)) as results:  # type: ignore[type-var]
        for item, outcome in results:
            if outcome.failed:
                summary.failed.append((item.input, outcome.failed))
                notice(_event(item, outcome))
            elif outcome.unchanged and journal:
                parts = journal.keep(item.key)
                jobs.add(parts)
                summary.skipped += not item.part
                notice({"event": "skipped", **_named(item, parts)})
            else:
                summary.done += not item.part
                notice({"event": "would do", **_named(item)})
    if journal:
        summary.gone = [file.name for file in journal.gone() if not _own(file)]
    summary.seconds = time.monotonic() - began
    return summary


def _done(crew: Crew, jobs: Jobs, order: RunOrder, journal: Journal, notice: Notice) -> Summary:
    summary = Summary(run=order.run)
    try:
        _work(crew, jobs, order, journal, summary, notice)
    except KeyboardInterrupt:
        summary.interrupted = True
    finally:
        journal.commit()
    summary.failed = list(journal.failures())
    for tally in journal.tallies():
        summary.verdicts.update(tally.verdicts)
        summary.findings += tally.findings
        summary.indicators += tally.indicators
    return summary


def _ask(journal: Journal, summary: Summary) -> None:
    """What the totals of the whole batch ask of one of them."""
    totals: dict[str, Decimal] = {}
    for tally in journal.tallies():
        totals.update(tally.totals or {})
    summary.questions = beside_others.outsized(totals)
    if not summary.questions:
        return
    asked = beside_others.asked(journal.records(), summary.questions, summary.question_weight)
    for record in asked:
        if not isinstance(record, bytes):
            # The question comes last.
            summary.verdicts.subtract([verdict(record.findings[:-1])])
            summary.verdicts.update([record.verdict])


def _work(
    crew: Crew, jobs: Jobs, order: RunOrder, journal: Journal, summary: Summary, notice: Notice
) -> None:
    counted: set[str] = set()  # the large books of which a part was done
    with closing(crew.results(jobs, order)) as results:  # type: ignore[type-var]
        for item, outcome in results:
            if outcome.unchanged:
                parts = journal.keep(item.key, outcome.outputs)
                jobs.add(parts)
                summary.skipped += not item.part
                notice({"event": "skipped", **_named(item, parts)})
                continue
            if item.refused:
                journal.keep_below(item.key, item.refused)
            journal.put(outcome, item.input)
            jobs.add(outcome.parts)
            if outcome.judged_again:
                summary.skipped += not item.part
            elif not item.part or item.origin not in counted:
                summary.done += not outcome.failed
            if item.part or outcome.parts:
                counted.add(item.input)
            summary.notes += [(item.input, note) for note in outcome.notes]
            notice(_event(item, outcome))


def _finish(
    home: Path,
    journal: Journal,
    outside: StorageFolder,
    summary: Summary,
    wishes: RunWishes,
    *,
    alone: bool,
    elsewhere: bool,
) -> None:
    """Remove what inputs no longer give, say what is left of inputs that are gone,
    write the reports."""
    from xltool.batch.reports import write_all

    dropped = journal.left_over()
    gone = journal.gone()
    summary.gone = [file.name for file in gone if not _own(file)]
    if wishes.prune:
        dropped += gone
    for file in dropped:
        if not _remove(file, outside):
            summary.notes.append((file.origin, f"“{file.name}”有人改过，留着没有删"))
    if wishes.prune:
        summary.pruned = len(summary.gone)
    journal.forget(dropped)
    journal.commit()
    aside = write_all(home, journal, outside, summary, wishes.keep_reports, alone=alone)
    summary.notes += [
        (name, "原来的报告有人改过（或不是 xltool 写的），留着，改名成这样") for name in aside
    ]
    # A worker that was ended, here for taking too long or elsewhere by anything, may have been
    # writing.
    if summary.failed or elsewhere:
        _take_up(home, journal, outside)
        _sweep(home, outside)
    forget_announced(home)


def _own(file: LeftFile) -> bool:
    """Not a result, but what xltool keeps for itself."""
    return file.name.startswith(f"{STATE}/")


def _remove(file: LeftFile, outside: StorageFolder) -> bool:
    """Remove a file of OUT as it was left there; False where somebody has changed it since."""
    stamp = outside.stamp(file.name)
    if not stamp:
        return True
    if stamp == OCCUPIED or file.written.edited:
        return False
    if stamp != file.written.stamp and seal(outside.load(file.name)) != file.written.seal:
        return False
    with suppress(XltoolError):
        outside.remove(file.name)
    return True


def _tidy_up(home: Path, journal: Journal, outside: StorageFolder) -> None:
    """Take up what a killed run left: half-written files go, finished ones are noted as ours."""
    _take_up(home, journal, outside)
    _sweep(home, outside)
    forget_announced(home)


def _take_up(home: Path, journal: Journal, outside: StorageFolder) -> None:
    for name, fresh, key, origin in announced(home):
        if journal.seal(name) == fresh:
            continue
        stamp = outside.stamp(name)
        if stamp not in ("", OCCUPIED) and seal(outside.load(name)) == fresh:
            journal.adopt(name, Written(fresh, stamp), key, origin)
    journal.commit()


@contextmanager
def _swept(home: Path, outside: StorageFolder) -> Iterator[None]:
    """A run that can't go on, as on a full disk, ends its workers in the middle of a file."""
    try:
        yield
    except XltoolError:
        _sweep(home, outside)
        raise


def _sweep(home: Path, outside: StorageFolder) -> None:
    """Remove what was left half-written, reports too; nobody else writes here now."""
    sweep(list(home.rglob("*")))  # a folder may go while they are listed
    with suppress(XltoolError):  # there is no OUT yet
        for listing in outside.folders():
            for name in listing.files:
                if is_temporary(name):
                    outside.remove(f"{listing.inner}/{name}".lstrip("/"))


def places(source: Path | str, output: Path | str) -> tuple[StorageFolder, StorageFolder]:
    """IN and OUT, apart from each other. Raises XltoolError."""
    if not is_url(source):
        folder = Path(on_disk(source))
        if not folder.exists():
            raise XltoolError(f"没有这个文件夹：{source}")
        if not folder.is_dir():
            raise XltoolError(f"这不是文件夹：{source}")
    inside, outside = place(source), place(output)
    if within(outside, inside):
        raise XltoolError(f"输出文件夹不能放在输入文件夹里：{output}")
    if within(inside, outside):
        raise XltoolError(f"输入文件夹不能放在输出文件夹里：{source}")
    return inside, outside


def _apart(inside: StorageFolder, outside: StorageFolder) -> None:
    """No link in OUT leads into IN. Raises XltoolError."""
    if way := way_into(outside, inside):
        raise XltoolError(f"输出文件夹里的 {way} 是通向输入文件夹的链接，结果会写进去：请先移走")


def state_folder(output: Path | str) -> Path:
    """Where the journal and the lock of an OUT lie:
    in it, or, of a URL, in this user's own folder."""
    if not is_url(output):
        return Path(on_disk(output)).absolute() / STATE
    import platformdirs

    name = hashlib.blake2b(str(output).rstrip("/").encode(), digest_size=8).hexdigest()
    return platformdirs.user_state_path("xltool", appauthor=False) / "batch" / name


def _locked(home: Path, output: Path | str) -> AbstractContextManager[Any]:
    try:
        home.mkdir(parents=True, exist_ok=True)
        return filelock.FileLock(home / "lock", blocking=False).acquire()
    except filelock.Timeout as error:
        raise XltoolError(f"另一次运行正在写 {output}，请等它结束") from error
    except OSError as error:
        raise XltoolError(f"写不了 {output}：{why(error)}") from error


def _event(item: Item, outcome: Outcome) -> dict[str, Any]:
    if outcome.failed:
        return {"event": "failed", **_named(item), "reason": outcome.failed}
    kind = "judged again" if outcome.judged_again else "done"
    event = {"event": kind, **_named(item, outcome.parts)}
    verdicts = outcome.tally.verdicts
    event |= {"units": sum(verdicts.values()), "verdicts": verdicts}
    event["outputs"] = [name for name in outcome.outputs if not name.startswith(f"{STATE}/")]
    return event | ({"notes": outcome.notes} if outcome.notes else {})


def _named(item: Item, parts: Sequence[Item] = ()) -> dict[str, Any]:
    """Which input it is; of a large book which part, or into how many it was cut."""
    named: dict[str, Any] = {"file": item.input}
    if item.part:
        named["part"] = item.part
    elif parts:
        named["parts"] = len(parts)
    return named
