"""Rows → forms → filings: where each form begins, whose it is, which forms belong together."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from xltool.editions.declaration import Edition, load_edition
from xltool.files.barrier import Failure, guarded
from xltool.files.discover import FileKind, below
from xltool.importing.forms import FormReader
from xltool.importing.grids import read_rows
from xltool.importing.labels import Labels, labels_of, year_line, year_of
from xltool.importing.record import Imported, ImportedValue, Leftover, Sure
from xltool.importing.rows import FormRow
from xltool.model import Filing, Form, Indicator, Place

__all__ = ["Imported", "ImportedValue", "Leftover", "Sure", "import_files"]

_IDENTITY = {"department": "unit", "project": "project"}


@dataclass(frozen=True, slots=True)
class Wishes:
    """How to import: `unit` and `year` for forms that don't say theirs, `split` stuffed cells."""

    edition: Edition
    unit: str = ""
    year: int | None = None
    split: bool = False


def import_files(
    paths: Iterable[Path],
    edition: Edition | None = None,
    unit: str = "",
    year: int | None = None,
    split: bool = False,
) -> Imported:
    """Earlier filings from any readable kind of file; the forms of one unit and year are one filing.

    A folder stands for all the files in it. `unit` and `year` fill in where a form doesn't say its own;
    with `split`, stuffed cells are parted where names and values pair without doubt. A file that can't
    be read is in `unread` with the reason.
    """
    wishes = Wishes(edition or load_edition(), unit, year, split)
    result = Imported()
    forms: list[tuple[Form, str]] = []
    for path, name in _named(paths):
        # What a file gave counts when all of it could be read.
        part = Imported()
        found = guarded(functools.partial(_read_file, path, name, wishes, part))
        if isinstance(found, Failure):
            result.unread[name] = found.reason
            continue
        result.read.append(path)
        forms += [(form, name) for form in found]
        result.values += part.values
        result.leftovers += part.leftovers
    result.filings = _together(forms, wishes.edition, result)
    return result


def _read_file(path: Path, name: str, wishes: Wishes, part: Imported) -> list[Form]:
    return _forms(read_rows(path), wishes, part, name)


_IMPORTABLE = (FileKind.WORKBOOK, FileKind.DOCUMENT)


