"""The template workbook: drawing the official one, checking bindings and written packages."""
