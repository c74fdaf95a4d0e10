"""Filing → workbook: answers patched into the template's own package, read back before it is shown.

Only the filled sheets differ from the template, and the parts that list sheets and names; every
other part keeps its bytes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from xltool.atomic import writing
from xltool.edition import Edition, Field, load_edition
from xltool.grid import Area, open_grid
from xltool.model import Entry, Filing, Form, XltoolError
from xltool.money import plain
from xltool.template.audit import audit
from xltool.template.compile import (
    ROW,
    Compiled,
    SheetEntry,
    SheetPattern,
    Slot,
    compile_template,
    merge_cells,
    shifted,
)
from xltool.template.layout import Rows
from xltool.template.zipping import join, pack

MAX_TEXT = 32_767  # characters in a cell
MAX_SHEET_NAME = 31
MAX_HEIGHT = 409.0  # points; no row can be higher
MAX_DIGITS = 15  # significant digits of a stored number


class FillError(XltoolError):
    """A filing that can't be written as it is; nothing was written."""


def fill(
    filing: Filing,
    path: str | Path,
    template: str | Path | None = None,
    *,
    edition: Edition | None = None,
) -> Path:
    """Write the filing as one workbook: its department form and one sheet for each project.

    The finished bytes are read back, compared with the filing and structurally checked before the
    file takes its place. Raises FillError (one line) where the filing can't be written; nothing is
    half-written.
    """
    path = Path(path)
    data = render(filing, template, edition=edition)
    edition = edition or load_edition(filing.edition)
    verify(filing, data, edition)
    with writing(path, "wb") as file:
        file.write(data)
    return path


def verify(filing: Filing, data: bytes, edition: Edition) -> None:
    """Read the written bytes back: the same filing, no fault, a sound package. Raises FillError."""
    from xltool.reader import read_grid

    back = read_grid(open_grid(data), edition=edition)
    if back != filing:
        raise FillError(f"写出后读回的内容与原数据不一致（{filing.unit}）：{_difference(filing, back)}")
    faults = [f for f in back.faults if f.kind not in ("amount", "amount_text")]
    if faults:
        raise FillError(f"写出后读回发现问题（{filing.unit}）：{faults[0].detail}")
    problems = audit(data)
    if problems:
        raise FillError(f"写出的工作簿结构有问题（{filing.unit}）：{problems[0]}")


def _difference(filing: Filing, back: Filing) -> str:
    for one, other in zip(filing.forms, back.forms, strict=False):
        for key, entry in one.entries.items():
            if (entry.value, entry.unread) != (other[key].value, other[key].unread):
                return f"{key}：{entry.value!r} ≠ {other[key].value!r}"
        if one.indicators != other.indicators:
            return f"{one.sheet or one.kind} 的指标"
    return "表的张数"


def render(filing: Filing, template: str | Path | None = None, *, edition: Edition | None = None) -> bytes:
    """The filing as the bytes of a workbook."""
    edition = edition or load_edition(filing.edition)
    compiled = compile_template(edition, Path(template) if template else None)
    sheets: list[tuple[str, SheetEntry, Rows | None, str]] = []  # name, entry, rows, xml ("" = unchanged)
    taken: set[str] = {entry.name.casefold() for entry in compiled.sheets}
    for entry in compiled.sheets:
        pattern = next((p for p in compiled.forms.values() if p.part == entry.part), None)
        if pattern is None:
            sheets.append((entry.name, entry, None, ""))
        elif not pattern.layout.spec.repeats:
            if filing.department is not None:
                rows, xml = _sheet(pattern, filing.department)
                sheets.append((entry.name, entry, rows, xml))
        else:
            taken.discard(entry.name.casefold())
            for form in filing.projects:
                name = sheet_name(form.text("project") or entry.name, taken)
                rows, xml = _sheet(pattern, form)
                sheets.append((name, entry, rows, xml))
    if not sheets:
        raise FillError("这份申报没有任何表可写")
    return _package(compiled, sheets, filing)


_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f\ufffe\uffff\ud800-\udfff]+")


def sheet_name(wanted: str, taken: set[str]) -> str:
    """A sheet name that Excel accepts and no other sheet has; `taken` (casefolded) is added to."""
    base = re.sub(r"\s+", " ", _FORBIDDEN.sub("_", wanted)).strip().strip("'").strip() or "项目"
    if base.casefold() == "history":  # reserved by Excel
        base = "history_"
    name, number = _cut(base, MAX_SHEET_NAME), 1
    while name.casefold() in taken:
        number += 1
        tail = f"({number})"
        name = _cut(base, MAX_SHEET_NAME - len(tail)) + tail
    taken.add(name.casefold())
    return name


def _cut(text: str, units: int) -> str:
    """At most this many UTF-16 units, which is how Excel counts."""
    while len(text.encode("utf-16-le")) // 2 > units:
        text = text[:-1]
    return text.rstrip("' ")


