"""A workbook that we wrote, proved to say its filing: a look that is sure, or says nothing.

A received file may be anything, and the reader makes the best of it. Our own must be exactly so:
the blank's rows moved to their places, in its inputs the filing's answers, and nothing else. Every
cell, name and frame is read from the finished bytes and held against blank and filing, without a
filing being built of them. What is proved here the reader reads as the same filing, without a
fault; what isn't, for whatever reason, is left to it to judge.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from xltool.edition import Field
from xltool.grid import letters, plain_text, read_area, read_properties
from xltool.grid.shared import OTHER_ENTITY, decoded
from xltool.model import NOTHING, Entry, Filing, Form
from xltool.money import plain
from xltool.reader import answered, taken_out, unused
from xltool.report.results import RESULTS_SHEET
from xltool.template.audit import audit_parts, scoped_names, sheet_name_faults
from xltool.template.audit_package import package_faults, relations_of
from xltool.template.audit_sheet import text_fault
from xltool.template.compare import stands
from xltool.template.compile import Blank, Compiled, SheetPattern
from xltool.template.layout import FormLayout, Rows


def proved(filing: Filing, parts: Mapping[str, bytes], compiled: Compiled) -> bool:
    """Whether these parts are the template with this filing's answers in it, and nothing else."""
    if any(parts.get(name) != data for name, data in compiled.kept.items()) or any(package_faults(parts)):
        return False
    said = read_properties(parts.get("docProps/custom.xml", b""))
    if (said.get("xltool.edition"), said.get("xltool.unit_code", "")) != (filing.edition, filing.code):
        return False
    target = {relation.id: relation.target for relation in relations_of(parts, compiled.workbook_part)}
    departments, projects = [filing.department] if filing.department else [], [*filing.projects]
    for name, relation, names in _sheets(parts[compiled.workbook_part], compiled):
        pattern = next((p for p in compiled.forms.values() if p.layout.areas.keys() <= names.keys()), None)
        if pattern is None:
            continue  # a sheet of the template's own, and so kept as it is
        waiting = projects if pattern.layout.spec.repeats else departments
        if not waiting or name == RESULTS_SHEET:
            return False
        if not _says(waiting.pop(0), parts.get(target.get(relation, ""), b""), names, pattern, compiled):
            return False
    return not departments and not projects


_SHEET = re.compile(r'<sheet name="([^"<>]++)" sheetId="([0-9]++)"( state="[a-zA-Z]++")? r:id="([^"<>]++)"/>')


def _sheets(book: bytes, compiled: Compiled) -> list[tuple[str, str, Mapping[str, str]]]:
    """The sheets that the workbook's own part lists: name, relation, where on the sheet its defined names
    lead. Empty where it is not the template's part with other sheets."""
    before, between, after = compiled.workbook
    if text_fault(book):
        return []
    opened, _, rest = book.decode().partition("<sheets>")
    listed, _, rest = rest.partition("</sheets>")
    middle, _, rest = rest.partition("<definedNames>")
    defined, _, end = rest.partition("</definedNames>")
    found = _SHEET.findall(listed)
    spelled = "".join([f'<sheet name="{n}" sheetId="{i}"{s} r:id="{r}"/>' for n, i, s, r in found])
    if (opened, middle, end, spelled) != (before, between, after, listed):
        return []
    sheets = [(plain_text(name), number, relation) for name, number, _, relation in found]
    names = scoped_names(defined, sheets)
    if names is None or any(faults for _, faults in names):
        return []
    called = {name.casefold() for name, _, _ in sheets if not any(sheet_name_faults(name))}
    if len(called) < len(sheets) or len({number for _, number, _ in sheets}) < len(sheets):
        return []
    return [(name, relation, leads) for (name, _, relation), (leads, _) in zip(sheets, names, strict=True)]


# A cell in our spelling: address, style, and one of: a shared text, a number, a text of its own.
_CELL = re.compile(
    r'<c r="([A-Z]++[0-9]++)"(?: s="([0-9]++)")?(?:/>| t="s"><v>([0-9]++)</v></c>|><v>([-+.0-9eE]++)</v></c>'
    r'| t="inlineStr"><is><t(?: xml:space="preserve")?>([^<]{0,16000}+)</t></is></c>)'
)
_ROWS = re.compile(r'(?:<row r="[0-9]++"[^<>]*+(?<!/)></row>|<row r="[0-9]++"[^<>]*+/>)*')
_ROW = re.compile(r'<row r="([0-9]++)"')
Column = list[str | None]


class _Cells(NamedTuple):
    """What the cells of a sheet say, in their order: each a shared text, a number or a text, or nothing."""

    shared: Column
    numbers: Column
    texts: Column


class _Sheet(NamedTuple):
    """A sheet in our own spelling: its XML above and below its rows; its rows and before which cell each
    begins or ends; its cells with addresses and styles."""

    above: bytes
    below: bytes
    rows: list[str]
    breaks: list[int]
    addresses: list[str]
    styles: Column
    cells: _Cells


def _read(xml: bytes) -> _Sheet | None:
    """The sheet; None in another spelling, or where there is what no XML may hold."""
    above, _, rest = xml.partition(b"<sheetData>")
    data, closed, below = rest.partition(b"</sheetData>")
    text = decoded(data) if closed else None
    if text is None:
        return None
    pieces = _CELL.split(text)
    between = pieces[::6]
    rows = "".join(between)
    if not _ROWS.fullmatch(rows):
        return None
    texts = pieces[5::6]
    if "&" in text or "_x" in text:
        if OTHER_ENTITY.search(text):
            return None
        # As the reader gives them.
        texts = [one and plain_text(one).replace("\r\n", "\n") for one in texts]
    breaks = [n for n, piece in enumerate(between) if piece]
    cells = _Cells(pieces[3::6], pieces[4::6], texts)
    return _Sheet(above, below, _ROW.findall(rows), breaks, pieces[1::6], pieces[2::6], cells)


