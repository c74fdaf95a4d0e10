"""The rule engine: the registry, the reviewer's desk that rules work on, and the run.

A rule is one generator function over a `Review`; code, title, severity, review property and
source are data in its decorator. What it yields are `Hit`s; the engine makes them `Finding`s.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar, cast

from msgspec import Struct

from xltool.checks.answers import explained
from xltool.checks.cross_totals import Balance, balance
from xltool.checks.settings import Settings, SettingsError, load_settings
from xltool.editions.declaration import Edition, EditionError, FormSpec, load_edition
from xltool.indicator.library import Library
from xltool.library import load_library
from xltool.model import Entry, FaultKind, Filing, Finding, Form, Place, Severity

T = TypeVar("T")

# Faults after which nothing else can be said of a file.
UNREADABLE = (FaultKind.UNREADABLE, FaultKind.FOREIGN)
# So many official labels changed on one sheet are no touched-up words but rows that moved.
SHIFTED = 10
# What is still said of such a sheet.
_OF_THE_FILE = ("R100", "R101", "R102", "R103", "R104", "R105")
REVIEWS = ("完整性", "相关性", "适当性", "可行性", "形式", "真实性")


class Hit(Struct, frozen=True):
    """What a rule says of one place. The place and field come from an entry, never computed."""

    message: str
    place: Place | None = None
    field: str = ""
    found: str = ""
    expected: str = ""
    severity: Severity | None = None


class Review(Struct, frozen=True, eq=False):
    """One filing on the reviewer's desk, with all a rule may look at."""

    filing: Filing
    edition: Edition
    settings: Settings
    last_year: Filing | None = None

    _made: dict[Callable[..., Any], Any] = {}

    @property
    def balance(self) -> Balance:
        return self.once(_balance)

    @property
    def library(self) -> Library | None:
        """The bureau's own indicator library, where the settings name one."""
        return self.once(_library) if self.settings.library else None

    def once(self, make: Callable[[Review], T]) -> T:
        """What `make` says of this filing, worked out for the first rule that asks."""
        if make not in self._made:
            self._made[make] = make(self)
        return cast(T, self._made[make])

    @property
    def readable(self) -> bool:
        """There is something to judge: the file was read and is of a known official form."""
        return not any(fault.kind in UNREADABLE for fault in self.filing.faults)

    @property
    def blank(self) -> bool:
        """Nothing is filled in: a form as it was handed out, with at most year and unit on it."""
        forms = list(self.filing.forms)
        return bool(forms) and not any(form.answered for form in forms)

    @property
    def shifted(self) -> frozenset[str]:
        """Sheets whose official text moved or went:
        what was read there may be another cell's answer."""
        if not self.filing.faults:
            return frozenset()
        changed = Counter(
            fault.place.sheet
            for fault in self.filing.faults
            if fault.kind == FaultKind.LAYOUT and fault.place
        )
        lost = {
            fault.place.sheet
            for fault in self.filing.faults
            if fault.kind == FaultKind.LOST and fault.place
        }
        return frozenset(lost | {sheet for sheet, count in changed.items() if count >= SHIFTED})

    def spec(self, form: Form) -> FormSpec:
        """The declaration of a form."""
        return self.edition[form.kind]

    def hit(
        self,
        entry: Entry,
        message: str,
        *,
        field: str = "",
        found: str | None = None,
        expected: str = "",
        severity: Severity | None = None,
    ) -> Hit:
        """A hit at an entry; what was found is its text as written unless said otherwise."""
        if found is None:
            found = entry.text or ("" if entry.value is None else str(entry.value))
        return Hit(message, entry.place, field, found, expected, severity)


def _library(review: Review) -> Library:
    return load_library(review.settings.library)


def _balance(review: Review) -> Balance:
    return balance(review.filing, review.edition)


Body = Callable[[Review], Iterable[Hit]]


class Rule(Struct, frozen=True):
    """A registered rule. `doc` is its page: what it says, why, what to do."""

    code: str
    title: str
    severity: Severity
    review: str
    source: str
    body: Body
    reads_faults: bool = False
    yields_to: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    def lacks(self, edition: Edition) -> list[str]:
        """What the rule judges and this edition's forms don't have; then it is silent."""
        return [need for need in self.needs if not edition.has(need)] if self.needs else []

    @property
    def doc(self) -> str:
        import inspect

        return inspect.getdoc(self.body) or ""


_RULES: dict[str, Rule] = {}


def rule(
    code: str,
    title: str,
    severity: Severity,
    *,
    review: str,
    source: str,
    reads_faults: bool = False,
    yields_to: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
) -> Callable[[Body], Body]:
    """Register a rule.

    `source` is the printed form, the arithmetic, or a text that was read; never a law unread.
    `reads_faults`: it judges the reader's faults, so it runs on unreadable files too.
    `yields_to`: rules that say the same more exactly; where one of them finds something in the
    same cell, this rule is silent there.
    `needs`: fields, indicator columns or sums (`budget`) without which it has nothing to judge.
    """

    def register(body: Body) -> Body:
        if code in _RULES:
            raise ValueError(f"rule code {code} is taken by {_RULES[code].body.__name__}")
        if review not in REVIEWS:
            raise ValueError(f"rule {code}: unknown review property {review}")
        _RULES[code] = Rule(
            code, title, severity, review, source, body, reads_faults, yields_to, needs
        )
        return body

    return register


@functools.cache
def rules() -> Mapping[str, Rule]:
    """All rules by code, in order of code."""
    package = importlib.import_module("xltool.checks.rules")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"xltool.checks.rules.{module.name}")
    return MappingProxyType(dict(sorted(_RULES.items())))


