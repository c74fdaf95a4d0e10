"""Where everything stands: the template's defined names and locked text, and how rows may grow.

An indicator block (and a long text that needs more paper) may have more rows than the template;
everything below then stands lower. `Rows` is that shift; reader, renderer and comparison share it.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct

from xltool.editions.declaration import Edition, EditionError, FormSpec, edition_in
from xltool.errors import why
from xltool.files.table_habits import unspaced
from xltool.xlsx.grid import Cell, Sheet
from xltool.xlsx.package import Unreadable
from xltool.xlsx.references import Area
from xltool.xlsx.workbook_reader import open_grid

# Ways for a form to grow that are remembered.
MOST_SHAPES = 100


_NONE: Mapping[int, int] = MappingProxyType({})


class GrownRows:
    """Template rows → rows of a form in which some areas have grown (or lost rows).

    `grown` maps the last template row of a growing area to the number of rows added after it;
    `starts` and `ends` say of each template row where it stands, and where an area that ends with
    it ends. Of a received form `pushed` maps a template row to the rows that somebody put before it
    (or took from there), where none may be added; `gone` are rows that can't be told any more.
    """

    __slots__ = ("ends", "gone", "grown", "pushed", "starts")

    def __init__(
        self,
        grown: Mapping[int, int],
        last: int,
        pushed: Mapping[int, int] = _NONE,
        gone: frozenset[int] = frozenset(),
    ) -> None:
        self.grown = {row: extra for row, extra in grown.items() if extra}
        self.pushed, self.gone = pushed, gone
        self.starts, self.ends = [0], [0]
        shift = 0
        for row in range(1, last + 2):
            if pushed:
                shift += pushed.get(row, 0)
            self.starts.append(row + shift)
            shift += self.grown.get(row, 0)
            self.ends.append(row + shift)

    @property
    def as_blank(self) -> bool:
        """Every row stands where the blank has it."""
        return not self.grown and not self.pushed

    def start(self, row: int) -> int:
        """Where a template row stands."""
        return (
            self.starts[row] if row < len(self.starts) else row + self.ends[-1] - len(self.ends) + 1
        )

    def end(self, row: int) -> int:
        """Where an area that ends with this template row ends, rows added to it included."""
        return self.ends[row] if row < len(self.ends) else row + self.ends[-1] - len(self.ends) + 1

    def area(self, area: Area) -> Area:
        """Where an area of the template stands."""
        return Area(self.start(area.top), area.left, self.end(area.bottom), area.right)


class FormLayout(Struct, frozen=True, dict=True):
    """One official form in the template:
    its blank sheet and where its fields, blocks, heads stand."""

    spec: FormSpec
    sheet: Sheet
    fields: Mapping[str, Area]
    blocks: Mapping[str, Area]
    columns: Mapping[str, int]
    last_row: int
    last_column: int
    unit: str = "万元"

    @functools.cached_property
    def areas(self) -> dict[str, Area]:
        """Every defined name that the form needs, and where it leads."""
        named = {field.label: self.fields[field.id] for field in self.spec.field}
        named |= {block.label: self.blocks[block.id] for block in self.spec.indicators.block}
        for column in self.spec.indicators.column:
            head = self.sheet.names[column.label]
            assert head is not None  # form_layout() saw to it
            named[column.label] = head
        return named

    @functools.cached_property
    def names(self) -> dict[str, Area | None]:
        """The defined names as they stand in the blank:
        of a merged cell perhaps only its first cell."""
        return {label: self.sheet.names[label] for label in self.areas}

    @functools.cached_property
    def growing(self) -> list[tuple[str, Area]]:
        """(label, area) of all that may have more rows than the template, from top to bottom."""
        areas = [(block.label, self.blocks[block.id]) for block in self.spec.indicators.block]
        areas += [
            (field.label, self.fields[field.id])
            for field in self.spec.field
            if field.kind == "long"
        ]
        return sorted(areas, key=lambda pair: pair[1])

    @functools.cached_property
    def inputs(self) -> frozenset[tuple[int, int]]:
        """All template cells that take an answer."""
        cells: set[tuple[int, int]] = set()
        for top, left, bottom, right in (*self.fields.values(), *self.blocks.values()):
            cells.update(itertools.product(range(top, bottom + 1), range(left, right + 1)))
        return frozenset(cells)

    @functools.cached_property
    def right(self) -> int:
        """The last column of the form itself; hints and marks stand further right."""
        return max(column for _, column in self.inputs)

    @functools.cached_property
    def block_at(self) -> dict[int, Area]:
        """Template row → the indicator block it belongs to."""
        return {
            row: area for area in self.blocks.values() for row in range(area.top, area.bottom + 1)
        }

    @functools.cached_property
    def placeholders(self) -> frozenset[str]:
        """What an unused indicator row carries in the blank, and how people write the same."""
        texts = {
            self.sheet[block.bottom, self.columns["name"]].text for block in self.blocks.values()
        }
        return frozenset({unspaced(text) for text in texts if text} | {"……", "…", "......", "..."})

    @functools.cached_property
    def static(self) -> dict[tuple[int, int], str]:
        """The official text: every locked template cell that says something."""
        return {
            at: cell.text
            for at, cell in self.sheet.cells.items()
            if cell.text and at not in self.inputs
        }

    @functools.cached_property
    def around(self) -> dict[tuple[int, int], re.Pattern[str]]:
        """The cells that hold official text around an answer:
        what they look like without white space."""
        patterns = {}
        for field in self.spec.field:
            if field.pattern:
                ends = (unspaced(end) for end in field.pattern.partition("{}")[::2])
                looks = ".*".join(map(re.escape, ends))
                patterns[self.fields[field.id][:2]] = re.compile(f"{looks}$", re.DOTALL)
        return patterns

    @functools.cached_property
    def above(self) -> frozenset[str]:
        """The official texts above the indicator table, without spaces and line breaks."""
        last = max(area.bottom for area in self.fields.values())
        return frozenset(unspaced(text) for (row, _), text in self.static.items() if row <= last)

    @functools.cached_property
    def official(self) -> dict[tuple[int, int], Cell]:
        """The cells that hold the official text."""
        return {at: self.sheet.cells[at] for at in self.static}

    @functools.cached_property
    def used_cells(self) -> frozenset[tuple[int, int]]:
        """Every template cell where something may stand: official text, or an answer."""
        return self.inputs | self.static.keys()

    def rows(self, grown: Mapping[int, int] | None = None) -> GrownRows:
        """The same rows for the same growth, by which what is made for them can be kept."""
        return self._rows(
            tuple([(row, extra) for row, extra in grown.items() if extra]) if grown else ()
        )

    @functools.cached_property
    def _rows(self) -> Callable[[tuple[tuple[int, int], ...]], GrownRows]:
        return functools.lru_cache(MOST_SHAPES)(lambda grown: GrownRows(dict(grown), self.last_row))

    def merges(self, rows: GrownRows) -> set[Area]:
        """The merged cells of the form with these rows.

        A merge over an area that grew grows with it; one within the last answer row of an
        indicator block is repeated in each added row.
        """
        if rows.as_blank:
            return self.sheet.merges
        merged: set[Area] = set()
        starts, ends, blocks = rows.starts, rows.ends, self.block_at
        for area in self.sheet.merges:
            block = blocks.get(area.top)
            if (
                block is not None
                and block.bottom == area.top == area.bottom
                and block.left <= area.left
            ):
                first = rows.start(area.top)
                for row in range(first, rows.end(area.bottom) + 1):
                    merged.add(Area(row, area.left, row, area.right))
            else:
                merged.add(Area(starts[area.top], area.left, ends[area.bottom], area.right))
        return merged | self.labels_grown(rows)

    def labels_grown(self, rows: GrownRows) -> set[Area]:
        """The merged cells that make one label of the cell beside a long text
        that got more rows."""
        grown: set[Area] = set()
        for area in self.fields.values():
            first, last = rows.start(area.top), rows.end(area.bottom)
            if last - first == area.bottom - area.top or area.top != area.bottom:
                continue
            covered = {c for merge in self.sheet.merges if merge.top <= area.top <= merge.bottom
                       for c in range(merge.left, merge.right + 1)}  # fmt: skip
            alone = {c for row, c in self.static if row == area.top} - covered
            grown |= {Area(first, column, last, column) for column in alone}
        return grown


class Layout(Struct, frozen=True):
    """A template workbook, read: both forms' layouts."""

    edition: Edition
    template: Path
    forms: Mapping[str, FormLayout]
    properties: Mapping[str, str]


