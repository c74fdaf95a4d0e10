"""Taking in what came back: judged, kept, written into the ledger. Twice the same changes nothing."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.ledger.figures import Figures, content_of, figures_of
from xltool.campaign.ledger.store import now
from xltool.campaign.returns.incoming import Found, Incoming, Unreachable, incoming
from xltool.campaign.returns.judgement import Judgement, judge_one, received_size, set_up
from xltool.campaign.sealing.parcel import digest
from xltool.campaign.units import UnitFiles
from xltool.checks.engine import check
from xltool.checks.results import verdict
from xltool.errors import XltoolError
from xltool.files.barrier import Failure, guarded
from xltool.files.pool import WorkerPool
from xltool.model import Fault, FaultKind, Filing, Finding
from xltool.reports.record import finding_record

BATCH = 200  # returns in one transaction


@dataclass(frozen=True, slots=True)
class Receipt:
    """One file and what became of it: `outcome` is 收下, 重复 or 空白."""

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

    @property
    def new(self) -> list[Receipt]:
        return [r for r in self.receipts if r.outcome == "收下"]

    def counts(self) -> Counter[str]:
        return Counter(r.outcome for r in self.receipts)


def collect(
    campaign: Campaign,
    paths: Iterable[Path],
    *,
    pristine: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Collected:
    """Take in every return under these paths. Only one collector runs at a time; the next waits."""
    ledger = campaign.ledger
    result = Collected()
    with ledger.writing(), incoming(paths) as source:
        result.problems += source.problems
        result.skipped += source.skipped
        desk = _LedgerDesk(campaign, result)
        waiting: list[tuple[Found, str, bytes, Judgement]] = []
        total = len(source.found)
        fresh: deque[tuple[Found, str, bytes]] = deque()

        def items() -> Iterator[tuple[bytes, str]]:
            for one, sha256, data in _readable(source, desk, result):
                fresh.append((one, sha256, data))
                yield data, one.name

        pool = WorkerPool(
            judge_one, size=received_size, setup=set_up, given=(campaign.folder,), clean=True
        )
        for judgement in pool.in_order(items()):
            one, sha256, data = fresh.popleft()
            if isinstance(judgement, Failure):
                # Not entered: the next collecting tries it again.
                result.problems.append((one.name, judgement.reason))
                continue
            waiting.append((one, sha256, data, judgement))
            if len(waiting) >= BATCH:
                desk.take(waiting)
                waiting.clear()
            if progress:
                progress(len(result.receipts) + len(waiting), total)
        desk.take(waiting)
    if pristine:
        result.pristine = write_pristine(campaign, pristine, result)
    return result


def _readable(
    source: Incoming, desk: _LedgerDesk, result: Collected
) -> Iterator[tuple[Found, str, bytes]]:
    """The files with their bytes, without what is known already whatever its name."""
    for one in source.found:
        try:
            data = source.read(one)
        except Unreachable as error:
            result.problems.append((one.name, str(error)))
            continue
        sha256 = digest(data)
        if sha256 in desk.issued:
            result.receipts.append(Receipt(one.name, "空白"))
        elif (sha256, one.name.rpartition("/")[2]) in desk.seen:
            row = desk.seen[sha256, one.name.rpartition("/")[2]]
            result.receipts.append(
                Receipt(one.name, "重复", row["kind"], row["unit"], row["claimed"], row["version"])
            )
        else:
            yield one, sha256, data


class _LedgerDesk:
    """Where judged returns are written into the ledger, in order."""

    def __init__(self, campaign: Campaign, result: Collected) -> None:
        self.campaign, self.result = campaign, result
        rows = campaign.ledger.returns()
        self.known = {(row["sha256"], row["claimed"]): str(row["name"]) for row in rows}
        self.seen = {(row["sha256"], row["name"].rpartition("/")[2]): row for row in rows}
        self.issued = campaign.ledger.issued_contents()

    def take(self, judged: list[tuple[Found, str, bytes, Judgement]]) -> None:
        """Originals first, then the ledger in one transaction: a run cut off leaves spare files at most."""
        received = now()
        for _, sha256, data, _ in judged:
            self.campaign.keep(sha256, data)
        with self.campaign.ledger.transaction():
            for one, sha256, _, judgement in judged:
                self.result.receipts.append(self._enter(one, sha256, judgement, received))

    def _enter(self, one: Found, sha256: str, judgement: Judgement, received: str) -> Receipt:
        ledger = self.campaign.ledger
        said: dict[str, Any] = {
            "name": one.name,
            "kind": judgement.kind,
            "unit": judgement.unit,
            "claimed": judgement.claimed,
        }
        key = (sha256, judgement.claimed)
        if key in self.known:
            first = self.known[key]
            return Receipt(outcome="重复", first=f"与先前收到的“{first}”内容相同", **said)
        self.known[key] = one.name
        earlier = ledger.returns_of(judgement.unit) if judgement.unit else []
        findings = with_versions(self.campaign, judgement, earlier)
        version = ledger.add_return(
            {
                **said,
                **judged_values(self.campaign, judgement, findings),
                "sha256": sha256,
                "modified": one.modified,
                "received_at": received,
                "issue": judgement.issue,
            }
        )
        return Receipt(
            outcome="收下",
            version=version,
            verdict=verdict(findings),
            first=next((f.message for f in findings if f.open), ""),
            **said,
        )


def judged_values(
    campaign: Campaign, judgement: Judgement, findings: list[Finding]
) -> dict[str, str]:
    """What the ledger keeps of a judgement."""
    return {
        "kind": judgement.kind,
        "verdict": verdict(findings),
        "findings": msgspec.json.encode([finding_record(f) for f in findings]).decode(),
        "figures": msgspec.json.encode(figures_of(judgement.filing, campaign.edition)).decode(),
    }


def with_versions(campaign: Campaign, judgement: Judgement, earlier: list[Any]) -> list[Finding]:
    """The findings, with D603 where the unit has returned something else before."""
    # Whether it is genuine comes first: what else is wrong may follow from that.
    findings = sorted(judgement.findings, key=_weight)
    own = [row for row in earlier if not row["claimed"]]
    if judgement.claimed or not own:
        return findings
    last = own[-1]
    valid = [row for row in own if row["verdict"] != "error"]
    if content_of(judgement.filing) in (_content(row) for row in (valid[-1:] or [last])):
        return findings  # saved again, nothing else
    if valid:
        kind, before = FaultKind.RETURNED, valid[-1]
    else:
        kind, before = FaultKind.CORRECTED, last
    said = f"本单位先前报过第 {before['version']} 版（{before['received_at'][:16]} 收到），这一版内容不同"
    fault = Fault(kind, said, found=str(before["version"]))
    alone = Filing(
        campaign.edition.id,
        source=judgement.filing.source,
        faults=(Fault(FaultKind.UNREADABLE, ""), fault),
    )
    settings = campaign.settings
    again = [
        f for f in check(alone, edition=campaign.edition, settings=settings) if f.code == "D603"
    ]
    return sorted([*findings, *again], key=_weight)


def _weight(finding: Finding) -> tuple[bool, int, bool]:
    return finding.trial, finding.severity.rank, not finding.code.startswith("D")


def _content(row: Any) -> str:
    return msgspec.json.decode(row["figures"], type=Figures).content


def write_pristine(campaign: Campaign, folder: Path, result: Collected) -> int:
    """The values of each counted return on a fresh template: only values travel, nothing else of the file."""
    from xltool.campaign.returns.judgement import Register, judge
    from xltool.filling.writer import fill

    register = Register.of(campaign)
    units = {unit.code: unit for unit in campaign.ledger.units()}
    places = UnitFiles(folder)
    written = 0
    for code, row in campaign.ledger.counted().items():
        unit = units[code]
        path = places.place(unit, ".xlsx")

        def write(row: Any = row, path: Path = path) -> None:
            original = original_bytes(campaign, row["sha256"])
            filing = judge(original, row["name"], register).filing
            fill(replace(filing, faults=()), path, edition=campaign.edition)

        failure = guarded(write)
        if isinstance(failure, Failure):
            result.problems.append((row["name"], f"没有写成干净的一份：{failure.reason}"))
        else:
            written += 1
    return written


def original_bytes(campaign: Campaign, sha256: str) -> bytes:
    """An original, checked against its digest. Raises XltoolError where it is gone or was changed."""
    try:
        data = campaign.original(sha256).read_bytes()
    except OSError as error:
        raise XltoolError(f"原件不见了：{campaign.original(sha256)}") from error
    if digest(data) != sha256:
        raise XltoolError(f"原件被改动过：{campaign.original(sha256)}")
    return data
