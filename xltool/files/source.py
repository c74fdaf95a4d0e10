"""What a caller hands over to be read:
a path, the bytes themselves, or a file that is open for reading."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import IO

from xltool.errors import XltoolError
from xltool.files.escape import on_terminal

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]


def content(source: Source) -> Path | bytes:
    """A path, or the bytes of everything else;
    an open file is read from where it stands to its end.

    Raises XltoolError where a file was opened as text, is closed or can't be read from, or no system
    takes the path; TypeError where it is something else.
    """
    if isinstance(source, str | os.PathLike):
        return _path(source)
    if isinstance(source, bytes):
        return source
    if isinstance(source, bytearray | memoryview):
        return bytes(source)
    if isinstance(source, io.TextIOBase):
        raise XltoolError(_AS_TEXT.format("rb"))
    if not hasattr(source, "read"):
        raise TypeError(f"要路径、字节（bytes）或打开的文件，不是 {type(source).__name__}")
    try:
        data = source.read()
    except ValueError as error:
        raise XltoolError("文件已经关闭，或者不是打开来读的") from error
    if isinstance(data, str):
        raise XltoolError(_AS_TEXT.format("rb"))
    return bytes(data)


_AS_TEXT = "文件是以文字方式打开的，请用 open(路径, '{}')"


def _path(source: str | os.PathLike[str]) -> Path:
    text = os.fsdecode(source)
    try:
        if b"\0" not in os.fsencode(text):
            return Path(text)
    except UnicodeError:  # half of a character
        pass
    raise XltoolError(f"路径里有系统不认的字：{on_terminal(text)}")


def for_writing(destination: IO[bytes]) -> IO[bytes]:
    """A file that a caller opened to be written into.
    Raises XltoolError where it was opened as text, TypeError where it is no file."""
    if isinstance(destination, io.TextIOBase):
        raise XltoolError(_AS_TEXT.format("wb"))
    if not hasattr(destination, "write"):
        raise TypeError(f"要路径或打开的文件，不是 {type(destination).__name__}")
    return destination


def called(source: Source) -> str:
    """What a source is called in messages: its path, the name of an open file, or nothing."""
    if isinstance(source, str | os.PathLike):
        return os.fsdecode(source)
    name = getattr(source, "name", "")
    return name if isinstance(name, str) else ""
