"""The page of instruction (填报说明) that goes with every parcel."""

from __future__ import annotations

from xltool.campaign.documents import page
from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.sealing import keys
from xltool.campaign.units import Unit


def instruction(campaign: Campaign, district: str, units: list[Unit]) -> str:
    """One page of HTML, the same text for the same parcel."""
    return page(
        "instruction.html",
        campaign=campaign,
        edition=campaign.edition,
        district=district,
        count=len(units),
        prefilled=any(unit.prefilled for unit in units),
        fingerprint=keys.fingerprint(campaign.public_key),
    )
