"""Proof that a workbook which was just written says its filing, so that it need not be read again.

What is proved: the finished bytes are the template with this filing's answers in its inputs, its
blocks grown to their rows, and nothing else. Only heights of rows and names of sheets are the
filling's to choose. Against what: template and filing, from which each written sheet and
`workbook.xml` are spelled out anew and held against the bytes; and the template itself, once
audited and read back, as it is and fully grown. What follows: the reader would read the same filing
without a fault, and the audit would find none. When it can't be proved, for whatever reason, the
answer is none, never an error: `writer.filled` then reads and audits the workbook as it would a
received one, and that judgement is final. The proof may miss; it must never say yes where reader or
audit says no (`tests/filling/test_proof.py` tries).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from html import escape
from itertools import pairwise, repeat
from typing import NamedTuple

from xltool.editions.declaration import Field
from xltool.filling.compile import (
    LISTS,
    Blank,
    Compiled,
    Input,
    RowPattern,
    SheetEntry,
    SheetPattern,
    Slot,
)
from xltool.filling.fill_sheet import growth
from xltool.filling.package import Filled, assemble
from xltool.model import NOTHING, Entry, Filing, Form
from xltool.money import plain
from xltool.reading.reader import taken_out, unused
from xltool.results_sheet.table import RESULTS_SHEET
from xltool.template.layout import MOST_SHAPES, FormLayout, GrownRows
from xltool.template.match import changes, locate
from xltool.xlsx.audit.package import package_faults, relations_of
from xltool.xlsx.audit.workbook import audit_parts
from xltool.xlsx.package import Unpacked, Unreadable
from xltool.xlsx.references import column_number, letters
from xltool.xlsx.shared_parts import OTHER_ENTITY, SPECIAL, armour, decoded, plain_text
from xltool.xlsx.sheet_names import sheet_name_faults
from xltool.xlsx.workbook_reader import grid_of, read_properties
from xltool.xlsx.zip_container import split

CUSTOM = "docProps/custom.xml"


def proved_sheets(
    filing: Filing,
    parts: Mapping[str, bytes],
    compiled: Compiled,
    locked: Mapping[str, Collection[str]] | None = None,
) -> list[ProvedSheet]:
    """The sheets of a workbook, in their order, where its parts are proved to be the template with
    this filing's answers in it, and nothing else. Empty where they are not.

    `locked` are the fields (form kind → field ids) whose cells have the locked twins
    of their styles.
    """
    if any(parts.get(name) != data for name, data in compiled.kept.items()):
        return []
    if any(package_faults(parts)):
        return []
    if not _marked(filing, parts.get(CUSTOM, b"")):
        return []
    if filing.department is None and not any(form.answered for form in filing.projects):
        return []  # nothing by which the reader would know it
    sheets = _sheets(filing, parts[compiled.workbook_part], compiled)
    if not sheets or not _sound(compiled):
        return []
    target = {
        relation.id: relation.target for relation in relations_of(parts, compiled.workbook_part)
    }
    places = [target.get(sheet.relation, "") for sheet in sheets]
    others = {compiled.workbook_part, CUSTOM, *LISTS}
    if len({*places}) < len(places) or not parts.keys() <= {*compiled.kept, *places, *others}:
        return []
    for place, sheet in zip(places, sheets, strict=True):
        if not _sheet_proved(sheet, place, parts, compiled, locked or {}):
            return []
    return sheets


def _sheet_proved(
    sheet: ProvedSheet,
    place: str,
    parts: Mapping[str, bytes],
    compiled: Compiled,
    locked: Mapping[str, Collection[str]],
) -> bool:
    """Whether the part at `place` is what this sheet must be:
    the template's own, or the form's answers in it."""
    if sheet.form is None or sheet.pattern is None or sheet.rows is None:
        return sheet.entry.part == place
    held = compiled.held(sheet.pattern, locked)
    return _says(sheet.form, parts.get(place, b""), sheet.pattern, sheet.rows, held)


def _marked(filing: Filing, custom: bytes) -> bool:
    """Whether the document's properties name the filing's edition and the unit's code."""
    try:
        properties = read_properties(custom)
    except Unreadable:
        return False
    edition, code = properties.get("xltool.edition"), properties.get("xltool.unit_code", "")
    return (edition, code) == (filing.edition, filing.code)


