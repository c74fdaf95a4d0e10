"""What the totals of a campaign's other units ask of one (T311): reckoned whenever it is asked, for
it changes with every return."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

import msgspec

from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.ledger.store import LedgerRow
from xltool.checks.beside_others import CODE, Weight, outsized, weight_of
from xltool.checks.cross_totals import Verdict
from xltool.model import Severity

_CLOSING = (Verdict.BALANCED, Verdict.BY_NONTAX)


class _Sums(msgspec.Struct):
    """Of the figures in the ledger what is looked at here."""

    amounts: dict[str, str]
    verdict: str


_sums = msgspec.json.Decoder(_Sums).decode


class Asked(NamedTuple):
    """What is asked of units (code → question), and how much it weighs by the settings."""

    weight: Weight
    questions: dict[str, str]

    @property
    def to_answer(self) -> dict[str, str]:
        """The questions that somebody has to answer, as the settings have it; in words."""
        if self.weight.trial or self.weight.severity is Severity.NOTE:
            return {}
        said = f"{CODE} {self.weight.severity.label}："
        return {code: said + question for code, question in self.questions.items()}


def asked_beside_others(campaign: Campaign, counting: Iterable[LedgerRow]) -> Asked:
    """The questions to the units whose returns count, where their total closes."""
    settings, sums = campaign.settings, campaign.edition.department.sum
    weight = weight_of(settings)
    if CODE in settings.off or campaign.edition.unit != "万元" or not sums:
        return Asked(weight, {})
    totals = {}
    for row in counting:
        figures = _sums(row["figures"])
        total = Decimal(figures.amounts.get(sums[0].total, "0"))
        if total > 0 and figures.verdict in _CLOSING and f'"code":"{CODE}"' not in row["findings"]:
            totals[row["unit"]] = total
    return Asked(weight, outsized(totals))
