"""`xltool demo --campaign`: a whole campaign in a minute, on a machine where nothing is set up."""

from openpyxl import load_workbook

import xltool
from tests.support.seed import seed_filing
from xltool.cli import main


def test_a_campaign_is_walked_through(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "看", "--campaign"]) == 0
    said = capsys.readouterr().out
    assert "下发：6 个加了封印的工作簿，2 个压缩包" in said
    assert "收入侧不平衡" in said and "“整体绩效目标”没有填" in said
    assert "计入 3 / 6 个单位" in said
    made = tmp_path / "看" / "批次演示"
    assert "南山镇" in (made / "催报名单.txt").read_text("utf-8")
    notes = sorted(path.name[:6] for path in (made / "退回意见").rglob("*.html"))
    assert notes == ["001002", "002001"]
    assert load_workbook(made / "汇总表.xlsx").sheetnames
    assert str(made / "汇总表.xlsx") in said
    # Again: nothing of the first is touched, and one line says so.
    before = sorted((p, p.stat().st_mtime_ns) for p in (made / "批次").rglob("*") if p.is_file())
    assert main(["demo", "看", "--campaign"]) == 2
    assert "已经存在" in capsys.readouterr().err
    assert before == sorted(
        (p, p.stat().st_mtime_ns) for p in (made / "批次").rglob("*") if p.is_file()
    )


def test_its_folder_can_be_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "看", "--campaign", "别处"]) == 0
    assert (tmp_path / "看" / "别处" / "汇总表.xlsx").is_file()


def test_only_what_was_filled_is_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    xltool.fill(seed_filing(), tmp_path / "我的" / "申报.xlsx")
    assert main(["demo", "."]) == 0
    assert "申报.xlsx" not in capsys.readouterr().out
