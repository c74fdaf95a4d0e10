"""`xltool indicators` and `xltool normalise`:
the values of filed workbooks, split and in normal form."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from xltool.cli._command import (
    command,
    force_option,
    output_file,
    output_path,
    refuse_file_name,
    refuse_other_kind,
)
from xltool.cli._output import echo, echo_text
from xltool.cli.workbooks import (
    OutputPlaces,
    each_workbook,
    edition_option,
    paths_argument,
    read_filing,
    workbooks,
)
from xltool.editions.declaration import asked_edition, usable_editions
from xltool.errors import XltoolError
from xltool.files import guard
from xltool.files.discover import FileKind, kind_of


@command(old={"--csv": ("-o",), "--xlsx": ("-o",)})
@paths_argument
@edition_option
@click.option(
    "-o",
    "--output",
    "files",
    multiple=True,
    type=output_file(),
    help="写成 .csv（Excel 可直接打开）或 .xlsx，可以写几次。",
)
@force_option
def indicators(paths: Sequence[Path], edition: str, files: Sequence[Path]) -> int:
    """导出绩效指标：一行一个，指标值拆成计算符号、指标值、计量单位三栏。

    不写文件时打印 CSV。一格里的几个指标拆成几行；读不出来的原样留着。

    退出码：0 全部读到，2 有文件没能读。
    """
    from xltool.reports.indicators import columns_of, indicator_rows, save_csv, save_xlsx, write_csv

    if wrong := next(
        (file for file in files if file.suffix.lower() not in (".csv", ".xlsx")), None
    ):
        raise click.UsageError(f"指标写成 .csv 或 .xlsx，不是“{wrong}”")
    chosen_edition = asked_edition(edition)
    failed: list[tuple[str, str]] = []
    columns = columns_of([chosen_edition] if chosen_edition else usable_editions())

    def rows_of(file: Path) -> list[tuple[str, ...]]:
        return list(indicator_rows(read_filing(file, chosen_edition), chosen_edition, columns))

    rows = [row for rows in each_workbook(paths, rows_of, failed) for row in rows]
    if failed and not rows:
        raise XltoolError("一个指标也没有读到，没有写出")
    guard.ask(*files)  # all or none
    for file in files:
        save = save_xlsx if file.suffix.lower() == ".xlsx" else save_csv
        save(rows, file, columns)
    if not files:
        printed = io.StringIO(newline="")
        write_csv(rows, printed, columns)
        echo_text(printed.getvalue())
    else:
        echo(f"已写 {len(rows)} 个指标：{'、'.join(map(str, files))}")
    return 2 if failed else 0


@command(old={"--write": ("-o",)})
@paths_argument
@edition_option
@click.option(
    "-o",
    "--output",
    "target",
    type=output_path(),
    help="按规范写法另存一份：一个工作簿写成这个文件，几个写进这个文件夹。",
)
@force_option
def normalise(paths: Sequence[Path], edition: str, target: Path | None) -> int:
    """指标值的规范写法：逐格列出原来怎么写、应当怎么写（15家以上 → ≥15家）。

    只动读得出的数；日期、等级、文字和读不出来的不动。加 -o 才另存一份，原文件从不改动。

    退出码：0 完成，2 有文件没能读或没能写。
    """
    from xltool.indicator.normalise import changes
    from xltool.reading.normal_copy import write_normalised

    chosen_edition = asked_edition(edition)
    failed: list[tuple[str, str]] = []
    copy_of = None if target is None else _copies(paths, target)

    def normalised(file: Path) -> None:
        filing = read_filing(file, chosen_edition)
        rewrites = list(changes(filing))
        echo(f"{file}：{len(rewrites)} 处可以改成规范写法" if rewrites else f"{file}：都是规范写法")
        for change in rewrites:
            was, becomes = (" ".join(text.split()) for text in (change.was, change.becomes))
            echo(f"  {change.place or ''} {' '.join(change.name.split())}：{was} → {becomes}")
        if copy_of is not None:
            copy = copy_of(file)
            write_normalised(file, filing, rewrites, copy, chosen_edition)
            echo(f"  已写：{copy}")

    for _ in each_workbook(paths, normalised, failed):
        pass
    return 2 if failed else 0


def _copies(paths: Sequence[Path], target: Path) -> Callable[[Path], Path]:
    """Where each workbook's copy goes: the file named, or its own name in the folder named.

    None takes the place of what it is copied from. Raises XltoolError.
    """
    alone = len(paths) == 1 and not paths[0].is_dir()
    named = alone and kind_of(target.name) is FileKind.WORKBOOK
    if named:
        refuse_other_kind(target, ".xlsm" if paths[0].suffix.lower() == ".xlsm" else ".xlsx")
    else:
        refuse_file_name(target)
    places = OutputPlaces(paths, target)

    def copy_of(file: Path) -> Path:
        return target if named else places.of(file)

    for file in workbooks(paths, announce=False):
        if copy_of(file).resolve() == file.resolve():
            raise XltoolError(f"-o 不能写回原文件：{file}")
    return copy_of
