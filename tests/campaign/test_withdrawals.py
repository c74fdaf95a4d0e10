"""A district's withdrawal travels in its submission:
by whom and why, whatever the order, as often as wanted."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from tests.support.campaign import Bureau, fill_in, sent_workbooks
from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.ledger.trusted_keys import trust
from xltool.campaign.returns.arrivals import arrival_lines
from xltool.campaign.returns.collection import Collected, collect
from xltool.campaign.returns.decisions import accept, history, reopen, undo, withdraw
from xltool.campaign.sealing.parcel import read_parcel, write_parcel
from xltool.campaign.sealing.withdrawal import FILE
from xltool.campaign.sending.branch import new_branch, own_fingerprint, submit
from xltool.campaign.sending.distribution import distribute
from xltool.cli import main
from xltool.errors import XltoolError

OTHER = {"department.goal": "目标1：修好县内小型水库并通过县级验收。"}


@dataclass
class District:
    """A district's clerk: collects from its units, takes back, passes upwards."""

    folder: Path
    campaign: Campaign
    sent: dict[str, bytes] = field(default_factory=dict)
    runs: int = 0

    def take_in(self, code: str, changes: dict[str, str] | None = None) -> None:
        self.runs += 1
        path = self.folder / f"报来{self.runs}" / f"{code}.xlsx"
        path.parent.mkdir(parents=True)
        path.write_bytes(fill_in(self.sent[code], changes))
        os.utime(path, (1.7e9 + self.runs, 1.7e9 + self.runs))
        collect(self.campaign, [path])

    def submit(self, name: str) -> Path:
        self.runs += 1
        path = self.folder / f"{name}.zip"
        submit(self.campaign, path)
        os.utime(path, (1.7e9 + self.runs, 1.7e9 + self.runs))
        return path


@pytest.fixture
def bureau(tmp_path):
    return Bureau(tmp_path, 2, 2)


@pytest.fixture
def district(bureau, tmp_path):
    campaign = new_branch(tmp_path / "第1区台账", bureau.parcel())
    distribute(campaign)
    trust(bureau.campaign, [own_fingerprint(campaign)])
    return District(tmp_path, campaign, sent_workbooks(campaign.folder / "下发"))


def taken(bureau: Bureau, *files: Path) -> Collected:
    return collect(bureau.campaign, list(files))


def test_a_withdrawal_travels_with_who_when_and_why(bureau, district):
    one, two, *_ = district.sent
    district.take_in(one)
    district.take_in(two)
    assert taken(bureau, district.submit("一")).withdrawn == []
    assert set(bureau.counted()) == {one, two}
    district.campaign.ledger.author = "李会计"
    withdraw(district.campaign, [one], "金额报错了")
    second = district.submit("二")
    [workbook] = [name for name in read_parcel(second) if name.endswith(".xlsx")]
    assert workbook.startswith(two)
    result = taken(bureau, second)
    assert (result.withdrawn, result.problems) == ([one], [])
    assert set(bureau.counted()) == {two}
    standing = bureau.standing(one)
    assert standing.state == "未报" and standing.missing
    assert "第 1 版已撤回：金额报错了（第1区 李会计 20" in standing.remarks[0]
    [line] = [line for line in history(bureau.campaign, one) if line.what.startswith("撤回")]
    assert line.what == "撤回 第1区" and "李会计" in line.why
    assert ["二.zip/撤回.json", "区县的撤回单"] in [a[1::2] for a in arrival_lines(bureau.campaign)]


def test_a_submission_of_nothing_but_withdrawals(bureau, district):
    one, *_ = district.sent
    with pytest.raises(XltoolError, match="还没有可以上报"):
        district.submit("空")
    district.take_in(one)
    taken(bureau, district.submit("一"))
    withdraw(district.campaign, [one], "重审")
    assert taken(bureau, district.submit("二")).withdrawn == [one]
    assert bureau.counted() == {}


