"""What an edition's `layout.toml` says: where each form's cells stand on the sheet, as on paper.

A cell is its printed text or `@field`, then `*4` for four columns and `^2` for two rows where it is
larger than one cell: `"资金总额*2"`, `"@total*5"`. One that looks different from its row is written `{
cell = "…", style = "…" }`, with a style of `[styles]`. The indicator table follows by itself from
the declaration; each of its columns takes one column of the sheet, the last ones.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from xltool.editions.declaration import Edition, EditionError
from xltool.errors import why
from xltool.files.declarations import declared, read_declaration

_CELL = re.compile(r"^(?P<text>.*?)(?:\*(?P<columns>\d+))?(?:\^(?P<rows>\d+))?$", re.DOTALL)


class _LayoutPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class CellStyle(_LayoutPart, frozen=True):
    """How a cell looks where it differs; None leaves it as its row has it.
    Borders: 0 none, 1 thin."""

    font: str | None = None
    size: float | None = None
    align: Literal["left", "center", "right"] | None = None
    indent: int | None = None
    wrap: bool | None = None
    border: int | None = None
    left: int | None = None
    right: int | None = None
    top: int | None = None
    bottom: int | None = None


class StyledCell(_LayoutPart, frozen=True):
    """A cell with a style of its own."""

    cell: str
    style: str


class RowSketch(_LayoutPart, frozen=True):
    """A row of cells: its height in points, the style of all that don't say otherwise."""

    cells: tuple[str | StyledCell, ...]
    height: float = 21
    style: str = ""


class HintSketch(_LayoutPart, frozen=True):
    """A text beside the form, which shows in `colour` while `when` holds: a formula in which
    `{total}` is the cell of that field."""

    cell: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{1,2}[1-9]\d*$")]
    text: str
    when: str
    colour: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-F]{6}$")]


class FormSketch(_LayoutPart, frozen=True):
    """One form: the columns' widths in pixels, the rows above the indicators,
    the table's side heading.

    `level1` is the column of 一级指标 (from 1); by default one column is left for 二级指标 between it and
    the indicators' own. `margin` is the width of an empty column behind the form, `edges` the white
    at each side of the paper in inches: the form is printed as wide as is left, so more white makes
    it lower too.
    """

    widths: Annotated[tuple[int, ...], msgspec.Meta(min_length=3, max_length=26)]
    row: tuple[RowSketch, ...]
    indicators: str
    line: float = 21
    level1: int = 0
    margin: int = 0
    edges: float = 0.6
    hint: tuple[HintSketch, ...] = ()


class LayoutSketch(_LayoutPart, frozen=True):
    """Both forms and the styles that their cells name."""

    department: FormSketch
    project: FormSketch
    styles: dict[str, CellStyle] = {}


# Every layout has these.
_TITLE = CellStyle(font="黑体", size=18, border=0, wrap=False)
ROW_STYLES = {
    "": CellStyle(),
    "title": _TITLE,
    "year": CellStyle(size=11, border=0, wrap=False),
    "subtitle": CellStyle(size=11, border=0, bottom=1, wrap=False),
}


class PlacedCell(msgspec.Struct, frozen=True):
    """A cell of the layout: what is printed, how many columns and rows it takes."""

    text: str
    columns: int
    rows: int


def placed_cell(written: str) -> PlacedCell:
    """`资金总额*2` is two columns wide; `年度预算申请^6` six rows high."""
    match = _CELL.match(written)
    assert match is not None  # everything matches
    return PlacedCell(match["text"], int(match["columns"] or 1), int(match["rows"] or 1))


def sketch_file(edition: Edition) -> Path:
    """The file that says how the edition's template is drawn."""
    return Path(edition.folder) / "layout.toml"


def load_sketch(edition: Edition) -> LayoutSketch:
    """The edition's layout. Raises EditionError where there is none, or with place and reason."""
    file = sketch_file(edition)
    try:
        data = read_declaration(file, EditionError)
    except FileNotFoundError as error:
        raise EditionError(
            f"版式 {edition.id} 没有 layout.toml，模板不是由程序绘制的，请直接编辑它的 template.xlsx"
        ) from error
    except OSError as error:
        raise EditionError(f"{file}：读不了：{why(error)}") from error
    return declared(data, LayoutSketch, file, EditionError)
