"""One district's forms as one PDF, in the order of the list:
what counts, on fresh official sheets."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from msgspec.structs import replace

from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.returns.collection import original_bytes
from xltool.campaign.returns.status import status
from xltool.campaign.units import Unit, district_meant
from xltool.errors import XltoolError
from xltool.exporting.office import print_pdf
from xltool.files.atomic import writing
from xltool.filling.writer import fill
from xltool.reading.reader import read_grid
from xltool.xlsx.workbook_reader import open_grid


def print_district(
    campaign: Campaign, path: Path, district: str
) -> tuple[int, list[tuple[str, str]]]:
    """Write the PDF; how many units are in it, and who is not and why. Raises XltoolError."""
    listed = status(campaign).standings
    meant = district_meant(district, (one.unit for one in listed))
    owing = [one for one in listed if one.owes and one.unit.district == meant]
    problems: list[tuple[str, str]] = []
    with tempfile.TemporaryDirectory(prefix="xltool-") as scratch:
        folder = Path(scratch)
        files: dict[Path, Unit] = {}
        for number, standing in enumerate(owing):
            unit, row = standing.unit, standing.row
            if row is None:
                problems.append((unit.code, f"没有计入的申报（{standing.state}）"))
                continue
            try:
                grid = open_grid(original_bytes(campaign, row["sha256"]))
                filing = read_grid(grid, edition=campaign.edition)
                file = folder / f"{number:06}.xlsx"
                fill(replace(filing, faults=()), file, edition=campaign.edition)
                files[file] = unit
            except XltoolError as error:
                problems.append((unit.code, str(error)))
        if not files:
            raise XltoolError(f"“{district}”还没有计入的申报，没有可打印的")
        printed = print_pdf(list(files), folder / "pdf")
        problems += [(u.code, "LibreOffice 没能转出") for f, u in files.items() if f not in printed]
        _join([printed[file] for file in files if file in printed], path)
    return len(printed), problems


def _join(parts: list[Path], path: Path) -> None:
    """The pages of these, one after the other."""
    from pypdfium2 import PdfDocument

    whole = PdfDocument.new()
    try:
        for part in parts:
            pages = PdfDocument(part)
            whole.import_pages(pages)
            pages.close()
        made = io.BytesIO()  # whole before it is written: the library heeds no full disk
        whole.save(made)
        with writing(path, "wb") as file:
            file.write(made.getbuffer())
    finally:
        whole.close()
