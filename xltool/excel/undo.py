"""Steps that can be undone: the workbook as it was before a button wrote,
and what the button made of it.

A step is written down before anything is written into the workbook. To undo it, three states are
held against each other: before, after, now. What still stands as the button left it goes back; what
a person has written since stays, and is said. So a step that was cut off goes back the same way.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from xltool.errors import XltoolError, why
from xltool.excel.live_formulas import BROKEN, formulas, with_formulas, write_formulas
from xltool.excel.live_sheet import has_password, protection, unprotected, write_texts
from xltool.excel.places import desk_folder
from xltool.excel.session import calculate_later
from xltool.files.atomic import writing
from xltool.xlsx.grid import Grid, Sheet
from xltool.xlsx.references import cell_name
from xltool.xlsx.workbook_reader import open_grid

if TYPE_CHECKING:
    from xltool.excel.session import ExcelSession

CODE = "xltool.unit_code"
_STEPS_KEPT = 10
_DAYS_KEPT = 14
_BEFORE, _STEP = "before.xlsx", "step.json"

CellTexts = dict[tuple[int, int], str]


class PlannedSheet(msgspec.Struct, frozen=True):
    """A sheet as a button leaves it: its texts by (row, column)."""

    cells: tuple[tuple[int, int, str], ...]

    @property
    def texts(self) -> CellTexts:
        return {(row, column): text for row, column, text in self.cells}


class Step(msgspec.Struct):
    """What one press wrote: `after` has each sheet that it changed or added,
    None for one it took away.

    `passing` are texts of ours that stand there only until others are written over them.
    """

    button: str
    after: dict[str, PlannedSheet | None]
    passing: tuple[str, ...] = ()
    done: bool = False


Plan = Mapping[str, "PlannedSheet | None"]


def seen(sheet: Sheet) -> CellTexts:
    """What stands in a sheet: a formula by itself, everything else by its text."""
    return {
        at: cell.formula or cell.text
        for at, cell in sheet.cells.items()
        if cell.text or cell.formula
    }


def planned(
    sheet: Sheet | None, texts: Mapping[tuple[int, int], str] | None = None
) -> PlannedSheet:
    """A sheet with these texts written into it ("" = emptied)."""
    cells = (seen(sheet) if sheet else {}) | dict(texts or {})
    return PlannedSheet(tuple((r, c, text) for (r, c), text in sorted(cells.items()) if text))


@contextmanager
def step(
    session: ExcelSession, before: Path, plan: Plan, passing: Iterable[str] = ()
) -> Iterator[None]:
    """Write into the workbook so that it can be undone; all of it or nothing.

    `before` is the snapshot that was read, `plan` what the workbook's sheets will be. Where the
    block fails, what it had written goes back and its error is raised.
    """
    folder = _new(session, before, Step(session.doing, dict(plan), tuple(passing)))
    session.journal.note(book=session.source, step=str(folder))
    calculate_later(session)
    try:
        yield
    except Exception:
        with suppress(Exception):
            put_back(session, folder)
            _drop(folder)
            session.journal.note(step="")
        raise
    _write(folder, Step(session.doing, dict(plan), tuple(passing), done=True))
    session.journal.note(step="")


def last(session: ExcelSession) -> Path | None:
    """The folder of the workbook's last step, None where there is none."""
    return next(reversed(_steps(_home(session))), None)


def undo(session: ExcelSession, folder: Path) -> tuple[str, list[str]]:
    """Undo a step; the button's name, and what stayed because somebody has changed it since."""
    undone_step = read(folder)
    # Were it cut off here, sheets would be missing that no person took away.
    _write(folder, replace(undone_step, done=False))
    untouched = put_back(session, folder, undone_step)
    _drop(folder)
    return undone_step.button, untouched


def read(folder: Path) -> Step:
    """The step that a folder holds. Raises XltoolError."""
    try:
        return msgspec.json.decode((folder / _STEP).read_bytes(), type=Step)
    except (OSError, msgspec.DecodeError) as error:
        raise XltoolError("上一步的记录读不了，不能撤销") from error


# ── what goes back ───────────────────────────────────────────────────────────────────────────────


