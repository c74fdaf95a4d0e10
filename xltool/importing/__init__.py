"""Earlier filings brought in:
Word, Excel, web pages and text → filings, each value with its source.

`grids` turns a source into rows of cells with places, `labels` knows the forms' words in every
spelling, `filings` finds the forms by them. Nothing is guessed: what is not certain is listed.
"""

from __future__ import annotations

from xltool.importing.filings import (
    Imported,
    ImportedValue,
    Leftover,
    Sure,
    import_files,
    likest_edition,
)

__all__ = ["Imported", "ImportedValue", "Leftover", "Sure", "import_files", "likest_edition"]
