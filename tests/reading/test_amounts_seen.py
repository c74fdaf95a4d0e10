"""Amounts as programs store them and as formats show them:
read exactly, or told with both figures."""

from __future__ import annotations

import io
import re
import zipfile
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.case import filing_of
from tests.support.packages import STYLES, packed, parts_of, repacked
from xltool.checks.engine import check
from xltool.databook import open_databook, write_databook
from xltool.filling.writer import render
from xltool.model import Filing
from xltool.money import read_amount, stored_number
from xltool.reading.reader import read_grid
from xltool.xlsx.workbook_reader import open_grid

SHEET = "部门整体支出绩效目标表"


def spellings(amount: Decimal) -> set[str]:
    """How Excel, WPS, LibreOffice and openpyxl store an amount."""
    binary = float(amount)
    scientific = f"{binary:.16E}"
    mantissa, power = scientific.split("E")
    return {
        str(amount),
        repr(binary),
        f"{binary:.15g}",
        f"{binary:.17g}",
        scientific,
        f"{mantissa.rstrip('0').rstrip('.')}E{int(power)}",
    }


def wrong(amounts) -> list[tuple[str, str]]:
    return [
        (text, str(amount))
        for amount in amounts
        for text in spellings(amount)
        if stored_number(text) != amount
    ]


def test_every_amount_below_one_is_read_exactly_in_every_spelling():
    assert wrong(Decimal(n).scaleb(-4) for n in range(1, 10_000)) == []


@given(st.integers(10**4, 10**15 - 1).map(lambda n: Decimal(n).scaleb(-4)), st.booleans())
def test_every_amount_above_one_is_read_exactly_in_every_spelling(amount, negative):
    assert wrong([-amount if negative else amount]) == []


@given(st.integers(10**15, 5 * 10**15).map(lambda n: Decimal(n).scaleb(-4)))
def test_sixteen_digits_are_kept_where_the_binary_form_keeps_them(amount):
    texts = {str(amount), repr(float(amount)), f"{float(amount):.17g}"}
    assert {stored_number(text) for text in texts} == {amount}


@pytest.mark.parametrize(
    "text", ["1_245.61", "１２４５", "١٢٤٥", "0x10", "1,245", "NaN", "inf", "1e999", "", "1 2", "²"]
)
def test_what_is_no_number_to_excel_is_none(text):
    assert stored_number(text) is None


def test_only_fullwidth_digits_are_read_in_a_text():
    assert read_amount("１，２４５．６１").value == Decimal("1245.61")
    assert read_amount("١٢٤٥") is None


def test_small_amounts_of_a_data_book_as_excel_stores_them(tmp_path):
    """Excel stores 0.05 as 5.0000000000000003E-2: the unit is filled all the same."""
    path = tmp_path / "数据.xlsx"
    write_databook([filing_of({"code": "0310"})], path)
    for n in (1, 3, 5, 6, 7, 9, 555):
        amount = Decimal(n).scaleb(-2 if n < 10 else -4)
        book = openpyxl.load_workbook(path)
        head = next(c.column for c in book["部门"][1] if c.value == "其他资金")
        book["部门"].cell(2, head).value = Decimal(f"{float(amount):.17g}")
        book.save(tmp_path / "改.xlsx")
        found = open_databook(tmp_path / "改.xlsx")
        assert [str(p) for p in found.problems] == []
        assert found.filings[0].department.amount("other") == amount


# ── what a format shows ──────────────────────────────────────────────────────────────────────


def changed(change) -> Filing:
    book = openpyxl.load_workbook(io.BytesIO(render(filing_of({}))))
    change(book[SHEET])
    out = io.BytesIO()
    book.save(out)
    return read_grid(open_grid(out.getvalue()))


def formatted(value: object, code: str, at: str = "C4") -> Filing:
    def change(sheet) -> None:
        sheet[at].value, sheet[at].number_format = value, code

    return changed(change)


