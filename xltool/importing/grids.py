"""Any source as rows of cells: the neutral shape the forms are found in.

Cells hidden under a merge are absent; the merged cell says how far it reaches. Lines of text outside
tables are rows of one cell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from xltool.machine import why
from xltool.model import Place, XltoolError
from xltool.package import Unreadable, read_file

# A form has some dozens of rows; what lies far beyond is formatting, not filing.
MAX_ROWS, MAX_COLUMNS = 5_000, 256


class NotImportable(XltoolError):
    """A file of a kind that can't be imported, with the way out in Chinese."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its text as written, its first column (from 0), its width, its place."""

    text: str
    column: int
    place: Place
    width: int = 1

    @property
    def blank(self) -> bool:
        return not self.text.strip()

    @property
    def end(self) -> int:
        return self.column + self.width


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `table` numbers the source's tables (0 = a line of text outside them), `page` its sheets.

    `loose`: columns were guessed from running text, so a row may be shifted against the one above.
    """

    cells: tuple[Cell, ...]
    table: int = 0
    loose: bool = False
    page: str = ""

    @property
    def filled(self) -> list[Cell]:
        return [cell for cell in self.cells if not cell.blank]


# Kinds that are told apart in order to say the way out.
_NOT_READ = {b"%PDF": "PDF", b"{\\rtf": "RTF 文档", b"MIME-Version": "单个文件网页（.mht）"}


def read_rows(path: Path) -> list[Row]:
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


def _office(path: Path, data: bytes) -> list[Row]:
    from xltool.package import Package, Unreadable

    try:
        package = Package(data)  # refuses bombs and damage before anything is parsed
        for part in package.names():
            if part.endswith((".xml", ".rels")) and b"<!DOCTYPE" in package.read(part):
                raise Unreadable("文件含有 DTD 或实体声明，不予打开")
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


def _sound(reader: Callable[[bytes], list[Row]], path: Path, data: bytes, what: str) -> list[Row]:
    """What a library reads; damage that it trips over, in whatever way, is a damaged file."""
    try:
        return reader(data)
    except Exception as error:
        raise NotImportable(f"{path.name}：不是完好的 {what}（{type(error).__name__}）") from error


def place_in_table(name: str, row: int, cell: int) -> Place:
    """`表1` and `第3行第2格`, counted from 1 as a reader counts."""
    return Place(name, f"第{row}行第{cell}格")
