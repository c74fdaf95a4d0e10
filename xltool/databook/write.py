"""Filings written back into a data book: .xlsx, a folder of CSV files, or .json."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

from xltool.databook.columns import INDICATORS, BookTable, tables
from xltool.editions.declaration import Edition, asked_edition, default_edition_id, load_edition
from xltool.errors import XltoolError
from xltool.files.atomic import writing
from xltool.indicator.library import Library
from xltool.model import Entry, Filing, Form
from xltool.money import plain
from xltool.xlsx.cell_text import MAX_TEXT, UNSTORABLE, too_long

BookValue = str | int | Decimal | None
BookSheets = dict[str, list[list[BookValue]]]


def write_databook(
    filings: Iterable[Filing],
    path: str | Path,
    edition: Edition | str | None = None,
    library: Library | None = None,
) -> list[str]:
    """Write filings of one edition as a data book that reads back as the same filings.

    The kind follows from the path: .xlsx, .json, anything else is a folder. An .xlsx offers the
    names of an indicator `library` as a list. Returns, in Chinese, what a data book has no column
    for and so does not hold. Raises XltoolError (nothing is written) where units or projects could
    not be told apart when read back.
    """
    path, filings = Path(path), list(filings)
    edition = _edition(filings, edition)
    kind = path.suffix.lower()
    _distinct(filings, by_name=kind != ".json")
    _storable(filings)
    if kind == ".json":
        with writing(path, "wb") as file:
            file.write(_json(filings, edition))
    elif kind == ".xlsx":
        from xltool.databook.blank import draw

        draw(path, edition, sheets(filings, edition), library)
    elif re.fullmatch(r"\.[a-z]{1,5}", kind) and not path.is_dir():
        raise XltoolError(f"{path}：数据表只能写成 .xlsx、.json 或文件夹")
    else:
        _write_folder(filings, path, edition)
    return [remark for filing in filings for remark in _left_out(filing, edition)]


def _edition(filings: Sequence[Filing], asked: Edition | str | None) -> Edition:
    edition = asked_edition(asked)
    ids = {filing.edition for filing in filings} or {
        edition.id if edition else default_edition_id()
    }
    if len(ids | ({edition.id} if edition else set())) > 1:
        raise XltoolError(f"一本数据表只能有一个版式，这些申报是 {'、'.join(sorted(ids))}")
    return edition or load_edition(ids.pop())


def _distinct(filings: Sequence[Filing], *, by_name: bool) -> None:
    """Units and projects are told apart by their names, so they must have some, and differ."""
    for filing in filings:
        if not filing.unit:
            raise XltoolError(
                f"有一份申报没有部门名称（{filing.source or '来源不明'}），数据表无法归属"
            )
        names = Counter(form.text("project").strip() for form in filing.projects)
        if "" in names:
            raise XltoolError(f"“{filing.unit}”有项目没有名称，数据表无法归属")
        twice = [name for name, count in names.items() if count > 1]
        if twice and by_name:
            raise XltoolError(
                f"“{filing.unit}”有两个项目都叫“{twice[0]}”，指标无法归属；可改写为 .json"
            )
    twice = [
        unit for unit, count in Counter(filing.unit for filing in filings).items() if count > 1
    ]
    if twice:
        raise XltoolError(f"“{twice[0]}”有两份申报，一本数据表里一个单位只能有一份")


def _storable(filings: Sequence[Filing]) -> None:
    for filing in filings:
        for form in filing.forms:
            for cells in (form.entries, *(indicator.cells for indicator in form.indicators)):
                for entry in cells.values():
                    text = value(entry)
                    if isinstance(text, str) and (too_long(text) or UNSTORABLE.search(text)):
                        raise XltoolError(
                            f"“{filing.unit}”有文字超过 {MAX_TEXT} 个字符或含有无法保存的字符"
                        )


def value(entry: Entry) -> BookValue:
    """What to write for an answer: its value, or its text where it could not be read."""
    return (entry.text or None) if entry.value is None else entry.value


def sheets(filings: Iterable[Filing], edition: Edition) -> BookSheets:
    """The rows of each table (without heads), in the order of its columns."""
    book_tables = tables(edition)
    table_rows: BookSheets = {table.name: [] for table in book_tables}
    for filing in filings:
        department = filing.department or _no_department(filing)
        own = {"unit": filing.unit, "code": filing.code}
        table_rows[book_tables.department.name].append(
            _row(book_tables.department, department, own)
        )
        for form in filing.projects:
            table_rows[book_tables.project.name].append(_row(book_tables.project, form, own))
        for form in (department, *filing.projects):
            table_rows[INDICATORS] += _indicators(
                book_tables.indicators, form, edition, filing.unit
            )
    return table_rows


def _no_department(filing: Filing) -> Form:
    return Form("department", {"year": Entry(filing.year)})


def _row(table: BookTable, form: Form, own: dict[str, str]) -> list[BookValue]:
    return [
        own.get(column.id) if column.id in own else value(form[column.id])
        for column in table.columns
    ]


def _indicators(
    table: BookTable, form: Form, edition: Edition, unit: str
) -> Iterable[list[BookValue]]:
    spec = edition[form.kind]
    project = form.text("project").strip() or None
    for indicator in form.indicators:
        block = spec.block(indicator.block)
        head: list[BookValue] = [unit, project, block.level1, block.label]
        yield head + [value(indicator[c.id]) for c in table.content]


def _left_out(filing: Filing, edition: Edition) -> Iterable[str]:
    """What the forms say differently although a data book holds it only once."""
    if filing.department is None:
        yield f"“{filing.unit}”没有部门表：数据表里只有名称和年度"
    for form in filing.forms:
        for field in edition[form.kind].field:
            first = form if field.same_as else (filing.department or form)
            entry, same = form[field.id], first[field.same_as or field.id]
            if field.derived and not entry.blank and entry.value != same.value:
                name = form.text("project") or edition.department.title
                written = entry.text or str(entry.value)
                yield f"“{filing.unit}”的“{name}”：{field.label}写作“{written}”，数据表里不另列"


def _write_folder(filings: list[Filing], folder: Path, edition: Edition) -> None:
    if folder.exists() and not folder.is_dir():
        raise XltoolError(f"{folder} 是文件，不是文件夹")
    rows = sheets(filings, edition)
    with ExitStack() as stack:  # all of them, or none
        for table in tables(edition):
            # With the mark, Excel reads the file as UTF-8.
            path = folder / f"{table.name}.csv"
            file = stack.enter_context(writing(path, encoding="utf-8-sig"))
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([column.label for column in table.columns])
            writer.writerows([_csv(cell) for cell in row] for row in rows[table.name])


def _csv(cell: BookValue) -> str:
    if cell is None:
        return ""
    return plain(cell) if isinstance(cell, Decimal) else str(cell)


def databook_json(filings: Iterable[Filing], edition: Edition | str | None = None) -> bytes:
    """Filings of one edition as the bytes of a .json data book.
    Raises XltoolError as `write_databook`."""
    filings = list(filings)
    edition = _edition(filings, edition)
    _distinct(filings, by_name=False)
    _storable(filings)
    return _json(filings, edition)


def _json(filings: list[Filing], edition: Edition) -> bytes:
    import msgspec

    book_tables = tables(edition)
    objects = []
    for filing in filings:
        department = filing.department or _no_department(filing)
        projects = [_object(book_tables.project, form, {}) for form in filing.projects]
        objects.append(
            {
                "code": filing.code,
                "department": _object(book_tables.department, department, {"unit": filing.unit}),
                "projects": projects,
            }
        )
    document = {"edition": edition.id, "filings": objects}
    data = msgspec.json.Encoder(decimal_format="number").encode(document)
    return msgspec.json.format(data, indent=2) + b"\n"


def _object(table: BookTable, form: Form, own: dict[str, str]) -> dict[str, Any]:
    # A project stands under its unit: whose it is need not be said again.
    apart = ("code", "unit") if form.kind == "project" else ("code",)
    ids = [column.id for column in table.columns if column.id not in apart]
    fields = {id_: own.get(id_, value(form[id_])) for id_ in ids}
    indicators = [
        {"block": indicator.block, **_filled({c: value(e) for c, e in indicator.cells.items()})}
        for indicator in form.indicators
    ]
    return {**_filled(fields), "indicators": indicators}


def _filled(answers: dict[str, Any]) -> dict[str, Any]:
    return {id_: answer for id_, answer in answers.items() if answer is not None}
