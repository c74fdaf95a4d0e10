"""The ribbon inside Excel: its functions over a live workbook, and the add-in that calls them."""
