"""What comes late, twice, in another order, or is said anew: every reader tells the same of it."""

from __future__ import annotations

import datetime as dt
import io
import shutil

import msgspec
import pytest
from openpyxl import Workbook, load_workbook

from tests.support.campaign import EDITION, Bureau, answered, fill_in, nested, stamped, write_units
from tests.support.case import filing_of
from xltool.campaign.ledger.campaign_folder import open_campaign
from xltool.campaign.ledger.counting import Act
from xltool.campaign.ledger.unit_changes import leave
from xltool.campaign.returns.arrivals import arrival_lines
from xltool.campaign.returns.decisions import accept, history, send_back, undo, withdraw
from xltool.campaign.returns.notes import notes, write_notes
from xltool.campaign.returns.rejudgement import recheck
from xltool.campaign.returns.resubmission import compare, differences
from xltool.campaign.returns.status import status
from xltool.campaign.rollup.dashboard import dashboard
from xltool.campaign.units import read_unit_list
from xltool.model import Finding
from xltool.results_sheet.table import RESULTS_SHEET

OTHER = {"department.goal": "目标1：修好县内小型水库并通过县级验收。"}
QUERY = {"department.economic": [["销售收入", "≤1亿元"]]}
WRONG = {"department.basic": "1"}
DAY = 86400


@pytest.fixture
def bureau(tmp_path):
    return Bureau(tmp_path, 1, 1)


def explanations(bureau, code):
    [row, *_] = bureau.campaign.ledger.returns_of(code)
    findings = msgspec.json.decode(row["findings"], type=list[Finding])
    return [finding.explanation for finding in findings if finding.explanation]


def noted(bureau, **options):
    unit_notes = notes(bureau.campaign, **options)
    return write_notes(bureau.campaign, unit_notes, bureau.folder / "意见", "xlsx")


def test_an_older_version_collected_later_is_the_older_one_to_everybody(bureau):
    [code] = bureau.codes
    bureau.hand_in("1", {"新.xlsx": fill_in(bureau.sent[code])}, when=1.71e9)
    bureau.hand_in("2", {"旧.xlsx": fill_in(bureau.sent[code], WRONG)}, when=1.70e9)
    assert bureau.states()[code] == "通过" and notes(bureau.campaign) == []
    found = compare(bureau.campaign, code)
    assert (found.before["version"], found.after["version"]) == (2, 1)
    [unit] = dashboard(bureau.campaign)["units"]
    assert unit["chain"] == found.chain and found.chain[-1].endswith("采用")


@pytest.mark.parametrize("decide", [accept, withdraw])
def test_what_is_approved_or_taken_back_is_not_to_be_mended(bureau, decide):
    [code] = bureau.codes
    bureau.hand_in("1", {"a.xlsx": fill_in(bureau.sent[code])}, when=1.70e9)
    if decide is accept:
        accept(bureau.campaign, [code])
    bureau.hand_in("2", {"b.xlsx": fill_in(bureau.sent[code], WRONG)}, when=1.71e9)
    if decide is withdraw:
        withdraw(bureau.campaign, [code], "区里重审")
    assert notes(bureau.campaign) == []


def test_a_workbook_sent_again_is_said_anew_whatever_its_own_stamp(bureau):
    """A, B, A, each saved on its day: the third arrival is later than B, its stamp is not."""
    [code] = bureau.codes
    first = stamped(fill_in(bureau.sent[code]), "2024-01-02T01:00:00Z")
    second = stamped(fill_in(bureau.sent[code], OTHER), "2024-01-03T01:00:00Z")
    for number, data in enumerate((first, second, first)):
        bureau.hand_in(str(number), {"a.xlsx": data}, when=1_704_160_000 + number * DAY)
    assert bureau.counted() == {code: 1}
    assert any("分不出先后" in remark for remark in bureau.standing(code).remarks)


def test_an_older_copy_found_later_is_no_later_word(bureau):
    [code] = bureau.codes
    first, second = fill_in(bureau.sent[code]), fill_in(bureau.sent[code], OTHER)
    bureau.hand_in("1", {"a.xlsx": first}, when=1.70e9 + 10 * DAY)
    bureau.hand_in("2", {"a.xlsx": second}, when=1.70e9 + 5 * DAY)
    bureau.hand_in("3", {"旧.xlsx": first}, when=1.70e9)
    assert bureau.counted() == {code: 1}


