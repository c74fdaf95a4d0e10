"""A received filing on paper: its values on a fresh official form, printed to PDF.

The received file itself is never opened by LibreOffice. What was read from it is written onto the
edition's own template and that is printed, so no foreign formula, link, macro or picture takes
part.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from xltool.editions.declaration import Edition
from xltool.exporting.office import print_pdf
from xltool.files.atomic import writing
from xltool.filling.paper import for_paper
from xltool.filling.writer import filled
from xltool.model import Fault, FaultKind, Filing


def changed(filing: Filing) -> list[str]:
    """Where the filed form differs from the official one, in text or in what its cells show: a
    fresh form would not show what was filed."""
    return [_said(fault) for fault in filing.faults if fault.kind in _NOT_AS_FILED]


_NOT_AS_FILED = (
    FaultKind.LAYOUT,
    FaultKind.ROWS,
    FaultKind.LOST,
    FaultKind.SHOWN,
    FaultKind.UNRECKONED,
)


def left_behind(filing: Filing) -> list[str]:
    """What stands on the filed form and does not come along:
    formulas (their values do), pictures."""
    return [_said(fault) for fault in filing.faults if fault.kind == FaultKind.CONTENT]


def _said(fault: Fault) -> str:
    place = "" if fault.place is None else str(fault.place).rstrip("!")
    received = f"（{' '.join(fault.found.split())[:40]}）" if fault.found else ""
    return f"{place} {fault.detail}{received}".strip()


class Press:
    """Filings waiting to be printed together.
    `folder` is a temporary one that the caller takes away."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._destinations: dict[Path, Path] = {}

    def __len__(self) -> int:
        return len(self._destinations)

    def add(self, filing: Filing, edition: Edition, destination: Path) -> None:
        """Write the filing onto a fresh form, to be printed to `destination`. Raises FillError."""
        sheet = self._folder / f"{len(self._destinations) + 1:06}.xlsx"
        form = self._folder / f"form-{sheet.name}"
        data = filled(filing, edition=edition).data
        with writing(form, "wb") as file:
            file.write(data)
        for_paper(form, sheet)
        form.unlink()
        self._destinations[sheet] = destination

    def print(self) -> Iterator[tuple[Path, bool]]:
        """Print all that wait; each destination, and whether it is there now.
        Raises XltoolError."""
        if not self._destinations:
            return
        made = print_pdf(list(self._destinations), self._folder / "pdf")
        for sheet, destination in self._destinations.items():
            if sheet in made:
                with made[sheet].open("rb") as source, writing(destination, "wb") as file:
                    shutil.copyfileobj(source, file)
            yield destination, sheet in made
