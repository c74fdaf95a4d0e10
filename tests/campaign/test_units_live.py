"""The list while the campaign runs:
only what is named changes, spoiled codes are refused, all on record."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from openpyxl import Workbook

from tests.support.campaign import Bureau, fill_in, stamped, unit_rows, write_units
from xltool.campaign.ledger.campaign_folder import open_campaign
from xltool.campaign.ledger.counting import Act
from xltool.campaign.ledger.unit_changes import (
    UnitChange,
    apply,
    changed_unit,
    leave,
    merge,
    planned,
)
from xltool.campaign.returns.deadlines import extend
from xltool.campaign.returns.decisions import history, undo
from xltool.campaign.returns.status import status
from xltool.campaign.rollup.summation import rollup
from xltool.campaign.units import UnitsError, read_unit_list
from xltool.cli import main
from xltool.errors import XltoolError


@pytest.fixture
def bureau(tmp_path):
    return Bureau(tmp_path, 2, 3)


def listed(bureau, heads, rows):
    known = [unit.code for unit in bureau.campaign.ledger.units()]
    path = write_units(bureau.folder / "新名单.xlsx", rows, heads)
    return read_unit_list(path, bureau.campaign.edition, known)


def test_a_list_with_fewer_columns_changes_only_these(bureau):
    """partial.py: three columns and one unit more;
    contact, superior and figures of the others stay."""
    before = bureau.campaign.ledger.units()
    rows = [row[:3] for row in bureau.rows] + [["0299", "西新设局", "第2区"]]
    changes = planned(bureau.campaign, listed(bureau, ["部门编码", "部门名称", "区县"], rows))
    assert [(c.action, c.after.code) for c in changes] == [(Act.ADD, "0299")]
    apply(bureau.campaign, changes)
    assert bureau.campaign.ledger.units()[:-1] == before
    # One column beside the code: only that one.
    changes = planned(
        bureau.campaign, listed(bureau, ["部门编码", "联系人"], [[before[0].code, "乙"]])
    )
    assert [c.said(bureau.campaign.edition) for c in changes] == [["联系人：甲 → 乙"]]


def test_a_dry_run_says_unit_by_unit_and_writes_nothing(bureau, monkeypatch, capsys):
    monkeypatch.chdir(bureau.campaign.folder)
    code = bureau.codes[0]
    write_units(
        bureau.folder / "n.xlsx", [[code, "", "700"]], ["部门编码", "联系人", "预填一般公共预算"]
    )
    assert main(["campaign", "update", "../n.xlsx", "--dry-run"]) == 0
    out = "".join(capsys.readouterr().out.split())
    assert "联系人：甲→（空）" in out and "预填一般公共预算：1101.01→700" in out
    assert "试运行" in out and "没有的5个单位不变" in out
    assert bureau.campaign.ledger.units()[0].contact == "甲"
    assert main(["campaign", "update", "../n.xlsx", "--by", "王"]) == 0
    assert bureau.campaign.ledger.units()[0].prefilled["general"] == "700"
    assert history(bureau.campaign, code)[-1].author == "王"


def spoiled(path, rows):
    book = Workbook()
    for row in [["部门编码", "部门名称", "区县"], *rows]:
        book.active.append(row)
    book.save(path)
    return path


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([[1001, "第1区第1局", "第1区"]], r"第 2 行：部门编码 1001 在台账里是 0001001"),
        ([["3.10E+11", "甲局", "第1区"]], "第 2 行：部门编码.*科学计数"),
        ([[3102050000010001234, "甲局", "第1区"]], "第 2 行：部门编码.*(科学计数|丢)"),
        (
            [["0009", "甲", "区"], ["0008", "乙", "区"], ["0009", "丙", "区"]],
            "第 2、4 行：部门编码 0009 出现 2 次",
        ),
        ([[77, "甲局", "第1区"]], "第 2 行：部门编码 77 是数字，前导零可能丢了"),
    ],
)
def test_a_spoiled_code_is_refused_with_its_row(bureau, rows, said):
    path = spoiled(bureau.folder / "坏.xlsx", rows)
    known = [unit.code for unit in bureau.campaign.ledger.units()]
    with pytest.raises(UnitsError, match=said):
        read_unit_list(path, bureau.campaign.edition, known)


def test_a_row_of_totals_is_said_and_is_no_unit(bureau):
    rows = [[*bureau.rows[0][:3]], ["", "合计", ""], ["合  计", "", ""]]
    found = listed(bureau, ["部门编码", "部门名称", "区县"], rows)
    assert len(found.units) == 1
    assert found.remarks == (
        "第 3 行是“合计”，不是单位，没有收进",
        "第 4 行是“合  计”，不是单位，没有收进",
    )


def test_a_new_unit_needs_its_name_and_district(bureau):
    with pytest.raises(UnitsError, match="第 2 行没有部门名称"):
        listed(bureau, ["部门编码", "联系人"], [["0299", "乙"]])


def test_an_abolished_unit_owes_nothing_and_can_come_back(bureau):
    """abolish.py."""
    code = bureau.codes[0]
    bureau.hand_in("1", {"a.xlsx": fill_in(bureau.sent[code])})
    with pytest.raises(XltoolError, match="--reason"):
        leave(bureau.campaign, Act.ABOLISH, [code], " ")
    leave(bureau.campaign, Act.ABOLISH, [code], "机构改革撤销")
    standing = bureau.standing(code)
    assert (standing.state, standing.remarks) == ("撤销", ("机构改革撤销",))
    assert code not in bureau.counted()
    assert code not in {s.unit.code for s in status(bureau.campaign).chase}
    assert len(rollup(bureau.campaign).units) == 5
    bureau.change(code, general="600.00")  # nothing is sent to it
    assert len(bureau.campaign.ledger.issues_of([code])[code]) == 1
    undo(bureau.campaign)
    assert bureau.states()[code] == "通过"


def test_renamed_moved_and_merged_each_with_a_plan(bureau):
    first, second, third = bureau.codes[:3]
    campaign = bureau.campaign
    apply(campaign, [changed_unit(campaign, Act.RENAME, first, name="县教育和体育局")], "机构改革")
    apply(campaign, [changed_unit(campaign, Act.MOVE, second, district="第2区")])
    plan = merge(campaign, third, first, dry=True)
    assert plan.said(campaign.edition) == [
        "上年资金总额：1501.5 → 3005",
        "上年基本支出：600 → 1200",
    ]
    merge(campaign, third, first, "并入")
    units = {unit.code: unit for unit in campaign.ledger.units()}
    assert units[first].name == "县教育和体育局" and units[second].district == "第2区"
    assert bureau.states()[third] == "并入"
    said = [(line.what, line.why) for line in history(campaign, first)]
    assert ("改名 名称：第1区第1局 → 县教育和体育局", "机构改革") in said
    sent = bureau.distribute()
    assert set(sent) == {first, second}
    # What was changed again in between isn't undone blindly; what wasn't, is.
    apply(campaign, [changed_unit(campaign, Act.RENAME, first, name="又改")])
    undo(campaign, first)
    assert {u.code: u.name for u in campaign.ledger.units()}[first] == "县教育和体育局"


def test_deadlines_of_campaign_district_and_unit(bureau):

    today = dt.date(2024, 1, 21)
    campaign = bureau.campaign
    assert not any(s.late for s in status(campaign, today).standings)
    extend(campaign, dt.date(2024, 1, 20), [], reason="定下")
    assert all(s.late for s in status(campaign, today).standings)
    extend(campaign, dt.date(2024, 1, 25), [], "第2区", "雨雪")
    extend(campaign, dt.date(2024, 1, 22), [bureau.codes[0]], reason="会计请假")
    late = {s.unit.code for s in status(campaign, today).standings if s.late}
    assert late == set(bureau.codes[1:3])
    undo(campaign, bureau.codes[0])
    assert bureau.codes[0] in {s.unit.code for s in status(campaign, today).standings if s.late}


def test_a_new_last_day_for_all_says_whose_own_day_stays(bureau, monkeypatch, capsys):
    first = bureau.codes[0]
    monkeypatch.chdir(bureau.campaign.folder)
    reason = ["--reason", "雨雪"]
    assert main(["campaign", "extend", "2024-02-10", "--district", "第2区", *reason]) == 0
    assert main(["campaign", "extend", "2024-02-20", first, first, *reason]) == 0
    assert "2024-02-20：1 个单位" in capsys.readouterr().out
    assert main(["campaign", "extend", "2024-03-01", *reason]) == 0
    said = capsys.readouterr().out
    assert "2024-03-01：2 个单位" in said
    assert f"另定过截止日的不变：{first}（2024-02-20）、第2区（2024-02-10）" in said
    assert main(["campaign", "extend", "2024-03-05", "--district", "第1区", *reason]) == 0
    said = capsys.readouterr().out
    assert "2 个单位" in said and f"不变：{first}（2024-02-20）；" in said


def test_late_is_by_the_day_it_came_not_by_the_day_it_was_collected(bureau):

    first, second, third = bureau.codes[:3]
    extend(bureau.campaign, dt.date(2024, 1, 20), [], reason="定下")
    bureau.hand_in("1", {"a.xlsx": fill_in(bureau.sent[first])}, received=dt.date(2024, 1, 19))
    bureau.hand_in(
        "2", {"b.xlsx": fill_in(bureau.sent[second])}, when=dt.datetime(2024, 1, 20, 23).timestamp()
    )
    bureau.hand_in("3", {"c.xlsx": fill_in(bureau.sent[third])}, received=dt.date(2024, 1, 21))
    late = {s.unit.code: s.late for s in status(bureau.campaign).standings}
    assert [late[code] for code in (first, second, third)] == [False, False, True]


def test_a_parcel_that_comes_late_takes_no_place_of_newer_data(tmp_path):
    """outoforder.py: batch 2 first, then batch 1; another district's parcel; twice the same."""
    from xltool.campaign.sending.branch import new_branch, take_parcel
    from xltool.campaign.sending.distribution import distribute

    bureau = Bureau(tmp_path, 2, 2)
    code = bureau.codes[0]
    bureau.change(code, name="东教育和体育局", contact="乙", general="700.00")
    box = bureau.campaign.folder / "下发"
    district = new_branch(tmp_path / "东台账", box / "第2批" / "第1区.zip")
    assert take_parcel(district, box / "第1批" / "第1区.zip") == 2
    assert take_parcel(district, box / "第1批" / "第1区.zip") == 0
    units = {unit.code: unit for unit in district.ledger.units()}
    assert (units[code].name, units[code].contact) == ("东教育和体育局", "乙")
    assert units[code].prefilled["general"] == "700"
    assert district.ledger.issues()[code]["number"] == 2
    with pytest.raises(XltoolError, match="第2区"):
        take_parcel(district, box / "第1批" / "第2区.zip")
    assert distribute(district).units == 2
    # A restored upper ledger gives the number 2 a second time: another issue, not a clash.
    bureau.campaign.ledger.base.execute("DELETE FROM issues WHERE number = 2")
    bureau.change(code, general="800.00")
    assert take_parcel(district, box / "第2批" / "第1区.zip") == 1
    assert district.ledger.units()[0].prefilled["general"] == "800"


