"""One form's answers put into its sheet: cells, rows that grow, heights at which all can be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from html import escape

from xltool.edition import Field
from xltool.model import NOTHING, Entry, Form, XltoolError
from xltool.money import plain
from xltool.template.compile import SheetPattern, Slot, height_attribute
from xltool.template.layout import Rows

MAX_TEXT = 32_767  # characters in a cell
MAX_HEIGHT = 409.0  # points; no row can be higher
MAX_DIGITS = 15  # significant digits of a stored number
# A form that runs over its page by no more than this share is printed a little smaller instead.
_SQUEEZE = 1.2


class FillError(XltoolError):
    """A filing that can't be written as it is; nothing was written."""


Answers = tuple[dict[int, str], float]  # of a row: its cells by column, the height they need
_NONE: Answers = ({}, 0.0)


def fill_sheet(pattern: SheetPattern, form: Form, locked: Mapping[str, str]) -> tuple[Rows, str]:
    """One form as sheet XML, and how its rows grew. `locked`: field id → style of its locked cell."""
    layout = pattern.layout
    grown: dict[int, int] = {}
    # What is said in a template row, and in the rows added below it.
    said: dict[int, list[Answers]] = {}
    entries = form.entries
    for field in layout.spec.field:
        entry = entries.get(field.id)
        if entry is None or (entry.value is None and not entry.text):
            continue
        area = layout.fields[field.id]
        slot = pattern.rows[area.top].slots[area.left]
        if field.id in locked:
            slot = replace(slot, style=locked[field.id])
        cell, need = _answer(field, entry, slot)
        cells, height = said.get(area.top, [({}, 0.0)])[0]
        cells[area.left] = cell
        said[area.top] = [(cells, max(need, height))]
        if field.kind == "long":
            there = [pattern.rows[row].height for row in range(area.top, area.bottom + 1)]
            need, extra = _spread(need, sum(there), len(there))
            said |= {row: [({}, need)] for row in range(area.top, area.bottom + 1)}
            said[area.top][0] = (cells, need)
            said[area.bottom] += [({}, need)] * extra
            grown[area.bottom] = extra
    for block, lines in _indicators(pattern, form).items():
        area = layout.blocks[block]
        for row in range(area.top, area.bottom):
            said[row] = lines[row - area.top : row - area.top + 1]
        said[area.bottom] = lines[area.bottom - area.top :]
        grown[area.bottom] = max(0, len(said[area.bottom]) - 1)
    rows = layout.rows(grown)
    return rows, _xml(pattern, rows, said)


def _indicators(pattern: SheetPattern, form: Form) -> dict[str, list[Answers]]:
    """The indicator rows of each block that has some."""
    layout = pattern.layout
    found: dict[str, list[Answers]] = {}
    for indicator in form.indicators:
        area = layout.blocks.get(indicator.block)
        if area is None:
            raise FillError(f"版式里没有指标类别“{indicator.block}”")
        lines = found.setdefault(indicator.block, [])
        slots = pattern.rows[min(area.top + len(lines), area.bottom)].slots
        cells: dict[int, str] = {}
        height = 0.0
        for id_, column in layout.columns.items():
            text = indicator.cells.get(id_, NOTHING).said
            if text:
                cells[column], need = _text_cell(slots[column], text, "指标")
                if need > height:
                    height = need
            else:
                cells[column] = slots[column].bare
        lines.append((cells, height))
    return found


def _xml(pattern: SheetPattern, rows: Rows, said: Mapping[int, list[Answers]]) -> str:
    body: list[str] = []
    total = 0.0
    for number, row in pattern.rows.items():
        first, added, answers = rows.start(number), rows.grown.get(number, 0), said.get(number, [])
        for n in range(added + 1):
            cells, height = answers[n] if n < len(answers) else _NONE
            xml, blanks, unanswered = row.line(first + n, copy=n > 0)
            if height <= row.height:
                height = row.height
            total += height
            if cells or height != row.height:
                body.append(xml % (height_attribute(height), *(blanks | cells).values()))
            else:
                body.append(unanswered)
    _, above, _, below = pattern.blank(rows)
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
        return slot.number(digits), 0.0
    text = entry.said
    if field.pattern:
        text = field.pattern.format(text)
    return _text_cell(slot, text, field.label)


def _text_cell(slot: Slot, text: str, label: str) -> tuple[str, float]:
    """A text's cell, and the height it needs."""
    # Excel counts UTF-16 units, of which a character has two at most.
    if len(text) > MAX_TEXT // 2 and len(text.encode("utf-16-le", "surrogatepass")) // 2 > MAX_TEXT:
        raise FillError(f"{label}超过 {MAX_TEXT} 字，一个单元格放不下")
    height = height_of(text, slot)
    if _SPECIAL.search(text):
        if _HALF.search(text):
            raise FillError(f"{label}里有残缺的字（半个编码），写不进工作簿，请重新输入")
        text = escape(armour(text), quote=False)
    return slot.text(text), height


_HALF = re.compile("[\ud800-\udfff]")
_SPECIAL = re.compile("[&<>\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]|_x")
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]|_(?=x[0-9A-Fa-f]{4}_)")


def armour(text: str) -> str:
    """Text with what XML can't hold written `_xHHHH_`, as Excel does."""
    return _UNSAFE.sub(lambda m: f"_x{ord(m[0]):04X}_", text)


def height_of(text: str, slot: Slot) -> float:
    """The points at which all of a text can be read in the width of its cell."""
    room, lines = slot.room, 0
    for line in text.split("\n") if "\n" in text else (text,):
        # In UTF-8 a wide character takes three bytes; counted as two: the middle of bytes and letters.
        width = (len(line) + len(line.encode("utf-8", "surrogatepass"))) / 2
        lines += 1 if width <= room else -int(-width // room)
    return lines * slot.line + 4


def _spread(need: float, least: float, there: int) -> tuple[float, int]:
    """A long text's height over its rows: (height of each row, rows added). No row may exceed 409 points."""
    count = max(there, -int(-need // (MAX_HEIGHT - 9)))
    if count == there and need <= least:
        return 0.0, 0
    return min(MAX_HEIGHT, round(need / count, 2)), count - there
