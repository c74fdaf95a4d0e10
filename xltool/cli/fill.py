"""`xltool fill`: a data book becomes one official workbook for each unit."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xltool.cli._command import (
    OutputPath,
    command,
    force_option,
    output_path,
    refuse_file_name,
    refuse_other_kind,
)
from xltool.cli._output import echo, echo_badge
from xltool.files.display import first_few

if TYPE_CHECKING:
    from xltool.editions.declaration import Edition
    from xltool.model import Filing


@command()
@click.argument("source", metavar="数据表", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    metavar="文件夹",
    type=output_path(),
    help="写到哪个文件夹（--into 时是写到哪个文件）。",
)
@click.option(
    "--into",
    metavar="工作簿",
    type=OutputPath(exists=True, dir_okay=False, path_type=Path),
    help="填进财政局下发的（加了封印的）工作簿：封印和预填的内容保留，与预填不一致就不写。",
)
@click.option("--edition", help="版式编号，或它所在的文件夹；默认按数据表自己的标记。")
@click.option(
    "--template",
    type=click.Path(dir_okay=False, path_type=Path),
    help="另用一个模板工作簿（与版式配套）。",
)
@force_option
def fill(
    source: Path, output: Path | None, into: Path | None, edition: str | None, template: Path | None
) -> int:
    """从数据表填出各单位的申报工作簿，一个单位一个文件。

    数据表是 .xlsx、.json，或放有 部门.csv、项目.csv、指标.csv 的文件夹。有错误的单位不写出，错误一次列全；
    其余单位照常。每个写出的文件都读回核对过。

    再运行就更新以前写出的；写出以后有人在 Excel 里改过的不覆盖，除非加 --force。
    """
    from xltool.cli.databook import problem_lines
    from xltool.databook import reading
    from xltool.editions.declaration import asked_edition
    from xltool.errors import XltoolError

    if into:
        return _fill_sealed(source, into, output or into, edition)
    if output is None:
        raise click.UsageError("请用 -o 说明写到哪个文件夹，或用 --into 填进下发的工作簿")
    refuse_file_name(output)
    if output.exists() and not output.is_dir():
        raise XltoolError(f"“{output}”是文件，不是文件夹")
    chosen_edition = asked_edition(edition)
    # A data book that lies in the output folder is not overwritten by a unit of the same name.
    beside = source.parent.resolve() == output.resolve()
    reserved = [source.name] if beside else []
    with reading(source, edition) as book:
        problem_lines(book.problems)
        written, refused, broken = _fill_each(book, output, reserved, template, chosen_edition)
    for path in written:
        echo(f"已写出 {path}")
    wrong = [*book.left_out, *refused]
    echo(_summary(len(written), output, wrong, bool(book.errors)))
    if broken:
        return 2
    return 1 if book.errors or wrong else 0


def _fill_each(
    filings: Iterable[Filing],
    output: Path,
    reserved: list[str],
    template: Path | None,
    edition: Edition | None,
) -> tuple[list[Path], list[str], bool]:
    """Fill a workbook for each filing, under no `reserved` name.

    Returns the files written, the units that could not be,
    and whether the machine was at fault in one of them.
    """
    import xltool
    from xltool.errors import XltoolError
    from xltool.files.filenames import TakenNames
    from xltool.files.guard import Guarded
    from xltool.filling.writer import FillError

    taken = TakenNames(reserved)
    written: list[Path] = []
    wrong: list[str] = []
    broken = False
    for filing in filings:
        path = output / taken.give(filing.unit, ".xlsx")
        try:
            written.append(xltool.fill(filing, path, template, edition=edition))
        except XltoolError as error:
            is_refusal = isinstance(error, (FillError, Guarded))
            code = "B100 " if is_refusal else ""
            echo_badge("错误", "red", f"{code}{filing.unit}：{error}")
            wrong.append(filing.unit)
            broken = broken or not is_refusal
    return written, wrong, broken


def _fill_sealed(source: Path, sealed: Path, destination: Path, edition: str | None) -> int:
    """Fill a sealed workbook of a campaign from a data book."""
    from xltool.campaign.returns.sealed_filling import fill_sealed
    from xltool.cli.databook import problem_lines
    from xltool.databook import reading

    folder = Path(edition) if edition and Path(edition).is_dir() else None
    if destination.is_dir():
        destination = destination / sealed.name
    refuse_other_kind(destination, sealed.suffix.lower())
    with reading(source, None if folder else edition) as book:
        problem_lines(book.problems)
        filing = fill_sealed(book, sealed, destination, folder)
    echo(f"已填入 {filing.code} {filing.unit}：{destination}（封印保留，可以报送）")
    return 1 if book.errors else 0


def _summary(written: int, output: Path, wrong: list[str], errors: bool) -> str:
    done = f"{written} 个工作簿写在 {output}" if written else "没有写出任何工作簿"
    if wrong:
        names = first_few(wrong, 10)
        return f"{done}；{len(wrong)} 个单位没有写出：{names}。请改正后再运行。"
    return f"{done}；数据表里还有错误，请改正后再运行。" if errors else f"{done}。"
