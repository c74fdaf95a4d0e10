"""A total that only 元 can explain, found beside the others of its batch;
never one that is merely large."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from msgspec.structs import replace

import xltool
from tests.support.case import filing_of
from xltool.checks.beside_others import outsized, totals_in, with_question
from xltool.checks.results import check_result
from xltool.cli import main

SMALL = ["60", "180", "320.5", "900", "1450", "5200", "23000"]


def filed(total: str, number: int):
    """A unit whose form closes with this total."""
    half = str(Decimal(total) / 2)
    name = f"青山县第{number}局"
    money = {"total": total, "general": total, "fund": "", "basic": half, "project_spending": half}
    return filing_of({"department": {"unit": name, "filer": name, **money}, "without": ["project"]})


def results_of(totals):
    found = []
    for number, total in enumerate(totals):
        filing = filed(total, number)
        found.append(check_result(filing, xltool.check(filing)))
    return [replace(result, file=f"{n}.xlsx") for n, result in enumerate(found)]


@pytest.mark.parametrize(
    ("more", "asked"),
    [
        (["900000"], 1),  # 90 万元 in 元
        (["900000", "700000"], 2),  # two of them
        (["150000"], 0),  # the bureau of education: large, but its ten-thousandth is nobody's budget
        (["450000"], 0),
        ([], 0),
    ],
)  # fmt: skip
def test_a_total_in_yuan_is_asked_about_and_no_large_one(more, asked):
    assert len(outsized(totals_in(results_of([*SMALL, *more])))) == asked


def test_few_others_say_nothing():
    assert outsized(totals_in(results_of([*SMALL[:4], "900000"]))) == {}


def test_the_question_is_a_query_with_its_place_and_keeps_its_explanation():
    results = results_of([*SMALL, "900000"])
    [(file, question)] = outsized(totals_in(results)).items()
    before = next(one for one in results if one.file == file)
    after = with_question(before, question)
    finding = after.findings[-1]
    assert (finding.code, finding.severity, finding.cell) == ("T311", "query", "C4")
    assert "90.00" in finding.message
    assert after.counts.query == before.counts.query + 1


def test_check_and_batch_ask_alike(tmp_path, capsys):
    inside = tmp_path / "收到"
    inside.mkdir()
    for number, total in enumerate([*SMALL, "900000"]):
        xltool.fill(filed(total, number), inside / f"{number}.xlsx")
    assert main(["check", str(inside), "--json"]) in (0, 1)
    said = json.loads(capsys.readouterr().out)["files"]
    assert main(["batch", str(inside), str(tmp_path / "结果"), "--jobs", "1"]) in (0, 1)
    assert "T311" in (tmp_path / "结果" / "findings.csv").read_text("utf-8-sig")
    reported = json.loads((tmp_path / "结果" / "report.json").read_text("utf-8"))["files"]
    for files in (said, reported):
        asked = [one for one in files if "T311" in {f["code"] for f in one["findings"]}]
        assert [one["file"].rpartition("/")[2] for one in asked] == ["7.xlsx"]


@pytest.mark.parametrize(
    ("settings", "severity", "verdict"),
    [
        ('severity = { T311 = "error" }', "error", "error"),
        ('severity = { T311 = "note" }', "note", "pass"),
        ('trial = ["T311"]', "query", "pass"),
    ],
)
def test_the_settings_say_how_much_the_question_weighs(
    tmp_path, capsys, settings, severity, verdict
):
    inside, own = tmp_path / "收到", tmp_path / "设置.toml"
    inside.mkdir()
    own.write_text(settings, "utf-8")
    for number, total in enumerate([*SMALL, "900000"]):
        xltool.fill(filed(total, number), inside / f"{number}.xlsx")
    given = ["--settings", str(own)]
    code = main(["check", str(inside), "--json", *given])
    said = json.loads(capsys.readouterr().out)["files"]
    outside = tmp_path / "结果"
    assert main(["batch", str(inside), str(outside), "--jobs", "1", *given]) == code
    reported = json.loads((outside / "report.json").read_text("utf-8"))
    for files in (said, reported["files"]):
        [asked] = [one for one in files if one["file"].endswith("7.xlsx")]
        [finding] = [f for f in asked["findings"] if f["code"] == "T311"]
        assert finding["severity"] == severity
        alone = verdict_without(asked, "T311")
        assert asked["verdict"] == max(alone, verdict, key=["pass", "query", "error"].index)


def verdict_without(result: dict, code: str) -> str:
    """What the other findings of a result come to."""
    weights = {f["severity"] for f in result["findings"] if f["code"] != code}
    return next((one for one in ("error", "query") if one in weights), "pass")
