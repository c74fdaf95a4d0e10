"""Every command on an edition that is not the default one:
shipped, and a bureau's own known by its path."""

import csv
import json
from decimal import Decimal

import pytest
from msgspec.structs import replace

import xltool
from tests.support.campaign import sent_workbooks, write_units
from tests.support.case import filing_of
from xltool.batch.watch import judge
from xltool.campaign.ledger.campaign_folder import new_campaign
from xltool.campaign.returns.collection import collect
from xltool.campaign.rollup.record import rollup_json
from xltool.campaign.rollup.summation import rollup
from xltool.campaign.sealing import seal
from xltool.campaign.sending.distribution import distribute
from xltool.cli import main
from xltool.databook import load_databook, write_databook
from xltool.editions.copy import copy_edition
from xltool.editions.declaration import load_edition
from xltool.filling.writer import render
from xltool.xlsx.workbook_reader import open_grid

OURS = {"edition": "national-2021"}


@pytest.fixture(params=["national-2021", "path"])
def form(request, tmp_path):
    """(the edition, what `--edition` is given)"""
    if request.param != "path":
        return load_edition(request.param), request.param
    folder = copy_edition(load_edition("national-2021"), "county-2030", tmp_path / "版式")
    return load_edition(folder), str(folder)


@pytest.fixture
def book(form, tmp_path):
    write_databook([replace(filing_of(OURS), edition=form[0].id)], tmp_path / "书.xlsx", form[0])
    return tmp_path / "书.xlsx"


@pytest.fixture
def workbook(form, book, tmp_path, capsys):
    assert main(["fill", str(book), "-o", str(tmp_path / "填"), "--edition", form[1]]) == 0
    capsys.readouterr()
    [path] = (tmp_path / "填").glob("*.xlsx")
    return path


def test_check_and_balance(form, workbook, capsys):
    assert main(["check", str(workbook), "--edition", form[1]]) == 0
    assert "通过" in capsys.readouterr().out
    assert main(["balance", str(workbook), "--edition", form[1]]) == 0
    said = capsys.readouterr().out
    assert "31731700.00" in said and "单位：元" in said


def test_batch_and_reports(form, book, tmp_path, capsys):
    (tmp_path / "入").mkdir()
    book.rename(tmp_path / "入" / "书.xlsx")
    goal = tmp_path / "出"
    assert main(["batch", str(tmp_path / "入"), str(goal), "-j", "1", "--edition", form[1]]) == 0
    [record] = json.loads((goal / "report.json").read_text("utf-8"))["files"]
    assert (record["edition"], record["verdict"], record["balance"]["unit"]) == (
        form[0].id,
        "pass",
        "元",
    )
    assert {"sign", "number", "measure", "weight"} <= set(record["indicators"][0])
    assert (goal / "report.xlsx").is_file() and "青山县水利局" in (goal / "report.html").read_text(
        "utf-8"
    )
    capsys.readouterr()


def test_indicators_and_data(form, workbook, tmp_path, capsys):
    goal = tmp_path / "数据"
    command = ["export", str(workbook), "-o", str(goal), "--json", "--csv", "--edition", form[1]]
    assert main(command) == 0
    assert "≥" in (goal / "申报数据.csv").read_text("utf-8-sig")
    capsys.readouterr()
    table = tmp_path / "指标.csv"
    assert main(["indicators", str(workbook), "--csv", str(table), "--edition", form[1]]) == 0
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert any("水库" in "".join(row.values()) and "42" in row.values() for row in rows)
    capsys.readouterr()


def test_a_normalised_copy(form, workbook, tmp_path, capsys):
    copy = tmp_path / "规范.xlsx"
    assert main(["normalise", str(workbook), "--write", str(copy), "--edition", form[1]]) == 0
    assert xltool.read(copy, edition=form[0]) == xltool.read(workbook, edition=form[0])
    capsys.readouterr()


def test_watched(form, workbook):
    checked = judge(workbook, edition=form[0])
    assert checked.result is not None, checked.problem
    assert (checked.result.edition, checked.result.verdict) == (form[0].id, "pass")


def test_the_data_book_comes_back(form, book):
    [filing] = load_databook(book, form[0])
    assert filing.department == filing_of(OURS).department


def test_a_campaign(form, tmp_path):
    heads = ["部门编码", "部门名称", "区县", "预填一般公共预算拨款"]
    units = write_units(
        tmp_path / "units.xlsx", [["0310205", "青山县水利局", "青山县", "18831700"]], heads
    )
    campaign = new_campaign(tmp_path / "批次", year=2024, edition=form[0].folder, units=units)
    distribute(campaign)
    [blank] = sent_workbooks(campaign.folder / "下发").values()
    grid = open_grid(blank)
    mark = seal.claimed(grid.properties)
    assert mark is not None and mark.prefilled["department"]["general"] == "18831700"
    filled = replace(filing_of(OURS), edition=form[0].id, code=mark.unit)
    (tmp_path / "回收").mkdir()
    kept = {
        k: v
        for k, v in grid.properties.items()
        if k not in ("xltool.edition", "xltool.form", "xltool.unit_code")
    }
    data = render(filled, edition=form[0], properties=kept, locked=mark.prefilled)
    (tmp_path / "回收" / "水利局.xlsx").write_bytes(data)
    result = collect(campaign, [tmp_path / "回收"])
    assert [r.outcome for r in result.receipts] == ["收下"]
    assert list(campaign.ledger.counted()) == ["0310205"]
    assert Decimal(rollup_json(rollup(campaign))["whole"]["total"]) == Decimal("31731700")
    campaign.ledger.close()


def test_a_public_set(form, workbook, office, tmp_path, capsys):
    goal = tmp_path / "公开"
    assert main(["export", str(workbook), "-o", str(goal), "--public", "--edition", form[1]]) == 0
    [pdf] = goal.rglob("*.pdf")
    assert "服务对象满意度指标" in office.text(pdf).replace("\n", "").replace(" ", "")
    capsys.readouterr()


def test_an_import_into_this_edition(form, workbook, tmp_path, capsys):
    """The reader goes by names, the import by printed labels: they agree on this edition too."""
    goal = tmp_path / "导入"
    assert main(["import", str(workbook), "-o", str(goal), "--edition", form[1]]) == 0
    [filing] = load_databook(goal / "数据表.xlsx", form[0])
    read = xltool.read(workbook, edition=form[0])
    assert filing.department == read.department
    assert filing.projects == read.projects
    capsys.readouterr()
