"""Real dialogs of a running LibreOffice: messages, a line to fill in, files and folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xltool.excel.hosts.libreoffice.bridge import Office, system_path, url

_OK, _YES_NO = 1, 3  # com.sun.star.awt.MessageBoxButtons
_YES = 2  # com.sun.star.awt.MessageBoxResults
_OPEN, _SAVE = 0, 1  # com.sun.star.ui.dialogs.TemplateDescription
_LINE = 9  # height of a line of text, in the dialog's own units


class Dialogs:
    """What is asked of the person in front of the office. None: the person thought better of it."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def message(self, text: str, title: str, buttons: str, *, wrong: bool) -> str:
        from xltool.excel.hosts.libreoffice.bridge import uno

        kind = "QUERYBOX" if buttons == "yes_no" else "INFOBOX"
        if wrong:
            kind = "ERRORBOX"
        box = uno().Enum("com.sun.star.awt.MessageBoxType", kind)
        toolkit = self.office.service("com.sun.star.awt.Toolkit")
        shown = toolkit.createMessageBox(
            self._window(), box, _YES_NO if buttons == "yes_no" else _OK, title, text
        )
        try:
            answer = shown.execute()
        finally:
            shown.dispose()
        if buttons == "ok":
            return "ok"
        return "yes" if answer == _YES else "no"

    def _window(self) -> Any:
        frame = self.office.desktop.getCurrentFrame()
        return frame.getContainerWindow() if frame is not None else None

    def ask(self, prompt: str, title: str, default: str) -> str | None:
        """One line that the person fills in."""
        lines = prompt.count("\n") + 1
        model = self.office.service("com.sun.star.awt.UnoControlDialogModel")
        high = lines * _LINE + 50
        _place(model, 60, 40, 220, high, Title=title)
        self._part(
            model, "FixedText", "prompt", (8, 8, 204, lines * _LINE), Label=prompt, MultiLine=True
        )
        self._part(model, "Edit", "answer", (8, high - 38, 204, 14), Text=default)
        self._part(
            model,
            "Button",
            "ok",
            (110, high - 18, 48, 14),
            Label="确定",
            PushButtonType=1,
            DefaultButton=True,
        )
        self._part(
            model, "Button", "cancel", (164, high - 18, 48, 14), Label="取消", PushButtonType=2
        )
        dialog = self.office.service("com.sun.star.awt.UnoControlDialog")
        dialog.setModel(model)
        dialog.createPeer(self.office.service("com.sun.star.awt.Toolkit"), self._window())
        try:
            dialog.getControl("answer").setFocus()
            return str(model.getByName("answer").Text) if dialog.execute() else None
        finally:
            dialog.dispose()

    def _part(self, model: Any, kind: str, name: str, place: Sequence[int], **values: Any) -> None:
        part = model.createInstance(f"com.sun.star.awt.UnoControl{kind}Model")
        _place(part, *place, Name=name, **values)
        model.insertByName(name, part)

    def open_file(self, title: str, kinds: str) -> str | None:
        return self._pick(_OPEN, title, kinds)

    def save_file(self, title: str, name: str, kinds: str) -> str | None:
        return self._pick(_SAVE, title, kinds, name)

    def _pick(self, template: int, title: str, kinds: str, name: str = "") -> str | None:
        picker = self.office.service("com.sun.star.ui.dialogs.FilePicker")
        picker.initialize((template,))
        picker.setTitle(title)
        parts = kinds.split(",")
        for label, pattern in zip(parts[::2], parts[1::2], strict=True):
            picker.appendFilter(label, pattern)
        picker.setCurrentFilter(parts[0])
        place = Path(name)
        picker.setDefaultName(place.name)
        self._begin_at(picker, place.parent if place.is_absolute() else self._beside())
        if not picker.execute():
            return None
        [chosen] = picker.getSelectedFiles()[:1] or [None]
        return system_path(chosen) if chosen else None

    def _beside(self) -> Path | None:
        """The folder of the document in front, where it lies in one."""
        address = str(getattr(self.office.desktop.getCurrentComponent(), "URL", ""))
        return Path(system_path(address)).parent if address.startswith("file:") else None

    def _begin_at(self, picker: Any, folder: Path | None) -> None:
        if folder is not None:
            picker.setDisplayDirectory(url(folder))

    def folder(self, title: str) -> str | None:
        picker = self.office.service("com.sun.star.ui.dialogs.FolderPicker")
        picker.setTitle(title)
        self._begin_at(picker, self._beside())
        return system_path(picker.getDirectory()) if picker.execute() else None


def _place(model: Any, x: int, y: int, width: int, height: int, **values: Any) -> None:
    for name, value in {
        "PositionX": x, "PositionY": y, "Width": width, "Height": height, **values
    }.items():  # fmt: skip
        setattr(model, name, value)
