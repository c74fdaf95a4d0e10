"""What `xltool import` finds in a folder of published texts,
and in the same forms as other programs write them.

    python -m benchmarks.import_samples FOLDER [--edition national-2021] [--kinds docx,html,doc,pdf]
    python -m benchmarks.import_samples --time FILE.pdf

Found and left are counted; what is missed or wrong in a text only a person can judge, beside the
report (`xltool import FILE --values`). docs/import.md holds such a judgement. With `--kinds` each
text is written as tables too (LibreOffice makes .doc and .pdf of the Word document), imported
again, and held against what the text gave: `same` values of its, `other` values that are none of
them.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from xltool.editions.declaration import Edition, load_edition
from xltool.files.libreoffice import find_program, run_office
from xltool.importing import Imported, import_files
from xltool.importing.grids import read_rows
from xltool.importing.labels import Labels, labels_of
from xltool.importing.rows import FormRow

_CONVERTED = {"doc": "doc:MS Word 97", "pdf": "pdf:writer_pdf_Export"}
Grid = list[list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--edition", default="")
    parser.add_argument("--kinds", default="")
    parser.add_argument("--time", action="store_true", help="time one file")
    given = parser.parse_args()
    edition = load_edition(given.edition) if given.edition else load_edition()
    if given.time:
        timed(given.folder, edition)
        return
    kinds = [kind for kind in given.kinds.split(",") if kind]
    print("file", "books", "fields", "indicators", "高", "中", "低", "left", *kinds, sep="\t")
    totals: Counter[str] = Counter()
    for path in sorted(given.folder.glob("*.txt")):
        result = import_files([path], edition)
        row = counts(result)
        others = rendered(path, edition, result, kinds) if result.filings else {}
        totals.update(row)
        for kind, (same, other) in others.items():
            totals[f"{kind} same"] += same
            totals[f"{kind} other"] += other
        said = [f"{others[kind][0]}+{others[kind][1]}" if kind in others else "-" for kind in kinds]
        print(path.stem, *row.values(), *said, sep="\t")
    sums = [totals[name] for name in ("books", "fields", "indicators", "高", "中", "低", "left")]
    print(
        "total", *sums, *(f"{totals[f'{k} same']}+{totals[f'{k} other']}" for k in kinds), sep="\t"
    )


def counts(result: Imported) -> dict[str, int]:
    """Filings that a data book can hold, values of fields and of indicators, how sure,
    what was left."""
    inside = sum(" · " in one.field for one in result.values)
    sure = {level: sum(one.sure.value == level for one in result.values) for level in "高中低"}
    books = sum(
        bool(f.unit) and any(p.text("project") for p in f.projects or f.forms)
        for f in result.filings
    )
    left = len(result.leftovers) + len(result.unread)
    return {
        "books": books,
        "fields": len(result.values) - inside,
        "indicators": inside,
        **sure,
        "left": left,
    }


def rendered(
    path: Path, edition: Edition, text: Imported, kinds: list[str]
) -> dict[str, tuple[int, int]]:
    """For each kind of file how many values are the text's, and how many are not."""
    known = values_of(text)
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tables = list(grids(read_rows(path), edition))
        for kind in kinds:
            file = written(tables, folder, kind)
            if file is None:
                continue
            here = values_of(import_files([file], edition))
            same = (here & known).total()
            found[kind] = same, here.total() - same
    return found


def values_of(result: Imported) -> Counter[tuple[str, str]]:
    return Counter((one.field, "".join(one.text.split())) for one in result.values)


