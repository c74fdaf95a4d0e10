"""A bureau's own indicator library:
read, made from accepted filings, and what the rules take from it."""

from decimal import Decimal

import openpyxl
import pytest

from tests.support.case import filing_of
from tests.support.clean import NAMES, clean_filing
from xltool import check
from xltool.checks.settings import SettingsError, copy_settings, load_settings
from xltool.indicator import parse_target
from xltool.indicator.library import Library, LibraryEntry
from xltool.library import LibraryError, library_of, load_library
from xltool.reports.indicator_library import save_library

OWN = Library(
    (
        LibraryEntry("走访企业数", "数量指标", "家", "≥", Decimal(20), Decimal(60)),
        LibraryEntry("人均办件压力", "社会效益指标", "件/人", "≤"),
        LibraryEntry("工程验收合格率", "质量指标", "%", "≥", Decimal(90), Decimal(100)),
        LibraryEntry("维修养护水库", "数量指标", "处", scope="水利、水务"),
    )
)


@pytest.fixture
def house(tmp_path):
    """Settings that name the library beside them."""
    save_library(OWN, tmp_path / "指标库.xlsx")
    file = tmp_path / "我的设置.toml"
    file.write_text('library = "指标库.xlsx"\n', "utf-8")
    return file


def found(house, changes):
    filing = filing_of({"department": changes})
    before = {(f.code, f.message) for f in check(filing)}
    after = check(filing, settings=load_settings(house))
    return {f.code: f.message for f in after if (f.code, f.message) not in before}


def test_what_is_written_reads_back(house):
    assert load_library(house.parent / "指标库.xlsx") == OWN


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"social": [["人均办件压力", "≥30件/人"]]}, "I405", "指标库"),
        ({"quantity": [["走访企业数", "≥30人"]]}, "I413", "家（指标库）"),
        ({"quantity": [["走访企业数", "≥300家"]]}, "I422", "20～60家"),
        ({"quality": [["工程验收合格率", "≥60%"]]}, "I422", "90～100%"),
    ],
)
def test_the_rules_look_there_first(house, changes, code, says):
    assert says in found(house, changes)[code]


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": [["走访企业数", "≥65家"], ["维修养护水库", "≥42座"]]},
        {"quantity": [["走访企业数（家）", "≥0.003万家"]]},
        {"quality": [["工程验收合格率", "≥88%"]]},
        {"social": [["人均办件压力", "≤30件/人"]]},
    ],
)
def test_near_the_usual_is_usual(house, changes):
    assert found(house, changes) == {}


def test_a_scope_holds_for_units_of_that_name_only():
    entry = LibraryEntry("甲", scope="水利、 教育")
    assert entry.holds_for("青山县教育局") and not entry.holds_for("青山县民政局")
    own, all_ = LibraryEntry("甲", unit="座", scope="水利"), LibraryEntry("甲", unit="处")
    library = Library((all_, own))
    assert library.find("甲", parse_target("3座"), "青山县水利局") is own
    assert library.find("甲", parse_target("3座"), "青山县民政局") is all_


def test_made_from_accepted_filings_it_finds_nothing_in_them(tmp_path):
    filings = [clean_filing(name) for name in NAMES]
    library = library_of(filings)
    save_library(library, tmp_path / "指标库.xlsx")
    (tmp_path / "设置.toml").write_text('library = "指标库.xlsx"\n', "utf-8")
    settings = load_settings(tmp_path / "设置.toml")
    ranged = [e for e in library.entries if e.low is not None]
    assert ranged and all(e.seen >= 3 and e.low <= e.high for e in ranged)
    told = {
        (f.code, f.message)
        for filing in filings
        for f in check(filing, settings=settings)
        if f.code in ("I405", "I413", "I422")
    }
    assert told == set()


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ('[[indicator]]\nname = "甲"\ndirection = "左"', "方向写 ≥、≤ 或空着"),
        ('[[indicator]]\nname = "甲"\nlow = 5\nhigh = 3', "下限 5 高过上限 3"),
        ('[[indicator]]\nname = "甲"\nlow = "许多"', "“许多”不是数"),
        ('[[indicator]]\nname = "甲"\nlow = "nan"', "不是数"),
        ('[[indicator]]\nnmae = "甲"', "不认识“nmae”"),
        ("[[indicator]", "TOML"),
        ("", "一条指标也没有"),
    ],
)
def test_what_can_not_be_used_is_said_in_one_line(tmp_path, written, says):
    file = tmp_path / "指标库.toml"
    file.write_text(written, "utf-8")
    with pytest.raises(LibraryError, match=says):
        load_library(file)
    (tmp_path / "设置.toml").write_text('library = "指标库.toml"', "utf-8")
    with pytest.raises(SettingsError, match=says):
        load_settings(tmp_path / "设置.toml")


def test_a_toml_library(tmp_path):
    file = tmp_path / "指标库.toml"
    file.write_text('[[indicator]]\nname = "走访"\nunit = "家"\nlow = 1.5\nhigh = 60\n', "utf-8")
    (entry,) = load_library(file).entries
    assert (entry.unit, entry.low, entry.high) == ("家", Decimal("1.5"), Decimal(60))


@pytest.mark.parametrize(
    "name", ["../指标库.xlsx", "/指标库.xlsx", "本级指标库.xlsx", "指标库.xls"]
)
def test_only_a_file_beside_the_settings(tmp_path, name):
    file = tmp_path / "设置.toml"
    file.write_text(f'library = "{name}"', "utf-8")
    with pytest.raises(SettingsError, match="设置文件旁边的文件名，以“指标库”开头"):
        load_settings(file)


def test_a_missing_one_is_said(tmp_path):
    file = tmp_path / "设置.toml"
    file.write_text('library = "指标库.xlsx"', "utf-8")
    with pytest.raises(SettingsError, match="没有指标库"):
        load_settings(file)


def test_it_goes_with_the_settings(house, tmp_path):
    goal = tmp_path / "别处" / "settings.toml"
    copy_settings(house, goal)
    assert load_library(load_settings(goal).library) == OWN
    copy_settings(goal, goal)
    assert load_library(load_settings(goal).library) == OWN


def test_a_changed_library_is_read_again(house):
    changes = {"social": [["人均办件压力", "≥30件/人"]]}
    assert "I405" in found(house, changes)
    save_library(Library((LibraryEntry("乙"),)), house.parent / "指标库.xlsx")
    assert found(house, changes) == {}


def test_nothing_in_it_becomes_a_formula(tmp_path):
    save_library(Library((LibraryEntry("=1+1", unit="家"),)), tmp_path / "指标库.xlsx")
    cells = openpyxl.load_workbook(tmp_path / "指标库.xlsx").active["A2"]
    assert (
        cells.data_type == "s" and load_library(tmp_path / "指标库.xlsx").entries[0].name == "=1+1"
    )
