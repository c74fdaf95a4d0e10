"""One form's answers put into its sheet: cells, rows that grow, heights at which all can be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from html import escape

from xltool.edition import Field
from xltool.model import Entry, Form, XltoolError
from xltool.money import plain
from xltool.template.compile import SheetPattern, Slot
from xltool.template.layout import Rows
from xltool.template.shifting import ROW

MAX_TEXT = 32_767  # characters in a cell
MAX_HEIGHT = 409.0  # points; no row can be higher
MAX_DIGITS = 15  # significant digits of a stored number
# A form that runs over its page by no more than this share is printed a little smaller instead.
_SQUEEZE = 1.2


class FillError(XltoolError):
    """A filing that can't be written as it is; nothing was written."""


Line = tuple[dict[int, str], float]  # an indicator row: its cells by column, the height it needs


def fill_sheet(pattern: SheetPattern, form: Form, locked: Mapping[str, str]) -> tuple[Rows, str]:
    """One form as sheet XML, and how its rows grew. `locked`: field id → style of its locked cell."""
    layout = pattern.layout
    lines: dict[str, list[Line]] = {id_: [] for id_ in layout.blocks}
    for indicator in form.indicators:
        if indicator.block not in lines:
            raise FillError(f"版式里没有指标类别“{indicator.block}”")
        block = lines[indicator.block]
        area = layout.blocks[indicator.block]
        slots = pattern.rows[min(area.top + len(block), area.bottom)].slots
        block.append(_indicator(slots, layout.columns, indicator.cells))
    answers: dict[int, dict[int, str]] = {}  # template row → column → cell XML
    heights: dict[int, float] = {}
    grown: dict[int, int] = {}
    for field in layout.spec.field:
        entry = form[field.id]
        if entry.value is None and not entry.text:
            continue
        area = layout.fields[field.id]
        slot = pattern.rows[area.top].slots[area.left]
        if field.id in locked:
            slot = replace(slot, style=locked[field.id])
        cell, need = _answer(field, entry, slot)
        answers.setdefault(area.top, {})[area.left] = cell
        if field.kind == "long":
            least = sum([pattern.rows[row].height for row in range(area.top, area.bottom + 1)])
            heights[area.top], grown[area.bottom] = _spread(need, least, area.bottom - area.top + 1)
        elif need > heights.get(area.top, 0.0):
            heights[area.top] = need
    for id_, area in layout.blocks.items():
        grown[area.bottom] = max(0, len(lines[id_]) - (area.bottom - area.top + 1))
    rows = layout.rows(grown)
    return rows, _xml(
        pattern, rows, answers, heights, {layout.blocks[id_].top: block for id_, block in lines.items()}
    )


_NO_CELLS: dict[int, str] = {}
_UNUSED: Line = (_NO_CELLS, 0.0)


def _xml(
    pattern: SheetPattern,
    rows: Rows,
    answers: Mapping[int, dict[int, str]],
    heights: Mapping[int, float],
    lines: Mapping[int, list[Line]],
) -> str:
    block_at = pattern.layout.block_at
    body: list[str] = []
    total = 0.0
    for number, row in pattern.rows.items():
        block = block_at.get(number)
        first = rows.start(number)
        for n in range(rows.grown.get(number, 0) + 1):
            if block is None:
                cells, height = (_NO_CELLS if n else answers.get(number, _NO_CELLS)), heights.get(number, 0.0)
            else:
                filled, index = lines[block.top], number - block.top + n
                cells, height = filled[index] if index < len(filled) else _UNUSED
            height = max(row.height, height)
            total += height
            body.append(row.render(first + n, cells, height, copy=n > 0))
    above, below = pattern.around(rows)
    if pattern.page < total <= pattern.page * _SQUEEZE:
        below = below.replace('fitToHeight="0"', 'fitToHeight="1"', 1)
    return f"{above}<sheetData>{''.join(body)}</sheetData>{below}"


def _answer(field: Field, entry: Entry, slot: Slot) -> tuple[str, float]:
    """A field's cell, and the height it needs."""
    value = entry.value
    if isinstance(value, Decimal):
        digits = plain(value)
        if len(digits.replace("-", "").replace(".", "").strip("0")) > MAX_DIGITS:
            raise FillError(f"{field.label} {digits} 超过 {MAX_DIGITS} 位有效数字，Excel 存不下")
        return f'<c r="{slot.letter}{ROW}" s="{slot.style}"><v>{digits}</v></c>', 0.0
    text = entry.said
    if field.pattern:
        text = field.pattern.format(text)
    return _text_cell(slot, text, field.label), height_of(text, slot)


def _indicator(slots: Mapping[int, Slot], columns: Mapping[str, int], cells: Mapping[str, Entry]) -> Line:
    filled: dict[int, str] = {}
    height = 0.0
    for id_, column in columns.items():
        slot, entry = slots[column], cells.get(id_)
        text = "" if entry is None else entry.said
        if text:
            filled[column] = _text_cell(slot, text, "指标")
            height = max(height, height_of(text, slot))
        else:
            filled[column] = f'<c r="{slot.letter}{ROW}" s="{slot.style}"/>'
    return filled, height


def _text_cell(slot: Slot, text: str, label: str) -> str:
    # Excel counts UTF-16 units, of which a character has two at most.
    if len(text) > MAX_TEXT // 2 and len(text.encode("utf-16-le", "surrogatepass")) // 2 > MAX_TEXT:
        raise FillError(f"{label}超过 {MAX_TEXT} 字，一个单元格放不下")
    if _SPECIAL.search(text):
        text = escape(armour(text), quote=False)
    return (
        f'<c r="{slot.letter}{ROW}" s="{slot.style}" t="inlineStr">'
        f'<is><t xml:space="preserve">{text}</t></is></c>'
    )


_SPECIAL = re.compile("[&<>\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]|_x")
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]|_(?=x[0-9A-Fa-f]{4}_)")


def armour(text: str) -> str:
    """Text with what XML can't hold written `_xHHHH_`, as Excel does."""
    return _UNSAFE.sub(lambda m: f"_x{ord(m[0]):04X}_", text)


def height_of(text: str, slot: Slot) -> float:
    """The points at which all of a text can be read in the width of its cell."""
    if 2 * len(text) <= slot.room and "\n" not in text:
        return slot.line + 4
    lines = 0
    for line in text.split("\n"):
        # In UTF-8 a wide character takes three bytes: half of what is more than one each.
        wide = (len(line.encode("utf-8", "surrogatepass")) - len(line)) / 2
        lines += max(1, -int(-(len(line) + wide) // slot.room))
    return lines * slot.line + 4


def _spread(need: float, least: float, there: int) -> tuple[float, int]:
    """A long text's height over its rows: (height of each row, rows added). No row may exceed 409 points."""
    count = max(there, -int(-need // (MAX_HEIGHT - 9)))
    if count == there and need <= least:
        return 0.0, 0
    return min(MAX_HEIGHT, round(need / count, 2)), count - there
