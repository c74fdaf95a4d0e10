"""What a newcomer gets wrong:
each one clear Chinese line, the right exit code, nothing half-written."""

import errno
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest

import xltool
from tests.support.seed import seed_filing
from xltool.cli import main
from xltool.editions.declaration import SHIPPED
from xltool.errors import why
from xltool.files.declarations import toml_fault, value_fault


def run(capsys, *arguments):
    code = main([str(a) for a in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def no_english(text):
    """Words of the machine's language that no accountant should have to read."""
    return not re.search(
        r"\b(No such|Permission|denied|Expected|expected|invalid|codec|malformed|Error)\b", text
    )


@pytest.fixture
def workbook(tmp_path):
    return xltool.fill(seed_filing(), tmp_path / "好 的.xlsx")


COMMANDS = (["check"], ["balance"], ["normalise"], ["indicators", "--csv", "空.csv"])


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
def test_lock_files_alone_are_not_a_clean_result(command, workbook, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "夹").mkdir()
    workbook.rename(tmp_path / "夹" / "~$好 的.xlsx")
    code, _, said = run(capsys, *command, "夹")
    assert code == 2
    assert "只有 Excel 打开时的锁文件" in said
    assert not (tmp_path / "空.csv").exists()


def test_indicators_of_nothing_readable_are_not_written(tmp_path, capsys):
    bad = tmp_path / "坏.xlsx"
    bad.write_bytes(b"nothing")
    code, _, said = run(
        capsys, "indicators", bad, "--csv", tmp_path / "a.csv", "--xlsx", tmp_path / "a.xlsx"
    )
    assert code == 2 and "没有写出" in said
    assert sorted(p.name for p in tmp_path.iterdir()) == ["坏.xlsx"]


def test_a_copy_named_without_suffix_goes_into_a_folder(workbook, tmp_path, capsys):
    code, _, _ = run(capsys, "normalise", workbook, "--write", tmp_path / "规范")
    assert code == 0
    assert (tmp_path / "规范" / workbook.name).is_file()


@pytest.mark.parametrize(
    ("data", "says"), [(b"", "没有写完"), (b"hello", "report.json"), (b'{"files": [', "没有写完")]
)
def test_no_report_json(data, says, tmp_path, capsys):
    file = tmp_path / "a.json"
    file.write_bytes(data)
    code, _, said = run(capsys, "report", file, "-o", tmp_path / "出")
    assert code == 2 and says in said and no_english(said)
    assert not list(tmp_path.rglob("report.*"))


def test_a_missing_or_a_folder_in_chinese(tmp_path, capsys):
    for path, says in ((tmp_path / "没有.json", "没有这个文件"), (tmp_path, "这是文件夹")):
        code, _, said = run(capsys, "report", path, "-o", tmp_path / "出")
        assert code == 2 and says in said and no_english(said)


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        (b"a b = 1", "第 1 行第 3 列"),
        (b"\xd0\xcf\x11", "不是 UTF-8"),
        ("long_text_min = '十'".encode(), "应当是整数，写成了文字"),
        (b"severity = {T304 = 'worse'}", "“worse”不在可选的值里"),
    ],
)
def test_settings_that_cannot_be_used(toml, says, workbook, tmp_path, capsys):
    file = tmp_path / "设置.toml"
    file.write_bytes(toml)
    code, _, said = run(capsys, "check", workbook, "--settings", file)
    assert code == 2 and says in said and said.count("\n") == 1 and no_english(said)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('kind = "year"', 'kind = "yeer"'), "“yeer”不在可选的值里"),
        (('title = "部门整体支出绩效目标表"\n', ""), "缺少“title”"),
        (("rows = 2", "rows = 0"), "不能小于 1"),
        (("decimals = 2", 'decimals = "2"'), "应当是整数"),
        (("decimals = 2", "decimals = 2\ndezimals = 2"), "不认识“dezimals”"),
        (('id = "hunan-2023"', "id = "), "不是有效的 TOML：第"),
    ],
)
def test_declarations_that_cannot_be_used(change, says, tmp_path, capsys):
    old, new = change
    text = (SHIPPED / "hunan-2023" / "edition.toml").read_text("utf-8")
    assert old in text
    (tmp_path / "edition.toml").write_text(text.replace(old, new, 1), "utf-8")
    code, _, said = run(capsys, "edition", "check", tmp_path)
    assert code == 2 and says in said and "edition.toml" in said and no_english(said)


def test_every_sentence_about_a_declaration_is_chinese():
    class Some(msgspec.Struct, forbid_unknown_fields=True):
        n: int = 0

    with pytest.raises(msgspec.ValidationError) as wrong:
        msgspec.convert({"n": [1]}, Some)
    assert value_fault(wrong.value) == ("n", "应当是整数，写成了列表 […]")
    with pytest.raises(tomllib.TOMLDecodeError) as bad:
        tomllib.loads('a = "')
    assert no_english(toml_fault(bad.value))


