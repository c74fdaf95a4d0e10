"""The package of a filled workbook:
changed parts deflated anew, all others as they lie in the template."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from xltool.filling.compile import Compiled, SheetEntry
from xltool.template.layout import GrownRows
from xltool.xlsx.open_xml import RELATIONSHIPS, SHEET_PART, VALUE_TYPES
from xltool.xlsx.shared_parts import armour
from xltool.xlsx.zip_container import join, pack


class Filled(NamedTuple):
    """One sheet to be: its name, the template sheet it is made from, its rows and XML
    (b"" = unchanged)."""

    name: str
    entry: SheetEntry
    rows: GrownRows | None
    xml: bytes


def assemble(compiled: Compiled, sheets: Sequence[Filled], properties: Mapping[str, str]) -> bytes:
    """The workbook of these sheets. `properties` are custom document properties to add."""
    changed: dict[str, bytes] = {}
    used: dict[str, int] = {}
    listed, names, types, relations = [], [], [], []
    for number, (name, entry, rows, xml) in enumerate(sheets):
        used[entry.part] = nth = used.get(entry.part, 0) + 1
        part, rid = entry.part, entry.rid
        if nth > 1:
            stem = entry.part.removesuffix(".xml")
            part, rid = f"{stem}_{nth}.xml", f"{entry.rid}x{nth}"
            types.append(f'<Override PartName="/{part}" ContentType="{SHEET_PART}"/>')
            relations.append(
                f'<Relationship Id="{rid}" Type="{RELATIONSHIPS}/worksheet" Target="/{part}"/>'
            )
            # Only the first sheet may be the one selected.
            xml = xml.replace(b' tabSelected="1"', b"", 1)
        if xml:
            changed[part] = xml
        state = f' state="{entry.state}"' if entry.state else ""
        listed.append(f'<sheet name="{escape(name)}" sheetId="{number + 1}"{state} r:id="{rid}"/>')
        quoted = escape("'" + name.replace("'", "''") + "'!", quote=False)
        names.append(entry.named(quoted, number, rows))
    dropped = {entry.part: entry.rid for entry in compiled.sheets if entry.part not in used}
    changed[compiled.workbook_part] = compiled.book("".join(listed), "".join(names))
    if types or dropped:
        changed |= _listings(compiled, types, relations, dropped)
    if properties:
        changed["docProps/custom.xml"] = _with_properties(compiled, properties).encode()
    parts = []
    for name, packed in compiled.packed.items():
        if name in dropped:
            continue
        data = changed.pop(name, None)
        parts.append(packed if data is None else pack(name, data))
    parts += [pack(name, data) for name, data in changed.items()]
    return join(parts)


def _listings(
    compiled: Compiled, types: Sequence[str], relations: Sequence[str], dropped: Mapping[str, str]
) -> dict[str, bytes]:
    """The parts that list the others, with further lines in them, and without the `dropped`
    (part → id)."""
    content = compiled.parts.read("[Content_Types].xml").decode()
    rels = compiled.parts.read("xl/_rels/workbook.xml.rels").decode()
    for part, rid in dropped.items():
        content = re.sub(rf'<Override PartName="/{re.escape(part)}"[^>]*/>', "", content)
        rels = re.sub(rf'<Relationship [^>]*Id="{re.escape(rid)}"[^>]*/>', "", rels)
    content = content.replace("</Types>", "".join(types) + "</Types>")
    rels = rels.replace("</Relationships>", "".join(relations) + "</Relationships>")
    return {
        "[Content_Types].xml": content.encode(),
        "xl/_rels/workbook.xml.rels": rels.encode(),
    }


def _with_properties(compiled: Compiled, properties: Mapping[str, str]) -> str:
    """The custom properties with what has no cell on the form: the unit's code, the seal."""
    xml = compiled.parts.read("docProps/custom.xml").decode()
    number = max((int(n) for n in re.findall(r'pid="(\d+)"', xml)), default=1)
    close = re.search(r"</(\w+:)?Properties>\s*$|/>\s*$", xml)
    assert close is not None  # compile() read the properties
    # A template that another program saved may name the two namespaces otherwise, or only where
    # they are used.
    tag = re.search(r"<(\w+:)?Properties\b", xml)
    prefix = (tag[1] or "") if tag else ""
    items = "".join(
        f'<{prefix}property fmtid="{{D5CDD505-2E9C-101B-9397-08002B2CF9AE}}" pid="{pid}" name="{escape(name)}">'
        f'<vt:lpwstr xmlns:vt="{VALUE_TYPES}">{escape(armour(text), quote=False)}</vt:lpwstr>'
        f"</{prefix}property>"
        for pid, (name, text) in enumerate(properties.items(), number + 1)
    )
    if close[0].startswith("/>"):
        return f"{xml[: close.start()]}>{items}</{prefix}Properties>"
    return xml[: close.start()] + items + xml[close.start() :]
