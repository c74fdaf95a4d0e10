"""One cell of a source becomes one answer: amounts exact, years whole, text untouched."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from xltool.editions.declaration import Edition
from xltool.files.table_habits import read_code
from xltool.model import Entry, Place
from xltool.money import halfwidth, plain, read_amount, says_none, tidy
from xltool.xlsx.cell_text import MAX_TEXT, UNSTORABLE, text_length, too_long
from xltool.xlsx.number_format import amount_shown

DIGITS = 15  # significant digits of a number in Excel
_YEAR = re.compile(r"([12][0-9]{3})\s*(?:年度?)?")


class SourceCell(NamedTuple):
    """What a source holds in one place.

    `text` is what a person sees there; `number` is set where the source holds a number, `format`
    where that may be shown as another one; `fault` says why it can't be used, (code, message).
    """

    text: str
    place: Place
    number: Decimal | None = None
    fault: tuple[str, str] | None = None
    formula: bool = False
    format: str = ""

    @property
    def blank(self) -> bool:
        """Nothing stands there, not even a fault."""
        return not self.text.strip() and self.fault is None


SourceRecord = dict[str, SourceCell]  # a row: its cells by column id


class Answer(NamedTuple):
    """An entry, and what there is to say about it as (code, message, expected)."""

    entry: Entry
    remarks: tuple[tuple[str, str, str], ...] = ()


def hollow(cells: Iterable[SourceCell], edition: Edition) -> bool:
    """Nothing but blanks and the official …… : no answer at all."""
    return all(cell.blank or set(cell.text.strip()) <= set(edition.placeholder) for cell in cells)


def lines(text: str) -> str:
    """Line breaks as \\n, whatever wrote them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def shown_otherwise(shown: str, stored: str) -> str:
    """What is said of a cell that shows something else than it holds."""
    return f"单元格显示为“{shown}”，存的是“{stored[:40]}”，请改成同一个，数字格式用“常规”"


def answer(cell: SourceCell, kind: str, edition: Edition) -> Answer:
    """Read one cell as a field of this kind."""
    if cell.fault:
        return Answer(Entry(None, cell.text, cell.place), ((*cell.fault, ""),))
    if too_long(cell.text):
        length = text_length(cell.text)
        remark = ("B015", f"文字有 {length:,} 个字符，Excel 单元格最多 {MAX_TEXT:,} 个，请删减", "")
        return Answer(Entry(None, cell.text, cell.place), (remark,))
    if odd := UNSTORABLE.search(cell.text):
        remark = ("B016", f"第 {odd.start() + 1} 个字符（U+{ord(odd[0]):04X}）无法保存，请删去", "")
        return Answer(Entry(None, cell.text, cell.place), (remark,))
    read = {"amount": _amount, "year": _year, "unit": _name, "code": _code}.get(kind, _text)(
        cell, edition
    )
    if cell.formula:
        note = ("B101", f"单元格是公式，取其上次计算的结果“{cell.text}”", "")
        return Answer(read.entry, (*read.remarks, note))
    return read


def _text(cell: SourceCell, edition: Edition) -> Answer:
    return Answer(Entry(cell.text or None, cell.text, cell.place))


def _name(cell: SourceCell, edition: Edition) -> Answer:
    """A unit's name is a key: the spaces around it are not part of it."""
    return Answer(Entry(cell.text.strip() or None, cell.text, cell.place))


def _code(cell: SourceCell, edition: Edition) -> Answer:
    """A unit's code is a text; what other programs made of its digits is said."""
    code = read_code(cell.text)
    entry = Entry(code.text or None, code.text, cell.place)
    if not code.said:
        return Answer(entry)
    return Answer(entry, (("B021" if code.ruined else "B106", code.said, ""),))


def _amount(cell: SourceCell, edition: Edition) -> Answer:
    if cell.blank:
        return Answer(Entry(None, "", cell.place))
    value = cell.number
    if value is not None and cell.format:
        seen = amount_shown(value, cell.format, edition.unit)
        if not seen.same:
            message = shown_otherwise(seen.text, plain(value))
            return Answer(Entry(None, seen.text, cell.place), (("B020", message, ""),))
    remarks: tuple[tuple[str, str, str], ...] = ()
    if value is None and len(cell.text) < 100 and (amount := read_amount(cell.text, edition.unit)):
        value = amount.value
        if not amount.plain:
            remarks = (("B102", f"写作“{cell.text}”，读作 {plain(value)} {edition.unit}", ""),)
    # Beyond this no budget lies, and a forged exponent would fill the memory with zeros.
    if value is None or value.adjusted() > 15 or int(tidy(value).as_tuple().exponent) < -15:
        short = cell.text if len(cell.text) <= 40 else cell.text[:40] + "…"
        wanted = "没有就空着" if says_none(short) else f"请填写数字，单位{edition.unit}"
        remark = ("B013", f"“{short}”无法读取，{wanted}", f"数字（{edition.unit}）")
        return Answer(Entry(None, cell.text, cell.place), (remark,))
    value = tidy(value)
    if len(value.normalize().as_tuple().digits) > DIGITS:
        remark = ("B013", f"“{plain(value)}”超过 {DIGITS} 位有效数字，Excel 存不下", "")
        return Answer(Entry(None, cell.text, cell.place), (remark,))
    return Answer(Entry(value, cell.text, cell.place), remarks)


def _year(cell: SourceCell, edition: Edition) -> Answer:
    if cell.blank:
        return Answer(Entry(None, "", cell.place))
    match = _YEAR.fullmatch(halfwidth(cell.text).strip())
    if match is None:
        remark = ("B014", f"“{cell.text[:40]}”无法读取，请填写四位数字的年份", "四位数字，如 2023")
        return Answer(Entry(None, cell.text, cell.place), (remark,))
    return Answer(Entry(int(match[1]), cell.text, cell.place))
