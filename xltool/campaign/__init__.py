"""A campaign (申报批次): official workbooks sent out, returns collected and judged, totals that add up.

A campaign is a folder: one SQLite ledger, the pinned edition, the keys, and the returned files as
they came (content-addressed). Every operation is idempotent: what was done already is not done
twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xltool.campaign.ledger.campaign_folder import Campaign, open_campaign

__all__ = ["Campaign", "open_campaign"]


def __getattr__(name: str) -> Any:
    # Late: a seal can be verified where there is no ledger, in a browser.
    if name not in __all__:
        raise AttributeError(f"module 'xltool.campaign' has no attribute {name!r}")
    from xltool.campaign.ledger import campaign_folder

    return getattr(campaign_folder, name)
