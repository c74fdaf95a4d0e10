"""Is what was received genuine and whole, and from which campaign? Needs no ledger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from xltool.campaign import keys, parcel, seal
from xltool.grid import open_grid
from xltool.machine import why
from xltool.model import XltoolError
from xltool.package import MAX_FILE, Unreadable


@dataclass(frozen=True, slots=True)
class Checked:
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
    own_key: bool = False  # checked with the key that lay beside it: whose that is, the paper must say
    files: list[Checked] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return bool(self.files) and all(one.good for one in self.files)


def verify(path: Path, key: Ed25519PublicKey | None = None) -> Verified:
    """Check a parcel, a folder (an unpacked parcel) or a single workbook.

    Without a key the one in the parcel is used, and the result says so.
    """
    result = Verified(path)
    if path.is_dir():
        files = {}
        for file in sorted(path.rglob("*")):
            if file.is_file() and not file.name.startswith(("~$", ".")):
                files[file.relative_to(path).as_posix()] = _bytes(file)
    elif path.suffix.lower() == ".zip":
        files = parcel.read_parcel(path)
    elif path.is_file():
        files = {path.name: _bytes(path)}
    else:
        raise XltoolError(f"没有这个文件或文件夹：{path}")
    if key is None:
        if parcel.PUBLIC not in files and not path.is_dir() and (path.parent / parcel.PUBLIC).is_file():
            files = {parcel.PUBLIC: _bytes(path.parent / parcel.PUBLIC), **files}
        if parcel.PUBLIC not in files:
            raise XltoolError("没有公钥可核对：请用 --key 公钥.pem 指明，或把公钥与工作簿放在一起")
        key, result.own_key = keys.load_public(files[parcel.PUBLIC]), True
    result.fingerprint = keys.fingerprint(key)
    manifest = parcel.read_manifest(files)
    if manifest is not None:
        result.title, result.year, result.district = manifest.title, manifest.year, manifest.district
    result.files = list(_check(files, manifest, key, result))
    return result


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE:
            raise XltoolError(f"{path}：文件过大（上限 {MAX_FILE // 2**20} MB）")
        return path.read_bytes()
    except OSError as error:
        raise XltoolError(f"读不了 {path}：{why(error)}") from error


def _check(
    files: dict[str, bytes], manifest: parcel.Manifest | None, key: Ed25519PublicKey, result: Verified
) -> Iterator[Checked]:
    listed = manifest.files if manifest else {}
    if parcel.MANIFEST in files:
        yield _manifest(files, manifest, key)
    for name, digest in listed.items():
        if name not in files:
            yield Checked(name, False, "清单上有，包里没有")
        elif parcel.digest(files[name]) != digest:
            yield Checked(name, False, "与清单不符：发出后被改动过")
        elif not name.endswith(".xlsx") or name in parcel.EDITION:
            yield Checked(name, True, "与清单一致")
    for name, data in files.items():
        if name in (parcel.MANIFEST, parcel.SIGNATURE, *parcel.EDITION) or not name.endswith(
            (".xlsx", ".xlsm")
        ):
            if manifest and name not in listed and name not in (parcel.MANIFEST, parcel.SIGNATURE):
                yield Checked(name, False, "清单上没有的文件")
            continue
        if name in listed and parcel.digest(data) != listed[name]:
            continue
        checked = _workbook(name, data, key, result)
        if manifest and name not in listed:
            checked = Checked(name, False, f"清单上没有的文件；{checked.said}")
        yield checked


def _manifest(files: dict[str, bytes], manifest: parcel.Manifest | None, key: Ed25519PublicKey) -> Checked:
    if manifest is None:
        return Checked(parcel.MANIFEST, False, "清单读不出")
    try:
        signature = bytes.fromhex(files.get(parcel.SIGNATURE, b"").decode("ascii"))
    except ValueError:
        signature = b""
    if keys.signed(key, signature, parcel.CONTEXT + files[parcel.MANIFEST]):
        return Checked(parcel.MANIFEST, True, "清单的签名为真")
    if manifest.forwarded and not signature:
        return Checked(
            parcel.MANIFEST, True, f"由“{manifest.forwarded}”转发，清单没有签名，以每个工作簿的封印为准"
        )
    return Checked(parcel.MANIFEST, False, "清单的签名不真：不出自这个公钥，或被改动过")


def _workbook(name: str, data: bytes, key: Ed25519PublicKey, result: Verified) -> Checked:
    try:
        properties = open_grid(data).properties
    except Unreadable as error:
        return Checked(name, False, str(error))
    mark = seal.claimed(properties)
    if mark is None:
        said = "封印残缺" if seal.present(properties) else "没有封印：不是下发的工作簿"
        return Checked(name, False, said)
    if not seal.genuine(properties, key):
        return Checked(name, False, f"封印不真（自称“{mark.title[:40]}”的 {mark.unit} {mark.name}）")
    result.title, result.year = result.title or mark.title, result.year or mark.year
    return Checked(name, True, f"封印为真：{mark.title}，{mark.unit} {mark.name}，第 {mark.issue} 次下发")
