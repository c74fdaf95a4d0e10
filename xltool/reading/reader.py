"""Workbook → Filing: every value with its sheet and cell, everything odd as a fault,
nothing judged."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace

from xltool.editions.declaration import (
    Edition,
    EditionError,
    Field,
    default_edition_id,
    load_edition,
    usable_editions,
)
from xltool.errors import XltoolError, why
from xltool.files.source import Source, called, content
from xltool.files.table_habits import find_invisible, unspaced, without_invisible
from xltool.model import Entry, Fault, FaultKind, Filing, Form, Indicator, Place
from xltool.money import halfwidth, read_amount, stored_number
from xltool.results_sheet.table import RESULTS_SHEET, answers_in
from xltool.template.layout import FormLayout, GrownRows, Layout, load_layout
from xltool.template.match import changes, likeness, locate
from xltool.xlsx.conditional import masked
from xltool.xlsx.grid import BLANK, Cell, Grid, Sheet, columns_in_words, row_in_words
from xltool.xlsx.number_format import amount_shown, as_read, nothing_shown, text_shown
from xltool.xlsx.package import Parts, Unreadable
from xltool.xlsx.references import cell_name, read_area
from xltool.xlsx.workbook_reader import grid_of, open_grid

# The property of a workbook that was made without a department form, and what it says.
FORMS, ONLY_PROJECTS = "xltool.forms", "project"
# From here on a sheet counts as a form that was changed; below, as a sheet of another kind.
_ALIKE = 0.5


def read(source: Source, *, edition: Edition | None = None) -> Filing:
    """The filing in this workbook, each value knowing its cell; amounts in the edition's unit.

    `source` is a path, the workbook's bytes, or a file open for reading. `edition` is needed where
    the workbook's own is known by its folder only. A file that can't be read as a filing gives a
    filing without forms whose `faults` say why. Raises XltoolError only where the machine can't (no
    such file, no permission), EditionError where a template can't be used.
    """
    name = called(source)
    try:
        return read_grid(open_grid(content(source)), source=name, edition=edition)
    except Unreadable as error:
        return _unreadable(error, name, edition)
    except FileNotFoundError as error:
        raise XltoolError(f"没有这个文件：{name}") from error
    except IsADirectoryError as error:
        raise XltoolError(f"这是文件夹，不是工作簿：{name}") from error
    except OSError as error:
        raise XltoolError(f"读不了 {name}：{why(error)}") from error


def read_parts(parts: Parts, *, edition: Edition | None = None) -> Filing:
    """The filing in a workbook that was opened already, as `read` gives it."""
    try:
        return read_grid(grid_of(parts), edition=edition)
    except Unreadable as error:
        return _unreadable(error, "", edition)


def _unreadable(error: Unreadable, source: str, edition: Edition | None) -> Filing:
    return _without_forms(Fault(FaultKind.UNREADABLE, str(error)), source, edition)


def _without_forms(fault: Fault, source: str, edition: Edition | None) -> Filing:
    return Filing(edition.id if edition else default_edition_id(), source=source, faults=(fault,))


def read_grid(grid: Grid, *, source: str = "", edition: Edition | None = None) -> Filing:
    """The filing in a grid, whether it came from a file or from a running spreadsheet."""
    faults: list[Fault] = []
    claimed = grid.properties.get("xltool.edition", "")
    if "xltool.databook" in grid.properties:
        # Its heads are the forms' own labels, so by its text alone it would pass for one.
        fault = Fault(FaultKind.FOREIGN, "这是数据表，不是申报工作簿；先用 xltool fill 填出工作簿")
        return _without_forms(fault, source, edition)
    if edition is None:
        edition = _edition(claimed, grid, faults)
    if edition is None:
        return Filing(claimed or default_edition_id(), source=source, faults=tuple(faults))
    faults += active_faults(grid.active)
    department, projects = _forms(load_layout(edition), grid, faults, bool(claimed))
    if department is None and not projects:
        faults = [Fault(FaultKind.FOREIGN, "不是由官方模板做的工作簿：没有找到部门表或项目表")]
    elif not claimed:
        faults.append(
            Fault(
                FaultKind.NAMES,
                "工作簿里的版式标记已丢失，按表中文字认定版式",
                found="",
                expected=edition.id,
            )
        )
    if department is None and projects and grid.properties.get(FORMS) != ONLY_PROJECTS:
        faults.append(Fault(FaultKind.LAYOUT, f"没有“{edition.department.sheet}”这张表"))
    return Filing(
        edition=edition.id,
        department=department,
        projects=projects,
        code=grid.properties.get("xltool.unit_code", ""),
        source=source,
        faults=tuple(faults),
        seal=own_properties(grid.properties),
        answers=answers_in(grid.sheets),
    )


def active_faults(active: Iterable[str]) -> list[Fault]:
    """What in a workbook acts or leads elsewhere."""
    return [Fault(FaultKind.ACTIVE, f"工作簿里有{what}") for what in active]


def own_properties(properties: Mapping[str, str]) -> dict[str, str]:
    """Those of a workbook's properties that are ours."""
    return {key: value for key, value in properties.items() if key.startswith("xltool.")}


