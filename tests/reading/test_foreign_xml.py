"""What Excel reads of a sheet's XML is read, nothing else:
by namespace, the first choice, one value a cell.

At a glance or with care, the verdict is the same: a fuzz test holds the two against each other.
"""

from __future__ import annotations

import io
import random
import re
import zipfile
from decimal import Decimal

import pytest

from tests.support.case import filing_of
from tests.support.packages import repacked
from xltool.filling.writer import render
from xltool.reading.reader import read_grid
from xltool.xlsx import cells, package, shared_parts, sheet_frame, workbook_part, workbook_reader
from xltool.xlsx.grid import Grid
from xltool.xlsx.package import Unreadable
from xltool.xlsx.workbook_reader import open_grid

SHEET, BOOK, STYLES = "xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml"
RELS = "xl/_rels/workbook.xml.rels"
TOTAL = re.compile(r'<c r="C4"( s="\d+")?><v>3173.17</v></c>')
MC = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
X14 = 'xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"'


@pytest.fixture(scope="module")
def workbook() -> bytes:
    return render(filing_of({}))


@pytest.fixture(scope="module")
def parts(workbook) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def total(workbook: bytes, part: str, text: str) -> Decimal | None:
    """The total that is read; raises Unreadable where the file can't be read."""
    filing = read_grid(open_grid(repacked(workbook, **{part: text.encode()})))
    return filing.department.amount("total")


def cell(inner: str, kind: str = "") -> str:
    return f'<c r="C4"{kind}>{inner}</c>'


# ── what is passed over ──────────────────────────────────────────────────────────────────────

FOREIGN_ROWS = '<z:sheetData xmlns:z="urn:z"><z:row r="4"><z:c r="C4"><z:v>9002</z:v></z:c></z:row></z:sheetData>'
OWN_ROWS = '<sheetData><row r="4"><c r="C4"><v>9002</v></c></row></sheetData>'


@pytest.mark.parametrize(
    "hidden",
    [
        f'<extLst><ext uri="{{a}}">{FOREIGN_ROWS}</ext></extLst>',
        f'<extLst><ext uri="{{a}}">{OWN_ROWS}</ext></extLst>',
        '<extLst><ext uri="{a}"><mergeCells count="1"><mergeCell ref="A30:B30"/></mergeCells></ext></extLst>',
        '<extLst><ext uri="{a}"><drawing r:id="rId9" xmlns:r="urn:r"/></ext></extLst>',
        '<z:drawing xmlns:z="urn:z"/>',
        f'<mc:AlternateContent {MC}><mc:Choice Requires="z" xmlns:z="urn:z"><drawing/></mc:Choice>'
        "<mc:Fallback/></mc:AlternateContent>",
    ],
)
def test_extensions_and_foreign_elements_say_nothing(workbook, parts, hidden):
    text = parts[SHEET].replace("</worksheet>", f"{hidden}</worksheet>")
    filing = read_grid(open_grid(repacked(workbook, **{SHEET: text.encode()})))
    assert filing == filing_of({})
    assert filing.faults == ()


def test_protection_counts_only_in_its_own_place(workbook, parts):
    text = re.sub(r"<sheetProtection [^>]*>", "", parts[SHEET])
    text = text.replace(
        "</worksheet>", '<extLst><ext><sheetProtection sheet="1"/></ext></extLst></worksheet>'
    )
    filing = read_grid(open_grid(repacked(workbook, **{SHEET: text.encode()})))
    assert [fault.detail for fault in filing.faults] == ["工作表保护被取消"]


@pytest.mark.parametrize(
    ("choices", "objects"),
    [
        (f'<mc:Choice Requires="x14" {X14}><drawing/></mc:Choice><mc:Fallback/>', True),
        (f'<mc:Choice Requires="x14" {X14}/><mc:Fallback><drawing/></mc:Fallback>', False),
        ('<mc:Choice Requires="z" xmlns:z="urn:z"/><mc:Fallback><drawing/></mc:Fallback>', True),
        (
            f'<mc:Choice Requires="x14" {X14}/><mc:Choice Requires="x14" {X14}><drawing/></mc:Choice>',
            False,
        ),
    ],
)
def test_of_several_choices_the_first_that_excel_understands_counts(
    workbook, parts, choices, objects
):
    text = parts[SHEET].replace(
        "</worksheet>", f"<mc:AlternateContent {MC}>{choices}</mc:AlternateContent></worksheet>"
    )
    grid = open_grid(repacked(workbook, **{SHEET: text.encode()}))
    assert grid.sheets[0].objects is objects


