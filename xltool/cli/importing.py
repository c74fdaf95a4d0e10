"""`xltool import`: earlier filings, in whatever file they are, into a data book."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xltool.cli._command import command, force_option, output_folder
from xltool.cli._output import echo, table
from xltool.errors import XltoolError

if TYPE_CHECKING:
    from xltool.importing.record import Imported

SHOWN = 40


@command("import", old={"--kind": ("--format",)})
@click.argument(
    "files", metavar="文件或文件夹…", nargs=-1, required=True,
    type=click.Path(exists=True, path_type=Path),
)  # fmt: skip
@click.option(
    "-o", "--output", metavar="文件夹", default="导入", show_default=True,
    type=output_folder(), help="数据表和导入报告放在哪个文件夹。",
)  # fmt: skip
@click.option(
    "--format",
    "kind",
    type=click.Choice(["xlsx", "json", "csv"]),
    default="xlsx",
    show_default=True,
    help="数据表的格式。",
)
@click.option(
    "--edition",
    default="",
    help="按哪个版式读（编号或文件夹；默认按工作簿自己的标记，没有就按默认版式）。",
)
@click.option(
    "--to",
    metavar="版式",
    default="",
    help="导入后转到这个版式；原表的版式用 --edition 说，不说则自己认。",
)
@click.option("--unit", metavar="名称", default="", help="表上没有写单位名称时，用这个名称。")
@click.option(
    "--year", metavar="年度", type=click.IntRange(2000, 2100), help="表上没有写年度时，用这个年度。"
)
@click.option(
    "--split", is_flag=True, help="一格里挤着几个指标、名称和指标值能一一对上的，拆成几行。"
)
@click.option("--values", is_flag=True, help="在屏幕上列出每一个取值和来源（报告文件里总是有）。")
@force_option
def import_(
    files: tuple[Path, ...],
    output: Path,
    kind: str,
    edition: str,
    to: str,
    unit: str,
    year: int | None,
    split: bool,
    values: bool,
) -> int:
    """把以前的申报表（Word、WPS、Excel、PDF、网页、文本）导入成数据表。

    按官方栏目名称找表，取值都记下来源和把握；认不准的不猜，列在“未导入”清单里。
    """
    from xltool.editions.declaration import asked_edition, default_edition_id
    from xltool.files import guard
    from xltool.importing import import_files, likest_edition
    from xltool.importing.books import move, report_paths, write_books, write_report

    target, chosen_edition = asked_edition(to), asked_edition(edition)
    if target is not None and chosen_edition is None:
        chosen_edition = likest_edition(files, target)
    imported = import_files(files, chosen_edition, unit, year, split)
    said = {filing.edition for filing in imported.filings}
    if chosen_edition is None and (others := said - {default_edition_id()}):
        echo(f"按版式“{'、'.join(others)}”读：工作簿自己的标记（要按别的版式读，用 --edition 说）")
    if target is not None and chosen_edition is not None and target.id != chosen_edition.id:
        echo(f"原表按版式“{chosen_edition.id}”读，转到“{target.id}”")
        move(imported, chosen_edition, target)
    if not imported.read and not imported.unread:
        named = "、".join(map(str, files))
        why = "".join(f"\n{one.file}：{one.reason}" for one in imported.leftovers[:SHOWN])
        raise XltoolError(f"没有能导入的文件：{named}{why}")
    guard.take(*imported.read)
    guard.ask(*report_paths(output))  # all or none
    books = write_books(imported, output, kind, target or chosen_edition)
    reports = write_report(imported, output)
    _show_imported(imported, reports[2], values)
    for path in (*books, *reports):
        echo(f"已写出 {path}")
    if not books:
        echo(f"没有做成数据表：没有认出申报，见 {reports[-1]}", err=True)
        return 2
    return 1 if imported.unread else 0


def _show_imported(imported: Imported, list_of_leftovers: Path, values: bool) -> None:
    """On the screen: the values if asked for, what was left, what could not be read, the sums."""
    from xltool.importing.books import LEFTOVERS, VALUES, leftover_row, value_row

    if values:
        table(VALUES, [_short(value_row(value)) for value in imported.values], "取值")
    left = [leftover_row(leftover) for leftover in imported.leftovers]
    if left:
        table(LEFTOVERS, [_short(row) for row in left[:SHOWN]], "未导入")
        if len(left) > SHOWN:
            echo(f"……另有 {len(left) - SHOWN} 项，见 {list_of_leftovers}")
    for reason in imported.unread.values():
        echo(f"没有导入：{reason}", err=True)
    for filing in imported.filings:
        forms = "部门表 1 张" if filing.department else "没有部门表"
        name = filing.unit or "（没有单位名称）"
        echo(f"{name}（{filing.year or '年度不明'}）：{forms}，项目表 {len(filing.projects)} 张")
    sure = Counter(value.sure.value for value in imported.values)
    echo(
        f"导入 {len(imported.values)} 个取值（把握高 {sure['高']}、中 {sure['中']}、低 {sure['低']}），"
        f"未导入 {len(left)} 项"
    )


def _short(row: tuple[str, ...]) -> list[str]:
    return [text if len(text) <= 60 else f"{text[:60]}……" for text in row]
