"""Where xltool keeps what is a user's own: editions and settings, and what it noted for itself."""

from __future__ import annotations

from pathlib import Path


def own_folder() -> Path:
    """What a user put there: on Windows %APPDATA%\\xltool."""
    import platformdirs

    return platformdirs.user_data_path("xltool", appauthor=False, roaming=True)


def state_folder() -> Path:
    """What xltool noted for itself: on Windows %LOCALAPPDATA%\\xltool."""
    import platformdirs

    return platformdirs.user_state_path("xltool", appauthor=False)
