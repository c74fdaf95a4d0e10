"""What the bureau decides on returns: accepted, sent back, reopened, taken back; undone;
the whole history.

Nothing is overwritten: a decision is a line more in the history, and so is its undoing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.ledger.counting import Act, Deed, in_force
from xltool.campaign.ledger.related import UnitReturns
from xltool.campaign.ledger.store import LedgerRow
from xltool.campaign.ledger.unit_changes import (
    SHARE,
    UnitChange,
    mergers,
    refuse_left,
    refuse_merged_on,
    settle_shares,
    unit_of,
    write_units,
)
from xltool.campaign.returns.beside import asked_beside_others
from xltool.campaign.returns.judgement import KINDS
from xltool.campaign.units import NO_DISTRICT, Unit
from xltool.editions.declaration import Edition
from xltool.errors import XltoolError
from xltool.model import Finding, Severity

GRADES = ("优", "良", "中", "差")

WORDS = {
    Act.CHOOSE: "选定",
    Act.UNCHOOSE: "撤销选定",
    Act.ACCEPT: "核准",
    Act.RETURN: "退回",
    Act.NOTE: "发退回意见",
    Act.EXPLAIN: "单位书面说明",
    Act.REOPEN: "重开",
    Act.WITHDRAW: "撤回",
    Act.EXTEND: "改报送截止日",
    Act.ISSUE: "又下发",
    Act.ABOLISH: "撤销单位",
    Act.EXEMPT: "免报",
    Act.MERGE: "并入",
    Act.RESTORE: "恢复应报",
    Act.UPDATE: "更正名单",
    Act.RENAME: "改名",
    Act.MOVE: "划转区县",
    Act.ADD: "新增单位",
    Act.CAMPAIGN: "批次",
    Act.UNDO: "撤销上一步",
}
_NEVER_UNDONE = (Act.ISSUE, Act.CAMPAIGN, Act.ADD, Act.EXPLAIN)
_ON_THE_LIST = (Act.UPDATE, Act.RENAME, Act.MOVE)


@dataclass(frozen=True, slots=True)
class Decided:
    """One unit on which was decided: the version, and what it had explained or left open."""

    unit: Unit
    version: int
    explained: tuple[str, ...] = ()
    open_queries: tuple[str, ...] = ()


def accept(
    campaign: Campaign, codes: Iterable[str], *, grade: str = "", note: str = ""
) -> list[Decided]:
    """Approve what counts for these units; nothing later takes its place until it is reopened.

    Open queries are accepted only with a note. All are accepted or none.
    """
    with campaign.ledger.writing():
        decided: list[tuple[Decided, LedgerRow]] = []
        asked = asked_beside_others(campaign, campaign.ledger.counted().values()).to_answer
        for unit, returns in _returns_of(campaign, codes, owing=True):
            row = returns.counting
            if row is None:
                raise XltoolError(
                    f"{unit.code} {unit.name} 还没有计入的申报，不能核准；"
                    "有错误而要采用的，先用 campaign choose 选定"
                )
            if returns.outcome.standpoint.accepted:
                raise XltoolError(f"{unit.code} {unit.name} 已经核准过第 {row['version']} 版")
            explained, open_queries = _queries(row)
            if question := asked.get(unit.code):
                open_queries = (*open_queries, question)
            if open_queries and not note.strip():
                raise XltoolError(
                    f"{unit.code} {unit.name} 还有 {len(open_queries)} 处待核实没有说明：核准要用 --note 写明意见"
                )
            decided.append((Decided(unit, row["version"], explained, open_queries), row))
        with campaign.ledger.transaction():
            for decision, row in decided:
                detail = {"version": decision.version, "grade": grade}
                campaign.ledger.record(
                    Act.ACCEPT, decision.unit.code, return_id=row["id"], reason=note, detail=detail
                )
    return [decision for decision, _ in decided]


def send_back(campaign: Campaign, codes: Iterable[str], note: str) -> list[Decided]:
    """Send the latest return of these units back; a comment must be given."""
    if not note.strip():
        raise XltoolError("退回要用 --note 写明意见")
    with campaign.ledger.writing():
        decided: list[tuple[Decided, LedgerRow]] = []
        for unit, returns in _returns_of(campaign, codes, owing=True):
            if returns.outcome.standpoint.accepted:
                raise XltoolError(f"{unit.code} {unit.name} 已经核准，先用 campaign reopen 重开")
            row = returns.counting or returns.latest
            if row is None:
                raise XltoolError(f"{unit.code} {unit.name} 没有报过，不能退回")
            explained, open_queries = _queries(row)
            decided.append((Decided(unit, row["version"], explained, open_queries), row))
        fresh = [(d, row) for d, row in decided if not _sent_back(campaign, row, note)]
        if not fresh:
            return [decision for decision, _ in decided]
        with campaign.ledger.transaction():
            for decision, row in fresh:
                detail = {"version": decision.version}
                campaign.ledger.record(
                    Act.RETURN, decision.unit.code, return_id=row["id"], reason=note, detail=detail
                )
    return [decision for decision, _ in decided]


def _sent_back(campaign: Campaign, row: LedgerRow, note: str) -> bool:
    """Whether this return was sent back already with these very words, and still is."""
    if not row["sent_back"]:
        return False
    deeds = campaign.ledger.deeds_by_unit([row["unit"]]).get(row["unit"], [])
    return any(
        deed.action == Act.RETURN and deed.return_id == row["id"] and deed.reason == note
        for deed in deeds
    )


def reopen(campaign: Campaign, codes: Iterable[str], reason: str) -> None:
    """Lift the approval of these units; a reason must be given."""
    if not reason.strip():
        raise XltoolError("重开要用 --reason 写明理由")
    with campaign.ledger.writing():
        wanted = list(_returns_of(campaign, codes))
        for unit, returns in wanted:
            if not returns.outcome.standpoint.accepted:
                raise XltoolError(f"{unit.code} {unit.name} 没有核准，不用重开")
        with campaign.ledger.transaction():
            for unit, _ in wanted:
                campaign.ledger.record(Act.REOPEN, unit.code, reason=reason)


def withdraw(campaign: Campaign, codes: Iterable[str], reason: str) -> None:
    """Take back what these units returned so far, as a district may that submitted too early."""
    if not reason.strip():
        raise XltoolError("撤回要用 --reason 写明理由")
    with campaign.ledger.writing():
        wanted = list(_returns_of(campaign, codes, owing=True))
        for unit, returns in wanted:
            stand = returns.outcome.standpoint
            if stand.accepted:
                raise XltoolError(f"{unit.code} {unit.name} 已经核准，先用 campaign reopen 重开")
            own = [row for row in returns.rows if not row["claimed"] or row["counts"]]
            if not own:
                raise XltoolError(f"{unit.code} {unit.name} 没有报过，没有可撤回的")
            withdrawn = returns.counting is None and all(row["withdrawn"] for row in own)
            last = next(
                (deed for deed in reversed(returns.deeds) if deed.action == Act.WITHDRAW), None
            )
            if withdrawn and last and last.reason == reason:  # another reason says it anew
                raise XltoolError(f"{unit.code} {unit.name} 报过的都已经撤回")
        with campaign.ledger.transaction():
            for unit, _ in wanted:
                campaign.ledger.record(Act.WITHDRAW, unit.code, reason=reason)


def _returns_of(
    campaign: Campaign, codes: Iterable[str], *, owing: bool = False
) -> list[tuple[Unit, UnitReturns]]:
    """These units with their returns. Raises XltoolError for a code that is not on the list,
    and where all must be `owing`, for a unit that owes nothing."""
    units = {unit.code: unit for unit in campaign.ledger.units()}
    wanted = list(dict.fromkeys(codes))
    if unknown := [code for code in wanted if code not in units]:
        raise XltoolError(f"名单里没有部门编码：{'、'.join(unknown[:20])}")
    if not wanted:
        raise XltoolError("没有这样的单位")
    standings = campaign.ledger.standings(wanted)
    for code, returns in standings.items():
        if owing and returns.outcome.standpoint.left:
            refuse_left(campaign, code)
    return [(units[code], standings.get(code, UnitReturns())) for code in wanted]


def _queries(row: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A return's explained queries (with the explanation) and its open ones, in words."""
    findings = msgspec.json.decode(row["findings"], type=list[Finding])
    queries = [
        finding for finding in findings if finding.severity is Severity.QUERY and not finding.trial
    ]
    return (
        tuple(
            f"{query.message}　说明：{query.explanation}" for query in queries if query.explanation
        ),
        tuple(query.message for query in queries if query.open),
    )


