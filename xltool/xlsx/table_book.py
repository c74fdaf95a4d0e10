"""A workbook of result tables:
each with its head, frozen and repeated, its rows one after the other, its filter.

All tables of results go this way: the report of a run, the lists and the roll-up of a campaign.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from html import escape
from itertools import groupby
from typing import IO, Any, NamedTuple

from xltool.files.table_column import Column, Row, cells
from xltool.xlsx.cell_text import sound
from xltool.xlsx.references import LAST_ROW, letters
from xltool.xlsx.row_height import row_height
from xltool.xlsx.shared_parts import SPECIAL, armour
from xltool.xlsx.table_frame import PLAIN, BookFrame, Link, Look, SheetPart, Style

_UNSEEN = 10_000.0


class Styled(NamedTuple):
    """A value whose cell looks otherwise than its row's."""

    value: CellValue
    style: Style


CellValue = str | int | Decimal | Link | None
# What may stand in a row.
RowValue = CellValue | Styled


class _CellStyles(NamedTuple):
    """The formats of a row's cells, as numbers; a blank cell without one is not written."""

    text: str
    number: str
    amount: str
    link: str
    blank: str


class TableSheet:
    """A table that goes on, where it is longer than a sheet can be, on the next one."""

    def __init__(
        self,
        book: BookFrame,
        name: str,
        columns: Sequence[Column[Any]],
        *,
        title: str = "",
        line: str = "",
        line_right: str = "",
        landscape: bool = True,
        fixed_columns: int | None = None,
        filter_columns: int | None = None,
        head_height: float = 0,
        sums_above: bool = False,
    ) -> None:
        """`line` stands under the title, `line_right` at its right end; so many columns stay in
        sight (of a report the first) and have a filter (all). With `sums_above` the rows of an
        outline are folded into the one above them."""
        self.book, self.look, self.name, self.columns = book, book.look, name, columns
        self.landscape = landscape
        usual = 0 if self.look.ruled else 1
        self.fixed_columns = usual if fixed_columns is None else fixed_columns
        self.filter_columns = len(columns) if filter_columns is None else filter_columns
        self.head_height = head_height or self.look.head_height
        self.sums_above = sums_above
        # What stands in a hidden column makes no row higher.
        self.widths = [_UNSEEN if column.kind == "key" else column.width for column in columns]
        self._letters = [letters(n) for n in range(1, len(columns) + 1)]
        words = {word: book.style({**self.look.text, **s}) for word, s in self.look.words.items()}
        self._words = [words if column.kind == "verdict" else {} for column in columns]
        self._styles: dict[tuple[tuple[str, Any], ...], _CellStyles] = {}
        self.pages = 0
        self._begin(title, line, line_right)

    def rows(self, rows: Iterable[Any]) -> None:
        """All rows, each made by walking the columns."""
        for row in rows:
            self.row(cells(self.columns, row))

    def row(self, values: Sequence[RowValue], style: Style = PLAIN, *, level: int = 0) -> None:
        """One row, in which `style` changes how the cells look; of a `level` of the outline."""
        if self.next >= LAST_ROW:
            self.end()
            self._begin()
        self.next += 1
        number, styles = self.next, self._cell_styles(style)
        shown = [one.value if one.__class__ is Styled else one for one in values]
        look = self.look
        height = row_height(shown, self.widths, look.line_height, margin=look.row_margin)
        height = max(height, look.least_height)
        attributes = ""
        if look.ruled or height > look.least_height:
            attributes = f' ht="{height:g}" customHeight="1"'
        if level:
            attributes += f' outlineLevel="{level}"'
            self._part.levels = max(level, self._part.levels)
        cells = [
            self._cell(f"{letter}{number}", value, styles, words, style)
            for letter, value, words in zip(self._letters, values, self._words, strict=False)
        ]
        self._part.write(f'<row r="{number}"{attributes}>{"".join(cells)}</row>')

    def below(self, text: str, style: Style) -> None:
        """A line over all columns under the table, when all its rows are there."""
        last = len(self.columns) - 1
        frame = self._part.frame
        frame.merge_range(self.next, 0, self.next, last, text, self.book.cell_format(style))
        height = row_height([text], [sum(self.widths)], self.look.line_height, margin=4)
        frame.set_row(self.next, max(height, self.look.least_height))
        self._below += 1
        self.next += 1

    def _begin(self, title: str = "", line: str = "", line_right: str = "") -> None:
        self.pages += 1
        name = self.name if self.pages == 1 else f"{self.name}{self.pages}"
        self._part: SheetPart = self.book.add_part(name)
        frame, look = self._part.frame, self.look
        for at, column in enumerate(self.columns):
            frame.set_column(at, at, column.width, None, {"hidden": column.kind == "key"})
        frame.set_paper(9)
        if self.landscape:
            frame.set_landscape()
        frame.fit_to_pages(1, 0)
        frame.set_footer(look.footer)
        if self.sums_above:
            frame.outline_settings(symbols_below=False, symbols_right=False)
        if look.ruled:
            frame.set_default_row(look.least_height)
            frame.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
            frame.center_horizontally()
            frame.hide_gridlines(2)
        top = self._heading(title, line, line_right) if title else 0
        self.next = self._head(top)
        self.top, self._below = self.next - 1, 0
        frame.freeze_panes(self.next, self.fixed_columns)
        frame.repeat_rows(0 if look.ruled else top, self.top)
        self._part.first = self.next + 1

    def _heading(self, title: str, line: str, right: str) -> int:
        """The title and the line beneath it; how many rows they take."""
        look, last = self.look, len(self.columns) - 1
        split = max(0, last - 2) if right else last
        title_end, line_end = (last, split) if look.ruled else (0, 0)
        self._across(0, 0, title_end, title, look.title)
        self._across(1, 0, line_end, line, look.line)
        if right:
            self._across(1, split + 1, last, right, {**look.line, "align": "right"})
        for row, height in enumerate(look.heading_heights):
            self._part.frame.set_row(row, height)
        return 2

    def _head(self, top: int) -> int:
        """The heads, in two rows where some columns have one in common; the row after them."""
        style = self.look.head
        if not any(column.group for column in self.columns):
            for at, column in enumerate(self.columns):
                self._across(top, at, at, column.head, style)
            self._part.frame.set_row(top, self.head_height)
            return top + 1
        numbered = enumerate(self.columns)
        for group, some in groupby(numbered, key=lambda pair: pair[1].group or pair[0]):
            columns = list(some)
            if isinstance(group, int):
                self._across(top, group, group, columns[0][1].head, style, rows=2)
                continue
            self._across(top, columns[0][0], columns[-1][0], group, style)
            for at, column in columns:
                self._across(top + 1, at, at, column.head, style)
        self._part.frame.set_row(top, 22)
        self._part.frame.set_row(top + 1, 48)
        return top + 2

    def _across(
        self, row: int, first: int, last: int, text: str, style: Style, rows: int = 1
    ) -> None:
        form, text = self.book.cell_format(style), sound(text)
        if (first, rows) == (last, 1):
            self._part.frame.write_string(row, first, text, form)
        else:
            self._part.frame.merge_range(row, first, row + rows - 1, last, text, form)

    def end(self) -> None:
        """The filter can be set when the last row is known."""
        last = self.next - self._below - 1
        self._part.last = max(self.next, self.top + 1), len(self.columns)
        if self.filter_columns and (last > self.top or not self.look.ruled):
            self._part.frame.autofilter(self.top, 0, max(last, self.top), self.filter_columns - 1)

    def _cell_styles(self, style: Style) -> _CellStyles:
        key = tuple(style.items())
        if key not in self._styles:
            look = self.look

            def number(kind: Style) -> str:
                return self.book.style({**kind, **style})

            self._styles[key] = _CellStyles(
                number(look.text),
                number(look.number),
                number(look.amount),
                number(look.link),
                number({"border": 1}) if look.ruled else "",
            )
        return self._styles[key]

    def _cell(
        self,
        at: str,
        value: RowValue,
        styles: _CellStyles,
        words: Mapping[str, str],
        style: Style,
    ) -> str:
        """A cell's XML. What can't be a number is a text."""
        if isinstance(value, str):
            if value:
                return _text_cell(at, value, words.get(value, styles.text))
        elif isinstance(value, Link):
            linked = self._part.link(at, value) if value.target else False
            return _text_cell(at, value.text, styles.link if linked else styles.text)
        elif isinstance(value, Styled):
            both = {**style, **value.style}
            return self._cell(at, value.value, self._cell_styles(both), {}, both)
        elif isinstance(value, Decimal):
            if value.is_finite():
                return f'<c r="{at}" s="{styles.amount}"><v>{value:f}</v></c>'
            return _text_cell(at, str(value), styles.text)
        elif value is not None:
            return f'<c r="{at}" s="{styles.number}"><v>{value}</v></c>'
        return f'<c r="{at}" s="{styles.blank}"/>' if styles.blank else ""