def last_years(bureau):
    return {unit.code: unit.last_year for unit in bureau.campaign.ledger.units()}


def test_a_merger_is_made_once_and_comes_apart_again(bureau, monkeypatch, capsys):
    """A second time it would add last year's figures twice; restored, each has its own again."""
    first, second, third = bureau.codes[:3]
    before = last_years(bureau)
    monkeypatch.chdir(bureau.campaign.folder)
    assert main(["campaign", "merge", third, first, "--dry-run"]) == 0
    assert main(["campaign", "merge", third, first]) == 2  # no reason was given
    assert last_years(bureau) == before
    assert main(["campaign", "merge", third, first, "--reason", "并入"]) == 0
    once = last_years(bureau)
    assert once[first]["total"] == "3005" and bureau.states()[third] == "并入"
    assert bureau.standing(third).remarks[0] == f"并入 {first}"
    capsys.readouterr()
    for other in (first, second):
        assert main(["campaign", "merge", third, other, "--reason", "并入"]) == 2
        assert f"{third} 已经并入 {first}" in capsys.readouterr().err
    assert main(["campaign", "merge", second, third, "--reason", "并入"]) == 2
    assert main(["campaign", "abolish", third, "--reason", "撤销"]) == 2
    assert last_years(bureau) == once
    assert main(["campaign", "restore", third, "--reason", "弄错了"]) == 0
    assert last_years(bureau) == before and bureau.states()[third] == "未报"
    # One decision on two units is undone as one, whichever of them is named.
    for code in (first, third):
        assert main(["campaign", "undo", code]) == 0
        assert last_years(bureau) == once and bureau.states()[third] == "并入"
        assert main(["campaign", "restore", third, "--reason", "弄错了"]) == 0
    assert last_years(bureau) == before


