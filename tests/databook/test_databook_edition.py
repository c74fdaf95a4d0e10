"""The data book takes its columns, categories and unit of money from the edition,
whatever it is."""

import shutil
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from openpyxl import load_workbook

from tests.support.strategies import books
from xltool.databook import load_databook, open_databook, write_databook
from xltool.editions.declaration import SHIPPED, load_edition
from xltool.model import Entry, Filing, Form

NAMES = ["book.xlsx", "book.json", "book"]


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """An edition in 元 with other labels, one more column and a category at level 1."""
    folder = tmp_path_factory.mktemp("editions") / "other"
    shutil.copytree(SHIPPED / "hunan-2023", folder)
    text = (folder / "edition.toml").read_text("utf-8")
    for old, new in (
        ('id = "hunan-2023"', 'id = "other-2026"'),
        ('unit = "万元"', 'unit = "元"'),
        ('label = "部门名称"', 'label = "预算单位"'),
        ('databook = "项目"', 'databook = "项目表"'),
        ('label = "项目支出名称"', 'label = "项目名称"'),
        (
            '[[form.indicators.block]]\nid = "quantity"',
            '[[form.indicators.column]]\nid = "weight"\nlabel = "权重"\n\n'
            '[[form.indicators.block]]\nid = "quantity"',
        ),
        ('level1 = "产出指标"\nlabel = "成本指标"', 'level1 = "成本指标"\nlabel = "经济成本指标"'),
    ):
        assert old in text
        text = text.replace(old, new)
    (folder / "edition.toml").write_text(text, "utf-8")
    return load_edition(folder)


def test_heads(other, tmp_path):
    write_databook([], tmp_path / "book.xlsx", other)
    workbook = load_workbook(tmp_path / "book.xlsx")
    assert workbook.sheetnames == ["部门", "项目表", "指标", "填写说明"]
    assert [c.value for c in workbook["指标"][1]] == [
        "预算单位", "项目名称", "一级指标", "二级指标", "三级指标", "指标值及单位", "权重", "绩效标准",
    ]  # fmt: skip
    assert workbook["部门"]["B1"].value == "预算单位"


@pytest.mark.parametrize("name", NAMES)
def test_round_trip(other, tmp_path_factory, name):
    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    @given(filings=books(other))
    def survives(filings):
        path = tmp_path_factory.mktemp("book") / name
        assert write_databook(filings, path, other) == []
        assert load_databook(path, other) == filings

    survives()


def test_money_in_the_editions_unit(other, tmp_path):
    form = Form("department", {"unit": Entry("甲局"), "total": Entry(None, "1.5万元")})
    write_databook([Filing(other.id, form)], tmp_path / "book", other)
    assert load_databook(tmp_path / "book", other)[0].department.amount("total") == Decimal(15_000)


@pytest.mark.parametrize("name", ["book.xlsx", "book.json"])
def test_a_book_says_its_edition(other, tmp_path, name):
    write_databook([], tmp_path / name, other)
    for asked, code in ((None, "B019"), ("hunan-2023", "B019"), (other, "B006")):
        assert [p.code for p in open_databook(tmp_path / name, asked).problems] == [code]
