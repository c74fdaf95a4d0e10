"""The CHANGELOG names every rule code and every shipped edition: who adds one says so there."""

import re

from tests.support.paths import ROOT
from xltool import __version__
from xltool.checks.engine import rules
from xltool.editions.declaration import SHIPPED

TEXT = (ROOT / "CHANGELOG.md").read_text("utf-8")


def named_codes():
    codes = set(re.findall(r"\b[A-Z]\d{3}\b", TEXT))
    for letter, first, last in re.findall(r"\b([A-Z])(\d{3})–\1(\d{3})\b", TEXT):
        codes |= {f"{letter}{n:03}" for n in range(int(first), int(last) + 1)}
    return codes


def test_every_rule_is_named():
    assert set(rules()) - named_codes() == set()


def test_no_rule_is_named_that_does_not_exist():
    named = {code for code in named_codes() if not code.startswith("B")}
    assert named - set(rules()) == set()


def test_every_shipped_edition_is_named():
    assert {
        f.parent.name for f in SHIPPED.glob("*/edition.toml") if f"`{f.parent.name}`" not in TEXT
    } == set()


def test_the_newest_version_comes_first():
    versions = re.findall(r"^## (\d+)\.(\d+)\.(\d+)", TEXT, re.MULTILINE)
    numbers = [tuple(map(int, v)) for v in versions]
    assert numbers == sorted(numbers, reverse=True)
    assert ".".join(map(str, numbers[0])) == __version__
