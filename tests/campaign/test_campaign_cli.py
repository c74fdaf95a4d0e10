"""The commands a bureau types, from a list of units to a roll-up."""

import json
import os
import re
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.support.campaign import fill_in, sent_workbooks, unit_rows, write_units
from tests.support.paths import DOCS
from xltool.campaign.ledger.campaign_folder import new_campaign
from xltool.cli import COMMANDS, main
from xltool.xlsx.audit.workbook import audit

PAGE = DOCS / "campaign.md"


@pytest.fixture
def bureau(tmp_path, monkeypatch):
    """Standing in the folder of a new campaign of two districts."""
    monkeypatch.chdir(tmp_path)
    write_units(tmp_path / "units.xlsx", unit_rows(2, 3))
    assert main(["campaign", "new", "2024年申报", "--year", "2024", "--units", "units.xlsx",
                 "--deadline", "2024-01-20", "--issuer", "某市财政局"]) == 0  # fmt: skip
    monkeypatch.chdir(tmp_path / "2024年申报")
    return tmp_path


def hand_in(bureau, wrong=(), absent=()):
    folder = bureau / "回收"
    folder.mkdir()
    blanks = sent_workbooks(Path("下发"))
    for n, (code, blank) in enumerate(blanks.items()):
        if n not in absent:
            changes = {"department.basic": "1", "department.goal": ""} if n in wrong else {}
            (folder / f"{code}.xlsx").write_bytes(fill_in(blank, changes))
    return folder, list(blanks)