def test_restored_after_the_list_changed_only_the_others_figures_go(bureau):
    first, second = bureau.codes[:2]
    campaign = bureau.campaign
    merge(campaign, second, first, "并入")
    known = {unit.code: unit for unit in campaign.ledger.units()}[first]
    figures = {**known.last_year, "total": "4000"}
    apply(campaign, [UnitChange(Act.UPDATE, known, replace(known, last_year=figures))])
    leave(campaign, Act.RESTORE, [second], "弄错了")
    assert last_years(bureau)[first]["total"] == "2497.5"  # 4000 − 1502.5


def test_a_merger_on_a_merger_comes_apart_from_its_end(bureau):
    """Nobody's figures are then counted twice, and one undo takes back all of a restore."""
    first, second, third, fourth = bureau.codes[:4]
    campaign, before = bureau.campaign, last_years(bureau)
    for code, into in ((second, first), (third, first), (first, fourth)):
        merge(campaign, code, into, "并入")
        campaign.ledger.close()  # each is a command of its own
        campaign = bureau.campaign = open_campaign(campaign.folder)
    merged = last_years(bureau)
    for dry in (True, False):
        with pytest.raises(XltoolError, match=f"已经并入 {fourth}，先恢复 {first}"):
            leave(campaign, Act.RESTORE, [second], "弄错了", dry=dry)
    planned = leave(campaign, Act.RESTORE, [second, first, third], "弄错了", dry=True)
    assert last_years(bureau) == merged
    done = leave(campaign, Act.RESTORE, [second, first, third], "弄错了")
    assert planned == done and len(done.changes) == 3
    assert last_years(bureau) == before
    undo(campaign)
    assert last_years(bureau) == merged


