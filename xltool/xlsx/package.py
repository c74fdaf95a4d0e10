"""Opening a received workbook, in one place and guarded: nothing inside it is trusted or followed.

Limits on size, number of parts, unpacked bytes and XML depth; no DTD, no entities; an encrypted
file is told apart from a damaged one. What is refused raises `Unreadable` with a Chinese reason.
"""

from __future__ import annotations

import codecs
import io
import itertools
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from xml.parsers import expat

from xltool.xlsx.open_xml import (
    BOTH_MAIN,
    BOTH_RELATIONSHIPS,
    CUSTOM_PROPERTIES,
    MAIN,
    OPEN_XML,
    PACKAGE_RELATIONSHIPS,
    STRICT,
    VALUE_TYPES,
)
from xltool.xlsx.recognised import NO_WORKBOOK, by_bytes, by_parts
from xltool.xlsx.zip_container import split

if TYPE_CHECKING:
    import zipfile

MAX_FILE = 50 * 2**20
MAX_PARTS = 2_000
MAX_UNPACKED = 200 * 2**20
MAX_PART = 64 * 2**20
_PIECE = 2**20
# A sheet of more is walked through as it is unpacked; the other parts have no reason to be so
# large.
LARGE_PART = 8 * 2**20
MAX_SMALL = 24 * 2**20
MAX_STREAMED = 100 * 2**20
MAX_DEPTH = 60
# Elements of one part: a sheet with a million empty rows below the form has as many.
MAX_ELEMENTS = 3_000_000
# A form has some hundred cells; a workbook of working sheets beside it some ten thousand.
MAX_CELLS = 300_000
MAX_SHEETS = 1_000


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
        if data[:2] != b"PK":
            raise Unreadable(by_bytes(data))
        import zipfile  # late: our own packages, and so most starts, never need it

        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
            raise Unreadable("文件已损坏，打不开（压缩包不完整）") from error
        entries = self._zip.infolist()
        if len(entries) > MAX_PARTS:
            raise Unreadable(f"文件内部件过多（{len(entries)} 个，上限 {MAX_PARTS}）")
        self._entries: dict[str, zipfile.ZipInfo] = {}
        self._loose = False
        for entry in entries:
            name = part_name(entry.filename)
            if name in self._entries:
                raise Unreadable(f"文件已损坏：部件重名（{name[:60]}）")
            self._entries[name] = entry
        self._folded = {name.casefold(): name for name in reversed(self._entries)}
        if sum(entry.file_size for entry in entries) > most:
            raise Unreadable(f"文件展开后过大（上限 {most // 2**20} MB），疑为压缩炸弹")
        if "[Content_Types].xml" not in self._entries:
            raise Unreadable(by_parts(self._entries) or NO_WORKBOOK)

    def __contains__(self, name: str) -> bool:
        return name in self._entries or name.casefold() in self._folded

    def loosen(self) -> None:
        """From here on a part of the strict format is read as one of the usual format."""
        self._loose = True

    def names(self) -> list[str]:
        """All part names, in the order of the file."""
        return list(self._entries)

    def read(self, name: str) -> bytes:
        """One part's bytes. Never more than the limit, whatever its header claims."""
        data = b"".join(self.stream(name, MAX_PART))
        return usual(data) if self._loose and name.endswith((".xml", ".rels")) else data

    def size(self, name: str) -> int:
        """How many bytes a part claims to have; 0 where there is none."""
        entry = self._entry(name)
        return entry.file_size if entry else 0

    def _entry(self, name: str) -> zipfile.ZipInfo | None:
        """A part's entry: names differ by more than the case of their letters."""
        return self._entries.get(name) or self._entries.get(self._folded.get(name.casefold(), ""))

    def pieces(self, name: str, most: int) -> Iterator[bytes]:
        """A part of XML in UTF-8, piece by piece."""
        pieces = self.stream(name, most)
        first = next(pieces, b"")
        whole = itertools.chain([first.removeprefix(codecs.BOM_UTF8)], pieces)
        if not first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            yield from whole
            return
        try:
            for text in codecs.iterdecode(whole, "utf-16"):
                yield text.encode()
        except UnicodeError as error:
            raise Unreadable("文件已损坏：XML 的文字编码有错") from error

    def stream(self, name: str, most: int) -> Iterator[bytes]:
        """One part's bytes in pieces;
        at the latest at their end Unreadable is raised if it is not sound."""
        entry = self._entry(name)
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