def _sheet(pattern: SheetPattern, form: Form) -> tuple[Rows, str]:
    """One form as sheet XML, and how its rows grew."""
    layout = pattern.layout
    by_block: dict[str, list[Mapping[str, Entry]]] = {id_: [] for id_ in layout.blocks}
    for indicator in form.indicators:
        if indicator.block not in by_block:
            raise FillError(f"版式里没有指标类别“{indicator.block}”")
        by_block[indicator.block].append(indicator.cells)
    answers: dict[int, dict[int, str]] = {}  # template row → column → cell XML
    heights: dict[int, float] = {}
    grown: dict[int, int] = {}
    for field in layout.spec.field:
        area = layout.fields[field.id]
        entry = form[field.id]
        if entry.value is None and not entry.text:
            continue
        slot = _slot(pattern, area.top, area.left)
        text, cell = _cell(field, entry, slot)
        answers.setdefault(area.top, {})[area.left] = cell
        if isinstance(text, str):
            need = _height(pattern, text, area, slot.style)
            if field.kind == "long":
                heights[area.top], grown[area.bottom] = _spread(pattern, area, need)
            else:
                heights[area.top] = max(heights.get(area.top, 0.0), need)
    lines: dict[int, list[tuple[dict[int, str], float]]] = {}
    for id_, area in layout.blocks.items():
        rows_there = area.bottom - area.top + 1
        block = [_indicator(pattern, area, n, cells) for n, cells in enumerate(by_block[id_])]
        grown[area.bottom] = max(0, len(block) - rows_there)
        lines[area.top] = block
    rows = layout.rows(grown)
    return rows, _xml(pattern, rows, answers, heights, lines)


def _xml(
    pattern: SheetPattern,
    rows: Rows,
    answers: dict[int, dict[int, str]],
    heights: dict[int, float],
    lines: dict[int, list[tuple[dict[int, str], float]]],
) -> str:
    layout = pattern.layout
    tops = {row: area for area in layout.blocks.values() for row in range(area.top, area.bottom + 1)}
    body: list[str] = []
    for number, row in pattern.rows.items():
        block = tops.get(number)
        first = rows.start(number)
        copies = rows.grown.get(number, 0)
        for n in range(copies + 1):
            if block is None:
                cells, height = (answers.get(number, {}) if not n else {}), heights.get(number, 0.0)
            else:
                index = number - block.top + n
                filled = lines[block.top]
                cells, height = filled[index] if index < len(filled) else ({}, 0.0)
            body.append(row.render(first + n, cells, max(row.height, height), copy=n > 0))
    tail = pattern.tail
    return "".join(
        [
            shifted(pattern.head, rows),
            "<sheetData>",
            *body,
            "</sheetData>",
            shifted(tail[: pattern.merges_at], rows),
            merge_cells(layout.merges(rows)),
            shifted(tail[pattern.merges_at :], rows),
        ]
    )


def _slot(pattern: SheetPattern, row: int, column: int) -> Slot:
    for piece in pattern.rows[row].pieces:
        if isinstance(piece, Slot) and piece.column == column:
            return piece
    raise FillError(f"模板 {pattern.layout.sheet.name} 第 {row} 行缺少填报格")


def _cell(field: Field, entry: Entry, slot: Slot) -> tuple[str | None, str]:
    """A field's cell: its text (None for a number) and its XML."""
    value = entry.value
    if isinstance(value, Decimal):
        digits = plain(value)
        if len(digits.replace("-", "").replace(".", "").strip("0")) > MAX_DIGITS:
            raise FillError(f"{field.label} {digits} 超过 {MAX_DIGITS} 位有效数字，Excel 存不下")
        return None, f'<c r="{slot.letter}{ROW}" s="{slot.style}"><v>{digits}</v></c>'
    text = entry.text if value is None else str(value)
    if field.pattern:
        text = field.pattern.format(text)
    return text, _text_cell(slot, text, field.label)


def _indicator(
    pattern: SheetPattern, area: Area, index: int, cells: Mapping[str, Entry]
) -> tuple[dict[int, str], float]:
    """One indicator's row: its cells by column, and the height it needs."""
    row = min(area.top + index, area.bottom)
    filled: dict[int, str] = {}
    height = 0.0
    for id_, column in pattern.layout.columns.items():
        slot = _slot(pattern, row, column)
        entry = cells.get(id_)
        text = "" if entry is None else str(entry.value) if entry.value is not None else entry.text
        filled[column] = (
            _text_cell(slot, text, "指标") if text else f'<c r="{slot.letter}{ROW}" s="{slot.style}"/>'
        )
        if text:
            height = max(height, _height(pattern, text, Area(row, column, row, column), slot.style))
    return filled, height


def _text_cell(slot: Slot, text: str, label: str) -> str:
    if len(text.encode("utf-16-le", "surrogatepass")) // 2 > MAX_TEXT:
        raise FillError(f"{label}超过 {MAX_TEXT} 字，一个单元格放不下")
    return (
        f'<c r="{slot.letter}{ROW}" s="{slot.style}" t="inlineStr">'
        f'<is><t xml:space="preserve">{escape(armour(text))}</t></is></c>'
    )


_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]|_(?=x[0-9A-Fa-f]{4}_)")


def armour(text: str) -> str:
    """Text with what XML can't hold written `_xHHHH_`, as Excel does."""
    return _UNSAFE.sub(lambda m: f"_x{ord(m[0]):04X}_", text)


