"""Everything that may be a return in files, folders and zips within zips;
nothing inside is trusted.

Names in archives are only shown, never used as paths; sizes and depth are bounded.
"""

from __future__ import annotations

import datetime as dt
import os
import tempfile
import zipfile
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import msgspec

from xltool.campaign.ledger.store import FILE as LEDGER
from xltool.campaign.sealing.parcel import (
    EDITION,
    FORWARD_FILES,
    INSTRUCTION,
    MANIFEST,
    PAGE,
    PUBLIC,
    SIGNATURE,
    UNSOUND,
    bomb,
    digest,
    entry_name,
    read_entry,
)
from xltool.campaign.sealing.withdrawal import FILE as WITHDRAWALS
from xltool.errors import XltoolError, why
from xltool.files import guard
from xltool.files.discover import FileKind, in_litter, is_litter_folder, kind_of
from xltool.xlsx.package import MAX_FILE

_OURS = {PUBLIC, MANIFEST, SIGNATURE, INSTRUCTION, PAGE, *EDITION, *FORWARD_FILES}
_CAMPAIGN = (
    "是整个批次（里面有台账），不是报来的申报，没有收：区县上报用 campaign submit 打的包；"
    "批次的导出件用 campaign import；报来的文件请放在批次文件夹以外或它的子文件夹里再收"
)
MAX_DEPTH = 5
MAX_ARCHIVE = 2 * 2**30  # bytes of one nested zip
MAX_ALL = 20 * 2**30  # bytes unpacked in one run
MAX_FILES = 200_000
_OPEN = 32  # archives open at once


@dataclass(frozen=True, slots=True)
class Found:
    """A file that may be a return:
    `name` as shown, when it was last changed, where its bytes are."""

    name: str
    modified: str
    path: Path
    entry: int | None = None


@dataclass(slots=True)
class Incoming:
    """All that was found, and what could not be looked into: (name, reason)."""

    found: list[Found] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    others: list[tuple[Found, str]] = field(default_factory=list)  # what can't be a return, and why
    papers: list[Found] = field(default_factory=list)  # what districts say that they took back
    copies: int = 0  # of our own, which nobody returned
    _folder: Path = Path()
    _written: dict[Path, str] = field(default_factory=dict)  # path of such a copy → its digest
    _unpacked: int = 0
    _nested: int = 0
    _most: int = MAX_ARCHIVE
    _archives: OrderedDict[Path, zipfile.ZipFile] = field(default_factory=OrderedDict)

    def read(self, file: Found) -> bytes:
        """A file's bytes. Raises Unreachable with the reason."""
        try:
            if file.entry is None:
                if file.path.stat().st_size > MAX_FILE:
                    raise Unreachable(f"文件过大（上限 {MAX_FILE // 2**20} MB）")
                return file.path.read_bytes()
            archive = self._archive(file.path)
            entry = archive.infolist()[file.entry]
            if bomb(entry):
                raise Unreachable("展开后过大，疑为压缩炸弹，没有打开")
            data = read_entry(archive, entry)
            self._unpacked += len(data)
            if self._unpacked > MAX_ALL:
                raise Unreachable("压缩包展开后过大，疑为压缩炸弹，没有打开")
            return data
        except UNSOUND as error:
            raise Unreachable("压缩包里的这一个已损坏、有密码或过大") from error
        except OSError as error:
            raise Unreachable(f"读不了：{why(error)}") from error

    def _archive(self, path: Path) -> zipfile.ZipFile:
        if path not in self._archives:
            while len(self._archives) >= _OPEN:
                self._archives.popitem(last=False)[1].close()
            self._archives[path] = zipfile.ZipFile(path)
        self._archives.move_to_end(path)
        return self._archives[path]

    # ── walking ──────────────────────────────────────────────────────────────────────────────

    def _walk(self, path: Path, name: str) -> None:
        """What was named: a file, or a folder with all below it."""
        if path.is_dir():
            self._folder_walk(str(path), name)
        elif path.is_file():
            self._file(Found(name, _changed(path.stat()), path), depth=0)

    def _folder_walk(self, folder: str, name: str) -> None:
        with os.scandir(folder) as entries:
            children = sorted(entries, key=lambda entry: entry.name)
        if any(child.name == LEDGER for child in children):
            self.problems.append((name, _CAMPAIGN))
            return
        for copy, sha256 in pristine_copies(Path(folder)).items():
            self._written[Path(folder, copy)] = sha256
        for child in children:
            if is_litter_folder(child.name) and child.is_dir():
                continue
            shown = f"{name}/{child.name}"
            if child.is_symlink():
                self.problems.append((shown, "是指向别处的链接，没有打开"))
            elif child.is_dir():
                self._folder_walk(child.path, shown)
            elif self._written and self._is_own_copy(Path(child.path)):
                self.copies += 1
            elif child.is_file():
                self._file(Found(shown, _changed(child.stat()), Path(child.path)), depth=0)

    def _is_own_copy(self, path: Path) -> bool:
        """Whether this was written with --pristine, and nobody changed it since."""
        sha256 = self._written.get(path)
        try:
            return sha256 is not None and digest(path.read_bytes()) == sha256
        except OSError:
            return False  # it is told with the others that can't be read

    def _file(self, file: Found, depth: int) -> None:
        if in_litter(file.name) or _belongs_to_parcel(file.name):
            return
        base = file.name.rpartition("/")[2]
        if base == WITHDRAWALS:
            self.papers.append(file)
            return
        kind = kind_of(base)
        # A unit may call its filing report.xlsx.
        workbook = kind is FileKind.OWN_REPORT and base.lower().endswith(".xlsx")
        if workbook or kind in (FileKind.WORKBOOK, FileKind.OTHER_WORKBOOK):
            if len(self.found) >= MAX_FILES:
                raise XltoolError(f"文件过多（超过 {MAX_FILES} 个），请分次收取")
            self.found.append(file)
        elif kind is FileKind.ARCHIVE:
            self._zip(file, depth + 1)
        elif kind is FileKind.OTHER_ARCHIVE:
            suffix = PurePosixPath(base).suffix.lower()
            self._refuse(file, f"不认识的压缩格式（{suffix}），请解开或改用 zip")
        else:
            self.skipped.append(file.name)
            self.others.append((file, "不是 Excel 工作簿"))

    def _refuse(self, file: Found, reason: str) -> None:
        self.problems.append((file.name, reason))
        self.others.append((file, reason))

    def _zip(self, file: Found, depth: int) -> None:
        if depth > MAX_DEPTH:
            self._refuse(file, f"压缩包套了超过 {MAX_DEPTH} 层，没有打开")
            return
        try:
            path = file.path if file.entry is None else self._unpack(file)
            with zipfile.ZipFile(path) as archive:
                entries = archive.infolist()
        except (*UNSOUND, OSError, Unreachable) as error:
            reason = (
                str(error) if isinstance(error, Unreachable) else "压缩包已损坏或有密码，打不开"
            )
            self._refuse(file, reason)
            return
        if all(entry.is_dir() for entry in entries):
            self._refuse(file, "压缩包是空的")
            return
        if len(entries) > MAX_FILES:
            self._refuse(file, f"压缩包里的文件过多（{len(entries)} 个），没有打开")
            return
        names = [entry_name(entry).replace("\\", "/") for entry in entries]
        ledgers = [name for name in names if name.rpartition("/")[2] == LEDGER]
        campaigns = tuple(name.removesuffix(LEDGER) for name in ledgers)
        for folder in campaigns:
            self._refuse(replace(file, name=f"{file.name}/{folder}".rstrip("/")), _CAMPAIGN)
        for number, entry in enumerate(entries):
            if entry.is_dir() or names[number].startswith(campaigns):
                continue
            shown = f"{file.name}/{names[number]}"
            if entry.flag_bits & 1:
                self._refuse(
                    Found(shown, _date(entry) or file.modified, path, number),
                    "压缩包有密码，打不开",
                )
                continue
            self._file(Found(shown, _date(entry) or file.modified, path, number), depth)

    def _unpack(self, nested: Found) -> Path:
        """A zip inside a zip, as a file under a name of our own."""
        assert nested.entry is not None
        outer = self._archive(nested.path)
        if bomb(outer.infolist()[nested.entry]):
            raise Unreachable("压缩包展开后过大，疑为压缩炸弹，没有打开")
        self._nested += 1
        path = self._folder / f"{self._nested}.zip"
        written = 0
        with outer.open(outer.infolist()[nested.entry]) as stream, path.open("wb") as file:
            while block := stream.read(2**20):
                written += len(block)
                self._unpacked += len(block)
                if written > self._most or self._unpacked > MAX_ALL:
                    raise Unreachable("压缩包展开后过大，疑为压缩炸弹，没有打开")
                file.write(block)
        return path