@pytest.mark.parametrize(
    "number", [errno.ENOENT, errno.EACCES, errno.ENOSPC, errno.EROFS, errno.EISDIR]
)
def test_the_machine_speaks_chinese(number):
    assert re.fullmatch(r"[\u4e00-\u9fff，]+", why(OSError(number, "English words")))


def test_what_the_machine_refuses_is_no_internal_error(workbook, monkeypatch, capsys):
    def refuse(*_args, **_kwargs):
        raise PermissionError(errno.EACCES, "Permission denied", "某处/甲.xlsx")

    monkeypatch.setattr("xltool.checks.engine.check", refuse)
    code, _, said = run(capsys, "check", workbook)
    assert (code, said) == (2, "错误：某处/甲.xlsx：没有权限\n")


@pytest.mark.parametrize("command", ["check", "balance", "indicators"])
@pytest.mark.parametrize(
    ("name", "advice"),
    [("数据表.JSON", "可能是数据表；填报用 xltool fill"), ("部门.csv", "是 CSV，不是工作簿"),
     ("report.json", "是 xltool 写的报告")],
)  # fmt: skip
def test_a_text_file_that_is_named_gets_the_advice_that_a_folders_gets(
    tmp_path, monkeypatch, capsys, command, name, advice
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text("{}", "utf-8")
    xltool.fill(seed_filing(), tmp_path / "甲.xlsx")
    code, out, err = run(capsys, command, name)
    assert (code, out) == (2, "") and err.startswith(f"错误：{name}：{advice}")
    if command == "check" and name != "report.json":
        assert advice in run(capsys, command, ".")[2]


def test_an_encrypted_file_gets_one_advice(tmp_path):
    file = tmp_path / "加密.xlsx"
    file.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"))
    [finding] = xltool.check(xltool.read(file))
    assert finding.message.count("请") == 2  # for a password of its own, and for the default one
    assert finding.message.startswith("文件有打开密码（已加密），请去掉密码后再交；")


def test_a_mistyped_command_is_guessed(capsys):
    code, _, said = run(capsys, "chek", "a")
    assert code == 2 and "是不是 check？" in said


def test_a_reader_that_has_seen_enough_is_no_error():
    python = shlex.quote(sys.executable)
    command = f"{python} -m xltool rules --markdown | head -c 10; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize(
    "command",
    [
        ["check"],
        ["import", "-o", "出"],
        ["fill", "-o", "出"],
        ["convert", "--next-year", "-o", "出.xlsx"],
    ],
    ids=lambda c: c[0],
)
def test_a_pipe_is_not_waited_for(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("管道.xlsx", "管道.json"):
        os.mkfifo(name)
        code, out, err = run(capsys, *command, name)
        assert code in (1, 2) and "不是" in out + err


def test_the_command_printed_after_copying_an_edition_works(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "版式 夹"
    folder.mkdir()
    monkeypatch.chdir(folder)
    code, said, _ = run(capsys, "edition", "new", "mine", "-o", ".")
    assert code == 0
    [command] = re.findall(r"改好后检查：xltool (.*)", said)
    assert run(capsys, *shlex.split(command))[0] == 0


@pytest.mark.parametrize("name", ["数据表.xlsx", "数据 表.xlsx", "甲$HOME`乙`.xlsx", "a&b;c.xlsx"])
def test_the_command_printed_with_a_new_data_book_reads_it(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, said, _ = run(capsys, "databook", "new", name)
    assert code == 0
    [command] = re.findall(r"运行 xltool (.*)", said)
    assert shlex.split(command)[1] == name
    # Double quotes serve every shell; others only where no shell reads the name alike.
    assert "'" not in command or "$" in name


def test_an_edition_without_its_template(tmp_path, capsys):
    shutil.copy(SHIPPED / "hunan-2023" / "edition.toml", tmp_path)
    text = (
        (tmp_path / "edition.toml").read_text("utf-8").replace('id = "hunan-2023"', 'id = "mine"')
    )
    (tmp_path / "edition.toml").write_text(text, "utf-8")
    code, _, said = run(capsys, "edition", "check", tmp_path)
    assert code == 2 and "template.xlsx：没有这个文件" in said and no_english(said)


@pytest.mark.parametrize("name", ["数据.txt", "数据.docx", "数据.csv"])
def test_a_data_book_is_no_folder_by_accident(name, tmp_path, capsys):
    code, _, said = run(capsys, "databook", "new", tmp_path / name)
    assert code == 2 and "只能写成" in said
    assert not list(tmp_path.iterdir())


def test_watching_a_folder_that_is_not_there(tmp_path, capsys):
    code, out, said = run(capsys, "watch", tmp_path / "没有")
    assert (code, out) == (2, "") and "没有这个文件夹" in said


def test_a_batch_of_nothing_says_so(tmp_path, capsys):
    (tmp_path / "空").mkdir()
    code, _, said = run(capsys, "batch", tmp_path / "空", tmp_path / "出")
    assert code == 0 and "没有数据表，也没有工作簿" in said


def test_a_pasted_remark_is_no_argument(workbook, capsys):
    """cmd and zsh hand over what stands behind the # of a line of the documentation."""
    assert run(capsys, "check", workbook, "#", "审一遍")[1] == run(capsys, "check", workbook)[1]


def test_nothing_to_import_says_so_and_writes_nothing(tmp_path, capsys):
    (tmp_path / "空").mkdir()
    code, out, said = run(capsys, "import", tmp_path / "空", "-o", tmp_path / "导入")
    assert (code, out) == (2, "") and "没有能导入的文件" in said
    assert not (tmp_path / "导入").exists()


def test_no_form_in_what_was_imported_is_said(tmp_path, capsys):
    (tmp_path / "通知.txt").write_text("关于召开会议的通知", "utf-8")
    code, _, said = run(capsys, "import", tmp_path / "通知.txt", "-o", tmp_path / "导入")
    assert code == 2 and "没有做成数据表" in said


def test_only_failed_after_a_run_without_failures(workbook, tmp_path, capsys):
    inputs = tmp_path / "收到"
    inputs.mkdir()
    shutil.copy(workbook, inputs)
    command = ["batch", inputs, tmp_path / "结果", "-j", "1"]
    run(capsys, *command)
    said = run(capsys, *command, "--only-failed")[2]
    assert "上次的输入都做成了" in said and "没有数据表" not in said


@pytest.mark.parametrize(
    "line", ["check", "check 好.xlsx --jso", "report a.json --format pdf", "completion"]
)
def test_a_refusal_has_chinese_marks(line, capsys):
    code, _, said = run(capsys, *line.split())
    last = said.strip().splitlines()[-1]
    assert code == 2 and not re.search(r"'| “|” |\.$", last) and last.endswith(("。", "？"))


def test_where_the_marked_copies_are_is_said(workbook, tmp_path, capsys):
    out = run(capsys, "check", workbook, "--mark", tmp_path / "标好的")[1]
    assert f"标好的副本在 {tmp_path / '标好的'}：1 份" in out


@pytest.mark.parametrize(
    "line",
    [
        "fill 书.json -o 新.xlsx", "import 甲.xlsx -o 数据表.XLSX", "report a.json -o report.html",
        "export 甲.xlsx --format pdf -o 新.pdf", "check 甲.xlsx --mark 新.xlsx",
        "normalise 甲.xlsx 乙.xlsx -o 新.xlsx", "normalise 甲.xlsx -o 新.csv", "demo 新.html",
    ],
)  # fmt: skip
def test_no_folder_is_made_that_is_called_as_a_file(line, workbook, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("甲.xlsx", "乙.xlsx"):
        shutil.copy(workbook, name)
    before = sorted(Path().iterdir())
    code, _, said = run(capsys, *line.split())
    assert code == 2 and "这里要写文件夹" in said
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize(
    "line",
    [
        "normalise 甲.xlsx -o 新.xls", "normalise 甲.xlsx -o 新.xlsm", "normalise 宏.xlsm -o 新.xlsx",
        "template draw -o 新.xls", "edition check hunan-2023 --show 新.et", "page -o 新.xlsx",
        "fill 书.json --into 甲.xlsx -o 新.xls",
    ],
)  # fmt: skip
def test_no_file_is_written_that_its_name_denies(line, workbook, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("甲.xlsx", "宏.xlsm"):
        shutil.copy(workbook, name)
    before = sorted(Path().iterdir())
    code, _, said = run(capsys, *line.split())
    assert code == 2 and "写成 ." in said
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize("command", ["check --json", "balance --json", "indicators"])
def test_a_file_that_is_named_twice_counts_once(command, workbook, tmp_path, capsys):
    once = run(capsys, *command.split(), workbook)[1]
    named = (workbook, workbook.parent / ".." / workbook.parent.name / workbook.name, tmp_path)
    assert run(capsys, *command.split(), *named)[1] == once


def test_nor_is_it_exported_converted_or_imported_twice(workbook, tmp_path, capsys):
    named, out = (workbook, workbook.parent), tmp_path / "出"
    assert (
        "（1 份申报）" in run(capsys, "export", workbook, workbook, "--format", "csv", "-o", out)[1]
    )
    assert run(capsys, "convert", *named, "--next-year", "-o", tmp_path / "书.json")[0] == 0
    assert "项目表 1 张" in run(capsys, "import", *named, "-o", out)[1]


def test_two_files_of_one_name_are_told_apart_in_an_import(workbook, tmp_path, capsys):
    for folder in ("甲", "乙"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "坏.docx").write_bytes(b"PK\x03\x04")
    bad = (tmp_path / "甲", tmp_path / "乙")
    code, _, said = run(capsys, "import", workbook, *bad, "-o", tmp_path / "出")
    assert code == 1 and said.count("没有导入：") == 2
    left = (tmp_path / "出" / "未导入.csv").read_text("utf-8-sig")
    assert "甲/坏.docx" in left and "乙/坏.docx" in left
