"""What goes out: filings as PDF, as data, and as the set that is published (公开)."""
