"""The structural check of a workbook we wrote: the faults that schema validators miss.

A package can satisfy the schema and still be repaired, refused or misread by Excel: a shared
string that is not there, a cell twice, merges that overlap, a formula chain that leads nowhere.
`audit` names such faults, one Chinese line each, before success is reported.

It runs on every written file, so what does not change from file to file (styles, relationships,
a sheet's frame) is judged once and remembered by its bytes.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from html import unescape
from pathlib import Path
from typing import NamedTuple

from xltool.xlsx.audit.formulas import formula_fault
from xltool.xlsx.audit.package import package_faults, part_of, relations_of, targets_of
from xltool.xlsx.audit.sheet import (
    Cells,
    characters,
    frame_of,
    read_cells,
    text_fault,
    xml_tree,
)
from xltool.xlsx.cell_text import MAX_TEXT
from xltool.xlsx.sheet_names import sheet_name_faults
from xltool.xlsx.zip_container import split

_NAME = re.compile(r"[^\W\d]|\\")
_STRINGS = re.compile(
    rb"(?:<\?xml[^<>]*+>\s*+)?<sst[^<>]*+>"
    rb"(?:<si>(?:<t(?: xml:space=\"preserve\")?>[^<]*+</t>|<t/>)</si>|<si/>)*</sst>\s*+"
)
_TEXT = re.compile(rb"<t[^<>]*>([^<]*)</t>")


def audit(package: bytes | str | Path) -> list[str]:
    """The faults of a written .xlsx, given as its bytes or its path: empty when it is sound."""
    data = package if isinstance(package, bytes) else Path(package).read_bytes()
    try:
        return audit_parts(split(data))
    except ValueError:
        pass  # not as we write it: perhaps sound all the same
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            parts = {name: archive.read(name) for name in names}
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, ValueError, OSError) as error:
        return [f"压缩包损坏：{error}"]
    twice = Counter(name.casefold() for name in names)
    return [
        f"压缩包里有 {n} 个部件都叫 {name}" for name, n in twice.items() if n > 1
    ] + audit_parts(parts)


def audit_parts(parts: Mapping[str, bytes]) -> list[str]:
    """The faults of a package that is already unpacked: part name to bytes."""
    faults = [*package_faults(parts)]
    books = targets_of(parts, "", "officeDocument")
    if len(books) != 1 or books[0] not in parts:
        return [*faults, "找不到工作簿部件"]
    book, book_faults = _workbook(parts[books[0]])
    faults += book_faults
    if book is None:
        return faults
    relations = {r.id: r for r in relations_of(parts, books[0])}
    strings = part_of(parts, books[0], "sharedStrings")
    shared, text_faults = _shared_strings(strings)
    styles, dxfs, style_faults = _styles(part_of(parts, books[0], "styles"))
    faults += text_faults + style_faults
    cells: dict[str, Cells] = {}
    for name, sheet_id, rel in book.sheets:
        relation = relations.get(rel)
        if relation is None or relation.target not in parts:
            faults.append(f"工作表“{name}”没有对应的部件")
        elif relation.kind == "worksheet":
            part = relation.target
            ids = {r.id for r in relations_of(parts, part)}
            cells[sheet_id], sheet_faults = _sheet(
                parts[part], shared, styles, dxfs, book.names, ids
            )
            faults += [f"{name}：{fault}" for fault in sheet_faults]
    faults += _chain_faults(part_of(parts, books[0], "calcChain"), cells)
    return faults


# ── workbook, styles, strings, chain ─────────────────────────────────────────────────────────


class AuditedBook(NamedTuple):
    sheets: tuple[tuple[str, str, str], ...]  # name, sheetId, r:id
    names: frozenset[str]  # sheet names in lower case


def _workbook(xml: bytes) -> tuple[AuditedBook | None, list[str]]:
    root = xml_tree(xml)
    if root is None:
        return None, ["工作簿部件不是格式良好的 XML"]
    faults: list[str] = []
    sheets = []
    for element in root.iterfind("{*}sheets/{*}sheet"):
        rel = next((v for k, v in element.attrib.items() if k.endswith("}id")), "")
        sheets.append((element.get("name", ""), element.get("sheetId", ""), rel))
        faults += sheet_name_faults(element.get("name", ""))
    names = Counter(name.casefold() for name, _, _ in sheets)
    faults += [f"有 {n} 张工作表同名：{name}" for name, n in names.items() if n > 1]
    for what, values in (
        ("sheetId", [sheet[1] for sheet in sheets]),
        ("关系", [sheet[2] for sheet in sheets]),
    ):
        faults += [f"工作表的{what} {v} 重复" for v, n in Counter(values).items() if n > 1]
    if not sheets:
        faults.append("工作簿没有工作表")
    book = AuditedBook(tuple(sheets), frozenset(names))
    defined = [
        (element.get("name", ""), element.get("localSheetId", ""), element.text or "")
        for element in root.iterfind("{*}definedNames/{*}definedName")
    ]
    for name, scope, _ in defined:
        if scope and (not scope.isdigit() or int(scope) >= len(sheets)):
            faults.append(f"定义名称“{name}”属于不存在的工作表（序号 {scope}）")
    return book, faults + list(_name_faults(defined, book.names))


def _name_faults(defined: Sequence[tuple[str, str, str]], sheets: frozenset[str]) -> Iterator[str]:
    """What is wrong with these names: (name, number of its sheet, what it leads to)."""
    for name, _, text in defined:
        if not _NAME.match(name) or " " in name:
            yield f"定义名称“{name}”不合规则"
        fault = formula_fault(text, sheets)
        if fault:
            yield f"定义名称“{name}”{fault}"
    times = Counter((name.casefold(), scope) for name, scope, _ in defined)
    yield from (f"定义名称“{name}”重复" for (name, _), n in times.items() if n > 1)


@lru_cache(maxsize=64)
def _styles(xml: bytes | None) -> tuple[frozenset[str], int, list[str]]:
    """The style indexes that exist (as written in cells), how many dxfs, and faults."""
    root = None if xml is None else xml_tree(xml)
    if root is None:
        return frozenset(["", "0"]), 0, []
    faults = []
    sizes = {
        tag: len(root.findall(f"{{*}}{tag}/*"))
        for tag in ("fonts", "fills", "borders", "cellXfs", "dxfs")
    }
    for number, xf in enumerate(root.iterfind("{*}cellXfs/{*}xf")):
        for attribute, tag in (("fontId", "fonts"), ("fillId", "fills"), ("borderId", "borders")):
            if int(xf.get(attribute, "0")) >= sizes[tag]:
                faults.append(f"样式 {number} 的 {attribute} 超出范围")
    return frozenset(["", *map(str, range(sizes["cellXfs"]))]), sizes["dxfs"], faults


def _shared_strings(xml: bytes | None) -> tuple[int, list[str]]:
    """How many shared strings there are, and faults."""
    if xml is None:
        return 0, []
    faults = [f"共享字符串：{fault}" for fault in [text_fault(xml)] if fault]
    if not _STRINGS.fullmatch(xml):  # rich text or another writer's spelling
        root = xml_tree(xml)
        if root is None:
            return 0, ["共享字符串：不是格式良好的 XML", *faults]
        items = root.findall("{*}si")
        lengths = [
            sum(characters(t.text or "") for t in item.iterfind(".//{*}t")) for item in items
        ]
        too_long = [length for length in lengths if length > MAX_TEXT]
        count = len(items)
    else:
        count = xml.count(b"<si>") + xml.count(b"<si/>")
        too_long = []
        if len(xml) > MAX_TEXT:
            texts = (t for t in _TEXT.findall(xml) if len(t) > MAX_TEXT)
            lengths = [characters(unescape(text.decode("utf-8", "replace"))) for text in texts]
            too_long = [length for length in lengths if length > MAX_TEXT]
    return count, faults + [f"共享字符串有 {n} 个字，超过 {MAX_TEXT}" for n in too_long]


def _chain_faults(xml: bytes | None, cells: Mapping[str, Cells]) -> Iterator[str]:
    root = None if xml is None else xml_tree(xml)
    if root is None:
        return
    sheet = ""
    for element in root:
        sheet, at = element.get("i", sheet), element.get("r", "")
        if sheet not in cells:
            yield f"计算链指向不存在的工作表（{sheet}）"
        elif at not in cells[sheet].formulas:
            yield f"计算链指向没有公式的单元格 {at}"


# ── one sheet against the workbook ───────────────────────────────────────────────────────────


def _sheet(
    xml: bytes, shared: int, styles: frozenset[str], dxfs: int, names: frozenset[str], ids: set[str]
) -> tuple[Cells, list[str]]:
    cells, rest = read_cells(xml)
    faults = list(cells.faults)
    faults += [f"样式序号 {s} 超出范围" for s in sorted(cells.styles - styles)]
    if cells.top_shared >= shared:
        faults.append(f"共享字符串序号 {cells.top_shared} 超出范围（共 {shared} 条）")
    for at, formula in cells.formulas.items():
        fault = formula_fault(formula, names)
        if fault:
            faults.append(f"{at} 的公式{fault}")
    frame = frame_of(rest)
    faults += frame.faults
    faults += [f"引用的关系 {missing} 不存在" for missing in sorted(frame.relations - ids)]
    if frame.top_dxf >= dxfs:
        faults.append(f"条件格式的样式序号 {frame.top_dxf} 超出范围（共 {dxfs} 条）")
    for what, formula in frame.formulas:
        fault = formula_fault(formula, names)
        if fault:
            faults.append(f"{what}的公式{fault}")
    return cells, faults
