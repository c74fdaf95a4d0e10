"""Putting a package together from parts that are already deflated.

`zipfile` can't take over a part as it lies in the template without inflating and deflating it
again, and that is most of the work of filling a form.
"""

from __future__ import annotations

import functools
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

# Of the parts that a filing changes. Level 6 takes twice as long for 6 % fewer bytes.
LEVEL = 1
# zlib's usual 8 takes more memory than malloc keeps ready, and a page fault for each 4 KB of it.
_MEMORY = 7

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_DATE = 1 << 5 | 1  # 1980-01-01, the earliest a zip can say: the same bytes every time
_UTF8 = 0x800


class Packed(NamedTuple):
    """One part, deflated: its name, its local record with data,
    and the fields of its directory record."""

    name: bytes
    local: bytes
    fields: tuple[int, int, int, int]


@functools.cache
def _codec() -> Any:
    """For what we write: Intel's library where it is installed (the extra `fast`), up to three
    times as fast, or zlib."""
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib
    return isal_zlib


def pack(name: str, data: bytes) -> Packed:
    """Deflate one part."""
    codec = _codec()
    deflate = codec.compressobj(LEVEL, zlib.DEFLATED, -15, _MEMORY)
    packed = deflate.compress(data) + deflate.flush()
    encoded = name.encode()
    flags = 0 if name.isascii() else _UTF8
    crc = codec.crc32(data)
    head = _LOCAL.pack(
        b"PK\3\4", 20, flags, 8, 0, _DATE, crc, len(packed), len(data), len(encoded), 0
    )
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
                b"PK\1\2",
                20,
                20,
                flags,
                8,
                0,
                _DATE,
                crc,
                packed,
                size,
                len(name),
                0,
                0,
                0,
                0,
                0,
                offset,
            )
            + name
        )
        offset += len(local)
    listing = b"".join(directory)
    end = _END.pack(b"PK\5\6", 0, 0, len(directory), len(directory), len(listing), offset, 0)
    return b"".join([*chunks, listing, end])


_NONE: Mapping[bytes, tuple[Packed, bytes]] = MappingProxyType({})


def split(
    data: bytes, most: int = 200 * 2**20, known_parts: Mapping[bytes, tuple[Packed, bytes]] = _NONE
) -> dict[str, bytes]:
    """The parts of a package as `join` writes it, inflated;
    each must be as long as said, and sound.

    A part that lies there just as it does in `known_parts` (by its name) is not inflated again.
    Raises ValueError for any other zip file, sound or not, and for one of more than `most` bytes:
    `zipfile` knows more.
    """
    try:
        count, size, start = _end_record(data)
        parts: dict[str, bytes] = {}
        follows = 0
        for name, offset, fields in _listed(data, count, start, start + size):
            # One part lies right behind the other: nothing is hidden between them.
            if offset != follows:
                raise _otherwise()
            most -= fields[-1]
            if most < 0:
                raise ValueError("too large")
            text = name.decode()
            if text in parts:
                raise ValueError(f"{text} twice")
            before = known_parts.get(name)
            if before and before[0].fields == fields and data.startswith(before[0].local, offset):
                parts[text] = before[1]
                follows = offset + len(before[0].local)
            else:
                parts[text], follows = _part(data, name, offset, fields, ours=bool(known_parts))
    except (struct.error, zlib.error, _codec().error, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error
    if follows != start or len({name.casefold() for name in parts}) != count:
        raise _otherwise()
    return parts


def _otherwise() -> ValueError:
    return ValueError("not as join() writes it")


def _end_record(data: bytes) -> tuple[int, int, int]:
    """How many parts are listed, in how many bytes, from where on; the file ends with that list."""
    *_, count, _, size, start, comment = _END.unpack_from(data, len(data) - _END.size)
    if data[-_END.size :][:4] != b"PK\5\6" or comment or start + size != len(data) - _END.size:
        raise _otherwise()
    return count, size, start


def _listed(
    data: bytes, count: int, at: int, end: int
) -> Iterator[tuple[bytes, int, tuple[int, int, int, int]]]:
    """Name and offset of each part on the list, and its (flags, crc, packed length, length)."""
    for _ in range(count):
        (
            sign,
            _,
            _,
            flags,
            method,
            _,
            _,
            crc,
            packed,
            length,
            name_size,
            extra,
            note,
            *_,
            offset,
        ) = _CENTRAL.unpack_from(data, at)
        at += _CENTRAL.size
        name = data[at : at + name_size]
        at += name_size
        if (sign, method, flags & ~_UTF8, extra, note) != (b"PK\1\2", 8, 0, 0, 0):
            raise _otherwise()
        yield name, offset, (flags, crc, packed, length)
    if at != end:
        raise _otherwise()


def _part(
    data: bytes, name: bytes, offset: int, fields: tuple[int, int, int, int], *, ours: bool
) -> tuple[bytes, int]:
    """A part inflated, and where the next one begins;
    what stands before it must say what the list says."""
    flags, crc, packed, length = fields
    body = offset + _LOCAL.size + len(name)
    local = _LOCAL.unpack_from(data, offset)
    if (
        (local[0], local[2], local[3]) != (b"PK\3\4", flags, 8)
        or local[6:] != (crc, packed, length, len(name), 0)
        or data[offset + _LOCAL.size : body] != name
    ):
        raise _otherwise()
    follows = body + packed
    if ours:  # a file of our own, of which the other parts are new
        return _inflate(data[body:follows], crc, length, _codec()), follows
    return _inflated(data[body:follows], crc, length, zlib), follows


def _inflate(packed: bytes, crc: int, length: int, codec: Any) -> bytes:
    inflate = codec.decompressobj(-15)
    data: bytes = inflate.decompress(packed, length + 1)
    if len(data) != length or not inflate.eof or inflate.unused_data or codec.crc32(data) != crc:
        raise ValueError("a part is not what its record says")
    return data


# What most parts of a package hold is what they held in the last one.
_inflated = functools.lru_cache(maxsize=32)(_inflate)
