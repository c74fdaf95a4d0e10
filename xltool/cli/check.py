"""`xltool check` and `xltool balance`: workbooks, or folders of them, judged and cross-totalled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from xltool.checks import beside_others
from xltool.checks.results import CheckResult, check_result
from xltool.cli._command import command, force_option, output_folder
from xltool.cli._judging import house_settings, last_year_option, settings_option
from xltool.cli._judging import last_year as year_before
from xltool.cli._output import echo, echo_json, echo_line, echo_lines, show_result
from xltool.cli.workbooks import each_workbook, edition_option, paths_argument
from xltool.editions.declaration import Edition, asked_edition
from xltool.errors import XltoolError
from xltool.files import guard
from xltool.files.barrier import Result
from xltool.model import Filing, Finding

if TYPE_CHECKING:
    from xltool.cli._marked import MarkedCopies

_json = click.option("--json", "as_json", is_flag=True, help="输出 JSON，供程序读取。")


@command()
@paths_argument
@_json
@settings_option
@edition_option
@last_year_option
@click.option(
    "--mark",
    "marked",
    type=output_folder(),
    help="把“审核结果”表和标记写进各工作簿的副本，副本放到这个文件夹。",
)
@force_option
def check(
    paths: Sequence[Path],
    as_json: bool,
    settings: Path | None,
    edition: str,
    last_year: Path | None,
    marked: Path | None,
) -> int:
    """审核申报工作簿：列出错误、核实、提示，并写出收支两侧的平衡。

    再运行 --mark 时，上一份副本“说明”栏里写的带进新的副本；副本里改过别处的，不覆盖。

    退出码：0 没有错误，1 有错误，2 没能运行。
    """
    from xltool.checks.engine import check as judge
    from xltool.cli._marked import MarkedCopies

    house = house_settings(settings)
    chosen_edition = asked_edition(edition)
    before = year_before(last_year, chosen_edition)

    copies = MarkedCopies(marked, chosen_edition, paths) if marked is not None else None
    unmarked: list[tuple[str, str]] = []

    def findings_on(filing: Filing) -> list[Finding]:
        return judge(
            filing, settings=house, edition=chosen_edition, last_year=before(filing), strict=False
        )

    def result_of(filing: Filing) -> CheckResult:
        if copies is not None and any(filing.forms):
            filing, findings = _with_copy(copies, filing, findings_on, unmarked)
        else:
            findings = findings_on(filing)
        return check_result(filing, findings, chosen_edition)

    def skipped(file: Path) -> bool:
        return copies is not None and copies.holds(file)

    shown = None if as_json else show_result
    results, failed = _each(paths, chosen_edition, result_of, shown, skipped)
    failed += unmarked
    if beside_others.CODE not in house.off:
        results = _beside_others(results, beside_others.weight_of(house), shown)
    if as_json:
        _echo_json(results, failed)
    else:
        _echo_end(results, copies)
    return 2 if failed else int(any(result.verdict == "error" for result in results))


def _echo_end(results: Sequence[CheckResult], copies: MarkedCopies | None) -> None:
    """What is said after the last workbook: the verdicts of all, and where the copies are."""
    from xltool.reports import console

    if len(results) > 1:
        echo(console.total(result.verdict for result in results))
    if copies and copies.written:
        echo(f"标好的副本在 {copies.folder}：{copies.written} 份")


def _beside_others(
    results: list[CheckResult],
    weight: beside_others.Weight,
    show: Callable[[CheckResult], None] | None,
) -> list[CheckResult]:
    """The results with what their totals beside the others ask of one;
    such a one is shown again."""
    questions = beside_others.outsized(beside_others.totals_in(results))
    amended = []
    for result in results:
        if question := questions.get(result.file):
            result = beside_others.with_question(result, question, weight)
            if show:
                show(result)
        amended.append(result)
    return amended


def _with_copy(
    copies: MarkedCopies,
    filing: Filing,
    findings_on: Callable[[Filing], list[Finding]],
    unmarked: list[tuple[str, str]],
) -> tuple[Filing, list[Finding]]:
    """The filing with the explanations of its earlier copy, and the findings on it,
    written into a new one.

    What was found is told all the same where there can be no copy; why is added to `unmarked`.
    """
    try:
        filing = copies.explained(filing)
    except XltoolError as error:
        _leave(unmarked, filing.source, error)
        return filing, findings_on(filing)
    findings = findings_on(filing)
    try:
        copies.write(filing, findings)
    except XltoolError as error:
        _leave(unmarked, filing.source, error)
    return filing, findings


@command()
@paths_argument
@_json
@edition_option
def balance(paths: Sequence[Path], as_json: bool, edition: str) -> int:
    """交叉平衡：把收入侧、支出侧逐项列成等式，说出差额和能说明差额的原因。

    退出码：0 平衡，1 不平衡或无法判断，2 没能运行。
    """
    from xltool.reports import console

    chosen_edition = asked_edition(edition)

    def balance_of(filing: Filing) -> tuple[CheckResult, str]:
        """The balance of a filing, and why there is none."""
        faults = [fault.detail for fault in filing.faults] if filing.department is None else []
        return check_result(filing, (), chosen_edition), "；".join(faults)

    def show(told: tuple[CheckResult, str]) -> None:
        result, reason = told
        echo_line(console.heading(result))
        for line in console.balance_lines(result):
            echo_line(line)
        if not result.balance:
            echo(f"  无法判断：{reason or '没有部门整体支出绩效目标表'}")

    results, failed = _each(paths, chosen_edition, balance_of, None if as_json else show)
    if as_json:
        _echo_json([_balance_json(*told) for told in results], failed)
    closed = all(result.balance and result.balance.verdict in CLOSED for result, _ in results)
    return 2 if failed else int(not closed)


def _balance_json(result: CheckResult, reason: str) -> dict[str, Any]:
    whole = msgspec.to_builtins(result)
    keys = ("file", "unit", "code", "year", "edition", "balance")
    told = {key: whole[key] for key in keys}
    return {**told, "reason": reason} if reason else told


CLOSED = ("平衡", "经非税项目调节后平衡")


def _each(
    paths: Sequence[Path],
    edition: Edition | None,
    result_of: Callable[[Filing], Result],
    show: Callable[[Result], None] | None,
    skipped: Callable[[Path], bool] | None = None,
) -> tuple[list[Result], list[tuple[str, str]]]:
    """The result of every workbook, shown as it comes;
    and what could not be read, with the reason."""
    from xltool.reading.reader import read

    failed: list[tuple[str, str]] = []

    def judged(file: Path) -> Result:
        filing = read(file, edition=edition)
        guard.take(file)
        return result_of(filing)

    results = []
    for result in each_workbook(paths, judged, failed, skipped):
        results.append(result)
        if show is not None:
            show(result)
    return results, failed


def _leave(failed: list[tuple[str, str]], file: str, error: XltoolError) -> None:
    failed.append((file, str(error)))
    echo_lines(f"错误：{error}", err=True)


def _echo_json(results: Sequence[Any], failed: Sequence[tuple[str, str]]) -> None:
    from xltool.checks.results import whole_results

    echo_json(whole_results(results, failed))
