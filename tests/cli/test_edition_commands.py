"""Editions without code: copied, edited as data and cells only, checked, compared,
and used everywhere."""

import re
from pathlib import Path

import pytest
from openpyxl import load_workbook
from openpyxl.styles import Protection
from openpyxl.workbook.defined_name import DefinedName

import xltool
import xltool.checks.engine
from tests.support.seed import seed_filing
from xltool.cli import main
from xltool.databook import write_databook
from xltool.editions.conversion import convert
from xltool.editions.declaration import (
    EditionError,
    editions,
    load_edition,
    usable_editions,
    user_folder,
)
from xltool.model import Entry
from xltool.reading.reader import read_grid
from xltool.xlsx.workbook_reader import open_grid

SHEET = "项目支出绩效目标表"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A user's own folder for editions, empty."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("APPDATA", str(tmp_path / "home"))
    return user_folder()


def replaced(file: Path, *pairs: tuple[str, str]) -> None:
    text = file.read_text("utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    file.write_text(text, "utf-8")


def test_the_list_has_the_shipped_and_the_users_own(home, capsys):
    assert main(["edition", "new", "--from", "national-2021", "my-2027"]) == 0
    assert (home / "my-2027" / "template.xlsx").is_file()
    assert list(editions())[-1] == "my-2027"
    capsys.readouterr()
    assert main(["edition", "list"]) == 0
    said = capsys.readouterr().out
    assert [line.partition("　")[0] for line in said.splitlines()] == [
        "hunan-2023",
        "national-2021",
        "my-2027",
    ]
    assert load_edition("my-2027").unit == "元"


def test_a_copy_is_complete_and_differs_in_nothing(home, capsys):
    assert main(["edition", "new", "hunan-2026"]) == 0
    assert main(["edition", "check", "hunan-2026"]) == 0
    assert main(["edition", "diff", "hunan-2023", "hunan-2026"]) == 0
    assert "两个版式相同" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["hunan-2023", "Hunan", "湖南", "../x"])
def test_a_name_that_is_taken_or_no_name(home, name, capsys):
    assert main(["edition", "new", name]) == 2
    assert capsys.readouterr().err.startswith("错误：")


def test_a_shipped_id_cannot_be_taken_by_a_folder(home, tmp_path):
    main(["edition", "new", "own-2030", "-o", str(tmp_path)])
    replaced(tmp_path / "own-2030" / "edition.toml", ('id = "own-2030"', 'id = "hunan-2023"'))
    with pytest.raises(EditionError, match="自带版式的编号"):
        load_edition(tmp_path / "own-2030")


@pytest.fixture
def third(home, capsys):
    """Next year's form, made from a copy with a text editor and a spreadsheet only.

    The project's nature gives way to a contact, which is not for the public; the department's goal
    moves above its duties; 社会成本指标 is printed and named 社会和公众成本指标.
    """
    main(["edition", "new", "--from", "national-2021", "town-2027"])
    capsys.readouterr()
    folder = home / "town-2027"
    replaced(
        folder / "edition.toml",
        ('id = "nature"\nlabel = "项目属性"', 'id = "contact"\ninternal = true\nlabel = "联系人"'),
    )
    book = load_workbook(folder / "template.xlsx")
    page = book[SHEET]
    for cell in page["6"]:
        if cell.value == "项目属性":
            cell.value = "联系人"
    names = page.defined_names
    names["联系人"] = DefinedName("联系人", attr_text=names.pop("项目属性").attr_text)
    page = book["部门整体支出绩效目标表"]
    upper, lower = page["A13"].value, page["A14"].value
    page["A13"].value, page["A14"].value = lower, upper
    names = page.defined_names
    duties, goal = names["部门单位职能概述"].attr_text, names["年度总体目标"].attr_text
    names["部门单位职能概述"].attr_text, names["年度总体目标"].attr_text = goal, duties
    text = (folder / "edition.toml").read_text("utf-8")
    (folder / "edition.toml").write_text(
        text.replace("社会成本指标", "社会和公众成本指标"), "utf-8"
    )
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.value == "社会成本指标":
                    cell.value = "社会和公众成本指标"
        old = sheet.defined_names.pop("社会成本指标")
        sheet.defined_names["社会和公众成本指标"] = DefinedName(
            "社会和公众成本指标", attr_text=old.attr_text
        )
    book.save(folder / "template.xlsx")
    return folder


