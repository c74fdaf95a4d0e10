"""Every table is made by walking its columns:
each row has a cell under each head, the right one."""

import csv
import datetime as dt
import io
from decimal import Decimal
from types import SimpleNamespace

import openpyxl
import pytest

from tests.support.records import as_results, make_records
from tests.support.seed import UNIT, seed_filing
from xltool import check
from xltool.campaign.returns import notes, status
from xltool.campaign.rollup import sheets as rollup
from xltool.campaign.sheets import OFFICIAL
from xltool.campaign.units import Unit
from xltool.checks.results import VERDICTS
from xltool.files.table_column import Column
from xltool.reports import indicators, table, workbook
from xltool.reports.bundle import write_reports
from xltool.results_sheet import table as results_table
from xltool.results_sheet.write import write_results
from xltool.xlsx.table_book import TableBook

FAILED = [("甲/慢.xlsx", "超过 60 秒没有做完，已放弃"), ("乙.xlsx", "读不了")]
MADE = dt.datetime(2026, 3, 1, 9, 30)
SCRATCH = Column("临时", lambda row: "临时值", 17)


@pytest.fixture
def records():
    return list(make_records(12))


def with_scratch(monkeypatch, owner, name):
    """Put a scratch column into the middle of a table's columns, where a shift would show."""
    columns = getattr(owner, name)
    monkeypatch.setattr(owner, name, (*columns[:1], SCRATCH, *columns[1:]))


def csv_rows(text):
    head, *rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    assert all(len(row) == len(head) for row in rows)
    return [dict(zip(head, row, strict=True)) for row in rows]


def findings_csv(folder, records):
    write_reports(as_results(records), folder, ["csv"], base=folder, made=MADE, failed=FAILED)
    return csv_rows((folder / "findings.csv").read_text("utf-8-sig"))


def report_book(folder, records):
    write_reports(as_results(records), folder, ["xlsx"], base=folder, made=MADE, failed=FAILED)
    return openpyxl.load_workbook(folder / "report.xlsx")


def sheet_rows(sheet, first):
    """The rows under the head that begins with `first`, by head; and the head's cells."""
    top = next(row for row in sheet.iter_rows() if row[0].value == first)
    heads = [cell.value for cell in top]
    assert None not in heads and len(set(heads)) == len(heads)
    rows = sheet.iter_rows(min_row=top[0].row + 1, values_only=True)
    return [dict(zip(heads, row, strict=True)) for row in rows], top


def same(shown, expected):
    return (shown or "") == (expected or "")


def test_findings_csv_has_each_value_under_its_head(tmp_path, records):
    rows = findings_csv(tmp_path, records)
    found = [(r, f) for r in records for f in r["findings"]]
    assert len(rows) == len(found) + len(FAILED)
    for row, (record, finding) in zip(rows, found, strict=False):
        assert row["文件"] == record["file"] and row["部门编码"] == record["code"]
        assert row["结论"] == VERDICTS[record["verdict"]] and row["代码"] == finding["code"]
        assert row["问题"] == finding["message"] and row["说明"] == finding["explanation"]
    for row, (name, reason) in zip(rows[-len(FAILED) :], FAILED, strict=True):
        said = {"文件": name, "结论": "没能处理", "问题": reason}
        assert {head: text for head, text in row.items() if text} == said


def test_a_new_column_is_in_the_whole_of_findings_csv(tmp_path, records, monkeypatch):
    with_scratch(monkeypatch, table, "FINDING_COLUMNS")
    rows = findings_csv(tmp_path, records)
    assert {row["临时"] for row in rows} == {"临时值"}
    assert [row["问题"] for row in rows[-len(FAILED) :]] == [reason for _, reason in FAILED]


def test_report_workbook_has_each_value_under_its_head(tmp_path, records):
    book = report_book(tmp_path, records)
    units, _ = sheet_rows(book["汇总"], "序号")
    assert len(units) == len(records)
    for row, record in zip(units, records, strict=True):
        assert row["结论"] == VERDICTS[record["verdict"]] and row["文件"] == record["file"]
        assert row["错误"] == record["counts"]["error"]
        assert row["试行"] == record["counts"]["trial"]
        assert row["指标数"] == len(record["indicators"])
    found, _ = sheet_rows(book["问题清单"], "单位")
    expected = [(r, f) for r in records for f in r["findings"]]
    for row, (record, finding) in zip(found, expected, strict=True):
        assert row["代码"] == finding["code"] and row["问题"] == finding["message"]
        assert same(row["说明"], finding["explanation"]) and row["文件"] == record["file"]
    balances, _ = sheet_rows(book["平衡"], "单位")
    for row, record in zip(balances, [r for r in records if r["balance"]], strict=True):
        assert row["判断"] == record["balance"]["verdict"] and row["文件"] == record["file"]
        total = record["balance"]["revenue"]["total"]
        shown = row[f"收入侧\n{total['label']}"]
        assert shown is None or Decimal(str(shown)) == Decimal(total["amount"])
    shown, _ = sheet_rows(book["指标"], "单位")
    for row, (record, one) in zip(
        shown, [(r, i) for r in records for i in r["indicators"]], strict=True
    ):
        assert row["工作表"] == one["sheet"] and row["单元格"] == one["cell"]
        assert row["文件"] == record["file"]
    failed, _ = sheet_rows(book["没能处理"], "文件")
    assert [(row["文件"], row["原因"]) for row in failed] == FAILED


