"""Run by the system's Python, which knows UNO:
opens a workbook in a LibreOffice of its own and saves it.

    python3 lo_saver.py WORKBOOK PROFILE_FOLDER

Each line `SHEET CELL NUMBER` on standard input writes the number and saves the workbook in place,
as Ctrl+S does; `saved` answers.
"""

import subprocess
import sys
import time
from pathlib import Path

import uno  # type: ignore[import-not-found]


def connect(pipe: str, office: "subprocess.Popen[bytes]") -> object:
    here = uno.getComponentContext()
    resolver = here.ServiceManager.createInstanceWithContext(
        "com.sun.star.bridge.UnoUrlResolver", here
    )
    for _ in range(300):
        try:
            return resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
        except Exception:
            assert office.poll() is None, "LibreOffice has ended"
            time.sleep(0.1)
    raise TimeoutError("LibreOffice does not answer")


def main() -> None:
    workbook, profile = Path(sys.argv[1]), Path(sys.argv[2])
    pipe = f"xltool-{profile.name}-{time.time_ns()}"
    office = subprocess.Popen(
        ["soffice", f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore",
         f"--accept=pipe,name={pipe};urp;"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        context = connect(pipe, office)
        desktop = context.ServiceManager.createInstanceWithContext(
            "com.sun.star.frame.Desktop", context
        )
        document = desktop.loadComponentFromURL(workbook.as_uri(), "_blank", 0, ())
        print("ready", flush=True)
        for line in sys.stdin:
            sheet, cell, number = line.split()
            document.Sheets.getByName(sheet).getCellRangeByName(cell).setValue(float(number))
            document.store()
            print("saved", flush=True)
        document.close(True)
        desktop.terminate()
        office.wait(30)
    finally:
        office.kill()


main()
