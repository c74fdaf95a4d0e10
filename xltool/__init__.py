"""xltool: 绩效目标申报表 filled, validated and cross-totalled.

The library's face, loaded only when touched:

    >>> filings = xltool.load_databook("数据表.xlsx")
    >>> path = xltool.fill(filings[0], "填报表.xlsx")  # written, read back, compared
    >>> filing = xltool.read("填报表.xlsx")  # every value knows its cell
    >>> filing.department["total"].place
    Place(sheet='部门整体支出绩效目标表', cell='C4')
    >>> xltool.check(filing)[0].severity.label  # errors first
    '错误'
    >>> print(xltool.balance(filing).verdict)
    经非税项目调节后平衡
    >>> xltool.parse_target("15家以上").normal
    '≥15家'
"""

from __future__ import annotations

__version__ = "0.2.0"

# Without the module typing, which alone takes as long to load as all the rest of `--version`.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xltool import frames
    from xltool.checks.cross_totals import Balance
    from xltool.databook import load_databook
    from xltool.editions.declaration import Edition, load_edition
    from xltool.errors import XltoolError
    from xltool.face import balance, check
    from xltool.filling.writer import fill
    from xltool.indicator import Target, parse_target, split_targets
    from xltool.model import Entry, Filing, Finding, Form, Indicator, Place, Severity
    from xltool.reading.reader import read

_HOMES = {
    "Balance": "checks.cross_totals",
    "balance": "face",
    "check": "face",
    "load_databook": "databook",
    "Edition": "editions.declaration",
    "load_edition": "editions.declaration",
    "Entry": "model",
    "Filing": "model",
    "Finding": "model",
    "Form": "model",
    "Indicator": "model",
    "Place": "model",
    "Severity": "model",
    "XltoolError": "errors",
    "read": "reading.reader",
    "fill": "filling.writer",
    "Target": "indicator",
    "parse_target": "indicator",
    "split_targets": "indicator",
}

__all__ = [
    "Balance", "Edition", "Entry", "Filing", "Finding", "Form", "Indicator", "Place", "Severity", "Target",
    "XltoolError", "__version__", "balance", "check", "fill", "frames", "load_databook", "load_edition",
    "parse_target", "read", "split_targets",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "frames":  # a whole module: pandas is loaded with it
        return import_module("xltool.frames")
    if name not in _HOMES:
        raise AttributeError(f"module 'xltool' has no attribute {name!r}")
    value = getattr(import_module(f"xltool.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
