"""Explanations stay with their findings when a value is rewritten or a sheet renamed,
and only then."""

from xltool.checks.answers import explained, stale
from xltool.model import Filing, Finding, Form, Severity

KEY = "I404|表甲|target|新建水库：15家以上"


def finding(**changes) -> Finding:
    base = {"code": "I404", "severity": Severity.QUERY, "message": "核实", "sheet": "表甲",
            "field": "target", "found": "新建水库：15家以上"}  # fmt: skip
    return Finding(**{**base, **changes})


def filing(answers: dict[str, str], *sheets: str) -> Filing:
    forms = tuple(Form("project", {}, (), sheet) for sheet in sheets or ("表甲",))
    return Filing("hunan-2023", projects=forms, answers=answers)


def told(one: Filing, *findings: Finding) -> list[str]:
    return [f.explanation for f in explained(one, findings)]


def test_a_value_that_was_only_rewritten():
    one = filing({KEY: "批文如此"})
    assert told(one, finding()) == ["批文如此"]
    assert told(one, finding(found="新建水库：≥15家")) == ["批文如此"]
    assert told(one, finding(found="新建水库：≥16家")) == [""]
    assert stale(one, [finding(found="新建水库：≥15家")]) == []
    assert stale(one, [finding(found="新建水库：≥16家")]) == [KEY]


def test_a_sheet_that_was_renamed():
    assert told(filing({KEY: "批文如此"}, "表乙"), finding(sheet="表乙")) == ["批文如此"]
    both = filing({KEY: "批文如此"}, "表甲", "表乙")
    assert told(both, finding(sheet="表乙")) == [""], "its own sheet is still there"


def test_what_could_belong_to_two_belongs_to_none():
    two = [finding(sheet="表乙"), finding(sheet="表丙")]
    one = filing({KEY: "批文如此"}, "表乙", "表丙")
    assert told(one, *two) == ["", ""]
    assert stale(one, two) == [KEY]
