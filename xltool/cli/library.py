"""`xltool library`: a bureau's own indicator library, made from accepted filings, and examined."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from xltool.cli._command import command_group, force_option, output_file
from xltool.cli._output import echo
from xltool.cli.workbooks import each_workbook, edition_option, paths_argument, read_filing
from xltool.errors import XltoolError
from xltool.files.escape import on_terminal


@command_group()
def library() -> None:
    """本级的指标库：从通过审核的申报生成，检查能不能用。

    指标库写明每个指标的类别、单位、方向、常见范围和适用范围；在设置里写 library = "指标库.xlsx"，审核就先看它
    （I405 方向、I413 单位、I422 常见范围），新建数据表时可作下拉列表。
    """


@library.command()
@paths_argument
@edition_option
@click.option(
    "-o", "--output", metavar="文件", required=True, type=output_file(), help="写成这个 .xlsx。"
)
@click.option(
    "--least", default=1, show_default=True, type=click.IntRange(1), help="至少出现几次才收。"
)
@force_option
def build(paths: Sequence[Path], edition: str, output: Path, least: int) -> int:
    """从通过审核的申报生成指标库：名称、类别、单位；出现两次以上的有方向，三次以上的有常见范围。

    写出的是一张表，接着由人删改、补上适用范围；有错误要改的申报请先剔除。

    退出码：0 全部读到，2 有文件没能读。

    例：xltool library build 通过的申报 -o 指标库.xlsx
    """
    from msgspec.structs import replace

    from xltool.checks.settings import LIBRARY_NAME
    from xltool.editions.declaration import asked_edition
    from xltool.library import library_of
    from xltool.reports.indicator_library import save_library

    if output.suffix.lower() != ".xlsx":
        raise XltoolError(f"指标库写成 .xlsx 文件，不是“{output.name}”")
    failed: list[tuple[str, str]] = []
    chosen_edition = asked_edition(edition)
    gathered = library_of(
        each_workbook(paths, lambda file: read_filing(file, chosen_edition), failed)
    )
    kept = tuple(entry for entry in gathered.entries if entry.seen >= least)
    if not kept:
        raise XltoolError("没有读到带数的指标，没有写出")
    save_library(replace(gathered, entries=kept), output)
    echo(f"已写出 {output!s}：{len(kept)} 个指标。请核对删改后再用")
    if not LIBRARY_NAME.fullmatch(output.name):
        echo("写进设置（library）的指标库，文件名要以“指标库”开头：到时请改名", err=True)
    return 2 if failed else 0


@library.command()
@click.argument("file", metavar="指标库", type=click.Path(dir_okay=False, path_type=Path))
def check(file: Path) -> int:
    """检查一份指标库（.xlsx 或 .toml）能不能用，有多少条。

    退出码：0 能用，2 不能用。

    例：xltool library check 指标库.xlsx
    """
    from xltool.library import load_library

    entries = load_library(file).entries
    ranged = sum(entry.low is not None or entry.high is not None for entry in entries)
    directed = sum(bool(entry.direction) for entry in entries)
    unknown = [entry for entry in entries if entry.unit and entry.measure is None]
    echo(
        f"“{on_terminal(str(file))}”能用：{len(entries)} 个指标，"
        f"{directed} 个有方向，{ranged} 个有常见范围"
    )
    for entry in unknown:
        echo(
            f"  注意：“{on_terminal(entry.name)}”的单位“{on_terminal(entry.unit)}”不认识，不用它比单位"
        )
    return 0
