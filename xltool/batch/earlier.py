"""The filings of the year before: found once by the run, known to each of its workers."""

from __future__ import annotations

import functools
import hashlib
from contextlib import suppress
from pathlib import Path

import msgspec

from xltool.batch.inputs import STATE
from xltool.batch.storage import StorageFolder, place
from xltool.editions.declaration import asked_edition
from xltool.errors import XltoolError
from xltool.files.discover import below
from xltool.model import Filing
from xltool.reading.last_year import EarlierFiles, LastYear, earlier_files

# Whose filing each workbook holds, written in OUT, which every worker reaches.
_INDEX = f"{STATE}/last-year.json"


def earlier_path(last_year: str) -> str:
    """The path as every worker finds it. Raises XltoolError where nothing lies there."""
    path = Path(last_year).absolute()
    if not path.exists():
        raise XltoolError(f"没有上一年的申报：{last_year}")
    return str(path)


def earlier_mark(last_year: str) -> str:
    """The earlier filings' part of a fingerprint: another state of the folder is judged by anew."""
    path = Path(last_year)
    files = [path] if path.is_file() else [file.path for file in below(path)]
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        with suppress(OSError):  # a link that leads nowhere
            state = file.stat()
            digest.update(f"{file}\0{state.st_size}\0{state.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def note_earlier_files(outside: StorageFolder, last_year: str, edition: str) -> list[str]:
    """Find whose filing each workbook of the folder holds; why others were not read.
    Raises XltoolError."""
    path = Path(last_year)
    if path.is_file():
        LastYear(path, asked_edition(edition))
        return []
    files = earlier_files(path, asked_edition(edition))
    outside.save(_INDEX, msgspec.json.encode(files))
    return files.unread


def earlier_filing(filing: Filing, output: str, last_year: str, edition: str) -> Filing | None:
    """The unit's filing of the year before;
    None where there is none or nothing is to be compared."""
    return _last_year(output, last_year, edition).of(filing) if last_year else None


# The index is read once in a process, not for each input: with 10,000 units it is half a megabyte.
@functools.lru_cache(maxsize=1)
def _last_year(output: str, last_year: str, edition: str) -> LastYear:
    path = Path(last_year)
    files: EarlierFiles | None = None
    if path.is_dir():
        files = msgspec.json.decode(place(output).load(_INDEX), type=EarlierFiles)
    return LastYear(path, asked_edition(edition), files)
