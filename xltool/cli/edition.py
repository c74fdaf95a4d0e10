"""`xltool edition`: official forms as data — listed, copied, checked, compared."""

from __future__ import annotations

from pathlib import Path

import click

from xltool.cli._command import command_group, force_option, output_file, output_folder
from xltool.cli._output import echo, pasteable
from xltool.editions.declaration import default_edition_id, editions, load_edition
from xltool.errors import XltoolError
from xltool.files import guard


@command_group()
def edition() -> None:
    """版式：官方表样的声明（edition.toml）和模板（template.xlsx）。新表样不用改程序。"""


@edition.command("list")
def list_() -> None:
    """列出认得的版式：自带的，和自己文件夹里的。"""
    for id_, folder in editions().items():
        try:
            loaded_edition = load_edition(id_)
            echo(f"{id_}　{loaded_edition.title}　金额单位：{loaded_edition.unit}　{folder}")
        except XltoolError as error:
            echo(f"{id_}　不能用：{error}")


@edition.command()
@click.argument("name", metavar="新编号")
@click.option(
    "--from",
    "source",
    default=default_edition_id(),
    show_default=True,
    help="照哪个版式（编号或文件夹）。",
)
@click.option(
    "-o", "--output", type=output_folder(),
    help="放在哪个文件夹下，默认是自己的版式文件夹。",
)  # fmt: skip
def new(name: str, source: str, output: Path | None) -> None:
    """照一个版式复制出新版式，供修改。

    然后：在 Excel 里改 template.xlsx（移动格子、改文字、给填报格定义名称），字段有增减时改 edition.toml，
    再用 xltool edition check 检查。
    """
    from xltool.editions.copy import copy_edition

    folder = copy_edition(load_edition(source), name, output)
    echo(f"已复制到 {folder}")
    # A name alone would be taken for an edition's id.
    where = name if output is None else pasteable(folder.absolute())
    echo(f"改好后检查：xltool edition check {where}")


@edition.command()
@click.argument("which", metavar="版式")
@click.option(
    "--show", metavar="文件", type=output_file(".xlsx"),
    help="另写一个工作簿：每个填报格里写着它绑定的栏目，供对照。",
)  # fmt: skip
@force_option
def check(which: str, show: Path | None) -> int:
    """检查版式：缺少、重复、锁住、多余的绑定，逐条指出工作表和单元格。

    版式是编号或文件夹。退出码：0 没有问题，1 有问题，2 没能运行。
    """
    from xltool.editions.copy import show_bindings
    from xltool.template.bindings import problems

    loaded_edition = load_edition(which)
    lines = problems(loaded_edition.template, loaded_edition)
    for line in lines:
        echo(line)
    if show is not None:
        guard.take(loaded_edition.template)
        show_bindings(loaded_edition, show)
        echo(f"已写出 {show}：黄色是字段，蓝色是指标，红色是锁住或重复的")
    if not lines:
        echo(f"版式“{loaded_edition.id}”完整：每个字段、指标类别和指标列都有且只有一个位置。")
    return int(bool(lines))


@edition.command()
@click.argument("old", metavar="旧版式")
@click.argument("new", metavar="新版式")
def diff(old: str, new: str) -> None:
    """比较两个版式：字段、指标类别、合计关系、金额单位、位置有什么变化。"""
    from xltool.template.edition_diff import differences

    lines = differences(load_edition(old), load_edition(new))
    for line in lines:
        echo(line)
    echo(f"共 {len(lines)} 处不同。" if lines else "两个版式相同。")
