"""FilingInput as pandas DataFrames, and DataFrames as a data book:
for notebooks and for other people's pipelines.

One row says one thing, and begins with whose it is: `unit`, `unit_code` (text, leading zeros kept),
`year` (Int64), `file`. Texts are pandas strings. Money is exact: Decimal objects in the edition's
unit, which the column `money` names (万元 or 元), never floats; None where nothing stands. A frame
without rows has all its columns.

    frames.filings(filings)      one row a field
    frames.indicators(filings)   one row an indicator
    frames.findings(filings)     one row a finding
    frames.balances(filings)     one row a figure of the cross-totals
    frames.databook(units, projects, indicators)    three tables → filings
    frames.tables(filings)       filings → these three tables
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import Any

import pandas as pd

from xltool.checks.cross_totals import Side, balance
from xltool.checks.engine import check, edition_of
from xltool.checks.settings import Settings
from xltool.databook import DatabookError
from xltool.databook.answers import SourceCell, lines
from xltool.databook.assemble import assemble
from xltool.databook.assembly import Assembly, Piece
from xltool.databook.columns import edition_of as book_edition
from xltool.databook.columns import tables as book_tables
from xltool.databook.problems import Unusable, problem
from xltool.databook.shelf import Shelf
from xltool.databook.sources import SourceTable, missing, sheet_of
from xltool.databook.write import sheets
from xltool.editions.declaration import Edition, load_edition
from xltool.model import Filing, Finding, Form, Place
from xltool.money import plain, stored_number
from xltool.xlsx.references import cell_name

FrameRow = dict[str, Any]
FilingInput = Filing | Iterable[Filing]
# A filing, or a filing with the findings that are known of it already.
Checked = Filing | tuple[Filing, Iterable[Finding]]

_WHOSE = {"unit": "string", "unit_code": "string", "year": "Int64", "file": "string"}
_SEVERITIES = pd.CategoricalDtype(["error", "query", "note"], ordered=True)

FILING_COLUMNS: dict[str, Any] = {
    **_WHOSE, "form": "string", "project": "string", "sheet": "string", "cell": "string",
    "field": "string", "label": "string", "kind": "string", "value": object, "text": "string",
    "money": "string",
}  # fmt: skip
INDICATOR_COLUMNS: dict[str, Any] = {
    **_WHOSE, "form": "string", "project": "string", "sheet": "string", "cell": "string",
    "block": "string", "level1": "string", "level2": "string", "name": "string", "target": "string",
}  # fmt: skip
FINDING_COLUMNS: dict[str, Any] = {
    **_WHOSE, "code": "string", "severity": _SEVERITIES, "state": "string", "message": "string",
    "sheet": "string", "cell": "string", "field": "string", "found": "string", "expected": "string",
    "review": "string", "explanation": "string", "trial": "boolean",
}  # fmt: skip
BALANCE_COLUMNS: dict[str, Any] = {
    **_WHOSE, "verdict": "string", "side": "string", "role": "string", "field": "string",
    "label": "string", "amount": object, "money": "string", "cell": "string", "adjusting": "boolean",
    "closes": "boolean",
}  # fmt: skip


def filings(given: FilingInput, *, edition: Edition | None = None) -> pd.DataFrame:
    """Every field of every form, a row each, in the order of the forms.

    `value` is a Decimal for money, an int for a year, a text for all else, None where the cell is
    blank or can't be read; `text` is what is written there; `kind` is that of the field.
    """
    return _frame(
        (row for filing in _each(given) for row in _fields(filing, edition)), FILING_COLUMNS
    )


def _fields(filing: Filing, edition: Edition | None) -> Iterator[FrameRow]:
    filing_edition = edition or edition_of(filing)
    for form in filing.forms:
        for field in filing_edition[form.kind].field:
            entry = form[field.id]
            amount = field.kind == "amount"
            yield {
                **_whose(filing), **_form(form),
                "cell": entry.place.cell if entry.place else "",
                "field": field.id, "label": field.label, "kind": field.kind,
                "value": entry.value, "text": entry.text,
                "money": filing_edition.unit if amount else None,
            }  # fmt: skip


def indicators(given: FilingInput, *, edition: Edition | None = None) -> pd.DataFrame:
    """Every indicator, a row each, its cells as written;
    columns of other editions follow `target`."""
    return _frame(
        (row for filing in _each(given) for row in _rows(filing, edition)), INDICATOR_COLUMNS
    )


def _rows(filing: Filing, edition: Edition | None) -> Iterator[FrameRow]:
    filing_edition = edition or edition_of(filing)
    for form in filing.forms:
        blocks = {block.id: block for block in filing_edition[form.kind].indicators.block}
        for indicator in form.indicators:
            block, place = blocks[indicator.block], indicator.name.place
            yield {
                **_whose(filing), **_form(form), "cell": place.cell if place else "",
                "block": indicator.block, "level1": block.level1, "level2": block.label,
                "name": indicator.name.text, "target": indicator.target.text,
                **{column: entry.text for column, entry in indicator.cells.items()},
            }  # fmt: skip


def findings(
    given: Checked | Iterable[Checked],
    *,
    settings: Settings | None = None,
    edition: Edition | None = None,
) -> pd.DataFrame:
    """Every finding, a row each. A filing is checked here;
    give (filing, findings) where it was already.

    `severity` is an ordered category (error, query, note), `state` what is still to be done.
    """

    def rows() -> Iterator[FrameRow]:
        for checked in [given] if isinstance(given, Filing | tuple) else given:
            if isinstance(checked, Filing):
                filing = checked
                filing_findings = check(filing, settings=settings, edition=edition, strict=False)
            else:
                filing, filing_findings = checked[0], list(checked[1])
            for finding in filing_findings:
                columns = {name: getattr(finding, name) for name in _SAID}
                severity, state = finding.severity.value, finding.state.value
                yield {**_whose(filing), **columns, "severity": severity, "state": state}

    return _frame(rows(), FINDING_COLUMNS)


_SAID = [
    name for name in Finding.__struct_fields__ if name in FINDING_COLUMNS and name not in _WHOSE
]  # fmt: skip


def balances(given: FilingInput, *, edition: Edition | None = None) -> pd.DataFrame:
    """The cross-totals, a row for each figure:
    of each side its total, its terms, their sum, the residual.

    `role` is total, term, sum or residual; `adjusting` marks the term that is counted only where it
    is needed.
    """
    return _frame(
        (row for filing in _each(given) for row in _figures(filing, edition)), BALANCE_COLUMNS
    )


def _figures(filing: Filing, edition: Edition | None) -> Iterator[FrameRow]:
    if filing.department is None:
        return
    filing_edition = edition or edition_of(filing)
    sums = balance(filing, filing_edition)
    for side in sums.sides:
        for role, figure in _of(side):
            yield {
                **_whose(filing), "verdict": sums.verdict.value, "side": side.name, "role": role,
                "money": sums.unit, "closes": side.closes, **figure,
            }  # fmt: skip


def _of(side: Side) -> Iterator[tuple[str, FrameRow]]:
    for role, term in [("total", side.total), *(("term", term) for term in side.terms)]:
        cell = term.place.cell if term.place else ""
        yield role, {
            "field": term.field, "label": term.label, "amount": term.amount, "cell": cell,
            "adjusting": term.adjust,
        }  # fmt: skip
    yield "sum", {"label": "合计", "amount": side.sum, "adjusting": False}
    yield "residual", {"label": "差额", "amount": side.residual, "adjusting": False}


def databook(
    units: pd.DataFrame,
    projects: pd.DataFrame | None = None,
    indicators: pd.DataFrame | None = None,
    edition: Edition | str | None = None,
) -> list[Filing]:
    """The filings of three tables with the heads of a data book (部门, 项目, 指标), one for each unit.

    Money may stand as Decimal, int or text. A float is taken as a workbook's number is: the shortest
    decimal that it prints as, without the noise of sums (1245.61, not 1245.6099999…). Missing values
    are blank. Raises DatabookError where anything
    is wrong, with all problems at once; a problem's `cell` counts the head as row 1, as on a sheet.
    """
    frames = (units, projects, indicators)
    name = "DataFrame"
    shelf: Shelf[Piece] = Shelf()
    with closing(shelf):
        try:
            chosen_edition = book_edition(None, edition)
            source_tables: dict[str, SourceTable] = {}
            problems = []
            for table, frame in zip(book_tables(chosen_edition), frames, strict=True):
                if frame is None and table.name == book_tables(chosen_edition).department.name:
                    problems.append(missing(table, [], name, f"表“{table.name}”"))
                    continue
                rows: Iterable[Iterable[Any]] = [[column.label for column in table.columns]]
                if frame is not None:
                    rows = _rows_of(table.name, frame)
                source_tables[table.name] = sheet_of(table.name, _source(table.name, rows), table)
            work = assemble(source_tables, Assembly(chosen_edition, name, shelf, problems))
            made = list(work.filings())
            problems = work.problems
        except Unusable as error:
            made, problems = [], [problem(error.code, str(error), file=name)]
    if any(reported.severity.value == "error" for reported in problems):
        raise DatabookError(name, problems, made)
    return made


def _rows_of(table: str, frame: pd.DataFrame) -> Iterable[tuple[Any, ...]]:
    """The heads and the rows of a frame. Raises TypeError where it is none."""
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"表“{table}”应当是 DataFrame，不是 {type(frame).__name__}")
    columns = [_values(frame.iloc[:, place]) for place in range(frame.shape[1])]
    return chain([tuple(frame.columns)], zip(*columns, strict=True))


def _values(column: pd.Series) -> list[Any]:
    """A column's values; short floats stay short, for as long ones they print other digits."""
    kind: Any = getattr(column.dtype, "numpy_dtype", column.dtype)
    if getattr(kind, "kind", "") == "f" and kind.itemsize < 8:
        return [value if pd.isna(value) else kind.type(value) for value in column]
    return list(column)


