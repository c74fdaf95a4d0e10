"""The JSON Schema of a data book, derived from an edition; the default edition's is shipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from xltool.databook.columns import CODE, BookColumn, tables
from xltool.editions.declaration import Edition, FormSpec
from xltool.xlsx.cell_text import MAX_TEXT

SHIPPED = Path(__file__).with_name("databook.schema.json")


def schema(edition: Edition) -> dict[str, Any]:
    """The shape of a JSON data book of this edition (draft 2020-12)."""
    columns = tables(edition)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{edition.title}：数据表",
        "description": f"一个单位一项；金额单位{edition.unit}，写数字，也可写文字以保留原样。",
        **_object(
            {
                "$schema": {"type": "string"},
                "edition": {"const": edition.id, "title": "版式"},
                "filings": {"type": "array", "items": {"$ref": "#/$defs/filing"}},
            },
            required=["filings"],
        ),
        "$defs": {
            "filing": _object(
                {
                    "code": {"title": CODE, "type": "string"},
                    "department": {"$ref": "#/$defs/department"},
                    "projects": {"type": "array", "items": {"$ref": "#/$defs/project"}},
                },
                required=["department"],
            ),
            "department": _form(edition, edition.department, columns.department.columns, ["unit"]),
            "project": _form(edition, edition.project, columns.project.columns[1:], ["project"]),
            "text": {"type": ["string", "null"], "maxLength": MAX_TEXT},
            "amount": {"type": ["number", "string", "null"]},
            "year": {
                "type": ["integer", "string", "null"],
                "pattern": "^\\s*[12]\\d{3}\\s*(年度?)?\\s*$",
            },
        },
    }


def _form(
    edition: Edition, form: FormSpec, columns: tuple[BookColumn, ...], required: list[str]
) -> dict[str, Any]:
    fields = {
        column.id: {"title": column.label, "$ref": f"#/$defs/{_kind(column)}"}
        for column in columns
        if column.id != "code"
    }
    blocks = form.indicators.block
    indicator = _object(
        {
            "block": {
                "title": "指标类别",
                "oneOf": [
                    {"const": block.id, "title": f"{block.level1}·{block.label}"}
                    for block in blocks
                ],
            },
            **{
                column.id: {"title": column.label, "$ref": "#/$defs/text"}
                for column in form.indicators.column
            },
        },
        required=["block"],
    )
    whole = _object({**fields, "indicators": {"type": "array", "items": indicator}}, required)
    return {"title": form.title, **whole}


def _kind(column: BookColumn) -> str:
    return column.kind if column.kind in ("amount", "year") else "text"


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
