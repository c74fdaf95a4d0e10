"""One form's answers put into its sheet:
cells, rows that grow, heights at which all can be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from html import escape
from typing import NamedTuple

from xltool.editions.declaration import Field
from xltool.errors import XltoolError
from xltool.filling.compile import Blank, SheetPattern, Slot, height_piece
from xltool.filling.page_breaks import is_broken, is_squeezed, page_breaks, row_breaks
from xltool.model import NOTHING, Entry, Form
from xltool.money import plain
from xltool.template.layout import FormLayout, GrownRows
from xltool.xlsx.cell_text import MAX_TEXT, too_long
from xltool.xlsx.row_height import HIGHEST, line_count
from xltool.xlsx.shared_parts import SPECIAL, armour

MAX_DIGITS = 15  # significant digits of a stored number


class FillError(XltoolError):
    """A filing that can't be written as it is; nothing was written."""


class Growth(NamedTuple):
    """A form's rows, so many that each indicator has one and every long text room; and of the long
    texts (by field id) how high each of their rows must be."""

    rows: GrownRows
    heights: dict[str, float]


def growth(pattern: SheetPattern, form: Form) -> Growth:
    """How the form's rows must grow."""
    layout = pattern.layout
    grown: dict[int, int] = {}
    heights: dict[str, float] = {}
    for field, slot, there, last in pattern.long_texts:
        need = height_of(_text_of(field, form.entries.get(field.id, NOTHING)), slot)
        heights[field.id] = 0.0
        if need > sum(there):
            count = max(len(there), -int(-need // (HIGHEST - 9)))
            grown[last] = count - len(there)
            heights[field.id] = min(HIGHEST, round(need / count, 2))
    counts: dict[str, int] = {}
    for indicator in form.indicators:
        counts[indicator.block] = counts.get(indicator.block, 0) + 1
    for block, count in counts.items():
        if block not in layout.blocks:
            raise FillError(f"版式里没有指标类别“{block}”")
        top, _, bottom, _ = layout.blocks[block]
        if count > bottom - top + 1:
            grown[bottom] = count - (bottom - top + 1)
    return Growth(layout.rows(grown), heights)


def fill_sheet(
    pattern: SheetPattern, form: Form, locked: Mapping[str, str]
) -> tuple[GrownRows, bytes]:
    """One form as sheet XML, and how its rows grew.
    `locked`: field id → style of its locked cell."""
    layout = pattern.layout
    rows, heights = growth(pattern, form)
    blank = pattern.blank(rows)
    pieces = blank.pieces[:]
    needs: dict[int, float] = {}  # the heights that rows need
    for place, field, (number, slot) in blank.fields:
        entry = form.entries.get(field.id, NOTHING)
        if entry.value is None and not entry.text:
            continue
        if field.id in locked:
            slot = replace(slot, style=locked[field.id])
        pieces[number] = _answer(field, entry, slot)
        if field.id in heights:
            area = layout.fields[field.id]
            needs |= dict.fromkeys(range(place, rows.end(area.bottom) + 1), heights[field.id])
        elif not isinstance(entry.value, Decimal):
            need = height_of(_text_of(field, entry), slot)
            needs[place] = max(need, needs.get(place, 0.0))
    _put_indicators(pieces, needs, blank, form, layout)
    points = [*blank.points]
    for place, need in needs.items():
        number, height = blank.heights[place]
        if need > height:
            pieces[number] = height_piece(need)
            points[place - 1] = need
    above, below, behind = pattern.frame(rows)
    breaks = b""
    total = sum(points)
    if is_squeezed(total, pattern.page):
        below = below.replace(b'fitToHeight="0"', b'fitToHeight="1"', 1)
    elif behind and is_broken(total, pattern.page):
        breaks = row_breaks(page_breaks(blank.kept, points, pattern.page))
    data = (above, b"<sheetData>", *pieces, b"</sheetData>", below, breaks, behind)
    return rows, b"".join(data)


def _put_indicators(
    pieces: list[bytes], needs: dict[int, float], blank: Blank, form: Form, layout: FormLayout
) -> None:
    """Put the indicators into the pieces of a sheet, each into the next row of its block, and the
    height that each needs to the needs of the rows."""
    free = {block: iter(lines) for block, lines in blank.blocks.items()}
    for indicator in form.indicators:
        place, inputs = next(free[indicator.block])
        highest = 0.0
        for id_, (number, slot) in zip(layout.columns, inputs, strict=True):
            if text := indicator.cells.get(id_, NOTHING).said:
                pieces[number] = _text_cell(slot, text, "指标")
                if (need := height_of(text, slot)) > highest:
                    highest = need
            else:
                pieces[number] = slot.bare.encode()
        needs[place] = highest


def _answer(field: Field, entry: Entry, slot: Slot) -> bytes:
    """A field's cell."""
    value = entry.value
    if isinstance(value, Decimal):
        digits = plain(value)
        if len(digits.replace("-", "").replace(".", "").strip("0")) > MAX_DIGITS:
            raise FillError(f"{field.label} {digits} 超过 {MAX_DIGITS} 位有效数字，Excel 存不下")
        return slot.number(digits).encode()
    return _text_cell(slot, _text_of(field, entry), field.label)


def _text_of(field: Field, entry: Entry) -> str:
    """What stands in a field's cell."""
    return field.pattern.format(entry.said) if field.pattern else entry.said


def _text_cell(slot: Slot, text: str, label: str) -> bytes:
    """A text's cell."""
    if too_long(text):
        raise FillError(f"{label}超过 {MAX_TEXT} 字，一个单元格放不下")
    if SPECIAL.search(text):
        if _HALF.search(text):
            raise FillError(f"{label}里有残缺的字（半个编码），写不进工作簿，请重新输入")
        text = escape(armour(text), quote=False)
    return slot.text(text).encode()


_HALF = re.compile("[\ud800-\udfff]")


def height_of(text: str, slot: Slot) -> float:
    """The points at which all of a text can be read in the width of its cell."""
    return line_count(text, slot.room) * slot.line + 4
