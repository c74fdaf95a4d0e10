"""The names of a bureau's indicator library, offered as a list in new workbooks."""

import re
import zipfile
from pathlib import Path

import pytest
from msgspec.structs import replace

import xltool
from tests.support.campaign import fill_in, unit_rows, write_units
from tests.support.case import filing_of
from tests.support.seed import seed_filing
from xltool.campaign.sealing import parcel
from xltool.cli import main
from xltool.editions.declaration import load_edition, usable_editions
from xltool.filling.writer import render
from xltool.library import load_library
from xltool.template.draw import offering
from xltool.template.layout import load_layout
from xltool.xlsx.references import read_area

LIBRARY = """
[[indicator]]
name = "维修水库"
unit = "座"
[[indicator]]
name = "培训农民"
unit = "人次"
"""


@pytest.fixture
def library(tmp_path) -> Path:
    (tmp_path / "指标库.toml").write_text(LIBRARY, "utf-8")
    return tmp_path / "指标库.toml"


def lists(workbook: Path) -> dict[str, list[str]]:
    """Sheet part → the areas in which the library's names are offered."""
    found: dict[str, list[str]] = {}
    with zipfile.ZipFile(workbook) as archive:
        for part in archive.namelist():
            text = archive.read(part).decode() if part.startswith("xl/worksheets/sheet") else ""
            for attributes, inside in re.findall(
                r"<dataValidation ([^>]*[^/])>(.*?)</dataValidation>", text
            ):
                if "<formula1>指标库!$A$2:$A$3</formula1>" in inside:
                    assert 'type="list"' in attributes and "showErrorMessage" not in attributes
                    found.setdefault(part, []).append(re.search('sqref="([^"]*)"', attributes)[1])
    return found


@pytest.mark.parametrize("edition", [one.id for one in usable_editions()])
def test_a_blank_form_offers_the_names_and_reads_as_the_plain_one(library, edition, tmp_path):
    plain, offered = load_edition(edition), tmp_path / "空白表.xlsx"
    line = ["template", "draw", "--edition", edition, "--library", str(library), "-o", str(offered)]
    assert main(line) == 0
    assert main(["template", "check", str(offered), "--edition", edition]) == 0
    assert offering(plain, load_library(library)) == offered.read_bytes()
    assert len(lists(offered)) == 2 and lists(plain.template) == {}
    with zipfile.ZipFile(offered) as archive:
        assert (
            'name="指标库" sheetId="3" state="hidden"' in archive.read("xl/workbook.xml").decode()
        )
    blank, same = xltool.read(plain.template), xltool.read(offered)
    assert same == blank and same.faults == blank.faults


def test_the_list_grows_with_the_rows_and_comes_with_each_project(library, tmp_path):
    edition = load_edition("hunan-2023")
    (tmp_path / "模板.xlsx").write_bytes(offering(edition, load_library(library)))
    rows = [[f"维修第{n}座水库", "≥1座"] for n in range(12)]
    filing = filing_of({"department": {"quantity": rows}, "project2": {"project": "河道清淤"}})
    (tmp_path / "甲.xlsx").write_bytes(render(filing, template=tmp_path / "模板.xlsx"))
    assert xltool.read(tmp_path / "甲.xlsx") == filing
    found, plain = xltool.check(tmp_path / "甲.xlsx"), xltool.check(render(filing))
    assert [(f.code, f.cell) for f in found] == [(f.code, f.cell) for f in plain]
    areas = lists(tmp_path / "甲.xlsx")
    assert len(areas) == 3  # the department form and two projects
    layout = load_layout(edition).forms["department"]
    blocks = layout.blocks.values()
    first, last = min(b.top for b in blocks), max(b.bottom for b in blocks)
    [area] = areas["xl/worksheets/sheet1.xml"]
    covered = read_area(area)
    grown = len(rows) - (layout.blocks["quantity"].bottom - layout.blocks["quantity"].top + 1)
    assert (covered.top, covered.bottom) == (first, last + grown)


def test_a_template_that_a_bureau_altered_is_not_drawn_over(library, tmp_path):
    edition = load_edition("hunan-2023")
    for name in ("edition.toml", "layout.toml"):
        (tmp_path / name).write_bytes((Path(edition.folder) / name).read_bytes())
    own = replace(edition, folder=str(tmp_path))
    (tmp_path / "template.xlsx").write_bytes(edition.template.read_bytes())
    assert offering(own, load_library(library)) is not None
    (tmp_path / "template.xlsx").write_bytes(render(seed_filing()))
    assert offering(own, load_library(library)) is None
    (tmp_path / "layout.toml").unlink()
    assert offering(own, load_library(library)) is None


def test_a_campaigns_workbooks_offer_them_and_come_back_as_genuine(library, tmp_path, monkeypatch):
    (tmp_path / "设置.toml").write_text('library = "指标库.toml"\n', "utf-8")
    monkeypatch.chdir(tmp_path)
    write_units(Path("单位.xlsx"), unit_rows(1, 1))
    made = ["campaign", "new", "批次", "--year", "2024", "--units", "单位.xlsx"]
    assert main([*made, "--settings", "设置.toml"]) == 0
    monkeypatch.chdir("批次")
    assert main(["distribute"]) == 0
    [path] = Path("下发").rglob("*.zip")
    files = parcel.read_parcel(path)
    name = next(n for n in files if n.endswith(".xlsx") and "/" not in n)
    Path(name).write_bytes(files[name])
    assert len(lists(Path(name))) == 2
    Path(name).write_bytes(fill_in(files[name]))
    assert main(["verify", "--key", "keys/public.pem", name]) == 0
    assert main(["collect", name]) in (0, 1)
    main(["campaign", "recheck", "--edition", "hunan-2023"])
    assert len(lists(Path("edition/template.xlsx"))) == 2


def test_the_ribbons_new_form_offers_this_desks_library(library, tmp_path, monkeypatch):
    from xltool.excel import desk_settings
    from xltool.excel.buttons.filling import _blank_form

    edition = load_edition("hunan-2023")
    monkeypatch.setattr(desk_settings, "user_file", lambda: tmp_path / "settings.toml")
    assert _blank_form(edition) == edition.template.read_bytes()
    (tmp_path / "settings.toml").write_text('library = "指标库.toml"\n', "utf-8")
    (tmp_path / "新.xlsx").write_bytes(_blank_form(edition))
    assert len(lists(tmp_path / "新.xlsx")) == 2
