"""A run over a folder: inputs streamed to workers, results into the journal, reports at the end."""

from __future__ import annotations

import math
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from xltool.batch.book_parts import placed
from xltool.batch.earlier import earlier_path, note_earlier_files
from xltool.batch.inputs import Item, walk
from xltool.batch.jobs import Crew, Jobs, Summary
from xltool.batch.journal import Journal
from xltool.batch.outlet import NOTEBOOKS, forget_announced
from xltool.batch.places import locked, no_way_into, places, state_folder
from xltool.batch.storage import StorageFolder, is_url
from xltool.batch.task import Outcome, RunOrder, tool_mark
from xltool.batch.tidying import EDITED, is_own, put_away, sweep_out, swept, take_up, tidy_up
from xltool.checks import beside_others
from xltool.checks.results import verdict
from xltool.errors import XltoolError
from xltool.files import guard
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
    no_way_into(inside, outside)
    check_limits(jobs, timeout, memory, wishes.keep_reports)
    order = order_of(outside, edition, settings, last_year, name or run_name(), dry=wishes.dry)
    crew = crew or LocalWorkers(jobs or os.cpu_count() or 1, timeout, memory)
    elsewhere = not isinstance(crew, LocalWorkers)
    began = time.monotonic()
    home = state_folder(output)
    if not (elsewhere and is_url(output)):
        order = replace(order, notebooks=str(home / NOTEBOOKS))
    task = _BatchRun(inside, outside, home, crew, order, wishes, notice, elsewhere, jobs == 1)
    if wishes.dry and not (home / "journal.sqlite").exists():
        summary = task.foreseen(None)
    else:
        with (
            guard.own_record(),
            locked(home, output),
            closing(Journal(home, dry=wishes.dry)) as journal,
        ):
            _same_source(journal, inside, source, output)
            if wishes.dry:
                summary = task.foreseen(journal)
            else:
                begun = {"source": str(source), "output": str(output), "jobs": jobs}
                summary = task.done(journal, begun)
    summary.seconds = time.monotonic() - began
    return summary


