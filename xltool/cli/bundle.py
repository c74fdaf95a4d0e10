"""`xltool bundle`: everything for a machine without a network, in one folder."""

from __future__ import annotations

from pathlib import Path

import click

from xltool.cli._command import command_group, output_folder
from xltool.cli._output import echo

_file = click.Path(exists=True, path_type=Path)


@command_group()
def bundle() -> None:
    """离线安装包：在有网络的机器上做，拷到没有网络的机器上装。"""


@bundle.command()
@click.option("-o", "--output", type=output_folder(), required=True, help="写到哪个空文件夹。")
@click.option("--package", type=_file, default=Path(), help="xltool 的轮子文件，或源代码文件夹。")
@click.option("--python", "python", type=_file, help="python.org 的可嵌入 Python（zip）。")
@click.option("--for", "versions", multiple=True, help="哪些 Python 版本（如 3.12）；可以写几次。")
def windows(output: Path, package: Path, python: Path | None, versions: tuple[str, ...]) -> None:
    """Windows 64 位：轮子、校验值、安装.cmd、卸载.cmd，写明杀毒软件和签名。"""
    from xltool.excel import windows_bundle

    made = windows_bundle.bundle(
        output, package, versions=versions or windows_bundle.VERSIONS, python=python
    )
    echo(f"{len(made)} 个轮子，在 {output}；拷到 Windows 上双击 安装.cmd")
