"""出错说明: what did not pass and the unit's words to it, one sheet to print, sign and hand in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xltool.files.atomic import writing
from xltool.files.table_column import Column, cells, heads
from xltool.model import Filing, Finding
from xltool.xlsx.cell_text import sound

COLUMNS: tuple[Column[Finding], ...] = (
    Column("级别", lambda f: f.severity.label, 6),
    Column("代码", lambda f: f.code, 7),
    Column("表", lambda f: f.sheet, 17),
    Column("位置", lambda f: f.cell, 6),
    Column("问题", lambda f: f.message, 50),
    Column("单位说明", lambda f: f.explanation, 40),
)
_SIGNED = (
    "填报人：　　　　　　　　　　　负责人：　　　　　　　　　　　（盖章）　　　　　年　　月　　日"
)


def write_error_note(filing: Filing, findings: Sequence[Finding], path: Path) -> Path:
    """Write the findings with the unit's explanations to `path`, on A4 across, one page wide."""
    from xlsxwriter import Workbook

    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with writing(path, "wb") as file, Workbook(file, options) as book:

        def style(**changes: Any) -> Any:
            base = {"font_name": "宋体", "font_size": 10.5, "text_wrap": True, "valign": "vcenter"}
            return book.add_format({**base, **changes})

        sheet = book.add_worksheet("出错说明")
        sheet.hide_gridlines(2)
        for at, width in enumerate((5.0, *(column.width for column in COLUMNS))):
            sheet.set_column(at, at, width)
        last = len(COLUMNS)
        title = style(font_name="黑体", font_size=16, align="center")
        sheet.merge_range(0, 0, 0, last, "预算绩效目标申报表出错说明", title)
        sheet.set_row(0, 30)
        who = f"填报单位：{filing.unit or '（未填）'}　　　年度：{filing.year or '（未填）'}"
        sheet.merge_range(1, 0, 1, last, who, style())
        head = style(bold=True, border=1, align="center", bg_color="E7E6E6")
        for at, text in enumerate(("序号", *heads(COLUMNS))):
            sheet.write_string(2, at, text, head)
        body = style(border=1)
        for row, finding in enumerate(findings, 3):
            texts = [str(row - 2), *map(str, cells(COLUMNS, finding))]
            sheet.set_row(row, _height(texts))
            for at, text in enumerate(texts):
                sheet.write_string(row, at, sound(text), body)
        sheet.merge_range(
            len(findings) + 4, 0, len(findings) + 4, last, _SIGNED, style(text_wrap=False)
        )
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(2)
        sheet.set_footer("&C第 &P 页 共 &N 页")
    return path


def _height(texts: Sequence[str]) -> float:
    lines = 1
    for text, column in zip(texts[1:], COLUMNS, strict=True):
        for part in text.split("\n"):
            lines = max(lines, -(-sum(2 if ord(c) > 255 else 1 for c in part) // int(column.width)))
    return min(409.0, lines * 15.0 + 4)
