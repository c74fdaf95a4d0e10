"""How long a command takes from nothing:
each a new process, in turn, the bare interpreter beside them.

The first round compiles (into a folder of its own) and isn't counted:
an installed package is compiled.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.contest import Result
from benchmarks.forms import jobs
from benchmarks.growth import children_cpu

BARE = "python -c pass"


def startup(rounds: int) -> list[Result]:
    from xltool.filling.writer import render

    with tempfile.TemporaryDirectory(prefix="xltool-bench-") as folder:
        form = Path(folder) / "form.xlsx"
        [job] = jobs(1)
        form.write_bytes(render(job.filing))
        commands = {
            BARE: ["-c", "pass"],
            "xltool --version": ["-m", "xltool", "--version"],
            "xltool check FILE": ["-m", "xltool", "check", str(form)],
            "import openpyxl": ["-c", "import openpyxl"],
        }
        results = [Result(name) for name in commands]
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}
        for n in range(rounds + 1):
            for result in results:
                began, used = time.perf_counter(), children_cpu()
                subprocess.run(
                    [sys.executable, *commands[result.name]],
                    stdout=subprocess.DEVNULL,
                    env=environment,
                    check=False,
                )
                if n:
                    result.rounds.append(time.perf_counter() - began)
                    result.cpu.append(children_cpu() - used)
    return results
