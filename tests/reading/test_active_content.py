"""What acts, what nobody sees, what is no filing at all: each said in its own words."""

from __future__ import annotations

import io
import re
import zipfile

import openpyxl
import pytest

import xltool
from tests.support.case import filing_of
from tests.support.packages import repacked
from xltool.filling.writer import render
from xltool.model import Filing
from xltool.reading.reader import read_grid
from xltool.xlsx.workbook_reader import open_grid

SHEET, BOOK, TYPES = "xl/worksheets/sheet1.xml", "xl/workbook.xml", "[Content_Types].xml"
DEPARTMENT = "部门整体支出绩效目标表"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


@pytest.fixture(scope="module")
def workbook() -> bytes:
    return render(filing_of({}))


def part(data: bytes, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(name).decode()


def told(data: bytes) -> list[tuple[str, str]]:
    filing = read_grid(open_grid(data))
    return [(f.code, f.message) for f in xltool.check(filing)]


def with_part(data: bytes, name: str, content: bytes = b"x") -> bytes:
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("xl/vbaProject.bin", "宏（VBA 工程）"), ("xl/macrosheets/sheet9.xml", "宏表"),
        ("xl/embeddings/oleObject1.bin", "嵌入的对象"), ("xl/activeX/activeX1.bin", "ActiveX"),
        ("xl/externalLinks/externalLink1.xml", "链接"), ("xl/connections.xml", "数据连接"),
        ("xl\\vbaProject.bin", "宏（VBA 工程）"), ("XL/VBAPROJECT.BIN", "宏（VBA 工程）"),
    ],
)  # fmt: skip
def test_what_acts_or_leads_elsewhere_is_named(workbook, name, words):
    [(code, message)] = told(with_part(workbook, name))
    assert code == "R112"
    assert words in message


def test_where_an_external_link_leads_is_said(workbook):
    rels = (
        '<Relationships><Relationship Id="a" Type="b" Target="file:///D:/表.xlsx"/></Relationships>'
    )
    data = with_part(workbook, "xl/externalLinks/externalLink1.xml")
    data = with_part(data, "xl/externalLinks/_rels/externalLink1.xml.rels", rels.encode())
    assert "file:///D:/表.xlsx" in told(data)[0][1]


def test_a_sheet_that_no_menu_shows_is_named(workbook):
    book = openpyxl.load_workbook(io.BytesIO(workbook))
    book.create_sheet("底稿").sheet_state = "veryHidden"
    out = io.BytesIO()
    book.save(out)
    [(code, message)] = told(out.getvalue())
    assert (code, "深度隐藏的工作表“底稿”" in message) == ("R112", True)


def with_drawing(workbook: bytes, drawing: str) -> bytes:
    rels = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId77" Type="{RELATION}/drawing" Target="../drawings/drawing7.xml"/>'
        "</Relationships>"
    )
    sheet = part(workbook, SHEET)
    # In its place among the elements of a sheet.
    sheet = re.sub(r"(?=</worksheet>)", f'<drawing xmlns:r="{RELATION}" r:id="rId77"/>', sheet)
    data = repacked(workbook, **{SHEET: sheet.encode()})
    data = with_part(data, "xl/worksheets/_rels/sheet1.xml.rels", rels.encode())
    return with_part(data, "xl/drawings/drawing7.xml", drawing.encode())


def test_a_stamp_is_noted_a_shape_queried_a_macro_on_it_named(workbook):
    pictures = with_drawing(workbook, "<xdr:wsDr><xdr:pic macro=''/><xdr:pic/></xdr:wsDr>")
    assert [code for code, _ in told(pictures)] == ["R111"]
    mixed = with_drawing(workbook, "<xdr:wsDr><xdr:pic/><xdr:sp macro=''/></xdr:wsDr>")
    assert [code for code, _ in told(mixed)] == ["R105"]
    acting = with_drawing(workbook, '<xdr:wsDr><xdr:sp macro="book!Go"/></xdr:wsDr>')
    said = dict(told(acting))
    assert set(said) == {"R105", "R112"}
    assert "book!Go" in said["R112"]


@pytest.mark.parametrize("empty", ["<xdr:wsDr></xdr:wsDr>", "<?xml version='1.0'?><xdr:wsDr/>"])
def test_an_empty_drawing_is_none(workbook, empty):
    assert told(with_drawing(workbook, empty)) == []


def test_an_empty_drawing_does_not_hide_what_else_lies_there(workbook):
    data = with_drawing(workbook, "<xdr:wsDr/>")
    control = f'<Relationship Id="rId78" Type="{RELATION}/control" Target="../activeX/a.xml"/>'
    rels = "xl/worksheets/_rels/sheet1.xml.rels"
    more = part(data, rels).replace("</Relationships>", f"{control}</Relationships>")
    data = with_part(repacked(data, **{rels: more.encode()}), "xl/activeX/a.xml", b"<ocx/>")
    assert "R105" in dict(told(data))


