"""A whole small campaign: sent, returned with every fault planted, told apart, added up."""

import io
import json
import shutil
import stat
import sys
import zipfile
from decimal import Decimal
from unittest.mock import Mock

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from tests.support.campaign import fill_in, make_campaign, sent_workbooks, unit_rows, write_units
from tests.support.faults import FAULTS, Sent, saved_again
from xltool.campaign.ledger.campaign_folder import new_campaign, open_campaign
from xltool.campaign.returns.collection import collect
from xltool.campaign.returns.judgement import Register, named_unit
from xltool.campaign.returns.status import status
from xltool.campaign.rollup.record import rollup_json
from xltool.campaign.rollup.summation import rollup
from xltool.campaign.sealing.parcel import EDITION, read_parcel
from xltool.campaign.sending.distribution import distribute
from xltool.campaign.units import UnitsError, read_unit_list
from xltool.editions.declaration import load_edition
from xltool.reading.reader import read_grid
from xltool.xlsx.workbook_reader import open_grid


def out_of(campaign):
    distribute(campaign)
    return sent_workbooks(campaign.folder / "下发")


def hand_in(folder, files):
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def dump(campaign):
    return "\n".join(campaign.ledger.base.iterdump())


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """One unit for each kind of fault, each with another unit to be mixed up with;
    one good unit each."""
    folder = tmp_path_factory.mktemp("批")
    campaign = make_campaign(folder, districts=2, each=len(FAULTS))
    blanks = out_of(campaign)
    units = {u.code: u for u in campaign.ledger.units()}
    mine, others = [c for c in units if c[3] == "1"], [c for c in units if c[3] == "2"]
    # A second issue for the unit that will return the first.
    late = mine[list(FAULTS).index("old_issue")]
    rows = unit_rows(2, len(FAULTS))
    for row in rows:
        if row[0] == late:
            row[7] = "1999.99"
    listed = read_unit_list(write_units(folder / "units2.xlsx", rows), campaign.edition).units
    with campaign.ledger.transaction():
        campaign.ledger.put_units(listed)
    again = distribute(campaign)
    assert again.units == 1
    newer = sent_workbooks(campaign.folder / "下发" / "第2批")
    assert list(newer) == [late]
    expected, files = {}, {}
    for (name, fault), code, other in zip(FAULTS.items(), mine, others, strict=True):
        sent = Sent(
            code, units[code].name, newer.get(code, blanks[code]), other, units[other].name, blanks[other],
            old=blanks[code],
        )  # fmt: skip
        file, data = fault.make(sent)
        files[file] = data
        expected[file] = (name, fault, sent)
    for other in others:
        files[f"{other}_{units[other].name}.xlsx"] = fill_in(blanks[other])
    result = collect(campaign, [hand_in(folder / "回收", files)])
    return campaign, expected, result, folder


@pytest.mark.parametrize("name", list(FAULTS))
def test_each_fault_is_told_apart(planted, name):
    campaign, expected, result, _ = planted
    file, fault, sent = next((f, x[1], x[2]) for f, x in expected.items() if x[0] == name)
    [receipt] = [r for r in result.receipts if r.name.startswith(f"回收/{file}")]
    assert receipt.outcome == "收下"
    assert receipt.kind == fault.kind
    [row] = [r for r in campaign.ledger.returns() if r["name"] == receipt.name]
    said = {f["code"] for f in json.loads(row["findings"])}
    assert fault.codes <= said
    assert bool(fault.counts) is (sent.code in campaign.ledger.counted()), (name, said)
    # A fault of one kind is told as that kind only.
    authenticity = {code for code in said if code.startswith("D")}
    assert authenticity == {code for code in fault.codes if code.startswith("D")}


def test_every_good_file_is_accepted(planted):
    campaign, expected, _, _ = planted
    bad = {sent.code for _, fault, sent in expected.values() if not fault.counts}
    counted = campaign.ledger.counted()
    assert {u.code for u in campaign.ledger.units()} - bad == set(counted)


def test_the_totals_are_the_independent_sum_of_the_accepted_filings(planted):
    campaign, _, _, _ = planted
    total = Decimal(0)
    for row in campaign.ledger.counted().values():
        grid = open_grid(campaign.original(row["sha256"]))
        total += read_grid(grid).department.amount("total")
    data = rollup_json(rollup(campaign))
    assert Decimal(data["whole"]["total"]) == total
    assert data["covered"] == len(campaign.ledger.counted())
    assert data["units"] == data["covered"] + len(data["missing"])
    for side in (
        ("general", "fund", "nontax", "other"),
        ("basic", "project_spending", "nontax_spending"),
    ):
        assert sum(Decimal(data["whole"][f]) for f in side) == total
    for field in ("total", "general", "basic"):
        assert sum(Decimal(d[field]) for d in data["districts"]) == Decimal(data["whole"][field])
        assert sum(Decimal(d[field]) for d in data["superiors"]) == Decimal(data["whole"][field])
        assert sum(Decimal(d[field]) for d in data["filings"]) == Decimal(data["whole"][field])


