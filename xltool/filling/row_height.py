"""How wide and high the paper is for what stands in a cell: column widths, font sizes, the page."""

from __future__ import annotations

import re
from collections.abc import Mapping

from xltool.template.layout import FormLayout
from xltool.xlsx.package import Package, parse_xml
from xltool.xlsx.references import Area

ATTRIBUTE = re.compile(r'([\w:]+)="([^"]*)"')


def paper_width(form: FormLayout, at: tuple[int, int], widths: dict[int, float]) -> float:
    """How many characters of the default font the cell (or the merged cell it begins) is wide."""
    area = next((field for field in form.fields.values() if field[:2] == at), Area(*at, *at))
    return sum(widths.get(column, 9.0) for column in range(area.left, area.right + 1))


_A4 = (8.27, 11.69)  # inches


# Pixels of a character's width, a digit of the default font: no program has less at 11 磅. The wider
# it is, the smaller a form is printed, and the more fits.
_CHARACTER = 7


def page_margins(xml: str) -> dict[str, float]:
    """A sheet's margins in inches, those that it says."""
    written = re.search(r"<pageMargins ([^>]*)/>", xml)
    return {key: float(value) for key, value in ATTRIBUTE.findall(written[1])} if written else {}


def page_height(margins: Mapping[str, float], width: float) -> float:
    """How many points of rows fit on a portrait A4 page with these margins (inches) of a sheet
    that is made as wide as the page, from a width in characters."""
    wide = _A4[0] - margins.get("left", 0.7) - margins.get("right", 0.7)
    high = _A4[1] - margins.get("top", 0.75) - margins.get("bottom", 0.75)
    scale = min(1.0, wide * 96 / (width * _CHARACTER))
    return high * 72 / scale


LINE = 1.45  # line height over font size: room for every font that may stand in for 宋体


def column_widths(xml: str) -> dict[int, float]:
    """Column → width in characters, of the columns that say it."""
    widths: dict[int, float] = {}
    for match in re.finditer(r"<col ([^>]*)/>", xml):
        attributes = dict(ATTRIBUTE.findall(match[1]))
        for column in range(int(attributes["min"]), min(int(attributes["max"]), 256) + 1):
            widths[column] = float(attributes.get("width", 9))
    return widths


def font_sizes(package: Package) -> dict[str, float]:
    """Cell style number → font size in points."""
    fonts: list[float] = []
    styles: list[float] = []
    inside = ""

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal inside
        if tag in ("fonts", "cellXfs", "cellStyleXfs", "dxfs"):
            inside = tag
        elif inside == "fonts" and tag == "font":
            fonts.append(11.0)
        elif inside == "fonts" and tag == "sz":
            fonts[-1] = float(attributes["val"])
        elif inside == "cellXfs" and tag == "xf":
            styles.append(fonts[int(attributes.get("fontId", 0))])

    def end(tag: str) -> None:
        nonlocal inside
        if tag == inside:
            inside = ""

    parse_xml(package.read("xl/styles.xml"), start, end)
    return {str(number): size for number, size in enumerate(styles)}
