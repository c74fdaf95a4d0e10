"""`xltool report`: the reports made again from a report.json."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from xltool.cli._command import command, force_option, output_folder
from xltool.cli._output import echo
from xltool.reports.bundle import KINDS


@command(old={"--kind": ("--format",)})
@click.argument("results", metavar="report.json", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=output_folder(),
    help="写到哪个文件夹。",
)
@click.option(
    "--format",
    "kinds",
    multiple=True,
    type=click.Choice(list(KINDS)),
    help="只做这一种，可重复；默认全做。",
)
@click.option("--title", default="绩效目标审核结果", show_default=True, help="报告的标题。")
@force_option
def report(results: Path, output: Path, kinds: tuple[str, ...], title: str) -> None:
    """用已有的 report.json 重做报告：report.html、report.xlsx、findings.csv、report.json。

    文件的链接按 report.json 所在的文件夹计算。
    """
    from xltool.reports.bundle import write_reports
    from xltool.reports.table import read_failed, read_results

    paths = write_reports(
        read_results(results),
        output,
        kinds or tuple(KINDS),
        base=results.parent,
        title=title,
        failed=read_failed(results),
        made=datetime.fromtimestamp(results.stat().st_mtime),  # when the review was, not now
    )
    echo("已写：" + "、".join(str(path) for path in paths))
