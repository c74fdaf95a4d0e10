"""One page on what is right and wrong with Excel, the add-in and Python on this machine."""

from __future__ import annotations

import platform
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import xltool
from xltool.errors import XltoolError
from xltool.excel.addin import ADDIN, Installed, user

# (root such as HKCU, key, value name or "" for the default) → what is written there, None where
# nothing.
Registry = Callable[[str, str, str], object]

_OFFICE = r"Software\Microsoft\Office\16.0\Excel"
_POLICY = r"Software\Policies\Microsoft\Office\16.0\Excel\Security"
_ASR = r"Software\Policies\Microsoft\Windows Defender\Windows Defender Exploit Guard\ASR\Rules"
# Defender's rule "Block all Office applications from creating child processes".
_NO_CHILDREN = "D4F940AB-401B-4EFC-AADC-AD5F3C50688A"
_WITHOUT_MACROS = "可改用 xltool panel（不用宏）"


@dataclass(frozen=True, slots=True)
class ExaminedThing:
    """One thing examined: right (True), wrong (False) or not to be seen from here (None)."""

    right: bool | None
    what: str
    found: str
    todo: str = ""


def examine(registry: Registry | None = None) -> list[ExaminedThing]:
    """Everything a helper on the telephone would ask, in order."""
    lines = list(_python())
    if registry is None and sys.platform == "win32":
        registry = windows_registry
    if registry is None:
        lines.append(
            ExaminedThing(
                None,
                "Excel、信任设置",
                "这台机器不是 Windows，看不到 Excel 和注册表",
                "请在会计的电脑上运行",
            )
        )
    else:
        lines += [*_excel(registry), *_trust(registry)]
    try:
        lines += _addin(user())
    except XltoolError as error:
        lines.append(ExaminedThing(None, "加载项", str(error)))
    return lines


def _bits() -> str:
    return f"{struct.calcsize('P') * 8} 位"


def _python() -> Iterator[ExaminedThing]:
    from importlib.metadata import version

    yield ExaminedThing(True, "xltool", f"{xltool.__version__}（xlwings {version('xlwings')}）")
    yield ExaminedThing(True, "Python", f"{platform.python_version()} {_bits()}：{sys.executable}")


def _excel(registry: Registry) -> Iterator[ExaminedThing]:
    path = next(
        (
            registered
            for root in ("HKCU", "HKLM")
            if (
                registered := registry(
                    root, r"Software\Microsoft\Windows\CurrentVersion\App Paths\excel.exe", ""
                )
            )
        ),
        None,
    )
    current = registry("HKCR", r"Excel.Application\CurVer", "")
    bits = registry(
        "HKLM", r"Software\Microsoft\Office\ClickToRun\Configuration", "Platform"
    ) or registry("HKLM", r"Software\Microsoft\Office\16.0\Outlook", "Bitness")
    shown = {"x64": "64 位", "x86": "32 位"}.get(str(bits), "位数不详")
    if path:
        yield ExaminedThing(True, "Excel", f"{path}（{current or '版本不详'}，{shown}）")
    else:
        yield ExaminedThing(
            False, "Excel", "没有找到", "装好 Excel，或者用命令行和 WPS 里的普通 .xlsx"
        )
    clsid = registry("HKCR", r"Excel.Application\CLSID", "")
    server = str(registry("HKCR", rf"CLSID\{clsid}\LocalServer32", "") or "") if clsid else ""
    if any(name in server.lower() for name in ("wps", "kingsoft", r"\et.exe")):
        yield ExaminedThing(
            False,
            "Excel 的名称",
            f"被 WPS 占用：{server}",
            "在 WPS 的配置工具里取消与 Excel 的兼容",
        )


def _trust(registry: Registry) -> Iterator[ExaminedThing]:
    level = registry("HKCU", _POLICY, "vbawarnings")
    by_policy = level is not None
    if level is None:
        level = registry("HKCU", rf"{_OFFICE}\Security", "VBAWarnings")
    words = {
        1: "全部启用",
        2: "禁用并提示（XLSTART 是受信任位置，照常运行）",
        3: "只许有数字签名的宏",
        4: "全部禁用",
    }
    text = (
        words.get(level, "默认")
        if isinstance(level, int)
        else "默认（XLSTART 是受信任位置，照常运行）"
    )
    who = "由单位统一规定" if by_policy else "信任中心"
    yield ExaminedThing(
        level not in (3, 4), "宏", f"{text}（{who}）", _WITHOUT_MACROS if level in (3, 4) else ""
    )
    no_places = (
        registry("HKCU", rf"{_OFFICE}\Security\Trusted Locations", "AllLocationsDisabled") == 1
    )
    no_places = (
        no_places or registry("HKCU", rf"{_POLICY}\Trusted Locations", "AllLocationsDisabled") == 1
    )
    places = "已全部停用" if no_places else "有效"
    yield ExaminedThing(not no_places, "受信任位置", places, _WITHOUT_MACROS if no_places else "")
    blocked = str(registry("HKLM", _ASR, _NO_CHILDREN) or "0") == "1"
    yield ExaminedThing(
        not blocked,
        "启动 Python",
        "被 Defender 规则禁止（Office 不得启动程序）" if blocked else "没有见到禁止的规则",
        _WITHOUT_MACROS if blocked else "",
    )


def _addin(place: Installed) -> Iterator[ExaminedThing]:
    again = "运行 xltool addin install"
    if not place.addin.is_file():
        yield ExaminedThing(False, "加载项", f"没有安装：{place.addin}", again)
    elif place.addin.read_bytes() != ADDIN.read_bytes():
        yield ExaminedThing(False, "加载项", f"与本版本不同：{place.addin}", again)
    else:
        yield ExaminedThing(True, "加载项", str(place.addin))
    python = place.interpreter_path()
    if python is None:
        yield ExaminedThing(False, "加载项用的 Python", f"没有写明：{place.interpreter}", again)
    elif not python.is_file():
        yield ExaminedThing(False, "加载项用的 Python", f"不存在：{python}", again)
    elif not finds_xltool(python):
        todo = "把 xltool 装进虚拟环境（python -m venv），不要用 pip install --user，再运行 xltool addin install"
        yield ExaminedThing(False, "加载项用的 Python", f"隔离运行时找不到 xltool：{python}", todo)
    else:
        yield ExaminedThing(True, "加载项用的 Python", str(python))


def finds_xltool(python: Path) -> bool:
    """Whether this Python finds xltool the way the launcher starts it:
    isolated, so no --user packages."""
    try:
        command = [str(python), "-I", "-B", "-c", "import xltool"]
        return subprocess.run(command, capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def windows_registry(root: str, key: str, name: str) -> object:
    """One value of the Windows registry, None where there is none."""
    import winreg

    roots = {
        "HKCU": winreg.HKEY_CURRENT_USER,  # type: ignore[attr-defined, unused-ignore]
        "HKLM": winreg.HKEY_LOCAL_MACHINE,  # type: ignore[attr-defined, unused-ignore]
        "HKCR": winreg.HKEY_CLASSES_ROOT,  # type: ignore[attr-defined, unused-ignore]
    }
    try:
        with winreg.OpenKey(roots[root], key) as opened:  # type: ignore[attr-defined, unused-ignore]
            return winreg.QueryValueEx(opened, name)[0]  # type: ignore[attr-defined, unused-ignore]
    except OSError:
        return None
