"""Draw an edition's template from its `layout.toml`: rows of cells, written as they stand on paper.

A cell is its printed text or `@field`, then `*4` for four columns and `^2` for two rows where it
is larger than one cell: `"资金总额*2"`, `"@total*5"`. The indicator table follows by itself from the
declaration; each of its columns takes one column of the sheet, the last ones.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from xltool.editions.declaration import Edition, EditionError, FormSpec
from xltool.errors import why
from xltool.files.declarations import toml_fault, value_fault
from xltool.template.draw_parts import FormPen
from xltool.xlsx.references import Area

_CELL = re.compile(r"^(?P<text>.*?)(?:\*(?P<columns>\d+))?(?:\^(?P<rows>\d+))?$", re.DOTALL)
_STYLES: dict[str, dict[str, Any]] = {
    "title": {"font_name": "黑体", "font_size": 18, "border": 0, "text_wrap": False},
    "year": {"font_size": 11, "border": 0, "text_wrap": False},
    "subtitle": {"font_size": 11, "border": 0, "bottom": 1, "text_wrap": False},
    "": {},
}


class _RowSketch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cells: tuple[str, ...]
    height: float = 21
    style: Literal["title", "year", "subtitle", ""] = ""


class _FormSketch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One form: the columns' widths in pixels, the rows above the indicators, its side heading."""

    widths: Annotated[tuple[int, ...], msgspec.Meta(min_length=3, max_length=26)]
    row: tuple[_RowSketch, ...]
    indicators: str
    line: float = 21


class _Plans(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    department: _FormSketch
    project: _FormSketch


def sketched(edition: Edition) -> bool:
    """The edition says itself where things stand."""
    return _file(edition).is_file()


def _file(edition: Edition) -> Path:
    return Path(edition.folder) / "layout.toml"


def _load(edition: Edition) -> _Plans:
    file = _file(edition)
    try:
        return msgspec.convert(tomllib.loads(file.read_text("utf-8")), _Plans)
    except OSError as error:
        raise EditionError(f"{file}：读不了：{why(error)}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise EditionError(f"{file}：{toml_fault(error)}") from error
    except msgspec.ValidationError as error:
        raise EditionError(f"{file}：{'：'.join(value_fault(error))}") from error


class Sketch(FormPen):
    """Draws one form row by row as its layout says."""

    def __init__(self, book: Any, form: FormSpec, edition: Edition) -> None:
        super().__init__(book, form, edition)
        plans = _load(edition)
        self.plan = plan = plans.department if form.id == "department" else plans.project
        self.widths, self.line, self.side = plan.widths, plan.line, plan.indicators
        self.last = len(plan.widths)
        self.level1 = self.last - len(form.indicators.column) - 1
        if self.level1 < 2:
            least = self.last + 2 - self.level1
            raise EditionError(f"{_file(edition)}：{form.id}.widths：要画指标表，至少要 {least} 列")

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
            if column <= self.last and any(
                (number, c) not in taken for c in range(column, self.last + 1)
            ):
                raise EditionError(
                    f"{_file(self.edition)}：{self.form.id} 第 {number} 行没有画满 {self.last} 列"
                )
        return len(self.plan.row) + 1

    def cell(
        self, cell: str, row: int, column: int, style: str, taken: set[tuple[int, int]]
    ) -> int:
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
