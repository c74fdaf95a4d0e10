"""The folder of a campaign: its ledger, its pinned edition, its keys,
the originals of what came back."""

from __future__ import annotations

import functools
import hashlib
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from xltool.campaign.ledger.store import Ledger, now
from xltool.campaign.sealing import keys
from xltool.campaign.sealing.parcel import edition_digest
from xltool.campaign.sealing.sealed_layout import layout_fingerprint
from xltool.campaign.units import Unit, read_unit_list
from xltool.checks.settings import Settings, copy_settings, load_settings
from xltool.editions.declaration import Edition, edition_in, load_edition
from xltool.errors import XltoolError, why
from xltool.files.atomic import temporary_name, writing
from xltool.files.filenames import safe_name
from xltool.indicator.library import Library
from xltool.library import load_library
from xltool.template.layout import load_layout

UPPER_DEADLINE = "upper_deadline"  # what a district's ledger notes of the upper office


@dataclass(frozen=True)
class Campaign:
    """An open campaign."""

    folder: Path
    ledger: Ledger

    @functools.cached_property
    def meta(self) -> dict[str, str]:
        return self.ledger.meta()

    @property
    def id(self) -> str:
        return self.meta["id"]

    @property
    def title(self) -> str:
        return self.meta["title"]

    @property
    def year(self) -> int:
        return int(self.meta["year"])

    @property
    def deadline(self) -> str:
        """The last day for returns (YYYY-MM-DD), empty where none was set."""
        return self.meta.get("deadline", "")

    @property
    def upper_deadline(self) -> str:
        """The last day that the upper office set for a district's ledger; empty where it set none,
        and for an issuer."""
        return self.meta.get(UPPER_DEADLINE, "")

    @property
    def branch(self) -> bool:
        """A district's own ledger of a campaign that another office sealed."""
        return self.meta.get("role") == "branch"

    @property
    def edition_folder(self) -> Path:
        return self.folder / "edition"

    @functools.cached_property
    def edition(self) -> Edition:
        """The edition as it was when the campaign began: a new xltool changes nothing in it."""
        return edition_in(self.edition_folder)

    @functools.cached_property
    def layout(self) -> str:
        """The fingerprint of the pinned template, as it was when it was pinned.

        It is kept, not computed again: a new xltool may see a template otherwise, and what is out
        with the units would all be superseded.
        """
        pinned = self.edition_folder / _LAYOUT
        if pinned.is_file():
            template, _, layout = pinned.read_text("utf-8").strip().partition(" ")
            if template == _digest(self.edition_folder / "template.xlsx"):
                return layout
        return layout_fingerprint(self.edition)

    @functools.cached_property
    def forms(self) -> str:
        """The digest of the pinned edition as seals have it;
        of campaigns that began without it, empty.

        What is out with the units would else all be superseded.
        """
        if self.meta.get("seal") != "2":
            return ""
        names = ("edition.toml", "template.xlsx")
        return edition_digest(*((self.edition_folder / name).read_bytes() for name in names))

    @property
    def settings_file(self) -> Path | None:
        file = self.folder / "settings.toml"
        return file if file.is_file() else None

    @property
    def settings(self) -> Settings:
        return load_settings(self.settings_file)

    @property
    def public_pem(self) -> bytes:
        try:
            return (self.folder / "keys" / keys.PUBLIC).read_bytes()
        except OSError as error:
            raise XltoolError(f"公钥读不了：{why(error)}") from error

    @functools.cached_property
    def public_key(self) -> keys.PublicKey:
        return keys.load_public(self.public_pem)

    @functools.cached_property
    def private_key(self) -> keys.PrivateKey:
        return keys.load_private(self.folder / "keys")

    def original(self, sha256: str) -> Path:
        """Where the file with this content is kept, as it came."""
        return self.folder / "originals" / sha256[:2] / sha256

    def keep(self, sha256: str, data: bytes) -> None:
        """Keep an original. The same content is kept once; what is there is whole and stays, but
        for one that a power failure cut short."""
        path = self.original(sha256)
        temporary = path.with_name(temporary_name(f"{sha256}-{os.getpid()}"))
        try:
            if _size(path) == len(data):
                return
            try:
                temporary.write_bytes(data)
            except FileNotFoundError:  # the first of its folder
                path.parent.mkdir(parents=True, exist_ok=True)
                temporary.write_bytes(data)
            temporary.replace(path)
        except OSError as error:
            raise XltoolError(f"原件存不下：{why(error)}（{path.parent}）") from error


