"""A small always-on-top window with the ribbon's buttons, for machines where macros are barred.

Each press runs in a process of its own, so a hanging Excel never freezes the window.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from xltool.errors import XltoolError
from xltool.excel.addin import windowless_python
from xltool.excel.ribbon import labels

if TYPE_CHECKING:
    import tkinter as tk

READY = "先在 Excel 里打开填报表，再点按钮"


class Panel:
    """The window. `press` starts a button and gives its process;
    the foot line tells how it went."""

    def __init__(self, root: tk.Tk, press: Callable[[str], subprocess.Popen[str]]) -> None:
        import tkinter as tk
        from tkinter import ttk

        self.root, self.press = root, press
        self.running: tuple[str, subprocess.Popen[str]] | None = None
        root.title("绩效目标")
        root.attributes("-topmost", True)
        root.resizable(False, False)
        self.foot = tk.StringVar(root, READY)
        self.buttons: dict[str, ttk.Button] = {}
        for column, (group, members) in enumerate(groupby(labels(), key=lambda label: label.group)):
            frame = ttk.LabelFrame(root, text=group, padding=4)
            frame.grid(row=0, column=column, sticky="n", padx=4, pady=4)
            for label in members:
                button = ttk.Button(
                    frame, text=label.label, width=11, command=partial(self.start, label.id)
                )
                button.pack(fill="x", pady=1)
                button.bind("<Enter>", partial(self._over, label.tip))
                self.buttons[label.id] = button
        foot = ttk.Label(
            root, textvariable=self.foot, wraplength=460, padding=6, anchor="w", justify="left"
        )
        foot.grid(row=1, column=0, columnspan=column + 1, sticky="we")

    def _over(self, tip: str, _: object) -> None:
        self.tell(tip)

    def tell(self, text: str) -> None:
        if self.running is None:
            self.foot.set(text)

    def start(self, button: str) -> None:
        """Press a button unless another one is still at work."""
        if self.running is not None:
            return
        self.running = (button, self.press(button))
        self.foot.set("请稍候……")
        self._enable(False)
        self.root.after(100, self._poll)

    def _poll(self) -> None:
        assert self.running is not None
        _, process = self.running
        if process.poll() is None:
            self.root.after(100, self._poll)
            return
        out, err = process.communicate()
        self.running = None
        self.foot.set((out if process.returncode == 0 else err or out).strip() or READY)
        self._enable(True)

    def _enable(self, on: bool) -> None:
        for button in self.buttons.values():
            button.state(["!disabled" if on else "disabled"])


def press(button: str) -> subprocess.Popen[str]:
    """Press a button of the active workbook in a process of its own."""
    hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    return subprocess.Popen(
        [str(windowless_python()), "-I", "-B", "-m", "xltool.excel", button],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        creationflags=hidden,
    )


def show() -> None:
    """Open the window and stay until it is closed. Raises XltoolError where there is no screen."""
    try:
        import tkinter as tk
    except ImportError as error:
        raise XltoolError(
            "这个 Python 没有带 tkinter，开不了小窗口；可以用 xltool live 按钮名"
        ) from error
    try:
        root = tk.Tk()
    except tk.TclError as error:
        raise XltoolError("这里没有屏幕，开不了小窗口；可以用 xltool live 按钮名") from error
    Panel(root, press)
    root.mainloop()