# ── what is damage ───────────────────────────────────────────────────────────────────────────

DAMAGED = {
    "two values": cell("<v>3173.17</v><v>5</v>"),
    "a text beside a value": cell("<v>3173.17</v><is><t>99</t></is>"),
    "a value beside a text": cell("<is><t>3173.17</t></is><v>5</v>", ' t="inlineStr"'),
    "a value for a text": cell("<v>3173.17</v>", ' t="inlineStr"'),
    "a text for a shared one": cell("<v>4</v><is><t>0</t></is>", ' t="s"'),
    "an element within a value": cell("<v>31<b>73</b>.17</v>"),
    "a kind that is none": cell("<v>3173.17</v>", ' t="zz"'),
    "a kind in capitals": cell("<v>4</v>", ' t="S"'),
    "a foreign value": cell('<v>3173.17</v><z:v xmlns:z="urn:z">77</z:v>'),
    "a foreign cell": cell("<v>3173.17</v>") + '<z:c xmlns:z="urn:z" r="C4"><z:v>5</z:v></z:c>',
    "a cell twice": cell("<v>3173.17</v>") + cell("<v>5</v>"),
    "a blank cell twice": cell("<v>3173.17</v>") + '<c r="C4"/>',
    "a cell of another row": '<c r="C40"><v>3173.17</v></c>',
    "a cell in small letters": '<c r="c4"><v>3173.17</v></c>',
    "a cell with dollars": '<c r="$C$4"><v>3173.17</v></c>',
    "a choice among the cells": f'<mc:AlternateContent {MC}><mc:Choice Requires="x14" {X14}>'
    f"{cell('<v>3173.17</v>')}</mc:Choice></mc:AlternateContent>",
    "an attribute without quotes": "<c r=C4><v>3173.17</v></c>",
    "an attribute twice": '<c r="C4" r="C4"><v>3173.17</v></c>',
    "a prefix that nobody declared": cell("<v>3173.17</v>", ' zz:a="1"'),
    "a truth value that is none": cell("<v>7</v>", ' t="b"'),
}


@pytest.mark.parametrize("spelled", DAMAGED.values(), ids=DAMAGED.keys())
@pytest.mark.parametrize("careful", [False, True], ids=["glance", "care"])
def test_what_excel_would_not_read_is_damage(workbook, parts, spelled, careful):
    text, count = TOTAL.subn(lambda _: spelled, parts[SHEET])
    assert count == 1
    if careful:
        text = text.replace("<sheetData>", "<sheetData><!-- x -->")
    with pytest.raises(Unreadable, match="损坏"):
        total(workbook, SHEET, text)


ELSEWHERE = {
    "a row twice": (SHEET, "</sheetData>", '<row r="4"><c r="H4"><v>5</v></c></row></sheetData>'),
    "two tables": (SHEET, "</sheetData>", f"</sheetData>{OWN_ROWS}"),
    "a row's attribute twice": (SHEET, '<row r="4"', '<row r="4" r="4"'),
    "a row's undeclared prefix": (SHEET, '<row r="4"', '<row r="4" zz:a="1"'),
    "a row's attribute without quotes": (SHEET, '<row r="4"', '<row r="4" ht=20'),
    "an undeclared prefix of a validation": (SHEET, "<dataValidation ", '<dataValidation zz:a="1" '),
    "a relation twice": (RELS, "</Relationships>", '<Relationship Id="rId1" Type="a"/></Relationships>'),
}  # fmt: skip


