"""Characters in, characters out:
all that stands on an imported form is a label, a value or listed."""

import re
from collections import Counter

from xltool.files.table_habits import folded
from xltool.importing.labels import labels_of, lone_unit, money_unit, year_line
from xltool.importing.segments import segments
from xltool.importing.tables import _blank_value

_IGNORED = "，。、；：,.;:|…"


def letters(text):
    return Counter(c for c in folded(text) if c not in _IGNORED)


def lost(rows, result, edition):
    """The characters of a source's cells that are neither in a value nor listed, labels aside.

    A label in front of its answer in one cell counts as a label; so do prompts and placeholders,
    and the number that a row begins with. Lines before and after the tables of a form are not the
    form's.
    """
    labels = labels_of(edition)
    given = Counter()
    for value in result.values:
        given += letters(value.text)
    for left in result.leftovers:
        given += letters(left.text)
    missing = Counter()
    tables = [n for n, row in enumerate(rows) if row.table] or [0]
    below = set(map(id, _below_tables(rows, labels)))
    rows = [r for n, r in enumerate(rows) if r.table or tables[0] <= n <= tables[-1]]
    seen = set()  # the same answer twice (填报单位 and 部门名称) is imported once
    for row in rows:
        for cell in row.filled:
            if id(cell) in below:
                continue
            text = re.sub("^单位[:：]", "", money_unit(cell.text)[1])
            if row.unread:
                continue
            if not text or lone_unit(text) or labels.title(text) or year_line(text):
                continue
            if re.match("附件?[0-9]", text) or (
                cell is row.filled[0] and len(text) < 3 and text.isdigit()
            ):
                continue
            if folded(text) in ("/", "-", "—", "无"):
                continue
            if labels.exact(text) or _blank_value(text, edition.placeholder):
                continue
            for kind in ("project", "department"):
                match = labels.match(kind, text)
                if match is not None:
                    text = "" if match.role == "private" else match.inline or ""
                    break
            if folded(text) not in seen:
                missing += letters(text)
            seen.add(folded(text))
    return missing - given


def _below_tables(rows, labels):
    """The cells of the lines between a form's last table row and the next form."""
    for segment in segments(rows, labels):
        tables = [n for n, row in enumerate(segment.rows) if row.table]
        for row in segment.rows[tables[-1] + 1 :] if tables else ():
            yield from row.filled
