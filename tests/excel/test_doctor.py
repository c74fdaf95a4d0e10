"""The doctor's page, with made-up registries."""

from click.testing import CliRunner

from xltool.cli.addin import addin
from xltool.excel import addin as installation
from xltool.excel.doctor import examine

OFFICE = r"Software\Microsoft\Office\16.0\Excel"
SOUND = {
    (
        "HKLM",
        r"Software\Microsoft\Windows\CurrentVersion\App Paths\excel.exe",
        "",
    ): r"C:\Office\EXCEL.EXE",
    ("HKCR", r"Excel.Application\CurVer", ""): "Excel.Application.16",
    ("HKLM", r"Software\Microsoft\Office\ClickToRun\Configuration", "Platform"): "x64",
    ("HKCU", rf"{OFFICE}\Security", "VBAWarnings"): 2,
}


def page(values, **more):
    values = {**values, **more.get("and_", {})}
    return {line.what: line for line in examine(lambda *at: values.get(at))}


def test_a_sound_machine(tmp_path, monkeypatch):
    monkeypatch.setattr("xltool.excel.doctor.finds_xltool", lambda python: True)
    monkeypatch.setenv("APPDATA", str(tmp_path))
    installation.install()
    lines = page(SOUND)
    assert not [line for line in lines.values() if line.right is not True]
    assert "64 位" in lines["Excel"].found
    assert "Excel.Application.16" in lines["Excel"].found


def test_what_is_wrong_is_said_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("APPDATA", str(tmp_path))
    rules = r"Software\Policies\Microsoft\Windows Defender\Windows Defender Exploit Guard\ASR\Rules"
    lines = page(
        {
            ("HKCU", r"Software\Policies\Microsoft\Office\16.0\Excel\Security", "vbawarnings"): 4,
            ("HKCU", rf"{OFFICE}\Security\Trusted Locations", "AllLocationsDisabled"): 1,
            ("HKLM", rules, "D4F940AB-401B-4EFC-AADC-AD5F3C50688A"): "1",
            ("HKCR", r"Excel.Application\CLSID", ""): "{1}",
            (
                "HKCR",
                r"CLSID\{1}\LocalServer32",
                "",
            ): r"C:\Program Files\WPS Office\et.exe /automation",
        }
    )
    wrong = {what for what, line in lines.items() if line.right is False}
    assert wrong == {
        "Excel",
        "Excel 的名称",
        "宏",
        "受信任位置",
        "启动 Python",
        "加载项",
        "加载项用的 Python",
    }
    assert all(lines[what].todo for what in wrong)
    assert "由单位统一规定" in lines["宏"].found


def test_an_old_addin_or_a_python_that_went_away(tmp_path, monkeypatch):
    monkeypatch.setenv("APPDATA", str(tmp_path))
    place = installation.install()
    place.addin.write_bytes(b"old")
    place.interpreter.write_bytes("C:\\gone\\pythonw.exe\r\n".encode("utf-16"))
    lines = page(SOUND)
    assert "与本版本不同" in lines["加载项"].found
    assert "不存在" in lines["加载项用的 Python"].found


def test_a_python_that_finds_no_xltool_in_isolation(tmp_path, monkeypatch):
    monkeypatch.setenv("APPDATA", str(tmp_path))
    installation.install()
    bare = tmp_path / "pythonw.exe"
    bare.write_text("#!/bin/sh\nexit 1\n")
    bare.chmod(0o755)
    installation.user().interpreter.write_bytes(f"{bare}\r\n".encode("utf-16"))
    line = page(SOUND)["加载项用的 Python"]
    assert line.right is False
    assert "--user" in line.todo


def test_the_page_on_another_system(monkeypatch):
    monkeypatch.delenv("APPDATA", raising=False)
    result = CliRunner().invoke(addin, ["doctor"])
    assert result.exit_code == 0, result.output
    assert "不是 Windows" in result.output
    assert "Python" in result.output
