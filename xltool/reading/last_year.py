"""Last year's filing of each unit, out of one workbook or a folder of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path

from msgspec import Struct

from xltool.editions.declaration import Edition
from xltool.errors import XltoolError
from xltool.files.barrier import Failure
from xltool.files.discover import FileKind, below
from xltool.files.pool import WorkerPool
from xltool.files.source import Source
from xltool.files.table_habits import folded
from xltool.model import Filing
from xltool.reading.reader import read

# What lies in a folder and may hold filings that nobody sees there.
_PASSED_OVER = {FileKind.UNREADABLE, FileKind.LINK, FileKind.OTHER_WORKBOOK}


class EarlierFile(Struct, frozen=True):
    """A workbook with an earlier filing; `year` is 0 where the filing does not say it."""

    path: str
    year: int = 0


class EarlierFiles(Struct):
    """The earlier filings of a folder by their unit's code and by its name;
    why others are not compared with."""

    by_unit: dict[str, list[EarlierFile]] = {}
    unread: list[str] = []

    def take(self, file: EarlierFile, keys: Iterable[str]) -> None:
        """Know this file by these `unit_keys` of its filing."""
        for key in keys:
            self.by_unit.setdefault(key, []).append(file)

    def forget(self, path: str) -> None:
        """The file of this path is no longer known."""
        for files in self.by_unit.values():
            files[:] = [file for file in files if file.path != path]

    def alike(self) -> list[str]:
        """Of which units there are several filings of one year, and which of them counts."""
        several: dict[tuple[str, ...], str] = {}
        for key, files in self.by_unit.items():
            for year, group in groupby(sorted(files, key=lambda file: file.year), _year):
                first, *others = (file.path for file in group)
                if others:
                    when = f"{year} 年" if year else "没写年度"
                    several[(first, *others)] = (
                        f"上一年的申报里“{key}”有 {len(others) + 1} 份（{when}），"
                        f"用了 {first}，没有用 {'、'.join(others)}"
                    )
        return list(several.values())

    def of(self, filing: Filing) -> EarlierFile | None:
        """The file of the unit's year before, by its code, else by its name;
        None where there is none.

        Of several years the last one before the filing's own counts.
        """
        of_unit = self.by_unit.get(_key(filing.code)) or self.by_unit.get(_key(filing.unit)) or []
        own_year = filing.year or 9999
        earlier = [file for file in of_unit if file.year < own_year]
        return max(earlier, key=lambda file: file.year, default=None)


def _year(file: EarlierFile) -> int:
    return file.year


class LastYear:
    """The earlier filings that lie at a path. A folder is gone through at once, unless its `files`
    are known; a filing is read again each time it is asked for.

    Raises XltoolError where no filing lies there: once, not for each filing that is compared.
    """

    def __init__(
        self, path: Path, edition: Edition | None = None, files: EarlierFiles | None = None
    ) -> None:
        self._edition = edition
        self._only: Filing | None = None
        if not path.exists():
            raise XltoolError(f"没有上一年的申报：{path}")
        if path.is_dir():
            self._files = files or earlier_files(path, edition)
        else:
            self._files = EarlierFiles()
            self._only = _read(path, edition)

    @property
    def unread(self) -> list[str]:
        """Why files of the folder are not compared with."""
        return self._files.unread

    def of(self, filing: Filing) -> Filing | None:
        """The unit's filing of the year before (`EarlierFiles.of`); None where there is none.

        One workbook that was named is the answer for whatever is asked.
        """
        if self._only is not None:
            return self._only
        file = self._files.of(filing)
        return _read(Path(file.path), self._edition) if file else None


def earlier_files(folder: Path, edition: Edition | None = None) -> EarlierFiles:
    """Whose filing each workbook of a folder holds. Raises XltoolError where none holds one."""
    files = list(below(folder))
    paths = [file.path for file in files if file.kind is FileKind.WORKBOOK]
    pool = WorkerPool(functools.partial(_identity, edition=edition), size=_size)
    result = EarlierFiles()
    for file in files:
        if file.kind in _PASSED_OVER:
            result.unread.append(f"上一年的申报没有看：{file.path}：{file.what_to_do}")
    for path, identity in zip(paths, pool.in_order(paths), strict=True):
        if isinstance(identity, Failure):
            named = str(path) in identity.reason
            result.unread.append(
                identity.reason if named else f"上一年的申报读不了：{path}：{identity.reason}"
            )
            continue
        year, keys = identity
        result.take(EarlierFile(str(path), year), keys)
    result.unread += result.alike()
    if not result.by_unit:
        reasons = result.unread[:3]
        if any(file.kind is FileKind.DOCUMENT for file in files):
            reasons.append("Word、PDF 等先用 xltool import 导入，再用 xltool fill 填成官方表")
        raise XltoolError("。".join([f"文件夹里没有上一年的申报：{folder}", *reasons]))
    return result


def _identity(path: Path, edition: Edition | None) -> tuple[int, list[str]]:
    """The year of a workbook's filing, and what its unit is asked for by."""
    filing = _read(path, edition)
    return filing.year or 0, unit_keys(filing)


def _size(path: Path) -> int:
    return path.stat().st_size


def _read(path: Path, edition: Edition | None) -> Filing:
    return read_earlier(lambda: path, edition)


def read_earlier(opened: Callable[[], Source], edition: Edition | None = None) -> Filing:
    """A filing of a former year, whose forms may have been others than this year's `edition`.

    `opened` gives the workbook, each time from its beginning.
    Raises XltoolError where it is no filing.
    """
    filing = read(opened())
    if edition is not None and not any(filing.forms):
        filing = read(opened(), edition=edition)
    if not any(filing.forms):
        reasons = "；".join(fault.detail for fault in filing.faults)
        raise XltoolError(f"上一年的申报读不了：{filing.source}：{reasons}")
    return filing


def doubt(filing: Filing, before: Filing | None) -> str:
    """What a person should know of the filing that one is compared with:
    that there is none, or why it may be the wrong one; empty where nothing speaks against it."""
    if not any(filing.forms):
        return ""
    if before is None:
        return "没有找到上一年的申报，没有比较"
    sure = "，请看是否拿错了"
    if filing.unit and before.unit and filing.unit.strip() != before.unit.strip():
        return f"上一年的申报是“{before.unit}”的，不是“{filing.unit}”的{sure}"
    if filing.year and before.year and before.year >= filing.year:
        years = f"{before.year} 年，不早于本表的 {filing.year} 年"
        return f"“{filing.unit}”上一年的申报写的是 {years}{sure}"
    return ""


def same_unit(one: Filing, other: Filing) -> bool:
    """Whether two filings are of one unit, by its code or by its name."""
    return not {*unit_keys(one)}.isdisjoint(unit_keys(other))


def unit_keys(filing: Filing) -> list[str]:
    """What a filing's unit is asked for by: its code and its name, where it has them."""
    return sorted({_key(filing.code), _key(filing.unit)} - {""})


def _key(text: str) -> str:
    return folded(text).casefold()
