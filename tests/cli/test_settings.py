"""A bureau's settings reach every command that judges; last year's filings are found by unit."""

import json
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

import xltool
from tests.support.campaign import unit_rows, write_units
from tests.support.case import filing_of
from tests.support.paths import DOCS
from xltool.checks.settings import (
    Settings,
    SettingsError,
    departures,
    keys,
    load_settings,
    markdown,
    with_departures,
)
from xltool.cli import main
from xltool.files import places

OFF = 'off = ["T301"]\n'


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """Standing beside a workbook that has one error, T301,
    with an empty folder for the user's own things."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(places, "own_folder", lambda: tmp_path / "own")
    monkeypatch.setattr("xltool.checks.settings.own_folder", lambda: tmp_path / "own")
    Path("停.toml").write_text(OFF, "utf-8")
    xltool.fill(filing_of({"department": {"fund": "1190"}}), tmp_path / "收" / "甲.xlsx")
    return tmp_path


def codes(capsys, *arguments):
    capsys.readouterr()
    main(["check", "收", "--json", *arguments])
    return [f["code"] for r in json.loads(capsys.readouterr().out)["files"] for f in r["findings"]]


def test_the_page_of_keys_is_the_shipped_file():
    assert (DOCS / "settings.md").read_text("utf-8") == markdown()
    assert {key.name for key in keys()} == {f.name for f in msgspec.structs.fields(Settings)}
    assert all(key.meaning for key in keys())


def test_the_shipped_values_stand_on_the_page():
    import tomllib

    shipped = tomllib.loads("\n".join(f"{key.name} = {key.shipped}" for key in keys()))
    assert msgspec.convert(shipped, Settings) == load_settings()


def test_named_then_own_then_shipped(desk, capsys):
    assert codes(capsys) == ["T301"]
    assert codes(capsys, "--settings", "停.toml") == []
    assert main(["settings", "use", "停.toml"]) == 0
    assert codes(capsys) == []
    main(["check", "收"])
    assert "本机的设置" in capsys.readouterr().err
    Path("空.toml").write_text("", "utf-8")
    assert codes(capsys, "--settings", "空.toml") == ["T301"]
    assert main(["settings", "use", "--shipped"]) == 0
    assert codes(capsys) == ["T301"]


def test_own_settings_that_were_edited_are_kept(desk, capsys):
    main(["settings", "use", "停.toml"])
    (desk / "own" / "settings.toml").write_text("off = []\n", "utf-8")
    assert main(["settings", "use", "停.toml"]) == 2
    assert "没有覆盖" in capsys.readouterr().err
    main(["settings", "use", "--shipped"])
    assert (desk / "own" / "settings-停用.toml").read_text("utf-8") == "off = []\n"


def test_batch_watch_demo_and_export_judge_by_them(desk, capsys):
    assert main(["batch", "收", "批"]) == 1
    assert main(["batch", "收", "批二", "--settings", "停.toml"]) == 0
    main(["settings", "use", "停.toml"])
    assert main(["batch", "收", "批三"]) == 0
    from xltool.batch.watch import judge

    assert judge(Path("收/甲.xlsx"), load_settings("停.toml")).result.verdict == "pass"


def test_a_campaign_keeps_its_own(desk, capsys):
    write_units(desk / "units.xlsx", unit_rows(1, 2))
    new = "campaign new {} --year 2024 --units units.xlsx".format
    assert main(new("甲").split()) == 0
    assert not Path("甲/settings.toml").exists()
    assert main([*new("乙").split(), "--settings", "停.toml"]) == 0
    assert Path("乙/settings.toml").read_text("utf-8") == OFF
    main(["settings", "use", "停.toml"])
    assert main(new("丙").split()) == 0
    assert Path("丙/settings.toml").read_text("utf-8") == OFF
    capsys.readouterr()
    assert main(["settings", "show", "--campaign", "丙", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["settings"]["off"] == ["T301"]
    Path("坏.toml").write_text('off = ["T999"]', "utf-8")
    assert main([*new("丁").split(), "--settings", "坏.toml"]) == 2
    assert not Path("丁").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("of = []", "是否想写“off”"),
        ('off = ["T310"]', "没有规则“T310”"),
        ("long_text_min = '十'", "应当是"),
        ('at_most = ["kosten"]', "没有类别“kosten”"),
        ("off = [", "不是有效的 TOML"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(desk, text, said, capsys):
    Path("坏.toml").write_text(text, "utf-8")
    assert main(["settings", "check", "坏.toml"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert main(["settings", "use", "坏.toml"]) == 2
    assert not (desk / "own").exists()


def test_what_differs_is_marked(desk, capsys):
    assert main(["settings", "check", "停.toml"]) == 0
    said = capsys.readouterr().out
    assert '* off = ["T301"]（自带的是 []）' in said
    assert "1 项" in said


class TestLastYear:
    @pytest.fixture
    def years(self, desk):
        """Two units, this year and two years before; only 甲's goal is copied word for word."""
        for year, folder in ((2024, "今年"), (2023, "去年"), (2022, "去年/更早")):
            for code, name in (("001", "甲局"), ("002", "乙局")):
                unit = {"unit": name, "year": str(year)}
                filing = filing_of({"department": unit})
                xltool.fill(replace(filing, code=code), desk / folder / f"{name}.xlsx")
        return desk

    def copied(self, capsys, *arguments):
        capsys.readouterr()
        main(["check", "今年", "--json", *arguments])
        out, err = capsys.readouterr()
        found = {
            Path(r["file"]).stem: sorted(f["code"] for f in r["findings"] if f["code"] == "X507")
            for r in json.loads(out)["files"]
        }
        return found, err

    def test_a_folder_is_looked_up_by_unit(self, years, capsys):
        found, err = self.copied(capsys, "--last-year", "去年")
        assert found["甲局"] and found["乙局"]
        assert "没有找到" not in err

    def test_a_unit_without_one_is_said(self, years, capsys):
        (years / "去年" / "乙局.xlsx").unlink()
        (years / "去年" / "更早" / "乙局.xlsx").unlink()
        found, err = self.copied(capsys, "--last-year", "去年")
        assert found["甲局"] and not found["乙局"]
        assert "“乙局”没有找到上一年的申报" in err

    def test_this_years_own_file_is_no_last_year(self, years, capsys):
        found, err = self.copied(capsys, "--last-year", "今年")
        assert found == {"甲局": [], "乙局": []}
        assert err.count("没有找到") == 2

    @pytest.mark.parametrize(
        ("named", "said"),
        [("去年/甲局.xlsx", ""), ("今年/甲局.xlsx", "不早于"), ("去年/乙局.xlsx", "是“乙局”的")],
    )
    def test_a_workbook_that_may_be_the_wrong_one_is_said(self, years, named, said, capsys):
        assert main(["check", "今年/甲局.xlsx", "--last-year", named]) in (0, 1)
        err = capsys.readouterr().err
        assert (said in err) and ("拿错" in err) is bool(said)

    def test_what_cannot_be_read_is_said_and_stops_nobody(self, years, capsys):
        (years / "去年" / "坏.xlsx").write_bytes(b"PK broken")
        found, err = self.copied(capsys, "--last-year", "去年")
        assert found["甲局"]
        assert "坏.xlsx" in err

    @pytest.mark.parametrize("path", ["没有", "空"])
    def test_no_such_folder_is_one_line(self, years, path, capsys):
        Path("空").mkdir()
        assert main(["check", "今年", "--last-year", path]) == 2
        assert "上一年的申报" in capsys.readouterr().err

    def test_a_folder_of_other_files_says_what_to_do_with_them(self, years, capsys):
        """What `xltool import` wrote, and what it reads, lie where the filings are looked for."""
        Path("导入").mkdir()
        assert main(["databook", "new", "导入/数据表.xlsx"]) == 0
        Path("导入/申报.docx").write_bytes(b"")
        assert main(["check", "今年", "--last-year", "导入"]) == 2
        said = capsys.readouterr().err
        assert "没有上一年的申报：导入" in said and len(said.splitlines()) == 1
        assert "先用 xltool fill 填出工作簿" in said and "先用 xltool import 导入" in said


def test_the_ribbons_settings_are_the_computers(desk, capsys):
    assert main(["addin", "settings", "停.toml"]) == 0
    assert codes(capsys) == []


def test_departures_travel_and_the_library_stays_at_its_desk():
    bureau = Settings(long_text_max=1500, off=("T301",), library="/局/指标库.xlsx")
    values = msgspec.json.decode(msgspec.json.encode(departures(bureau)))
    assert values == {"long_text_max": 1500, "off": ["T301"], "library": "指标库.xlsx"}
    own = Settings(library="/我/指标库.xlsx", off=("T302",))
    assert with_departures(values, own) == replace(bureau, library="/我/指标库.xlsx")
    assert with_departures(values, Settings()) == replace(bureau, library="")
    with pytest.raises(SettingsError, match="下发的设置"):
        with_departures({"没有": 1}, own)