@pytest.mark.parametrize(
    ("columns", "sheet", "first"),
    [
        ("SUMMARY_COLUMNS", "汇总", "序号"),
        ("FINDING_COLUMNS", "问题清单", "单位"),
        ("BALANCE_COLUMNS", "平衡", "单位"),
        ("INDICATOR_COLUMNS", "指标", "单位"),
        ("FAILED_COLUMNS", "没能处理", "文件"),
    ],
)
def test_a_new_column_is_in_the_whole_sheet(tmp_path, records, monkeypatch, columns, sheet, first):
    with_scratch(monkeypatch, workbook, columns)
    page = report_book(tmp_path, records)[sheet]
    rows, top = sheet_rows(page, first)
    assert rows and {row["临时"] for row in rows} == {"临时值"}
    assert top[1].value == "临时" and 17 <= page.column_dimensions["B"].width < 18
    assert page.auto_filter.ref.endswith(f"{top[-1].column_letter}{page.max_row}")


def test_indicators_have_each_value_under_their_head(tmp_path):
    filing = seed_filing()
    indicators.save_csv(indicators.indicator_rows(filing), tmp_path / "指标.csv")
    rows = csv_rows((tmp_path / "指标.csv").read_text("utf-8-sig"))
    assert {row["单位"] for row in rows} == {UNIT}
    first = rows[0]
    assert (first["三级指标"], first["指标值及单位"]) == ("完成高企申报和复审", "15家以上")
    assert (first["计算符号"], first["指标值"], first["计量单位"]) == ("≥", "15", "家")


def test_a_new_column_is_in_all_indicators(tmp_path, monkeypatch):
    with_scratch(monkeypatch, indicators, "TABLE")
    filing = seed_filing()
    indicators.save_csv(indicators.indicator_rows(filing), tmp_path / "指标.csv")
    indicators.save_xlsx(indicators.indicator_rows(filing), tmp_path / "指标.xlsx")
    rows = csv_rows((tmp_path / "指标.csv").read_text("utf-8-sig"))
    shown, top = sheet_rows(openpyxl.load_workbook(tmp_path / "指标.xlsx").active, "单位")
    assert {row["临时"] for row in [*rows, *shown]} == {"临时值"}
    assert [row["计算符号"] for row in rows] == [row["计算符号"] or "" for row in shown]
    assert top[1].value == "临时"


def results_rows(folder, stale=""):
    filing = seed_filing()
    if stale:
        filing.answers[stale] = "以前的说明"
    findings = check(filing)
    path = write_results(results_table.results(filing, findings), folder / "结果.xlsx")
    page = openpyxl.load_workbook(path).active
    return findings, *sheet_rows(page, "序号"), page


def test_the_results_sheet_has_each_value_under_its_head(tmp_path):
    findings, rows, top, page = results_rows(tmp_path, "D601|表|x|没了")
    assert len(rows) == len(findings) + 1
    for row, one in zip(rows, findings, strict=False):
        assert row["代码"] == one.code and row["问题"] == one.message
        assert same(row["位置"], one.cell) and row["标识"] == one.key
    assert (rows[-1]["级别"], rows[-1]["说明"]) == (results_table.STALE, "以前的说明")
    assert page.column_dimensions[top[-1].column_letter].hidden


def test_a_new_column_is_in_the_whole_results_sheet(tmp_path, monkeypatch):
    with_scratch(monkeypatch, results_table, "COLUMNS")
    _, rows, top, page = results_rows(tmp_path, "D601|表|x|没了")
    assert {row["临时"] for row in rows} == {"临时值"}
    unlocked = [cell for cell in page[top[0].row + 1] if not cell.protection.locked]
    assert [top[cell.column - 1].value for cell in unlocked] == ["说明"]


def chase_rows(folder):
    unit = Unit(code="001", name="甲局", district="城区", contact="张三")
    late = status.Standing(unit, "未报", late=True, since="2026-03-01 09:30:00", remarks=("催",))
    standing = status.Status([late], due="2026-01-20")
    campaign = SimpleNamespace(deadline="", title="二〇二六年")
    status._chase_workbook(folder / "催.xlsx", campaign, standing)
    return sheet_rows(openpyxl.load_workbook(folder / "催.xlsx").active, "区县")


def test_the_chase_list_has_each_value_under_its_head(tmp_path):
    [row], _ = chase_rows(tmp_path)
    assert row["部门编码"] == "001" and row["部门名称"] == "甲局" and row["状态"] == "未报"
    assert row["逾期"] == "是" and row["联系人"] == "张三" and row["备注"] == "催"


def test_a_new_column_is_in_the_whole_chase_list(tmp_path, monkeypatch):
    with_scratch(monkeypatch, status, "CHASE_COLUMNS")
    [row], top = chase_rows(tmp_path)
    assert row["临时"] == "临时值" and top[1].value == "临时" and row["备注"] == "催"


@pytest.mark.parametrize(
    ("columns", "row", "said"),
    [
        (
            rollup.COMPARISON_COLUMNS,
            rollup.Compared("城区", "收入", 3, Decimal(10), Decimal(15)),
            {"区县": "城区", "可比单位": 3, "上年": 10, "本年": 15, "增减额": 5, "增减": "50.0%"},
        ),
        (
            notes.NOTE_COLUMNS,
            notes.NoteRow(1, check(seed_filing())[0], "栏目名"),
            {"序号": 1, "栏目": "栏目名"},
        ),
    ],
)
def test_a_plain_table_of_the_campaign_has_each_value_under_its_head(tmp_path, columns, row, said):
    with (tmp_path / "表.xlsx").open("wb") as file, TableBook(file, OFFICIAL) as book:
        book.table("表", (*columns[:1], SCRATCH, *columns[1:]), [row], title="题", line="副题")
    [shown], _ = sheet_rows(openpyxl.load_workbook(tmp_path / "表.xlsx").active, columns[0].head)
    assert said.items() <= shown.items() and shown["临时"] == "临时值"
