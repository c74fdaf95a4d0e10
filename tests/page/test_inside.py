"""The core of the suite (rules, reading, filling, values), run by the Python that the page runs."""

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.page import NODE, WHEELS, wheel_for_browser
from tests.support.paths import ROOT
from xltool.page.runtime import wheel

CORE = [
    "tests/checks/test_rules.py", "tests/checks/test_totals.py", "tests/checks/test_seed_findings.py",
    "tests/reading/test_reader.py", "tests/reading/test_golden_seed.py", "tests/filling/test_fill.py",
    "tests/indicator/test_target.py",
]  # fmt: skip
# Plain Python that these tests need; what the package itself may not need there isn't among them.
LIBRARIES = [
    "pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments", "py", "sortedcontainers",
    "openpyxl", "et_xmlfile", "xlsxwriter", "platformdirs",
]  # fmt: skip
LEAST = 300  # tests


def place(name: str) -> tuple[str, str]:
    found = importlib.util.find_spec(name)
    assert found is not None and found.origin is not None, name
    path = Path(found.origin)
    whole = path.parent if found.submodule_search_locations else path
    return (name if whole.is_dir() else whole.name), str(whole)


@pytest.mark.timeout(900)  # thousands of steps in an interpreter within an interpreter
def test_the_core_of_the_suite_passes_inside_the_runtime(runtime_parts):
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    libraries = dict(map(place, LIBRARIES))
    hypothesis = wheel_for_browser("hypothesis")
    libraries |= {wheel(): str(WHEELS / wheel()), hypothesis.name: str(hypothesis)}
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "-o",
        "addopts=",
        "-o",
        "filterwarnings=",
        "-m",
        "not heavy",
    ]
    command = [node, "inside.mjs", str(ROOT), json.dumps(libraries), json.dumps([*options, *CORE])]
    done = subprocess.run(command, cwd=NODE, capture_output=True, text=True, check=False)
    said = done.stdout[-3000:] + done.stderr[-3000:]
    assert done.returncode == 0, said
    assert (
        int(re.search(r"(\d+) passed", done.stdout)[1]) >= LEAST and "failed" not in done.stdout
    ), said