class _PlacedForm(NamedTuple):
    """A form as one sheet has it, and what is odd about it."""

    form: Form
    faults: list[Fault]
    hidden: bool

    @property
    def said(self) -> str:
        return f"“{self.form.sheet}”" + ("（隐藏）" if self.hidden else "")


def _forms(
    layout: Layout, grid: Grid, faults: list[Fault], marked: bool
) -> tuple[Form | None, tuple[Form, ...]]:
    """The department form, of several the one that counts, and the project forms with an answer."""
    departments: list[_PlacedForm] = []
    projects: list[_PlacedForm] = []
    for sheet in grid.sheets:
        if (form_layout := form_of(layout, sheet, marked)) is None:
            continue
        form, seen = _read_form(form_layout, sheet)
        placed = _PlacedForm(form, seen, sheet.hidden)
        if form.kind != "project":
            departments.append(placed)
        elif form.answered or _lost(seen):
            projects.append(placed)
    if departments:
        department = _one_department(departments, layout, faults)
        faults += department.faults
    projects = _once_each(projects, faults)
    for project in projects:
        faults += project.faults
    return (department.form if departments else None), tuple(project.form for project in projects)


def _one_department(
    placed_forms: list[_PlacedForm], layout: Layout, faults: list[Fault]
) -> _PlacedForm:
    """Of several department forms the one with the official name, that is visible,
    that is answered."""

    def weight(placed: _PlacedForm) -> tuple[bool, ...]:
        official = placed.form.sheet == layout.edition.department.sheet
        says = placed.form.answered
        return says and not placed.hidden, official, not placed.hidden, says

    best = placed_forms[0] if len(placed_forms) == 1 else max(placed_forms, key=weight)
    if others := [placed.said for placed in placed_forms if placed is not best]:
        detail = f"有 {len(placed_forms)} 张部门表：读的是{best.said}，没有读{'、'.join(others)}"
        faults.append(Fault(FaultKind.LAYOUT, detail, Place(best.form.sheet, "")))
    return best


def _once_each(placed_forms: list[_PlacedForm], faults: list[Fault]) -> list[_PlacedForm]:
    """The project forms without the hidden ones of a project that has a visible one, too."""
    visible = {
        placed.form.text("project").strip() for placed in placed_forms if not placed.hidden
    } - {""}
    single_forms = []
    for placed in placed_forms:
        if placed.hidden and placed.form.text("project").strip() in visible:
            detail = f"隐藏的项目表{placed.said}与看得见的是同一个项目，没有读"
            faults.append(Fault(FaultKind.LAYOUT, detail, Place(placed.form.sheet, "")))
        else:
            single_forms.append(placed)
    return single_forms


def _lost(faults: list[Fault]) -> bool:
    return any(fault.kind == FaultKind.LOST for fault in faults)


def _edition(claimed: str, grid: Grid, faults: list[Fault]) -> Edition | None:
    try:
        # Only an id is taken from a received file, never a path.
        return load_edition(claimed) if re.fullmatch(r"[a-z0-9-]+", claimed) else _likest(grid)
    except EditionError:
        faults.append(
            Fault(
                FaultKind.FOREIGN,
                f"版式“{claimed}”不认识",
                found=claimed,
                expected=default_edition_id(),
            )
        )
        return None


def _likest(grid: Grid) -> Edition:
    """The known edition whose forms these sheets are most like; the default one in doubt."""
    best, most = load_edition(), -1.0
    for edition in usable_editions():
        try:
            forms = load_layout(edition).forms.values()
        except (
            EditionError
        ):  # an unfinished template of the user's own is no reason to read nothing
            continue
        alike = sum(
            max((likeness(form, sheet) for sheet in grid.sheets), default=0.0) for form in forms
        )
        if alike > most:
            best, most = edition, alike
    return best


