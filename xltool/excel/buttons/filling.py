"""填报: a new workbook, data into the workbook, project sheets."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from pathlib import Path

from msgspec.structs import replace

from xltool.editions.declaration import Edition, Field, load_edition, usable_editions
from xltool.errors import XltoolError
from xltool.excel.buttons.names import form_name
from xltool.excel.desk_settings import house_rules, read_former, remember_last_year
from xltool.excel.live_formulas import formulas, with_formulas, write_formulas
from xltool.excel.live_sheet import protection, write_texts
from xltool.excel.ribbon import button, desk
from xltool.excel.session import WORKBOOKS_READ, WORKBOOKS_WRITTEN, ExcelSession
from xltool.excel.undo import CODE, PlannedSheet, planned, step
from xltool.files.atomic import writing
from xltool.files.table_habits import folded
from xltool.library import load_library
from xltool.model import Filing, Form
from xltool.reading.reader import form_of
from xltool.template.layout import FormLayout, load_layout
from xltool.xlsx.grid import Grid
from xltool.xlsx.workbook_reader import open_grid

DATA = "数据表 (*.xlsx;*.json;*.csv),*.xlsx;*.json;*.csv"


@button("xltool template draw")
def new_form() -> str:
    """A blank workbook from the official template, where the accountant wants it."""
    session = desk()
    editions = usable_editions()
    wanted = session.choose("用哪个版式", [edition.title for edition in editions])
    if wanted is None:
        return "没有新建"
    edition = editions[wanted]
    place = session.ask_save("新建填报表", _proposed(session), WORKBOOKS_WRITTEN)
    if place is None:
        return "没有新建"
    with writing(place, "wb") as file:
        file.write(_blank_form(edition))
    session.open(place)
    return f"已新建 {place.name}"


def _blank_form(edition: Edition) -> bytes:
    """The edition's template, with this desk's indicator library as a list where it has one."""
    from xltool.template.draw import offering

    library = house_rules().library
    offered = offering(edition, load_library(library)) if library else None
    return offered or edition.template.read_bytes()


def _proposed(session: ExcelSession) -> str:
    """A name for a new form: with the unit and the year of the form in front, if there is one."""
    if session.has_book:
        with suppress(XltoolError), session.snapshot() as path:
            return form_name(session.read(path), "绩效目标申报表", ".xlsx")
    return "绩效目标申报表.xlsx"


@button("xltool fill")
def fill_from_data() -> str:
    """Fill the workbook from a data book: its sheets are replaced by filled official ones."""
    from xltool.databook import load_databook

    session = desk()
    with session.snapshot() as path:
        old = session.read(path)
        source = session.ask_file("从数据填充：选数据表", DATA)
        if source is None:
            return "没有填充"
        # One of the tables of a folder stands for the whole folder.
        source = source.parent if source.suffix.lower() == ".csv" else source
        new = _choose(session, load_databook(source, old.edition), old)
        if new is None:
            return "没有填充，内容未动"
        if not _agreed(session, old, new, f"“{new.unit}”的数据"):
            return "没有填充，内容未动"
        if not _replace(session, path, old, new):
            return "工作簿结构受保护，填好的表在另一个新窗口里，请另存"
    return f"已填入“{new.unit}”的数据：部门表 1 张，项目表 {len(new.projects)} 张"


def _replace(session: ExcelSession, path: Path, old: Filing, new: Filing) -> bool:
    """Put the forms of a filing in the place of the workbook's;
    whether its structure allows that."""
    from xltool.campaign.returns.sealed_filling import with_prefilled
    from xltool.campaign.sealing.seal import claimed
    from xltool.filling.writer import fill

    grid = open_grid(path)
    mark = claimed(grid.properties)
    if mark is not None:
        new = with_prefilled(new, mark, load_edition(old.edition))
    file = fill(new, path.with_name("xltool-filled.xlsx"))
    if grid.structure_locked:
        session.app.books.api.Add(str(file))
        return False
    former = _forms(grid, load_edition(old.edition))
    plan: dict[str, PlannedSheet | None] = dict.fromkeys(former)
    plan |= {sheet.name: planned(sheet) for sheet in open_grid(file).sheets}
    others = formulas(session.book, with_formulas(grid, plan))
    with step(session, path, plan):
        _replace_forms(session, former, file)
        locks = {sheet.name: protection(session.package(path), sheet) for sheet in grid.sheets}
        gone = set(former) - {sheet.name for sheet in session.book.sheets}
        left = write_formulas(session.book, others, locks, gone, session.journal)
        if new.code and grid.properties.get(CODE) != new.code:
            session.set_property(CODE, new.code)
        with session.snapshot() as filled:
            if session.read(filled) != new:
                raise XltoolError("填完读回的内容与数据表不一致，已恢复原样，请把文件交给技术人员")
    if left:
        session.tell(f"{'、'.join(left)}里有公式引用原来的表，请重新指一下；撤销上一步可以恢复")
    return True


@button("xltool convert --next-year")
def import_last_year() -> str:
    """Last year's filing as a draft of this year's: texts and indicators, no amounts."""
    from xltool.editions.conversion import convert, next_year

    session = desk()
    with session.snapshot() as path:
        old = session.read(path)
        source = session.ask_file("导入上年：选上年的申报表", WORKBOOKS_READ)
        if source is None:
            return "没有导入"
        former = read_former(source)
        if old.unit and folded(former.unit) != folded(old.unit):
            raise XltoolError(f"选的是“{former.unit}”的申报，这个工作簿是“{old.unit}”的")
        drafted = next_year(former)
        notes = list(drafted.notes)
        draft = drafted.filing
        if draft.edition != old.edition:
            moved = convert(draft, load_edition(old.edition))
            draft, notes = moved.filing, notes + list(moved.notes)
        if not _agreed(session, old, draft, f"“{draft.unit}”上年申报的草稿"):
            return "没有导入，内容未动"
        draft = replace(draft, code=old.code or draft.code)
        if not _replace(session, path, old, draft):
            return "工作簿结构受保护，草稿在另一个新窗口里，请另存"
    remember_last_year(draft, source)
    return f"已导入上年的文字和指标，金额要重新填；要看一遍的有 {len(notes)} 处，改完按“全审”"


def _choose(session: ExcelSession, filings: list[Filing], old: Filing) -> Filing | None:
    """The data of this workbook's unit; where it names none, the one that the accountant picks."""
    if not filings:
        raise XltoolError("数据表里没有任何单位")
    if not old.unit:
        picked = session.choose("填哪个单位的数据", [filing.unit for filing in filings])
        return None if picked is None else filings[picked]
    mine = [filing for filing in filings if folded(filing.unit) == folded(old.unit)]
    if len(mine) != 1:
        raise XltoolError(
            f"数据表里没有“{old.unit}”；有：{'、'.join(filing.unit for filing in filings[:8])}"
        )
    return mine[0]


