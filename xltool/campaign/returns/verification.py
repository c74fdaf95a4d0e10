"""Is what was received genuine and whole, and from which campaign? Needs no ledger."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from xltool.campaign.returns.judgement import changed
from xltool.campaign.sealing import keys, parcel, seal
from xltool.campaign.sealing.sealed_layout import layout_fingerprint
from xltool.editions.declaration import Edition, EditionError, edition_in, load_edition
from xltool.errors import XltoolError, why
from xltool.files.barrier import Failure, guarded
from xltool.files.discover import FileKind, below, kind_of
from xltool.model import FaultKind
from xltool.reading.reader import read_grid
from xltool.xlsx.package import MAX_FILE, Unreadable
from xltool.xlsx.workbook_reader import open_grid

# Faults of a workbook that was sent for filling in: it is not as it was sent.
_CHANGED = (FaultKind.LAYOUT, FaultKind.ROWS, FaultKind.LOST, FaultKind.FOREIGN)


@dataclass(frozen=True, slots=True)
class VerifiedFile:
    """One file: whether it is as it was sent, and what is to say about it."""

    name: str
    good: bool
    said: str


@dataclass
class Verified:
    """What a path holds: the campaign it names, the key it was checked with, each file."""

    path: Path
    title: str = ""
    year: int = 0
    district: str = ""
    fingerprint: str = ""
    own_key: bool = (
        False  # checked with the key that lay beside it: whose that is, the paper must say
    )
    files: list[VerifiedFile] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return bool(self.files) and all(one.good for one in self.files)


def verify(path: Path, key: keys.PublicKey | None = None) -> Verified:
    """Check a parcel, a folder (an unpacked parcel) or a single workbook.

    Without a key the one in the parcel is used, and the result says so.
    """
    result = Verified(path)
    if path.is_dir():
        files = {}
        for found in below(path):
            if found.kind not in (FileKind.LINK, FileKind.SPECIAL, FileKind.UNREADABLE):
                files[found.path.relative_to(path).as_posix()] = _bytes(found.path)
    elif path.suffix.lower() == ".zip":
        files = parcel.read_parcel(path)
    elif path.is_file():
        files = {path.name: _bytes(path)}
    else:
        raise XltoolError(f"没有这个文件或文件夹：{path}")
    if key is None:
        if (
            parcel.PUBLIC not in files
            and not path.is_dir()
            and (path.parent / parcel.PUBLIC).is_file()
        ):
            files = {parcel.PUBLIC: _bytes(path.parent / parcel.PUBLIC), **files}
        if parcel.PUBLIC not in files:
            raise XltoolError("没有公钥可核对：请用 --key 公钥.pem 指明，或把公钥与工作簿放在一起")
        key, result.own_key = keys.load_public(files[parcel.PUBLIC]), True
    result.fingerprint = keys.fingerprint(key)
    manifest = parcel.read_manifest(files)
    if manifest is not None:
        result.title, result.year, result.district = (
            manifest.title,
            manifest.year,
            manifest.district,
        )
    with tempfile.TemporaryDirectory() as scratch:
        result.files = list(_check(files, manifest, key, result, _Forms(files, Path(scratch))))
    return result


class _Forms:
    """The edition that workbooks are held against: the one that lies beside them, or else by its id."""

    def __init__(self, files: dict[str, bytes], scratch: Path) -> None:
        self.beside: Edition | None = None
        if all(name in files for name in parcel.EDITION):
            for name in parcel.EDITION:
                (scratch / Path(name).name).write_bytes(files[name])
            with suppress(EditionError):
                self.beside = edition_in(scratch)
        self.known: dict[str, tuple[Edition | None, str]] = {}

    def __getitem__(self, mark: seal.Seal) -> tuple[Edition | None, str]:
        """The edition for a seal and its layout's fingerprint; (None, "") where there is none here."""
        if mark.edition not in self.known:
            edition, layout = self.beside, ""
            with suppress(EditionError):
                edition = edition or load_edition(mark.edition)
                layout = layout_fingerprint(edition)
            self.known[mark.edition] = edition if layout else None, layout
        return self.known[mark.edition]


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE:
            raise XltoolError(f"{path}：文件过大（上限 {MAX_FILE // 2**20} MB）")
        return path.read_bytes()
    except OSError as error:
        raise XltoolError(f"读不了 {path}：{why(error)}") from error


