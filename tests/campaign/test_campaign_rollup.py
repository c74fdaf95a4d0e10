"""The roll-up as a workbook: every total is the sum of what stands beneath it,
in any unit of money."""

import re
import shutil
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from tests.support.campaign import fill_in, make_campaign, sent_workbooks, unit_rows, write_units
from xltool.campaign.ledger.campaign_folder import new_campaign
from xltool.campaign.returns.collection import collect
from xltool.campaign.rollup.record import rollup_json
from xltool.campaign.rollup.sheets import write_rollup
from xltool.campaign.rollup.summation import rollup
from xltool.campaign.sending.distribution import distribute
from xltool.editions.declaration import load_edition
from xltool.errors import XltoolError
from xltool.xlsx.audit.workbook import audit


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    folder = tmp_path_factory.mktemp("汇总")
    campaign = make_campaign(folder, 3, 5)
    distribute(campaign)
    (folder / "in").mkdir()
    for n, (code, blank) in enumerate(sent_workbooks(campaign.folder / "下发").items()):
        if n not in (4, 7):
            changes = (
                {}
                if n % 3
                else {"department.fund": "1290.0049", "department.goal": "目标1：修好水库。"}
            )
            if changes:
                general = Decimal(1000 + (n // 5 + 1) * 100 + n % 5 + 1) + Decimal(n % 5 + 1) / 100
                changes["department.total"] = str(general + Decimal("1290.0049"))
                changes["department.basic"] = str(general + Decimal("190.0049"))
            if n == 1:  # spending closes by way of the non-tax item only
                changes = {"department.nontax_spending": "10", "department.basic": "1282.02"}
            (folder / "in" / f"{code}.xlsx").write_bytes(fill_in(blank, changes))
    collect(campaign, [folder / "in"])
    return campaign


def numbers(sheet, row, columns):
    return [Decimal(str(sheet.cell(row, c).value or 0)) for c in columns]


@pytest.mark.parametrize(
    ("unit", "decimals"), [("万元", 2), ("亿元", 4), ("亿元", 0), ("元", 2), ("万元", 0)]
)
def test_every_total_is_the_sum_of_what_stands_beneath_it(campaign, tmp_path, unit, decimals):
    path = tmp_path / "汇总表.xlsx"
    book = rollup(campaign, unit, decimals)
    write_rollup(path, book)
    assert audit(path.read_bytes()) == []
    sheets = load_workbook(path)
    money = range(4, 12)
    for name in ("汇总表", "主管部门汇总"):
        sheet = sheets[name]
        rows = [r for r in range(6, sheet.max_row + 1) if isinstance(sheet.cell(r, 2).value, int)]
        whole = numbers(sheet, 5, money)
        assert [
            sum(column) for column in zip(*(numbers(sheet, r, money) for r in rows), strict=True)
        ] == whole
        for r in (5, *rows):
            total, *parts = numbers(sheet, r, money)
            assert total == sum(parts[:4]) == sum(parts[4:])
        assert sheet.cell(5, 2).value == 15 and sheet.cell(5, 3).value == 13
    detail = sheets["单位明细"]
    summary = sheets["汇总表"]
    for r in range(6, 9):
        target = int(re.search(r"A(\d+)$", summary.cell(r, 1).hyperlink.location)[1])
        assert detail.cell(target, 1).value == summary.cell(r, 1).value
        units = [numbers(detail, u, range(5, 13)) for u in range(target + 1, target + 6)]
        assert [sum(column) for column in zip(*units, strict=True)] == numbers(summary, r, money)


def test_the_missing_are_named_on_the_sheet(campaign, tmp_path):
    write_rollup(tmp_path / "r.xlsx", rollup(campaign))
    sheet = load_workbook(tmp_path / "r.xlsx")["汇总表"]
    text = "\n".join(str(c.value) for row in sheet for c in row if c.value)
    assert "应报 15 个单位，本表汇总 13 个" in text
    assert "未计入的 2 个单位" in text
    assert "第1区第5局（未报）" in text and "第2区第3局（未报）" in text


def test_the_originals_are_exact_in_the_json_whatever_is_shown(campaign):
    exact, coarse = rollup_json(rollup(campaign)), rollup_json(rollup(campaign, "亿元", 2))
    for key in ("whole", "districts", "superiors", "filings", "missing"):
        assert exact[key] == coarse[key]
    assert exact["shown"] != coarse["shown"]
    assert Decimal(exact["whole"]["total"]).as_tuple().exponent == -4


def test_last_year_is_compared_over_the_units_that_have_both(campaign):
    data = rollup_json(rollup(campaign))
    whole = next(x for x in data["last_year"] if x["district"] == "" and x["field"] == "total")
    assert whole["units"] == 13
    assert whole["this"] == data["whole"]["total"]


def test_balances_by_way_of_the_non_tax_item_are_counted(campaign, tmp_path):
    book = rollup(campaign)
    data = rollup_json(book)
    assert data["balances"] == {"平衡": 12, "经非税项目调节后平衡": 1}
    assert [d["by_nontax"] for d in data["districts"]] == [1, 0, 0]
    assert Decimal(data["whole"]["nontax_spending"]) == 10
    write_rollup(tmp_path / "r.xlsx", book)
    sheet = load_workbook(tmp_path / "r.xlsx")["汇总表"]
    assert [sheet.cell(r, 14).value for r in range(5, 9)] == [1, 1, 0, 0]


def test_an_unknown_unit_of_money_is_one_line(campaign):
    with pytest.raises(XltoolError, match="没有金额单位"):
        rollup(campaign, "美元")


@pytest.mark.parametrize("sums", ["none", "one side", "two totals"])
def test_editions_with_other_sums(tmp_path, sums):
    """No sums, one side, or sides with totals of their own: the sheets still add up."""
    folder = tmp_path / "版式"
    shutil.copytree(load_edition("hunan-2023").folder, folder)
    file = folder / "edition.toml"
    text = file.read_text("utf-8").replace('"hunan-2023"', '"qingshan-2024"', 1)
    blocks = re.findall(r"\[\[form\.sum\]\]\n(?:\S.*\n)+", text)
    assert len(blocks) == 2
    if sums != "two totals":
        for block in blocks[: 2 if sums == "none" else 1]:
            text = text.replace(block, "")
    else:
        changed = blocks[1].replace('total = "total"', 'total = "general"')
        text = text.replace(blocks[1], changed)
    file.write_text(text, "utf-8")
    units = write_units(tmp_path / "u.xlsx", unit_rows(2, 2))
    campaign = new_campaign(tmp_path / "批", year=2024, edition=folder, units=units)
    distribute(campaign)
    for code, blank in sent_workbooks(campaign.folder / "下发").items():
        (tmp_path / f"{code}.xlsx").write_bytes(fill_in(blank))
    collect(campaign, sorted(tmp_path.glob("0*.xlsx")))
    with campaign.ledger.transaction():
        campaign.ledger.base.execute("UPDATE returns SET verdict = 'pass'")
    book = rollup(campaign, "亿元", 3)
    write_rollup(tmp_path / "r.xlsx", book)
    assert book.covered == 4
    data = rollup_json(book)
    assert Decimal(data["whole"]["basic"]) == sum(Decimal(f["basic"]) for f in data["filings"])
