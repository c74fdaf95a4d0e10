"""A reader that works in a process of its own, under limits of time and memory.

A PDF is a program as much as a text, and LibreOffice opens anything:
what hangs or swells costs the file.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from xltool.errors import XltoolError
from xltool.files.barrier import Failure, Result
from xltool.files.pool import WorkerPool
from xltool.importing.rows import NotImportable

MEMORY_MB = 1024


def in_own_process(work: Callable[[bytes], Result], data: bytes, seconds: float = 180.0) -> Result:
    """What `work` makes of the data.
    Raises NotImportable with the reason where it doesn't come to an end."""
    if sys.platform == "emscripten":  # a browser has no processes
        return work(data)
    # Clean: what the calling program holds would count against the limit.
    pool = WorkerPool(
        work=work, workers=1, seconds=seconds, memory_mb=MEMORY_MB, size=len, clean=True
    )
    items = [data]
    for _, result in pool.as_done(lambda: items.pop() if items else None):
        if isinstance(result, Failure):
            raise NotImportable(result.reason)
        return result
    raise XltoolError("处理进程没有给出结果")
