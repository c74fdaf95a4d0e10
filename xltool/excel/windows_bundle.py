"""One folder with everything for a Windows machine without a network:
wheels, their hashes, the scripts.

Nothing is run by this module but pip, which fetches wheels for Windows. With the embeddable Python
of python.org the folder needs no Python on the machine; without it, one must be installed there.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from xltool.errors import XltoolError, why
from xltool.files.atomic import writing

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
_SECONDS = 900
# What a Chinese Windows reads in a .cmd file.
_OEM = "gbk"


def bundle(
    out: Path, package: Path, *, versions: tuple[str, ...] = VERSIONS, python: Path | None = None
) -> list[Path]:
    """Make the folder `out`; the wheels in it.

    `package` is xltool's own wheel, or the folder of its sources. `python` is the embeddable
    Python's zip; its version must be one of `versions`. Raises XltoolError where pip can't resolve
    for some version.
    """
    if out.exists() and any(out.iterdir()):
        raise XltoolError(f"“{out}”不是空文件夹，换一个")
    wheels = out / "wheels"
    try:
        wheels.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise XltoolError(f"写不了“{out}”：{why(error)}") from error
    own = _own_wheel(package, wheels)
    for version in versions:
        _fetch(own, wheels, version)
    bundled = sorted(wheels.glob("*.whl"))
    with writing(out / "hashes.txt") as file:
        file.writelines(f"{_digest(wheel)}  wheels/{wheel.name}\n" for wheel in bundled)
    if python is not None:
        _embedded(python, out / "python", own, wheels)
    for name, text in _SCRIPTS.items():
        with writing(out / name, "wb") as raw:
            raw.write(text.replace("\n", "\r\n").encode(_OEM))
    with writing(out / "杀毒软件与签名.txt", "wb") as raw:
        raw.write(_SCANNERS.replace("\n", "\r\n").encode("utf-8-sig"))
    return bundled


def _fetch(own: Path, wheels: Path, version: str) -> None:
    """Fetch what xltool needs there.
    pip looks at what is needed on this system, so that is asked again."""
    wanted: list[str] = []
    while True:
        _pip("download", str(own), *wanted, "--dest", str(wheels), *_for_windows(version))
        more = _only_on_windows(wheels, version)
        if set(more) <= set(wanted):
            return
        wanted = sorted({*wanted, *more})


def _only_on_windows(wheels: Path, version: str) -> list[str]:
    """What these wheels require on Windows and not on this system."""
    from pip._vendor.packaging.requirements import Requirement

    windows = {
        "sys_platform": "win32",
        "platform_system": "Windows",
        "os_name": "nt",
        "platform_machine": "AMD64",
        "python_version": version,
        "python_full_version": f"{version}.0",
        "extra": "",
    }
    this_system = {"extra": "", "python_version": version, "python_full_version": f"{version}.0"}
    missing: set[str] = set()
    for wheel in wheels.glob("*.whl"):
        with zipfile.ZipFile(wheel) as package:
            [name] = [name for name in package.namelist() if name.endswith(".dist-info/METADATA")][
                :1
            ]
            lines = package.read(name).decode("utf-8").partition("\n\n")[0].splitlines()
        for line in lines:
            if line.startswith("Requires-Dist:"):
                requirement = Requirement(line.partition(":")[2].strip())
                if (
                    requirement.marker
                    and requirement.marker.evaluate(windows)
                    and not requirement.marker.evaluate(this_system)
                ):
                    missing.add(f"{requirement.name}{requirement.specifier}")
    return sorted(missing)


def _own_wheel(package: Path, wheels: Path) -> Path:
    if package.suffix == ".whl":
        return Path(shutil.copy(package, wheels))
    with tempfile.TemporaryDirectory(prefix="xltool-") as folder:
        _pip("wheel", str(package), "--no-deps", "--wheel-dir", folder)
        [wheel] = Path(folder).glob("xltool-*.whl")
        return Path(shutil.copy(wheel, wheels))


def _for_windows(version: str) -> list[str]:
    return ["--platform", "win_amd64", "--python-version", version, "--implementation", "cp",
            "--only-binary", ":all:"]  # fmt: skip


def _embedded(python: Path, destination: Path, own: Path, wheels: Path) -> None:
    """The embeddable Python, unpacked, with all packages inside it: it has no pip of its own."""
    try:
        with zipfile.ZipFile(python) as package:
            package.extractall(destination)
    except (OSError, zipfile.BadZipFile) as error:
        raise XltoolError(f"“{python}”不是可嵌入的 Python 压缩包：{error}") from error
    paths = sorted(destination.glob("python3*._pth"))
    if len(paths) != 1 or not (destination / "python.exe").is_file():
        raise XltoolError(f"“{python}”不是可嵌入的 Python 压缩包：没有 python.exe 和 ._pth")
    digits = paths[0].stem.removeprefix("python3")
    with tempfile.TemporaryDirectory(prefix="xltool-") as folder:
        version = f"3.{digits}"
        wanted = [str(own), *_only_on_windows(wheels, version)]
        _pip("download", *wanted, "--dest", folder, "--no-index", "--find-links", str(wheels),
             *_for_windows(version))  # fmt: skip
        for wheel in sorted(Path(folder).glob("*.whl")):
            _unpack(wheel, destination / "Lib" / "site-packages")
    lines = paths[0].read_text("utf-8").splitlines()
    own_lines = [line for line in lines if line.strip() and not line.startswith("#")]
    # pywin32 lies in folders of its own, which a .pth names; only `import site` reads that.
    paths[0].write_text(
        "\n".join([*own_lines, r"Lib\site-packages", "import site"]) + "\n", "utf-8"
    )


def _unpack(wheel: Path, packages: Path) -> None:
    """Put a wheel's modules where they belong; its scripts are of no use there."""
    with zipfile.ZipFile(wheel) as package:
        for entry in package.infolist():
            top, _, rest = entry.filename.partition("/")
            if top.endswith(".data"):
                kind, _, rest = rest.partition("/")
                if kind not in ("purelib", "platlib") or not rest:
                    continue
                entry.filename = rest
            package.extract(entry, packages)


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    try:
        process = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", errors="replace",
            timeout=_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise XltoolError("pip 下载太久，没有做完：请检查网络再试") from error
    if process.returncode:
        lines = [line for line in process.stderr.splitlines() if line.strip()]
        raise XltoolError(f"pip 没有做成：{lines[-1] if lines else '没有说明'}")


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


