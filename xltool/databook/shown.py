"""What a person sees in a workbook's cell, where a number stands for something else."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal, InvalidOperation

from xltool.databook.answers import Cell, lines
from xltool.grid import Cell as Stored
from xltool.model import Place
from xltool.money import plain

_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')


def shown(cell: Stored, place: Place) -> Cell:
    """A stored cell as an answer: numbers exact to the 15 digits that Excel shows.

    A percentage or a date is stored as a number; it is the text on the screen that was meant.
    """
    formula = bool(cell.formula)
    if cell.error:
        return Cell(cell.text, place, fault=("B017", f"单元格里是错误值 {cell.text}，请改正"))
    if formula and not cell.text:
        said = "公式没有计算结果；请在 Excel 或 WPS 里打开、重算并保存，或直接填写数值"
        return Cell("", place, fault=("B017", said))
    if not cell.number:
        return Cell(lines(cell.text), place, formula=formula)
    try:
        number = Decimal(cell.text)
    except InvalidOperation:
        return Cell(cell.text, place, formula=formula)
    if not number.is_finite() or abs(number.adjusted()) > 100:
        return Cell(cell.text, place, formula=formula)
    number = Decimal(f"{number:.15g}")
    code = _QUOTED.sub("", cell.format).lower()
    if "%" in code:
        return Cell(f"{plain(number * 100)}%", place, formula=formula)
    if set(code) & set("ymdhs"):
        return Cell(_moment(number, code) or plain(number), place, formula=formula)
    text = plain(number)
    if re.fullmatch("0{2,}", code):  # a code such as 00123 kept as a number
        text = text.zfill(len(code))
    return Cell(text, place, number, formula=formula)


def _moment(number: Decimal, code: str) -> str:
    """A day or a time of day, in Chinese."""
    try:
        at = dt.datetime(1899, 12, 30) + dt.timedelta(seconds=round(number * 86_400))
    except OverflowError:
        return ""
    clock = f"{at:%H:%M}" if at.second == 0 else f"{at:%H:%M:%S}"
    if number < 1:
        return clock
    if "y" in code and "d" not in code:
        return f"{at.year}年{at.month}月" if "m" in code else f"{at.year}年"
    day = f"{at.year}年{at.month}月{at.day}日"
    return day if at.time() == dt.time() else f"{day} {clock}"
