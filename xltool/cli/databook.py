"""`xltool databook`: the source tables of many units: a new one, a check, another kind of file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xltool.cli._command import command_group, force_option, output_path
from xltool.cli._output import echo, echo_badge, echo_json, pasteable

if TYPE_CHECKING:
    from xltool.databook import Problem

_COLOURS = {"error": "red", "query": "yellow", "note": "cyan"}
_EDITION = click.option("--edition", help="版式编号，或它所在的文件夹。")


def problem_lines(problems: Sequence[Problem]) -> None:
    """Show problems one a line: how grave, where, whose, what."""
    for problem in problems:
        grave, _, rest = str(problem).partition(" ")
        echo_badge(grave, _COLOURS[problem.severity], rest)


@command_group()
def databook() -> None:
    """数据表：新建空表、检查、在 .xlsx、.json 和 CSV 文件夹之间转换。"""


@databook.command()
@click.argument("path", metavar="文件", type=output_path())
@_EDITION
@click.option(
    "--library",
    type=click.Path(dir_okay=False, path_type=Path),
    help="本级的指标库：三级指标可从列表选（只用于 .xlsx）。",
)
@force_option
def new(path: Path, edition: str | None, library: Path | None) -> None:
    """新建一本空的数据表，带表头、填写提示和下拉列表（.xlsx；也可以是 .json 或文件夹）。"""
    from xltool.databook import write_databook
    from xltool.library import load_library

    _not_there(path)
    if library is not None and path.suffix.lower() != ".xlsx":
        raise click.UsageError("--library 只用于 .xlsx 数据表")
    offered = None if library is None else load_library(library)
    write_databook([], path, edition, offered)
    # An edition of its own is known by its folder alone, here and whenever the book is read.
    own = f" --edition {pasteable(edition)}" if edition and Path(edition).is_dir() else ""
    fill = f"xltool fill {pasteable(path)} -o 输出文件夹{own}"
    echo(f"已写出 {path}：按“填写说明”填好后，运行 {fill}")


@databook.command()
@click.argument("path", metavar="数据表", type=click.Path(path_type=Path))
@_EDITION
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
def check(path: Path, edition: str | None, as_json: bool) -> int:
    """检查数据表的填写：缺列、名称对不上、金额无法读取等，一次列全（不审核申报内容）。"""
    from xltool.databook import reading

    with reading(path, edition) as book:
        if as_json:
            import msgspec

            from xltool.checks.results import finding_result

            problems = [
                {**msgspec.to_builtins(finding_result(problem)), "unit": problem.unit}
                for problem in book.problems
            ]
            record = {
                "file": str(path),
                "units": list(book.units),
                "left_out": book.left_out,
                "problems": problems,
            }
            echo_json(record)
        else:
            problem_lines(book.problems)
            state = f"{len(book.errors)} 处错误" if book.errors else "没有错误"
            echo(f"{len(book.units)} 个单位，{state}，{len(book.sound)} 个可以填报。")
        return 1 if book.errors else 0


@databook.command()
@click.argument("source", metavar="数据表", type=click.Path(path_type=Path))
@click.argument("target", metavar="新数据表", type=output_path())
@_EDITION
@force_option
def convert(source: Path, target: Path, edition: str | None) -> int:
    """把数据表换一种文件：.xlsx、.json，或放 CSV 的文件夹（没有后缀的名称）。"""
    from xltool.databook import open_databook, write_databook

    book = open_databook(source, edition)
    problem_lines(book.problems)
    if book.errors:
        echo("数据表有错误，没有转换。")
        return 1
    for remark in write_databook(book.filings, target, edition):
        echo_badge("提示", "cyan", remark)
    echo(f"已写出 {target}：{len(book.filings)} 个单位。")
    return 0


@databook.command()
@_EDITION
def schema(edition: str | None) -> None:
    """输出 .json 数据表的 JSON Schema。"""
    from xltool.databook.schema import schema as schema_of
    from xltool.editions.declaration import load_edition

    echo_json(schema_of(load_edition(edition or "")))


def _not_there(path: Path) -> None:
    """A new data book is new: not even an empty one is replaced unasked."""
    from xltool.files.discover import table_name
    from xltool.files.guard import Guarded, current

    watch = current()
    there = (
        any(table_name(file.name) for file in path.iterdir()) if path.is_dir() else path.exists()
    )
    if there and not (watch and watch.force):
        raise Guarded(f"“{path}”已经存在；确实要覆盖请加 --force")
