"""IN and OUT: folders of this machine (or of a shared disk), or URLs that fsspec knows
(`sftp://`, `s3://`)."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from xltool.errors import XltoolError, why
from xltool.files.atomic import refused, temporary_name, writing
from xltool.files.discover import is_litter_folder, table_name

# Stores where a file appears whole or not at all; elsewhere it is written beside and renamed.
_WHOLE = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "memory"}
# Two names of one kind of store.
_SAME = {"s3a": "s3", "gcs": "gs", "abfss": "abfs", "ssh": "sftp"}
# URLs of folders that lie on a disk of this machine.
_OF_DISKS = ("file://", "local://")
# The stamp of what stands in a file's place and is none: a folder, a pipe (opening it may wait for
# ever), a link that leads nowhere.
OCCUPIED = "-"


class Listing(NamedTuple):
    """One folder: its path below the place, the folders and the files (with sizes) in it;
    why it can't be read."""

    inner: str
    folders: list[str]
    files: dict[str, int]
    refused: str = ""


class StorageFolder(Protocol):
    """A folder with files in it, here or elsewhere. A file is named by its path below, with `/`."""

    def folders(self) -> Iterator[Listing]:
        """This folder and every one below, sorted.
        Raises XltoolError where this one can't be read."""
        ...

    def at(self, inner: str) -> str:
        """The full path or URL of what lies at a relative path."""
        ...

    def stamp(self, inner: str) -> str:
        """What tells one state of a file from the next, without reading it;
        empty where there is none, OCCUPIED where something else stands."""
        ...

    def load(self, inner: str) -> bytes:
        """The bytes of a file. Raises XltoolError."""
        ...

    def save(self, inner: str, data: bytes) -> str:
        """Put a file there, whole or not at all; its stamp. Raises XltoolError, DiskError."""
        ...

    def remove(self, inner: str) -> None:
        """Remove a file, if it is there. Raises XltoolError."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Give a file another name. Raises XltoolError."""
        ...

    def move_in(self, file: Path, inner: str) -> None:
        """Put a finished file there whose folder lies on the same disk. Raises XltoolError."""
        ...

    @property
    def identity(self) -> list[str]:
        """What this place is known by again; one in common is enough."""
        ...


def place(path: str | Path) -> StorageFolder:
    """The place that a path or URL names. Raises XltoolError where fsspec is wanted and missing."""
    return Remote(str(path)) if is_url(path) else Disk(Path(on_disk(path)))


def is_url(path: str | Path) -> bool:
    """Whether it lies behind a URL; `file://` is a disk like any other."""
    return "://" in on_disk(path)


def on_disk(path: str | Path) -> str:
    """The path that a `file://` URL names; anything else as it is."""
    text = str(path)
    return next((text[len(p) :] for p in _OF_DISKS if text.lower().startswith(p)), text)


def within(inner: StorageFolder, outer: StorageFolder) -> bool:
    """Whether one place is the other, or lies in it, whatever each is called."""
    if isinstance(inner, Disk) and isinstance(outer, Disk):
        return _within(inner.folder, outer.folder)
    if isinstance(inner, Remote) and isinstance(outer, Remote):
        return inner.store == outer.store and f"{inner.root}/".startswith(f"{outer.root}/")
    return False


def _within(inner: Path, outer: Path) -> bool:
    way = [inner.resolve(), *inner.resolve().parents]
    if outer.resolve() in way:
        return True
    # A disk that takes 收到 and 收到 for one, or is mounted twice, knows better than the names do.
    with suppress(OSError):
        return any(folder.exists() and folder.samefile(outer) for folder in way)
    return False


def way_into(start: StorageFolder, target: StorageFolder) -> str:
    """A linked folder below one place by which the other is reached; empty where there is none."""
    if not (isinstance(start, Disk) and isinstance(target, Disk)):
        return ""
    for above, folders, _ in os.walk(start.folder):
        for folder in map(Path(above).joinpath, folders):
            if folder.is_symlink() and (
                _within(folder, target.folder) or _within(target.folder, folder)
            ):
                return str(folder)
    return ""


