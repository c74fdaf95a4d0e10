"""`xltool campaign`: made, judged again, chosen from, sent back, passed upwards, moved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xltool.cli import campaign_decisions, campaign_units
from xltool.cli._campaign import (
    doubt_deadlines,
    folder_type,
    opened,
    progress,
    table,
    telling_void,
    there_type,
    trust_option,
    where,
)
from xltool.cli._command import command_group, force_option, output_file, output_path
from xltool.cli._judging import settings_file, settings_option
from xltool.cli._output import echo
from xltool.editions.declaration import default_edition_id
from xltool.errors import XltoolError
from xltool.files.display import first_few

if TYPE_CHECKING:
    from xltool.campaign.ledger.campaign_folder import Campaign
    from xltool.campaign.returns.deadlines import Deadlines


@command_group()
def campaign() -> None:
    """申报批次：建立、名单、重审、选定、核准、退回、历史、上报、导出、导入。"""


for subcommand in (
    campaign_units.update, campaign_units.rename, campaign_units.move, campaign_units.merge,
    campaign_units.abolish, campaign_units.exempt, campaign_units.restore, campaign_units.extend,
    campaign_units.last_year,
    campaign_decisions.choose, campaign_decisions.accept, campaign_decisions.return_,
    campaign_decisions.reopen, campaign_decisions.withdraw, campaign_decisions.log,
    campaign_decisions.undo, campaign_decisions.compare, campaign_decisions.indicators,
    campaign_decisions.report, campaign_decisions.letters,
    campaign_decisions.print_,
):  # fmt: skip
    campaign.add_command(subcommand)


@campaign.command(old={"--from": ("--parcel",)})
@click.argument("name", metavar="名称", type=output_path())
@click.option("--year", type=click.IntRange(1990, 2100), help="预算年度。")
@click.option(
    "--edition",
    default=default_edition_id(),
    show_default=True,
    help="版式编号，或它所在的文件夹。",
)
@click.option("--units", type=there_type, help="单位名单（部门编码、部门名称、区县……）。")
@click.option("--deadline", type=click.DateTime(["%Y-%m-%d"]), help="报送截止日，如 2024-01-20。")
@click.option("--issuer", default="", help="发文单位，印在填报说明和退回意见上。")
@settings_option
@click.option(
    "--parcel",
    "source",
    type=click.Path(exists=True, path_type=Path),
    help="上级下发的压缩包（或解开的文件夹）：建立下级台账。",
)
@click.option("--key", type=there_type, help="另行得到的上级公钥，用来核对压缩包。")
@trust_option
def new(
    name: Path, year: int | None, edition: str, units: Path | None, deadline: Any, issuer: str,
    settings: Path | None, source: Path | None, key: Path | None, trusted: Sequence[str],
) -> None:  # fmt: skip
    """建立批次：文件夹、台账、密钥；或由上级下发的压缩包建立下级台账。"""
    from xltool.campaign.ledger.campaign_folder import new_campaign, pin_settings
    from xltool.checks.engine import known_settings
    from xltool.checks.settings import load_settings
    from xltool.library import load_library

    name = name.absolute()
    due = deadline.date().isoformat() if deadline else ""
    if house := settings_file(settings):
        known_settings(load_settings(house))  # before anything is made
    if source:
        from xltool.campaign.sending.branch import new_branch

        if year is not None or units is not None:
            raise click.UsageError("下级台账的年度和单位由上级的压缩包决定，不要写 --year、--units")
        made = new_branch(name, source, key, trusted=trusted, issuer=issuer, deadline=due)
    elif year is None or units is None:
        raise click.UsageError("建立批次要有 --year 和 --units（或用 --parcel 上级下发的压缩包）")
    else:
        offered = load_settings(house).library
        made = new_campaign(
            name, year=year, edition=edition, units=units, deadline=due, issuer=issuer,
            library=load_library(offered) if offered else None, tell=echo,
        )  # fmt: skip
    if house:
        pin_settings(name, house)
    _show_new(made, name)
    made.ledger.close()


def _show_new(made: Campaign, folder: Path) -> None:
    from xltool.campaign.sealing.keys import fingerprint

    origin = f"（{made.title}，下级台账）" if made.branch else ""
    echo(f"已建立批次“{folder.name}”{origin}：{len(made.ledger.units())} 个单位")
    echo(f"公钥指纹：{fingerprint(made.public_key)}")
    if not made.branch:
        echo("私钥在 keys/private.pem，只留在本文件夹，不要发给任何人。")
    doubt_deadlines(made, [made.deadline])


@campaign.command()
@where
@click.argument("parcel", metavar="压缩包", type=click.Path(exists=True, path_type=Path))
@trust_option
def receive(folder: Path, parcel: Path, trusted: Sequence[str]) -> None:
    """下级台账：收进上级再次下发的压缩包。"""
    from xltool.campaign.ledger.trusted_keys import trust
    from xltool.campaign.returns.deadlines import Deadlines
    from xltool.campaign.sending.branch import take_parcel

    with opened(folder) as opened_campaign:
        if not opened_campaign.branch:
            raise XltoolError("这不是下级台账")
        trust(opened_campaign, trusted)
        before, day_before = Deadlines.of(opened_campaign), opened_campaign.deadline
        with telling_void(opened_campaign):
            echo(f"收进 {take_parcel(opened_campaign, parcel)} 个新的工作簿")
        _show_new_days(before, Deadlines.of(opened_campaign))
        if (day := opened_campaign.deadline) != day_before:
            echo(f"上级的报送截止改为 {day}" if day else "上级取消了报送截止")
            doubt_deadlines(opened_campaign, [day])


def _show_new_days(before: Deadlines, after: Deadlines) -> None:
    """The units to whom the upper office gave a last day of their own, or took it back."""
    for code in sorted(before.units.keys() | after.units.keys()):
        if (day := after.units.get(code, "")) != before.units.get(code, ""):
            echo(
                f"上级给 {code} 另定了报送截止 {day}"
                if day
                else f"上级取消了 {code} 另定的报送截止"
            )


@campaign.command()
@where
@click.option("--settings", type=there_type, help="换用这份设置（复制进批次文件夹）。")
@click.option("--edition", default="", help="换用这个版式（编号或文件夹，复制进批次文件夹）。")
@force_option
def recheck(folder: Path, settings: Path | None, edition: str) -> None:
    """规则、版式或设置变了以后，把收到的全部重审一遍，列出结论变了的。"""
    from xltool.campaign.ledger.campaign_folder import pin_edition, pin_settings
    from xltool.campaign.returns.rejudgement import recheck as judge_again

    if edition:
        pin_edition(folder, edition)
    if settings:
        pin_settings(folder, settings)
    with opened(folder) as opened_campaign, progress("重审") as seen:
        changed = judge_again(opened_campaign, seen)
        total = len(opened_campaign.ledger.returns())
    if changed:
        rows = [[c.unit, c.version or "", c.name, c.before, c.after] for c in changed]
        table(["部门编码", "版", "文件", "原来", "现在"], rows)
    echo(f"重审 {total} 份，{len(changed)} 份的结论变了")


@campaign.command()
@where
@click.argument("codes", metavar="[部门编码…]", nargs=-1)
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "xlsx", "workbook"]),
    default="html",
    show_default=True,
    help="html 网页；xlsx 带“说明”栏，单位写了交回，collect 读得到；"
    "workbook 是单位报来的工作簿加上审核结果和标记。",
)
@click.option("--queries", is_flag=True, help="只有待核实的也退回。")
@click.option(
    "-o",
    "--output",
    type=folder_type,
    help="写到哪个文件夹（默认批次文件夹里“退回意见”的当天文件夹）。",
)
@force_option
def notes(
    folder: Path, codes: Sequence[str], form: str, queries: bool, output: Path | None
) -> None:
    """退回意见：每个单位一份，写明哪一格有什么问题、怎么改。"""
    from xltool.campaign.returns.notes import FOLDER, outlived, write_notes
    from xltool.campaign.returns.notes import notes as due

    with opened(folder) as opened_campaign:
        due_notes = due(opened_campaign, codes, queries=queries)
        destination = output or opened_campaign.folder / FOLDER / dt.date.today().isoformat()
        before = opened_campaign.ledger.counted()
        write_notes(opened_campaign, due_notes, destination, form)
        dropped = before.keys() - opened_campaign.ledger.counted()
        old = "" if codes else outlived(opened_campaign, destination)
    if old:
        echo(f"注意：{old}", err=True)
    if not due_notes:
        echo("没有要退回的单位，没有写退回意见")
        return
    echo(f"写出 {len(due_notes)} 份退回意见：{destination}")
    if lost := sum(note.unit.code in dropped for note in due_notes):
        echo(f"其中 {lost} 个单位原来计入的随之退回，不再计入，等它们交回说明或重报")


@campaign.command()
@where
@click.option("-o", "--output", type=output_file(".zip"), required=True, help="写到哪个 .zip。")
@force_option
def submit(folder: Path, output: Path) -> int:
    """上报：把采用的申报原样打成一个 zip，交上级收取；下级台账里撤回的也写在包里。"""
    from xltool.campaign.returns.status import status
    from xltool.campaign.sending.branch import own_fingerprint
    from xltool.campaign.sending.branch import submit as pass_upwards

    with opened(folder) as opened_campaign:
        missing: list[tuple[str, str]] = []
        sent = pass_upwards(opened_campaign, output, missing)
        total = len(status(opened_campaign).owing)
        fingerprint = own_fingerprint(opened_campaign) if sent.withdrawn else ""
    for code, reason in missing:
        echo(f"没有上报 {code}：{reason}", err=True)
    echo(f"上报 {sent.filings} / {total} 个单位：{output}")
    if sent.withdrawn:
        echo(
            f"撤回 {sent.withdrawn} 个单位先前报的，写在包里；公钥指纹：{fingerprint}"
            "（上级第一次收，要核对后用 collect --trust 登记）"
        )
    if sent.explained:
        few = first_few(sent.explained, 10)
        echo(
            f"{len(sent.explained)} 个单位（{few}）写在退回意见上的说明不在包里："
            "上级也问到的，把交回的退回意见一并交上级收取"
        )
    return int(bool(missing))


@campaign.command("export")
@where
@click.argument("file", metavar="文件", type=output_file(".zip"))
@click.option("--with-key", is_flag=True, help="连同私钥（用口令加密），到别处还能下发。")
@force_option
def export_(folder: Path, file: Path, with_key: bool) -> int:
    """整个批次导出成一个文件，用来搬家或存档。"""
    from xltool.campaign.ledger.transfer import export_campaign, missing_originals

    word = click.prompt("口令", hide_input=True, confirmation_prompt="再输一次") if with_key else ""
    with opened(folder) as opened_campaign:
        count = export_campaign(opened_campaign, file, word)
        missing = missing_originals(opened_campaign)
    for code, name in missing[:20]:
        echo(f"原件不见了或被改动过，没有导出：{code} {name}", err=True)
    if len(missing) > 20:
        echo(f"等，共 {len(missing)} 份原件", err=True)
    echo(f"已导出 {count} 个文件：{file}" + ("" if with_key else "（不含私钥）"))
    return int(bool(missing))


@campaign.command()
@where
@click.argument(
    "parcels", metavar="[压缩包…]", nargs=-1, type=click.Path(exists=True, path_type=Path)
)
def rebuild(folder: Path, parcels: Sequence[Path]) -> int:
    """重建：台账损坏或丢了，用备份、下发过的压缩包、原件和公钥重新建起来；完好的只补进缺的。"""
    from xltool.campaign.returns.rebuild import rebuild as build

    result = build(folder, parcels)
    if result.damaged:
        echo(f"损坏的台账移到：{result.damaged}")
    if result.damaged or result.backup:
        echo(f"从备份开始：{result.backup}" if result.backup else "没有完好的备份，从头建起")
    for name, reason in result.problems:
        echo(f"没有用：{name}：{reason}", err=True)
    echo(
        f"补进 {result.issues} 次下发、{result.returns} 份原件；请看 xltool status 和 campaign log"
    )
    return int(bool(result.problems))


@campaign.command("import")
@click.argument("file", metavar="文件", type=there_type)
@click.argument("name", metavar="名称", type=output_path())
@click.option("--with-key", is_flag=True, help="解开私钥（要口令）。")
def import_(file: Path, name: Path, with_key: bool) -> None:
    """由导出的文件恢复批次。"""
    from xltool.campaign.ledger.transfer import import_campaign

    word = click.prompt("口令", hide_input=True) if with_key else ""
    made = import_campaign(file, name.absolute(), word)
    echo(
        f"已恢复批次“{made.title}”：{len(made.ledger.units())} 个单位，{len(made.ledger.returns())} 份回收"
    )
    made.ledger.close()
