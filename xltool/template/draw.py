"""Draw the official template workbook of `hunan-2023`: both forms as on the paper form.

The wording comes from the edition, the places from here; an edition with a `layout.toml` is drawn
by `sketch` instead. What a reader or a bureau needs to know about places stands in the drawn workbook
itself, as sheet-scoped names, so nothing else reads this module. Drawing twice gives the same parts.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from xltool.editions.declaration import Edition, FormSpec
from xltool.errors import XltoolError
from xltool.files.atomic import writing
from xltool.template.draw_parts import FormPen
from xltool.template.sketch import Sketch, sketched

DRAWN = ("hunan-2023",)
VERSION = "1"
SPACE = "\u3000"

# 宋体 11 has digits 8 pixels wide: widths below are pixels, the page takes about 680 at 100 %.
_SONG, _HEI = "宋体", "黑体"
_FONT = {
    "font_name": _SONG,
    "font_size": 11,
    "font_scheme": "none",
    "font_family": 3,
    "font_charset": 134,
}
_LAST = "F"
_NOT_PRINTED = "FFFFFF"

# Row heights in points. The sub-title leaves room for the stamp.
_TITLE, _SUBTITLE, _LINE = 34.5, 39, 19.5


def draw(path: Path | str, edition: Edition) -> None:
    """Write the template workbook of this edition to `path`.

    Raises XltoolError for an edition whose layout is not drawn by code, or a place that can't be
    written.
    """
    from xlsxwriter import Workbook

    if edition.id in DRAWN:
        pens: tuple[type[FormPen], type[FormPen]] = (_Department, _ProjectSheet)
    elif sketched(edition):
        pens = (Sketch, Sketch)
    else:
        raise XltoolError(f"版式 {edition.id} 的模板不是由程序绘制的，请直接编辑它的 template.xlsx")

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
        for form, pen in zip((edition.department, edition.project), pens, strict=True):
            pen(book, form, edition).draw()


class _Hunan(FormPen):
    """What both forms share: the title, the line under it, the places of the indicator table."""

    line, level1 = _LINE, 2
    first: str  # the answer that is selected when the blank is opened

    def __init__(self, book: Any, form: FormSpec, edition: Edition) -> None:
        super().__init__(book, form, edition)
        self.labels = {f.id: f.label for f in form.field}

    def draw(self) -> None:
        super().draw()
        self.sheet.set_column_pixels("G:G", 20)
        self.sheet.set_selection(self.first)

    def fields(self) -> int:
        self.heading()
        return self.body()

    def body(self) -> int:
        """Draw everything between the headings and the indicators; the indicator head's row."""
        raise NotImplementedError

    def heading(self) -> None:
        self.rows(1, 1, _TITLE)
        self.rows(2, 2, _SUBTITLE)
        title = self.form["year"].pattern.format(SPACE * 4)
        self.answer(
            f"A1:{_LAST}1", "year", title, font_name=_HEI, font_size=18, border=0, text_wrap=False
        )
        plain: dict[str, Any] = {"border": 0, "bottom": 1, "font_size": 11}
        filer = self.form["filer"].pattern.format("")
        self.answer("A2:E2", "filer", filer, align="left", **plain)
        self.put("F2", f"单位：{self.edition.unit}", align="right", text_wrap=False, **plain)

    @property
    def side(self) -> str:  # type: ignore[override]
        """The heading of the indicator table, broken as on the paper form."""
        label = self.form.indicators.label
        return f"{label[:-6]}\n{label[-6:]}" if len(label) > 10 else f"{label[:-4]}\n{label[-4:]}"


