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
from xltool.model import NOTHING, Entry, Filing, Form, Indicator
from xltool.reader import answered, taken_out, unused
from xltool.report.results import RESULTS_SHEET
from xltool.template.audit import audit_parts, scoped_names, sheet_name_faults
from xltool.template.audit_package import package_faults, relations_of
from xltool.template.audit_sheet import plain_sheet, text_fault
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
        if not _says(waiting.pop(0), parts[target[relation]], names, pattern, compiled):
            return False
    return not departments and not projects


_SHEET = re.compile(
    r'<sheet name="([^"<>]++)" sheetId="([0-9]++)"( state="[a-zA-Z]++")?+ r:id="([^"<>]++)"/>'
)


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


class _Skeleton(NamedTuple):
    """A form's sheet as it must be but for the answers: its XML above and below its rows (which sheet is
    open and how it fits its pages are for the filling to choose), its rows' numbers, its cells column by
    column, and which of them are the fields' and, row by row, the indicator blocks'."""

    above: tuple[bytes, bytes]
    below: tuple[bytes, bytes]
    rows: list[str]
    addresses: tuple[str, ...]
    styles: tuple[str, ...]
    kinds: list[str]
    contents: list[str]
    fields: list[tuple[Field, int]]
    blocks: list[tuple[str, list[list[int]]]]


@functools.lru_cache(maxsize=200)
def _skeleton(blank: Blank, pattern: SheetPattern, compiled: Compiled) -> _Skeleton | None:
    """Each way in which a form grows is judged once, as a whole workbook; None where it isn't sound."""
    xml = f"{blank.above}<sheetData>{''.join(blank.lines)}</sheetData>{blank.below}".encode()
    plain = plain_sheet(xml)
    if plain is None or not plain.cells or audit_parts({**compiled.parts, pattern.part: xml}):
        return None
    layout, rows = pattern.layout, blank.rows
    at = {cell[0]: n for n, cell in enumerate(plain.cells)}
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
    above = plain.above, plain.above.replace(b' tabSelected="1"', b"", 1)
    below = plain.below, plain.below.replace(b'fitToHeight="0"', b'fitToHeight="1"', 1)
    addresses, styles, kinds, contents = zip(*plain.cells, strict=True)
    return _Skeleton(above, below, plain.rows, addresses, styles, [*kinds], [*contents], fields, blocks)


def _says(
    form: Form, xml: bytes, names: Mapping[str, str], pattern: SheetPattern, compiled: Compiled
) -> bool:
    """Whether a sheet is the blank of this form with these answers."""
    layout = pattern.layout
    blank = layout.sheet
    rows = _rows(layout, names)
    if rows is None or not blank.protected or blank.hidden or blank.hidden_lines or blank.objects:
        return False
    if form.kind != layout.spec.id or not form.entries.keys() <= layout.fields.keys():
        return False
    if not form.indicators and not answered(form):
        return False
    must, plain = _skeleton(pattern.blank(rows), pattern, compiled), plain_sheet(xml)
    if must is None or plain is None or plain.above not in must.above or plain.below not in must.below:
        return False
    if plain.rows != must.rows or len(plain.cells) != len(must.addresses):
        return False
    addresses, styles, *rest = zip(*plain.cells, strict=True)
    if addresses != must.addresses or styles != must.styles:
        return False
    # What was answered is held against the filing and taken away; what is left, against the blank.
    kinds, contents = map(list[str], rest)
    for field, n in must.fields:
        entry = form.entries.get(field.id)
        if entry is None or (entry.value is None and not entry.text):
            continue
        if not _field_says(field, kinds[n], _plain(contents[n]), entry):
            return False
        kinds[n], contents[n] = must.kinds[n], must.contents[n]
    if not _indicators_stand(form.indicators, layout, must, kinds, contents):
        return False
    return kinds == must.kinds and contents == must.contents


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


def _field_says(field: Field, kind: str, content: str, entry: Entry) -> bool:
    value = entry.value
    if field.kind == "amount":
        return isinstance(value, Decimal) and not kind and content != "" and Decimal(content) == value
    if not field.pattern:
        return _same(kind, content, entry)
    taken = taken_out(field, content)
    return kind == "inlineStr" and taken is not None and taken[0] == value is not None


def _indicators_stand(
    indicators: tuple[Indicator, ...],
    layout: FormLayout,
    must: _Skeleton,
    kinds: list[str],
    contents: list[str],
) -> bool:
    """Whether the indicators stand in the rows of their blocks; takes away what they say."""
    waiting = iter(indicators)
    one = next(waiting, None)
    columns = layout.columns
    for block, lines in must.blocks:
        for line in lines:
            if one is None or one.block != block:
                break
            row = [_plain(contents[n]) for n in line]
            if unused(layout, row) or not one.cells.keys() <= columns.keys():
                return False
            for id_, n, content in zip(columns, line, row, strict=True):
                if not _same(kinds[n], content, one.cells.get(id_, NOTHING)):
                    return False
                kinds[n], contents[n] = must.kinds[n], must.contents[n]
            one = next(waiting, None)
    return one is None


def _same(kind: str, content: str, entry: Entry) -> bool:
    text = entry.value
    if text is None:
        text = entry.text
        if not text:
            return not kind and not content
    if kind != "inlineStr" or not content:
        return False
    return content == text


def _plain(content: str) -> str:
    """The text that XML spells so, as the reader gives it."""
    if "&" not in content and "_x" not in content:
        return content
    return plain_text(content).replace("\r\n", "\n")
