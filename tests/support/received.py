"""The clean filing as files of real life have it: what each is, and what is changed for it.

`SPELLINGS` say the same otherwise; `CASES` say something else, or in a way that was once misread.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.support.packages import STYLES, formatted

Parts = dict[str, str]
SHEETS = ("xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml")
STRINGS, BOOK, TYPES = "xl/sharedStrings.xml", "xl/workbook.xml", "[Content_Types].xml"
RELS = "xl/_rels/workbook.xml.rels"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def shared(parts: dict[str, str]) -> list[str]:
    """The shared texts as the package spells them."""
    return [
        re.sub("<[^>]*>", "", si) for si in re.findall(r"<si>(.*?)</si>", parts[STRINGS], re.DOTALL)
    ]


def in_runs(text: str) -> str:
    """A text in two runs with its pronunciation, as inline rich text."""
    cut = text.index(";") + 1 if text.startswith("&") else 1
    runs = "".join(
        f'<r><rPr><b/></rPr><t xml:space="preserve">{part}</t></r>'
        for part in (text[:cut], text[cut:])
    )
    return f'{runs}<rPh sb="0" eb="1"><t>PINYIN</t></rPh><phoneticPr fontId="1"/>'


def respelled(parts: dict[str, str], cell) -> dict[str, str]:
    texts = shared(parts)
    pattern = re.compile(r'<c r="(\w+)"( s="\d+")? t="s"><v>(\d+)</v></c>')
    changed = {
        n: pattern.sub(lambda m: cell(m[1], m[2] or "", texts[int(m[3])]), parts[n]) for n in SHEETS
    }
    assert all(changed[n] != parts[n] for n in SHEETS)
    rest = {name: text for name, text in (parts | changed).items() if name != STRINGS}
    listed = re.compile(r"<(?:Override|Relationship) [^>]*sharedStrings[^>]*/>")
    return rest | {name: listed.sub("", rest[name]) for name in (TYPES, RELS)}


def without_references(xml: str) -> str:
    """Rows and cells one after the other, as they may be written:
    an empty one stands for each gap."""

    def row(match: re.Match[str]) -> str:
        cells, column = "", 0
        for letters, rest, body in re.findall(
            r'<c r="([A-Z])\d+"([^>]*?)(?:/>|>(.*?)</c>)', match[1], re.DOTALL
        ):
            cells += "<c/>" * (ord(letters) - 65 - column) + f"<c{rest}>{body}</c>"
            column = ord(letters) - 64
        return f"<row>{cells}</row>"

    return re.sub(r"<row [^>]*>(.*?)</row>", row, xml, flags=re.DOTALL)


SPELLINGS = {
    "a dimension of one cell": lambda p: p
    | {n: re.sub(r"<dimension[^>]*>", '<dimension ref="A1:A1"/>', p[n]) for n in SHEETS},
    "inline rich text, no shared strings": lambda p: respelled(
        p, lambda at, style, text: f'<c r="{at}"{style} t="inlineStr"><is>{in_runs(text)}</is></c>'
    ),
    "texts as results of formulas are stored": lambda p: respelled(
        p, lambda at, style, text: f'<c r="{at}"{style} t="str"><v>{text}</v></c>'
    ),
    "rows and cells without references": lambda p: p | {n: without_references(p[n]) for n in SHEETS},
    "no styles": lambda p: {name: text for name, text in p.items() if name != STYLES},
    "number formats that are not there": lambda p: p
    | {STYLES: re.sub(r'numFmtId="\d+"', 'numFmtId="999"', p[STYLES])},
    "the strict format": lambda p: {
        name: text.replace(MAIN, "http://purl.oclc.org/ooxml/spreadsheetml/main").replace(
            RELATIONS, "http://purl.oclc.org/ooxml/officeDocument/relationships"
        )
        for name, text in p.items()
    },
    "elements with a prefix": lambda p: p
    | {n: re.sub(r"<(/?)([A-Za-z])", r"<\1x:\2", p[n]).replace("xmlns=", "xmlns:x=", 1) for n in SHEETS},
    "a comment that looks like a cell": lambda p: p
    | {n: p[n].replace("<sheetData>", '<sheetData><!-- <c r="D7"><v>1</v></c> -->') for n in SHEETS},
    "backslashes in the names of parts": lambda p: {n.replace("/", "\\"): t for n, t in p.items()},
    "names of parts in another case": lambda p: {
        n if n.startswith("[") else n.upper(): t for n, t in p.items()
    },
    "names of parts percent-encoded": lambda p: {
        n.replace("sheet1", "表 1"): t.replace("sheet1.xml", "%E8%A1%A8%201.xml") for n, t in p.items()
    },
    "characters by their numbers": lambda p: p
    | {n: re.sub("[\u4e00-\u9fff]", lambda m: f"&#{ord(m[0])};", p[n]) for n in SHEETS},
    "the noise of binary fractions": lambda p: p
    | {n: p[n].replace("<v>3173.17</v>", "<v>3173.1700000000001</v>") for n in SHEETS},
}  # fmt: skip


# ── what was once misread ────────────────────────────────────────────────────────────────────


def cell(
    at: str, inner: str, code: str = "", sheet: int = 0, kind: str = ""
) -> Callable[[Parts], Parts]:
    """A cell with other content (a number where it is no element), under a number format."""

    def change(parts: Parts) -> Parts:
        name = SHEETS[sheet]
        found = re.search(rf'<c r="{at}"( s="(\d+)")?[^>]*?(?:/>|>.*?</c>)', parts[name], re.DOTALL)
        styles, number = parts[STYLES], int(found[2] or 0)
        if code:
            styles, number = formatted(styles, number, code)
        value = inner if inner.startswith("<") else f"<v>{inner}</v>"
        new = f'<c r="{at}" s="{number}"{kind}>{value}</c>'
        return parts | {name: parts[name].replace(found[0], new, 1), STYLES: styles}

    return change


def text(name: str, was: str, becomes: str) -> Callable[[Parts], Parts]:
    """A part in which something is spelled otherwise, everywhere."""

    def change(parts: Parts) -> Parts:
        assert was in parts[name]
        return parts | {name: parts[name].replace(was, becomes)}

    return change


def both(*changes: Callable[[Parts], Parts]) -> Callable[[Parts], Parts]:
    def change(parts: Parts) -> Parts:
        for one in changes:
            parts = one(parts)
        return parts

    return change


def in_yuan(parts: Parts) -> Parts:
    """Every amount stored in 元 and shown in 万元."""
    for sheet, name in enumerate(SHEETS):
        for at, amount in re.findall(r'<c r="(\w+)" s="\d+"><v>([\d.]+)</v></c>', parts[name]):
            yuan = f"{round(float(amount) * 10_000)}"
            parts = cell(at, yuan, "0\\.0000", sheet)(parts)
    return parts


def lower(parts: Parts) -> Parts:
    """A row above the form; cells, merges, validations and names move down with it."""

    def moved(match: re.Match[str]) -> str:
        return f"{match[1]}{int(match[2]) + 1}"

    name = SHEETS[0]
    cells, frame = parts[name].split("</sheetData>")
    cells = re.sub(r'((?:<row|<c) r="[A-Z]*)(\d+)', moved, cells)
    cells = cells.replace(
        "<sheetData>",
        '<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>附件1</t></is></c></row>',
    )
    refs = re.compile(r'((?:ref|sqref)=")([^"]+)')
    frame = refs.sub(lambda m: m[1] + re.sub(r"([A-Z])(\d+)", moved, m[2]), frame)
    names = re.sub(
        r"(<definedName [^>]*localSheetId=\"0\"[^>]*>)([^<]+)",
        lambda m: m[1] + re.sub(r"(\$)(\d+)", moved, m[2]),
        parts[BOOK],
    )
    return parts | {name: f"{cells}</sheetData>{frame}", BOOK: names}


def old_copy(parts: Parts) -> Parts:
    """A copy of the first sheet before it, with another total and without the names."""
    book = parts[BOOK]
    first = re.search(r'<sheet name="([^"]*)"[^>]*/>', book)
    book = book.replace(
        first[0], f'<sheet name="{first[1]} (2)" sheetId="90" r:id="old"/>{first[0]}'
    )
    book = re.sub(r'localSheetId="(\d+)"', lambda m: f'localSheetId="{int(m[1]) + 1}"', book)
    part = "xl/worksheets/old.xml"
    relation = re.search(r'<Relationship [^>]*worksheets/sheet1.xml"[^>]*/>', parts[RELS])[0]
    added = re.sub(r'Id="[^"]*"', 'Id="old"', relation).replace("sheet1.xml", "old.xml")
    override = re.search(r'<Override PartName="/xl/worksheets/sheet1.xml"[^>]*/>', parts[TYPES])[0]
    return parts | {
        BOOK: book,
        part: parts[SHEETS[0]].replace("<v>3173.17</v>", "<v>2222.22</v>"),
        RELS: parts[RELS].replace(relation, relation + added),
        TYPES: parts[TYPES].replace(override, override + override.replace("sheet1", "old")),
    }


def ghosts(parts: Parts) -> Parts:
    """Thousands of blank cells with a style below the form."""
    rows = "".join(
        f'<row r="{row}">'
        + "".join(f'<c r="{letter}{row}" s="1"/>' for letter in "ABCDEFGH")
        + "</row>"
        for row in range(100, 4_100)
    )
    return text(SHEETS[0], "</sheetData>", f"{rows}</sheetData>")(parts)


def drawn(parts: Parts, shape: str = "<xdr:pic/>") -> Parts:
    """The scan of a stamp over the head of the form, or another shape."""
    rels = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId77" Type="{RELATIONS}/drawing" Target="../drawings/drawing7.xml"/>'
        "</Relationships>"
    )
    drawing = (
        '<xdr:wsDr xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing">'
        f"<xdr:twoCellAnchor>{shape}</xdr:twoCellAnchor></xdr:wsDr>"
    )
    placed = f'<drawing xmlns:r="{RELATIONS}" r:id="rId77"/></worksheet>'
    return text(SHEETS[0], "</worksheet>", placed)(parts) | {
        "xl/worksheets/_rels/sheet1.xml.rels": rels,
        "xl/drawings/drawing7.xml": drawing,
    }


_FOREIGN = (
    '<extLst><ext uri="{a}"><z:sheetData xmlns:z="urn:z"><z:row r="4"><z:c r="C4"><z:v>9002</z:v>'
    "</z:c></z:row></z:sheetData></ext></extLst></worksheet>"
)
DAY, AMOUNT = "F19", "C4"
CASES: dict[str, Callable[[Parts], Parts]] = {
    "the clean filing": lambda p: p,
    "a row above the form": lower,
    "an old copy in front": old_copy,
    "amounts scaled by their format": in_yuan,
    "a suffix from the format": cell("F13", "42", '"≥"0"座"'),
    "a year that is not shown": cell(DAY, "45291", "58"),
    "days counted from 1904": both(
        cell(DAY, "44195", 'yyyy"年"m"月"d"日"'),
        text(BOOK, "<workbookPr ", '<workbookPr date1904="1" '),
    ),
    "a built-in Chinese date": both(cell(DAY, "45627", "57"), cell("B5", "45627", "57", 1)),
    "formulas without a result": both(
        cell("E13", "<f>[1]Sheet1!A1</f>"), cell("F13", "<f>[1]Sheet1!B1</f>")
    ),
    "a figure that the format makes up": cell(AMOUNT, "1002", '"9999.99"'),
    "an amount that the format hides": cell(AMOUNT, "1002", ";;;"),
    "cells of a foreign namespace": text(SHEETS[0], "</worksheet>", _FOREIGN),
    "an amount with 25 digits": cell(AMOUNT, "1E+25"),
    "blank cells by the thousand": ghosts,
    "a stamp": drawn,
    "a shape that runs a macro": lambda p: drawn(p, '<xdr:sp macro="[0]!go" textlink=""/>'),
    "a text box": lambda p: drawn(p, '<xdr:sp macro="" textlink="$A$1"/>'),
    "thousands by a condition": cell(AMOUNT, "3173170", '[>=1000]0.0,"千";0'),
    "a colour, a currency and its place": cell(AMOUNT, "3173.17", "[红色][$￥-804]#,##0.00"),
    "a zero shown as another figure": cell("D9", "0", '0.00;-0.00;"5"'),
    "a minus that is not shown": cell(AMOUNT, "-3173.17", "0.00;0.00"),
    "an error value": cell("F13", "#N/A", kind=' t="e"'),
    "a text of many fonts": cell(
        "F13", "<is><r><t>≥</t></r><r><rPr><b/></rPr><t>3座</t></r></is>", kind=' t="inlineStr"'
    ),
    "filtered rows": text(SHEETS[0], '<row r="13" ', '<row r="13" hidden="1" '),
    "macros": lambda p: p | {"xl/vbaProject.bin": "x"},
    "percentages": cell("F13", "0.97916666666666663", "0%"),
    "a day below the first": cell(DAY, "0.5", 'yyyy"年"m"月"d"日"'),
    "a truth value under a number format": cell("F13", "1", "0.00", kind=' t="b"'),
}  # fmt: skip
