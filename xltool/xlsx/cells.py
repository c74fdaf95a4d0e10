"""One worksheet's XML: its cells."""

from __future__ import annotations

import re
from collections.abc import Mapping

from xltool.xlsx.grid import Cell, Sheet
from xltool.xlsx.package import MAX_CELLS, End, Start, Text, Unreadable, parse_xml, utf8
from xltool.xlsx.references import cell_name, column_number
from xltool.xlsx.shared_parts import OTHER_ENTITY, Styles, decoded, plain_text, unescape
from xltool.xlsx.sheet_frame import read_frame

_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})$")
_DAY = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T00:00:00(?:\.0+)?Z?)?$"
)  # of the strict format
_OPEN = Cell("", locked=False)

# The spelling in which Excel, WPS, LibreOffice and we ourselves write cells; anything else is parsed.
_HIDDEN_ROW = re.compile(r'<row (?=[^<>]*\bhidden="(?:1|true)")[^<>]*?\br="(\d{1,7})"')
_PLAIN_CELL = re.compile(
    r'<c r="([A-Z]{1,3}+[0-9]{1,7}+)"(?: s="([0-9]++)")?(?: t="(s|n|str|inlineStr|b)")?>'
    r'(?:<v>([^<>]*+)</v></c>|<is><t(?: xml:space="preserve")?>([^<>]*+)</t></is></c>)'
)


class _Addresses(dict[str, tuple[int, int]]):
    """`B3` → (3, 2), remembered: the same few addresses stand in every form."""

    def __missing__(self, address: str) -> tuple[int, int]:
        if len(self) > 100_000:
            self.clear()
        match = _REFERENCE.match(address)
        assert match is not None  # the pattern of a cell admits nothing else
        self[address] = at = (int(match[2]), column_number(match[1]))
        return at


_ADDRESSES = _Addresses()


def read_sheet(
    data: bytes,
    sheet: Sheet,
    strings: Mapping[str, str],
    styles: Styles,
    blanks: bool = False,
    most: int = MAX_CELLS,
) -> int:
    """Fill a sheet from its XML; blank cells are left out unless they are open and asked for.

    Returns the number of its cells, blank ones too. Raises Unreadable above `most`.
    """
    data = utf8(data)
    if len(data) > most and _cells_in(data) > most:  # a cell takes more than a byte
        raise Unreadable(f"单元格过多（到“{sheet.name[:31]}”已超过上限 {most:,} 格），请只留申报表")
    before, _, rest = data.partition(b"<sheetData>")
    cells, closing, after = rest.partition(b"</sheetData>")
    try:
        plain = None if blanks or not closing else _plain_cells(cells, sheet, strings, styles)
        frame = read_frame(data if plain is None else b"%b<sheetData/>%b" % (before, after))
        if plain is None or frame.rows:
            sheet.cells.clear()
            sheet.hidden_lines.clear()
            plain = _cells_in(data)
            parse_xml(data, *cell_handlers(sheet, strings, styles))
    except ValueError as error:
        raise Unreadable(f"文件已损坏：{sheet.name} 的行列号无效") from error
    sheet.merges = set(frame.merges)
    sheet.protected, sheet.objects = frame.protected, frame.objects
    sheet.hidden_lines += frame.hidden
    return plain


def _cells_in(data: bytes) -> int:
    return sum(map(data.count, (b"<c ", b"<c>", b":c ", b":c>")))


def _plain_cells(
    data: bytes, sheet: Sheet, strings: Mapping[str, str], styles: Styles
) -> int | None:
    """Take the cells at a glance where they are spelled as usual, and count them; None where they are not."""
    text = decoded(data)
    if text is None or ((escaped := "&" in text) and OTHER_ENTITY.search(text)):
        return None
    pieces = _PLAIN_CELL.split(text)
    # What is left between them is rows and blank cells, or else the spelling is not the usual one.
    between = "".join(pieces[::6])
    blank = between.count("<c ")
    if blank + between.count("<row ") + between.count("</row>") != between.count("<"):
        return None
    if 'hidden="1"' in between or 'hidden="true"' in between:
        sheet.hidden_lines += [f"第{row}行" for row in _HIDDEN_ROW.findall(between)]
    cells = sheet.cells
    unlocked, formats, of_texts = styles
    escaped = escaped or "_x" in text
    for address, style, kind, value, inline in zip(
        *(pieces[n::6] for n in range(1, 6)), strict=True
    ):
        content = inline if value is None else value
        if not content:
            continue
        number, form = False, ""
        if kind == "s":
            content = strings.get(content)
            if content is None:
                raise Unreadable(f"文件已损坏：{sheet.name} 的 {address} 指向不存在的文字")
        elif kind is None or kind == "n":
            number, form = True, formats.get(style or "0", "")
        elif kind == "b":
            content = "TRUE" if content == "1" else "FALSE"
        elif escaped:
            content = plain_text(content)
        if of_texts and not number:
            form = of_texts.get(style or "0", "")
        cells[_ADDRESSES[address]] = Cell(
            content, number, "", False, (style or "0") not in unlocked, form
        )
    return blank + len(pieces) // 6


def cell_handlers(
    sheet: Sheet, strings: Mapping[str, str], styles: Styles
) -> tuple[Start, End, Text]:
    """What takes the cells of a sheet from its XML, however they are spelled."""
    cells = sheet.cells
    row = column = 0
    kind = style = ""
    value: list[str] = []
    formula: list[str] = []
    has_formula = False
    taking: list[str] | None = None
    phonetic = False

    def start(tag: str, a: dict[str, str]) -> None:
        nonlocal row, column, kind, style, taking, has_formula, phonetic
        if tag == "c":
            reference = _REFERENCE.match(a.get("r", ""))
            if reference:
                column, row = column_number(reference[1]), int(reference[2])
            else:
                column += 1
            kind, style = a.get("t", "n"), a.get("s", "0")
            value.clear()
            formula.clear()
            has_formula = phonetic = False
        elif tag == "v" or (tag == "t" and not phonetic):
            taking = value
        elif tag == "f":
            taking, has_formula = formula, True
        elif tag == "rPh":
            phonetic = True
        elif tag == "row":
            row, column = int(a.get("r", row + 1)), 0
            if a.get("hidden") in ("1", "true"):
                sheet.hidden_lines.append(f"第{row}行")

    def end(tag: str) -> None:
        nonlocal taking, phonetic
        if tag == "v" or tag == "t" or tag == "f":
            taking = None
        elif tag == "rPh":
            phonetic = False
        elif tag == "c":
            locked = style not in styles.unlocked
            content = "".join(value)
            if not content and not has_formula:
                if not locked:
                    cells[row, column] = _OPEN
                return
            number = error = False
            if kind == "s":
                if content not in strings:
                    at = cell_name(row, column)
                    raise Unreadable(f"文件已损坏：{sheet.name} 的 {at} 指向不存在的文字")
                content = strings[content]
            elif kind == "n":
                number = True
            elif kind == "b":
                content = "TRUE" if content == "1" else "FALSE"
            elif kind == "e":
                error = True
            elif kind == "d" and (day := _DAY.match(content)):
                content = f"{int(day[1])}年{int(day[2])}月{int(day[3])}日"
            else:
                content = unescape(content)
            said = ("=" + "".join(formula)) if has_formula else ""
            code = (styles.formats if number else styles.of_texts).get(style, "")
            cells[row, column] = Cell(content, number, said, error, locked, code)

    def text(data: str) -> None:
        if taking is not None:
            taking.append(data)

    return start, end, text
