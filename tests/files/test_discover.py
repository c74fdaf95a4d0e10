"""What counts as a workbook, a data book or litter:
one answer, and every command that walks a folder gives it."""

import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import xltool
from tests.support.case import filing_of
from xltool.batch.inputs import count, walk
from xltool.batch.storage import place
from xltool.batch.watch import wanted
from xltool.campaign.returns.incoming import incoming
from xltool.cli.check import check
from xltool.cli.workbooks import workbooks
from xltool.databook import reading
from xltool.files.discover import FileKind, below, holds_folder_book, in_litter, kind_of, table_name
from xltool.importing.filings import _named
from xltool.importing.record import Imported

LITTER_FILES = [
    "._甲.xlsx",
    ".~甲.xlsx",
    "~甲.xlsx",
    "~$甲.xlsx",
    ".~lock.甲.xlsx#",
    ".甲.xlsx",
    "~WRL0001.tmp",
    "Thumbs.db",
    "desktop.ini",
    ".DS_Store",
    ".xltool-0123456789abcdef.tmp",
]
LOCKS = ["~$甲.xlsx", ".~lock.甲.xlsx#"]
LITTER_FOLDERS = [".git", ".xltool", "__MACOSX", "$RECYCLE.BIN", "lost+found", "@eaDir", "~备份"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two workbooks, one of them deeper, amid all the litter there is."""
    home = tmp_path_factory.mktemp("walk") / "收到 的"
    home.mkdir()
    sound = xltool.fill(filing_of(), home / "甲.xlsx").rename(home / "甲.XLSX")
    (home / "乡镇").mkdir()
    shutil.copy(sound, home / "乡镇" / "乙.xlsx")
    for name in LITTER_FILES:
        (home / name).write_bytes(b"x")
    for name in LITTER_FOLDERS:
        (home / name).mkdir()
        shutil.copy(sound, home / name / "丙.xlsx")
    return home


def relative(home: Path, paths) -> list[str]:
    return sorted(Path(path).relative_to(home).as_posix() for path in paths)


def test_every_command_sees_the_same_workbooks(folder):
    expected = ["乡镇/乙.xlsx", "甲.XLSX"]
    everything = [path for path in folder.rglob("*") if path.is_file()]
    assert relative(folder, workbooks([folder])) == expected
    assert sorted(item.key for item in walk(place(folder))) == expected
    assert count(place(folder)) == 2
    assert relative(folder, [path for path in everything if wanted(folder, path)]) == expected
    assert sorted(name for _, name in _named([folder], Imported())) == expected
    with incoming([folder]) as taken:
        assert relative(folder.parent, [one.path for one in taken.found]) == [
            f"{folder.name}/{name}" for name in expected
        ]
        assert not taken.problems and not taken.skipped


def test_litter_of_an_archive_is_litter_too(folder, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "报来"), "zip", folder)
    with incoming([Path(archive)]) as taken:
        assert sorted(one.name for one in taken.found) == [
            "报来.zip/乡镇/乙.xlsx",
            "报来.zip/甲.XLSX",
        ]
        assert not taken.problems and not taken.skipped


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("甲.xlsx", FileKind.WORKBOOK),
        ("甲.XLSM", FileKind.WORKBOOK),
        ("甲.v2.et", FileKind.WORKBOOK),
        ("甲.ods", FileKind.OTHER_WORKBOOK),
        ("甲.xlsb", FileKind.OTHER_WORKBOOK),
        ("甲.wps", FileKind.DOCUMENT),
        ("甲.pdf", FileKind.DOCUMENT),
        ("部门.CSV", FileKind.TABLE),
        ("甲.json", FileKind.DATABOOK),
        ("甲.zip", FileKind.ARCHIVE),
        ("甲.rar", FileKind.OTHER_ARCHIVE),
        ("Report.xlsx", FileKind.OWN_REPORT),
        ("导入报告.html", FileKind.OWN_REPORT),
        ("未导入.CSV", FileKind.OWN_REPORT),
        ("今年-转换说明.csv", FileKind.OWN_REPORT),
        ("导入报告.xlsx", FileKind.WORKBOOK),
        ("甲.审核结果.html", FileKind.OWN_REPORT),
        ("xlsx", FileKind.OTHER),
        ("甲.png", FileKind.OTHER),
        ("", FileKind.OTHER),
        *((name, FileKind.LITTER) for name in LITTER_FILES if name not in LOCKS),
        *((name, FileKind.LOCK) for name in LOCKS),
    ],
)
def test_kinds_by_name(name, kind):
    assert kind_of(name) is kind


def test_a_path_lies_in_litter_by_any_of_its_folders():
    assert in_litter("甲/__MACOSX/乙.xlsx") and in_litter("甲\\__macosx\\乙.xlsx")
    assert in_litter("~$乙.xlsx") and not in_litter("甲~1/乙~.xlsx")


def test_a_folder_book_is_one_whatever_the_case_of_its_endings(tmp_path):
    for name in ("部门.CSV", "项目.csv", "指标.Csv"):
        (tmp_path / name).write_text("", "utf-8")
    assert holds_folder_book(["部门.CSV"]) and not holds_folder_book(["部门.txt", "~部门.csv"])
    assert table_name("指标.Csv") == "指标" and not table_name("._指标.csv")
    [item] = walk(place(tmp_path))
    assert item.is_folder
    with reading(tmp_path) as book:
        assert book.problems and not any("缺少文件" in problem.message for problem in book.problems)


def test_links_pipes_and_closed_folders_are_named_and_not_opened(folder, tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no pipes")
    sound = folder / "甲.XLSX"
    (tmp_path / "真.xlsx").write_bytes(sound.read_bytes())
    (tmp_path / "连.xlsx").symlink_to(sound)
    (tmp_path / "连着").symlink_to(folder)
    os.mkfifo(tmp_path / "管.xlsx")
    kinds = {file.path.name: file.kind for file in below(tmp_path)}
    assert kinds == {
        "真.xlsx": FileKind.WORKBOOK,
        "连.xlsx": FileKind.LINK,
        "连着": FileKind.LINK,
        "管.xlsx": FileKind.SPECIAL,
    }
    said = CliRunner().invoke(check, [str(tmp_path)], standalone_mode=False)
    assert said.return_value in (0, 1)
    for name in ("连.xlsx", "连着", "管.xlsx"):
        assert f"{name}（" in said.stderr


def test_check_names_every_file_it_passes_over(folder, tmp_path):
    shutil.copy(folder / "甲.XLSX", tmp_path / "甲.xlsx")
    names = [
        "a.ods", "a.xlsb", "a.xltx", "a.zip", "a.docx", "a.wps", "a.pdf", "a.rar", "a.csv", "a.json", "a.png",
        "report.xlsx",
    ]  # fmt: skip
    for name in (*names, "report.html", "甲.审核结果.html", "._b.xlsx"):
        (tmp_path / name).write_bytes(b"x")
    said = CliRunner().invoke(check, [str(tmp_path), "--json"])
    lines = [line for line in said.stderr.splitlines() if line.startswith("跳过：")]
    assert [line.partition("（")[0] for line in lines] == [
        f"跳过：{tmp_path / n}" for n in sorted(names)
    ]
    assert "另存为 .xlsx" in said.stderr and "xltool import" in said.stderr


def test_a_name_in_a_folder_steers_no_terminal(folder, tmp_path):
    shutil.copy(folder / "甲.XLSX", tmp_path / "甲.xlsx")
    (tmp_path / "\x1b[31m\u202e红.png").write_bytes(b"x")
    said = CliRunner().invoke(check, [str(tmp_path)])
    assert "红.png" in said.stderr and "\x1b" not in said.stderr and "\u202e" not in said.stderr
