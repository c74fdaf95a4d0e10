"""What commands take: workbooks and folders of workbooks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from xltool.editions.declaration import Edition
from xltool.errors import XltoolError, why
from xltool.model import Filing

WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".et")
OURS = ("report.xlsx",)  # what xltool itself wrote beside the workbooks

paths_argument = click.argument(
    "paths", metavar="文件或文件夹…", nargs=-1, required=True, type=click.Path(path_type=Path)
)
edition_option = click.option(
    "--edition", default="", help="版式编号，或它所在的文件夹（默认按文件自己的标记）。"
)


def workbooks(paths: Sequence[Path], *, announce: bool = True) -> Iterator[Path]:
    """The files named, and the workbooks in the folders named, in order of name."""
    for path in paths:
        if not path.exists():
            raise XltoolError(f"没有这个文件或文件夹：{path}")
    count = 0
    for path in paths:
        found = [path] if not path.is_dir() else list(_walk(path))
        if not found:
            raise XltoolError(f"文件夹里没有工作簿：{path}")
        for file in found:
            if file.name.startswith("~$"):
                if announce:
                    click.echo(f"跳过：{file}（正在 Excel 里打开的锁文件）", err=True)
            else:
                count += 1
                yield file
    if not count:
        raise XltoolError("没有工作簿可读：只有 Excel 打开时的锁文件（~$ 开头）")


def _walk(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise XltoolError(f"读不了文件夹 {error.filename}：{why(error)}") from error

    for root, folders, files in os.walk(folder, onerror=refuse):
        folders.sort()
        for name in sorted(files):
            if name.lower().endswith(WORKBOOKS) and name not in OURS:
                yield Path(root, name)


def filings(
    paths: Sequence[Path], edition: Edition | None, failed: list[tuple[str, str]]
) -> Iterator[tuple[Path, Filing]]:
    """Every workbook with its filing, as it is read; what can't be read goes to `failed`, with the reason.

    A file that is no official form is one of those.
    """
    from xltool.reading.reader import read

    for file in workbooks(paths):
        try:
            filing = read(file, edition=edition)
            if not any(filing.forms):
                raise XltoolError(f"{file}：" + "；".join(fault.detail for fault in filing.faults))
        except XltoolError as error:
            failed.append((str(file), str(error)))
            click.echo(f"错误：{error}", err=True)
        else:
            yield file, filing
