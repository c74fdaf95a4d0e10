"""Names out of received files steer no terminal and begin no line of their own,
whatever command says them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import xltool
from tests.support.books import book
from tests.support.campaign import fill_in, sent_workbooks, unit_rows, write_units
from tests.support.case import filing_of
from xltool.cli import main

# Escape sequences, a title for the terminal, other writing direction, line ends of every kind.
NASTY = "甲\x1b[2J\x1b]0;标题\x07局\u202e\u200f\u2028\u2029\x85\x7f\n假的一行\r\b"
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
CLI = Path(xltool.__file__).parent / "cli"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a nasty name of its own:
    a workbook, a data book and a list of units full of NASTY."""
    monkeypatch.chdir(tmp_path)
    inside = tmp_path / NASTY.replace("/", "")
    inside.mkdir()
    answers = {
        "department": {
            "unit": NASTY, "filer": NASTY, "total": NASTY, "duties": NASTY,
            "quantity": [[NASTY, NASTY], ["水库", "15座以上"]],
        },
        "project": {"project": NASTY, "unit": NASTY},
    }  # fmt: skip
    xltool.fill(filing_of(answers), inside / f"{NASTY}.xlsx")
    (inside / f"{NASTY}.docx").write_bytes(b"x")
    return inside


def no_steering(capsys, *arguments: object) -> str:
    """What a command says, in which nothing steers and no line begins with what a name holds."""
    main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    said = re.sub("\x1b\\[[0-9;]*m", "", out + err) if "\x1b[0m" in out else out + err
    assert not STEERING.search(said), (arguments, STEERING.search(said))
    assert not re.search("^假的一行", said, re.MULTILINE), (arguments, said)
    assert "用法：" not in said
    return said


def test_every_command_over_received_workbooks(folder, capsys):
    said = ""
    for command in (
        ["check", folder],
        ["check", folder, "--mark", "marked"],
        ["check", folder / "没有.xlsx"],
        ["balance", folder],
        ["normalise", folder],
        ["normalise", folder, "-o", "normal"],
        ["indicators", folder, "-o", "indicators.csv"],
        ["export", folder, "-o", "out", "--format", "json", "--format", "csv"],
        ["import", folder, "-o", "imported"],
        ["convert", folder / f"{NASTY}.xlsx", "--next-year", "-o", "other.xlsx"],
        ["convert", folder / f"{NASTY}.xlsx", "--to", "national-2021", "-o", "other2.xlsx"],
        ["batch", folder, "results", "--log-file", "log.txt"],
        ["report", "results/report.json", "-o", "again"],
        ["library", "build", folder, "-o", "library.toml"],
        ["verify", folder],
        ["verify", folder / f"{NASTY}.xlsx"],
        ["check", folder, "--last-year", folder],
        ["fill", folder, "-o", "filled"],
    ):
        said += no_steering(capsys, *command)
    assert said.count("假的一行") > 20
    log = Path("log.txt").read_text("utf-8")
    assert "假的一行" in log
    assert not STEERING.search(log)
    assert not re.search("^假的一行", log, re.MULTILINE)


def test_every_command_over_data_books(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    name = NASTY.replace("\n", "").replace("\r", "").replace("\x85", "").replace("\u2028", "")
    name = name.replace("\u2029", "")
    units = [f"2023,{name},0012,五十万,,,,,,,,,"]
    projects, indicators = [f"{name},{name},1,,,,"], [f"{name},,{name},{name},文件,3,"]
    rows = {"部门": units, "项目": projects, "指标": indicators}
    source = book(tmp_path / "book", {}, rows)
    said = ""
    for command in (
        ["databook", "check", source],
        ["fill", source, "-o", "filled"],
        ["databook", "convert", source, "other.json"],
        ["databook", "convert", source, "other.xlsx"],
    ):
        said += no_steering(capsys, *command)
    assert "五十万" in said


def test_every_command_of_a_campaign(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = [[code, name + NASTY, *rest] for code, name, *rest in unit_rows(1, 3)]
    units = write_units(
        tmp_path / "units.xlsx", [[row[0], row[1], row[2] + NASTY, *row[3:]] for row in rows]
    )
    said = no_steering(capsys, "campaign", "new", "批次", "--year", "2024", "--units", units)
    said += no_steering(capsys, "distribute", "--campaign", "批次")
    returned = tmp_path / f"收到{NASTY}".replace("/", "")
    returned.mkdir()
    codes = []
    for number, (code, data) in enumerate(sent_workbooks(tmp_path / "批次").items()):
        codes.append(code)
        changes = {"department.total": "1"} if number == 1 else {}
        (returned / f"{NASTY}{number}.xlsx").write_bytes(fill_in(data, changes))
    (returned / f"{NASTY}.docx").write_bytes(b"x")
    (returned / f"{NASTY}.xlsx").write_bytes(b"x")
    [parcel] = (tmp_path / "批次").rglob("*.zip")
    at = ["--campaign", "批次"]
    for command in (
        ["collect", *at, returned],
        ["collect", *at, returned],
        ["status", *at],
        ["status", *at, "--units"],
        ["verify", returned, "--key", "批次/keys/public.pem"],
        ["verify", parcel],
        ["rollup", *at, "-o", "rollup.xlsx"],
        ["campaign", "notes", *at],
        ["campaign", "log", *at],
        ["campaign", "accept", *at, codes[0], "--by", NASTY],
        ["campaign", "return", *at, codes[1], "--by", "甲", "--note", NASTY],
        ["campaign", "log", *at],
        ["campaign", "undo", *at],
        ["campaign", "update", *at, units],
        ["campaign", "recheck", *at],
        ["campaign", "rename", *at, codes[0], f"乙{NASTY}"],
        ["campaign", "report", *at, "-o", "report.html"],
        ["campaign", "indicators", *at, "-o", "indicators.xlsx"],
    ):
        said += no_steering(capsys, *command)
    assert said.count("假的一行") > 10


def test_commands_speak_through_one_escape():
    """Only `_output` calls click.echo with what isn't xltool's own words."""
    own = {"_help", "_output", "_tour", "addin", "completion", "demo", "help", "live", "rules"}
    raw = [
        f"{file.name}:{call.lineno}"
        for file in sorted(CLI.glob("*.py"))
        if file.stem not in own
        for call in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) in ("click.echo", "click.secho", "print")
        and not all(isinstance(one, ast.Constant) for one in call.args)
        and ast.unparse(call.args[0]) != "f'xltool {__version__}'"
    ]
    assert raw == []
