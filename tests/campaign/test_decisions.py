"""Somebody decides and answers for it:
approved, sent back, reopened, taken back, undone, all on record."""

from __future__ import annotations

import pytest
from openpyxl import load_workbook

from tests.support.campaign import Bureau, fill_in, stamped
from xltool.campaign.ledger.counting import Act
from xltool.campaign.ledger.unit_changes import leave
from xltool.campaign.returns.decisions import accept, history, reopen, send_back, undo, withdraw
from xltool.campaign.returns.notes import notes, write_notes
from xltool.campaign.returns.rejudgement import choose
from xltool.campaign.returns.status import chase_text, status
from xltool.cli import main
from xltool.errors import XltoolError

QUERY = {"department.economic": [["销售收入", "≤1亿元"]]}
OTHER = {"department.goal": "目标1：修好县内小型水库并通过县级验收。"}


@pytest.fixture
def bureau(tmp_path):
    bureau = Bureau(tmp_path, 1, 4)
    good, asked, wrong, _ = bureau.codes
    files = {
        "a.xlsx": fill_in(bureau.sent[good]),
        "b.xlsx": fill_in(bureau.sent[asked], QUERY),
        "c.xlsx": fill_in(bureau.sent[wrong], {"department.basic": "1"}),
    }
    bureau.hand_in("1", files, when=1.7e9)
    return bureau


def test_what_is_approved_is_locked_until_it_is_reopened(bureau):
    good = bureau.codes[0]
    accept(bureau.campaign, [good], grade="优", note="同意")
    assert bureau.states()[good] == "核准"
    bureau.hand_in("2", {"a.xlsx": fill_in(bureau.sent[good], OTHER)}, when=1.71e9)
    assert bureau.counted()[good] == 1 and bureau.states()[good] == "核准"
    assert "第 2 版没有采用" in bureau.standing(good).remarks[0]
    for act in (lambda: choose(bureau.campaign, good, 2), lambda: send_back(bureau.campaign, [good], "改"),
                lambda: withdraw(bureau.campaign, [good], "改")):  # fmt: skip
        with pytest.raises(XltoolError, match="reopen"):
            act()
    # Another known amount doesn't void the approval behind anybody's back.
    assert bureau.change(good, general="600.00") == {}
    assert bureau.states()[good] == "核准"
    with pytest.raises(XltoolError, match="--reason"):
        reopen(bureau.campaign, [good], "")
    reopen(bureau.campaign, [good], "预算调整")
    assert bureau.counted()[good] == 2
    assert set(bureau.distribute()) == {good} and good not in bureau.counted()


def test_open_queries_are_approved_only_with_a_note_and_all_or_none(bureau):
    good, asked, wrong, absent = bureau.codes
    with pytest.raises(XltoolError, match="1 处待核实没有说明"):
        accept(bureau.campaign, [good, asked])
    assert bureau.states()[good] == "通过"
    for code in (wrong, absent):
        with pytest.raises(XltoolError, match="还没有计入"):
            accept(bureau.campaign, [good, code])
    [decided] = accept(bureau.campaign, [asked], note="已电话核实")
    assert decided.open_queries and bureau.states()[asked] == "核准"


def test_sent_back_needs_a_comment_and_is_chased(bureau):
    good = bureau.codes[0]
    with pytest.raises(XltoolError, match="--note"):
        send_back(bureau.campaign, [good], " ")
    send_back(bureau.campaign, [good], "目标写得太笼统")
    standing = bureau.standing(good)
    assert (standing.state, standing.remarks) == ("退回", ("目标写得太笼统",))
    assert good not in bureau.counted()
    bureau.hand_in("2", {"a.xlsx": fill_in(bureau.sent[good], OTHER)}, when=1.71e9)
    assert bureau.states()[good] == "通过"  # asked for: no question which counts