def _check(
    files: dict[str, bytes],
    manifest: parcel.Manifest | None,
    key: keys.PublicKey,
    result: Verified,
    forms: _Forms,
) -> Iterator[VerifiedFile]:
    listed = manifest.files if manifest else {}
    if parcel.MANIFEST in files:
        yield _manifest(files, manifest, key)
    for name, digest in listed.items():
        if name not in files:
            yield VerifiedFile(name, False, "清单上有，包里没有")
        elif parcel.digest(files[name]) != digest:
            yield VerifiedFile(name, False, "与清单不符：发出后被改动过")
        elif not name.endswith(".xlsx") or name in parcel.EDITION:
            yield VerifiedFile(name, True, "与清单一致")
    for name, data in files.items():
        if (
            name in (parcel.MANIFEST, parcel.SIGNATURE, *parcel.EDITION)
            or kind_of(name.rpartition("/")[2]) is not FileKind.WORKBOOK
        ):
            if manifest and name not in listed and name not in (parcel.MANIFEST, parcel.SIGNATURE):
                yield VerifiedFile(name, False, "清单上没有的文件")
            continue
        if name in listed and parcel.digest(data) != listed[name]:
            continue
        outcome = guarded(functools.partial(_workbook, name, data, key, result, forms))
        checked = (
            VerifiedFile(name, False, outcome.reason) if isinstance(outcome, Failure) else outcome
        )
        if manifest and name not in listed:
            checked = VerifiedFile(name, False, f"清单上没有的文件；{checked.said}")
        yield checked


def _manifest(
    files: dict[str, bytes], manifest: parcel.Manifest | None, key: keys.PublicKey
) -> VerifiedFile:
    if manifest is None:
        return VerifiedFile(parcel.MANIFEST, False, "清单读不出")
    try:
        signature = bytes.fromhex(files.get(parcel.SIGNATURE, b"").decode("ascii"))
    except ValueError:
        signature = b""
    if keys.signed(key, signature, parcel.CONTEXT + files[parcel.MANIFEST]):
        return VerifiedFile(parcel.MANIFEST, True, "清单的签名为真")
    if manifest.forwarded and not signature:
        return VerifiedFile(
            parcel.MANIFEST,
            True,
            f"由“{manifest.forwarded}”转发，清单没有签名，以每个工作簿的封印为准",
        )
    return VerifiedFile(parcel.MANIFEST, False, "清单的签名不真：不出自这个公钥，或被改动过")


def _workbook(
    name: str, data: bytes, key: keys.PublicKey, result: Verified, forms: _Forms
) -> VerifiedFile:
    """One workbook: its seal, then what was printed and locked in it, then its layout."""
    try:
        grid = open_grid(data)
    except Unreadable as error:
        return VerifiedFile(name, False, str(error))
    mark = seal.claimed(grid.properties)
    if mark is None:
        said = "封印残缺" if seal.present(grid.properties) else "没有封印：不是下发的工作簿"
        return VerifiedFile(name, False, said)
    if not seal.genuine(grid.properties, key):
        return VerifiedFile(
            name, False, f"封印不真（自称“{mark.title[:40]}”的 {mark.unit} {mark.name}）"
        )
    result.title, result.year = result.title or mark.title, result.year or mark.year
    whose = f"{mark.title}，{mark.unit} {mark.name}，第 {mark.issue} 次下发"
    edition, layout = forms[mark]
    if edition is None or layout != mark.layout:
        if forms.beside:
            return VerifiedFile(name, False, f"封印为真，但包里的版式不是封印上的那个：{whose}")
        return VerifiedFile(
            name, True, f"封印为真（这里没有下发时的版式，没有核对预填内容和版面）：{whose}"
        )
    filing = read_grid(grid, edition=edition)
    faults = [
        *changed(filing, mark, edition),
        *(f for f in filing.faults if f.kind in _CHANGED),
    ]
    if faults:
        at = f"{faults[0].place} " if faults[0].place else ""
        return VerifiedFile(
            name, False, f"封印为真，但内容被改动：{at}{faults[0].detail}（{whose}）"
        )
    return VerifiedFile(name, True, f"封印为真，预填内容和版面没有改动：{whose}")
