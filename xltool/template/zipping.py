"""Putting a package together from parts that are already deflated.

`zipfile` can't take over a part as it lies in the template without inflating and deflating it
again, and that is most of the work of filling a form.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import NamedTuple

LEVEL = 6

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_DATE = 1 << 5 | 1  # 1980-01-01, the earliest a zip can say: the same bytes every time
_UTF8 = 0x800


class Packed(NamedTuple):
    """One part, deflated: its name, its local record with data, and the fields of its directory record."""

    name: bytes
    local: bytes
    fields: tuple[int, int, int, int]


def pack(name: str, data: bytes, level: int = LEVEL) -> Packed:
    """Deflate one part."""
    deflate = zlib.compressobj(level, zlib.DEFLATED, -15)
    packed = deflate.compress(data) + deflate.flush()
    encoded = name.encode()
    flags = 0 if name.isascii() else _UTF8
    crc = zlib.crc32(data)
    head = _LOCAL.pack(b"PK\3\4", 20, flags, 8, 0, _DATE, crc, len(packed), len(data), len(encoded), 0)
    return Packed(encoded, head + encoded + packed, (flags, crc, len(packed), len(data)))


def join(parts: Iterable[Packed]) -> bytes:
    """The package of these parts, in this order."""
    chunks: list[bytes] = []
    directory: list[bytes] = []
    offset = 0
    for name, local, (flags, crc, packed, size) in parts:
        chunks.append(local)
        directory.append(
            _CENTRAL.pack(
                b"PK\1\2", 20, 20, flags, 8, 0, _DATE, crc, packed, size, len(name), 0, 0, 0, 0, 0, offset
            )
            + name
        )
        offset += len(local)
    listing = b"".join(directory)
    end = _END.pack(b"PK\5\6", 0, 0, len(directory), len(directory), len(listing), offset, 0)
    return b"".join([*chunks, listing, end])
