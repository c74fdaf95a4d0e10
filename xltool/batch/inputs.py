"""What there is to do in a folder:
data books to fill from, workbooks to check, in a fixed order."""

from __future__ import annotations

import os
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from xltool.batch.storage import Listing, StorageFolder
from xltool.files import guard
from xltool.files.discover import FileKind, holds_folder_book, kind_of, table_name
from xltool.files.filenames import TakenNames, folded
from xltool.model import Finding
from xltool.reports.bundle import KINDS
from xltool.xlsx.package import Parts, Unreadable

# Where OUT keeps its journal; the reports that lie beside it.
STATE = guard.FOLDER
REPORTS = tuple(name for name, _ in KINDS.values())

# A spreadsheet that can't be opened is an input too: its line says how to save it.
_INPUTS = (FileKind.WORKBOOK, FileKind.OWN_REPORT, FileKind.OTHER_WORKBOOK, FileKind.DATABOOK)

_WORKBOOK, _CUSTOM = "xl/workbook.xml", "docProps/custom.xml"
_BOOK_SHEET = 'name="部门"'.encode()
_FILED = b'"xltool.edition"'  # the mark that a filled workbook has and a data book has not


class Item(Struct, frozen=True):
    """One input: its path relative to IN (`key`, with `/`) and where it is to be read.

    What is made from it lies in OUT as `output` when it turns out to be a workbook, in the folder
    `own` when it is a data book; no other input has either. `reserved` are file names taken there.
    `refused`: it is a folder that can't be read, and why. A part of a large data book has a key of
    its own and says whose part it is (`origin`), how its units' files are named and what was noted
    about them in the book.
    """

    key: str
    path: str
    own: str
    output: str = ""
    reserved: tuple[str, ...] = ()
    size: int = 0
    refused: str = ""
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
        return not self.output and not self.part and not self.refused


def part_key(key: str, number: int) -> str:
    """The key of a part of the large data book with this key."""
    return f"{key}#{number:05}"


def parts_of(key: str) -> tuple[str, str]:
    """What the keys of a book's parts lie between."""
    return f"{key}#", f"{key}{chr(ord('#') + 1)}"


def walk(source: StorageFolder) -> Iterator[Item]:
    """Every input below `source`, sorted, links not followed.
    Raises XltoolError where it can't be read."""
    for listing in source.folders():
        folder = sayable(listing.inner)
        if listing.refused:
            yield Item(folder, source.at(listing.inner), folder, refused=listing.refused)
            continue
        wanted = _inputs(listing)
        folders = [sayable(name) for name in listing.folders]
        # The names of reports, earlier ones too, are not to be had beside them.
        reports = () if folder else (*REPORTS, *(n for n in wanted if is_report(n)))
        taken = TakenNames((*folders, *reports))
        outputs = {name: _given(sayable(name), taken) for name in wanted}
        if holds_folder_book(listing.files):
            size = sum(size for name, size in listing.files.items() if table_name(name))
            names = (*outputs.values(), *folders, *reports)
            yield Item(folder or ".", source.at(listing.inner), folder, reserved=names, size=size)
        stems = Counter(folded(_stem(name)) for name in wanted)
        for name in wanted:
            path = source.at(f"{listing.inner}/{name}".lstrip("/"))
            # Two data books 甲.xlsx and 甲.json must not fill the same folder, nor may they fill the
            # folder of the inputs that lie in 甲/.
            stem = sayable(_stem(name))
            alone = stems[folded(_stem(name))] == 1 and stem not in taken
            own = stem if alone else outputs[name]
            key, own, output = (
                f"{folder}/{leaf}".lstrip("/") for leaf in (sayable(name), own, outputs[name])
            )
            yield Item(key, path, own, output, size=listing.files[name])


def _inputs(listing: Listing) -> list[str]:
    """The names of the inputs in a folder; the reports of a result folder are none."""
    of_results = STATE in listing.folders
    return sorted(
        name for name in listing.files if _wanted(name) and not (of_results and is_report(name))
    )


def _given(name: str, taken: TakenNames) -> str:
    """The name that a received file gets in OUT: its own, or a numbered one."""
    return name if taken.take(name) else taken.give(_stem(name), name[len(_stem(name)) :])


def sayable(name: str) -> str:
    """A name as it can be written down, whatever bytes the disk holds."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name).decode("utf-8", "backslashreplace")
    return name


def count(source: StorageFolder) -> int:
    """How many inputs there are, for a progress bar: names only, nothing opened."""
    return sum(
        len(_inputs(listing)) + holds_folder_book(listing.files) + bool(listing.refused)
        for listing in source.folders()
    )


def is_report(name: str) -> bool:
    """Whether this is how a report of a run is called."""
    return kind_of(name) is FileKind.OWN_REPORT


def _wanted(name: str) -> bool:
    kind = kind_of(name)
    # A unit may call its filing report.xlsx; a page of results is none.
    own_page = kind is FileKind.OWN_REPORT and not name.lower().endswith((".xlsx", ".json"))
    return kind in _INPUTS and not own_page


def _stem(name: str) -> str:
    return name.rpartition(".")[0]


def is_book(path: str | Path, parts: Parts | None = None) -> bool:
    """A folder of tables and a .json are data books; so is a workbook with a sheet 部门,
    but for a filing with a sheet of that name.

    `parts` are the workbook's where it was opened already.
    """
    if str(path).lower().endswith(".json"):
        return True
    if parts is not None:
        try:
            return _BOOK_SHEET in parts.read(_WORKBOOK) and not (
                _CUSTOM in parts and _FILED in parts.read(_CUSTOM)
            )
        except Unreadable:
            return False
    path = Path(path)
    if path.is_dir():
        return True
    try:
        if not path.is_file():  # a pipe would be waited for
            return False
        with zipfile.ZipFile(path) as package:
            if _BOOK_SHEET not in _head(package, _WORKBOOK):
                return False
            return _CUSTOM not in package.namelist() or _FILED not in _head(package, _CUSTOM)
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


def _head(package: zipfile.ZipFile, name: str) -> bytes:
    """The beginning of a part, which is all of an honest one."""
    with package.open(name) as part:
        return part.read(1 << 20)
