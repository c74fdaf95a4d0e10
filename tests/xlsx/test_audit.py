"""The structural check: it passes what is sound, and names each planted fault."""

import io
import re
import zipfile

import pytest
from openpyxl import Workbook, load_workbook

from xltool.editions.declaration import load_edition
from xltool.xlsx.audit.formulas import formula_fault
from xltool.xlsx.audit.workbook import audit, audit_parts

TEMPLATE = load_edition("hunan-2023").template
SHEET = "xl/worksheets/sheet1.xml"
BOOK = "xl/workbook.xml"
STRINGS = "xl/sharedStrings.xml"
TYPES = "[Content_Types].xml"
RELS = "xl/_rels/workbook.xml.rels"


@pytest.fixture
def parts():
    with zipfile.ZipFile(TEMPLATE) as package:
        return {name: package.read(name) for name in package.namelist()}


def plant(parts, part, old, new):
    """Replace the first `old` of a part (§ = any number there, 0 in `new`): a fault planted."""
    old, new = (text if isinstance(text, bytes) else text.encode() for text in (old, new))
    pattern = re.escape(old).replace("§".encode(), rb"\d+")
    parts[part], count = re.subn(
        pattern, lambda _: new.replace("§".encode(), b"0"), parts[part], count=1
    )
    assert count == 1
    return audit_parts(parts)


def test_the_template_is_sound():
    assert audit(TEMPLATE) == []
    assert audit(TEMPLATE.read_bytes()) == []


def test_a_workbook_spelled_by_another_program_is_sound(tmp_path):
    book = load_workbook(TEMPLATE)
    book["部门整体支出绩效目标表"]["C4"] = 1245.61
    other = book.create_sheet("合计")
    other["A1"], other["B1"], other["A2"] = "=SUM(B1:B3)", True, "=部门整体支出绩效目标表!C4"
    book.save(tmp_path / "saved.xlsx")
    assert audit(tmp_path / "saved.xlsx") == []


