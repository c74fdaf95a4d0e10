"""The rule book: one file for each family of rules. A rule is one function and one case file."""
