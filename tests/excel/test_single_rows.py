"""增加指标行 in an edition whose categories have one row each: nothing extends by itself there."""

import re

import pytest

from xltool import load_edition, read
from xltool.editions.copy import copy_edition
from xltool.errors import XltoolError
from xltool.excel.ribbon import press
from xltool.template.draw import draw
from xltool.template.layout import load_layout
from xltool.xlsx.workbook_reader import open_grid

pytestmark = pytest.mark.xdist_group("calc")


@pytest.fixture
def edition(tmp_path, monkeypatch):
    """A bureau's own edition: national-2021 with one row a category."""
    monkeypatch.setattr("xltool.editions.declaration.user_folder", lambda: tmp_path / "版式")
    folder = copy_edition(load_edition("national-2021"), "county-2030", tmp_path / "版式")
    declared = (folder / "edition.toml").read_text("utf-8")
    (folder / "edition.toml").write_text(re.sub(r"(?m)^rows = 2$", "rows = 1", declared), "utf-8")
    draw(folder / "template.xlsx", load_edition(folder))
    return load_edition("county-2030")


@pytest.fixture
def book(app, edition, tmp_path):
    path = tmp_path / "申报.xlsx"
    path.write_bytes(edition.template.read_bytes())
    return app.books.open(str(path))


def write(sheet, row: int, column: int, text: str) -> None:
    sheet.raw.getCellByPosition(column - 1, row - 1).String = text


@pytest.mark.parametrize("which", [0, 2, 3, -1], ids=["first", "within", "end of a group", "last"])
def test_a_row_is_added_to_a_category_of_one_row(app, book, edition, tmp_path, which):
    form = load_layout(edition).forms["department"]
    block = edition.department.indicators.block[which]
    area = form.blocks[block.id]
    name = form.columns["name"]
    sheet = book.sheets(1)
    write(sheet, area.top, name, "指标甲")
    before = read(copy(book, tmp_path / "前.xlsx"))
    for row in (area.top, area.top + 1):  # from one row to two, and as ever from two to three
        app.api.Goto(sheet.range((row, area.left)).api)
        press("add_row")
        assert app.selection.row == row + 1
        write(sheet, row + 1, name, f"指标{row}")
    goal = copy(book, tmp_path / "后.xlsx")
    after = read(goal)
    assert after.faults == before.faults, [f.message for f in after.faults]
    assert [one.name.text for one in after.department.block(block.id)] == [
        "指标甲",
        f"指标{area.top}",
        f"指标{area.top + 1}",
    ]
    assert open_grid(goal).sheets[0].names[block.label].bottom == area.bottom + 2
    assert sheet.raw.isProtected()


def test_a_password_keeps_it_from_being_mended(app, book, edition):
    area = next(iter(load_layout(edition).forms["department"].blocks.values()))
    sheet = book.sheets(1)
    sheet.raw.unprotect("")
    sheet.raw.protect("秘密")
    app.api.Goto(sheet.range((area.top, area.left)).api)
    with pytest.raises(XltoolError, match="保护密码"):
        press("add_row")


def copy(book, goal):
    book.copy_to(str(goal))
    return goal
