"""Taking in what came back: judged, kept, written into the ledger.
Twice the same changes nothing."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.ledger.counting import Act, Standpoint
from xltool.campaign.ledger.related import UnitReturns
from xltool.campaign.ledger.store import LedgerRow, now
from xltool.campaign.returns.incoming import (
    Found,
    Incoming,
    Unreachable,
    incoming,
    pristine_copies,
    pristine_index,
)
from xltool.campaign.returns.judgement import (
    ANSWERS,
    Judgement,
    Register,
    judge_one,
    named_unit,
    received_size,
    set_up,
)
from xltool.campaign.returns.status import status
from xltool.campaign.returns.withdrawals import apply_papers
from xltool.campaign.sealing.parcel import digest
from xltool.campaign.units import UnitFiles
from xltool.errors import XltoolError
from xltool.files import guard
from xltool.files.atomic import refused, writing
from xltool.files.barrier import Failure, guarded
from xltool.files.pool import WorkerPool
from xltool.model import Finding, Severity

BATCH = 200  # returns in one transaction
MOST_KEPT = 32 * 2**20  # bytes of returns that wait for it

Judged = tuple[Found, str, bytes, Judgement]  # a return, its digest, its bytes and what they say


@dataclass(frozen=True, slots=True)
class Receipt:
    """One file and what became of it: `outcome` is 收下, 重复, 空白 or 答复."""

    name: str
    outcome: str
    kind: str = ""
    unit: str = ""
    claimed: str = ""
    version: int = 0
    verdict: str = ""
    first: str = ""  # the first thing a reviewer would say; of a copy, what it is a copy of


@dataclass(slots=True)
class Collected:
    """One run: what became of each file, and what could not be looked into."""

    receipts: list[Receipt] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    pristine: int = 0
    copies: int = 0  # that were written with --pristine before: nobody returned them
    withdrawn: list[str] = field(default_factory=list)  # units whose district took them back
    # Of these, who has another version, which counts: the district may not know of it.
    still_counted: dict[str, int] = field(default_factory=dict)
    lifted: list[str] = field(default_factory=list)  # units whose district no longer does
    not_owed: list[str] = field(default_factory=list)  # units that returned and need not any more
    locked: list[str] = field(default_factory=list)  # units that returned anew what is approved
    # Units whose new return says again what was sent back, with the version that was.
    unchanged: dict[str, int] = field(default_factory=dict)
    questions: dict[str, str] = field(default_factory=dict)  # what others' totals ask of a unit

    @property
    def new(self) -> list[Receipt]:
        return [receipt for receipt in self.receipts if receipt.outcome == "收下"]

    def counts(self) -> Counter[str]:
        return Counter(receipt.outcome for receipt in self.receipts)


def collect(
    campaign: Campaign,
    paths: Iterable[Path],
    *,
    received: dt.date | None = None,
    pristine: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Collected:
    """Take in every return under these paths. Only one collector runs at a time; the next waits.

    `received` is the day on which they came; without it each file's own time says when.
    """
    if received and received > dt.date.today():
        raise XltoolError(f"收到的日子 {received} 还没有到，请写成实际收到的那一天")
    ledger = campaign.ledger
    result = Collected()
    with ledger.writing(), incoming(paths) as source:
        result.problems += source.problems
        result.skipped += source.skipped
        result.copies = source.copies
        desk = LedgerDesk(campaign, result, received)
        _take_papers(desk, source, result)
        for together in _together(_judged(source, desk, result)):
            desk.take(together)
            if progress:
                progress(len(result.receipts), len(source.found))
        desk.take_answers()
        desk.note_the_rest(source)
    if result.withdrawn:
        counted = ledger.counted()
        versions = {code: counted[code]["version"] for code in result.withdrawn if code in counted}
        result.still_counted = versions
    if result.new:
        result.questions = status(campaign).questions
    if pristine:
        result.pristine = write_pristine(campaign, pristine, result)
    return result


def _together(returns: Iterable[Judged]) -> Iterator[list[Judged]]:
    """The returns by as many as one transaction takes, of large ones fewer."""
    waiting: list[Judged] = []
    bytes_held = 0
    for one in returns:
        waiting.append(one)
        bytes_held += len(one[2])
        if len(waiting) >= BATCH or bytes_held > MOST_KEPT:
            yield waiting
            waiting, bytes_held = [], 0
    if waiting:
        yield waiting


def _judged(source: Incoming, desk: LedgerDesk, result: Collected) -> Iterator[Judged]:
    """The new returns in order, each judged in a process of its own.

    One that could not be judged is a problem of `result` and not entered:
    the next collecting tries it again.
    """
    readable = _readable(source, desk, result)
    first = next(readable, None)
    if first is None:
        return
    under_way: deque[tuple[Found, str, bytes]] = deque()

    def items() -> Iterator[tuple[bytes, str]]:
        for file, sha256, data in chain([first], readable):
            under_way.append((file, sha256, data))
            yield data, file.name

    pool = WorkerPool(
        judge_one, size=received_size, setup=set_up, given=(desk.register,), clean=True
    )
    for judgement in pool.in_order(items()):
        file, sha256, data = under_way.popleft()
        if isinstance(judgement, Failure):
            result.problems.append((file.name, judgement.reason))
            desk.unread.append((file, judgement.reason))
        else:
            yield file, sha256, data, judgement


def _take_papers(desk: LedgerDesk, source: Incoming, result: Collected) -> None:
    """What districts took back, before the returns that they sent instead."""
    papers: dict[str, bytes] = {}
    for file in source.papers:
        try:
            papers[file.name] = source.read(file)
        except Unreachable as error:
            result.problems.append((file.name, str(error)))
    applied = apply_papers(desk.campaign, papers)
    result.withdrawn += applied.withdrawn
    result.lifted += applied.lifted
    result.problems += applied.problems
    noted = {sha256 for sha256, _, _ in desk.noted}
    # That an old paper lies there still is no news.
    result.problems += [
        problem for problem in applied.outdated if digest(papers[problem[0]]) not in noted
    ]
    reasons = dict(applied.problems + applied.outdated)
    for file in source.papers:
        if file.name in papers:
            reason = reasons.get(file.name, "区县的撤回单")
            desk.papers.append((file, digest(papers[file.name]), reason))


def _readable(
    source: Incoming, desk: LedgerDesk, result: Collected
) -> Iterator[tuple[Found, str, bytes]]:
    """The files with their bytes, without what is known already whatever its name."""
    for file in source.found:
        try:
            data = source.read(file)
        except Unreachable as error:
            result.problems.append((file.name, str(error)))
            desk.unread.append((file, str(error)))
            continue
        sha256 = digest(data)
        if sha256 in desk.issued:
            result.receipts.append(Receipt(file.name, "空白"))
            desk.blanks.append((file, sha256))
        elif before := desk.taken_before(file, sha256):
            row, remark = before
            result.receipts.append(
                Receipt(
                    file.name,
                    "重复",
                    row["kind"],
                    row["unit"],
                    row["claimed"],
                    row["version"],
                    first=remark,
                )
            )
        else:
            yield file, sha256, data


class LedgerDesk:
    """Where judged returns are written into the ledger, in order."""

    def __init__(
        self, campaign: Campaign, result: Collected, received: dt.date | None = None
    ) -> None:
        self.campaign, self.result, self.received = campaign, result, received
        rows = campaign.ledger.own_returns()
        self.known = {(row["sha256"], row["claimed"]): row for row in rows}
        self.versions = Counter(row["unit"] for row in rows)
        # A unit may have come onto the list since.
        by_id = {row["id"]: row for row in rows if row["kind"] != "unlisted"}
        arrivals = campaign.ledger.arrivals()
        self.seen = {
            (arrival["sha256"], arrival["name"].rpartition("/")[2], arrival["time"]): (
                by_id[arrival["return_id"]],
                arrival["day"],
            )
            for arrival in arrivals
            if arrival["return_id"] in by_id
        }
        self.times: dict[int, list[tuple[str, bool]]] = {}
        self.noted = {(arrival["sha256"], arrival["name"], arrival["time"]) for arrival in arrivals}
        self.issued = campaign.ledger.issued_contents()
        self.answered: dict[tuple[str, int], list[tuple[str, bool]]] = {}
        self.answers: list[tuple[Found, str, Judgement]] = []
        for a in arrivals:
            made = (a["time"], bool(a["zipped"]))
            if a["outcome"] == "answer":
                self.answered.setdefault((a["sha256"], a["return_id"]), []).append(made)
            else:
                self.times.setdefault(a["return_id"], []).append(made)
        self.blanks: list[tuple[Found, str]] = []
        self.unread: list[tuple[Found, str]] = []
        self.papers: list[tuple[Found, str, str]] = []

    @functools.cached_property
    def register(self) -> Register:
        """What the judges know of the campaign: read once, and sent to each of them."""
        return Register.of(self.campaign)

    def taken_before(self, file: Found, sha256: str) -> tuple[LedgerRow, str] | None:
        """The return that this very file is (the same content, name and time), and what to say
        where the clerk names another day for it now."""
        seen = self.seen.get((sha256, file.name.rpartition("/")[2], file.modified))
        if seen is None:
            return None
        row, day = seen
        other = self.received is not None and self.received.isoformat() != day
        return row, f"先前收过，收到的日子仍是 {day}" if other else ""

    def take(self, judged: list[Judged]) -> None:
        """Originals first, then the ledger in one transaction:
        a run cut off leaves spare files at most."""
        if not judged:
            return
        for _, sha256, data, _ in judged:
            self.campaign.keep(sha256, data)
        entered: list[tuple[Found, Judgement, int, str, str]] = []
        with self.campaign.ledger.transaction():
            for file, sha256, _, judgement in judged:
                if judgement.kind == ANSWERS:
                    self.answers.append((file, sha256, judgement))
                    continue
                entered.append((file, judgement, *self._enter(file, sha256, judgement)))
        self._receipts(entered)

    def take_answers(self) -> None:
        """The return notes that came back, after the returns that they are about."""
        if not self.answers:
            return
        with self.campaign.ledger.transaction():
            noted = [self._answered(*answer) for answer in self.answers]
        standings = self.campaign.ledger.standings({row["unit"] for row in noted if row})
        for (file, _, judgement), row in zip(self.answers, noted, strict=True):
            receipt = Receipt(file.name, "答复", ANSWERS)
            if row:
                first = _heeded(judgement, row, standings[row["unit"]])
                code, version = row["claimed"] or row["unit"], row["version"]
                receipt = Receipt(file.name, "答复", ANSWERS, code, version=version, first=first)
            self.result.receipts.append(receipt)
        self.answers.clear()

    def _answered(self, file: Found, sha256: str, judgement: Judgement) -> Any:
        """A return note that came back: its explanations are the unit's word on that return.

        The return, None where nothing was said about any.
        """
        row = self._asked(judgement)
        unit = (row["claimed"] or row["unit"]) if row else ""
        if row is None or not judgement.answers:
            reason = "退回意见的答复，但里面没有说明" if row else "别的批次的退回意见"
            if row and judgement.beside:
                reason += f"，{_unread(judgement.beside)}"
            self._arrived(file, sha256, 0, "other", reason, unit)
            self.result.problems.append((file.name, reason))
            return None
        before = self.answered.setdefault((sha256, row["id"]), [])
        if not before or self._anew(file, before):
            stamp = judgement.stamp if judgement.stamp <= now() else ""
            # The same note sent again is said anew; else its own stamp tells when it was written.
            said = max(stamp, file.modified) if before else stamp or file.modified
            detail = {
                "version": row["version"],
                "answers": judgement.answers,
                "said": [said, file.modified],
            }
            how_many = f"{len(judgement.answers)} 处"
            self.campaign.ledger.record(
                Act.EXPLAIN, unit, return_id=row["id"], reason=how_many, detail=detail
            )
        before.append((file.modified, file.entry is not None))
        self._arrived(file, sha256, row["id"], "answer", "", unit)
        return row

    def _asked(self, judgement: Judgement) -> Any:
        """The return that a note is about; one file may stand under the names of many units."""
        own = self.known.get((judgement.note, ""))
        if own and judgement.claimed in ("", own["unit"]):
            return own
        rows = (row for (sha256, _), row in self.known.items() if sha256 == judgement.note)
        return self.known.get((judgement.note, judgement.claimed)) or next(rows, None)

    def _receipts(self, entered: list[tuple[Found, Judgement, int, str, str]]) -> None:
        """What became of each, as it stands among the unit's other returns."""
        units = {judgement.unit for _, judgement, *_ in entered}
        standings = self.campaign.ledger.standings(units)
        rows = {row["id"]: row for unit in standings.values() for row in unit.rows}
        for file, judgement, id_, outcome, first in entered:
            row = rows[id_]
            receipt = Receipt(
                file.name, outcome, row["kind"], judgement.unit, judgement.claimed, first=first
            )
            if outcome == "重复" and first and row["sent_back"]:
                receipt = dataclasses.replace(receipt, first=f"{first}；这一版已经退回")
            if outcome == "收下":
                returns = standings[judgement.unit]
                self._without_effect(judgement.unit, returns.outcome.standpoint)
                if again := returns.repeats(row):
                    self.result.unchanged[judgement.unit] = again
                findings = msgspec.json.decode(row["findings"], type=list[Finding])
                receipt = dataclasses.replace(
                    receipt,
                    version=row["version"],
                    verdict=row["verdict"],
                    first=next((finding.message for finding in findings if finding.open), ""),
                )
            self.result.receipts.append(receipt)

    def _without_effect(self, unit: str, stand: Standpoint) -> None:
        """Note a unit whose new return changes nothing, whatever is in it."""
        if stand.left and unit not in self.result.not_owed:
            self.result.not_owed.append(unit)
        elif stand.accepted and unit not in self.result.locked:
            self.result.locked.append(unit)

    def _enter(self, file: Found, sha256: str, judgement: Judgement) -> tuple[int, str, str]:
        """Write one return, or the further arrival of one;
        its id, what became of it, of what it is a copy."""
        earlier = self.known.get((sha256, judgement.claimed))
        stamp = judgement.stamp
        if earlier is None or (judgement.unit and not earlier["unit"]):
            id_ = self._place(file, sha256, judgement, earlier)
            outcome, first, became = "word", "", "收下"
        elif (sha256, file.name, file.modified) in self.noted:
            id_, outcome, first, became = earlier["id"], "copy", "", "重复"
        else:
            id_, became = earlier["id"], "重复"
            # The same bytes made at another time were sent again: the unit's word anew. A mere copy
            # isn't.
            again = self._anew(file, self.times[id_])
            outcome = "word" if again and judgement.unit else "copy"
            first = f"与先前收到的“{earlier['name']}”内容相同"
            if outcome == "word":
                stamp = ""  # it says when the workbook was saved, not when it was sent again
            if outcome == "word" and self.versions[judgement.unit] > 1:
                first += f"：又报来第 {earlier['version']} 版"
        self.times.setdefault(id_, []).append((file.modified, file.entry is not None))
        self._arrived(file, sha256, id_, outcome, "", judgement.unit, stamp)
        return id_, became, first

    def _place(
        self, file: Found, sha256: str, judgement: Judgement, earlier: LedgerRow | None
    ) -> int:
        """Add a return, or give one that was nobody's to its unit; its id."""
        if earlier is not None:
            version = self.campaign.ledger.judge_return(earlier["id"], judgement.values)
            row = {**earlier, "unit": judgement.unit, "version": version}
        else:
            row = {
                "name": file.name,
                "unit": judgement.unit,
                "claimed": judgement.claimed,
                **judgement.values,
                "sha256": sha256,
                "modified": file.modified,
                "received_at": now(),
                "issue": judgement.issue,
            }
            row["id"], row["version"] = self.campaign.ledger.add_return(row)
        self.known[sha256, judgement.claimed] = row
        self.versions[judgement.unit] += 1
        return int(row["id"])

    def _anew(self, file: Found, before: Sequence[tuple[str, bool]]) -> bool:
        """Whether the same bytes were sent again. An older copy that turns up was not, unless the
        clerk says on which day it came."""
        apart = all(_apart(file, time, zipped) for time, zipped in before)
        latest = max((time for time, _ in before), default="")
        return apart and (self.received is not None or file.modified > latest)

    def _arrived(
        self,
        file: Found,
        sha256: str,
        id_: int,
        outcome: str,
        reason: str,
        unit: str,
        stamp: str = "",
    ) -> None:
        today = dt.date.today().isoformat()
        # A clock that is ahead says nothing; the file's own time may still.
        days = [time[:10] for time in (stamp, file.modified) if time and time[:10] <= today]
        own = next(iter(days), today)
        self.campaign.ledger.add_arrival(
            {
                "sha256": sha256,
                "name": file.name,
                "time": file.modified,
                "zipped": file.entry is not None,
                "day": self.received.isoformat() if self.received else own,
                "taken_at": now(),
                "return_id": id_,
                "outcome": outcome,
                "reason": reason,
                "unit": unit,
            }
        )

    def note_the_rest(self, source: Incoming) -> None:
        """A line for each arrival that is no return, so that somebody who looks for it finds it."""
        rest = [(file, sha256, "blank", "空白：下发的原样，没有填") for file, sha256 in self.blanks]
        rest += [(file, "", "unread", reason) for file, reason in self.unread]
        rest += [(file, "", "other", reason) for file, reason in source.others]
        rest += [(file, sha256, "other", reason) for file, sha256, reason in self.papers]
        fresh = [r for r in rest if (r[1], r[0].name, r[0].modified) not in self.noted]
        if not fresh:
            return
        owners, names = self.campaign.ledger.issue_owners(), self.register.names
        with self.campaign.ledger.transaction():
            for file, sha256, outcome, reason in fresh:
                owner = owners.get(sha256, "")
                # Who handed in another's blank form is told; the other did not hand in anything.
                named = named_unit(file.name, self.register, owner if owner in names else "")
                if owner and named:
                    reason = f"空白：下发给 {owner} {names.get(owner, '')} 的原样，没有填"
                self._arrived(file, sha256, 0, outcome, reason, named or owner)


