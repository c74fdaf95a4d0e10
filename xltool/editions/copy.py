"""An edition of one's own: a copy to start from,
and a sheet that shows what each cell is bound to."""

from __future__ import annotations

import re
import shutil
import zipfile
from html import escape
from pathlib import Path

from xltool.editions.declaration import (
    Edition,
    EditionError,
    FormSpec,
    editions,
    load_edition,
    user_folder,
)
from xltool.errors import XltoolError, why
from xltool.files.atomic import writing
from xltool.xlsx.grid import Sheet
from xltool.xlsx.package import Unreadable
from xltool.xlsx.references import Area, cell_name
from xltool.xlsx.workbook_reader import open_grid

_ID = re.compile(r'^id\s*=\s*"[^"]*"', re.MULTILINE)
_MARK = re.compile(r'(name="xltool\.edition"[^>]*>\s*<vt:lpwstr[^>]*>)[^<]*(</vt:lpwstr>)')


def copy_edition(source: Edition, name: str, folder: Path | None = None) -> Path:
    """Copy an edition under a new id, by default into the user's own folder; the new folder.

    The declaration gets the new id, the template the mark that belongs to it;
    all else is as it was.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise EditionError(
            f"版式编号“{name}”只能用小写字母、数字和连字符，例如 {source.id.rpartition('-')[0]}-2026"
        )
    if name in editions():
        raise EditionError(f"已有版式“{name}”：{editions()[name]}")
    new_folder = (folder or user_folder()) / name
    if new_folder.exists():
        raise EditionError(f"文件夹已存在：{new_folder}")
    new_folder.mkdir(parents=True)
    try:
        for file in Path(source.folder).iterdir():
            if file.name == "edition.toml":
                text = _ID.sub(f'id = "{name}"', file.read_text("utf-8"), count=1)
                (new_folder / file.name).write_text(text, "utf-8")
            elif file.name == "template.xlsx":
                _marked(file, new_folder / file.name, name)
            elif file.is_file():
                shutil.copyfile(file, new_folder / file.name)
        load_edition(new_folder)
    except Exception:
        shutil.rmtree(new_folder)
        raise
    return new_folder


def _marked(template: Path, destination: Path, name: str) -> None:
    """The template with another edition's mark in its properties;
    every other part keeps its bytes."""
    with (
        zipfile.ZipFile(template) as old,
        writing(destination, "wb") as file,
        zipfile.ZipFile(file, "w") as new,
    ):
        for item in old.infolist():
            data = old.read(item)
            if item.filename == "docProps/custom.xml":
                data = _MARK.sub(rf"\g<1>{escape(name, quote=False)}\g<2>", data.decode()).encode()
            new.writestr(item, data, zipfile.ZIP_DEFLATED)


_FIELD, _BLOCK, _WRONG = "FFF2CC", "DDEBF7", "F8CBAD"


def show_bindings(edition: Edition, path: Path, template: Path | None = None) -> None:
    """Write the template once more with each bound cell showing what it is bound to.

    Fields are yellow, indicator categories blue; locked or doubly bound cells red. To look at only.
    """
    from openpyxl import load_workbook
    from openpyxl.cell.cell import MergedCell
    from openpyxl.styles import PatternFill

    source = template or edition.template
    try:
        grid = open_grid(source)
    except (Unreadable, OSError) as error:
        raise XltoolError(f"{source}：{why(error)}") from error
    book = load_workbook(source)
    for form in edition.form:
        sheet = next((sheet for sheet in grid.sheets if sheet.name == form.sheet), None)
        if sheet is None:
            continue
        page = book[form.sheet]
        page.protection.sheet = False
        page.data_validations.dataValidation = []
        for at, labels in bound_cells(form, sheet).items():
            cell = page[cell_name(*at)]
            if isinstance(cell, MergedCell):
                continue
            wrong = len(labels) > 1 or sheet[at].locked
            colour = _BLOCK if " · " in labels[0] else _FIELD
            if wrong:
                colour = _WRONG
            cell.value = " / ".join(f"«{label}»" for label in labels)
            cell.fill = PatternFill("solid", fgColor=colour)
    with writing(path, "wb") as file:
        book.save(file)


def bound_cells(form: FormSpec, sheet: Sheet) -> dict[tuple[int, int], list[str]]:
    """What each cell of a template is bound to: a field's label, or category · column."""
    bound: dict[tuple[int, int], list[str]] = {}
    for field in form.field:
        if area := sheet.names.get(field.label):
            bound.setdefault((area.top, area.left), []).append(field.label)
    heads = {
        column.label: area.left
        for column in form.indicators.column
        if (area := sheet.names.get(column.label))
    }
    for block in form.indicators.block:
        area = sheet.names.get(block.label)
        for row in range(area.top, area.bottom + 1) if area else ():
            for label, column in heads.items():
                if _inside(area, column):
                    bound.setdefault((row, column), []).append(f"{block.label} · {label}")
    return bound


def _inside(area: Area | None, column: int) -> bool:
    return area is not None and area.left <= column <= area.right
