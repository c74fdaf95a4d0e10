"""`campaign report`: one self-contained page, from the same records as status,
down to each unit's returns."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from xltool.campaign.documents import page
from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.ledger.figures import Figures
from xltool.campaign.ledger.related import UnitReturns
from xltool.campaign.ledger.store import LedgerRow, now
from xltool.campaign.returns.resubmission import chain_line
from xltool.campaign.returns.status import Standing, Status, status
from xltool.campaign.units import NO_DISTRICT
from xltool.checks.engine import rules
from xltool.files.atomic import writing
from xltool.model import Finding

_MOST_FREQUENT = 20
_FINDINGS = 30  # shown of one unit


def dashboard(campaign: Campaign) -> dict[str, Any]:
    """All that the page shows, as plain data. Reads only."""
    standing = status(campaign)
    returns = campaign.ledger.standings()
    frequent: Counter[str] = Counter()
    sums = campaign.edition.department.sum
    total = sums[0].total if sums else ""
    units = [
        _unit(s, returns.get(s.unit.code, UnitReturns()), frequent, total)
        for s in standing.standings
    ]
    titles = {code: rule.title for code, rule in rules().items()}
    return {
        "title": campaign.title,
        "year": campaign.year,
        "deadline": standing.due,
        "unit": campaign.edition.unit,
        "made_at": now(),
        "states": standing.states,
        "totals": _totals(standing),
        "days": _days(standing),
        "districts": [_district(standing, name) for name in standing.districts],
        "frequent": [
            [code, titles.get(code, ""), count]
            for code, count in frequent.most_common(_MOST_FREQUENT)
        ],
        "units": units,
        "strays": [row["name"] for row in standing.strays],
    }


def _totals(standing: Status) -> dict[str, int]:
    return {
        "应报": len(standing.owing),
        "已采用": sum(s.row is not None for s in standing.standings),
        "还差": len(standing.chase),
        "逾期": sum(s.late for s in standing.standings),
    }


def _days(standing: Status) -> list[list[Any]]:
    """(day, units whose counted return came first that day), oldest first."""
    days = Counter(s.row["first_day"] for s in standing.standings if s.row is not None)
    return [[day, count] for day, count in sorted(days.items())]


def _district(standing: Status, name: str) -> dict[str, Any]:
    standings = [s for s in standing.standings if s.unit.district == name]
    counts = Counter(standing.state for standing in standings)
    return {
        "name": name or NO_DISTRICT,
        "owing": sum(standing.owes for standing in standings),
        "covered": sum(standing.row is not None for standing in standings),
        "late": sum(standing.late for standing in standings),
        "states": [counts[state] for state in standing.states],
    }


def _unit(
    standing: Standing, returns: UnitReturns, frequent: Counter[str], total: str
) -> dict[str, Any]:
    row = standing.row or returns.latest
    findings = _open(row) if row is not None and standing.owes else []
    frequent.update({finding.code for finding in findings})
    last = standing.unit.last_year.get(total, "") if total else ""
    this = _amounts(standing.row).get(total, "") if standing.row and last else ""
    return {
        "last": last,
        "this": this,
        "code": standing.unit.code,
        "name": standing.unit.name,
        "district": standing.unit.district or NO_DISTRICT,
        "state": standing.state,
        "since": standing.since[:10],
        "late": standing.late,
        "remarks": list(standing.remarks),
        "chain": [chain_line(row) for row in returns.words],
        "findings": [
            [
                finding.severity.label,
                finding.code,
                f"{finding.sheet} {finding.cell}".strip(),
                finding.message,
            ]
            for finding in findings[:_FINDINGS]
        ],
        "more": max(0, len(findings) - _FINDINGS),
    }


def _amounts(row: LedgerRow) -> dict[str, str]:
    return msgspec.json.decode(row["figures"], type=Figures).amounts


def _open(row: LedgerRow) -> list[Finding]:
    if row["verdict"] == "pass":
        return []
    return [f for f in msgspec.json.decode(row["findings"], type=list[Finding]) if f.open]


def write_dashboard(path: Path, campaign: Campaign) -> dict[str, Any]:
    """Write the page; the data that stands on it."""
    data = dashboard(campaign)
    # Inside a script element nothing may end it: the three characters that could are spelled out.
    text = msgspec.json.encode(data).decode()
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    with writing(path) as file:
        file.write(page("dashboard.html", data=data, text=text))
    return data
