"""IN and OUT: folders of this machine (or of a shared disk), or URLs that fsspec knows (`sftp://`, `s3://`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from xltool.errors import XltoolError, why
from xltool.files.discover import is_litter_folder, table_name

# Stores where a file appears whole or not at all; elsewhere it is written beside and renamed.
_WHOLE = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss", "memory"}


class StorageFolder(Protocol):
    """A folder with files in it, here or elsewhere."""

    def folders(self) -> Iterator[tuple[str, dict[str, int]]]:
        """Every folder below, sorted: its path relative to this place, its files with their sizes."""
        ...

    def at(self, inner: str) -> str:
        """The full path or URL of what lies at a relative path."""
        ...


def place(path: str | Path) -> StorageFolder:
    """The place that a path or URL names. Raises XltoolError where fsspec is wanted and missing."""
    return Remote(str(path)) if is_url(path) else Disk(Path(path))


def is_url(path: str | Path) -> bool:
    return "://" in str(path)


class Disk:
    """A folder on a disk that everyone who works sees."""

    def __init__(self, folder: Path) -> None:
        # A worker may stand elsewhere.
        self.folder = folder.absolute()

    def folders(self) -> Iterator[tuple[str, dict[str, int]]]:
        def refused(error: OSError) -> None:
            raise XltoolError(f"读不了文件夹 {error.filename}：{why(error)}")

        for folder, subfolders, names in os.walk(self.folder, onerror=refused):
            subfolders[:] = sorted(name for name in subfolders if not is_litter_folder(name))
            inner = Path(folder).relative_to(self.folder).as_posix()
            yield "" if inner == "." else inner, {name: _size(folder, name) for name in names}

    def at(self, inner: str) -> str:
        return str(self.folder / inner)


def _size(folder: str, name: str) -> int:
    try:
        return Path(folder, name).stat().st_size
    except OSError:  # a dangling link: reading it will say so
        return 0


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
        except (ValueError, ImportError, OSError) as error:
            raise XltoolError(f"打不开 {url}：{error}") from error
        self.url, self.root = url.rstrip("/"), root.rstrip("/")

    def folders(self) -> Iterator[tuple[str, dict[str, int]]]:
        def listed(folder: str) -> tuple[list[str], dict[str, int]]:
            try:
                found = self.system.ls(folder, detail=True)
            except OSError as error:
                raise XltoolError(f"读不了 {folder}：{error}") from error
            inside = [one for one in found if one["name"].rstrip("/") != folder]
            names = {one["name"].rstrip("/").rsplit("/", 1)[-1]: one for one in inside}
            subfolders = sorted(
                n
                for n, one in names.items()
                if one["type"] == "directory" and not is_litter_folder(n)
            )
            return subfolders, {
                n: one["size"] or 0 for n, one in names.items() if one["type"] == "file"
            }

        def below(inner: str) -> Iterator[tuple[str, dict[str, int]]]:
            subfolders, files = listed(f"{self.root}/{inner}".rstrip("/") or "/")
            yield inner, files
            for name in subfolders:
                yield from below(f"{inner}/{name}" if inner else name)

        yield from below("")

    def at(self, inner: str) -> str:
        return f"{self.url}/{inner}" if inner else self.url

    def exists(self, inner: str) -> bool:
        return bool(self.system.isfile(f"{self.root}/{inner}"))

    def filled(self, inner: str) -> bool:
        """A file is there and not empty."""
        return self.exists(inner) and bool(self.system.size(f"{self.root}/{inner}"))

    def fetch(self, inner: str, goal: Path) -> None:
        """Bring a file here. Raises OSError."""
        goal.parent.mkdir(parents=True, exist_ok=True)
        self.system.get_file(f"{self.root}/{inner}", str(goal))

    def fetch_tables(self, goal: Path) -> None:
        """Bring the CSV files of this folder here. Raises OSError."""
        goal.mkdir(parents=True)
        for one in self.system.ls(self.root, detail=True):
            name = one["name"].rsplit("/", 1)[-1]
            if one["type"] == "file" and table_name(name):
                self.system.get_file(one["name"], str(goal / name))

    def send(self, file: Path, inner: str) -> None:
        """Put a file there, whole or not at all. Raises XltoolError."""
        goal = f"{self.root}/{inner}"
        protocol = self.system.protocol
        whole = _WHOLE & ({protocol} if isinstance(protocol, str) else set(protocol))
        folder, _, name = goal.rpartition("/")
        beside = goal if whole else f"{folder}/.xltool-{os.getpid()}-{name}.tmp"
        with suppress(
            Exception
        ):  # two workers may make it at once; if it is not there, writing says so
            self.system.makedirs(folder, exist_ok=True)
        try:
            self.system.put_file(str(file), beside)
            if beside != goal:
                self._rename(beside, goal)
        except Exception as error:  # each kind of store has its own
            raise XltoolError(
                f"写不了 {self.at(inner)}：{error or type(error).__name__}"
            ) from error

    def _rename(self, old: str, new: str) -> None:
        try:
            self.system.mv(old, new)
        except Exception:
            # Some servers don't rename over a file that is there.
            self.system.rm_file(new)
            self.system.mv(old, new)

    def remove(self, inner: str) -> None:
        if self.exists(inner):
            self.system.rm_file(f"{self.root}/{inner}")