@pytest.mark.parametrize("act", ["abolish", "exempt", "restore"])
def test_a_dry_run_says_what_the_run_would(bureau, monkeypatch, capsys, act):
    """Who stands so already, who can't, what others have of it: the same lines before as after."""
    first, second, third, fourth = bureau.codes[:4]
    monkeypatch.chdir(bureau.campaign.folder)
    bureau.hand_in("1", {"a.xlsx": fill_in(bureau.sent[first])}, when=1.7e9)
    assert main(["campaign", "accept", first]) == 0
    assert main(["campaign", "merge", second, first, "--reason", "并入"]) == 0
    assert main(["campaign", "abolish", third, "--reason", "撤"]) == 0
    codes = [second, third, fourth] if act == "restore" else [first, third, third]
    said = []
    for command in ([act, *codes, "--dry-run"], [act, *codes, "--reason", "错"]):
        capsys.readouterr()
        assert main(["campaign", *command]) == 0
        said.append(capsys.readouterr().out.replace("，没有写入", "").replace("试运行：", "："))
    done = {"abolish": "撤销", "exempt": "免报", "restore": "恢复应报"}[act]
    assert said[0].replace("\n：", f"\n{done}：") == said[1]
    if act == "restore":
        assert "上年资金总额：3004 → 1501.5" in said[0]
    else:
        assert f"已经核准的不再计入：{first}" in said[0]
        assert f"{second} 并入了 {first}，两个都不再应报" in said[0]
    capsys.readouterr()
    assert main(["campaign", "abolish", second, "--dry-run"]) == (0 if act == "restore" else 2)


