"""What a drawn form is made of:
printed text, inputs with names and prompts, indicators, the page."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from xltool.editions.declaration import Edition, FormSpec
from xltool.template import prompts
from xltool.xlsx.references import Area, letters

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet


class FormPen:
    """Draws one form. What stands above its indicator table is for the kinds of pen to say."""

    widths: tuple[int, ...]  # of the columns, in pixels
    line: float  # height of a row of the indicator table, in points
    level1: int  # the column of 一级指标; the side heading stands before it, 二级指标 behind it
    side: str  # the side heading of the indicator table
    edges: float = 0.6  # at each side of the paper, in inches

    def __init__(self, book: Any, form: FormSpec, edition: Edition, offered: str = "") -> None:
        self.book, self.form, self.edition = book, form, edition
        self.offered = offered  # refers to the names of indicators that are offered as a list
        self.sheet: Worksheet = book.add_worksheet(form.sheet)

    def draw(self) -> None:
        """Draw the whole form on a sheet of its own, protected without a password."""
        for column, width in enumerate(self.widths):
            self.sheet.set_column_pixels(column, column, width)
        head = self.fields()
        self.page(head, self.indicators(head))
        self.sheet.protect("", {"insert_rows": True, "format_rows": True})
        self.sheet.hide_gridlines(2)

    def fields(self) -> int:
        """Draw everything above the indicator table; the row where that begins."""
        raise NotImplementedError

    # ── strokes ──────────────────────────────────────────────────────────────────────────────

    def style(self, **changes: Any) -> Any:
        """The usual style of a cell with these changes."""
        base = {"font_size": 10.5, "align": "center", "valign": "vcenter"}
        return self.book.add_format({**base, "text_wrap": True, "border": 1, **changes})

    def put(self, area: str, text: Any, **changes: Any) -> None:
        """Official text (locked) in a cell or a merged area."""
        style = self.style(**changes)
        if ":" in area:
            self.sheet.merge_range(area, text, style)
        elif text == "":
            self.sheet.write_blank(area, None, style)
        else:
            self.sheet.write_string(area, text, style)

    def answer(self, area: str, field_id: str, text: str = "", **changes: Any) -> None:
        """An input (unlocked) with its name, number format and prompt."""
        field = self.form[field_id]
        if field.kind == "amount":
            # A long amount is set smaller; nobody can read ####.
            money: dict[str, Any] = {"num_format": "0.00##", "align": "left", "shrink": True}
            changes = {**money, "text_wrap": False, **changes}
        elif field.kind == "long":
            changes = {"align": "left", "indent": 1, **changes}
        self.put(area, text, locked=False, **changes)
        first = area.partition(":")[0]
        self.name(field.label, first)
        self.sheet.data_validation(first, prompts.for_field(field, self.edition, first))

    def name(self, label: str, area: str) -> None:
        """Give an area of the sheet a name of its own."""
        cells = ":".join(f"${cell[0]}${cell[1:]}" for cell in area.split(":"))
        self.book.define_name(f"'{self.form.sheet}'!{label}", f"='{self.form.sheet}'!{cells}")

    def rows(self, first: int, last: int, height: float) -> None:
        """Give these rows a height, in points."""
        for row in range(first, last + 1):
            self.sheet.set_row(row - 1, height)

    # ── the indicator table and the page ─────────────────────────────────────────────────────

    def indicators(self, head: int) -> int:
        """The indicator table from its head row on; its last row.
        The columns are the sheet's last ones."""
        spec, last = self.form.indicators, len(self.widths)
        first = last - len(spec.column) + 1
        end = head + sum(block.rows for block in spec.block)
        self.rows(head, end, self.line)
        self.put(str(Area(head, 1, end, self.level1 - 1)), self.side)
        self.put(str(Area(head, self.level1, head, self.level1)), "一级指标")
        self.put(str(Area(head, self.level1 + 1, head, first - 1)), "二级指标")
        for number, column in enumerate(spec.column, start=first):
            self.put(f"{letters(number)}{head}", column.label)
            self.name(column.label, f"{letters(number)}{head}")
        row = head + 1
        for level1, group in groupby(spec.block, key=lambda block: block.level1):
            top = row
            for block in group:
                bottom = row + block.rows - 1
                self.put(str(Area(row, self.level1 + 1, bottom, first - 1)), block.label)
                for answer_row in range(row, bottom + 1):
                    # Of text, so that 12月31日, 3-5 and =0 stay what was typed.
                    typed: dict[str, Any] = {"locked": False, "num_format": "@"}
                    self.put(f"{letters(first)}{answer_row}", self.edition.placeholder, **typed)
                    for number in range(first + 1, last + 1):
                        self.put(f"{letters(number)}{answer_row}", "", **typed)
                self.name(block.label, f"{letters(first)}{row}:{letters(last)}{bottom}")
                row = bottom + 1
            self.put(str(Area(top, self.level1, row - 1, self.level1)), level1)
        for number, column in enumerate(spec.column, start=first):
            area = f"{letters(number)}{head + 1}:{letters(number)}{end}"
            offered = self.offered if column.id == "name" else ""
            self.sheet.data_validation(area, prompts.for_column(column, self.edition, offered))
        return end

    def page(self, head: int, bottom: int) -> None:
        """Portrait A4, one page wide, the indicator table's head repeated, the page numbered."""
        sheet = self.sheet
        sheet.set_paper(9)
        sheet.set_portrait()
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=self.edges, right=self.edges, top=0.5, bottom=0.65)
        sheet.center_horizontally()
        sheet.print_area(f"A1:{letters(len(self.widths))}{bottom}")
        sheet.repeat_rows(head - 1)
        sheet.set_footer('&C&"宋体,Regular"&9第 &P 页 共 &N 页', {"margin": 0.3})
        sheet.print_black_and_white()
