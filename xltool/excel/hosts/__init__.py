"""Spreadsheet programs other than Excel in which the buttons work, each as an engine of xlwings."""
