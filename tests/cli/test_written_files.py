"""No command replaces what a person made:
every command that writes files is tried, twice and over."""

import hashlib
import shutil
from pathlib import Path

import click
import pytest
from msgspec.structs import replace
from openpyxl import load_workbook

import xltool
from tests.support.campaign import fill_in, sent_workbooks, unit_rows, write_units
from tests.support.case import filing_of
from tests.support.paths import ROOT
from tests.support.seed import EXAMPLE
from xltool.checks.results import check_result
from xltool.cli import COMMANDS, main
from xltool.cli._command import OutputPath
from xltool.cli._group import group
from xltool.databook import write_databook
from xltool.reports.bundle import write_reports

MINE = "我的东西".encode()

# A command, and the files that it writes; {a} is a filled workbook, {b} a data book, {r} a
# report.json.
WRITERS = {
    "fill": ("fill {b} -o out", ["out/青山县水利局.xlsx"]),
    "check": ("check {a} --mark out", ["out/甲.xlsx"]),
    "indicators": ("indicators {a} -o out/1.csv -o out/1.xlsx", ["out/1.csv", "out/1.xlsx"]),
    "normalise": ("normalise {a} -o out/1.xlsx", ["out/1.xlsx"]),
    "report": (
        "report {r} -o out",
        ["out/report.xlsx", "out/report.html", "out/findings.csv", "out/report.json"],
    ),
    "export": ("export {a} -o out --format csv --format json", ["out/申报数据.csv", "out/申报数据.json"]),
    "databook convert": ("databook convert {b} out/1.xlsx", ["out/1.xlsx"]),
    "databook convert, to tables": (
        "databook convert {b} out", ["out/部门.csv", "out/项目.csv", "out/指标.csv"],
    ),
    "import": (
        "import {a} -o out",
        ["out/数据表.xlsx", "out/导入报告.json", "out/导入取值.csv", "out/未导入.csv"],
    ),
    "convert": ("convert {a} --next-year -o out/1.xlsx", ["out/1.xlsx", "out/1-转换说明.csv"]),
    "library build": ("library build {a} -o out/1.xlsx", ["out/1.xlsx"]),
    "edition check": ("edition check hunan-2023 --show out/1.xlsx", ["out/1.xlsx"]),
    "template draw": ("template draw -o out/1.xlsx", ["out/1.xlsx"]),
    "addin build": ("addin build --macros {root}/macros -o out/1.xlam", ["out/1.xlam"]),
}  # fmt: skip
# The same of a campaign in whose folder one stands; {returned} is what came back.
CAMPAIGN = {
    "distribute": ("distribute -o ../out", "第1批/第1区.zip"),
    "rollup": ("rollup -o ../out/1.xlsx -o ../out/1.json", "1.json"),
    "status": ("status --chase ../out/1.txt", "1.txt"),
    "campaign notes": ("campaign notes -o ../out", "第1区/0001002_第1区第2局_退回意见.html"),
    "collect": ("collect ../回收 --pristine ../out", "第1区/0001001_第1区第1局.xlsx"),
    "campaign submit": ("campaign submit -o ../out/1.zip", "1.zip"),
    "campaign export": ("campaign export ../out/1.zip", "1.zip"),
    "campaign report": ("campaign report -o ../out/1.html", "1.html"),
    "campaign indicators": ("campaign indicators -o ../out/1.csv", "1.csv"),
}
# What these make is new or refused, has a record of its own (`tests/batch`) or tests
# (`tests/page`). The first three need decisions, second versions, LibreOffice, and are tried where
# those are (`tests/campaign`).
NEW = {
    "campaign compare",
    "campaign letters",
    "campaign print",
    "databook new", "edition new", "campaign new", "campaign import", "demo", "batch", "watch",
    "campaign recheck", "page", "bundle windows",
}  # fmt: skip


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with a workbook, a data book and a report.json, in which one works."""
    source = tmp_path / "源"
    monkeypatch.chdir(tmp_path)
    xltool.fill(filing_of(), source / "甲.xlsx")
    write_databook([filing_of()], source / "书.json")
    write_reports([check_result(filing_of(), [])], source, ["json"])
    return tmp_path


def arguments(line: str) -> list[str]:
    known = {"a": "源/甲.xlsx", "b": "源/书.json", "r": "源/report.json", "root": str(ROOT)}
    return [word.format(**known) for word in line.split()]


def digests(files) -> list[str]:
    return [hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in files]


def leaves(command=None, words=(), table=None):
    command = command or group(COMMANDS)
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from leaves(command.get_command(context, name), (*words, name))
    else:
        yield " ".join(words), command


def test_every_command_that_makes_files_is_tried_here():
    making = {
        name
        for name, command in leaves()
        if any(isinstance(param.type, OutputPath) for param in command.params)
    }
    tried = {name.partition(",")[0] for name in (*WRITERS, *CAMPAIGN)}
    assert making - NEW == tried


@pytest.mark.parametrize("name", WRITERS)
def test_a_command_replaces_its_own_files_and_nobody_elses(desk, name, capsys):
    line, files = WRITERS[name]
    assert main(arguments(line)) in (0, 1)
    assert main(arguments(line)) in (0, 1), capsys.readouterr().err  # its own, unchanged
    for victim in files:
        good = Path(victim).read_bytes()
        Path(victim).write_bytes(MINE)
        before = digests(files)
        capsys.readouterr()
        code = main(arguments(line))
        said = capsys.readouterr()
        assert digests(files) == before, "all that belongs together, or none"
        assert code in (1, 2)
        assert "没有覆盖" in said.out + said.err
        assert "--force" in said.out + said.err
        Path(victim).write_bytes(good)
    Path(files[0]).write_bytes(MINE)
    assert main([*arguments(line), "--force"]) in (0, 1)
    assert Path(files[0]).read_bytes() != MINE


@pytest.mark.parametrize("name", CAMPAIGN)
def test_a_campaign_replaces_its_own_files_and_nobody_elses(tmp_path, monkeypatch, name, capsys):
    monkeypatch.chdir(tmp_path)
    write_units(tmp_path / "units.xlsx", unit_rows(1, 2))
    main(["campaign", "new", "批次", "--year", "2024", "--units", "units.xlsx"])
    monkeypatch.chdir(tmp_path / "批次")
    line, victim = CAMPAIGN[name]
    if name != "distribute":
        main(["distribute"])
        (tmp_path / "回收").mkdir()
        for n, (code, blank) in enumerate(sorted(sent_workbooks(Path("下发")).items())):
            changes = {"department.basic": "1"} if n else {}
            (tmp_path / "回收" / f"{code}.xlsx").write_bytes(fill_in(blank, changes))
        main(["collect", "../回收"])
    stands = tmp_path / "out" / victim
    stands.parent.mkdir(parents=True)
    stands.write_bytes(MINE)
    capsys.readouterr()
    code = main(line.split())
    said = capsys.readouterr()
    assert stands.read_bytes() == MINE
    assert code in (1, 2)
    assert "没有覆盖" in said.out + said.err
    assert main([*line.split(), "--force"]) in (0, 1)
    assert stands.read_bytes() != MINE
    assert main(line.split()) in (0, 1)  # its own, unchanged


@pytest.mark.parametrize(
    "line",
    [
        "convert {b} --next-year -o {b}",
        "convert {a} --next-year -o {a}",
        "normalise {a} -o {a}",
        "indicators {a} -o {a}",
        "databook convert {b} {b}",
        "edition check hunan-2023 --show {own}",
        "check {a} --mark 源",
        "import {a} -o 源",
        "report {r} -o 源",
    ],
)
@pytest.mark.parametrize("more", [[], ["--force"]])
def test_an_input_is_never_its_own_output(desk, line, more, capsys):
    shutil.copy("源/甲.xlsx", "源/数据表.xlsx")
    if line.startswith("import"):
        line = "import 源/数据表.xlsx -o 源"
    if "{own}" in line:
        main(["edition", "new", "my-2030", "-o", "版式"])
        line = "edition check 版式/my-2030 --show 版式/my-2030/template.xlsx"
    files = sorted(p for p in desk.rglob("*") if p.is_file() and ".xltool" not in p.parts)
    before = digests(files)
    assert main([*arguments(line), *more]) == 2
    assert digests(files) == before
    assert capsys.readouterr().err.count("\n") <= 2


def test_a_folder_of_tables_is_not_converted_into_itself(desk, capsys):
    shutil.copytree(EXAMPLE, "书", ignore=lambda folder, names: [n for n in names if "." not in n])
    book = next(p.parent for p in Path("书").rglob("部门.csv"))
    before = digests(sorted(book.iterdir()))
    assert main(["convert", str(book), "--next-year", "-o", str(book), "--force"]) == 2
    assert "输入" in capsys.readouterr().err
    assert digests(sorted(book.iterdir())) == before


def test_this_years_amounts_outlive_a_second_run(desk, capsys):
    """The manual's own steps: the draft is filled in, then the command is run once more."""
    command = arguments("convert {b} --next-year -o 今年.xlsx")
    assert main(command) == 0
    book = load_workbook("今年.xlsx")
    book["部门"]["D2"] = 888.88
    book.save("今年.xlsx")
    assert main(command) == 2
    assert load_workbook("今年.xlsx")["部门"]["D2"].value == 888.88