class Disk:
    """A folder on a disk that everyone who works sees."""

    def __init__(self, folder: Path) -> None:
        # A worker may stand elsewhere.
        self.folder = folder.absolute()

    def folders(self) -> Iterator[Listing]:
        yield from self._below("", self.folder)

    def _below(self, inner: str, folder: Path) -> Iterator[Listing]:
        subfolders: list[str] = []
        walked: list[str] = []
        files: dict[str, int] = {}
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir():
                        subfolders.append(entry.name)
                        # Links are not followed: they may lead back here.
                        if not entry.is_symlink() and not is_litter_folder(entry.name):
                            walked.append(entry.name)
                    elif (size := _size(entry)) is not None:
                        files[entry.name] = size
        except OSError as error:
            if not inner:
                raise XltoolError(f"读不了文件夹 {folder}：{why(error)}") from error
            yield Listing(inner, [], {}, f"读不了文件夹：{why(error)}")
            return
        yield Listing(inner, subfolders, files)
        for name in sorted(walked):
            yield from self._below(f"{inner}/{name}".lstrip("/"), folder / name)

    def at(self, inner: str) -> str:
        # Without a Path, for it is said of each input of each run.
        return f"{self.folder}{os.sep}{inner.replace('/', os.sep)}" if inner else str(self.folder)

    def stamp(self, inner: str) -> str:
        try:
            about = os.stat(f"{self.folder}/{inner}")  # noqa: PTH116 - for each output of each run
        except OSError:
            return OCCUPIED if (self.folder / inner).is_symlink() else ""
        if not stat.S_ISREG(about.st_mode):
            return OCCUPIED
        return f"{about.st_size}:{about.st_mtime_ns}"

    def load(self, inner: str) -> bytes:
        try:
            return (self.folder / inner).read_bytes()
        except OSError as error:
            raise XltoolError(f"读不了 {self.at(inner)}：{why(error)}") from error

    def save(self, inner: str, data: bytes) -> str:
        with writing(f"{self.folder}/{inner}", "wb") as file:
            file.write(data)
        return self.stamp(inner)

    def remove(self, inner: str) -> None:
        try:
            (self.folder / inner).unlink(missing_ok=True)
        except OSError as error:
            raise XltoolError(f"删不了 {self.at(inner)}：{why(error)}") from error

    def rename(self, old: str, new: str) -> None:
        self.move_in(self.folder / old, new)

    def move_in(self, file: Path, inner: str) -> None:
        try:
            file.replace(self.folder / inner)
        except OSError as error:
            raise refused(self.folder / inner, error) from error

    @property
    def identity(self) -> list[str]:
        # A link that leads to tonight's folder is the same IN as yesterday's.
        return [str(self.folder), str(self.folder.resolve())]


def _size(entry: os.DirEntry[str]) -> int | None:
    """A file's size; None where it is none, such as a pipe, which would be waited for."""
    try:
        about = entry.stat()
    except OSError:  # a dangling link: reading it will say so
        return 0
    return about.st_size if stat.S_ISREG(about.st_mode) else None


