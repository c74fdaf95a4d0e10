"""Filing → workbook: answers patched into the template's own package, read back before it is shown.

Only the filled sheets differ from the template, and the parts that list sheets and names; every
other part keeps its bytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple, TypeVar, overload

from msgspec.structs import replace

from xltool.editions.declaration import Edition, load_edition
from xltool.files.atomic import writing
from xltool.files.source import for_writing
from xltool.filling.compile import Compiled, compile_template
from xltool.filling.fill_sheet import FillError, fill_sheet
from xltool.filling.package import Filled, assemble
from xltool.filling.visible import visible_filing
from xltool.model import FaultKind, Filing
from xltool.results_sheet.table import OWN_SHEETS
from xltool.xlsx.audit.workbook import audit_parts
from xltool.xlsx.package import Unpacked
from xltool.xlsx.sheet_names import sheet_name
from xltool.xlsx.workbook_reader import grid_of
from xltool.xlsx.zip_container import split

__all__ = ["FillError", "FilledWorkbook", "fill", "filled", "render", "sheet_name", "verify"]


Destination = TypeVar("Destination", bound=IO[bytes])


@overload
def fill(
    filing: Filing,
    path: str | os.PathLike[str],
    template: str | Path | None = None,
    *,
    edition: Edition | None = None,
) -> Path: ...


@overload
def fill(
    filing: Filing,
    path: Destination,
    template: str | Path | None = None,
    *,
    edition: Edition | None = None,
) -> Destination: ...


def fill(
    filing: Filing,
    path: str | os.PathLike[str] | Destination,
    template: str | Path | None = None,
    *,
    edition: Edition | None = None,
) -> Path | Destination:
    """Write the filing as one workbook:
    its department form and one sheet for each project; its path.

    `path` may also be a file open for writing (`open(…, "wb")`, `io.BytesIO()`), which is given
    back. Amounts are written as they are, in the edition's unit (万元, or 元). `template` is another
    workbook with the edition's names; `edition` is needed where that is known by its folder only.
    The finished bytes are read back, compared with the filing and structurally checked before the
    file takes its place. Raises FillError (one line) where the filing can't be written,
    EditionError where edition or template can't be used, XltoolError where the disk refuses or the
    file was opened as text; nothing is half-written.
    """
    if not isinstance(path, str | os.PathLike):
        for_writing(path).write(filled(filing, template, edition=edition).data)
        return path
    data = filled(filing, template, edition=edition).data
    path = Path(path)
    with writing(path, "wb") as file:
        file.write(data)
    return path


class FilledWorkbook(NamedTuple):
    """The bytes of a written workbook and its parts, proved to say its filing.

    `read_back()` is that filing as the reader gives it, each answer with its cell.
    """

    data: bytes
    parts: Unpacked
    read_back: Callable[[], Filing]


def filled(
    filing: Filing,
    template: str | Path | None = None,
    *,
    edition: Edition | None = None,
    properties: Mapping[str, str] | None = None,
    locked: Mapping[str, Collection[str]] | None = None,
) -> FilledWorkbook:
    """The filing as a proved workbook: the only door by which a workbook leaves this package.

    `properties` are custom document properties to put in (a campaign's seal); `locked` names the
    fields (form kind → field ids) whose cells can't be edited on the protected sheet. Raises
    FillError where the filing can't be written or isn't read back as itself, EditionError where
    edition or template can't be used.
    """
    edition = edition or load_edition(filing.edition)
    filing = visible_filing(filing)
    own = compile_template(edition)
    compiled = compile_template(edition, Path(template)) if template else own
    data = _render(filing, compiled, properties or {}, locked or {})
    # What another template may say that isn't the edition's, the reader judges.
    return _verify(filing, data, own, locked or {})


def verify(
    filing: Filing,
    data: bytes,
    edition: Edition,
    locked: Mapping[str, Collection[str]] | None = None,
) -> FilledWorkbook:
    """The written bytes, read back: the same filing, no fault, all sound.

    The quick proof says yes or nothing; where it says nothing, the reader judges. Raises FillError.
    """
    return _verify(filing, data, compile_template(edition), locked or {})


def _verify(
    filing: Filing, data: bytes, compiled: Compiled, locked: Mapping[str, Collection[str]]
) -> FilledWorkbook:
    from xltool.filling.proof import proved_sheets
    from xltool.filling.read_back import read_back

    if locked:
        compiled = compiled.with_twins
    try:
        parts = Unpacked(split(data, known_parts=compiled.known_parts))
    except ValueError as error:
        raise FillError(f"写出的压缩包读不回来（{filing.unit}）：{error}") from error
    if sheets := proved_sheets(filing, parts, compiled, locked):
        return FilledWorkbook(data, parts, partial(read_back, filing, sheets, parts, compiled))
    back = judge(filing, parts, compiled.layout.edition)
    return FilledWorkbook(data, parts, lambda: back)


def judge(filing: Filing, parts: Unpacked, edition: Edition) -> Filing:
    """The workbook read as any received one,
    where it isn't plain at a glance that it says the filing."""
    from xltool.reading.reader import read_grid

    back = read_grid(grid_of(parts), edition=edition)
    # A project form with nothing but year and unit on it is read as none.
    projects = tuple(form for form in filing.projects if form.answered)
    meant = replace(filing, projects=projects)
    if back != meant:
        raise FillError(
            f"写出后读回的内容与原数据不一致（{filing.unit}）：{_difference(meant, back)}"
        )
    faults = [fault for fault in back.faults if fault.kind not in _AS_MEANT]
    if faults:
        raise FillError(f"写出后读回发现问题（{filing.unit}）：{faults[0].detail}")
    problems = audit_parts(parts)
    if problems:
        raise FillError(f"写出的工作簿结构有问题（{filing.unit}）：{problems[0]}")
    return back


# An amount with more decimals than the form shows is written whole, one that can't be read as it
# stands.
_AS_MEANT = (FaultKind.AMOUNT, FaultKind.AMOUNT_TEXT, FaultKind.ROUNDED)


def _difference(filing: Filing, back: Filing) -> str:
    for form, form_back in zip(filing.forms, back.forms, strict=False):
        for key, entry in form.entries.items():
            if (entry.value, entry.unread) != (form_back[key].value, form_back[key].unread):
                return f"{key}：{entry.value!r} ≠ {form_back[key].value!r}"
        if form.indicators != form_back.indicators:
            return f"{form.sheet or form.kind} 的指标"
    return "表的张数"


def render(
    filing: Filing,
    template: str | Path | None = None,
    *,
    edition: Edition | None = None,
    properties: Mapping[str, str] | None = None,
    locked: Mapping[str, Collection[str]] | None = None,
) -> bytes:
    """The filing as the bytes of a workbook.

    What leaves the package goes through `filled`, which proves these bytes.
    """
    edition = edition or load_edition(filing.edition)
    compiled = compile_template(edition, Path(template) if template else None)
    return _render(filing, compiled, properties or {}, locked or {})


def _render(
    filing: Filing,
    compiled: Compiled,
    properties: Mapping[str, str],
    locked: Mapping[str, Collection[str]],
) -> bytes:
    if locked:
        compiled = compiled.with_twins
    sheets: list[Filled] = []
    own_names = [entry.name for entry in compiled.sheets]
    taken = {name.casefold() for name in (*own_names, *OWN_SHEETS)}
    for entry in compiled.sheets:
        pattern = compiled.form_of.get(entry.part)
        if pattern is None:
            sheets.append(Filled(entry.name, entry, None, b""))
            continue
        held = compiled.held(pattern, locked)
        if not pattern.layout.spec.repeats:
            if filing.department is not None:
                sheets.append(
                    Filled(entry.name, entry, *fill_sheet(pattern, filing.department, held))
                )
            continue
        taken.discard(entry.name.casefold())
        for form in filing.projects:
            name = sheet_name(form.text("project") or entry.name, taken)
            sheets.append(Filled(name, entry, *fill_sheet(pattern, form, held)))
    if not sheets:
        raise FillError("这份申报没有任何表可写")
    given = {**properties, **({"xltool.unit_code": filing.code} if filing.code else {})}
    if filing.department is None:
        from xltool.reading.reader import FORMS, ONLY_PROJECTS

        # That no sheet was removed, a received workbook can't say otherwise.
        given[FORMS] = ONLY_PROJECTS
    return assemble(compiled, sheets, given)
