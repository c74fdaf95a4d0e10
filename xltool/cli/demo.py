"""`xltool demo`: the main job on the shipped example, for someone who has just installed xltool."""

from __future__ import annotations

from pathlib import Path

import click

from xltool.cli._command import command, force_option, output_folder
from xltool.cli._judging import settings_file, settings_option
from xltool.cli._output import show_result


@command()
@click.argument(
    "output",
    metavar="[输出文件夹]",
    default="demo-out",
    type=output_folder(),
)
@click.option(
    "--campaign", "folder", is_flag=False, flag_value="批次演示", metavar="[文件夹]",
    type=click.Path(file_okay=False, path_type=Path),
    help="接着走一遍申报批次：两个区、六个单位，下发、收取、退回、催报、汇总。",
)  # fmt: skip
@settings_option
@force_option
def demo(output: Path, folder: Path | None, settings: Path | None) -> None:
    """用自带的 2023 年真实申报件走一遍：数据表 → 填好的官方表 → 审核与交叉平衡 → 报告。

    加 --campaign 再走一遍下发到汇总，写在输出文件夹里（或写明的文件夹）。
    """
    import xltool
    from xltool.batch.run import run
    from xltool.checks.results import check_result
    from xltool.checks.settings import load_settings

    example = Path(xltool.__file__).parent / "example"
    house = settings_file(settings)
    summary = run(example, output, jobs=1, settings=str(house.absolute()) if house else "")
    if summary.failed:
        raise xltool.XltoolError("：".join(summary.failed[0]))
    # Beside what was filled from the example other workbooks may lie.
    folders = [output / unit.name for unit in sorted(example.iterdir())]
    for workbook in (file for folder in folders for file in sorted(folder.rglob("*.xlsx"))):
        filing = xltool.read(workbook)
        findings = xltool.check(filing, settings=load_settings(house))
        show_result(check_result(filing, findings))
    if folder is not None:
        from xltool.cli._tour import tour

        tour(output / folder)
    click.echo(f"\n填好的工作簿和报告在 {output}：打开 {output / 'report.html'} 看结果。")
