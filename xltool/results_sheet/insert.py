"""The results sheet and the marks written into a copy of a received workbook.

What is patched: the new sheet, the list of sheets, the styles, to which the sheet's own are
added at the end, and the texts beside the forms, so that nothing of a form looks or reads
differently. Every other part keeps its bytes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path

from xltool.results_sheet.marks import to_write
from xltool.results_sheet.table import RESULTS_SHEET, Results, make_way
from xltool.xlsx.edit import (
    BOOK,
    BOOK_RELS,
    Element,
    SubElement,
    cell_at,
    parse,
    patch_file,
    sheet_part,
    to_bytes,
    write_text,
)
from xltool.xlsx.open_xml import (
    CONTENT_TYPES,
    MAIN,
    PACKAGE_RELATIONSHIPS,
    RELATIONSHIPS,
    SHEET_PART,
    STYLES_PART,
)
from xltool.xlsx.package import Package
from xltool.xlsx.workbook_reader import grid_of

_STYLES, _CONTENT = "xl/styles.xml", "[Content_Types].xml"
_PART = "xl/worksheets/xltool-results.xml"


Marks = Mapping[str, Mapping[int, str]]


def mark_file(source: Path, destination: Path, results: Results, marks: Marks) -> Path:
    """Write `source` with its results and marks to `destination`; older ones in it are replaced.

    Raises XltoolError where the file can't be read or written.
    """
    return patch_file(
        source, destination, lambda package: _patched(package, results, marks), "审核结果"
    )


def _patched(package: Package, results: Results, marks: Marks) -> dict[str, bytes]:
    """The parts that change, and the new one."""
    make_way(grid_of(package).sheets, RESULTS_SHEET)
    ours = _drawn(results)
    book, relations = parse(package.read(BOOK)), parse(package.read(BOOK_RELS))
    changed: dict[str, bytes] = {}
    part = sheet_part(book, relations, RESULTS_SHEET)
    if not part:
        part = _PART
        _list(book, relations)
        changed[BOOK], changed[BOOK_RELS] = to_bytes(book), to_bytes(relations)
        types = parse(package.read(_CONTENT))
        _add(types, CONTENT_TYPES, "Override", PartName=f"/{part}", ContentType=SHEET_PART)
        changed[_CONTENT] = to_bytes(types)
    if _STYLES in package:
        styles = parse(package.read(_STYLES))
        shift = _add_styles(styles, parse(ours.read(_STYLES)))
    else:  # cells without a style have the first one, which is plain
        shift, styles = 0, parse(ours.read(_STYLES))
        types = parse(changed.get(_CONTENT, b"") or package.read(_CONTENT))
        _add(types, CONTENT_TYPES, "Override", PartName=f"/{_STYLES}", ContentType=STYLES_PART)
        _add(
            relations,
            PACKAGE_RELATIONSHIPS,
            "Relationship",
            Id="rIdStyles1",
            Type=f"{RELATIONSHIPS}/styles",
            Target="styles.xml",
        )
        changed[_CONTENT], changed[BOOK_RELS] = to_bytes(types), to_bytes(relations)
    changed[_STYLES] = to_bytes(styles)
    changed[part] = to_bytes(_sheet(ours, shift))
    return changed | dict(_beside(package, marks))


def _beside(package: Package, marks: Marks) -> Iterator[tuple[str, bytes]]:
    """The forms' parts with the marks beside them."""
    for sheet in grid_of(package).sheets:
        texts = None if sheet.name == RESULTS_SHEET else to_write(sheet, marks.get(sheet.name, {}))
        if texts:
            root = parse(package.read(sheet.part))
            for (row, column), text in texts.items():
                if text or sheet[row, column].text:
                    write_text(cell_at(root, row, column), text)
            yield sheet.part, to_bytes(root)


def _drawn(results: Results) -> zipfile.ZipFile:
    """The results as a workbook of their own, in memory."""
    import tempfile

    from xltool.results_sheet.write import write_results

    with tempfile.TemporaryDirectory(prefix="xltool-") as folder:
        file = write_results(results, Path(folder) / "results.xlsx")
        return zipfile.ZipFile(io.BytesIO(file.read_bytes()))


def _add(parent: Element, space: str, tag: str, **attributes: str) -> Element:
    return SubElement(parent, f"{{{space}}}{tag}", attributes)


def _list(book: Element, relations: Element) -> None:
    """Put the sheet behind the last one."""
    sheets = book.find(f"{{{MAIN}}}sheets")
    if sheets is None:
        raise ValueError("没有工作表清单")
    number = max((int(sheet.get("sheetId", "0")) for sheet in sheets), default=0) + 1
    taken = {relation.get("Id") for relation in relations}
    rid = next(f"rIdResults{n}" for n in range(1, 99) if f"rIdResults{n}" not in taken)
    sheet = _add(sheets, MAIN, "sheet", name=RESULTS_SHEET, sheetId=str(number))
    sheet.set(f"{{{RELATIONSHIPS}}}id", rid)
    _add(
        relations,
        PACKAGE_RELATIONSHIPS,
        "Relationship",
        Id=rid,
        Type=f"{RELATIONSHIPS}/worksheet",
        Target=f"/{_PART}",
    )


def _add_styles(theirs: Element, ours: Element) -> int:
    """Append our cell styles; by how much their numbers shift."""
    shifts: dict[str, int] = {}
    for group in ("fonts", "fills", "borders"):
        their_group, our_group = theirs.find(f"{{{MAIN}}}{group}"), ours.find(f"{{{MAIN}}}{group}")
        if their_group is None or our_group is None:
            raise ValueError("没有样式表")
        shifts[group] = len(their_group)
        their_group.extend(list(our_group))
        their_group.set("count", str(len(their_group)))
    their_group, our_group = theirs.find(f"{{{MAIN}}}cellXfs"), ours.find(f"{{{MAIN}}}cellXfs")
    if their_group is None or our_group is None:
        raise ValueError("没有样式表")
    shift = len(their_group)
    for xf in list(our_group):
        for key, group in (("fontId", "fonts"), ("fillId", "fills"), ("borderId", "borders")):
            xf.set(key, str(int(xf.get(key, "0")) + shifts[group]))
        xf.set("xfId", "0")
        their_group.append(xf)
    their_group.set("count", str(len(their_group)))
    return shift


def _sheet(ours: zipfile.ZipFile, shift: int) -> Element:
    """Our sheet with the shifted styles and its texts inline; it is not the one selected."""
    root = parse(ours.read("xl/worksheets/sheet1.xml"))
    strings = list(parse(ours.read("xl/sharedStrings.xml")))
    for view in root.iter(f"{{{MAIN}}}sheetView"):
        view.attrib.pop("tabSelected", None)
    for filtered in root.findall(f"{{{MAIN}}}autoFilter"):
        root.remove(filtered)  # it would need a defined name in the workbook
    for column in root.iter(f"{{{MAIN}}}col"):
        if "style" in column.attrib:
            column.set("style", str(int(column.get("style", "0")) + shift))
    for cell in root.iter(f"{{{MAIN}}}c"):
        cell.set("s", str(int(cell.get("s", "0")) + shift))
        value = cell.find(f"{{{MAIN}}}v")
        if cell.get("t") == "s" and value is not None:
            inline = SubElement(cell, f"{{{MAIN}}}is")
            inline.extend(deepcopy(list(strings[int(value.text or 0)])))
            cell.remove(value)
            cell.set("t", "inlineStr")
    return root