def check(
    filing: Filing,
    *,
    settings: Settings | None = None,
    edition: Edition | None = None,
    last_year: Filing | None = None,
    strict: bool = True,
) -> list[Finding]:
    """Every finding on a filing, errors first, then by form and cell.

    `settings` are a bureau's thresholds (`load_settings`), `last_year` an earlier filing of the
    unit to compare with. A file that could not be read, or is not of an official form, gets that
    one finding only; so does a form in which nothing is filled in; a sheet whose rows moved gets
    what is wrong with its layout only. With `strict=False`, as every command, button and page has
    it, a rule that crashes becomes a finding of its own (R100) and the others go on. Raises
    SettingsError where the settings name a rule that does not exist, EditionError where the edition
    is not known.
    """
    edition = edition or edition_of(filing)
    settings = settings or load_settings()
    review = Review(filing, edition, settings, on_these_forms(last_year, edition))
    return judged(review, strict=strict)


def judged(review: Review, *, strict: bool = True) -> list[Finding]:
    """`check` on a desk of the caller's own, which then has what was worked out,
    such as the balance."""
    filing, edition, settings = review.filing, review.edition, review.settings
    book = rules()
    known_settings(settings, book)
    findings: list[Finding] = []
    readable = review.readable
    for candidate in book.values():
        if candidate.code in settings.off or (candidate.needs and candidate.lacks(edition)):
            continue
        if not readable and not candidate.reads_faults:
            continue
        try:
            for hit in candidate.body(review):
                findings.append(_finding(candidate, review, hit))  # noqa: PERF401 - kept at a crash
        except Exception as error:
            if strict:
                raise
            findings.append(_crashed(candidate, review, error))
    if review.blank:
        findings = [finding for finding in findings if finding.code.startswith("R")]
    if shifted := review.shifted:
        findings = [
            finding
            for finding in findings
            if finding.sheet not in shifted or finding.code in _OF_THE_FILE
        ]
    return arrange(filing, explained(filing, findings))


def on_these_forms(last_year: Filing | None, edition: Edition) -> Filing | None:
    """Last year's filing as it would stand on this year's forms, where those were other ones."""
    if last_year is None or last_year.edition == edition.id:
        return last_year
    from xltool.editions.conversion import convert

    try:
        return convert(last_year, edition).filing
    except EditionError:  # its edition is not here: what can be compared is compared as it stands
        return last_year


def edition_of(filing: Filing) -> Edition:
    """The declaration of a filing's forms;
    the default one for a file of no known edition (R102)."""
    try:
        return load_edition(filing.edition)
    except EditionError:
        if any(fault.kind in UNREADABLE for fault in filing.faults):
            return load_edition()
        raise


def known_settings(settings: Settings, book: Mapping[str, Rule] | None = None) -> None:
    """No setting names a rule that does not exist. Raises SettingsError."""
    book = rules() if book is None else book
    for code in (*settings.off, *settings.trial, *settings.severity):
        if code not in book:
            import difflib

            near = difflib.get_close_matches(code, book, 1, 0.5)
            raise SettingsError(
                f"设置里没有规则“{code}”" + (f"，是否想写“{near[0]}”？" if near else "")
            )


def _crashed(crashed: Rule, review: Review, error: Exception) -> Finding:
    message = (
        f"规则 {crashed.code} 没有运行成功（{type(error).__name__}: {error}），"
        "请把本文件交给技术人员"
    )
    return Finding("R100", Severity.ERROR, message, file=review.filing.source, review="形式")


def _finding(raised_by: Rule, review: Review, hit: Hit) -> Finding:
    settings = review.settings
    return Finding(
        code=raised_by.code,
        severity=settings.severity.get(raised_by.code) or hit.severity or raised_by.severity,
        message=hit.message,
        file=review.filing.source,
        sheet=hit.place.sheet if hit.place else "",
        cell=hit.place.cell if hit.place else "",
        field=hit.field,
        found=hit.found,
        expected=hit.expected,
        review=raised_by.review,
        trial=raised_by.code in settings.trial,
    )


# Where a cell is blank or unreadable, nothing more is said of it.
_LAST_WORD = ("P201", "P206", "R107", "R109")


def arrange(filing: Filing, findings: Sequence[Finding]) -> list[Finding]:
    """Errors first, trial rules last; then in the order of the sheets and cells; nothing twice."""
    book = rules()
    codes: dict[tuple[str, str], set[str]] = {}
    for f in findings:
        if f.cell and not f.trial:
            codes.setdefault((f.sheet, f.cell), set()).add(f.code)

    def needless(f: Finding) -> bool:
        cell_codes = codes.get((f.sheet, f.cell))
        if not cell_codes:
            return False
        if len(cell_codes) > 1 and f.code[0] not in "RP" and not cell_codes.isdisjoint(_LAST_WORD):
            return True
        return f.code in book and not cell_codes.isdisjoint(book[f.code].yields_to)

    sheets = {form.sheet: number for number, form in enumerate(filing.forms)}

    def key(f: Finding) -> tuple[Any, ...]:
        return (
            f.trial,
            f.severity.rank,
            sheets.get(f.sheet, -1),
            cell_order(f.cell),
            f.code,
            f.message,
        )

    return sorted(
        (finding for finding in dict.fromkeys(findings) if not needless(finding)), key=key
    )


def cell_order(cell: str) -> tuple[int, int, str]:
    """Row, then column: reading order."""
    letters = cell.rstrip("0123456789")
    row = cell[len(letters) :]
    return (int(row) if row else 0, len(letters), letters)
