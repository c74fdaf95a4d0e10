"""Any source as rows of cells: what a file is decides its content, each kind has its reader."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from xltool.errors import why
from xltool.importing.rows import MAX_COLUMNS, MAX_ROWS, FormRow, NotImportable
from xltool.xlsx.package import MAX_CELLS, Unreadable, read_file, utf8

# Kinds that are told apart in order to say the way out.
_NOT_READ = {b"%PDF": "PDF", b"{\\rtf": "RTF 文档", b"MIME-Version": "单个文件网页（.mht）"}


def read_rows(path: Path) -> list[FormRow]:
    """The rows of a .docx, .xlsx, .xls, web page or text, in reading order.

    What a file is decides its content, not its ending: a web page saved as .xls is common.
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
    head = data[:4096]
    if head.startswith(b"PK"):
        return _office(path, data)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise NotImportable(f"{path.name}：文件有打开密码（已加密），请去掉密码后再导入")
        if "WordDocument".encode("utf-16-le") in data:
            raise NotImportable(
                f"{path.name}：是旧版 Word 文档（.doc），请在 Word 或 WPS 中另存为 .docx 再导入"
            )
        from xltool.importing.workbooks import read_xls

        return _sound(read_xls, path, data, ".xls 工作簿")
    for mark, what in _NOT_READ.items():
        if head.lstrip().startswith(mark):
            raise NotImportable(f"{path.name}：是 {what}，请先在 Word 或 WPS 中另存为 .docx 再导入")
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NotImportable(f"{path.name}：不是能导入的文件（.docx、.xlsx、.xls、网页、文本）")
    lowered = head.lower()
    if any(mark in lowered for mark in (b"<html", b"<!doctype html", b"<table", b"<body")):
        from xltool.importing.webpages import read_html

        return read_html(data)
    from xltool.importing.text import read_text

    return read_text(data)


def _office(path: Path, data: bytes) -> list[FormRow]:
    from xltool.xlsx.package import Package

    try:
        package = Package(data)  # refuses bombs and damage before anything is parsed
        for part in package.names():
            if part.lower().endswith((".xml", ".rels")):
                _bounded(utf8(package.read(part)))
    except Unreadable as error:
        raise NotImportable(f"{path.name}：{error}") from error
    if "word/document.xml" in package:
        from xltool.importing.word import read_docx

        return _sound(read_docx, path, data, "Word 文档")
    custom = "docProps/custom.xml"
    if custom in package and b'"xltool.databook"' in package.read(custom):
        raise NotImportable(f"{path.name}：已经是数据表，不用导入")
    if "xl/workbook.xml" in package:
        from xltool.importing.workbooks import read_xlsx

        return _sound(read_xlsx, path, data, "工作簿")
    raise NotImportable(f"{path.name}：压缩包里不是 Word 或 Excel 文档")


_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^<>]*?ref=[\"']([^\"']*)")


def _bounded(part: bytes) -> None:
    """Refuses what a library would follow to the end: entities, and cells or merges without number."""
    from xltool.xlsx.references import read_area

    if b"<!DOCTYPE" in part:
        raise Unreadable("文件含有 DTD 或实体声明，不予打开")
    if sum(map(part.count, (b"<c ", b"<c>", b":c ", b":c>", b":tc>"))) > MAX_CELLS:
        raise Unreadable(f"单元格过多（上限 {MAX_CELLS:,} 格），请只留申报表")
    areas = [read_area(ref.decode("ascii", "replace")) for ref in _MERGED.findall(part)]
    if (
        sum((a.bottom - a.top + 1) * (a.right - a.left + 1) for a in areas if a)
        > MAX_ROWS * MAX_COLUMNS
    ):
        raise Unreadable("合并单元格过大")


def _sound(
    reader: Callable[[bytes], list[FormRow]], path: Path, data: bytes, what: str
) -> list[FormRow]:
    """What a library reads; damage that it trips over, in whatever way, is a damaged file."""
    try:
        return reader(data)
    except Exception as error:
        raise NotImportable(f"{path.name}：不是完好的 {what}（{type(error).__name__}）") from error
