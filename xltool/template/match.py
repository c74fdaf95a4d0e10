"""A received sheet held against the blank: which form it is, how its rows grew, what was changed.

Names say where the answers stand. Where names were lost or bent, the official text does: the rows
of the blank are aligned with the received rows by their labels.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Set

from xltool.files.table_habits import unspaced
from xltool.model import Fault, FaultKind, Place
from xltool.results_sheet.marks import is_mark
from xltool.template.align import MOST_ROWS, align
from xltool.template.layout import FormLayout, GrownRows
from xltool.xlsx.grid import BLANK, Sheet
from xltool.xlsx.references import Area, cell_name

# Less than this share of the labels above the indicators: a sheet of another kind.
_FEW = 0.25


def likeness(layout: FormLayout, sheet: Sheet) -> float:
    """How much of the form this sheet has, from 0 to 1: by its names, or by its official text."""
    named = sum(1 for label in layout.areas if label in sheet.names) / len(layout.areas)
    if named == 1:
        return 1.0
    texts = {unspaced(cell.text) for cell in sheet.cells.values() if cell.text}
    # A list of indicators has the categories of every form; only a form has the labels above them
    # too.
    if len(layout.above & texts) < _FEW * len(layout.above):
        return named
    official = {unspaced(text) for text in layout.static.values()}
    return max(named, len(official & texts) / len(official))


def locate(layout: FormLayout, sheet: Sheet) -> tuple[GrownRows, list[Fault]]:
    """Where the rows of the form stand in this sheet; faults where names were lost or bent.

    The names lead where they agree among themselves and the official text does not contradict them,
    else that text does. Where neither is sure there is a fault LOST, and nothing can be read.
    """
    if layout.names.items() <= sheet.names.items() and sheet.merges == layout.sheet.merges:
        rows = layout.rows()
        lost: list[str] = []
    else:
        rows, lost = _by_names(layout, sheet)
    edited = dict(_edited(layout, sheet, rows))
    if not lost and not _left_behind(sheet, edited):
        # Columns moved and the names did not.
        sure = len(edited) <= _SURE * len(layout.static)
        return rows, [] if sure else [_nowhere(sheet)]
    aligned = align(layout, sheet)
    still = len(list(_edited(layout, sheet, aligned)))
    if not lost:
        # Rows moved and the names did not, as tools do that know no names.
        if still >= len(edited):
            return rows, [_nowhere(sheet)]
        lost = [
            label
            for label, blank in layout.areas.items()
            if aligned.area(blank) != rows.area(blank)
        ]
    if still > _SURE * len(layout.static):
        return rows, [_nowhere(sheet)]
    detail = f"定义名称缺失或移位（{'、'.join(lost[:5])}{'等' if len(lost) > 5 else ''}），已按表中文字找到各栏"
    return aligned, [Fault(FaultKind.NAMES, detail, Place(sheet.name, ""), found="、".join(lost))]


# With a larger share of the official text out of place it leads nowhere.
_SURE = 1 / 3


def _nowhere(sheet: Sheet) -> Fault:
    reason = "行列被移动、增删或改写，名称和文字都认不出各栏在哪里，这张表没有读取"
    return Fault(FaultKind.LOST, reason, Place(sheet.name, ""))


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
    lost = _astray(layout, sheet, rows)
    followed = _followed(layout, sheet, rows) if lost else None
    if followed is not None and not _astray(layout, sheet, followed):
        return followed, []
    return rows, lost


def _astray(layout: FormLayout, sheet: Sheet, rows: GrownRows) -> list[str]:
    return [
        label
        for label, blank in layout.areas.items()
        if not stands(rows, blank, sheet.names[label])
    ]


def _followed(layout: FormLayout, sheet: Sheet, rows: GrownRows) -> GrownRows | None:
    """The same rows with others put in or taken out as all names tell; None where they disagree.

    A row behind a block may be meant for it: that is left to the official text.
    """
    blocks = {area.bottom for area in layout.blocks.values()}
    pushed: dict[int, int] = {}
    gone: set[int] = set()
    above = now = total = 0
    tops = {blank.top: sheet.names[label] for label, blank in layout.areas.items()}
    for top, area in sorted(tops.items()):
        assert area is not None
        extra = area.top - rows.start(top) - total
        if area.top <= now or (extra and top - 1 in blocks):
            return None
        total += extra
        if extra:
            first = top  # rows without a name go with it where their text does
            while first - 1 > above and _says(
                layout, sheet, first - 1, rows.start(first - 1) + total
            ):
                first -= 1
            pushed[first] = extra
            if extra < 0:
                gone |= set(range(above + 1, first))
        above, now = top, area.top
    return GrownRows(rows.grown, layout.last_row, pushed, frozenset(gone)) if pushed else None


def _says(layout: FormLayout, sheet: Sheet, blank: int, row: int) -> bool:
    """Whether the official text of a row of the blank stands in this row."""
    texts = [(column, text) for (r, column), text in layout.static.items() if r == blank]
    return all(unspaced(sheet[row, column].text) == unspaced(text) for column, text in texts)


def _edited(
    layout: FormLayout, sheet: Sheet, rows: GrownRows
) -> Iterator[tuple[tuple[int, int], str]]:
    """Where official text should stand and doesn't."""
    cells, grown, official = sheet.cells, not rows.as_blank, layout.official
    if grown:
        starts = rows.starts
        official = {(starts[row], column): cell for (row, column), cell in official.items()}
    # Where rows are missing, two texts may have one place: then each is looked at.
    if len(official) == len(layout.official) and official.items() <= cells.items():
        return
    for at, text in layout.static.items():
        if grown:
            if at[0] in rows.gone:
                continue  # the missing rows are said as such
            at = rows.start(at[0]), at[1]
        received = cells.get(at, BLANK).text
        if received != text and unspaced(received) != unspaced(text):
            yield at, text