_INSTALL = r"""@echo off
rem 为当前用户安装 xltool，不要管理员权限，不要网络，不用 PowerShell。
setlocal
set HOME_=%LOCALAPPDATA%\xltool
if exist "%~dp0python\python.exe" goto embedded
py -3 -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))" || goto nopython
py -3 -m venv "%HOME_%\venv" || goto failed
set PY=%HOME_%\venv\Scripts\python.exe
"%PY%" -m pip install --no-index --find-links "%~dp0wheels" --upgrade xltool || goto failed
goto addin
:embedded
xcopy /E /I /Q /Y "%~dp0python" "%HOME_%\python" >nul || goto failed
set PY=%HOME_%\python\python.exe
:addin
"%PY%" -I -m xltool addin install || goto failed
"%PY%" -I -m xltool.excel.shortcut || goto failed
echo.
echo 装好了：重新打开 Excel，有“绩效目标”选项卡；不许用宏的，用桌面上的“绩效目标”。
pause
exit /b 0
:nopython
echo 这台机器上没有 Python 3.11 到 3.14（64 位）。请用带 Python 的安装包，或先装 Python。
pause
exit /b 2
:failed
echo 没有装成，请把上面的话告诉技术人员。
pause
exit /b 2
"""
_UNINSTALL = r"""@echo off
rem 卸载当前用户的 xltool；设置、日志和可撤销的步骤留在 %APPDATA%\xltool。
setlocal
set HOME_=%LOCALAPPDATA%\xltool
if exist "%HOME_%\venv\Scripts\python.exe" call :remove "%HOME_%\venv\Scripts\python.exe"
if exist "%HOME_%\python\python.exe" call :remove "%HOME_%\python\python.exe"
if exist "%HOME_%\venv" rmdir /S /Q "%HOME_%\venv"
if exist "%HOME_%\python" rmdir /S /Q "%HOME_%\python"
echo 已卸载。
pause
exit /b 0
:remove
%1 -I -m xltool addin uninstall
%1 -I -m xltool.excel.shortcut --remove
exit /b 0
"""
_SCRIPTS = {"安装.cmd": _INSTALL, "卸载.cmd": _UNINSTALL}
_SCANNERS = """杀毒软件与签名

安装做了三件事：把 Python 和 xltool 放进 %LOCALAPPDATA%\\xltool；把加载项 xltool.xlam 放进 Excel 的 XLSTART；
在桌面放一个快捷方式。不改系统设置，不要管理员权限，不连网络。

加载项按按钮时启动上面的 Python。360、火绒、Defender 可能把“Office 启动别的程序”“启动文件夹里的加载项”当作可疑：
  · 让网管把 %LOCALAPPDATA%\\xltool 和 XLSTART 里的 xltool.xlam 加进信任名单；
    hashes.txt 里是每个轮子文件的 SHA-256，可以核对。
  · Defender 的规则“阻止所有 Office 应用程序创建子进程”开着时，加载项启动不了 Python：
    用桌面上的“绩效目标”小窗口，按钮相同，不用宏。
  · 有代码签名证书的单位，可以在 Excel 的 VBA 工程里给 xltool.xlam 签名再下发；签过名，内容就与随软件的不同，
    xltool addin doctor 会照实说“与本版本不同”。

没有在真的 Windows、360、火绒、Defender 上试过；请先在一台机器上试。
"""
