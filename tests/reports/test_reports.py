"""report.json, report.xlsx and findings.csv: complete, whole, and text stays text."""

import csv
import json
import os
import re
import zipfile
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import xltool
from tests.support.nasty import NASTY, nasty_record
from tests.support.records import as_results, make_records, unreadable
from xltool.cli import main
from xltool.errors import XltoolError
from xltool.files.escape import csv_cells, in_csv
from xltool.reports import sheet, workbook
from xltool.reports.bundle import KINDS, write_reports
from xltool.reports.run import Run
from xltool.reports.table import read_failed, read_results
from xltool.xlsx import table_book, table_frame

MADE = datetime(2026, 3, 1, 9, 30)


@pytest.fixture
def records():
    return [*make_records(60), unreadable("坏文件.xlsx")]


def written(folder, records, *kinds):
    write_reports(as_results(records), folder, kinds or KINDS, base=folder, made=MADE)
    return folder


def test_one_pass_writes_all_four_and_nothing_else(tmp_path, records):
    written(tmp_path, records)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "findings.csv",
        "report.html",
        "report.json",
        "report.xlsx",
    ]


def test_json_gives_the_records_back(tmp_path, records):
    path = written(tmp_path, records, "json") / "report.json"
    assert json.loads(path.read_bytes()) == {"files": records}
    assert list(read_results(path)) == list(as_results(records))


def test_json_is_what_the_shipped_schema_says(tmp_path, records):
    import jsonschema

    schema = json.loads(
        (Path(xltool.__file__).parent / "reports/schema/report.schema.json").read_bytes()
    )
    path = written(tmp_path, records, "json") / "report.json"
    jsonschema.validate(json.loads(path.read_bytes()), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"files": [{**records[0], "balance": 3}]}, schema)


def test_what_could_not_be_dealt_with_is_in_every_report(tmp_path, records):
    import jsonschema

    failed = [("甲/慢.xlsx", "超过 60 秒没有做完，已放弃"), ("=乙.xlsx", "<b>读不了</b>")]
    write_reports(as_results(records), tmp_path, base=tmp_path, failed=iter(failed))
    whole = json.loads((tmp_path / "report.json").read_bytes())
    jsonschema.validate(
        whole,
        json.loads(
            (Path(xltool.__file__).parent / "reports/schema/report.schema.json").read_bytes()
        ),
    )
    assert whole["failed"][1] == {"file": "=乙.xlsx", "reason": "<b>读不了</b>"}
    assert list(read_results(tmp_path / "report.json")) == list(as_results(records))
    assert read_failed(tmp_path / "report.json") == failed
    (tmp_path / "again.json").write_text(json.dumps(whole, indent=2), "utf-8")
    assert read_failed(tmp_path / "again.json") == failed
    book = openpyxl.load_workbook(tmp_path / "report.xlsx")
    assert [row[1].value for row in book["没能处理"].iter_rows(min_row=2)] == [
        reason for _, reason in failed
    ]
    assert "另有 2 个文件没能处理" in book["汇总"]["A2"].value
    assert "&lt;b&gt;读不了" in (tmp_path / "report.html").read_text("utf-8")
    assert "'=乙.xlsx,,,,没能处理" in (tmp_path / "findings.csv").read_text("utf-8-sig")


def test_any_layout_of_the_json_is_read(tmp_path, records):
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"files": records}, indent=1), "utf-8")
    assert list(read_results(path)) == list(as_results(records))


@pytest.mark.parametrize(
    "text", ["", "[]", '{"files": 3}', '{"files": [3]}', '{"files": [\n{"file": ', "PK\x03\x04\xff"]
)
def test_what_is_no_report_is_one_line(tmp_path, text):
    path = tmp_path / "report.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(XltoolError, match=r"report\.json"):
        list(read_results(path))


def test_made_again_they_are_of_the_day_of_the_review(tmp_path, records):
    path = written(tmp_path / "结果", records, "json") / "report.json"
    os.utime(path, (MADE.timestamp(), MADE.timestamp()))
    assert main(["report", str(path), "-o", str(tmp_path / "新"), "--format", "xlsx"]) == 0
    book = openpyxl.load_workbook(tmp_path / "新" / "report.xlsx")
    shown = [cell.value for row in book.worksheets[0].iter_rows(max_row=4) for cell in row]
    assert any(str(text).startswith("2026-03-01 09:30 审核") for text in shown)