class Remote:
    """A folder behind a URL. Credentials come from where fsspec looks for them, never from us."""

    def __init__(self, url: str) -> None:
        try:
            from fsspec.core import url_to_fs
        except ImportError as error:
            raise XltoolError(f"{url} 要用 fsspec：pip install 'xltool[cluster]'") from error
        try:
            # What was listed a minute ago may be gone.
            self.system, root = url_to_fs(url, use_listings_cache=False)
        except (
            Exception
        ) as error:  # each kind of store has its own, and settings it can't use are TypeErrors
            raise XltoolError(f"打不开 {url}：{error or type(error).__name__}") from error
        self.url, self.root = url.rstrip("/"), root.rstrip("/")

    @property
    def store(self) -> tuple[str, str]:
        """Which store it is, whoever comes to it."""
        protocol = self.system.protocol
        first = protocol if isinstance(protocol, str) else protocol[0]
        return _SAME.get(first, first), str(getattr(self.system, "host", ""))

    def folders(self) -> Iterator[Listing]:
        yield from self._below("")

    def _below(self, inner: str) -> Iterator[Listing]:
        folder = f"{self.root}/{inner}".rstrip("/") or "/"
        try:
            entries = self.system.ls(folder, detail=True)
        except Exception as error:
            if not inner:
                raise XltoolError(
                    f"读不了 {self.at(inner)}：{error or type(error).__name__}"
                ) from error
            yield Listing(inner, [], {}, f"读不了文件夹：{error or type(error).__name__}")
            return
        inside = [entry for entry in entries if entry["name"].rstrip("/") != folder]
        names = {entry["name"].rstrip("/").rsplit("/", 1)[-1]: entry for entry in inside}
        subfolders = sorted(n for n, entry in names.items() if entry["type"] == "directory")
        files = {n: entry["size"] or 0 for n, entry in names.items() if entry["type"] == "file"}
        yield Listing(inner, subfolders, files)
        for name in subfolders:
            if not is_litter_folder(name):
                yield from self._below(f"{inner}/{name}" if inner else name)

    def at(self, inner: str) -> str:
        return f"{self.url}/{inner}" if inner else self.url

    def stamp(self, inner: str) -> str:
        path = f"{self.root}/{inner}"
        try:
            return str(self.system.ukey(path)) if self.system.isfile(path) else ""
        except FileNotFoundError:
            return ""
        except Exception as error:
            raise XltoolError(
                f"读不了 {self.at(inner)}：{error or type(error).__name__}"
            ) from error

    def load(self, inner: str) -> bytes:
        with tempfile.TemporaryDirectory(prefix="xltool-") as folder:
            near = Path(folder) / "file"
            try:
                self.fetch(inner, near)
                return near.read_bytes()
            except OSError as error:
                raise XltoolError(f"读不了 {self.at(inner)}：{why(error)}") from error

    def fetch(self, inner: str, destination: Path) -> None:
        """Bring a file here. Raises OSError."""
        destination.parent.mkdir(parents=True, exist_ok=True)
        self.system.get_file(f"{self.root}/{inner}", str(destination))

    def fetch_tables(self, destination: Path) -> None:
        """Bring the CSV files of this folder here. Raises OSError."""
        destination.mkdir(parents=True)
        for entry in self.system.ls(self.root, detail=True):
            name = entry["name"].rsplit("/", 1)[-1]
            if entry["type"] == "file" and table_name(name):
                self.system.get_file(entry["name"], str(destination / name))

    def save(self, inner: str, data: bytes) -> str:
        with tempfile.TemporaryDirectory(prefix="xltool-") as folder:
            near = Path(folder) / "file"
            with writing(near, "wb") as file:
                file.write(data)
            self.send(near, inner)
        return self.stamp(inner)

    def send(self, file: Path, inner: str) -> None:
        """Put a file of this machine there, whole or not at all. Raises XltoolError."""
        destination = f"{self.root}/{inner}"
        protocol = self.system.protocol
        whole = _WHOLE & ({protocol} if isinstance(protocol, str) else set(protocol))
        folder, _, name = destination.rpartition("/")
        half = temporary_name(f"{secrets.token_hex(8)}-{name[-40:]}")
        beside = destination if whole else f"{folder}/{half}"
        with suppress(
            Exception
        ):  # two workers may make it at once; if it is not there, writing says so
            self.system.makedirs(folder, exist_ok=True)
        try:
            self.system.put_file(str(file), beside)
            if beside != destination:
                self._rename(beside, destination)
        except Exception as error:  # each kind of store has its own
            raise XltoolError(
                f"写不了 {self.at(inner)}：{error or type(error).__name__}"
            ) from error

    def _rename(self, old: str, new: str) -> None:
        try:
            self.system.mv(old, new)
        except Exception:
            # Some servers don't rename over a file that is there.
            if not self.system.isfile(new):
                raise
            self.system.rm_file(new)
            self.system.mv(old, new)

    def remove(self, inner: str) -> None:
        try:
            if self.system.isfile(f"{self.root}/{inner}"):
                self.system.rm_file(f"{self.root}/{inner}")
        except Exception as error:
            raise XltoolError(
                f"删不了 {self.at(inner)}：{error or type(error).__name__}"
            ) from error

    def rename(self, old: str, new: str) -> None:
        try:
            self._rename(f"{self.root}/{old}", f"{self.root}/{new}")
        except Exception as error:
            raise XltoolError(f"写不了 {self.at(new)}：{error or type(error).__name__}") from error

    def move_in(self, file: Path, inner: str) -> None:
        self.send(file, inner)

    @property
    def identity(self) -> list[str]:
        protocol, host = self.store
        return [f"{protocol}://{host}{self.root}"]
