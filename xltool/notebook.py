"""A filing as a notebook shows it: whose it is, what is answered, its indicators.
All of it is text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from xltool.checks.engine import edition_of
from xltool.editions.declaration import Edition, EditionError, load_edition
from xltool.model import Entry, Filing, Form
from xltool.money import show

_RIGHT = ' style="text-align:right"'
_LEFT = ' style="text-align:left"'


def filing_html(filing: Filing) -> str:
    """The filing as a piece of HTML without style sheets or scripts."""
    try:
        edition = edition_of(filing)
    except EditionError:
        edition = load_edition()
    head = "，".join(
        text
        for text in (filing.unit or "（没有单位名称）", filing.code, filing.year and f"{filing.year} 年度",
                     edition.title, filing.source)
        if text
    )  # fmt: skip
    faults = [
        escape(f"{fault.detail}（{fault.place}）" if fault.place else fault.detail)
        for fault in filing.faults
    ]
    fault_line = f"<p>{'；'.join(faults)}</p>" if faults else ""
    forms = "".join(_form(form, edition) for form in filing.forms)
    shown = f"<div><p><b>{escape(str(head))}</b></p>{fault_line}{forms}</div>"
    return shown.encode("utf-8", "replace").decode()  # half a character would spoil the notebook


def _form(form: Form, edition: Edition) -> str:
    spec = edition[form.kind]
    title = escape(form.sheet or spec.title)
    fields = _table(
        ("栏目", "填报内容", "单元格"),
        (
            (field.label, _said(form[field.id], edition), _cell(form[field.id]))
            for field in spec.field
            if not form[field.id].blank
        ),
    )
    blocks = {block.id: block.label for block in spec.indicators.block}
    columns = spec.indicators.column
    rows = (
        (blocks[indicator.block], *(indicator[column.id].text for column in columns))
        for indicator in form.indicators
    )
    heads = ("二级指标", *(column.label for column in columns))
    return f"<details open><summary>{title}</summary>{fields}{_table(heads, rows)}</details>"


def _said(entry: Entry, edition: Edition) -> str | tuple[str, str]:
    from decimal import Decimal

    if isinstance(entry.value, Decimal):
        return show(entry.value), edition.unit
    return entry.said


def _cell(entry: Entry) -> str:
    return entry.place.cell if entry.place else ""


def _table(heads: Iterable[str], rows: Iterable[Iterable[str | tuple[str, str]]]) -> str:
    body = "".join(f"<tr>{''.join(_cells(row))}</tr>" for row in rows)
    head = "".join(f"<th{_LEFT}>{escape(text)}</th>" for text in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if body else ""


def _cells(row: Iterable[str | tuple[str, str]]) -> Iterator[str]:
    for cell in row:
        if isinstance(cell, tuple):  # an amount and its unit
            yield f"<td{_RIGHT}>{escape(' '.join(cell))}</td>"
        else:
            yield f"<td{_LEFT}>{escape(cell).replace(chr(10), '<br>')}</td>"
