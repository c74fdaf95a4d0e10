"""What an import leaves behind:
a data book a year, and the report of where every value came from."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from xltool.editions.declaration import Edition
from xltool.files.atomic import writing
from xltool.files.csv_table import csv_table
from xltool.importing.record import Imported, ImportedValue, Leftover
from xltool.model import NOTHING, Entry, Filing, Form, Place
from xltool.xlsx.cell_text import MAX_TEXT, UNSTORABLE, too_long

VALUES = ("文件", "表", "项目", "栏目", "值", "来源", "把握", "说明")
LEFTOVERS = ("文件", "位置", "内容", "原因")


def write_books(
    imported: Imported, folder: Path, kind: str = "xlsx", edition: Edition | None = None
) -> list[Path]:
    """Write 数据表.xlsx (or .json, or a folder of CSV), one for each year where there are several.

    A filing that a data book can't hold (no unit, no project name) goes to the leftovers instead.
    """
    from xltool.databook.write import write_databook

    books: defaultdict[int | None, list[Filing]] = defaultdict(list)
    for filing in imported.filings:
        sound = _sound(filing, imported)
        if sound is not None:
            books[sound.year].append(sound)
    ending = "" if kind == "csv" else f".{kind}"
    written = []
    for year, filings in books.items():
        name = "数据表" if len(books) == 1 else f"数据表-{year or '年度不明'}"
        path = folder / f"{name}{ending}"
        notes = write_databook(_distinct(filings, imported), path, edition)
        imported.leftovers += [Leftover(Place(path.name, ""), "", note) for note in notes]
        written.append(path)
    return written


def _sound(filing: Filing, imported: Imported) -> Filing | None:
    """What of a filing a data book can hold; the rest is listed. None where nothing of it is."""

    def left(text: str, reason: str, place: Place | None = None) -> None:
        imported.leftovers.append(Leftover(place or Place("", ""), text, reason, filing.source))

    unit = filing.unit
    if not unit:
        names = "、".join(form.text("project") for form in filing.projects)
        left(names, "表上没有单位名称，不能写入数据表（可用 --unit 给定）")
        return None
    projects: list[Form] = []
    for form in filing.projects:
        name = form.text("project").strip()
        if not name:
            left(unit, "有一张项目表没有项目名称，不能写入数据表（取值仍在导入取值.csv）")
        elif any(stored.text("project").strip() == name for stored in projects):
            left(name, "同名项目已有一张，不再写入数据表（取值仍在导入取值.csv）")
        else:
            projects.append(_storable(form, left))
    department = filing.department and _storable(filing.department, left)
    whole = replace(filing, department=department, projects=tuple(projects))
    return whole if whole.unit else None


def _storable(form: Form, left: Callable[[str, str, Place | None], None]) -> Form:
    """The form without the texts that no cell of a workbook can hold."""

    def fits(entry: Entry) -> bool:
        if not too_long(entry.said) and not UNSTORABLE.search(entry.said):
            return True
        left(entry.said[:60], f"文字超过 {MAX_TEXT} 个字符或含有无法保存的字符", entry.place)
        return False

    entries = {i: e if fits(e) else NOTHING for i, e in form.entries.items()}
    rows = []
    for row in form.indicators:
        cells = {i: e if fits(e) else NOTHING for i, e in row.cells.items()}
        rows.append(replace(row, cells=cells))
    return replace(form, entries=entries, indicators=tuple(rows))


def _distinct(filings: Sequence[Filing], imported: Imported) -> list[Filing]:
    seen: dict[str, Filing] = {}
    for filing in filings:
        if filing.unit in seen:
            reason = "同一单位同一年度已有一份申报，不再写入数据表"
            imported.leftovers.append(Leftover(Place("", ""), filing.unit, reason, filing.source))
        else:
            seen[filing.unit] = filing
    return list(seen.values())


def move(imported: Imported, source: Edition, target: Edition) -> None:
    """The filings on the forms of another edition; what is to be looked at joins what was left."""
    from xltool.editions.conversion import LOST, convert

    moved = []
    for filing in imported.filings:
        converted = convert(filing, target, source)
        moved.append(replace(converted.filing, source=filing.source))
        for note in converted.notes:
            field = f"{note.project} · {note.field}" if note.project else note.field
            outcome = "放不下" if note.kind == LOST else note.kind
            reason = f"转到“{target.id}”：{field}：{outcome}，{note.reason}"
            imported.leftovers.append(Leftover(Place("", ""), note.text, reason, filing.source))
    imported.filings = moved


def value_row(value: ImportedValue) -> tuple[str, ...]:
    """A line of 导入取值.csv, in the order of VALUES."""
    return (
        value.file,
        value.form,
        value.project,
        value.field,
        value.text,
        str(value.place),
        value.sure.value,
        value.note,
    )


def leftover_row(leftover: Leftover) -> tuple[str, ...]:
    """A line of 未导入.csv, in the order of LEFTOVERS."""
    where = str(leftover.place).strip("!")
    return (leftover.file, where, leftover.text, leftover.reason)


def report_paths(folder: Path) -> list[Path]:
    """The files of the report: all there is to say, the values, what was left, the page."""
    names = ("导入报告.json", "导入取值.csv", "未导入.csv", "导入报告.html")
    return [folder / name for name in names]


def _filing_line(filing: Filing) -> dict[str, Any]:
    return {
        "unit": filing.unit,
        "year": filing.year,
        "files": filing.source,
        "projects": [project.text("project") for project in filing.projects],
    }


def write_report(imported: Imported, folder: Path) -> list[Path]:
    """Write 导入报告.json, 导入取值.csv, 未导入.csv and 导入报告.html, the page for people."""
    from xltool.importing.page import write_page

    values = [value_row(value) for value in imported.values]
    leftovers = [leftover_row(leftover) for leftover in imported.leftovers]
    leftovers += [(file, "", "", reason) for file, reason in imported.unread.items()]
    document: dict[str, Any] = {
        "filings": [_filing_line(filing) for filing in imported.filings],
        "values": [dict(zip(VALUES, row, strict=True)) for row in values],
        "leftovers": [dict(zip(LEFTOVERS, row, strict=True)) for row in leftovers],
    }
    paths = report_paths(folder)
    with writing(paths[0]) as file:
        json.dump(document, file, ensure_ascii=False, indent=2)
        file.write("\n")
    for path, head, rows in ((paths[1], VALUES, values), (paths[2], LEFTOVERS, leftovers)):
        with csv_table(path, head) as add_row:
            for row in rows:
                add_row(row)
    write_page(imported, paths[3])
    return paths