def grids(rows: list[FormRow], edition: Edition) -> Iterator[str | Grid]:
    """Lines of text and tables; a row of the indicator table stands under its heads,
    categories left blank."""
    labels = labels_of(edition)
    table: Grid = []
    heads: list[str] = []  # the ids of the indicator table's columns
    for row in rows:
        cells = [c.text for c in row.cells]
        while cells and not cells[-1].strip():
            cells.pop()
        filled = [c for c in cells if c.strip()]
        if not filled or row.scattered:
            continue
        if len(filled) == 1 and (labels.title(filled[0]) or not row.table):
            if table:
                yield table
            table, heads = [], []
            yield filled[0]
            continue
        if sum(1 for c in filled if labels.head(c)) > 1:
            heads = [found[0] if (found := labels.head(c)) else "" for c in cells]
        elif heads and not any(labels.match("project", c) for c in cells[:1]):
            cells = [""] * column_of(cells, heads, labels) + cells
            cells += [""] * (len(heads) - len(cells))
        elif table and not any(map(labels.exact, cells)) and all(map(labels.exact, table[-1])):
            cells = [""] * (len(table[-1]) - len(cells)) + cells
        table.append(cells)
    if table:
        yield table


def column_of(cells: list[str], heads: list[str], labels: Labels) -> int:
    """The column that an indicator row begins in: its first category's, or the name's."""
    first = cells[0]
    both = len(cells) > 1 and labels.block("project", cells[1]) is not None
    wanted = "level1" if both else "level2"
    if not labels.first_level(first) and not labels.block("project", first):
        wanted = "name"
    return heads.index(wanted) if wanted in heads else 0


def written(tables: list[str | Grid], folder: Path, kind: str) -> Path | None:
    """The forms in a file of this kind; None where nothing here can write it."""
    if kind == "html":
        return _html(tables, folder / "form.html")
    if kind == "xlsx":
        return _xlsx(tables, folder / "form.xlsx")
    word = _docx(tables, folder / "form.docx")
    if kind == "docx":
        return word
    program = find_program()
    if program is None:
        return None
    run_office(program, [word], folder / "made", _CONVERTED[kind], 180)
    made = folder / "made" / f"form.{kind}"
    return made if made.exists() else None


def _html(tables: list[str | Grid], path: Path) -> Path:
    from html import escape

    pieces = ["<html><meta charset=utf-8><body>"]
    for one in tables:
        if isinstance(one, str):
            pieces.append(f"<p>{escape(one)}</p>")
            continue
        width = max(map(len, one))
        lines = []
        for row in one:
            cells = [f"<td>{escape(c)}</td>" for c in row[:-1]]
            cells.append(f'<td colspan="{width - len(row) + 1}">{escape(row[-1])}</td>')
            lines.append(f"<tr>{''.join(cells)}</tr>")
        pieces.append(f"<table>{''.join(lines)}</table>")
    path.write_text("".join(pieces), "utf-8")
    return path


def _xlsx(tables: list[str | Grid], path: Path) -> Path:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    for one in tables:
        for row in [[one]] if isinstance(one, str) else one:
            sheet.append(row)
    book.save(path)
    return path


def _docx(tables: list[str | Grid], path: Path) -> Path:
    import docx

    document = docx.Document()
    for one in tables:
        if isinstance(one, str):
            document.add_paragraph(one)
            continue
        table = document.add_table(len(one), max(map(len, one)))
        table.style = "Table Grid"
        for line, row in zip(table.rows, one, strict=True):
            cells = line.cells
            for cell, text in zip(cells, row, strict=False):
                cell.text = text
            if len(row) < len(cells):
                cells[len(row) - 1].merge(cells[-1])
    document.add_paragraph("")
    document.save(path)
    return path


def timed(path: Path, edition: Edition) -> None:
    """Seconds and memory that one file takes."""
    begun, cpu = time.perf_counter(), time.process_time()
    result = import_files([path], edition)
    wall, cpu = time.perf_counter() - begun, time.process_time() - cpu
    child = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{len(result.values)} values, {wall:.1f} s ({cpu + child.ru_utime:.1f} s of processor), "
        f"{child.ru_maxrss // 1024} MB in the reader's process",
        file=sys.stdout,
    )


if __name__ == "__main__":
    main()