def part_name(name: str) -> str:
    """A part's name as relations write it, whatever the program that packed it made of it."""
    name = name.replace("\\", "/").lstrip("/")
    if "%" not in name:
        return name
    from urllib.parse import unquote  # late: hardly any file needs it

    return unquote(name)


def resolve(folder: str, target: str) -> str:
    """The name of the part that a relation in a folder leads to."""
    if target.startswith(("/", "\\")):
        return part_name(target)
    parts = folder.split("/") if folder else []
    for step in part_name(target).split("/"):
        if step == "..":
            parts = parts[:-1]
        elif step != ".":
            parts.append(step)
    return "/".join(parts)


def usual(data: bytes) -> bytes:
    """A part of the strict format in the words of the usual one."""
    if STRICT.encode() not in data:
        return data
    for strict, plain in _USUAL.items():
        data = data.replace(strict.encode(), plain.encode())
    return data.replace(b' conformance="strict"', b"")


class Parts(Protocol):
    """Parts of a package by name."""

    def __contains__(self, name: str) -> bool: ...

    def names(self) -> list[str]: ...

    def read(self, name: str) -> bytes: ...


class Unpacked(dict[str, bytes]):
    """Parts that are already inflated."""

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and self._named(name) != "")

    def read(self, name: str) -> bytes:
        """A part's bytes, by its name in whatever case. Raises Unreadable where there is none."""
        try:
            return self[name] if super().__contains__(name) else self[self._named(name)]
        except KeyError:
            raise Unreadable(f"文件已损坏：缺少部件 {name[:60]}") from None

    def names(self) -> list[str]:
        """All part names."""
        return list(self)

    def _named(self, name: str) -> str:
        """The part whose name differs by the case of its letters only."""
        folded = name.casefold()
        return next((part for part in self if part.casefold() == folded), "")


def open_parts(data: bytes) -> Parts:
    """The parts of a package: quickly where it is spelled as we write it,
    the long way otherwise."""
    if len(data) <= MAX_FILE:
        try:
            parts = Unpacked(split(data, 2 * LARGE_PART))
        except ValueError:
            parts = Unpacked()
        plain = not any("\\" in name or "%" in name or name[0] == "/" for name in parts)
        if plain and len(parts) <= MAX_PARTS and "[Content_Types].xml" in parts:
            return parts
    return Package(data)


def open_package(path: str | Path) -> Package:
    """The package in this file. Raises Unreadable for what is no sound .xlsx,
    OSError for the machine."""
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


def parse_xml(
    data: bytes,
    start: Start,
    end: End | None = None,
    text: Text | None = None,
    foreign: Callable[[], Any] | None = None,
) -> None:
    """Walk one XML part as Excel reads it: elements of the workbook's namespaces, by their bare
    names; of an attribute with a prefix the name is `namespace name`. No DTD, no entities, bounded
    depth.

    `foreign` is called where an element of another namespace stands that is not declared ignorable.
    """
    for _ in walk_xml((utf8(data),), start, end, text, foreign):
        pass


def walk_xml(
    pieces: Iterable[bytes],
    start: Start,
    end: End | None = None,
    text: Text | None = None,
    foreign: Callable[[], Any] | None = None,
) -> Iterator[None]:
    """`parse_xml` of a part that comes in pieces (in UTF-8): one step for each."""
    parser = expat.ParserCreate("utf-8", _APART)  # whatever encoding the part claims
    walk = _Walk(start, end, foreign)
    parser.buffer_text = True
    parser.StartElementHandler = walk.opened
    parser.EndElementHandler = walk.closed
    parser.StartNamespaceDeclHandler = walk.declared
    if text is not None:
        take_text = text
        parser.CharacterDataHandler = lambda data: None if walk.skipped else take_text(data)
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = _refused
    try:
        for piece in pieces:
            parser.Parse(piece, False)
            yield
        parser.Parse(b"", True)
        yield
    except expat.ExpatError as error:
        raise Unreadable(f"文件已损坏：XML 有错（第 {error.lineno} 行）") from error


def _refused(*_: object) -> None:
    raise Unreadable("文件含有 DTD 或实体声明，不予打开")


