"""Runs every `tests/cases/CODE.toml`: filings that pass a rule and filings that fail it.

    [[pass]]
    why = "两侧都平衡"                  # said when the case goes red
    department.general = "1883.17"     # what differs from the clean filing: tests/support/case.py

    [[fail]]
    why = "项目支出少写了一笔"
    department.project_spending = "1000"
    expect = ["department.total"]     # where this rule must find something: exactly these cells
    says = ["3173.17", "100.00"]      # parts of the (joined) messages
    severity = "error"                # where it differs from the rule's own
    also = ["X501"]                   # other rules that rightly fire too (in a passing case as well)

Both kinds: nothing may fire besides `expect` and `also`. More keys: `settings = { … }` (over the
shipped ones) and `last_year = { … }` (last year's filing, as changes of the clean one).
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import tomllib

import msgspec
import pytest
from hypothesis import given, settings

import xltool.checks.rules
from tests.support.case import filing_of, place_of
from tests.support.paths import TESTS
from tests.support.strategies import filings
from xltool.checks.engine import check, rules
from xltool.checks.settings import load_settings

CASES = TESTS / "cases"
RUNNER_KEYS = {"why", "expect", "says", "severity", "also", "settings", "last_year"}


def _cases():
    for file in sorted(CASES.glob("*.toml")):
        data = tomllib.loads(file.read_text("utf-8"))
        assert set(data) <= {"pass", "fail"}, f"{file.name}: only [[pass]] and [[fail]]"
        for kind, cases in data.items():
            for n, case in enumerate(cases, 1):
                yield pytest.param(file.stem, kind, case, id=f"{file.stem}-{kind}{n}")


@pytest.mark.parametrize(("code", "kind", "case"), list(_cases()))
def test_case(code, kind, case):
    filing = filing_of({key: value for key, value in case.items() if key not in RUNNER_KEYS})
    settings = msgspec.structs.replace(load_settings(), **_tuples(case.get("settings", {})))
    last_year = filing_of(case["last_year"]) if "last_year" in case else None
    found = check(filing, settings=settings, last_year=last_year)
    assert check(filing, settings=settings, last_year=last_year) == found, (
        "a second run says something else"
    )

    own = [f for f in found if f.code == code]
    places = [place_of(filing, address) for address in case.get("expect", ())]
    assert sorted((f.sheet, f.cell) for f in own) == sorted((p.sheet, p.cell) for p in places), (
        case["why"]
    )
    others = {f.code: f.message for f in found if f.code != code}
    assert set(others) == set(case.get("also", ())), f"{case['why']}: {others}"
    assert bool(own) is (kind == "fail"), (
        "a failing case needs `expect`, a passing one must not have it"
    )
    messages = "\n".join(f.message for f in own)
    for part in case.get("says", ()):
        assert part in messages, f"{part} is not said: {messages}"
    for f in own:
        assert f.severity == case.get("severity", rules()[code].severity)


def _tuples(values):
    return {
        key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
    }


def test_the_clean_filing_has_no_finding():
    assert check(filing_of()) == []


def test_every_rule_has_cases_that_pass_and_fail():
    for code in rules():
        file = CASES / f"{code}.toml"
        assert file.is_file(), f"rule {code} has no case file"
        assert {"pass", "fail"} <= set(tomllib.loads(file.read_text("utf-8"))), (
            f"{file.name}: one kind is missing"
        )


def test_every_case_file_has_its_rule():
    assert {file.stem for file in CASES.glob("*.toml")} <= set(rules())


def _modules():
    return [
        importlib.import_module(f"xltool.checks.rules.{m.name}")
        for m in pkgutil.iter_modules(xltool.checks.rules.__path__)
        if not m.name.startswith("_")
    ]


def test_every_public_function_of_a_rule_module_is_a_registered_rule():
    """A rule that somebody forgot to decorate would never run."""
    bodies = {one.body for one in rules().values()}
    for module in _modules():
        own = [
            f
            for _, f in inspect.getmembers(module, inspect.isfunction)
            if f.__module__ == module.__name__
        ]
        public = [f for f in own if not f.__name__.startswith("_")]
        assert public, f"{module.__name__} registers no rule"
        assert [f.__name__ for f in public if f not in bodies] == []


def test_every_rule_has_a_page_and_a_source():
    for code, one in rules().items():
        assert one.doc, f"rule {code} has no docstring"
        assert one.source, f"rule {code} has no source"


@given(filings())
@settings(max_examples=60)
def test_no_rule_fails_on_anything_a_unit_can_write(filing):
    """And a second run over the same filing says the same."""
    found = check(filing)
    assert check(filing) == found
    assert [f for f in found if not f.message or f.code not in rules()] == []
    ranks = [f.severity.rank for f in found]
    assert ranks == sorted(ranks)
    assert len(set(found)) == len(found)