def form_of(layout: Layout, sheet: Sheet, marked: bool = True) -> FormLayout | None:
    """The official form that this sheet is, if it is one.

    In a workbook that is not `marked` as one of ours, nor has the names, the official title must
    stand on it: a list with the forms' words as its heads is no form.
    """
    if not sheet.cells:
        return None
    for form in layout.forms.values():
        if form.areas.keys() <= sheet.names.keys():
            return form
    if sheet.name == RESULTS_SHEET:
        return None
    share, best = max(
        ((likeness(form, sheet), form) for form in layout.forms.values()), key=lambda pair: pair[0]
    )
    if share < _ALIKE or not (
        marked or best.areas.keys() & sheet.names.keys() or titled(best, sheet)
    ):
        return None
    return best


def titled(layout: FormLayout, sheet: Sheet) -> bool:
    """Whether the official title stands on a sheet, in its column; wherever it has slipped to."""
    title = next(
        (field for field in layout.spec.field if field.kind == "year" and field.pattern), None
    )
    if title is None:
        return True
    at = layout.fields[title.id][:2]
    looks = layout.around[at]
    return any(
        looks.match(unspaced(cell.text))
        for (_, column), cell in sheet.cells.items()
        if column == at[1]
    )


def _read_form(layout: FormLayout, sheet: Sheet) -> tuple[Form, list[Fault]]:
    rows, faults = locate(layout, sheet)
    if not sheet.protected:
        faults.append(Fault(FaultKind.PROTECTION, "工作表保护被取消", Place(sheet.name, "")))
    if sheet.hidden:
        faults.append(Fault(FaultKind.PROTECTION, "工作表被隐藏", Place(sheet.name, "")))
    hidden_lines = sheet.hidden_rows or sheet.hidden_columns
    if hidden_lines and (unseen := _unseen(layout, sheet, rows)):
        detail = f"有行列被隐藏：{'、'.join(unseen[:5])}"
        faults.append(Fault(FaultKind.PROTECTION, detail, Place(sheet.name, "")))
    if sheet.macro:
        detail = f"表上的图形一点击就运行宏“{sheet.macro}”"
        faults.append(Fault(FaultKind.ACTIVE, detail, Place(sheet.name, "")))
    if sheet.pictures:
        faults.append(Fault(FaultKind.PICTURE, "表上有图片", Place(sheet.name, "")))
    elif sheet.objects:
        faults.append(Fault(FaultKind.CONTENT, "表上有图片、文本框或控件", Place(sheet.name, "")))
    if layout.spec.id == "department" and sheet.name != layout.spec.sheet:
        place = Place(sheet.name, "")
        faults.append(
            Fault(
                FaultKind.LAYOUT,
                "工作表改了名",
                place,
                found=sheet.name,
                expected=layout.spec.sheet,
            )
        )
    if _lost(faults):
        # Its answers are of this sheet, of which nothing more is said than that.
        nothing = Entry(None, "", Place(sheet.name, ""))
        unread = dict.fromkeys((field.id for field in layout.spec.field), nothing)
        return Form(layout.spec.id, unread, (), sheet.name), faults
    changed = list(changes(layout, sheet, rows))
    if any(fault.kind == FaultKind.ROWS for fault in changed):  # why the names lead elsewhere
        faults = [fault for fault in faults if fault.kind != FaultKind.NAMES]
    faults += changed
    return answers_on(layout, sheet, rows, faults), faults


def answers_on(layout: FormLayout, sheet: Sheet, rows: GrownRows, faults: list[Fault]) -> Form:
    """The form on a sheet whose rows are known, each answer with its cell; what is odd about one
    goes to the faults."""
    entries: dict[str, Entry] = {}
    for field in layout.spec.field:
        top, left, _, _ = layout.fields[field.id]
        if top in rows.gone:
            entries[field.id] = Entry(None, "", Place(sheet.name, ""))
            continue
        entries[field.id] = _entry(field, sheet, (rows.start(top), left), faults, layout)
    indicators = _indicators(layout, sheet, rows, faults)
    if sheet.conditional:
        faults += _masked(layout, sheet, entries, indicators)
    return Form(layout.spec.id, entries, indicators, sheet.name)


def _unseen(layout: FormLayout, sheet: Sheet, rows: GrownRows) -> list[str]:
    """The hidden rows and columns of the form in which something stands."""
    last = rows.end(layout.last_row)
    says = [
        at
        for at, cell in sheet.cells.items()
        if at[0] <= last
        and at[1] <= layout.right
        and (cell.formula or (cell.text.strip() and unspaced(cell.text) not in layout.placeholders))
    ]
    taken_rows, taken_columns = {row for row, _ in says}, {column for _, column in says}
    hidden_rows = sorted(sheet.hidden_rows & taken_rows)
    hidden_columns = [
        columns
        for columns in sheet.hidden_columns
        if any(column in columns for column in taken_columns)
    ]
    return [*map(row_in_words, hidden_rows), *map(columns_in_words, hidden_columns)]


