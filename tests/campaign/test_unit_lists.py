"""A list of units as bureaus have it:
.csv of any program, the everyday heads, what spoils a code."""

import re
from pathlib import Path

import pytest
from openpyxl import Workbook
from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import Font

from xltool.campaign.units import UnitsError, read_unit_list
from xltool.cli import main
from xltool.editions.declaration import load_edition

EDITION = load_edition()
LIST = '部门编码,部门名称,区县,预填资金总额\n001001,甲局,城区,"1,200.50"\n002001,丙镇,河东区,\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("name", ["名单.csv", "名单.CSV"])
def test_a_csv_of_any_program_is_read(tmp_path, encoding, name):
    path = tmp_path / name
    path.write_bytes(LIST.replace("\n", "\r\n").encode(encoding))
    units = read_unit_list(path, EDITION).units
    assert [(unit.code, unit.name, unit.district) for unit in units] == [
        ("001001", "甲局", "城区"),
        ("002001", "丙镇", "河东区"),
    ]
    assert units[0].prefilled == {"total": "1200.5"}


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_semicolons_and_tabs_part_cells_too(tmp_path, delimiter):
    path = tmp_path / "名单.csv"
    path.write_text(f"县名单\n{delimiter.join(['单位编码', '单位名称', '县区'])}\n"
                    f"{delimiter.join(['007', '甲局', '城区'])}\n", "utf-8")  # fmt: skip
    [unit] = read_unit_list(path, EDITION).units
    assert (unit.code, unit.name, unit.district) == ("007", "甲局", "城区")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "没有内容"),
        ("部门编码,部门名称\n1,甲\n", "缺少列“区县”"),
        ("部门编码,部门名称,区县\n001,甲,区\n2,乙,区\n", "前导零可能丢了"),
        ("部门编码,部门名称,区县\n4.30981E+11,甲,区\n", "科学记数|科学计数"),
        ("部门编码,部门名称,区县\n1,甲,区\n1,乙,区\n", "出现 2 次"),
        ('部门编码,部门名称,区县\n1,"甲,区\n', "不是完整的表格"),
    ],
)
def test_a_csv_that_cannot_be_used_says_why(tmp_path, text, words):
    path = tmp_path / "名单.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(UnitsError, match=words):
        read_unit_list(path, EDITION)


@pytest.mark.parametrize("at", ["A2", "B2", "D2"])
@pytest.mark.parametrize("by_rule", [False, True], ids=["font", "conditional format"])
def test_what_nobody_can_see_in_a_list_is_said_with_what_is_stored(tmp_path, at, by_rule):
    book, white = Workbook(), Font(color="FFFFFF")
    sheet = book.active
    sheet.append(["部门编码", "部门名称", "区县", "预填资金总额"])
    sheet.append(["001001", "甲局", "城区", 1200.5])
    path = tmp_path / "名单.xlsx"
    book.save(path)
    assert len(read_unit_list(path, EDITION).units) == 1
    if by_rule:
        sheet.conditional_formatting.add(at, FormulaRule(["TRUE"], font=white))
    else:
        sheet[at].font = white
    book.save(path)
    with pytest.raises(UnitsError, match=f"{at}：.*看不见.*{sheet[at].value}"):
        read_unit_list(path, EDITION)


def test_a_row_that_a_filter_hides_is_taken_in_and_said(tmp_path):
    book = Workbook()
    book.active.append(["部门编码", "部门名称", "区县"])
    book.active.append(["001001", "甲局", "城区"])
    book.active.append(["001002", "乙局", "城区"])
    book.active.row_dimensions[3].hidden = True
    book.save(tmp_path / "名单.xlsx")
    found = read_unit_list(tmp_path / "名单.xlsx", EDITION)
    assert [unit.code for unit in found.units] == ["001001", "001002"]
    assert [remark for remark in found.remarks if "隐藏" in remark and "第 3 行" in remark]


def test_bytes_that_are_no_text_are_one_line(tmp_path):
    path = tmp_path / "名单.csv"
    path.write_bytes(b"\xff\xff\x81")
    with pytest.raises(UnitsError, match="文字编码"):
        read_unit_list(path, EDITION)


def test_the_clerk_is_told_what_was_left_out_and_the_key_to_tell(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("名单.csv").write_text(LIST + "合计,,,\n", "utf-8")
    assert main(["campaign", "new", "批次", "--year", "2024", "--units", "名单.csv"]) == 0
    said = capsys.readouterr().out
    assert "第 4 行是“合计”，不是单位，没有收进" in said
    [key] = re.findall("公钥指纹：([0-9a-f ]+)", said)
    assert main(["distribute", "--campaign", "批次"]) == 0
    assert f"公钥指纹：{key.strip()}（" in capsys.readouterr().out


def test_a_code_typed_in_full_width_is_the_same_code(tmp_path):
    path = tmp_path / "名单.csv"
    path.write_text("部门编码,部门名称\n００１００１,甲局\n", "utf-8")
    found = read_unit_list(path, EDITION, known_codes=["001001"])
    assert [unit.code for unit in found.units] == ["001001"]
    assert found.remarks == ("第 2 行：部门编码“００１００１”里有全角字符，读作 001001",)