# ── hidden rows and columns ──────────────────────────────────────────────────────────────────


def changed(workbook: bytes, change) -> Filing:
    book = openpyxl.load_workbook(io.BytesIO(workbook))
    change(book[DEPARTMENT])
    out = io.BytesIO()
    book.save(out)
    return read_grid(open_grid(out.getvalue()))


@pytest.mark.parametrize("move", ["insert_cols", "delete_cols"])
def test_columns_that_moved_without_their_names_are_one_finding_and_nothing_is_read(workbook, move):
    filing = changed(workbook, lambda sheet: getattr(sheet, move)(2))
    assert filing.department is not None
    assert not filing.department.answered
    assert [fault.kind for fault in filing.faults if fault.kind == "layout"] == []
    assert [fault.kind for fault in filing.faults].count("lost") == 1
    assert {finding.code for finding in xltool.check(filing)} <= {"R103", "R104"}


def hide_columns(sheet) -> None:
    for letter in "JKL":
        sheet.column_dimensions[letter].hidden = True


def hide_rows(sheet) -> None:
    for row in (60, 61):
        sheet.row_dimensions[row].hidden = True


@pytest.mark.parametrize("change", [hide_columns, hide_rows])
def test_hidden_rows_and_columns_beside_the_form_say_nothing(workbook, change):
    assert changed(workbook, change).faults == ()


def test_a_row_with_answers_that_nobody_sees_is_said(workbook):
    flat = re.sub(r'(<row r="13"[^>]*? ht=")[^"]+', r"\g<1>0", part(workbook, SHEET))
    assert flat != part(workbook, SHEET)
    back = read_grid(open_grid(repacked(workbook, **{SHEET: flat.encode()})))
    assert [f.detail for f in back.faults] == ["有行列被隐藏：第13行"]

    def hide(sheet) -> None:
        sheet.column_dimensions["F"].hidden = True

    assert [f.detail for f in changed(workbook, hide).faults] == ["有行列被隐藏：第F列"]


def test_a_row_that_says_nothing_may_be_hidden(workbook):
    """How somebody without macros gets rid of rows that aren't needed."""
    sheet = open_grid(workbook).sheets[0]
    bottom = sheet.names["时效指标"].bottom
    assert sheet[bottom, 5].text == "……"

    def hide(sheet) -> None:
        sheet.row_dimensions[bottom].hidden = True

    assert changed(workbook, hide).faults == ()


# ── what is no filing ────────────────────────────────────────────────────────────────────────


def test_a_list_with_the_words_of_the_form_is_no_filing(workbook):
    from xltool.template.layout import load_layout

    layout = load_layout(xltool.load_edition()).forms["department"]
    book = openpyxl.Workbook()
    for (row, column), text in layout.static.items():
        book.active.cell(row + 5, column).value = text
    out = io.BytesIO()
    book.save(out)
    found = told(out.getvalue())
    assert [code for code, _ in found] == ["R102"]
    # With the official title it is one.
    title = layout.fields["year"]
    book.active.cell(title.top, title.left).value = "2024年部门整体支出绩效目标表"
    out = io.BytesIO()
    book.save(out)
    assert "R102" not in {code for code, _ in told(out.getvalue())}


# ── other kinds of files ─────────────────────────────────────────────────────────────────────


def zipped(*names: str) -> bytes:
    """An archive without the time: two processes that collect these tests must name them alike."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), b"<x/>")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"%TSD-Header-###%" + bytes(100), "加密软件"), (b"\x00E-SafeNet\x00LOCK", "加密软件"),
        (b"%PDF-1.7", "PDF"), (b"<html><table>", "网页"), (b"\xff\xd8\xff\xe0", "图片"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "默认密码"),
        (zipped("[Content_Types].xml", "_rels/.rels", "xl/workbook.bin"), ".xlsb"),
        (zipped("[Content_Types].xml", "word/document.xml"), "Word"),
        (zipped("mimetype", "content.xml"), ".ods"),
    ],
)  # fmt: skip
def test_other_kinds_of_files_have_their_own_words(tmp_path, data, words):
    path = tmp_path / "表.xlsx"
    path.write_bytes(data)
    [finding] = xltool.check(xltool.read(path))
    assert finding.code == "R101"
    assert words in finding.message


def test_bytes_before_the_zip_are_counted(workbook, tmp_path):
    path = tmp_path / "表.xlsx"
    path.write_bytes(b"HTTP/1.1 200 OK\r\n\r\n" + workbook)
    [finding] = xltool.check(xltool.read(path))
    assert "开头多了 19 字节" in finding.message
