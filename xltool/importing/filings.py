"""Forms → filings: the forms of some files read, and those of one unit and year put together."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from xltool.editions.declaration import Edition, load_edition, usable_editions
from xltool.files.barrier import Failure, guarded
from xltool.files.discover import FileKind, below, once
from xltool.files.table_habits import folded
from xltool.importing.forms import FormReader
from xltool.importing.grids import ALREADY, read_rows
from xltool.importing.labels import Labels, labels_of
from xltool.importing.own_marks import is_databook, marked_edition, unit_code
from xltool.importing.record import Imported, ImportedValue, Leftover, Sure
from xltool.importing.rows import SCANNED, FormRow
from xltool.importing.segments import Segment, segments
from xltool.model import Filing, Form, Indicator, Place

__all__ = ["Imported", "ImportedValue", "Leftover", "Sure", "import_files", "likest_edition"]


@dataclass(frozen=True, slots=True)
class ImportWishes:
    """How to import: `unit` and `year` for forms that don't say theirs, `split` stuffed cells."""

    edition: Edition
    unit: str = ""
    year: int | None = None
    split: bool = False


@dataclass(frozen=True, slots=True)
class FoundForm:
    """One form, the file it stands in, its values with their sources, the code of its unit."""

    form: Form
    file: str
    values: list[ImportedValue]
    code: str = ""

    @property
    def unit(self) -> str:
        return self.form.text("unit").strip()


def import_files(
    paths: Iterable[Path],
    edition: Edition | None = None,
    unit: str = "",
    year: int | None = None,
    split: bool = False,
) -> Imported:
    """Earlier filings from any readable kind of file;
    the forms of one unit and year are one filing.

    A folder stands for all the files in it. Without an edition it is the one that the workbooks say
    they are of, else the default one. `unit` and `year` fill in where a form doesn't say its
    own; with `split`, stuffed cells are parted where names and values pair without doubt. A file
    that can't be read is in `unread` with the reason.
    """
    result = Imported()
    named = _named(paths, result)
    edition = edition or marked_edition(path for path, _ in named) or load_edition()
    wishes = ImportWishes(edition, unit, year, split)
    forms: list[FoundForm] = []
    for path, name in named:
        # What a file gave counts when all of it could be read.
        part = Imported()
        file_forms = guarded(functools.partial(_read_file, path, name, wishes, part))
        if isinstance(file_forms, Failure):
            result.unread[name] = file_forms.reason
            continue
        result.read.append(path)
        forms += file_forms
        result.leftovers += part.leftovers
    result.filings = _together(forms, wishes.edition, result)
    return result


def _read_file(path: Path, name: str, wishes: ImportWishes, part: Imported) -> list[FoundForm]:
    forms = _forms(read_rows(path), wishes, part, name)
    if len({form.unit for form in forms} - {""}) == 1 and (code := unit_code(path)):
        return [dataclasses.replace(form, code=code) for form in forms]
    return forms


def likest_edition(paths: Iterable[Path], prefer: Edition) -> Edition:
    """The known edition whose forms these files are: the one that their workbooks say,
    else the one that finds most in the first of them."""
    named = _named(paths, Imported())
    if marked := marked_edition(path for path, _ in named):
        return marked
    sources = []
    for path, name in islice(named, _LOOKED_AT):
        rows = guarded(functools.partial(read_rows, path))
        if not isinstance(rows, Failure):
            sources.append((name, rows))
    others = [edition for edition in usable_editions() if edition.id != prefer.id]

    def place_count(edition: Edition) -> int:
        """How many places are read: of one that is split into three values only one."""
        wishes = ImportWishes(edition)
        forms = [form for name, rows in sources for form in _forms(rows, wishes, Imported(), name)]
        return len({(value.file, value.place) for form in forms for value in form.values})

    return max([prefer, *others], key=place_count)


_LOOKED_AT = 5  # files that tell the edition of all
_IMPORTABLE = (FileKind.WORKBOOK, FileKind.OTHER_WORKBOOK, FileKind.DOCUMENT)
_NOT_SAID = (FileKind.LITTER, FileKind.LOCK, FileKind.OWN_REPORT)


def _named(paths: Iterable[Path], result: Imported) -> list[tuple[Path, str]]:
    """Every file once, with the name it has in the report: of two alike the whole path;
    of a folder all that may be a filing, in order.

    What else lies in a folder is said, one line a file.
    """
    names: dict[Path, str] = {}
    for path, name in _files(paths, result):
        names.setdefault(path, name)
    files = list(once(names))
    count = Counter(names[path] for path in files)
    return [(path, names[path] if count[names[path]] == 1 else path.as_posix()) for path in files]


def _files(paths: Iterable[Path], result: Imported) -> Iterator[tuple[Path, str]]:
    for path in paths:
        if not path.is_dir():
            yield path, path.name
            continue
        for file in below(path):
            name = file.path.relative_to(path).as_posix()
            if file.kind is FileKind.WORKBOOK and is_databook(file.path):
                result.leftovers.append(Leftover(Place("", ""), "", ALREADY, name))
            elif file.kind in _IMPORTABLE:
                yield file.path, name
            elif file.kind not in _NOT_SAID:
                result.leftovers.append(Leftover(Place("", ""), "", _passed_over(name), name))


