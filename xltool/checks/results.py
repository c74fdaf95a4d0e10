"""What the findings of one file come to: its verdict, and how many count. Decided here, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from xltool.model import Finding, FindingState, Severity

# The verdict of a whole file, worst first.
VERDICTS = {"error": "有错误", "query": "待核实", "pass": "通过"}

# What is counted apart from the severities, by the state of the finding.
_COUNTED_APART = {FindingState.TRIAL: "trial", FindingState.EXPLAINED: "explained"}


def verdict(findings: Iterable[Finding]) -> str:
    """`error`, `query` or `pass`: the worst that is still open."""
    still_open = {finding.severity for finding in findings if finding.open}
    if Severity.ERROR in still_open:
        return "error"
    return "query" if Severity.QUERY in still_open else "pass"


def counts(findings: Iterable[Finding]) -> dict[str, int]:
    """How many findings count, by severity; explained queries and trial rules apart."""
    counted = Counter(_COUNTED_APART.get(f.state, f.severity.value) for f in findings)
    return {key: counted[key] for key in ("error", "query", "note", "explained", "trial")}
