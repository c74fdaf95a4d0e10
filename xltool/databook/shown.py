"""What a person sees in a workbook's cell, where a number stands for something else."""

from __future__ import annotations

from xltool.databook.answers import SourceCell, lines, shown_otherwise
from xltool.model import Place
from xltool.money import plain, stored_number
from xltool.xlsx.grid import Cell as Stored
from xltool.xlsx.number_format import as_read, is_amount, nothing_shown, text_shown


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
    number = stored_number(cell.text) if cell.number else None
    if cell.unseen and number != 0:
        reason = f"{cell.unseen}，请改成看得见的"
        text = as_read(cell.text, cell.format) if cell.number else lines(cell.text)
        return SourceCell(text, place, fault=("B020", reason))
    if cell.format and cell.text.strip() and number != 0:
        seen = nothing_shown(cell.text, cell.format, cell.number)
        if seen is not None:
            return SourceCell(seen, place, fault=("B020", shown_otherwise(seen, cell.text)))
    if not cell.number:
        text = text_shown(cell.text, cell.format) if cell.format else cell.text
        return SourceCell(lines(text), place, formula=formula)
    if number is None:
        return SourceCell(cell.text, place, formula=formula)
    text = as_read(cell.text, cell.format)
    # Under a unit or a sign (15家, ≥15) it still is a number, which a column of amounts judges.
    meant = text != plain(number) and not is_amount(cell.format)
    return SourceCell(text, place, None if meant else number, formula=formula, format=cell.format)
