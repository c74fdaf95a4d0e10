"""One worksheet's part of the structural check: its cells, and the frame around them.

Our own sheets are written in one plain spelling, which a regular expression accepts at a glance;
only a sheet that it does not accept is parsed, to say what is wrong with it (or that it is merely
spelled by another program).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from operator import lt
from typing import Any, NamedTuple

from xltool.xlsx.cell_text import MAX_TEXT, text_length
from xltool.xlsx.references import LAST_COLUMN, LAST_ROW

_NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_VALUE = (
    rb"/>|"
    rb"><v>-?+[0-9]++(?:\.[0-9]++)?(?:[eE][-+]?+[0-9]++)?</v></c>|"
    rb' t="s"><v>[0-9]++</v></c>|'
    rb' t="inlineStr"><is><t(?: xml:space="preserve")?>[^<]{0,32767}+</t></is></c>'
)
_PLAIN = re.compile(
    rb'<sheetData>(?:<row r="([0-9]++)"[^<>]*+(?:/>|>(?:'
    rb'<c r="[A-Z]{1,3}+\1"(?: s="[0-9]++")?(?:' + _VALUE + rb"))*</row>))*</sheetData>"
)
_ROW = re.compile(r'<row r="([0-9]+)"')
_CELL = re.compile(r'<c r="([^"]++)"(?: s="([0-9]++)")?(?: t="s"><v>([0-9]++))?')
_REF = re.compile(r"\$?([A-Z]{1,3})\$?([1-9][0-9]{0,6})")
_CONTROL = bytes(c for c in range(32) if c not in b"\t\n\r")
_AMPERSAND = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos|#[0-9]+|#x[0-9a-fA-F]+);)")
_ESCAPED = re.compile("_x[0-9A-Fa-f]{4}_")
_TYPES = {"", "n", "s", "str", "inlineStr", "b", "e", "d"}


class Cells(NamedTuple):
    """What a sheet's cells say of the rest of the workbook, and what is wrong with them."""

    styles: frozenset[str] | set[str]
    top_shared: int
    formulas: dict[str, str]
    faults: list[str]


class AuditedFrame(NamedTuple):
    """Merges, validations and conditional formats of a sheet; the relations it uses."""

    relations: frozenset[str]
    top_dxf: int
    formulas: tuple[tuple[str, str], ...]
    faults: tuple[str, ...]


class _CellOrder(dict[str, int]):
    """Where a cell stands in row-major order: B3 → 3 * 16384 + 2; -1 outside the grid."""

    def __missing__(self, ref: str) -> int:
        if len(self) > 200_000:
            self.clear()
        at = cell(ref)
        self[ref] = order = -1 if at is None else at[1] * LAST_COLUMN + at[0]
        return order


_order = _CellOrder()


def xml_tree(xml: bytes) -> Any:
    """The root of a part, or None when it is not well-formed or holds entities."""
    from xltool.xlsx.package import Unreadable
    from xltool.xlsx.xml_tree import parse

    try:
        return parse(xml)
    except Unreadable:
        return None


def cell(ref: str) -> tuple[int, int] | None:
    """(column, row) of a reference such as B3, None when there is no such cell."""
    match = _REF.fullmatch(ref)
    if match is None:
        return None
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - 64
    row = int(match[2])
    return (column, row) if column <= LAST_COLUMN and row <= LAST_ROW else None


def area(ref: str) -> tuple[int, int, int, int] | None:
    """(left, top, right, bottom) of a reference such as B3:C4 or B3, None when there is none."""
    first, _, last = ref.partition(":")
    begin, end = cell(first), cell(last or first)
    if begin is None or end is None or begin[0] > end[0] or begin[1] > end[1]:
        return None
    return (*begin, *end)


def characters(text: str) -> int:
    """A text's length as Excel counts it, `_x000D_` being one character."""
    return text_length(_ESCAPED.sub("x", text))


def text_fault(xml: bytes) -> str:
    """Bytes that no XML may hold: control characters, a bare &, a broken character."""
    if len(xml.translate(None, _CONTROL)) != len(xml):
        return "含有 XML 不允许的控制字符"
    if b"&" in xml and _AMPERSAND.search(xml):
        return "含有未转义的 & 符号"
    try:
        xml.decode()
    except UnicodeDecodeError as error:
        return f"不是 UTF-8 文字（{error.reason}）"
    return ""


def read_cells(xml: bytes) -> tuple[Cells, bytes]:
    """What a sheet's cells say, and the sheet without them."""
    start = xml.find(b"<sheetData>")
    plain = _PLAIN.match(xml, start) if start >= 0 else None
    if plain is None or text_fault(plain[0]):
        return _explained(xml)
    text = plain[0].decode()
    refs, styles, shared = (
        zip(*cells, strict=True) if (cells := _CELL.findall(text)) else ((), (), ())
    )
    faults = _order_faults(_ROW.findall(text)) + _cell_order_faults(refs)
    top = max((int(index) for index in set(shared) if index), default=-1)
    return Cells(set(styles), top, {}, faults), xml[:start] + b"<sheetData/>" + xml[plain.end() :]


def _order_faults(rows: list[str]) -> list[str]:
    numbers = list(map(int, rows))
    if all(map(lt, numbers, numbers[1:])):
        return []
    return [f"第 {b} 行写在第 {a} 行之后" for a, b in pairwise(numbers) if b <= a]


def _cell_order_faults(refs: Sequence[str]) -> list[str]:
    order = list(map(_order.__getitem__, refs))
    if all(map(lt, order, order[1:])) and (not order or order[0] >= 0):
        return []
    faults = [
        f"单元格 {ref} 不存在于表格范围内" for ref, at in zip(refs, order, strict=True) if at < 0
    ]
    for (before, ref_before), (after, ref_after) in pairwise(zip(order, refs, strict=True)):
        if before == after:
            faults.append(f"单元格 {ref_after} 出现两次")
        elif 0 <= after < before:
            faults.append(f"单元格 {ref_after} 写在 {ref_before} 之后")
    return faults


