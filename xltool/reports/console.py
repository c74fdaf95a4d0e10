"""A result for people at a terminal: balance, findings by cell with errors first, a summary.

The lines carry colours; `click.echo` drops them where the output is no terminal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import click

from xltool.checks.results import VERDICTS, CheckResult, FindingResult
from xltool.files.escape import on_terminal

_COLOURS = {"error": "red", "query": "yellow", "note": "cyan", "pass": "green"}


def lines(result: CheckResult) -> Iterator[str]:
    """Everything found in one file."""
    yield heading(result)
    yield from balance_lines(result)
    for place, findings in _by_cell(result.findings).items():
        yield click.style(f"  {on_terminal(place)}", bold=True)
        for finding in findings:
            yield from _finding(finding)
    for stale in result.stale:
        yield f"  说明所对应的问题已不在（{on_terminal(stale.finding)}）：{on_terminal(stale.explanation)}"
    yield summary(result)


def heading(result: CheckResult) -> str:
    year = f"{result.year}年" if result.year else ""
    told = "　".join(filter(None, (result.file, result.unit, year)))
    return click.style(on_terminal(told), bold=True)


def balance_lines(result: CheckResult) -> Iterator[str]:
    """Both sides written out; nothing where there is no department form."""
    if result.balance:
        yield from (f"  {on_terminal(line)}" for line in result.balance.lines)


def summary(result: CheckResult) -> str:
    """One line: the file's verdict and how much of each."""
    counts = result.counts
    numbers = f"错误 {counts.error}，核实 {counts.query}，提示 {counts.note}"
    numbers += f"，已说明 {counts.explained}" if counts.explained else ""
    numbers += f"，试行 {counts.trial}" if counts.trial else ""
    return (
        "  " + click.style(VERDICTS[result.verdict], fg=_COLOURS[result.verdict]) + f"：{numbers}"
    )


def total(verdicts: Iterable[str]) -> str:
    """One line over several files: how many are fit, to be explained, wrong."""
    counted = Counter(verdicts)
    parts = [f"{VERDICTS[key]} {counted[key]}" for key in ("pass", "query", "error")]
    return f"共 {counted.total()} 份：{'，'.join(parts)}"


def _by_cell(findings: Iterable[FindingResult]) -> dict[str, list[FindingResult]]:
    """Findings by place, in the order of each place's weightiest."""
    places: dict[str, list[FindingResult]] = {}
    for finding in findings:
        place = "!".join(filter(None, (finding.sheet, finding.cell))) or "整个文件"
        places.setdefault(place, []).append(finding)
    return places


def _finding(finding: FindingResult) -> Iterator[str]:
    severity = finding.severity
    label = click.style(finding.label, fg=_COLOURS[severity])
    trial = "（试行，不计数）" if finding.trial else ""
    yield f"    {label} {finding.code} {trial}{on_terminal(finding.message)}"
    if finding.explanation:
        yield f"      说明：{on_terminal(finding.explanation)}"
