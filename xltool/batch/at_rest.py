"""Whether somebody is still writing a file: what is half there must not be judged.

Programs save in many steps (a temporary file, a rename, or in place), and files arrive over a
network piece by piece. A file counts as finished when it has been left alone for a moment and is
all there.
"""

from __future__ import annotations

import os
import stat
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

QUIET = 0.4  # seconds without a change after which a save counts as finished
HALF = 1.0  # seconds without a change after which a file that isn't whole is taken as it is
PATIENCE = 10.0  # seconds after which nothing more is waited for
_TICK = 0.1


class Mark(NamedTuple):
    """What tells one save of a file from another."""

    changed: int  # nanoseconds
    size: int
    number: int


def mark(path: str | Path) -> Mark | None:
    """None where there is no such file just now, or it is none (a pipe would be waited for)."""
    try:
        about = os.stat(path)  # noqa: PTH116 - for each input of each run
    except OSError:
        return None
    if not stat.S_ISREG(about.st_mode):
        return None
    return Mark(about.st_mtime_ns, about.st_size, about.st_ino)


def whole(path: str | Path) -> bool:
    """Whether the file can be opened and is all there; a zip's directory stands at its end."""
    try:
        with Path(path).open("rb") as file:
            start = file.read(2)
            return bool(start) and (start != b"PK" or zipfile.is_zipfile(file))
    except OSError:  # held by the program that is writing it
        return False


def at_rest(paths: Sequence[str | Path]) -> tuple[Mark | None, ...]:
    """The marks of files once nobody writes them any more;
    as they stand when that takes too long."""
    until = time.monotonic() + PATIENCE
    while True:
        marks = tuple(mark(path) for path in paths)
        last = max((stamp.changed for stamp in marks if stamp), default=0)
        # On a disk whose clock is ahead, the future says nothing.
        age = time.time() - last / 1e9
        busy = 0 <= age < QUIET or (0 <= age < HALF and not all(map(whole, paths)))
        if not busy or time.monotonic() > until:
            return marks
        time.sleep(_TICK)
