"""The door between the worker's script and the desk:
texts and bytes go in and come out, never objects."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xltool.files.barrier import reason_of
from xltool.page.desk import Desk


class Door:
    """A desk as the worker's script calls it."""

    def __init__(self, given: str, progress: Callable[[int, int], None]) -> None:
        self.desk = Desk(Path(given), progress)

    def ask(self, name: str, request: str, data: Any) -> tuple[str, bytes | None]:
        """The answer as JSON text, `{"said"}` or `{"error"}`, and a file where there is one.

        `data` is the script's array of bytes, or nothing. Whatever goes wrong with one request, the
        next one is answered.
        """
        try:
            given = data.to_bytes() if hasattr(data, "to_bytes") else b""
            answer, file = self.desk.answer(name, json.loads(request), given)
        except Exception as error:
            return _failed(reason_of(error)), None
        return json.dumps({"said": answer}), file


def _failed(reason: Any) -> str:
    return json.dumps({"error": reason})
