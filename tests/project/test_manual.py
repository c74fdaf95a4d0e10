"""The manual's commands, in its order, in one folder: none is misspelt, none fails to run.

The three days of the manual share their files, as a reader's days do. The commands in the running
text are parsed by test_docs_commands.
"""

import re
import shlex
import shutil
from pathlib import Path

import openpyxl
import pytest

from tests.support.paths import ROOT
from tests.support.seed import EXAMPLE, UNIT, seed_filing
from xltool import fill
from xltool.cli import COMMANDS, main
from xltool.exporting import office as office_module

MANUAL = (ROOT / "docs" / "manual.md").read_text("utf-8")
BLOCKS = [
    line
    for block in re.findall(r"```console\n(.*?)```", MANUAL, re.DOTALL)
    for line in block.splitlines()
]


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with what the manual takes for granted, and a LibreOffice that writes something."""
    monkeypatch.chdir(tmp_path)
    fill(seed_filing(), tmp_path / "我的申报.xlsx")
    fill(seed_filing(), tmp_path / "去年的申报.xlsx")
    book = openpyxl.Workbook()
    book.active.append(["部门编码", "部门名称", "区县"])
    book.active.append(["00101", UNIT, "沅江市"])
    book.save(tmp_path / "单位名单.xlsx")
    (tmp_path / "收到的").mkdir()
    shutil.copy(tmp_path / "我的申报.xlsx", tmp_path / "收到的")

    def pretend(files, folder, *, timeout=None):
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            (folder / f"{file.stem}.pdf").write_bytes(b"%PDF")
        return {file: folder / f"{file.stem}.pdf" for file in files}

    monkeypatch.setattr("xltool.exporting.pristine.print_pdf", pretend)
    monkeypatch.setattr(office_module, "find_office", lambda: "soffice")
    return tmp_path


def test_every_block_runs_in_order(desk, monkeypatch, capsys):
    assert len(BLOCKS) > 25
    for line in BLOCKS:
        program, *arguments = shlex.split(line)
        if program == "cd":
            monkeypatch.chdir(Path.cwd() / arguments[0])
            continue
        assert program == "xltool", line
        code = main(arguments)
        said = capsys.readouterr()
        assert code in (0, 1), f"{line}\n{said.out}\n{said.err}"
        assert "内部错误" not in said.err, line
        if arguments[:2] == ["databook", "new"]:
            # The reader fills it in; here the shipped example is what was filled in.
            assert main(["databook", "convert", str(EXAMPLE), arguments[2], "--force"]) == 0
        if "--pristine" in arguments:
            # Nobody has sealed what lies in 收到的, so nothing was accepted; here this one was.
            accepted = Path(arguments[arguments.index("--pristine") + 1])
            accepted.mkdir(exist_ok=True)
            shutil.copy(desk / "我的申报.xlsx", accepted)


# For those who make templates, or have the ribbon but no macros: their own docs.
ELSEWHERE = {"template", "live"}


@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - ELSEWHERE))
def test_the_manual_leads_to_every_command(command):
    assert re.search(rf"xltool {command}\b", MANUAL)


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+\.md)(?:#[^)]*)?\)", MANUAL):
        assert (ROOT / "docs" / target).exists(), target
    anchors = set(re.findall(r'<a id="([^"]+)">', MANUAL))
    assert set(re.findall(r"\]\(#([^)]+)\)", MANUAL)) <= anchors
