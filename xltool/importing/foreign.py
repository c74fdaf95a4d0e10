"""Documents of other and older programs
(.doc, .wps, .rtf, .odt, .ods) made .docx or .xlsx by LibreOffice."""

from __future__ import annotations

import tempfile
from pathlib import Path

from xltool.files.libreoffice import find_program, run_office
from xltool.importing.rows import NotImportable

_SECONDS = 120.0
_MADE = {".ods": "xlsx:Calc MS Excel 2007 XML", ".xls": "xlsx:Calc MS Excel 2007 XML"}
_WORD = "docx:MS Word 2007 XML"
_NAMES = {
    ".doc": "旧版 Word 或 WPS 文档（.doc、.wps）",
    ".rtf": "RTF 文档",
    ".odt": "OpenDocument 文档（.odt）",
    ".ods": "OpenDocument 表格（.ods）",
    ".xls": "XML 表格",
}


def converted(data: bytes, suffix: str) -> bytes:
    """The document as .docx or .xlsx.
    Raises NotImportable, with the way out, where that can't be done."""
    to = _MADE.get(suffix, _WORD)
    ending = f".{to.partition(':')[0]}"
    program = find_program()
    if program is None:
        raise NotImportable(
            f"是{_NAMES[suffix]}，要靠 LibreOffice 打开，这台机器上没有；"
            f"请装上 LibreOffice，或在 Word、WPS、Excel 中另存为 {ending} 再导入"
        )
    with tempfile.TemporaryDirectory(prefix="xltool-import-", ignore_cleanup_errors=True) as name:
        source = Path(name) / f"document{suffix}"
        source.write_bytes(data)
        output = run_office(program, [source], Path(name) / "made", to, _SECONDS)
        document = Path(name) / "made" / f"document{ending}"
        if not document.is_file():
            raise NotImportable(
                f"是{_NAMES[suffix]}，LibreOffice 打不开（{output or '没有说明原因'}）"
            )
        return document.read_bytes()
