"""A process that presses a button in a running Calc and is killed at its n-th call of the program.

`python -m tests.support.calc.cut_off PIPE BUTTON BOOK CALL [FILE...]`: CALL is what is asked of the
program (`write`, `copy sheets`) and the how-manieth time, as in `write:1`.
"""

import os
import signal
import sys
from typing import Any

from tests.support.calc.engine import CountedApp
from xltool.excel.hosts.libreoffice.bridge import Office, connect
from xltool.excel.hosts.libreoffice.engine import Engine, LiveBook


class Killed(CountedApp):
    kill_at = ("", 0)

    def asked(self, what: str, given: Any = None, book: LiveBook | None = None) -> None:
        super().asked(what, given, book)
        call, times = self.kill_at
        if self.calls.count(call) == times:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    import xlwings as xw

    from xltool.excel.ribbon import press

    pipe, button, book, call, *files = sys.argv[1:]
    app = Killed(Office(connect(pipe)))
    name, _, times = call.partition(":")
    app.kill_at, app.files = (name, int(times)), list(files)
    xw.engines.add(xw.Engine(impl=Engine(app)))
    xw.engines["libreoffice"].activate()
    print(press(button, book))


if __name__ == "__main__":
    main()