# What a form says of whose it is, and of which year.
_ALWAYS_THERE = ("year", "unit", "filer")


def _answered(filing: Filing) -> bool:
    for form in filing.forms:
        own = [entry for id_, entry in form.entries.items() if id_ not in _ALWAYS_THERE]
        if form.indicators or not all(entry.blank for entry in own):
            return True
    return False


def _agreed(session: ExcelSession, old: Filing, new: Filing, what: str) -> bool:
    """Whether the person wants the new content, where it takes the place of another or is of
    another year."""
    doubts = ["工作簿里已有内容"] if _answered(old) else []
    if old.year and new.year and old.year != new.year:
        doubts.append(f"工作簿写的是 {old.year} 年，要填进来的是 {new.year} 年的")
    return not doubts or session.confirm(f"{'；'.join(doubts)}，换成{what}吗？")


def _forms(grid: Grid, edition: Edition) -> list[str]:
    """The sheets of a workbook that are forms."""
    layout = load_layout(edition)
    return [sheet.name for sheet in grid.sheets if form_of(layout, sheet) is not None]


def _replace_forms(session: ExcelSession, former: list[str], file: Path) -> None:
    """Bring the filled sheets in, then let the former forms go."""
    with session.opened(file) as filled:
        wanted = [sheet.name for sheet in filled.sheets]
        # Where the former ones stand, so that nothing else of the workbook changes its place.
        filled.api.Worksheets.Copy(Before=None, After=session.book.sheets[former[0]].api)
    sheets = list(session.book.sheets)
    at = [sheet.name for sheet in sheets].index(former[0]) + 1
    brought = sheets[at : at + len(wanted)]
    for name in former:
        session.book.sheets[name].delete()
    for sheet, name in zip(brought, wanted, strict=True):
        if sheet.name != name:
            sheet.name = name
    session.go(brought[0])


@button()
def add_project() -> str:
    """One more blank project form, with year and unit of the department form."""
    session = desk()
    with session.snapshot() as path:
        filing = session.read(path)
        edition = load_edition(filing.edition)
        if session.locked:
            raise XltoolError("工作簿结构受保护，加不了表；请向下发单位要可以加表的版本")
        blank = path.with_name("xltool-blank.xlsx")
        blank.write_bytes(edition.template.read_bytes())
        layout = load_layout(edition).forms["project"]
        texts = _from_department(layout, filing.department) if filing.department else {}
        taken = {sheet.name for sheet in open_grid(path).sheets}
        named = _next_name(edition.project.sheet, taken)
        official = [cell.text for cell in layout.sheet.cells.values() if cell.text]
        with step(session, path, {named: planned(layout.sheet, texts)}, official):
            with session.opened(blank) as template:
                form = template.api.Worksheets(edition.project.sheet)
                form.Copy(Before=None, After=session.book.sheets[-1].api)
            new = session.book.sheets[-1]
            if new.name != named:
                new.name = named
            write_texts(new, texts)
    name = layout.fields["project"]
    session.go(new, (name.top, name.left))
    return f"已添加“{new.name}”"


def _next_name(name: str, taken: set[str]) -> str:
    """The name as Excel itself would number it: 项目支出绩效目标表 (2)."""
    folded = {sheet_name.casefold() for sheet_name in taken}
    if name.casefold() not in folded:
        return name
    numbered = (f"{name} ({n})" for n in count(2))
    return next(n for n in numbered if n.casefold() not in folded)


def _from_department(layout: FormLayout, department: Form) -> dict[tuple[int, int], str]:
    """What a new project form takes over from the department form."""
    texts: dict[tuple[int, int], str] = {}
    for field in layout.spec.field:
        if field.from_department or field.same_as:
            answer = department.text(field.id)
            if answer.strip():
                area = layout.fields[field.id]
                texts[area.top, area.left] = _written(field, answer)
    return texts


def _written(field: Field, answer: str) -> str:
    return field.pattern.format(answer) if field.pattern else answer
