"""A proved workbook as the reader reads it,
without parsing again what the proof has spelled out already.

The proof says which answer stands in which cell; of these cells the reader makes the filing as it
would of a received sheet's. So each answer knows its cell, and what a cell's format hides is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from xltool.editions.declaration import Field
from xltool.filling.compile import Compiled, Slot
from xltool.filling.proof import CUSTOM, ProvedSheet
from xltool.model import NOTHING, Entry, Fault, Filing, Form
from xltool.money import plain
from xltool.reading.reader import active_faults, answers_on, own_properties
from xltool.xlsx.grid import Cell, Sheet
from xltool.xlsx.shared_parts import Styles
from xltool.xlsx.workbook_reader import read_properties


def read_back(
    filing: Filing,
    sheets: Sequence[ProvedSheet],
    parts: Mapping[str, bytes],
    compiled: Compiled,
) -> Filing:
    """The filing in a workbook whose sheets are proved, as the reader gives it."""
    faults = active_faults(compiled.active)
    department, projects = None, []
    for sheet in sheets:
        form = _form(sheet, compiled.styles, faults)
        if form is None:
            continue
        if form.kind != "project":
            department = form
        elif form.answered:
            projects.append(form)
    return Filing(
        edition=compiled.layout.edition.id,
        department=department,
        projects=tuple(projects),
        code=filing.code,
        faults=tuple(faults),
        seal=own_properties(read_properties(parts[CUSTOM])),
    )


def _form(sheet: ProvedSheet, styles: Styles, faults: list[Fault]) -> Form | None:
    """The form on a sheet; None where none is."""
    if sheet.form is None or sheet.pattern is None or sheet.rows is None:
        return None
    cells = dict(_cells(sheet.form, sheet, styles))
    return answers_on(sheet.pattern.layout, Sheet(sheet.name, cells), sheet.rows, faults)


def _cells(
    form: Form, sheet: ProvedSheet, styles: Styles
) -> Iterator[tuple[tuple[int, int], Cell]]:
    """The cells in which answers stand; of a field without one, the blank's."""
    assert sheet.pattern is not None and sheet.rows is not None
    layout, blank = sheet.pattern.layout, sheet.pattern.blank(sheet.rows)
    for row, field, (_, slot) in blank.fields:
        at = layout.fields[field.id][:2]
        entry = form.entries.get(field.id, NOTHING)
        unanswered = entry.value is None and not entry.text
        yield (
            (row, at[1]),
            layout.sheet[at] if unanswered else _field_cell(field, entry, slot, styles),
        )
    waiting = {block: iter(lines) for block, lines in blank.blocks.items()}
    columns = layout.columns
    for indicator in form.indicators:
        row, inputs = next(waiting[indicator.block])
        for (id_, column), (_, slot) in zip(columns.items(), inputs, strict=True):
            if text := indicator.cells.get(id_, NOTHING).said:
                yield (row, column), _text_cell(text, slot, styles)


def _field_cell(field: Field, entry: Entry, slot: Slot, styles: Styles) -> Cell:
    if isinstance(entry.value, Decimal):
        code = styles.formats.get(slot.style, "")
        return Cell(plain(entry.value), number=True, format=code)
    text = field.pattern.format(entry.said) if field.pattern else entry.said
    return _text_cell(text, slot, styles)


def _text_cell(text: str, slot: Slot, styles: Styles) -> Cell:
    return Cell(text, format=styles.of_texts.get(slot.style, ""))