def test_what_is_no_return_stands_with_a_unit_of_which_nothing_counts(bureau):
    [code] = bureau.codes
    bureau.hand_in("1", {"a.xlsx": fill_in(bureau.sent[code])}, when=1.70e9)
    assert bureau.standing(code).remarks == ()
    send_back(bureau.campaign, [code], "太笼统")
    late = {f"{code}_改正.docx": b"x"}
    for run in ("2", "3"):
        bureau.hand_in(run, late, when=1.71e9)
    assert bureau.standing(code).remarks == (
        "太笼统",
        f"收到“{code}_改正.docx”：不是 Excel 工作簿",
    )


def test_what_was_sent_back_and_comes_again_as_it_was_is_told(bureau):
    [code] = bureau.codes
    data = fill_in(bureau.sent[code])
    bureau.hand_in("1", {"a.xlsx": data}, when=1.70e9)
    send_back(bureau.campaign, [code], "太笼统")
    [receipt] = bureau.hand_in("2", {"a.xlsx": data}, when=1.71e9).receipts
    assert receipt.first.endswith("这一版已经退回") and bureau.states()[code] == "退回"
    result = bureau.hand_in("3", {"a.xlsx": stamped(data, "2024-04-05T01:00:00Z")}, when=1.72e9)
    assert result.unchanged == {code: 1}
    assert "第 2 版与退回的第 1 版内容相同，没有改" in bureau.standing(code).remarks
    accept(bureau.campaign, [code])
    assert bureau.standing(code).remarks == ()


def test_the_day_on_which_it_came_is_told_and_the_earliest_copy_says_whether_it_is_late(tmp_path):
    bureau = Bureau(tmp_path, 1, 1, deadline="2024-01-20")
    [code] = bureau.codes
    data = fill_in(bureau.sent[code])
    bureau.hand_in("1", {"a.xlsx": data}, received=dt.date(2024, 1, 25))
    assert bureau.standing(code).late
    [receipt] = bureau.hand_in("1", {}, received=dt.date(2024, 1, 10)).receipts
    assert receipt.first == "先前收过，收到的日子仍是 2024-01-25"
    bureau.hand_in("2", {"邮件里的.xlsx": data}, when=1_705_000_000)  # 2024-01-11
    assert not bureau.standing(code).late


def test_the_log_tells_a_copy_from_a_version(bureau):
    [code] = bureau.codes
    data = fill_in(bureau.sent[code])
    bureau.hand_in("1", {"a.xlsx": data}, when=1.70e9)
    bureau.hand_in("2", {"抄.xlsx": data}, when=1.70e9)
    events = [line.what for line in history(bureau.campaign, code)]
    assert sum(event.startswith("报来第 1 版") for event in events) == 1
    assert sum(event.startswith("又收到第 1 版的一份") for event in events) == 1


def test_the_last_explanation_holds_whichever_note_was_opened_first(bureau):
    [code] = bureau.codes
    bureau.hand_in("1", {"a.xlsx": fill_in(bureau.sent[code], QUERY)}, when=1.70e9)
    [path] = noted(bureau, queries=True)
    early = stamped(answered(path, "先说的"), "2024-03-08T01:00:00Z")
    late = stamped(answered(path, "后说的"), "2024-07-02T01:00:00Z")
    bureau.hand_in("2", {"a.xlsx": late}, when=1.72e9)
    bureau.hand_in("3", {"a.xlsx": early}, when=1.71e9)
    assert explanations(bureau, code) == ["后说的"]
    bureau.hand_in("4", {"a.xlsx": early}, when=1.73e9)
    assert explanations(bureau, code) == ["先说的"]
    send_back(bureau.campaign, [code], "说明不成立")
    bureau.hand_in("5", {"抄.xlsx": early}, when=1.73e9)  # a copy says nothing anew
    assert bureau.states()[code] == "退回"


