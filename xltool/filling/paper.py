"""A copy of a workbook as it goes on paper: pages that end between categories, and each official
label that a page's end would cut standing whole in every part.

Only for printing: the form that is filled in keeps the official merges.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from xltool.filling.page_breaks import (
    NO_HEIGHT,
    is_broken,
    is_squeezed,
    kept_together,
    page_breaks,
)
from xltool.filling.row_height import page_height
from xltool.xlsx.edit import (
    BOOK,
    Element,
    SubElement,
    cell_at,
    parse,
    patch_file,
    to_bytes,
)
from xltool.xlsx.grid import Sheet
from xltool.xlsx.open_xml import MAIN
from xltool.xlsx.package import Package
from xltool.xlsx.references import Area
from xltool.xlsx.workbook_reader import grid_of

_TITLES = "_xlnm.Print_Titles"
_HIDDEN = 0.001  # points of a row that isn't seen; 0 would mean that it says none
_MOST_ROWS, _MOST_COLUMNS = 10_000, 50  # of a form that somebody fills in


def for_paper(source: Path, destination: Path) -> Path:
    """Write the copy that is printed. Raises XltoolError where the workbook can't be read."""
    return patch_file(source, destination, _changed, "分页")


def _changed(package: Package) -> dict[str, bytes]:
    heads = _heads(parse(package.read(BOOK)))
    changed: dict[str, bytes] = {}
    for number, sheet in enumerate(grid_of(package).sheets):
        if number in heads and sheet.part:
            tree = parse(package.read(sheet.part))
            if _laid_out(tree, sheet, heads[number]):
                changed[sheet.part] = to_bytes(tree)
    return changed


def _heads(book: Element) -> dict[int, int]:
    """Sheet by number → its row of heads, which every page repeats."""
    heads: dict[int, int] = {}
    for name in book.iter(f"{{{MAIN}}}definedName"):
        row = (name.text or "").rpartition("$")[2]
        if name.get("name") == _TITLES and row.isdecimal():
            heads[int(name.get("localSheetId", "0"))] = int(row)
    return heads


def _laid_out(tree: Element, sheet: Sheet, heads: int) -> bool:
    """Break the form's pages anew and cut its labels there;
    whether it needs more than a page has."""
    printed = sheet.printed
    if printed is None or printed.bottom > _MOST_ROWS or printed.right > _MOST_COLUMNS:
        return False
    named = [area for name, area in sheet.names.items() if area and not name.startswith("_xlnm.")]
    areas = [area for area in named if _within(sheet.whole(area), printed)]
    tops = {area.top for area in areas if area.top > heads}
    if not tops:
        return False
    answers = [sheet.whole(area) for area in areas if area.top < heads]
    inside = {row for area in answers for row in range(area.top + 1, area.bottom + 1)}
    heights = _heights(tree, printed.bottom)
    page = _page(tree, printed)
    setup = tree.find(f"{{{MAIN}}}pageSetup")
    if setup is None:
        return False
    if is_squeezed(sum(heights), page):
        already = setup.get("fitToHeight", "1") == "1"
        setup.set("fitToHeight", "1")
        _put_breaks(tree, [])
        return not already
    if not is_broken(sum(heights), page):
        return False
    setup.set("fitToHeight", "0")
    breaks = page_breaks(kept_together(tops, inside, len(heights)), heights, page)
    _put_breaks(tree, breaks)
    begun = {(area.top, area.left) for area in areas}
    for merge in sheet.merges:
        if (merge.top, merge.left) not in begun and _within(merge, printed):
            _cut(tree, merge, breaks)
    return True


def _within(area: Area, printed: Area) -> bool:
    return area.bottom <= printed.bottom and area.right <= printed.right


def _heights(tree: Element, last: int) -> list[float]:
    """The points of every row to the last one; next to none of a hidden row."""
    heights = [NO_HEIGHT] * last
    for row in tree.iter(f"{{{MAIN}}}row"):
        number = int(row.get("r", "0"))
        if 1 <= number <= last:
            shown = row.get("hidden") not in ("1", "true")
            heights[number - 1] = float(row.get("ht", NO_HEIGHT)) if shown else _HIDDEN
    return heights


def _page(tree: Element, printed: Area) -> float:
    widths = dict.fromkeys(range(1, printed.right + 1), 9.0)
    for columns in tree.iter(f"{{{MAIN}}}col"):
        last = min(int(columns.get("max", "0")), printed.right)
        for column in range(int(columns.get("min", "1")), last + 1):
            widths[column] = float(columns.get("width", "9"))
    margins = tree.find(f"{{{MAIN}}}pageMargins")
    said = {} if margins is None else {key: float(value) for key, value in margins.items()}
    return page_height(said, sum(widths.values()))


# What may stand behind the breaks in a sheet's part.
_BEHIND = (
    "colBreaks", "customProperties", "cellWatches", "ignoredErrors", "smartTags", "drawing",
    "legacyDrawing", "legacyDrawingHF", "drawingHF", "picture", "oleObjects", "controls",
    "webPublishItems", "tableParts", "extLst",
)  # fmt: skip


def _put_breaks(tree: Element, breaks: list[int]) -> None:
    for former in tree.findall(f"{{{MAIN}}}rowBreaks"):
        tree.remove(former)
    if not breaks:
        return
    count = str(len(breaks))
    made = Element(f"{{{MAIN}}}rowBreaks", count=count, manualBreakCount=count)
    for row in breaks:
        SubElement(made, f"{{{MAIN}}}brk", id=str(row), max="16383", man="1")
    behind = {f"{{{MAIN}}}{name}" for name in _BEHIND}
    place = next((number for number, child in enumerate(tree) if child.tag in behind), len(tree))
    tree.insert(place, made)


def _cut(tree: Element, merge: Area, breaks: list[int]) -> None:
    """A merged label as several, each with the whole text."""
    parts = list(_parts(merge, breaks))
    listed = tree.find(f"{{{MAIN}}}mergeCells")
    if len(parts) < 2 or listed is None:
        return
    for entry in list(listed):
        if entry.get("ref") == str(merge):
            listed.remove(entry)
    first = cell_at(tree, merge.top, merge.left)
    for row in range(merge.top, merge.bottom + 1):
        for column in range(merge.left, merge.right + 1):
            cell_at(tree, row, column).set("s", first.get("s", "0"))
    for part in parts:
        if (part.top, part.left) != (part.bottom, part.right):
            SubElement(listed, f"{{{MAIN}}}mergeCell", ref=str(part))
        if part.top > merge.top:
            _repeat(first, cell_at(tree, part.top, part.left))
    listed.set("count", str(len(listed)))


def _parts(merge: Area, breaks: list[int]) -> Iterator[Area]:
    top = merge.top
    for row in breaks:
        if top <= row < merge.bottom:
            yield merge._replace(top=top, bottom=row)
            top = row + 1
    yield merge._replace(top=top)


def _repeat(label: Element, cell: Element) -> None:
    for child in list(cell):
        cell.remove(child)
    cell.attrib.pop("t", None)
    if "t" in label.attrib:
        cell.set("t", label.get("t", ""))
    cell.extend(list(label))
