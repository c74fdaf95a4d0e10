"""`xltool campaign choose, accept, return, reopen, withdraw, log, undo`:
who decided what, and why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xltool.cli._campaign import (
    by_option,
    file_type,
    folder_type,
    opened,
    reason_option,
    there_type,
    where,
)
from xltool.cli._command import command, force_option, output_file
from xltool.cli._output import echo, table
from xltool.errors import XltoolError

if TYPE_CHECKING:
    from xltool.campaign.ledger.campaign_folder import Campaign
    from xltool.campaign.ledger.counting import Deed

codes_argument = click.argument("codes", metavar="[部门编码…]", nargs=-1)
district_option = click.option("--district", default=None, help="这个区县的全部单位。")
state_option = click.option(
    "--state", "states", multiple=True, help="只要处于这个状态的（可以写几次）。"
)


@command()
@where
@click.argument("code", metavar="部门编码")
@click.argument("version", metavar="[版]", type=int, required=False)
@click.option("--latest", is_flag=True, help="撤销选定，仍以最近一次有效的为准。")
@reason_option
@by_option
def choose(
    folder: Path, code: str, version: int | None, latest: bool, reason: str, by: str
) -> None:
    """选定一个单位的某一版为准；不写版号就列出各版。"""
    from xltool.campaign.returns.rejudgement import choose as let_count

    if latest and version is not None:
        raise click.UsageError("--latest 是撤销选定，不要再写版号")
    with opened(folder, by) as campaign:
        if version is None and not latest:
            heads, rows = _versions(campaign, code)
            table(heads, rows) if rows else echo(f"{code}：没有报过")
            return
        changed = let_count(campaign, code, None if latest else version, reason)
    choice = "以最近一次有效的为准" if latest else f"以第 {version} 版为准"
    echo(f"{code}：{choice}" + ("" if changed else "（没有选定过）"))


def _versions(campaign: Campaign, code: str) -> tuple[list[str], list[list[object]]]:
    """All versions of a unit, as a table."""
    from xltool.campaign.ledger.unit_changes import unit_of
    from xltool.campaign.returns.judgement import KINDS
    from xltool.checks.results import VERDICTS

    unit_of(campaign, code)
    rows = [
        [
            row["version"], VERDICTS[row["verdict"]], KINDS[row["kind"]], row["day"],
            row["stamp"] or row["time"][:19], row["times"], row["name"], "√" if row["counts"] else "",
        ]
        for row in campaign.ledger.returns_of(code)
    ]  # fmt: skip
    return ["版", "结论", "封印", "报来", "文件时间", "次数", "文件", "采用"], rows


def _wanted(
    campaign: object,
    codes: Sequence[str],
    district: str | None,
    states: Sequence[str],
    usual: Sequence[str],
) -> list[str]:
    """The units that are named, or those of a district or in a state. Never all by accident."""
    from xltool.campaign.returns.status import RARE_STATES, STATES, status
    from xltool.campaign.units import district_meant

    if codes and (district is not None or states):
        raise click.UsageError("写了部门编码，就不要再写 --district、--state")
    if codes:
        return list(dict.fromkeys(codes))
    if district is None and not states:
        raise click.UsageError("写部门编码，或用 --district、--state 说明是哪些单位")
    unknown = [state for state in states if state not in (*STATES, *RARE_STATES)]
    if unknown:
        raise XltoolError(f"没有状态“{unknown[0]}”，可用：{'、'.join((*STATES, *RARE_STATES))}")
    standing = status(campaign)  # type: ignore[arg-type]
    meant = None
    if district is not None:
        meant = district_meant(district, (s.unit for s in standing.standings))
    fitting = [
        s.unit.code
        for s in standing.standings
        if meant in (None, s.unit.district) and s.state in (states or usual)
    ]
    if not fitting:
        place = f"“{district}”" if district else "名单里"
        raise XltoolError(
            f"{place}没有状态是{'、'.join(states or usual)}的单位（xltool status --by-unit 可看）"
        )
    return fitting


def _others(campaign: Campaign, district: str | None, wanted: Sequence[str]) -> int:
    """How many units of the district are not among these."""
    from xltool.campaign.units import district_meant

    if district is None:
        return 0
    units = campaign.ledger.units()
    meant = district_meant(district, units)
    return sum(unit.district == meant and unit.code not in wanted for unit in units)


_APPROVABLE = ("通过", "待核准")  # what a whole district's approval takes in


def _nothing_new(campaign: Campaign, district: str | None) -> str:
    """What to say where a district was approved before and has nothing more to approve."""
    from xltool.campaign.returns.status import status

    if district is None:
        return ""
    standing = status(campaign).within(district)
    counts, approved = standing.counts(), standing.counts()["核准"]
    if not approved or any(counts[state] for state in _APPROVABLE):
        return ""
    rest = len(standing.owing) - approved
    others = f"，另有 {rest} 个没有动（xltool status --by-unit 可看）" if rest else ""
    waiting = f"“{district}”没有状态是{'、'.join(_APPROVABLE)}的单位"
    return f"{waiting}：已核准 {approved} 个{others}"


@command()
@where
@codes_argument
@district_option
@state_option
@click.option(
    "--grade", type=click.Choice(["优", "良", "中", "差"]), default=None, help="审核意见。"
)
@click.option("--note", default="", help="意见；还有待核实没有说明的，核准必须写。")
@by_option
def accept(
    folder: Path, codes: Sequence[str], district: str | None, states: Sequence[str], grade: str | None,
    note: str, by: str,
) -> None:  # fmt: skip
    """核准：采用的这一版定下来，后来报的不再顶替，直到 reopen。按区县成批时默认只核准“通过”和“待核准”的。"""
    from xltool.campaign.returns.decisions import accept as approve

    with opened(folder, by) as campaign:
        if not codes and not states and (nothing := _nothing_new(campaign, district)):
            echo(nothing)
            return
        wanted = _wanted(campaign, codes, district, states, _APPROVABLE)
        decided = approve(campaign, wanted, grade=grade or "", note=note)
        others = 0 if codes else _others(campaign, district, wanted)
    for decision in decided:
        for remark in (
            *decision.explained,
            *(f"（没有说明）{query}" for query in decision.open_queries),
        ):
            echo(f"{decision.unit.code} {decision.unit.name}：{remark}")
    echo(f"核准 {len(decided)} 个单位" + (f"，审核意见：{grade}" if grade else ""))
    if others:
        echo(f"“{district}”另有 {others} 个单位没有动（xltool status --by-unit 可看）")


@command("return")
@where
@codes_argument
@district_option
@state_option
@click.option("--note", required=True, help="退回的意见，必须写。")
@by_option
def return_(
    folder: Path,
    codes: Sequence[str],
    district: str | None,
    states: Sequence[str],
    note: str,
    by: str,
) -> None:
    """退回：最近采用（或报来）的一版不再计入，等它重报。要发给单位的意见用 campaign notes 写出。"""
    from xltool.campaign.returns.decisions import send_back

    with opened(folder, by) as campaign:
        wanted = _wanted(campaign, codes, district, states, ("待核实", "待核准", "有错误"))
        decided = send_back(campaign, wanted, note)
    for decision in decided:
        echo(f"{decision.unit.code} {decision.unit.name}：退回第 {decision.version} 版")
    echo(f"退回 {len(decided)} 个单位")


@command()
@where
@click.argument("codes", metavar="部门编码…", nargs=-1, required=True)
@reason_option
@by_option
def reopen(folder: Path, codes: Sequence[str], reason: str, by: str) -> None:
    """重开：撤去核准，单位可以再报。必须写理由。"""
    from xltool.campaign.returns.decisions import reopen as lift

    with opened(folder, by) as campaign:
        lift(campaign, codes, reason)
    echo(f"重开 {len(set(codes))} 个单位")


@command()
@where
@codes_argument
@district_option
@reason_option
@by_option
def withdraw(
    folder: Path, codes: Sequence[str], district: str | None, reason: str, by: str
) -> None:
    """撤回：这些单位（或整个区县）到现在为止报来的都不算，等它们重报。必须写理由。"""
    from xltool.campaign.returns.decisions import withdraw as take_back
    from xltool.campaign.returns.status import RARE_STATES, STATES

    with opened(folder, by) as campaign:
        usual = [
            s
            for s in (*STATES, *RARE_STATES)
            if s not in ("未下发", "未报", "核准", "免报", "撤销", "并入")
        ]
        wanted = _wanted(campaign, codes, district, (), usual)
        take_back(campaign, wanted, reason)
    echo(f"撤回 {len(wanted)} 个单位")


@command()
@where
@click.argument("code", metavar="[部门编码]", default="")
@click.option("--arrivals", is_flag=True, help="列出收到过的每一个文件和它的下落。")
def log(folder: Path, code: str, arrivals: bool) -> None:
    """台账的历史：谁、什么时候、做了什么、为什么；写部门编码就看一个单位的。"""
    from xltool.campaign.returns.arrivals import arrival_lines
    from xltool.campaign.returns.decisions import history

    with opened(folder) as campaign:
        if arrivals:
            arrived = arrival_lines(campaign, code)
            table(["收到", "文件", "单位", "下落"], arrived)
            return
        rows = [[h.made_at, h.author, h.what, h.unit, h.why] for h in history(campaign, code)]
    table(["时间", "谁", "做了什么", "部门编码", "说明"], rows)


@command()
@where
@click.argument("code", metavar="[部门编码]", default="")
@reason_option
@by_option
def undo(folder: Path, code: str, reason: str, by: str) -> None:
    """撤销上一个决定（一条命令做的全部）；写部门编码就只撤销它的上一个。撤销本身也记在历史里。"""
    from xltool.campaign.ledger.counting import Act
    from xltool.campaign.returns.decisions import WORDS
    from xltool.campaign.returns.decisions import undo as take_back

    with opened(folder, by) as campaign:
        undone = take_back(campaign, code, reason)
        void = _approved_on_old(campaign, undone)
    for deed in undone[:20]:
        echo(f"已撤销：{deed.made_at} {WORDS[Act(deed.action)]} {deed.unit}")
    if len(undone) > 20:
        echo(f"等，共 {len(undone)} 处")
    if void:
        echo(f"注意：又下发过新的工作簿，先前的核准不再有效，要等重报：{'、'.join(void)}")


def _approved_on_old(campaign: Campaign, undone: Sequence[Deed]) -> list[str]:
    """Units that were reopened, which was undone, and are not approved all the same."""
    from xltool.campaign.ledger.counting import Act

    codes = [deed.unit for deed in undone if deed.action == Act.REOPEN]
    standings = campaign.ledger.standings(codes)
    return [code for code in codes if not standings[code].outcome.standpoint.accepted]


@command()
@where
@click.argument("code", metavar="部门编码")
@click.argument("versions", metavar="[版 版]", nargs=-1, type=int)
@click.option("-o", "--output", type=file_type, help="写成 .html（可打印）或 .xlsx。")
@force_option
def compare(folder: Path, code: str, versions: Sequence[int], output: Path | None) -> None:
    """重报对比：一个单位两版之间改了哪些格；不写版号就比最近两版。"""
    from xltool.campaign.returns.resubmission import compare as look
    from xltool.campaign.returns.resubmission import write_comparison

    if len(versions) not in (0, 2):
        raise click.UsageError("写两个版号，或都不写")
    with opened(folder) as campaign:
        comparison = look(campaign, code, *versions)
        if output:
            write_comparison(output, campaign, comparison)
    for line in comparison.chain:
        echo(line)
    if output:
        echo(f"{len(comparison.changes)} 处不同：{output}")
        return
    rows = [
        [change.sheet, change.cell, change.label, change.before, change.after]
        for change in comparison.changes
    ]
    if rows:
        table(["工作表", "单元格", "栏目", "原来", "现在"], rows)
    echo(
        f"第 {comparison.before['version']} 版 → 第 {comparison.after['version']} 版：{len(rows)} 处不同"
    )


@command()
@where
@click.option("-o", "--output", type=file_type, required=True, help="写成 .csv 或 .xlsx。")
@force_option
def indicators(folder: Path, output: Path) -> int:
    """全部单位的绩效指标一张表：只取计入的申报，按名单的次序，指标值拆成计算符号、指标值、计量单位。"""
    from xltool.campaign.rollup.indicator_table import write_indicators

    with opened(folder) as campaign:
        count, units, problems = write_indicators(campaign, output)
    for code, reason in problems:
        echo(f"没有读到 {code}：{reason}", err=True)
    echo(f"{units} 个单位的 {count} 个指标：{output}")
    return int(bool(problems))


@command()
@where
@click.option(
    "-o",
    "--output",
    type=output_file(".html"),
    help="写成哪个 .html（默认批次文件夹里的“进度.html”）。",
)
@force_option
def report(folder: Path, output: Path | None) -> None:
    """进度页：一个网页，不用联网：每天、各区县、各状态、逾期、最常见的问题，点到单位和它的各版。"""
    from xltool.campaign.rollup.dashboard import write_dashboard

    with opened(folder) as campaign:
        path = output or campaign.folder / "进度.html"
        data = write_dashboard(path, campaign)
    echo(f"{data['totals']['应报']} 个单位的进度：{path}")


@command()
@where
@codes_argument
@click.option(
    "--template", type=there_type, help="批复的 Word 模板（默认批次文件夹里的“批复模板.docx”）。"
)
@click.option(
    "-o", "--output", type=folder_type, help="写到哪个文件夹（默认批次文件夹里的“批复”）。"
)
@force_option
def letters(folder: Path, codes: Sequence[str], template: Path | None, output: Path | None) -> int:
    """批复：每个核准的单位一份 Word 文件，附核准的绩效指标；模板由财政局自己改，【】里的词会被替换。"""
    from xltool.campaign.rollup.letters import FOLDER, write_letters

    with opened(folder) as campaign:
        destination = output or campaign.folder / FOLDER
        made = write_letters(campaign, destination, codes, template)
    for code, reason in made.problems:
        echo(f"没有写 {code}：{reason}", err=True)
    for remark in made.remarks:
        echo(f"注意：{remark}", err=True)
    none = "一份批复也没有写出" if made.problems else "没有核准的单位，没有写批复"
    echo(f"写出 {len(made.written)} 份批复：{destination}" if made.written else none)
    return int(bool(made.problems))


@command("print")
@where
@click.option("--district", required=True, help="哪个区县。")
@click.option("-o", "--output", type=output_file(".pdf"), required=True, help="写成哪个 .pdf。")
@force_option
def print_(folder: Path, district: str, output: Path) -> int:
    """打印：一个区县计入的申报合成一个 PDF，按名单的次序，只取数值重排在官方表上（要有 LibreOffice）。"""
    from xltool.campaign.rollup.printing import print_district

    with opened(folder) as campaign:
        count, problems = print_district(campaign, output, district)
    for code, reason in problems:
        echo(f"没有打印 {code}：{reason}", err=True)
    echo(f"{count} 个单位：{output}")
    return int(bool(problems))
