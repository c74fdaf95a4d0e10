"""The page put together: the runtime, the package and what a bureau gives along, in one HTML file.

The same inputs give the same bytes.
"""

from __future__ import annotations

import base64
import gzip
import importlib.util
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xltool.checks.results import VERDICTS
from xltool.errors import XltoolError
from xltool.page.runtime import pinned, wheel
from xltool.reports.html import TEMPLATES as REPORT
from xltool.reports.html import text_hash

TEMPLATES = Path(__file__).parent / "templates"
# Rooms of this package that have no use in a browser.
LEFT_OUT = (
    "batch", "cli", "excel", "example", "exporting", "importing", "locale", "page/templates",
    "campaign/rollup", "campaign/sending", "campaign/templates", "reports/templates",
)  # fmt: skip
# Libraries in plain Python that go with it.
LIBRARIES = ("platformdirs", "xlsxwriter")
# The standard library's parts that nothing in a browser can use; `encodings` holds every code page.
UNUSED = (
    "_pyrepl/", "ctypes/", "curses/", "dbm/", "ensurepip/", "idlelib/", "multiprocessing/", "pydoc_data/",
    "test/", "tkinter/", "turtledemo/", "unittest/", "venv/", "wsgiref/", "xmlrpc/",
    "xml/dom/", "xml/sax/",
    "antigravity.py", "bdb.py", "cProfile.py", "doctest.py", "ftplib.py", "imaplib.py", "mailbox.py",
    "pdb.py", "pickletools.py", "poplib.py", "profile.py", "pstats.py", "pydoc.py", "smtplib.py",
    "socketserver.py", "tabnanny.py", "this.py", "turtle.py", "webbrowser.py",
    "encodings/mac_", "encodings/iso", "encodings/koi", "encodings/cp1", "encodings/cp7", "encodings/cp8",
    "encodings/kz", "encodings/ptcp", "encodings/shift", "encodings/euc", "encodings/johab",
)  # fmt: skip
_FIXED = (1980, 1, 1, 0, 0, 0)


def page(
    parts: Mapping[str, bytes],
    *,
    edition: Path | None = None,
    settings: Path | None = None,
    key: bytes | None = None,
) -> bytes:
    """The HTML file. `parts` are the runtime's (`runtime.runtime`).

    What a bureau may give along: the folder of its `edition`, its `settings` (with the
    indicator library that they name), its public `key` (PEM).
    Raises XltoolError where one of these can't be used.
    """
    packed = {
        "loader": parts["pyodide.mjs"],
        "machine": parts["pyodide.asm.mjs"],
        "wasm": parts["pyodide.asm.wasm"],
        "stdlib": _archive(_stdlib(parts["python_stdlib.zip"])),
        "packages": _archive(_packages(parts[wheel()])),
        "given": _archive(_given(edition, settings, key)),
    }
    style = "".join(
        _text(folder, name) for folder, name in ((REPORT, "report.css"), (TEMPLATES, "page.css"))
    )
    script = "".join(
        _text(folder, name) for folder, name in ((REPORT, "report.js"), (TEMPLATES, "page.js"))
    )
    return _render(
        style=style,
        first=_text(TEMPLATES, "first.js"),
        script=script,
        worker=_text(TEMPLATES, "worker.js"),
        lock=json.dumps({"info": pinned()["pyodide"]["lock"], "packages": {}}),
        parts={name: _packed(data) for name, data in packed.items()},
    )


def _render(*, style: str, first: str, script: str, **given: Any) -> bytes:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    from xltool import __version__

    environment = Environment(
        loader=FileSystemLoader([TEMPLATES, REPORT]), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    # Only its own two scripts run; the worker is made of what stands in the page, and inherits
    # this.
    policy = (
        "default-src 'none'; connect-src 'none'; "
        f"script-src {text_hash(first)} {text_hash(script)} 'wasm-unsafe-eval' blob:; worker-src blob:; "
        f"style-src {text_hash(style)}; img-src data:; base-uri 'none'; form-action 'none'"
    )
    text = environment.get_template("page.html.j2").render(
        policy=policy,
        style=Markup(style),
        first=Markup(first),
        script=Markup(script),
        version=__version__,
        verdicts=[(key, word, 0) for key, word in VERDICTS.items()],
        **given,
    )
    return text.encode()


def _text(folder: Path, name: str) -> str:
    return (folder / name).read_text("utf-8")


def _packed(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()


def _archive(files: Mapping[str, bytes]) -> bytes:
    """The files as a zip without compression:
    the page compresses it as a whole, which saves more."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _FIXED), files[name])
    return written.getvalue()


def _unzipped(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {
            entry.filename: archive.read(entry)
            for entry in archive.infolist()
            if not entry.is_dir()
        }


def _stdlib(data: bytes) -> dict[str, bytes]:
    return {name: text for name, text in _unzipped(data).items() if not name.startswith(UNUSED)}


def _packages(msgspec: bytes) -> dict[str, bytes]:
    files = {name: data for name, data in _unzipped(msgspec).items() if not name.endswith(".pyi")}
    package_folder = Path(__file__).parents[1]
    for name, data in _files(package_folder):
        if not name.startswith(tuple(f"{room}/" for room in LEFT_OUT)):
            files[f"xltool/{name}"] = data
    for library in LIBRARIES:
        spec = importlib.util.find_spec(library)
        if spec is None or not spec.submodule_search_locations:
            raise XltoolError(f"没有装 {library}，做不了网页")
        for name, data in _files(Path(spec.submodule_search_locations[0])):
            files[f"{library}/{name}"] = data
    return files


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            yield file.relative_to(folder).as_posix(), file.read_bytes()


def _given(edition: Path | None, settings: Path | None, key: bytes | None) -> dict[str, bytes]:
    from xltool.campaign.sealing.keys import load_public
    from xltool.checks.settings import load_settings
    from xltool.editions.declaration import edition_in

    files: dict[str, bytes] = {}
    if edition is not None:
        folder = Path(edition_in(edition).folder)
        for name in ("edition.toml", "template.xlsx"):
            files[f"edition/{name}"] = (folder / name).read_bytes()
    if settings is not None:
        files["settings.toml"] = settings.read_bytes()
        if library := load_settings(settings).library:
            files[Path(library).name] = Path(library).read_bytes()
    if key is not None:
        load_public(key)
        files["public.pem"] = key
    return files
