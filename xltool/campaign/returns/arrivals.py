"""Every file that ever came, and what became of it:
a line that somebody can find by the file's name."""

from __future__ import annotations

from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.ledger.store import LedgerRow
from xltool.campaign.ledger.unit_changes import unit_of
from xltool.campaign.returns.judgement import KINDS
from xltool.checks.results import VERDICTS


def arrival_lines(campaign: Campaign, code: str = "") -> list[list[str]]:
    """(day, file, unit, what became of it) for each arrival, of one unit or of all.
    Raises XltoolError for a code that is not on the list."""
    if code:
        unit_of(campaign, code)
    rows = {row["id"]: row for row in campaign.ledger.returns()}
    lines = []
    for arrival in campaign.ledger.arrivals():
        row = rows.get(arrival["return_id"])
        unit = (row["unit"] or row["claimed"]) if row else arrival["unit"]
        if not code or code in (unit, row["claimed"] if row else ""):
            lines.append([arrival["day"], arrival["name"], unit, _became(arrival, row)])
    return lines


def _became(arrival: LedgerRow, row: LedgerRow | None) -> str:
    if row is None:
        return str(arrival["reason"])
    which = f"第 {row['version']} 版" if row["version"] else f"没有计入的（{KINDS[row['kind']]}）"
    if arrival["outcome"] == "answer":
        return f"对{which}退回意见的书面说明"
    if arrival["outcome"] == "copy":
        return f"{which}的又一份，内容相同"
    version_text = f"第 {row['version']} 版，{VERDICTS[row['verdict']]}" if row["version"] else ""
    return "，".join(
        filter(None, [version_text, KINDS[row["kind"]], "采用" if row["counts"] else ""])
    )