def test_collecting_twice_changes_nothing(planted):
    campaign, _, _, folder = planted
    before = dump(campaign)
    kept = sorted(p.name for p in (campaign.folder / "originals").rglob("*"))
    again = collect(campaign, [folder / "回收"])
    assert {r.outcome for r in again.receipts} == {"重复"}
    assert dump(campaign) == before
    assert sorted(p.name for p in (campaign.folder / "originals").rglob("*")) == kept


def test_nothing_is_written_outside(planted):
    _, _, _, folder = planted
    assert sorted(p.name for p in folder.iterdir()) == ["units.xlsx", "units2.xlsx", "回收", "批次"]


def test_originals_are_kept_as_they_came(planted):
    campaign, _, _, folder = planted
    returned = {p.read_bytes() for p in (folder / "回收").iterdir() if p.suffix != ".zip"}
    kept = {p.read_bytes() for p in (campaign.folder / "originals").glob("*/*")}
    assert returned <= kept


def test_the_units_standing_says_it_in_words(planted):
    campaign, expected, _, _ = planted
    standing = {s.unit.code: s for s in status(campaign).standings}
    by_name = {name: sent for name, _, sent in expected.values()}
    renamed = by_name["another_units_file"]
    assert standing[renamed.code].state == "未报"
    assert any(renamed.file in remark for remark in standing[renamed.code].remarks)
    assert standing[renamed.other_code].state == "通过"
    assert standing[by_name["corrupt"].code].remarks
    assert standing[by_name["protection_removed"].code].state == "待核实"
    assert standing[by_name["does_not_balance"].code].state == "有错误"


def test_a_second_distribution_sends_nothing(tmp_path):
    campaign = make_campaign(tmp_path)
    first = distribute(campaign)
    assert (first.units, len(first.parcels)) == (6, 2)
    before = dump(campaign)
    second = distribute(campaign)
    assert (second.units, second.unchanged, second.parcels) == (0, 6, [])
    assert dump(campaign) == before


def test_the_same_campaign_gives_the_same_bytes(tmp_path):
    campaign = make_campaign(tmp_path)
    before = dump(campaign)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        # Cut off when the parcels are written and the ledger is about to say so.
        patch.setattr(campaign.ledger, "record", Mock(side_effect=KeyboardInterrupt))
        distribute(campaign, tmp_path / "一")
    assert dump(campaign) == before
    distribute(campaign, tmp_path / "二")
    parcels = sorted((tmp_path / "一").rglob("*.zip"))
    assert len(parcels) == 2
    for parcel in parcels:
        assert (
            parcel.read_bytes()
            == (tmp_path / "二" / parcel.relative_to(tmp_path / "一")).read_bytes()
        )


def test_known_values_are_printed_and_locked_and_the_rest_is_not(tmp_path):
    campaign = make_campaign(tmp_path, districts=1, each=1)
    [data] = out_of(campaign).values()
    department, project = load_workbook(io.BytesIO(data)).worksheets
    assert department["A1"].value == "2024年部门整体支出绩效目标表"
    assert (department["B3"].value, department["D6"].value) == ("第1区第1局", 1101.01)
    assert project["E3"].value == "第1区第1局"
    for cell in (department["A1"], department["B3"], department["D6"], project["E3"]):
        assert cell.protection.locked
    for cell in (
        department["C4"],
        department["F6"],
        department["B10"],
        project["B3"],
        project["D9"],
    ):
        assert not cell.protection.locked
    assert department["D6"].number_format == department["D7"].number_format
    assert project.protection.sheet and department.protection.sheet


def test_the_private_key_is_its_owners_and_in_nothing_sent(tmp_path):
    campaign = make_campaign(tmp_path)
    private = campaign.folder / "keys" / "private.pem"
    if sys.platform != "win32":
        assert stat.S_IMODE(private.stat().st_mode) == 0o600
    secret = private.read_bytes().split(b"\n")[1]
    sent = distribute(campaign)
    for _, path, _ in sent.parcels:
        with zipfile.ZipFile(path) as archive:
            assert all(secret not in archive.read(name) for name in archive.namelist())


