"""`xltool convert`: filings moved to another edition's forms, or made next year's draft."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xltool.cli._command import command, force_option, output_path
from xltool.cli._output import echo
from xltool.cli.workbooks import read_filing, workbooks
from xltool.editions.declaration import Edition, asked_edition
from xltool.errors import XltoolError
from xltool.model import Filing

if TYPE_CHECKING:
    from xltool.editions.conversion import ConversionNote

HEAD = ("单位", "类别", "表", "项目", "栏目", "内容", "说明")
SHOWN = 20


@command()
@click.argument(
    "paths", metavar="工作簿或数据表…", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--to", metavar="版式", default="", help="转到哪个版式（编号或文件夹）。")
@click.option(
    "--next-year",
    is_flag=True,
    help="做成下一年的草稿：年度和一年期的日期加一年，金额清空，文字待复核。",
)
@click.option(
    "--from", "source", metavar="版式", default="", help="原来的版式（默认按文件自己的标记）。"
)
@click.option(
    "-o", "--output", metavar="数据表", required=True, type=output_path(),
    help="写成哪个数据表（.xlsx、.json，或文件夹）。",
)  # fmt: skip
@force_option
def convert(paths: Sequence[Path], to: str, next_year: bool, source: str, output: Path) -> int:
    """把申报（工作簿或数据表）转到另一个版式，或做成下一年的草稿，写成数据表。

    金额在元和万元之间准确换算；放不下的、要复核的、算出来的，列在数据表旁边的“-转换说明.csv”，一样也不会悄悄丢掉。
    """
    from xltool.databook import write_databook
    from xltool.editions.conversion import LOST
    from xltool.files import guard

    if not to and not next_year:
        raise XltoolError("请用 --to 指定版式，或用 --next-year 做下一年的草稿（可以同时用）")
    source_edition = asked_edition(source)
    target_edition = asked_edition(to)
    moved: list[Filing] = []
    rows: list[tuple[str, ...]] = []
    for filing in _filings(paths, source_edition):
        converted, notes = _moved(filing, source_edition, target_edition, next_year)
        moved.append(converted)
        rows += [
            (filing.unit, note.kind, note.form, note.project, note.field, note.text, note.reason)
            for note in notes
        ]
    report = output.with_name(f"{output.stem}-转换说明.csv")
    guard.ask(report)  # both or none
    left = write_databook(moved, output, target_edition or source_edition)
    _write_report(report, rows)
    lost = [row for row in rows if row[1] == LOST]
    _show_lost(lost, report)
    for line in left:
        echo(line)
    others = len(rows) - len(lost)
    echo(
        f"{len(moved)} 份申报写成 {output}；放不下 {len(lost)} 项，要看的 {others} 项，见 {report}"
    )
    return 1 if lost else 0


def _moved(
    filing: Filing, source: Edition | None, target: Edition | None, next_year: bool
) -> tuple[Filing, list[ConversionNote]]:
    """The filing as next year's draft if asked for, on the target's forms if there is one,
    and the notes."""
    from xltool.editions import conversion

    converted = conversion.Converted(filing)
    notes: list[ConversionNote] = []
    if next_year:
        converted = conversion.next_year(converted.filing, source)
        notes += converted.notes
    if target is not None and target.id != converted.filing.edition:
        converted = conversion.convert(converted.filing, target, source)
        notes += converted.notes
    return converted.filing, notes


def _write_report(report: Path, rows: Sequence[tuple[str, ...]]) -> None:
    from xltool.files.csv_table import csv_table

    with csv_table(report, HEAD) as add_row:
        for row in rows:
            add_row(row)


def _show_lost(lost: Sequence[tuple[str, ...]], report: Path) -> None:
    for unit, _kind, form, project, field, text, reason in lost[:SHOWN]:
        short = " ".join(text.split())[:60]
        echo(f"放不下　{unit}　{project or form}　{field}：{short}　{reason}")
    if len(lost) > SHOWN:
        echo(f"……另有 {len(lost) - SHOWN} 项放不下，见 {report}")


def _filings(paths: Sequence[Path], edition: Edition | None) -> Iterator[Filing]:
    from xltool.batch.inputs import is_book
    from xltool.databook import load_databook
    from xltool.files.discover import once

    for source in once(_sources(paths)):
        if is_book(source):
            yield from load_databook(source, edition)
        else:
            yield read_filing(source, edition)


def _sources(paths: Sequence[Path]) -> Iterator[Path]:
    """Data books and workbooks: those named, and those in the folders named."""
    for path in paths:
        if not path.exists():
            raise XltoolError(f"没有这个文件或文件夹：{path}")
        if path.is_dir() and not _is_folder_of_tables(path):
            yield from workbooks([path])
        else:
            yield path


def _is_folder_of_tables(folder: Path) -> bool:
    """The folder is one data book; one without a table or a workbook is none, but is told so."""
    from xltool.files.discover import FileKind, below, holds_folder_book

    if holds_folder_book(path.name for path in folder.iterdir()):
        return True
    return all(file.kind is not FileKind.WORKBOOK for file in below(folder))
