"""Names proposed for what the buttons write:
with the unit and the year, as the bureau wants them."""

from __future__ import annotations

from xltool.files.filenames import safe_name
from xltool.model import Filing


def form_name(filing: Filing, kind: str, ending: str) -> str:
    """`某局_2024年绩效目标申报表.xlsx`; what is not filled in yet is left out."""
    year = f"{filing.year}年" if filing.year else ""
    return safe_name("_".join(part for part in (filing.unit, f"{year}{kind}") if part)) + ending