_LINE = 1.45  # line height over font size: room for every font that may stand in for 宋体


def _height(pattern: SheetPattern, text: str, area: Area, style: str) -> float:
    """The points at which all of a text can be read in the width of its area."""
    size = pattern.sizes.get(style, 11.0)
    # A wide character takes two units of an 11-point default font; one unit stays free at the edge.
    room = max(2.0, (pattern.width(area) - 1.5) * 11.0 / size * 0.97)
    lines = 0
    for line in text.split("\n"):
        wide = (len(line.encode("utf-8", "surrogatepass")) - len(line)) / 2
        lines += max(1, -int(-(len(line) + wide) // room))
    return lines * size * _LINE + 4


def _spread(pattern: SheetPattern, area: Area, need: float) -> tuple[float, int]:
    """A long text's height over its rows: (height of each row, rows added). No row may exceed 409 points."""
    there = area.bottom - area.top + 1
    least = sum(pattern.rows[row].height for row in range(area.top, area.bottom + 1))
    count = max(there, -int(-need // (MAX_HEIGHT - 9)))
    if count == there and need <= least:
        return 0.0, 0
    return min(MAX_HEIGHT, round(need / count, 2)), count - there


_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_SHEET_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"


def _package(
    compiled: Compiled, sheets: list[tuple[str, SheetEntry, Rows | None, str]], filing: Filing
) -> bytes:
    """The package: changed parts deflated anew, all others as they lie in the template."""
    changed: dict[str, str] = {}
    used: Counter[str] = Counter()
    listed, names, types, relations = [], [], [], []
    for number, (name, entry, rows, xml) in enumerate(sheets):
        used[entry.part] += 1
        part, rid = entry.part, entry.rid
        if used[entry.part] > 1:
            stem = entry.part.removesuffix(".xml")
            part, rid = f"{stem}_{used[entry.part]}.xml", f"{entry.rid}x{used[entry.part]}"
            types.append(f'<Override PartName="/{part}" ContentType="{_SHEET_TYPE}"/>')
            relations.append(f'<Relationship Id="{rid}" Type="{_SHEET_RELATION}" Target="/{part}"/>')
            # Only the first sheet may be the one selected.
            xml = xml.replace(' tabSelected="1"', "", 1)
        if xml:
            changed[part] = xml
        state = f' state="{entry.state}"' if entry.state else ""
        listed.append(f'<sheet name={quoteattr(name)} sheetId="{number + 1}"{state} r:id="{rid}"/>')
        names += _names(compiled, entry, name, number, rows)
    dropped = {entry.part: entry.rid for entry in compiled.sheets if not used[entry.part]}
    before, between, after, _ = compiled.workbook
    names += compiled.global_names
    defined = f"<definedNames>{''.join(names)}</definedNames>" if names else ""
    changed[compiled.workbook_part] = f"{before}<sheets>{''.join(listed)}</sheets>{between}{defined}{after}"
    if types or dropped:
        content = compiled.package.read("[Content_Types].xml").decode()
        rels = compiled.package.read("xl/_rels/workbook.xml.rels").decode()
        for part, rid in dropped.items():
            content = re.sub(rf'<Override PartName="/{re.escape(part)}"[^>]*/>', "", content)
            rels = re.sub(rf'<Relationship [^>]*Id="{re.escape(rid)}"[^>]*/>', "", rels)
        changed["[Content_Types].xml"] = content.replace("</Types>", "".join(types) + "</Types>")
        changed["xl/_rels/workbook.xml.rels"] = rels.replace(
            "</Relationships>", "".join(relations) + "</Relationships>"
        )
    if filing.code:
        changed["docProps/custom.xml"] = _with_code(compiled, filing.code)
    parts = []
    for name, packed in compiled.packed.items():
        if name in dropped:
            continue
        text = changed.pop(name, None)
        parts.append(packed if text is None else pack(name, text.encode()))
    parts += [pack(name, text.encode()) for name, text in changed.items()]
    return join(parts)


def _names(compiled: Compiled, entry: SheetEntry, name: str, number: int, rows: Rows | None) -> list[str]:
    """The sheet's own names, leading to where its rows now stand."""
    quoted = escape("'" + name.replace("'", "''") + "'!")
    rows = rows or Rows({}, 0)
    return [
        f'{tag} localSheetId="{number}">{shifted(pieces, rows).replace(ROW, quoted)}</definedName>'
        for tag, pieces in entry.names
    ]


def _with_code(compiled: Compiled, code: str) -> str:
    """The custom properties with the unit's code, which has no cell on the form."""
    xml = compiled.package.read("docProps/custom.xml").decode()
    number = max((int(n) for n in re.findall(r'pid="(\d+)"', xml)), default=1) + 1
    item = (
        f'<property fmtid="{{D5CDD505-2E9C-101B-9397-08002B2CF9AE}}" pid="{number}" name="xltool.unit_code">'
        f"<vt:lpwstr>{escape(armour(code))}</vt:lpwstr></property>"
    )
    return xml.replace("</Properties>", item + "</Properties>")
