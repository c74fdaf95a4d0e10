"""A received sheet held against the blank: which form it is, how its rows grew, what was changed.

Names say where the answers stand. Where names were lost or bent, the official text does: the rows
of the blank are aligned with the received rows by their labels.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Set

from xltool.model import Fault, FaultKind, Place
from xltool.results_sheet.marks import is_mark
from xltool.template.align import MOST_ROWS, align, match, moved, squeeze
from xltool.template.layout import FormLayout, GrownRows
from xltool.xlsx.grid import BLANK, Sheet
from xltool.xlsx.references import Area, cell_name


def likeness(layout: FormLayout, sheet: Sheet) -> float:
    """How much of the form this sheet has, from 0 to 1: by its names, or by its official text."""
    named = sum(1 for label in layout.areas if label in sheet.names) / len(layout.areas)
    if named == 1:
        return 1.0
    texts = {squeeze(cell.text) for cell in sheet.cells.values() if cell.text}
    official = {squeeze(text) for text in layout.static.values()}
    return max(named, len(official & texts) / len(official))


def locate(layout: FormLayout, sheet: Sheet) -> tuple[GrownRows, list[Fault]]:
    """How the rows of the form grew in this sheet; faults where names were lost or bent."""
    if layout.names.items() <= sheet.names.items() and sheet.merges == layout.sheet.merges:
        rows = layout.rows()
        lost: list[str] = []
    else:
        rows, lost = _by_names(layout, sheet)
    if not lost and not _left_behind(sheet, dict(_edited(layout, sheet, rows))):
        return rows, []
    aligned = align(layout, sheet)
    if not lost:
        # Rows moved and the names did not, as tools do that know no names.
        if len(list(_edited(layout, sheet, aligned))) >= len(list(_edited(layout, sheet, rows))):
            return rows, []
        lost = [
            label
            for label, blank in layout.areas.items()
            if aligned.area(blank) != rows.area(blank)
        ]
    detail = f"定义名称缺失或移位（{'、'.join(lost[:5])}{'等' if len(lost) > 5 else ''}），已按表中文字找到各栏"
    return aligned, [Fault(FaultKind.NAMES, detail, Place(sheet.name, ""), found="、".join(lost))]


def _by_names(layout: FormLayout, sheet: Sheet) -> tuple[GrownRows, list[str]]:
    """How the rows grew as the names tell, and the names that are lost or lead elsewhere."""
    lost = [label for label in layout.areas if sheet.names.get(label) is None]
    if lost:
        return layout.rows(), lost
    grown: dict[int, int] = {}
    text = set(layout.fields.values())
    for label, blank in layout.growing:
        area = sheet.names[label]
        assert area is not None
        if blank in text:
            area = sheet.whole(area)
        grown[blank.bottom] = (area.bottom - area.top) - (blank.bottom - blank.top)
    if sum(grown.values()) > MOST_ROWS:
        return layout.rows(), list(layout.areas)
    rows = layout.rows(grown)
    return rows, [
        label
        for label, blank in layout.areas.items()
        if not stands(rows, blank, sheet.names[label])
    ]


def _edited(
    layout: FormLayout, sheet: Sheet, rows: GrownRows
) -> Iterator[tuple[tuple[int, int], str]]:
    """Where official text should stand and doesn't."""
    cells, grown, official = sheet.cells, rows.grown, layout.official
    if grown:
        starts = rows.starts
        official = {(starts[row], column): cell for (row, column), cell in official.items()}
    # Where rows are missing, two texts may have one place: then each is looked at.
    if len(official) == len(layout.official) and official.items() <= cells.items():
        return
    for at, text in layout.static.items():
        if grown:
            at = rows.start(at[0]), at[1]
        found = cells.get(at, BLANK).text
        if found != text and squeeze(found) != squeeze(text):
            yield at, text


def _left_behind(sheet: Sheet, edited: Mapping[tuple[int, int], str]) -> bool:
    """Most of the labels that are not in their place stand elsewhere in the same column."""
    if len(edited) < _SEVERAL:
        return False
    texts = {(column, squeeze(cell.text)) for (_, column), cell in sheet.cells.items() if cell.text}
    return 2 * sum((column, squeeze(text)) in texts for (_, column), text in edited.items()) > len(
        edited
    )