FAULTS = {
    "共享字符串序号 999 超出范围": (SHEET, '<c r="A1" s="§" t="s"><v>0<', '<c r="A1" s="§" t="s"><v>999<'),
    "样式序号 99 超出范围": (SHEET, '<c r="A1" s="§"', '<c r="A1" s="99"'),
    "单元格 C3 出现两次": (SHEET, '<c r="C3" s="§"/>', '<c r="C3" s="§"/><c r="C3" s="§"/>'),
    "单元格 D3 写在 E3 之后": (
        SHEET, '<c r="D3" s="§"/><c r="E3" s="§"/>', '<c r="E3"/><c r="D3"/>',
    ),
    "单元格 A9 写在第 3 行里": (SHEET, '<c r="A3"', '<c r="A9"'),
    "单元格 XFE3 不存在于表格范围内": (SHEET, '<c r="F3" s="§"/>', '<c r="XFE3" s="§"/>'),
    "第 3 行写在第 3 行之后": (SHEET, '</row><row r="4"', '</row><row r="3"/><row r="4"'),
    "单元格 B3是数值单元格，却写着文字“沅江”": (SHEET, '<c r="B3" s="§"/>', '<c r="B3"><v>沅江</v></c>'),
    "单元格 B3的类型“text”不存在": (SHEET, '<c r="B3" s="§"/>', '<c r="B3" s="§" t="text"><v>1</v></c>'),
    "单元格 B3的真假值“yes”应当是 0 或 1": (SHEET, '<c r="B3" s="§"/>', '<c r="B3" t="b"><v>yes</v></c>'),
    "单元格 B3有 32768 个字，超过 32767": (
        SHEET, '<c r="B3" s="§"/>', f'<c r="B3" t="inlineStr"><is><t>{"长" * 32768}</t></is></c>',
    ),
    "共享字符串有 32768 个字，超过 32767": (STRINGS, "<t>部门名称</t>", f"<t>{'长' * 32768}</t>"),
    "B3 的公式的括号不成对：SUM(C4": (SHEET, '<c r="B3" s="§"/>', '<c r="B3"><f>SUM(C4</f></c>'),
    "B3 的公式引用已失效：#REF!+1": (SHEET, '<c r="B3" s="§"/>', '<c r="B3"><f>#REF!+1</f></c>'),
    "B3 的公式引用了不存在的工作表“附表”": (SHEET, '<c r="B3" s="§"/>', '<c r="B3"><f>附表!A1</f></c>'),
    "B3 的公式引用了另一个文件：[1]表!A1": (SHEET, '<c r="B3" s="§"/>', '<c r="B3"><f>[1]表!A1</f></c>'),
    "B3 的公式是空的": (SHEET, '<c r="B3" s="§"/>', '<c r="B3"><f></f></c>'),
    "合并区域 A1:F1 与 F1:G2 重叠": (SHEET, '<mergeCell ref="A2:E2"/>', '<mergeCell ref="F1:G2"/>'),
    "合并区域 A2:A2 只有一个单元格": (SHEET, '<mergeCell ref="A2:E2"/>', '<mergeCell ref="A2:A2"/>'),
    "合并区域 A2:E0 不存在于表格范围内": (SHEET, '<mergeCell ref="A2:E2"/>', '<mergeCell ref="A2:E0"/>'),
    "mergeCells 的 count 是": (SHEET, '<mergeCell ref="A2:E2"/>', ""),
    "数据验证 XYZ3 指向不存在的单元格": (SHEET, 'sqref="B10"/>', 'sqref="XYZ3"/>'),
    "的公式引用了不存在的工作表“无”": (SHEET, "<formula>", "<formula>无!A1+"),
    "条件格式的样式序号 77 超出范围": (SHEET, 'dxfId="0"', 'dxfId="77"'),
    "引用的关系 rId9 不存在": (SHEET, "</worksheet>", '<drawing r:id="rId9"/></worksheet>'),
    "含有未转义的 & 符号": (SHEET, '<c r="B3" s="§"/>', '<c r="B3" t="inlineStr"><is><t>A & B</t></is></c>'),
    "含有 XML 不允许的控制字符": (STRINGS, "<t>部门名称</t>", "<t>部门\x0b名称</t>"),
    "部门整体支出绩效目标表：不是格式良好的 XML": (SHEET, "</mergeCells>", ""),
    "不是 UTF-8 文字": (SHEET, '<c r="B3" s="§"/>', b'<c r="B3" t="inlineStr"><is><t>\xb2\xbf</t></is></c>'),
    "xl/theme/theme1.xml：不是格式良好的 XML": ("xl/theme/theme1.xml", "</a:theme>", ""),
    "定义名称“基本支出”引用了不存在的工作表“部门表”": (
        BOOK, "'部门整体支出绩效目标表'!$F$6", "'部门表'!$F$6",
    ),
    "定义名称“基本支出”引用已失效": (BOOK, "'部门整体支出绩效目标表'!$F$6", "'部门整体支出绩效目标表'!#REF!"),
    "定义名称“项目支出”重复": (BOOK, 'name="基本支出"', 'name="项目支出"'),
    "定义名称“基本支出”属于不存在的工作表（序号 7）": (
        BOOK, 'name="基本支出" localSheetId="0"', 'name="基本支出" localSheetId="7"',
    ),
    "定义名称“1基本”不合规则": (BOOK, 'name="基本支出"', 'name="1基本"'),
    "含有不允许的字符": (BOOK, 'sheet name="项目支出绩效目标表"', 'sheet name="项目/支出"'),
    "有 35 个字，应当是 1 至 31 个字": (BOOK, 'sheet name="项目支出绩效目标表"', f'sheet name="{"长" * 35}"'),
    "有 2 张工作表同名": (BOOK, 'sheet name="项目支出绩效目标表"', 'sheet name="部门整体支出绩效目标表"'),
    "工作表的sheetId 1 重复": (BOOK, 'sheetId="2"', 'sheetId="1"'),
    "没有对应的部件": (BOOK, 'r:id="rId2"', 'r:id="rId77"'),
    "xl/worksheets/sheet9.xml 不存在": (TYPES, "/xl/worksheets/sheet2.xml", "/xl/worksheets/sheet9.xml"),
    "指向不存在的 xl/worksheets/sheet9.xml": (RELS, "worksheets/sheet2.xml", "worksheets/sheet9.xml"),
    "xl/media/a.emf 没有内容类型": (None, "xl/media/a.emf", "x"),
    "xl/charts/_rels/c.xml.rels 属于不存在的 xl/charts/c.xml": (
        None, "xl/charts/_rels/c.xml.rels", "<Relationships/>",
    ),
}  # fmt: skip


