"""One input, start to end: what a worker process does. Pure but for the files it reads and writes."""

from __future__ import annotations

import functools
import hashlib
import os
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from xltool.batch.inputs import Item, is_book
from xltool.editions.declaration import Edition
from xltool.errors import DiskError
from xltool.files.atomic import writing
from xltool.files.barrier import reason_of
from xltool.files.discover import table_name
from xltool.model import Filing, Finding, Severity


class RunOrder(Struct, frozen=True):
    """What to do with each input, the same for the whole run."""

    output: str
    edition: str = ""
    settings: str = ""


class Known(Struct, frozen=True):
    """What the journal knows of an input: its fingerprint when it was done well, the files written then."""

    mark: str = ""
    outputs: tuple[str, ...] = ()


_NEW = Known()


class Outcome(Struct, frozen=True):
    """What became of one input: one record for each unit, and the files written (relative to OUT).

    The records are JSON already, for they only pass through the run; `verdicts` counts them. A large
    data book is cut into `parts`, which are inputs of their own. `unchanged`: nothing was done, for
    the input is as it was, and all that was written then is there.
    """

    key: str
    mark: str = ""
    records: bytes = b"[]"
    verdicts: dict[str, int] = {}
    outputs: list[str] = []
    parts: list[Item] = []
    failed: str = ""
    unchanged: bool = False


def fingerprint(item: Item, order: RunOrder) -> str:
    """What the result depends on: the input's bytes, the tool, the edition, the settings.

    Raises OSError where the input can't be read.
    """
    digest = hashlib.blake2b(_tool(order).encode(), digest_size=16)
    path = Path(item.path)
    if path.is_dir():
        for file in sorted(file for file in path.iterdir() if table_name(file.name)):
            digest.update(file.name.encode() + b"\0")
            _digest(file, digest)
    elif path.is_file() or not path.exists():  # a pipe would be waited for
        _digest(path, digest)
    # Of a part: what its book decided for it.
    digest.update(repr((item.names, item.remarks)).encode() if item.part else b"")
    return digest.hexdigest()


def _digest(path: Path, digest: hashlib.blake2b) -> None:
    with path.open("rb") as whole:
        while chunk := whole.read(1 << 20):
            digest.update(chunk)


@functools.cache
def _tool(order: RunOrder) -> str:
    """The tool's, edition's and settings' part of a fingerprint."""
    from xltool import __version__
    from xltool.checks.settings import load_settings
    from xltool.editions.declaration import editions, load_edition

    digest = hashlib.blake2b(digest_size=16)
    folders = (
        [Path(load_edition(order.edition).folder)] if order.edition else list(editions().values())
    )
    for folder in folders:
        for file in sorted(folder.glob("*.*")):
            digest.update(file.name.encode() + file.read_bytes())
    digest.update(repr(load_settings(order.settings or None)).encode())
    return f"{__version__} {digest.hexdigest()}"


def work(
    item: Item, order: RunOrder, known: Known = _NEW, there: Callable[[str], bool] | None = None
) -> Outcome:
    """Fill from a data book, or check a workbook; nothing where all is as the journal knows it.

    Faults in the data are findings in the records. `there` tells whether a file is still whole in OUT.
    """
    from xltool.reports.run import sound

    there = there or (lambda name: _whole(Path(order.output) / name))
    try:
        mark = fingerprint(item, order)
        if mark == known.mark and all(map(there, known.outputs)):
            return Outcome(item.key, mark, unchanged=True)
        records: list[dict[str, Any]] = []
        does = _fill if is_book(Path(item.path)) else _check
        done = does(item, order, records)
        verdicts = Counter(one["verdict"] for one in records)
        packed = msgspec.json.encode([sound(one) for one in records])
        return replace(done, mark=mark, records=packed, verdicts=dict(verdicts))
    except DiskError:
        raise
    except Exception as error:
        return Outcome(item.key, failed=reason_of(error))


# How a part of a book ends as write_databook writes it; nowhere else in it does a line begin so.
_END = b"\n}\n"


def _whole(path: Path) -> bool:
    """An output that is there and whole: a workbook, or a part of a book. What was emptied or cut short, by
    hand or by a failing disk, is made again; what somebody has edited is whole, and left as it is."""
    if path.suffix != ".json":
        return zipfile.is_zipfile(path)
    try:
        with path.open("rb") as file:
            file.seek(-len(_END), os.SEEK_END)
            return file.read() == _END
    except OSError:
        return False


