"""What a person sees in a workbook's cell, where a number stands for something else."""

from __future__ import annotations

from xltool.databook.answers import SourceCell, lines
from xltool.model import Place
from xltool.money import plain, stored_number
from xltool.xlsx.grid import Cell as Stored
from xltool.xlsx.number_format import as_read, is_amount


def shown(cell: Stored, place: Place) -> SourceCell:
    """A stored cell as an answer: numbers exact to the 15 digits that Excel shows.

    A percentage or a date is stored as a number; it is the text on the screen that was meant.
    """
    formula = bool(cell.formula)
    if cell.error:
        return SourceCell(cell.text, place, fault=("B017", f"单元格里是错误值 {cell.text}，请改正"))
    if formula and not cell.text:
        reason = "公式没有计算结果；请在 Excel 或 WPS 里打开、重算并保存，或直接填写数值"
        return SourceCell("", place, fault=("B017", reason))
    if not cell.number:
        return SourceCell(lines(cell.text), place, formula=formula)
    number = stored_number(cell.text)
    if number is None:
        return SourceCell(cell.text, place, formula=formula)
    text = as_read(cell.text, cell.format)
    # Under a unit or a sign (15家, ≥15) it still is a number, which a column of amounts judges.
    meant = text != plain(number) and not is_amount(cell.format)
    return SourceCell(text, place, None if meant else number, formula=formula, format=cell.format)
