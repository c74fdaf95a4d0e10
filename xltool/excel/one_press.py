"""One button at a time in one application, and what a press that was cut off left behind.

A lock of the operating system is held while a button works, so it is free again whatever ends the
process. What the button changes in the application (settings, protection) is written down first;
whoever presses next finds it and puts it back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from xltool.errors import XltoolError, why
from xltool.excel.places import desk_folder
from xltool.files.atomic import writing


class StillRunning(XltoolError):
    """Another button is at work in the same application."""


class Traces(msgspec.Struct):
    """What a press has changed in the application for as long as it works.

    `settings` are the values before, `protections` the attributes of sheets whose protection is
    off, `step` the folder of what can be undone in `book` (its full name).
    """

    button: str = ""
    settings: dict[str, Any] = {}
    protections: dict[str, dict[str, str]] = {}
    book: str = ""
    step: str = ""


class PressJournal:
    """The traces of the press at work, on the disk before they are made."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.traces = Traces()

    def left(self) -> Traces | None:
        """What a press that was cut off left, None where the last one ended by itself."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Traces)
        except (OSError, msgspec.DecodeError):
            return None

    def note(self, **changes: Any) -> None:
        """Change these traces, on the disk at once."""
        for name, value in changes.items():
            setattr(self.traces, name, value)
        with writing(self._file, "wb") as file:
            file.write(msgspec.json.encode(self.traces))

    def end(self) -> None:
        """The press is over: what could not be put back stays written down for the next one."""
        left = self.traces
        if not (left.settings or left.protections or left.step):
            self.close()

    def close(self) -> None:
        """Nothing is left behind."""
        self.traces = Traces()
        with suppress(OSError):
            self._file.unlink(missing_ok=True)


@contextmanager
def one_press(application: str) -> Iterator[PressJournal]:
    """Hold this application for one button.

    Raises StillRunning while another press of this user holds it.
    """
    from filelock import FileLock, Timeout

    folder = desk_folder() / "running"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = FileLock(folder / f"{application}.lock").acquire(timeout=0)
    except Timeout as error:
        raise StillRunning("上一个按钮还在运行，请等它做完再点") from error
    except OSError as error:
        raise XltoolError(f"写不了“{folder}”：{why(error)}") from error
    with held:
        yield PressJournal(folder / f"{application}.json")
