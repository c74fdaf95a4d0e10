"""`xltool campaign update, rename, move, merge, abolish, exempt, restore, extend`:
the list while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xltool.cli._campaign import (
    by_option,
    doubt_deadlines,
    opened,
    reason_option,
    there_type,
    where,
)
from xltool.cli._command import command
from xltool.cli._output import echo, table
from xltool.errors import XltoolError
from xltool.files.display import first_few

if TYPE_CHECKING:
    from xltool.campaign import Campaign
    from xltool.campaign.ledger.unit_changes import UnitChange
    from xltool.campaign.units import Unit

dry_option = click.option("--dry-run", "dry", is_flag=True, help="只看会改什么，不写入。")


@command()
@where
@click.argument("units", metavar="名单", type=there_type)
@dry_option
@by_option
@reason_option
def update(folder: Path, units: Path, dry: bool, by: str, reason: str) -> None:
    """用新的名单补充单位、更正资料：只改名单里有的列，名单里没有的单位不变。再 distribute 只发有变动的。"""
    from xltool.campaign.ledger.unit_changes import planned, still_away
    from xltool.campaign.returns.deadlines import Deadlines
    from xltool.campaign.units import read_unit_list

    with opened(folder, by) as campaign:
        if campaign.branch:
            raise XltoolError("下级台账的单位由上级下发的压缩包决定，请用 campaign receive")
        codes = [unit.code for unit in campaign.ledger.units()]
        listed = read_unit_list(units, campaign.edition, codes)
        for remark in listed.remarks:
            echo(remark)
        _carry_out(campaign, planned(campaign, listed), dry, reason)
        if away := still_away(campaign, [unit.code for unit in listed.units]):
            echo(
                f"名单里有 {len(away)} 个单位已经撤销、免报或并入，并不因此恢复"
                f"（恢复用 campaign restore）：{'、'.join(away)}"
            )
        days = Deadlines.of(campaign)
        doubt_deadlines(campaign, {days[unit] for unit in listed.units})
        absent = len(set(codes) - {unit.code for unit in listed.units})
        if absent:
            echo(
                f"这份名单里没有的 {absent} 个单位不变（撤销、免报、并入用 campaign abolish、exempt、merge）"
            )


def _show_changes(campaign: Campaign, changes: Sequence[UnitChange]) -> None:
    rows = [
        [change.after.code, change.after.name, "；".join(change.said(campaign.edition))]
        for change in changes
    ]
    if rows:
        table(["部门编码", "部门名称", "变动"], rows)


def _carry_out(campaign: Campaign, changes: Sequence[UnitChange], dry: bool, reason: str) -> None:
    """Show what changes unit by unit; write it unless it is a dry run."""
    from xltool.campaign.ledger.counting import Act
    from xltool.campaign.ledger.unit_changes import apply, remarks

    _show_changes(campaign, changes)
    for remark in remarks(campaign, changes):
        echo(remark)
    if not dry:
        apply(campaign, changes, reason)
    added = sum(change.action is Act.ADD for change in changes)
    summary = f"新增 {added} 个单位，{len(changes) - added} 个有变动"
    echo(
        f"试运行：{summary}，没有写入"
        if dry
        else f"{summary}；共 {len(campaign.ledger.units())} 个"
    )
    if not dry and any(_on_the_workbook(c.before) != _on_the_workbook(c.after) for c in changes):
        echo("再运行 xltool distribute，只发有变动的")


def _on_the_workbook(unit: Unit | None) -> tuple[Any, ...]:
    """What a unit's workbook and the parcel that it goes in are made from."""
    return (unit.name, unit.district, unit.prefilled) if unit else ()


@command()
@where
@click.argument("code", metavar="部门编码")
@click.argument("name", metavar="新名称")
@dry_option
@by_option
@reason_option
def rename(folder: Path, code: str, name: str, dry: bool, by: str, reason: str) -> None:
    """单位改名：再 distribute 会给它新的工作簿，旧的随之作废。"""
    _change(folder, "RENAME", code, dry, by, reason, name=name)


@command()
@where
@click.argument("code", metavar="部门编码")
@click.argument("district", metavar="区县")
@dry_option
@by_option
@reason_option
def move(folder: Path, code: str, district: str, dry: bool, by: str, reason: str) -> None:
    """单位划到另一个区县：再 distribute 会给它新的工作簿，放进那个区县的压缩包。"""
    _change(folder, "MOVE", code, dry, by, reason, district=district)


def _change(
    folder: Path, act: str, code: str, dry: bool, by: str, reason: str, **values: str
) -> None:
    from xltool.campaign.ledger.counting import Act
    from xltool.campaign.ledger.unit_changes import changed_unit

    with opened(folder, by) as campaign:
        if campaign.branch:
            raise XltoolError("下级台账的单位由上级决定")
        change = changed_unit(campaign, Act[act], code, **values)
        _carry_out(campaign, [change] if change.after != change.before else [], dry, reason)


@command()
@where
@click.argument("code", metavar="部门编码")
@click.argument("into", metavar="并入哪个部门编码")
@dry_option
@by_option
@reason_option
def merge(folder: Path, code: str, into: str, dry: bool, by: str, reason: str) -> None:
    """一个单位并入另一个：它不再应报，上年数加到另一个单位上。"""
    from xltool.campaign.ledger.unit_changes import merge as merge_units
    from xltool.campaign.ledger.unit_changes import of_no_more_use

    with opened(folder, by) as campaign:
        lost = of_no_more_use(campaign, [code])
        change = merge_units(campaign, code, into, reason, dry=dry)
        _show_changes(campaign, [change] if change.after != change.before else [])
        for remark in lost:
            echo(f"注意：{remark}")
        echo(f"{code} {'会并入' if dry else '已并入'} {into}")