@pytest.mark.parametrize("message", FAULTS)
def test_each_planted_fault_is_named(parts, message):
    part, old, new = FAULTS[message]
    if part is None:
        parts[old] = new.encode()
        found = audit_parts(parts)
    else:
        found = plant(parts, part, old, new)
    assert any(message in line for line in found), found


def test_a_dangling_calculation_chain(parts):
    parts["xl/calcChain.xml"] = (
        b'<calcChain xmlns="x"><c r="B3" i="1"/><c r="B4" i="8"/></calcChain>'
    )
    parts[TYPES] = parts[TYPES].replace(
        b"</Types>", b'<Override PartName="/xl/calcChain.xml"/></Types>'
    )
    link = b'<Relationship Id="rId70" Type="x/calcChain" Target="calcChain.xml"/></Relationships>'
    parts[RELS] = parts[RELS].replace(b"</Relationships>", link)
    assert audit_parts(parts) == ["计算链指向没有公式的单元格 B3", "计算链指向不存在的工作表（8）"]


def test_a_part_twice_in_the_package(parts):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        for name, data in parts.items():
            package.writestr(name, data)
        package.writestr("XL/Workbook.xml", parts[BOOK])
    assert "压缩包里有 2 个部件都叫 xl/workbook.xml" in audit(packed.getvalue())


def test_a_damaged_package_is_one_line():
    assert [line[:5] for line in audit(TEMPLATE.read_bytes()[:5000])] == ["压缩包损坏"]
    changed = bytearray(TEMPLATE.read_bytes())
    changed[200] ^= 0xFF
    assert audit(bytes(changed)) != []
    assert audit(b"") != []


def test_a_package_without_a_workbook(parts):
    del parts[BOOK]
    assert "找不到工作簿部件" in audit_parts(parts)
    assert audit_parts({}) == ["缺少 [Content_Types].xml", "找不到工作簿部件"]


def test_text_of_just_the_longest_length_is_allowed(parts):
    longest = "&amp;_x000D_" + "长" * 32763 + "𠮷"  # the last one counts twice
    assert (
        plant(
            parts,
            SHEET,
            '<c r="B3" s="§"/>',
            f'<c r="B3" t="inlineStr"><is><t>{longest}</t></is></c>',
        )
        == []
    )
    assert plant(parts, STRINGS, "<t>部门名称</t>", f"<t>{longest}</t>") == []


@pytest.mark.parametrize(
    "formula",
    [
        "'局#REF!\"(项目'!$A$1:$F$26",
        "'it''s'!A1+SUM('局#REF!\"(项目'!A1:A3)",
        '"#REF! (" & A1 & "a""b!"',
        "#DIV/0!+IF(A1,#VALUE!,1)",
        "表!A1:表!B2",
    ],
)
def test_sound_formulas(formula):
    assert formula_fault(formula, frozenset(['局#ref!"(项目', "it's", "表"])) == ""


@pytest.mark.parametrize(
    ("formula", "fault"),
    [
        ("", "是空的"),
        ("=A1", "以 = 开头"),
        ("A1)+(1", "的括号不成对"),
        ('A1&"x', "的引号不成对"),
        ("SUM(#REF!)", "引用已失效"),
        ("表!#REF!", "引用已失效"),
        ("'附表'!A1", "引用了不存在的工作表“附表”"),
        ("'C:\\[a.xlsx]表'!A1", "引用了另一个文件"),
        ("A" * 8193, "超过 8192 个字"),
    ],
)
def test_unsound_formulas(formula, fault):
    assert formula_fault(formula, frozenset(["表"])).startswith(fault)


def test_the_same_fault_is_found_again_in_the_same_process(parts):
    first = plant(parts, SHEET, '<c r="A1" s="§"', '<c r="A1" s="99"')
    assert first == audit_parts(parts) != []


def test_an_empty_workbook_is_sound(tmp_path):
    Workbook().save(tmp_path / "empty.xlsx")
    assert audit(tmp_path / "empty.xlsx") == []


def test_cells_are_judged_alike_in_both_spellings(parts):
    """The quick acceptance and the explanation agree on a sheet that is sound."""
    plain = audit_parts(parts)
    respelled = re.sub(rb'<c r="(\w+)" s="(\d+)"', rb'<c s="\2" r="\1"', parts[SHEET])
    assert respelled != parts[SHEET]
    assert audit_parts({**parts, SHEET: respelled}) == plain == []
