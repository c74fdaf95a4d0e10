"""What real filings contain and a reviewer sends back: every kind is found;
and no filing stops the rules."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.case import filing_of, place_of
from tests.support.strategies import filings
from xltool import check
from xltool.model import Severity

SENT_BACK = {
    "环保处罚 0次以上，怎样都成立": (
        {"department": {"ecological": [["环保处罚", "0次以上"]]}},
        {("I404", "department.ecological.1.target")},
    ),
    "合格率 ≥100%": (
        {"department": {"quality": [["工程验收合格率", "≥100%"]]}},
        {("I404", "department.quality.1.target")},
    ),
    "税收增长率写两次，1% 和 2%": (
        {"department": {"sustainable": [["税收增长率", "1%以上"], ["税收增长率", "2%以上"]]}},
        {("I408", "department.sustainable.2.target")},
    ),
    "20家对标准 ≥6家": (
        {"project": {"quality": [["培训企业", "20家以上", "≥6家"]]}},
        {("I406", "project.quality.1.target")},
    ),
    "销售收入 ≤1亿": (
        {"department": {"economic": [["销售收入", "≤1亿"]]}},
        {("I405", "department.economic.1.target")},
    ),
    "满意度 ≥85，丢了单位": (
        {"department": {"satisfaction": [["群众满意度", "≥85"]]}},
        {("I402", "department.satisfaction.1.target")},
    ),
    "成本 3584 对预算 2565": (
        {
            "department": {"basic": "608.17", "project_spending": "2565"},
            "project": {
                "own_budget": "2565",
                "upper_budget": "0",
                "cost": [["项目成本概算", "≤3584万元", "计划标准"]],
            },
        },
        {("X502", "project.cost.1.target")},
    ),
    "值照抄名称": (
        {"project": {"ecological": [["环境进一步优化", "环境进一步优化", "环境进一步优化"]]}},
        {("I412", "project.ecological.1.target")},
    ),
    "跨年项目的实施期目标与本年度目标一字不差": (
        {
            "project": {
                "period": "2023年1月-2025年12月",
                "period_goal": "完成全部水库维修养护并验收。",
                "annual_goal": "完成全部水库维修养护并验收。",
            }
        },
        {("P207", "project.annual_goal")},
    ),
    "期限在年度之外": (
        {"department": {"time": [["年度任务完成时限", "2025年6月底前"]]}},
        {("I411", "department.time.1.target")},
    ),
    "资金总额为 0，分项有 90": (
        {
            "without": ["project"],
            "department": {
                "total": "0",
                "general": "90",
                "fund": "",
                "basic": "90",
                "project_spending": "",
            },
        },
        {("T305", "department.total")},
    ),
    "文字里 56万，金额栏是另一个数": (
        {"project": {"annual_goal": "安排项目资金56万元，完成十八座小型水库维修养护。"}},
        {("X508", "project.annual_goal")},
    ),
    "定量写成文字": (
        {"department": {"quantity": [["维修养护水库", "圆满完成"]]}},
        {("I410", "department.quantity.1.target")},
    ),
    "提示留作答案": (
        {"department": {"economic": [["新增农业产值", "≥**万元"]]}},
        {("P202", "department.economic.1.target")},
    ),
}


@pytest.mark.parametrize("title", SENT_BACK)
def test_sent_back(title):
    changes, expected = SENT_BACK[title]
    filing = filing_of(changes)
    found = {(f.code, f.sheet, f.cell) for f in check(filing) if f.severity is not Severity.NOTE}
    places = {(code, place_of(filing, address)) for code, address in expected}
    assert found == {(code, place.sheet, place.cell) for code, place in places}


ODD = """≥15家|15家以上⏎120家以上|0次以上|≥100%|≤1亿|12月31日前|2023.07-2024.01|……|—|公里|约50家|≥85|是|优良
2月30日前|1、2、3等奖|6家以上；4次以上|≥99999999999999999999亿元|-5%"""
VALUES = st.sampled_from(
    [text.replace("⏎", "\n") for line in ODD.splitlines() for text in line.split("|")]
)
NAMES = st.sampled_from(
    [
        "税收增长率",
        "满意度",
        "新增就业人数",
        "甲，乙",
        "甲\n乙\n丙",
        "培训人数（人）",
        "",
        "销售收入",
    ]
)
ROWS = st.lists(st.tuples(NAMES, VALUES), max_size=4)


@given(ROWS, ROWS, ROWS)
def test_the_rules_stop_at_no_value(quantity, cost, time):
    """Every finding says something of a cell, and says the same twice."""
    department = {"quantity": quantity, "cost": cost, "time": time}
    project = {block: [(*row, row[1]) for row in rows] for block, rows in department.items()}
    filing = filing_of({"department": department, "project": project})
    found = check(filing, last_year=filing)
    assert found == check(filing, last_year=filing)
    assert all(f.message and f.review for f in found)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(filings(), filings())
def test_the_rules_stop_at_no_filing(filing, last_year):
    check(filing, last_year=last_year)
