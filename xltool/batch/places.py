"""The folders of a run: IN and OUT apart from each other, and where a run keeps what it notes."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import filelock

from xltool.batch.inputs import STATE
from xltool.batch.storage import StorageFolder, is_url, on_disk, place, way_into, within
from xltool.errors import XltoolError, why


def places(source: Path | str, output: Path | str) -> tuple[StorageFolder, StorageFolder]:
    """IN and OUT, apart from each other. Raises XltoolError."""
    if not is_url(source):
        folder = Path(on_disk(source))
        if not folder.exists():
            raise XltoolError(f"没有这个文件夹：{source}")
        if not folder.is_dir():
            raise XltoolError(f"这不是文件夹：{source}")
    inside, outside = place(source), place(output)
    if within(outside, inside):
        raise XltoolError(f"输出文件夹不能放在输入文件夹里：{output}")
    if within(inside, outside):
        raise XltoolError(f"输入文件夹不能放在输出文件夹里：{source}")
    return inside, outside


def no_way_into(inside: StorageFolder, outside: StorageFolder) -> None:
    """No link in OUT leads into IN. Raises XltoolError."""
    if way := way_into(outside, inside):
        raise XltoolError(f"输出文件夹里的 {way} 是通向输入文件夹的链接，结果会写进去：请先移走")


def state_folder(output: Path | str) -> Path:
    """Where the journal and the lock of an OUT lie:
    in it, or, of a URL, in this user's own folder."""
    if not is_url(output):
        return Path(on_disk(output)).absolute() / STATE
    import platformdirs

    name = hashlib.blake2b(str(output).rstrip("/").encode(), digest_size=8).hexdigest()
    return platformdirs.user_state_path("xltool", appauthor=False) / "batch" / name


def locked(home: Path, output: Path | str) -> AbstractContextManager[Any]:
    try:
        home.mkdir(parents=True, exist_ok=True)
        return filelock.FileLock(home / "lock", blocking=False).acquire()
    except filelock.Timeout as error:
        raise XltoolError(f"另一次运行正在写 {output}，请等它结束") from error
    except OSError as error:
        raise XltoolError(f"写不了 {output}：{why(error)}") from error
