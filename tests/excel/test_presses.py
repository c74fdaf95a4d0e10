"""Two presses at once, presses that are killed, and the step that is undone, in a live Calc."""

import inspect
import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.support.clean import clean_filing
from tests.support.paths import ROOT
from tests.support.seed import EXAMPLE, seed_filing
from xltool import fill, load_edition, read
from xltool.errors import XltoolError
from xltool.excel.buttons import filling, helping, output, reviewing, rows, undoing
from xltool.excel.hosts.libreoffice.bridge import Refused
from xltool.excel.one_press import StillRunning, one_press
from xltool.excel.ribbon import buttons, press
from xltool.model import Entry
from xltool.results_sheet.table import HEAD, RESULTS_SHEET
from xltool.xlsx.workbook_reader import open_grid

pytestmark = pytest.mark.xdist_group("calc")

DEPARTMENT = load_edition().department.sheet


@pytest.fixture
def seed(app, tmp_path):
    """The example's workbook, open."""
    return app.books.open(str(fill(seed_filing(), tmp_path / "沅江 申报=2023.xlsx")))


def content(book, tmp_path: Path) -> list[tuple]:
    """What stands in the open workbook: sheets with their texts, merges, names and protection."""
    goal = tmp_path / "内容.xlsx"
    book.copy_to(str(goal))
    grid = open_grid(goal)
    return [
        (
            s.name,
            {at: c.text for at, c in s.cells.items() if c.text},
            s.merges,
            s.names,
            s.protected,
        )
        for s in grid.sheets
    ]


def cell(book, sheet: str, address: str):
    return book.sheets(sheet).raw.getCellRangeByName(address)


# ── two at once ──