def _unread(beside: Sequence[str]) -> str:
    return f"写在“说明”栏以外的 {len(beside)} 处没有读：“{beside[0][:40]}”"


def _heeded(judgement: Judgement, row: LedgerRow, returns: UnitReturns) -> str:
    """What became of the explanations on a return note, for whoever collects it."""
    answers = judgement.answers
    stands = next(one for one in returns.rows if one["id"] == row["id"])
    findings = msgspec.json.decode(stands["findings"], type=list[Finding])
    asked = {finding.key: finding.severity for finding in findings}
    errors = sum(asked.get(key) is Severity.ERROR for key in answers)
    gone = sum(key not in asked for key in answers)
    version = f"第 {row['version']} 版" if row["version"] else f"没有计入的“{row['name']}”"
    said = [f"对{version}的 {len(answers)} 处说明"]
    if errors:
        said.append(f"其中 {errors} 处是错误，说明不起作用，要改正后重报")
    if gone:
        said.append(f"其中 {gone} 处已不对应任何问题")
    if judgement.beside:
        said.append(_unread(judgement.beside))
    said += _no_effect(stands, returns)
    return "；".join(said)


def _no_effect(row: LedgerRow, returns: UnitReturns) -> Iterator[str]:
    """Why explanations of a return change nothing now."""
    stand, latest = returns.outcome.standpoint, returns.latest
    if stand.left:
        yield "单位已经撤销、免报或并入，说明不起作用"
    elif stand.accepted:
        yield "已经核准，说明只记在历史里"
    elif row["kind"] == "stale":
        yield "这一版用的是旧版工作簿，要用新下发的重报，说明不起作用"
    elif row["withdrawn"]:
        yield "这一版已经撤回，说明不起作用"
    elif row["version"] and latest and latest["id"] != row["id"]:
        yield f"后来又报了第 {latest['version']} 版，这些说明不算在它上面"


