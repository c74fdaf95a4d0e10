"""The words of the field: what a unit files, and what is found in it.

Frozen values without input or output, made by the hundred for each file: a `Struct` takes a sixth
of the time of a frozen dataclass. Money is `Decimal` in 万元 (or the edition's own unit).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from importlib import import_module

from msgspec import Struct


class Severity(StrEnum):
    """How much a finding weighs: 错误 must be fixed, 核实 fixed or explained, 提示 only said."""

    ERROR = "error"
    QUERY = "query"
    NOTE = "note"

    @property
    def label(self) -> str:
        """The word accountants know."""
        return _SEVERITY_LABELS[self]

    @property
    def rank(self) -> int:
        """0 for errors, which come first."""
        return _SEVERITY_RANKS[self]


_SEVERITY_LABELS = {Severity.ERROR: "错误", Severity.QUERY: "核实", Severity.NOTE: "提示"}
_SEVERITY_RANKS = {Severity.ERROR: 0, Severity.QUERY: 1, Severity.NOTE: 2}


class Place(Struct, frozen=True, order=True, gc=False):
    """Where a value stands: a sheet and a cell such as `D5` (for a CSV:
    its file name and a cell)."""

    sheet: str
    cell: str

    def __str__(self) -> str:
        return f"{self.sheet}!{self.cell}"


class Entry(Struct, frozen=True, gc=False):
    """One answer on a form: what it reads as, what was written, and where.

    `value` is a Decimal for an amount, an int for a year, str for everything else, None where the
    cell is blank or (with `text` not empty) could not be read. Two entries are equal when they say
    the same, wherever they stand and however they were written.
    """

    value: Decimal | int | str | None = None
    text: str = ""
    place: Place | None = None

    def __eq__(self, other: object) -> bool:
        return self.value == other.value if isinstance(other, Entry) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.value)

    @property
    def said(self) -> str:
        """The answer as text: its value, or what was written where that could not be read."""
        return self.text if self.value is None else str(self.value)

    @property
    def blank(self) -> bool:
        """Nothing was answered: empty, or nothing but spaces."""
        return not self.said.strip()

    @property
    def unread(self) -> bool:
        """Something is written there that could not be read."""
        return self.value is None and bool(self.text.strip())


NOTHING = Entry()


def compose(sign: str, number: str, measure: str) -> str:
    """指标性质, 指标值 and 计量单位 as one value: `≥95%`. 定性 says that the value is free text.

    A sign or unit that already stands at the number is not written twice.
    """
    sign, number, measure = sign.strip(), number.strip(), measure.strip()
    if sign == "定性":
        sign = ""
    if number.startswith(("≥", "≤", "=", ">", "<", "＞", "＜", "≧", "≦")):
        sign = ""
    if measure in ("/", "无", "—") or (measure and number.endswith(measure)):
        measure = ""
    return f"{sign}{number}{measure}"


def _answers(cells: Mapping[str, Entry]) -> dict[str, object]:
    """What was answered, whatever stands blank: an unreadable answer counts by its text."""
    return {
        key: entry.text if entry.value is None else entry.value
        for key, entry in cells.items()
        if entry.value is not None or entry.text
    }


class Indicator(Struct, frozen=True):
    """One indicator row: its block (category id such as `quantity`) and its cells by column id.

    The columns of the Hunan forms are `name` (三级指标), `target` (指标值及单位) and, on the project
    form, `standard` (绩效标准). Where a form splits the value into `sign`, `number` and `measure`,
    `target` is put together from them and stands where the number stands.
    """

    block: str
    cells: Mapping[str, Entry]

    def __getitem__(self, column: str) -> Entry:
        return self.target if column == "target" else self.cells.get(column, NOTHING)

    def _composed(self) -> Entry:
        sign, number, measure = (self.cells.get(c, NOTHING) for c in ("sign", "number", "measure"))
        text = compose(sign.text, number.text, measure.text)
        return Entry(
            text or None, text, next((e.place for e in (number, sign, measure) if e.place), None)
        )

    @property
    def name(self) -> Entry:
        """What is measured (三级指标)."""
        return self.cells.get("name", NOTHING)

    @property
    def target(self) -> Entry:
        """The value that is aimed at (指标值)."""
        return self._composed() if "number" in self.cells else self.cells.get("target", NOTHING)

    @property
    def standard(self) -> Entry:
        """What the value is measured by (绩效标准), blank where the form has no such column."""
        return self.cells.get("standard", NOTHING)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Indicator):
            return NotImplemented
        return self.block == other.block and _answers(self.cells) == _answers(other.cells)

    __hash__ = None  # type: ignore[assignment]

    @property
    def blank(self) -> bool:
        """Nothing was answered in the row."""
        return all(entry.blank for entry in self.cells.values())


class Form(Struct, frozen=True):
    """One filled form: its kind (`department` or `project`), fields by id, indicators in order.

    Two forms are equal when the same is answered; a blank entry and an absent one say the same.
    """

    kind: str
    entries: Mapping[str, Entry]
    indicators: tuple[Indicator, ...] = ()
    sheet: str = ""

    def __getitem__(self, field_id: str) -> Entry:
        return self.entries.get(field_id, NOTHING)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Form):
            return NotImplemented
        return (
            self.kind == other.kind
            and _answers(self.entries) == _answers(other.entries)
            and self.indicators == other.indicators
        )

    __hash__ = None  # type: ignore[assignment]

    def amount(self, field_id: str) -> Decimal | None:
        """The amount of a money field, or None where it is blank or unreadable."""
        value = self[field_id].value
        return value if isinstance(value, Decimal) else None

    def text(self, field_id: str) -> str:
        """The text of a field, empty where it is blank."""
        value = self[field_id].value
        return "" if value is None else str(value)

    @property
    def answered(self) -> bool:
        """Whether anything but year and unit stands there: a blank form is handed out with those."""
        return bool(self.indicators) or any(
            not entry.blank for key, entry in self.entries.items() if key not in _HEAD_FIELDS
        )

    def block(self, block_id: str) -> list[Indicator]:
        """The indicators of one category, in order."""
        return [indicator for indicator in self.indicators if indicator.block == block_id]

    @property
    def year(self) -> int | None:
        """The budget year; None where it is blank or can't be read."""
        value = self["year"].value
        return value if isinstance(value, int) else None


