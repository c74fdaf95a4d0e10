"""The folder for a Windows machine without a network:
complete for pip, with scripts that cmd can read."""

import hashlib
import shutil
import subprocess
import sys
import zipfile

import pytest

from tests.support.paths import ROOT
from xltool.errors import XltoolError
from xltool.excel import windows_bundle

# One process makes the folder for all of them.
pytestmark = [pytest.mark.heavy, pytest.mark.xdist_group("windows bundle")]
VERSION = "3.12"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("离线")
    embedded = folder / "python-3.12.0-embed-amd64.zip"
    with zipfile.ZipFile(embedded, "w") as package:
        package.writestr("python.exe", b"MZ")
        package.writestr("python312._pth", "python312.zip\n.\n\n#import site\n")
    source = folder / "src"
    wanted = shutil.ignore_patterns(".git", "tests", "__pycache__", "node_modules", ".venv*")
    shutil.copytree(ROOT, source, ignore=wanted)
    try:
        windows_bundle.bundle(folder / "包", source, versions=(VERSION,), python=embedded)
    except XltoolError as error:
        if "No matching distribution" in str(error) or "Could not find" in str(error):
            pytest.skip(f"pip reaches no index here: {error}")
        raise
    return folder / "包"


def test_pip_needs_nothing_else(made, tmp_path):
    command = [sys.executable, "-m", "pip", "download", "--no-index", "--find-links"]
    command += [str(made / "wheels"), "--dest", str(tmp_path), "xltool"]
    command += windows_bundle._for_windows(VERSION)
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    names = {file.name.partition("-")[0].lower() for file in (made / "wheels").iterdir()}
    assert {"xltool", "xlwings", "pywin32", "tzdata", "lxml"} <= names, "what Windows needs"


def test_every_wheel_has_its_hash(made):
    lines = (made / "hashes.txt").read_text("utf-8").splitlines()
    told = dict(reversed(line.split("  ")) for line in lines)
    assert told == {
        f"wheels/{file.name}": hashlib.sha256(file.read_bytes()).hexdigest()
        for file in (made / "wheels").iterdir()
    }


def test_the_embedded_python_finds_its_packages(made):
    python = made / "python"
    assert (python / "Lib" / "site-packages" / "xltool" / "__init__.py").is_file()
    lines = (python / "python312._pth").read_text("utf-8").splitlines()
    assert lines == ["python312.zip", ".", r"Lib\site-packages", "import site"]


def test_the_scripts_are_for_cmd_alone(made):
    for name in ("安装.cmd", "卸载.cmd"):
        text = (made / name).read_bytes().decode("gbk")
        assert text.startswith("@echo off\r\n")
        assert "\n" not in text.replace("\r\n", "")
        commands = [line for line in text.lower().splitlines() if not line.startswith("rem ")]
        assert not [line for line in commands if "powershell" in line or "runas" in line]
        labels = {line[1:] for line in commands if line.startswith(":")}
        jumps = {line.rpartition("goto ")[2].strip() for line in commands if "goto " in line}
        assert jumps <= labels


def test_a_folder_in_use_and_a_wrong_zip_are_refused(tmp_path):
    (tmp_path / "有").mkdir()
    (tmp_path / "有" / "别人的.txt").write_text("重要")
    with pytest.raises(XltoolError, match="不是空文件夹"):
        windows_bundle.bundle(tmp_path / "有", ROOT)
    (tmp_path / "不是.zip").write_text("x")
    with pytest.raises(XltoolError, match="不是可嵌入的"):
        windows_bundle._embedded(tmp_path / "不是.zip", tmp_path / "p", ROOT, tmp_path)
