"""The extension for LibreOffice:
built of the ribbon's own labels, put in and taken out for one user."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
import zipfile
from itertools import groupby
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import xltool
from xltool.errors import XltoolError, why
from xltool.excel.addin import windowless_python
from xltool.excel.places import desk_folder
from xltool.excel.ribbon import Label, labels
from xltool.files.atomic import writing

IDENTIFIER = "xltool.desk"
_TITLE = "绩效目标"
_CALC = "com.sun.star.sheet.SpreadsheetDocument"
_SOURCE = Path(__file__).with_name("extension") / "xltool_desk.py"
# Two rows, so that every button is seen on a common screen.
TOOLBARS = (("填报", "审核"), ("输出", "帮助"))
_SECONDS = 300

_STARTING = "绩效目标：正在启动……"
_FAILED = "没有能启动 xltool。请在命令行运行 xltool addin install --libreoffice，再试一次。"


def extension() -> bytes:
    """The .oxt: menu and toolbars, the handler of `xltool:`; the same bytes on every system."""
    parts = {
        "META-INF/manifest.xml": _MANIFEST,
        "description.xml": _DESCRIPTION.format(identifier=IDENTIFIER, version=xltool.__version__),
        "Addons.xcu": _addons(labels()),
        "ProtocolHandler.xcu": _HANDLER,
        "CalcWindowState.xcu": _window_state(),
        "xltool_desk.py": _component(),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as package:
        for name, text in parts.items():
            package.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text.encode())
    return buffer.getvalue()


def _component() -> str:
    text = _SOURCE.read_text("utf-8")
    for mark, replacement in (
        ("@BUTTONS@", " ".join(label.id for label in labels())),
        ("@STARTING@", _STARTING),
        ("@FAILED@", _FAILED),
    ):
        text = text.replace(mark, replacement)
    return text


def _addons(button_labels: tuple[Label, ...]) -> str:
    groups = {
        name: list(some) for name, some in groupby(button_labels, key=lambda member: member.group)
    }
    menu = "".join(
        _node(
            f"G{number}",
            _prop("Title", name) + f'<node oor:name="Submenu">{_items(members)}</node>',
        )
        for number, (name, members) in enumerate(groups.items(), 1)
    )
    bars = ""
    for index, names in enumerate(TOOLBARS, 1):
        members = [member for name in names for member in groups[name]]
        bars += _node(f"xltool.toolbar{index}", _items(members))
    return _ADDONS.format(
        menu=_node("xltool", _prop("Title", _TITLE) + _prop("Context", _CALC)
                   + f'<node oor:name="Submenu">{menu}</node>'),
        bars=bars,
    )  # fmt: skip


def _items(members: list[Label]) -> str:
    return "".join(
        _node(
            f"M{number:02}",
            _prop("URL", f"xltool:{label.id}")
            + _prop("Title", label.label)
            + _prop("Target", "_self")
            + _prop("Context", _CALC),
        )
        for number, label in enumerate(members, 1)
    )


def _node(name: str, inner: str) -> str:
    return f'<node oor:name={quoteattr(name)} oor:op="replace">{inner}</node>'


def _prop(name: str, value: str) -> str:
    return f'<prop oor:name="{name}" oor:type="xs:string"><value>{escape(value)}</value></prop>'


def _window_state() -> str:
    bars = "".join(
        _BAR.format(number=number, title=f"{_TITLE}　{'、'.join(names)}", row=number + 1)
        for number, names in enumerate(TOOLBARS, 1)
    )
    return _STATES.format(bars=bars)


# ── put in, taken out ────────────────────────────────────────────────────────────────────────────


def install(profile: Path | None = None) -> Path:
    """Put the extension into this user's LibreOffice; which Python it will start.

    `profile` is another profile folder than the user's usual one. Raises XltoolError where there is
    no LibreOffice, or it refuses.
    """
    python = windowless_python()
    with writing(desk_folder() / "python.txt", "wb") as file:
        file.write(f"{python}\r\n".encode("utf-16"))
    with tempfile.TemporaryDirectory(prefix="xltool-") as folder:
        oxt = Path(folder) / "xltool.oxt"
        oxt.write_bytes(extension())
        _unopkg(profile, "add", "--force", "--suppress-license", str(oxt))
    return python


def uninstall(profile: Path | None = None) -> None:
    """Take the extension out of this user's LibreOffice."""
    _unopkg(profile, "remove", IDENTIFIER)


