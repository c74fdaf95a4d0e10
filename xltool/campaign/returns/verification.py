"""Is what was received genuine and whole, and from which campaign? Needs no ledger."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from xltool.campaign.returns.judgement import changed
from xltool.campaign.sealing import keys, parcel, seal
from xltool.campaign.sealing.sealed_layout import layout_fingerprint
from xltool.editions.declaration import Edition, EditionError, edition_in, load_edition
from xltool.errors import XltoolError, why
from xltool.files.barrier import Failure, guarded
from xltool.files.discover import FileKind, kind_of
from xltool.model import FaultKind
from xltool.reading.reader import read_grid
from xltool.xlsx.grid import Grid
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
    forwarder: str = ""  # who passed it on, by its own word
    forwarder_fingerprint: str = ""
    files: list[VerifiedFile] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return bool(self.files) and all(file.good for file in self.files)


def verify(
    path: Path, key: keys.PublicKey | None = None, trusted: Collection[str] = ()
) -> Verified:
    """Check a parcel, a folder (an unpacked parcel) or a single workbook.

    Without a key the one in the parcel is used, and the result says so. `trusted` are fingerprints
    of keys that the receiver vouches for; only a forwarder with one of these may add anything.
    """
    if path.is_dir() or path.suffix.lower() == ".zip":
        with parcel.opened_parcel(path) as files_on_demand:
            return verify_files(path, files_on_demand, key, trusted)
    if not path.is_file():
        raise XltoolError(f"没有这个文件或文件夹：{path}")
    files = {path.name: _bytes(path)}
    if key is None and (path.parent / parcel.PUBLIC).is_file():
        files[parcel.PUBLIC] = _bytes(path.parent / parcel.PUBLIC)
    return verify_files(path, files, key, trusted)


def verify_files(
    path: Path,
    files: Mapping[str, bytes],
    key: keys.PublicKey | None,
    trusted: Collection[str] = (),
) -> Verified:
    """Check the files of a path. What is said of a workbook is said of the very bytes that were
    compared with the manifest, even if another file took its place meanwhile."""
    result = Verified(path)
    if key is None:
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
        forms = _Forms(files, Path(scratch))
        result.files = list(_check(files, manifest, key, result, forms, trusted))
    return result


class _Forms:
    """The edition that workbooks are held against:
    the one that lies beside them, or else by its id."""

    def __init__(self, files: Mapping[str, bytes], scratch: Path) -> None:
        self.beside: Edition | None = None
        self.digest = ""
        if all(name in files for name in parcel.EDITION):
            self.digest = parcel.edition_digest(*(files[name] for name in parcel.EDITION))
            for name in parcel.EDITION:
                (scratch / Path(name).name).write_bytes(files[name])
            with suppress(EditionError):
                self.beside = edition_in(scratch)
        self.known: dict[str, tuple[Edition | None, str]] = {}

    def __getitem__(self, mark: seal.Seal) -> tuple[Edition | None, str]:
        """The edition for a seal and its layout's fingerprint;
        (None, "") where there is none here."""
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
    files: Mapping[str, bytes],
    manifest: parcel.Manifest | None,
    key: keys.PublicKey,
    result: Verified,
    forms: _Forms,
    trusted: Collection[str],
) -> Iterator[VerifiedFile]:
    if parcel.MANIFEST in files:
        yield _manifest(files, manifest, key)
    passed_on: Collection[str] | None = None
    added: dict[str, str] = {}
    if any(name in files for name in parcel.FORWARD_FILES):
        forwarding, checked = _forwarding(files, manifest, result, trusted)
        yield checked
        if forwarding and checked.good:
            passed_on, added = forwarding.part, forwarding.files
    if manifest:
        yield from _listed_files(files, manifest, passed_on)
    workbooks = {unit.file: unit for unit in manifest.units} if manifest else {}
    for name, data in files.items():
        listed = manifest is None or name in manifest.files
        if added.get(name) == parcel.digest(data):
            yield VerifiedFile(name, True, f"“{result.forwarder}”转发时加的")
            continue
        if not _may_be_workbook(name):
            if not listed and name not in _PAPERS:
                yield VerifiedFile(name, False, "清单上没有的文件")
            continue
        if manifest and listed and parcel.digest(data) != manifest.files[name]:
            continue  # said already, of the list
        look = functools.partial(_workbook, name, data, key, result, forms)
        outcome = guarded(functools.partial(look, workbooks.get(name), manifest))
        if isinstance(outcome, Failure):
            outcome = VerifiedFile(name, False, outcome.reason)
        if not listed:
            outcome = VerifiedFile(name, False, f"清单上没有的文件；{outcome.said}")
        yield outcome


def _listed_files(
    files: Mapping[str, bytes], manifest: parcel.Manifest, passed_on: Collection[str] | None
) -> Iterator[VerifiedFile]:
    """Whether what is on the manifest is here, unchanged; of whole workbooks more is to be said.

    `passed_on` are the workbooks that a forwarder says it passed on: it may leave out others, and
    nothing else; None where nobody forwarded.
    """
    workbooks = {unit.file for unit in manifest.units}
    for name, digest in manifest.files.items():
        if name not in files:
            if passed_on is None or name not in workbooks or name in passed_on:
                yield VerifiedFile(name, False, "清单上有，包里没有")
        elif parcel.digest(files[name]) != digest:
            yield VerifiedFile(name, False, "与清单不符：发出后被改动过")
        elif not name.endswith(".xlsx") or name in parcel.EDITION:
            yield VerifiedFile(name, True, "与清单一致")


_PAPERS = (parcel.MANIFEST, parcel.SIGNATURE, *parcel.FORWARD_FILES)


def _may_be_workbook(name: str) -> bool:
    """Whether a file of a parcel is a workbook by its name, and none of the parcel's own papers."""
    if name in _PAPERS or name in parcel.EDITION:
        return False
    return kind_of(name.rpartition("/")[2]) is FileKind.WORKBOOK