_APART = " "  # between namespace and name; no namespace can hold a space
_MICROSOFT = "http://schemas.microsoft.com/office/"
_READ = frozenset(
    {
        *BOTH_MAIN,
        PACKAGE_RELATIONSHIPS,
        CUSTOM_PROPERTIES,
        VALUE_TYPES,
        f"{STRICT}officeDocument/customProperties",
        f"{STRICT}officeDocument/docPropsVTypes",
    }
)
# Longer ones first: the others are their beginnings.
_USUAL = {
    f"{STRICT}spreadsheetml/main": MAIN,
    f"{STRICT}drawingml/": f"{OPEN_XML}drawingml/2006/",
    f"{STRICT}officeDocument/customProperties": CUSTOM_PROPERTIES,
    f"{STRICT}officeDocument/extendedProperties": f"{OPEN_XML}officeDocument/2006/extended-properties",
    f"{STRICT}officeDocument/": f"{OPEN_XML}officeDocument/2006/",
}
_COMPATIBILITY = f"{OPEN_XML}markup-compatibility/2006"
# What today's Excel takes of `mc:Choice`.
_UNDERSTOOD = _READ | {
    *BOTH_RELATIONSHIPS,
    *(
        f"{_MICROSOFT}{name}"
        for name in (
            "spreadsheetml/2009/9/main", "spreadsheetml/2009/9/ac", "spreadsheetml/2010/11/main",
            "spreadsheetml/2010/11/ac", "spreadsheetml/2014/revision", "spreadsheetml/2015/revision2",
            "spreadsheetml/2016/revision3", "spreadsheetml/2016/revision6", "spreadsheetml/2016/revision10",
            "drawing/2010/main", "drawing/2010/slicer", "drawing/2012/timeslicer", "drawing/2014/main",
        )
    ),
}  # fmt: skip


_IGNORABLE = f"{_COMPATIBILITY}{_APART}Ignorable"


class _LocalNames(dict[str, str]):
    """The bare name of an element that is read, empty for any other; remembered."""

    def __missing__(self, name: str) -> str:
        space, _, local = name.rpartition(_APART)
        read_name = local if space in _READ and local != "extLst" else ""
        if len(self) < 5000:
            self[name] = read_name
        return read_name


_LOCAL = _LocalNames()


class _Walk:
    """What of a part Excel would read:
    the elements it knows, of several choices the first it understands.

    Extensions (`extLst`) and elements of other namespaces are passed over with all in them;
    `foreign` is told of the latter where the part does not declare them ignorable.
    """

    def __init__(self, start: Start, end: End | None, foreign: Callable[[], Any] | None) -> None:
        self.start, self.end, self.foreign = start, end, foreign
        self.skipped = self.depth = 0  # elements open that are passed over; all
        self.count = 0
        self._prefixes: dict[str, str] = {}
        self._ignorable: set[str] = set()
        self._taken: list[bool] = []  # of each AlternateContent that is open: one was taken
        self._choices = False  # the part knows of choices at all

    def declared(self, prefix: str | None, space: str | None) -> None:
        self._prefixes[prefix or ""] = space or ""
        self._choices |= space == _COMPATIBILITY

    def opened(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.count += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable("文件已损坏：XML 嵌套过深")
        if self.count > MAX_ELEMENTS:
            raise Unreadable("内容过多，请只留申报表，删去表下面和右边的空行空列后再保存")
        if self.skipped:
            self.skipped += 1
            return
        if self._choices and (ignorable := attributes.get(_IGNORABLE)):
            self._ignorable |= self._spaces(ignorable)
        local = _LOCAL[name]
        if local:
            self.start(local, attributes)
            return
        space, _, local = name.rpartition(_APART)
        if space != _COMPATIBILITY or not self._chosen(local, attributes):
            self.skipped = 1
            if self.foreign is not None and space not in self._ignorable and space not in _READ:
                self.foreign()

    def _chosen(self, local: str, attributes: dict[str, str]) -> bool:
        """Whether Excel looks into this element of a choice."""
        if local == "AlternateContent":
            self._taken.append(False)
            if self.foreign is not None:
                self.foreign()  # no program writes one there
            return True
        if local not in ("Choice", "Fallback") or not self._taken or self._taken[-1]:
            return False
        if local == "Choice" and not self._spaces(attributes.get("Requires", "?")) <= _UNDERSTOOD:
            return False
        self._taken[-1] = True
        return True

    def _spaces(self, prefixes: str) -> set[str]:
        return {self._prefixes.get(prefix, prefix) for prefix in prefixes.split()}

    def closed(self, name: str) -> None:
        self.depth -= 1
        if self.skipped:
            self.skipped -= 1
        elif local := _LOCAL[name]:
            if self.end is not None:
                self.end(local)
        elif name.endswith("AlternateContent"):
            self._taken.pop()


def relationship_id(attributes: dict[str, str]) -> str:
    """The `r:id` of an element, however its namespace is called."""
    for space in BOTH_RELATIONSHIPS:
        if id_ := attributes.get(f"{space}{_APART}id"):
            return id_
    return ""
