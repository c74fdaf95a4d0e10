"""What a file is, by its name, and what lies in a folder:
the same answer for every command that walks one.

Litter is what programs and systems leave beside people's files: lock files, temporary copies,
hidden folders. Nobody wants it judged, so it is passed over without a word. Everything else is
somebody's file.
"""

from __future__ import annotations

import enum
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from xltool.errors import why


class FileKind(enum.StrEnum):
    """What a file is to this tool."""

    WORKBOOK = "workbook"  # opened as it is
    OTHER_WORKBOOK = "other workbook"  # a spreadsheet that must be saved as .xlsx first
    DOCUMENT = "document"  # what `xltool import` reads
    TABLE = "table"  # one table of a data book
    DATABOOK = "databook"
    ARCHIVE = "archive"
    OTHER_ARCHIVE = "other archive"
    LITTER = "litter"
    LOCK = "lock"  # litter that tells: a workbook is open somewhere
    OWN_REPORT = "own report"  # what xltool wrote about the workbooks beside it
    LINK = "link"
    SPECIAL = "special"  # a pipe, a device: opening it may wait for ever
    UNREADABLE = "unreadable"  # a folder that can't be looked into
    OTHER = "other"


_KINDS = {
    FileKind.WORKBOOK: (".xlsx", ".xlsm", ".xls", ".et"),
    FileKind.OTHER_WORKBOOK: (".xlsb", ".xltx", ".xltm", ".xlt", ".ett", ".ods", ".ots", ".fods"),
    FileKind.DOCUMENT: (
        ".docx", ".docm", ".doc", ".wps", ".rtf", ".odt", ".pdf", ".html", ".htm", ".mht", ".mhtml", ".txt",
    ),
    FileKind.TABLE: (".csv",),
    FileKind.DATABOOK: (".json",),
    FileKind.ARCHIVE: (".zip",),
    FileKind.OTHER_ARCHIVE: (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz"),
}  # fmt: skip
_BY_SUFFIX = {suffix: kind for kind, suffixes in _KINDS.items() for suffix in suffixes}

# ~$ Excel and WPS, .~lock. LibreOffice, ._ macOS, .~ WPS, ~ older programs; a dot hides a file.
_LITTER_BEGINS = (".", "~")
_LITTER_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
_LITTER_FOLDERS = frozenset(
    {"__macosx", "$recycle.bin", "system volume information", "lost+found", "@eadir", "#recycle"}
)
# Of a folder that was checked, imported or converted: these tell of the workbooks and are none.
# Earlier ones have a date.
_OWN_REPORT = re.compile(
    r"report\.(\d{8}-\d{6}\.)?(xlsx|html|json)|findings\.(\d{8}-\d{6}\.)?csv"
    r"|导入报告\.(html|json)|(导入取值|未导入|.*-转换说明)\.csv"
)
PAGE_ENDING = ".审核结果.html"
# A folder that holds this table is one data book.
FOLDER_BOOK = "部门"

_WHAT_TO_DO = {
    FileKind.OTHER_WORKBOOK: "请在 Excel 或 WPS 里另存为 .xlsx 再审核",
    FileKind.DOCUMENT: "不是工作簿；以往的申报可以用 xltool import 导入",
    FileKind.TABLE: "是 CSV，不是工作簿；若是数据表的一张，填报用 xltool fill",
    FileKind.DATABOOK: "可能是数据表；填报用 xltool fill",
    FileKind.ARCHIVE: "是压缩包；请先解开，下发批次的回收用 xltool collect",
    FileKind.OTHER_ARCHIVE: "不认识的压缩格式；请解开或改用 zip",
    FileKind.LINK: "是指向别处的链接，没有打开",
    FileKind.SPECIAL: "不是普通文件（管道或设备），没有打开",
    FileKind.LOCK: "正在 Excel 或 WPS 里打开的锁文件",
    FileKind.OWN_REPORT: "是 xltool 写的报告；若是申报工作簿，请改名",
    FileKind.OTHER: "不是工作簿",
}


def kind_of(name: str) -> FileKind:
    """What a file is by its name alone, whatever the case of its letters."""
    folded = name.casefold()
    if is_lock(name):
        return FileKind.LOCK
    if is_litter(name):
        return FileKind.LITTER
    if _OWN_REPORT.fullmatch(folded) or folded.endswith(PAGE_ENDING):
        return FileKind.OWN_REPORT
    return _BY_SUFFIX.get(PurePosixPath(folded).suffix, FileKind.OTHER)


def is_litter(name: str) -> bool:
    """A file that a program or a system left, not a person."""
    return name.startswith(_LITTER_BEGINS) or name.casefold() in _LITTER_FILES


def is_lock(name: str) -> bool:
    """The file that says that a workbook is open in Excel, WPS or LibreOffice."""
    return name.startswith(("~$", ".~lock."))


def is_litter_folder(name: str) -> bool:
    """A folder in which no person keeps files."""
    hidden = name.startswith(_LITTER_BEGINS) and name not in (".", "..")
    return hidden or name.casefold() in _LITTER_FOLDERS


def in_litter(path: str) -> bool:
    """Whether a path, relative to the folder or archive that was named, is litter or lies in it."""
    *folders, name = path.replace("\\", "/").split("/")
    return is_litter(name) or any(map(is_litter_folder, folders))


def holds_folder_book(names: Iterable[str]) -> bool:
    """Whether a folder with these files is one data book of tables."""
    return any(table_name(name) == FOLDER_BOOK for name in names)


def table_name(name: str) -> str:
    """The table that a file holds for a data book: `部门` of `部门.CSV`; empty for any other file."""
    return PurePosixPath(name).stem if kind_of(name) is FileKind.TABLE else ""


class FoundFile(NamedTuple):
    """One file below a folder."""

    path: Path
    kind: FileKind
    reason: str = ""  # why a folder is UNREADABLE

    @property
    def what_to_do(self) -> str:
        """Why a check passes it over and what its owner can do, in Chinese."""
        return self.reason or _WHAT_TO_DO[self.kind]


def below(folder: Path) -> Iterator[FoundFile]:
    """Every file in a folder and the folders in it, in order of name; links are not followed.

    Litter is left out but for locks.
    """
    unreadable: list[FoundFile] = []

    def note(error: OSError) -> None:
        reason = f"读不了这个文件夹：{why(error)}"
        unreadable.append(FoundFile(Path(error.filename), FileKind.UNREADABLE, reason))

    for root, folders, names in os.walk(folder, onerror=note):
        yield from unreadable
        unreadable.clear()
        linked = [name for name in folders if Path(root, name).is_symlink()]
        folders[:] = sorted(name for name in folders if not is_litter_folder(name))
        for name in sorted([*names, *linked]):
            kind = kind_of(name)
            if kind is not FileKind.LITTER:
                path = Path(root, name)
                yield FoundFile(path, _seen(path) or kind)
    yield from unreadable


def _seen(path: Path) -> FileKind | None:
    """What the disk says of a file that is no ordinary one."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return None  # opening it will say why
    if stat.S_ISLNK(mode):
        return FileKind.LINK
    return None if stat.S_ISREG(mode) else FileKind.SPECIAL


def once(paths: Iterable[Path]) -> Iterator[Path]:
    """Each file once, however often and by whatever way it was named:
    by itself, and by the folder that it lies in."""
    seen: set[str] = set()
    for path in paths:
        key = os.path.normcase(os.path.realpath(path))
        if key not in seen:
            seen.add(key)
            yield path
