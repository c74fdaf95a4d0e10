"""填报: a new workbook, data into the workbook, project sheets."""

from __future__ import annotations

from pathlib import Path

from xltool.editions.declaration import Edition, Field, load_edition, usable_editions
from xltool.errors import XltoolError
from xltool.excel.live_sheet import write_texts
from xltool.excel.ribbon import button, desk
from xltool.excel.session import ExcelSession
from xltool.files.atomic import writing
from xltool.model import Filing, Form
from xltool.reading.reader import form_of
from xltool.template.layout import FormLayout, load_layout
from xltool.xlsx.grid import Grid
from xltool.xlsx.workbook_reader import open_grid

WORKBOOKS = "Excel 工作簿 (*.xlsx),*.xlsx"
DATA = "数据表 (*.xlsx;*.json;*.csv),*.xlsx;*.json;*.csv"


@button
def new_form() -> str:
    """A blank workbook from the official template, where the accountant wants it."""
    here = desk()
    known = usable_editions()
    wanted = here.choose("用哪个版式", [edition.title for edition in known])
    if wanted is None:
        return "没有新建"
    edition = known[wanted]
    place = here.ask_save("新建填报表", "绩效目标申报表.xlsx", WORKBOOKS)
    if place is None:
        return "没有新建"
    with writing(place, "wb") as file:
        file.write(edition.template.read_bytes())
    here.open(place)
    return f"已新建 {place.name}"


@button
def fill_from_data() -> str:
    """Fill the workbook from a data book: its sheets are replaced by filled official ones."""
    from xltool.campaign.returns.sealed_filling import with_prefilled
    from xltool.campaign.sealing.seal import claimed
    from xltool.databook import load_databook
    from xltool.filling.writer import fill

    here = desk()
    with here.snapshot() as path:
        old = here.read(path)
        grid = open_grid(path)
        source = here.ask_file("从数据填充：选数据表", DATA)
        if source is None:
            return "没有填充"
        # One of the tables of a folder stands for the whole folder.
        source = source.parent if source.suffix.lower() == ".csv" else source
        new = _choose(here, load_databook(source, old.edition), old)
        if new is None:
            return "没有填充，内容未动"
        if _answered(old) and not here.confirm(f"工作簿里已有内容，换成“{new.unit}”的数据吗？"):
            return "没有填充，内容未动"
        mark = claimed(grid.properties)
        if mark is not None:
            new = with_prefilled(new, mark, load_edition(old.edition))
        file = fill(new, path.with_name("xltool-filled.xlsx"))
        if here.locked:
            here.app.books.api.Add(str(file))
            return "工作簿结构受保护，填好的表在另一个新窗口里，请另存"
        _replace_forms(here, grid, file, load_edition(old.edition))
        if new.code and grid.properties.get("xltool.unit_code") != new.code:
            here.book.api.CustomDocumentProperties.Add("xltool.unit_code", False, 4, new.code)
    with here.snapshot() as path:
        if here.read(path) != new:
            raise XltoolError("填完读回的内容与数据表不一致，请不要保存，把文件交给技术人员")
    return f"已填入“{new.unit}”的数据：部门表 1 张，项目表 {len(new.projects)} 张"


def _choose(here: ExcelSession, filings: list[Filing], old: Filing) -> Filing | None:
    """The data of this workbook's unit; where it names none, the one that the accountant picks."""
    if not filings:
        raise XltoolError("数据表里没有任何单位")
    if not old.unit:
        picked = here.choose("填哪个单位的数据", [f.unit for f in filings])
        return None if picked is None else filings[picked]
    mine = [f for f in filings if f.unit == old.unit]
    if len(mine) != 1:
        raise XltoolError(f"数据表里没有“{old.unit}”；有：{'、'.join(f.unit for f in filings[:8])}")
    return mine[0]


def _answered(filing: Filing) -> bool:
    return any(
        form.indicators
        or any(not e.blank for k, e in form.entries.items() if k not in ("year", "unit", "filer"))
        for form in filing.forms
    )


def _replace_forms(here: ExcelSession, grid: Grid, file: Path, edition: Edition) -> None:
    """Bring the filled sheets in, then let the former forms go."""
    layout = load_layout(edition)
    former = [s.name for s in grid.sheets if form_of(layout, s) is not None]
    with here.opened(file) as filled:
        wanted = [s.name for s in filled.sheets]
        filled.api.Worksheets.Copy(Before=None, After=here.book.sheets[-1].api)
    brought = list(here.book.sheets)[-len(wanted) :]
    for name in former:
        here.book.sheets[name].delete()
    for sheet, name in zip(brought, wanted, strict=True):
        if sheet.name != name:
            sheet.name = name
    here.go(brought[0])


@button
def add_project() -> str:
    """One more blank project form, with year and unit of the department form."""
    here = desk()
    with here.snapshot() as path:
        filing = here.read(path)
        edition = load_edition(filing.edition)
        if here.locked:
            raise XltoolError("工作簿结构受保护，加不了表；请向下发单位要可以加表的版本")
        blank = path.with_name("xltool-blank.xlsx")
        blank.write_bytes(edition.template.read_bytes())
        with here.opened(blank) as template:
            form = template.api.Worksheets(edition.project.sheet)
            form.Copy(Before=None, After=here.book.sheets[-1].api)
    new = here.book.sheets[-1]
    layout = load_layout(edition).forms["project"]
    if filing.department is not None:
        write_texts(new, _from_department(layout, filing.department))
    name = layout.fields["project"]
    here.go(new, (name.top, name.left))
    return f"已添加“{new.name}”"


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
