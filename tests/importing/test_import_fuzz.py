"""Tables and texts put together by chance out of the forms' own words:
no fault, and not a letter lost."""

from functools import partial
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.accounting import lost
from xltool.editions.declaration import load_edition
from xltool.importing.filings import Imported, ImportWishes, _forms, _together
from xltool.importing.rows import FormCell, FormRow
from xltool.importing.text import read_text
from xltool.model import Place

EDITIONS = [load_edition("hunan-2023"), load_edition("national-2021")]
WORDS = [
    "项目名称", "项目支出名称", "实施单位", "预算部门", "填报单位（盖章）：某局", "部门名称", "主管部门",
    "资金总额", "年度资金总额：", "项目资金总额", "其中：财政拨款", "其他资金", "上级资金：5", "基本支出",
    "项目支出", "资金情况（万元）", "（万元）", "单位：元", "单位：万元", "总体目标", "年度目标", "实施期目标",
    "绩效目标", "整体绩效目标", "部门职责概述", "一级指标", "二级指标", "三级指标", "指标值", "2023年指标值",
    "指标性质", "计量单位", "权重", "完成值", "产出指标", "数量指标", "质量指标（选填）", "效益指标",
    "社会效益指标", "成本指标", "满意度指标", "长期绩效指标", "绩效指标", "按收入性质分", "按支出性质分",
    "审核意见", "合计", "备注", "序号", "没见过的栏", "2024年项目支出绩效目标表", "部门整体支出绩效目标表",
    "绩效自评表", "（2024年度）", "修渠", "某局", "某某镇人民政府", "12", "3.5万元", "≥5公里", "≥**%", "……",
    "合格", "100%", "1,200.00", "年度本级", "预算金额", "修好三条渠，守住汛期。", "渠长≥5公里", "水 利 局",
    "延续项目☑ 新增项目□", "", "", "无", "/", "附件2",
]  # fmt: skip

texts = st.sampled_from(WORDS)


@st.composite
def tables(draw):
    """Rows of cells, some of them wide, some missing as under a merge; lines between the tables."""
    rows, number = [], 1
    for r in range(draw(st.integers(1, 12))):
        if draw(st.integers(0, 5)) == 0:
            number += 1
            rows.append(FormRow((FormCell(draw(texts), 0, Place("正文", f"第{r}段")),)))
            continue
        column, cells = 0, []
        for k in range(draw(st.integers(1, 7))):
            column += draw(st.sampled_from([0, 0, 0, 1]))
            width = draw(st.sampled_from([1, 1, 1, 2, 3]))
            place = Place(f"表{number}", f"第{r}行第{k}格")
            cells.append(FormCell(draw(texts), column, place, width))
            column += width
        rows.append(FormRow(tuple(cells), number))
    return rows


def read(rows, edition):
    result = Imported()
    forms = _forms(rows, ImportWishes(edition, split=False), result, "a")
    result.filings = _together(forms, edition, result)
    return result, forms


@pytest.mark.parametrize("edition", EDITIONS, ids=lambda e: e.id)
@settings(max_examples=60, derandomize=True)  # the same forms on every machine
@given(rows=tables())
def test_nothing_of_a_table_put_together_by_chance_is_lost(edition, rows):
    result, forms = read(rows, edition)
    assert all(value.place.cell for value in result.values)
    if forms and not any(s.reason.endswith("不导入") for s in result.leftovers):
        assert not lost(rows, result, edition)


@pytest.mark.parametrize("edition", EDITIONS, ids=lambda e: e.id)
@settings(max_examples=60, derandomize=True)
@example(
    lines=[
        ["项目名称", "实施单位"], ["项目名称", "一级指标"], ["某局"], ["项目名称", "项目名称"],
        ["项目名称", "实施单位"],
    ],
    between=" | ",
)  # fmt: skip
@given(
    lines=st.lists(st.lists(texts, min_size=1, max_size=6), max_size=25),
    between=st.sampled_from([" ", " | ", "\t", "", " |\n", "\n"]),
)
def test_nothing_of_a_text_put_together_by_chance_is_lost(edition, lines, between):
    text = "\n".join(["项目支出名称：修渠", *(between.join(line) for line in lines)])
    rows = read_text(text.encode())
    result, forms = read(rows, edition)
    if forms and not any(s.reason.endswith("不导入") for s in result.leftovers):
        assert not lost(rows, result, edition)


@given(st.binary(max_size=2000))
@settings(max_examples=40)
def test_any_bytes_are_read_or_refused(tmp_path_factory, data):
    from xltool.files.barrier import Failure, guarded
    from xltool.importing.grids import read_rows

    path = Path(tmp_path_factory.getbasetemp()) / "any.bin"
    for head in (b"", b"\xd0\xcf\x11\xe0", b"PK\x03\x04", b"<html>", b"MIME-Version: 1.0\n"):
        path.write_bytes(head + data)
        found = guarded(partial(read_rows, path))
        assert not isinstance(found, Failure) or "内部错误" not in found.reason
