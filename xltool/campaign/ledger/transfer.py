"""The whole campaign to and from one file, for moving or archiving.

The private key goes along only when asked for, and then encrypted with a passphrase.
"""

from __future__ import annotations

import re
import tempfile
import zipfile
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from xltool.campaign.ledger.campaign_folder import Campaign, open_campaign
from xltool.campaign.ledger.store import FILE
from xltool.campaign.sealing import keys
from xltool.campaign.sealing.parcel import UNSOUND, digest
from xltool.checks.settings import LIBRARY_NAME
from xltool.errors import XltoolError, why
from xltool.files.atomic import writing
from xltool.files.filenames import safe_name

LOCKED_KEY = "private.encrypted.pem"
# The campaign's own keys, and those with which a district signs what it adds.
KEY_FOLDERS = ("keys", "keys/own")
_FORMS = ("edition.toml", "template.xlsx", "layout.txt")
MAX_ALL = 50 * 2**30
# All that an archive may hold; a name of any other shape is refused, so none can lead elsewhere.
_ALLOWED = re.compile(
    rf"campaign\.db|settings\.toml|批复模板\.docx|{LIBRARY_NAME.pattern}"
    r"|(edition|上年申报/版式)/(edition\.toml|template\.xlsx|layout\.txt)"
    r"|keys/(own/)?(public|private\.encrypted)\.pem|originals/[0-9a-f]{2}/[0-9a-f]{64}"
    r"|收到的下发/[0-9a-f]{64}\.zip|上年申报/[0-9a-f]{32}\.xlsx"
)


def export_campaign(campaign: Campaign, path: Path, passphrase: str = "") -> int:
    """Write the campaign into one file; with a passphrase the private key goes along.
    Number of files."""
    with tempfile.TemporaryDirectory() as scratch, campaign.ledger.writing():
        snapshot = Path(scratch) / FILE
        _copy(campaign, snapshot)
        files = {FILE: snapshot, **_kept_files(campaign)}
        with writing(path, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, source in list(files.items()):
                if source.parent.parent.name == "originals" and _changed(source):
                    del files[name]  # with it the whole archive would be refused
                    continue
                kind = zipfile.ZIP_DEFLATED if name == FILE else zipfile.ZIP_STORED
                archive.write(source, name, compress_type=kind)
            for name, key in (_private_keys(campaign) if passphrase else {}).items():
                archive.writestr(f"{name}/{LOCKED_KEY}", _locked(key, passphrase))
    return len(files)


def _kept_files(campaign: Campaign) -> dict[str, Path]:
    """All files beside the ledger that make up the campaign, by name."""
    named = [
        "settings.toml",
        Path(campaign.settings.library).name,
        "批复模板.docx",
        *(f"{folder}/{name}" for folder in ("edition", "上年申报/版式") for name in _FORMS),
        *(f"{folder}/{keys.PUBLIC}" for folder in KEY_FOLDERS),
    ]
    files = {name: campaign.folder / name for name in named if (campaign.folder / name).is_file()}
    patterns = ("originals/*/*", "收到的下发/*.zip", "上年申报/*.xlsx")
    for path in sorted(path for group in map(campaign.folder.glob, patterns) for path in group):
        name = path.relative_to(campaign.folder).as_posix()
        if _ALLOWED.fullmatch(name):
            files[name] = path
    return files


def _private_keys(campaign: Campaign) -> dict[str, Ed25519PrivateKey]:
    """The private keys by folder. Raises XltoolError where there is none."""
    key_folders = [
        name for name in KEY_FOLDERS if (campaign.folder / name / keys.PRIVATE).is_file()
    ]
    return {
        name: keys.load_private(campaign.folder / name) for name in key_folders or KEY_FOLDERS[:1]
    }


def _changed(original: Path) -> bool:
    """Whether an original is no longer what it was when it came: it is named after its content."""
    return digest(original.read_bytes()) != original.name


def missing_originals(campaign: Campaign) -> list[tuple[str, str]]:
    """(unit, file) of each return whose original is gone or was changed."""
    missing = []
    for row in campaign.ledger.own_returns():
        path = campaign.original(row["sha256"])
        if not path.is_file() or _changed(path):
            missing.append((row["unit"] or row["claimed"], row["name"]))
    return missing


def _copy(campaign: Campaign, path: Path) -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(path)) as copy:
        campaign.ledger.base.backup(copy)


def _locked(key: Ed25519PrivateKey, passphrase: str) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase.encode()),
    )


def import_campaign(path: Path, folder: Path, passphrase: str = "") -> Campaign:
    """Make a campaign's folder from an exported file.
    Raises XltoolError; nothing half-made stays."""
    if safe_name(folder.name) != folder.name:
        raise XltoolError(f"“{folder.name}”不能作文件夹名")
    if folder.exists():
        raise XltoolError(f"“{folder}”已经存在，没有动它")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".import-") as scratch:
            new_folder = Path(scratch) / "campaign"
            new_folder.mkdir()
            _unpack(path, new_folder)
            for name in KEY_FOLDERS:
                _unlock(new_folder / name, passphrase)
            open_campaign(new_folder).ledger.close()  # whole, or refused before it has a name
            new_folder.replace(folder)
    except UNSOUND as error:
        raise XltoolError(f"{path} 已损坏或不是批次导出件") from error
    except OSError as error:
        raise XltoolError(f"导入没有成功：{why(error)}") from error
    return open_campaign(folder)


def _unpack(path: Path, folder: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        names = [entry.filename for entry in entries]
        if FILE not in names or len(set(names)) != len(names):
            raise XltoolError(f"{path} 不是批次导出件")
        if sum(entry.file_size for entry in entries) > MAX_ALL:
            raise XltoolError(f"{path} 展开后过大")
        for entry in entries:
            if not _ALLOWED.fullmatch(entry.filename):
                raise XltoolError(f"{path} 里有不该有的文件：{entry.filename[:80]}")
            target = folder / entry.filename
            target.parent.mkdir(parents=True, exist_ok=True)
            left = entry.file_size
            with archive.open(entry) as stream, target.open("wb") as file:
                while block := stream.read(2**20):
                    left -= len(block)
                    if left < 0:
                        raise XltoolError(f"{path} 已损坏")
                    file.write(block)
            if (
                entry.filename.startswith("originals/")
                and digest(target.read_bytes()) != target.name
            ):
                raise XltoolError(f"{path} 里的原件被改动过：{target.name[:12]}…")


def _unlock(folder: Path, passphrase: str) -> None:
    locked = folder / LOCKED_KEY
    if not locked.is_file():
        return
    pem = locked.read_bytes()
    locked.unlink()
    if not passphrase:
        return
    try:
        key = serialization.load_pem_private_key(pem, passphrase.encode())
    except (ValueError, TypeError) as error:
        raise XltoolError("口令不对，私钥没有解开") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise XltoolError("导出件里的私钥种类不对")
    public = keys.public_pem(keys.public_of(key))
    if (folder / keys.PUBLIC).read_bytes() != public:
        raise XltoolError("导出件里的公钥与私钥不是一对")
    keys.save_private(folder, key)
