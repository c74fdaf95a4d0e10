"""Every way to fill the form that is compared. Each is made once and then called for each file.

A filler is handed the finished cells;
only xltool starts from the filing and reads back what it wrote.
"""

from __future__ import annotations

import io
import itertools
import json
import logging
import os
import subprocess
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.forms import TEMPLATE, Job, reshaped

# Writes these jobs to these paths.
Fill = Callable[[Sequence[Job], Sequence[Path]], None]


def each(one: Callable[[Job, Path], object]) -> Fill:
    def fill(jobs: Sequence[Job], paths: Sequence[Path]) -> None:
        for job, path in zip(jobs, paths, strict=True):
            one(job, path)

    return fill


def xltool_fill() -> Fill:
    """Render, read back, compare, check the structure, write atomically."""
    from xltool.filling.writer import fill

    return each(lambda job, path: fill(job.filing, path))


def xltool_fill_zlib() -> Fill:
    """The same where the extra `fast` is not installed."""
    from xltool.xlsx import zip_container as zipping

    zipping._codec = lambda: zlib  # type: ignore[assignment]
    return xltool_fill()


def xltool_fill_reshaped() -> Fill:
    """The same with other numbers of indicators in each: no memory of how forms grow helps."""
    from xltool.filling.writer import fill

    numbers = itertools.count()
    return Prepared(fill, lambda job: reshaped(job.filing, next(numbers)))


def xltool_render() -> Fill:
    """Only the bytes, written plainly: what the checks and the atomic write cost."""
    from xltool.filling.writer import render

    return each(lambda job, path: path.write_bytes(render(job.filing)))


def openpyxl_naive() -> Fill:
    from openpyxl import load_workbook

    def one(job: Job, path: Path) -> None:
        book = load_workbook(TEMPLATE)
        for sheet, cell, value in job.cells:
            book.worksheets[sheet][cell] = value
        book.save(path)

    return each(one)


def openpyxl_once() -> Fill:
    """The template loaded once, written over and saved again and again."""
    from openpyxl import load_workbook

    book = load_workbook(TEMPLATE)
    written: dict[tuple[int, str], Any] = {}

    def one(job: Job, path: Path) -> None:
        for (sheet, cell), blank in written.items():  # what the next form leaves open is open again
            book.worksheets[sheet][cell] = blank
        for sheet, cell, value in job.cells:
            written.setdefault((sheet, cell), book.worksheets[sheet][cell].value)
            book.worksheets[sheet][cell] = value
        book.save(path)

    return each(one)


def wolfxl_patch() -> Fill:
    """Its read-modify-write mode, the template from memory."""
    import wolfxl

    blank = TEMPLATE.read_bytes()

    def one(job: Job, path: Path) -> None:
        book = wolfxl.load_workbook(io.BytesIO(blank), modify=True)
        sheets = book.worksheets
        for sheet, cell, value in job.cells:
            sheets[sheet][cell] = value
        book.save(str(path))

    return each(one)


def xltpl_once() -> Fill:
    """A template with {{variables}} where the cells are, loaded once."""
    from openpyxl import load_workbook
    from xltpl.writerx import BookWriter

    tagged = Path(tempfile.mkdtemp(prefix="xltool-bench-")) / "tagged.xlsx"
    writer: Any = None
    names: list[str] = []

    def prepare(job: Job) -> Any:
        book = load_workbook(TEMPLATE)
        names[:] = [sheet.title for sheet in book.worksheets]
        for sheet, cell, _ in job.cells:
            book.worksheets[sheet][cell] = "{{" + f"v{sheet}{cell}" + "}}"
        book.save(tagged)
        return BookWriter(str(tagged))

    def one(job: Job, path: Path) -> None:
        nonlocal writer
        writer = writer or prepare(job)
        values = {f"v{sheet}{cell}": value for sheet, cell, value in job.cells}
        writer.render_sheets([{**values, "tpl_name": name, "sheet_name": name} for name in names])
        writer.save(str(path))

    return each(one)


def datamaps_export() -> Fill:
    """Its export of a master into templates, many at once as it does it;
    the master already read."""
    os.environ.setdefault("USER", "bench")
    from engine.config import Config
    from engine.repository.templates import MultipleTemplatesWriteRepo
    from engine.use_cases.typing import ColData
    from openpyxl import load_workbook

    logging.disable(logging.INFO)
    titles = load_workbook(TEMPLATE).sheetnames

    def fill(jobs: Sequence[Job], paths: Sequence[Path]) -> None:
        Config.PLATFORM_DOCS_DIR = paths[0].parent
        (paths[0].parent / "output").mkdir(exist_ok=True)
        data = [
            [
                ColData(cell, titles[sheet], cell, value, path.stem)
                for sheet, cell, value in job.cells
            ]
            for job, path in zip(jobs, paths, strict=True)
        ]
        MultipleTemplatesWriteRepo(TEMPLATE).write(data)
        for path in paths:
            (path.parent / "output" / f"{path.stem}.xlsm").replace(path)

    return fill


