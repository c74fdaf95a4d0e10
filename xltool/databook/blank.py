"""The data book as a workbook that is pleasant to fill in:
heads, prompts, lists, and a page of advice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xltool.databook.columns import (
    CODE,
    INDICATORS,
    LEVEL1,
    LEVEL2,
    BookColumn,
    BookTable,
    bare,
    tables,
)
from xltool.editions.declaration import Edition
from xltool.files.atomic import writing
from xltool.indicator.library import Library
from xltool.library import name_list
from xltool.reports.indicator_library import write_sheet
from xltool.template import prompts
from xltool.xlsx.references import letters
from xltool.xlsx.row_height import row_height

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

GUIDE = "填写说明"
ROOM = 5_000  # rows that carry prompts and lists

_WIDTHS = {"code": 14, "year": 8, "unit": 30, "amount": 15, "period": 30, "long": 48, "text": 26}
_WIDTHS_BY_ID = {"level1": 12, "level2": 28, "standard": 18, "name": 34}
# Excel shows #### for long text in a cell formatted as text, so long answers stay General.
_NUMBERS = {"year": "0", "amount": "#,##0.00##", "long": "General"}
_GUIDE_WIDTHS = (14, 34, 66)
_LINE = 16  # points

_ADVICE = (
    "一本数据表可以装许多单位：“{0}”一个单位一行，“{1}”一个项目一行，“{2}”一个指标一行。",
    "三张表按“{unit}”和“{project}”的名称对应，名称要完全一致；每一行都要写，不要合并单元格。",
    "“{2}”里“{project}”留空的，是{department}的指标；写了项目名称的，是该项目的指标。",
    "金额单位：{money}。只填数字，没有的留空；可以带千分号，写“8900元”会按单位换算并加以说明。",
    "部门编码按文字保存，前面的 0 不会丢失；没有编码的留空。",
    "类别名称写不写末尾的“指标”二字都可以。指标多少不限，表格会随之增减行数。",
    "表头的名称不要改动，列的次序可以调整。填好后运行：xltool fill 本文件 -o 输出文件夹",
)


def draw(
    path: Path,
    edition: Edition,
    sheets: Mapping[str, Sequence[Sequence[Any]]] | None = None,
    library: Library | None = None,
) -> None:
    """Write a data book workbook of this edition; `sheets` are the rows of each table, if any.

    The names in an indicator `library` are offered as a list,
    and the library goes along as a sheet.
    """
    from xlsxwriter import Workbook

    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "default_format_properties": {"font_name": "宋体", "font_size": 11},
    }
    with writing(path, "wb") as file, Workbook(file, options) as book:
        book.set_properties(
            {"title": f"{edition.title}：数据表", "created": dt.datetime(2023, 1, 1)}
        )
        book.set_custom_property("xltool.databook", edition.id, "text")
        pen = _BookPen(book, edition, library)
        for table in tables(edition):
            pen.table(table, (sheets or {}).get(table.name, ()))
        pen.guide()
        if library is not None:
            write_sheet(book, library)


class _BookPen:
    def __init__(self, book: Workbook, edition: Edition, library: Library | None) -> None:
        self.book, self.edition, self.tables = book, edition, tables(edition)
        self.offered = 0 if library is None else len(library.entries)
        self.fields = {
            field.id: field
            for form in (edition.project, edition.department)
            for field in form.field
        }
        self.indicator_columns = {
            column.id: column
            for form in (edition.project, edition.department)
            for column in form.indicators.column
        }
        # The categories of both forms once each, the fuller name where they differ by 指标.
        blocks = [
            block
            for form in (edition.department, edition.project)
            for block in form.indicators.block
        ]
        self.categories = {bare(b.label): b for b in sorted(blocks, key=lambda b: len(b.label))}
        self.order = list(dict.fromkeys(bare(block.label) for block in blocks))
        border = {"border": 1, "border_color": "#A6A6A6"}
        head = {"bold": True, "align": "center", "valign": "vcenter", "text_wrap": True, **border}
        self.head = book.add_format({**head, "bg_color": "#DDEBF7"})
        self.optional = book.add_format({**head, "bg_color": "#F2F2F2", "bold": False})
        self.framed = book.add_format({"text_wrap": True, "valign": "vcenter", **border})
        self.plain = book.add_format({"text_wrap": True, "valign": "vcenter"})
        self.title = book.add_format({"bold": True, "font_size": 16, "font_name": "黑体"})
        self.section = book.add_format({"bold": True, "font_size": 12, "font_name": "黑体"})

    def table(self, table: BookTable, rows: Sequence[Sequence[Any]]) -> None:
        sheet = self.book.add_worksheet(table.name)
        last = max(ROOM, len(rows))
        formats = [self._format(column) for column in table.columns]
        widths = [self._width(column) for column in table.columns]
        for index, column in enumerate(table.columns):
            sheet.set_column(index, index, widths[index], formats[index])
            sheet.write_string(
                0, index, column.label, self.optional if column.optional else self.head
            )
            sheet.data_validation(1, index, last, index, self._validation(table, column, index))
        sheet.set_row(0, 34)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        keys = [
            number
            for number, column in enumerate(table.columns)
            if column.id in ("unit", "project")
        ]
        sheet.freeze_panes(1, 1 + max(keys))
        for row_number, row in enumerate(rows, 1):
            sheet.set_row(row_number, row_height(row, widths, _LINE))
            for index, value in enumerate(row):
                _write(sheet, row_number, index, value, formats[index])

    def _width(self, column: BookColumn) -> int:
        own = self.indicator_columns.get(column.id)
        return (own and own.width) or _WIDTHS_BY_ID.get(column.id, _WIDTHS[column.kind])

    def _format(self, column: BookColumn) -> Any:
        number = _NUMBERS.get(column.kind, "@")
        wrap = column.kind not in ("amount", "year")
        return self.book.add_format({"num_format": number, "valign": "top", "text_wrap": wrap})

    def _validation(self, table: BookTable, column: BookColumn, number: int) -> dict[str, Any]:
        if column.id == "year":
            warning = "应当是四位数的年份，例如：2023。"
            rule = {"validate": "integer", "criteria": "between", "minimum": 2000, "maximum": 2099}
            return {
                **prompts.input_prompt(column.label, "四位数的预算年度，例如：2023。"),
                **rule,
                **_warn(warning),
            }
        if column.id == "code":
            return prompts.input_prompt(CODE, "可以留空。按文字保存，前面的 0 不会丢失。")
        if column.id == "unit" and table.name != self.tables.department.name:
            text = f"与“{self.tables.department.name}”表里的名称完全一致，可从列表选。每行都要写。"
            return self._names(self.tables.department, column, text)
        if column.id == "project" and table.name == INDICATORS:
            department = self.edition.department.title
            text = f"留空：{department}的指标。写项目名称：该项目的指标，可从列表选。"
            return self._names(self.tables.project, column, text)
        if column.id == "level1":
            levels = list(dict.fromkeys(category.level1 for category in self.categories.values()))
            return {**_list(LEVEL1, "可从列表选，也可留空（由二级指标确定）。"), "source": levels}
        if column.id == "level2":
            first = self._first_category()
            source = f"={GUIDE}!$B${first + 1}:$B${first + len(self.order)}"
            return {**_list(LEVEL2, "从列表选。末尾的“指标”二字写不写都可以。"), "source": source}
        if table.name == INDICATORS and column.id == "name":
            if not self.offered:
                return prompts.input_prompt(column.label, "一行一个指标，行数不限。")
            text = "一行一个指标，行数不限。可从指标库选，也可以写别的。"
            source = name_list(self.offered)
            return {**_list(column.label, text), "source": source, "show_error": False}
        if table.name == INDICATORS and column.id in self.indicator_columns:
            return prompts.for_column(self.indicator_columns[column.id], self.edition)
        if table.name == INDICATORS:
            return prompts.input_prompt(column.label, f"按官方表的“{column.label}”一栏填写。")
        return prompts.for_field(self.fields[column.id], self.edition, f"{letters(number + 1)}2")

    def _names(self, table: BookTable, column: BookColumn, text: str) -> dict[str, Any]:
        """A list of the names in another table's column; a warning only, for it may come later."""
        number = next(number for number, c in enumerate(table.columns, 1) if c.id == column.id)
        source = f"={table.name}!${letters(number)}$2:${letters(number)}${ROOM + 1}"
        warning = f"“{table.name}”表里没有这个名称。确定要保留吗？"
        return {**_list(column.label, text), "source": source, **_warn(warning)}

    def _first_category(self) -> int:
        """The row (from 0) of the first category on the guide."""
        return 1 + len(_ADVICE) + 4

    def guide(self) -> None:
        sheet = self.book.add_worksheet(GUIDE)
        for number, width in enumerate(_GUIDE_WIDTHS):
            sheet.set_column(number, number, width)
        sheet.hide_gridlines(2)
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.write_string(0, 0, f"{self.edition.title}：数据表填写说明", self.title)
        sheet.set_row(0, 32)
        names = [table.name for table in self.tables]
        words = {
            "unit": self.tables.department["unit"].label,
            "project": self.tables.project["project"].label,
            "department": self.edition.department.title,
            "money": self.edition.unit,
        }
        for row, text in enumerate(_ADVICE, 1):
            sheet.merge_range(row, 0, row, 2, f"{row}. {text.format(*names, **words)}", self.plain)
            sheet.set_row(row, row_height([text], [sum(_GUIDE_WIDTHS)], _LINE, margin=4))
        first = self._first_category()
        sheet.write_string(first - 2, 0, "指标类别", self.section)
        self._line(sheet, first - 1, (LEVEL1, LEVEL2, "用于"), self.head)
        for row, key in enumerate(self.order, first):
            block = self.categories[key]
            homes = [
                form.title
                for form in (self.edition.department, self.edition.project)
                if key in {bare(block.label) for block in form.indicators.block}
            ]
            self._line(sheet, row, (block.level1, block.label, "、".join(homes)), self.framed)
        row = first + len(self.order) + 1
        sheet.write_string(row, 0, "各列", self.section)
        self._line(sheet, row + 1, ("表", "列", "怎样填"), self.head)
        row += 2
        for table in self.tables:
            for number, column in enumerate(table.columns):
                text = self._validation(table, column, number)["input_message"]
                self._line(sheet, row, (table.name, column.label, text), self.framed)
                sheet.set_row(row, row_height([text], [_GUIDE_WIDTHS[2]], _LINE, margin=2))
                row += 1

    def _line(self, sheet: Worksheet, row: int, texts: tuple[str, ...], style: Any) -> None:
        for number, text in enumerate(texts):
            sheet.write_string(row, number, text, style)


def _list(label: str, text: str) -> dict[str, Any]:
    message = f"列表里没有这个{label}，请从列表选。"
    return {
        **prompts.input_prompt(label, text),
        "validate": "list",
        "error_title": "请核对",
        "error_message": message,
    }


def _warn(text: str) -> dict[str, Any]:
    return {"error_type": "warning", "error_title": "请核对", "error_message": text}


def _write(sheet: Worksheet, row: int, column: int, value: Any, style: Any) -> None:
    if value is None:
        return
    if isinstance(value, Decimal) and Decimal(f"{float(value):.15g}") != value:
        value = f"{value:f}"  # more digits than a stored number keeps
    if isinstance(value, (Decimal, int)):
        sheet.write_number(row, column, value, style)
    else:
        sheet.write_string(row, column, value, style)
