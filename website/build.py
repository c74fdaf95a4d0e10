"""Build the site, warnings as errors, and a zip of it for offices without a network:
`python -m website.build`."""

from __future__ import annotations

import subprocess
import sys
import zipfile
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
    """The zip beside the folder, without the page that only a web server shows."""
    goal = site.parent / "xltool-docs.zip"
    with zipfile.ZipFile(goal, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(site.rglob("*")):
            if path.is_file() and path.name != "404.html":
                archive.write(path, path.relative_to(site).as_posix())
    return goal


if __name__ == "__main__":
    made = build()
    print(f"{made / 'index.html'}\n{pack(made)}")
