"""A workbook as a grid: sheets, cells, merges, names, properties, as any source gives them.

The reader of forms works on this and knows neither zip files nor a live spreadsheet.
"""

from xltool.grid.opening import TABLE_CELLS, grid_of, open_grid, read_properties
from xltool.grid.shared import plain_text
from xltool.grid.tables import Tables, open_tables
from xltool.grid.words import (
    BLANK,
    Area,
    Cell,
    Grid,
    Sheet,
    cell_name,
    column_number,
    letters,
    read_area,
)

__all__ = [
    "BLANK", "TABLE_CELLS", "Area", "Cell", "Grid", "Sheet", "Tables", "cell_name", "column_number",
    "grid_of", "letters", "open_grid", "open_tables", "plain_text", "read_area", "read_properties",
]  # fmt: skip