def pristine_index(folder: Path) -> Path:
    """Where it is noted which copies were written into a folder with --pristine."""
    return folder / guard.FOLDER / "pristine.json"


def pristine_copies(folder: Path) -> dict[str, str]:
    """The copies that were written into a folder with --pristine, each with its digest."""
    try:
        return msgspec.json.decode(pristine_index(folder).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError):
        return {}


class Unreachable(Exception):
    """A file whose bytes can't be had: the reason, in Chinese."""


@contextmanager
def incoming(paths: Iterable[Path], most: int | None = None) -> Iterator[Incoming]:
    """Everything under these paths, the oldest first: so the last version is taken in last.

    `most` are the bytes of one zip inside another (default MAX_ARCHIVE).
    """
    with tempfile.TemporaryDirectory(prefix="xltool-") as folder:
        result = Incoming(_folder=Path(folder), _most=most or MAX_ARCHIVE)
        for path in paths:
            if not path.exists():
                raise XltoolError(f"没有这个文件或文件夹：{path}")
            result._walk(path, path.name or str(path))
        result.found.sort(key=lambda file: (file.modified, file.name))
        try:
            yield result
        finally:
            for archive in result._archives.values():
                archive.close()


_OURS_IN_A_FOLDER = tuple(f"/{own_name}" for own_name in _OURS)


def _belongs_to_parcel(name: str) -> bool:
    return name in _OURS or name.endswith(_OURS_IN_A_FOLDER)


def _changed(about: os.stat_result) -> str:
    """When a file was last changed, in local time to the microsecond."""
    return dt.datetime.fromtimestamp(about.st_mtime).isoformat(" ", "microseconds")


def _date(entry: zipfile.ZipInfo) -> str:
    """When an entry was last changed;
    empty where the zip does not say (1980 stands for nothing)."""
    if entry.date_time[0] <= 1980:
        return ""
    year, month, day, hour, minute, second = entry.date_time
    return f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
