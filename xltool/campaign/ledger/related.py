"""What only a unit's returns together can say:
superseded (D604), returned before (D603), which version counts.

It follows from the facts each time it is asked, so it is true whatever was sent,
decided or undone since.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from xltool.campaign.ledger.counting import Act, Counted, Deed, Word, asked_between, weigh
from xltool.checks.results import finding_result, verdict
from xltool.model import Fault, FaultKind, Filing, Finding, Severity


@dataclass(frozen=True)
class UnitFacts:
    """All that is known of one unit's returns:
    its issues as digest → number, the latest one's digest."""

    issues: Mapping[str, int] = field(default_factory=dict)
    issue: str = ""
    rows: Sequence[Mapping[str, Any]] = ()
    deeds: Sequence[Deed] = ()


class SentBack(NamedTuple):
    """A return that was sent back: since when, and in which words."""

    row: Mapping[str, Any]
    made_at: str
    comment: str


@dataclass(frozen=True)
class UnitReturns:
    """One unit's returns as they stand now, which of them counts, and the acts that decided it."""

    rows: Sequence[Mapping[str, Any]] = ()
    outcome: Counted = field(default_factory=Counted)
    deeds: Sequence[Deed] = ()

    @property
    def counting(self) -> Mapping[str, Any] | None:
        """The return that counts."""
        return next((row for row in self.rows if row["counts"]), None)

    @property
    def words(self) -> list[Mapping[str, Any]]:
        """The unit's own words, the latest last: whoever collects may open the later mail first."""
        return in_order(row for row in self.rows if not row["claimed"])

    @property
    def latest(self) -> Mapping[str, Any] | None:
        """The unit's latest own word, whatever it is worth."""
        return next(reversed(self.words), None)

    @property
    def sent_back(self) -> SentBack | None:
        """What was sent back, where the unit still owes, nothing counts and no later word or
        withdrawal came since."""
        acts = (Act.RETURN, Act.NOTE)
        back = self.outcome.standpoint.returned
        rows = {row["id"]: row for row in self.rows if row["id"] in back}
        deeds = [deed for deed in self.deeds if deed.action in acts and deed.return_id in rows]
        if self.counting is not None or self.outcome.standpoint.left or not deeds:
            return None
        last, latest = deeds[-1], self.latest
        if latest is not None:
            after = [deed for deed in self.deeds if deed.id > last.id]
            if latest["withdrawn"] and any(deed.action == Act.WITHDRAW for deed in after):
                return None
            if latest["arrival"] > last.arrivals and not latest["sent_back"]:
                return None
        said = (deed for deed in reversed(deeds) if deed.return_id == last.return_id)
        # A note that was written after the decision takes none of its words away.
        comment = next((deed.reason for deed in said if deed.reason), "")
        return SentBack(rows[last.return_id], last.made_at, comment)

    def repeats(self, row: Mapping[str, Any]) -> int:
        """The version that was sent back and whose answers this one has again; 0 where none is."""
        if row["sent_back"] or row["claimed"] or self.outcome.standpoint.picked == row["id"]:
            return 0
        same = (
            word["version"]
            for word in reversed(self.words)
            if word["sent_back"] and word["content"] and word["content"] == row["content"]
        )
        return next(same, 0)


