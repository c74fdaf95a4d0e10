"""A copy of a workbook with its indicator values in their normal form,
proved by reading it back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from xltool.editions.declaration import Edition
from xltool.errors import XltoolError
from xltool.indicator.normalise import Change, normalised
from xltool.model import Filing
from xltool.reading.reader import read
from xltool.xlsx.rewrite import rewrite


def write_normalised(
    file: Path, filing: Filing, changes: Sequence[Change], copy: Path, edition: Edition | None
) -> None:
    """The copy differs in these cells only, and reads back as the filing in normal form.

    Raises XltoolError where it can't be written or reads otherwise; then there is none.
    """
    copy.parent.mkdir(parents=True, exist_ok=True)
    rewrite(
        file, copy, {change.place: change.becomes for change in changes if change.place is not None}
    )
    if read(copy, edition=edition) != normalised(filing):
        copy.unlink()
        raise XltoolError(f"{file}：另存后读回的内容不一致，没有留下文件")
