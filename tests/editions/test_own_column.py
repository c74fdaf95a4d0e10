"""An indicator column that only one edition has is data: its TOML and nothing else."""

import csv
import io
import json
import re

import jsonschema
import pytest

import xltool
from tests.support.case import filing_of
from xltool.cli import main
from xltool.databook import load_databook
from xltool.databook.schema import schema
from xltool.databook.write import write_databook
from xltool.editions.copy import copy_edition
from xltool.editions.declaration import load_edition
from xltool.exporting.data import record
from xltool.model import Entry, Place
from xltool.template.draw import draw

HEAD = "评分标准"
TEXT = "完成得满分，每少一处扣 2 分"
# What takes one column more on the wider sheets.
WIDER = {
    "@year*6": 7,
    "@filer*5": 6,
    "@unit*5": 6,
    "@total*4": 5,
    "按支出性质分：*2": 3,
    "@basic": 2,
    "@project_spending": 2,
    "@nontax_spending": 2,
    "@duties*5": 6,
    "@goal*5": 6,
    "@unit*2": 3,
    "@upper_budget*2": 3,
    "@period*5": 6,
    "@period_goal*5": 6,
    "@annual_goal*5": 6,
}
COLUMN = f"""[[form.indicators.column]]
id = "criterion"
label = "{HEAD}"
prompt = "写明怎样得分，怎样扣分。"
width = 30
"""


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    """The default edition with one more column in both tables, drawn anew."""
    folder = copy_edition(load_edition(), "county-2031", tmp_path_factory.mktemp("editions"))
    declared = folder / "edition.toml"
    first_block = '[[form.indicators.block]]\nid = "quantity"\n'
    text = declared.read_text("utf-8")
    assert text.count(first_block) == 2
    declared.write_text(text.replace(first_block, COLUMN + first_block), "utf-8")
    layout = folder / "layout.toml"
    # One column more on each sheet.
    drawn = re.sub(r"(widths = \[[0-9, ]+)\]", r"\1, 60]", layout.read_text("utf-8"))
    for old, columns in WIDER.items():
        new = f"{old.partition('*')[0]}*{columns}"
        assert f'"{old}"' in drawn, old
        drawn = drawn.replace(f'"{old}"', f'"{new}"')
    drawn = drawn.replace('"*2"', '"*3"')
    layout.write_text(drawn, "utf-8")
    loaded = load_edition(folder)
    draw(loaded.template, loaded)
    return load_edition(folder)


@pytest.fixture(scope="module")
def filing(edition):
    """A filing that answers the new column in every row."""
    from msgspec.structs import replace

    def answered(form):
        rows = tuple(
            replace(one, cells={**one.cells, "criterion": Entry(TEXT, TEXT)})
            for one in form.indicators
        )
        return replace(form, indicators=rows)

    whole = filing_of()
    return replace(
        whole,
        edition=edition.id,
        department=answered(whole.department),
        projects=tuple(map(answered, whole.projects)),
    )


def test_it_is_filled_read_and_checked(edition, filing, tmp_path):
    path = xltool.fill(filing, tmp_path / "申报.xlsx", edition=edition)
    back = xltool.read(path, edition=edition)
    assert back.department == filing.department and back.projects == filing.projects
    entry = back.department.indicators[0]["criterion"]
    assert (entry.text, entry.place) == (TEXT, Place(edition.department.sheet, entry.place.cell))
    codes = {f.code for f in xltool.check(back, edition=edition)}
    assert codes == {f.code for f in xltool.check(filing_of())}


def test_the_template_says_what_belongs_there(edition):
    import openpyxl

    sheet = openpyxl.load_workbook(edition.template)[edition.department.sheet]
    prompts = [one.prompt for one in sheet.data_validations.dataValidation]
    assert "写明怎样得分，怎样扣分。" in prompts
    assert HEAD in sheet.defined_names


def test_the_data_book_has_it(edition, filing, tmp_path):
    path = tmp_path / "数据表.xlsx"
    write_databook([filing], path, edition)
    [back] = load_databook(path, edition)
    assert back.department == filing.department
    properties = schema(edition)["$defs"]["department"]["properties"]["indicators"]["items"][
        "properties"
    ]
    assert properties["criterion"]["title"] == HEAD


def test_every_table_of_indicators_shows_it(edition, filing, tmp_path, capsys):
    path = xltool.fill(filing, tmp_path / "申报.xlsx", edition=edition)
    table, out = tmp_path / "指标.csv", tmp_path / "导出"
    assert main(["indicators", str(path), "--edition", edition.folder, "--csv", str(table)]) == 0
    assert (
        main(["export", str(path), "--edition", edition.folder, "-o", str(out), "--json", "--csv"])
        == 0
    )
    for file in (table, *out.glob("*.csv")):
        rows = list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"), newline="")))
        assert {row[HEAD] for row in rows if row["二级指标"]} == {TEXT}, file.name
    [exported] = out.glob("*.json")
    assert TEXT in exported.read_text("utf-8")
    from importlib.resources import files

    export_schema = json.loads(
        files("xltool.exporting").joinpath("export.schema.json").read_text("utf-8")
    )
    jsonschema.validate(json.loads(exported.read_text("utf-8")), export_schema)
    assert record(filing, edition)["forms"][0]["indicators"][0]["criterion"] == TEXT


def test_another_edition_is_told_what_has_no_place(edition, filing, tmp_path, capsys):
    path = xltool.fill(filing, tmp_path / "申报.xlsx", edition=edition)
    main(
        [
            "convert",
            str(path),
            "--from",
            edition.folder,
            "--to",
            "hunan-2023",
            "-o",
            str(tmp_path / "转.xlsx"),
        ]
    )
    shown = capsys.readouterr()
    notes = "".join(file.read_text("utf-8-sig") for file in tmp_path.glob("*转换说明.csv"))
    assert HEAD in shown.out + shown.err + notes
