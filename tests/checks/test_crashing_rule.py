"""A rule that crashes: its own finding, and nothing else is lost."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

import xltool
from tests.support.seed import seed_filing
from xltool.checks import engine
from xltool.checks.engine import rules
from xltool.cli import main
from xltool.model import Severity
from xltool.page.desk import Desk


@pytest.fixture
def crashing(monkeypatch):
    """A rule that finds something and then falls over, the others as they are;
    what they find in the seed."""
    before = xltool.check(seed_filing())
    book = {**rules()}
    sound = book["I414"]

    def falls_over(review):
        yield from sound.body(review)
        raise ZeroDivisionError("甲")

    book["I414"] = replace(sound, body=falls_over)
    monkeypatch.setattr(engine, "rules", lambda: book)
    return before


def test_it_is_a_finding_of_its_own_and_the_others_go_on(crashing):
    after = engine.check(seed_filing(), strict=False)
    [crash] = [finding for finding in after if finding.code == "R100"]
    assert crash.severity is Severity.ERROR
    assert "I414" in crash.message and "ZeroDivisionError" in crash.message
    assert [finding for finding in after if finding.code != "R100"] == crashing


def test_a_single_check_raises_it(crashing):
    with pytest.raises(ZeroDivisionError):
        engine.check(seed_filing())


def test_every_desk_says_it_and_what_else_was_found(crashing, tmp_path, capsys):
    """The command line, the web page and a batch judge as the ribbon does."""
    (tmp_path / "收到").mkdir()
    file = xltool.fill(seed_filing(), tmp_path / "收到" / "甲.xlsx")
    assert main(["check", "--json", str(file)]) == 1
    [shown] = json.loads(capsys.readouterr().out)["files"]
    desk = Desk(tmp_path / "nothing given")
    on_the_page, _ = desk.answer("check", {"name": file.name}, file.read_bytes())
    main(["batch", str(file.parent), str(tmp_path / "结果"), "--jobs", "1"])
    [in_a_batch] = json.loads((tmp_path / "结果" / "report.json").read_text("utf-8"))["files"]
    codes = [finding["code"] for finding in shown["findings"]]
    assert codes.count("R100") == 1 and len(codes) > 1
    for record in (json.loads(on_the_page["record"]), in_a_batch):
        assert [finding["code"] for finding in record["findings"]] == codes