def test_versions_the_latest_valid_counts_and_an_earlier_can_be_chosen(tmp_path):
    from xltool.campaign.returns.rejudgement import choose

    campaign = make_campaign(tmp_path, districts=1, each=2)
    blanks = out_of(campaign)
    code, blank = next(iter(blanks.items()))

    def returned(name, goal="", basic="", again=False):
        file = tmp_path / f"{name}.xlsx"
        changes = {"department.goal": goal, "department.basic": basic}
        data = fill_in(blank, {key: value for key, value in changes.items() if value})
        file.write_bytes(saved_again(data) if again else data)
        [receipt] = collect(campaign, [file]).receipts
        return receipt

    assert returned("错", basic="1").verdict == "error"
    assert code not in campaign.ledger.counted()
    first = returned("一")
    assert (first.version, first.verdict) == (2, "pass")  # the one before had errors: only a note
    second = returned("二", again=True)
    assert (second.version, second.verdict) == (3, "pass")  # the same answers, saved again
    third = returned("三", goal="目标1：全部小型水库完成维修养护，灌区渠系水利用系数提高。")
    assert (third.version, third.verdict) == (4, "query")
    assert campaign.ledger.counted()[code]["version"] == 4
    assert returned("又错", basic="2").verdict == "error"
    assert campaign.ledger.counted()[code]["version"] == 4
    choose(campaign, code, 2, "以盖章件为准")
    assert campaign.ledger.counted()[code]["version"] == 2
    choose(campaign, code, None)
    assert campaign.ledger.counted()[code]["version"] == 4


def test_a_recheck_says_whose_verdict_changed(tmp_path):
    from xltool.campaign.ledger.campaign_folder import pin_settings
    from xltool.campaign.returns.rejudgement import recheck

    campaign = make_campaign(tmp_path, districts=1, each=3)
    blanks = out_of(campaign)
    good, bad, _ = blanks
    hand_in(tmp_path / "in", {"a.xlsx": fill_in(blanks[good]),
                              "b.xlsx": fill_in(blanks[bad], {"department.basic": "1"})})  # fmt: skip
    collect(campaign, [tmp_path / "in"])
    assert recheck(campaign) == []
    file = tmp_path / "settings.toml"
    file.write_text('off = ["T302"]\n', "utf-8")
    pin_settings(campaign.folder, file)
    campaign = open_campaign(campaign.folder)
    [changed] = recheck(campaign)
    assert (changed.unit, changed.before) == (bad, "有错误")
    assert bad in campaign.ledger.counted()


@pytest.mark.parametrize("own", ['off = ["T302"]', 'trial = ["T302", "T311"]', "long_text_max = 9"])
def test_workbooks_go_out_with_the_settings_of_the_bureau(tmp_path, own):
    from xltool.campaign.ledger.campaign_folder import pin_settings

    campaign = make_campaign(tmp_path, districts=1, each=2)
    file = tmp_path / "settings.toml"
    file.write_text(own, "utf-8")
    pin_settings(campaign.folder, file)
    assert distribute(open_campaign(campaign.folder)).units == 2


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
    lambda text: text.strip() and not set(text) & set("\ufffe\uffff")
)


@settings(max_examples=8)
@given(
    rows=st.lists(
        st.tuples(NAMES, NAMES, NAMES), min_size=1, max_size=6, unique_by=lambda row: row[0]
    )
)
def test_units_of_any_name_get_their_workbook_and_are_known_by_it(tmp_path_factory, rows):
    """Codes, names and districts of any characters:
    sent out, safely named, and genuine on return."""
    folder = tmp_path_factory.mktemp("名")
    units = write_units(
        folder / "u.xlsx", [list(row) for row in rows], ["部门编码", "部门名称", "区县"]
    )
    try:
        listed = read_unit_list(units, load_edition("hunan-2023")).units
    except UnitsError:  # the same code once spaces are gone
        assume(False)
    campaign = new_campaign(folder / "批", year=2024, edition="hunan-2023", units=units)
    sent = distribute(campaign)
    assert sent.units == len(rows) == len(listed)
    blanks = [
        data
        for _, path, _ in sent.parcels
        for name, data in read_parcel(path).items()
        if name.endswith(".xlsx") and name not in EDITION
    ]
    assert len(blanks) == len(rows)
    files = {f"{chr(0x4E00 + n)}.xlsx": fill_in(data) for n, data in enumerate(blanks)}
    receipts = collect(campaign, [hand_in(folder / "in", files)]).receipts
    assert [r.kind for r in receipts] == ["genuine"] * len(rows)
    assert {r.unit for r in receipts} == {u.code for u in listed}


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("0310205_青山县水利局.xlsx", ""),
        ("青山县水利局（改）.xlsx", ""),
        ("最终版2024.xlsx", ""),
        ("12月.xlsx", ""),
        ("0310206_青山县林业局.xlsx", "0310206"),
        ("0310206.xlsx", "0310206"),
        ("青山县林业局.xlsx", "0310206"),
        ("青山县林业局报送，水利局汇总.xlsx", "0310206"),
        ("12.xlsx", ""),
        ("12_乡村振兴办.xlsx", "12"),
        ("财政局.xlsx", ""),  # two units are called so: it says nothing
        ("0310205与0310206.xlsx", ""),  # the own code stands there too
    ],
)
def test_which_other_unit_a_file_name_speaks_of(file, named):
    names = {
        "0310205": "青山县水利局",
        "0310206": "青山县林业局",
        "12": "乡村振兴办",
        "a1": "财政局",
        "a2": "财政局",
    }
    unique = {name: code for code, name in names.items() if name != "财政局"}
    register = Register("", None, load_edition(), "", None, names, {}, unique)
    assert named_unit(f"回收/某区.zip/{file}", register, "0310205") == named


