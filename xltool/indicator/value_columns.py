"""A value in three columns (指标性质, 指标值, 计量单位), only where nothing of it is lost."""

from __future__ import annotations

from xltool.indicator.parse import parse_target
from xltool.indicator.value import write_number
from xltool.model import compose


def value_columns(text: str) -> tuple[str, str, str]:
    """(sign, number, measure) that put together read as the same value; else 定性 and the whole text.

    `15家以上` is (≥, 15, 家); `12月31日前`, `显著改善` and stuffed cells are (定性, text, "").
    """
    if not text.strip():
        return "", "", ""
    target = parse_target(text)
    if target.number is not None:
        sign = (target.operator or "") if target.stated else ""
        split = (sign, write_number(target.number), target.symbol + target.noun)
        if parse_target(compose(*split)) == target:
            return split
    return "定性", text, ""
