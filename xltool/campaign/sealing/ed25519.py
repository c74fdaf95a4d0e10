"""Ed25519 signatures verified in plain Python (RFC 8032), where no library for them can be had.

Only public things pass through here: keys that everybody has, signatures, signed texts. Signing
needs secrets and is left to `cryptography`.
"""

from __future__ import annotations

import hashlib

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)  # of -1

_Point = tuple[int, int, int, int]  # extended coordinates X, Y, Z, T: x = X/Z, y = Y/Z, xy = T/Z
_ZERO: _Point = (0, 1, 1, 0)


def verified(key: bytes, signature: bytes, data: bytes) -> bool:
    """Whether these 64 bytes are the signature of `data` by the owner of this key of 32 bytes."""
    point = _point(key)
    if point is None or len(signature) != 64:
        return False
    first, scalar = signature[:32], int.from_bytes(signature[32:], "little")
    if scalar >= _L:
        return False
    challenge = int.from_bytes(hashlib.sha512(first + key + data).digest(), "little") % _L
    x, y, z, t = point
    minus = (-x % _P, y, z, -t % _P)
    return _bytes(_sum(_times(scalar, _BASE), _times(challenge, minus))) == first


def _point(data: bytes) -> _Point | None:
    """The point that these bytes stand for; None where they stand for none."""
    if len(data) != 32:
        return None
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _bytes(point: _Point) -> bytes:
    x, y, z, _ = point
    inverse = pow(z, -1, _P)
    x, y = x * inverse % _P, y * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _sum(point: _Point, other: _Point) -> _Point:
    x1, y1, z1, t1 = point
    x2, y2, z2, t2 = other
    a, b = (y1 - x1) * (y2 - x2) % _P, (y1 + x1) * (y2 + x2) % _P
    c, d = 2 * _D * t1 * t2 % _P, 2 * z1 * z2 % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(number: int, point: _Point) -> _Point:
    total = _ZERO
    for bit in bin(number)[2:]:
        total = _sum(total, total)
        if bit == "1":
            total = _sum(total, point)
    return total


_BASE = _point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little")) or _ZERO