# ── history ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One line of the log: when, who, what, which unit, why."""

    made_at: str
    author: str
    what: str
    unit: str
    why: str


def history(campaign: Campaign, code: str = "") -> list[HistoryLine]:
    """What was sent, what came and what was decided, oldest first; of one unit or of all."""
    ledger = campaign.ledger
    if code:
        unit_of(campaign, code)
    deeds = ledger.deeds()
    standing = {deed.id for deed in in_force(deeds)}
    lines: list[HistoryLine] = []
    if code:
        rows = ledger.base.execute("SELECT * FROM issues WHERE unit = ? ORDER BY id", (code,))
        lines += [
            HistoryLine(row["made_at"], "", f"第 {row['number']} 次下发", code, row["file"])
            for row in rows
            if row["number"] == 1
        ]
        versions = {row["id"]: row for row in ledger.returns_of(code)}
        for arrival in ledger.arrivals():
            row = versions.get(arrival["return_id"])
            if row is not None:
                version = f"第 {row['version']} 版"
                event = f"报来{version}（{KINDS[row['kind']]}，{arrival['day']}）"
                if arrival["outcome"] == "answer":
                    event = f"交回{version}的退回意见（{arrival['day']}）"
                elif arrival["outcome"] == "copy":
                    event = f"又收到{version}的一份，内容相同（{arrival['day']}）"
                lines.append(HistoryLine(arrival["taken_at"], "", event, code, arrival["name"]))
    # Of one second, what was sent and came stands before what was decided on it.
    acts = {deed.id: deed for deed in deeds}
    lines += [
        _line(deed, deed.id in standing, acts, campaign.edition)
        for deed in deeds
        if not code or deed.unit == code
    ]
    return sorted(lines, key=lambda line: line.made_at)


