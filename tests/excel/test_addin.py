"""The add-in: built from text, the same everywhere; its VBA read back, checked and run."""

import re
import warnings
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from tests.support.paths import ROOT
from xltool.cli.addin import addin
from xltool.errors import XltoolError
from xltool.excel import addin as installation
from xltool.excel.__main__ import unescaped
from xltool.excel.addin import ADDIN
from xltool.excel.build import build, parts
from xltool.excel.ribbon import buttons, labels

MACROS = ROOT / "macros"


@pytest.fixture(scope="module")
def built() -> dict[str, bytes]:
    pytest.importorskip("pyopenvba", reason="pyOpenVBA builds the add-in")
    return parts(MACROS)


def packaged(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as package:
        assert {entry.compress_type for entry in package.infolist()} == {zipfile.ZIP_STORED}
        return {name: package.read(name) for name in package.namelist()}


def test_the_shipped_addin_is_what_the_texts_give(built):
    assert packaged(ADDIN) == built


def test_building_twice_gives_the_same_bytes(tmp_path, built):
    one, two = build(MACROS, tmp_path / "1.xlam"), build(MACROS, tmp_path / "2.xlam")
    assert one.read_bytes() == two.read_bytes() == ADDIN.read_bytes()


def test_build_command(tmp_path, built):
    goal = tmp_path / "加载项.xlam"
    result = CliRunner().invoke(addin, ["build", "-o", str(goal), "--macros", str(MACROS)])
    assert result.exit_code == 0, result.output
    assert packaged(goal) == built


def test_build_says_what_is_wrong_with_the_texts(tmp_path, built):
    with pytest.raises(XltoolError, match="没有宏的文本"):
        parts(tmp_path)
    (tmp_path / "A.bas").write_text('Attribute VB_Name = "A"\n\' 中文\n', "utf-8")
    (tmp_path / "ribbon.xml").write_text("<customUI/>")
    with pytest.raises(XltoolError, match="ASCII"):
        parts(tmp_path)


def test_nobody_is_named_in_the_addin(built):
    assert not [name for name in built if name.startswith("docProps")]
    for name, data in built.items():
        for author in (b"William", "William".encode("utf-16-le")):
            assert author not in data, name


def test_olevba_reads_the_very_texts_back(built):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        olevba = pytest.importorskip("oletools.olevba")
        found = {
            name: code
            for _, _, name, code in olevba.VBA_Parser(str(ADDIN)).extract_all_macros()
            if name.endswith(".bas")
        }
    texts = {p.name: p.read_text("ascii") for p in MACROS.glob("*.bas")}
    assert {name: code.replace("\r\n", "\n") for name, code in found.items()} == texts


def test_static_analysis_of_the_vba_finds_nothing():
    analysis = pytest.importorskip("pyvbaanalysis")
    problems = analysis.analyze_office_file(str(ADDIN))
    assert "Ribbon" in problems
    told = [f"{module}: {p.code} {p.message}" for module, found in problems.items() for p in found]
    # The ribbon calls OnButton and Excel's clock calls Watch; no VBA calls them itself.
    assert not [line for line in told if "OnButton" not in line and "Watch" not in line]


def test_static_analysis_would_find_a_fault():
    analysis = pytest.importorskip("pyvbaanalysis")
    source = (MACROS / "Ribbon.bas").read_text("ascii")
    assert not [p for p in analysis.analyze_module(source) if p.severity.value == "error"]
    broken = source.replace("i As Long, one As String", "i As Long, i As String")
    assert [p for p in analysis.analyze_module(broken) if p.severity.value == "error"]


def test_microsofts_validator_accepts_the_addin_and_its_ribbon(validator, tmp_path):
    """The Open XML SDK knows the schema of the ribbon: a wrong size or attribute is found."""
    broken = {}
    for old, new in ((b'size="large"', b'size="huge"'), (b'supertip="', b'supertips="')):
        wrong = packaged(ADDIN)
        ribbon = "customUI/customUI14.xml"
        wrong[ribbon] = wrong[ribbon].replace(old, new, 1)
        broken[tmp_path / f"{len(broken)}.xlam"] = wrong
    for path, made in broken.items():
        with zipfile.ZipFile(path, "w") as package:
            for name, data in made.items():
                package.writestr(name, data)
    found = validator.errors([ADDIN, *broken])
    assert found.pop(ADDIN) == []
    assert all("customUI14" in errors[0] for errors in found.values()), found


def test_three_lists_of_buttons_are_equal():
    root = ElementTree.parse(MACROS / "ribbon.xml").getroot()
    space = "{http://schemas.microsoft.com/office/2009/07/customui}"
    xml = [b.get("id") for b in root.iter(f"{space}button")]
    source = (MACROS / "Ribbon.bas").read_text("ascii")
    constant = source[source.index("BUTTONS As String") : source.index("Private Const PLAIN")]
    vba = " ".join(re.findall(r'"([^"]*)"', constant)).split()
    assert xml == vba == [b.id for b in labels()]
    assert sorted(xml) == sorted(buttons())
    assert {b.get("onAction") for b in root.iter(f"{space}button")} == {"OnButton"}
    assert "Public Sub OnButton(control As Object)" in source


def test_every_button_has_words_and_a_picture():
    root = ElementTree.parse(MACROS / "ribbon.xml").getroot()
    space = "{http://schemas.microsoft.com/office/2009/07/customui}"
    assert [tab.get("label") for tab in root.iter(f"{space}tab")] == ["绩效目标"]
    assert [g.get("label") for g in root.iter(f"{space}group")] == ["填报", "审核", "输出", "帮助"]
    pictures = [b.get("imageMso") for b in root.iter(f"{space}button")]
    assert all(pictures)
    assert len(set(pictures)) == len(pictures)
    assert all(b.tip.endswith("。") for b in labels())


NAMES = [
    "绩效目标 2023.xlsx",
    'a "quoted" name.xlsx',
    "=cmd|' /C calc'!A0.xlsx",
    "100% %PATH% %COMSPEC%.xlsx",
    "尾\\",
    "𠮷野 (1) & ^ ; `x`.xlsx",
    "*0041.xlsx",
    "",
]


def windows_arguments(command: str) -> list[str]:
    """The command line as the C runtime splits it, for one without quotes inside quotes."""
    assert "\\" not in command.rpartition("--book")[2]
    return [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', command)]


@pytest.fixture(scope="module")
def vba(calc, tmp_path_factory):
    """The add-in loaded by LibreOffice, macros on; runs a function of it."""
    file = tmp_path_factory.mktemp("addin") / "xltool.xlam"
    file.write_bytes(ADDIN.read_bytes())
    document = calc.load(file, FilterName="Calc MS Excel 2007 VBA XML", MacroExecutionMode=4)

    # What only Windows has is replaced: the window's number, the file, the start, the clock.
    modules = document.BasicLibraries.getByName("VBAProject")
    source = modules.getByName("Ribbon")
    for old, new in (
        ("Private Sub Start", "Public Sub Start"),
        ("Private Function Escaped", "Public Function Escaped"),
        ("shell.Run ", 'ThisWorkbook.Worksheets(1).Range("B1").Value = '),
        ("Application.Hwnd, 1, False", '"77"'),
        ('    Set shell = CreateObject("WScript.Shell")\n', ""),
        ('shell.ExpandEnvironmentStrings("%APPDATA%") & "\\xltool\\python.txt"', PYTHON),
    ):
        assert old in source, old
        source = source.replace(old, new)
    lines = [x for x in source.split("\n") if "OpenTextFile" not in x and "OnTime" not in x]
    modules.replaceByName("Ribbon", "\n".join(lines))

    def run(name: str, *arguments):
        uri = f"vnd.sun.star.script:VBAProject.{name}?language=Basic&location=document"
        return document.getScriptProvider().getScript(uri).invoke(arguments, (), ())[0]

    run.document = document
    yield run
    document.close(True)


PYTHON = r'"C:\Program Files\Python 311\pythonw.exe"'


@pytest.mark.xdist_group("calc")
@pytest.mark.parametrize("name", NAMES)
def test_any_name_of_a_workbook_survives_the_command_line(vba, name):
    escaped = vba("Ribbon.Escaped", name)
    assert unescaped(escaped) == name
    assert re.fullmatch(r"[A-Za-z0-9 ._*-]*", escaped), "nothing that Windows could expand"


@pytest.mark.xdist_group("calc")
def test_a_press_runs_up_to_the_start_of_python(vba):
    sheet = vba.document.Sheets.getByIndex(0)
    cell = sheet.getCellRangeByName("B1")
    for wrong in ("no_such_button", "", "about --hwnd 1", "new_form fill_from_data", "calc.exe"):
        vba("Ribbon.Start", wrong)
        assert cell.String == "", wrong
    for button in buttons():
        vba("Ribbon.Start", button)
        told = windows_arguments(cell.String)
        python = PYTHON.strip('"')
        assert told == [python, "-I", "-B", "-m", "xltool.excel", button,
                        "--book", "xltool.xlam", "--hwnd", "77"]  # fmt: skip
    assert "xltool addin doctor" in sheet.getCellRangeByName("A1").String
    assert "正在启动" in sheet.getCellRangeByName("A2").String
    assert "没有启动" in sheet.getCellRangeByName("A3").String


def test_no_procedure_takes_a_command_or_gives_a_path_away():
    source = "\n".join(p.read_text("ascii") for p in MACROS.glob("*.bas"))
    public = re.findall(r"(?m)^(?!Private)(?:Public )?(?:Sub|Function|Property).*", source)
    assert public == ["Public Sub OnButton(control As Object)", "Public Sub Watch()"]
    private = re.findall(r"(?m)^Private (?:Sub|Function) (\w+)\((.*?)\)", source)
    assert private == [
        ("Start", "ByVal button As String"),
        ("Escaped", "ByVal text As String"),
        ("Message", "ByVal line As Long"),
    ]
    start = source[source.index("Private Sub Start") :]
    assert start.index("InStr(BUTTONS") < start.index("CreateObject")
    assert source.count("    shell.Run ") == source.count('CreateObject("WScript') == 1
    assert "Public Const" not in source


def test_nothing_is_taken_from_a_workbook():
    source = "\n".join(p.read_text("ascii") for p in MACROS.glob("*.bas"))
    assert "RunPython" not in source
    assert "cmd" not in source.replace("cmd.exe", "")
    assert re.findall(r'"%\w+%', source) == ['"%APPDATA%']
    assert len(source.splitlines()) < 80


def test_install_and_uninstall(tmp_path, monkeypatch):
    monkeypatch.setenv("APPDATA", str(tmp_path / "张 三"))
    place = installation.install()
    assert place.addin.read_bytes() == ADDIN.read_bytes()
    assert place.addin.parent.name == "XLSTART"
    assert place.interpreter_path() == installation.windowless_python()
    assert place.interpreter.read_bytes()[:2] == b"\xff\xfe", "UTF-16 with its mark"
    assert installation.install() == place, "again renews"
    assert CliRunner().invoke(addin, ["uninstall"]).output.count("已删除") == 2
    assert not place.addin.exists()
    assert "没有安装过" in CliRunner().invoke(addin, ["uninstall"]).output


def test_install_says_that_there_is_no_place(monkeypatch):
    monkeypatch.delenv("APPDATA", raising=False)
    with pytest.raises(XltoolError, match="APPDATA"):
        installation.install()
