"""The campaign's Ed25519 keys: the private one stays in the folder, the public one goes with every parcel."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from xltool.errors import XltoolError, why

PRIVATE, PUBLIC = "private.pem", "public.pem"


def make_keys(folder: Path) -> None:
    """A new pair in this folder; the private key is readable by its owner only."""
    save_private(folder, Ed25519PrivateKey.generate())


def save_private(folder: Path, key: Ed25519PrivateKey) -> None:
    """Write both halves. Never over an existing key."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    handle = os.open(folder / PRIVATE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
    (folder / PUBLIC).write_bytes(public_pem(key.public_key()))


def load_private(folder: Path) -> Ed25519PrivateKey:
    """The private key. Raises XltoolError where there is none: this folder can't seal."""
    try:
        key = serialization.load_pem_private_key((folder / PRIVATE).read_bytes(), None)
    except FileNotFoundError as error:
        raise XltoolError("这个批次没有私钥，不能下发（只能收取、审核、汇总）") from error
    except (OSError, ValueError, TypeError) as error:
        raise XltoolError(f"私钥读不了：{why(error)}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise XltoolError("私钥的种类不对，应为 Ed25519")
    return key


def load_public(pem: bytes) -> Ed25519PublicKey:
    """A public key from its PEM text. Raises XltoolError for anything else."""
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, TypeError) as error:
        raise XltoolError("公钥读不了：不是有效的 PEM 文件") from error
    if not isinstance(key, Ed25519PublicKey):
        raise XltoolError("公钥的种类不对，应为 Ed25519")
    return key


def public_pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def fingerprint(key: Ed25519PublicKey) -> str:
    """What two people compare by telephone: 20 hex digits in fives."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    digits = hashlib.sha256(raw).hexdigest()[:20]
    return " ".join(digits[n : n + 5] for n in range(0, 20, 5))


def signed(key: Ed25519PublicKey, signature: bytes, data: bytes) -> bool:
    """Whether this is the key's signature of the data."""
    try:
        key.verify(signature, data)
    except InvalidSignature:
        return False
    return True
