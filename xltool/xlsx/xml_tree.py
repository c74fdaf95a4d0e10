"""One XML part as a tree that can be changed and written back, its prefixes as they were.

The standard library's tree forgets which prefix stands for which namespace, and a workbook names
prefixes in its texts too (`mc:Ignorable="x14ac"`). Here each element keeps the prefixes that it
declares, and is written with them. No DTD, no entities, bounded depth; comments and processing
instructions say nothing to anybody, and are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from xml.etree.ElementTree import Element, SubElement
from xml.parsers import expat

from xltool.xlsx.package import MAX_DEPTH, Unreadable, utf8

__all__ = ["Element", "SubElement", "parse", "to_bytes"]

_XML = "http://www.w3.org/XML/1998/namespace"
_NOTHING_DECLARED: Mapping[str, str] = MappingProxyType({})
_IN_TEXT = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_IN_VALUE = _IN_TEXT | {'"': "&quot;", "\n": "&#10;", "\t": "&#9;"}


class _Declaring(Element):
    """An element of a received part: `declared` is prefix → namespace, "" the default one."""

    declared: Mapping[str, str] = _NOTHING_DECLARED


MAX_TREE = 16 * 2**20  # bytes of a part that may become a tree, which takes ten times as many


def parse(data: bytes) -> Element:
    """The root of a part, names as `{namespace}name`.
    Raises Unreadable where it is no sound XML or too large."""
    if len(data) > MAX_TREE:
        raise Unreadable("内容过多，请删去申报表以下的空行后再试")
    builder = _Builder()
    parser = expat.ParserCreate("utf-8", " ")  # whatever the part claims
    parser.buffer_text = True
    parser.StartNamespaceDeclHandler = builder.declare
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(utf8(data), True)
    except expat.ExpatError as error:
        raise Unreadable(f"文件已损坏：XML 有错（第 {error.lineno} 行）") from error
    return builder.root


def _refuse(*_: object) -> None:
    raise Unreadable("文件含有 DTD 或实体声明，不予打开")


class _Builder:
    root: Element

    def __init__(self) -> None:
        self._open: list[Element] = []
        self._last: Element | None = None  # the one closed just now: text goes behind it
        self._declared: dict[str, str] = {}

    def declare(self, prefix: str | None, space: str | None) -> None:
        self._declared[prefix or ""] = space or ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        element = _Declaring(_named(name), {_named(key): v for key, v in attributes.items()})
        if self._declared:
            element.declared, self._declared = self._declared, {}
        if self._open:
            self._open[-1].append(element)
        else:
            self.root = element
        self._open.append(element)
        self._last = None
        if len(self._open) > MAX_DEPTH:
            raise Unreadable("文件已损坏：XML 嵌套过深")

    def end(self, _: str) -> None:
        self._last = self._open.pop()

    def text(self, piece: str) -> None:
        if self._last is not None:
            self._last.tail = (self._last.tail or "") + piece
        else:
            self._open[-1].text = (self._open[-1].text or "") + piece


def _named(name: str) -> str:
    return "{" + name.replace(" ", "}", 1) if " " in name else name


def to_bytes(root: Element) -> bytes:
    """The part of this tree, in UTF-8."""
    pieces = ["<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n"]
    _write(root, {"xml": _XML}, pieces)
    return "".join(pieces).encode()


def _write(element: Element, scope: Mapping[str, str], pieces: list[str]) -> None:
    """`scope` is prefix → namespace as it stands around the element."""
    declared = dict(getattr(element, "declared", _NOTHING_DECLARED))
    scope = {**scope, **declared}

    def spelled(name: str, *, value: bool) -> str:
        space, _, local = name[1:].rpartition("}") if name[0] == "{" else ("", "", name)
        nonlocal scope
        if not space:
            if not value and scope.get(""):  # in no namespace, where there is a default one
                declared[""] = ""
                scope = {**scope, "": ""}
            return local
        # A prefix stands for what was declared last; a value has no default namespace.
        prefixes = [p for p, uri in scope.items() if uri == space and (p or not value)]
        if "" in prefixes:
            return local
        if not prefixes:
            prefixes = [next(f"ns{n}" for n in range(len(scope) + 1) if f"ns{n}" not in scope)]
            declared[prefixes[0]] = space
            scope = {**scope, prefixes[0]: space}
        return f"{prefixes[-1]}:{local}"

    tag = spelled(element.tag, value=False)
    values = [(spelled(key, value=True), text) for key, text in element.attrib.items()]
    spaces = [(f"xmlns:{p}" if p else "xmlns", uri) for p, uri in declared.items()]
    pieces.append(f"<{tag}")
    pieces += [f' {key}="{_escaped(text, _IN_VALUE)}"' for key, text in spaces + values]
    if len(element) or element.text:
        pieces.append(f">{_escaped(element.text or '', _IN_TEXT)}")
        for child in element:
            _write(child, scope, pieces)
            pieces.append(_escaped(child.tail or "", _IN_TEXT))
        pieces.append(f"</{tag}>")
    else:
        pieces.append("/>")


def _escaped(text: str, signs: Mapping[str, str]) -> str:
    for sign, spelling in signs.items():
        if sign in text:
            text = text.replace(sign, spelling)
    return text