def _check(item: Item, order: RunOrder, records: list[dict[str, Any]]) -> Outcome:
    import xltool

    filing = xltool.read(item.path, edition=_edition(order))
    records.append(_record(filing, item.key, order))
    outcome = Outcome(item.key)
    if filing.department is not None or filing.projects:
        # OUT is whole by itself: what was checked lies beside its report.
        with writing(Path(order.output) / item.key, "wb") as file:
            file.write(Path(item.path).read_bytes())
        outcome.outputs.append(item.key)
    return outcome


def _record(
    filing: Filing, file: str, order: RunOrder, more: Iterable[Finding] = ()
) -> dict[str, Any]:
    from xltool.checks.engine import check
    from xltool.checks.settings import load_settings
    from xltool.reports.record import record

    filing, edition = replace(filing, source=file), _edition(order)
    found = check(
        filing, settings=load_settings(order.settings or None), edition=edition, strict=False
    )
    return record(filing, [*found, *more], edition)


def _edition(order: RunOrder) -> Edition | None:
    """The edition that was asked for; without one each file says its own."""
    from xltool.editions.declaration import load_edition

    return load_edition(order.edition) if order.edition else None


def _fill(item: Item, order: RunOrder, records: list[dict[str, Any]]) -> Outcome:
    """One workbook for each sound unit of a data book; the unsound ones become records of problems."""
    from xltool.batch.book_parts import PART, cut
    from xltool.databook import reading
    from xltool.files.filenames import TakenNames

    outcome = Outcome(item.key)
    with reading(item.path, order.edition or None) as book:
        troubled: dict[str, list[Finding]] = {}
        remarks: dict[str, list[Finding]] = {}
        for unit, remark in item.remarks:
            remarks.setdefault(unit, []).append(remark)
        for problem in book.problems:
            where = troubled if problem.severity is Severity.ERROR else remarks
            where.setdefault(problem.unit, []).append(replace(problem, file=item.input))
        for unit, findings in troubled.items():
            records.append(_problem_record(unit, findings, item.input, order))
        taken = TakenNames(item.reserved)
        names = item.names or {unit: taken.give(unit, ".xlsx") for unit in book.sound}
        if not item.part and len(book.sound) > 2 * PART:
            output = Path(order.output)
            for part in cut(item, book, names, remarks, output):
                outcome.parts.append(part)
                outcome.outputs.append(Path(part.path).relative_to(output).as_posix())
            return outcome
        for filing in book:
            relative = f"{item.own}/{names[filing.unit]}".lstrip("/")
            records.append(
                _fill_one(filing, relative, item, order, remarks.get(filing.unit, ()), outcome)
            )
    return outcome


def _fill_one(
    filing: Filing,
    relative: str,
    item: Item,
    order: RunOrder,
    remarks: Iterable[Finding],
    outcome: Outcome,
) -> dict[str, Any]:
    """Fill one unit's workbook; its record."""
    from xltool.filling.writer import FillError

    try:
        back = _written(filing, Path(order.output) / relative, order)
    except FillError as error:
        finding = Finding("B100", Severity.ERROR, str(error), file=item.input, review="形式")
        return _problem_record(filing.unit, [finding], item.input, order)
    outcome.outputs.append(relative)
    return _record(back, relative, order, remarks)


def _written(filing: Filing, path: Path, order: RunOrder) -> Filing:
    """Fill one workbook. What is reported is what the workbook says, with its cells, not what was meant."""
    from xltool.editions.declaration import load_edition
    from xltool.filling.writer import filled
    from xltool.reading.reader import read_grid
    from xltool.xlsx.workbook_reader import grid_of

    edition = _edition(order) or load_edition(filing.edition)
    made = filled(filing, edition=edition)
    back = read_grid(grid_of(made.parts), edition=edition)
    with writing(path, "wb") as file:
        file.write(made.data)
    return back


def _problem_record(
    unit: str, findings: list[Finding], file: str, order: RunOrder
) -> dict[str, Any]:
    from xltool.editions.declaration import default_edition_id
    from xltool.reports.record import record

    edition = _edition(order)
    filing = Filing(edition.id if edition else default_edition_id(), source=file)
    return {**record(filing, findings, edition), "unit": unit}
