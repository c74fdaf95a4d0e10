"""A received sheet held against the blank: which form it is, how its rows grew, what was changed.

Names say where the answers stand. Where names were lost or bent, the official text does: the rows
of the blank are aligned with the received rows by their labels.
"""

from __future__ import annotations

from collections.abc import Iterator

from xltool.grid import Area, Sheet, cell_name
from xltool.model import Fault, Place
from xltool.sidenotes import is_mark
from xltool.template.layout import FormLayout, Rows


def squeeze(text: str) -> str:
    """Text without any white space: labels are the same label however they are broken."""
    return "".join(text.split())


def likeness(layout: FormLayout, sheet: Sheet) -> float:
    """How much of the form this sheet has, from 0 to 1: by its names, or by its official text."""
    named = sum(1 for label in layout.areas if label in sheet.names) / len(layout.areas)
    if named == 1:
        return 1.0
    texts = {squeeze(cell.text) for cell in sheet.cells.values() if cell.text}
    official = {squeeze(text) for text in layout.static.values()}
    return max(named, len(official & texts) / len(official))


def locate(layout: FormLayout, sheet: Sheet) -> tuple[Rows, list[Fault]]:
    """How the rows of the form grew in this sheet; faults where names were lost or bent."""
    if layout.names.items() <= sheet.names.items() and sheet.merges == layout.sheet.merges:
        return layout.rows(), []
    grown: dict[int, int] = {}
    text = set(layout.fields.values())
    lost = [label for label in layout.areas if sheet.names.get(label) is None]
    if not lost:
        for label, blank in layout.growing:
            area = sheet.names[label]
            assert area is not None
            if blank in text:
                area = sheet.whole(area)
            grown[blank.bottom] = (area.bottom - area.top) - (blank.bottom - blank.top)
        rows = layout.rows(grown)
        lost = [
            label for label, blank in layout.areas.items() if not _stands(rows, blank, sheet.names[label])
        ]
    if not lost:
        return rows, []
    detail = (
        f"定义名称缺失或移位（{'、'.join(lost[:5])}{'等' if len(lost) > 5 else ''}），已按表中文字找到各栏"
    )
    return align(layout, sheet), [Fault("names", detail, Place(sheet.name, ""), found="、".join(lost))]


def _stands(rows: Rows, blank: Area, found: Area | None) -> bool:
    """Whether a name leads where it should; for a merged cell its first cell will do."""
    expected = rows.area(blank)
    return found is not None and found[:2] == expected[:2] and (found == expected or found[2:] == found[:2])


def align(layout: FormLayout, sheet: Sheet) -> Rows:
    """Rows aligned by the official text alone: the best in-order match of labelled rows."""
    labelled: dict[int, dict[int, str]] = {}
    for (row, column), text in layout.static.items():
        labelled.setdefault(row, {})[column] = squeeze(text)
    anchors = sorted(labelled)
    last = max((row for row, _ in sheet.cells), default=0)
    texts = {at: squeeze(cell.text) for at, cell in sheet.cells.items() if cell.text}

    def score(anchor: int, row: int) -> float:
        labels = labelled[anchor]
        return sum(texts.get((row, column)) == label for column, label in labels.items()) / len(labels)

    # best[i][row]: the best total of the first i anchors within the first `row` rows.
    best = [[0.0] * (last + 1)]
    for anchor in anchors:
        line, above = [0.0], best[-1]
        for row in range(1, last + 1):
            line.append(max(line[-1], above[row], above[row - 1] + score(anchor, row)))
        best.append(line)
    found: dict[int, int] = {}
    row = last
    for i in range(len(anchors), 0, -1):
        while row and best[i][row] == best[i][row - 1]:
            row -= 1
        if row and best[i][row] > best[i - 1][row]:
            found[anchors[i - 1]] = row
            row -= 1
    return layout.rows(_growth(layout, sheet, found, last))