def test_an_error_on_the_way_leaves_no_report(tmp_path, records):
    def failing():
        yield from as_results(records[:1])
        raise KeyError

    with pytest.raises(KeyError):
        write_reports(failing(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_records_are_reports_too(tmp_path):
    written(tmp_path, [])
    assert list(read_results(tmp_path / "report.json")) == []
    assert openpyxl.load_workbook(tmp_path / "report.xlsx")["汇总"]["A2"].value.startswith(
        "2026-03-01 09:30 审核，共 0 个文件"
    )


def test_same_records_same_bytes(tmp_path, records):
    for name in ("甲", "乙"):
        write_reports(as_results(records), tmp_path / name, base=tmp_path / name, made=MADE)
    for kind, _ in KINDS.values():
        assert (tmp_path / "甲" / kind).read_bytes() == (tmp_path / "乙" / kind).read_bytes(), kind


def test_csv_holds_every_finding(tmp_path, records):
    path = written(tmp_path, records, "csv") / "findings.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    expected = [
        (r["unit"], f["code"], f["cell"], f["message"]) for r in records for f in r["findings"]
    ]
    assert [(r["单位"], r["代码"], r["单元格"], r["问题"]) for r in rows] == expected
    assert {r["状态"] for r in rows} == {"待处理", "已说明", "试行", "提示"}


@pytest.mark.parametrize("text", NASTY)
def test_csv_never_holds_a_formula(tmp_path, text):
    path = written(tmp_path, [nasty_record(text)], "csv") / "findings.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if re.match(r"\s*[=+\-@＝＋－＠]", cell)]


CELLS = st.text(st.sampled_from('甲a1 　=+-@＝\n\t\r\x00\x7f\u202e￥…,"'), max_size=4)


@given(st.lists(CELLS, min_size=2, max_size=4))
def test_a_row_of_csv_is_the_same_as_its_cells(cells):
    assert csv_cells(cells) == [*map(in_csv, cells)]


def test_numbers_stay_numbers_in_csv():
    assert [in_csv(t) for t in ("-10.00", "+5", "-3%", "≥15家", "")] == [
        "-10.00",
        "+5",
        "-3%",
        "≥15家",
        "",
    ]
    assert in_csv("-10.00+cmd") == "'-10.00+cmd"


def test_a_lone_sign_in_csv_is_no_formula():
    assert [in_csv(text) for text in "=-＝≥"] == list("=-＝≥")
    assert [in_csv(text) for text in ("==", "=1", " =", "\t")] == ["'==", "'=1", "' =", "'\t"]


def test_workbook_holds_everything(tmp_path, records):
    book = openpyxl.load_workbook(written(tmp_path, records, "xlsx") / "report.xlsx")
    assert book.sheetnames == ["汇总", "问题清单", "平衡", "指标"]
    count = {name: book[name].max_row for name in book.sheetnames}
    assert count["汇总"] == 3 + len(records)
    assert count["问题清单"] == 1 + sum(len(r["findings"]) for r in records)
    assert count["平衡"] == 1 + sum(r["balance"] is not None for r in records)
    assert count["指标"] == 1 + sum(len(r["indicators"]) for r in records)
    for one in book:
        assert one.freeze_panes and one.auto_filter.ref and one.print_title_rows, one.title
    passed = sum(r["verdict"] == "pass" for r in records)
    assert (
        f"共 61 个文件：有错误 {sum(r['verdict'] == 'error' for r in records)}"
        in book["汇总"]["A2"].value
    )
    assert f"通过 {passed}" in book["汇总"]["A2"].value
    first = dict(
        zip([c.value for c in book["平衡"][1]], [c.value for c in book["平衡"][2]], strict=True)
    )
    spending = records[0]["balance"]["spending"]
    assert first["单位"] == records[0]["unit"]
    assert format(first["支出侧\n合计"], ".2f") == spending["sum"]


def test_the_sdk_finds_no_fault_in_the_workbook(tmp_path, records, validator):
    paths = [
        written(tmp_path / name, some, "xlsx") / "report.xlsx"
        for name, some in {
            "ordinary": records,
            "nasty": [nasty_record(t) for t in NASTY],
            "empty": [],
        }.items()
    ]
    assert validator.errors(paths) == {path: [] for path in paths}


def test_codes_keep_their_zeros(tmp_path, records):
    records[0]["code"] = "007001"
    book = openpyxl.load_workbook(written(tmp_path, records, "xlsx") / "report.xlsx")
    assert book["汇总"]["C4"].value == "007001"


def test_workbook_links_lead_from_the_reports_to_the_files(tmp_path, records):
    records[0]["file"] = "甲 县/部门#1 [终稿].xlsx"
    records[1]["file"] = "javascript:alert(1).xlsx"
    write_reports(as_results(records), tmp_path / "出", ["xlsx"], base=tmp_path / "入")
    book = openpyxl.load_workbook(tmp_path / "出" / "report.xlsx")
    head = [cell.value for cell in book["汇总"][3]].index("文件")
    links = [row[head].hyperlink.target for row in book["汇总"].iter_rows(min_row=4, max_row=5)]
    assert links == [
        "..\\入\\甲%20县\\部门%231%20%5b终稿%5d.xlsx",
        "..\\入\\javascript%3aalert(1).xlsx",
    ]
    link = next(
        row[6].hyperlink for row in book["问题清单"].iter_rows(min_row=2) if row[6].hyperlink
    )
    assert link.location.startswith("'部门整体支出绩效目标表'!") or link.location.startswith(
        "'项目支出绩效目标表'!"
    )


def test_a_file_name_never_leads_to_another_machine(tmp_path):
    run = Run(tmp_path, tmp_path)
    assert sheet.target("\\\\evil\\share\\a.xlsx", run) == "%5c%5cevil%5cshare%5ca.xlsx"
    assert run.href("\\\\evil\\share\\a.xlsx") == "%5C%5Cevil%5Cshare%5Ca.xlsx"
    assert run.href("javascript:alert(1)") == "javascript%3Aalert%281%29"
    assert run.href("") == ""


@pytest.mark.parametrize("text", NASTY)
def test_workbook_never_holds_a_formula_or_a_foreign_link(tmp_path, text):
    path = written(tmp_path, [nasty_record(text)], "xlsx") / "report.xlsx"
    with zipfile.ZipFile(path) as package:
        parts = {name: package.read(name).decode() for name in package.namelist()}
    sheets = [part for name, part in parts.items() if name.startswith("xl/worksheets/sheet")]
    assert len(sheets) == 4 and not [part for part in sheets if re.search(r"<f[ >]", part)]
    targets = re.findall(r'Target="([^"]*)"[^>]*TargetMode="External"', "".join(parts.values()))
    assert targets and all(target.startswith("收到\\") for target in targets)
    values = [
        cell.value
        for row in openpyxl.load_workbook(path)["问题清单"].iter_rows(min_row=2)
        for cell in row
    ]
    assert all(isinstance(value, str) for value in values if value is not None)


def test_what_xml_forbids_is_replaced(tmp_path):
    record = nasty_record("甲\ud800乙\x00丙\ufffe")
    written(tmp_path, [record])
    book = openpyxl.load_workbook(tmp_path / "report.xlsx")
    assert book["汇总"]["B4"].value.startswith("甲?乙")
    assert next(read_results(tmp_path / "report.json")).unit == "甲?乙\x00丙\ufffe"


def test_a_long_sheet_goes_on_and_links_stop_at_the_limit(tmp_path, records, monkeypatch):
    monkeypatch.setattr(table_book, "LAST_ROW", 20)
    monkeypatch.setattr(table_frame, "MAX_LINKS", 5)
    book = openpyxl.load_workbook(written(tmp_path, records, "xlsx") / "report.xlsx")
    names = [name for name in book.sheetnames if name.startswith("问题清单")]
    assert len(names) > 2
    rows = [row for name in names for row in book[name].iter_rows(min_row=2, values_only=True)]
    assert [row[7] for row in rows] == [f["message"] for r in records for f in r["findings"]]
    assert all(len(book[name]._hyperlinks) <= 5 for name in names)


def test_more_rows_than_anyone_reads_are_counted_and_found_elsewhere(
    tmp_path, records, monkeypatch
):
    findings, indicators = (sum(len(r[key]) for r in records) for key in ("findings", "indicators"))
    assert findings < indicators
    monkeypatch.setattr(workbook, "MOST", indicators - 1)
    book = openpyxl.load_workbook(written(tmp_path, records, "xlsx") / "report.xlsx")
    assert book["问题清单"].max_row == 1 + findings
    assert book["指标"].max_row == 2
    assert f"{indicators:,}" in book["指标"]["A2"].value
    monkeypatch.setattr(workbook, "MOST", findings - 1)
    book = openpyxl.load_workbook(written(tmp_path, records, "xlsx") / "report.xlsx")
    assert book["问题清单"].max_row == 2
    assert "findings.csv" in book["问题清单"]["A2"].value
    assert book["汇总"].max_row == 3 + len(records)


def test_another_editions_columns_and_labels_get_their_place(tmp_path, records):
    other = json.loads(json.dumps(records[1]))
    other["indicators"][0] |= {"weight": "10", "operator": "≥"}
    other["balance"]["revenue"]["terms"].append(
        {"field": "upper", "label": "上级补助", "amount": "5", "cell": "C9", "adjust": False}
    )
    book = openpyxl.load_workbook(written(tmp_path, [records[0], other], "xlsx") / "report.xlsx")
    heads = [cell.value for cell in book["平衡"][1]]
    assert (
        heads.index("收入侧\n上级补助")
        < heads.index("收入侧\n合计")
        < heads.index("支出侧\n资金总额")
    )
    assert {"weight", "operator", "三级指标", "指标值及单位"} <= {
        cell.value for cell in book["指标"][1]
    }


def test_the_command_makes_the_reports_again(tmp_path, records):
    from click.testing import CliRunner

    from xltool.cli.report import report

    source = written(tmp_path / "旧", records, "json") / "report.json"
    result = CliRunner().invoke(
        report, [str(source), "-o", str(tmp_path / "新"), "--title", "二〇二四年审核"]
    )
    assert result.exit_code == 0, result.output
    assert (tmp_path / "新" / "report.json").read_bytes() == source.read_bytes()
    page = (tmp_path / "新" / "report.html").read_text("utf-8")
    assert "<h1>二〇二四年审核</h1>" in page
    # Links lead from the new reports to the files beside the old ones.
    assert "../%E6%97%A7/" in page
    result = CliRunner().invoke(report, [str(source), "-o", str(tmp_path / "另"), "--kind", "csv"])
    assert [p.name for p in (tmp_path / "另").iterdir()] == ["findings.csv"]
