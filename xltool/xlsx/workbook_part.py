"""workbook.xml: which sheets there are, which names lead where, what is locked."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from xltool.xlsx.open_xml import BOTH_RELATIONSHIPS
from xltool.xlsx.package import parse_xml, relationship_id
from xltool.xlsx.references import Area, read_area
from xltool.xlsx.shared_parts import decoded, remembered


class ListedSheet(Struct, frozen=True):
    """A sheet as the workbook lists it: its relation, and the names that belong to it.

    A name that damage or a paste turned into #REF! is there, but leads nowhere (None).
    """

    name: str
    state: str
    relation: str
    names: Mapping[str, Area | None] = {}


class WorkbookPart(Struct, frozen=True):
    """What the workbook's own part says."""

    sheets: tuple[ListedSheet, ...]
    structure_locked: bool = False
    date1904: bool = False

    @property
    def very_hidden(self) -> tuple[str, ...]:
        """Sheets that no menu shows."""
        return tuple(
            f"深度隐藏的工作表“{sheet.name}”"
            for sheet in self.sheets
            if sheet.state == "veryHidden"
        )


# Where a sheet's names lead.
_Areas = Mapping[str, Area | None]
# (name, state, relation) of a sheet.
_Listed = tuple[str, str, str]
# (name, number of the sheet it belongs to, where it leads).
_Defined = tuple[str, str, str]

_PLAIN_SHEET = re.compile(
    r'<sheet name="([^"]*+)" sheetId="[0-9]++"(?: state="(\w++)")? r:id="([^"]*+)"/>'
)
_PLAIN_NAME = re.compile(
    r'<definedName name="([^"]*+)"(?: localSheetId="(0|[1-9][0-9]*+)")?(?: hidden="[01]")?>'
    r"([^<]*+)</definedName>"
)


def read_workbook(data: bytes) -> WorkbookPart:
    """A workbook's own part. Raises Unreadable."""
    if b"&" not in data and any(
        b' xmlns:r="%b"' % name.encode() in data for name in BOTH_RELATIONSHIPS
    ):
        listed, rest = _cut(data, b"sheets")
        names, rest = _cut(rest, b"definedNames")
        sheets = _all_matches(_PLAIN_SHEET, listed, 1)
        if sheets and names and (around := _around(rest)) is not None:
            areas = _plain_areas(_led_by_number(names, sheets), len(sheets))
            if areas is not None:
                return WorkbookPart(_with_areas(sheets, areas), *around)
    return _parse_workbook(data)


def _parse_workbook(data: bytes) -> WorkbookPart:
    """The same from its XML, however it is spelled."""
    walk = _WorkbookWalk()
    parse_xml(data, walk.start, walk.end, walk.text)
    areas = _areas(walk.names, [name for name, _, _ in walk.sheets])
    return WorkbookPart(_with_areas(walk.sheets, areas), walk.structure_locked, walk.date1904)


def _with_areas(sheets: Sequence[_Listed], areas: Sequence[_Areas]) -> tuple[ListedSheet, ...]:
    return tuple(
        ListedSheet(name, state or "visible", relation, own)
        for (name, state, relation), own in zip(sheets, areas, strict=True)
    )


def _areas(names: Iterable[_Defined], titles: Sequence[str]) -> Sequence[_Areas]:
    """Each sheet's names, and where they lead."""
    areas: list[dict[str, Area | None]] = [{} for _ in titles]
    numbered = {
        str(number): (areas[number], title, f"'{title}'") for number, title in enumerate(titles)
    }
    for name, scope, text in names:
        if scope not in numbered:
            continue
        own, title, quoted = numbered[scope]
        where, _, area = text.rpartition("!")
        leads_here = (
            where == quoted or where.removeprefix("=").strip("'").replace("''", "'") == title
        )
        own[name] = read_area(area) if leads_here else None
    return areas


# A number in the place of a sheet's title, after a character that XML can't hold.
_NUMBER = "\1{}"


