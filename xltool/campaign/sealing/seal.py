"""The seal in a distributed workbook: who, which campaign, which values, signed by the campaign.

It travels as custom document properties, which survive Excel, WPS and LibreOffice. The payload is
signed as bytes and cut into short properties: some programs keep only 255 characters of each.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from xltool.campaign.sealing.keys import PublicKey, signed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_PART, SIGNATURE = "xltool.seal.", "xltool.signature"
PROPERTIES = (_PART, SIGNATURE)  # how the names of its document properties begin
_CHUNK = 200
_MOST_PARTS = 200
_CONTEXT = b"xltool seal 1\n"  # a signature of anything else is none of a seal


class Seal(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    """What was sent to one unit: `prefilled` is form kind → field id → value as text.

    `forms` is the digest of the edition; campaigns made before it was sealed have none. `settings`
    are the bureau's departures from the shipped settings of the checks, for the desk of the unit.
    """

    campaign: str
    title: str
    forms: str = ""
    unit: str
    name: str
    district: str
    year: int
    edition: str
    issue: int
    layout: str
    prefilled: dict[str, dict[str, str]]
    settings: dict[str, Any] = {}


def digest_of(seal: Seal) -> str:
    """What tells one issue from another:
    all that is sealed but the number, which may be given twice.

    Other settings of the checks make no form another one.
    """
    bare = msgspec.structs.replace(seal, issue=0, settings={})
    return hashlib.sha256(msgspec.json.encode(bare)).hexdigest()


def properties_of(seal: Seal, key: Ed25519PrivateKey) -> dict[str, str]:
    """The seal as custom document properties. The same seal gives the same text every time."""
    payload = msgspec.json.encode(seal)
    text = _encode(payload)
    parts = [text[n : n + _CHUNK] for n in range(0, len(text), _CHUNK)]
    return {
        **{f"{_PART}{number}": part for number, part in enumerate(parts, 1)},
        SIGNATURE: _encode(key.sign(_CONTEXT + payload)),
    }


def present(properties: Mapping[str, str]) -> bool:
    """Whether there is anything of a seal at all."""
    return SIGNATURE in properties or any(name.startswith(_PART) for name in properties)


def claimed(properties: Mapping[str, str]) -> Seal | None:
    """What the seal says, verified or not; None where it can't be read."""
    payload = _payload(properties)
    if payload is None:
        return None
    try:
        return msgspec.json.decode(payload, type=Seal)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def whole_digest(properties: Mapping[str, str]) -> str:
    """What tells a seal with its signature from any other, to the last bit."""
    count = sum(name.startswith(_PART) for name in properties)
    parts = [properties.get(f"{_PART}{n}", "") for n in range(1, count + 1)]
    # Neither text can hold the mark between them.
    text = "".join(parts) + " " + properties.get(SIGNATURE, "")
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def genuine(
    properties: Mapping[str, str], key: PublicKey, issued: Collection[str] = frozenset()
) -> bool:
    """Whether the seal is the campaign's own, to the last bit.

    `issued` are the `whole_digest`s of seals that the campaign itself made or verified before: of
    these the signature need not be verified again, which takes as long as opening the file.
    """
    if issued and whole_digest(properties) in issued:
        return True
    payload, signature = _payload(properties), _decode(properties.get(SIGNATURE, ""))
    return (
        payload is not None and signature is not None and signed(key, signature, _CONTEXT + payload)
    )


def _payload(properties: Mapping[str, str]) -> bytes | None:
    count = sum(name.startswith(_PART) for name in properties)
    if not 0 < count <= _MOST_PARTS:
        return None
    parts = [properties.get(f"{_PART}{n}") for n in range(1, count + 1)]
    return None if None in parts else _decode("".join(part for part in parts if part is not None))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes | None:
    """Strict: exactly one text stands for some bytes."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    return data if _encode(data) == text else None
