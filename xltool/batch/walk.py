"""What there is to do in a folder: data books to fill from, workbooks to check, in a fixed order."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from xltool.model import XltoolError

# A folder that holds this file is one data book.
FOLDER_BOOK = "部门.csv"
_SUFFIXES = {".xlsx", ".xlsm", ".xls", ".json", ".et", ".wps"}


@dataclass(frozen=True, slots=True)
class Item:
    """One input: its path relative to IN (with `/`), its kind (`book` or `workbook`), and the folder
    of OUT (relative) that takes what is made from it. `reserved` are file names taken there."""

    key: str
    path: str
    kind: str
    folder: str
    reserved: tuple[str, ...] = ()


def check_folders(source: Path, output: Path) -> None:
    """Refuse what would mix up inputs and outputs. Raises XltoolError."""
    if not source.exists():
        raise XltoolError(f"没有这个文件夹：{source}")
    if not source.is_dir():
        raise XltoolError(f"这不是文件夹：{source}")
    inside, outside = source.resolve(), output.resolve()
    if inside == outside or outside.is_relative_to(inside):
        raise XltoolError(f"输出文件夹不能放在输入文件夹里：{output}")
    if inside.is_relative_to(outside):
        raise XltoolError(f"输入文件夹不能放在输出文件夹里：{source}")


def walk(source: Path) -> Iterator[Item]:
    """Every input below `source`, sorted, links not followed. Raises XltoolError for an unreadable folder."""

    def refused(error: OSError) -> None:
        raise XltoolError(f"读不了文件夹 {error.filename}：{error.strerror}")

    for folder, subfolders, files in os.walk(source, onerror=refused):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        here = Path(folder)
        relative = here.relative_to(source).as_posix()
        inner = "" if relative == "." else relative
        wanted = sorted(name for name in files if _wanted(name))
        if FOLDER_BOOK in files:
            yield Item(inner or ".", str(here), "book", inner, tuple(Path(name).stem for name in wanted))
        stems = [Path(name).stem for name in wanted]
        for name in wanted:
            path = here / name
            key = f"{inner}/{name}" if inner else name
            kind = "book" if is_book(path) else "workbook"
            # Two data books 甲.xlsx and 甲.json must not fill the same folder.
            own = Path(name).stem if stems.count(Path(name).stem) == 1 else name
            yield Item(key, str(path), kind, f"{inner}/{own}".strip("/") if kind == "book" else inner)


def _wanted(name: str) -> bool:
    # ~$ and .~lock. are the lock files of Excel, WPS and LibreOffice.
    return not name.startswith(("~$", ".")) and Path(name).suffix.lower() in _SUFFIXES


def is_book(path: Path) -> bool:
    """A .json is a data book; so is a workbook with a sheet 部门."""
    if path.suffix.lower() == ".json":
        return True
    try:
        with zipfile.ZipFile(path) as package, package.open("xl/workbook.xml") as part:
            return 'name="部门"' in part.read(1 << 20).decode("utf-8", "replace")
    except (OSError, KeyError, ValueError, RuntimeError, NotImplementedError, EOFError, zipfile.BadZipFile):
        return False


def count(source: Path) -> int:
    """How many inputs there are, for a progress bar: names only, nothing opened."""
    total = 0
    for _, subfolders, files in os.walk(source):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        total += sum(map(_wanted, files)) + (FOLDER_BOOK in files)
    return total
