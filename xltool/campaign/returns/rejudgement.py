"""Judging all returns again after a change of rules, edition or settings; choosing what counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec.structs import replace

from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.returns.collection import judged_values, original_bytes, with_versions
from xltool.campaign.returns.judgement import CHOOSABLE, KINDS, judge_one, received_size, set_up
from xltool.checks.results import VERDICTS, verdict
from xltool.errors import XltoolError
from xltool.files.barrier import Failure
from xltool.files.pool import WorkerPool
from xltool.model import Finding, Severity
from xltool.reports.record import finding_record


@dataclass(frozen=True, slots=True)
class Changed:
    """A return whose verdict is not what it was."""

    unit: str
    version: int
    name: str
    before: str
    after: str


def recheck(
    campaign: Campaign, progress: Callable[[int, int], None] | None = None
) -> list[Changed]:
    """Judge every original again; who has another verdict now. Nothing else changes."""
    ledger = campaign.ledger
    changed: list[Changed] = []
    with ledger.writing():
        rows = ledger.returns()
        chosen = {row["return_id"]: row["reason"] for row in ledger.choices().values()}
        pool = WorkerPool(
            judge_one, size=received_size, setup=set_up, given=(campaign.folder,), clean=True
        )
        results = pool.in_order(_originals(campaign, rows))
        earlier: dict[str, list[dict[str, Any]]] = {}
        updates = []
        for number, (row, judgement) in enumerate(zip(rows, results, strict=True), 1):
            if isinstance(judgement, Failure):
                # What was found before still stands.
                was = VERDICTS[row["verdict"]]
                now = f"没能重新审核：{judgement.reason}"
                changed.append(Changed(row["unit"], row["version"], row["name"], was, now))
                continue
            before = earlier.setdefault(row["unit"], []) if row["unit"] else []
            findings = with_versions(campaign, judgement, before)
            values = judged_values(campaign, judgement, findings)
            if row["id"] in chosen:
                values = _answered(
                    {**dict(row), **values}, f"已选定以本版为准。{chosen[row['id']]}"
                )
            before.append({**dict(row), **values})
            updates.append((row["id"], values))
            if values["verdict"] != row["verdict"]:
                was, now = VERDICTS[row["verdict"]], VERDICTS[values["verdict"]]
                changed.append(Changed(row["unit"], row["version"], row["name"], was, now))
            if progress:
                progress(number, len(rows))
        with ledger.transaction():
            for id_, values in updates:
                ledger.judge_return(id_, values)
    return changed


def _originals(campaign: Campaign, rows: list[Any]) -> Iterator[tuple[bytes, str]]:
    for row in rows:
        yield original_bytes(campaign, row["sha256"]), row["name"]


def choose(campaign: Campaign, code: str, version: int | None, reason: str = "") -> None:
    """Let this version count for the unit, whatever came later; None undoes it."""
    ledger = campaign.ledger
    if code not in {unit.code for unit in ledger.units()}:
        raise XltoolError(f"名单里没有部门编码 {code}")
    chosen = None
    if version is not None:
        rows = {row["version"]: row for row in ledger.returns_of(code)}
        if version not in rows:
            have = "、".join(str(v) for v in rows) or "无"
            raise XltoolError(f"{code} 没有第 {version} 版（现有：{have}）")
        row = rows[version]
        if row["kind"] not in CHOOSABLE:
            raise XltoolError(f"{code} 第 {version} 版不能采用：{KINDS[row['kind']]}")
        chosen = row["id"]
    with ledger.writing(), ledger.transaction():
        ledger.choose(code, chosen, reason)
        for row in ledger.returns_of(code):
            said = f"已选定以本版为准。{reason}" if row["id"] == chosen else ""
            ledger.judge_return(row["id"], _answered(dict(row), said))


def _answered(row: dict[str, Any], said: str) -> dict[str, Any]:
    """A judgement in which the question of the version (D603) is answered, or open again."""
    findings = [
        replace(finding, explanation=said)
        if finding.code == "D603" and finding.severity is Severity.QUERY
        else finding
        for finding in msgspec.json.decode(row["findings"], type=list[Finding])
    ]
    packed = msgspec.json.encode([finding_record(finding) for finding in findings]).decode()
    return {**row, "findings": packed, "verdict": verdict(findings)}
