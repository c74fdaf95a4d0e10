"""The same filing as other programs spell it: every spelling reads the same, with no fault."""

from __future__ import annotations

import io
import re
import zipfile

import pytest

from tests.support.case import filing_of
from xltool.filling.writer import render
from xltool.model import Filing
from xltool.reading.reader import read_grid
from xltool.xlsx.workbook_reader import open_grid

SHEETS = ("xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml")
STRINGS, STYLES = "xl/sharedStrings.xml", "xl/styles.xml"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


@pytest.fixture(scope="module")
def parts() -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(render(filing_of({})))) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def back(parts: dict[str, str]) -> Filing:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return read_grid(open_grid(out.getvalue()))


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
    return {name: text for name, text in (parts | changed).items() if name != STRINGS}


def without_references(xml: str) -> str:
    """Rows and cells one after the other, as they may be written: an empty one stands for each gap."""

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


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_it_reads_the_same(parts, spelling):
    changed = spelling(parts)
    assert changed != parts
    filing = back(changed)
    assert filing == filing_of({})
    assert filing.faults == ()


def test_a_day_of_the_strict_format_is_a_day(parts):
    name = SHEETS[1]
    pattern = r'<c r="B5"( s="\d+")?[^>]*>.*?</c>'
    assert re.search(pattern, parts[name], re.DOTALL)
    cell = r'<c r="B5"\1 t="d"><v>2024-06-03T00:00:00</v></c>'
    filing = back(parts | {name: re.sub(pattern, cell, parts[name], count=1, flags=re.DOTALL)})
    assert filing.projects[0].text("period") == "2024年6月3日"
