"""The page of instruction (填报说明) that goes with every parcel."""

from __future__ import annotations

from xltool.campaign.documents import page
from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.returns.deadlines import Deadlines
from xltool.campaign.sealing import keys, parcel
from xltool.campaign.units import Unit


def instruction(
    campaign: Campaign, district: str, units: list[Unit], days: Deadlines, with_page: bool = False
) -> str:
    """One page of HTML, the same text for the same parcel. It says the district's last day, and
    who has another one; `with_page`: the page to check in lies beside it."""
    deadline = days.of_district(district)
    return page(
        "instruction.html",
        others=[(unit, days[unit]) for unit in units if days[unit] != deadline],
        campaign=campaign,
        edition=campaign.edition,
        district=district,
        deadline=deadline,
        count=len(units),
        page=parcel.PAGE if with_page else "",
        prefilled=any(unit.prefilled for unit in units),
        fingerprint=keys.fingerprint(campaign.public_key),
    )
