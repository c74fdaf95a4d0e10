"""Judging all returns again after a change of rules, edition or settings; choosing what counts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.ledger.counting import Act
from xltool.campaign.ledger.related import UnitReturns
from xltool.campaign.ledger.unit_changes import refuse_left, unit_of
from xltool.campaign.returns.collection import original_bytes
from xltool.campaign.returns.judgement import (
    CHOOSABLE,
    KINDS,
    Register,
    judge_one,
    received_size,
    set_up,
)
from xltool.checks.results import VERDICTS
from xltool.errors import XltoolError
from xltool.files.barrier import Failure
from xltool.files.pool import WorkerPool


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
        before = {row["id"]: row for row in ledger.returns()}
        taken: deque[Mapping[str, Any]] = deque()
        pool = WorkerPool(
            judge_one, size=received_size, setup=set_up, given=(Register.of(campaign),), clean=True
        )
        originals = _originals(campaign, list(before.values()), taken, changed)
        updates = []
        for number, judgement in enumerate(pool.in_order(originals), 1):
            row = taken.popleft()
            if isinstance(judgement, Failure):
                # What was found before still stands.
                changed.append(_not_judged(row, judgement.reason))
                continue
            updates.append((row["id"], judgement.values))
            if progress:
                progress(number, len(before))
        if updates:
            with ledger.transaction():
                for id_, values in updates:
                    ledger.judge_return(id_, values)
                ledger.record(Act.CAMPAIGN, reason=f"全部重审 {len(updates)} 份")
        for row in ledger.returns():
            was = before[row["id"]]
            if was["verdict"] != row["verdict"]:
                verdicts = VERDICTS[was["verdict"]], VERDICTS[row["verdict"]]
                changed.append(Changed(row["unit"], row["version"], row["name"], *verdicts))
    return changed


def _originals(
    campaign: Campaign,
    rows: list[Mapping[str, Any]],
    taken: deque[Mapping[str, Any]],
    changed: list[Changed],
) -> Iterator[tuple[bytes, str]]:
    """The originals that are there, each row kept for its judgement;
    a missing one stops its unit only."""
    for row in rows:
        try:
            data = original_bytes(campaign, row["sha256"])
        except XltoolError as error:
            changed.append(_not_judged(row, str(error)))
            continue
        taken.append(row)
        yield data, row["name"]


def _not_judged(row: Mapping[str, Any], reason: str) -> Changed:
    outcome = f"没能重新审核：{reason}"
    return Changed(row["unit"], row["version"], row["name"], VERDICTS[row["verdict"]], outcome)


def choose(campaign: Campaign, code: str, version: int | None, reason: str = "") -> bool:
    """Let this version count for the unit, whatever came later; None undoes it.

    False where nothing was chosen that could be undone.
    """
    ledger = campaign.ledger
    unit_of(campaign, code)
    with ledger.writing():
        rows = {row["version"]: row for row in ledger.returns_of(code)}
        if version is not None and version not in rows:
            have = "、".join(str(row) for row in rows) or "无"
            raise XltoolError(f"{code} 没有第 {version} 版（现有：{have}）")
        if version is not None and (kind := rows[version]["kind"]) not in CHOOSABLE:
            raise XltoolError(f"{code} 第 {version} 版不能采用：{KINDS[kind]}")
        stand = ledger.standings([code]).get(code, UnitReturns()).outcome.standpoint
        if stand.left and version is not None:
            refuse_left(campaign, code)
        if stand.accepted:
            raise XltoolError(f"{code} 已经核准，先用 campaign reopen 重开")
        if version is None and not stand.picked:
            return False
        with ledger.transaction():
            if version is None:
                ledger.record(Act.UNCHOOSE, code, reason=reason)
            else:
                ledger.record(
                    Act.CHOOSE,
                    code,
                    return_id=rows[version]["id"],
                    reason=reason,
                    detail={"version": version},
                )
    return True