def load_layout(edition: Edition, template: Path | None = None) -> Layout:
    """The layout of an edition's template.
    Raises EditionError where it doesn't bind every field."""
    path = template or edition.template
    return _load(edition.folder, path, stamps(edition, path))


def stamps(edition: Edition, template: Path) -> tuple[int, int]:
    """When template and declaration were last changed:
    what was made of them is made anew after that."""
    try:
        return template.stat().st_mtime_ns, edition.declaration.stat().st_mtime_ns
    except OSError as error:
        raise EditionError(f"没有模板工作簿 {template}") from error


@functools.lru_cache(maxsize=32)
def _load(folder: str, path: Path, stamp: tuple[int, int]) -> Layout:
    edition = edition_in(Path(folder))
    try:
        grid = open_grid(path)
    except (Unreadable, OSError) as error:
        raise EditionError(f"{path}：{why(error)}") from error
    forms: dict[str, FormLayout] = {}
    for spec in edition.form:
        sheet = next((sheet for sheet in grid.sheets if sheet.name == spec.sheet), None)
        if sheet is None:
            raise EditionError(f"{path}：没有工作表“{spec.sheet}”")
        forms[spec.id] = form_layout(spec, sheet, str(path), edition.unit)
    return Layout(edition, path, forms, grid.properties)


def form_layout(spec: FormSpec, sheet: Sheet, path: str, unit: str = "万元") -> FormLayout:
    """One form's layout out of its sheet in the template."""

    def named(label: str) -> Area:
        area = sheet.names.get(label)
        if area is None:
            raise EditionError(f"{path}：工作表“{sheet.name}”没有定义名称“{label}”")
        return area

    blocks = {block.id: named(block.label) for block in spec.indicators.block}
    columns = {column.id: named(column.label).left for column in spec.indicators.column}
    fields = {field.id: sheet.whole(named(field.label)) for field in spec.field}
    everything = (*fields.values(), *blocks.values(), *sheet.merges)
    used = [at for at, cell in sheet.cells.items() if cell.text]
    last_rows = [*(area.bottom for area in everything), *(row for row, _ in used)]
    last_columns = [*(area.right for area in everything), *(column for _, column in used)]
    return FormLayout(
        spec,
        sheet,
        fields,
        blocks,
        columns,
        last_row=max(last_rows),
        last_column=max(last_columns),
        unit=unit,
    )
