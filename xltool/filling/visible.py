"""A filing as it is written: without the characters that nobody sees."""

from __future__ import annotations

from msgspec.structs import replace

from xltool.files.table_habits import find_invisible, without_invisible
from xltool.model import Entry, Filing, Form


def visible_filing(filing: Filing) -> Filing:
    """The filing without the characters that nobody sees,
    which no reader takes for part of an answer."""
    entries: list[Entry] = []
    for form in filing.forms:
        entries += form.entries.values()
        for indicator in form.indicators:
            entries += indicator.cells.values()
    texts = [entry.value if type(entry.value) is str else entry.text for entry in entries]
    if not find_invisible("".join(texts)):
        return filing
    department = filing.department and _visible_form(filing.department)
    projects = tuple(map(_visible_form, filing.projects))
    return replace(filing, department=department, projects=projects)


def _visible_form(form: Form) -> Form:
    entries = {key: _visible_entry(entry) for key, entry in form.entries.items()}
    indicators = tuple(
        replace(one, cells={key: _visible_entry(entry) for key, entry in one.cells.items()})
        for one in form.indicators
    )
    return replace(form, entries=entries, indicators=indicators)


def _visible_entry(entry: Entry) -> Entry:
    value = entry.value
    if isinstance(value, str):
        value = without_invisible(value) or None
    return Entry(value, without_invisible(entry.text), entry.place)