def _named(paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Every file with the name it has in the report; of a folder all that may be a filing, in order."""
    for path in paths:
        if not path.is_dir():
            yield path, path.name
            continue
        for file in below(path):
            if file.kind in _IMPORTABLE:
                yield file.path, file.path.relative_to(path).as_posix()


def _forms(rows: Sequence[FormRow], wishes: Wishes, result: Imported, file: str) -> list[Form]:
    """The forms of one source; their values and what is left over go into `result`."""
    labels = labels_of(wishes.edition)
    forms: list[Form] = []
    leftovers: list[Leftover] = []
    unit = ""
    for segment in _segments(rows, labels):
        if segment.other:
            place = segment.rows[0].cells[0].place
            leftovers.append(Leftover(place, segment.other, "不是绩效目标表，不导入"))
            continue
        kind = segment.kind or _kind(segment.rows, labels)
        if kind is None:
            continue
        reader = FormReader(kind, labels, unit if segment.follows else "", wishes.split)
        if segment.year is not None and segment.year_place is not None:
            reader.titled(segment.year, segment.year_place)
        reader.read(segment.rows)
        unit = reader.unit
        leftovers += reader.leftovers
        if reader.empty:
            continue
        if wishes.unit:
            reader.told("unit", wishes.unit, Place("命令行", "--unit"))
        if wishes.year:
            reader.told("year", wishes.year, Place("命令行", "--year"))
        forms.append(reader.form)
        result.values += [replace(v, file=file) for v in reader.values()]
    if not forms:
        place = next((c.place for row in rows for c in row.filled), Place("", ""))
        reason = "没有找到绩效目标表：没有认出表名和栏目，或文字连成一片、没有分格"
        leftovers.append(Leftover(place, "", reason))
    result.leftovers += [replace(left, file=file) for left in leftovers]
    return forms


@dataclass
class _Segment:
    """The rows of one form, its kind and year as its title says."""

    kind: str | None = None
    year: int | None = None
    year_place: Place | None = None
    rows: list[FormRow] = field(default_factory=list)
    started: bool = False
    identified: bool = False
    heads: bool = False
    other: str = ""
    follows: bool = False  # the form before it goes on: what that one stated holds here too


def _segments(rows: Sequence[FormRow], labels: Labels) -> list[_Segment]:
    segments = [_Segment()]
    page = ""
    for row in rows:
        now, filled = segments[-1], row.filled
        if (
            row.page != page
        ):  # a sheet of a workbook never goes on with the form of the sheet before
            page = row.page
            if now.rows:
                segments.append(now := _Segment())
            now.kind = labels.title(page)
        text = filled[0].text if filled else ""
        if len(filled) == 1:
            kind = labels.title(text)
            other = labels.other_title(text)
            if kind or other:
                if now.started or now.other or other:
                    segments.append(now := _Segment())
                now.kind, now.other = kind, "" if kind else text.strip()
                if (year := year_of(text)) is not None:
                    now.year, now.year_place = year, filled[0].place
                if other:
                    now.rows.append(row)
                continue
            if not now.started and (year := year_line(text)):
                now.year, now.year_place = year, filled[0].place
                continue
        ids = _fields(row, now.kind, labels)
        if now.kind == "department" and now.heads and _begins_project(row, labels):
            segments.append(now := _Segment("project", now.year, now.year_place, follows=True))
            ids = _fields(row, now.kind, labels)
        identity = _IDENTITY.get(now.kind or "project", "") in ids
        if identity and now.identified and now.heads:
            segments.append(now := _Segment(now.kind, now.year, now.year_place, follows=True))
        now.identified |= identity
        now.started |= bool(ids)
        now.heads |= any(labels.head(c.text) for c in filled)
        now.rows.append(row)
    return [s for s in segments if s.rows]


def _begins_project(row: FormRow, labels: Labels) -> bool:
    """A row that begins with the project's name, after a whole department form."""
    match = labels.match("project", row.filled[0].text) if row.filled else None
    return match is not None and match.role == "field" and match.id in labels.decisive["project"]


def _fields(row: FormRow, kind: str | None, labels: Labels) -> set[str]:
    kinds = (kind,) if kind else ("department", "project")
    matches = [labels.match(k, c.text) for c in row.filled for k in kinds]
    return {m.id for m in matches if m is not None and m.role == "field"}


def _kind(rows: Sequence[FormRow], labels: Labels) -> str | None:
    """Which form rows without a title are: told by a field that only one of the forms has."""
    for kind in ("project", "department"):
        found = {id_ for row in rows for id_ in _fields(row, kind, labels)}
        if found & set(labels.decisive[kind]) and len(found) > 1:
            return kind
    return None


def _together(
    forms: Sequence[tuple[Form, str]], edition: Edition, result: Imported
) -> list[Filing]:
    """Forms of one unit and one year are one filing; a second department form is another one's."""
    groups: dict[tuple[str, int | None], tuple[list[Form], list[Form], list[str]]] = {}
    for form, file in forms:
        beside = [f for f, where in forms if where == file]
        unit = (
            form.text("unit").strip()
            or _only({f.text("unit").strip() for f in beside} - {""})
            or ""
        )
        years = {f.year for f, _ in forms if f.text("unit").strip() == unit} - {None}
        department, projects, files = groups.setdefault(
            (unit, form.year or _only(years)), ([], [], [])
        )
        if form.kind == "project":
            projects.append(form)
        elif department:
            place = form["unit"].place or Place(form.sheet, "")
            reason = "同一单位同一年度已有一张部门表，只导入前一张"
            result.leftovers.append(Leftover(place, form.text("unit"), reason, file))
            result.values = [
                v for v in result.values if v.file != file or v.form != edition.department.title
            ]
            continue
        else:
            department.append(form)
        if file and file not in files:
            files.append(file)
    return [
        _filing(edition, next(iter(department), None), projects, "、".join(files))
        for department, projects, files in groups.values()
    ]


def _only(values: set[Any]) -> Any:
    return next(iter(values)) if len(values) == 1 else None


def _filing(
    edition: Edition, department: Form | None, projects: Sequence[Form], source: str
) -> Filing:
    """The filing with what its forms repeat of each other filled in, as in a data book."""
    head = _complete(edition, department, None) if department is not None else None
    return Filing(
        edition.id, head, tuple(_complete(edition, one, head) for one in projects), source=source
    )


def _complete(edition: Edition, form: Form, department: Form | None) -> Form:
    spec, entries = edition[form.kind], {f.id: form[f.id] for f in edition[form.kind].field}
    for f in spec.field:
        if f.from_department and department is not None and entries[f.id].blank:
            entries[f.id] = department[f.id]
    for f in spec.field:
        if f.same_as:
            entries[f.id] = entries[f.same_as]
    order = {block.id: n for n, block in enumerate(spec.indicators.block)}
    rows = [
        Indicator(one.block, {c.id: one[c.id] for c in spec.indicators.column})
        for one in sorted(form.indicators, key=lambda one: order[one.block])
    ]
    return replace(form, entries=entries, indicators=tuple(rows))
