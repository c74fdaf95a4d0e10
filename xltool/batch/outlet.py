"""Where the results of one input go: never over a file that xltool did not leave there itself.

What xltool wrote is known by its digest, which the journal keeps. Anything else that lies in OUT
is somebody's: another's file, or a result that was edited. It stays as it is, and what is new is
written beside it under a numbered name.
"""

from __future__ import annotations

import functools
import hashlib
import os
import secrets
import socket
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from io import BytesIO
from itertools import count
from pathlib import Path

import msgspec
from msgspec import Struct

from xltool.batch.storage import OCCUPIED, StorageFolder, place
from xltool.files.atomic import refused
from xltool.files.filenames import DISK_BYTES


class Written(Struct, frozen=True):
    """A file of OUT as it was left:
    its digest, and the stamp that says nobody has touched it since.

    `edited`: somebody has changed it, and it was judged as it is now.
    """

    seal: str = ""
    stamp: str = ""
    edited: bool = False

    @property
    def when(self) -> str:
        """The day it was written, where the stamp tells: ` 2026-11-26 `."""
        _, _, time = self.stamp.partition(":")
        return f" {datetime.fromtimestamp(int(time) / 1e9):%Y-%m-%d} " if time.isdecimal() else ""


class PriorState(Struct, frozen=True):
    """What the journal knows of an input: its content and the tool when it was done well, the files
    written then; and of every file in the places where its results go, how it was left."""

    content: str = ""
    tool: str = ""
    outputs: tuple[str, ...] = ()
    written: dict[str, Written] = {}


NEW = PriorState()


def seal(data: bytes) -> str:
    """The digest by which a written file is known again."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


@functools.lru_cache(maxsize=4)
def _folder(output: str) -> StorageFolder:
    """OUT, opened once in each process."""
    return place(output)


class Outlet:
    """The results of one input. `same`: the input is what it was when its results were written."""

    def __init__(
        self,
        key: str,
        origin: str,
        output: str,
        prior: PriorState = NEW,
        run: str = "",
        notebooks: str = "",
    ) -> None:
        self.key, self.origin, self.prior = key, origin, prior
        self.run, self.notebooks = run, notebooks
        self.folder = _folder(output)
        self.same = False
        self.saved = 0  # files that were really written
        self.outputs: dict[str, Written] = {}
        # What a first try wrote, before the input was seen to change.
        self.earlier: dict[str, Written] = {}
        # Results that were kept as somebody has edited them, and those that lie there from an
        # earlier run.
        self.edited: dict[str, bytes] = {}
        self.kept: list[str] = []
        # Planned name → the name it got, where another's file was in the way.
        self.renamed: dict[str, str] = {}

    def begin(self) -> None:
        """Begin anew, for the input changed while it was read. What was written stays known."""
        self.earlier |= self.outputs
        self.outputs.clear()
        self.edited.clear()
        self.kept.clear()
        self.renamed.clear()

    def untouched(self) -> dict[str, Written] | None:
        """The earlier results as they lie there, all of them as they were left;
        None where one is not."""
        states = {}
        for name in self.prior.outputs:
            written = self.prior.written.get(name)
            if written is None or not (state := self._as_left(name, written)):
                return None
            states[name] = state
        return states

    def _as_left(self, name: str, written: Written) -> Written | None:
        stamp = self.folder.stamp(name)
        if stamp in ("", OCCUPIED):
            return None
        if stamp != written.stamp and seal(self.folder.load(name)) == written.seal:
            return Written(written.seal, stamp, written.edited)
        return written if stamp == written.stamp else None

    def put(self, name: str, data: bytes) -> str:
        """Write a result; the name it got.
        What is there already, the same, is not written again."""
        fresh = seal(data)
        for candidate in _numbered(name):
            if candidate in self.outputs:  # another unit's, which had to give way
                continue
            written = self.earlier.get(candidate) or self.prior.written.get(candidate)
            stamp = self.folder.stamp(candidate)
            if stamp == OCCUPIED:
                continue
            if not stamp or (written and stamp == written.stamp and not written.edited):
                if stamp and written and written.seal == fresh:
                    return self._note(name, candidate, written)
                break
            old_data = self.folder.load(candidate)
            if (old_seal := seal(old_data)) == fresh:
                return self._note(name, candidate, Written(fresh, stamp))
            if written and (
                (old_seal == written.seal and not written.edited) or not whole(old_data)
            ):
                break
            if written and self.same:
                self.edited[candidate] = old_data
                return self._note(name, candidate, Written(old_seal, stamp, edited=True))
        self._announce(candidate, fresh)
        self.saved += 1
        return self._note(name, candidate, Written(fresh, self.folder.save(candidate, data)))

    def put_own(self, name: str, data: bytes) -> None:
        """Write a file below OUT's `.xltool`, where nobody else has anything."""
        fresh, stamp = seal(data), self.folder.stamp(name)
        written = self.prior.written.get(name)
        if not (written and written.seal == fresh and written.stamp == stamp):
            written = Written(fresh, self.folder.save(name, data))
        self.outputs[name] = written

    def keep(self, name: str) -> bool:
        """Leave an earlier result that can't be made this time; whether there is one."""
        stands = name in self.prior.written and self.folder.stamp(name) not in ("", OCCUPIED)
        if stands:
            self.kept.append(name)
        return stands

    def _note(self, planned: str, name: str, written: Written) -> str:
        self.outputs[name] = written
        if name != planned:
            self.renamed[planned] = name
        return name

    def _announce(self, name: str, fresh: str) -> None:
        """Say beforehand what will be written, so that a run killed before its journal knows of it
        leaves nothing that looks like another's."""
        if self.notebooks:
            line = msgspec.json.encode([name, fresh, self.key, self.origin]) + b"\n"
            try:
                os.write(_notebook(self.notebooks, self.run), line)
            except OSError as error:
                raise refused(Path(self.notebooks), error) from error


def _numbered(name: str) -> Iterator[str]:
    yield name
    folder, slash, leaf = name.rpartition("/")
    stem, dot, suffix = leaf.rpartition(".")
    for number in count(2):
        end = f"({number}){dot}{suffix}"
        while len((stem + end).encode()) > DISK_BYTES:
            stem = stem[:-1]
        yield f"{folder}{slash}{stem}{end}"


def whole(data: bytes) -> bool:
    """Whether it is a workbook that was not emptied or cut short."""
    return zipfile.is_zipfile(BytesIO(data))


# Beside the journal: what workers are about to write, a file for each worker.
NOTEBOOKS = "writing"


@functools.lru_cache(maxsize=4)
def _notebook(notebooks: str, run: str) -> int:
    """The notebook of this process in this run, open."""
    folder = Path(notebooks)
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(4)}.jsonl"
    return os.open(folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def announced(home: Path) -> Iterator[tuple[str, str, str, str]]:
    """What workers of a killed run were about to write: (name, seal, input, origin)."""
    for file in sorted((home / NOTEBOOKS).glob("*.jsonl")):
        for line in file.read_bytes().splitlines():
            try:
                name, fresh, key, origin = msgspec.json.decode(line, type=list[str])
            except (msgspec.DecodeError, ValueError):  # the last line may be half there
                continue
            yield name, fresh, key, origin


def forget_announced(home: Path) -> None:
    """Remove these notebooks: the journal knows it all."""
    for file in (home / NOTEBOOKS).glob("*.jsonl"):
        with suppress(
            OSError
        ):  # a worker elsewhere may still have it open: the next run removes it
            file.unlink(missing_ok=True)