def put_back(session: ExcelSession, folder: Path, undone_step: Step | None = None) -> list[str]:
    """Put the workbook back to what it was before a step; the places that stay as they are now."""
    undone_step = undone_step or read(folder)
    before = open_grid(folder / _BEFORE)
    calculate_later(session)
    with session.snapshot() as path:
        now = open_grid(path)
        package = session.package(path)
        turned = _Return(before, now, undone_step)
        for name, texts in turned.cells.items():
            sheet = _sheet(now, name)
            assert sheet is not None
            attributes = protection(package, sheet)
            if has_password(attributes):
                turned.kept.append(f"{name}（有保护密码）")
                continue
            _write_cells(session, sheet, attributes, texts, _sheet(before, name))
        if turned.back or turned.gone or turned.formulas:
            _exchange(session, folder / _BEFORE, before, turned, now)
    was, is_ = before.properties.get(CODE, ""), now.properties.get(CODE, "")
    if was != is_ and not turned.kept:
        session.set_property(CODE, was)
    return turned.kept


class _Return:
    """What has to be done, sheet by sheet:
    cells to write, sheets to bring back, sheets to take away."""

    def __init__(self, before: Grid, now: Grid, undone_step: Step) -> None:
        self.cells: dict[str, CellTexts] = {}
        self.formulas: dict[str, set[tuple[int, int]]] = {}  # cells in which one stood
        self.back: list[str] = []
        self.gone: list[str] = []
        self.kept: list[str] = []
        self.before, self.made = before, undone_step
        self.ours: Counter[str] = Counter()
        for texts in (
            *(seen(sheet) for sheet in before.sheets),
            *(planned_sheet.texts for planned_sheet in undone_step.after.values() if planned_sheet),
        ):
            self.ours |= Counter(texts.values())
        self.ours.update(undone_step.passing)
        for sheet in before.sheets:
            self._former(sheet, _sheet(now, sheet.name))
        former_names = {sheet.name for sheet in before.sheets}
        for sheet in now.sheets:
            if sheet.name not in former_names and self._made_by_us(sheet.name):
                self._added(sheet)

    def _made_by_us(self, name: str) -> bool:
        names = self.made.after.keys()
        # A step that was cut off may not have come to giving a copy its name: 审核结果 (2).
        if name in names or self.made.done:
            return name in names
        return any(name.startswith(planned_name) for planned_name in names if planned_name)

    def _added(self, sheet: Sheet) -> None:
        if self._nobody_elses(sheet):
            self.gone.append(sheet.name)
        else:
            self.kept.append(sheet.name)

    def _former(self, before: Sheet, now: Sheet | None) -> None:
        name = before.name
        touched = name in self.made.after
        after = self.made.after.get(name)
        if now is None:
            if touched and after is not None and self.made.done:
                # The button left it there: somebody has removed it or given it another name.
                self.kept.append(f"“{name}”（已删去或改了名）")
            elif touched:
                self.back.append(name)
        elif not touched or (seen(now) == seen(before) and _shape(now) == _shape(before)):
            return
        elif after is not None and _shape(now) == _shape(before):
            self._cell_by_cell(name, seen(before), after.texts, seen(now))
        elif self._nobody_elses(now):
            self.back.append(name)
        else:
            self.kept.append(name)

    def _cell_by_cell(self, name: str, before: CellTexts, after: CellTexts, now: CellTexts) -> None:
        changed = {
            at for at in before.keys() | after.keys() if before.get(at, "") != after.get(at, "")
        }
        for at in sorted(changed):
            stands = now.get(at, "")
            if stands == before.get(at, ""):
                continue
            if stands == after.get(at, ""):
                self.cells.setdefault(name, {})[at] = before.get(at, "")
                if before.get(at, "") and self._formula(name, at):
                    self.formulas.setdefault(name, set()).add(at)
            else:
                self.kept.append(f"{name}!{cell_name(*at)}")

    def _formula(self, name: str, at: tuple[int, int]) -> bool:
        sheet = _sheet(self.before, name)
        return sheet is not None and bool(sheet[at].formula)

    def _nobody_elses(self, sheet: Sheet) -> bool:
        """Whether everything that stands in a sheet is known from before, or was written by us."""
        return Counter(seen(sheet).values()) <= self.ours


