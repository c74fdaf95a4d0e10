"""A campaign (申报批次): official workbooks sent out, returns collected and judged, totals that add up.

A campaign is a folder: one SQLite ledger, the pinned edition, the keys, and the returned files as
they came (content-addressed). Every operation is idempotent: what was done already is not done twice.
"""

from __future__ import annotations

from xltool.campaign.ledger.campaign_folder import Campaign, open_campaign

__all__ = ["Campaign", "open_campaign"]