def _manifest(
    files: Mapping[str, bytes], manifest: parcel.Manifest | None, key: keys.PublicKey
) -> VerifiedFile:
    if manifest is None:
        return VerifiedFile(parcel.MANIFEST, False, "清单读不出")
    signature = parcel.signature_in(files, parcel.SIGNATURE)
    if not signature:
        return VerifiedFile(parcel.MANIFEST, False, "清单没有签名：不能认定出自发文单位")
    if keys.signed(key, signature, parcel.CONTEXT + files[parcel.MANIFEST]):
        return VerifiedFile(parcel.MANIFEST, True, "清单的签名为真")
    return VerifiedFile(parcel.MANIFEST, False, "清单的签名不真：不出自这个公钥，或被改动过")


def _forwarding(
    files: Mapping[str, bytes],
    manifest: parcel.Manifest | None,
    result: Verified,
    trusted: Collection[str],
) -> tuple[parcel.Forwarding | None, VerifiedFile]:
    """What a forwarder says: signed with its own key, about this very manifest;
    additions only if trusted."""

    def bad(detail: str) -> tuple[None, VerifiedFile]:
        return None, VerifiedFile(parcel.FORWARDING, False, detail)

    if any(name not in files for name in parcel.FORWARD_FILES):
        return bad("转发说明、转发的签名和转发公钥不全")
    forwarding = parcel.read_forwarding(files)
    assert forwarding is not None
    key = keys.load_public(files[parcel.FORWARD_KEY])
    signature = parcel.signature_in(files, parcel.FORWARD_SIGNATURE)
    if not keys.signed(key, signature, parcel.FORWARD_CONTEXT + files[parcel.FORWARDING]):
        return bad("转发说明的签名不真")
    whole = files.get(parcel.MANIFEST, b"")
    if manifest is None or forwarding.manifest != parcel.digest(whole):
        return bad("转发说明说的不是这份清单")
    if not set(forwarding.part) <= {unit.file for unit in manifest.units}:
        return bad("转发说明里有清单上没有的工作簿")
    result.forwarder, result.forwarder_fingerprint = forwarding.by, keys.fingerprint(key)
    is_trusted = result.forwarder_fingerprint in {keys.plain_fingerprint(text) for text in trusted}
    if forwarding.adds and not is_trusted:
        return bad(
            f"“{forwarding.by[:40]}”转发时加了自己的内容，它的公钥没有登记：核对指纹"
            f" {result.forwarder_fingerprint} 后用 --trust 登记"
        )
    detail = f"由“{forwarding.by[:40]}”转发：清单上 {len(manifest.units)} 个单位中的 {len(forwarding.part)} 个"
    return forwarding, VerifiedFile(parcel.FORWARDING, True, detail)


def _workbook(
    name: str,
    data: bytes,
    key: keys.PublicKey,
    result: Verified,
    forms: _Forms,
    listed: parcel.ListedUnit | None,
    manifest: parcel.Manifest | None,
) -> VerifiedFile:
    """One workbook: its seal, what the manifest says of it, what was printed and locked in it,
    its layout."""
    try:
        grid = open_grid(data)
    except Unreadable as error:
        return VerifiedFile(name, False, str(error))
    mark = seal.claimed(grid.properties)
    if mark is None:
        reason = "封印残缺" if seal.present(grid.properties) else "没有封印：不是下发的工作簿"
        return VerifiedFile(name, False, reason)
    if not seal.genuine(grid.properties, key):
        return VerifiedFile(
            name, False, f"封印不真（自称“{mark.title[:40]}”的 {mark.unit} {mark.name}）"
        )
    result.title, result.year = result.title or mark.title, result.year or mark.year
    if listed and manifest and (difference := parcel.differs(listed, mark, manifest)):
        return VerifiedFile(name, False, f"封印与清单不一致（{difference}）：{_whose(mark)}")
    return _sealed_content(name, grid, mark, forms)


def _whose(mark: seal.Seal) -> str:
    return f"{mark.title}，{mark.unit} {mark.name}，第 {mark.issue} 次下发"


def _sealed_content(name: str, grid: Grid, mark: seal.Seal, forms: _Forms) -> VerifiedFile:
    """Whether a workbook with a genuine seal holds what was printed and locked in it,
    on its layout."""
    whose = _whose(mark)
    edition, layout = forms[mark]
    another = forms.beside is not None and mark.forms not in ("", forms.digest)
    if edition is None or layout != mark.layout or another:
        if forms.beside:
            return VerifiedFile(name, False, f"封印为真，但包里的版式不是封印上的那个：{whose}")
        return VerifiedFile(
            name, True, f"封印为真（这里没有下发时的版式，没有核对预填内容和版面）：{whose}"
        )
    filing = read_grid(grid, edition=edition)
    faults = [
        *changed(filing, mark, edition),
        *(fault for fault in filing.faults if fault.kind in _CHANGED),
    ]
    if faults:
        at = f"{faults[0].place} " if faults[0].place else ""
        return VerifiedFile(
            name, False, f"封印为真，但内容被改动：{at}{faults[0].detail}（{whose}）"
        )
    return VerifiedFile(name, True, f"封印为真，预填内容和版面没有改动：{whose}")