@pytest.mark.parametrize(
    ("stored", "code", "shown", "counts"),
    [
        (31731700, "0!.0000", "3173.1700", "3173.17"),
        (31731700, "0!.0,", "3173.2", "3173.2"),
        (31731700, "0.00,", "31731.70", "31731.7"),
        (1002, '"9999.99"', "9999.99", "9999.99"),
        (3173.17, ";;;", "", None),
        (3173.17, '"2"0.00', "23173.17", "23173.17"),
        (3173.17, '0.00"元"', "3173.17元", "0.317317"),
        (3173.17, '"≥"0.00', "≥3173.17", None),
        (31.7317, "0%", "3173%", None),
        (3173.17, "yyyy-m-d", "1908-9-7", None),
        (-3173.17, "0.00;0.00", "3173.17", "3173.17"),
    ],
)
def test_another_figure_than_the_stored_one_is_said_with_both(stored, code, shown, counts):
    filing = formatted(stored, code)
    [finding] = [f for f in check(filing) if f.code == "R108"]
    assert (finding.severity, finding.cell) == ("error", "C4")
    assert (finding.found, Decimal(finding.expected)) == (shown, Decimal(str(stored)))
    assert shown in finding.message
    assert filing.department.amount("total") == (counts and Decimal(counts))


@pytest.mark.parametrize(
    ("code", "notes"),
    [
        ("General", []), ("0.00", []), ("#,##0.00", []), ("0.00_ ", []), ("¥#,##0.00", []),
        ('0.00"万元"', []), ('_ * #,##0.00_ ;_ * -#,##0.00_ ;_ * "-"??_ ;_ @_ ', []), ("[DBNum2]0.00", []),
        ("#,##0.00;[Red]#,##0.00", []), ("0.00;-0.00;;@", []), ("[$¥-804]#,##0.00", []), ("0", ["note"]),
        ("0.0", ["note"]), ("0.00E+00", ["note"]),
    ],
)  # fmt: skip
def test_a_format_that_rounds_at_most_keeps_the_stored_amount(code, notes):
    filing = formatted(3173.17, code)
    assert filing.department.amount("total") == Decimal("3173.17")
    assert [f.severity for f in check(filing) if f.code == "R108"] == notes
    assert not [f for f in check(filing) if f.severity == "error"]


def test_a_zero_that_is_not_shown_is_zero():
    filing = formatted(0, "0.00;-0.00;;@", at="D9")
    assert filing.department.amount("other") == 0
    assert check(filing) == []


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [(47 / 48, "0%", "98%"), (42, '"≥"0"座"', "≥42座"), (31731700, "0!.0000", "3173.1700"),
     ("42", '"≥"@"座"', "≥42座"), (45291, 'm"月"d"日"', "12月31日")],
)  # fmt: skip
def test_an_indicator_is_read_as_shown(value, code, text):
    filing = formatted(value, code, at="F13")
    assert filing.department.indicators[0].target.text == text
    assert not [f for f in check(filing) if f.code == "R108"]


@pytest.mark.parametrize("value", [42, "≥42座"])
def test_an_indicator_that_its_format_hides_is_said(value):
    filing = formatted(value, ";;;", at="F13")
    assert str(value) == filing.department.indicators[0].target.text
    assert [f.cell for f in check(filing) if f.code == "R108"] == ["F13"]


@pytest.mark.parametrize("value", [-3, 12345678.9])
def test_a_date_that_its_format_cannot_show_is_said(value):
    filing = formatted(value, "yyyy-m-d", at="F13")
    [finding] = [f for f in check(filing) if f.code == "R108"]
    assert (finding.cell, finding.found, finding.expected) == ("F13", "########", str(value))


def test_a_day_before_the_first_is_read_as_excel_shows_it_and_judged():
    filing = formatted(0.5, 'yyyy"年"m"月"d"日"', at="F19")
    targets = {i.target.place.cell: i.target.text for i in filing.department.indicators}
    assert targets["F19"] == "1900年1月0日"
    assert [f.cell for f in check(filing) if f.code.startswith("I4")] == ["F19"]