def _unopkg(profile: Path | None, *arguments: str) -> None:
    program = shutil.which("unopkg") or _beside_soffice()
    if program is None:
        raise XltoolError("没有找到 LibreOffice（unopkg）：请先安装 LibreOffice Calc")
    where = [f"-env:UserInstallation={profile.absolute().as_uri()}"] if profile else []
    try:
        process = subprocess.run(
            [program, *arguments, *where],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise XltoolError("LibreOffice 没有回应：请先关掉所有 LibreOffice 窗口再试") from error
    except OSError as error:
        raise XltoolError(f"运行不了 {program}：{why(error)}") from error
    if process.returncode:
        complaints = (process.stderr or process.stdout).strip().splitlines()
        raise XltoolError(
            f"LibreOffice 没有接受扩展：{complaints[-1] if complaints else '没有说明'}"
        )


def _beside_soffice() -> str | None:
    name = "unopkg.exe" if sys.platform == "win32" else "unopkg"
    for program in ("soffice", "libreoffice"):
        office = shutil.which(program)
        if office and (beside := Path(office).resolve().with_name(name)).is_file():
            return str(beside)
    return None


_MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest xmlns:manifest="http://openoffice.org/2001/manifest">
 <manifest:file-entry manifest:media-type="application/vnd.sun.star.uno-component;type=Python"
  manifest:full-path="xltool_desk.py"/>
 <manifest:file-entry manifest:media-type="application/vnd.sun.star.configuration-data"
  manifest:full-path="Addons.xcu"/>
 <manifest:file-entry manifest:media-type="application/vnd.sun.star.configuration-data"
  manifest:full-path="ProtocolHandler.xcu"/>
 <manifest:file-entry manifest:media-type="application/vnd.sun.star.configuration-data"
  manifest:full-path="CalcWindowState.xcu"/>
</manifest:manifest>
"""
_DESCRIPTION = """<?xml version="1.0" encoding="UTF-8"?>
<description xmlns="http://openoffice.org/extensions/description/2006"
 xmlns:d="http://openoffice.org/extensions/description/2006">
 <identifier value="{identifier}"/>
 <version value="{version}"/>
 <display-name><name lang="zh">xltool 绩效目标</name></display-name>
</description>
"""
_SCHEMA = (
    'xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema"'
)
_ADDONS = f"""<?xml version="1.0" encoding="UTF-8"?>
<oor:component-data {_SCHEMA} oor:name="Addons" oor:package="org.openoffice.Office">
 <node oor:name="AddonUI">
  <node oor:name="OfficeMenuBar">{{menu}}</node>
  <node oor:name="OfficeToolBar">{{bars}}</node>
 </node>
</oor:component-data>
"""
_HANDLER = f"""<?xml version="1.0" encoding="UTF-8"?>
<oor:component-data {_SCHEMA} oor:name="ProtocolHandler" oor:package="org.openoffice.Office">
 <node oor:name="HandlerSet">
  <node oor:name="xltool.desk.Buttons" oor:op="replace">
   <prop oor:name="Protocols" oor:type="oor:string-list"><value>xltool:*</value></prop>
  </node>
 </node>
</oor:component-data>
"""
_STATES = f"""<?xml version="1.0" encoding="UTF-8"?>
<oor:component-data {_SCHEMA} oor:name="CalcWindowState" oor:package="org.openoffice.Office.UI">
 <node oor:name="UIElements"><node oor:name="States">{{bars}}</node></node>
</oor:component-data>
"""
_BAR = """
  <node oor:name="private:resource/toolbar/addon_xltool.toolbar{number}" oor:op="replace">
   <prop oor:name="UIName"><value xml:lang="en-US">{title}</value><value xml:lang="zh-CN">{title}</value></prop>
   <prop oor:name="Visible"><value>true</value></prop>
   <prop oor:name="Docked"><value>true</value></prop>
   <prop oor:name="DockingArea"><value>0</value></prop>
   <prop oor:name="DockPos"><value>0,{row}</value></prop>
   <prop oor:name="Style"><value>1</value></prop>
  </node>"""