def _passed_over(name: str) -> str:
    picture = name.lower().endswith((".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".gif"))
    return f"是图片。{SCANNED}" if picture else "不是能导入的文件，没有打开"


def _forms(
    rows: Sequence[FormRow], wishes: ImportWishes, result: Imported, file: str
) -> list[FoundForm]:
    """The forms of one source; what is left over goes into `result`."""
    labels = labels_of(wishes.edition)
    forms: list[FoundForm] = []
    leftovers: list[Leftover] = []
    passed: list[Segment] = []  # no forms of ours
    money = ""
    for segment in segments(rows, labels):
        if segment.other or segment.kind is None:
            passed.append(segment)
            continue
        reader = FormReader(segment.kind, labels, money if segment.follows else "", wishes.split)
        if segment.year is not None and segment.year_place is not None:
            reader.titled(segment.year, segment.year_place)
        reader.read(segment.rows, segment.title_at)
        money = reader.unit
        leftovers += reader.leftovers
        if reader.empty:
            continue
        if wishes.unit:
            reader.told("unit", wishes.unit, Place("命令行", "--unit"))
        if wishes.year:
            reader.told("year", wishes.year, Place("命令行", "--year"))
        values = [replace(v, file=file) for v in reader.values()]
        forms.append(FoundForm(reader.form, file, values, reader.code))
    leftovers += [
        Leftover(cell.place, cell.text, row.unread)
        for row in rows
        if row.unread
        for cell in row.cells
    ]
    leftovers += _no_forms(passed, bool(forms), rows, labels)
    result.leftovers += [replace(left, file=file) for left in leftovers]
    return forms


def _no_forms(
    passed: Sequence[Segment], some_found: bool, rows: Sequence[FormRow], labels: Labels
) -> list[Leftover]:
    """One sentence for each thing that is no performance-target form."""
    leftovers = [
        Leftover(s.place, s.other, f"是{_called(s.other)}，不是绩效目标申报表，不导入")
        for s in passed
        if s.other
    ]
    if some_found:
        unnamed = [s for s in passed if not s.other and (s.tabular or s.started)]
        reason = "表外的另一张表，不是绩效目标申报表，不导入"
        return leftovers + [Leftover(s.place, s.text(), reason) for s in unnamed]
    if leftovers:
        return leftovers
    place = next((cell.place for row in rows for cell in row.filled), Place("", ""))
    return [Leftover(place, "", f"没有找到绩效目标表：{_why_none(rows, labels)}")]


_TRADITIONAL = re.compile("績效|產出指標|滿意度指標|項目名稱")


def _why_none(rows: Sequence[FormRow], labels: Labels) -> str:
    texts = [cell.text for row in rows for cell in row.filled]
    if any(_TRADITIONAL.search(folded(text)) for text in texts):
        return "文字是繁体，认不出栏目；请先转成简体（Word、WPS 的“审阅”里有“繁转简”）再导入"
    heads = {head[0] for text in texts if (head := labels.head(text))}
    if "name" in heads and heads & {"target", "number"} and not heads & {"level1", "level2"}:
        return "指标没有写是哪一类（一级指标、二级指标两栏），不知道该归到哪里；请补上类别再导入"
    return "没有认出表名和栏目，或文字连成一片、没有分格"


def _called(title: str) -> str:
    for word, name in (("自评", "绩效自评表"), ("评价", "绩效评价表"), ("监控", "绩效监控表")):
        if word in title:
            return name
    return "别的表"


@dataclass
class _Group:
    """The forms of one unit and one year."""

    department: FoundForm | None = None
    projects: list[FoundForm] = field(default_factory=list)

    @property
    def forms(self) -> list[FoundForm]:
        return [*([self.department] if self.department else []), *self.projects]


def _together(forms: Sequence[FoundForm], edition: Edition, result: Imported) -> list[Filing]:
    """Forms of one unit and one year are one filing; a second department form is another one's."""
    groups: dict[tuple[str, int | None], _Group] = {}
    for found_form in forms:
        beside = {form.unit for form in forms if form.file == found_form.file} - {""}
        unit = found_form.unit or _only(beside) or ""
        years = {form.form.year for form in forms if form.unit == unit} - {None}
        group = groups.setdefault((unit, found_form.form.year or _only(years)), _Group())
        if found_form.form.kind == "project":
            group.projects.append(found_form)
        elif group.department is not None:
            result.leftovers += _second(found_form)
            continue
        else:
            group.department = found_form
        result.values += found_form.values
    return [_filing(edition, group) for group in groups.values()]


def _second(found_form: FoundForm) -> list[Leftover]:
    """A second department form of the same unit and year, with all that stands on it."""
    place = found_form.form["unit"].place or Place(found_form.form.sheet, "")
    reason = "同一单位同一年度已有一张部门表，只导入前一张"
    text = " | ".join([found_form.unit, *(value.text for value in found_form.values)])
    return [Leftover(place, text, reason, found_form.file)]


def _only(values: set[Any]) -> Any:
    return next(iter(values)) if len(values) == 1 else None


def _filing(edition: Edition, group: _Group) -> Filing:
    """The filing with what its forms repeat of each other filled in, as in a data book."""
    head = _complete(edition, group.department.form, None) if group.department else None
    projects = tuple(_complete(edition, found_form.form, head) for found_form in group.projects)
    code = next((form.code for form in group.forms if form.code), "")
    source = "、".join(dict.fromkeys(form.file for form in group.forms if form.file))
    return Filing(edition.id, head, projects, code, source)


def _complete(edition: Edition, form: Form, department: Form | None) -> Form:
    spec, entries = (
        edition[form.kind],
        {field.id: form[field.id] for field in edition[form.kind].field},
    )
    for f in spec.field:
        if f.from_department and department is not None and entries[f.id].blank:
            entries[f.id] = department[f.id]
    for f in spec.field:
        if f.same_as:
            entries[f.id] = entries[f.same_as]
    order = {block.id: number for number, block in enumerate(spec.indicators.block)}
    rows = [
        Indicator(row.block, {column.id: row[column.id] for column in spec.indicators.column})
        for row in sorted(form.indicators, key=lambda row: order[row.block])
    ]
    return replace(form, entries=entries, indicators=tuple(rows))
