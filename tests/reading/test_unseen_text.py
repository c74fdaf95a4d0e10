"""What nobody can see in a cell (white on white, the ground's own colour, a size of one point) is
said with what is stored; what can be seen is not."""

from __future__ import annotations

import re

import pytest

from tests.support.case import filing_of
from tests.support.packages import STYLES, formatted, inked, packed, parts_of
from xltool import check
from xltool.filling.writer import render
from xltool.reading.reader import read_grid
from xltool.xlsx.workbook_reader import open_grid

SHEET = "xl/worksheets/sheet1.xml"


def solid(colour: str) -> str:
    return (
        f'<patternFill patternType="solid"><fgColor {colour}/><bgColor indexed="64"/></patternFill>'
    )


def font(colour: str, size: str = "11") -> str:
    return f'<sz val="{size}"/><color {colour}/><name val="宋体"/>'


UNSEEN = {
    "white": (font('rgb="FFFFFFFF"'), ""),
    "white without alpha": (font('rgb="00FFFFFF"'), ""),
    "nearly white": (font('rgb="FFFAFAFC"'), ""),
    "white of the theme": (font('theme="0"'), ""),
    "black of the theme made white": (font('theme="1" tint="1"'), ""),
    "white of the palette": (font('indexed="9"'), ""),
    "the window's ground": (font('indexed="65"'), ""),
    "white on white": (font('rgb="FFFFFFFF"'), solid('rgb="FFFFFFFF"')),
    "yellow on yellow": (font('rgb="FFFFFF00"'), solid('indexed="13"')),
    "an accent on itself": (font('theme="4" tint="0.8"'), solid('theme="4" tint="0.8"')),
    "black on black": (font('theme="1"'), solid('rgb="FF000000"')),
    "no colour on black": ('<sz val="11"/>', solid('rgb="FF000000"')),
    "one point": (font('rgb="FF000000"', "1"), ""),
}
SEEN = {
    "black": (font('theme="1"'), ""),
    "grey": (font('rgb="FF808080"'), ""),
    "light grey": (font('rgb="FFD9D9D9"'), ""),
    "white on black": (font('rgb="FFFFFFFF"'), solid('rgb="FF000000"')),
    "white on an accent": (font('theme="0"'), solid('theme="4"')),
    "white on a pattern": (font('theme="0"'), '<patternFill patternType="gray125"/>'),
    "automatic": (font('auto="1"'), ""),
    "eight points": (font('rgb="FFFF0000"', "8"), ""),
    "a darker white": (font('theme="0" tint="-0.5"'), ""),
}


def styled(at: str, ink: tuple[str, str], code: str = ""):
    """The clean filing with one cell in another font and on another ground."""
    parts = parts_of(render(filing_of({})))
    found = re.search(rf'<c r="{at}" s="(\d+)"', parts[SHEET])
    styles, number = inked(parts[STYLES], int(found[1]), *ink)
    if code:
        styles, number = formatted(styles, number, code)
    new = found[0].replace(f's="{found[1]}"', f's="{number}"')
    return read_grid(
        open_grid(packed(parts | {SHEET: parts[SHEET].replace(found[0], new), STYLES: styles}))
    )


def said(filing):
    return [(f.cell, f.severity) for f in check(filing) if f.code == "R108"]


@pytest.mark.parametrize("at", ["C4", "F13"])
@pytest.mark.parametrize("name", UNSEEN)
def test_an_answer_that_nobody_can_see_is_said_with_what_is_stored(at, name):
    filing = styled(at, UNSEEN[name])
    assert said(filing) == [(at, "error")]
    [fault] = [f for f in filing.faults if f.kind == "shown"]
    assert "看不见" in fault.detail and fault.expected in fault.detail and fault.expected
    if at == "C4":  # what is stamped on paper has no total
        assert filing.department["total"].value is None
        assert filing.department["total"].text == "3173.17"


@pytest.mark.parametrize("name", SEEN)
def test_what_can_be_seen_is_not_said(name):
    filing = styled("C4", SEEN[name])
    assert said(filing) == []
    assert filing == filing_of({})


@pytest.mark.parametrize(
    ("ink", "code", "unseen"),
    [
        (font('theme="1"'), "[White]0.00", True),
        (font('theme="1"'), "[白色]0.00", True),
        (font('theme="1"'), "[颜色2]0.00", True),
        (font('theme="1"'), "0.00;[White]-0.00", False),  # negative ones only
        (font('theme="1"'), "[红色]0.00", False),
        (font('theme="0"'), "[Red]0.00", False),  # the format's colour goes before the font's
        (font('theme="0"', "1"), "[Red]0.00", True),
    ],
)
def test_colours_of_number_formats(ink, code, unseen):
    assert said(styled("C4", (ink, ""), code)) == ([("C4", "error")] if unseen else [])