class _BatchRun(Struct, frozen=True):
    """One run: from where, into what, where its journal lies, who does it, what is asked of it.

    `elsewhere`: the workers are on other machines. `alone`: only one process was asked for.
    """

    inside: StorageFolder
    outside: StorageFolder
    home: Path
    crew: Crew
    order: RunOrder
    wishes: RunWishes
    notice: Notice
    elsewhere: bool
    alone: bool

    def foreseen(self, journal: Journal | None) -> Summary:
        """What would be done; nothing is written."""
        summary, jobs = Summary(run=self.order.run), self._jobs(journal)
        with closing(self.crew.results(jobs, self.order)) as results:  # type: ignore[type-var]
            for item, outcome in results:
                if outcome.unchanged and journal:
                    parts = placed(journal.keep(item.key), self.outside)
                    jobs.add(parts)
                    summary.skipped += not item.part
                    self.notice({"event": "skipped", **_named(item, parts)})
                    continue
                if journal:
                    # Whoever's result this was, it will be this input's.
                    kept = [] if outcome.failed else [item.output]
                    _note_outcome(journal, item, replace(outcome, kept=kept))
                if outcome.failed:
                    summary.failed.append((item.input, outcome.failed))
                    self.notice(_event(item, outcome))
                else:
                    summary.done += not item.part
                    self.notice({"event": "would do", **_named(item)})
        if journal:
            summary.gone = [file.name for file in journal.gone() if not is_own(file.name)]
        return summary

    def done(self, journal: Journal, begun: dict[str, Any]) -> Summary:
        """Everything done, and reported; `begun` says what the event of the start says."""
        jobs = self._jobs(journal)
        tidy_up(self.home, journal, self.outside)
        unread: list[str] = []
        if self.order.last_year:
            unread = note_earlier_files(self.outside, self.order.last_year, self.order.edition)
        self.notice({"event": "start", **begun})
        with swept(self.home, self.outside):
            summary = self._worked(jobs, journal)
        summary.notes += [("上一年", reason) for reason in unread]
        if not summary.interrupted:
            if beside_others.CODE not in self.order.settings.off:
                summary.question_weight = beside_others.weight_of(self.order.settings)
                _ask(journal, summary)
            self._finish(journal, summary)
        return summary

    def _jobs(self, journal: Journal | None) -> Jobs:
        if journal is None:
            return Jobs(_inputs(self.inside, None, self.wishes))
        return Jobs(_inputs(self.inside, journal, self.wishes), journal, self.wishes.fresh)

    def _worked(self, jobs: Jobs, journal: Journal) -> Summary:
        """What came of all inputs, those of earlier runs that stand included."""
        summary = Summary(run=self.order.run)
        try:
            self._work(jobs, journal, summary)
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

    def _work(self, jobs: Jobs, journal: Journal, summary: Summary) -> None:
        counted: set[str] = set()  # the large books of which a part was done
        with closing(self.crew.results(jobs, self.order)) as results:  # type: ignore[type-var]
            for item, outcome in results:
                if outcome.unchanged:
                    parts = placed(journal.keep(item.key, outcome.outputs), self.outside)
                    jobs.add(parts)
                    summary.skipped += not item.part
                    self.notice({"event": "skipped", **_named(item, parts)})
                    continue
                _note_outcome(journal, item, outcome)
                jobs.add(outcome.parts)
                if outcome.judged_again:
                    summary.skipped += not item.part
                elif not item.part or item.origin not in counted:
                    summary.done += not outcome.failed
                if item.part or outcome.parts:
                    counted.add(item.input)
                summary.notes += [(item.input, note) for note in outcome.notes]
                self.notice(_event(item, outcome))

    def _finish(self, journal: Journal, summary: Summary) -> None:
        """Remove what inputs no longer give, say what is left of inputs that are gone,
        write the reports."""
        from xltool.batch.reports import write_all

        wishes, home, outside = self.wishes, self.home, self.outside
        dropped = journal.left_over()
        gone = journal.gone()
        summary.gone = [file.name for file in gone if not is_own(file.name)]
        if wishes.prune:
            dropped += gone
        stays = {file.name: reason for file in dropped if (reason := put_away(file, outside))}
        for file in dropped:
            if file.name in stays:
                note = f"“{file.name}”留着没有删：{stays[file.name]}"
                summary.notes.append((file.origin, note))
        if wishes.prune:
            summary.gone = [name for name in summary.gone if name not in stays]
            summary.pruned = len(summary.gone)
        # What can't be removed tonight is still ours tomorrow.
        journal.forget([file for file in dropped if stays.get(file.name, EDITED) == EDITED])
        journal.commit()
        summary.notes += write_all(
            home, journal, outside, summary, wishes.keep_reports, alone=self.alone
        )
        # A worker that was ended, here for taking too long or elsewhere by anything, may have been
        # writing.
        if summary.failed or self.elsewhere:
            take_up(home, journal, outside)
            sweep_out(home, outside)
        forget_announced(home)


def _note_outcome(journal: Journal, item: Item, outcome: Outcome) -> None:
    if item.refused:
        journal.keep_below(item.key, item.refused)
    journal.put(outcome, item.input)


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
    """The inputs. Raises XltoolError where there are none, and were some: a share that isn't
    mounted; or where only those that failed are asked for, and nothing was ever done."""
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
    if not (wishes and wishes.only_failed):
        return whole
    if journal is None or journal.empty:
        raise XltoolError(
            "输出文件夹里没有上次的记录，不知道哪些没有做成：请去掉 --only-failed 再运行"
        )
    return _failed_before(whole, journal)


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


def _event(item: Item, outcome: Outcome) -> dict[str, Any]:
    if outcome.failed:
        return {"event": "failed", **_named(item), "reason": outcome.failed}
    kind = "judged again" if outcome.judged_again else "done"
    event = {"event": kind, **_named(item, outcome.parts)}
    verdicts = outcome.tally.verdicts
    event |= {"units": sum(verdicts.values()), "verdicts": verdicts}
    event["outputs"] = [name for name in outcome.outputs if not is_own(name)]
    return event | ({"notes": outcome.notes} if outcome.notes else {})


def _named(item: Item, parts: Sequence[Item] = ()) -> dict[str, Any]:
    """Which input it is; of a large book which part, or into how many it was cut."""
    named: dict[str, Any] = {"file": item.input}
    if item.part:
        named["part"] = item.part
    elif parts:
        named["parts"] = len(parts)
    return named