def _source(
    table: str, rows: Iterable[Iterable[Any]]
) -> Iterator[tuple[int, dict[int, SourceCell]]]:
    for number, row in enumerate(rows, 1):
        cells = {}
        for column, value in enumerate(row, 1):
            text = _text(value)
            if text:
                figure = Decimal(text) if _is_number(value) and math.isfinite(value) else None
                cells[column] = SourceCell(text, Place(table, cell_name(number, column)), figure)
        yield number, cells


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _python_value(value: Any) -> Any:
    """One of numpy's values as Python's own: a date as one, a short float as what it prints."""
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if not kind or value.ndim:
        return value
    if kind == "M":
        return pd.Timestamp(value)
    return float(str(value)) if kind == "f" else value.item()


def _text(value: Any) -> str:
    """A value of a frame as a person would write it into a cell."""
    value = _python_value(value)
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, float):
        number = stored_number(repr(value + 0.0))  # there is no -0
        return plain(number) if number is not None else "" if math.isnan(value) else str(value)
    if isinstance(value, Decimal):
        return "" if value.is_nan() else format(value, "f")
    if isinstance(value, date):
        return f"{value.year}年{value.month}月{value.day}日"
    return lines(str(value))


def tables(given: FilingInput, edition: Edition | str | None = None) -> dict[str, pd.DataFrame]:
    """The three tables of a data book (部门, 项目, 指标) that reads back as these filings, by name."""
    whole = list(_each(given))
    if isinstance(edition, str):
        edition = load_edition(edition)
    chosen_edition = edition or (edition_of(whole[0]) if whole else load_edition())
    rows = sheets(whole, chosen_edition)
    frames = {}
    for table in book_tables(chosen_edition):
        heads = [column.label for column in table.columns]
        frames[table.name] = pd.DataFrame(rows[table.name], columns=heads, dtype=object)
    return frames


def _each(given: FilingInput) -> Iterable[Filing]:
    return [given] if isinstance(given, Filing) else given


def _whose(filing: Filing) -> FrameRow:
    return {
        "unit": filing.unit, "unit_code": filing.code, "year": filing.year, "file": filing.source,
    }  # fmt: skip


def _form(form: Form) -> FrameRow:
    project = form.text("project").strip() if form.kind == "project" else ""
    return {"form": form.kind, "project": project, "sheet": form.sheet}


def _frame(rows: Iterable[FrameRow], columns: Mapping[str, Any]) -> pd.DataFrame:
    whole = list(rows)
    more = dict.fromkeys(name for row in whole for name in row if name not in columns)
    dtypes = {**columns, **dict.fromkeys(more, "string")}
    return pd.DataFrame(
        {
            name: pd.Series([row.get(name) for row in whole], dtype=kind)
            for name, kind in dtypes.items()
        }
    )
