"""The results sheet written into a copy of a received workbook; every other part keeps its bytes.

What is patched: the new sheet, the list of sheets, and the styles, to which the sheet's own are
added at the end, so that nothing of the form looks or reads differently.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from xltool.atomic import writing
from xltool.model import XltoolError
from xltool.package import Package, Unreadable, open_package
from xltool.report.results import RESULTS_SHEET, Results

if TYPE_CHECKING:
    from lxml.etree import _Element

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_BOOK, _BOOK_RELS, _STYLES = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml"
_PART = "xl/worksheets/xltool-results.xml"


def mark_file(source: Path, goal: Path, results: Results) -> Path:
    """Write `source` with its results to `goal`; an older results sheet in it is replaced.

    Raises XltoolError where the file can't be read or written.
    """
    try:
        package = open_package(source)
        names = package.names()
        parts = {name: package.read(name) for name in names}
        changed = _patched(package, results)
    except Unreadable as error:
        raise XltoolError(f"{source}：{error}") from error
    except (OSError, KeyError, ValueError) as error:
        raise XltoolError(f"{source}：审核结果写不进去：{error}") from error
    with writing(goal, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in (parts | changed).items():
            made.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return goal


def _patched(package: Package, results: Results) -> dict[str, bytes]:
    """The parts that change, and the new one."""
    ours = _drawn(results)
    book, relations = _parse(package.read(_BOOK)), _parse(package.read(_BOOK_RELS))
    styles = _parse(package.read(_STYLES))
    changed: dict[str, bytes] = {}
    part = _existing(book, relations)
    if not part:
        part = _PART
        _list(book, relations)
        changed[_BOOK], changed[_BOOK_RELS] = _bytes(book), _bytes(relations)
        types = _parse(package.read("[Content_Types].xml"))
        _add(types, _TYPES, "Override", PartName=f"/{part}", ContentType=_SHEET_TYPE)
        changed["[Content_Types].xml"] = _bytes(types)
    shift = _add_styles(styles, _parse(ours.read(_STYLES)))
    changed[_STYLES] = _bytes(styles)
    changed[part] = _bytes(_sheet(ours, shift))
    return changed


def _drawn(results: Results) -> zipfile.ZipFile:
    """The results as a workbook of their own, in memory."""
    import tempfile

    from xltool.report.results_xlsx import write_results

    with tempfile.TemporaryDirectory(prefix="xltool-") as folder:
        file = write_results(results, Path(folder) / "results.xlsx")
        return zipfile.ZipFile(io.BytesIO(file.read_bytes()))


def _parse(data: bytes) -> _Element:
    from lxml import etree

    # The package guard has been over it only as zip: no entity, network or size surprises here either.
    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))


def _bytes(root: _Element) -> bytes:
    from lxml import etree

    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, standalone=True)


def _add(parent: _Element, space: str, tag: str, **attributes: str) -> _Element:
    from lxml import etree

    return etree.SubElement(parent, f"{{{space}}}{tag}", attributes)


def _existing(book: _Element, relations: _Element) -> str:
    """The part of a results sheet that is already there, empty where there is none."""
    for sheet in book.iter(f"{{{_MAIN}}}sheet"):
        if sheet.get("name") == RESULTS_SHEET:
            rid = sheet.get(f"{{{_REL}}}id")
            target = next(r.get("Target", "") for r in relations if r.get("Id") == rid)
            return target[1:] if target.startswith("/") else f"xl/{target}"
    return ""


def _list(book: _Element, relations: _Element) -> None:
    """Put the sheet behind the last one."""
    sheets = book.find(f"{{{_MAIN}}}sheets")
    if sheets is None:
        raise ValueError("没有工作表清单")
    number = max((int(s.get("sheetId", "0")) for s in sheets), default=0) + 1
    taken = {r.get("Id") for r in relations}
    rid = next(f"rIdResults{n}" for n in range(1, 99) if f"rIdResults{n}" not in taken)
    sheet = _add(sheets, _MAIN, "sheet", name=RESULTS_SHEET, sheetId=str(number))
    sheet.set(f"{{{_REL}}}id", rid)
    _add(relations, _RELS, "Relationship", Id=rid, Type=f"{_REL}/worksheet", Target=f"/{_PART}")


def _add_styles(theirs: _Element, ours: _Element) -> int:
    """Append our cell styles; by how much their numbers shift."""
    shifts: dict[str, int] = {}
    for group in ("fonts", "fills", "borders"):
        goal, source = theirs.find(f"{{{_MAIN}}}{group}"), ours.find(f"{{{_MAIN}}}{group}")
        if goal is None or source is None:
            raise ValueError("没有样式表")
        shifts[group] = len(goal)
        goal.extend(list(source))
        goal.set("count", str(len(goal)))
    goal, source = theirs.find(f"{{{_MAIN}}}cellXfs"), ours.find(f"{{{_MAIN}}}cellXfs")
    if goal is None or source is None:
        raise ValueError("没有样式表")
    shift = len(goal)
    for xf in list(source):
        for key, group in (("fontId", "fonts"), ("fillId", "fills"), ("borderId", "borders")):
            xf.set(key, str(int(xf.get(key, "0")) + shifts[group]))
        xf.set("xfId", "0")
        goal.append(xf)
    goal.set("count", str(len(goal)))
    return shift


def _sheet(ours: zipfile.ZipFile, shift: int) -> _Element:
    """Our sheet with the shifted styles and its texts inline; it is not the one selected."""
    from lxml import etree

    root = _parse(ours.read("xl/worksheets/sheet1.xml"))
    strings = list(_parse(ours.read("xl/sharedStrings.xml")))
    for view in root.iter(f"{{{_MAIN}}}sheetView"):
        view.attrib.pop("tabSelected", None)
    for filtered in root.findall(f"{{{_MAIN}}}autoFilter"):
        root.remove(filtered)  # it would need a defined name in the workbook
    for column in root.iter(f"{{{_MAIN}}}col"):
        if "style" in column.attrib:
            column.set("style", str(int(column.get("style", "0")) + shift))
    for cell in root.iter(f"{{{_MAIN}}}c"):
        cell.set("s", str(int(cell.get("s", "0")) + shift))
        value = cell.find(f"{{{_MAIN}}}v")
        if cell.get("t") == "s" and value is not None:
            inline = etree.SubElement(cell, f"{{{_MAIN}}}is")
            inline.extend(list(_parse(etree.tostring(strings[int(value.text or 0)]))))
            cell.remove(value)
            cell.set("t", "inlineStr")
    return root
