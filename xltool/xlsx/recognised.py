"""What a file is that is no .xlsx, by its first bytes or its parts:
the words for the one who sent it."""

from __future__ import annotations

from collections.abc import Collection

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_WORD = "WordDocument".encode("utf-16-le")
_SAVE_AS = "请在 Excel 或 WPS 里另存为 .xlsx 再报"
# So far into a file a mark is looked for.
_HEAD = 4096
# What stands at the beginning of files of other kinds.
_BEGINNINGS = {
    b"%PDF": f"这是 PDF，不是工作簿，{_SAVE_AS}",
    b"{\\rtf": "这是 RTF 文档，不是工作簿，请用发下的模板填写",
    b"MIME-Version": f"这是单个文件网页（.mht），不是工作簿，{_SAVE_AS}",
    b"Rar!": "这是 .rar 压缩包，不是工作簿，请解开后再报",
    b"7z\xbc\xaf": "这是 .7z 压缩包，不是工作簿，请解开后再报",
    b"\x89PNG": "这是图片，不是工作簿，请报填好的工作簿",
    b"\xff\xd8\xff": "这是图片，不是工作簿，请报填好的工作簿",
}
# What document protection puts around a file: only the machines of the unit can read it.
_PROTECTED = (b"%TSD-Header", b"E-SafeNet", b"\x62\x14\x23\x65", b"LOCKSAFE")
# Parts by which packages of other kinds are told.
_PARTS = {
    "xl/workbook.bin": f"这是 .xlsb 格式（改了扩展名也还是），{_SAVE_AS}",
    "word/document.xml": "这是 Word 文档，不是工作簿；以往的申报可以用 xltool import 导入",
    "ppt/presentation.xml": "这是演示文稿，不是工作簿",
    "content.xml": f"这是 .ods 等开放文档格式，{_SAVE_AS}",
}
NO_WORKBOOK = "不是 Excel 工作簿（.xlsx）"


def by_bytes(data: bytes) -> str:
    """Why a file that does not begin as a zip is no .xlsx."""
    head = data[:_HEAD]
    if head.startswith(_OLE):
        if _ENCRYPTED in data:
            return (
                "文件有打开密码（已加密），请去掉密码后再交；打开时不问密码的，"
                "是程序用默认密码加了密，请另存为不加密的 .xlsx"
            )
        if _WORD in data:
            return "这是旧的 Word 文档（.doc），不是工作簿"
        return "这是旧的 .xls 格式，请在 Excel 或 WPS 里另存为 .xlsx"
    if any(mark in head for mark in _PROTECTED):
        return "文件被单位的文档加密软件加了密，在别的电脑上打不开，请在加密软件里解密后再交"
    for mark, reason in _BEGINNINGS.items():
        if head.lstrip().startswith(mark):
            return reason
    lowered = head.lower()
    if any(mark in lowered for mark in (b"<html", b"<!doctype html", b"<table")):
        return f"内容是网页，不是工作簿，{_SAVE_AS}"
    if b"PK\3\4" in data[: 2**20]:
        at = data.index(b"PK\3\4")
        return f"文件开头多了 {at:,} 字节别的内容（多半是下载或传输出了错），请重新另存、重新传送"
    return NO_WORKBOOK


def by_parts(names: Collection[str]) -> str:
    """What a package without a workbook is; empty where nobody knows."""
    return next((reason for part, reason in _PARTS.items() if part in names), "")
