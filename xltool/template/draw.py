"""Draw an edition's template workbook:
what is printed from its declaration, places from its layout.

What a reader or a bureau needs to know about places stands in the drawn workbook itself, as
sheet-scoped names, so nothing else reads the layout. Drawing twice gives the same parts.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

from xltool.editions.declaration import Edition, EditionError, Field, FormSpec
from xltool.files.atomic import writing
from xltool.indicator.library import Library
from xltool.library import name_list
from xltool.reports.indicator_library import write_sheet
from xltool.template.draw_parts import FormPen
from xltool.template.sketch import (
    ROW_STYLES,
    CellStyle,
    FormSketch,
    HintSketch,
    LayoutSketch,
    PlacedCell,
    RowSketch,
    StyledCell,
    load_sketch,
    placed_cell,
    sketch_file,
)
from xltool.xlsx.package import open_package
from xltool.xlsx.references import Area

VERSION = "1"
# 宋体 11 has digits 8 pixels wide: widths are in pixels, the page takes about 680 at 100 %.
_FONT = {
    "font_name": "宋体",
    "font_size": 11,
    "font_scheme": "none",
    "font_family": 3,
    "font_charset": 134,
}
_UNSEEN = ";;;"  # the number format that shows nothing, not even text
# Room for a year that is written by hand.
_YEAR_SPACE = "\u3000" * 4
# XlsxWriter's words for what a style of the layout says.
_STYLE_WORDS = {"font": "font_name", "size": "font_size", "wrap": "text_wrap"}


def draw(path: Path | str, edition: Edition, library: Library | None = None) -> None:
    """Write the template workbook of this edition to `path`.

    The names in an indicator `library` are offered as a list, and the library goes along as a
    sheet. Raises EditionError for an edition without a layout or with one that can't be drawn,
    XltoolError for a place that can't be written.
    """
    from xlsxwriter import Workbook

    layout = load_sketch(edition)
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "default_format_properties": _FONT,
        "default_column_width": 72,
        "default_row_height": 18,
    }
    with writing(path, "wb") as file, Workbook(file, options) as book:
        book.set_properties(
            {"title": edition.title, "author": "xltool", "created": dt.datetime(2023, 1, 1)}
        )
        book.set_custom_property("xltool.edition", edition.id, "text")
        book.set_custom_property("xltool.form", VERSION, "text")
        book.calc_on_load = False  # no formula, so no question about saving when it is closed
        offered = name_list(len(library.entries)) if library is not None else ""
        for form, sketch in (
            (edition.department, layout.department), (edition.project, layout.project)
        ):  # fmt: skip
            LaidOutForm(book, form, edition, layout, sketch, offered).draw()
        if library is not None:
            write_sheet(book, library).hide()  # its names are offered, and it is not printed


def offering(edition: Edition, library: Library) -> bytes | None:
    """The edition's template with the library's names as a list (`draw`).

    None where a bureau has altered the template, which is not drawn over.
    """
    if not sketch_file(edition).is_file():
        return None
    with tempfile.TemporaryDirectory() as folder:
        plain, made = Path(folder) / "plain.xlsx", Path(folder) / "offering.xlsx"
        draw(plain, edition)
        if _parts(plain) != _parts(edition.template):
            return None
        draw(made, edition, library)
        return made.read_bytes()


def _parts(file: Path) -> dict[str, bytes]:
    package = open_package(file)
    return {name: package.read(name) for name in package.names()}


class LaidOutForm(FormPen):
    """Draws one form row by row as its layout says."""

    def __init__(
        self,
        book: Any,
        form: FormSpec,
        edition: Edition,
        layout: LayoutSketch,
        plan: FormSketch,
        offered: str = "",
    ) -> None:
        super().__init__(book, form, edition, offered)
        self.plan = plan
        self.styles = {**ROW_STYLES, **layout.styles}
        self.widths, self.line, self.side = plan.widths, plan.line, plan.indicators
        self.last, self.edges = len(plan.widths), plan.edges
        before_indicators = self.last - len(form.indicators.column)
        if before_indicators < 3:
            least = len(form.indicators.column) + 3
            raise self.fault(f"{form.id}.widths：要画指标表，至少要 {least} 列")
        self.level1 = plan.level1 or before_indicators - 1
        self.addresses: dict[str, str] = {}  # field id → its cell, for the hints

    def fault(self, reason: str) -> EditionError:
        """What is wrong with the layout, with the file that says it."""
        return EditionError(f"{sketch_file(self.edition)}：{reason}")

    def draw(self) -> None:
        """Draw the form, then what stands beside it and isn't printed."""
        super().draw()
        if self.plan.margin:
            self.sheet.set_column_pixels(self.last, self.last, self.plan.margin)
        for hint in self.plan.hint:
            self.hint(hint)

    def fields(self) -> int:
        """Draw the rows above the indicators; the row after them."""
        taken: set[tuple[int, int]] = set()
        for number, row in enumerate(self.plan.row, start=1):
            self.rows(number, number, row.height)
            self.row(number, row, taken)
        return len(self.plan.row) + 1

    def row(self, number: int, row: RowSketch, taken: set[tuple[int, int]]) -> None:
        """Draw one row from left to right, round the cells that reach into it from above."""
        column = 1
        for written in row.cells:
            while (number, column) in taken:
                column += 1
            text, style = _written(written, row)
            cell = placed_cell(text)
            right, bottom = column + cell.columns - 1, number + cell.rows - 1
            if right > self.last:
                raise self.fault(f"{self.form.id} 第 {number} 行超出 {self.last} 列：{text}")
            taken |= {(r, c) for r in range(number, bottom + 1) for c in range(column, right + 1)}
            area = str(Area(number, column, bottom, right))
            self.cell(cell, area, {**self.look(row.style), **self.look(style)}, row.style)
            column = right + 1
        if any((number, c) not in taken for c in range(column, self.last + 1)):
            raise self.fault(f"{self.form.id} 第 {number} 行没有画满 {self.last} 列")

    def cell(self, cell: PlacedCell, area: str, look: dict[str, Any], row_style: str) -> None:
        """Draw one cell: printed text, or an input where it begins with `@`."""
        if not cell.text.startswith("@"):
            self.put(area, cell.text, **look)
            return
        id_ = cell.text[1:]
        if id_ not in self.form:
            raise self.fault(f"{self.form.id} 没有字段“{id_}”")
        field = self.form[id_]
        self.answer(area, id_, _printed(field), **{**_natural_look(field), **look})
        self.addresses[id_] = area.partition(":")[0]
        # The first answer below the headings is selected when the blank is opened.
        if not row_style and not hasattr(self, "first_answer"):
            self.first_answer = area
            self.sheet.set_selection(area)

    def look(self, style: str) -> dict[str, Any]:
        """A style of the layout in XlsxWriter's words."""
        if style not in self.styles:
            style_names = "、".join(name for name in self.styles if name)
            raise self.fault(f"没有样式“{style}”；可以用：{style_names}")
        cell_style: CellStyle = self.styles[style]
        return {
            _STYLE_WORDS.get(name, name): getattr(cell_style, name)
            for name in cell_style.__struct_fields__
            if getattr(cell_style, name) is not None
        }

    def hint(self, hint: HintSketch) -> None:
        """A text beside the form that shows while a formula holds.

        Conditional formats reach paper in some programs, so none lies on the form itself: a hint is
        a text of a format that shows nothing, until the formula gives it another one.
        """
        places = {id_: _absolute(address) for id_, address in self.addresses.items()}
        try:
            formula = hint.when.format_map(places)
        except (KeyError, ValueError, IndexError) as error:
            raise self.fault(
                f"{self.form.id} 的提示 {hint.cell}：when 写得不对：{error}"
            ) from error
        self.put(hint.cell, hint.text, border=0, align="left", text_wrap=False, num_format=_UNSEEN)
        shown = self.book.add_format({"font_color": hint.colour, "bold": True, "num_format": "@"})
        rule = {"type": "formula", "criteria": f"={formula}", "format": shown}
        self.sheet.conditional_format(hint.cell, rule)


def _written(cell: str | StyledCell, row: RowSketch) -> tuple[str, str]:
    """A cell's text and its own style."""
    return (cell.cell, cell.style) if isinstance(cell, StyledCell) else (cell, "")


def _printed(field: Field) -> str:
    """What stands in a blank input: the official text around the answer."""
    return field.pattern.format(_YEAR_SPACE if field.kind == "year" else "")


def _natural_look(field: Field) -> dict[str, Any]:
    """How an answer of this kind looks where the layout doesn't say."""
    if field.kind == "amount":
        return {"indent": 1}
    # The seal is put beside the printed text.
    return {"align": "left"} if field.kind == "unit" and field.pattern else {}


def _absolute(address: str) -> str:
    column = address.rstrip("0123456789")
    return f"${column}${address[len(column) :]}"