def _line(deed: Deed, stands: bool, acts: Mapping[int, Deed], edition: Edition) -> HistoryLine:
    detail = msgspec.json.decode(deed.detail)
    event = WORDS[Act(deed.action)]
    if detail.get("contents") == []:
        event = "取消撤回"
    if detail.get("version"):
        event += f"第 {detail['version']} 版"
    if "number" in detail:
        event += f"（第 {detail['number']} 次）"
    for key in ("deadline", "grade", "into"):
        if detail.get(key):
            event += f" {detail[key]}"
    if "district" in detail:
        event += f" {detail['district'] or NO_DISTRICT}"
    if deed.action in _ON_THE_LIST:
        before, after = (Unit(**detail[key]) for key in ("before", "after"))
        event += f" {'；'.join(UnitChange(Act(deed.action), before, after).said(edition))}".rstrip()
    if deed.action == Act.UNDO:
        undone = [acts[id_] for id_ in detail["deeds"] if id_ in acts]
        named = [f"{WORDS[Act(one.action)]} {one.unit}".strip() for one in undone[:3]]
        event += f"：{'、'.join(named)}" + (f"等 {len(undone)} 项" if len(undone) > 3 else "")
    elif not stands:
        event += "（已撤销）"
    return HistoryLine(deed.made_at, deed.author, event, deed.unit, deed.reason)


def undo(campaign: Campaign, code: str = "", reason: str = "") -> list[Deed]:
    """Undo the last decision, of one unit or of the whole last command. What was undone."""
    ledger = campaign.ledger
    if code:
        unit_of(campaign, code)
    with ledger.writing():
        everything = [d for d in in_force(ledger.deeds()) if _can_be_undone(d)]
        acts = [d for d in everything if not code or d.unit == code]
        if not acts:
            raise XltoolError("没有可以撤销的决定")
        last = acts[-1]
        undone = (
            _together(last, everything) if code else [act for act in acts if act.run == last.run]
        )
        parted = _mergers_undone(campaign, undone)
        restored = _restored(campaign, undone)
        with ledger.transaction():
            if restored:
                write_units(campaign, restored)
            detail = {"deeds": [deed.id for deed in undone]}
            ledger.record(Act.UNDO, code, detail=detail, reason=reason)
            if parted:
                settle_shares(campaign, parted)
    return undone


def _mergers_undone(campaign: Campaign, undone: list[Deed]) -> list[str]:
    """Units whose merger, or parting, is undone. Raises XltoolError where another merger stands on
    it."""
    in_order = mergers(campaign)
    gone = {act.unit for act in undone if act.action == Act.MERGE}
    parted = []
    for act in undone:
        detail = msgspec.json.decode(act.detail)
        if into := detail.get("into") or (act.action == Act.RESTORE and detail.get("parted")):
            if into not in gone:
                refuse_merged_on(in_order, act.unit, into)
            parted.append(act.unit)
    return parted


def _can_be_undone(deed: Deed) -> bool:
    if deed.action in _NEVER_UNDONE:
        return False
    return deed.action != Act.UPDATE or SHARE not in msgspec.json.decode(deed.detail)


def _together(last: Deed, acts: list[Deed]) -> list[Deed]:
    """An act with what was one decision with it: of two units that were merged, or parted again."""
    two = _two_units(last)
    return [
        act
        for act in acts
        if act is last or (two and act.run == last.run and _two_units(act) == two)
    ]


def _two_units(deed: Deed) -> set[str]:
    detail = msgspec.json.decode(deed.detail)
    other = next((detail[key] for key in ("into", "merged", "parted") if key in detail), "")
    return {deed.unit, other} if other else set()


def _restored(campaign: Campaign, undone: list[Deed]) -> dict[str, Unit]:
    """The units as they were before changes of the list that are undone."""
    units = {unit.code: unit for unit in campaign.ledger.units()}
    restored: dict[str, Unit] = {}
    for deed in reversed(undone):
        if deed.action not in _ON_THE_LIST:
            continue
        detail = msgspec.json.decode(deed.detail)
        if units[deed.unit] != Unit(**detail["after"]):
            raise XltoolError(f"{deed.unit} 在那以后又改过，撤销不了，请直接更正")
        units[deed.unit] = restored[deed.unit] = Unit(**detail["before"])
    return restored