def _entry(
    field: Field, sheet: Sheet, at: tuple[int, int], faults: list[Fault], layout: FormLayout
) -> Entry:
    """One field's answer, with the official text around it taken off."""
    place = Place(sheet.name, cell_name(*at))
    cell = sheet[at]
    if field.kind == "amount":
        return _amount(cell, place, field, faults, layout.unit)
    cell_answer = _answer(cell, place, field.id, faults)
    if not field.pattern:
        return cell_answer
    taken = taken_out(field, cell_answer.text)
    if taken is not None:
        return Entry(*taken, place)
    if cell.text:
        official = layout.sheet[layout.fields[field.id][:2]].text
        detail = f"“{field.label}”栏的官方文字被改动"
        faults.append(Fault(FaultKind.LAYOUT, detail, place, field.id, cell.text, official))
    return Entry(None, "", place)


def taken_out(field: Field, text: str) -> tuple[int | str | None, str] | None:
    """The answer within the official text of its cell, read and as written;
    None where that was changed.

    A name typed before the （盖章） that ends the official text stands in it as well as one behind it.
    """
    for way in _patterns(field.pattern):
        if match := way.match(text):
            break
    else:
        return None
    text = match[1]
    if field.kind != "year":
        return (text if text.strip() else None), text.strip()
    year = text.strip().strip("_＿")
    return (int(year) if _YEAR.fullmatch(halfwidth(year)) else None), year


_YEAR = re.compile(r"[12][0-9]{3}")


@functools.lru_cache(maxsize=64)
def _patterns(pattern: str) -> tuple[re.Pattern[str], ...]:
    before, _, after = pattern.partition("{}")
    ways = [(before, after)]
    if not after and (stamp := _STAMP.fullmatch(before)):
        ways.append((stamp[1], stamp[2]))
    return tuple(
        re.compile(rf"\s*{_broken(start)}(.*?){_broken(end)}\s*$", re.DOTALL) for start, end in ways
    )


def _broken(text: str) -> str:
    """A pattern for official text however its line is broken or spaced, as for labels."""
    return r"\s*".join(map(re.escape, "".join(text.split())))


_STAMP = re.compile("(.+?)(（[^（）]+）)")


def _masked(
    layout: FormLayout, sheet: Sheet, entries: Mapping[str, Entry], indicators: Iterable[Indicator]
) -> Iterator[Fault]:
    """Answers that a conditional format may show as something else;
    whether it does, nobody reckons here."""
    if all(area.left > layout.right for area, _ in sheet.conditional):
        return
    answers = [*entries.items()]
    for one in indicators:
        answers += one.cells.items()
    for field, entry in answers:
        at = read_area(entry.place.cell) if entry.place else None
        if at is None or (cell := sheet[at.top, at.left]).unseen:
            continue
        if seen := masked(sheet, (at.top, at.left), cell, layout.unit):
            yield Fault(FaultKind.SHOWN, seen.detail, entry.place, field, seen.shown, cell.text)


def _visible(cell: Cell, place: Place, faults: list[Fault]) -> Cell:
    """A cell without the characters that nobody sees; that there were some is a fault."""
    if cell.number or not find_invisible(cell.text):
        return cell
    faults.append(Fault(FaultKind.INVISIBLE, "有看不见的字符", place, found=cell.text))
    return replace(cell, text=without_invisible(cell.text))


def answer(cell: Cell, place: Place) -> Entry:
    """A cell's text as an answer, kept as written; a number as it is seen."""
    if cell.number:
        text = as_read(cell.text, cell.format)
    elif cell.format:
        text = text_shown(cell.text, cell.format) or cell.text
    else:
        text = cell.text.replace("\r\n", "\n") if "\r" in cell.text else cell.text
    if cell.formula and not text:
        text = cell.formula  # not blank, though nobody has reckoned it yet
    return Entry(text or None, text, place)


def _answer(cell: Cell, place: Place, field: str, faults: list[Fault]) -> Entry:
    """A text field's or an indicator's answer; what is odd about its cell is a fault."""
    text = cell.text
    if (
        cell.number
        or cell.format
        or cell.formula
        or cell.error
        or cell.unseen
        or find_invisible(text)
    ):
        return _odd_answer(_visible(cell, place, faults), place, field, faults)
    return answer(cell, place) if "\r" in text else Entry(text or None, text, place)


