"""Filings as data for other programs: JSON by field id, and one long CSV of all that was answered.

Amounts are exact decimals with their unit; an indicator's value is split into 计算符号, 数值 and
计量单位. What can't be split stays as written, its three columns empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from xltool.editions.declaration import Edition
from xltool.files.atomic import writing
from xltool.files.csv_table import csv_table
from xltool.files.table_column import heads
from xltool.indicator import Target, split_targets
from xltool.indicator.value import write_number
from xltool.model import Entry, Filing, Form, Indicator
from xltool.money import plain
from xltool.reports.indicators import TABLE, columns_of, indicator_rows

AddFiling = Callable[[Filing, Edition], None]

COLUMNS = (
    "单位", "部门编码", "年度", "表", "项目", "类别", "一级指标", "二级指标", "名称", "内容",
    "计算符号", "数值", "计量单位", "绩效标准", "权重", "备注", "说明", "文件", "工作表", "单元格",
)  # fmt: skip
_FROM_SPLIT = {"三级指标": "名称", "指标值及单位": "内容", "指标值": "数值"}
_COLUMNS_BESIDE = ("standard", "weight", "note")


def rows(filing: Filing, edition: Edition) -> Iterator[dict[str, str]]:
    """Every answer of the filing as a row by COLUMNS:
    the fields (栏目) of a form, then its indicators."""
    for form in filing.forms:
        spec = edition[form.kind]
        home = {
            "单位": filing.unit,
            "部门编码": filing.code,
            "年度": str(filing.year or ""),
            "表": spec.title,
            "项目": _project(form),
            "文件": filing.source,
        }
        for field in spec.field:
            entry = form[field.id]
            if field.same_as or entry.blank:
                continue
            yield {
                **home,
                "类别": "栏目",
                "名称": field.label,
                "内容": _text(entry),
                **_measured(entry, edition),
                **_where(entry),
            }
        alone = (form, ()) if form.kind == "department" else (None, (form,))
        columns = columns_of([edition])
        names = [_FROM_SPLIT.get(head, head) for head in heads(columns)]
        part = replace(filing, department=alone[0], projects=alone[1])
        for cells in indicator_rows(part, edition, columns):
            split = dict(zip(names, cells, strict=True))
            yield {**split, **home, "类别": "指标"}


def csv_columns(editions: Iterable[Edition], *, public: bool = False) -> tuple[str, ...]:
    """COLUMNS, and the indicator columns that only these editions have;
    `public`: no internal one."""
    own = [head for head in heads(columns_of(editions, public=public)) if head not in heads(TABLE)]
    at = COLUMNS.index("说明")
    return (*COLUMNS[:at], *own, *COLUMNS[at:])


def _measured(entry: Entry, edition: Edition) -> dict[str, str]:
    if not isinstance(entry.value, Decimal):
        return {}
    return {"计算符号": "=", "数值": plain(entry.value), "计量单位": edition.unit}


def _where(entry: Entry) -> dict[str, str]:
    return {"工作表": entry.place.sheet, "单元格": entry.place.cell} if entry.place else {}


def _text(entry: Entry) -> str:
    return (entry.text or str(entry.value if entry.value is not None else "")).strip()


def _project(form: Form) -> str:
    return form.text("project").strip() if form.kind == "project" else ""


@contextmanager
def csv_file(path: Path, columns: Sequence[str] = COLUMNS) -> Iterator[AddFiling]:
    """A CSV of filings, with these columns."""
    with csv_table(path, columns) as add_row:

        def add(filing: Filing, edition: Edition) -> None:
            for row in rows(filing, edition):
                add_row(row.get(column, "") for column in columns)

        yield add


def record(filing: Filing, edition: Edition) -> dict[str, Any]:
    """A filing as plain data, as `export.schema.json` says.
    Amounts and numbers are decimal strings."""
    return {
        "unit": filing.unit,
        "code": filing.code,
        "year": filing.year,
        "edition": edition.id,
        "money_unit": edition.unit,
        "file": filing.source,
        "forms": [_form(form, edition) for form in filing.forms],
    }


def _form(form: Form, edition: Edition) -> dict[str, Any]:
    spec = edition[form.kind]
    return {
        "form": form.kind,
        "title": spec.title,
        "sheet": form.sheet,
        "project": _project(form),
        "fields": {
            field.id: {
                "label": field.label,
                "text": _text(form[field.id]),
                **_amount(form[field.id], edition),
                "cell": _where(form[field.id]).get("单元格", ""),
            }
            for field in spec.field
            if not form[field.id].blank
        },
        "indicators": [_indicator(indicator, form, edition) for indicator in form.indicators],
    }


def _amount(entry: Entry, edition: Edition) -> dict[str, str]:
    if not isinstance(entry.value, Decimal):
        return {}
    return {"amount": plain(entry.value), "unit": edition.unit}


def _indicator(indicator: Indicator, form: Form, edition: Edition) -> dict[str, Any]:
    block = edition[form.kind].block(indicator.block)
    name, target = _text(indicator.name), _text(indicator.target)
    split = split_targets(name, target)
    place = indicator.target.place or indicator.name.place
    own_columns = edition[form.kind].indicators.own_columns
    beside = [*_COLUMNS_BESIDE, *(column.id for column in own_columns)]
    return {
        "block": indicator.block,
        "level1": block.level1,
        "level2": block.label,
        "name": name,
        "target": target,
        "values": [_value(target_name, value) for target_name, value in split],
        **{id_: _text(indicator[id_]) for id_ in beside if not indicator[id_].blank},
        "cell": place.cell if place else "",
    }


def _value(name: str, target: Target) -> dict[str, Any]:
    return {
        "name": name,
        "text": target.text.strip(),
        "kind": target.kind,
        "operator": target.operator or "",
        "number": None if target.number is None else write_number(target.number),
        "unit": target.symbol + target.noun,
    }


@contextmanager
def json_file(path: Path) -> Iterator[AddFiling]:
    """`{"filings": [RECORD, …]}`, a filing a line."""
    import msgspec

    encode = msgspec.json.Encoder().encode
    with writing(path, "wb") as file:
        file.write(b'{"filings": [')
        separator = b"\n"

        def add(filing: Filing, edition: Edition) -> None:
            nonlocal separator
            file.write(separator + encode(record(filing, edition)))
            separator = b",\n"

        yield add
        file.write(b"\n]}\n")
