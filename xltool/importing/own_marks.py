"""What a workbook that xltool wrote says of itself beside its sheets: its edition, its unit's code,
that it is a data book.

A code stands on no form, so an import that left it out would give a data book without it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from xltool.editions.declaration import Edition, load_edition
from xltool.editions.declaration import editions as known_editions
from xltool.errors import XltoolError
from xltool.files.barrier import Failure, guarded
from xltool.xlsx.package import Unreadable


def unit_code(path: Path) -> str:
    """The code of the unit whose workbook this is; empty where it doesn't say."""
    return _properties(path).get("xltool.unit_code", "")


def is_databook(path: Path) -> bool:
    """The file is what an import makes."""
    found = guarded(functools.partial(_properties, path))
    return not isinstance(found, Failure) and "xltool.databook" in found


def marked_edition(paths: Iterable[Path]) -> Edition | None:
    """The edition that these files say they are of, where all that say one say the same;
    None where they don't, or where nobody here knows it."""
    ids = {
        found.get("xltool.edition", "")
        for path in paths
        if not isinstance(found := guarded(functools.partial(_properties, path)), Failure)
    } - {""}
    if len(ids) != 1 or not ids <= set(known_editions()):
        return None
    with suppress(XltoolError):
        return load_edition(ids.pop())
    return None


def _properties(path: Path) -> Mapping[str, str]:
    from xltool.xlsx.package import open_package
    from xltool.xlsx.workbook_reader import frame_of

    with suppress(Unreadable, OSError):
        return frame_of(open_package(path))[0].properties
    return {}
