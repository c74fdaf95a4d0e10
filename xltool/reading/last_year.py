"""Last year's filing of each unit, out of one workbook or a folder of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

from xltool.editions.declaration import Edition
from xltool.errors import XltoolError
from xltool.files.discover import FileKind, below
from xltool.model import Filing
from xltool.reading.reader import read


class LastYear:
    """The earlier filings that lie at a path. A folder is read when the first is asked for.

    Raises XltoolError at once where one workbook was named and is no filing.
    """

    def __init__(self, path: Path, edition: Edition | None = None) -> None:
        self._path, self._edition = path, edition
        self._only: Filing | None = None
        self._filings: dict[str, list[Filing]] | None = None
        self.unread: list[str] = []
        if not path.exists():
            raise XltoolError(f"没有上一年的申报：{path}")
        if not path.is_dir():
            self._only = self._read(path)

    def of(self, filing: Filing) -> Filing | None:
        """The unit's filing of the year before, by its code, else by its name; None where there is none.

        One workbook that was named is the answer for whatever is asked. Of several years the last one
        before the filing's own counts.
        """
        if self._only is not None:
            return self._only
        if self._filings is None:
            self._filings = self._by_unit()
        known = self._filings
        found = known.get(_key(filing.code), []) or known.get(_key(filing.unit), [])
        year = filing.year or 9999
        earlier = [one for one in found if (one.year or 0) < year]
        return max(earlier, key=lambda one: one.year or 0, default=None)

    def _by_unit(self) -> dict[str, list[Filing]]:
        found: dict[str, list[Filing]] = {}
        for file in below(self._path):
            if file.kind is not FileKind.WORKBOOK:
                continue
            try:
                filing = self._read(file.path)
            except XltoolError as error:
                self.unread.append(str(error))
                continue
            for key in _keys(filing):
                found.setdefault(key, []).append(filing)
        if not found:
            raise XltoolError(f"文件夹里没有上一年的申报：{self._path}")
        return found

    def _read(self, file: Path) -> Filing:
        filing = read(file)  # last year's form may have been another one
        if self._edition is not None and not any(filing.forms):
            filing = read(file, edition=self._edition)
        if not any(filing.forms):
            reason = "；".join(fault.detail for fault in filing.faults)
            raise XltoolError(f"上一年的申报读不了：{file}：{reason}")
        return filing


def _keys(filing: Filing) -> Iterator[str]:
    yield from {_key(filing.code), _key(filing.unit)} - {""}


def _key(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()
