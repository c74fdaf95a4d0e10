"""What LibreOffice's toolbar starts:
one process that stays warm and presses the buttons it is told of.

    python -I -B -m xltool.excel.hosts.libreoffice.helper --pipe NAME --uno FOLDER

Each line on its standard input is `BUTTON DOCUMENT`. It answers `took` when it begins, and ends
with the office. Whatever is to be said is said in the office's own window.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from contextlib import suppress

from xltool.errors import XltoolError
from xltool.excel.hosts.libreoffice.bridge import Office, connect
from xltool.excel.hosts.libreoffice.engine import App, use


def main(arguments: list[str] | None = None) -> int:
    """Press what comes in until the office ends."""
    parser = argparse.ArgumentParser(prog="xltool.excel.hosts.libreoffice.helper")
    parser.add_argument("--pipe", required=True)
    parser.add_argument("--uno", default="")
    options = parser.parse_args(arguments)
    try:
        app = use(Office(connect(options.pipe, home=options.uno)))
    except XltoolError as error:
        print(error, file=sys.stderr)
        return 2
    from xltool.excel.ribbon import buttons

    buttons()
    for line in sys.stdin:
        button, _, document = line.strip().partition(" ")
        # Of its own: while one works, the next one must hear that it does.
        threading.Thread(target=_press, args=(app, button, document), daemon=True).start()
    # Nobody is left to whom anything could be said; a press at work has lost its office.
    os._exit(0)


def _press(app: App, button: str, document: str) -> None:
    from xltool.excel.ribbon import press
    from xltool.excel.session import give_back_the_foot

    print("took", flush=True)
    with suppress(XltoolError):  # it was said in the window
        press(button, document)
    give_back_the_foot(app)


if __name__ == "__main__":
    sys.exit(main())