def test_what_is_so_already_is_not_written_again(bureau, monkeypatch, capsys):
    code, other = bureau.codes[:2]
    monkeypatch.chdir(bureau.campaign.folder)
    assert main(["campaign", "abolish", code, "--reason", "撤"]) == 0
    deeds = bureau.campaign.ledger.deeds()
    capsys.readouterr()
    assert main(["campaign", "abolish", code, "--reason", "撤"]) == 0
    assert main(["campaign", "restore", other, "--reason", "错"]) == 0
    assert capsys.readouterr().out.count("本来就是这样，不用再改：1 个单位") == 2
    assert bureau.campaign.ledger.deeds() == deeds
    assert main(["campaign", "exempt", code, "--reason", "免"]) == 0
    assert bureau.states()[code] == "免报"


def test_a_district_stops_chasing_for_itself_only_and_merges_nothing(tmp_path, capsys):
    from xltool.campaign.sending.branch import new_branch

    bureau = Bureau(tmp_path, 1, 2)
    first, second = bureau.codes
    parcel = bureau.campaign.folder / "下发" / "第1批" / "第1区.zip"
    district = new_branch(tmp_path / "台账", parcel)
    district.ledger.close()
    where = ["--campaign", str(district.folder)]
    reason = ["--reason", "撤了"]
    assert main(["campaign", "merge", *where, first, second, *reason]) == 2
    assert "由上级决定" in capsys.readouterr().err
    assert main(["campaign", "exempt", *where, first, *reason]) == 0
    assert "只在本级台账里" in capsys.readouterr().out
    assert main(["campaign", "restore", *where, first, *reason]) == 0
    assert "只在本级台账里" not in capsys.readouterr().out


def test_the_history_says_what_of_a_unit_changed(bureau):
    first, second = bureau.codes[:2]
    apply(bureau.campaign, [changed_unit(bureau.campaign, Act.RENAME, first, name="新名局")])
    merge(bureau.campaign, second, first, "并入")
    said = [line.what for line in history(bureau.campaign)]
    assert "改名 名称：第1区第1局 → 新名局" in said
    assert any("更正名单 上年资金总额：1501.5 → 3004" in what for what in said)


def test_what_a_clerk_should_look_at_is_said(bureau, monkeypatch, capsys):
    """A name given twice, a district nobody has, a list that names who left, a day too early."""
    first, second, third = bureau.codes[:3]
    monkeypatch.chdir(bureau.campaign.folder)
    names = {unit.code: unit.name for unit in bureau.campaign.ledger.units()}

    def run(*command: str) -> tuple[int, str]:
        status = main(["campaign", *command])
        output = capsys.readouterr()
        return status, output.out + output.err

    for empty in ("  ", "\u200b"):
        assert run("rename", first, empty) == (2, "错误：新的名称是空的\n")
        assert run("move", first, empty) == (2, "错误：新的区县是空的\n")
    assert f"{first} 与 {second} 同名" in run("rename", first, names[second], "--dry-run")[1]
    assert "同名" not in run("rename", first, "新名", "--dry-run")[1]
    said = run("move", first, " 第九区", "--dry-run")[1]
    assert "原来没有区县“第九区”" in said
    assert f"{first} 下发给过“第1区”，请通知它" in said  # its ledger would go on chasing
    assert run("abolish", third, "--reason", "撤")[0] == 0
    write_units(bureau.folder / "n.xlsx", bureau.rows)
    said = run("update", str(bureau.folder / "n.xlsx"))[1]
    assert f"并不因此恢复（恢复用 campaign restore）：{third}" in said
    bureau.rows.append(["0009999", *bureau.rows[1][1:]])  # a mistyped code is no new unit
    write_units(bureau.folder / "n.xlsx", bureau.rows)
    said = run("update", str(bureau.folder / "n.xlsx"), "--dry-run")[1]
    assert f"新增的 0009999 与 {second} 同名同区县" in said
    assert "第 3、8 行同在一个区县" in said
    both = ("extend", "2024-03-01", first, "--district", "第1区", "--reason", "迟")
    assert run(*both)[0] == 2
    assert "截止日早" not in run("extend", "2024-03-01", "--reason", "迟")[1]
    assert (
        "其中 1 个单位比原来的截止日早" in run("extend", "2020-03-01", first, "--reason", "错")[1]
    )


