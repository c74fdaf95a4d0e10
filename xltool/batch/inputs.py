"""What there is to do in a folder: data books to fill from, workbooks to check, in a fixed order."""

from __future__ import annotations

import os
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from xltool.batch.storage import StorageFolder
from xltool.files.discover import FileKind, holds_folder_book, kind_of, table_name
from xltool.files.filenames import folded
from xltool.model import Finding

# A spreadsheet that can't be opened is an input too: its line says how to save it.
_INPUTS = (FileKind.WORKBOOK, FileKind.OWN_REPORT, FileKind.OTHER_WORKBOOK, FileKind.DATABOOK)


class Item(Struct, frozen=True):
    """One input: its path relative to IN (`key`, with `/`) and where it is to be read.

    What is made from it goes into OUT's folder `folder` when it turns out to be a workbook, into
    `own` when it is a data book; `reserved` are file names taken there. A part of a large data book
    has a key of its own and says whose part it is (`origin`), how its units' files are named and
    what was noted about them in the book.
    """

    key: str
    path: str
    folder: str
    own: str
    reserved: tuple[str, ...] = ()
    size: int = 0
    origin: str = ""
    part: int = 0
    names: dict[str, str] | None = None
    remarks: tuple[tuple[str, Finding], ...] = ()

    @property
    def input(self) -> str:
        """The input that a person knows: the book of which this is a part, or this."""
        return self.origin or self.key

    @property
    def is_folder(self) -> bool:
        """A folder of tables fills itself; of all others a folder of their own name."""
        return self.own == self.folder and not self.part


def walk(source: StorageFolder) -> Iterator[Item]:
    """Every input below `source`, sorted, links not followed. Raises XltoolError for an unreadable folder."""
    for inner, files in source.folders():
        folder = _sayable(inner)
        wanted = sorted(name for name in files if _wanted(name))
        stems = Counter(folded(_stem(name)) for name in wanted)
        if holds_folder_book(files):
            size = sum(files[name] for name in files if table_name(name))
            yield Item(folder or ".", source.at(inner), folder, folder, tuple(wanted), size)
        for name in wanted:
            path = source.at(f"{inner}/{name}" if inner else name)
            # Two data books 甲.xlsx and 甲.json must not fill the same folder.
            stem = _stem(name)
            own = _sayable(stem if stems[folded(stem)] == 1 else name)
            key, own = (f"{folder}/{one}".lstrip("/") for one in (_sayable(name), own))
            yield Item(key, path, folder, own, size=files[name])


def _sayable(name: str) -> str:
    """A name as it can be written down, whatever bytes the disk holds."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def count(source: StorageFolder) -> int:
    """How many inputs there are, for a progress bar: names only, nothing opened."""
    return sum(sum(map(_wanted, files)) + holds_folder_book(files) for _, files in source.folders())


def _wanted(name: str) -> bool:
    kind = kind_of(name)
    # A unit may call its filing report.xlsx; a page of results is none.
    own_page = kind is FileKind.OWN_REPORT and not name.lower().endswith((".xlsx", ".json"))
    return kind in _INPUTS and not own_page


def _stem(name: str) -> str:
    return name.rpartition(".")[0]


def is_book(path: Path) -> bool:
    """A folder of tables and a .json are data books; so is a workbook with a sheet 部门."""
    if path.suffix.lower() == ".json" or path.is_dir():
        return True
    try:
        if not path.is_file():  # a pipe would be waited for
            return False
        with zipfile.ZipFile(path) as package, package.open("xl/workbook.xml") as part:
            return 'name="部门"' in part.read(1 << 20).decode("utf-8", "replace")
    except (
        OSError,
        KeyError,
        ValueError,
        RuntimeError,
        NotImplementedError,
        EOFError,
        zipfile.BadZipFile,
    ):
        return False