def test_the_same_paper_again_changes_nothing_and_an_undone_one_stays_undone(bureau, district):
    one, *_ = district.sent
    district.take_in(one)
    taken(bureau, district.submit("一"))
    withdraw(district.campaign, [one], "重审")
    second = district.submit("二")
    assert taken(bureau, second).withdrawn == [one]
    before = bureau.campaign.ledger.deeds()
    copies = len(list((bureau.campaign.folder / "backups").iterdir()))
    assert taken(bureau, second).withdrawn == []
    assert bureau.campaign.ledger.deeds() == before
    assert len(list((bureau.campaign.folder / "backups").iterdir())) == copies
    undo(bureau.campaign, one, "区里打电话说弄错了")
    assert bureau.counted() == {one: 1}
    district.take_in(list(district.sent)[1])
    assert taken(bureau, second, district.submit("三")).withdrawn == []
    assert one in bureau.counted()
    withdraw(district.campaign, [one], "这次真的")
    assert taken(bureau, district.submit("四")).withdrawn == [one]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_whatever_the_order_the_end_is_the_same(bureau, district, order):
    one, two, *_ = district.sent
    district.take_in(one)
    district.take_in(two)
    papers = [district.submit("一")]
    withdraw(district.campaign, [one], "重审")
    papers.append(district.submit("二"))
    district.take_in(one, OTHER)
    papers.append(district.submit("三"))
    highest = 0
    for n in order:
        result = taken(bureau, papers[n])
        late = any("比已经收过的上报包早" in reason for _, reason in result.problems)
        assert late is (n < highest)
        highest = max(n, highest)
    counted = bureau.campaign.ledger.counted()
    assert set(counted) == {one, two}
    assert counted[one]["sha256"] == district.campaign.ledger.counted()[one]["sha256"]
    assert bureau.states()[one] == bureau.states()[two] == "通过"  # nobody is asked which version
    again = taken(bureau, *papers)  # all that ever came lies in one folder: nothing is new
    assert (again.withdrawn, again.lifted, again.problems) == ([], [], [])
    assert bureau.campaign.ledger.counted()[one]["sha256"] == counted[one]["sha256"]


def test_taken_back_and_sent_again_unchanged_it_counts_again(bureau, district):
    one, *_ = district.sent
    district.take_in(one)
    taken(bureau, district.submit("一"))
    withdraw(district.campaign, [one], "重审")
    second = district.submit("二")
    taken(bureau, second)
    district.take_in(one)  # the same bytes, made at another time
    result = taken(bureau, district.submit("三"))
    assert (result.lifted, bureau.counted()) == ([one], {one: 1})
    assert taken(bureau, second).withdrawn == []
    assert bureau.counted() == {one: 1}
    assert any(line.what.startswith("取消撤回") for line in history(bureau.campaign, one))


def test_undone_at_the_district_it_counts_again_above(bureau, district):
    one, *_ = district.sent
    district.take_in(one)
    taken(bureau, district.submit("一"))
    withdraw(district.campaign, [one], "重审")
    taken(bureau, district.submit("二"))
    undo(district.campaign, one)
    assert taken(bureau, district.submit("三")).lifted == [one]
    assert bureau.counted() == {one: 1}


def test_what_was_approved_is_not_taken_back_in_silence(bureau, district):
    one, *_ = district.sent
    district.take_in(one)
    taken(bureau, district.submit("一"))
    accept(bureau.campaign, [one])
    withdraw(district.campaign, [one], "重审")
    second = district.submit("二")
    result = taken(bureau, second)
    assert result.withdrawn == [] and "已经核准" in result.problems[0][1]
    assert bureau.states()[one] == "核准"
    reopen(bureau.campaign, [one], "区里要改")
    assert taken(bureau, second).withdrawn == [one]


def test_a_choice_of_what_is_taken_back_goes_and_one_made_later_stands(bureau, district):
    from xltool.campaign.returns.rejudgement import choose

    one, *_ = district.sent
    district.take_in(one)
    taken(bureau, district.submit("一"))
    choose(bureau.campaign, one, 1, "盖章件")
    withdraw(district.campaign, [one], "重审")
    taken(bureau, district.submit("二"))
    assert bureau.counted() == {}
    choose(bureau.campaign, one, 1, "区里同意")
    assert bureau.counted() == {one: 1}


