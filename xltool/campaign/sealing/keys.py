"""The campaign's Ed25519 keys:
the private one stays in the folder, the public one goes with every parcel.

Making keys and sealing needs `cryptography`; a seal can be verified without it, in a browser too.
"""

from __future__ import annotations

import binascii
import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from xltool.errors import XltoolError, why

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    PrivateKey: TypeAlias = Ed25519PrivateKey

PRIVATE, PUBLIC = "private.pem", "public.pem"

_BEGIN, _END = "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"
_HEAD = bytes.fromhex("302a300506032b6570032100")  # the public key in DER: Ed25519, 32 bytes


class PublicKey(NamedTuple):
    """An Ed25519 public key: its 32 bytes."""

    raw: bytes


def make_keys(folder: Path) -> None:
    """A new pair in this folder; the private key is readable by its owner only."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    save_private(folder, Ed25519PrivateKey.generate())


def save_private(folder: Path, key: Ed25519PrivateKey) -> None:
    """Write both halves. Never over an existing key."""
    from cryptography.hazmat.primitives import serialization

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    handle = os.open(folder / PRIVATE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
    (folder / PUBLIC).write_bytes(public_pem(public_of(key)))


def load_private(folder: Path) -> Ed25519PrivateKey:
    """The private key. Raises XltoolError where there is none: this folder can't seal."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        key = serialization.load_pem_private_key((folder / PRIVATE).read_bytes(), None)
    except FileNotFoundError as error:
        raise XltoolError("这个批次没有私钥，不能下发（只能收取、审核、汇总）") from error
    except (OSError, ValueError, TypeError) as error:
        raise XltoolError(f"私钥读不了：{why(error)}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise XltoolError("私钥的种类不对，应为 Ed25519")
    return key


def public_of(key: Ed25519PrivateKey) -> PublicKey:
    return PublicKey(key.public_key().public_bytes_raw())


def load_public(pem: bytes) -> PublicKey:
    """A public key from its PEM text. Raises XltoolError for anything else."""
    text = pem.decode("ascii", "replace").replace("\r", "")
    _, begin, rest = text.partition(f"{_BEGIN}\n")
    body, end, _ = rest.partition(f"\n{_END}")
    try:
        der = (
            binascii.a2b_base64(body.replace("\n", ""), strict_mode=True) if begin and end else b""
        )
    except binascii.Error:
        der = b""
    if not der:
        raise XltoolError("公钥读不了：不是有效的 PEM 文件")
    if len(der) != len(_HEAD) + 32 or not der.startswith(_HEAD):
        raise XltoolError("公钥的种类不对，应为 Ed25519")
    return PublicKey(der[len(_HEAD) :])


def public_pem(key: PublicKey) -> bytes:
    body = binascii.b2a_base64(_HEAD + key.raw, newline=False).decode()
    return f"{_BEGIN}\n{body}\n{_END}\n".encode()


def fingerprint(key: PublicKey) -> str:
    """What two people compare by telephone: 20 hex digits in fives."""
    digits = hashlib.sha256(key.raw).hexdigest()[:20]
    return " ".join(digits[n : n + 5] for n in range(0, 20, 5))


def plain_fingerprint(text: str) -> str:
    """A fingerprint as a person typed it, in the form in which we write it."""
    digits = re.sub(r"[\s:：-]", "", text).lower()
    return " ".join(digits[n : n + 5] for n in range(0, 20, 5)) if len(digits) == 20 else digits


def signed(key: PublicKey, signature: bytes, data: bytes) -> bool:
    """Whether this is the key's signature of the data."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:  # a hundred times as slow, and as strict
        from xltool.campaign.sealing.ed25519 import verified

        return verified(key.raw, signature, data)
    try:
        Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True
