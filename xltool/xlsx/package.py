"""Opening a received workbook, in one place and guarded: nothing inside it is trusted or followed.

Limits on size, number of parts, unpacked bytes and XML depth; no DTD, no entities; an encrypted
file is told apart from a damaged one. What is refused raises `Unreadable` with a Chinese reason.
"""

from __future__ import annotations

import io
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from xml.parsers import expat

from xltool.xlsx.zip_container import split

if TYPE_CHECKING:
    import zipfile

MAX_FILE = 50 * 2**20
MAX_PARTS = 2_000
MAX_UNPACKED = 200 * 2**20
MAX_PART = 64 * 2**20
_PIECE = 2**20
MAX_DEPTH = 60
# A form has some hundred cells; a workbook of working sheets beside it some ten thousand.
MAX_CELLS = 300_000
MAX_SHEETS = 1_000

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


class Unreadable(Exception):
    """A received file that can't be opened: the reason, in Chinese, for the one who sent it."""


class Package:
    """The parts of an .xlsx by name, inflated when asked for, within the limits."""

    def __init__(self, data: bytes, most: int | None = None) -> None:
        most = most or MAX_UNPACKED
        if len(data) > MAX_FILE:
            raise Unreadable(f"文件过大（{len(data) / 2**20:.0f} MB，上限 {MAX_FILE // 2**20} MB）")
        if not data:
            raise Unreadable("文件是空的（0 字节）")
        if data[:8] == _OLE:
            raise Unreadable(
                "文件有打开密码（已加密），请去掉密码后再交"
                if _ENCRYPTED in data
                else "这是旧的 .xls 格式，请在 Excel 或 WPS 里另存为 .xlsx"
            )
        if data[:2] != b"PK":
            raise Unreadable("不是 Excel 工作簿（.xlsx）")
        import zipfile  # late: our own packages, and so most starts, never need it

        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
            raise Unreadable("文件已损坏，打不开（压缩包不完整）") from error
        entries = self._zip.infolist()
        if len(entries) > MAX_PARTS:
            raise Unreadable(f"文件内部件过多（{len(entries)} 个，上限 {MAX_PARTS}）")
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            if entry.filename in self._entries:
                raise Unreadable(f"文件已损坏：部件重名（{entry.filename[:60]}）")
            self._entries[entry.filename] = entry
        if sum(e.file_size for e in entries) > most:
            raise Unreadable(f"文件展开后过大（上限 {most // 2**20} MB），疑为压缩炸弹")
        if "[Content_Types].xml" not in self._entries:
            raise Unreadable("不是 Excel 工作簿（.xlsx）")

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def names(self) -> list[str]:
        """All part names, in the order of the file."""
        return list(self._entries)

    def read(self, name: str) -> bytes:
        """One part's bytes. Never more than the limit, whatever its header claims."""
        return b"".join(self.stream(name, MAX_PART))

    def stream(self, name: str, most: int) -> Iterator[bytes]:
        """One part's bytes in pieces; at the latest at their end Unreadable is raised if it is not sound."""
        entry = self._entries.get(name)
        if entry is None:
            raise Unreadable(f"文件已损坏：缺少部件 {name[:60]}")
        if entry.flag_bits & 1:
            raise Unreadable("文件有打开密码（已加密），请去掉密码后再交")
        if entry.file_size > most:
            raise Unreadable(f"文件展开后过大（{name[:60]}），疑为压缩炸弹")
        import zipfile

        try:
            with self._zip.open(entry) as stream:
                while piece := stream.read(_PIECE):
                    if (most := most - len(piece)) < 0:
                        raise Unreadable(f"文件展开后过大（{name[:60]}），疑为压缩炸弹")
                    yield piece
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
            RuntimeError,
            ValueError,  # an offset before the file
            NotImplementedError,
        ) as error:
            raise Unreadable(f"文件已损坏，读不出部件 {name[:60]}") from error


class Parts(Protocol):
    """Parts of a package by name."""

    def __contains__(self, name: str) -> bool: ...

    def read(self, name: str) -> bytes: ...


class Unpacked(dict[str, bytes]):
    """Parts that are already inflated."""

    def read(self, name: str) -> bytes:
        try:
            return self[name]
        except KeyError:
            raise Unreadable(f"文件已损坏：缺少部件 {name[:60]}") from None


def open_parts(data: bytes) -> Parts:
    """The parts of a package: quickly where it is spelled as we write it, the long way otherwise."""
    if len(data) <= MAX_FILE:
        try:
            parts = Unpacked(split(data, MAX_PART))
        except ValueError:
            parts = Unpacked()
        if 0 < len(parts) <= MAX_PARTS:
            return parts
    return Package(data)


def open_package(path: str | Path) -> Package:
    """The package in this file. Raises Unreadable for what is no sound .xlsx, OSError for the machine."""
    return Package(read_file(path))


def read_file(path: str | Path) -> bytes:
    """The bytes of a received file, within the limit. Raises Unreadable, OSError."""
    path = Path(path)
    about = path.stat()
    if stat.S_ISFIFO(about.st_mode) or stat.S_ISCHR(about.st_mode) or stat.S_ISSOCK(about.st_mode):
        raise Unreadable("不是普通文件（管道或设备），不予打开")
    size = about.st_size
    if size > MAX_FILE:
        raise Unreadable(f"文件过大（{size / 2**20:.0f} MB，上限 {MAX_FILE // 2**20} MB）")
    return path.read_bytes()


Start = Callable[[str, dict[str, str]], Any]
End = Callable[[str], Any]
Text = Callable[[str], Any]


def utf8(data: bytes) -> bytes:
    """An XML part as UTF-8, the other encoding that a workbook may have being UTF-16."""
    if data.startswith(b"\xef\xbb\xbf"):
        return data[3:]
    if data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return data
    try:
        return data.decode("utf-16").encode()
    except UnicodeError as error:
        raise Unreadable("文件已损坏：XML 的文字编码有错") from error


def parse_xml(data: bytes, start: Start, end: End | None = None, text: Text | None = None) -> None:
    """Walk one XML part; element names come without prefix. No DTD, no entities, bounded depth."""
    for _ in walk_xml((utf8(data),), start, end, text):
        pass


def walk_xml(
    pieces: Iterable[bytes], start: Start, end: End | None = None, text: Text | None = None
) -> Iterator[None]:
    """`parse_xml` of a part that comes in pieces (in UTF-8): one step for each."""
    parser = expat.ParserCreate("utf-8")  # whatever the part claims
    depth = 0

    def opened(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise Unreadable("文件已损坏：XML 嵌套过深")
        start(name.rpartition(":")[2] if ":" in name else name, attributes)

    def closed(name: str) -> None:
        nonlocal depth
        depth -= 1
        if end is not None:
            end(name.rpartition(":")[2] if ":" in name else name)

    def refused(*_: object) -> None:
        raise Unreadable("文件含有 DTD 或实体声明，不予打开")

    parser.buffer_text = True
    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    if text is not None:
        parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refused
    parser.EntityDeclHandler = refused
    try:
        for piece in pieces:
            parser.Parse(piece, False)
            yield
        parser.Parse(b"", True)
        yield
    except expat.ExpatError as error:
        raise Unreadable(f"文件已损坏：XML 有错（第 {error.lineno} 行）") from error
