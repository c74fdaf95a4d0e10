"""What a run found, shown: console, JSON, workbook, page.
Reports show records and judge nothing."""
