"""What an import says: each value with its source and how sure it is,
and what was not understood."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from xltool.model import Filing, Place


class Sure(StrEnum):
    """How a value was found. None of the three is a guess; the lower ones deserve a look."""

    HIGH = "高"  # the official label, the value in its own cell
    MEDIUM = (
        "中"  # another name for the field, or label and value in one cell, or cells put together
    )
    LOW = "低"  # running text without cells, or an amount whose unit is not stated


class ImportedValue(Struct, frozen=True):
    """One imported value: which form and field, the text as written, where it stood, how sure.

    `value` is what it became (with the edition's unit of money), `source` what stands in its row.
    """

    form: str
    project: str
    field: str
    text: str
    place: Place
    sure: Sure
    note: str = ""
    file: str = ""
    value: str = ""
    source: str = ""


class Leftover(Struct, frozen=True):
    """Something that was not imported: where it stands, what it says, and why."""

    place: Place
    text: str
    reason: str
    file: str = ""


class Imported(Struct):
    """The filings of some files, every value's source, everything left aside,
    files not readable."""

    filings: list[Filing] = []
    values: list[ImportedValue] = []
    leftovers: list[Leftover] = []
    unread: dict[str, str] = {}
    read: list[Path] = []