class TestMarks:
    """`check --mark` again over a copy in which somebody has written."""

    def marked(self):
        main(arguments("check {a} --mark 标好的"))
        book = load_workbook("标好的/甲.xlsx")
        sheet = book["审核结果"]
        head = next(c for row in sheet.iter_rows() for c in row if c.value == "说明")
        return book, sheet, sheet.cell(head.row + 1, head.column)

    @pytest.fixture
    def troubled(self, desk):
        xltool.fill(filing_of({"department": {"fund": "1190"}}), "源/甲.xlsx")
        return desk

    def texts(self):
        sheet = load_workbook("标好的/甲.xlsx")["审核结果"]
        return [c.value for row in sheet.iter_rows() for c in row if c.value]

    def test_explanations_are_carried_over(self, troubled, capsys):
        book, _, cell = self.marked()
        cell.value = "已与局领导核对"
        book.save("标好的/甲.xlsx")
        capsys.readouterr()
        for _ in range(3):
            assert main(arguments("check {a} --mark 标好的")) in (0, 1)
            assert "已与局领导核对" in self.texts()
        assert "1 条说明" in capsys.readouterr().err

    def test_also_when_the_original_was_corrected_meanwhile(self, troubled):
        book, _, cell = self.marked()
        cell.value = "已与局领导核对"
        book.save("标好的/甲.xlsx")
        xltool.fill(filing_of({"department": {"fund": "1180"}}), "源/甲.xlsx")
        assert main(arguments("check {a} --mark 标好的")) == 1
        assert "已与局领导核对" in self.texts()

    @pytest.mark.parametrize("where", ["form", "beside", "sheet", "comment"])
    def test_other_work_in_the_copy_stays(self, troubled, where, capsys):
        from openpyxl.comments import Comment

        book, sheet, cell = self.marked()
        cell.value = "已与局领导核对"
        if where == "form":
            form = book.worksheets[0]
            amount = next(c for row in form.iter_rows() for c in row if str(c.value) == "1190")
            amount.value = 1200
        elif where == "beside":
            sheet.cell(cell.row, 20).value = "还要问人事科"
        elif where == "sheet":
            book.create_sheet("工作底稿")["A1"] = 5
        else:
            book.worksheets[0]["A1"].comment = Comment("问一下", "我")
        book.save("标好的/甲.xlsx")
        before = digests(["标好的/甲.xlsx"])
        capsys.readouterr()
        assert main(arguments("check {a} --mark 标好的")) == 2
        said = capsys.readouterr()
        assert "错误 T301" in said.out  # what was found is told all the same
        assert "没有覆盖" in said.err
        assert digests(["标好的/甲.xlsx"]) == before
        assert main([*arguments("check {a} --mark 标好的"), "--force"]) == 1
        assert "已与局领导核对" in self.texts()

    def test_copies_below_the_folder_are_not_checked_again(self, troubled):
        found = []
        for _ in range(3):
            assert main(["check", ".", "--mark", "标好的"]) in (0, 1)
            found.append(sorted(p.name for p in Path("标好的").iterdir()))
        assert found[0] == found[1] == found[2]

    def test_copies_lie_as_deep_as_the_workbooks(self, troubled):
        for unit in ("乙局", "甲局"):
            shutil.copytree("源", f"收/{unit}")
            assert main(arguments("check 收 --mark 标好的")) in (0, 1)
        copies = sorted(path.as_posix() for path in Path("标好的").rglob("甲*.xlsx"))
        assert copies == ["标好的/乙局/甲.xlsx", "标好的/甲局/甲.xlsx"]

    def test_no_unit_gets_the_explanations_of_another(self, troubled, capsys):
        book, _, cell = self.marked()
        cell.value = "已与局领导核对"
        book.save("标好的/甲.xlsx")
        fields = {"fund": "1190", "unit": "另一个局"}
        xltool.fill(replace(filing_of({"department": fields}), code="9"), "别处/甲.xlsx")
        before = digests(["标好的/甲.xlsx"])
        assert main(arguments("check 别处/甲.xlsx --mark 标好的")) == 2
        said = capsys.readouterr()
        assert "错误 T301" in said.out and "1 条说明，没有覆盖" in said.err
        assert digests(["标好的/甲.xlsx"]) == before
        assert main(arguments("check 别处/甲.xlsx --mark 标好的 --force")) == 1
        assert "已与局领导核对" not in self.texts()
        # Without an explanation it is a copy of ours like any other.
        assert main(arguments("check {a} --mark 标好的")) == 1


def test_copies_of_two_workbooks_of_one_name_are_two(desk):
    shutil.copytree("源", "别处")
    for command, ending in (("normalise", "xlsx"), ("export --format pdf", "pdf")):
        out = Path(f"出{ending}")
        assert main(arguments(f"{command} 源/甲.xlsx 别处/甲.xlsx -o {out}")) == 0
        assert sorted(path.name for path in out.iterdir()) == [f"甲(2).{ending}", f"甲.{ending}"]
