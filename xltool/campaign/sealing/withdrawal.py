"""What a district took back of what it passed upwards:
a paper in its submission, signed with its own key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from xltool.campaign.sealing import keys
from xltool.errors import XltoolError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FILE = "撤回.json"
_CONTEXT = b"xltool withdrawal 1\n"


class Withdrawal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was taken back of one unit: the returns by their sha256; when, by whom and why.

    `key` tells one withdrawal of the district from another.
    """

    unit: str
    contents: list[str]
    key: str
    made_at: str
    author: str
    reason: str


class Withdrawals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that a district holds withdrawn. `serial` grows with everything that happens in its
    ledger, so that of two papers the later one is known whatever the order in which they come."""

    campaign: str
    district: str
    serial: int
    units: list[Withdrawal]


class _SignedPaper(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    said: str
    signature: str
    key: str


def signed_paper(withdrawals: Withdrawals, key: Ed25519PrivateKey) -> bytes:
    """The paper as a file."""
    text = msgspec.json.encode(withdrawals)
    public = keys.public_pem(keys.public_of(key)).decode()
    paper = _SignedPaper(text.decode(), key.sign(_CONTEXT + text).hex(), public)
    return msgspec.json.format(msgspec.json.encode(paper), indent=1)


def read_paper(data: bytes) -> tuple[Withdrawals, str]:
    """What a paper says, and the fingerprint of the key that truly signed it.

    Raises XltoolError for any other file. Whether that key is to be believed is not judged here.
    """
    try:
        paper = msgspec.json.decode(data, type=_SignedPaper)
        withdrawals = msgspec.json.decode(paper.said, type=Withdrawals)
        signature = bytes.fromhex(paper.signature)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise XltoolError("撤回单读不出") from error
    key = keys.load_public(paper.key.encode())
    if not keys.signed(key, signature, _CONTEXT + paper.said.encode()):
        raise XltoolError("撤回单的签名不真：被改动过")
    return withdrawals, keys.fingerprint(key)
