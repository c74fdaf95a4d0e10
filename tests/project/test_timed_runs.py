"""The timed runs of docs/batch.md, literally: what cron and systemd are told to run does run, with
the little that they hand over, and two nights are one."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.seed import EXAMPLE

PAGE = (ROOT / "docs" / "batch.md").read_text("utf-8")
[EXEC] = re.findall(r"(?m)^ +ExecStart=(.+)$", PAGE)
[CRON] = re.findall(r"(?m)^ +0 1 \* \* \*  (.+)$", PAGE)
# What a run is given: no locale, no virtual environment on the path.
BARE = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)}


def here(line: str, tmp_path: Path) -> str:
    """The line with this machine's folder and program in place of the page's."""
    program = f"{shlex.quote(sys.executable)} -m xltool"
    return line.replace("/opt/xltool/bin/xltool", program).replace("/srv/申报", str(tmp_path))


@pytest.mark.skipif(sys.platform == "win32", reason="cron and systemd are for Linux")
@pytest.mark.parametrize("line", [EXEC, CRON], ids=["systemd", "cron"])
def test_the_line_runs_as_it_stands(line, tmp_path):
    shutil.copytree(EXAMPLE, tmp_path / "收到" / "某局")
    for _night in range(2):
        ran = subprocess.run(
            ["/bin/sh", "-c", here(line, tmp_path)],
            env=BARE | {"HOME": str(tmp_path / "home")},
            cwd="/",
            capture_output=True,
            check=False,
        )
        # The shipped filing has errors: 1, which the unit counts as success.
        assert (ran.returncode, ran.stdout) == (1, b""), ran.stderr.decode()
    assert (tmp_path / "结果" / "report.html").is_file()