@pytest.mark.parametrize("stored", ["1_245", "１２４５", "١٢٤٥", "0x1p3", "1,245"])
def test_a_number_that_is_none_to_excel_is_said(stored):
    """Python reads more as a number than Excel does."""
    data = render(filing_of({}))
    part = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        text = archive.read(part).decode()
    text = text.replace("<v>3173.17</v>", f"<v>{stored}</v>", 1)
    text = re.sub(
        r'<c r="F13"( s="\d+").*?</c>', rf'<c r="F13"\1><v>{stored}</v></c>', text, count=1
    )
    filing = read_grid(open_grid(repacked(data, **{part: text.encode()})))
    assert filing.department["total"].unread
    assert [(f.code, f.cell) for f in check(filing) if f.code in ("R107", "R108")] == [
        ("R107", "C4"), ("R108", "F13")
    ]  # fmt: skip


def test_an_indicator_row_of_formulas_without_results_is_kept_and_said():
    def change(sheet) -> None:
        sheet["E13"], sheet["F13"], sheet["C4"] = "=X1", "=X2", "=D6+D7"

    filing = changed(change)
    assert len(filing.department.indicators) == len(filing_of({}).department.indicators)
    assert filing.department["total"].unread
    told = [f for f in check(filing) if f.code == "R109"]
    assert [f.cell for f in told] == ["C4", "E13", "F13"]
    assert all("打开并保存" in f.message for f in told)
    assert [f.cell for f in check(filing) if f.code == "R105"] == []


# ── conditional formats ──────────────────────────────────────────────────────────────────────


def conditional(areas: str, code: str, later: bool = False) -> Filing:
    """The clean filing with one more conditional format, which changes the number format."""
    parts = parts_of(render(filing_of({})))
    sheet, quoted = "xl/worksheets/sheet1.xml", code.replace('"', "&quot;")
    if later:
        rule = (
            '<extLst><ext uri="{78C0D931-6437-407d-A8EE-F0AAD7539E65}" xmlns:x14="http://schemas.microsoft.com'
            '/office/spreadsheetml/2009/9/main"><x14:conditionalFormattings><x14:conditionalFormatting '
            'xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main"><x14:cfRule type="expression">'
            f'<xm:f>TRUE</xm:f><x14:dxf><numFmt numFmtId="399" formatCode="{quoted}"/></x14:dxf></x14:cfRule>'
            f"<xm:sqref>{areas}</xm:sqref></x14:conditionalFormatting></x14:conditionalFormattings></ext></extLst>"
        )
        parts[sheet] = parts[sheet].replace("</worksheet>", f"{rule}</worksheet>")
    else:
        count = int(re.search(r'<dxfs count="(\d+)"', parts[STYLES])[1])
        format = f'<dxf><numFmt numFmtId="399" formatCode="{quoted}"/></dxf></dxfs>'
        parts[STYLES] = parts[STYLES].replace("</dxfs>", format)
        rule = (
            f'<conditionalFormatting sqref="{areas}"><cfRule type="expression" dxfId="{count}" priority="9">'
            "<formula>TRUE</formula></cfRule></conditionalFormatting>"
        )
        parts[sheet] = parts[sheet].replace("<dataValidations", f"{rule}<dataValidations", 1)
    return read_grid(open_grid(packed(parts)))


@pytest.mark.parametrize("later", [False, True], ids=["2007", "2010"])
@pytest.mark.parametrize(
    ("areas", "code", "cells"),
    [
        ("C4", '"9999.99"', ["C4"]), ("A1 D6:D7", ";;;", ["A1", "D6", "D7"]), ("C4:F9", "0.00", []),
        ("C4", "#,##0.00", []), ("F13", "0.00", []), ("F13:F14", ';;;"≤"@', ["F13", "F14"]),
        ("A1:G40", ";;;@", ["C4", "D6", "F6", "D7", "F7"]),
    ],
)  # fmt: skip
def test_what_a_conditional_format_may_mask_is_said(later, areas, code, cells):
    filing = conditional(areas, code, later)
    found = [f for f in check(filing) if f.code == "R108"]
    assert [f.cell for f in found] == cells
    assert all("条件格式" in f.message and f.severity == "error" for f in found)
    assert filing == filing_of({})