_HEAD_FIELDS = frozenset({"year", "filer", "unit"})


class FaultKind(StrEnum):
    """What kind of thing the reader, or the campaign's judge, saw."""

    UNREADABLE = "unreadable"  # can't be opened as a workbook
    FOREIGN = "foreign"  # a workbook, but no filing of a known edition
    LAYOUT = "layout"  # the official layout was changed
    LOST = "lost"  # nobody can tell where the answers stand
    ROWS = "rows"  # rows were added or removed where none may be
    NAMES = "names"  # defined names or the edition's mark are lost
    PROTECTION = "protection"  # unprotected, or hidden
    CONTENT = "content"  # a formula, link or object where a value belongs
    PICTURE = "picture"  # a picture, perhaps of a stamp
    ACTIVE = "active"  # macros, links and the like, which act or lead elsewhere
    INVISIBLE = "invisible"  # characters that nobody sees, which were ignored
    AMOUNT = "amount"  # an amount that can't be read
    AMOUNT_TEXT = "amount_text"  # an amount written as text
    SHOWN = "shown"  # the cell shows something else than it holds
    ROUNDED = "rounded"  # the cell shows fewer decimals than it holds
    UNRECKONED = "unreckoned"  # a formula whose result was never stored
    EDITION = "edition"  # forms of other editions inside one filing
    SEAL = "seal"  # the seal does not verify
    UNIT = "unit"  # not on the list, or another unit's workbook
    RETURNED = "returned"  # the unit has returned a valid version before
    CORRECTED = "corrected"  # the version before had errors
    SUPERSEDED = "superseded"  # made on a workbook that was replaced


class Fault(Struct, frozen=True, gc=False):
    """Something the reader saw and does not judge; the R rules make findings of faults.

    `detail` says in Chinese what it was;
    `found` and `expected` are what stood there and what the form has.
    """

    kind: FaultKind
    detail: str
    place: Place | None = None
    field: str = ""
    found: str = ""
    expected: str = ""


class Filing(Struct, frozen=True):
    """What one unit files in one year: one department form and one project form for each project.

    `code` is the unit's code, a text with its leading zeros. `faults` are the reader's
    observations; `seal` and `answers` hold what else travels inside a workbook (the campaign's
    seal as written, the unit's written explanations by finding key).
    """

    edition: str
    department: Form | None = None
    projects: tuple[Form, ...] = ()
    code: str = ""
    source: str = ""
    faults: tuple[Fault, ...] = ()
    seal: Mapping[str, str] = {}
    answers: Mapping[str, str] = {}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Filing):
            return NotImplemented
        mine = (self.edition, self.code, self.department, self.projects)
        return mine == (other.edition, other.code, other.department, other.projects)

    __hash__ = None  # type: ignore[assignment]

    def _repr_html_(self) -> str:
        """What a notebook shows. The labels are the edition's, a room above this one, so it is
        asked by name; a notebook has all of them at hand."""
        shown: str = import_module("xltool.notebook").filing_html(self)
        return shown

    @property
    def forms(self) -> Iterator[Form]:
        """The department form, then the projects."""
        if self.department is not None:
            yield self.department
        yield from self.projects

    @property
    def unit(self) -> str:
        """The unit's name as it stands on the first form that has one."""
        return next(
            (form.text("unit").strip() for form in self.forms if not form["unit"].blank), ""
        )

    @property
    def year(self) -> int | None:
        """The budget year of the first form that has one."""
        return next((form.year for form in self.forms if form.year is not None), None)


class FindingState(StrEnum):
    """What is still to be done about a finding, as reports show it."""

    OPEN = "待处理"
    EXPLAINED = "已说明"
    NOTE = "提示"
    TRIAL = "试行"


def finding_state(severity: str, explanation: str, trial: bool) -> FindingState:
    """The state of a finding; an error stays open whatever is written about it."""
    if trial:
        return FindingState.TRIAL
    if severity == Severity.NOTE:
        return FindingState.NOTE
    if severity == Severity.QUERY and explanation:
        return FindingState.EXPLAINED
    return FindingState.OPEN


class Finding(Struct, frozen=True, gc=False):
    """One thing a reviewer would say, in Chinese, with both values and the place.

    `explanation` is the unit's written answer to a query; `trial` marks a rule that is shown
    but not counted (试行).
    """

    code: str
    severity: Severity
    message: str
    file: str = ""
    sheet: str = ""
    cell: str = ""
    field: str = ""
    found: str = ""
    expected: str = ""
    review: str = ""
    explanation: str = ""
    trial: bool = False

    @property
    def state(self) -> FindingState:
        """What is still to be done about it."""
        return finding_state(self.severity, self.explanation, self.trial)

    @property
    def open(self) -> bool:
        """Still to be dealt with: an error, or a query without an explanation."""
        return self.state is FindingState.OPEN

    @property
    def key(self) -> str:
        """What an explanation is tied to: the same fault at the same place with the same value."""
        return "|".join((self.code, self.sheet, self.field, self.found))
