"""`macros/` (text) → `xltool.xlam`: the VBA project, the ribbon and one sheet with the messages.

Needs pyOpenVBA, so only whoever changes the macros needs it; the wheel carries the built file.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from xltool.errors import XltoolError
from xltool.files.atomic import writing

_RIBBON_PART = "customUI/customUI14.xml"
_RIBBON_TYPE = "http://schemas.microsoft.com/office/2007/relationships/ui/extensibility"
_SHEET_PART = "xl/worksheets/sheet1.xml"
_RELS = "_rels/.rels"
_TYPES = "[Content_Types].xml"


def build(macros: Path, out: Path) -> Path:
    """Make the add-in from the texts in `macros` and write it to `out`.

    The same texts give the same bytes on every system: parts are stored uncompressed, in order of
    name, without a date. Raises XltoolError where a text is missing or not ASCII.
    """
    addin = _package(parts(macros))
    with writing(out, "wb") as file:
        file.write(addin)
    return out


def parts(macros: Path) -> dict[str, bytes]:
    """Every part of the add-in's package by name."""
    modules = {path.stem: _module(path) for path in sorted(macros.glob("*.bas"))}
    if not modules or not (macros / "ribbon.xml").is_file():
        raise XltoolError(f"{macros} 里没有宏的文本（*.bas、ribbon.xml）")
    contents = _blank_addin(modules)
    messages = (macros / "messages.txt").read_text("utf-8").splitlines()
    contents[_SHEET_PART] = _with_messages(contents[_SHEET_PART].decode(), messages)
    contents[_RIBBON_PART] = (macros / "ribbon.xml").read_bytes().replace(b"\r\n", b"\n")
    rels = contents[_RELS].decode()
    ribbon = f'<Relationship Id="rIdRibbon" Type="{_RIBBON_TYPE}" Target="{_RIBBON_PART}"/></Relationships>'
    contents[_RELS] = (
        _without(rels, "docProps/", "Relationship").replace("</Relationships>", ribbon).encode()
    )
    contents[_TYPES] = _without(contents[_TYPES].decode(), "/docProps/", "Override").encode()
    return {name: data for name, data in contents.items() if not name.startswith("docProps/")}


def _module(path: Path) -> str:
    try:
        text = path.read_bytes().decode("ascii")
    except UnicodeDecodeError as error:
        raise XltoolError(f"{path}：VBA 只能用 ASCII 字符：{error}") from error
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def _blank_addin(modules: Mapping[str, str]) -> dict[str, bytes]:
    try:
        from pyopenvba import ExcelFile
    except ImportError as error:
        raise XltoolError("生成加载项需要 pyOpenVBA：pip install xltool[addin]") from error
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "blank.xlam"
        with ExcelFile.create_new(file) as book:
            project = book.vba_project()
            project.delete_module("Module1")
            for name, text in modules.items():
                project.add_module(name, text)
            book.save()
        with zipfile.ZipFile(file) as package:
            return {name: package.read(name) for name in package.namelist()}


def _with_messages(sheet: str, messages: list[str]) -> bytes:
    """The VBA is ASCII, so what it says in Chinese stands in column A of the add-in's own sheet."""
    rows = "".join(
        f'<row r="{number}"><c r="A{number}" t="inlineStr"><is><t>{escape(line)}</t></is></c></row>'
        for number, line in enumerate(messages, 1)
    )
    return sheet.replace("<sheetData/>", f"<sheetData>{rows}</sheetData>").encode()


def _without(xml: str, target: str, element: str) -> str:
    """The blank add-in's author is nobody's business: its document properties go."""
    pieces = xml.split(f"<{element} ")
    remaining = [piece for piece in pieces[1:] if f'"{target}' not in piece.partition("/>")[0]]
    dropped = [piece.partition("/>")[2] for piece in pieces[1:] if piece not in remaining]
    return f"<{element} ".join([pieces[0], *remaining]) + "".join(dropped)


def _package(contents: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as package:
        for name in sorted(contents):
            package.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), contents[name])
    return buffer.getvalue()
