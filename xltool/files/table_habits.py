"""What stands in tables beside the data: sums, remarks, ruined codes, characters nobody sees."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

# Zero-width characters, soft hyphens, and those that turn the direction of writing.
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")

_SUM = re.compile(
    r"(?:.{0,20}(?:合计|小计|总计|共计|累计)|汇总|.{0,20}[(（]汇总[)）])(?:数|金额|行)?[:：]?"
)
_REMARK = re.compile(
    r"(?:注|备注|附注|说明|填表说明|填表人|制表人|审核人|经办人|负责人|单位负责人|联系人|联系电话"
    r"|填表日期|制表日期|填报日期)[:：].*",
    re.DOTALL,
)
_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?[Ee]\+?[0-9]+")
_DECIMAL = re.compile(r"([0-9]+)\.0+")
_FULL_WIDTH = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]")  # digits and letters
_AS_FORMULA = re.compile(r'="([^"]*)"')
# Typed before digits so that a spreadsheet program takes them for a text.
_APOSTROPHES = ("'", "’", "‘", "＇", "`")
# Digits of a number that Excel keeps; the others become zeros.
_KEPT = 15


def visible(text: str) -> str:
    """A name or a number without the characters that nobody sees, nor space around it."""
    return without_invisible(text).strip()


def without_invisible(text: str) -> str:
    """A text without the characters that nobody sees."""
    return _INVISIBLE.sub("", text) if find_invisible(text) else text


def unspaced(text: str) -> str:
    """A text without white space and characters that nobody sees: a label however it is broken."""
    return "".join(without_invisible(text).split())


def folded(text: str) -> str:
    """A text to compare: without white space, full and half width alike."""
    return "".join(unicodedata.normalize("NFKC", text).split())


find_invisible = _INVISIBLE.search
"""The first character of a text that nobody sees; None where there is none."""


def aside(text: str) -> bool:
    """Whether a row that begins so is a sum or a remark below the data, and nobody's."""
    bare = unspaced(text)
    return bool(_SUM.fullmatch(bare) or _REMARK.fullmatch(bare))


class Code(NamedTuple):
    """A unit's code as it was meant; what is to say about it; whether its digits are lost."""

    text: str
    said: str = ""
    ruined: bool = False


def read_code(written: str) -> Code:
    """A code as tables hold it; a text, with its leading zeros."""
    text = visible(written)
    if formula := _AS_FORMULA.fullmatch(text):
        code = formula[1].strip()
        return Code(code, f"写作“{text}”，读作 {code}")
    if text[:1] in _APOSTROPHES and text[1:].strip():
        code = text[1:].strip()
        return Code(code, f"写作“{text}”，读作 {code}")
    if _FULL_WIDTH.search(text):
        code = unicodedata.normalize("NFKC", text)
        return Code(code, f"“{text}”里有全角字符，读作 {code}")
    if _SCIENTIFIC.fullmatch(text):
        return Code(text, f"“{text}”是被 Excel 变成科学计数的编码，原来的数字已经丢失", True)
    digits = text.removesuffix(".0")
    lost = digits[_KEPT:]
    if lost and digits.isascii() and digits.isdecimal() and not lost.strip("0"):
        reason = f"“{text}”第 {_KEPT} 位以后全是 0，像是被 Excel 截掉了，原来的数字已经丢失"
        return Code(text, reason, True)
    if decimal := _DECIMAL.fullmatch(text):
        reason = f"“{text}”像是经程序变成了小数，读作 {decimal[1]}；前面若有 0，请补上"
        return Code(decimal[1], reason)
    return Code(text)
