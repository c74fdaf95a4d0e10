"""What commands print under consoles of other encodings:
programs get UTF-8, people lose no character."""

import json
import os
import subprocess
import sys

import pytest

from tests.support.case import filing_of
from xltool import fill
from xltool.databook import write_databook

# 𬭎 is in a county's name and not in GBK; ≥ is in both; ☆ too.
RARE = "𬭎山县水利局"


@pytest.fixture
def desk(tmp_path):
    filing = filing_of({"department": {"unit": RARE}})
    fill(filing, tmp_path / "表.xlsx")
    write_databook([filing], tmp_path / "书.json")
    return tmp_path


def run(desk, encoding, *arguments):
    env = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    return subprocess.run(
        [sys.executable, "-m", "xltool", *arguments], cwd=desk, env=env, capture_output=True, check=False
    )  # fmt: skip


@pytest.mark.parametrize("encoding", ["gbk", "cp936", "ascii", "cp1252", "utf-8"])
@pytest.mark.parametrize(
    "command",
    [["check", "表.xlsx", "--json"], ["balance", "表.xlsx", "--json"], ["databook", "check", "书.json", "--json"]],
    ids=" ".join,
)  # fmt: skip
def test_json_is_utf8_on_any_console(desk, encoding, command):
    result = run(desk, encoding, *command)
    assert result.returncode in (0, 1), result.stderr
    assert RARE in json.dumps(json.loads(result.stdout.decode("utf-8")), ensure_ascii=False)


@pytest.mark.parametrize("encoding", ["gbk", "ascii"])
def test_the_printed_table_and_the_rule_pages_are_utf8(desk, encoding):
    assert RARE in run(desk, encoding, "indicators", "表.xlsx").stdout.decode("utf-8")
    assert "≥" in run(desk, encoding, "rules", "--markdown").stdout.decode("utf-8")
    json.loads(run(desk, encoding, "databook", "schema").stdout.decode("utf-8"))


def test_a_chinese_console_gets_every_character(desk):
    said = run(desk, "gbk", "check", "表.xlsx").stdout
    assert RARE in said.decode("gb18030")
    assert "有错误：错误" in said.decode("gbk", "ignore")  # what GBK has is written as GBK


def test_a_console_without_chinese_gets_numbers_instead_of_question_marks(desk):
    said = run(desk, "cp1252", "check", "表.xlsx").stdout.decode("cp1252")
    assert "\\u6c34" in said
    assert "?" not in said


def test_the_doctors_marks_are_in_every_chinese_encoding(desk):
    said = run(desk, "gbk", "addin", "doctor").stdout.decode("gbk")
    assert "√" in said


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux only")
def test_a_file_name_that_is_no_text_stands_in_valid_json(desk):
    name = os.fsencode(str(desk)) + b"/\xff.xlsx"
    os.rename(desk / "表.xlsx", name)  # noqa: PTH104 - a name of bytes
    result = run(desk, "utf-8", "check", ".", "--json")
    assert json.loads(result.stdout.decode("utf-8"))["files"][0]["unit"] == RARE