def _node(mode: str) -> Fill:
    folder = Path(__file__).parent / "node"
    try:
        process = subprocess.Popen(
            ["node", "fill.mjs", mode, str(TEMPLATE)],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
    except OSError as error:
        raise ImportError("node is not installed") from error
    assert process.stdin
    assert process.stdout
    if process.stdout.readline() != "ready\n":
        raise ImportError("run `npm install --prefix benchmarks/node` first")

    def fill(jobs: Sequence[Job], paths: Sequence[Path]) -> None:
        order = [
            {"cells": job.cells, "path": str(path)} for job, path in zip(jobs, paths, strict=True)
        ]
        process.stdin.write(json.dumps(order) + "\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        answer = process.stdout.readline()  # type: ignore[union-attr]
        if answer != "done\n":
            raise RuntimeError(answer or process.stderr.read()[-300:])  # type: ignore[union-attr]

    return fill


def exceljs() -> Fill:
    return _node("exceljs")


def exceljs_once() -> Fill:
    return _node("exceljs-once")


def xlsx_populate() -> Fill:
    return _node("xlsx-populate")


def _finished(job: Job) -> bytes:
    from xltool.filling.writer import render

    return render(job.filing)


class Prepared:
    """Writes what was made ready of the jobs beforehand, so that nothing but writing is timed."""

    def __init__(self, write: Callable[[Any, Path], object], ready: Callable[[Job], Any]) -> None:
        self._write, self._made_ready = write, ready
        self._ready: dict[int, Any] = {}

    def prepare(self, jobs: Sequence[Job]) -> None:
        self._ready = {id(job): self._made_ready(job) for job in jobs}

    def __call__(self, jobs: Sequence[Job], paths: Sequence[Path]) -> None:
        for job, path in zip(jobs, paths, strict=True):
            self._write(self._ready[id(job)], path)


def write_limit() -> Fill:
    """The ready bytes, written: on a disk, into the system's memory."""
    return Prepared(lambda data, path: path.write_bytes(data), _finished)


def write_through() -> Fill:
    """The ready bytes, written and on the disk, as fill leaves them."""

    def write(data: bytes, path: Path) -> None:
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    return Prepared(write, _finished)


def write_atomic() -> Fill:
    """The same, beside and moved into place."""
    from xltool.files.atomic import writing

    def write(data: bytes, path: Path) -> None:
        with writing(path, "wb") as file:
            file.write(data)

    return Prepared(write, _finished)


def _parts(job: Job) -> list[bytes]:
    data = _finished(job)
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return [package.read(name) for name in package.namelist()]


def _changed(job: Job) -> tuple[list[bytes], bytes]:
    """The parts that differ from the template, inflated;
    the bytes of all others as they lie in the file."""
    data = _finished(job)
    with zipfile.ZipFile(TEMPLATE) as blank, zipfile.ZipFile(io.BytesIO(data)) as package:
        old = {name: blank.read(name) for name in blank.namelist()}
        same = [e for e in package.infolist() if package.read(e) == old.get(e.filename)]
        changed = [package.read(e) for e in package.infolist() if e not in same]
    return changed, data[: sum(e.compress_size for e in same)]


def _deflate(part: bytes) -> bytes:
    """As `zipfile` does it."""
    packer = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -15)
    return packer.compress(part) + packer.flush()


def deflate_limit() -> Fill:
    """Every part of the workbook deflated as `zipfile` does it, and written."""
    return Prepared(lambda parts, path: path.write_bytes(b"".join(map(_deflate, parts))), _parts)


def deflate_fast_limit() -> Fill:
    """Every part of the workbook deflated as fill deflates what it changes, and written."""
    from xltool.xlsx.zip_container import pack

    def write(parts: list[bytes], path: Path) -> None:
        path.write_bytes(b"".join([pack("", part).local for part in parts]))

    return Prepared(write, _parts)


def deflate_changed_limit() -> Fill:
    """Only the parts that a filling changes deflated, as fill does it,
    and all written: the floor."""
    from xltool.xlsx.zip_container import pack

    def write(ready: tuple[list[bytes], bytes], path: Path) -> None:
        path.write_bytes(b"".join([pack("", part).local for part in ready[0]]) + ready[1])

    return Prepared(write, _changed)


FILLERS: dict[str, Callable[[], Fill]] = {
    "xltool fill": xltool_fill,
    "xltool fill, every form grown otherwise": xltool_fill_reshaped,
    "xltool fill, without isal": xltool_fill_zlib,
    "xltool render only": xltool_render,
    "openpyxl, naive": openpyxl_naive,
    "openpyxl, loaded once": openpyxl_once,
    "wolfxl": wolfxl_patch,
    "xltpl": xltpl_once,
    "datamaps": datamaps_export,
    "exceljs": exceljs,
    "exceljs, loaded once": exceljs_once,
    "xlsx-populate": xlsx_populate,
    "limit: write": write_limit,
    "limit: write through": write_through,
    "limit: write atomically": write_atomic,
    "limit: deflate + write": deflate_limit,
    "limit: deflate fast + write": deflate_fast_limit,
    "limit: deflate changed + write": deflate_changed_limit,
}
