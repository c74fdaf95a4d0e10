"""What a caller hands over to be read:
a path, the bytes themselves, or a file that is open for reading."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

from xltool.errors import XltoolError

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]


def content(source: Source) -> Path | bytes:
    """A path, or the bytes of everything else;
    an open file is read from where it stands to its end.

    Raises XltoolError where a file was opened as text.
    """
    if isinstance(source, str | os.PathLike):
        return Path(source)
    if isinstance(source, bytes):
        return source
    if isinstance(source, bytearray | memoryview):
        return bytes(source)
    data = source.read()
    if not isinstance(data, bytes):
        raise XltoolError("文件是以文字方式打开的，请用 open(路径, 'rb')")
    return data


def called(source: Source) -> str:
    """What a source is called in messages: its path, the name of an open file, or nothing."""
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    name = getattr(source, "name", "")
    return name if isinstance(name, str) else ""