def _apart(file: Found, time: str, zipped: bool) -> bool:
    """Whether two files were made at different times; a zip keeps every second second only."""
    exact = "." in time and "." in file.modified and not zipped and file.entry is None
    if exact:
        return file.modified != time
    first, second = (dt.datetime.fromisoformat(text) for text in (file.modified, time))
    return abs((first - second).total_seconds()) > 2


def write_pristine(campaign: Campaign, folder: Path, result: Collected) -> int:
    """The values of each counted return on a fresh template:
    only values travel, nothing else of the file.

    What was written before for a return that no longer counts goes,
    unless somebody changed it since.
    """
    from xltool.campaign.returns.judgement import judge
    from xltool.filling.writer import fill

    register = Register.of(campaign)
    units = {unit.code: unit for unit in campaign.ledger.units()}
    places = UnitFiles(folder)
    index = _PristineIndex(folder)
    written = 0
    for code, row in campaign.ledger.counted().items():
        unit = units[code]
        path = places.place(unit, ".xlsx")
        index.want(path)

        def write(row: Any = row, path: Path = path) -> None:
            original = original_bytes(campaign, row["sha256"])
            filing = judge(original, row["name"], register).filing
            fill(replace(filing, faults=()), path, edition=campaign.edition)

        failure = guarded(write)
        if isinstance(failure, Failure):
            result.problems.append((row["name"], f"没有写成干净的一份：{failure.reason}"))
        else:
            index.wrote(path)
            written += 1
    for path in index.close():
        result.problems.append((str(path), "这一份不再计入，但写出以后有人改过，没有删去"))
    return written


