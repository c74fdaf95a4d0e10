"""What stands around a worksheet's cells: merges, protection, hidden columns, objects."""

from __future__ import annotations

import re

from msgspec import Struct
from msgspec.structs import replace

from xltool.xlsx.grid import Test
from xltool.xlsx.package import Unreadable, parse_xml
from xltool.xlsx.references import LAST_COLUMN, Area, read_area
from xltool.xlsx.shared_parts import decoded, remembered

_MOST_MERGES = 20_000


class Frame(Struct, frozen=True):
    """A sheet around its cells. `rows`: it has rows or cells of its own; `remarks`: it has comments
    or the like; `tables`: how many tables of cells it has, which should be one; `conditional`:
    where cells are formatted conditionally, as (areas, number of the format, when)."""

    merges: frozenset[Area]
    protected: bool
    objects: bool
    hidden: tuple[range, ...]
    rows: bool
    remarks: bool
    tables: int
    conditional: tuple[tuple[str, str, Test], ...] = ()


@remembered(64)
def read_frame(data: bytes) -> Frame:
    """The frame of a sheet's XML. Raises Unreadable.

    Where rows were added, merges and validations have moved: they are taken at a glance where they
    are spelled as usual; what is left is the same in sheet after sheet.
    """
    merges, rest = _cut(data, b"<mergeCells", _MERGES)
    _, rest = _cut(rest, b"<dataValidations", _VALIDATIONS)
    frame = _parse_frame(rest)
    areas = [read_area(ref) for ref in _REF.findall(merges)]
    if frame.merges or frame.remarks or None in areas or len(areas) > _MOST_MERGES:
        return _parse_frame(data)
    return replace(frame, merges=frozenset(area for area in areas if area))


_REF = re.compile(r'ref="([^"]++)"')
_MERGES = re.compile(rb'(?: count="[0-9]++")?>(?:<mergeCell ref="[A-Z0-9:]++"/>)*</mergeCells>')
_ENTITY = rb"&(?:amp|lt|gt|quot|apos|#[0-9]++|#x[0-9A-Fa-f]++);"
_ATTRIBUTES = rb'(?: [A-Za-z:]++="[^"<&]*+(?:' + _ENTITY + rb'[^"<&]*+)*")*'
_TEXT = rb"[^<>&]*+(?:" + _ENTITY + rb"[^<>&]*+)*"
_VALIDATIONS = re.compile(
    _ATTRIBUTES
    + rb">(?:<dataValidation"
    + _ATTRIBUTES
    + rb"(?:/>|>(?:<formula1>%b</formula1>)?(?:<formula2>%b</formula2>)?</dataValidation>))*"
    % (_TEXT, _TEXT)
    + rb"</dataValidations>"
)


def _cut(data: bytes, opening: bytes, spelled: re.Pattern[bytes]) -> tuple[str, bytes]:
    """An element that is spelled as usual, and the part without it;
    else nothing and the whole part."""
    before, _, rest = data.partition(opening)
    match = spelled.match(rest)
    text = decoded(match[0]) if match else None
    if not match or not text or any(map(before.__contains__, _ELSEWHERE)):
        return "", data
    if any(b" xmlns:%b=" % prefix not in before for prefix in set(_PREFIX.findall(match[0]))):
        return "", data
    return text, before + rest[match.end() :]


# Behind these an element may be one that Excel does not look at.
_ELSEWHERE = (b"extLst", b"AlternateContent")
_PREFIX = re.compile(rb" (?!xml:)([A-Za-z0-9]++):")


@remembered(64)
def _parse_frame(data: bytes) -> Frame:
    walk = FrameWalk()
    parse_xml(data, walk.start, walk.end, walk.text)
    return walk.frame(b"<!" in data)


class FrameWalk:
    """Takes the frame of a sheet from its XML; `tables` are how many tables of cells began."""

    def __init__(self) -> None:
        self._merges: set[Area] = set()
        self._hidden: list[range] = []
        self._protected = self._objects = self._rows = False
        self.tables = 0
        self._around: list[str] = []
        self._conditional: list[tuple[str, str, Test]] = []
        self._areas = ""
        self._formulas: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        around = self._around
        around.append(tag)
        if tag in _OF_CELLS:
            self._rows = True
        elif tag == "sheetData":
            self.tables += around[:-1] == ["worksheet"]
        elif tag not in _WHERE or tuple(around[1:-1]) != _WHERE[tag]:
            return
        elif tag == "mergeCell":
            if area := read_area(attributes.get("ref", "")):
                self._merges.add(area)
                if len(self._merges) > _MOST_MERGES:
                    raise Unreadable(f"合并单元格过多（超过 {_MOST_MERGES:,} 处）")
        elif tag == "conditionalFormatting":
            self._areas = attributes.get("sqref", "")
        elif tag == "cfRule":
            if "dxfId" in attributes and len(self._conditional) < _MOST_MERGES:
                kind, operator = attributes.get("type", ""), attributes.get("operator", "")
                self._conditional.append((self._areas, attributes["dxfId"], Test(kind, operator)))
        elif tag == "formula":
            self._formulas.append("")
        elif tag == "sheetProtection":
            self._protected = attributes.get("sheet") in ("1", "true")
        elif tag == "col":
            if attributes.get("hidden") in ("1", "true") or thin(attributes.get("width", "")):
                ends = (int(attributes.get(end, 1)) for end in ("min", "max"))
                first, last = (max(1, min(column, LAST_COLUMN)) for column in ends)
                self._hidden.append(range(first, last + 1))
        else:
            self._objects = True

    def text(self, data: str) -> None:
        """A piece of text; only the formulas of conditional formats count."""
        if self._around[-1] == "formula" and self._formulas:
            self._formulas[-1] += data

    def end(self, tag: str) -> None:
        self._around.pop()
        if tag == "cfRule" and self._formulas:
            if self._conditional:
                areas, number, test = self._conditional[-1]
                test = test._replace(formulas=tuple(self._formulas))
                self._conditional[-1] = (areas, number, test)
            self._formulas.clear()

    def frame(self, remarks: bool = False) -> Frame:
        """What the walk has seen."""
        return Frame(
            frozenset(self._merges),
            self._protected,
            self._objects,
            tuple(self._hidden),
            self._rows,
            remarks,
            self.tables,
            tuple(self._conditional),
        )


def thin(size: str, least: float = 0.5) -> bool:
    """Whether a row or column of this size shows nothing of what stands in it."""
    try:
        return bool(size) and float(size) < least
    except ValueError:
        return False


_OF_CELLS = frozenset(("row", "c", "v", "f", "is", "t", "r", "rPh"))
# The elements of a sheet that say something to us, and what they stand in.
_WHERE: dict[str, tuple[str, ...]] = {
    "mergeCell": ("mergeCells",),
    "sheetProtection": (),
    "col": ("cols",),
    "conditionalFormatting": (),
    "cfRule": ("conditionalFormatting",),
    "formula": ("conditionalFormatting", "cfRule"),
    **dict.fromkeys(("drawing", "oleObjects", "controls", "picture"), ()),
}