def _leaving(act: str, doing: str, done: str) -> click.Command:
    """A command by which units owe nothing any more, or again."""

    @command(act.lower())
    @where
    @click.argument("codes", metavar="部门编码…", nargs=-1, required=True)
    @dry_option
    @by_option
    @reason_option
    def leaving(folder: Path, codes: Sequence[str], dry: bool, by: str, reason: str) -> None:
        from xltool.campaign.ledger.counting import Act
        from xltool.campaign.ledger.unit_changes import leave, unit_of

        with opened(folder, by) as campaign:
            left = leave(campaign, Act[act], codes, reason, dry=dry)
            rows = [[code, unit_of(campaign, code).name, done] for code in left.codes]
            if rows:
                table(["部门编码", "部门名称", "变动"], rows)
            _show_changes(campaign, left.changes)
            own_only = campaign.branch and act != "RESTORE"
        for remark in left.remarks:
            echo(f"注意：{remark}")
        if rows:
            echo(f"试运行：{len(rows)} 个单位，没有写入" if dry else f"{done}：{len(rows)} 个单位")
            if own_only:
                echo(
                    "只在本级台账里：本级不再催，也不再上报；上级仍按自己的名单催报，请报上级同样办理"
                )
        if len(rows) < len(set(codes)):
            echo(f"本来就是这样，不用再改：{len(set(codes)) - len(rows)} 个单位")

    leaving.help = doing
    return leaving


abolish = _leaving("ABOLISH", "单位撤销：不再应报、不再催，报过的也不计入。", "撤销")
exempt = _leaving("EXEMPT", "单位免报：本批次不用报。", "免报")
restore = _leaving("RESTORE", "恢复应报：撤销、免报、并入弄错了。", "恢复应报")


@command()
@where
@click.argument("day", metavar="截止日", type=click.DateTime(["%Y-%m-%d"]))
@click.argument("codes", metavar="[部门编码…]", nargs=-1)
@click.option("--district", default="", help="整个区县。")
@by_option
@reason_option
def extend(
    folder: Path, day: Any, codes: Sequence[str], district: str, by: str, reason: str
) -> None:
    """改报送截止日：写部门编码的只改这些单位，写 --district 的改一个区县，都不写的改全部。"""
    from xltool.campaign.returns.deadlines import Deadlines
    from xltool.campaign.returns.deadlines import extend as give_time

    if not reason.strip():
        raise XltoolError("请用 --reason 写明理由")
    with opened(folder, by) as campaign:
        before, units = Deadlines.of(campaign), campaign.ledger.units()
        out = campaign.ledger.issues()
        extended = give_time(campaign, day.date(), list(codes), district, reason)
        after = Deadlines.of(campaign)
        doubt_deadlines(campaign, [day.date().isoformat()])
    echo(f"报送截止改为 {day.date()}：{extended.units} 个单位")
    if kept := [f"{name}（{own}）" for name, own in extended.kept.items()]:
        few = first_few(kept, 10)
        echo(f"注意：另定过截止日的不变：{few}；也要改的，用 --district 或部门编码再改")
    if sooner := [unit.code for unit in units if after[unit] < before[unit]]:
        echo(f"注意：其中 {len(sooner)} 个单位比原来的截止日早，写错了用 campaign undo 撤销")
    if any(unit.code in out and after[unit] != before[unit] for unit in units):
        echo(
            "已经发出的压缩包里还是原来的截止日，要让区县的台账也改，用 xltool distribute --again 再发"
        )


@command("last-year")
@where
@click.argument("source", metavar="上年批次或文件夹", type=click.Path(exists=True, path_type=Path))
@by_option
def last_year(folder: Path, source: Path, by: str) -> None:
    """收进上一年的申报：去年的批次文件夹，或放着去年工作簿的文件夹。以后审核时比（X507），汇总时与上年比较。"""
    from xltool.campaign.ledger.last_year import take_last_year

    with opened(folder, by) as campaign:
        taken, year = take_last_year(campaign, source), campaign.year
    lacking = (
        f"，{len(taken.absent)} 个单位没有（{first_few(taken.absent, 5)}）" if taken.absent else ""
    )
    echo(f"收进 {taken.number} 个单位的上年申报{lacking}")
    if taken.not_earlier:
        few = first_few(taken.not_earlier, 5)
        echo(
            f"没有收 {len(taken.not_earlier)} 份：写的年度不早于 {year} 年（{few}），请看是否拿错了"
        )
    if taken.unknown:
        few = first_few(taken.unknown, 5)
        echo(f"没有收 {len(taken.unknown)} 个工作簿：不是名单上单位的申报，或者打不开（{few}）")
    if taken.gone:
        echo(
            f"注意：先前收过、这次没有的 {len(taken.gone)} 个单位，上年申报随之去掉了"
            f"（{first_few(taken.gone, 5)}）；要补收的，把全部放在一起再收一次"
        )
    echo("已收的申报要比的，请运行 xltool campaign recheck")
