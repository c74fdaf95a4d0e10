"""`xltool addin`: build, install, remove and examine the ribbon add-in."""

from __future__ import annotations

from pathlib import Path

import click

from xltool.cli._command import command_group, force_option, output_file
from xltool.cli._output import table
from xltool.cli.settings import use


@command_group()
def addin() -> None:
    """Excel 功能区加载项：安装、卸载、体检。"""


# The ribbon follows the settings of this computer: where people look for it, the same command
# stands.
addin.add_command(use, "settings")


@addin.command()
@click.option("-o", "--output", type=output_file(), help="写到哪个文件。")
@click.option(
    "--macros",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path("macros"),
    show_default=True,
    help="宏文本所在的文件夹。",
)
@force_option
def build(output: Path | None, macros: Path) -> None:
    """由宏文本生成 xltool.xlam（改宏的人才用；结果处处相同）。"""
    from xltool.excel.addin import ADDIN
    from xltool.excel.build import build

    click.echo(f"已生成 {build(macros, output or ADDIN)}")


_libreoffice = click.option(
    "--libreoffice", is_flag=True, help="LibreOffice 的工具栏和菜单，而不是 Excel 的功能区。"
)


@addin.command()
@_libreoffice
def install(libreoffice: bool) -> None:
    """为当前用户安装，不要管理员权限。重新打开 Excel（LibreOffice）后出现“绩效目标”。"""
    if libreoffice:
        from xltool.excel.hosts.libreoffice import addon

        python = addon.install()
        click.echo(f"已装进 LibreOffice\n启动用的 Python：{python}\n请重新打开 LibreOffice Calc。")
        return
    from xltool.excel.addin import install

    place = install()
    click.echo(
        f"已安装 {place.addin}\n启动用的 Python：{place.interpreter_path()}\n请重新打开 Excel。"
    )


@addin.command()
@_libreoffice
def uninstall(libreoffice: bool) -> None:
    """卸载当前用户的加载项。"""
    if libreoffice:
        from xltool.excel.hosts.libreoffice import addon

        addon.uninstall()
        click.echo("已从 LibreOffice 卸载。")
        return
    from xltool.excel.addin import uninstall

    removed = uninstall()
    click.echo(
        "".join(f"已删除 {file}\n" for file in removed) or "没有安装过，无事可做。\n", nl=False
    )


@addin.command()
def doctor() -> int:
    """体检：Excel、宏的信任设置、Python、加载项，哪里对哪里不对。"""
    from xltool.excel.doctor import examine

    lines = examine()
    marks = {True: "√", False: "×", None: "?"}
    rows = [(marks[line.right], line.what, line.found, line.todo) for line in lines]
    table(("", "项目", "看到的", "怎么办"), rows)
    return int(any(line.right is False for line in lines))
