"""Whose word sets the last day of a district's ledger, through all hands that a parcel goes."""

import datetime as dt
import shutil

import pytest

from tests.support.campaign import Bureau
from xltool.campaign.ledger.campaign_folder import open_campaign
from xltool.campaign.returns.deadlines import Deadlines, extend
from xltool.campaign.returns.decisions import undo
from xltool.campaign.returns.rebuild import rebuild
from xltool.campaign.returns.verification import verify
from xltool.campaign.sending.branch import new_branch, own_fingerprint, take_parcel
from xltool.campaign.sending.distribution import distribute, send_again
from xltool.cli import main


@pytest.fixture
def bureau(tmp_path):
    made = Bureau(tmp_path, 1, 2, deadline="2024-01-20")
    yield made
    made.campaign.ledger.close()


def with_new_day(campaign, day, folder):
    """The parcel of the district sent again after its last day was changed."""
    extend(campaign, day, [], reason="改期")
    [(_, path, _), *_] = send_again(campaign, folder, [], ["第1区"])
    return path


def day_of(campaign):
    return open_campaign(campaign.folder).deadline


def test_the_issuers_new_day_is_passed_on_as_the_issuers(bureau, tmp_path):
    """The district adds nothing of its own, so nobody below has to trust its key."""
    district = new_branch(tmp_path / "区", bureau.parcel())
    take_parcel(district, with_new_day(bureau.campaign, dt.date(2024, 3, 1), tmp_path / "改"))
    take_parcel(district, bureau.parcel())  # the old one once more
    for _, path, _ in distribute(district).parcels:
        assert verify(path).good
        below = new_branch(tmp_path / f"下级{path.stem}", path)
        assert below.deadline == "2024-03-01"


def test_a_trusted_forwarders_last_word_holds_in_whatever_order_it_comes(bureau, tmp_path):
    district = new_branch(tmp_path / "区", bureau.parcel(), deadline="2024-01-10")
    [(_, first, _), *_] = distribute(district).parcels
    below = new_branch(tmp_path / "下级", first, trusted=[own_fingerprint(district)])
    nearer = with_new_day(district, dt.date(2024, 1, 5), tmp_path / "提前")
    later = with_new_day(district, dt.date(2024, 1, 15), tmp_path / "推后")
    days = []
    for path in (nearer, later, nearer, first):
        take_parcel(below, path)
        days.append(day_of(below))
    assert days == ["2024-01-05", "2024-01-15", "2024-01-15", "2024-01-15"]


def test_one_units_own_day_reaches_the_district_and_who_is_below(bureau, tmp_path):
    """Set, sent again twice and in another order, handed on, taken back."""
    district = new_branch(tmp_path / "区", bureau.parcel())
    first, second = (unit for unit in district.ledger.units())
    extend(bureau.campaign, dt.date(2024, 1, 30), [first.code], reason="受灾")
    [(_, own_day, _)] = send_again(bureau.campaign, tmp_path / "另定", [first.code])
    for path in (own_day, own_day, bureau.parcel()):
        take_parcel(district, path)
        days = Deadlines.of(district)
        assert (days[first], days[second]) == ("2024-01-30", "2024-01-20")
    assert [deed.reason for deed in district.ledger.deeds()].count("上级另定") == 1
    for _, path, _ in distribute(district).parcels:
        below = new_branch(tmp_path / f"下级{path.stem}", path)
        if first.code in {unit.code for unit in below.ledger.units()}:
            assert Deadlines.of(below)[first] == "2024-01-30"
    undo(bureau.campaign)
    [(_, taken_back, _)] = send_again(bureau.campaign, tmp_path / "取消", [first.code])
    take_parcel(district, taken_back)
    assert Deadlines.of(district)[first] == "2024-01-20"
    assert Deadlines.of(district).units == {}


def test_a_stranger_who_forwards_makes_no_old_parcel_the_latest(bureau, tmp_path, monkeypatch):
    stranger = new_branch(tmp_path / "区", bureau.parcel())
    monkeypatch.setattr(stranger.ledger, "as_of", lambda: "9999-12-31 00:00:00 000000001")
    [(_, old, _), *_] = distribute(stranger).parcels
    below = new_branch(tmp_path / "下级", bureau.parcel())
    take_parcel(below, with_new_day(bureau.campaign, dt.date(2024, 1, 15), tmp_path / "改"))
    take_parcel(below, old)
    assert day_of(below) == "2024-01-15"


def test_a_ledger_of_before_keeps_its_own_earlier_day(bureau, tmp_path):
    own = new_branch(tmp_path / "甲", bureau.parcel(), deadline="2024-01-15")
    plain = new_branch(tmp_path / "乙", bureau.parcel())
    again = with_new_day(bureau.campaign, dt.date(2024, 3, 1), tmp_path / "改")
    for campaign in (own, plain):
        with campaign.ledger.transaction():
            campaign.ledger.base.execute("DELETE FROM meta WHERE key = 'own_deadline'")
        take_parcel(campaign, again)
    assert (day_of(own), day_of(plain)) == ("2024-01-15", "2024-03-01")


@pytest.mark.parametrize("turned", [False, True])
def test_a_rebuilt_ledger_takes_the_last_word_of_all_its_parcels(bureau, tmp_path, turned):
    folder = bureau.campaign.folder
    parcels = [
        with_new_day(bureau.campaign, day, tmp_path / str(day))
        for day in (dt.date(2024, 3, 1), dt.date(2024, 1, 10))
    ]
    bureau.campaign.ledger.close()
    (folder / "campaign.db").unlink()
    shutil.rmtree(folder / "backups")
    rebuild(folder, reversed(parcels) if turned else parcels)
    assert open_campaign(folder).deadline == "2024-01-10"


def test_receive_says_the_new_day_and_what_is_odd_about_it(bureau, tmp_path, monkeypatch, capsys):
    district = new_branch(tmp_path / "区", bureau.parcel())
    again = with_new_day(bureau.campaign, dt.date(2024, 3, 1), tmp_path / "改")
    monkeypatch.chdir(district.folder)
    for said in (True, False):  # the second time it is no news
        capsys.readouterr()
        assert main(["campaign", "receive", str(again)]) == 0
        out, err = capsys.readouterr()
        assert ("上级的报送截止改为 2024-03-01" in out) is said
        assert ("注意：截止日 2024-03-01 已经过了" in err) is said
    code = bureau.codes[0]
    extend(bureau.campaign, dt.date(2024, 3, 9), [code], reason="受灾")
    [(_, own_day, _)] = send_again(bureau.campaign, tmp_path / "另定", [code])
    assert main(["campaign", "receive", str(own_day)]) == 0
    assert f"上级给 {code} 另定了报送截止 2024-03-09" in capsys.readouterr().out