def test_an_answer_may_be_older_on_the_disk_than_the_return_that_it_is_about(bureau):
    [code] = bureau.codes
    data = fill_in(bureau.sent[code], QUERY)
    bureau.campaign.ledger.close()
    shutil.copytree(bureau.campaign.folder, bureau.folder / "备份")
    bureau.campaign = open_campaign(bureau.campaign.folder)
    bureau.hand_in("1", {"a.xlsx": data}, when=1.72e9)
    [path] = noted(bureau, queries=True)
    bureau.campaign = open_campaign(bureau.folder / "备份")  # a ledger from before all that
    note = {"答.xlsx": answered(path, "任务书如此")}
    assert bureau.hand_in("2", note, when=1.71e9).problems == [("2/答.xlsx", "别的批次的退回意见")]
    bureau.hand_in("1", {})
    bureau.hand_in("2", {})
    assert bureau.states()[code] == "待核准"
    send_back(bureau.campaign, [code], "说明不成立")
    bureau.hand_in("2", {})  # taken in already: not said anew
    assert bureau.states()[code] == "退回"
    assert [line[3] for line in arrival_lines(bureau.campaign) if "答" in line[1]] == [
        "对第 1 版退回意见的书面说明"
    ]


def test_return_and_answer_in_one_folder_in_any_order(bureau):
    [code] = bureau.codes
    bureau.campaign.ledger.close()
    shutil.copytree(bureau.campaign.folder, bureau.folder / "备份")
    bureau.campaign = open_campaign(bureau.campaign.folder)
    bureau.hand_in("都", {"z.xlsx": fill_in(bureau.sent[code], QUERY)}, when=1.72e9)
    [path] = noted(bureau, queries=True)
    bureau.campaign = open_campaign(bureau.folder / "备份")
    result = bureau.hand_in("都", {"a.xlsx": answered(path, "任务书如此")}, when=1.71e9)
    assert result.problems == [] and bureau.states()[code] == "待核准"


def test_what_becomes_of_an_answer_is_told(bureau):
    [code] = bureau.codes
    bureau.hand_in("1", {"a.xlsx": fill_in(bureau.sent[code], WRONG)}, when=1.70e9)
    [path] = noted(bureau)
    [receipt] = bureau.hand_in("2", {"答.xlsx": answered(path, "特殊情况")}, when=1.71e9).receipts
    assert "是错误，说明不起作用，要改正后重报" in receipt.first
    bureau.hand_in("3", {"b.xlsx": fill_in(bureau.sent[code])}, when=1.72e9)
    later = answered(path, "还是特殊")
    [receipt] = bureau.hand_in("4", {"答.xlsx": later}, when=1.73e9).receipts
    assert receipt.first.endswith("后来又报了第 2 版，这些说明不算在它上面")
    assert bureau.states()[code] == "通过"


def test_what_is_written_on_a_note_beside_the_answers_is_told(bureau):
    [code] = bureau.codes
    bureau.hand_in("1", {"a.xlsx": fill_in(bureau.sent[code], QUERY)}, when=1.70e9)
    send_back(bureau.campaign, [code], "请说明")
    [path] = noted(bureau, queries=True)
    for name, answer in (("只写在外.xlsx", ""), ("都写.xlsx", "任务书如此")):
        book = load_workbook(io.BytesIO(answered(path, answer)))
        sheet = book["退回意见"]
        sheet.cell(sheet.max_row + 2, 6).value = "已经电话说过"
        out = io.BytesIO()
        book.save(out)
        result = bureau.hand_in(name, {name: out.getvalue()})
        [receipt] = result.receipts
        told = receipt.first or result.problems[0][1]
        assert "写在“说明”栏以外的 1 处没有读：“已经电话说过”" in told
    assert explanations(bureau, code) == ["任务书如此"]


def test_explanations_are_compared_too(bureau):
    [code] = bureau.codes
    bureau.hand_in("1", {"a.xlsx": fill_in(bureau.sent[code], QUERY)}, when=1.70e9)
    [path] = write_notes(
        bureau.campaign, notes(bureau.campaign, queries=True), bureau.folder / "标", "workbook"
    )
    bureau.hand_in("2", {"b.xlsx": answered(path, "任务书如此", RESULTS_SHEET)}, when=1.71e9)
    [change] = compare(bureau.campaign, code).changes
    assert (change.sheet, change.before, change.after) == (RESULTS_SHEET, "", "任务书如此")


