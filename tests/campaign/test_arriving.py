"""Everyday messes: each arrival can be found by its name, no false alarm at ordinary names,
nothing is cut off."""

from __future__ import annotations

import io
import zipfile

import pytest
from openpyxl import Workbook, load_workbook

from tests.support.campaign import Bureau, fill_in, make_campaign, sent_workbooks, write_units
from xltool.campaign.ledger.campaign_folder import new_campaign
from xltool.campaign.ledger.transfer import export_campaign
from xltool.campaign.returns.arrivals import arrival_lines
from xltool.campaign.returns.collection import collect
from xltool.campaign.returns.status import status
from xltool.campaign.rollup.sheets import write_rollup
from xltool.campaign.rollup.summation import rollup
from xltool.campaign.sending.distribution import distribute
from xltool.cli import main

HEADS = ["部门编码", "部门名称", "区县", "主管部门"]


@pytest.mark.parametrize(
    ("code", "file", "kind"),
    [
        ("031002", "报财政局绩效目标表（水利局）.xlsx", "genuine"),  # the addressee stands first
        ("031004", "教育局1.xlsx", "genuine"),  # named after its superior
        ("031006", "2024绩效目标-财政局预算股要.xlsx", "genuine"),  # who asked for it
        ("031005", "送财政局：民政局.xlsx", "genuine"),
        ("031005", "民政局.xlsx", "genuine"),
        ("031005", "卫健局.xlsx", "renamed"),  # another unit's name and nothing else
        ("031005", "031006_卫健局.xlsx", "renamed"),
        ("031002", "教育局.xlsx", "renamed"),
    ],
)
def test_an_ordinary_file_name_is_no_alarm(tmp_path, code, file, kind):
    """filename_alarm.py."""
    rows = [["031001", "财政局", "东区", ""], ["031002", "县水利局", "东区", ""], ["031003", "教育局", "东区", ""],
            ["031004", "第一中学", "东区", "教育局"], ["031005", "民政局", "东区", ""],
            ["031006", "卫健局", "东区", ""]]  # fmt: skip
    units = write_units(tmp_path / "u.xlsx", rows, HEADS)
    campaign = new_campaign(tmp_path / "批次", year=2024, edition="hunan-2023", units=units)
    distribute(campaign)
    blank = sent_workbooks(campaign.folder / "下发")[code]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / file).write_bytes(fill_in(blank))
    [receipt] = collect(campaign, [tmp_path / "in"]).receipts
    assert receipt.kind == kind


def test_every_arrival_has_a_line_and_the_unit_it_names_shows_it(tmp_path):
    """incoming_mess.py: documents, archives, blank forms, names without a suffix."""
    bureau = Bureau(tmp_path, 1, 6)
    names = {u.code: u.name for u in bureau.campaign.ledger.units()}
    a, b, c, d, e, f = bureau.codes
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("绩效目标.xlsx", fill_in(bureau.sent[f]))
    files = {
        f"{names[a]}.docx": b"PK doc", f"{names[b]}.pdf": b"%PDF", f"{names[c]}.rar": b"Rar!",
        f"{d}_{names[d]}.xlsx": bureau.sent[d], f"{names[e]}": fill_in(bureau.sent[e]),
        f"{names[f]}.zip": zipped.getvalue(), "说明.txt": b"x",
    }  # fmt: skip
    bureau.hand_in("来件", files)
    lines = {line[1].rpartition("/")[2]: line for line in arrival_lines(bureau.campaign)}
    assert set(lines) == {*files, "绩效目标.xlsx"} - {f"{names[f]}.zip"}
    for code in (a, b, c, d, e):
        standing = bureau.standing(code)
        assert standing.state == "未报" and len(standing.remarks) == 1, standing
        assert names[code] in standing.remarks[0]
    assert "空白" in bureau.standing(d).remarks[0]
    assert "zip" in bureau.standing(c).remarks[0]
    assert bureau.states()[f] == "通过"
    assert lines["说明.txt"][2] == ""