class _Skeleton(NamedTuple):
    """The blank of a form with its rows in their places, and which of its cells are the fields' and, row
    by row, the indicator blocks'. Which sheet is open and how it fits its pages is the filling's to say."""

    sheet: _Sheet
    above: tuple[bytes, bytes]
    below: tuple[bytes, bytes]
    fields: list[tuple[Field, int]]
    blocks: list[tuple[str, list[list[int]]]]


@functools.lru_cache(maxsize=200)
def _skeleton(blank: Blank, pattern: SheetPattern, compiled: Compiled) -> _Skeleton | None:
    """Each way in which a form grows is judged once, as a whole workbook; None where it isn't sound."""
    xml = f"{blank.above}<sheetData>{''.join(blank.lines)}</sheetData>{blank.below}".encode()
    sheet = _read(xml)
    if sheet is None or audit_parts({**compiled.parts, pattern.part: xml}):
        return None
    layout, rows = pattern.layout, blank.rows
    at = {address: n for n, address in enumerate(sheet.addresses)}
    fields = [
        (field, at[f"{letters(area.left)}{rows.start(area.top)}"])
        for field in layout.spec.field
        for area in [layout.fields[field.id]]
    ]
    columns = [letters(column) for column in layout.columns.values()]
    blocks = [
        (block, [[at[f"{column}{row}"] for column in columns] for row in range(area.top, area.bottom + 1)])
        for block, blank_area in layout.blocks.items()
        for area in [rows.area(blank_area)]
    ]
    above = sheet.above, sheet.above.replace(b' tabSelected="1"', b"", 1)
    below = sheet.below, sheet.below.replace(b'fitToHeight="0"', b'fitToHeight="1"', 1)
    return _Skeleton(sheet, above, below, fields, blocks)


def _says(
    form: Form, xml: bytes, names: Mapping[str, str], pattern: SheetPattern, compiled: Compiled
) -> bool:
    """Whether a sheet is the blank of this form with these answers."""
    layout = pattern.layout
    blank = layout.sheet
    rows = _rows(layout, names)
    if rows is None or not blank.protected or blank.hidden or blank.hidden_lines or blank.objects:
        return False
    must, found = _skeleton(pattern.blank(rows), pattern, compiled), _read(xml)
    if must is None or found is None or found.above not in must.above or found.below not in must.below:
        return False
    if found[2:-1] != must.sheet[2:-1]:  # rows, addresses, styles
        return False
    return found.cells == _answered(form, layout, must)


def _answered(form: Form, layout: FormLayout, must: _Skeleton) -> _Cells | None:
    """The blank's cells with the filing's answers; None for what the reader would read as something else."""
    shared, numbers, texts = map(list.copy, must.sheet.cells)
    if form.kind != layout.spec.id or not form.entries.keys() <= layout.fields.keys():
        return None
    if not form.indicators and not answered(form):
        return None
    for field, n in must.fields:
        entry = form.entries.get(field.id, NOTHING)
        value = entry.value
        if value is None and not entry.text:
            continue
        shared[n] = numbers[n] = texts[n] = None
        if field.kind == "amount":
            if not isinstance(value, Decimal):
                return None
            numbers[n] = plain(value)
        elif field.pattern:
            texts[n] = said = field.pattern.format(value)
            taken = taken_out(field, said)
            if taken is None or taken[0] != value or value is None:
                return None
        elif text := _text(entry):
            texts[n] = text
        else:
            return None
    waiting = iter(form.indicators)
    one = next(waiting, None)
    columns = layout.columns
    for block, lines in must.blocks:
        for line in lines:
            if one is None or one.block != block:
                break
            row = [text for id_ in columns if (text := _text(one.cells.get(id_, NOTHING))) is not None]
            if len(row) < len(line) or unused(layout, row) or not one.cells.keys() <= columns.keys():
                return None
            for n, said in zip(line, row, strict=True):
                shared[n] = numbers[n] = None
                texts[n] = said or None
            one = next(waiting, None)
    return _Cells(shared, numbers, texts) if one is None else None


def _text(entry: Entry) -> str | None:
    """What is to be read as text; None for what the reader never gives."""
    value = entry.value
    if value is None:
        return entry.text
    return value if value and value.__class__ is str else None


def _rows(layout: FormLayout, names: Mapping[str, str]) -> Rows | None:
    """How the form grew, as its names tell; None where they don't lead where they should."""
    found = {label: read_area(names[label]) for label in layout.areas}
    if found == layout.names:
        return layout.rows()
    growing = layout.growing
    grown: dict[int, int] = {}
    shift = 0
    for (label, blank), after in zip(growing, [*growing[1:], None], strict=True):
        here = found[label]
        if after is None:
            extra = 0 if here is None else (here.bottom - here.top) - (blank.bottom - blank.top)
        else:  # a long text's name leads to its first cell only: what stands below tells
            below = found[after[0]]
            extra = 0 if below is None else below.top - after[1].top - shift
        grown[blank.bottom] = extra
        shift += extra
    rows = layout.rows(grown)
    return rows if all(stands(rows, blank, found[label]) for label, blank in layout.areas.items()) else None