def start(app, button: str, book, *more: str) -> subprocess.Popen:
    """The button in a process of its own, as the launcher and the helper start it."""
    command = [sys.executable, "-B", "-m", "xltool.excel", button, "--book", book.mark]
    return subprocess.Popen(
        [*command, "--pipe", app.office.pipe, *more],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_pressing_at_once_leave_one_results_sheet(app, seed):
    for _ in range(3):
        both = [start(app, "check_all", seed) for _ in range(2)]
        told = [one.communicate(timeout=250) for one in both]
        codes = sorted(one.returncode for one in both)
        assert codes in ([0, 0], [0, 2]), told
        if codes == [0, 2]:
            assert "上一个按钮还在运行" in "".join(err for _, err in told)
        names = [s.name for s in seed.sheets]
        assert [name for name in names if RESULTS_SHEET in name] == [RESULTS_SHEET]
        assert app.screen_updating
    press("clear_marks")
    assert RESULTS_SHEET not in [s.name for s in seed.sheets]


def test_the_second_press_is_refused_while_the_first_one_works(app, seed, tmp_path):
    before = content(seed, tmp_path)
    with (
        one_press(app.key),
        pytest.raises(StillRunning, match="上一个按钮还在运行"),
    ):
        press("check_all")
    assert content(seed, tmp_path) == before
    assert not app.alerts, "nothing to click away"
    assert app.said[-1] == "全审：上一个按钮还在运行，请等它做完再点"
    press("check_all")


def test_another_application_is_not_held_up(app, seed):
    with one_press("excel-4321"):
        press("check_all")


# ── cut off ──


def cut_off(app, button: str, book, call: str, *files: Path) -> None:
    """Press the button in a process that is killed at this call."""
    command = [sys.executable, "-B", "-m", "tests.support.calc.cut_off", app.office.pipe, button]
    done = subprocess.run(
        [*command, book.mark, call, *map(str, files)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == -9, (done.stdout, done.stderr)


CUTS = [
    ("check_all", "write:2"),
    ("check_all", "copy sheets:1"),
    ("check_all", "close:1"),
    ("cross_totals", "write:1"),
    ("normalise", "write:1"),
    ("normalise", "write:2"),
    ("add_row", "insert:1"),
    ("add_row", "protect:1"),
    ("add_project", "copy sheet:1"),
    ("add_project", "write:1"),
    ("fill_from_data", "delete sheet:1"),
    ("fill_from_data", "rename sheet:1"),
    ("import_last_year", "copy sheets:1"),
    ("import_last_year", "delete sheet:2"),
    ("compare_last_year", "write:1"),
    ("clear_marks", "write:2"),
    ("clear_marks", "delete sheet:1"),
    ("delete_empty_rows", "delete:1"),
]
# What somebody did before, where there would be nothing to do else.
BEFORE = {"clear_marks": ["check_all"], "delete_empty_rows": ["add_row"]}
WRITING = {button for button, _ in CUTS} | {"undo_last"}


def test_every_button_that_writes_is_cut_off_somewhere():
    homes = [filling, rows, reviewing, undoing, output, helping]
    writers = {
        name
        for name in buttons()
        for home in homes
        if hasattr(home, name) and "step(" in reached(getattr(home, name).__wrapped__, home)
    }
    assert writers | {"undo_last"} == WRITING


def reached(function, home) -> str:
    """The source of a function and of the functions of its module that it calls."""
    source = inspect.getsource(function)
    helpers = [
        one
        for name, one in vars(home).items()
        if inspect.isfunction(one) and one.__module__ == home.__name__ and f"{name}(" in source
    ]
    return source + "".join(inspect.getsource(one) for one in helpers)


@pytest.mark.parametrize(("button", "call"), CUTS, ids=[f"{b} {c}" for b, c in CUTS])
def test_a_press_that_is_killed_is_healed_by_the_next_one(app, seed, tmp_path, button, call):
    seed.sheets(DEPARTMENT).raw.unprotect("")
    cell(seed, DEPARTMENT, "C4").Value = 1.0  # not in the file, so a person's own work
    seed.sheets(DEPARTMENT).raw.protect("")
    area = open_grid(Path(seed.fullname)).sheets[0].names["数量指标"]
    app.api.Goto(seed.sheets(DEPARTMENT).range(f"E{area.top}").api)
    for earlier in BEFORE.get(button, ()):
        press(earlier)
    before = content(seed, tmp_path)
    last_year = button.endswith("last_year")
    cut_off(app, button, seed, call, former(tmp_path) if last_year else EXAMPLE / "部门.csv")
    assert not app.screen_updating
    app.calculation = "manual"  # as Excel has it from the process that was killed
    assert press("about")
    assert (app.screen_updating, app.calculation) == (True, "automatic")
    assert "中途断了" in app.alerts[-1]
    assert content(seed, tmp_path) == before
    assert len(app.office.documents) == 1, "our own copies are closed"
    app.alerts.clear()
    press("check_all")
    assert not app.alerts, "healed once and for all"


def former(tmp_path: Path) -> Path:
    """The example as it was filed the year before."""
    filing = seed_filing()
    year = {"year": Entry(2022, "2022")}
    forms = [replace(form, entries={**form.entries, **year}) for form in filing.forms]
    return fill(
        replace(filing, department=forms[0], projects=tuple(forms[1:])), tmp_path / "上年.xlsx"
    )


def test_an_undoing_that_is_killed_is_finished_by_the_next_one(app, seed, tmp_path):
    before = content(seed, tmp_path)
    press("normalise")
    cut_off(app, "undo_last", seed, "write:1")
    app.calculation = "manual"
    press("about")
    assert (app.screen_updating, app.calculation) == (True, "automatic")
    press("undo_last")
    assert content(seed, tmp_path) == before


def test_what_a_person_writes_after_a_kill_is_not_undone_by_healing(app, seed, tmp_path):
    place = read(seed.fullname).department.block("quantity")[0].target.place
    cut_off(app, "normalise", seed, "copy sheets:1")
    app.screen_updating = True
    cell(seed, place.sheet, place.cell).String = "我改成了十五家"
    press("about")
    assert cell(seed, place.sheet, place.cell).String == "我改成了十五家"


# ── undone ──


def test_every_writing_button_can_be_undone(app, seed, tmp_path):
    area = open_grid(Path(seed.fullname)).sheets[0].names["数量指标"]
    states = [content(seed, tmp_path)]
    pressed = ["normalise", "add_row", "check_all", "cross_totals", "add_project"]
    pressed += ["delete_empty_rows", "clear_marks", "fill_from_data"]
    for button in pressed:
        app.files = [EXAMPLE / "部门.csv"]
        app.api.Goto(seed.sheets(DEPARTMENT).range(f"E{area.top}").api)
        press(button)
        states.append(content(seed, tmp_path))
    assert all(one != two for one, two in itertools.pairwise(states))
    for state in reversed(states[:-1]):
        assert "已撤销" in press("undo_last")
        assert content(seed, tmp_path) == state
    with pytest.raises(XltoolError, match="没有可以撤销的步骤"):
        press("undo_last")


def test_what_somebody_changed_since_stays(app, seed, tmp_path):
    places = [one.target.place for one in read(seed.fullname).department.block("quantity")]
    was = [cell(seed, p.sheet, p.cell).String for p in places]
    press("normalise")
    cell(seed, places[0].sheet, places[0].cell).String = "≥16家"
    said = press("undo_last")
    assert f"{places[0]}后来有人改过" in said
    assert cell(seed, places[0].sheet, places[0].cell).String == "≥16家"
    assert cell(seed, places[1].sheet, places[1].cell).String == was[1]


def test_a_written_explanation_is_never_undone(app, seed):
    press("check_all")
    sheet = seed.sheets(RESULTS_SHEET).raw
    row = next(n for n in range(60) if sheet.getCellByPosition(2, n).String == "T304")
    sheet.getCellByPosition(HEAD.index("说明"), row).String = "由非税收入安排"
    assert RESULTS_SHEET in press("undo_last")
    assert RESULTS_SHEET in [s.name for s in seed.sheets]


def test_a_number_goes_back_as_a_number(app, tmp_path):
    filing = clean_filing("hospital-county")
    book = app.books.open(str(fill(filing, tmp_path / "医院.xlsx")))
    app.files = [tmp_path / "数据.json"]
    press("export_data")
    cell(book, DEPARTMENT, "C4").Value = 77.5
    app.files = [tmp_path / "数据.json"]
    press("fill_from_data")
    press("undo_last")
    assert cell(book, DEPARTMENT, "C4").Value == 77.5


# ── all or nothing ──


def test_normalise_with_a_locked_cell_changes_nothing(app, tmp_path):
    path = fill(seed_filing(), tmp_path / "锁.xlsx")
    book = app.books.open(str(path))
    project = book.sheets(2).raw
    places = [i.target.place for i in read(path).projects[0].indicators]
    project.unprotect("")
    for place in places:
        held = project.getCellRangeByName(place.cell)
        protection = held.CellProtection
        protection.IsLocked = True
        held.CellProtection = protection
    project.protect("秘密")
    before = content(book, tmp_path)
    with pytest.raises(XltoolError):
        press("normalise")
    assert content(book, tmp_path) == before
    with pytest.raises(XltoolError, match="没有可以撤销"):
        press("undo_last")


def test_another_units_code_is_undone_too(app, tmp_path):
    one = replace(seed_filing(), code="101001")
    book = app.books.open(str(fill(one, tmp_path / "一.xlsx")))
    app.files = [tmp_path / "二.json"]
    press("export_data")
    book.close()
    book = app.books.open(str(fill(replace(one, code="101"), tmp_path / "三.xlsx")))
    app.files = [tmp_path / "二.json"]
    press("fill_from_data")
    codes = []
    for _ in range(2):
        book.copy_to(str(tmp_path / "码.xlsx"))
        codes.append(open_grid(tmp_path / "码.xlsx").properties["xltool.unit_code"])
        if len(codes) == 1:
            press("undo_last")
    assert codes == ["101001", "101"]


# ── in the office's own thread ──


def test_what_is_done_in_turn_comes_back_and_so_does_its_refusal(app, seed):
    assert app.office.in_turn(lambda: seed.doc.Sheets.Count) == len(seed.sheets)
    with pytest.raises(Refused, match="IllegalArgumentException"):
        seed.take(seed, "没有这张表", seed.sheets(1))
