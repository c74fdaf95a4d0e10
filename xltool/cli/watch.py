"""`xltool watch`: the check while people work, for desks without macros."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from xltool.cli._command import command
from xltool.cli._judging import house_settings, last_year_option, settings_option
from xltool.cli._judging import last_year as year_before
from xltool.cli._output import echo

if TYPE_CHECKING:
    from xltool.batch.watch import CheckedSave


@command()
@click.argument("folder", metavar="文件夹", default=".", type=click.Path(path_type=Path))
@click.option("--existing", is_flag=True, help="启动时先把文件夹里已有的工作簿审核一遍。")
@click.option("--poll", is_flag=True, help="网络盘收不到保存通知时用：定时查看。")
@click.option("--edition", default="", help="版式（默认按文件自己的标记）。")
@settings_option
@last_year_option
def watch(
    folder: Path,
    existing: bool,
    poll: bool,
    edition: str,
    settings: Path | None,
    last_year: Path | None,
) -> None:
    """守着一个文件夹：工作簿一保存就审核，结果写在旁边的“文件名.审核结果.html”。

    Excel、WPS、LibreOffice 都可以，不用宏。结果页打开一次就够，回到该页会自动换成最新结果。按 Ctrl-C 结束。
    """
    from xltool.batch.watch import watch as watched
    from xltool.editions.declaration import asked_edition
    from xltool.errors import XltoolError

    if not folder.is_dir():
        raise XltoolError(f"没有这个文件夹：{folder}")
    chosen_edition = asked_edition(edition)
    saves = watched(
        folder,
        settings=house_settings(settings),
        edition=chosen_edition,
        last_year=year_before(last_year, chosen_edition),
        existing=existing,
        polling=poll,
    )
    echo(f"正在守着 {folder.absolute()}，保存工作簿就会审核；按 Ctrl-C 结束。")
    try:
        for save in saves:
            echo(line(save, folder))
    except KeyboardInterrupt:
        echo("已结束。")


def line(save: CheckedSave, folder: Path) -> str:
    """One save in one line: when, which file, the verdict, what is open, where to look."""
    from xltool.checks.results import VERDICTS
    from xltool.files.escape import on_terminal

    inside = save.path != folder and save.path.is_relative_to(folder)
    name = save.path.relative_to(folder) if inside else save.path.absolute().name
    start = f"{save.at:%H:%M:%S} {on_terminal(str(name))}："
    if save.result is None or save.page is None:
        return start + on_terminal(save.problem)
    counts, sums = save.result.counts, save.result.balance
    numbers = {"错误": counts.error, "核实": counts.query, "提示": counts.note}
    open_counts = "，".join(f"{label} {number}" for label, number in numbers.items() if number)
    rest = "；".join(text for text in (open_counts, sums.verdict if sums else "") if text)
    return f"{start}{VERDICTS[save.result.verdict]}（{rest}） → {on_terminal(save.page.name)}"
