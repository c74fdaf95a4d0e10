"""The shipped example: the filing of 2023 that the whole project is measured by."""

from pathlib import Path

import xltool
from xltool.databook import load_databook
from xltool.model import Filing

UNIT = "沅江市科学技术和工业信息化局"
EXAMPLE = Path(xltool.__file__).parent / "example" / UNIT


def seed_filing() -> Filing:
    """The example data book, read."""
    [filing] = load_databook(EXAMPLE)
    return filing