class TableBook:
    """A workbook of tables being written;
    a context manager that puts it together when all went well."""

    def __init__(self, file: IO[bytes], look: Look) -> None:
        self._frame = BookFrame(file, look)
        self._sheets: list[TableSheet] = []

    def sheet(self, name: str, columns: Sequence[Column[Row]], **options: Any) -> TableSheet:
        """A table to which rows can be put until the book is closed;
        options as `TableSheet` has them."""
        sheet = TableSheet(self._frame, name, columns, **options)
        self._sheets.append(sheet)
        return sheet

    def table(
        self, name: str, columns: Sequence[Column[Row]], rows: Iterable[Row], **options: Any
    ) -> None:
        """A whole sheet with one table."""
        self.sheet(name, columns, **options).rows(rows)

    def describe(self, properties: Mapping[str, Any], **custom: str) -> None:
        """The document's properties, as XlsxWriter calls them, and `custom` ones."""
        if properties:
            self._frame.book.set_properties(dict(properties))
        for name, value in custom.items():
            self._frame.book.set_custom_property(name, value)

    def __enter__(self) -> TableBook:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                for sheet in self._sheets:
                    sheet.end()
                self._frame.finish()
        finally:
            self._frame.close()


def _text_cell(at: str, text: str, style: str) -> str:
    text = sound(text)
    if SPECIAL.search(text):
        text = escape(armour(text), quote=False)
    return f'<c r="{at}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
