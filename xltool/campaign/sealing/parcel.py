"""A district's parcel: its units' workbooks, the public key, a signed manifest,
a page of instruction.

Whoever passes a part of it on leaves what the issuer signed as it is, and says in a paper signed
with a key of its own which part that is and what it added.

The parcel is a zip with the same bytes for the same content. One that comes from outside is read
within limits, and nothing in it is taken for a path.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from xltool.campaign.sealing.seal import Seal
from xltool.campaign.units import Unit
from xltool.editions.declaration import Edition
from xltool.errors import XltoolError, why
from xltool.files.atomic import writing
from xltool.files.discover import FileKind, below, in_litter
from xltool.money import read_amount
from xltool.xlsx.package import MAX_FILE

MANIFEST, SIGNATURE, PUBLIC, INSTRUCTION = "清单.json", "清单.sig", "公钥.pem", "填报说明.html"
PAGE = "审核.html"  # the package in a web page, where the office sends one along
EDITION = ("版式/edition.toml", "版式/template.xlsx")
CONTEXT = b"xltool manifest 1\n"
FORWARDING, FORWARD_SIGNATURE, FORWARD_KEY = "转发.json", "转发.sig", "转发公钥.pem"
FORWARD_CONTEXT = b"xltool forwarding 1\n"
FORWARD_FILES = (FORWARDING, FORWARD_SIGNATURE, FORWARD_KEY)
MOST_FILES = 20_000
MOST_BYTES = 2**28  # of a whole parcel, unpacked
# Workbooks and zips are deflated already: what shrinks more than so, from so many bytes on, is a
# bomb.
MOST_SHRUNK, SHRUNK_FROM = 40, 4 * 2**20
_FIXED = (1980, 1, 1, 0, 0, 0)
MOST_PAPERS = 2**26  # bytes of a parcel's own papers, which are held in memory
Reader = Callable[[], bytes]
T = TypeVar("T")


class ListedUnit(msgspec.Struct, frozen=True):
    """One unit in a manifest, and the workbook made for it."""

    code: str
    name: str
    district: str
    superior: str
    contact: str
    prefilled: dict[str, str]
    last_year: dict[str, str]
    issue: int
    file: str
    sha256: str
    deadline: str = ""  # a last day of its own; empty in parcels of before

    @property
    def unit(self) -> Unit:
        return Unit(
            self.code,
            self.name,
            self.district,
            self.superior,
            self.contact,
            self.prefilled,
            self.last_year,
        )


class Manifest(msgspec.Struct, frozen=True):
    """What a parcel holds and which campaign it is of.
    It counts only with the issuer's signature.

    `as_of` is the issuer's ledger as it was (`Ledger.as_of`): it puts what two parcels say in order.
    """

    campaign: str
    title: str
    year: int
    edition: str
    layout: str
    district: str
    batch: int
    deadline: str
    issuer: str
    units: list[ListedUnit]
    files: dict[str, str]
    as_of: str = ""  # empty in parcels of before

    @property
    def order(self) -> tuple[str, int]:
        """Which of two manifests of one issuer was made later."""
        return self.as_of, self.batch


class Forwarding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a forwarder says of the part that it passes on:
    of which manifest (digest), which workbooks.

    What it adds, a nearer last day and files of its own by digest,
    holds only where its key is trusted; so does `as_of`, its own ledger as it was.
    """

    manifest: str
    by: str
    part: list[str]
    deadline: str = ""
    files: dict[str, str] = {}
    as_of: str = ""

    @property
    def adds(self) -> bool:
        return bool(self.deadline or self.files)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write_parcel(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a parcel; workbooks are compressed already. The same files give the same bytes."""
    with writing(path, "wb") as file, zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _FIXED)
            entry.create_system = (
                3  # the same on every system; 0 makes some unpackers misread UTF-8 names
            )
            entry.external_attr = 0o644 << 16
            entry.compress_type = (
                zipfile.ZIP_STORED if name.endswith(".xlsx") else zipfile.ZIP_DEFLATED
            )
            archive.writestr(entry, data)


def read_parcel(source: Path | bytes) -> dict[str, bytes]:
    """The files of a parcel by name. Raises XltoolError where it is no sound zip or too large."""
    with _unzipped(source) as readers:
        return {name: read() for name, read in readers.items()}


@contextmanager
def _unzipped(source: Path | bytes) -> Iterator[dict[str, Reader]]:
    """How to read each file of a zip, as long as it is open;
    its sizes are added up before one is inflated."""
    try:
        with zipfile.ZipFile(
            io.BytesIO(source) if isinstance(source, bytes) else source
        ) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > MOST_FILES:
                raise XltoolError(f"压缩包里的文件过多（{len(entries)} 个）")
            if sum(entry.file_size for entry in entries) > MOST_BYTES:
                raise XltoolError(f"压缩包展开后过大（上限 {MOST_BYTES // 2**20} MB）")
            readers: dict[str, Reader] = {}
            for entry in entries:
                name = entry_name(entry)
                if name in readers:
                    raise XltoolError(f"压缩包里有两个同名文件：{name[:80]}")
                readers[name] = partial(read_entry, archive, entry)
            yield readers
    except OSError as error:
        raise XltoolError(f"读不了压缩包：{why(error)}") from error
    except UNSOUND as error:
        raise XltoolError("压缩包已损坏或有密码，打不开") from error


# All that zipfile raises for a damaged, encrypted or unknown archive.
UNSOUND = (
    zipfile.BadZipFile,
    RuntimeError,
    NotImplementedError,
    EOFError,
    ValueError,
    zlib.error,
)


def read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int = MAX_FILE) -> bytes:
    """One entry's bytes, never more than the limit, whatever its header claims."""
    if bomb(entry):
        raise zipfile.BadZipFile("shrunk more than any file of ours")
    with archive.open(entry) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise zipfile.BadZipFile(f"larger than {limit}")
    return data


def bomb(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry claims to become much larger than a workbook or a zip can."""
    return entry.file_size > max(SHRUNK_FROM, MOST_SHRUNK * entry.compress_size)


def entry_name(entry: zipfile.ZipInfo) -> str:
    """An entry's name as it was meant: Chinese Windows writes GBK without saying so."""
    if entry.flag_bits & 0x800:
        return entry.filename
    try:
        raw = entry.filename.encode("cp437")
    except UnicodeEncodeError:
        return entry.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.filename


# What a workbook in a parcel may be called: a name, never a path.
_WORKBOOK = re.compile(r'[^<>:"/\\|?*\x00-\x1f]{1,120}\.xlsx')


def workbooks(
    manifest: Manifest, files: Mapping[str, bytes], edition: Edition, part: Collection[str] = ()
) -> dict[str, bytes]:
    """The workbook of each listed unit by its code.
    A manifest that does not fit its files is refused.

    What it says is used for names of files and for sums, so a true signature is not enough. `part`
    are the workbooks of a parcel that holds only these.
    """
    amounts = {field.id for field in edition.department.field if field.kind == "amount"}
    by_code: dict[str, bytes] = {}
    for listed in manifest.units:
        if part and listed.file not in part:
            continue
        data = files.get(listed.file)
        if data is None or not _WORKBOOK.fullmatch(listed.file) or digest(data) != listed.sha256:
            raise XltoolError(f"清单与包里的工作簿对不上：{listed.code[:40]} {listed.file[:80]}")
        if not listed.code or listed.code in by_code or listed.issue < 1:
            raise XltoolError(f"清单里的单位重复或不全：{listed.code[:40]}")
        for id_, text in listed.last_year.items():
            if id_ in amounts and read_amount(text, edition.unit) is None:
                raise XltoolError(f"清单里 {listed.code[:40]} 的上年数读不成金额：{text[:40]}")
        by_code[listed.code] = data
    return by_code


def differs(unit: ListedUnit, mark: Seal, manifest: Manifest) -> str:
    """What the seal in a workbook and its manifest say differently, in words;
    empty where nothing."""
    department = mark.prefilled.get("department", {})
    pairs = {
        "批次": (mark.campaign, manifest.campaign),
        "年度": (mark.year, manifest.year),
        "版式": ((mark.edition, mark.layout), (manifest.edition, manifest.layout)),
        "部门编码": (mark.unit, unit.code),
        "单位名称": (mark.name, unit.name),
        "区县": (mark.district, unit.district),
        "下发次数": (mark.issue, unit.issue),
        "预填内容": ({i: department.get(i) for i in unit.prefilled}, unit.prefilled),
    }
    return "、".join(heading for heading, (sealed, listed) in pairs.items() if sealed != listed)


def edition_digest(declaration: bytes, template: bytes) -> str:
    """What tells one edition from another, to the last byte."""
    return digest(f"{digest(declaration)} {digest(template)}".encode())


def read_forwarding(files: Mapping[str, bytes]) -> Forwarding | None:
    """What the forwarder says, None where nobody forwarded. Not verified here."""
    if FORWARDING not in files:
        return None
    try:
        return msgspec.json.decode(files[FORWARDING], type=Forwarding)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise XltoolError("转发说明读不出") from error


def signature_in(files: Mapping[str, bytes], name: str) -> bytes:
    """A signature as it lies in a parcel; empty where there is none that can be read."""
    try:
        return bytes.fromhex(files.get(name, b"").decode("ascii"))
    except ValueError:
        return b""


class FilesOnDemand(Mapping[str, bytes]):
    """Files by name, each read when it is asked for: only one is held at a time.

    A parcel's own papers are read once, so that what was signed is what is followed.
    """

    def __init__(self, readers: Mapping[str, Reader]) -> None:
        self._readers = readers
        self._last = ("", b"")
        self._papers: dict[str, bytes] = {}
        for name in (MANIFEST, SIGNATURE, PUBLIC, *FORWARD_FILES, *EDITION):
            if name in readers:
                self._papers[name] = readers[name]()
                if sum(map(len, self._papers.values())) > MOST_PAPERS:
                    raise XltoolError(f"压缩包里的{name}过大")

    def __getitem__(self, name: str) -> bytes:
        if name not in self._readers:
            raise KeyError(name)
        if name in self._papers:
            return self._papers[name]
        if name != self._last[0]:
            self._last = ("", b"")  # never two of them
            self._last = (name, self._readers[name]())
        return self._last[1]

    def __contains__(self, name: object) -> bool:
        return name in self._readers

    def __iter__(self) -> Iterator[str]:
        return iter(self._readers)

    def __len__(self) -> int:
        return len(self._readers)


@contextmanager
def opened_parcel(path: Path) -> Iterator[FilesOnDemand]:
    """The files of a parcel, be it a zip or a folder into which one was unpacked, one at a time.

    Whoever unpacks and packs again often puts a folder on top, and a Mac adds files of its own.
    """
    if path.is_dir():
        yield FilesOnDemand(without_top(_folder(path)))
    else:
        with _unzipped(path) as readers:
            yield FilesOnDemand(without_top(readers))


def open_parcel(path: Path) -> dict[str, bytes]:
    """All files of such a parcel. Raises XltoolError where they are too large together."""
    files: dict[str, bytes] = {}
    with opened_parcel(path) as on_demand:
        left = MOST_BYTES
        for name, data in on_demand.items():
            left -= len(data)
            if left < 0:
                raise XltoolError(f"{path}：文件过大（上限 {MOST_BYTES // 2**20} MB）")
            files[name] = data
    return files


def without_top(files: dict[str, T]) -> dict[str, T]:
    """The files as they were packed: no litter, no folder on top of them all."""
    clean = {name: data for name, data in files.items() if not in_litter(name)}
    tops = {name.partition("/")[0] for name in clean}
    if len(tops) == 1 and MANIFEST not in clean and f"{next(iter(tops))}/{MANIFEST}" in clean:
        return {name.partition("/")[2]: data for name, data in clean.items()}
    return clean


def _folder(path: Path) -> dict[str, Reader]:
    readers: dict[str, Reader] = {}
    try:
        for file in below(path):
            if file.kind is FileKind.LOCK or not file.path.is_file() or file.path.is_symlink():
                continue
            if len(readers) >= MOST_FILES or file.path.stat().st_size > MAX_FILE:
                raise XltoolError(f"{path}：文件过多或过大")
            readers[file.path.relative_to(path).as_posix()] = partial(_from_disk, file.path)
    except OSError as error:
        raise XltoolError(f"读不了 {path}：{why(error)}") from error
    return readers


def _from_disk(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        raise XltoolError(f"读不了 {path}：{why(error)}") from error
    if len(data) > MAX_FILE:
        raise XltoolError(f"{path}：文件过大（上限 {MAX_FILE // 2**20} MB）")
    return data


def read_manifest(files: Mapping[str, bytes]) -> Manifest | None:
    """The manifest of a parcel, None where there is none that can be read. Not verified here."""
    try:
        return msgspec.json.decode(files[MANIFEST], type=Manifest)
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError):
        return None