def test_a_return_without_effect_is_said(bureau, monkeypatch, capsys):
    from xltool.campaign.returns.decisions import accept

    first, second, third = bureau.codes[:3]
    bureau.hand_in("1", {f"{second}.xlsx": fill_in(bureau.sent[second])}, 1.7e9)
    leave(bureau.campaign, Act.ABOLISH, [first], "撤")
    accept(bureau.campaign, [second])
    other = {"department.goal": "目标1：修好县内小型水库并通过县级验收。"}
    files = {f"{code}.xlsx": fill_in(bureau.sent[code], other) for code in (first, second, third)}
    taken = bureau.hand_in("2", files, 1.71e9)
    assert (taken.not_owed, taken.locked) == ([first], [second])
    assert bureau.counted() == {second: 1, third: 1}
    late = fill_in(bureau.sent[first])
    (bureau.folder / "3").mkdir()
    (bureau.folder / "3" / "a.xlsx").write_bytes(late)
    monkeypatch.chdir(bureau.campaign.folder)
    assert main(["collect", "../3"]) == 0
    assert f"报来的不计入：1 个单位（{first}）" in capsys.readouterr().out


def test_a_unit_with_a_day_of_its_own_is_named_in_the_parcel(tmp_path):
    from xltool.campaign.sealing.parcel import read_parcel
    from xltool.campaign.sending.distribution import send_again

    bureau = Bureau(tmp_path, 1, 2, deadline="2024-01-20")
    first = bureau.codes[0]
    [sent] = bureau.campaign.folder.rglob("第1区.zip")
    assert "另定截止日" not in read_parcel(sent)["填报说明.html"].decode()
    extend(bureau.campaign, dt.date(2024, 2, 5), [first], reason="会计请假")
    [(_, again, _)] = send_again(bureau.campaign, tmp_path / "再发", (), ["第1区"])
    text = read_parcel(again)["填报说明.html"].decode()
    assert "报送截止：2024-01-20" in text and "另定截止日的：第1区第1局 2024-02-05<" in text


def test_new_workbooks_say_whose_returns_count_no_more(tmp_path, capsys):
    """The bureau that sends them and the district that gets them, whose own approval goes too."""
    from xltool.campaign.returns.collection import collect
    from xltool.campaign.returns.decisions import accept
    from xltool.campaign.sending.branch import new_branch

    bureau = Bureau(tmp_path, 1, 2)
    first = bureau.codes[0]
    box = bureau.campaign.folder / "下发"
    district = new_branch(tmp_path / "台账", box / "第1批" / "第1区.zip")
    files = {f"{code}.xlsx": fill_in(bureau.sent[code]) for code in bureau.codes}
    bureau.hand_in("1", files, when=1.7e9)
    collect(district, [tmp_path / "1"])
    accept(district, [first])
    district.ledger.close()
    bureau.campaign.ledger.close()
    where = ["--campaign", str(bureau.campaign.folder)]
    said = f"注意：1 个单位有了新的工作簿，先前报来的（核准过的也一样）不再计入，要重报：{first}"
    assert main(["campaign", "rename", *where, first, "新名局"]) == 0
    for again in (False, True):
        capsys.readouterr()
        assert main(["distribute", *where]) == 0
        assert (said in capsys.readouterr().out) is not again
    parcel = str(box / "第2批" / "第1区.zip")
    for again in (False, True):
        assert main(["campaign", "receive", "--campaign", str(district.folder), parcel]) == 0
        assert (said in capsys.readouterr().out) is not again


