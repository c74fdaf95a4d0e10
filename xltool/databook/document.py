"""A data book as JSON, by field id: `xltool/databook/databook.schema.json` says its shape.

    {"edition": "版式编号", "filings": [
        {"code": "", "department": {<field id>: value, "indicators": [INDICATOR]},
         "projects": [{<field id>: value, "indicators": [INDICATOR]}]}]}
    INDICATOR: {"block": <category id>, <column id>: text}

A place in it is an object (`filings[0].projects[1]`) and a key.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from xltool.databook.answers import SourceCell, hollow, lines
from xltool.databook.assembly import Assembly
from xltool.databook.columns import BookColumn, nearest, tables
from xltool.databook.problems import Unusable, problem
from xltool.databook.sources import encoding_of, read_bytes
from xltool.editions.declaration import FormSpec
from xltool.files.table_habits import visible
from xltool.model import Entry, Place
from xltool.money import plain, stored_number

Object = Mapping[str, Any]
_NAMES: dict[type, str] = {dict: "对象 {}", list: "数组 []", str: "文字"}


# Bytes of a file from which on its filings are parsed one by one; a book of some hundred units.
LARGE = 4 * 2**20


def read_document(source: Path | bytes) -> Object:
    """The JSON as plain values, numbers exact. Raises Unusable."""
    document = _document(source if isinstance(source, bytes) else read_bytes(source))
    if what := _other_paper(document):
        raise Unusable(f"这是{what}，不是数据表；要由申报工作簿做数据表，请用 xltool convert")
    return document


def _other_paper(document: Object) -> str:
    """What of ours the JSON is that is no data book; empty where it may be one."""
    filings = document.get("filings")
    if filings is None and "files" in document:
        return "审核结果"
    if "leftovers" in document:
        return "导入报告"
    first = next(iter(filings), None) if isinstance(filings, list) else None
    return "导出的申报数据" if isinstance(first, dict) and "forms" in first else ""


def _document(data: bytes) -> Object:
    """The JSON, whatever it is about. Raises Unusable."""
    encoding = encoding_of(data)
    if encoding is None:
        raise Unusable("文字编码不是 UTF-8")
    if len(data) > LARGE and encoding == "utf-8-sig" and (document := _in_pieces(data)) is not None:
        return document
    text = data.decode(encoding)
    del data
    try:
        document = _parsed(text)
    except json.JSONDecodeError as error:
        raise Unusable(
            f"不是有效的 JSON：第 {error.lineno} 行第 {error.colno} 列写法不对"
        ) from error
    except RecursionError as error:
        raise Unusable("不是有效的数据表：嵌套过深") from error
    if not isinstance(document, dict):
        raise Unusable('最外层应当是对象，例如 {"filings": […]}')
    return document


def _parsed(text: str | bytes) -> Any:
    return json.loads(
        text,
        parse_float=Decimal,
        parse_int=Decimal,
        parse_constant=_refuse,
        object_pairs_hook=_once,
    )


class _RawFilings(list[msgspec.Raw]):
    """Filings as they are written, each parsed when its turn comes:
    so they are never all in memory."""

    def __iter__(self) -> Iterator[Any]:
        return (_parsed(bytes(raw)) for raw in super().__iter__())


def _in_pieces(data: bytes) -> Object | None:
    """A document whose filings are parsed one by one; None where anything is wrong with it: parsed
    whole, it will be said what."""
    try:
        written = msgspec.json.decode(data, type=dict[str, msgspec.Raw])["filings"]
        at = data.index(memoryview(written))
        document = _parsed(data[:at] + b"[]" + data[at + len(memoryview(written)) :])
        filings = _RawFilings(msgspec.json.decode(written, type=list[msgspec.Raw]))
        for _ in filings:
            pass
    except (msgspec.MsgspecError, KeyError, ValueError, RecursionError, Unusable):
        return None
    return {**document, "filings": filings}


def _refuse(word: str) -> Any:
    raise Unusable(f"数字不能是 {word}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, value in pairs:
        if key in members:
            raise Unusable(f"“{key}”在同一处出现两次")
        members[key] = value
    return members


def assemble_document(document: Object, work: Assembly) -> Assembly:
    """Filings out of a JSON data book, its faults noted."""
    reader = _DocumentReader(work)
    reader.check_keys(document, "", ("$schema", "edition", "filings"), None)
    filings = reader.get(document, "filings", list, "", None)
    for at, filing in reader.each(filings, "filings", None):
        reader.filing(filing, at)
    if not work.drafts and not work.problems:
        work.problems.append(
            problem("B006", "没有单位", file=work.file, place=Place("filings", ""))
        )
    return work


class _DocumentReader:
    def __init__(self, work: Assembly) -> None:
        self.work, self.edition = work, work.edition
        self.tables = tables(work.edition)

    def filing(self, filing: Object, at: str) -> None:
        work = self.work
        department = self.get(filing, "department", dict, at, None)
        home = f"{at}.department"
        named = department.get("unit")
        unit = visible(named) if isinstance(named, str) else ""
        if not unit:
            label = self.tables.department["unit"].label
            work.report("B007", f"没有写{label}", Place(home, "unit"), None, field="unit")
            return
        if unit in work.drafts:
            work.report(
                "B011", f"单位“{unit}”出现两次", Place(home, "unit"), unit, field="unit", found=unit
            )
            return
        self.check_keys(filing, at, ("code", "department", "projects"), unit)
        columns = [column for column in self.tables.department.columns if column.id != "code"]
        entries = self.entries(department, columns, home, unit)
        column = self.tables.department["code"]
        code = work.read(self.cell(filing, column, at), column, unit)
        draft = work.open(unit, code.text.strip(), entries, home)
        self.indicators(department, self.edition.department, home, unit, 0)
        projects = self.get(filing, "projects", list, at, unit)
        for place, project in self.each(projects, f"{at}.projects", unit):
            columns = [column for column in self.tables.project.columns if column.id != "unit"]
            entries = self.entries(project, columns, place, unit)
            if entries["project"].blank:
                label = self.tables.project["project"].label
                work.report(
                    "B007", f"没有写{label}", Place(place, "project"), unit, field="project"
                )
            form = work.project(draft, entries, place)
            self.indicators(project, self.edition.project, place, unit, form)

    def entries(
        self, answers: Object, columns: list[BookColumn], at: str, unit: str
    ) -> dict[str, Entry]:
        self.check_keys(answers, at, (*(column.id for column in columns), "indicators"), unit)
        return {
            column.id: self.work.read(self.cell(answers, column, at), column, unit)
            for column in columns
        }

    def indicators(self, answers: Object, spec: FormSpec, at: str, unit: str, form: int) -> None:
        own = {column.id for column in spec.indicators.column}
        columns = [BookColumn(column.label, column.id, "text") for column in spec.indicators.column]
        blocks = {block.id: block for block in spec.indicators.block}
        for place, row in self.each(
            self.get(answers, "indicators", list, at, unit), f"{at}.indicators", unit
        ):
            self.check_keys(row, place, ("block", *own), unit)
            record = {column.id: self.cell(row, column, place) for column in columns}
            if hollow(record.values(), self.edition):
                continue
            block = row.get("block")
            if not isinstance(block, str) or block not in blocks:
                near = nearest(str(block), blocks)
                hint = f"，是不是“{near}”？" if near else f"；可填：{'、'.join(blocks)}"
                message = (
                    f"没有“{block}”这个指标类别{hint}" if block else f"没有写指标类别 block{hint}"
                )
                self.work.report(
                    "B010", message, Place(place, "block"), unit, field="block", expected=near
                )
                continue
            self.work.indicator(spec, blocks[block], columns, record, unit, form)

    def cell(self, answers: Object, column: BookColumn, at: str) -> SourceCell:
        """One value as a cell; a missing key and null are blank."""
        value, place = answers.get(column.id), Place(at, column.id)
        if value is None:
            return SourceCell("", place)
        if isinstance(value, str):
            return self.work.seen(SourceCell(lines(value), place))
        if isinstance(value, Decimal) and column.kind in ("amount", "year"):
            return SourceCell(_written(value), place, stored_number(str(value)) or value)
        wanted = "数字" if column.kind in ("amount", "year") else "文字（加双引号）"
        shown = (
            _written(value)
            if isinstance(value, Decimal)
            else json.dumps(value, ensure_ascii=False, default=str)
        )
        return SourceCell(shown[:200], place, fault=("B018", f"{shown[:40]} 应当是{wanted}"))

    def get(self, parent: Object, key: str, kind: type, at: str, unit: str | None) -> Any:
        """The list or object under this key, an empty one where it is missing."""
        value = parent.get(key)
        if value is not None and not isinstance(value, kind):
            self.work.report(
                "B018", f"“{key}”应当是{_NAMES[kind]}", Place(at, key), unit, field=key
            )
        return value if isinstance(value, kind) else kind()

    def each(self, values: list[Any], at: str, unit: str | None) -> Iterator[tuple[str, Object]]:
        for number, value in enumerate(values):
            if isinstance(value, dict):
                yield f"{at}[{number}]", value
            else:
                self.work.report(
                    "B018",
                    f"第 {number + 1} 项应当是{_NAMES[dict]}",
                    Place(f"{at}[{number}]", ""),
                    unit,
                )

    def check_keys(self, members: Object, at: str, keys: tuple[str, ...], unit: str | None) -> None:
        for key in members:
            if key not in keys:
                near = nearest(key, [key for key in keys if key not in members] or keys)
                message = f"不认识的字段“{key}”" + (f"，是不是“{near}”？" if near else "")
                self.work.report("B004", message, Place(at, key), unit, found=key, expected=near)


def _written(number: Decimal) -> str:
    """A number as a person would write it; a forged exponent stays one; no digit is lost."""
    exact = len(number.as_tuple().digits) <= 28 and -50 < number.adjusted() < 28
    return plain(number) if exact else str(number)
