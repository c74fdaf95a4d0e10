"""`python -m xltool`."""

import sys

from xltool.cli import program

sys.exit(program())