def test_a_day_that_has_not_come_is_none_on_which_returns_came(bureau):
    first = bureau.codes[0]
    later = dt.date.today() + dt.timedelta(2)
    with pytest.raises(XltoolError, match="还没有到"):
        bureau.hand_in("1", {"a.xlsx": fill_in(bureau.sent[first])}, received=later)
    assert not bureau.campaign.ledger.arrivals()
    # A clock that is ahead: the file's own time says the day.
    ahead = stamped(fill_in(bureau.sent[first]), "2199-01-01T00:00:00Z")
    bureau.hand_in("2", {"a.xlsx": ahead}, 1.7e9)
    assert [a["day"] for a in bureau.campaign.ledger.arrivals()] == [
        str(dt.date.fromtimestamp(1.7e9))
    ]


def test_an_extension_is_what_everybody_is_told_from_then_on(tmp_path):
    """Status, chase list, notes, later parcels and the district's ledger say the day that holds."""
    from xltool.campaign.ledger.campaign_folder import open_campaign
    from xltool.campaign.returns.notes import notes, write_notes
    from xltool.campaign.returns.status import chase_text
    from xltool.campaign.rollup.dashboard import dashboard
    from xltool.campaign.sealing.parcel import read_manifest, read_parcel
    from xltool.campaign.sending.branch import new_branch, take_parcel
    from xltool.campaign.sending.distribution import send_again

    bureau = Bureau(tmp_path, 2, 3, deadline="2024-01-20")
    first, second = bureau.codes[:2]
    box = bureau.campaign.folder / "下发" / "第1批"
    district = new_branch(tmp_path / "台账", box / "第1区.zip", deadline="2024-01-10")
    other = new_branch(tmp_path / "另一台账", box / "第1区.zip")
    for day, codes, place in (
        (dt.date(2024, 3, 1), [], ""),
        (dt.date(2024, 3, 9), [], "第1区"),
        (dt.date(2024, 3, 20), [second], ""),
    ):
        extend(bureau.campaign, day, codes, place, "雨雪")
    standing = status(bureau.campaign)
    assert standing.due == dashboard(bureau.campaign)["deadline"] == "2024-03-01（个别另定）"
    text = chase_text(bureau.campaign, standing)
    assert "报送截止：2024-03-01（个别另定）" in text
    assert f"{first} {bureau.rows[0][1]}" in text and "报送截止 2024-03-09" in text
    assert text.count("报送截止 2024-03-20") == 1
    wrong = fill_in(bureau.sent[second], {"department.basic": "1"})
    bureau.hand_in("1", {"a.xlsx": wrong}, 1.7e9)
    [note] = write_notes(bureau.campaign, notes(bureau.campaign), tmp_path / "意见")
    assert "报送截止：2024-03-20" in note.read_text("utf-8")
    [(_, path, _)] = send_again(bureau.campaign, tmp_path / "再发", [], ["第1区"])
    files = read_parcel(path)
    assert read_manifest(files).deadline == "2024-03-09"
    assert "报送截止：2024-03-09" in files["填报说明.html"].decode()
    # The district follows, but for one that set an earlier day; an older parcel changes nothing.
    assert take_parcel(district, path) == take_parcel(other, path) == 0
    assert (district.deadline, other.deadline) == ("2024-01-10", "2024-03-09")
    take_parcel(other, box / "第1区.zip")
    assert open_campaign(other.folder).deadline == "2024-03-09"


