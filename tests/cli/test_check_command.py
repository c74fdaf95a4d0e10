"""`xltool check` and `xltool balance`:
exit codes, what is shown, what is said of bad input, the JSON."""

import json
import os
import shutil
from pathlib import Path

import jsonschema
import msgspec
import pytest
from click.testing import CliRunner

import xltool.reading.reader
import xltool.reports
from tests.support.case import filing_of
from tests.support.seed import UNIT, seed_filing
from xltool import check as judge
from xltool import fill
from xltool.checks.results import StaleExplanation, check_result
from xltool.checks.settings import load_settings
from xltool.cli.check import balance, check
from xltool.errors import XltoolError
from xltool.reports import console

SCHEMA = json.loads(
    (Path(xltool.reports.__file__).parent / "schema" / "report.schema.json").read_text("utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@pytest.fixture(scope="module")
def workbooks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("申报")
    fill(seed_filing(), folder / "科工局.xlsx")
    fill(filing_of(), folder / "水利局.xlsx")
    fill(filing_of({"department": {"fund": "1190"}}), folder / "不平衡.xlsx")
    return folder


def run(command, *arguments):
    result = CliRunner().invoke(command, [str(a) for a in arguments], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result


def test_a_sound_filing_is_0_and_says_so(workbooks):
    result = run(check, workbooks / "水利局.xlsx")
    assert result.return_value == 0
    assert "通过：错误 0，核实 0，提示 0" in result.stdout
    assert "结论：平衡" in result.stdout


def test_an_error_is_1_and_stands_first(workbooks):
    result = run(check, workbooks / "不平衡.xlsx")
    assert result.return_value == 1
    assert "错误 T301" in result.stdout
    assert "1190.00" in result.stdout
    assert "\x1b[" not in result.stdout  # no colours where it is no terminal


def test_a_folder_is_walked_and_counted(workbooks, tmp_path):
    folder = tmp_path / "全部"
    shutil.copytree(workbooks, folder / "二级" / "三级")
    (folder / "~$科工局.xlsx").write_bytes(b"lock")
    (folder / "说明.txt").write_text("不是工作簿")
    result = run(check, folder)
    assert result.return_value == 1
    assert "共 3 份：" in result.stdout
    assert "跳过：" in result.stderr and "~$科工局.xlsx" in result.stderr


def test_findings_of_one_cell_stand_together(workbooks):
    text = run(check, workbooks / "科工局.xlsx").stdout.splitlines()
    start = text.index("  部门整体支出绩效目标表!F8")
    assert [line.split()[1] for line in text[start + 1 : start + 3]] == ["T304", "T303"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("空.xlsx", b""), ("乱.xlsx", b"PK\x03\x04 broken"), ("旧.xls", b"\xd0\xcf\x11\xe0")],
)
def test_a_file_that_is_no_workbook_is_a_finding(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    result = run(check, tmp_path / name, "--json")
    assert result.return_value == 1
    [only] = json.loads(result.stdout)["files"]
    assert [f["code"] for f in only["findings"]] == ["R101"]
    assert only["balance"] is None
    assert run(balance, tmp_path / name).return_value == 1


def test_a_workbook_of_another_edition_is_a_finding():
    filing = filing_of(
        {"without": ["department", "project"], "faults": [{"kind": "foreign", "detail": "不认识"}]}
    )
    unknown = type(filing)(edition="nowhere-1999", faults=filing.faults)
    assert [f.code for f in judge(unknown)] == ["R102"]
    assert check_result(unknown, judge(unknown)).verdict == "error"


@pytest.mark.parametrize("command", [check, balance])
def test_what_is_not_there_could_not_run(command, tmp_path):
    with pytest.raises(XltoolError, match=r"没有这个文件或文件夹：.*没有\.xlsx"):
        run(command, tmp_path / "没有.xlsx")
    with pytest.raises(XltoolError, match="文件夹里没有工作簿"):
        run(command, tmp_path)


def test_a_file_without_permission_is_2_and_the_rest_goes_on(workbooks, monkeypatch):
    opened = xltool.reading.reader.open_grid

    def guarded(path):
        if path.name == "水利局.xlsx":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path)

    monkeypatch.setattr(xltool.reading.reader, "open_grid", guarded)
    result = run(check, workbooks)
    assert result.return_value == 2
    assert "水利局.xlsx" in result.stderr
    assert "共 2 份" in result.stdout


def test_json_is_as_promised(workbooks):
    result = run(check, workbooks, "--json")
    whole = json.loads(result.stdout)
    VALIDATOR.validate(whole)
    files = {Path(f["file"]).name: f for f in whole["files"]}
    seed = files["科工局.xlsx"]
    assert (seed["unit"], seed["year"]) == (UNIT, 2023)
    assert seed["balance"]["spending"]["adjusted"] is True
    assert seed["balance"]["revenue"]["sum"] == "1245.61"
    assert {f["severity"] for f in seed["findings"]} <= {"error", "query", "note"}
    assert files["不平衡.xlsx"]["balance"]["verdict"] == "不平衡"


def test_the_schema_covers_every_kind_of_record():
    VALIDATOR.check_schema(SCHEMA)
    answered = filing_of(
        {"department": {"basic": "两千", "fund": "1190"}, "answers": {"X501|a|b|c": "已说明"}}
    )
    for filing in (
        answered,
        filing_of({"without": ["department"]}),
        filing_of({"without": ["project"]}),
    ):
        result = check_result(filing, judge(filing))
        VALIDATOR.validate({"files": [json.loads(msgspec.json.encode(result))]})
        assert list(console.lines(result))
    assert check_result(answered, judge(answered)).stale == (
        StaleExplanation("X501|a|b|c", "已说明"),
    )


def test_balance_is_written_out_and_judged(workbooks):
    seed = run(balance, workbooks / "科工局.xlsx")
    assert seed.return_value == 0
    assert "支出侧：基本支出 711.94 + 项目支出 523.67 + 非税支出 10.00 = 1245.61" in seed.stdout
    open_one = run(balance, workbooks / "不平衡.xlsx", "--json")
    assert open_one.return_value == 1
    assert json.loads(open_one.stdout)["files"][0]["balance"]["revenue"]["residual"] == "100"


def test_settings_are_read_again_when_they_change(tmp_path):
    file = tmp_path / "设置.toml"
    file.write_text("long_text_min = 20", "utf-8")
    assert load_settings(file).long_text_min == 20
    file.write_text("long_text_min = 30", "utf-8")
    os.utime(file, ns=(1, 1))  # two saves may fall on one tick of the clock
    assert load_settings(file).long_text_min == 30


def test_settings_switch_off_try_out_and_weigh(tmp_path, workbooks):
    file = tmp_path / "设置.toml"
    file.write_text('off = ["T303"]\ntrial = ["X501"]\nseverity = { T304 = "note" }\n', "utf-8")
    result = json.loads(run(check, workbooks / "科工局.xlsx", "--json", "--settings", file).stdout)
    found = {f["code"]: f for f in result["files"][0]["findings"]}
    assert "T303" not in found
    assert found["X501"]["trial"] is True
    assert found["T304"]["severity"] == "note"
    assert result["files"][0]["counts"]["trial"] == 1


def test_a_setting_that_names_no_rule_is_refused(tmp_path):
    settings = msgspec.structs.replace(load_settings(), off=("T30",))
    with pytest.raises(XltoolError, match="没有规则“T30”，是否想写“T30"):
        judge(filing_of(), settings=settings)


def test_last_year_that_can_not_be_read_could_not_run(tmp_path, workbooks):
    (tmp_path / "去年.xlsx").write_bytes(b"")
    with pytest.raises(XltoolError, match="上一年的申报读不了"):
        run(check, workbooks / "水利局.xlsx", "--last-year", tmp_path / "去年.xlsx")


def test_an_explained_query_is_no_longer_open():
    filing = filing_of({"project": {"own_budget": "800", "cost": []}})
    query = next(f for f in judge(filing) if f.code == "X501")
    answered = filing_of(
        {"project": {"own_budget": "800", "cost": []}, "answers": {query.key: "其余项目下月补报"}}
    )
    again = next(f for f in judge(answered) if f.code == "X501")
    assert (again.explanation, again.open) == ("其余项目下月补报", False)
    assert "说明：其余项目下月补报" in "\n".join(
        console.lines(check_result(answered, judge(answered)))
    )


def test_an_error_can_not_be_explained_away():
    filing = filing_of({"department": {"fund": "1190"}})
    error = next(f for f in judge(filing) if f.code == "T301")
    answered = filing_of({"department": {"fund": "1190"}, "answers": {error.key: "就是这样"}})
    assert check_result(answered, judge(answered)).verdict == "error"


def test_what_a_file_says_can_not_steer_the_terminal():
    filing = filing_of({"project": {"unit": "青山县\x1b[2J\u202e水务局"}})
    shown = "\n".join(console.lines(check_result(filing, judge(filing))))
    assert "\x1b[2J" not in shown and "\u202e" not in shown
