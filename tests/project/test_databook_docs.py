"""docs/databook.md names the columns and problem codes as they are."""

import re

from tests.support.paths import DOCS
from xltool.databook import problems
from xltool.databook.columns import tables
from xltool.editions.declaration import load_edition

PAGE = (DOCS / "databook.md").read_text("utf-8")


def test_the_columns_are_the_editions():
    for table in tables(load_edition()):
        [listed] = re.findall(rf"\*\*{table.name}\*\*（.*?）：(.*?)\n\n", PAGE, re.DOTALL)
        assert [c.strip() for c in listed.replace("\n", "").split("、")] == [
            c.label for c in table.columns
        ]


def test_the_problem_codes_are_explained_in_the_same_words():
    explained = re.findall(r"^\| (B\d{3}) \| (.+?)：(.+) \|$", PAGE, re.MULTILINE)
    assert explained == re.findall(r"^(B\d{3}) (\S+)\s+(.+)$", problems.__doc__, re.MULTILINE)