@functools.lru_cache(maxsize=8)
def _sound(compiled: Compiled) -> bool:
    """Whether the template is a sound workbook that is read as itself, and still is with all grown
    that may grow, all fields locked where that can be. Between these two and any other way for
    forms to grow nothing differs but the numbers of rows, and which fields are locked."""
    for more in (0, 2):
        sheets, grown = [], {}
        for entry in compiled.sheets:
            pattern = compiled.form_of.get(entry.part)
            if pattern is None:
                sheets.append(Filled(entry.name, entry, None, b""))
                continue
            rows = pattern.layout.rows({area.bottom: more for _, area in pattern.layout.growing})
            frame = pattern.frame(rows)
            pieces = _locked(pattern.blank(rows), compiled.twins)
            blank = [frame.above, b"<sheetData>", *pieces, b"</sheetData>", frame.below]
            sheets.append(Filled(entry.name, entry, rows, b"".join(blank)))
            grown[entry.name] = pattern.layout, rows
        parts = Unpacked(split(assemble(compiled, sheets, {})))
        if audit_parts(parts):
            return False
        for sheet in grid_of(parts).sheets:
            if sheet.name not in grown:
                continue
            layout, rows = grown[sheet.name]
            located, faults = locate(layout, sheet)
            if located.grown != rows.grown or faults or any(changes(layout, sheet, rows)):
                return False
            hidden = sheet.hidden or sheet.hidden_rows or sheet.hidden_columns
            if not sheet.protected or hidden or sheet.objects:
                return False
    return True


class ProvedSheet(NamedTuple):
    """A sheet of the workbook: its name and relation, the template's sheet that it is,
    the form on it."""

    name: str
    relation: str
    entry: SheetEntry
    form: Form | None
    pattern: SheetPattern | None
    rows: GrownRows | None


_SHEET = re.compile(
    r'<sheet name="([^"<>]++)" sheetId="([0-9]++)"( state="[a-zA-Z]++")? r:id="([^"<>]++)"/>'
)


def _sheets(filing: Filing, book: bytes, compiled: Compiled) -> list[ProvedSheet]:
    """The sheets that the workbook's own part lists. Empty where it is not the template's part with
    the sheets of this filing and, for each, the template's names at their places."""
    listed = decoded(book.partition(b"<sheets>")[2].partition(b"</sheets>")[0])
    if listed is None or OTHER_ENTITY.search(listed.replace("&#x27;", "'")):
        return []
    listed_sheets = _SHEET.findall(listed)
    forms = [*_forms(filing, compiled)]
    names = [plain_text(name) for name, _, _, _ in listed_sheets]
    called = {
        name.casefold()
        for name in names
        if not any(sheet_name_faults(name)) and name != RESULTS_SHEET
    }
    numbers = {number for _, number, _, _ in listed_sheets}
    if not len(forms) == len(listed_sheets) == len(called) == len(numbers):
        return []
    sheets, spelled, defined = [], [], []
    for scope, (entry, pattern, form) in enumerate(forms):
        as_written, number, _, relation = listed_sheets[scope]
        rows = None if pattern is None or form is None else growth(pattern, form).rows
        state = f' state="{entry.state}"' if entry.state else ""
        spelled.append(f'<sheet name="{as_written}" sheetId="{number}"{state} r:id="{relation}"/>')
        quoted = escape("'" + names[scope].replace("'", "''") + "'!", quote=False)
        defined.append(entry.named(quoted, scope, rows))
        sheets.append(ProvedSheet(names[scope], relation, entry, form, pattern, rows))
    must = compiled.book("".join(spelled), "".join(defined))
    return sheets if book == must else []


