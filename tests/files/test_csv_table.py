"""A CSV table: readable by Excel, whole or not at all, no cell a formula."""

from __future__ import annotations

import csv

import pytest

from xltool.files.csv_table import csv_table


def test_a_table_has_the_mark_its_heads_and_its_rows(tmp_path):
    path = tmp_path / "新" / "表.csv"
    with csv_table(path, ("单位", "内容")) as add_row:
        add_row(("甲", '=1+1,"二"\n三'))
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == [["单位", "内容"], ["甲", '\'=1+1,"二"\n三']]


def test_a_table_that_fails_leaves_the_earlier_one(tmp_path):
    path = tmp_path / "表.csv"
    path.write_text("旧", "utf-8")
    with pytest.raises(ValueError, match="坏"), csv_table(path, ("单位",)) as add_row:
        add_row(("甲",))
        raise ValueError("坏")
    assert path.read_text("utf-8") == "旧"
    assert [file.name for file in tmp_path.iterdir()] == ["表.csv"]
