"""The set that is published (公开): each unit's forms as PDF with its data, and all units in one CSV.

What the edition declares `internal` is left out before anything is written: fields (contact,
phone), columns (notes) and the unit's code. So are the names of files and cells.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from xltool.editions.declaration import Edition, FormSpec
from xltool.errors import XltoolError, why
from xltool.exporting.data import csv_columns, csv_file
from xltool.exporting.pristine import Press, changed
from xltool.files.atomic import writing
from xltool.files.barrier import Failure, guarded
from xltool.files.filenames import TakenNames
from xltool.model import Filing, Form, Indicator

WHOLE = "全部单位.csv"
NOTES = "说明.txt"
_NOT_PUBLISHED = ("文件", "工作表", "单元格")

# What is in the set already: unit and year → code → file.
PublishedNames = dict[tuple[str, int | None], dict[str, str]]


def disclosed(filing: Filing, edition: Edition) -> Filing:
    """The filing without what is internal; nothing else of the received file stays with it."""
    return Filing(
        edition=filing.edition,
        department=None if filing.department is None else _form(filing.department, edition),
        projects=tuple(_form(form, edition) for form in filing.projects),
        code="" if edition.code_internal else filing.code,
    )


def _form(form: Form, edition: Edition) -> Form:
    spec = edition[form.kind]
    hidden = internal_fields(spec, edition)
    columns = {column.id for column in spec.indicators.column if column.internal}
    return replace(
        form,
        entries={id_: entry for id_, entry in form.entries.items() if id_ not in hidden},
        indicators=tuple(_row(indicator, columns) for indicator in form.indicators),
    )


def _row(indicator: Indicator, hidden: set[str]) -> Indicator:
    return replace(
        indicator, cells={id_: entry for id_, entry in indicator.cells.items() if id_ not in hidden}
    )


def internal_fields(spec: FormSpec, edition: Edition) -> set[str]:
    """The internal fields of a form, with those that repeat one."""
    hidden = {field.id for field in spec.field if field.internal}
    if spec.id != "department":
        above = internal_fields(edition.department, edition)
        hidden |= {field.id for field in spec.field if field.from_department and field.id in above}
    return hidden | {field.id for field in spec.field if field.same_as in hidden}


def internal_labels(edition: Edition) -> list[str]:
    """What is left out, by its official labels."""
    labels = ["部门编码"] if edition.code_internal else []
    for spec in edition.form:
        hidden = internal_fields(spec, edition)
        labels += [field.label for field in spec.field if field.id in hidden]
        labels += [column.label for column in spec.indicators.column if column.internal]
    return list(dict.fromkeys(labels))


def publish(
    filings: Iterable[tuple[Filing, Edition]], folder: Path, known_editions: Iterable[Edition] = ()
) -> Iterator[tuple[Filing, str]]:
    """Write the set into `folder`, which must be new or empty;
    each filing, and why it was left out (or "").

    The tables have one shape for every filing; `known_editions` are those whose own columns they
    show. The folder appears whole at the end or not at all. Raises XltoolError where it can't be
    written or LibreOffice fails.
    """
    refuse_full(folder)
    shape = _table_heads(known_editions)
    taken = TakenNames()
    published: PublishedNames = {}
    editions: dict[str, Edition] = {}
    with _beside(folder) as inside:
        made, work = inside / "made", inside / "work"
        work.mkdir()
        press = Press(work)

        def add(filing: Filing, edition: Edition) -> None:
            shown, unit = disclosed(filing, edition), taken.give(filing.unit)
            press.add(shown, edition, made / unit / f"{unit}.pdf")
            published.setdefault((filing.unit, filing.year), {})[filing.code] = filing.source
            editions[edition.id] = edition
            with csv_file(made / unit / f"{unit}.csv", shape) as write_filing:
                write_filing(shown, edition)
            whole(shown, edition)

        with csv_file(made / WHOLE, shape) as whole:
            for filing, edition in filings:
                if why := _unfit(filing, published):
                    yield filing, why
                    continue
                added = guarded(functools.partial(add, filing, edition))
                yield filing, added.reason if isinstance(added, Failure) else ""
        if not press:
            return
        _print_all(press)
        _write_notes(made / NOTES, editions.values())
        _move(made, folder)


def _table_heads(known_editions: Iterable[Edition]) -> list[str]:
    """The columns of the tables; where an edition's code is internal its column stays blank."""
    heads = csv_columns(known_editions, public=True)
    return [head for head in heads if head not in _NOT_PUBLISHED]


def _print_all(press: Press) -> None:
    """Make every PDF. Raises XltoolError where one is missing: then nothing is published."""
    for destination, there in press.print():
        if not there:
            raise XltoolError(f"LibreOffice 没能转出“{destination.stem}”的 PDF，公开件没有写出")


def _write_notes(path: Path, editions: Iterable[Edition]) -> None:
    with writing(path) as file:
        file.write(_notes(editions))


def refuse_full(folder: Path) -> None:
    """A published set never mixes with older files. Raises XltoolError."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise XltoolError(f"“{folder}”里已有文件；公开件请写进新的文件夹，以免混进上次的文件")


@contextmanager
def _beside(folder: Path) -> Iterator[Path]:
    """A temporary folder on the same disk, so that what is finished moves in one step."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.TemporaryDirectory(prefix=".xltool-", dir=folder.parent)
    except OSError as error:
        raise XltoolError(f"写不了“{folder}”：{why(error)}") from error
    with temporary as name:
        yield Path(name)


def _unfit(filing: Filing, published: PublishedNames) -> str:
    if not filing.unit:
        return "没有单位名称"
    if faults := changed(filing):
        return f"官方表格被改动：{faults[0]}" + (
            f"，等 {len(faults)} 处" if len(faults) > 1 else ""
        )
    # Units of one name are two units where their codes say so.
    for code, source in published.get((filing.unit, filing.year), {}).items():
        if not (code and filing.code) or code == filing.code:
            return f"与 {source} 是同一单位、同一年度，只能公开一份"
    return ""


def _move(made: Path, folder: Path) -> None:
    try:
        if folder.exists():
            folder.rmdir()
        made.rename(folder)
    except OSError as error:
        raise XltoolError(f"写不了“{folder}”：{why(error)}") from error


def _notes(editions: Iterable[Edition]) -> str:
    lines = [
        "绩效目标公开件",
        "",
        "每个单位一个文件夹：PDF 是官方表样的申报表，CSV 是同样的内容，一行一项。",
        f"{WHOLE} 是各单位的 CSV 合在一起（UTF-8 编码）。",
        "",
        "CSV 各栏：类别“栏目”是表上的一栏，“指标”是一个绩效指标；“内容”是表上的原文；",
        "数值按计算符号、数值、计量单位分列，不能用数表示的，计算符号写“定性”。",
    ]
    for edition in editions:
        hidden = "、".join(internal_labels(edition))
        lines += ["", f"版式：{edition.title}（{edition.id}），金额单位：{edition.unit}。"]
        lines += [f"未公开的内部栏目：{hidden}。"] if hidden else []
    return "\r\n".join(lines) + "\r\n"