def test_a_third_edition_made_of_data_and_cells(third, tmp_path, capsys):
    assert main(["edition", "check", "town-2027"]) == 0
    assert main(["edition", "diff", "national-2021", "town-2027"]) == 0
    said = capsys.readouterr().out
    assert "去掉字段“项目属性”（nature）" in said and "增加字段“联系人”（contact）" in said
    assert "指标类别“社会成本指标”（cost_social）的文字：社会成本指标 → 社会和公众成本指标" in said
    assert "“年度总体目标”由 C14:H14 移到 C13:H13" in said
    town = load_edition("town-2027")
    filing = convert(seed_filing(), town).filing
    form = filing.projects[0]
    form.entries["contact"] = Entry("某某", "某某")
    write_databook([filing], tmp_path / "书.xlsx", town)
    assert main(["fill", str(tmp_path / "书.xlsx"), "-o", str(tmp_path / "出")]) == 0
    [workbook] = (tmp_path / "出").glob("*.xlsx")
    back = xltool.read(workbook)
    assert (back.edition, back) == ("town-2027", filing)
    assert back.projects[0]["contact"].place.cell == "C6"
    assert back.department["goal"].place.cell == "C13"
    assert back.department.text("goal") == seed_filing().department.text("goal")
    assert main(["check", str(workbook)]) == 1  # the real filing has real errors
    assert "I408" in capsys.readouterr().out
    assert main(["batch", str(tmp_path / "出"), str(tmp_path / "批"), "-j", "1"]) == 1
    assert (tmp_path / "批" / "report.html").is_file()


def test_an_edition_anywhere_by_its_path(tmp_path, home, capsys):
    main(["edition", "new", "far-2028", "-o", str(tmp_path / "很 远")])
    folder = tmp_path / "很 远" / "far-2028"
    far = load_edition(folder)
    write_databook([convert(seed_filing(), far).filing], tmp_path / "书.json", far)
    assert (
        main(
            [
                "fill",
                str(tmp_path / "书.json"),
                "-o",
                str(tmp_path / "出"),
                "--edition",
                str(folder),
            ]
        )
        == 0
    )
    [workbook] = (tmp_path / "出").glob("*.xlsx")
    assert main(["check", str(workbook), "--edition", str(folder)]) == 1
    assert xltool.read(workbook, edition=far).department == seed_filing().department
    capsys.readouterr()


def test_the_folder_one_stands_in_is_an_edition_too(home, tmp_path, monkeypatch, capsys):
    assert main(["edition", "new", "mine", "-o", str(tmp_path / "版式 夹")]) == 0
    monkeypatch.chdir(tmp_path / "版式 夹" / "mine")
    assert main(["edition", "check", "."]) == 0
    monkeypatch.chdir("..")
    capsys.readouterr()
    # A bare name is an edition's id, never a folder that happens to lie here; the way is said.
    assert main(["edition", "check", "mine"]) == 2
    assert "写成 ./mine" in capsys.readouterr().err
    assert main(["edition", "check", "./mine"]) == 0
    capsys.readouterr()
    # A new data book of such an edition says how it is filled, and without that what is missing.
    assert main(["databook", "new", "书.xlsx", "--edition", "./mine"]) == 0
    assert "-o 输出文件夹 --edition ./mine" in capsys.readouterr().out
    assert main(["databook", "check", "书.xlsx"]) == 1
    assert "用 --edition 指明它的文件夹" in capsys.readouterr().out


