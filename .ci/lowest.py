"""The lowest versions that pyproject.toml allows, as constraints for pip: `python .ci/lowest.py > lowest.txt`."""

import re
import tomllib
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))[
    "project"
]

if __name__ == "__main__":
    for line in PROJECT["dependencies"]:
        print(re.sub(r"\s*>=\s*", "==", line.partition(";")[0].partition("#")[0].strip()))
