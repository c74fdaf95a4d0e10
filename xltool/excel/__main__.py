"""What the add-in's launcher starts: `python -m xltool.excel BUTTON --book NAME --hwnd N`."""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from contextlib import suppress

from xltool.errors import XltoolError


def unescaped(name: str) -> str:
    """The launcher writes what is not plain as *XXXX, one UTF-16 unit in hex."""
    units = re.sub(r"\*([0-9A-F]{4})", lambda m: chr(int(m[1], 16)), name)
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def main(arguments: list[str] | None = None) -> int:
    """Press the button. Messages appear in Excel; the exit code tells whether it went well."""
    from xltool.excel.ribbon import press

    parser = argparse.ArgumentParser(prog="xltool.excel")
    parser.add_argument("button")
    parser.add_argument("--book", type=unescaped, default="")
    parser.add_argument("--hwnd", type=int, default=None)
    parser.add_argument("--pipe", default="", help="the LibreOffice that listens there")
    parser.add_argument("--uno", default="", help="where the module uno lies")
    options = parser.parse_args(arguments)
    # pythonw has no streams unless someone (the panel) gives it some.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")
    try:
        if options.pipe:
            from xltool.excel.hosts.libreoffice.bridge import Office, connect
            from xltool.excel.hosts.libreoffice.engine import use

            use(Office(connect(options.pipe, home=options.uno)))
        message = press(options.button, options.book, options.hwnd)
    except XltoolError as error:
        message, code, stream = str(error), 2, sys.stderr
    else:
        code, stream = 0, sys.stdout
    if stream is not None:
        print(message, file=stream)
    if options.hwnd is not None:
        from xltool.excel.session import attach, give_back_the_foot

        with suppress(Exception):
            give_back_the_foot(attach(options.book, options.hwnd).app)
    return code


def end(code: int) -> None:
    """End the process. UNO's own ending falls over now and then,
    when all has been done and said."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    if "pyuno" in sys.modules:
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    end(main())