def _explained(xml: bytes) -> tuple[Cells, bytes]:
    """The same as read_cells for a sheet that is not in our plain spelling."""
    root = xml_tree(xml)
    data = None if root is None else root.find("{*}sheetData")
    if root is None or data is None:
        fault = "不是格式良好的 XML" if root is None else "没有 sheetData"
        return Cells(set(), -1, {}, [fault, *filter(None, [text_fault(xml)])]), b"<worksheet/>"
    faults: list[str] = [fault for fault in [text_fault(xml)] if fault]
    rows, refs, styles, shared = [], [], set(), -1
    formulas: dict[str, str] = {}
    for row in data:
        number = row.get("r", "")
        rows.append(number if number.isdigit() else "0")
        for element in row:
            at, kind = element.get("r", ""), element.get("t", "")
            value = element.findtext("{*}v") or ""
            refs.append(at)
            styles.add(element.get("s", ""))
            if at.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ") != number:
                faults.append(f"单元格 {at} 写在第 {number} 行里")
            if kind == "s" and value.isdigit():
                shared = max(shared, int(value))
            formula = element.find("{*}f")
            if formula is not None and (formula.text or formula.get("t") != "shared"):
                formulas[at] = formula.text or ""
            faults += [f"单元格 {at}{fault}" for fault in _value_faults(element, kind, value)]
    faults += _order_faults(rows) + _cell_order_faults(refs)
    from xltool.xlsx.xml_tree import to_bytes

    data.clear()
    return Cells(styles, shared, formulas, faults), to_bytes(root)


def _value_faults(element: Any, kind: str, value: str) -> list[str]:
    if kind not in _TYPES:
        return [f"的类型“{kind}”不存在"]
    if kind in ("", "n") and value and not re.fullmatch(_NUMBER, value.strip()):
        return [f"是数值单元格，却写着文字“{value[:20]}”"]
    if kind == "s" and not value.isdigit():
        return [f"的共享字符串序号“{value[:20]}”不是数字"]
    if kind == "b" and value not in ("0", "1"):
        return [f"的真假值“{value[:20]}”应当是 0 或 1"]
    texts = [value] if kind == "str" else [t.text or "" for t in element.iterfind("{*}is//{*}t")]
    length = sum(map(characters, texts))
    return [f"有 {length} 个字，超过 {MAX_TEXT}"] if length > MAX_TEXT else []


@lru_cache(maxsize=256)
def frame_of(xml: bytes) -> AuditedFrame:
    """Everything of a sheet but its cells."""
    root = xml_tree(xml)
    if root is None:
        return AuditedFrame(frozenset(), -1, (), ("不是格式良好的 XML",))
    faults = [
        *_merge_faults(
            [element.get("ref", "") for element in root.iterfind("{*}mergeCells/{*}mergeCell")]
        )
    ]
    formulas: list[tuple[str, str]] = []
    dxf = -1
    for element in root.iterfind("{*}dataValidations/{*}dataValidation"):
        where = f"数据验证 {element.get('sqref', '')}"
        faults += _places_faults(where, element.get("sqref", ""))
        for attribute, most in (
            ("promptTitle", 32),
            ("errorTitle", 32),
            ("prompt", 255),
            ("error", 255),
        ):
            if len(element.get(attribute, "")) > most:
                faults.append(f"{where} 的提示超过 {most} 个字")
        formulas += [(where, child.text or "") for child in element]
        if any(len(child.text or "") > 255 for child in element):
            faults.append(f"{where} 的公式超过 255 个字")
    for element in root.iterfind("{*}conditionalFormatting"):
        where = f"条件格式 {element.get('sqref', '')}"
        faults += _places_faults(where, element.get("sqref", ""))
        dxf = max([dxf, *(int(rule.get("dxfId", "-1")) for rule in element)])
        formulas += [(where, f.text or "") for f in element.iterfind("{*}cfRule/{*}formula")]
    for tag in ("mergeCells", "dataValidations"):
        element = root.find(f"{{*}}{tag}")
        if element is not None and int(element.get("count", len(element))) != len(element):
            faults.append(f"{tag} 的 count 是 {element.get('count')}，实有 {len(element)}")
    relations = frozenset(i.decode() for i in re.findall(rb'\br:(?:id|embed|link)="([^"]*)"', xml))
    return AuditedFrame(relations, dxf, tuple(formulas), tuple(faults))


def _places_faults(where: str, places: str) -> list[str]:
    outside = [place for place in places.split() if area(place) is None]
    return [f"{where} 指向不存在的单元格"] if outside or not places.split() else []


def _merge_faults(refs: list[str]) -> list[str]:
    faults, areas = [], []
    for ref in refs:
        at = area(ref)
        if at is None:
            faults.append(f"合并区域 {ref} 不存在于表格范围内")
        elif at[:2] == at[2:]:
            faults.append(f"合并区域 {ref} 只有一个单元格")
        else:
            areas.append((at, ref))
    areas.sort(key=lambda item: item[0][1])  # by top row: only areas still open can overlap
    still_open: list[tuple[tuple[int, int, int, int], str]] = []
    for (left, top, right, bottom), ref in areas:
        still_open = [item for item in still_open if item[0][3] >= top]
        faults += [
            f"合并区域 {other} 与 {ref} 重叠"
            for (l2, _, r2, _), other in still_open
            if l2 <= right and left <= r2
        ]
        still_open.append(((left, top, right, bottom), ref))
    return faults