def conditional(areas: str, dxf: str, rule: str):
    """The clean filing with a conditional format."""
    parts = parts_of(render(filing_of({})))
    count = int(re.search(r'<dxfs count="(\d+)"', parts[STYLES])[1])
    parts[STYLES] = parts[STYLES].replace("</dxfs>", f"<dxf>{dxf}</dxf></dxfs>")
    new = (
        f'<conditionalFormatting sqref="{areas}">{rule.format(count)}</conditionalFormatting>'
        "<dataValidations"
    )
    parts[SHEET] = parts[SHEET].replace("<dataValidations", new, 1)
    return read_grid(open_grid(packed(parts)))


def in_runs(*runs: tuple[str, str]) -> str:
    return "".join(
        f"<r>{f'<rPr>{look}</rPr>' if look else ''}<t>{text}</t></r>" for text, look in runs
    )


@pytest.mark.parametrize("shared", [False, True], ids=["inline", "shared"])
@pytest.mark.parametrize(
    ("look", "unseen"),
    [
        ('<sz val="11"/><color rgb="FFFFFFFF"/>', True), ('<color theme="0"/>', True),
        ('<sz val="1"/>', True), ('<b/><color rgb="FFFF0000"/>', False), ('<sz val="8"/>', False), ("", False),
    ],
)  # fmt: skip
def test_a_part_of_a_text_that_nobody_can_see_is_said(look, unseen, shared):
    """A target shown as ≥3 and stored as ≥30座."""
    parts = parts_of(render(filing_of({})))
    runs = in_runs(("≥3", ""), ("0座", look))
    found = re.search(r'<c r="F13"( s="\d+")[^>]*>.*?</c>', parts[SHEET])
    if shared:
        strings = "xl/sharedStrings.xml"
        number = len(re.findall("<si>", parts[strings]))
        parts[strings] = parts[strings].replace("</sst>", f"<si>{runs}</si></sst>")
        new = f'<c r="F13"{found[1]} t="s"><v>{number}</v></c>'
    else:
        new = f'<c r="F13"{found[1]} t="inlineStr"><is>{runs}</is></c>'
    parts[SHEET] = parts[SHEET].replace(found[0], new)
    filing = read_grid(open_grid(packed(parts)))
    assert said(filing) == [("F13", "error")] * unseen
    assert all("“0座”" in f.detail and "≥30座" in f.detail for f in filing.faults)


@pytest.mark.parametrize(
    "colour",
    ['rgb="white"', 'rgb=""', 'indexed="999"', 'indexed="x"', 'theme="-3"', f'theme="{"9" * 5000}"',
     'rgb="FFFFFFFF" tint="nan"', 'theme="1" tint="inf"', 'theme="0" tint="-1e999"'],
)  # fmt: skip
def test_colours_that_are_none_hide_nothing_and_stop_nothing(colour):
    assert said(styled("C4", (font(colour), ""))) == []


def test_numbers_of_fonts_and_colours_that_are_not_there_stop_nothing():
    parts = parts_of(render(filing_of({})))
    styles, number = formatted(parts[STYLES], 1, "[Color5]0.00")
    palette = '<colors><indexedColors><rgbColor rgb="x"/></indexedColors></colors></styleSheet>'
    styles = styles.replace("</styleSheet>", palette.replace("<rgbColor", "<rgbColor" + " a='1'"))
    styles = re.sub(r'fontId="\d+"', f'fontId="{"9" * 5000}"', styles)
    cell = re.search(r'<c r="C4" s="\d+"', parts[SHEET])[0]
    sheet = parts[SHEET].replace(cell, f'<c r="C4" s="{number}"')
    filing = read_grid(open_grid(packed(parts | {STYLES: styles, SHEET: sheet})))
    assert said(filing) == []


WHITE = '<font><color theme="0"/></font>'
ALWAYS = '<cfRule type="expression" dxfId="{}" priority="9"><formula>TRUE</formula></cfRule>'


def compared(operator: str, *limits: str) -> str:
    formulas = "".join(f"<formula>{one}</formula>" for one in limits)
    return (
        f'<cfRule type="cellIs" dxfId="{{}}" priority="9" operator="{operator}">{formulas}</cfRule>'
    )


@pytest.mark.parametrize(
    ("dxf", "rule", "cells"),
    [
        (WHITE, ALWAYS, ["C4"]),
        ('<fill><patternFill><bgColor rgb="FF000000"/></patternFill></fill>', ALWAYS, ["C4"]),
        (f'{WHITE}<fill><patternFill><bgColor rgb="FFC00000"/></patternFill></fill>', ALWAYS, []),
        ('<font><color rgb="FFFF0000"/></font>', ALWAYS, []),
        (WHITE, compared("equal", "0"), []),  # the common way to hide zeros
        (WHITE, compared("greaterThan", "1000"), ["C4"]),
        (WHITE, compared("between", "1", "9"), []),
        (WHITE, compared("equal", "$D$6"), ["C4"]),  # perhaps
        (WHITE, '<cfRule type="containsBlanks" dxfId="{}" priority="9"/>', []),
    ],
)
def test_a_conditional_format_that_may_hide_an_answer_is_said(dxf, rule, cells):
    filing = conditional("C4", dxf, rule)
    assert [cell for cell, _ in said(filing)] == cells
    assert filing == filing_of({})
