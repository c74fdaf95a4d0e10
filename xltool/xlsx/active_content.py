"""What a workbook carries that acts or leads elsewhere: macros, controls, links;
nothing of it is run."""

from __future__ import annotations

import re
from collections.abc import Iterable

from xltool.xlsx.package import Parts, Unreadable

# The beginning (or end) of a part's name, and what it is.
_BY_NAME = (
    (re.compile(r"(^|/)vbaproject\.bin$"), "宏（VBA 工程）"),
    (re.compile(r"^xl/macrosheets/"), "宏表（Excel 4.0）"),
    (re.compile(r"^xl/dialogsheets/"), "对话框工作表"),
    (re.compile(r"^xl/embeddings/"), "嵌入的对象"),
    (re.compile(r"^xl/activex/activex[^/]*\.bin$"), "ActiveX 控件"),
    (re.compile(r"^xl/externallinks/[^/]*\.xml$"), "指向别的工作簿的链接"),
    (re.compile(r"^xl/connections\.xml$"), "数据连接"),
    (re.compile(r"^customui/[^/]*\.xml$"), "自定义的功能区"),
)
_SUSPECT = re.compile(
    "vbaproject|macrosheets|dialogsheets|embeddings|activex|externallinks|connections|customui"
)
_TARGET = re.compile(rb'Target="([^"]*)"')
_MACRO = re.compile(rb'\bmacro="([^"]+)"')
_VML_MACRO = re.compile(rb"<x:FmlaMacro>([^<]+)</x:FmlaMacro>")
_MOST = 4 * 2**20


def active_contents(package: Parts, names: Iterable[str]) -> tuple[str, ...]:
    """What of this kind is in a package, each once, in words."""
    contents: dict[str, None] = {}
    for name in names:
        lowered = name.lower()
        if not _SUSPECT.search(lowered):
            continue
        for spelled, what in _BY_NAME:
            if spelled.search(lowered):
                contents[what + _leads_to(package, name)] = None
    return tuple(contents)


def _leads_to(package: Parts, name: str) -> str:
    """Where an external link leads, as it says itself."""
    folder, _, file = name.rpartition("/")
    rels = f"{folder}/_rels/{file}.rels"
    if "externallinks/" not in name.lower() or rels not in package:
        return ""
    target = _TARGET.search(package.read(rels))
    return f"“{target[1].decode('utf-8', 'replace')[:80]}”" if target else ""


def is_empty_drawing(package: Parts, part: str) -> bool:
    """Whether nothing stands in a drawing, as LibreOffice writes one for a filter."""
    try:
        data = package.read(part) if part in package else b""
    except Unreadable:
        return False
    return len(data) < _MOST and len(re.findall(rb"<[^?!/]", data)) == 1


def drawn(package: Parts, part: str) -> tuple[bool, str]:
    """Whether a drawing holds anything but pictures,
    and the macro that a click in it would start."""
    try:
        data = package.read(part)[:_MOST] if part in package else b""
    except Unreadable:
        return True, ""
    macro = _MACRO.search(data) or _VML_MACRO.search(data)
    pictures = re.search(rb"<(?:\w+:)?pic\b", data) is not None
    others = re.search(rb"<(?:\w+:)?(?:sp|graphicFrame|cxnSp|contentPart|control)\b", data)
    macro_name = macro[1].decode("utf-8", "replace")[:60] if macro else ""
    return not pictures or others is not None, macro_name
