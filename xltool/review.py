"""The rule engine: the registry, the reviewer's desk that rules work on, and the run.

A rule is one generator function over a `Review`; code, title, severity, review property and
source are data in its decorator. What it yields are `Hit`s; the engine makes them `Finding`s.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from xltool.edition import Edition, FormSpec, load_edition
from xltool.model import Entry, Filing, Finding, Form, Place, Severity
from xltool.settings import Settings, load_settings
from xltool.totals import Balance, balance

REVIEWS = ("完整性", "相关性", "适当性", "可行性", "形式", "真实性")


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule says of one place. The place and field come from an entry, never computed."""

    message: str
    place: Place | None = None
    field: str = ""
    found: str = ""
    expected: str = ""
    severity: Severity | None = None


@dataclass(frozen=True)
class Review:
    """One filing on the reviewer's desk, with all a rule may look at."""

    filing: Filing
    edition: Edition
    settings: Settings
    last_year: Filing | None = None

    @functools.cached_property
    def balance(self) -> Balance:
        return balance(self.filing, self.edition)

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
        text = (entry.text or ("" if entry.value is None else str(entry.value))) if found is None else found
        return Hit(message, entry.place, field, text, expected, severity)


Body = Callable[[Review], Iterable[Hit]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A registered rule. `doc` is its page: what it says, why, what to do."""

    code: str
    title: str
    severity: Severity
    review: str
    source: str
    body: Body
    fields: tuple[str, ...] = ()
    examples: dict[str, Any] = field(default_factory=dict)

    @property
    def doc(self) -> str:
        import inspect

        return inspect.getdoc(self.body) or ""


_RULES: dict[str, Rule] = {}


def rule(
    code: str, title: str, severity: Severity, *, review: str, source: str = "", fields: tuple[str, ...] = ()
) -> Callable[[Body], Body]:
    """Register a rule. `fields` are the field ids without which the rule stays silent."""

    def register(body: Body) -> Body:
        if code in _RULES:
            raise ValueError(f"rule code {code} is taken by {_RULES[code].body.__name__}")
        if review not in REVIEWS:
            raise ValueError(f"rule {code}: unknown review property {review}")
        _RULES[code] = Rule(code, title, severity, review, source, body, fields)
        return body

    return register


def rules() -> dict[str, Rule]:
    """All rules by code, in order of code."""
    _load()
    return dict(sorted(_RULES.items()))


@functools.cache
def _load() -> None:
    package = importlib.import_module("xltool.rules")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"xltool.rules.{module.name}")


def check(
    filing: Filing,
    *,
    settings: Settings | None = None,
    edition: Edition | None = None,
    last_year: Filing | None = None,
    strict: bool = True,
) -> list[Finding]:
    """Every finding on a filing, errors first, then by form and cell.

    With `strict=False` (a batch) a rule that crashes becomes a finding of its own (R100) and the
    others go on.
    """
    edition = edition or load_edition(filing.edition)
    settings = settings or load_settings()
    review = Review(filing, edition, settings, last_year)
    found: list[Finding] = []
    for one in rules().values():
        found.extend(_run(one, review, strict))
    return arrange(filing, found)


def _run(one: Rule, review: Review, strict: bool) -> Iterator[Finding]:
    try:
        for hit in one.body(review):
            yield _finding(one, review, hit)
    except Exception as error:
        if strict:
            raise
        message = f"规则 {one.code} 没有运行成功（{type(error).__name__}: {error}），请把本文件交给技术人员"
        yield Finding("R100", Severity.ERROR, message, file=review.filing.source, review="形式")


def _finding(one: Rule, review: Review, hit: Hit) -> Finding:
    return Finding(
        code=one.code,
        severity=hit.severity or one.severity,
        message=hit.message,
        file=review.filing.source,
        sheet=hit.place.sheet if hit.place else "",
        cell=hit.place.cell if hit.place else "",
        field=hit.field,
        found=hit.found,
        expected=hit.expected,
        review=one.review,
    )


def arrange(filing: Filing, findings: Iterable[Finding]) -> list[Finding]:
    """Errors first; then in the order of the sheets and cells; never the same finding twice."""
    sheets = {form.sheet: n for n, form in enumerate(filing.forms)}

    def key(f: Finding) -> tuple[Any, ...]:
        return (f.severity.rank, sheets.get(f.sheet, -1), cell_order(f.cell), f.code, f.message)

    return sorted(dict.fromkeys(findings), key=key)


def cell_order(cell: str) -> tuple[int, int, str]:
    """Row, then column: reading order."""
    letters = cell.rstrip("0123456789")
    row = cell[len(letters) :]
    return (int(row) if row else 0, len(letters), letters)