def test_undo_takes_back_the_last_command_and_is_itself_on_record(bureau):
    good, asked, *_ = bureau.codes
    bureau.campaign.ledger.author = "李科"
    accept(bureau.campaign, [good, asked], note="批量")
    assert [d.unit for d in undo(bureau.campaign, reason="点错了")] == [good, asked]
    assert bureau.states()[good] == "通过" and bureau.states()[asked] == "待核实"
    said = [(line.author, line.what) for line in history(bureau.campaign)]
    assert said[-3:] == [("李科", "核准第 1 版（已撤销）")] * 2 + [
        ("李科", "撤销上一步：核准 0001001、核准 0001002")
    ]
    with pytest.raises(XltoolError, match="没有可以撤销"):
        undo(bureau.campaign)


def test_choosing_today_keeps_what_was_chosen_before(bureau):
    good = bureau.codes[0]
    bureau.hand_in("2", {"a.xlsx": fill_in(bureau.sent[good], OTHER)}, when=1.71e9)
    for version, reason in ((1, "盖章件"), (2, "局长来电")):
        choose(bureau.campaign, good, version, reason)
    assert [
        line.why for line in history(bureau.campaign, good) if line.what.startswith("选定")
    ] == ["盖章件", "局长来电"]
    undo(bureau.campaign, good)
    assert bureau.counted()[good] == 1


def test_a_district_takes_back_what_it_submitted(bureau):
    good, asked, *_ = bureau.codes
    withdraw(bureau.campaign, [good, asked], "区里要重审")
    assert bureau.counted() == {} and bureau.states()[good] == "未报"
    assert "撤回" in bureau.standing(good).remarks[0]
    bureau.hand_in("2", {"a.xlsx": fill_in(bureau.sent[good])}, when=1.72e9)  # the same, sent again
    assert bureau.counted() == {good: 1}


def test_the_commands(bureau, monkeypatch, capsys):
    monkeypatch.chdir(bureau.campaign.folder)
    good, asked, *_ = bureau.codes
    assert (
        main(["campaign", "accept", "--district", "第1区", "--grade", "良", "--by", "王科长"]) == 0
    )
    assert "核准 1 个单位，审核意见：良" in capsys.readouterr().out
    assert main(["campaign", "accept"]) == 2
    assert main(["campaign", "accept", asked, "--note", "已核实"]) == 0
    assert main(["campaign", "undo"]) == 0
    assert main(["campaign", "return", "--state", "待核实", "--note", "请说明销售收入"]) == 0
    assert "退回 1 个单位" in capsys.readouterr().out
    assert main(["campaign", "return", asked]) == 2
    capsys.readouterr()
    assert main(["campaign", "log"]) == 0
    out = capsys.readouterr().out
    assert "王科长" in out and "核准第 1 版 良" in out and "请说明销售收入" in out
    assert main(["campaign", "undo", "--reason", "再看看"]) == 0
    assert "退回" in capsys.readouterr().out
    assert main(["campaign", "log", good]) == 0
    assert "报来第 1 版" in capsys.readouterr().out
    assert main(["campaign", "log", "--arrivals"]) == 0
    assert "a.xlsx" in capsys.readouterr().out
    assert main(["campaign", "reopen", good, "--reason", "改数"]) == 0
    assert main(["campaign", "withdraw", good, "--reason", "改数"]) == 0


def test_nobody_to_decide_of_is_said_with_the_states_that_can_be(bureau, capsys, monkeypatch):
    monkeypatch.chdir(bureau.campaign.folder)
    assert main(["campaign", "accept", "--district", "第1区"]) == 0
    assert main(["campaign", "accept", "--district", "第1区"]) == 0  # may be run again
    assert "“第1区”没有状态是通过、待核准的单位" in capsys.readouterr().out
    assert (
        main(["campaign", "return", "--district", "第1区", "--note", "x", "--state", "通过"]) == 2
    )
    assert "“第1区”没有状态是通过的单位" in capsys.readouterr().err
    assert main(["campaign", "accept", "--district", "没有的区"]) == 2
    assert "名单里没有区县“没有的区”" in capsys.readouterr().err