def test_a_blank_workbook_is_no_return(tmp_path):
    campaign = make_campaign(tmp_path, districts=1, each=2)
    distribute(campaign)
    result = collect(campaign, [campaign.folder / "下发"])
    assert [r.outcome for r in result.receipts] == ["空白", "空白"]
    assert campaign.ledger.returns() == []


def test_another_campaigns_workbook_is_foreign(tmp_path):
    (tmp_path / "甲").mkdir()
    (tmp_path / "乙").mkdir()
    ours, theirs = make_campaign(tmp_path / "甲"), make_campaign(tmp_path / "乙")
    distribute(ours)
    blanks = out_of(theirs)
    folder = hand_in(tmp_path / "in", {"x.xlsx": fill_in(next(iter(blanks.values())))})
    [receipt] = collect(ours, [folder]).receipts
    assert (receipt.kind, receipt.verdict, receipt.unit) == ("foreign", "error", "")
    assert "另一个申报批次" in receipt.first


def test_a_copy_under_another_name_is_told_and_changes_nothing(tmp_path):
    campaign = make_campaign(tmp_path, districts=1, each=1)
    [blank] = out_of(campaign).values()
    data = fill_in(blank)
    folder = hand_in(tmp_path / "in", {"a.xlsx": data, "b 副本.xlsx": data})
    first, second = collect(campaign, [folder]).receipts
    assert (first.outcome, second.outcome) == ("收下", "重复")
    assert second.first == "与先前收到的“in/a.xlsx”内容相同"
    assert len(campaign.ledger.returns()) == 1


def test_swapped_names_are_both_told(tmp_path):
    campaign = make_campaign(tmp_path, districts=1, each=2)
    blanks = out_of(campaign)
    (a, first), (b, second) = blanks.items()
    names = {u.code: u.name for u in campaign.ledger.units()}
    folder = hand_in(
        tmp_path / "in",
        {f"{a}_{names[a]}.xlsx": fill_in(second), f"{b}_{names[b]}.xlsx": fill_in(first)},
    )
    result = collect(campaign, [folder])
    assert {(r.unit, r.claimed, r.kind) for r in result.receipts} == {
        (a, b, "renamed"),
        (b, a, "renamed"),
    }
    assert campaign.ledger.counted() == {}
    standing = {s.unit.code: s for s in status(campaign).standings}
    assert any("互换" in remark for remark in standing[a].remarks)
    from xltool.campaign.returns.rejudgement import choose

    choose(campaign, a, 1)
    assert set(campaign.ledger.counted()) == {a}


def test_a_new_edition_supersedes_what_was_sent(tmp_path):
    """The template gets another label: what was sent before is stale, in one finding."""
    from xltool.campaign.ledger.campaign_folder import pin_edition

    campaign = make_campaign(tmp_path, districts=1, each=1)
    [old] = out_of(campaign).values()
    folder = tmp_path / "版式"
    shutil.copytree(load_edition("hunan-2023").folder, folder)
    declared = folder / "edition.toml"
    declared.write_text(
        declared.read_text("utf-8").replace('"hunan-2023"', '"qingshan-2024"', 1), "utf-8"
    )
    book = load_workbook(folder / "template.xlsx")
    book.worksheets[0]["A11"] = "整体绩效目标\n（分条列）"
    book.save(folder / "template.xlsx")
    pin_edition(campaign.folder, folder)
    campaign = open_campaign(campaign.folder)
    assert distribute(campaign).units == 1
    [receipt] = collect(campaign, [hand_in(tmp_path / "in", {"x.xlsx": fill_in(old)})]).receipts
    assert receipt.kind == "stale"
    [row] = campaign.ledger.returns()
    assert {f["code"] for f in json.loads(row["findings"]) if f["severity"] == "error"} == {"D604"}