def stands(rows: GrownRows, blank: Area, found: Area | None) -> bool:
    """Whether a name leads where it should; for a merged cell its first cell will do."""
    expected = rows.area(blank)
    return (
        found is not None
        and found[:2] == expected[:2]
        and (found == expected or found[2:] == found[:2])
    )


def changes(layout: FormLayout, sheet: Sheet, rows: GrownRows) -> Iterator[Fault]:
    """Every cell, merge, row or column in which the received form differs from the blank."""
    for _, area in layout.growing:
        missing = -rows.grown.get(area.bottom, 0)
        if missing > 0:
            place = Place(sheet.name, cell_name(rows.start(area.top), area.left))
            yield Fault(
                FaultKind.LAYOUT,
                f"删除了 {missing} 行官方表格行",
                place,
                expected=f"至少 {area.bottom - area.top + 1} 行",
            )
    edited = dict(_edited(layout, sheet, rows))
    if _left_behind(sheet, edited) and (told := _moved_rows(layout, sheet)):
        yield from told
        return
    for at, text in edited.items():
        place = Place(sheet.name, cell_name(*at))
        yield Fault(FaultKind.LAYOUT, "官方文字被改动", place, found=sheet[at].text, expected=text)
    yield from _stray(layout, sheet, rows)
    if rows.grown and sheet.merges == layout.sheet.merges:
        yield Fault(FaultKind.LAYOUT, "加减了行，合并单元格没有跟着移动", Place(sheet.name, ""))
        return
    yield from _some(_merges(layout, sheet, rows), Place(sheet.name, ""))


# As many labels out of place at once: rows may have moved.
_SEVERAL = 3
# More of one kind of fault than this help nobody.
_SHOWN = 50


def _moved_rows(layout: FormLayout, sheet: Sheet) -> list[Fault]:
    """Rows added to or taken from the official part, each place once; empty where none were."""
    found = match(layout, sheet)
    faults = []
    for above, row, extra in moved(layout, found):
        label = next(text for (r, _), text in sorted(layout.static.items()) if r == above)
        where = f"“{' '.join(label.split())[:20]}”一行（第 {row} 行）之前"
        said = f"官方表格{where}{'多了' if extra > 0 else '少了'} {abs(extra)} 行"
        faults.append(Fault(FaultKind.ROWS, said, Place(sheet.name, cell_name(row, 1))))
    return faults


def _stray(layout: FormLayout, sheet: Sheet, rows: GrownRows) -> Iterator[Fault]:
    """Texts where the form has nothing; our own marks beside it are none."""
    stray = sheet.cells.keys() - _known(layout, rows)
    if stray:
        yield from _some(
            (
                Fault(
                    FaultKind.LAYOUT,
                    "表格以外或锁定格内多了文字",
                    Place(sheet.name, cell_name(*at)),
                    found=cell.text,
                )
                for at, cell in sheet.cells.items()
                if at in stray and cell.text and not (at[1] > layout.right and is_mark(cell.text))
            ),
            Place(sheet.name, ""),
        )


def _some(faults: Iterable[Fault], sheet: Place) -> Iterator[Fault]:
    """The first of many faults of one kind, and how many more there are."""
    faults = iter(faults)
    yield from itertools.islice(faults, _SHOWN)
    if first := next(faults, None):
        yield Fault(
            FaultKind.LAYOUT, f"{first.detail}：另有 {1 + sum(1 for _ in faults)} 处没有列出", sheet
        )


def _known(layout: FormLayout, rows: GrownRows) -> Set[tuple[int, int]]:
    """Every cell where something may stand: official text, or an answer."""
    if not rows.grown:
        return layout.known
    starts, ends = rows.starts, rows.ends
    cells = {(starts[row], column) for row, column in layout.static}
    for top, left, bottom, right in (*layout.fields.values(), *layout.blocks.values()):
        cells.update(
            itertools.product(range(starts[top], ends[bottom] + 1), range(left, right + 1))
        )
    return cells


def _merges(layout: FormLayout, sheet: Sheet, rows: GrownRows) -> Iterator[Fault]:
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


def _merge_fault(
    sheet: Sheet, area: Area, detail: str, found: str = "", expected: str = ""
) -> Fault:
    return Fault(
        FaultKind.LAYOUT,
        detail,
        Place(sheet.name, cell_name(area.top, area.left)),
        found=found,
        expected=expected,
    )