def _left_behind(sheet: Sheet, edited: Mapping[tuple[int, int], str]) -> bool:
    """Most of the labels that are not in their place stand elsewhere in the same column."""
    if len(edited) < _SEVERAL:
        return False
    texts = {
        (column, unspaced(cell.text)) for (_, column), cell in sheet.cells.items() if cell.text
    }
    return 2 * sum((column, unspaced(text)) in texts for (_, column), text in edited.items()) > len(
        edited
    )


def stands(rows: GrownRows, blank: Area, received: Area | None) -> bool:
    """Whether a name leads where it should; for a merged cell its first cell will do."""
    expected = rows.area(blank)
    return (
        received is not None
        and received[:2] == expected[:2]
        and (received == expected or received[2:] == received[:2])
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
    yield from _moved_rows(layout, sheet, rows)
    for at, text in _edited(layout, sheet, rows):
        place = Place(sheet.name, cell_name(*at))
        yield Fault(FaultKind.LAYOUT, "官方文字被改动", place, found=sheet[at].text, expected=text)
    yield from _stray(layout, sheet, rows)
    if rows.pushed:
        return  # merges were torn or stretched with the rows, which is said
    if rows.grown and sheet.merges == layout.sheet.merges:
        yield Fault(FaultKind.LAYOUT, "加减了行，合并单元格没有跟着移动", Place(sheet.name, ""))
        return
    yield from _some(_merges(layout, sheet, rows), Place(sheet.name, ""))


# As many labels out of place at once: rows may have moved.
_SEVERAL = 3
# More of one kind of fault than this help nobody.
_SHOWN = 50


def _moved_rows(layout: FormLayout, sheet: Sheet, rows: GrownRows) -> Iterator[Fault]:
    """Rows added to or taken from the official part, each place once: what stands in the new ones,
    and which answers nobody can tell any more."""
    unread = _unread(layout, rows)
    for below, extra in rows.pushed.items():
        row = rows.start(below)
        texts = [text for (r, _), text in sorted(layout.static.items()) if r >= below]
        where = f"“{' '.join(texts[0].split())[:20]}”一行（第 {row} 行）之前" if texts else "末尾"
        sentence = f"官方表格{where}{'多了' if extra > 0 else '少了'} {abs(extra)} 行"
        added = range(row - extra, row)
        inside = [c.text for (r, _), c in sorted(sheet.cells.items()) if r in added and c.text]
        if inside:
            sentence += f"，写着“{' '.join(' '.join(inside).split())[:60]}”"
        above = max((r for r in rows.pushed if r < below), default=0)
        if lost := [label for top, label in unread.items() if above <= top < below]:
            sentence += f"，认不出这些栏在哪里，没有读取：{'、'.join(lost)}"
        unread = {top: label for top, label in unread.items() if label not in lost}
        yield Fault(
            FaultKind.ROWS, sentence, Place(sheet.name, cell_name(min(row, row - extra), 1))
        )
    if unread:
        sentence = f"行被增删，认不出这些栏在哪里，没有读取：{'、'.join(unread.values())}"
        yield Fault(FaultKind.ROWS, sentence, Place(sheet.name, ""))


def _unread(layout: FormLayout, rows: GrownRows) -> dict[int, str]:
    """The fields and blocks whose rows can't be told any more: their labels by template row."""
    named = [(layout.fields[field.id].top, field.label) for field in layout.spec.field]
    named += [(layout.blocks[block.id].top, block.label) for block in layout.spec.indicators.block]
    labels: dict[int, str] = {}
    for top, label in named if rows.gone else ():
        if top in rows.gone:
            labels[top] = f"{labels[top]}、{label}" if top in labels else label
    return labels


def _stray(layout: FormLayout, sheet: Sheet, rows: GrownRows) -> Iterator[Fault]:
    """Texts where the form has nothing; our own marks beside it are none."""
    stray = sheet.cells.keys() - _used_cells(layout, rows)
    if stray:
        yield from _some(_stray_texts(layout, sheet, stray), Place(sheet.name, ""))


def _stray_texts(layout: FormLayout, sheet: Sheet, stray: Set[tuple[int, int]]) -> Iterator[Fault]:
    for at, cell in sheet.cells.items():
        if at not in stray or not cell.text:
            continue
        if at[1] > layout.right and is_mark(cell.text):
            continue
        place = Place(sheet.name, cell_name(*at))
        yield Fault(FaultKind.LAYOUT, "表格以外或锁定格内多了文字", place, found=cell.text)


def _some(faults: Iterable[Fault], sheet: Place) -> Iterator[Fault]:
    """The first of many faults of one kind, and how many more there are."""
    faults = iter(faults)
    yield from itertools.islice(faults, _SHOWN)
    if first := next(faults, None):
        yield Fault(
            FaultKind.LAYOUT, f"{first.detail}：另有 {1 + sum(1 for _ in faults)} 处没有列出", sheet
        )


def _used_cells(layout: FormLayout, rows: GrownRows) -> Set[tuple[int, int]]:
    """Every cell where something may stand: official text, or an answer."""
    if rows.as_blank:
        return layout.used_cells
    starts, ends = rows.starts, rows.ends
    cells = {(starts[row], column) for row, column in layout.static}
    for top, left, bottom, right in (*layout.fields.values(), *layout.blocks.values()):
        cells.update(
            itertools.product(range(starts[top], ends[bottom] + 1), range(left, right + 1))
        )
    for row, extra in rows.pushed.items():  # what stands in a new row is said with it
        new = range(starts[row] - extra, starts[row])
        cells.update(itertools.product(new, range(1, layout.last_column + 1)))
    return cells


def _merges(layout: FormLayout, sheet: Sheet, rows: GrownRows) -> Iterator[Fault]:
    expected = layout.merges(rows)
    if expected == sheet.merges:
        return
    # Who adds rows by hand does not make one cell of the label beside them.
    labels = layout.labels_grown(rows)
    added = [rows.area(area) for _, area in layout.growing if rows.grown.get(area.bottom, 0) > 0]
    for area in sorted(expected - sheet.merges):
        if area in labels or _torn_by_insertion(sheet, area, added):
            continue
        yield _merge_fault(sheet, area, "合并单元格被拆开", expected=str(area))
    for area in sorted(sheet.merges - expected):
        # Merging inside rows that an accountant added is no change of the official part.
        if area.top == area.bottom and any(a.top <= area.top <= a.bottom for a in added):
            continue
        yield _merge_fault(sheet, area, "多了合并单元格", found=str(area))


def _torn_by_insertion(sheet: Sheet, area: Area, added: list[Area]) -> bool:
    """LibreOffice takes a label's merge apart when rows are inserted into it on a
    protected sheet."""
    if area.bottom <= area.top:
        return False
    if not any(a.top <= area.bottom and area.top <= a.bottom for a in added):
        return False
    rows, columns = range(area.top, area.bottom + 1), range(area.left, area.right + 1)
    others = set(itertools.product(rows, columns)) - {(area.top, area.left)}
    return not any(sheet[at].text for at in others)


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
