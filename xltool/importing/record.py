"""What an import says: each value with its source and how sure it is, and what was not understood."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from xltool.model import Filing, Place


class Sure(StrEnum):
    """How a value was found. None of the three is a guess; the lower ones deserve a look."""

    HIGH = "高"  # the official label, the value in its own cell
    MEDIUM = "中"  # another name for the field, or label and value in one cell, or cells put together
    LOW = "低"  # running text without cells, or an amount whose unit is not stated


@dataclass(frozen=True, slots=True)
class Value:
    """One imported value: which form and field, the text, where it stood, how sure."""

    form: str
    project: str
    field: str
    text: str
    place: Place
    sure: Sure
    note: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something that was not imported: where it stands, what it says, and why."""

    place: Place
    text: str
    reason: str
    file: str = ""


@dataclass(slots=True)
class Imported:
    """The filings of some files, every value's source, everything left aside, files not readable."""

    filings: list[Filing] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    leftovers: list[Leftover] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