def _shape(sheet: Sheet) -> tuple[Any, ...]:
    return sheet.merges, sheet.names


def _sheet(grid: Grid, name: str) -> Sheet | None:
    return next((sheet for sheet in grid.sheets if sheet.name == name), None)


def _write_cells(
    session: ExcelSession,
    sheet: Sheet,
    attributes: Mapping[str, str],
    texts: CellTexts,
    before: Sheet | None,
) -> None:
    live = session.book.sheets[sheet.name]
    with unprotected(live, attributes, session.journal):
        formulas = {at for at in texts if before is not None and before[at].formula}
        numbers = {at for at in texts if before is not None and before[at].number} - formulas
        plain = texts.keys() - numbers - formulas
        write_texts(live, {at: text for at, text in texts.items() if at in plain})
        for at in numbers:
            live.range(at).value = float(texts[at])


def _exchange(session: ExcelSession, file: Path, before: Grid, turned: _Return, now: Grid) -> None:
    """Bring sheets back from the file, each to where it stood,
    in place of what has its name now; and all formulas as they were."""
    order = [sheet.name for sheet in before.sheets]
    copy = file.with_name("xltool-before.xlsx")
    shutil.copyfile(file, copy)
    others = formulas(session.book, with_formulas(now, {*turned.back, *turned.gone}))
    with session.opened(copy) as book:
        was = formulas(book, with_formulas(before))
        for name in turned.back:
            names = [sheet.name for sheet in session.book.sheets]
            former = [
                sheet_name for sheet_name in order[: order.index(name)] if sheet_name in names
            ]
            at = names.index(former[-1]) + 1 if former else 0
            neighbour = session.book.sheets[names[at - 1] if former else names[0]].api
            source = book.api.Worksheets(name)
            if former:
                source.Copy(Before=None, After=neighbour)
            else:
                source.Copy(Before=neighbour, After=None)
            new = session.book.sheets[at]
            if name in names:
                session.book.sheets[name].delete()
            if new.name != name:
                new.name = name
    for name in turned.gone:
        session.book.sheets[name].delete()
    wanted = {name: was[name] for name in turned.back if name in was}
    for name, texts in others.items():
        there = was.get(name, {})
        own = turned.formulas.get(name, set())
        wanted[name] = {
            at: there.get(at, text) if BROKEN in text else text for at, text in texts.items()
        } | {at: there[at] for at in own if at in there}
    for name, places in turned.formulas.items():
        wanted.setdefault(name, {at: was[name][at] for at in places if at in was.get(name, {})})
    with session.snapshot() as path:
        package, grid = session.package(path), open_grid(path)
        locks = {sheet.name: protection(package, sheet) for sheet in grid.sheets}
    left = write_formulas(session.book, wanted, locks, turned.gone, session.journal)
    turned.kept += [f"{name}里的公式" for name in left]


# ── on the disk ──────────────────────────────────────────────────────────────────────────────────


def _home(session: ExcelSession) -> Path:
    name = hashlib.sha256(f"{session.application}|{session.source}".encode()).hexdigest()[:16]
    return desk_folder() / "undo" / name


def _steps(home: Path) -> list[Path]:
    return sorted(folder for folder in home.glob("*") if (folder / _STEP).is_file())


def _new(session: ExcelSession, before: Path, new_step: Step) -> Path:
    home = _home(session)
    folder = home / f"{time.time_ns():020d}"
    try:
        folder.mkdir(parents=True)
        shutil.copyfile(before, folder / _BEFORE)
    except OSError as error:
        raise XltoolError(f"记不下这一步，什么也没有改：{why(error)}") from error
    _write(folder, new_step)
    for old in _steps(home)[:-_STEPS_KEPT]:
        _drop(old)
    _sweep(home.parent)
    return folder


def _write(folder: Path, written_step: Step) -> None:
    with writing(folder / _STEP, "wb") as file:
        file.write(msgspec.json.encode(written_step))


def _sweep(undo: Path) -> None:
    """Copies of workbooks are not kept for ever."""
    oldest = time.time() - _DAYS_KEPT * 86_400
    for home in undo.iterdir():
        with suppress(OSError):
            if home.stat().st_mtime < oldest:
                _drop(home)


def _drop(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
