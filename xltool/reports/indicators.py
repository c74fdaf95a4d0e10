"""Indicators one a row, their values split in three as the finance bureaus' systems import them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, NamedTuple

from xltool.editions.declaration import Edition, load_edition
from xltool.files.atomic import writing
from xltool.files.csv_table import csv_rows, csv_table
from xltool.files.table_column import Column, cells, heads
from xltool.indicator import Target, split_targets
from xltool.indicator.split import split_standards
from xltool.model import Entry, Filing


class IndicatorRow(NamedTuple):
    """One indicator, or one part of a stuffed cell, with all that its row says."""

    filing: Filing
    form: str
    project: str
    level1: str
    level2: str
    name: str
    target: str
    split: tuple[str, str, str]
    standard: str
    weight: str
    note: str
    own: Mapping[str, str]  # by head: columns that only the edition has
    remark: str
    sheet: str
    cell: str


# The kind "sign": a lone sign such as = stays itself.
TABLE: tuple[Column[IndicatorRow], ...] = (
    Column("单位", lambda row: row.filing.unit, 24),
    Column("部门编码", lambda row: row.filing.code, 12),
    Column("年度", lambda row: str(row.filing.year or ""), 6),
    Column("表", lambda row: row.form, 12),
    Column("项目", lambda row: row.project, 24),
    Column("一级指标", lambda row: row.level1, 12),
    Column("二级指标", lambda row: row.level2, 16),
    Column("三级指标", lambda row: row.name, 28),
    Column("指标值及单位", lambda row: row.target, 18),
    Column("计算符号", lambda row: row.split[0], 8, "sign"),
    Column("指标值", lambda row: row.split[1], 12, "sign"),
    Column("计量单位", lambda row: row.split[2], 10),
    Column("绩效标准", lambda row: row.standard, 14),
    Column("权重", lambda row: row.weight, 8),
    Column("备注", lambda row: row.note, 16),
    Column("说明", lambda row: row.remark, 20),
    Column("文件", lambda row: row.filing.source, 28),
    Column("工作表", lambda row: row.sheet, 20),
    Column("单元格", lambda row: row.cell, 8),
)
COLUMNS = tuple(heads(TABLE))

Columns = tuple[Column[IndicatorRow], ...]


def columns_of(editions: Iterable[Edition], *, public: bool = False) -> Columns:
    """TABLE, and before 说明 the columns that only these editions have; `public`: no internal one."""
    labels: dict[str, int] = {}
    for form in (form for edition in editions for form in edition.form):
        for column in form.indicators.own_columns:
            if column.label in COLUMNS or (public and column.internal):
                continue
            labels[column.label] = column.width
    at = COLUMNS.index("说明")
    own = (_own_column(label, width or 16) for label, width in labels.items())
    return (*TABLE[:at], *own, *TABLE[at:])


def _own_column(label: str, width: int) -> Column[IndicatorRow]:
    return Column(label, lambda row: row.own.get(label, ""), width)


def indicator_rows(
    filing: Filing, edition: Edition | None = None, columns: Columns = ()
) -> Iterator[tuple[str, ...]]:
    """Each indicator of a filing as one row of `columns`, by default TABLE;
    a stuffed cell makes several rows.

    What can't be paired stays one row as written, its three columns empty, and 说明 says why.
    """
    for row in _split_rows(filing, edition or load_edition(filing.edition)):
        yield tuple(cells(columns or TABLE, row))


def _split_rows(filing: Filing, edition: Edition) -> Iterator[IndicatorRow]:
    for form in filing.forms:
        spec = edition[form.kind]
        project = form.text("project").strip() if form.kind == "project" else ""
        for row in form.indicators:
            block = spec.block(row.block)
            place = row.target.place or row.name.place
            written = IndicatorRow(
                filing=filing,
                form=spec.title,
                project=project,
                level1=block.level1,
                level2=block.label,
                name=_text(row.name),
                target=_text(row.target),
                split=("", "", ""),
                standard=_text(row.standard),
                weight=_text(row["weight"]),
                note=_text(row["note"]),
                own={column.label: _text(row[column.id]) for column in spec.indicators.own_columns},
                remark="名称和指标值的个数对不上，没有拆开",
                sheet=place.sheet if place else "",
                cell=place.cell if place else "",
            )
            split = split_targets(written.name, written.target)
            if not split.paired:
                yield written
                continue
            standards = split_standards(_text(row.standard), len(split))
            for (name, target), standard in zip(split, standards, strict=True):
                beside = written.standard if standard is None else standard.text
                yield written._replace(
                    name=name,
                    target=target.text.strip(),
                    split=target.columns,
                    standard=beside.strip(),
                    remark=_remark(target, split.stuffed),
                )


def _remark(target: Target, stuffed: bool) -> str:
    if target.kind == "placeholder":
        return "占位文字"
    if target.kind == "blank":
        return "没有指标值"
    return "原在同一格" if stuffed else ""


def _text(entry: Entry) -> str:
    return entry.said.strip()


def write_csv(rows: Iterable[tuple[str, ...]], file: IO[str], columns: Columns = ()) -> None:
    """The rows with their head into an open file."""
    add_row = csv_rows(file, heads(columns or TABLE))
    for row in rows:
        add_row(row)


def save_csv(rows: Iterable[tuple[str, ...]], path: Path, columns: Columns = ()) -> None:
    """The rows as a CSV that Excel opens with its Chinese intact."""
    with csv_table(path, heads(columns or TABLE)) as add_row:
        for row in rows:
            add_row(row)


def save_xlsx(rows: Iterable[tuple[str, ...]], path: Path, columns: Columns = ()) -> None:
    """A worksheet of texts, so that codes keep their zeros and nothing becomes a formula."""
    from xltool.reports.sheet import REPORT
    from xltool.xlsx.table_book import TableBook

    with writing(path, "wb") as file, TableBook(file, REPORT) as book:
        sheet = book.sheet("绩效指标", columns or TABLE)
        for row in rows:
            sheet.row(row)