def in_order(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Returns by when they were made."""
    return sorted(rows, key=lambda row: word_of(row).order)


def word_of(row: Mapping[str, Any]) -> Word:
    """A return's row as counting sees it."""
    return Word(
        row["id"],
        own=not row["claimed"] and row["kind"] in ("genuine", "stale"),
        valid=row["verdict"] != "error",
        issue=row["seal"],
        content=row["content"] or str(row["id"]),
        day=row["day"],
        # Saved after it had come: a clock that is ahead says nothing of the order.
        stamp=row["stamp"] if row["stamp"] <= row["received_at"] else "",
        zipped=row["time"] if row["zipped"] else "",
        time=row["time"],
        arrival=row["arrival"],
        first=row["first"],
        sha256=row["sha256"],
    )


def outcome_of(facts: UnitFacts) -> Counted:
    return weigh([word_of(row) for row in facts.rows], facts.issue, facts.deeds)


def related(facts: UnitFacts, folder: Path) -> UnitReturns:
    """The unit's rows with what follows from the others, and which of them counts.

    Rows gain `counts`, `sent_back` and `withdrawn`; a superseded one is `stale`.
    """
    outcome = outcome_of(facts)
    stand = outcome.standpoint
    versions = {row["id"]: row["version"] for row in facts.rows}
    judged: dict[int, dict[str, Any]] = {}
    before: list[Mapping[str, Any]] = []
    for row in in_order(facts.rows):
        own = not row["claimed"]
        stale = row["kind"] == "genuine" and row["seal"] != facts.issue and bool(facts.issue)
        faults: list[Fault] = []
        if stale:
            faults.append(_superseded(row, facts))
        elif own and row["kind"] == "genuine":
            unclear = [versions[i] for i in outcome.unclear] if row["id"] == outcome.counts else []
            faults += _returned_before(row, before, facts.deeds, unclear, stand.taken_back)
            before.append(row)
        explanation = _picked(facts.deeds, stand.accepted) if stand.picked == row["id"] else ""
        written = _explanations(facts.deeds, row["id"])
        judged[row["id"]] = {
            **_with(dict(row), faults, folder, explanation, written),
            "kind": "stale" if stale else row["kind"],
            "counts": row["id"] == outcome.counts,
            "sent_back": row["id"] in stand.returned,
            "withdrawn": stand.takes_back(row["arrival"], row["sha256"]),
        }
    return UnitReturns([judged[row["id"]] for row in facts.rows], outcome, facts.deeds)


def _picked(deeds: Sequence[Deed], accepted: bool) -> str:
    """How the question of the version was answered."""
    reason = next(
        deed.reason for deed in reversed(deeds) if deed.action in (Act.CHOOSE, Act.ACCEPT)
    )
    return ("已核准本版。" if accepted else "已选定以本版为准。") + reason


def _superseded(row: Mapping[str, Any], facts: UnitFacts) -> Fault:
    latest = facts.issues[facts.issue]
    if row["seal"] in facts.issues:
        number = facts.issues[row["seal"]]
        detail = f"用的是第 {number} 次下发的工作簿，版式、单位名称或预填内容已变，第 {latest} 次下发的已取代它"
        return Fault(FaultKind.SUPERSEDED, detail, found=str(number), expected=str(latest))
    detail = f"台账里没有下发过这个工作簿（封印上写第 {row['issue']} 次下发；台账可能由备份恢复过）"
    detail += f"，现在应当用第 {latest} 次下发的"
    return Fault(FaultKind.SUPERSEDED, detail)


def _returned_before(
    row: Mapping[str, Any],
    before: list[Mapping[str, Any]],
    deeds: Sequence[Deed],
    unclear: list[int],
    taken_back: Collection[str],
) -> list[Fault]:
    """D603: another valid version came before and nobody had asked for a new one,
    or the order is in doubt."""
    if unclear:
        others = "、".join(str(version) for version in sorted(unclear))
        detail = f"第 {others} 版与这一版内容不同，文件里的时间相同或矛盾，分不出先后"
        return [Fault(FaultKind.RETURNED, detail, found=others)]
    if not before:
        return []
    valid = [earlier for earlier in before if earlier["verdict"] != "error"]
    last = valid[-1] if valid else before[-1]
    if last["content"] == row["content"]:
        return []  # saved again, nothing else
    detail = f"本单位先前报过第 {last['version']} 版（{last['day']} 报来），这一版内容不同"
    asked = not valid or last["sha256"] in taken_back
    asked = asked or asked_between(deeds, last["first"], row["arrival"])
    kind = FaultKind.CORRECTED if asked else FaultKind.RETURNED
    return [Fault(kind, detail, found=str(last["version"]))]


def _explanations(deeds: Sequence[Deed], return_id: int) -> dict[str, str]:
    """What the unit wrote on return notes about this return, by finding key;
    its last word holds."""
    said: list[tuple[list[str], dict[str, str]]] = []
    for deed in deeds:
        if deed.action == Act.EXPLAIN and deed.return_id == return_id:
            detail = msgspec.json.decode(deed.detail)
            said.append((detail.get("said", [deed.made_at, ""]), detail["answers"]))
    answers: dict[str, str] = {}
    for _, explained in sorted(said, key=lambda note: note[0]):  # whichever was opened first
        answers |= explained
    return answers


def _with(
    row: dict[str, Any],
    faults: list[Fault],
    folder: Path,
    version_answer: str,
    written: Mapping[str, str],
) -> dict[str, Any]:
    """The row with findings of these faults and explanations that came by themselves.

    `version_answer` answers the question of the version.
    """
    if not faults and not written:
        return row
    added = [finding for fault in faults for finding in _findings(fault, folder)]
    if version_answer:
        added = [
            replace(f, explanation=version_answer)
            if f.code == "D603" and f.severity is Severity.QUERY
            else f
            for f in added
        ]
    own = msgspec.json.decode(row["findings"], type=list[Finding])
    findings = [_explained(finding, written) for finding in [*added, *own]]
    findings.sort(key=weight)
    row["findings"] = msgspec.json.encode(
        [finding_result(finding) for finding in findings]
    ).decode()
    row["verdict"] = verdict(findings)
    return row


def _explained(finding: Finding, written: Mapping[str, str]) -> Finding:
    text = written.get(finding.key, "")
    if not text or finding.explanation or finding.severity is not Severity.QUERY:
        return finding
    return replace(finding, explanation=text)


def weight(finding: Finding) -> tuple[bool, int, bool]:
    """Worst first, and whether it is genuine before all else:
    what else is wrong may follow from that."""
    return finding.trial, finding.severity.rank, not finding.code.startswith("D")


def _findings(fault: Fault, folder: Path) -> list[Finding]:
    """What the rules say of a fault, with the campaign's settings."""
    settings_file = folder / "settings.toml"
    changed = settings_file.stat().st_mtime_ns if settings_file.is_file() else 0
    return _judged(fault, folder, changed)


@functools.lru_cache(maxsize=4096)
def _judged(fault: Fault, folder: Path, changed: int) -> list[Finding]:
    from xltool.checks.engine import check
    from xltool.checks.settings import load_settings
    from xltool.editions.declaration import edition_in

    edition = edition_in(folder / "edition")
    settings = load_settings(folder / "settings.toml" if changed else None)
    # With a fault that stops the reading only the rules about faults have a say.
    alone = Filing(edition.id, faults=(Fault(FaultKind.UNREADABLE, ""), fault))
    findings = check(alone, edition=edition, settings=settings, strict=False)
    return [finding for finding in findings if finding.code in ("D603", "D604")]
