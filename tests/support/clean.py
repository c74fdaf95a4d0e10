"""The well-made filings of `tests/data/clean/*.toml`:
unit, year, code, [department] and [[project]]s.

A form lists only what the unit wrote; unit and year are repeated on every form as the form asks.
"""

from __future__ import annotations

import tomllib

from tests.support.case import filing_of
from tests.support.paths import DATA
from xltool.model import Filing

FOLDER = DATA / "clean"
NAMES = sorted(file.stem for file in FOLDER.glob("*.toml"))


def clean_filing(name: str) -> Filing:
    """One of them, read as the reader would."""
    data = tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))
    same = {"year": data["year"], "filer": data["unit"], "unit": data["unit"]}
    projects = data.get("project", [])
    numbered = {
        f"project{n}" if n > 1 else "project": one | same for n, one in enumerate(projects, 1)
    }
    base = {
        "edition": "hunan-2023",
        "code": data["code"],
        "source": f"{data['unit']}.xlsx",
        "department": data["department"] | same,
        "project": {},
    }
    return filing_of({**numbered, "without": [] if projects else ["project"]}, base)
