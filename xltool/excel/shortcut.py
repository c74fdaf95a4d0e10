"""The shortcut 绩效目标 on the desktop of this user: `python -m xltool.excel.shortcut [--remove]`.

It opens the small window with the buttons, which needs no macro. Only on Windows.
"""

from __future__ import annotations

import sys
from pathlib import Path

from xltool.excel.addin import windowless_python

_NAME = "绩效目标.lnk"


def main(arguments: list[str]) -> int:
    """Make the shortcut, or take it away."""
    if sys.platform != "win32":
        print("快捷方式只在 Windows 上有", file=sys.stderr)
        return 2
    from win32com.client import Dispatch

    shell = Dispatch("WScript.Shell")
    place = Path(shell.SpecialFolders("Desktop")) / _NAME
    if "--remove" in arguments:
        place.unlink(missing_ok=True)
        return 0
    link = shell.CreateShortcut(str(place))
    link.TargetPath = str(windowless_python())
    link.Arguments = "-I -B -m xltool panel"
    link.Description = "绩效目标：填报、审核、输出的按钮"
    link.Save()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
