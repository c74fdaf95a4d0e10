"""Where the buttons keep, for this user, what belongs to no workbook:
the log, locks, steps to undo.

The launchers inside Excel and LibreOffice find it too, and they know nothing but the environment.
"""

from __future__ import annotations

import os
from pathlib import Path


def desk_folder() -> Path:
    """On Windows %APPDATA%\\xltool, elsewhere ~/.xltool; made when something is first put there."""
    roaming = os.environ.get("APPDATA")
    return Path(roaming) / "xltool" if roaming else Path.home() / ".xltool"


def log_file() -> Path:
    """Where what went wrong is written for whoever helps."""
    return desk_folder() / "xltool.log"
