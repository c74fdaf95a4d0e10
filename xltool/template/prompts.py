"""What the template says when a cell is entered, and what it warns of: Excel's data validations.

Validations are void after a paste, so nothing here stands in for a rule: they help, and only warn.
Excel allows 32 characters in a heading and 255 in a text.
"""

from __future__ import annotations

from typing import Any

from xltool.editions.declaration import Edition, Field, IndicatorColumn

STANDARDS = ("计划标准", "行业标准", "历史标准")

_TEXTS = {
    "unit": "填写单位全称，与公章一致。同一份申报的各张表应当相同。",
    "text": "填写项目全称，与预算批复的项目名称一致。",
    "long": "分条填写，一条一行（按 Alt+Enter 换行）。文字多时可以加大行高。",
    "period": "填写起止时间，例如：2023年1月1日-2023年12月31日。",
}
_COLUMN_TEXTS = {
    "name": "一行一个指标。行不够时，在本类别的两行之间插入行；不用的行保留“{placeholder}”。",
    "target": "写明符号、数值和单位，例如：≥15家、≤200万元、≥95%、12月31日前。",
    "sign": "从列表选：≥、≤、=、>、<；不能用数表示的选“定性”。",
    "number": "只填数字；指标性质是“定性”的填文字，例如：显著改善。",
    "measure": "填写计量单位，例如：家、%、万元；定性的不填。",
    "weight": "填写数字，不写百分号。各项权重的合计按本级财政部门的规定。",
    "note": "需要说明的在此填写。",
    "standard": "填写标准的类型（计划标准、行业标准、历史标准，可从列表选），或标准值，例如：≥15家。",
}


def for_field(field: Field, edition: Edition, cell: str) -> dict[str, Any]:
    """XlsxWriter's options for the validation of a field's input `cell`."""
    if field.kind == "amount":
        return _warn(
            field.label,
            _amount_text(field, edition),
            f"应当填写不小于 0 的数字，单位{edition.unit}，不写单位和千分号。确定要保留这样的内容吗？",
            validate="decimal",
            criteria=">=",
            value=0,
        )
    if field.kind == "year":
        return _for_year(field, cell)
    if field.pattern:
        printed = field.pattern.format("")
        return _warn(
            field.label,
            f"在“{printed}”之后填写单位全称，并在此处盖章。",
            f"应当以“{printed}”开头。确定要保留这样的内容吗？",
            validate="custom",
            value=f'=LEFT({cell},{len(printed)})="{printed}"',
        )
    if field.kind == "period":
        return _warn(
            field.label,
            _TEXTS["period"],
            "应当写明起止时间，例如：2023年1月1日-2023年12月31日。确定要保留这样的内容吗？",
            validate="length",
            criteria="between",
            minimum=7,
            maximum=60,
        )
    return input_prompt(field.label, _TEXTS[field.kind])


def _for_year(field: Field, cell: str) -> dict[str, Any]:
    before, _, printed = field.pattern.partition("{}")
    if before:
        return input_prompt(
            field.label, f"只改年份：写成“{field.pattern.format('2023')}”这样。其余文字不要改动。"
        )
    return _warn(
        field.label,
        "只改年份：在“年”字前填写四位数的年度，例如：2023。其余文字不要改动。",
        f"应当是四位数的年度加“{printed}”。确定要保留这样的内容吗？",
        validate="custom",
        value=f'=AND(LEN(TRIM({cell}))={4 + len(printed)},RIGHT(TRIM({cell}),{len(printed)})="{printed}",'
        f"ISNUMBER(VALUE(LEFT(TRIM({cell}),4))))",
    )


def for_column(column: IndicatorColumn, edition: Edition, offered: str = "") -> dict[str, Any]:
    """XlsxWriter's options for the validation of an indicator column's inputs.

    `offered` refers to the cells whose texts are offered as a list;
    something else may be written too.
    """
    wording = column.prompt or _COLUMN_TEXTS.get(column.id) or f"按官方说明填写“{column.label}”。"
    text = wording.replace("{placeholder}", edition.placeholder)
    source: str | list[str] = offered or list(column.options)
    if not source and column.id == "standard":
        # A list that suggests: the seed's filing writes values here, which are right as well.
        source = list(STANDARDS)
    if not source:
        return input_prompt(column.label, text)
    return {**input_prompt(column.label, f"{text}可从指标库选。" if offered else text),
            "validate": "list", "source": source, "show_error": False}  # fmt: skip


def _amount_text(field: Field, edition: Edition) -> str:
    text = f"填写数字，单位{edition.unit}，一般保留{edition.decimals}位小数；没有的留空或填 0。"
    if field.id == "nontax_spending":
        return f"用非税收入安排、且未计入基本支出和项目支出的金额。{text}"
    return text


def _warn(label: str, text: str, warning: str, **rule: Any) -> dict[str, Any]:
    return {**input_prompt(label, text), **rule, "error_type": "warning",
            "error_title": "请核对", "error_message": warning}  # fmt: skip


def input_prompt(label: str, text: str) -> dict[str, Any]:
    """What Excel shows beside a chosen cell, within its lengths; XlsxWriter's words."""
    return {"validate": "any", "input_title": label[:32], "input_message": text[:255]}
