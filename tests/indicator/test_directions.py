"""The model of directions and bounds, on names written down before it was made; unsure is silent, never wrong."""

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
