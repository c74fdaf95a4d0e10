"""Files made to harm: whatever is in them, a reading or a reason comes back, soon,
and nothing else happens.

The seeds are what once hung, filled the memory or ended in a traceback; the mutations are new each
time they are drawn, but the same from run to run.
"""

from __future__ import annotations

import io
import random
import re
import zipfile

import msgspec
import pytest

import xltool
from tests.support.seed import seed_filing
from xltool.checks.results import check_result
from xltool.checks.rules import indicators
from xltool.databook import open_databook
from xltool.files.filenames import safe_name
from xltool.filling.writer import render
from xltool.importing import import_files
from xltool.importing.labels import labels_of
from xltool.indicator import is_placeholder, parse_target, split_targets
from xltool.xlsx.number_format import as_read
from xltool.xlsx.package import Unreadable

SHEET, BOOK = "xl/worksheets/sheet1.xml", "xl/workbook.xml"
STRINGS, STYLES, CUSTOM = "xl/sharedStrings.xml", "xl/styles.xml", "docProps/custom.xml"


@pytest.fixture(scope="module")
def parts() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(render(seed_filing()))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: dict[str, bytes], **changes: object) -> bytes:
    """The package with parts changed: bytes put in, or a function of the part's text."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in parts.items():
            change = changes.get(name)
            if callable(change):
                data = change(data.decode()).encode()
            elif change is not None:
                data = change
            archive.writestr(name, data)
    return out.getvalue()


def judged(data: bytes, tmp_path) -> tuple[xltool.Filing, list[xltool.Finding]]:
    """Read and checked as any received file, its record made; nothing left beside it."""
    path = tmp_path / "收到.xlsx"
    path.write_bytes(data)
    filing = xltool.read(path)
    findings = xltool.check(filing)
    msgspec.json.encode(check_result(filing, findings))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    return filing, findings


def codes(data: bytes, tmp_path) -> set[str]:
    return {f.code for f in judged(data, tmp_path)[1]}


def without_names(text: str) -> str:
    return re.sub(r"<definedNames>.*</definedNames>", "", text, flags=re.DOTALL)


def row_at(number: int, column: str = "A", text: str = "x") -> str:
    cell = f'<c r="{column}{number}" t="inlineStr"><is><t>{text}</t></is></c>'
    return f'<row r="{number}">{cell}</row></sheetData>'


def test_a_cell_far_below_is_told_and_nothing_hangs(parts, tmp_path):
    """Without names the rows are aligned: once over every row down to the last cell."""
    for number, column in ((1_048_576, "A"), (9_999_999, "ZZZ")):
        data = packed(
            parts,
            **{
                SHEET: lambda t, n=number, c=column: t.replace("</sheetData>", row_at(n, c)),
                BOOK: without_names,
            },
        )
        filing, findings = judged(data, tmp_path)
        assert filing == seed_filing()
        assert {"R103", "R104"} <= {f.code for f in findings}


def test_a_block_that_claims_the_whole_sheet(parts, tmp_path):
    bent = packed(
        parts,
        **{
            BOOK: lambda t: re.sub(
                r'(name="时效指标" localSheetId="0">[^<]*\$)\d+<', r"\g<1>1048576<", t
            )
        },
    )
    filing, findings = judged(bent, tmp_path)
    assert filing == seed_filing()
    assert "R104" in {f.code for f in findings}


def test_more_of_anything_than_a_form_can_have_is_refused(parts, tmp_path):
    merges = "".join(f'<mergeCell ref="A{n}:B{n}"/>' for n in range(100, 21_000))
    cells = "".join(f'<row r="{n}">{"<c><v>1</v></c>" * 1000}</row>' for n in range(200, 510))
    sheets = "".join(f'<sheet name="n{n}" sheetId="{n + 9}" r:id="rId1"/>' for n in range(1001))
    for part, mark, more, said in (
        (SHEET, r"<mergeCells[^>]*>", merges, "合并单元格过多"),
        (SHEET, r"<sheetData>", cells, "单元格过多"),
        (BOOK, r"<sheets>", sheets, "工作表过多"),
        (STRINGS, r"<sst[^>]*>", "<si><t>a</t></si>" * 310_000, "文字过多"),
    ):
        data = packed(
            parts, **{part: lambda t, m=mark, x=more: re.sub(m, lambda k: k[0] + x, t, count=1)}
        )
        _, findings = judged(data, tmp_path)
        assert [f.code for f in findings] == ["R101"]
        assert said in findings[0].message, said


def test_many_stray_texts_are_told_once(parts, tmp_path):
    rows = "".join(row_at(n) for n in range(200, 700)).replace("</sheetData>", "") + "</sheetData>"
    _, findings = judged(
        packed(parts, **{SHEET: lambda t: t.replace("</sheetData>", rows)}), tmp_path
    )
    told = [f for f in findings if f.code == "R103"]
    assert len(told) == 51
    assert any("另有 450 处" in f.message for f in told)


def test_half_a_character_does_not_stop_the_reports(parts, tmp_path):
    for part in (SHEET, STRINGS):
        if "目标1" in parts[part].decode():
            data = packed(
                parts,
                **{part: lambda t: t.replace("目标1", "目_xD800_标_xD83D__xDE00_1_x001B_[2J", 1)},
            )
    filing, _ = judged(data, tmp_path)
    assert "目\ufffd标\U0001f6001\x1b[2J" in filing.department.text("goal")


# A text, and what it is put behind: the time must not grow with its square.
N = 40_000
LONG = {
    "blanks in a prompt": "指标" + " " * N + "字",
    "lines in a prompt": "目标" + "\n" * N + "字",
    "crosses": "字" + "×" * N,
    "digits and strokes": "1-" * (N // 2) + "字",
    "units in brackets": "资金总额" + "(元)" * (N // 3),
    "blanks before a label": " " * 19_000 + "x",
    "brackets": "[" * N,
    "brackets open": "（" * N,
    "numbers": "1," * (N // 2),
    "numbers in lines": "1家\n" * (N // 30),
    "commas": "，" * N,
    "digits": "9" * N,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG.keys())
def test_no_text_takes_long_to_read(text):
    """Each of these once took minutes, or is of the kind that does."""
    target = parse_target(text)
    assert target.text == text
    indicators._unreadable(target)
    is_placeholder(text)
    split_targets(text, text)
    as_read("1.5", text)
    labels = labels_of(xltool.load_edition())
    labels.head(text)
    labels.match("project", text)
    assert len(safe_name(text).encode()) < 256


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-0", "1E+400", "1e308", "1E-400", "9" * 400, "0x10", "１", ""]
)
def test_numbers_that_are_none(parts, tmp_path, number):
    def forged(text: str) -> str:
        return re.sub(r"<v>1245.61</v>", f"<v>{number}</v>", text)

    filing, findings = judged(packed(parts, **{SHEET: forged}), tmp_path)
    total = filing.department["total"]
    assert total.value is None or abs(total.value) < 10**310
    assert {f.code for f in findings} & {"R107", "T301", "T302", "T305", "P201"}


def test_the_official_names_in_another_case_twice(parts, tmp_path):
    data = packed(
        {
            **parts,
            "XL/WORKSHEETS/SHEET1.XML": b"<worksheet/>",
            "../../out.txt": b"x",
            "/etc/x": b"x",
        }
    )
    assert judged(data, tmp_path)[0] == seed_filing()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
def test_parts_in_every_encoding_that_xml_allows(parts, tmp_path, encoding):
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    turned = {
        p: mark + parts[p].decode().encode(encoding) for p in (SHEET, BOOK, STRINGS, STYLES, CUSTOM)
    }
    filing, _ = judged(packed(parts, **turned), tmp_path)
    assert filing == seed_filing()
    assert not filing.faults


def test_an_encoding_that_nobody_knows(parts, tmp_path):
    """What a part claims of its encoding is no codec to look up."""
    for claimed in ("ZZZ9", "zlib_codec", "gb2312"):
        data = packed(parts, **{SHEET: lambda t, c=claimed: t.replace("UTF-8", c, 1)})
        assert judged(data, tmp_path)[0] == seed_filing()


def test_a_bomb_of_entities_in_any_encoding(parts, tmp_path):
    levels = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x [<!ENTITY a0 "字">{levels}]><x>&a11;</x>'
    for part in (SHEET, BOOK, STRINGS, CUSTOM):
        assert codes(packed(parts, **{part: bomb.encode("utf-16")}), tmp_path) == {"R101"}
    document = bomb.replace(
        "<x>", '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
    )
    book = packed(
        {"[Content_Types].xml": b"<Types/>", "word/document.xml": document.encode("utf-16")}
    )
    (tmp_path / "收到.docx").write_bytes(book)
    assert import_files([tmp_path / "收到.docx"]).unread


def test_json_as_deep_as_it_gets(tmp_path):
    for text in ("[" * 200_000, '{"filings":' * 100_000, '{"filings": [' + "9" * 100_000 + "]}"):
        path = tmp_path / "数据.json"
        path.write_text(text, "utf-8")
        assert open_databook(path).errors


def test_a_field_of_csv_without_an_end(tmp_path):
    for name in ("部门", "项目", "指标"):
        (tmp_path / f"{name}.csv").write_text('部门名称,"' + "字" * 300_000, "utf-8")
    assert open_databook(tmp_path).errors


def test_workbooks_of_any_layout_that_want_too_much(parts, tmp_path):
    """openpyxl would go through every cell of a merge, and make one for each blank."""
    path = tmp_path / "收到.xlsx"
    wide = r'\g<0><mergeCell ref="A90:XFD1048576"/>'
    path.write_bytes(packed(parts, **{SHEET: lambda t: re.sub(r"<mergeCells[^>]*>", wide, t)}))
    assert "合并单元格过大" in "".join(import_files([path]).unread.values())
    path.write_bytes(
        packed(parts, **{SHEET: lambda t: t.replace("</sheetData>", row_at(1_048_576, "XFD"))})
    )
    assert import_files([path]).filings


def test_web_pages_that_want_too_much(tmp_path):
    for page in (
        "<table>" + "<tr><td colspan=99999 rowspan=99999>资金总额" * 3000,
        "<table><tr><td>" * 3000,
        "<div>" * 100_000 + "x",
        "<!DOCTYPE html><html><script src=file:///etc/passwd></script><iframe src=file:///etc/passwd>",
    ):
        path = tmp_path / "收到.html"
        path.write_text(page, "utf-8")
        assert not import_files([path]).filings


# ── mutations ────────────────────────────────────────────────────────────────────────────────

_ODD = [
    "1048577",
    "ZZZ9",
    "-1",
    "",
    "1e999",
    "9" * 30,
    "\x00",
    "]]>",
    "&#0;",
    "&#xD800;",
    "<c>",
    "_xFFFF_",
    "#REF!",
    "'",
]


def mutated(parts: dict[str, bytes], chance: random.Random) -> bytes:
    """One or two parts hurt: bytes flipped or lost, values swapped, tags repeated,
    parts exchanged."""
    hurt = dict(parts)
    for _ in range(chance.randint(1, 2)):
        name = chance.choice(list(hurt))
        data = bytearray(hurt[name])
        kind = chance.randrange(7)
        if kind == 0:
            for _ in range(chance.randint(1, 8)):
                data[chance.randrange(len(data))] = chance.randrange(256)
        elif kind == 1:
            del data[chance.randrange(len(data)) :]
        elif kind == 2:
            del hurt[name]
            continue
        elif kind == 3:
            other = chance.choice(list(hurt))
            hurt[name], hurt[other] = hurt[other], hurt[name]
            continue
        else:
            marks = {4: rb'="[^"]*"', 5: rb">[^<]+<", 6: rb"<[^>]+>"}
            found = list(re.finditer(marks[kind], bytes(data)))
            if found:
                at = chance.choice(found)
                odd = chance.choice(_ODD).encode()
                new = {
                    4: b'="' + odd + b'"',
                    5: b">" + odd + b"<",
                    6: chance.choice([b"", at[0] * 2]),
                }
                data[at.start() : at.end()] = new[kind]
        hurt[name] = bytes(data)
    whole = bytearray(packed(hurt))
    if chance.random() < 0.15:
        whole[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
    return bytes(whole)


@pytest.mark.parametrize("seed", range(4))
def test_damage_of_any_kind_is_told(parts, tmp_path, seed):
    chance = random.Random(seed)
    for _ in range(40):
        judged(mutated(parts, chance), tmp_path)


def test_damage_of_any_kind_is_no_import_either(parts, tmp_path):
    chance = random.Random(99)
    path = tmp_path / "收到.xlsx"
    for _ in range(12):
        path.write_bytes(mutated(parts, chance))
        import_files([path])
        open_databook(path)


def test_no_template_check_stops(parts, tmp_path):
    from xltool.template.bindings import problems

    chance = random.Random(7)
    path = tmp_path / "模板.xlsx"
    for _ in range(20):
        path.write_bytes(mutated(parts, chance))
        try:
            problems(path, xltool.load_edition())
        except (xltool.XltoolError, Unreadable) as error:
            assert str(error)