def test_what_is_wrong_with_an_edition_is_said_with_sheet_and_cell(third, tmp_path, capsys):
    book = load_workbook(third / "template.xlsx")
    page = book[SHEET]
    del page.defined_names["主管部门"]
    page.defined_names["联系人"] = DefinedName(
        "联系人", attr_text=page.defined_names["项目期"].attr_text
    )
    page[
        page.defined_names["项目名称"].attr_text.rpartition("!")[2].replace("$", "")
    ].protection = Protection()
    book.save(third / "template.xlsx")
    assert main(["edition", "check", "town-2027", "--show", str(tmp_path / "看.xlsx")]) == 1
    said = capsys.readouterr().out
    assert "“主管部门”没有定义名称" in said
    assert re.search(r"单元格 F6 重复绑定：.*联系人", said)
    assert re.search(r"“项目名称”的单元格 C4.* 被锁定", said)
    assert re.search(r"可填写却没有绑定的单元格：.*C5", said)
    shown = load_workbook(tmp_path / "看.xlsx")[SHEET]
    assert shown["F6"].value == "«联系人» / «项目期»" and shown["F6"].fill.fgColor.rgb.endswith(
        "F8CBAD"
    )
    assert shown["C12"].value == "«项目期总体目标»"
    assert shown["D15"].value == "«经济成本指标 · 三级指标»"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('kind = "period"', 'kind = "perriod"', "kind"),
        ('label = "主管部门"', 'label = "主管 部门"', "不能作定义名称"),
        ('label = "主管部门"', 'label = "A1"', "不能作定义名称"),
        ('id = "number"', 'id = "note"', "target"),
        ('parts = ["fiscal", "other"]', 'parts = ["fiscal", "others"]', "不是本表的金额字段"),
    ],
)
def test_a_declaration_that_cannot_be_used_is_one_line(home, tmp_path, old, new, said, capsys):
    main(["edition", "new", "--from", "national-2021", "bad-2029", "-o", str(tmp_path)])
    replaced(tmp_path / "bad-2029" / "edition.toml", (old, new))
    capsys.readouterr()
    assert main(["edition", "check", str(tmp_path / "bad-2029")]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and "edition.toml" in error


def test_rules_that_need_what_an_edition_lacks_are_silent_and_named(capsys):
    assert main(["rules", "--edition", "national-2021"]) == 0
    apply, _, silent = capsys.readouterr().out.partition("不适用")
    assert "T309" in apply and "I415" in apply and "T303" not in apply
    assert all(code in silent for code in ("T303", "T304", "I406"))
    assert main(["rules", "--edition", "hunan-2023"]) == 0
    _, _, silent = capsys.readouterr().out.partition("不适用")
    assert "T309" in silent and "I415" in silent


def test_what_a_rule_needs_is_something_that_some_edition_has():
    shipped = [load_edition(id_) for id_ in ("hunan-2023", "national-2021")]
    for rule in xltool.checks.engine.rules().values():
        assert not rule.needs or any(not rule.lacks(one) for one in shipped), rule.code


def test_a_data_book_is_not_taken_for_a_filing(tmp_path):
    write_databook([seed_filing()], tmp_path / "书.xlsx")
    filing = xltool.read(tmp_path / "书.xlsx")
    assert list(filing.forms) == [] and "数据表" in filing.faults[0].detail


def test_an_unfinished_edition_is_left_aside(home, tmp_path, capsys):
    main(["edition", "new", "half-2031"])
    replaced(home / "half-2031" / "edition.toml", ('unit = "万元"', 'unit = "美元"'))
    assert [one.id for one in usable_editions()] == ["hunan-2023", "national-2021"]
    capsys.readouterr()
    assert main(["edition", "list"]) == 0
    assert "half-2031　不能用" in capsys.readouterr().out
    xltool.fill(seed_filing(), tmp_path / "a.xlsx")
    grid = open_grid(tmp_path / "a.xlsx")
    grid.properties.clear()
    assert read_grid(grid).edition == "hunan-2023"
