"""An example or two for every help page, ready to be pasted."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path


@functools.cache
def examples() -> dict[str, list[str]]:
    """The lines of `examples.toml` by command."""
    return tomllib.loads(Path(__file__).with_name("examples.toml").read_text("utf-8"))
