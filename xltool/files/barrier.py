"""The barrier: whatever goes wrong over one file is that file's reason,
never the end of the run."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from xltool.errors import DiskError, XltoolError, why

Result = TypeVar("Result")
# Set it to anything to see on stderr where the program itself went wrong.
DEBUG = "XLTOOL_DEBUG"
TOO_LARGE = "占用内存超过上限，已放弃"


class Failure(NamedTuple):
    """One file that could not be done, and why, in Chinese."""

    reason: str


def guarded(work: Callable[[], Result]) -> Result | Failure:
    """What `work` gives; a Failure where anything stops it but a full disk,
    on which all would fail."""
    try:
        return work()
    except DiskError:
        raise
    except Exception as error:
        return Failure(reason_of(error))


def reason_of(error: BaseException) -> str:
    """Why a file could not be done: one line, whatever was raised."""
    if isinstance(error, XltoolError):
        return str(error)
    if isinstance(error, MemoryError):
        return TOO_LARGE
    if isinstance(error, OSError):
        return f"{error.filename or '读写不了'}：{why(error)}"
    if os.environ.get(DEBUG):
        traceback.print_exception(error)
    return f"程序内部错误（{type(error).__name__}：{error}）"
