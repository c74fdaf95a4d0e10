"""Files that are whole or not there: written beside their place, then moved there in one step."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from xltool.errors import DiskError, XltoolError, why
from xltool.files import guard


def temporary_name(tag: str) -> str:
    """The name of a file while it is written:
    hidden, and known again where a kill leaves it behind."""
    return f".xltool-{tag}.tmp"


def is_temporary(name: str) -> bool:
    """Whether a file is one that was left half-written."""
    return name.startswith(".xltool-") and name.endswith(".tmp")


def sweep(paths: Iterable[Path], seconds: float = 0.0) -> None:
    """Remove those of the files and folders that a kill left half-written,
    so many seconds ago or more."""
    until = time.time() - seconds
    for path in paths:
        if not is_temporary(path.name):
            continue
        with suppress(OSError):
            if path.stat().st_mtime <= until:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


@contextmanager
def writing(
    path: str | Path, mode: str = "w", *, own: bool = False, **options: Any
) -> Iterator[IO[Any]]:
    """Open a file for writing that takes the place of `path` only when the block ends well.

    `mode` is `w` (UTF-8 text, line ends as written) or `wb`. Missing folders are made. On any error
    the old file stays as it was and nothing is left beside it. Raises XltoolError where the disk
    is full, the folder can't be written or the file is held open by Excel; in a command also where
    somebody's file stands there (`guard`), but for a file that is xltool's `own` and nobody's else.
    """
    # Texts, not Paths, for it is done for each output of a run.
    target = os.fspath(path)
    watched = None if own else guard.current()
    if watched:
        watched.ask(target)
    # Opened with "x" the file is new, and has the rights that any new file gets.
    folder = os.path.dirname(target)  # noqa: PTH120
    temporary = os.path.join(folder, temporary_name(os.urandom(8).hex()))  # noqa: PTH118
    try:
        file = _opened(temporary, mode.replace("w", "x"), options)
    except OSError as error:
        raise refused(Path(target), error) from error
    try:
        with file:
            yield file
            if not file.closed:
                # On the disk before it takes its place: a power failure leaves old or new.
                file.flush()
                os.fsync(file.fileno())
        if watched:  # somebody may have saved meanwhile
            watched.ask(target)
            watched.note(Path(target), guard.file_digest(Path(temporary)))
        os.replace(temporary, target)  # noqa: PTH105
    except BaseException as error:
        with suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108
        if isinstance(error, OSError):
            raise refused(Path(target), error) from error
        raise


def _opened(path: str, mode: str, options: dict[str, Any]) -> IO[Any]:
    """The file, opened; the folder is made where it is missing."""
    if "b" not in mode:
        options = {"encoding": "utf-8", "newline": "", **options}
    try:
        return open(path, mode, **options)  # noqa: PTH123 - `writing` closes it
    except FileNotFoundError:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return open(path, mode, **options)  # noqa: PTH123


def refused(path: Path, error: OSError) -> XltoolError:
    """What to say where the machine doesn't let a file be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskError(f"磁盘已满，写不了“{path}”")
    if error.errno == errno.EROFS:
        return DiskError(f"写不了“{path}”：文件系统是只读的")
    if isinstance(error, PermissionError) and path.exists():
        return XltoolError(f"写不了“{path}”：文件可能正被打开，请关闭后再试")
    return XltoolError(f"写不了“{path}”：{why(error)}")
