"""Build the site, warnings as errors, and a zip of it for offices without a network:
`python -m website.build`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SITE = ROOT / "build" / "site"


def build(goal: Path = SITE) -> Path:
    """The folder of the site; open its index.html.
    Raises CalledProcessError at the first warning."""
    command = [
        sys.executable,
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        str(goal),
    ]
    subprocess.run(command, cwd=ROOT, check=True)
    return goal


def pack(site: Path) -> Path:
    """The zip beside the folder."""
    return Path(shutil.make_archive(str(site.parent / "xltool-docs"), "zip", site))


if __name__ == "__main__":
    made = build()
    print(f"{made / 'index.html'}\n{pack(made)}")
