"""Whose word beside the issuer's this ledger takes:
keys that a person named by their fingerprints."""

from __future__ import annotations

from collections.abc import Collection

from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.ledger.counting import Act
from xltool.campaign.sealing.keys import plain_fingerprint

TRUSTED = "trusted"


def trusted_keys(campaign: Campaign) -> list[str]:
    """The fingerprints that were named."""
    return campaign.ledger.meta().get(TRUSTED, "").split("\n")


def trust(campaign: Campaign, fingerprints: Collection[str]) -> None:
    """Name keys, once for all: a forwarder's, whose additions are taken, or a district's,
    which may withdraw."""
    trusted = trusted_keys(campaign)
    fresh = [plain for text in fingerprints if (plain := plain_fingerprint(text)) not in trusted]
    if fresh:
        with campaign.ledger.writing(), campaign.ledger.transaction():
            campaign.ledger.set_meta({TRUSTED: "\n".join([*trusted, *fresh])})
            campaign.ledger.record(Act.CAMPAIGN, reason=f"登记公钥：{'；'.join(fresh)}")