class _PristineIndex:
    """Which copies were written into a folder, each with its digest, so that old ones can go."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, pristine_index(folder)
        self.now: dict[str, str] = {}
        try:
            # There from the start: what is written below is noted in it, now and the next time.
            self.file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refused(self.file.parent, error) from error
        self.before = pristine_copies(folder)

    def want(self, path: Path) -> None:
        """This copy is about to be written; one of ours that nobody changed may be replaced."""
        name = self._name(path)
        if name not in self.before:
            return
        self.now[name] = self.before[name]  # where it can't be written now, it is still known
        watch = guard.current()
        if watch and path.is_file() and digest(path.read_bytes()) == self.before[name]:
            watch.allow(path)

    def wrote(self, path: Path) -> None:
        self.now[self._name(path)] = digest(path.read_bytes())

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def close(self) -> list[Path]:
        """Remove what is not wanted any more; what somebody changed stays, and is given back."""
        changed = []
        for name, sha256 in self.before.items():
            path = self.folder / name
            if name in self.now or ".." in Path(name).parts or not path.is_file():
                continue
            if digest(path.read_bytes()) == sha256:
                path.unlink()
            else:
                changed.append(path)
        with writing(self.file, "wb", own=True) as file:
            file.write(msgspec.json.encode(self.now))
        return changed


def original_bytes(campaign: Campaign, sha256: str) -> bytes:
    """An original, checked against its digest.
    Raises XltoolError where it is gone or was changed."""
    try:
        data = campaign.original(sha256).read_bytes()
    except OSError as error:
        raise XltoolError(f"原件不见了：{campaign.original(sha256)}") from error
    if digest(data) != sha256:
        raise XltoolError(f"原件被改动过：{campaign.original(sha256)}")
    return data
