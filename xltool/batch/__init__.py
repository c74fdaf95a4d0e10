"""A folder of data books and workbooks, filled and checked:
in parallel, resumable, nothing half-written."""