def test_a_lost_parcel_is_sent_again_as_it_was(tmp_path, monkeypatch, capsys):
    """lostparcel.py: the same bytes, no new issue; by unit and by district."""
    bureau = Bureau(tmp_path, 2, 2)
    monkeypatch.chdir(bureau.campaign.folder)
    first = bureau.codes[0]
    assert main(["distribute", "--again", first, "-o", "../再发"]) == 0
    assert sent_workbooks(tmp_path / "再发") == {first: bureau.sent[first]}
    assert main(["verify", "../再发"]) == 0
    assert main(["distribute", "--again", "--district", "第2区"]) == 0
    assert "再发 第2区：2 个单位" in capsys.readouterr().out
    assert len(bureau.campaign.ledger.issues_of([first])[first]) == 1
    assert main(["distribute", "--again"]) == 2
    assert main(["distribute", "--again", "没有"]) == 2
    bureau.rows[0][7] = "600.00"
    write_units(tmp_path / "n.xlsx", bureau.rows)
    assert main(["campaign", "update", "../n.xlsx"]) == 0
    assert main(["distribute", "--again", first]) == 2
    assert "请运行 distribute" in capsys.readouterr().err
    # Who owes nothing any more is not sent to again.
    abolished, other = bureau.codes[2:]
    assert main(["campaign", "abolish", abolished, "--reason", "撤"]) == 0
    assert main(["distribute", "--again", abolished]) == 2
    assert f"{abolished} 已经撤销" in capsys.readouterr().err
    assert main(["distribute", "--again", "--district", "第2区", "-o", "../又发"]) == 0
    assert set(sent_workbooks(tmp_path / "又发")) == {other}
    assert main(["campaign", "exempt", other, "--reason", "免"]) == 0
    assert main(["distribute", "--again", "--district", "第2区"]) == 2


