"""`xltool fill` and `xltool databook`: what is written, what is said, and the exit code."""

import json
import shutil
from itertools import pairwise

import pytest
from openpyxl import load_workbook

import xltool
from tests.support.books import book
from tests.support.seed import EXAMPLE, UNIT, seed_filing
from xltool.cli import main
from xltool.databook import write_databook
from xltool.filling import writer as render
from xltool.filling.writer import FillError


def workbooks(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.xlsx"))


@pytest.mark.parametrize("name", ["book.xlsx", "book.json", "book"])
def test_fill_from_any_kind_of_data_book(tmp_path, capsys, name):
    write_databook([seed_filing()], tmp_path / name)
    assert main(["fill", str(tmp_path / name), "-o", str(tmp_path / "out")]) == 0
    assert workbooks(tmp_path / "out") == [f"{UNIT}.xlsx"]
    assert xltool.read(tmp_path / "out" / f"{UNIT}.xlsx") == seed_filing()
    assert capsys.readouterr().out.splitlines()[-1] == f"1 个工作簿写在 {tmp_path / 'out'}。"


def test_bad_units_are_not_written_and_the_others_are(tmp_path, capsys):
    units = [f"2023,第{n}局,,100,100,,,,100,,,职能,目标" for n in range(10)]
    for n in (2, 5, 7):
        units[n] = units[n].replace("100,100", "一百,100")
    source = book(tmp_path / "源", rows={"部门": units, "项目": [], "指标": []})
    assert main(["fill", str(source), "-o", str(tmp_path / "out")]) == 1
    assert workbooks(tmp_path / "out") == [f"第{n}局.xlsx" for n in (0, 1, 3, 4, 6, 8, 9)]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" ")[:4] for line in lines[:3]] == [
        ["错误", "B013", "部门.csv", f"D{n + 2}（第{n}局）"] for n in (2, 5, 7)
    ]
    assert lines[-1].endswith("3 个单位没有写出：第2局、第5局、第7局。请改正后再运行。")


def test_what_was_there_for_a_bad_unit_stays(tmp_path):
    source = book(tmp_path / "源", rows={"部门": ["2023,甲局,,x,,,,,,,,,"], "项目": [], "指标": []})
    out = tmp_path / "out"
    out.mkdir()
    (out / "甲局.xlsx").write_bytes(b"before")
    assert main(["fill", str(source), "-o", str(out)]) == 1
    assert (out / "甲局.xlsx").read_bytes() == b"before"
    assert [p.name for p in out.iterdir()] == ["甲局.xlsx"]


def test_names_that_windows_takes_for_one(tmp_path):
    rows = {"部门": [f"2023,{name},,,,,,,,,,," for name in ("A/局", "A:局", "a?局")]}
    source = book(tmp_path / "源", rows={**rows, "项目": [], "指标": []})
    assert main(["fill", str(source), "-o", str(tmp_path / "out")]) == 0
    names = workbooks(tmp_path / "out")
    assert len({name.casefold() for name in names}) == 3
    assert {xltool.read(tmp_path / "out" / name).unit for name in names} == {"A/局", "A:局", "a?局"}


def test_a_data_book_is_never_overwritten_by_its_unit(tmp_path):
    source = tmp_path / f"{UNIT}.xlsx"
    write_databook([seed_filing()], source)
    before = source.read_bytes()
    assert main(["fill", str(source), "-o", str(tmp_path)]) == 0
    assert source.read_bytes() == before
    assert len(workbooks(tmp_path)) == 2


