"""填报: rows of the indicator categories: one more, or the empty ones away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xltool.editions.declaration import Edition, load_edition
from xltool.errors import XltoolError
from xltool.excel.live_sheet import has_password, protection, unprotected, write_texts
from xltool.excel.ribbon import button, desk
from xltool.excel.session import ExcelSession
from xltool.excel.undo import planned, step
from xltool.files.table_habits import unspaced
from xltool.reading.reader import form_of
from xltool.template.layout import FormLayout, GrownRows, load_layout
from xltool.template.match import locate
from xltool.xlsx.grid import Grid, Sheet
from xltool.xlsx.references import Area, letters
from xltool.xlsx.workbook_reader import open_grid

if TYPE_CHECKING:
    import xlwings as xw


@dataclass(frozen=True)
class _Spot:
    """Where the cursor stands: its form, the category it is in, and that category's rows.

    `grown` are the form's rows as they will be with one more row in the category.
    """

    sheet: Sheet
    layout: FormLayout
    label: str
    area: Area
    row: int
    grown: GrownRows


def _spot(session: ExcelSession, grid: Grid, edition: Edition) -> _Spot:
    selection = session.app.selection
    if selection is None:
        raise XltoolError("请先把光标放在要加行的指标类别里")
    row, name = selection.row, selection.sheet.name
    sheet = next((sheet for sheet in grid.sheets if sheet.name == name), None)
    layout = form_of(load_layout(edition), sheet) if sheet is not None else None
    if sheet is not None and layout is not None:
        rows, _ = locate(layout, sheet)
        if rows.pushed or rows.gone:
            raise XltoolError("官方表格里多了或少了行，请先恢复官方版面，再加指标行")
        for block in layout.spec.indicators.block:
            blank = layout.blocks[block.id]
            area = rows.area(blank)
            if area.top <= row <= area.bottom:
                grown = layout.rows(
                    {**rows.grown, blank.bottom: rows.grown.get(blank.bottom, 0) + 1}
                )
                return _Spot(sheet, layout, block.label, area, row, grown)
    raise XltoolError("光标不在指标行上：请先点一下要加行的指标类别")


@button()
def add_row() -> str:
    """One more row in the category of the cursor, below the cursor."""
    session = desk()
    with session.snapshot() as path:
        edition = load_edition(session.read(path).edition)
        spot = _spot(session, open_grid(path), edition)
        attributes = protection(session.package(path), spot.sheet)
        at = _insertion(spot)
        torn, name = _torn(spot, at)
        # Under a password the sheet's own right to insert rows must do; nothing can be mended then.
        allowed = has_password(attributes) and attributes.get("insertRows") in ("0", "false")
        if allowed and (torn or name):
            raise XltoolError(
                f"“{spot.label}”只有一行，工作表又设有保护密码，加不了行；请改用从数据填充"
            )
        sheet = session.book.sheets[spot.sheet.name]
        with (
            step(session, path, {spot.sheet.name: planned(spot.sheet)}),
            unprotected(sheet, {} if allowed else attributes, session.journal),
        ):
            new = _insert(sheet, spot, at)
            for merged in torn:
                sheet.range(str(merged)).merge()
            if name is not None:
                _lead(sheet, spot.label, name)
    session.go(sheet, (new, spot.area.left))
    return f"“{spot.label}”加了一行（第 {new} 行）"


def _insert(sheet: xw.Sheet, spot: _Spot, at: int) -> int:
    """Insert the row; where the new one stands."""
    area = spot.area
    sheet.range(f"{at}:{at}").insert("down")
    if spot.row != at:
        return at
    # What stood in the row went down: it comes up again, above the new row.
    texts = {(at, c): spot.sheet[at, c].text for c in range(1, area.right + 1)}
    texts = {(r, c): t for (r, c), t in texts.items() if t or c >= area.left}
    write_texts(sheet, texts | {(at + 1, c): "" for _, c in texts})
    return at + 1


def _lead(sheet: xw.Sheet, name: str, area: Area) -> None:
    """Let a name of the sheet lead to this area."""
    first, last = f"${letters(area.left)}${area.top}", f"${letters(area.right)}${area.bottom}"
    quoted = sheet.name.replace("'", "''")
    sheet.names[name].refers_to = f"='{quoted}'!{first}:{last}"


def _insertion(spot: _Spot) -> int:
    """Where the row goes in: a row inserted within an area extends its names, merges,
    validations."""
    if spot.area.top < spot.area.bottom:
        return min(spot.row + 1, spot.area.bottom)
    # Of the single row, either side is outside; within the table it is at least inside that.
    last = max(spot.grown.start(blank.top) for blank in spot.layout.blocks.values())
    return spot.row if spot.row >= last else spot.row + 1


def _torn(spot: _Spot, at: int) -> tuple[list[Area], Area | None]:
    """What does not extend by itself:
    merged cells, and the category's name (None where it does)."""

    def after(area: Area) -> Area:
        return Area(
            area.top + (area.top >= at), area.left, area.bottom + (area.bottom >= at), area.right
        )

    merged = {after(area) for area in spot.sheet.merges}
    torn = [
        a for a in spot.layout.merges(spot.grown) - merged if a.top <= at + 1 and at - 1 <= a.bottom
    ]
    named = spot.sheet.names.get(spot.label)
    wanted = spot.grown.area(spot.layout.areas[spot.label])
    return sorted(torn), wanted if named is not None and after(named) != wanted else None


@button()
def delete_empty_rows() -> str:
    """Remove added indicator rows that say nothing; the official rows stay."""
    session = desk()
    with session.snapshot() as path:
        edition = load_edition(session.read(path).edition)
        package, layout = session.package(path), load_layout(edition)
        empty_rows: list[tuple[Sheet, list[int]]] = []
        for sheet in open_grid(path).sheets:
            form = form_of(layout, sheet)
            if form is not None:
                rows, _ = locate(form, sheet)
                empty = sorted(_empty_rows(form, sheet, rows, edition.placeholder), reverse=True)
                empty_rows += [(sheet, empty)] if empty else []
        if not empty_rows:
            return "没有后加的空行"
        with step(session, path, {sheet.name: planned(sheet) for sheet, _ in empty_rows}):
            for sheet, empty in empty_rows:
                live = session.book.sheets[sheet.name]
                with unprotected(live, protection(package, sheet), session.journal):
                    for row in empty:
                        live.range(f"{row}:{row}").delete("up")
    return f"删去了 {sum(len(empty) for _, empty in empty_rows)} 个空行"


def _empty_rows(form: FormLayout, sheet: Sheet, rows: GrownRows, placeholder: str) -> list[int]:
    """The rows to remove: never more than were added, never a block's first
    (it carries the label)."""
    removable: list[int] = []
    dots = {"", unspaced(placeholder)}
    for blank in form.blocks.values():
        area = rows.area(blank)
        added = (area.bottom - area.top) - (blank.bottom - blank.top)
        columns = range(area.left, area.right + 1)
        empty = [
            row
            for row in range(area.top + 1, area.bottom + 1)
            if all(unspaced(sheet[row, column].text) in dots for column in columns)
        ]
        removable += empty[::-1][: max(0, added)]
    return removable