@pytest.mark.parametrize("case", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_damage_around_the_cells(workbook, parts, case):
    part, was, becomes = case
    text = parts[part].replace(was, becomes, 1)
    assert text != parts[part]
    with pytest.raises(Unreadable, match="损坏"):
        total(workbook, part, text)


def test_a_package_without_content_types_is_none(workbook):
    with pytest.raises(Unreadable, match="不是 Excel 工作簿"):
        open_grid(repacked(workbook, **{"[Content_Types].xml": None}))


# ── at a glance and with care ────────────────────────────────────────────────────────────────


def with_care(monkeypatch) -> None:
    """Nothing is taken at a glance any more."""
    monkeypatch.setattr(cells, "_plain_cells", lambda *_: None)
    monkeypatch.setattr(sheet_frame, "_cut", lambda data, *_: ("", data))
    monkeypatch.setattr(workbook_reader, "read_workbook", workbook_part._parse_workbook)
    monkeypatch.setattr(workbook_reader, "string_table", shared_parts._parse_strings)
    monkeypatch.setattr(workbook_reader, "open_parts", package.Package)
    monkeypatch.setattr(cells, "read_frame", sheet_frame._parse_frame)


def verdict(data: bytes) -> Grid | str:
    try:
        grid = open_grid(data)
    except Unreadable as error:
        return str(error).partition("：")[0]
    for sheet in grid.sheets:
        # A blank cell that is open is kept with care only.
        sheet.cells = {at: one for at, one in sheet.cells.items() if one.text or one.formula}
    return grid


def edited(parts: dict[str, str], chance: random.Random) -> dict[str, str]:
    """A part with one to three well- or ill-formed edits:
    tags, attributes, values moved, doubled, lost."""
    hurt = dict(parts)
    for _ in range(chance.randint(1, 3)):
        name = chance.choice([SHEET, SHEET, SHEET, BOOK, "xl/sharedStrings.xml", STYLES, RELS])
        text = hurt.get(name, "")
        found = list(
            re.finditer(r'<c r=.*?(?:/>|</c>)|<row [^>]*>|<[^>]+>| [\w:]+="[^"]*"|>[^<]+<', text)
        )
        if not found:
            continue
        at, other = chance.choice(found), chance.choice(found)
        new = chance.choice(
            [
                "", at[0] * 2, other[0], at[0].replace('"', "", 1), at[0].replace(' r="', ' r="1', 1),
                at[0].replace("<", "<z:", 1), at[0].upper(), f"<!-- {at[0]} -->", at[0].replace(">", "/>", 1),
                at[0].replace('="', ' x:y="1" k="', 1), f"<extLst>{at[0]}</extLst>", at[0].replace("v>", "t>"),
                at[0].replace('t="s"', 't="str"'), at[0].replace(' s="', ' t="inlineStr" s="', 1),
            ]
        )  # fmt: skip
        hurt[name] = text[: at.start()] + new + text[at.end() :]
    return hurt


@pytest.mark.parametrize("seed", range(4))
def test_a_glance_and_care_give_the_same_verdict(workbook, parts, seed, monkeypatch):
    chance = random.Random(seed)
    mutants = []
    for _ in range(120):
        hurt = edited(parts, chance)
        changed = {n: t.encode() for n, t in hurt.items() if t != parts.get(n)}
        mutants.append(repacked(workbook, **changed))
    quick = [verdict(data) for data in mutants]
    with_care(monkeypatch)
    careful = [verdict(data) for data in mutants]
    for data, one, other in zip(mutants, quick, careful, strict=True):
        assert one == other, data
    assert 10 < sum(isinstance(one, str) for one in quick) < 110


def test_nothing_of_any_length_is_kept_for_the_next_file(workbook, parts):
    """An address or an attribute may be as long as a file: only what is spelled as usual is kept."""
    sheet = next(name for name in parts if name.startswith("xl/worksheets/sheet"))
    odd = "A" * 5000
    for hurt in (
        f'r="{odd}"',
        f'r="B3" t="{odd}"',
        f'r="B3" s="{odd}"',
        f'r="B3" s="{"0" * 5000}"',
    ):
        xml = parts[sheet].replace(
            "<sheetData>", f'<sheetData><row r="1"><c {hurt}><v>1</v></c></row>'
        )
        verdict(repacked(workbook, **{sheet: xml.encode()}))
    kept = (cells._ADDRESSES, cells._STYLES_AND_KINDS)
    assert not any(len(key) > 100 for memory in kept for key in memory)


@pytest.mark.parametrize("ends", ['min="-1" max="3"', 'min="0" max="3"', 'min="-9" max="99999"'])
def test_hidden_columns_begin_with_the_first(workbook, parts, ends):
    sheet = next(name for name in parts if name.startswith("xl/worksheets/sheet"))
    xml = parts[sheet].replace("</cols>", f'<col {ends} width="9" hidden="1"/></cols>')
    filing = read_grid(open_grid(repacked(workbook, **{sheet: xml.encode()})))
    [hidden] = [fault.detail for fault in filing.faults if fault.kind == "protection"]
    assert hidden.startswith("有行列被隐藏：第A:")