def paper_of(path: Path) -> dict[str, str]:
    return msgspec.json.decode(read_parcel(path)[FILE])


@pytest.mark.parametrize("fault", ["unknown key", "changed", "another unit", "junk", "no paper"])
def test_who_may_not_withdraw_takes_nothing_back(bureau, tmp_path, fault):
    """An unnamed key, a touched paper, a unit of another district, no such paper at all."""
    district = District(tmp_path, new_branch(tmp_path / "台账", bureau.parcel()))
    distribute(district.campaign)
    district.sent = sent_workbooks(district.campaign.folder / "下发")
    one, *_ = district.sent
    district.take_in(one)
    taken(bureau, district.submit("一"))
    withdraw(district.campaign, [one], "重审")
    second = district.submit("二")
    paper = paper_of(second)
    fingerprint = own_fingerprint(district.campaign)
    if fault == "unknown key":
        result = taken(bureau, second)
        assert fingerprint in result.problems[0][1] and "--trust" in result.problems[0][1]
        assert bureau.counted() == {one: 1}
        trust(bureau.campaign, [fingerprint])
        assert taken(bureau, second).withdrawn == [one]
        return
    trust(bureau.campaign, [fingerprint])
    if fault == "changed":
        paper["said"] = paper["said"].replace("重审", "再审")
    if fault == "another unit":
        with bureau.campaign.ledger.transaction():
            bureau.campaign.ledger.base.execute(
                "UPDATE units SET district = '第2区' WHERE code = ?", (one,)
            )
    data = b"{]" if fault == "junk" else msgspec.json.encode(paper)
    write_parcel(second, {"撤回.json": b"" if fault == "no paper" else data})
    result = taken(bureau, second)
    assert result.withdrawn == [] and len(result.problems) == 1
    assert bureau.counted() == {one: 1}


def test_a_key_speaks_for_one_district_only(bureau, district, tmp_path):
    one, *_ = district.sent
    district.take_in(one)
    taken(bureau, district.submit("一"))
    withdraw(district.campaign, [one], "重审")
    taken(bureau, district.submit("二"))
    with district.campaign.ledger.transaction():
        district.campaign.ledger.set_meta({"district": "第2区"})
    district.campaign.__dict__.pop("meta", None)
    result = taken(bureau, district.submit("三"))
    assert result.lifted == [] and "不能替“第2区”撤回" in result.problems[0][1]


def test_the_commands(bureau, district, monkeypatch, capsys):
    one, *_ = district.sent
    district.take_in(one)
    monkeypatch.chdir(district.campaign.folder)
    assert main(["campaign", "submit", "-o", "../甲.zip"]) == 0
    assert "撤回" not in capsys.readouterr().out
    assert main(["campaign", "withdraw", one, "--reason", "改数", "--by", "李会计"]) == 0
    assert main(["campaign", "submit", "-o", "../乙.zip"]) == 0
    fingerprint = own_fingerprint(district.campaign)
    said = capsys.readouterr().out
    assert "撤回 1 个单位" in said and fingerprint in said
    monkeypatch.chdir(bureau.campaign.folder)
    assert main(["collect", "../甲.zip", "--trust", fingerprint]) == 0
    capsys.readouterr()
    assert main(["collect", "../乙.zip"]) == 0
    assert f"区县撤回 1 个单位：{one}" in capsys.readouterr().out


def test_a_ledger_that_moved_still_speaks_with_its_own_key(bureau, district):
    from xltool.campaign.ledger.transfer import export_campaign, import_campaign

    one, *_ = district.sent
    district.take_in(one)
    taken(bureau, district.submit("一"))
    before = own_fingerprint(district.campaign)
    export_campaign(district.campaign, district.folder / "搬.zip", "口令")
    assert b"PRIVATE KEY" not in (district.folder / "搬.zip").read_bytes().replace(
        b"ENCRYPTED PRIVATE KEY", b""
    )
    district.campaign = import_campaign(district.folder / "搬.zip", district.folder / "新", "口令")
    assert own_fingerprint(district.campaign) == before
    withdraw(district.campaign, [one], "重审")
    assert taken(bureau, district.submit("二")).withdrawn == [one]