def test_a_note_on_one_file_under_many_names_is_answered_by_whom_it_was_sent_to(tmp_path):
    bureau = Bureau(tmp_path, 1, 3)
    table = io.BytesIO()
    book = Workbook()
    book.active.append(["单位", "金额"])
    book.save(table)
    bureau.hand_in("1", {f"{code}_报表.xlsx": table.getvalue() for code in bureau.codes})
    paths = noted(bureau)
    last = bureau.codes[-1]
    [receipt] = bureau.hand_in("2", {"答.xlsx": answered(paths[-1], "没有 Excel")}).receipts
    assert receipt.unit == last
    told = {code: arrival_lines(bureau.campaign, code) for code in bureau.codes}
    assert [code for code, lines in told.items() if any("答" in line[1] for line in lines)] == [
        last
    ]
    assert not any("第 0 版" in text for line in told[last] for text in line)
    assert not any("第 0 版" in line.what for line in history(bureau.campaign))


@pytest.mark.parametrize("again", ["collect", "recheck"])
def test_a_unit_that_came_onto_the_list_later_gets_what_it_returned_before(tmp_path, again):
    """The ledger was restored to before the unit was added and sent its workbook."""
    bureau = Bureau(tmp_path, 1, 2)
    folder, code = bureau.campaign.folder, "0001009"
    bureau.campaign.ledger.close()
    shutil.copytree(folder, tmp_path / "备份")
    row = [code, "第1区第9局", "第1区", "主管1", "甲", "1400.5", "600", "1009.09"]
    path = write_units(tmp_path / "名单.xlsx", [*bureau.rows, row])

    def add():
        units = read_unit_list(path, bureau.campaign.edition).units
        with bureau.campaign.ledger.transaction():
            bureau.campaign.ledger.put_units(units)
        return bureau.distribute()[code]

    bureau.campaign = open_campaign(folder)
    data = fill_in(add())
    bureau.campaign = open_campaign(tmp_path / "备份")
    [receipt] = bureau.hand_in("1", {"x.xlsx": data}, when=1.70e9).receipts
    assert receipt.kind == "unlisted" and len(status(bureau.campaign).strays) == 1
    assert bureau.hand_in("1", {}).counts() == {"重复": 1}
    add()
    if again == "recheck":
        [changed] = recheck(bureau.campaign)
        assert (changed.unit, changed.version, changed.after) == (code, 1, "通过")
    else:
        [receipt] = bureau.hand_in("1", {}).receipts
        assert (receipt.outcome, receipt.unit, receipt.version) == ("收下", code, 1)
    assert bureau.counted() == {code: 1} and status(bureau.campaign).strays == []
    bureau.hand_in("2", {"y.xlsx": data}, when=1.70e9 + DAY)
    assert bureau.standing(code).versions == 1


def test_projects_of_one_name_are_compared_one_by_one(bureau):
    def filing(first):
        return filing_of(nested({"project.filer": first, "project2.filer": "乙"}))

    [change] = differences(filing("甲"), filing("改过"), EDITION)
    assert (change.before, change.after) == ("甲", "改过")


def test_an_older_copy_brings_nothing_back_that_was_withdrawn(bureau):
    [code] = bureau.codes
    data = fill_in(bureau.sent[code])
    bureau.hand_in("1", {"a.xlsx": data}, when=1.70e9 + 5 * DAY)
    withdraw(bureau.campaign, [code], "区里重审")
    bureau.hand_in("2", {"旧.xlsx": data}, when=1.70e9)
    assert bureau.counted() == {}
    bureau.hand_in("3", {"旧.xlsx": data}, when=1.70e9 + DAY, received=dt.date(2024, 3, 1))
    assert bureau.counted() == {code: 1}  # the clerk says that it came that day


@pytest.mark.parametrize(
    ("decide", "words"),
    [
        (lambda bureau, code: accept(bureau.campaign, [code], note="同意"), "已经核准"),
        (lambda bureau, code: withdraw(bureau.campaign, [code], "撤"), "已经撤回"),
        (lambda bureau, code: leave(bureau.campaign, Act.EXEMPT, [code], "无"), "已经撤销、免报"),
        (lambda bureau, code: bureau.change(code, general="600.00"), "旧版工作簿"),
    ],
)
def test_an_answer_that_comes_too_late_is_told(bureau, decide, words):
    [code] = bureau.codes
    bureau.hand_in("1", {"a.xlsx": fill_in(bureau.sent[code], QUERY)}, when=1.70e9)
    [path] = noted(bureau, queries=True)
    undo(bureau.campaign)
    decide(bureau, code)
    before = bureau.states()
    [receipt] = bureau.hand_in("2", {"答.xlsx": answered(path, "任务书如此")}).receipts
    assert words in receipt.first and bureau.states() == before
