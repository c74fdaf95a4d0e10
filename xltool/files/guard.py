"""What a command may replace: a file that xltool wrote and nobody has changed since, nothing else.

A command works inside `guarding()`. Every file written with `atomic.writing` is asked about here
before it is begun and once more before it takes its place, and its digest is noted. A file of the
same name that isn't known by its digest is somebody's work and stays; `force` replaces it all the
same, but an input is never its own output.

The digests of a folder's files stand in a record, a line each (as `sha256sum` writes them). It lies
in the folder `.xltool` of that folder or of the nearest one above that has one, else in this user's
own state folder, so that no stray file appears beside a person's. What can't be noted is asked
about next time: the safe side.

A program that calls the library writes where it says, unasked and unnoted.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from xltool.errors import XltoolError, why
from xltool.files.places import state_folder

FOLDER = ".xltool"  # a folder with one keeps its records with it: an OUT of `batch`, a campaign
_RECORD = "written.txt"
_CONTENT = "content:"  # before the digest of what a file says, where its bytes say too much
_SCRATCH = (".xltool-", "xltool-")  # our own temporary folders
# Lines of a record from which on it is written anew with what still counts.
_LONG = 5000
_KEPT = 3  # digests of one file: an earlier one that was put back is still ours


class Guarded(XltoolError):
    """Somebody's file stands where a command would write."""


Stamp = tuple[int, int, int, int]


class Guard:
    """The writing of one command:
    its inputs, what it was told about replacing, what it found out."""

    def __init__(self, force: bool | None = False) -> None:
        self.force = bool(force)
        self._remedy = "请移走它再运行" if force is None else "确实要覆盖请加 --force，或者换个名称"
        self._inputs: dict[tuple[int, int], Path] = {}
        self._allowed: dict[Path, Stamp] = {}
        self._records: dict[Path, Record] = {}

    def take(self, path: str | Path) -> None:
        """An input of this command: nothing is ever written over it."""
        with suppress(OSError, ValueError):
            state = Path(path).stat()
            self._inputs[(state.st_dev, state.st_ino)] = Path(path)

    def allow(self, path: str | Path) -> None:
        """What a person made in this file is carried over: as it stands now, it may be replaced."""
        if stamp := _stamp(Path(path)):
            self._allowed[Path(path).absolute()] = stamp

    def ask(self, path: str | Path) -> None:
        """Raises Guarded where the file must stay as it is."""
        path = Path(path)
        stamp = _stamp(path)
        if stamp is None or not path.is_file():
            return
        if stamp[:2] in self._inputs:
            raise Guarded(f"“{path}”是这条命令的输入，不能又当输出；请写到另一个文件")
        if self.force or self._allowed.get(path.absolute()) == stamp:
            return
        try:
            digest = file_digest(path)
        except OSError as error:
            raise Guarded(f"“{path}”已经有了，又读不了（{why(error)}），没有覆盖") from error
        if digest not in self.digests(path):
            # Another command may have written it meanwhile.
            self._records.pop(path.absolute().parent)
        if digest not in (digests := self.digests(path)):
            reason = "写出以后有人改过" if digests else "不知是谁写的"
            raise Guarded(f"“{path}”已经有了，{reason}，没有覆盖；{self._remedy}")
        self._allowed[path.absolute()] = stamp

    def note(self, path: Path, digest: str) -> None:
        """`path` is being replaced by a file with this digest."""
        if not _scratch(path):
            self._record(path).add(path, digest)

    def remember(self, path: str | Path, content: str) -> None:
        """What the file that was just written says, as a digest of the caller's making."""
        self._record(Path(path)).add(Path(path), _CONTENT + content)

    def wrote(self, path: str | Path, content: str) -> bool:
        """We wrote a file there that said this."""
        return _CONTENT + content in self.digests(Path(path))

    def digests(self, path: Path) -> list[str]:
        """The digests of what we wrote there, the last one last."""
        return self._record(path).of(path)

    def _record(self, path: Path) -> Record:
        folder = path.absolute().parent
        if folder not in self._records:
            self._records[folder] = _record_of(folder)
        return self._records[folder]


_current: Guard | None = None


def current() -> Guard | None:
    """The guard of the command that runs; none in a program that calls the library."""
    return _current


def ask(*paths: str | Path) -> None:
    """Before anything is written of files that belong together:
    raises Guarded where one must stay."""
    if _current:
        for path in paths:
            _current.ask(path)


