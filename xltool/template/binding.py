"""Is a template workbook complete? Every field, block and column of the edition bound exactly once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from xltool.edition import Edition, FormSpec
from xltool.model import XltoolError


def problems(path: Path, edition: Edition) -> list[str]:
    """What is missing, doubly bound or locked in this template, one Chinese line each."""
    from openpyxl import load_workbook

    try:
        book = load_workbook(path)
    except Exception as error:
        raise XltoolError(f"{path}：不能作为工作簿读取：{error}") from error
    found = []
    for form in edition.form:
        if form.sheet not in book.sheetnames:
            found.append(f"缺少工作表“{form.sheet}”")
            continue
        found += [f"{form.sheet}：{line}" for line in _form_problems(book[form.sheet], form)]
    return found


def _form_problems(sheet, form: FormSpec) -> list[str]:  # type: ignore[no-untyped-def]
    from openpyxl.utils import range_boundaries

    found: list[str] = []
    cells: dict[str, list[str]] = {}
    names = sheet.defined_names
    inputs = [(f.label, "字段", 1) for f in form.field]
    inputs += [(b.label, "指标类别", b.rows) for b in form.indicators.block]
    for label, what, rows in [*inputs, *((c.label, "指标列", 1) for c in form.indicators.column)]:
        if label not in names:
            found.append(f"{what}“{label}”没有定义名称（范围应为本工作表）")
            continue
        target = names[label].attr_text
        if "#REF!" in target or "!" not in target:
            found.append(f"{what}“{label}”的定义名称不指向单元格：{target}")
            continue
        area = target.rpartition("!")[2].replace("$", "")
        left, top, right, bottom = range_boundaries(area)
        for row in sheet.iter_rows(top, bottom, left, right):
            for cell in row:
                cells.setdefault(cell.coordinate, []).append(label)
                if what != "指标列" and cell.protection.locked and type(cell).__name__ != "MergedCell":
                    found.append(f"{what}“{label}”的单元格 {cell.coordinate} 被锁定，无法填写")
        if bottom - top + 1 < rows:
            found.append(f"{what}“{label}”只有 {bottom - top + 1} 行，应当至少 {rows} 行")
    found += [f"单元格 {at} 重复绑定：{'、'.join(labels)}" for at, labels in cells.items() if len(labels) > 1]
    declared = Counter(label for label, _, _ in inputs)
    found += [f"标签“{label}”在版式里出现 {count} 次" for label, count in declared.items() if count > 1]
    return found