def _forms(
    filing: Filing, compiled: Compiled
) -> Iterator[tuple[SheetEntry, SheetPattern | None, Form | None]]:
    """The sheets that this filing needs, in their order."""
    for entry in compiled.sheets:
        pattern = compiled.form_of.get(entry.part)
        if pattern is None:
            yield entry, None, None
        elif pattern.layout.spec.repeats:
            yield from ((entry, pattern, form) for form in filing.projects)
        elif filing.department is not None:
            yield entry, pattern, filing.department


def _locked(blank: Blank, twins: Mapping[str, str]) -> list[bytes]:
    """The pieces of a sheet without answers, every field locked that has a twin."""
    pieces = blank.pieces[:]
    for _, _, (number, slot) in blank.fields:
        if slot.style in twins:
            style, twin = (f' s="{id_}"'.encode() for id_ in (slot.style, twins[slot.style]))
            pieces[number] = pieces[number].replace(style, twin, 1)
    return pieces


_HEIGHT = r'(?: ht="[0-9]++(?:[.][0-9]++)?" customHeight="1")?'
_LINE = re.compile(rf'<row r="([0-9]++)"[^<>]*?{_HEIGHT}>')
_CELL = re.compile(r'r="([A-Z]++)([0-9]++)"(?: s="[0-9]++")?[^<>]*+/?>.*+', re.DOTALL)


@functools.lru_cache(maxsize=8192)
def _stands(row: RowPattern, place: int, copy: bool) -> bool:
    """Whether a row of the blank says itself where it is, and each of its cells,
    from left to right."""
    head, *cells = (
        b"".join(row.line(place, copy).pieces).decode().removesuffix("</row>").split("<c ")
    )
    matches = [match for match in (_LINE.fullmatch(head), *map(_CELL.fullmatch, cells)) if match]
    if len(matches) <= len(cells):
        return False
    rows = {match[match.lastindex or 0] for match in matches}
    columns = [column_number(match[1]) for match in matches[1:]]
    return rows == {str(place)} and all(a < b for a, b in pairwise(columns))


@functools.lru_cache(maxsize=2 * MOST_SHAPES)
def _in_place(pattern: SheetPattern, rows: GrownRows) -> bool:
    """Whether in the blank that grew so every row stands where it should,
    and so will every answer."""
    layout, blank = pattern.layout, pattern.blank(rows)
    if not all(_stands(*line) for line in pattern.lines(rows)):
        return False

    def at(row: int, column: int, cell_input: Input) -> bool:
        n, slot = cell_input
        opened, style = f'<c r="{letters(column)}{row}"'.encode(), f' s="{slot.style}"'.encode()
        return blank.pieces[n - 1].endswith(opened) and blank.pieces[n].startswith(style)

    for _, field, cell_input in blank.fields:
        area = layout.fields[field.id]
        if not at(rows.start(area.top), area.left, cell_input):
            return False
    for block, lines in blank.blocks.items():
        area = rows.area(layout.blocks[block])
        for row, (_, inputs) in zip(range(area.top, area.bottom + 1), lines, strict=True):
            if not all(map(at, repeat(row), layout.columns.values(), inputs)):
                return False
    return True


_BREAKS = re.compile(
    rb'<rowBreaks count="(\d+)" manualBreakCount="\1">(?:<brk id="\d+" max="16383" man="1"/>)+</rowBreaks>'
)
_OPENED = re.compile(rb"<row [^>]*+")
_HEIGHTS = re.compile(rf"{_HEIGHT}(?:>{_HEIGHT})*".encode())


