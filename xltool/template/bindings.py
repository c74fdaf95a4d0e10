"""Is a template workbook complete? Every field,
block and column of the edition bound exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from xltool.editions.declaration import Edition, FormSpec
from xltool.errors import XltoolError, why
from xltool.xlsx.grid import Sheet
from xltool.xlsx.package import Unreadable
from xltool.xlsx.references import Area, cell_name
from xltool.xlsx.workbook_reader import open_grid


def problems(path: Path | str, edition: Edition) -> list[str]:
    """What is missing, doubly bound, locked or open in this template, one Chinese line each.

    Raises XltoolError when the file is no workbook.
    """
    try:
        grid = open_grid(Path(path), blanks=True)
    except (Unreadable, OSError) as error:
        raise XltoolError(f"{path}：{why(error)}") from error
    lines = []
    identity = grid.properties.get("xltool.edition", "")
    if identity != edition.id:
        lines.append(f"文档属性 xltool.edition 是“{identity}”，应当是“{edition.id}”")
    for form in edition.form:
        sheet = next((sheet for sheet in grid.sheets if sheet.name == form.sheet), None)
        if sheet is None:
            lines.append(f"缺少工作表“{form.sheet}”")
        else:
            lines += [f"{form.sheet}：{line}" for line in _form_problems(sheet, form)]
    return lines


def _form_problems(sheet: Sheet, form: FormSpec) -> Iterator[str]:
    if not sheet.protected:
        yield "工作表没有保护，官方文字可以被改动"
    bound: dict[tuple[int, int], list[str]] = {}
    blocks: list[tuple[str, Area]] = []
    for label, what, rows in (
        *((field.label, "字段", 1) for field in form.field),
        *((block.label, "指标类别", block.rows) for block in form.indicators.block),
    ):
        area = sheet.names.get(label)
        if area is None:
            yield _unnamed(sheet, what, label)
            continue
        if what == "指标类别":
            blocks.append((label, area))
        elif area == Area(area.top, area.left, area.top, area.left):
            area = sheet.whole(area)
        if sheet[area.top, area.left].locked or (what == "指标类别" and _locked(sheet, area)):
            yield f"{what}“{label}”的单元格 {area} 被锁定，无法填写"
        if area.bottom - area.top + 1 < rows:
            yield f"指标类别“{label}”只有 {area.bottom - area.top + 1} 行，应当至少 {rows} 行"
        for at in _cells(area):
            bound.setdefault(at, []).append(label)
    for label in (column.label for column in form.indicators.column):
        head = sheet.names.get(label)
        if head is None:
            yield _unnamed(sheet, "指标列", label)
            continue
        outside = [block for block, area in blocks if not area.left <= head.left <= area.right]
        if outside:
            yield f"指标列“{label}”（{head}）不在这些指标类别的列内：{'、'.join(outside)}"
    for pair in dict.fromkeys(tuple(labels) for labels in bound.values() if len(labels) > 1):
        first = next(at for at, labels in bound.items() if tuple(labels) == pair)
        yield f"单元格 {cell_name(*first)} 重复绑定：{'、'.join(pair)}"
    unbound = sorted(at for at, cell in sheet.cells.items() if not cell.locked and at not in bound)
    if unbound:
        yield f"可填写却没有绑定的单元格：{'、'.join(cell_name(*at) for at in unbound[:20])}"


def _unnamed(sheet: Sheet, what: str, label: str) -> str:
    if label in sheet.names:
        return f"{what}“{label}”的定义名称不指向本工作表的单元格"
    return f"{what}“{label}”没有定义名称（范围应为本工作表）"


def _cells(area: Area) -> Iterator[tuple[int, int]]:
    return (
        (row, column)
        for row in range(area.top, area.bottom + 1)
        for column in range(area.left, area.right + 1)
    )


def _locked(sheet: Sheet, area: Area) -> bool:
    """Some cell of an indicator block can't be filled in (those that a merge hides don't count)."""
    hidden = {
        at for merge in sheet.merges for at in list(_cells(merge))[1:] if merge.top >= area.top
    }
    return any(sheet[at].locked for at in _cells(area) if at not in hidden)
