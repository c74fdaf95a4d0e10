"""One answer to: is this finding open, what is the verdict, how many count."""

import itertools

import msgspec
import pytest

from xltool.checks.results import VERDICTS, counts, verdict
from xltool.model import Finding, FindingState, Severity

ALL = [
    Finding("X501", severity, "一句话", explanation=explanation, trial=trial)
    for severity, explanation, trial in itertools.product(
        Severity, ("", "已与人大核对"), (False, True)
    )
]


@pytest.mark.parametrize("finding", ALL, ids=repr)
def test_a_finding_is_open_unless_it_is_a_note_a_trial_or_an_explained_query(finding):
    settled = (
        finding.trial
        or finding.severity is Severity.NOTE
        or (finding.severity is Severity.QUERY and finding.explanation)
    )
    assert finding.open is not bool(settled)
    assert (finding.state is FindingState.OPEN) is finding.open


def test_an_error_stays_open_whatever_is_written_about_it():
    explained = Finding("T301", Severity.ERROR, "不平", explanation="就是这样")
    assert verdict([explained]) == "error"


@pytest.mark.parametrize("findings", [[], *itertools.combinations(ALL, 2)], ids=len)
def test_the_verdict_is_the_worst_that_is_open_and_every_finding_is_counted_once(findings):
    still_open = [finding.severity.value for finding in findings if finding.open]
    worst = next((word for word in VERDICTS if word in still_open), "pass")
    assert verdict(findings) == worst
    assert sum(msgspec.structs.astuple(counts(findings))) == len(findings)