def _says(
    form: Form, xml: bytes, pattern: SheetPattern, rows: GrownRows, held: Mapping[str, str]
) -> bool:
    """Whether a sheet is the blank of this form with these answers.
    `held`: field id → locked style."""
    above, _, rest = xml.partition(b"<sheetData>")
    data, _, below = rest.partition(b"</sheetData>")
    frame = pattern.frame(rows)
    # What is open, and how a sheet fits its pages, is the filling's to say.
    if not _is(above, frame.above, b' tabSelected="1"', b""):
        return False
    below = _BREAKS.sub(b"", below, 1)
    if not _is(below, frame.below, b'fitToHeight="0"', b'fitToHeight="1"'):
        return False
    blank = pattern.blank(rows)
    heads = _OPENED.findall(data)
    if len(heads) != len(blank.heights) or not _in_place(pattern, rows):
        return False
    pieces = blank.pieces[:]
    heights = []
    for head, (number, _) in zip(heads, blank.heights.values(), strict=True):
        pieces[number] = height = head[len(pieces[number - 1]) :]
        heights.append(height)
    if not _HEIGHTS.fullmatch(b">".join(heights)):
        return False
    answers = _answered(form, pattern.layout, blank, pieces, held)
    return answers and b"".join(pieces) == data


def _is(written: bytes, must: bytes, old: bytes, new: bytes) -> bool:
    return written == must or written == must.replace(old, new, 1)


_MOST = 16_000  # characters: no more than a cell can hold, whatever they are


# Cells are spelled here once more, not by `Slot`: how the filling spells them is what is to be
# proved.


def _text(slot: Slot, text: str) -> str | None:
    """A cell with this text; None for what the reader would not read so."""
    if not text:
        return f' s="{slot.style}"/>'
    spelled = text
    if SPECIAL.search(text):
        spelled = escape(armour(text), quote=False)
        if OTHER_ENTITY.search(spelled) or plain_text(spelled).replace("\r\n", "\n") != text:
            return None
    if len(spelled) > _MOST:
        return None
    return f' s="{slot.style}" t="inlineStr"><is><t xml:space="preserve">{spelled}</t></is></c>'


def _field(slot: Slot, field: Field, entry: Entry) -> str | None:
    """The cell of a field's answer."""
    value = entry.value
    if field.kind == "amount":
        if not isinstance(value, Decimal) or not value.is_finite():
            return None
        return f' s="{slot.style}"><v>{plain(value)}</v></c>'
    if field.pattern:
        text = field.pattern.format(value)
        taken = taken_out(field, text)
        return None if taken is None or value is None or taken[0] != value else _text(slot, text)
    answer = _said(entry)
    return _text(slot, answer) if answer else None


def _said(entry: Entry) -> str | None:
    """What is to be read as text; None for what the reader never gives."""
    value = entry.value
    if value is None:
        return entry.text
    return value if value and value.__class__ is str else None


def _answered(
    form: Form,
    layout: FormLayout,
    blank: Blank,
    pieces: list[bytes],
    held: Mapping[str, str],
) -> bool:
    """Put the filing's answers into the pieces.
    False for what the reader would read as something else."""
    if form.kind != layout.spec.id or not form.entries.keys() <= layout.fields.keys():
        return False
    for _, field, (number, slot) in blank.fields:
        entry = form.entries.get(field.id, NOTHING)
        if entry.value is not None or entry.text:
            if field.id in held:
                slot = replace(slot, style=held[field.id])
            cell = _field(slot, field, entry)
            if cell is None:
                return False
            pieces[number] = cell.encode()
    return _with_indicators(form, layout, blank, pieces)


def _with_indicators(form: Form, layout: FormLayout, blank: Blank, pieces: list[bytes]) -> bool:
    """Put the indicators into the pieces, as `_answered`;
    each must stand in a line of its block."""
    waiting = iter(form.indicators)
    indicator = next(waiting, None)
    columns = layout.columns
    for block, lines in blank.blocks.items():
        for _, line in lines:
            if indicator is None or indicator.block != block:
                break
            row = [
                text
                for id_ in columns
                if (text := _said(indicator.cells.get(id_, NOTHING))) is not None
            ]
            if (
                len(row) < len(line)
                or unused(layout, row)
                or not indicator.cells.keys() <= columns.keys()
            ):
                return False
            for (number, slot), text in zip(line, row, strict=True):
                cell = _text(slot, text)
                if cell is None:
                    return False
                pieces[number] = cell.encode()
            indicator = next(waiting, None)
    return indicator is None
