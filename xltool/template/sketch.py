"""Draw an edition's template from its `layout.toml`: rows of cells, written as they stand on paper.

A cell is its printed text or `@field`, then `*4` for four columns and `^2` for two rows where it
is larger than one cell: `"资金总额*2"`, `"@total*5"`. The indicator table follows by itself from the
declaration; each of its columns takes one column of the sheet, the last ones.
"""

from __future__ import annotations

import re
import tomllib
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import msgspec

from xltool.edition import Edition, EditionError
from xltool.grid import Area, letters
from xltool.template import prompts
from xltool.template.draw import Pen

_CELL = re.compile(r"^(?P<text>.*?)(?:\*(?P<columns>\d+))?(?:\^(?P<rows>\d+))?$", re.DOTALL)
_STYLES: dict[str, dict[str, Any]] = {
    "title": {"font_name": "黑体", "font_size": 18, "border": 0, "text_wrap": False},
    "year": {"font_size": 11, "border": 0, "text_wrap": False},
    "subtitle": {"font_size": 11, "border": 0, "bottom": 1, "text_wrap": False},
    "": {},
}


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cells: tuple[str, ...]
    height: float = 21
    style: str = ""


class _Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One form: the columns' widths in pixels, the rows above the indicators, its side heading."""

    widths: Annotated[tuple[int, ...], msgspec.Meta(min_length=3, max_length=26)]
    row: tuple[_Row, ...]
    indicators: str
    line: float = 21


def sketched(edition: Edition) -> bool:
    """The edition says itself where things stand."""
    return _file(edition).is_file()


def _file(edition: Edition) -> Path:
    return Path(edition.folder) / "layout.toml"


def _load(edition: Edition) -> dict[str, _Form]:
    file = _file(edition)
    try:
        return msgspec.convert(tomllib.loads(file.read_text("utf-8")), dict[str, _Form])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise EditionError(f"{file}：{error}") from error


class Sketch(Pen):
    """Draws one form row by row as its layout says."""

    def draw(self) -> None:
        plan = _load(self.edition)[self.form.id]
        self.plan, self.last = plan, len(plan.widths)
        for column, width in enumerate(plan.widths):
            self.sheet.set_column_pixels(column, column, width)
        head = self.fields()
        bottom = self.indicators(head)
        self.paper(head, bottom)
        self.sheet.protect("", {"insert_rows": True, "format_rows": True})
        self.sheet.hide_gridlines(2)

    def fields(self) -> int:
        """The rows above the indicators; returns the row after them."""
        taken: set[tuple[int, int]] = set()
        for number, row in enumerate(self.plan.row, start=1):
            self.rows(number, number, row.height)
            column = 1
            for cell in row.cells:
                while (number, column) in taken:
                    column += 1
                column = self.cell(cell, number, column, row.style, taken) + 1
            if column <= self.last and any((number, c) not in taken for c in range(column, self.last + 1)):
                raise EditionError(
                    f"{_file(self.edition)}：{self.form.id} 第 {number} 行没有画满 {self.last} 列"
                )
        return len(self.plan.row) + 1

    def cell(self, cell: str, row: int, column: int, style: str, taken: set[tuple[int, int]]) -> int:
        """Draw one cell; its last column."""
        match = _CELL.match(cell)
        assert match is not None  # everything matches
        right, bottom = column + int(match["columns"] or 1) - 1, row + int(match["rows"] or 1) - 1
        if right > self.last:
            raise EditionError(
                f"{_file(self.edition)}：{self.form.id} 第 {row} 行超出 {self.last} 列：{cell}"
            )
        taken |= {(r, c) for r in range(row, bottom + 1) for c in range(column, right + 1)}
        area, text = str(Area(row, column, bottom, right)), match["text"]
        changes: dict[str, Any] = dict(_STYLES[style])
        if text.startswith("@"):
            if text[1:] not in self.form:
                raise EditionError(f"{_file(self.edition)}：{self.form.id} 没有字段“{text[1:]}”")
            field = self.form[text[1:]]
            printed = field.pattern.format("\u3000" * 4 if field.kind == "year" else "")
            if field.kind == "amount":
                changes["indent"] = 1
            if field.kind == "unit" and field.pattern:
                changes["align"] = "left"
            self.answer(area, field.id, printed, **changes)
            if not style and not hasattr(self, "first"):
                self.first = area
                self.sheet.set_selection(area)
        else:
            self.put(area, text, **changes)
        return right

    def indicators(self, head: int) -> int:
        spec = self.form.indicators
        first = self.last - len(spec.column) + 1
        end = head + sum(block.rows for block in spec.block)
        self.rows(head, end, self.plan.line)
        self.put(str(Area(head, 1, end, first - 3)), self.plan.indicators)
        self.put(str(Area(head, first - 2, head, first - 2)), "一级指标")
        self.put(str(Area(head, first - 1, head, first - 1)), "二级指标")
        for n, column in enumerate(spec.column, start=first):
            self.put(f"{letters(n)}{head}", column.label)
            self.name(column.label, f"{letters(n)}{head}")
        row = head + 1
        for level1, group in groupby(spec.block, key=lambda block: block.level1):
            top = row
            for block in group:
                bottom = row + block.rows - 1
                self.put(str(Area(row, first - 1, bottom, first - 1)), block.label)
                for r in range(row, bottom + 1):
                    self.put(f"{letters(first)}{r}", self.edition.placeholder, locked=False)
                    for n in range(first + 1, self.last + 1):
                        self.put(f"{letters(n)}{r}", "", locked=False)
                self.name(block.label, f"{letters(first)}{row}:{letters(self.last)}{bottom}")
                row = bottom + 1
            self.put(str(Area(top, first - 2, row - 1, first - 2)), level1)
        for n, column in enumerate(spec.column, start=first):
            area = f"{letters(n)}{head + 1}:{letters(n)}{end}"
            self.sheet.data_validation(area, prompts.for_column(column, self.edition))
        return end

    def paper(self, head: int, bottom: int) -> None:
        sheet = self.sheet
        sheet.set_paper(9)
        sheet.set_portrait()
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.6, right=0.6, top=0.5, bottom=0.65)
        sheet.center_horizontally()
        sheet.print_area(f"A1:{letters(self.last)}{bottom}")
        sheet.repeat_rows(head - 1)
        sheet.set_footer('&C&"宋体,Regular"&9第 &P 页 共 &N 页', {"margin": 0.3})
        sheet.print_black_and_white()
