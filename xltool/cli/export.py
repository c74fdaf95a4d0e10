"""`xltool export`: filed workbooks as PDF, as JSON or CSV, and as the set that is published."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xltool.cli._command import command, force_option, output_folder
from xltool.cli._judging import house_settings, settings_option
from xltool.cli._output import echo
from xltool.cli.workbooks import (
    OutputPlaces,
    each_workbook,
    edition_option,
    paths_argument,
    read_filing,
)
from xltool.editions.declaration import Edition, asked_edition, load_edition, usable_editions
from xltool.errors import XltoolError
from xltool.files import guard
from xltool.model import Filing

if TYPE_CHECKING:
    from xltool.checks.settings import Settings
    from xltool.exporting.pristine import Press

Left = list[tuple[str, str]]

NOTHING = "没有可以导出的申报"
JSON, CSV = "申报数据.json", "申报数据.csv"


@command(
    old={"--pdf": ("--format", "pdf"), "--json": ("--format", "json"), "--csv": ("--format", "csv")}
)
@paths_argument
@click.option("-o", "--output", required=True, metavar="文件夹", help="写到哪个文件夹。",
              type=output_folder())  # fmt: skip
@click.option(
    "--format", "kinds", multiple=True, type=click.Choice(["pdf", "json", "csv"]),
    help=f"写成什么，可以写几次：pdf 每个工作簿一份（要装 LibreOffice），json 全部数据写成 {JSON}，"
    f"csv 全部数据写成 {CSV}（Excel 可直接打开）。",
)  # fmt: skip
@click.option(
    "--public", is_flag=True, help="公开件：PDF 和 CSV，去掉内部栏目（要装 LibreOffice）。"
)
@edition_option
@settings_option
@force_option
def export(
    paths: Sequence[Path],
    output: Path,
    kinds: Sequence[str],
    public: bool,
    edition: str,
    settings: Path | None,
) -> int:
    """导出申报工作簿：PDF、数据（JSON、CSV）、公开件。

    收到的文件从不交给 LibreOffice 打开：先读出填报的值，写到一张新的官方表上再转 PDF，
    文件里的公式、链接、宏都不会运行。官方表格被改动的不转，列出原因。

    退出码：0 全部导出，1 有文件没有导出，2 没能运行。
    """
    if not (kinds or public):
        raise click.UsageError(
            "请写明导出什么：--format pdf、--format json、--format csv，或 --public。"
        )
    if public and kinds:
        raise click.UsageError("--public 自成一套，不和 --format 合用。")
    chosen_edition = asked_edition(edition)
    if "pdf" in kinds or public:
        _office()
    if any(path.is_dir() and output.resolve().is_relative_to(path.resolve()) for path in paths):
        raise XltoolError(f"输出文件夹不能放在输入文件夹里：{output}")
    left: Left = []
    if public:
        _publish(paths, output, chosen_edition, left, house_settings(settings))
    else:
        _export(paths, output, chosen_edition, left, kinds)
    return 1 if left else 0


def _office() -> None:
    from xltool.exporting.office import find_office, lacks_chinese

    find_office()
    if lacks_chinese():
        echo("注意：这台机器没有中文字体，PDF 里的汉字会是空框；请先安装中文字体。", err=True)


def _read(file: Path, chosen_edition: Edition | None) -> tuple[Filing, Edition]:
    filing = read_filing(file, chosen_edition)
    return filing, chosen_edition or load_edition(filing.edition)


def _editions(chosen_edition: Edition | None) -> list[Edition]:
    """The editions whose own columns the tables show."""
    return [chosen_edition] if chosen_edition else usable_editions()


def _export(
    paths: Sequence[Path],
    output: Path,
    chosen_edition: Edition | None,
    left: Left,
    kinds: Sequence[str],
) -> None:
    from xltool.exporting.data import csv_columns, csv_file, json_file
    from xltool.exporting.pristine import Press

    written: list[Path] = []
    with tempfile.TemporaryDirectory(prefix="xltool-") as folder, ExitStack() as stack:
        press = Press(Path(folder))
        sinks = []
        if "json" in kinds:
            sinks.append(stack.enter_context(json_file(output / JSON)))
            written.append(output / JSON)
        if "csv" in kinds:
            columns = csv_columns(_editions(chosen_edition))
            sinks.append(stack.enter_context(csv_file(output / CSV, columns)))
            written.append(output / CSV)
        places = OutputPlaces(paths, output)

        def take(file: Path) -> None:
            filing, edition = _read(file, chosen_edition)
            for add in sinks:
                add(filing, edition)
            if "pdf" in kinds:
                _wait(press, filing, edition, places.of(file, ".pdf"), left)

        count = sum(1 for _ in each_workbook(paths, take, left))
        if not count:
            raise XltoolError(NOTHING)
        _print_waiting(press, left)
    for path in written:
        echo(f"已写出 {path}（{count} 份申报）")
    _sum_up(left)


def _print_waiting(press: Press, left: Left) -> None:
    if press:
        echo(f"正在用 LibreOffice 转换 {len(press)} 个文件……", err=True)
    for destination, there in press.print():
        if there:
            echo(f"已写出 {destination}")
        else:
            _leave(left, str(destination), "LibreOffice 没能转出 PDF")


def _wait(press: Press, filing: Filing, edition: Edition, destination: Path, left: Left) -> None:
    from xltool.exporting.pristine import changed, left_behind
    from xltool.filling.writer import FillError

    if faults := changed(filing):
        more = f"，等 {len(faults)} 处" if len(faults) > 1 else ""
        _leave(left, filing.source, f"没有转 PDF，新表显示不出原件的样子：{faults[0]}{more}")
        return
    if (
        destination.exists()
        and destination.parent.resolve() == Path(filing.source).parent.resolve()
    ):
        # Beside the workbook lies perhaps the scan with the stamp.
        _leave(left, filing.source, f"没有转 PDF：旁边已有 {destination.name}，请换一个输出文件夹")
        return
    try:
        guard.ask(destination)
    except guard.Guarded as error:
        _leave(left, filing.source, f"没有转 PDF：{error}")
        return
    for remark in left_behind(filing):
        message = f"注意：{filing.source}：{remark}：PDF 里只有它的值，没有它本身"
        echo(message, err=True)
    try:
        press.add(filing, edition, destination)
    except FillError as error:
        _leave(left, filing.source, f"没有转 PDF：{error}")


def _publish(
    paths: Sequence[Path],
    output: Path,
    chosen_edition: Edition | None,
    left: Left,
    settings: Settings,
) -> None:
    from xltool.checks.engine import check
    from xltool.exporting.public import publish, refuse_full

    refuse_full(output)
    count = 0
    read = each_workbook(paths, lambda file: _read(file, chosen_edition), left)
    for filing, why in publish(read, output, _editions(chosen_edition)):
        if why:
            _leave(left, filing.source, f"没有公开：{why}")
            continue
        count += 1
        errors = sum(
            f.open and f.severity == "error"
            for f in check(filing, settings=settings, edition=chosen_edition, strict=False)
        )
        if errors:
            echo(
                f"注意：{filing.source}：还有 {errors} 处错误没有改正（xltool check 可看）",
                err=True,
            )
    if not count:
        raise XltoolError(NOTHING)
    echo(f"公开件写在 {output}：{count} 份申报")
    _sum_up(left)


def _leave(left: Left, file: str, why: str) -> None:
    left.append((file, why))
    echo(f"错误：{file}：{why}", err=True)


def _sum_up(left: Left) -> None:
    if left:
        echo(f"{len(left)} 个文件没有导出，原因见上。", err=True)