def _led_by_number(names: str, sheets: Sequence[_Listed]) -> str:
    """The names as they stand, the titles of the sheets to which they lead made numbers.

    So they are the same in file after file, though a project's sheet has the project's name.
    """
    for index, (title, _, _) in enumerate(sheets):
        number = _NUMBER.format(index)
        names = names.replace(f"'{title}'!", f"{number}!").replace(f">{title}!", f">{number}!")
    return names


def _plain_areas(names: str, count: int) -> Sequence[_Areas] | None:
    """Each sheet's names, and where they lead; None where one is spelled otherwise."""
    read = _kept_areas if len(names) <= _MOST_KEPT else _read_areas
    return read(names, count)


def _read_areas(names: str, count: int) -> Sequence[_Areas] | None:
    defined = _all_matches(_PLAIN_NAME, names, 2)
    if not defined or "'" in names or names.count("!") != names.count(_NUMBER.format("")):
        return None
    return _areas(defined, [_NUMBER.format(n) for n in range(count)])


_MOST_KEPT = 50_000  # characters: the names of ten projects' forms; more are no official form's
_kept_areas = functools.lru_cache(64)(_read_areas)


def _cut(data: bytes, element: bytes) -> tuple[str, bytes]:
    """What stands inside an element, and the part without it;
    nothing where a parser might read it otherwise."""
    before, _, rest = data.partition(b"<%b>" % element)
    inside, closing, after = rest.partition(b"</%b>" % element)
    text = decoded(inside) if closing else None
    if text is None or "\t" in text or "\n" in text:
        return "", data
    return text, b"%b<%b/>%b" % (before, element, after)


def _all_matches(spelled: re.Pattern[str], text: str, tags: int) -> list[tuple[str, str, str]]:
    """Every element of a text, each of so many tags; none where one is spelled otherwise."""
    matches = spelled.findall(text)
    return matches if tags * len(matches) == text.count("<") else []


@remembered(16)
def _around(data: bytes) -> tuple[bool, bool] | None:
    """Whether the structure is locked and days count from 1904,
    as is said around its sheets and names.

    None where sheets or names are there too, or a remark, which may have been taken for them.
    """
    walk = _WorkbookWalk()
    parse_xml(data, walk.start, walk.end, walk.text)
    lists = sorted(walk.lists) == ["definedNames", "sheets"]
    if walk.sheets or walk.names or b"<!" in data or not lists:
        return None
    return walk.structure_locked, walk.date1904


# What is listed in a workbook's own part, and in what.
_WHERE: dict[str, list[str]] = {
    "sheet": ["sheets"],
    "definedName": ["definedNames"],
    "workbookPr": [],
    "workbookProtection": [],
}


class _WorkbookWalk:
    """The part read tag by tag."""

    def __init__(self) -> None:
        self.sheets: list[_Listed] = []
        self.names: list[_Defined] = []
        self.lists: list[str] = []  # the elements that list something
        self.structure_locked = self.date1904 = False
        self._around: list[str] = []
        self._name: tuple[str, str] | None = None
        self._leads_to: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._around.append(tag)
        where = self._around[1:-1]
        if tag in ("sheets", "definedNames") and not where:
            self.lists.append(tag)
        if where != _WHERE.get(tag):
            return
        if tag == "sheet" and "name" in attributes:
            state = attributes.get("state", "visible")
            self.sheets.append((attributes["name"], state, relationship_id(attributes)))
        elif tag == "definedName":
            self._name = attributes.get("name", ""), _scope(attributes)
            self._leads_to.clear()
        elif tag == "workbookPr":
            self.date1904 = attributes.get("date1904") in ("1", "true")
        elif tag == "workbookProtection":
            self.structure_locked = attributes.get("lockStructure") in ("1", "true")

    def end(self, tag: str) -> None:
        self._around.pop()
        if tag == "definedName" and self._name is not None:
            self.names.append((*self._name, "".join(self._leads_to)))
            self._name = None

    def text(self, data: str) -> None:
        if self._name is not None:
            self._leads_to.append(data)


def _scope(attributes: dict[str, str]) -> str:
    """The number of the sheet that a name belongs to; "" where it is the whole workbook's."""
    scope = attributes.get("localSheetId", "")
    return str(int(scope)) if scope.isascii() and scope.isdecimal() else ""
