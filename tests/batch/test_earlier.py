"""`batch --last-year`: each unit is compared with its own filing of the year before."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from msgspec.structs import replace

import xltool
from tests.support.case import filing_of
from xltool.batch.run import run
from xltool.cli import main
from xltool.errors import XltoolError


def workbook(path: Path, name: str, code: str, year: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    filing = filing_of({"department": {"unit": name, "year": str(year)}})
    return xltool.fill(replace(filing, code=code), path)


@pytest.fixture
def years(tmp_path) -> Path:
    for name, code in (("甲局", "001"), ("乙局", "002")):
        workbook(tmp_path / "今年" / f"{name}.xlsx", name, code, 2024)
        workbook(tmp_path / "去年" / f"{name}.xlsx", name, code, 2023)
    return tmp_path


def codes(out: Path) -> dict[str, set[str]]:
    files = json.loads((out / "report.json").read_bytes())["files"]
    return {one["unit"]: {finding["code"] for finding in one["findings"]} for one in files}


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_unit_is_compared_with_its_own_filing(years, tmp_path, jobs):
    (years / "去年" / "乙局.xlsx").unlink()
    run(years / "今年", tmp_path / "果", jobs=jobs, last_year=str(years / "去年"))
    found = codes(tmp_path / "果")
    assert "X507" in found["甲局"] and "B204" not in found["甲局"]
    assert "X507" not in found["乙局"] and "B204" in found["乙局"]


def test_the_same_as_check_says(years, tmp_path, capsys):
    run(years / "今年", tmp_path / "果", jobs=1, last_year=str(years / "去年"))
    capsys.readouterr()
    main(["check", str(years / "今年"), "--json", "--last-year", str(years / "去年")])
    checked = json.loads(capsys.readouterr().out)["files"]
    expected = {one["unit"]: {f["code"] for f in one["findings"]} for one in checked}
    assert codes(tmp_path / "果") == expected


def test_several_filings_of_a_unit_and_year_are_said_to_be(years, tmp_path, capsys):
    workbook(years / "去年" / "甲局（改）.xlsx", "甲局", "001", 2023)
    workbook(years / "去年" / "甲局（前年）.xlsx", "甲局", "001", 2022)
    summary = run(years / "今年", tmp_path / "果", jobs=1, last_year=str(years / "去年"))
    [(_, note)] = summary.notes
    assert "有 2 份" in note and "甲局.xlsx" in note and "甲局（改）.xlsx" in note
    main(["check", str(years / "今年"), "--last-year", str(years / "去年")])
    assert capsys.readouterr().err.count("有 2 份") == 1


def test_a_filing_of_another_unit_or_year_is_doubted_as_check_does(years, tmp_path, capsys):
    (years / "今年" / "坏.xlsx").write_bytes(b"no workbook")
    earlier = workbook(tmp_path / "b.xlsx", "甲局", "001", 2024)
    run(years / "今年", tmp_path / "果", jobs=1, last_year=str(earlier))
    files = json.loads((tmp_path / "果" / "report.json").read_bytes())["files"]
    doubts = {
        one["file"]: finding["message"]
        for one in files
        for finding in one["findings"]
        if finding["code"] == "B204"
    }
    assert "不早于" in doubts["甲局.xlsx"] and "不是“乙局”的" in doubts["乙局.xlsx"]
    assert set(doubts) == {"甲局.xlsx", "乙局.xlsx"}
    main(["check", str(years / "今年"), "--last-year", str(earlier)])
    said = capsys.readouterr().err
    assert all(f"注意：{message}" in said for message in doubts.values())


def test_all_is_judged_anew_when_the_earlier_filings_change(years, tmp_path):
    def again(**more):
        return run(years / "今年", tmp_path / "果", jobs=1, **more)

    again()
    assert "X507" not in codes(tmp_path / "果")["甲局"]
    assert again(last_year=str(years / "去年")).skipped == 0
    assert "X507" in codes(tmp_path / "果")["甲局"]
    assert again(last_year=str(years / "去年")).skipped == 2
    os.utime(years / "去年" / "甲局.xlsx", (1, 1))
    assert again(last_year=str(years / "去年")).skipped == 0


def test_one_workbook_is_last_year_for_whatever_is_asked(years, tmp_path):
    run(years / "今年", tmp_path / "果", jobs=1, last_year=str(years / "去年" / "甲局.xlsx"))
    assert all("X507" in found for found in codes(tmp_path / "果").values())


def test_what_cannot_be_read_there_is_noted_and_stops_nobody(years, tmp_path):
    (years / "去年" / "坏.xlsx").write_bytes(b"PK broken")
    summary = run(years / "今年", tmp_path / "果", jobs=1, last_year=str(years / "去年"))
    assert [note for name, note in summary.notes if "坏.xlsx" in note]
    assert "X507" in codes(tmp_path / "果")["甲局"]


@pytest.mark.parametrize("path", ["没有", "空", "坏.xlsx"])
def test_no_earlier_filing_at_all_leaves_every_result_as_it_was(years, tmp_path, path):
    run(years / "今年", tmp_path / "果", jobs=1)
    before = {file: file.read_bytes() for file in (tmp_path / "果").glob("[!.]*")}
    (tmp_path / "空").mkdir()
    (tmp_path / "坏.xlsx").write_bytes(b"PK broken")
    with pytest.raises(XltoolError, match="上一年"):
        run(years / "今年", tmp_path / "果", jobs=1, last_year=str(tmp_path / path))
    assert {file: file.read_bytes() for file in (tmp_path / "果").glob("[!.]*")} == before


def test_the_command_takes_it(years, tmp_path):
    arguments = ["batch", str(years / "今年"), str(tmp_path / "果"), "-j", "1", "--quiet"]
    main([*arguments, "--last-year", str(years / "去年")])
    assert "X507" in codes(tmp_path / "果")["甲局"]


def test_a_link_that_leads_nowhere_and_a_pipe_stop_nothing(years, tmp_path):
    (years / "去年" / "断.xlsx").symlink_to(years / "没有")
    if hasattr(os, "mkfifo"):
        os.mkfifo(years / "去年" / "管.xlsx")
    (years / "去年" / "乙局.xlsx").rename(years / "去年" / "乙局.ods")
    summary = run(years / "今年", tmp_path / "果", jobs=1, last_year=str(years / "去年"))
    assert "X507" in codes(tmp_path / "果")["甲局"]
    said = [note for _, note in summary.notes]
    assert len(said) == 2
    assert "断.xlsx：是指向别处的链接" in said[1] and "乙局.ods：请在 Excel" in said[0]