def _size(path: Path) -> int:
    """The bytes of a file; -1 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1


def open_campaign(folder: str | Path) -> Campaign:
    """The campaign in this folder. Raises XltoolError where there is none or it is damaged."""
    folder = Path(folder)
    return Campaign(folder, Ledger(folder))


def new_campaign(
    folder: Path,
    *,
    year: int,
    edition: str | Path,
    units: Path,
    deadline: str = "",
    issuer: str = "",
    library: Library | None = None,
    tell: Callable[[str], object] | None = None,
) -> Campaign:
    """Make the folder of a new campaign: list of units, pinned edition, keys.

    The names in an indicator `library` are offered as a list in the workbooks that are sent.
    `tell` hears of each row of the list that was passed over or read otherwise than written.
    """
    declared = load_edition(edition)
    listed = read_unit_list(units, declared)
    campaign = make_folder(folder, Path(declared.folder), library=library)
    keys.make_keys(folder / "keys")
    save(
        campaign,
        listed.units,
        {
            "id": secrets.token_hex(8),
            "title": folder.name,
            "year": str(year),
            "deadline": deadline,
            "issuer": issuer,
            "role": "root",
            "seal": "2",
        },
    )
    if tell:
        for remark in listed.remarks:
            tell(remark)
    return campaign


def make_folder(
    folder: Path, edition: Path, layout: str = "", library: Library | None = None
) -> Campaign:
    """An empty campaign with this edition pinned.
    Raises XltoolError where something is there already."""
    if safe_name(folder.name) != folder.name:
        raise XltoolError(f"批次名“{folder.name}”不能作文件夹名，可用“{safe_name(folder.name)}”")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise XltoolError(f"“{folder}”已经存在，没有动它")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _pin(folder, edition, layout, library)
    except OSError as error:
        raise XltoolError(f"建不了批次文件夹“{folder}”：{why(error)}") from error
    return Campaign(folder, Ledger(folder, create=True))


def save(campaign: Campaign, units: list[Unit], meta: dict[str, str]) -> None:
    """Write what a campaign is, once."""
    with campaign.ledger.writing(), campaign.ledger.transaction():
        campaign.ledger.set_meta({**meta, "made_at": now()})
        campaign.ledger.put_units(units)


# Which template (by its digest) has which layout fingerprint.
_LAYOUT = "layout.txt"


def _pin(folder: Path, edition: Path, layout: str = "", library: Library | None = None) -> None:
    """Copy an edition into the campaign;
    `layout` is its fingerprint where another office computed it."""
    edition_folder = folder / "edition"
    edition_folder.mkdir(exist_ok=True)
    files = {name: (edition / name).read_bytes() for name in ("edition.toml", "template.xlsx")}
    if library is not None:
        from xltool.template.draw import offering

        files["template.xlsx"] = offering(edition_in(edition), library) or files["template.xlsx"]
    for name, data in files.items():
        with writing(edition_folder / name, "wb", own=True) as file:
            file.write(data)
    layout = layout or layout_fingerprint(edition_in(edition))
    with writing(edition_folder / _LAYOUT, own=True) as file:
        file.write(f"{_digest(edition_folder / 'template.xlsx')} {layout}\n")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pin_edition(folder: Path, which: str | Path) -> None:
    """Let the campaign use this edition from now on;
    the workbooks sent so far are then superseded."""
    declared = load_edition(which)
    load_layout(declared)
    campaign = open_campaign(folder)  # a campaign, and a whole one
    campaign.ledger.close()
    library = campaign.settings.library
    _pin(folder, Path(declared.folder), library=load_library(library) if library else None)


def pin_settings(folder: Path, file: Path) -> None:
    """Let the campaign use these settings from now on."""
    load_settings(file)
    open_campaign(folder).ledger.close()
    copy_settings(file, folder / "settings.toml")
