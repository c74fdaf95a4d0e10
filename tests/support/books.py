"""A small sound data book of two units, to be bent."""

HEADS = {
    "部门": "年度,部门名称,部门编码,资金总额,一般公共预算,政府性基金拨款,纳入专户管理的非税收入拨款,"
    "其他资金,基本支出,项目支出,非税支出,部门职能职责概述,整体绩效目标",
    "项目": "部门名称,项目支出名称,年度本级预算金额,该项目支出上级资金,项目支出实施期,"
    ""
    "实施期绩效目标,本年度绩效目标",
    "指标": "部门名称,项目支出名称,一级指标,二级指标,三级指标,指标值及单位,绩效标准",
}
ROWS = {
    "部门": ["2023,甲局,0012,100,100,,,,60,40,,职能,目标", "2023,乙局,,50,50,,,,50,,,职能,目标"],
    "项目": ["甲局,修路,40,,2023年,目标,目标"],
    "指标": ["甲局,,产出指标,数量指标,文件,≥3份,", "甲局,修路,产出,数量,里程,≥5公里,计划标准"],
}


def book(tmp_path, heads=(), rows=(), encoding="utf-8"):
    """A small good data book of two units with some heads or rows replaced."""
    heads, rows = {**HEADS, **dict(heads)}, {**ROWS, **dict(rows)}
    tmp_path.mkdir(exist_ok=True)
    for name in HEADS:
        text = "\n".join([heads[name], *rows[name]]) + "\n"
        (tmp_path / f"{name}.csv").write_text(text, encoding=encoding)
    return tmp_path
