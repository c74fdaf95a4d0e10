"""Any source as rows of cells: what a file is decides its content, each kind has its reader."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

from xltool.errors import why
from xltool.importing.rows import MAX_COLUMNS, MAX_ROWS, SCANNED, FormRow, NotImportable
from xltool.xlsx.package import (
    MAX_CELLS,
    MAX_PARTS,
    MAX_UNPACKED,
    Unreadable,
    read_file,
    utf8,
)

_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF")
_OPEN_DOCUMENT = {
    b"application/vnd.oasis.opendocument.text": ".odt",
    b"application/vnd.oasis.opendocument.spreadsheet": ".ods",
}


ALREADY = "已经是数据表，不用导入"
MAX_XML = 24 * 2**20  # bytes of XML in one document


def read_rows(path: Path) -> list[FormRow]:
    """The rows of a document, workbook, PDF, web page or text, in reading order.

    What a file is decides its content, not its ending: a web page saved as .xls is common. Old and
    foreign documents are turned into .docx or .xlsx by LibreOffice, where there is one.
    Raises NotImportable, with the way out, for anything else.
    """
    try:
        data = read_file(path)
    except Unreadable as error:
        raise NotImportable(f"{path.name}：{error}") from error
    except OSError as error:
        raise NotImportable(f"{path}：打不开：{why(error)}") from error
    if not data.strip():
        raise NotImportable(f"{path.name}：文件是空的")
    try:
        return _rows_of(path, data)
    except NotImportable as error:
        reason = str(error)
        raise NotImportable(reason if path.name in reason else f"{path.name}：{reason}") from error


def _rows_of(path: Path, data: bytes) -> list[FormRow]:
    head = data[:4096]
    if head.startswith(b"PK"):
        return _zipped(path, data)
    if head.startswith(_OLD_OFFICE):
        return _old_office(path, data)
    if head.startswith(_PICTURES):
        raise NotImportable(f"是图片或扫描件，里面没有文字。{SCANNED}")
    if b"%PDF-" in head[:1024]:
        from xltool.importing.apart import in_own_process
        from xltool.importing.pdf import read_pdf

        return _sound(lambda whole: in_own_process(read_pdf, whole), path, data, "PDF")
    if head.lstrip().startswith(b"{\\rtf"):
        return _converted(path, data, ".rtf")
    if b'progid="Word.Document"' in head or b'progid="Excel.Sheet"' in head:
        return _converted(path, data, ".doc" if b"Word.Document" in head else ".xls")
    if head.lstrip()[:12].lower() == b"mime-version" or head.lstrip().startswith(b"From: <"):
        from xltool.importing.webpages import read_mht

        return read_mht(data)
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NotImportable("不是能导入的文件（Word、WPS、Excel 文档，PDF，网页，文本）")
    lowered = head.lower()
    if any(mark in lowered for mark in (b"<html", b"<!doctype html", b"<table", b"<body")):
        from xltool.importing.webpages import read_html

        return read_html(data)
    from xltool.importing.text import read_text

    return read_text(data)


def _old_office(path: Path, data: bytes) -> list[FormRow]:
    """A file of Word or Excel before 2007, or of WPS (.wps, .et are the same inside)."""
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise NotImportable("文件有打开密码（已加密），请去掉密码后再导入")
    if "WordDocument".encode("utf-16-le") in data:
        return _converted(path, data, ".doc")
    from xltool.importing.workbooks import read_xls

    return _sound(read_xls, path, data, ".xls 工作簿")


def _converted(path: Path, data: bytes, suffix: str) -> list[FormRow]:
    from xltool.importing.foreign import converted

    return _office(path, converted(data, suffix))


def _zipped(path: Path, data: bytes) -> list[FormRow]:
    """A document of Office since 2007, or an OpenDocument one, told by its first part."""
    kind = next((s for mark, s in _OPEN_DOCUMENT.items() if mark in data[:200]), "")
    if not kind:
        return _office(path, data)
    import zipfile

    try:
        parts = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        raise NotImportable("文件已损坏，打不开（压缩包不完整）") from error
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise NotImportable("文件展开后过大，疑为压缩炸弹")
    return _converted(path, data, kind)


def _office(path: Path, data: bytes) -> list[FormRow]:
    from xltool.xlsx.package import Package

    try:
        package = Package(data)  # refuses bombs and damage before anything is parsed
        parts = [name for name in package.names() if name.lower().endswith((".xml", ".rels"))]
        # A library takes up to ten times a part's bytes.
        if sum(map(package.size, parts)) > MAX_XML:
            raise Unreadable("内容过多，请只留申报表，删去表下面和右边的空行空列后再导入")
        left = MAX_CELLS
        for part in parts:
            left -= _bounded(utf8(package.read(part)), left)
    except Unreadable as error:
        raise NotImportable(f"{path.name}：{error}") from error
    if "word/document.xml" in package:
        from xltool.importing.word import read_docx

        return _sound(read_docx, path, data, "Word 文档")
    custom = "docProps/custom.xml"
    if custom in package and b'"xltool.databook"' in package.read(custom):
        raise NotImportable(f"{path.name}：{ALREADY}")
    if "xl/workbook.xml" in package:
        from xltool.importing.workbooks import read_xlsx

        return _sound(read_xlsx, path, data, "工作簿")
    raise NotImportable(f"{path.name}：压缩包里不是 Word 或 Excel 文档")


_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^<>]*?ref=[\"']([^\"']*)")


# Values, texts and formulas of a sheet, cells of a Word table, shared texts; blank cells say
# nothing.
_SAYING = (b"<v>", b"<v ", b"<is>", b"<f", b":v>", b":v ", b":is>", b":f>", b":tc>", b"<si>")


def _bounded(part: bytes, left: int) -> int:
    """How many cells that say something, and texts, a part has. Refuses what a library would follow
    to the end: entities, and cells or merges without number."""
    from xltool.xlsx.references import read_area

    if b"<!DOCTYPE" in part:
        raise Unreadable("文件含有 DTD 或实体声明，不予打开")
    cells = sum(map(part.count, _SAYING))
    if cells > left:
        raise Unreadable(
            f"单元格过多（上限 {MAX_CELLS:,} 格），请只留申报表，选中申报表以下的行删除后再保存"
        )
    areas = [read_area(ref.decode("ascii", "replace")) for ref in _MERGED.findall(part)]
    if (
        sum((area.bottom - area.top + 1) * (area.right - area.left + 1) for area in areas if area)
        > MAX_ROWS * MAX_COLUMNS
    ):
        raise Unreadable("合并单元格过大")
    return cells


def _sound(
    reader: Callable[[bytes], list[FormRow]], path: Path, data: bytes, kind: str
) -> list[FormRow]:
    """What a library reads; damage that it trips over, in whatever way, is a damaged file."""
    try:
        return reader(data)
    except NotImportable:
        raise
    except Unreadable as error:
        raise NotImportable(f"{path.name}：{error}") from error
    except Exception as error:
        raise NotImportable(f"{path.name}：不是完好的 {kind}（{type(error).__name__}）") from error
