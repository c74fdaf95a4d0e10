"""The model of directions and bounds, on names written down before it was made;
unsure is silent, never wrong."""

import csv

import pytest

from tests.support.paths import DATA
from xltool.indicator import parse_target
from xltool.indicator.names import bounded, direction

NAMES = DATA / "fresh" / "held_out_names.tsv"


def rows():
    lines = [line for line in NAMES.read_text("utf-8").splitlines() if not line.startswith("#")]
    return list(csv.reader(lines, delimiter="\t"))


def judged(name, unit):
    known = direction(name)
    if known is None or (known.only == "time" and not parse_target(f"5{unit}").lasting):
        return "-"
    return known.wants


@pytest.mark.parametrize(("name", "unit", "wants", "share"), rows(), ids=[r[0] for r in rows()])
def test_never_the_wrong_way(name, unit, wants, share):
    assert judged(name, unit) in ("-", wants)
    assert not (bounded(name) and share == "-")


def test_few_that_tell_are_left_unjudged():
    told = [row for row in rows() if row[2] != "-"]
    shares = [row for row in rows() if row[3] == "share"]
    assert len(told) > 100 and len(shares) > 60
    assert sum(judged(row[0], row[1]) == "-" for row in told) <= 5
    assert sum(not bounded(row[0]) for row in shares) <= 4


@pytest.mark.parametrize(
    ("name", "wants"),
    {
        "税收增长率": "up",
        "医疗费用增长率": "down",
        "投诉增长率": "down",
        "万元GDP用水量下降率": "up",
        "收入降幅": "down",
        "教育支出增长率": "-",
        "游客增长率": "-",
        "减少投诉": "-",
        "检查差错率": "down",
        "事故应急演练次数": "-",
        "退役军人集体上访": "down",
        "未成年人犯罪人数": "down",
    }.items(),
)
def test_what_a_name_says_of_its_head(name, wants):
    """A rise is judged by what rises; a bad thing that is dealt with is no longer bad."""
    assert judged(name, "%" if name.endswith(("率", "幅")) else "次") == wants


# Right as they stand, for all that their words may suggest.
ACCEPTED = """
抗菌药物使用率 ≤60%|水资源开发利用率 ≤40%|不良贷款余额 ≤100万元|公务接待量 ≤30批次|文化传播率 ≥80%
游客重访率 ≥20%|接待上访群众批次 ≥50批次|受理投诉件数 ≥100件|治疗感染人数 ≥20人|抓获犯罪人数 ≥30人
资助失学人数 ≥5人|公示时间 ≥7天|开放时间 ≥8小时|预警提前时间 ≥40分钟|无故障时间 ≥2000小时
降低成本 ≥5%|节约成本 ≥10万元|减少污染物排放量 ≥10吨|污泥产量 ≤300吨|溶解氧浓度 ≥5毫克/升
负氧离子浓度 ≥1500个|三公经费增长率 ≤0%|民生支出增长率 ≥5%|查处违法案件 ≥50件|打击犯罪案件 ≥20起
事故应急演练 ≥4次|火灾隐患整改率 ≥95%|投诉办结率 ≥98%|失业登记人数 ≥300人|低收入家庭收入 ≥3000元
"""


@pytest.mark.parametrize("pair", ACCEPTED.replace("\n", "|").strip("|").split("|"))
def test_no_alarm_at_what_is_right(pair):
    name, value = pair.split()
    target = parse_target(value)
    wants = judged(name, target.symbol)
    assert wants in ("-", "up" if target.operator == "≥" else "down")