class _Department(_Hunan):
    widths = (108, 76, 130, 84, 174, 128)
    first = "B3:F3"

    def body(self) -> int:
        self.put("A3", self.labels["unit"])
        self.answer("B3:F3", "unit")
        self.money()
        self.put("A10", "部门职能\n职责概述")
        self.answer("B10:F10", "duties")
        self.put("A11", self.labels["goal"])
        self.answer("B11:F11", "goal")
        self.rows(3, 9, _LINE)
        self.rows(10, 10, 90)
        self.rows(11, 11, 78)
        return 12

    def money(self) -> None:
        """年度预算申请: a label and its amount share one box of the paper form."""
        name = self.labels
        label: dict[str, Any] = {"align": "right", "right": 0, "text_wrap": False}
        amount: dict[str, Any] = {"left": 0}
        self.put("A4:A9", f"年度预算申请\n（{self.edition.unit}）")
        self.put("B4", f"{name['total']}：", **label)
        self.answer("C4:F4", "total", **amount)
        self.put("B5:D5", "按收入性质分：", align="left", indent=1)
        self.put("E5:F5", "按支出性质分：", align="left", indent=1)
        for row, id_, before in (
            (6, "general", "其中：  "),
            (7, "fund", ""),
            (8, "nontax", ""),
            (9, "other", ""),
        ):
            self.put(f"B{row}:C{row}", f"{before}{name[id_]}：", **label)
            self.answer(f"D{row}", id_, **amount)
        self.put("E6", f"其中： {name['basic']}：", **label)
        self.put("E7", f"{name['project_spending']}：", **label)
        self.put("E8", "", **label)
        for row, id_ in ((6, "basic"), (7, "project_spending"), (8, "nontax_spending")):
            self.answer(f"F{row}", id_, **amount)
        self.put("E9:F9", "")
        self.hints()

    def hints(self) -> None:
        """An imbalance shows on screen beside the form, outside the print area.

        Conditional formats reach paper in some programs, so none lies on the form itself: the
        hints are white text which turns visible. Blank cells and text count as 0; a difference
        of half a fen or less is rounding.
        """
        revenue = _gap("$C$4", "$D$6", "$D$7", "$D$8", "$D$9")
        spending = _gap("$C$4", "$F$6", "$F$7")
        adjusted = _gap("$C$4", "$F$6", "$F$7", "$F$8")
        for cell, text, formula, colour in (
            ("H4", "◀ 收入侧不平衡：资金总额≠左列四项之和", f"{revenue}>0.005", "C00000"),
            ("H6", "◀ 支出侧不平衡：资金总额≠右列各项之和",
             f"AND({spending}>0.005,{adjusted}>0.005)", "C00000"),
            ("H8", "◀ 支出侧经非税项目后平衡：请核对收入侧的非税收入",
             f"AND({spending}>0.005,{adjusted}<=0.005,ABS(N($D$8)-N($F$8))>0.005)", "9C5700"),
        ):  # fmt: skip
            style: dict[str, Any] = {
                "border": 0,
                "align": "left",
                "text_wrap": False,
                "font_color": _NOT_PRINTED,
            }
            self.put(cell, text, **style)
            shown = self.book.add_format({"font_color": colour, "bold": True})
            self.sheet.conditional_format(
                cell, {"type": "formula", "criteria": f"={formula}", "format": shown}
            )


class _ProjectSheet(_Hunan):
    widths = (108, 76, 146, 162, 108, 100)
    first = "B3:C3"

    def body(self) -> int:
        self.put("A3", self.labels["project"])
        self.answer("B3:C3", "project")
        self.put("D3", self.labels["unit"])
        self.answer("E3:F3", "unit")
        self.put("A4", "年度本级\n预算金额")
        self.answer("B4:C4", "own_budget", align="center")
        self.put("D4", self.labels["upper_budget"])
        self.answer("E4:F4", "upper_budget", align="center")
        self.put("A5", self.labels["period"])
        self.answer("B5:F5", "period")
        self.put("A6", self.labels["period_goal"])
        self.answer("B6:F6", "period_goal")
        self.put("A7", self.labels["annual_goal"])
        self.answer("B7:F7", "annual_goal")
        self.rows(3, 4, 33)
        self.rows(5, 5, 27)
        self.rows(6, 7, 84)
        return 8


def _gap(total: str, *parts: str) -> str:
    return f"ABS(ROUND(N({total}){''.join(f'-N({part})' for part in parts)},4))"