def test_no_note_to_write_is_said(bureau, capsys, monkeypatch):
    monkeypatch.chdir(bureau.campaign.folder)
    assert main(["campaign", "notes", bureau.codes[0]]) == 0
    assert "没有要退回的单位" in capsys.readouterr().out


def test_what_nobody_returned_or_is_withdrawn_is_not_withdrawn(bureau):
    good, returned = bureau.codes[0], {row["unit"] for row in bureau.campaign.ledger.returns()}
    nobody = next(code for code in bureau.codes if code not in returned)
    with pytest.raises(XltoolError, match="没有报过"):
        withdraw(bureau.campaign, [nobody], "x")
    withdraw(bureau.campaign, [good], "重审")
    with pytest.raises(XltoolError, match="都已经撤回"):
        withdraw(bureau.campaign, [good], "重审")


def test_sent_back_a_second_time_in_the_same_words_is_one_decision(bureau):
    good = bureau.codes[0]
    send_back(bureau.campaign, [good], "目标太笼统")
    deeds = bureau.campaign.ledger.deeds()
    assert [one.version for one in send_back(bureau.campaign, [good], "目标太笼统")] == [1]
    assert bureau.campaign.ledger.deeds() == deeds
    send_back(bureau.campaign, [good], "还有指标")
    assert len(bureau.campaign.ledger.deeds()) == len(deeds) + 1
    undo(bureau.campaign, good)
    assert any(line.what.startswith("撤销上一步：退回") for line in history(bureau.campaign, good))


def test_the_words_with_which_it_was_sent_back_reach_the_unit_and_stay(bureau):
    """`return` tells to write them with `notes`: also where the forms themselves are in order."""
    good = bureau.codes[0]
    send_back(bureau.campaign, [good], "目标写得太笼统")
    for form in ("html", "xlsx", "workbook"):
        [note] = notes(bureau.campaign, [good])
        assert (note.unit.code, note.comment, note.findings) == (good, "目标写得太笼统", [])
        [path] = write_notes(bureau.campaign, [note], bureau.folder / "意见", form)
        if form == "html":
            text = path.read_text("utf-8")
            assert "处错误" not in text
        else:
            cells = [cell for sheet in load_workbook(path) for row in sheet for cell in row]
            text = "".join(str(cell.value) for cell in cells if cell.value)
        assert "退回" in text and "目标写得太笼统" in text and "|||" not in text
        standing = bureau.standing(good)
        assert (standing.state, standing.remarks) == ("退回", ("目标写得太笼统",))
    assert len(list((bureau.folder / "意见").rglob("*_退回意见*"))) == 3
    bureau.hand_in("2", {"a.xlsx": fill_in(bureau.sent[good], OTHER)}, when=1.71e9)
    assert bureau.states()[good] == "通过" and notes(bureau.campaign, [good]) == []


def test_sent_back_while_a_later_wrong_version_is_there(bureau):
    good = bureau.codes[0]
    wrong = fill_in(bureau.sent[good], {"department.basic": "1"})
    bureau.hand_in("2", {"a.xlsx": wrong}, when=1.71e9)
    send_back(bureau.campaign, [good], "目标太笼统")
    assert bureau.standing(good).state == "退回"
    assert "目标太笼统" in chase_text(bureau.campaign, status(bureau.campaign))
    [note] = notes(bureau.campaign, [good])
    assert (note.version, note.comment, note.errors > 0) == (2, "目标太笼统", True)
    bureau.hand_in("3", {"a.xlsx": stamped(wrong, "2024-05-05T01:00:00Z")}, when=1.72e9)
    assert bureau.standing(good).state == "有错误"
    withdraw(bureau.campaign, [good], "区里重审")
    assert bureau.standing(good).state == "未报"


