"""Received files: what can't be opened is told apart and said in one Chinese sentence."""

import io
import zipfile

import pytest

import xltool
from tests.support.packages import repacked
from tests.support.seed import seed_filing
from xltool.filling.writer import render
from xltool.reading.reader import read_grid
from xltool.xlsx import package, workbook_reader
from xltool.xlsx.package import Package, Unreadable, open_package, parse_xml
from xltool.xlsx.workbook_reader import open_grid


@pytest.fixture(scope="module")
def workbook() -> bytes:
    return render(seed_filing())


def reason(data: bytes, tmp_path) -> str:
    path = tmp_path / "收到 的.xlsx"
    path.write_bytes(data)
    filing = xltool.read(path)
    [finding] = xltool.check(filing)
    assert finding.code == "R101"
    assert filing.department is None
    assert not filing.projects
    return finding.message


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "空的"),
        (b"hello", "不是 Excel 工作簿"),
        ("单位,金额\n甲,1".encode("gb18030"), "不是 Excel 工作簿"),
        (OLE, ".xls"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "密码"),
        (b"PK\3\4 broken", "损坏"),
    ],
)
def test_what_is_no_workbook(data, words, tmp_path):
    assert words in reason(data, tmp_path)


def test_a_truncated_workbook_is_damaged(workbook, tmp_path):
    assert "损坏" in reason(workbook[: len(workbook) // 2], tmp_path)


def test_a_part_with_flipped_bytes_is_damaged(workbook, tmp_path):
    # The local data of the first sheet, well behind its header.
    at = workbook.index(b"xl/worksheets/sheet1.xml") + 200
    broken = workbook[:at] + bytes(b ^ 0xFF for b in workbook[at : at + 40]) + workbook[at + 40 :]
    assert "损坏" in reason(broken, tmp_path)


def test_bytes_lost_from_the_middle_are_damage(workbook, tmp_path):
    """The zip's directory then points before the beginning of the file."""
    assert "损坏" in reason(workbook[:4] + workbook[900:], tmp_path)


def test_a_zip_of_something_else(tmp_path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a.txt", "x")
    assert "不是 Excel 工作簿" in reason(out.getvalue(), tmp_path)


@pytest.mark.parametrize("missing", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "_rels/.rels"])
def test_a_missing_part(workbook, missing, tmp_path):
    assert reason(repacked(workbook, **{missing: None}), tmp_path)


def test_entities_and_dtds_are_refused(workbook, tmp_path):
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet><sheetData><row r="1"/></sheetData></worksheet>'
    assert "DTD" in reason(repacked(workbook, **{"xl/worksheets/sheet1.xml": bomb}), tmp_path)
    with pytest.raises(Unreadable):
        parse_xml(b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', lambda *_: None)


def test_deep_xml_is_refused(workbook, tmp_path):
    deep = b"<a>" * 5000 + b"</a>" * 5000
    assert "嵌套" in reason(repacked(workbook, **{"xl/worksheets/sheet1.xml": deep}), tmp_path)


def test_a_bomb_is_refused_before_it_is_unpacked(workbook, tmp_path, monkeypatch):
    monkeypatch.setattr(package, "LARGE_PART", 1_000_000)
    monkeypatch.setattr(workbook_reader, "MAX_STREAMED", 1_000_000)
    monkeypatch.setattr(workbook_reader, "LARGE_PART", 1_000_000)
    assert "炸弹" in reason(
        repacked(workbook, **{"xl/worksheets/sheet1.xml": bytes(3_000_000)}), tmp_path
    )


def test_a_part_that_lies_about_its_size(workbook, monkeypatch):
    """The directory claims little; what inflates is still cut off at the limit."""
    monkeypatch.setattr(package, "MAX_PART", 1_000_000)
    big = repacked(workbook, **{"xl/worksheets/sheet1.xml": bytes(3_000_000)})
    true, small = (3_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little")
    with pytest.raises(Unreadable):
        Package(big.replace(true, small)).read("xl/worksheets/sheet1.xml")


def test_too_many_parts_and_too_large_a_file(workbook, tmp_path, monkeypatch):
    monkeypatch.setattr(package, "MAX_PARTS", 5)
    assert "部件过多" in reason(workbook, tmp_path)
    monkeypatch.setattr(package, "MAX_FILE", 1000)
    assert "过大" in reason(workbook, tmp_path)
    path = tmp_path / "x.xlsx"
    path.write_bytes(workbook)
    with pytest.raises(Unreadable):
        open_package(path)


def test_rows_outside_any_sheet_are_damage_not_a_crash(workbook, tmp_path):
    cells = b'<sheetData><row r="x1"><c><v>1</v></c></row></sheetData>'
    for root in (b"worksheet", b'worksheet xmlns="%b"' % package.MAIN[0].encode()):
        xml = b"<%b>%b</worksheet>" % (root, cells)
        assert "损坏" in reason(repacked(workbook, **{"xl/worksheets/sheet1.xml": xml}), tmp_path)


def test_a_missing_file_and_a_folder_are_one_line_errors(tmp_path):
    for path in (tmp_path / "没有.xlsx", tmp_path):
        with pytest.raises(xltool.XltoolError) as error:
            xltool.read(path)
        assert "\n" not in str(error.value)


# ── large sheets ─────────────────────────────────────────────────────────────────────────────

SHEET = "xl/worksheets/sheet1.xml"


def put_below(workbook: bytes, rows: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        sheet = archive.read(SHEET).decode()
    return repacked(
        workbook, **{SHEET: sheet.replace("</sheetData>", rows + "</sheetData>").encode()}
    )


def ghost(row: int) -> str:
    return f'<row r="{row}">' + "".join(f'<c r="{c}{row}" s="3"/>' for c in "ABCDEF") + "</row>"


GHOSTS = {
    "blank styled cells": "".join(map(ghost, range(40, 1040))),
    "empty rows": "".join(f'<row r="{n}" ht="14.25"/>' for n in range(40, 9040)),
}


@pytest.mark.parametrize("rows", GHOSTS.values(), ids=GHOSTS.keys())
@pytest.mark.parametrize("large", [False, True], ids=["whole", "in pieces"])
def test_blank_cells_and_rows_below_the_form_do_not_count(workbook, rows, large, monkeypatch):
    if large:
        monkeypatch.setattr(workbook_reader, "LARGE_PART", 1000)
        monkeypatch.setattr(package, "LARGE_PART", 1000)
    grid = open_grid(put_below(workbook, rows), most=500)
    assert read_grid(grid) == seed_filing()
    assert read_grid(grid).faults == ()


@pytest.mark.parametrize("large", [False, True], ids=["whole", "in pieces"])
def test_too_many_cells_are_refused_with_what_to_do(workbook, large, monkeypatch):
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>1</v></c></row>' for n in range(40, 640))
    if large:
        monkeypatch.setattr(workbook_reader, "LARGE_PART", 1000)
        monkeypatch.setattr(package, "LARGE_PART", 1000)
    with pytest.raises(Unreadable, match="选中申报表以下的行删除"):
        open_grid(put_below(workbook, rows), most=500)


def test_sheets_that_share_a_part_are_damage(workbook):
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        rels = archive.read("xl/_rels/workbook.xml.rels").decode()
    shared = rels.replace("worksheets/sheet2.xml", "worksheets/sheet1.xml")
    assert shared != rels
    with pytest.raises(Unreadable, match="共用一个部件"):
        open_grid(repacked(workbook, **{"xl/_rels/workbook.xml.rels": shared.encode()}))


def test_more_elements_than_any_sheet_has_are_refused(workbook, monkeypatch):
    monkeypatch.setattr(package, "MAX_ELEMENTS", 5000)
    rows = "".join(f'<row r="{n}"/>' for n in range(40, 9040)) + "<!-- -->"
    with pytest.raises(Unreadable, match="删去表下面"):
        open_grid(put_below(workbook, rows))