def _growth(layout: FormLayout, sheet: Sheet, found: dict[int, int], last: int) -> dict[int, int]:
    """Rows added to each growing area, given where the labelled rows were found."""
    grown: dict[int, int] = {}
    known = sorted(found.items())
    for _, area in layout.growing:
        above = max((pair for pair in known if pair[0] <= area.bottom), default=None)
        below = min((pair for pair in known if pair[0] > area.bottom), default=None)
        if above is None:
            continue
        if below is None:
            # The last block: its label's merge tells how far it goes, or else the last row in use.
            bottoms = [m.bottom for m in sheet.merges if m.top == above[1]]
            below = (area.bottom + 1, max(bottoms, default=last) + 1)
        extra = (below[1] - above[1]) - (below[0] - above[0])
        within = sum(n for row, n in grown.items() if above[0] <= row < below[0])
        grown[area.bottom] = extra - within
    return grown


def changes(layout: FormLayout, sheet: Sheet, rows: Rows) -> Iterator[Fault]:
    """Every cell, merge, row or column in which the received form differs from the blank."""
    for _, area in layout.growing:
        missing = -rows.grown.get(area.bottom, 0)
        if missing > 0:
            place = Place(sheet.name, cell_name(rows.start(area.top), area.left))
            yield Fault(
                "layout",
                f"删除了 {missing} 行官方表格行",
                place,
                expected=f"至少 {area.bottom - area.top + 1} 行",
            )
    moved = layout.static
    if rows.grown:
        moved = {(rows.start(row), column): text for (row, column), text in moved.items()}
    for (row, column), text in moved.items():
        found = sheet[row, column].text
        if found != text and squeeze(found) != squeeze(text):
            place = Place(sheet.name, cell_name(row, column))
            yield Fault("layout", "官方文字被改动", place, found=found, expected=text)
    inputs = _inputs(layout, rows)
    for (row, column), cell in sheet.cells.items():
        if cell.text and (row, column) not in moved and (row, column) not in inputs:
            if column > layout.right and is_mark(cell.text):
                continue
            yield Fault(
                "layout",
                "表格以外或锁定格内多了文字",
                Place(sheet.name, cell_name(row, column)),
                found=cell.text,
            )
    yield from _merges(layout, sheet, rows)


def _inputs(layout: FormLayout, rows: Rows) -> frozenset[tuple[int, int]] | set[tuple[int, int]]:
    if not rows.grown:
        return layout.inputs
    cells: set[tuple[int, int]] = set()
    for blank in (*layout.fields.values(), *layout.blocks.values()):
        area = rows.area(blank)
        for row in range(area.top, area.bottom + 1):
            cells.update((row, column) for column in range(area.left, area.right + 1))
    return cells


def _merges(layout: FormLayout, sheet: Sheet, rows: Rows) -> Iterator[Fault]:
    expected = layout.merges(rows)
    if expected == sheet.merges:
        return
    added = [rows.area(area) for _, area in layout.growing if rows.grown.get(area.bottom, 0) > 0]
    for area in sorted(expected - sheet.merges):
        if _torn_by_insertion(sheet, area, added):
            continue
        yield _merge_fault(sheet, area, "合并单元格被拆开", expected=str(area))
    for area in sorted(sheet.merges - expected):
        # Merging inside rows that an accountant added is no change of the official part.
        if area.top == area.bottom and any(a.top <= area.top <= a.bottom for a in added):
            continue
        yield _merge_fault(sheet, area, "多了合并单元格", found=str(area))


def _torn_by_insertion(sheet: Sheet, area: Area, added: list[Area]) -> bool:
    """LibreOffice takes a label's merge apart when rows are inserted into it on a protected sheet."""
    return (
        area.bottom > area.top
        and any(a.top <= area.bottom and area.top <= a.bottom for a in added)
        and not any(
            sheet[row, column].text
            for row in range(area.top, area.bottom + 1)
            for column in range(area.left, area.right + 1)
            if (row, column) != (area.top, area.left)
        )
    )


def _merge_fault(sheet: Sheet, area: Area, detail: str, found: str = "", expected: str = "") -> Fault:
    return Fault(
        "layout", detail, Place(sheet.name, cell_name(area.top, area.left)), found=found, expected=expected
    )