def test_from_the_list_to_the_roll_up(bureau, capsys):
    assert main(["distribute"]) == 0
    assert "第 1 批：下发 6 个单位，2 个压缩包" in capsys.readouterr().out
    assert main(["verify", "下发/第1批/第1区.zip"]) == 0
    assert "为真，完整" in capsys.readouterr().out
    folder, _ = hand_in(bureau, wrong=(1,), absent=(4,))
    assert main(["collect", str(folder)]) == 1
    out = capsys.readouterr().out
    assert "收下 5 份（有错误 1，通过 4）" in out and "支出侧不平衡" in out
    assert main(["collect", str(folder)]) == 0
    assert "收下 0 份；重复 5" in capsys.readouterr().out
    assert main(["status", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["counts"] == {"通过": 4, "有错误": 1, "未报": 1}
    assert all(unit["late"] for unit in data["units"])
    assert main(["rollup", "--unit", "亿元", "--json", "汇总.json"]) == 0
    assert "汇总 4 / 6 个单位" in capsys.readouterr().out
    assert json.loads(Path("汇总.json").read_text("utf-8"))["covered"] == 4


def test_return_notes_say_what_to_mend_and_where(bureau, capsys):
    main(["distribute"])
    folder, codes = hand_in(bureau, wrong=(1,))
    (folder / f"{codes[2]}.xlsx").write_bytes(b"PK broken")
    main(["collect", str(folder)])
    assert main(["campaign", "notes"]) == 0
    written = {p.name[:7]: p.read_text("utf-8") for p in Path("退回意见").rglob("*.html")}
    assert set(written) == {codes[1], codes[2]}
    note = written[codes[1]]
    for said in (
        "支出侧不平衡",
        "C4",
        "部门整体支出绩效目标表",
        "整体绩效目标",
        "某市财政局",
        "2024-01-20",
        "2 处错误",
    ):
        assert said in note, said
    assert (
        "打不开" in written[codes[2]] or "损坏" in written[codes[2]] or "不是" in written[codes[2]]
    )
    assert "<script" not in note and "http" not in note
    assert main(["campaign", "notes", codes[1], "--format", "xlsx"]) == 0
    [file] = Path("退回意见").rglob("*.xlsx")
    assert audit(file.read_bytes()) == []
    text = "\n".join(str(c.value) for row in load_workbook(file).active for c in row if c.value)
    assert "支出侧不平衡" in text and "C4" in text
    capsys.readouterr()
    main(["status", "--json"])
    states = {u["code"]: u["state"] for u in json.loads(capsys.readouterr().out)["units"]}
    assert states[codes[1]] == "退回"
    # A corrected return clears it.
    blanks = sent_workbooks(Path("下发"))
    (bureau / "改.xlsx").write_bytes(fill_in(blanks[codes[1]]))
    assert main(["collect", str(bureau / "改.xlsx")]) == 0
    capsys.readouterr()
    main(["status", "--json"])
    states = {u["code"]: u["state"] for u in json.loads(capsys.readouterr().out)["units"]}
    assert states[codes[1]] == "通过"


def test_text_in_a_return_is_only_text_in_a_note(bureau):
    main(["distribute"])
    folder, codes = hand_in(bureau, absent=range(6))
    blank = sent_workbooks(Path("下发"))[codes[0]]
    nasty = '<img src=x onerror="alert(1)">'
    rows = [[nasty, nasty], ['=HYPERLINK("http://x")', "≥1家"]]
    (folder / "x.xlsx").write_bytes(
        fill_in(blank, {"department.quantity": rows, "department.basic": "1"})
    )
    main(["collect", str(folder)])
    main(["campaign", "notes"])
    [note] = Path("退回意见").rglob("*.html")
    assert "<img" not in note.read_text("utf-8")


def test_a_chase_list_of_another_kind_is_refused(bureau, capsys):
    assert main(["status", "--chase", "催报.doc"]) == 2
    assert ".txt 或 .xlsx" in capsys.readouterr().err
    assert not Path("催报.doc").exists()


def test_the_chase_list_names_who_is_late(bureau, capsys):
    main(["distribute"])
    folder, codes = hand_in(bureau, wrong=(1,), absent=(4,))
    main(["collect", str(folder)])
    assert main(["status", "--chase", "催报.txt"]) == 0
    text = Path("催报.txt").read_text("utf-8")
    assert "还差 2 个" in text and "【第1区】1 个" in text
    assert f"{codes[4]} 第2区第2局　未报（逾期）　联系人 甲" in text
    assert codes[0] not in text
    assert main(["status", "--chase", "催报.xlsx", "--units", "--district", "第2区"]) == 0
    assert audit(Path("催报.xlsx").read_bytes()) == []
    listed = [row[1].value for row in load_workbook("催报.xlsx").active.iter_rows(min_row=4)]
    assert listed == [codes[4]]


def test_pristine_copies_hold_the_values_and_nothing_else(bureau, capsys):
    import xltool

    main(["distribute"])
    folder, codes = hand_in(bureau, wrong=(1,))
    assert main(["collect", str(folder), "--pristine", str(bureau / "净")]) == 1
    copies = {p.name[:7]: p for p in (bureau / "净").rglob("*.xlsx")}
    assert set(copies) == {*codes} - {codes[1]}
    for code, path in copies.items():
        returned, clean = xltool.read(folder / f"{code}.xlsx"), xltool.read(path)
        assert clean == returned and clean.faults == () and clean.code == code
        assert not any(key.startswith("xltool.seal") for key in clean.seal)
    # A second time they are the same; one in which somebody wrote stays as it is, and is said.
    edited = copies[codes[0]]
    edited.write_bytes(edited.read_bytes() + b"0")
    before = {path.name: path.read_bytes() for path in copies.values()}
    capsys.readouterr()
    for _ in range(2):
        assert main(["collect", str(folder), "--pristine", str(bureau / "净")]) == 1
        said = capsys.readouterr()
        assert said.err.count("没有写成干净的一份") == 1 and "有人改过" in said.err
        assert "干净的一份：4 个工作簿" in said.out
        assert {p.name: p.read_bytes() for p in (bureau / "净").rglob("*.xlsx")} == before


def test_choosing_a_version(bureau, capsys):
    main(["distribute"])
    folder, codes = hand_in(bureau)
    main(["collect", str(folder)])
    blank = sent_workbooks(Path("下发"))[codes[0]]
    (bureau / "又.xlsx").write_bytes(
        fill_in(blank, {"department.goal": "目标1：修好县内小型水库并通过验收。"})
    )
    main(["collect", str(bureau / "又.xlsx")])
    capsys.readouterr()
    main(["status", "--json"])
    assert json.loads(capsys.readouterr().out)["counts"]["待核实"] == 1
    assert main(["campaign", "choose", codes[0], "2", "--reason", "以后一版为准"]) == 0
    assert main(["campaign", "recheck"]) == 0
    capsys.readouterr()
    main(["status", "--json"])
    data = json.loads(capsys.readouterr().out)
    assert data["counts"] == {"通过": 6}
    assert data["units"][0]["counted"] == 2
    assert main(["campaign", "choose", codes[0], "7"]) == 2
    assert "没有第 7 版" in capsys.readouterr().err
    assert main(["campaign", "choose", codes[0], "--latest"]) == 0


def test_errors_are_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for command in (
        ["status"],
        ["rollup"],
        ["distribute"],
        ["campaign", "recheck"],
        ["collect", "."],
    ):
        assert main(command) == 2
        err = capsys.readouterr().err
        assert "不是申报批次文件夹" in err and len(err.splitlines()) == 1
    assert main(["campaign", "new", "a:b", "--year", "2024", "--units", "没有.xlsx"]) == 2
    assert main(["verify", "没有.zip"]) == 2
    assert list(tmp_path.iterdir()) == []


def test_the_instruction_is_one_page_and_names_the_fingerprint(bureau):
    from xltool.campaign.ledger.campaign_folder import open_campaign
    from xltool.campaign.sealing.keys import fingerprint
    from xltool.campaign.sealing.parcel import read_parcel

    main(["distribute"])
    files = read_parcel(Path("下发/第1批/第1区.zip"))
    text = files["填报说明.html"].decode()
    assert fingerprint(open_campaign(Path()).public_key) in text
    assert "某市财政局" in text and "2024-01-20" in text and "万元" in text
    assert "http" not in text and "<script" not in text


def test_the_documented_commands_exist():
    """Every command of docs/campaign.md is one, with the options it shows."""
    import importlib

    import click

    text = PAGE.read_text("utf-8")
    lines = re.findall(r"^xltool (.+)$", text, re.MULTILINE)
    assert len(lines) >= 10
    for line in lines:
        words = line.split("#")[0].split()
        module, _, function = COMMANDS[words[0]][0].partition(":")
        command = getattr(importlib.import_module(module), function)
        if isinstance(command, click.Group):
            command = command.commands[words[1]]
        options = {o for p in command.params for o in p.opts}
        assert {w for w in words if w.startswith("-")} <= options, line


@pytest.mark.xdist_group("office")
def test_returns_saved_by_libreoffice(office, bureau, capsys):
    """Saved again as .xlsx the seal and the layout hold; as .xls it is told what to do."""
    main(["distribute"])
    folder, codes = hand_in(bureau, absent=range(2, 6))
    sources = sorted(folder.glob("*.xlsx"))
    saved = office.convert(sources[:1], "xlsx", bureau / "存")
    old = office.convert(sources[1:2], "xls", bureau / "旧")
    capsys.readouterr()
    assert main(["collect", "--json", *map(os.fspath, (*saved, *old))]) == 1
    first, second = sorted(json.loads(capsys.readouterr().out)["receipts"], key=lambda r: r["name"])
    assert (first["kind"], first["verdict"], first["unit"]) == ("genuine", "pass", codes[0])
    assert (
        second["kind"] == "unreadable"
        and ".xls" in second["first"]
        and second["claimed"] == codes[1]
    )


@pytest.mark.xdist_group("office")
def test_the_roll_up_prints_on_a_page(office, bureau):
    main(["distribute"])
    folder, _ = hand_in(bureau, absent=(4,))
    main(["collect", str(folder)])
    main(["rollup", "-o", str(bureau / "汇总表.xlsx"), "--unit", "亿元", "--decimals", "4"])
    [pdf] = office.convert([bureau / "汇总表.xlsx"], "pdf", bureau / "pdf")
    first = office.text(pdf, 1)
    assert "绩效目标申报汇总表" in first and "单位：亿元" in first and "第2区第2局（未报）" in first
    assert office.pages(pdf) == len(load_workbook(bureau / "汇总表.xlsx").sheetnames)


def test_a_folder_of_parcels_is_verified_parcel_by_parcel(bureau, capsys):
    main(["distribute"])
    capsys.readouterr()
    assert main(["verify", "下发"]) == 0
    assert capsys.readouterr().out.count("结论：为真，完整") == 2


def test_a_code_that_is_not_on_the_list_is_said(bureau, capsys):
    assert main(["campaign", "choose", "99999"]) == 2
    assert capsys.readouterr().err == "错误：名单里没有部门编码 99999\n"


def test_a_date_that_is_none_is_said_in_chinese(tmp_path, capsys):
    code = main(
        ["campaign", "new", str(tmp_path / "批"), "--year", "2024", "--deadline", "2024/1/1"]
    )
    assert code == 2
    assert "“2024/1/1”不是日期，请写成 2024-01-20 这样。" in capsys.readouterr().err


@pytest.mark.xdist_group("office")
def test_the_sdk_finds_no_fault_in_what_a_campaign_writes(validator, bureau):
    main(["distribute"])
    folder, codes = hand_in(bureau, wrong=(1,), absent=(4,))
    main(["collect", str(folder)])
    main(["campaign", "notes", "--format", "xlsx"])
    main(["status", "--chase", "催报.xlsx"])
    main(["rollup", "--unit", "亿元"])
    blank = bureau / "空白.xlsx"
    blank.write_bytes(sent_workbooks(Path("下发"))[codes[0]])
    files = [blank, Path("汇总表.xlsx"), Path("催报.xlsx"), *Path("退回意见").rglob("*.xlsx")]
    assert len(files) == 4
    assert validator.errors(files) == {file: [] for file in files}


@pytest.mark.xdist_group("office")
def test_the_instruction_and_a_short_note_print_on_one_page(office, browser, bureau):
    from xltool.campaign.sealing.parcel import read_parcel

    main(["distribute"])
    folder, _ = hand_in(bureau, wrong=(1,))
    main(["collect", str(folder)])
    main(["campaign", "notes"])
    pages = {
        "填报说明": read_parcel(Path("下发/第1批/第1区.zip"))["填报说明.html"].decode(),
        "退回意见": next(Path("退回意见").rglob("*.html")).read_text("utf-8"),
    }
    for name, html in pages.items():
        page = browser.blank()
        page.set_content(html)
        pdf = bureau / f"{name}.pdf"
        page.pdf(path=str(pdf), format="A4", prefer_css_page_size=True)
        assert office.pages(pdf) == 1
        assert name in office.text(pdf)
    browser.quiet()


def test_units_without_a_district_are_named_as_the_tables_name_them(tmp_path, monkeypatch, capsys):
    """未分区县 is a district to every command that takes one, and never the whole."""
    rows = unit_rows(2, 1)
    rows[0][2] = ""
    campaign = new_campaign(
        tmp_path / "批次",
        year=2024,
        edition="hunan-2023",
        units=write_units(tmp_path / "u.xlsx", rows),
    )
    monkeypatch.chdir(campaign.folder)
    code = rows[0][0]
    assert main(["distribute", "--district", "未分区县"]) == 0
    assert main(["distribute", "--again", "--district", "未分区县"]) == 0
    assert main(["status", "--district", "未分区县"]) == 0
    assert (
        main(["campaign", "extend", "2024-03-01", "--district", "未分区县", "--reason", "雪"]) == 0
    )
    capsys.readouterr()
    assert main(["campaign", "log"]) == 0
    assert "2024-03-01 未分区县" in capsys.readouterr().out
    (tmp_path / "in").mkdir()
    sent = sent_workbooks(campaign.folder / "下发" / "第1批")
    (tmp_path / "in" / "a.xlsx").write_bytes(fill_in(sent[code]))
    assert main(["collect", str(tmp_path / "in"), "--received", "2024-02-01"]) == 0
    assert main(["campaign", "accept", "--district", "未分区县"]) == 0
    assert main(["rollup"]) == 0
    compared = load_workbook("汇总表.xlsx")["与上年比较"]
    districts = [row[0].value for row in compared.iter_rows(min_row=4)]
    assert districts == [name for name in ("合计", "未分区县", "第2区") for _ in range(2)]
    capsys.readouterr()
    assert main(["status", "--district", "别处"]) == 2
    assert main(["distribute", "--district", "别处"]) == 2
    assert capsys.readouterr().err.count("名单里没有区县“别处”") == 2


@pytest.mark.parametrize(
    ("command", "wrong", "kind"),
    [
        (["print", "--district", "第1区", "-o"], "区.docx", ".pdf"),
        (["report", "-o"], "进度.xlsx", ".html"),
        (["submit", "-o"], "上报.xlsx", ".zip"),
        (["submit", "-o"], "上报", ".zip"),
        (["export"], "存档.db", ".zip"),
    ],
)
def test_a_file_is_what_its_name_says(bureau, capsys, command, wrong, kind):
    """A PDF called .docx would open nowhere."""
    assert main(["campaign", *command, str(bureau / wrong)]) == 2
    assert f"写成 {kind} 文件，不是“{bureau / wrong}”" in capsys.readouterr().err
    assert not (bureau / wrong).exists()
