"""Signatures verified without `cryptography` are judged as it judges them."""

import sys

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from xltool.campaign.sealing import keys
from xltool.campaign.sealing.ed25519 import verified
from xltool.errors import XltoolError

ORDER = 2**252 + 27742317777372353535851937790883648493
# RFC 8032, 7.1: key, text, signature.
RFC = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("key", "text", "signature"), RFC)
def test_the_standards_own_examples(key, text, signature):
    assert verified(bytes.fromhex(key), bytes.fromhex(signature), bytes.fromhex(text))
    assert not verified(bytes.fromhex(key), bytes.fromhex(signature), bytes.fromhex(text + "00"))


def by_library(key: bytes, signature: bytes, data: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, data)
    except Exception:
        return False
    return True


def test_every_bit_counts_as_it_does_for_the_library():
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    key, data = private.public_key().public_bytes_raw(), "封印".encode()
    signature = private.sign(data)
    assert verified(key, signature, data)
    for bit in range(0, 512, 7):
        bent = bytearray(signature)
        bent[bit // 8] ^= 1 << bit % 8
        assert not verified(key, bytes(bent), data)
        other = bytearray(key)
        other[bit % 256 // 8] ^= 1 << bit % 8
        assert verified(bytes(other), signature, data) == by_library(bytes(other), signature, data)
    # The same signature, its number larger by the order of the group, is another one.
    large = int.from_bytes(signature[32:], "little") + ORDER
    assert not verified(key, signature[:32] + large.to_bytes(32, "little"), data)


@pytest.mark.parametrize(
    "key", [b"", bytes(31), b"\xff" * 32, b"\x02" + bytes(31), bytes(32), b"\x01" + bytes(31)]
)
@pytest.mark.parametrize("signature", [b"", bytes(63), bytes(64), b"\x01" + bytes(63), bytes(65)])
def test_odd_keys_and_signatures(key, signature):
    assert verified(key, signature, b"x") == by_library(key, signature, b"x")


def test_a_key_is_written_and_read_as_the_library_does():
    private = Ed25519PrivateKey.generate()
    pem = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    key = keys.load_public(pem)
    assert keys.public_pem(key) == pem and key == keys.public_of(private)
    assert keys.load_public(pem.replace(b"\n", b"\r\n")) == key  # saved by an editor on Windows
    for broken in (
        b"",
        pem[:60],
        pem.replace(b"MCow", b"MCo*"),
        pem.replace(b"PUBLIC", b"PRIVATE"),
    ):
        with pytest.raises(XltoolError, match="公钥读不了"):
            keys.load_public(broken)


def test_without_the_library_the_same_is_signed(monkeypatch):
    private = Ed25519PrivateKey.generate()
    key, signature = keys.public_of(private), private.sign(b"x")
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    assert keys.signed(key, signature, b"x") and not keys.signed(key, signature, b"y")
