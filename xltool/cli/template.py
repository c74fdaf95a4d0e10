"""`xltool template`: the template workbook of an edition, drawn and checked."""

from __future__ import annotations

from pathlib import Path

import click

from xltool.cli._command import command_group, force_option, output_file
from xltool.cli._output import echo
from xltool.editions.declaration import default_edition_id, load_edition


@command_group()
def template() -> None:
    """模板工作簿：绘制官方模板，检查自制模板的单元格绑定。"""


@template.command()
@click.option(
    "-o", "--output", type=output_file(".xlsx"), default="workbook_template.xlsx",
    show_default=True, help="写到哪个文件。",
)  # fmt: skip
@click.option("--edition", default=default_edition_id(), show_default=True, help="版式。")
@click.option(
    "--library",
    metavar="文件",
    type=click.Path(dir_okay=False, path_type=Path),
    help="本级的指标库：三级指标可从列表选，也可以写别的。",
)
@force_option
def draw(output: Path, edition: str, library: Path | None) -> None:
    """绘制官方模板，也就是空白表。"""
    from xltool.library import load_library
    from xltool.template.draw import draw as draw_template

    offered = load_library(library) if library is not None else None
    draw_template(output, load_edition(edition), offered)
    echo(f"已写出 {output}")


@template.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--edition",
    default=default_edition_id(),
    show_default=True,
    help="版式编号，或它所在的文件夹。",
)
def check(file: Path, edition: str) -> int:
    """检查模板：缺了哪些定义名称，哪些绑定重复或落在锁定的单元格上。

    退出码：0 没有问题，1 有问题，2 没能运行。
    """
    from xltool.template.bindings import problems

    lines = problems(file, load_edition(edition))
    for line in lines:
        echo(line)
    if not lines:
        echo("模板完整：每个字段和指标类别都有且只有一个位置。")
    return int(bool(lines))