def _odd_answer(cell: Cell, place: Place, field: str, faults: list[Fault]) -> Entry:
    if cell.unseen:
        faults.append(Fault(FaultKind.SHOWN, cell.unseen, place, field, "", cell.text))
        return answer(cell, place)
    if cell.formula or cell.error:
        _odd(cell, place, field, faults)
    if cell.number and cell.text and stored_number(cell.text) is None:
        detail = f"数值单元格里存的“{cell.text[:40]}”不是数，Excel 读不了"
        faults.append(Fault(FaultKind.SHOWN, detail, place, field, "", cell.text))
    elif cell.format and cell.text.strip():
        shown = nothing_shown(cell.text, cell.format, cell.number)
        if shown is not None:
            faults.append(_unlike(shown, cell.text, place, field))
    return answer(cell, place)


def _unlike(shown: str, stored: str, place: Place, field: str) -> Fault:
    detail = f"单元格显示为“{shown}”" if shown else "单元格里什么也不显示"
    return Fault(FaultKind.SHOWN, f"{detail}，存的是“{stored}”", place, field, shown, stored)


def _amount(cell: Cell, place: Place, field: Field, faults: list[Fault], unit: str) -> Entry:
    if cell.unseen and stored_number(cell.text) != 0:
        faults.append(Fault(FaultKind.SHOWN, cell.unseen, place, field.id, "", cell.text))
        return Entry(None, cell.text, place)
    if not cell.number:
        cell = _visible(cell, place, faults)
    if cell.formula or cell.error:
        _odd(cell, place, field.id, faults)
    if cell.error:
        return Entry(None, cell.text, place)
    if not cell.text.strip():
        return Entry(None, cell.formula, place)
    if cell.number:
        stored = stored_number(cell.text)
        if stored is not None:
            return _stored_amount(stored, cell.format, place, field.id, faults, unit)
    amount = None if cell.number else read_amount(cell.text, unit)
    if amount is None:
        faults.append(Fault(FaultKind.AMOUNT, "金额无法识别", place, field.id, found=cell.text))
        return Entry(None, cell.text, place)
    faults.append(
        Fault(
            FaultKind.AMOUNT_TEXT, "金额写成了文字", place, field.id, cell.text, f"{amount.value:f}"
        )
    )
    return Entry(amount.value, cell.text, place)


def _stored_amount(
    stored: Decimal, code: str, place: Place, field: str, faults: list[Fault], unit: str
) -> Entry:
    """An amount that is a number: what the cell shows counts, save that rounding loses nothing."""
    seen = amount_shown(stored, code, unit)
    if seen.rounded:
        detail = f"单元格显示为“{seen.text}”，存的是“{stored:f}”"
        faults.append(Fault(FaultKind.ROUNDED, detail, place, field, seen.text, f"{stored:f}"))
    if seen.same:
        return Entry(stored, f"{stored:f}", place)
    faults.append(_unlike(seen.text, f"{stored:f}", place, field))
    return Entry(seen.amount, seen.text or f"{stored:f}", place)


def _odd(cell: Cell, place: Place, field: str, faults: list[Fault]) -> None:
    if cell.formula and not cell.text:
        detail = "公式的结果没有存下来"
        faults.append(Fault(FaultKind.UNRECKONED, detail, place, field, found=cell.formula))
        return
    detail = "公式"
    if cell.error:
        detail = "公式的结果是错误值"
    elif "[" in cell.formula:
        detail = "链接到别的文件的公式"
    faults.append(
        Fault(
            FaultKind.CONTENT,
            detail,
            place,
            field,
            found=cell.formula or cell.text,
            expected=cell.text,
        )
    )


def unused(layout: FormLayout, row: Iterable[str]) -> bool:
    """Whether a row of the indicator table is none: it says nothing, or the blank's ……"""
    says = [text for text in row if text and not text.isspace()]
    return not says or (len(says) == 1 and unspaced(says[0]) in layout.placeholders)


def _indicators(
    layout: FormLayout, sheet: Sheet, rows: GrownRows, faults: list[Fault]
) -> tuple[Indicator, ...]:
    indicators: list[Indicator] = []
    columns = list(layout.columns.values())
    taken, name = sheet.cells, sheet.name
    for block_id, blank in layout.blocks.items():
        if blank.top in rows.gone:
            continue
        for row in range(rows.start(blank.top), rows.end(blank.bottom) + 1):
            row_cells = [taken.get((row, column), BLANK) for column in columns]
            if unused(layout, [cell.text or cell.formula for cell in row_cells]):
                continue
            cells: dict[str, Entry] = {}
            for column_id, column, cell in zip(layout.columns, columns, row_cells, strict=True):
                place = Place(name, cell_name(row, column))
                cells[column_id] = _answer(cell, place, column_id, faults)
            indicators.append(Indicator(block_id, cells))
    return tuple(indicators)
