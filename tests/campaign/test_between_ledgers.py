"""What a command says of the step that comes next, in another ledger or with another person."""

from __future__ import annotations

import zipfile

import pytest
from openpyxl import load_workbook

from tests.support.campaign import Bureau, answered, fill_in, write_units
from xltool.campaign.ledger.counting import Act
from xltool.campaign.ledger.unit_changes import leave
from xltool.campaign.returns.decisions import accept
from xltool.campaign.sealing.parcel import PAGE
from xltool.campaign.sending.branch import new_branch, own_fingerprint
from xltool.cli import main

WRONG = {"department.total": "5"}
QUERY = {"department.goal": "目标1：做好工作。"}


@pytest.fixture
def bureau(tmp_path):
    return Bureau(tmp_path, 2, 2)


@pytest.fixture
def district(bureau, tmp_path):
    return new_branch(tmp_path / "第1区台账", bureau.parcel())


@pytest.fixture
def told(capsys):
    """Run a command in a campaign; its exit code and what it said."""

    def run(campaign, *args):
        capsys.readouterr()
        code = main([*args, "--campaign", str(campaign.folder)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def test_submit_counts_the_units_that_owe_as_all_others_do(bureau, told, tmp_path):
    first, second, *_ = bureau.codes
    bureau.hand_in("一", {"a.xlsx": fill_in(bureau.sent[first])})
    leave(bureau.campaign, Act.ABOLISH, [second], "撤销")
    assert (
        "上报 1 / 3 个单位"
        in told(bureau.campaign, "campaign", "submit", "-o", str(tmp_path / "报.zip"))[1]
    )
    assert "汇总 1 / 3 个单位" in told(bureau.campaign, "rollup")[1]


def test_notes_of_the_morning_are_not_sent_to_who_has_mended(bureau, told):
    first, second, *_ = bureau.codes
    wrong = {f"{code}.xlsx": fill_in(bureau.sent[code], WRONG) for code in (first, second)}
    bureau.hand_in("一", wrong, 1.7e9)
    assert "先前的退回意见" not in told(bureau.campaign, "campaign", "notes")[1]
    bureau.hand_in("二", {"a.xlsx": fill_in(bureau.sent[first])}, 1.7e9 + 1e5)
    _, said = told(bureau.campaign, "campaign", "notes")
    assert "写出 1 份退回意见" in said
    assert "另有 1 份先前的退回意见" in said and f"{first}_第1区第1局_退回意见.html" in said
    # One unit's alone, or nothing more to write: the folder lies there all the same.
    assert "先前的" not in told(bureau.campaign, "campaign", "notes", second)[1]
    bureau.hand_in("三", {"b.xlsx": fill_in(bureau.sent[second])}, 1.7e9 + 2e5)
    _, said = told(bureau.campaign, "campaign", "notes")
    assert "没有要退回的单位" in said and "另有 2 份先前的退回意见" in said


def test_notes_with_queries_stay_when_those_with_errors_are_written_again(bureau, told):
    first, second, *_ = bureau.codes
    query = fill_in(bureau.sent[first], {"department.general": "1.01"})
    bureau.hand_in("一", {"a.xlsx": query, "b.xlsx": fill_in(bureau.sent[second], WRONG)})
    assert "写出 2" in told(bureau.campaign, "campaign", "notes", "--queries")[1]
    assert "先前的" not in told(bureau.campaign, "campaign", "notes")[1]


def test_a_parcel_sent_again_has_the_page_that_is_asked_for(bureau, told, monkeypatch, tmp_path):
    monkeypatch.setattr("xltool.cli.returns._page", lambda *_: b"<html>")
    again = bureau.campaign.folder / "下发" / "再发" / "第1区.zip"
    for options, there in ((["--page"], True), ([], False)):
        assert (
            told(bureau.campaign, "distribute", "--again", "--district", "第1区", *options)[0] == 0
        )
        assert (PAGE in zipfile.ZipFile(again).namelist()) is there


def test_a_district_passes_on_what_is_named_and_no_page_of_its_own(district, told):
    code, said = told(district, "distribute", "--district", "没有")
    assert code == 2 and "名单里没有区县“没有”" in said
    code, said = told(district, "distribute", "--page")
    assert code == 2 and "xltool page" in said
    assert not (district.folder / "下发").exists()
    code, said = told(district, "distribute", "--district", "第1区")
    assert code == 0 and "下发 2 个单位" in said


def test_a_new_last_day_of_what_is_out_has_to_be_sent_again(bureau, told):
    extend = ["campaign", "extend", "2024-02-01", "--district", "第1区", "--reason", "雪"]
    assert "xltool distribute --again" in told(bureau.campaign, *extend)[1]
    assert "--again" not in told(bureau.campaign, *extend)[1]  # the same day once more


def test_the_district_of_a_unit_that_leaves_has_to_be_told(bureau, district, told):
    first, second, *_ = bureau.codes
    why = ["--reason", "并"]
    asked = "自己建了台账的区县请通知它"
    _, said = told(bureau.campaign, "campaign", "merge", first, second, *why)
    assert f"下发给过 第1区，{asked}" in said
    assert asked in told(bureau.campaign, "campaign", "exempt", second, *why)[1]
    assert asked not in told(bureau.campaign, "campaign", "restore", second, *why)[1]
    assert asked not in told(district, "campaign", "exempt", second, *why)[1]


def test_who_lacks_a_filing_of_last_year_is_named(bureau, told, tmp_path):
    first, *lacking = bureau.codes
    last = {"department.year": "2023", "project.year": "2023"}
    before = tmp_path / "去年"
    before.mkdir()
    (before / f"{first}.xlsx").write_bytes(fill_in(bureau.sent[first], last))
    _, said = told(bureau.campaign, "campaign", "last-year", str(before))
    assert f"3 个单位没有（{'、'.join(lacking)}）" in said


def test_a_plain_letter_says_where_its_template_lies(bureau, told):
    first = bureau.codes[0]
    bureau.hand_in("一", {"a.xlsx": fill_in(bureau.sent[first])})
    accept(bureau.campaign, [first], note="同意")
    assert "放在 批复模板.docx" in told(bureau.campaign, "campaign", "letters")[1]
    assert "批复模板.docx" not in told(bureau.campaign, "campaign", "letters")[1]


def test_a_question_takes_out_of_the_total_what_counted_and_says_so(bureau, told, tmp_path):
    first, second, *_ = bureau.codes
    query = fill_in(bureau.sent[first], QUERY)
    bureau.hand_in("一", {"a.xlsx": query, "b.xlsx": fill_in(bureau.sent[second], WRONG)})
    assert bureau.states()[first] == "待核实"
    asking = ["campaign", "notes", "--queries", "--format", "xlsx"]
    assert "其中 1 个单位原来计入的随之退回" in told(bureau.campaign, *asking)[1]
    assert "原来计入" not in told(bureau.campaign, *asking)[1]
    [note] = bureau.campaign.folder.glob(f"退回意见/*/*/{first}_*.xlsx")
    bureau.hand_in("二", {note.name: answered(note, "属实")})
    passing = ["campaign", "submit", "-o", str(tmp_path / "报.zip")]
    assert f"1 个单位（{first}）写在退回意见上的说明不在包里" in told(bureau.campaign, *passing)[1]


def test_a_district_is_approved_a_second_time_without_an_error(bureau, told):
    approve = ["campaign", "accept", "--district", "第1区"]
    first, second, *_ = bureau.codes
    assert told(bureau.campaign, *approve)[0] == 2  # nothing came yet
    bureau.hand_in("一", {"a.xlsx": fill_in(bureau.sent[first])})
    assert told(bureau.campaign, *approve)[0] == 0
    code, said = told(bureau.campaign, *approve)
    assert code == 0 and "没有状态是通过、待核准的单位：已核准 1 个，另有 1 个没有动" in said
    leave(bureau.campaign, Act.ABOLISH, [second], "撤销")
    assert told(bureau.campaign, *approve) == (
        0,
        "“第1区”没有状态是通过、待核准的单位：已核准 1 个\n",
    )


def test_a_district_passes_nothing_on_to_who_left(bureau, district, told):
    first, *_ = bureau.codes
    leave(district, Act.EXEMPT, [first], "免报")
    assert "下发 1 个单位" in told(district, "distribute")[1]
    assert "没有变动的 1 个单位" in told(district, "distribute")[1]
    leave(district, Act.RESTORE, [first], "弄错了")
    assert "下发 1 个单位" in told(district, "distribute")[1]


def test_a_parcel_of_another_year_is_called_what_it_says_it_is(district, told, tmp_path):
    (tmp_path / "去年").mkdir()
    before = Bureau(tmp_path / "去年", 2, 2, year=2023)
    parcel = before.campaign.folder / "下发" / "第1批" / "第1区.zip"
    code, said = told(district, "campaign", "receive", str(parcel))
    assert code == 2 and "包上写的是“批次”（2023 年）第1区" in "".join(said.splitlines())


def test_undoing_a_reopening_after_a_new_workbook_went_out_is_said_to_be_vain(bureau, told):
    first = bureau.codes[0]
    bureau.hand_in("一", {"a.xlsx": fill_in(bureau.sent[first])})
    accept(bureau.campaign, [first], note="同意")
    reopening = ["campaign", "reopen", first, "--reason", "改名"]
    told(bureau.campaign, *reopening)
    assert "不再有效" not in told(bureau.campaign, "campaign", "undo")[1]
    told(bureau.campaign, *reopening)
    bureau.change(first, general="77.00")
    assert (
        f"先前的核准不再有效，要等重报：{first}"
        in told(bureau.campaign, "campaign", "undo", first)[1]
    )
    assert bureau.states()[first] == "未报"


def test_lists_of_units_call_no_district_as_the_tables_do(bureau, told, tmp_path):
    bureau.change(bureau.codes[0], district="")
    chase = tmp_path / "催.xlsx"
    _, said = told(bureau.campaign, "status", "--by-unit", "--chase", str(chase))
    assert said.count("未分区县") == 1
    sheet = load_workbook(chase).active
    assert [row[0].value for row in sheet.iter_rows()].count("未分区县") == 1


def test_a_version_that_the_district_does_not_know_counts_on_and_is_named(bureau, district, told):
    first = bureau.codes[0]
    folder = bureau.folder
    (folder / "一.xlsx").write_bytes(fill_in(bureau.sent[first]))
    told(district, "collect", str(folder / "一.xlsx"))
    told(district, "campaign", "submit", "-o", str(folder / "一.zip"))
    told(bureau.campaign, "collect", str(folder / "一.zip"))
    told(district, "campaign", "withdraw", first, "--reason", "重审")
    told(district, "campaign", "submit", "-o", str(folder / "二.zip"))
    bureau.hand_in("直接", {"b.xlsx": fill_in(bureau.sent[first], QUERY)})
    trusted = ["--trust", own_fingerprint(district)]
    _, said = told(bureau.campaign, "collect", str(folder / "二.zip"), *trusted)
    assert f"区县撤回 1 个单位：{first}" in said
    assert f"{first} 第1区第1局：另报过的第 2 版没有撤回，以它为准" in said


def test_a_change_that_units_have_to_get_says_how(bureau, told, tmp_path):
    first = bureau.codes[0]
    rename = ["campaign", "rename", first, "新名局", "--reason", "改"]
    step = "再运行 xltool distribute"
    assert step not in told(bureau.campaign, *rename, "--dry-run")[1]
    assert step in told(bureau.campaign, *rename)[1]
    assert step not in told(bureau.campaign, *rename)[1]  # it is called so already
    contact = write_units(tmp_path / "人.xlsx", [[first, "乙"]], ["部门编码", "联系人"])
    _, said = told(bureau.campaign, "campaign", "update", str(contact))
    assert "1 个有变动" in said and step not in said
