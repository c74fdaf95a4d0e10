"""导入报告.html: what stands on the old forms beside what was made of it, doubtful ones first."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from xltool.files.atomic import writing
from xltool.importing.record import Imported, ImportedValue, Leftover, Sure
from xltool.reports.html import TEMPLATES, text_hash

_STYLE = """
.import { margin-top: 1.5rem; } .import h2 { margin-bottom: .4rem; }
.import .units > thead > tr > th { padding: .45rem .6rem; }
.said { overflow-wrap: anywhere; white-space: pre-line; min-width: 14rem; }
.said b { background: var(--pass-soft); }
.place { font-size: .8125rem; color: var(--quiet); white-space: nowrap; }
"""
_MARKS = {Sure.LOW: "query", Sure.MEDIUM: "note", Sure.HIGH: "pass"}
_ORDER = list(_MARKS)
# A page of more rows than these would be too long to open: the surest values are left to the CSV.
_MOST = 3_000


class _ReportRow(NamedTuple):
    """One value: what stood in its row, the part that was taken, and what it became."""

    mark: str
    sure: str
    before: str
    found: str
    after: str
    place: str
    field: str
    value: str
    note: str


class _File(NamedTuple):
    name: str
    values: list[_ReportRow]
    leftovers: list[Leftover]
    more: int


def write_page(imported: Imported, path: Path) -> Path:
    """Write the page of an import; every file's doubtful values stand before its certain ones."""
    from jinja2 import Environment, FileSystemLoader
    from markupsafe import Markup

    style = (TEMPLATES / "report.css").read_text("utf-8") + _STYLE
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True
    )
    content: dict[str, Any] = {
        "policy": f"default-src 'none'; style-src {text_hash(style)}; base-uri 'none'",
        "style": Markup(style),
        "files": _files(imported),
        "count": len(imported.values),
        "sure": Counter(value.sure.value for value in imported.values),
        "left": len(imported.leftovers) + len(imported.unread),
        "unread": sorted(imported.unread.items()),
    }
    with writing(path) as file:
        file.write(environment.get_template("import.html.j2").render(content))
    return path


def _files(imported: Imported) -> list[_File]:
    values: defaultdict[str, list[ImportedValue]] = defaultdict(list)
    leftovers: defaultdict[str, list[Leftover]] = defaultdict(list)
    for value in imported.values:
        values[value.file].append(value)
    for left in imported.leftovers:
        leftovers[left.file].append(left)
    room = _MOST
    files = []
    for name in dict.fromkeys([*values, *leftovers]):
        rows = sorted(values[name], key=lambda row: _ORDER.index(row.sure))
        least = sum(row.sure is not Sure.HIGH for row in rows)
        shown = rows[: max(least, room)]
        room = max(0, room - len(shown))
        listed = [_row(row) for row in shown]
        files.append(_File(name or "（合并时）", listed, leftovers[name], len(rows) - len(shown)))
    return files


def _row(value: ImportedValue) -> _ReportRow:
    before, marked, after = value.source.partition(value.text)
    if not marked:
        before, marked, after = "", value.text, ""
    field = f"{value.project} · {value.field}" if value.project else value.field
    place = str(value.place).strip("!")
    return _ReportRow(
        _MARKS[value.sure],
        value.sure.value,
        before,
        marked,
        after,
        place,
        field,
        value.value,
        value.note,
    )