@pytest.mark.parametrize("source", ["没有.xlsx", "没有"])
def test_no_source_is_one_line_and_exit_2(tmp_path, capsys, source):
    assert main(["fill", str(tmp_path / source), "-o", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_a_file(tmp_path, capsys):
    (tmp_path / "out").write_text("")
    assert main(["fill", str(EXAMPLE), "-o", str(tmp_path / "out")]) == 2
    assert "不是文件夹" in capsys.readouterr().err


def test_no_rows_write_nothing(tmp_path, capsys):
    source = book(tmp_path / "源", rows={"部门": [], "项目": [], "指标": []})
    assert main(["fill", str(source), "-o", str(tmp_path / "out")]) == 1
    assert "没有写出任何工作簿" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_a_workbook_that_cannot_be_replaced_leaves_the_others(tmp_path, capsys):
    source = book(tmp_path / "源")
    (tmp_path / "out" / "甲局.xlsx").mkdir(parents=True)
    assert main(["fill", str(source), "-o", str(tmp_path / "out")]) == 2
    assert (tmp_path / "out" / "乙局.xlsx").is_file()
    assert "甲局" in capsys.readouterr().out


def test_a_filing_that_cannot_be_written_is_told_apart_from_a_machine_that_cannot(
    tmp_path, capsys, monkeypatch
):
    def fill(filing, path, template=None, *, edition=None):
        if filing.unit == "甲局":
            raise FillError("写不下")
        return render.fill(filing, path, template, edition=edition)

    monkeypatch.setattr(xltool, "fill", fill, raising=False)
    source = book(tmp_path / "源")
    assert main(["fill", str(source), "-o", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0].split(" ")[1:] == ["B100", "甲局：写不下"]
    assert workbooks(tmp_path / "out") == ["乙局.xlsx"]


def test_what_somebody_edited_is_not_filled_over(tmp_path, capsys):
    source, out = book(tmp_path / "源"), tmp_path / "out"
    command = ["fill", str(source), "-o", str(out)]
    assert main(command) == 0
    assert main(command) == 0  # its own work is done again
    edited = load_workbook(out / "甲局.xlsx")
    edited.worksheets[0]["C4"] = 99
    edited.save(out / "甲局.xlsx")
    before = (out / "甲局.xlsx").read_bytes()
    capsys.readouterr()
    assert main(command) == 1
    assert "有人改过，没有覆盖" in capsys.readouterr().out
    assert (out / "甲局.xlsx").read_bytes() == before
    assert main([*command, "--force"]) == 0
    assert (out / "甲局.xlsx").read_bytes() != before


def test_new_is_written_once(tmp_path, capsys):
    path = tmp_path / "新.xlsx"
    assert main(["databook", "new", str(path)]) == 0
    assert load_workbook(path).sheetnames == ["部门", "项目", "指标", "填写说明"]
    assert main(["databook", "new", str(path)]) == 2
    assert "--force" in capsys.readouterr().err
    assert main(["databook", "new", str(path), "--force"]) == 0


def test_convert_there_and_back(tmp_path):
    steps = [EXAMPLE, tmp_path / "a.xlsx", tmp_path / "b.json", tmp_path / "c"]
    for source, target in pairwise(steps):
        assert main(["databook", "convert", str(source), str(target)]) == 0
    for file in EXAMPLE.iterdir():
        assert (tmp_path / "c" / file.name).read_bytes() == file.read_bytes()


def test_convert_writes_nothing_out_of_a_faulty_book(tmp_path):
    source = book(tmp_path / "源", rows={"部门": ["2023,甲局,,x,,,,,,,,,"], "项目": [], "指标": []})
    assert main(["databook", "convert", str(source), str(tmp_path / "b.json")]) == 1
    assert not (tmp_path / "b.json").exists()


def test_check_as_json(tmp_path, capsys):
    shutil.copytree(EXAMPLE, tmp_path / "book")
    assert main(["databook", "check", str(tmp_path / "book"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["units"] == [UNIT]
    source = book(tmp_path / "源", rows={"项目": ["丁局,修路,,,,,"], "指标": []})
    assert main(["databook", "check", str(source), "--json"]) == 1
    [problem] = json.loads(capsys.readouterr().out)["problems"]
    found = {key: problem[key] for key in ("code", "severity", "sheet", "cell", "unit")}
    assert found == {
        "code": "B008",
        "severity": "error",
        "sheet": "项目.csv",
        "cell": "A2",
        "unit": "丁局",
    }
