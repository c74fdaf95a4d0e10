"""What a parcel holds besides its workbooks,
whether they were sealed here or are only passed on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.returns.deadlines import Deadlines
from xltool.campaign.sealing import parcel
from xltool.campaign.sending.instruction import instruction
from xltool.campaign.units import Unit

OUTBOX = "下发"


@dataclass(frozen=True, slots=True)
class Sent:
    """What one run sent: parcels as (district, file, units)."""

    batch: int
    units: int
    unchanged: int
    parcels: list[tuple[str, Path, int]]
    locked: tuple[str, ...] = ()  # approved units with changes, which are not sent out


def manifest(
    campaign: Campaign,
    district: str,
    batch: int,
    units: list[parcel.ListedUnit],
    files: dict[str, bytes],
    deadline: str,
) -> bytes:
    """The list of what lies in a parcel, each file with its digest, as JSON text."""
    listed = parcel.Manifest(
        campaign=campaign.id,
        title=campaign.title,
        year=campaign.year,
        edition=campaign.edition.id,
        layout=campaign.layout,
        district=district,
        batch=batch,
        deadline=deadline,
        issuer=campaign.meta.get("issuer", ""),
        units=units,
        files={name: parcel.digest(data) for name, data in files.items()},
        as_of=campaign.ledger.as_of(),
    )
    return msgspec.json.format(msgspec.json.encode(listed), indent=1)


def common_files(
    campaign: Campaign, district: str, units: list[Unit], days: Deadlines, page: bytes | None
) -> dict[str, bytes]:
    """What lies in a parcel beside the workbooks and the manifest;
    `page` is the one to check in, if any."""
    return {
        parcel.PUBLIC: campaign.public_pem,
        parcel.INSTRUCTION: instruction(campaign, district, units, days, page is not None).encode(),
        **({parcel.PAGE: page} if page is not None else {}),
        **{
            name: (campaign.edition_folder / Path(name).name).read_bytes()
            for name in parcel.EDITION
        },
    }
