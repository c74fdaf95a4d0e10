"""The page as a file: the same bytes from the same inputs, nothing unchecked,
nothing that could connect."""

import base64
import gzip
import io
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.support.page import NODE, WHEELS
from tests.support.paths import ROOT
from xltool.cli import main
from xltool.editions.declaration import load_edition
from xltool.errors import XltoolError
from xltool.page import runtime as parts_of
from xltool.page.build import page
from xltool.page.runtime import package, runtime, wheel

MOST = 10 * 2**20


def part(text: str, name: str) -> bytes:
    [packed] = re.findall(rf'<script type="text/plain" id="part-{name}">([^<]*)</script>', text)
    return gzip.decompress(base64.b64decode(packed))


def names(text: str, name: str) -> set[str]:
    return set(zipfile.ZipFile(io.BytesIO(part(text, name))).namelist())


def test_the_same_inputs_give_the_same_bytes(built, runtime_parts):
    data = built.read_bytes()
    assert page(runtime_parts) == data
    assert len(data) <= MOST


def test_the_policy_forbids_every_connection(built):
    text = built.read_text("utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src &#39;none&#39;; connect-src &#39;none&#39;; ")
    assert "unsafe-inline" not in policy and "&#39;unsafe-eval&#39;" not in policy
    assert "http" not in policy and "data:" not in policy.replace("img-src data:", "")
    # Before anything that it should bind.
    assert text.index("Content-Security-Policy") < text.index("<script") < text.index("</html>")
    own = text[: text.index('id="part-')] + text[text.rindex("part-given") :]
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", own)


def test_what_is_in_it(built):
    text = built.read_text("utf-8")
    packages = names(text, "packages")
    assert {
        "xltool/page/desk.py",
        "xltool/editions/shipped/hunan-2023/template.xlsx",
        "msgspec/__init__.py",
    } <= packages
    assert not [
        n for n in packages if n.startswith(("xltool/cli/", "xltool/excel/", "xltool/batch/"))
    ]
    assert names(text, "given") == set()


def test_all_that_the_desk_loads_is_in_it(built):
    """Modules are loaded when a request needs them: one that is missing would show only then."""
    code = """
import sys, xltool.page.inside
import xltool.campaign.returns.incoming, xltool.campaign.returns.verification, xltool.databook
import xltool.filling.proof, xltool.filling.writer, xltool.indicator.normalise, xltool.reading.normal_copy
import xltool.reports.indicators, xltool.results_sheet.insert, xltool.results_sheet.write
print(*[m.__file__ for name, m in sys.modules.items() if name.startswith("xltool") and m.__file__], sep="\\n")
print(*sys.modules.keys() & {"cryptography", "lxml", "pandas", "click", "networkx", "filelock", "openpyxl"})
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    *files, heavy = done.stdout.splitlines()
    inside = names(built.read_text("utf-8"), "packages")
    assert {
        f"xltool/{Path(file).relative_to(ROOT / 'xltool').as_posix()}" for file in files
    } <= inside
    assert heavy == ""


def test_what_a_bureau_gives_along(runtime_parts, tmp_path):
    from xltool.campaign.sealing.keys import make_keys

    make_keys(tmp_path / "keys")
    (tmp_path / "设置.toml").write_text('off = ["A101"]\nlibrary = "指标库.toml"\n', "utf-8")
    (tmp_path / "指标库.toml").write_text('[[indicator]]\nname = "维修水库"\n', "utf-8")
    pem = (tmp_path / "keys" / "public.pem").read_bytes()
    folder = Path(load_edition("national-2021").folder)
    text = page(runtime_parts, edition=folder, settings=tmp_path / "设置.toml", key=pem).decode()
    assert names(text, "given") == {
        "edition/edition.toml",
        "edition/template.xlsx",
        "settings.toml",
        "指标库.toml",
        "public.pem",
    }
    for wrong in (
        {"key": b"no key"},
        {"edition": tmp_path},
        {"settings": tmp_path / "keys" / "public.pem"},
    ):
        with pytest.raises(XltoolError):
            page(runtime_parts, **wrong)


def test_parts_are_taken_from_files_and_folders_packed_or_not(runtime_parts, tmp_path):
    packed = tmp_path / "npm" / package()
    packed.parent.mkdir()
    with tarfile.open(packed, "w:gz") as archive:
        for name in ("pyodide.mjs", "pyodide.asm.mjs"):
            archive.add(NODE / "node_modules" / "pyodide" / name, f"package/{name}")
    # Its files are the pinned ones, but it isn't the package that npm has.
    with pytest.raises(XltoolError, match="校验值不符"):
        runtime([packed], tmp_path / "none")
    assert (
        runtime([NODE / "node_modules" / "pyodide", WHEELS / wheel()], tmp_path / "none")
        == runtime_parts
    )


@pytest.mark.parametrize("name", ["pyodide.asm.wasm", "python_stdlib.zip", "wheel"])
def test_another_content_is_refused(runtime_parts, tmp_path, name):
    name = wheel() if name == "wheel" else name
    (tmp_path / name).write_bytes(runtime_parts[name] + b"\0")
    with pytest.raises(XltoolError, match=f"{re.escape(name)} 不是登记的那一个"):
        runtime([tmp_path], tmp_path / "none")


def test_without_runtime_and_npm_one_line_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(parts_of, "_cache", lambda: tmp_path / "none")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert main(["page", "-o", str(tmp_path / "审核.html")]) == 2
    said = capsys.readouterr().err
    assert (
        said.count("\n") == 1 and "没有 npm" in said and "--runtime" in said and package() in said
    )
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_the_page(built, tmp_path, capsys):
    places = [f"--runtime={NODE / 'node_modules'}", f"--runtime={WHEELS}"]
    assert main(["page", "-o", str(tmp_path / "审核.html"), *places]) == 0
    assert (tmp_path / "审核.html").read_bytes() == built.read_bytes()
    assert "MB" in capsys.readouterr().out
    (tmp_path / "审核.html").write_bytes(b"mine")
    assert main(["page", "-o", str(tmp_path / "审核.html"), *places]) != 0
    assert (tmp_path / "审核.html").read_bytes() == b"mine"


@pytest.mark.parametrize("option", ["--runtime", "--key", "--settings", "--edition"])
def test_what_is_not_there_is_said_in_one_line(option, tmp_path, capsys):
    runtime_there = [f"--runtime={NODE / 'node_modules'}", f"--runtime={WHEELS}"]
    line = ["page", "-o", str(tmp_path / "1.html"), *runtime_there, option, str(tmp_path / "没有")]
    assert main(line) == 2
    said = capsys.readouterr().err
    assert said.startswith("错误：") and "没有" in said and said.count("\n") == 1
