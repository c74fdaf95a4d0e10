"""The package's part of the structural check: content types, relations, parts that are no XML."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple
from xml.parsers.expat import ExpatError, ParserCreate

from xltool.xlsx.audit.sheet import xml_tree

_READ_WHOLE = re.compile("xl/workbook\\.xml|xl/worksheets/sheet").match


class Relation(NamedTuple):
    """One relation of a part: its id, the last word of its type, the part it leads to."""

    id: str
    kind: str
    target: str


def package_faults(parts: Mapping[str, bytes]) -> Iterator[str]:
    """What is missing, without a type, malformed, or related to nothing."""
    if "[Content_Types].xml" not in parts:
        yield "缺少 [Content_Types].xml"
        return
    types, fault = _content_types(parts["[Content_Types].xml"])
    if fault:
        yield fault
        return
    extensions, overrides = types
    for missing in sorted(overrides - parts.keys()):
        yield f"[Content_Types].xml 提到的 {missing} 不存在"
    for part, data in parts.items():
        if part not in overrides and part.rpartition(".")[2].lower() not in extensions:
            yield f"{part} 没有内容类型"
        if part.endswith(".rels"):
            folder, _, name = part.rpartition("_rels/")
            source = folder + name.removesuffix(".rels")
            if source != "" and source not in parts:
                yield f"{part} 属于不存在的 {source}"
            for relation in _relations(data, folder):
                if relation.kind and relation.target not in parts:
                    yield f"{part} 的 {relation.id} 指向不存在的 {relation.target}"
        # The workbook's own part and the sheets are read whole anyway.
        if not _READ_WHOLE(part) and part.endswith((".xml", ".rels", ".vml")):
            fault = _malformed(data)
            if fault:
                yield f"{part}：{fault}"


@lru_cache(maxsize=256)
def _malformed(xml: bytes) -> str:
    try:
        ParserCreate().Parse(xml, True)
    except (ExpatError, LookupError) as error:  # an encoding that nobody knows
        return f"不是格式良好的 XML：{error}"
    return ""


@lru_cache(maxsize=64)
def _content_types(xml: bytes) -> tuple[tuple[frozenset[str], frozenset[str]], str]:
    root = xml_tree(xml)
    if root is None:
        return (frozenset(), frozenset()), "[Content_Types].xml 不是格式良好的 XML"
    extensions = [
        element.get("Extension", "").lower() for element in root if element.tag.endswith("}Default")
    ]
    overrides = [
        element.get("PartName", "").lstrip("/")
        for element in root
        if element.tag.endswith("}Override")
    ]
    twice = [p for p, n in Counter(overrides + extensions).items() if n > 1]
    fault = f"[Content_Types].xml 重复提到 {'、'.join(twice)}" if twice else ""
    return (frozenset(extensions), frozenset(overrides)), fault


@lru_cache(maxsize=256)
def _relations(xml: bytes, folder: str) -> tuple[Relation, ...]:
    """The internal relations of one .rels part; an external one has no kind."""
    root = xml_tree(xml)
    if root is None:
        return ()
    relations = []
    for element in root:
        kind = element.get("Type", "").rpartition("/")[2] or "?"
        if element.get("TargetMode") == "External":
            kind = ""
        target = element.get("Target", "").partition("#")[0]
        whole = posixpath.normpath(posixpath.join(folder, target))
        if target.startswith("/"):
            whole = target[1:]
        relations.append(Relation(element.get("Id", ""), kind, whole))
    return tuple(relations)


def relations_of(parts: Mapping[str, bytes], part: str) -> tuple[Relation, ...]:
    """The relations of one part (of the package itself: `""`)."""
    folder, _, name = part.rpartition("/")
    folder = f"{folder}/" if folder else ""
    xml = parts.get(f"{folder}_rels/{name}.rels")
    return () if xml is None else _relations(xml, folder)


def targets_of(parts: Mapping[str, bytes], part: str, kind: str) -> list[str]:
    """The parts that a part refers to in this way."""
    return [r.target for r in relations_of(parts, part) if r.kind == kind]


def part_of(parts: Mapping[str, bytes], part: str, kind: str) -> bytes | None:
    """The bytes of the first part that a part refers to in this way; None where there is none."""
    return next((parts[t] for t in targets_of(parts, part, kind) if t in parts), None)