def test_of_two_parcels_of_one_batch_the_issuers_last_word_holds(tmp_path):
    """Put off, brought forward, taken back: by what is signed, in whatever order parcels come."""
    from xltool.campaign.ledger.campaign_folder import open_campaign
    from xltool.campaign.sending.branch import new_branch, take_parcel
    from xltool.campaign.sending.distribution import send_again

    bureau = Bureau(tmp_path, 1, 2, deadline="2024-01-20")
    box = bureau.campaign.folder / "下发" / "第1批"
    own = new_branch(tmp_path / "甲", box / "第1区.zip", deadline="2024-01-15")
    plain = new_branch(tmp_path / "乙", box / "第1区.zip")
    sent = [box / "第1区.zip"]

    def again(name: str) -> None:
        [(_, path, _)] = send_again(bureau.campaign, tmp_path / name, [], ["第1区"])
        sent.append(path)

    def days() -> tuple[str, str]:
        return open_campaign(plain.folder).deadline, open_campaign(own.folder).deadline

    for day in (dt.date(2024, 3, 1), dt.date(2024, 1, 10)):
        extend(bureau.campaign, day, [], reason="改期")
        again(str(day))
    for path in (sent[2], sent[1], sent[0], sent[2]):
        take_parcel(plain, path)
        take_parcel(own, path)
        assert days() == ("2024-01-10", "2024-01-10")
    undo(bureau.campaign)  # both: they are of one run
    again("撤销")
    take_parcel(plain, sent[-1])
    take_parcel(own, sent[-1])
    take_parcel(own, sent[2])
    assert days() == ("2024-01-20", "2024-01-15"), "a day of its own is not forgotten"
    with pytest.raises(XltoolError, match="不能晚于上级的 2024-01-20"):
        extend(plain, dt.date(2024, 3, 2), [], reason="太忙")


def test_a_ledgers_state_only_grows_even_where_the_clock_is_put_back(bureau, monkeypatch):
    from xltool.campaign.ledger import store

    ledger, states = bureau.campaign.ledger, []
    for clock in ("2098-01-01 00:00:00", "2024-01-01 00:00:00", "2098-01-01 00:00:00"):
        monkeypatch.setattr(store, "now", lambda clock=clock: clock)
        with ledger.writing(), ledger.transaction():
            ledger.record(Act.CAMPAIGN, reason="试")
        states.append(ledger.as_of())
    assert states == sorted(set(states))


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2024-01-20", []),
        ("2023-11-20", ["已经过了"]),
        ("2026-01-20", ["差得远"]),
        ("0001-01-01", ["差得远", "已经过了"]),
        ("9999-12-31", ["差得远"]),
        ("", []),
    ],
)
def test_an_odd_last_day_is_said(day, said):
    from xltool.campaign.returns.deadlines import doubtful

    lines = doubtful([day], 2024, dt.date(2024, 1, 20))
    assert len(lines) == len(said)
    assert all(part in line for part, line in zip(said, lines, strict=True))


def test_every_command_that_sets_or_sends_a_past_day_says_so(tmp_path, monkeypatch, capsys):
    rows = unit_rows(1, 2)
    write_units(tmp_path / "units.xlsx", rows)
    monkeypatch.chdir(tmp_path)
    make = ["campaign", "new", "批", "--year", "2024", "--units", "units.xlsx"]
    for folder, command in (
        (tmp_path, [*make, "--deadline", "2024-01-20"]),
        (tmp_path / "批", ["distribute"]),
        (tmp_path / "批", ["distribute", "--again", "--district", "第1区"]),
        (tmp_path / "批", ["campaign", "update", "../units.xlsx"]),
        (tmp_path / "批", ["campaign", "extend", "2024-01-20", "--reason", "试"]),
    ):
        monkeypatch.chdir(folder)
        capsys.readouterr()
        assert main(command) == 0
        assert "注意：截止日 2024-01-20 已经过了" in capsys.readouterr().err, command


def test_names_that_two_units_exchange_are_not_the_same(tmp_path, monkeypatch, capsys):
    bureau = Bureau(tmp_path, 1, 3)
    monkeypatch.chdir(bureau.campaign.folder)
    (one, first), (two, second), (three, _) = [row[:2] for row in bureau.rows]
    for changes, warned in (([(one, second), (two, first)], False), ([(three, first)], True)):
        path = write_units(tmp_path / "改.xlsx", changes, ["部门编码", "部门名称"])
        assert main(["campaign", "update", str(path), "--dry-run"]) == 0
        assert ("同名" in capsys.readouterr().out) is warned
