"""What the commands of a campaign share: which folder, progress, tables."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xltool.cli._command import output_file, output_folder
from xltool.cli._output import echo
from xltool.cli._output import table as table
from xltool.files.display import first_few

if TYPE_CHECKING:
    from xltool.campaign import Campaign

where = click.option(
    "--campaign", "folder", type=click.Path(file_okay=False, path_type=Path), default=".",
    help="批次文件夹（默认当前文件夹）。",
)  # fmt: skip
as_json_option = click.option("--json", "as_json", is_flag=True, help="输出 JSON，供程序读取。")
file_type = output_file()
there_type = click.Path(exists=True, dir_okay=False, path_type=Path)
folder_type = output_folder()


by_option = click.option(
    "--by", default="", help="经办人（默认这台机器的登录名），记在台账的历史里。"
)
reason_option = click.option("--reason", default="", help="理由，记在台账的历史里。")

trust_option = click.option(
    "--trust", "trusted", multiple=True, metavar="指纹",
    help="登记信得过的转发（发文、上报）单位公钥的指纹，用电话或正式文件核对过的；可以写几次。",
)  # fmt: skip


@contextmanager
def opened(folder: Path, by: str = "") -> Iterator[Campaign]:
    """The campaign in this folder; `by` is who acts, where that is not who is logged in."""
    from xltool.campaign import open_campaign

    campaign = open_campaign(folder)
    campaign.ledger.author = by
    try:
        yield campaign
    finally:
        campaign.ledger.close()


def doubt_deadlines(campaign: Campaign, days: Iterable[str]) -> None:
    """Say what is odd about the last days that a command set or wrote."""
    from xltool.campaign.returns.deadlines import doubtful

    for line in doubtful(days, campaign.year):
        echo(f"注意：{line}", err=True)


@contextmanager
def telling_void(campaign: Campaign) -> Iterator[None]:
    """Say whose returns count no more after new workbooks went out or came in."""
    before = campaign.ledger.counted()
    yield
    after = campaign.ledger.counted() if before else {}
    if void := [code for code in before if code not in after]:
        few = first_few(void, 20)
        echo(
            f"注意：{len(void)} 个单位有了新的工作簿，先前报来的（核准过的也一样）不再计入，要重报：{few}"
        )


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal, nothing elsewhere."""
    from rich.console import Console
    from rich.progress import Progress

    silent = not sys.stderr.isatty()
    with Progress(console=Console(stderr=True), transient=True, disable=silent) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
