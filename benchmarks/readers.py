"""Every way to read a filled form that is compared. Only xltool judges what it reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Read = Callable[[Path], object]


def xltool_read_check() -> Read:
    """Read, hold against the official layout, run all rules."""
    from xltool.checks.engine import check
    from xltool.reading.reader import read

    return lambda path: check(read(path))


def xltool_read() -> Read:
    from xltool.reading.reader import read

    return read


def openpyxl_load() -> Read:
    from openpyxl import load_workbook

    return load_workbook


def openpyxl_read_only() -> Read:
    from openpyxl import load_workbook

    def read(path: Path) -> object:
        book = load_workbook(path, read_only=True)
        values = [list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets]
        book.close()
        return values

    return read


def calamine() -> Read:
    from python_calamine import CalamineWorkbook

    def read(path: Path) -> object:
        book = CalamineWorkbook.from_path(str(path))
        return [book.get_sheet_by_name(name).to_python() for name in book.sheet_names]

    return read


def wolfxl_read() -> Read:
    import wolfxl

    def read(path: Path) -> object:
        book = wolfxl.load_workbook(str(path))
        return [list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets]

    return read


READERS: dict[str, Callable[[], Read]] = {
    "xltool read + all rules": xltool_read_check,
    "xltool read": xltool_read,
    "openpyxl load": openpyxl_load,
    "openpyxl read_only, values": openpyxl_read_only,
    "wolfxl, values": wolfxl_read,
    "python-calamine, values": calamine,
}
