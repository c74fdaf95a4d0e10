"""Rows kept on disk until the place where they belong is reached: memory stays flat."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any

import msgspec


class Spool:
    """Rows of one type appended now and read back later, in order."""

    def __init__(self, row_type: Any = Any) -> None:
        self._decode = msgspec.json.Decoder(row_type).decode
        self._file = tempfile.TemporaryFile("w+b")  # noqa: SIM115 - closed by __exit__
        self._encode = msgspec.json.Encoder().encode

    def append(self, row: Any) -> None:
        self.write(self._encode(row))

    def write(self, line: bytes) -> None:
        """A row as one line, as it is."""
        self._file.write(line + b"\n")

    def lines(self) -> Iterator[bytes]:
        """Each row as one line of JSON, without its line end."""
        self._file.seek(0)
        for line in self._file:
            yield line[:-1]

    def __iter__(self) -> Iterator[Any]:
        return map(self._decode, self.lines())

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
