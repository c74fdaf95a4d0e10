"""Sums, remarks, ruined codes and characters that nobody sees, told from what they stand among."""

import pytest

from xltool.files.table_habits import aside, find_invisible, read_code, visible


@pytest.mark.parametrize(
    "text",
    ["合计", "合 计", "小计：", "总计", "汇总", "教育系统小计", "本页合计数", "县直（汇总）", "\u200b合计",
     "注：金额单位为万元", "备注: 略", "制表人：某某", "说明：以上数字未审定"],
)  # fmt: skip
def test_a_sum_or_a_remark_is_no_unit(text):
    assert aside(text)


@pytest.mark.parametrize(
    "text",
    ["", "县水利局", "会计核算中心", "合计算法研究所", "注册会计师协会", "小计村村委会", "统计局"],
)
def test_a_unit_is_none(text):
    assert not aside(text)


@pytest.mark.parametrize(
    ("written", "meant", "ruined"),
    [
        ("'004309", "004309", False), ("’004309", "004309", False),
        ("004309", "004309", False), (" 004309\u200b", "004309", False), ('="004309"', "004309", False),
        ("430981.0", "430981", False), ("4.30981E+11", "4.30981E+11", True), ("4E+11", "4E+11", True),
        ("123456789012345000", "123456789012345000", True), ("113301000025123456", "113301000025123456", False),
        ("A01", "A01", False), ("", "", False),
    ],
)  # fmt: skip
def test_codes_as_tables_hold_them(written, meant, ruined):
    code = read_code(written)
    assert (code.text, code.ruined) == (meant, ruined)
    assert bool(code.said) is (visible(written) != meant or ruined)


def test_what_nobody_sees_is_taken_off():
    for code in (*range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF):
        assert visible(f" 甲{chr(code)}局 ") == "甲局"
        assert find_invisible(chr(code))
    assert not find_invisible("甲 局")