def test_what_was_chosen_under_anothers_name_can_be_taken_back_and_sent_back(bureau):
    other, _, _, code = bureau.codes
    bureau.hand_in("2", {f"{other}_第1区第1局.xlsx": fill_in(bureau.sent[code])}, when=1.71e9)
    choose(bureau.campaign, code, 1)
    send_back(bureau.campaign, [code], "盖章件呢")
    assert (bureau.standing(code).state, bureau.standing(code).remarks[0]) == ("退回", "盖章件呢")
    assert [n.comment for n in notes(bureau.campaign, [code])] == ["盖章件呢"]
    undo(bureau.campaign, code)
    assert bureau.counted()[code] == 1
    withdraw(bureau.campaign, [code], "弄错了")
    assert code not in bureau.counted()


def test_nothing_is_decided_on_a_unit_that_owes_nothing(bureau):
    good = bureau.codes[0]
    send_back(bureau.campaign, [good], "太笼统")
    leave(bureau.campaign, Act.EXEMPT, [good], "无预算")
    assert notes(bureau.campaign, [good]) == []
    deeds = bureau.campaign.ledger.deeds()
    for decide in (
        lambda: choose(bureau.campaign, good, 1),
        lambda: accept(bureau.campaign, [good]),
        lambda: send_back(bureau.campaign, [good], "x"),
        lambda: withdraw(bureau.campaign, [good], "x"),
    ):
        with pytest.raises(XltoolError, match="已经免报，先用 campaign restore 恢复"):
            decide()
    assert bureau.campaign.ledger.deeds() == deeds


def test_the_chase_list_of_one_district(tmp_path, monkeypatch, capsys):
    bureau = Bureau(tmp_path, 2, 1)
    monkeypatch.chdir(bureau.campaign.folder)
    assert main(["status", "--district", "第2区", "--chase", "催.txt"]) == 0
    assert "催报名单 1 个单位" in capsys.readouterr().out
    text = (bureau.campaign.folder / "催.txt").read_text("utf-8")
    assert "第2区第1局" in text and "第1区第1局" not in text and "应报 1 个单位" in text
    assert main(["status", "--district", "没有", "--chase", "催2.txt"]) == 2
    assert not (bureau.campaign.folder / "催2.txt").exists()


@pytest.mark.parametrize(
    ("said", "code", "answer"),
    [
        ("log 999 --arrivals", 2, "名单里没有部门编码 999"),
        ("undo 999", 2, "名单里没有部门编码 999"),
        ("choose {good} 1 --latest", 2, "不要再写版号"),
        ("choose {good} --latest", 0, "（没有选定过）"),
        ("choose {nobody}", 0, "没有报过"),
        ("accept {good} --district 第2区", 2, "不要再写 --district、--state"),
        ("reopen {good} {good} --reason x", 0, "重开 1 个单位"),
    ],
)
def test_what_makes_no_sense_is_not_done_in_silence(
    bureau, monkeypatch, capsys, said, code, answer
):
    monkeypatch.chdir(bureau.campaign.folder)
    good, *_, nobody = bureau.codes
    if "reopen" in said:
        accept(bureau.campaign, [good])
    words = said.format(good=good, nobody=nobody).split()
    deeds = len(bureau.campaign.ledger.deeds())
    assert main(["campaign", *words]) == code
    shown = capsys.readouterr()
    assert answer in shown.out + shown.err
    assert len(bureau.campaign.ledger.deeds()) == deeds + ("reopen" in said)


def test_sent_back_then_withdrawn_then_sent_again_as_it_was(bureau):
    good = bureau.codes[0]
    data = fill_in(bureau.sent[good])
    send_back(bureau.campaign, [good], "太笼统")
    withdraw(bureau.campaign, [good], "区里重审")
    assert bureau.states()[good] == "未报"
    bureau.hand_in("2", {"a.xlsx": data}, when=1.71e9)
    assert (bureau.states()[good], good in bureau.counted()) == ("退回", False)


def test_what_was_approved_while_notes_were_written_stays_approved(bureau):
    asked = bureau.codes[1]
    due = notes(bureau.campaign, [asked], queries=True)
    accept(bureau.campaign, [asked], note="电话核实")
    write_notes(bureau.campaign, due, bureau.folder / "意见")
    assert bureau.states()[asked] == "核准"
