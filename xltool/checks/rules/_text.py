"""How rules quote and compare what is written."""

from __future__ import annotations

from xltool.indicator.dates import Period
from xltool.model import Entry, Form

SHOWN = 40


def quote(written: Entry | str) -> str:
    """A text in one line for a message, cut where it is long."""
    text = written if isinstance(written, str) else written.said
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else line[:SHOWN] + "…"


def on(form: Form) -> str:
    """Which form a message means: its sheet, where it has one."""
    return f"工作表“{form.sheet}”" if form.sheet else "另一张表"


def longer_than_a_year(period: Period | None) -> bool:
    return period is not None and (period.end - period.start).days > 366