def take(*paths: str | Path) -> None:
    """These are inputs of the command that runs: nothing is written over them."""
    if _current:
        for path in paths:
            _current.take(path)


@contextmanager
def guarding(force: bool | None = False, inputs: Iterable[str | Path] = ()) -> Iterator[Guard]:
    """All that is written inside replaces nothing that a person made.

    `force` replaces it all the same, but for the inputs; None where the command has no such option.
    """
    global _current
    before, _current = _current, Guard(force)
    try:
        for path in inputs:
            _current.take(path)
        yield _current
    finally:
        _current = before


@contextmanager
def own_record() -> Iterator[None]:
    """What is written inside is answered for by a record of its own: a batch's journal."""
    global _current
    before, _current = _current, None
    try:
        yield
    finally:
        _current = before


def resume(active: bool) -> None:
    """In a worker process: guarded as the command that started it, or not,
    whatever it inherited."""
    global _current
    _current = Guard(None) if active else None


class Record:
    """The digests of the files written in one folder.
    Never raises: what isn't noted counts as unknown."""

    def __init__(self, file: Path, inner: str) -> None:
        self._file, self._inner = file, inner
        self._digests: dict[str, list[str]] = {}
        lines = self._lines()
        for line in lines:
            digest, _, name = line.partition("  ")
            self._put(name, digest)
        if len(lines) > max(_LONG, 2 * sum(map(len, self._digests.values()))):
            self._shorten()

    def of(self, path: Path) -> list[str]:
        """The digests of what was written there, the last one last."""
        return self._digests.get(self._name(path), [])

    def add(self, path: Path, digest: str) -> None:
        """Note that a file with this digest was written there."""
        name = self._name(path)
        if "\n" in name or "\r" in name:
            return
        self._put(name, digest)
        with suppress(OSError, UnicodeError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            # One short write at the end: two commands at once do not mix their lines.
            with self._file.open("ab", buffering=0) as file:
                file.write(f"{digest}  {name}\n".encode())

    def _put(self, name: str, digest: str) -> None:
        digests = self._digests.setdefault(name, [])
        if digest in digests:
            digests.remove(digest)
        digests.append(digest)
        alike = [
            earlier
            for earlier in digests
            if earlier.startswith(_CONTENT) == digest.startswith(_CONTENT)
        ]
        if len(alike) > _KEPT:
            digests.remove(alike[0])

    def _name(self, path: Path) -> str:
        return self._inner + os.path.normcase(path.name)

    def _lines(self) -> list[str]:
        try:
            return self._file.read_text("utf-8").splitlines()
        except (OSError, UnicodeError):
            return []

    def _shorten(self) -> None:
        lines = [
            f"{digest}  {name}\n" for name, digests in self._digests.items() for digest in digests
        ]
        beside = self._file.with_name(f".{_RECORD}-{os.getpid()}.tmp")
        with suppress(OSError, UnicodeError):
            beside.write_text("".join(lines), "utf-8", newline="\n")
            beside.replace(self._file)


def _record_of(folder: Path) -> Record:
    folder = Path(os.path.realpath(folder))
    for above in (folder, *folder.parents):
        if (above / FOLDER).is_dir():
            inner = folder.relative_to(above).as_posix()
            return Record(above / FOLDER / _RECORD, "" if inner == "." else f"{inner}/")
    import hashlib  # late: it takes its time, and few commands ask

    name = hashlib.sha256(os.fsencode(os.path.normcase(folder))).hexdigest()[:32]
    return Record(state_folder() / "written" / f"{name}.txt", "")


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal. Raises OSError."""
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stamp(path: Path) -> Stamp | None:
    """Which file this is, and which state of it; None where there is none."""
    try:
        state = path.stat()
    except (OSError, ValueError):
        return None
    return (state.st_dev, state.st_ino, state.st_mtime_ns, state.st_size)


def _scratch(path: Path) -> bool:
    """In a temporary folder of our own, of which nothing stays."""
    path = path.absolute()
    if any(part.startswith(_SCRATCH[0]) for part in path.parts[:-1]):
        return True
    import tempfile

    try:
        inner = path.relative_to(Path(tempfile.gettempdir()).absolute()).parts
    except ValueError:
        return False
    return len(inner) > 1 and inner[0].startswith(_SCRATCH[1])