def test_a_table_in_a_pipe_cuts_no_text(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    name = "某某市" * 30 + "管理委员会"
    write_units(tmp_path / "u.xlsx", [["0001", name, "东" * 40]], HEADS[:3])
    assert main(["campaign", "new", "批", "--year", "2024", "--units", "u.xlsx"]) == 0
    monkeypatch.chdir(tmp_path / "批")
    capsys.readouterr()
    assert main(["status", "--units"]) == 0
    out = capsys.readouterr().out
    assert out.count("某某市") >= 25 and out.count("东") == 40 and "…" not in out


def test_the_roll_up_shows_every_missing_unit_and_every_digit(tmp_path):
    """699 missing units in one district; amounts of a province in 元."""
    campaign = make_campaign(tmp_path, 1, 700)
    with campaign.ledger.writing(), campaign.ledger.transaction():
        campaign.ledger.base.execute(
            "INSERT INTO issues (unit, number, batch, digest, layout, file, sha256, made_at, manifest)"
            " SELECT code, 1, 1, code, '', '', code, '2024-01-01 00:00:00', '' FROM units"
        )
    write_rollup(tmp_path / "汇总.xlsx", rollup(campaign, "元"))
    sheet = load_workbook(tmp_path / "汇总.xlsx")["汇总表"]
    text = "".join(str(c.value) for row in sheet.iter_rows(min_row=6) for c in row if c.value)
    assert all(f"第1区第{n}局（未报）" in text for n in range(1, 701))
    assert max(dim.height or 0 for dim in sheet.row_dimensions.values()) < 409


def test_amounts_in_yuan_have_room(tmp_path):
    bureau = Bureau(tmp_path, 1, 1)
    [code] = bureau.codes
    big = {
        "department.total": "99000001290",
        "department.general": "99000000000",
        "department.basic": "99000000190",
    }
    bureau.change(code, general="99000000000")
    newer = sent_workbooks(bureau.campaign.folder / "下发" / "第2批")[code]
    bureau.hand_in("1", {"a.xlsx": fill_in(newer, big)})
    assert bureau.counted() == {code: 1}
    write_rollup(tmp_path / "汇总.xlsx", rollup(bureau.campaign, "元"))
    book = load_workbook(tmp_path / "汇总.xlsx")
    for name in ("汇总表", "单位明细"):
        sheet = book[name]
        for column in (4, 5):
            cells = [sheet.cell(row, column).value for row in range(5, sheet.max_row + 1)]
            shown = max((len(f"{v:,.2f}") for v in cells if isinstance(v, int | float)), default=0)
            width = next(
                d.width for d in sheet.column_dimensions.values() if d.min <= column <= d.max
            )
            assert width > shown * 1.05
            assert shown > 18 or (name, column) == ("单位明细", 4)


def test_a_whole_campaign_handed_in_is_no_return(tmp_path):
    """A district's folder, zipped or not, or what `campaign export` wrote: said, never taken in."""
    bureau = Bureau(tmp_path, 1, 2)
    first, second = bureau.codes
    bureau.hand_in("1", {f"{first}.xlsx": fill_in(bureau.sent[first])})
    whole = io.BytesIO()
    export_campaign(bureau.campaign, tmp_path / "导出.zip")
    with zipfile.ZipFile(whole, "w") as archive:
        for path in sorted(p for p in bureau.campaign.folder.rglob("*") if p.is_file()):
            archive.write(path, f"台账/{path.relative_to(bureau.campaign.folder)}")
        archive.writestr(f"另报/{second}.xlsx", fill_in(bureau.sent[second]))
    exported = (tmp_path / "导出.zip").read_bytes()
    files = {"导出.zip": exported, "龙城区.zip": whole.getvalue(), "套着/龙城区.zip": exported}
    taken = bureau.hand_in("2", files)
    assert [receipt.name for receipt in taken.new] == [f"2/龙城区.zip/另报/{second}.xlsx"]
    said = dict(taken.problems)
    assert set(said) == {"2/导出.zip", "2/龙城区.zip/台账", "2/套着/龙城区.zip"}
    assert all("campaign submit" in reason for reason in said.values())
    assert len(taken.receipts) == 1
    before = len(bureau.campaign.ledger.arrivals())
    assert not collect(bureau.campaign, [bureau.campaign.folder]).receipts
    assert len(bureau.campaign.ledger.arrivals()) == before
    assert set(bureau.counted()) == {first, second}


def test_an_empty_archive_has_a_line(tmp_path):
    bureau = Bureau(tmp_path, 1, 1)
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("夹/", "")
    assert bureau.hand_in("1", {"空.zip": empty.getvalue()}).problems == [
        ("1/空.zip", "压缩包是空的")
    ]
    assert [a["name"] for a in bureau.campaign.ledger.arrivals()] == ["1/空.zip"]


@pytest.mark.parametrize("together", [True, False])
def test_one_wrong_file_under_many_names_is_told_of_each_unit(tmp_path, together):
    """A whole district sends the same notice; another sends its neighbour's blank form."""
    bureau = Bureau(tmp_path, 1, 4)
    first, second, third, _ = bureau.codes
    table = io.BytesIO()
    book = Workbook()
    book.active.append(["单位", "金额"])
    book.save(table)
    files = {f"{code}_报表.xlsx": table.getvalue() for code in (first, second, third)}
    files[f"{second}_申报.xlsx"] = bureau.sent[first]
    if together:
        bureau.hand_in("来", files)
    else:
        for number, (name, data) in enumerate(files.items()):
            bureau.hand_in(f"来{number}", {name: data})
    remarks = {s.unit.code: "；".join(s.remarks) for s in status(bureau.campaign).standings}
    for code in (first, second, third):
        assert f"收到“{code}_报表.xlsx”（不是官方模板），没有计入" in remarks[code]
    assert f"收到“{second}_申报.xlsx”：空白：下发给 {first} " in remarks[second]
    assert second not in remarks[first]
    assert not status(bureau.campaign).strays


def test_what_lies_in_a_units_own_folder_or_archive_is_told_of_it(tmp_path):
    bureau = Bureau(tmp_path, 1, 4)
    by_code, by_name, dated, nobody = bureau.codes
    names = [row[1] for row in bureau.rows]
    table = io.BytesIO()
    book = Workbook()
    book.active.append(["单位", "金额"])
    book.save(table)
    inside = io.BytesIO()
    with zipfile.ZipFile(inside, "w") as archive:
        archive.writestr("报表.xlsx", table.getvalue())
        archive.writestr("扫描件.pdf", b"1")
    bureau.hand_in(
        "来",
        {
            f"{by_code}_{names[0]}.zip": inside.getvalue(),
            f"3.{names[1]}/盖章件.PDF": b"2",
            f"20240118/{dated}/a.doc": b"3",
            f"{names[3]}转来的/b.doc": b"4",  # who passed it on, not whose it is
        },
    )
    remarks = {s.unit.code: "；".join(s.remarks) for s in status(bureau.campaign).standings}
    assert "收到“报表.xlsx”（不是官方模板），没有计入" in remarks[by_code]
    assert "收到“扫描件.pdf”" in remarks[by_code] and "收到“盖章件.PDF”" in remarks[by_name]
    assert "收到“a.doc”" in remarks[dated] and remarks[nobody] == ""
    # A workbook that has its seal is its own unit's, whatever it lies in.
    bureau.hand_in("又", {f"{by_code}/报.xlsx": fill_in(bureau.sent[nobody])})
    assert bureau.states()[nobody] == "通过"
