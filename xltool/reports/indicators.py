"""Indicators one a row, their values split in three as the finance bureaus' systems import them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from xltool.editions.declaration import Edition, load_edition
from xltool.files.atomic import writing
from xltool.files.escape import in_csv
from xltool.indicator import Target, split_targets
from xltool.indicator.split import split_standards
from xltool.model import Entry, Filing

COLUMNS = (
    "单位", "部门编码", "年度", "表", "项目", "一级指标", "二级指标", "三级指标", "指标值及单位",
    "计算符号", "指标值", "计量单位", "绩效标准", "权重", "备注", "说明", "文件", "工作表", "单元格",
)  # fmt: skip
_WIDTHS = (24, 12, 6, 12, 24, 12, 16, 28, 18, 8, 12, 10, 14, 8, 16, 20, 28, 20, 8)
_SIGNS = frozenset(COLUMNS.index(column) for column in ("计算符号", "指标值"))


def indicator_rows(filing: Filing, edition: Edition | None = None) -> Iterator[tuple[str, ...]]:
    """Each indicator of a filing as one row under COLUMNS; a stuffed cell makes several rows.

    What can't be paired stays one row as written, its three columns empty, and 说明 says why.
    """
    edition = edition or load_edition(filing.edition)
    for form in filing.forms:
        spec = edition[form.kind]
        project = form.text("project").strip() if form.kind == "project" else ""
        unit = (filing.unit, filing.code, str(filing.year or ""), spec.title, project)
        for one in form.indicators:
            block = spec.block(one.block)
            level = (block.level1, block.label)
            place = one.target.place or one.name.place
            where = (filing.source, place.sheet if place else "", place.cell if place else "")
            more = (_text(one["weight"]), _text(one["note"]))
            split = split_targets(_text(one.name), _text(one.target))
            if not split.paired:
                written = (_text(one.name), _text(one.target), "", "", "", _text(one.standard))
                yield (*unit, *level, *written, *more, "名称和指标值的个数对不上，没有拆开", *where)
                continue
            standards = split_standards(_text(one.standard), len(split))
            for (name, target), standard in zip(split, standards, strict=True):
                beside = _text(one.standard) if standard is None else standard.text
                value = (
                    name,
                    target.text.strip(),
                    *target.columns,
                    beside.strip(),
                    *more,
                    _remark(target, split.stuffed),
                )
                yield (*unit, *level, *value, *where)


def _remark(target: Target, stuffed: bool) -> str:
    if target.kind == "placeholder":
        return "占位文字"
    if target.kind == "blank":
        return "没有指标值"
    return "原在同一格" if stuffed else ""


def _text(entry: Entry) -> str:
    return entry.said.strip()


def write_csv(rows: Iterable[tuple[str, ...]], file: IO[str]) -> None:
    """The rows with their head; no text begins a formula, a lone sign such as = stays itself."""
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(
            cell if n in _SIGNS and len(cell) == 1 else in_csv(cell) for n, cell in enumerate(row)
        )


def save_csv(rows: Iterable[tuple[str, ...]], path: Path) -> None:
    """A CSV that Excel opens with its Chinese intact (UTF-8 with a mark)."""
    with writing(path, "w", encoding="utf-8-sig", newline="") as file:
        write_csv(rows, file)


def save_xlsx(rows: Iterable[tuple[str, ...]], path: Path) -> None:
    """A worksheet of texts, so that codes keep their zeros and nothing becomes a formula."""
    import xlsxwriter

    from xltool.reports.sheet import sound

    with (
        writing(path, "wb") as file,
        xlsxwriter.Workbook(file, {"constant_memory": True, "strings_to_formulas": False}) as book,
    ):
        text = book.add_format(
            {"num_format": "@", "text_wrap": True, "valign": "top", "font_name": "宋体"}
        )
        head = book.add_format(
            {"bold": True, "bg_color": "#E9EDF3", "bottom": 1, "font_name": "宋体"}
        )
        sheet = book.add_worksheet("绩效指标")
        sheet.freeze_panes(1, 0)
        for n, (column, width) in enumerate(zip(COLUMNS, _WIDTHS, strict=True)):
            sheet.set_column(n, n, width)
            sheet.write_string(0, n, column, head)
        last = 0
        for last, row in enumerate(rows, 1):
            for n, cell in enumerate(row):
                sheet.write_string(last, n, sound(cell), text)
        sheet.autofilter(0, 0, last, len(COLUMNS) - 1)
