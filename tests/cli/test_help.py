"""Help pages and options: Chinese, aligned, with examples; one option, one meaning;
old spellings still work."""

import re
import shlex
import subprocess
import sys

import click
import pytest

import xltool
from tests.support.case import filing_of
from xltool.cli import main
from xltool.cli._command import OutputPath
from xltool.cli._examples import examples, examples_of
from xltool.cli.help import every_command, options, options_page
from xltool.files.display import folded, widest, width

COMMANDS = dict(every_command())
# What click says where its Chinese catalogue has a gap, and what stands for a value.
ENGLISH = {
    "arguments", "choice", "commands", "datetime", "default", "directory", "exit", "file", "filename", "float",
    "integer", "message", "options", "path", "range", "required", "text", "this", "usage",
}  # fmt: skip


def page(name, capsys):
    capsys.readouterr()
    assert main([*name.split(), "--help"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_page_has_an_example_that_can_be_read(name):
    lines = examples_of(name, COMMANDS[name])
    assert lines
    for line in lines:
        words = shlex.split(line)
        assert words[: 1 + len(name.split())] == ["xltool", *name.split()]
        command = COMMANDS[name]
        command.make_parser(click.Context(command)).parse_args(words[1 + len(name.split()) :])


def test_there_is_no_example_of_a_command_that_is_gone():
    assert set(examples()) <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_is_chinese_and_fits_the_screen(name, capsys):
    text = page(name, capsys)
    assert text.startswith(f"用法：xltool {name}")
    body = re.sub(r"^用法：.*\n|^  xltool .*\n", "", text, flags=re.MULTILINE)
    plain = re.sub(
        r"--?[a-z][a-z-]*|[a-z0-9_./]+\.(?:xlsx|json|csv|html|toml|md|pem|db)|\[[a-z0-9|]+\]",
        "",
        body,
    )
    words = {word.lower() for word in re.findall(r"[A-Za-z]{3,}", plain)}
    assert words & ENGLISH == set()
    assert not re.search(
        r"(?<!xltool )[A-Za-z]{3,} [a-z]{3,} [a-z]{3,}", re.sub("xltool [a-z ]*", "", plain)
    )
    assert [line for line in body.splitlines() if width(line) > 80] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_meanings_begin_in_one_column(name, capsys):
    lines = page(name, capsys).partition("选项：\n")[2].partition("\n\n")[0].splitlines()
    starts = {
        width(found[1])
        for line in lines
        if (found := re.match(r"(  -.*?\S  +)\S", line)) is not None
    }
    assert len(starts) == 1


def test_one_option_has_one_meaning():
    """The same kind of thing wherever it is:
    a flag or a value, a path that is read or one that is made."""

    def kind(option):
        made = isinstance(option.type, OutputPath)
        read = isinstance(option.type, click.Path) and not made
        return (option.is_flag, made, read, type(option.type) if not (made or read) else None)

    differing = {}
    for name, uses in options().items():
        kinds = {kind(option) for _, option in uses}
        if len(kinds) > 1:
            differing[name] = {command: kind(option) for command, option in uses}
    assert differing == {}


def test_every_option_says_what_it_is_for():
    assert [(name, c) for name, uses in options().items() for c, o in uses if not o.help] == []


def test_the_table_of_options_lists_all(capsys):
    assert main(["help", "--options"]) == 0
    assert capsys.readouterr().out == options_page()
    for name in options():
        assert f"`{name}`" in options_page()


@pytest.mark.parametrize(
    ("ways", "said"),
    [
        ([["-h"], ["--help"], ["help"]], "命令："),
        ([["check", "-h"], ["check", "--help"], ["help", "check"]], "用法：xltool check"),
        ([["campaign", "new", "-h"], ["help", "campaign", "new"]], "用法：xltool campaign new"),
        ([["-V"], ["--version"]], xltool.__version__),
    ],
)
def test_help_and_version_in_every_spelling(ways, said, capsys):
    pages = []
    for way in ways:
        assert main(way) == 0
        pages.append(capsys.readouterr().out)
    assert said in pages[0]
    assert len(set(pages)) == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("chek a.xlsx", "check"), ("campaign nwe", "new"), ("databook chek", "check"), ("live 全身", "全审"),
        ("live chek_all", "check_all"), ("help chek", "check"), ("check --jsn a.xlsx", "--json"),
    ],
)  # fmt: skip
def test_what_was_meant_is_guessed(line, said, capsys):
    assert main(line.split()) == 2
    assert said in capsys.readouterr().err


def test_old_spellings_still_work_and_are_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    xltool.fill(filing_of(), "甲.xlsx")
    for old, made in (
        ("indicators 甲.xlsx --csv 1.csv --xlsx=1.xlsx", ["1.csv", "1.xlsx"]),
        ("normalise 甲.xlsx --write 2.xlsx", ["2.xlsx"]),
        ("export 甲.xlsx -o 出 --csv --json", ["出/申报数据.csv", "出/申报数据.json"]),
        ("import 甲.xlsx -o 入 --kind json", ["入/数据表.json"]),
    ):
        capsys.readouterr()
        assert main(old.split()) in (0, 1)
        assert all((tmp_path / file).is_file() for file in made)
        assert "这一版还认" in capsys.readouterr().err
    assert main(["indicators", "甲.xlsx", "-o", "3.csv"]) == 0
    assert "这一版还认" not in capsys.readouterr().err


def test_stopping_while_it_loads_is_one_line(tmp_path):
    """Ctrl-C before anything is loaded: what would be imported first is interrupted."""
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt", "utf-8")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from xltool.cli import main; "
    code += "sys.exit(main(['check', 'a']))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False
    )
    assert result.returncode == 2
    assert result.stderr == "已中断。\n"


def test_amounts_are_never_parted_on_a_narrow_screen(tmp_path, monkeypatch, capsys):
    from xltool.cli import _output

    monkeypatch.setattr(_output, "screen_width", lambda: 60)
    path = xltool.fill(filing_of({"department": {"fund": "1190"}}), tmp_path / "甲.xlsx")
    main(["check", str(path)])
    main(["import", str(path), "-o", str(tmp_path / "入"), "--values"])
    lines = capsys.readouterr().out.splitlines()
    for amount in ("3073.17", "1883.17", "2073.17"):
        assert any(amount in line for line in lines)
    paths = (str(tmp_path), "/")
    assert [line for line in lines if width(line) > 60 and not any(p in line for p in paths)] == []


class TestFolding:
    TEXT = "收入侧：一般公共预算 1883.17 + 政府性基金拨款（含上年结转）1290.00 = 3173.17，相差 0.01 万元。"

    @pytest.mark.parametrize("columns", [12, 20, 33, 60, 200])
    def test_nothing_is_lost_and_no_number_cut(self, columns):
        lines = folded(self.TEXT, columns)
        assert "".join("".join(lines).split()) == "".join(self.TEXT.split())
        assert all(width(line) <= columns for line in lines)
        for number in ("1883.17", "1290.00", "3173.17", "0.01"):
            assert any(number in line for line in lines)
        assert not any(line.startswith(tuple("，。）")) for line in lines)
        assert not any(line.endswith("（") for line in lines)

    def test_width_counts_columns_not_characters(self):
        assert width("甲a1") == 4
        assert width("\x1b[31m错误\x1b[0m") == 4
        assert widest("金额 1,245.61 万元") == 8
