"""One input, start to end: what a worker process does.
Pure but for the files it reads and writes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from xltool.batch.at_rest import PATIENCE, Mark, at_rest, mark
from xltool.batch.earlier import earlier_filing, earlier_mark
from xltool.batch.inputs import Item, is_book, is_report
from xltool.batch.outlet import NEW, Outlet, PriorState, Written
from xltool.checks.settings import Settings
from xltool.editions.declaration import asked_edition
from xltool.errors import DiskError
from xltool.files.barrier import reason_of
from xltool.files.discover import table_name
from xltool.model import FaultKind, Filing, Finding, Severity
from xltool.xlsx.package import Parts

if TYPE_CHECKING:
    from xltool.checks.results import CheckResult

# What is said of a result, beside what is said of the filing.
RENAMED, EDITED, EARLIER, ALONE = "B201", "B202", "B203", "B204"
# Bytes of a file that is held in memory while it is worked on; a larger one is read from the disk.
_HELD = 16 * 2**20
# How often an input is begun anew that changes while it is read.
_TRIES = 3


class RunOrder(Struct, frozen=True):
    """What to do with each input, the same for the whole run.

    `tool` is the tool's, edition's and settings' part of a fingerprint, `version` the xltool that
    is to do it, `run` names the run. `dry`: only tell whether there is anything to do. `last_year`
    is the path of the earlier filings; whose they are stands in OUT (`batch/earlier.py`).
    `notebooks` is the folder where a worker says beforehand what it writes; empty where not every
    worker sees it.
    """

    output: str
    edition: str = ""
    settings: Settings = Settings()
    tool: str = ""
    version: str = ""
    run: str = ""
    dry: bool = False
    last_year: str = ""
    notebooks: str = ""


class Tally(Struct, frozen=True, omit_defaults=True):
    """What the records of one input come to: how many units got which verdict, how many findings
    and indicators there are, and the totals that are compared with those of others (`None`: not
    looked at yet)."""

    passed: int = field(default=0, name="pass")
    query: int = 0
    error: int = 0
    findings: int = 0
    indicators: int = 0
    totals: dict[str, Decimal] | None = None

    @property
    def verdicts(self) -> dict[str, int]:
        """How many units got which verdict, where any did."""
        counted = {"pass": self.passed, "query": self.query, "error": self.error}
        return {verdict: number for verdict, number in counted.items() if number}


def tally_of(results: Sequence[CheckResult]) -> Tally:
    """The tally of an input's results."""
    from xltool.checks.beside_others import totals_in

    verdicts = [result.verdict for result in results]
    return Tally(
        passed=verdicts.count("pass"),
        query=verdicts.count("query"),
        error=verdicts.count("error"),
        findings=sum([len(result.findings) for result in results]),
        indicators=sum([len(result.indicators) for result in results]),
        totals=totals_in(results),
    )


class Outcome(Struct, frozen=True):
    """What became of one input: one record for each unit, and the files written
    (by their name in OUT).

    The records are JSON already, a line each, for they only pass through the run; `tally` is what
    they come to. A large data book is cut into `parts`, which are inputs of their own. `unchanged`: nothing
    was done, for the input is as it was, and all that was written then is there. `judged_again`:
    nothing was written either, but a result that somebody had edited was judged anew. `kept` are
    files of an earlier run that could not be made this time; with `stand` all of its files are.
    `notes` say what a person should know of the results.
    """

    key: str
    content: str = ""
    tool: str = ""
    records: bytes = b""
    tally: Tally = Tally()
    outputs: dict[str, Written] = {}
    parts: list[Item] = []
    failed: str = ""
    unchanged: bool = False
    judged_again: bool = False
    kept: list[str] = []
    stand: bool = False
    notes: list[str] = []


def tool_mark(edition: str, settings: Settings, last_year: str = "") -> str:
    """The tool's, edition's, settings' and earlier filings' part of a fingerprint.
    Raises EditionError."""
    from xltool import __version__
    from xltool.editions.declaration import editions, load_edition

    digest = hashlib.blake2b(digest_size=16)
    folders = [Path(load_edition(edition).folder)] if edition else list(editions().values())
    for folder in folders:
        for file in sorted(folder.glob("*.*")):
            digest.update(file.name.encode() + file.read_bytes())
    digest.update(repr(settings).encode())
    if last_year:
        digest.update(earlier_mark(last_year).encode())
    return f"{__version__} {digest.hexdigest()}"


def content_mark(item: Item, data: bytes | None = None) -> str:
    """The digest of an input's bytes (`data`, where they were read already). Raises OSError."""
    digest = hashlib.blake2b(digest_size=16)
    if data is not None:
        digest.update(data)
    elif (path := Path(item.path)).is_dir():
        for file in _tables(path):
            digest.update(file.name.encode() + b"\0")
            _digest(file, digest)
    elif path.is_file() or not path.exists():  # a pipe would be waited for
        _digest(path, digest)
    # Where its results go, and of a part what its book decided for it.
    decided = (item.own, item.output, item.names, item.remarks)
    digest.update(repr(decided).encode())
    return digest.hexdigest()


def _tables(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if table_name(file.name))


def _digest(path: Path, digest: hashlib.blake2b) -> None:
    with path.open("rb") as whole:
        while chunk := whole.read(1 << 20):
            digest.update(chunk)


def work(item: Item, order: RunOrder, prior: PriorState = NEW, *, brought: bool = False) -> Outcome:
    """Fill from a data book, or check a workbook; nothing where all is as the journal knows it.

    Faults in the data are findings in the records. What is being written by somebody just now is
    waited for, and begun anew where it changed meanwhile; not so a copy that was `brought` here.
    """
    outlet = Outlet(item.key, item.input, order.output, prior, order.run, order.notebooks)
    try:
        for _ in range(_TRIES):
            paths = _paths(item)
            before = tuple(map(mark, paths)) if brought else at_rest(paths)
            outlet.begin()
            data = None if item.is_folder else _held(item.path, before[0])
            outcome = _done(item, order, outlet, data)
            if tuple(map(mark, paths)) == before:
                return outcome
        failed = f"读的时候一直有人在写，等了 {PATIENCE:.0f} 秒也没有写完"
    except DiskError:
        raise
    except Exception as error:
        # A person knows the input by its place in IN, which is said already.
        failed = reason_of(error).removeprefix(f"{item.path}：")
    return Outcome(item.key, failed=failed, outputs=outlet.earlier | outlet.outputs)


def _paths(item: Item) -> Sequence[str | Path]:
    return _tables(Path(item.path)) if item.is_folder else [item.path]


def _done(item: Item, order: RunOrder, outlet: Outlet, data: bytes | None) -> Outcome:
    from xltool.reports.run import packed

    prior = outlet.prior
    content = content_mark(item, data)
    outlet.same = content == prior.content
    skippable = outlet.same and order.tool == prior.tool
    if skippable and (standing := outlet.untouched()) is not None:
        return Outcome(item.key, content, order.tool, outputs=standing, unchanged=True)
    if order.dry:
        return Outcome(item.key, content, order.tool)
    job = _InputWork(item, order, outlet)
    parts = _opened(data)
    done = job.fill(data) if is_book(item.path, parts) else job.check(data, parts)
    records = b"\n".join(packed(result)[1] for result in job.results)
    return replace(
        done,
        content=content,
        tool=order.tool,
        records=records,
        tally=tally_of(job.results),
        outputs=outlet.outputs,
        judged_again=skippable and not outlet.saved,
        kept=outlet.kept,
        notes=list(dict.fromkeys(job.notes)),
    )


def _held(path: str, found: Mark | None) -> bytes | None:
    """The bytes of a file that is not too large to be held;
    read once, so that all is said of the same."""
    if found is None or found.size > _HELD:
        return None
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - for each input of each run
        return file.read()


def _opened(data: bytes | None) -> Parts | None:
    """The parts of a workbook, opened once for all who look at it; None where it is none."""
    from xltool.xlsx.package import Unreadable, open_parts

    try:
        return open_parts(data) if data and data.startswith(b"PK") else None
    except Unreadable:
        return None


class _InputWork:
    """One input at work: what came of it, and what is to be said of its files."""

    def __init__(self, item: Item, order: RunOrder, outlet: Outlet) -> None:
        self.item, self.order, self.outlet = item, order, outlet
        self.results: list[CheckResult] = []
        self.notes: list[str] = []

    def check(self, data: bytes | None, parts: Parts | None) -> Outcome:
        """Check a workbook. OUT is whole by itself: what was checked lies beside its report."""
        from xltool.reading.reader import read, read_parts

        item, outlet = self.item, self.outlet
        edition = asked_edition(self.order.edition)
        if parts is not None:
            filing = read_parts(parts, edition=edition)
        else:
            filing = read(data if data is not None else item.path, edition=edition)
        if filing.department is None and not filing.projects:
            faults = {fault.kind for fault in filing.faults}
            damaged = FaultKind.UNREADABLE in faults or FaultKind.FOREIGN in faults
            earlier = [self._earlier(name) for name in outlet.prior.outputs] if damaged else []
            self.results.append(self._result(filing, item.key, [f for f in earlier if f]))
            return Outcome(item.key, stand=damaged)
        name = outlet.put(item.output, data if data is not None else Path(item.path).read_bytes())
        if name in outlet.edited:
            filing = read(outlet.edited[name], edition=edition)
        self.results.append(self._result(filing, name, self._said(item.output, name)))
        return Outcome(item.key)

    def fill(self, data: bytes | None) -> Outcome:
        """One workbook for each sound unit of a data book;
        the unsound ones become records of problems."""
        from xltool.batch.book_parts import PART, cut
        from xltool.databook import reading
        from xltool.files.filenames import TakenNames

        item, outlet = self.item, self.outlet
        source = data if data is not None else Path(item.path)
        with reading(source, self.order.edition or None, item.path) as book:
            troubled: dict[str, list[Finding]] = {}
            remarks: dict[str, list[Finding]] = {}
            for unit, remark in item.remarks:
                remarks.setdefault(unit, []).append(remark)
            for problem in book.problems:
                where = troubled if problem.severity is Severity.ERROR else remarks
                where.setdefault(problem.unit, []).append(replace(problem, file=item.input))
            taken = TakenNames(item.reserved)
            names = item.names or {unit: taken.give(unit, ".xlsx") for unit in book.sound}
            for unit, findings in troubled.items():
                self._troubled(unit, findings, taken)
            if not item.part and len(book.sound) > 2 * PART:
                return Outcome(item.key, parts=list(cut(item, book, names, remarks, outlet)))
            for filing in book:
                self.results.append(self._fill_one(filing, self._home(names[filing.unit]), remarks))
        return Outcome(item.key, stand="" in troubled)

    def _home(self, name: str) -> str:
        return f"{self.item.own}/{name}".lstrip("/")

    def _troubled(self, unit: str, findings: list[Finding], taken: Any) -> None:
        """A unit of which there is no filing; what was filled for it earlier stays."""
        prior_outputs = self.outlet.prior.outputs
        names = [self._home(taken.give(unit, ".xlsx"))] if unit else list(prior_outputs)
        for name in names:
            if (unit or name in prior_outputs) and self.outlet.keep(name):
                earlier = self._earlier(name)
                findings += [earlier] if earlier and not name.startswith(".") else []
        self.results.append(self._problem(unit, findings))

    def _fill_one(
        self, filing: Filing, planned: str, remarks: dict[str, list[Finding]]
    ) -> CheckResult:
        """Fill one unit's workbook; its record. What is reported is what the workbook says, with
        its cells, not what was meant."""
        from xltool.editions.declaration import load_edition
        from xltool.filling.writer import FillError, filled
        from xltool.reading.reader import read

        edition = asked_edition(self.order.edition) or load_edition(filing.edition)
        try:
            workbook = filled(filing, edition=edition)
        except FillError as error:
            finding = Finding(
                "B100", Severity.ERROR, str(error), file=self.item.input, review="形式"
            )
            earlier = self._earlier(planned) if self.outlet.keep(planned) else None
            return self._problem(filing.unit, [finding, *([earlier] if earlier else [])])
        name = self.outlet.put(planned, workbook.data)
        edited = self.outlet.edited.get(name)
        back = workbook.read_back() if edited is None else read(edited, edition=edition)
        more = [*remarks.get(filing.unit, ()), *self._said(planned, name)]
        return self._result(back, name, more)

    def _said(self, planned: str, name: str) -> list[Finding]:
        """What a person should know of a result:
        its name is another one, or it was left as edited."""
        findings = []
        if name != planned:
            message = f"“{planned}”已经有了，不是 xltool 原样写的，没有覆盖；这份结果写成“{name}”"
            findings.append(_note(RENAMED, message, name))
        elif self.item.output and name == self.item.output and name != self.item.key:
            message = f"结果写成“{name}”：{_why_renamed(self.item)}"
            findings.append(_note(RENAMED, message, name))
        if name in self.outlet.edited:
            message = f"“{name}”写出以后有人改过，没有覆盖；以下是按改过的内容审核的"
            findings.append(_note(EDITED, message, name))
        self.notes += [finding.message for finding in findings]
        return findings

    def _earlier(self, name: str) -> Finding | None:
        """That an earlier result is there, and of when."""
        written = self.outlet.prior.written.get(name)
        if written is None:
            return None
        message = f"这次没有做成；“{name}”是{written.when}以前的结果，留着没有动"
        self.notes.append(message)
        return _note(EARLIER, message, name)

    def _result(self, filing: Filing, file: str, more: Iterable[Finding] = ()) -> CheckResult:
        from xltool.checks.engine import Review, edition_of, judged, on_these_forms
        from xltool.checks.results import check_result
        from xltool.reading.last_year import doubt

        filing = replace(filing, source=file)
        edition = asked_edition(self.order.edition) or edition_of(filing)
        order = self.order
        earlier = earlier_filing(filing, order.output, order.last_year, order.edition)
        if order.last_year and (words := doubt(filing, earlier)):
            more = [*more, _note(ALONE, words, file)]
        review = Review(filing, edition, order.settings, on_these_forms(earlier, edition))
        findings = judged(review, strict=False)
        sums = review.balance if filing.department is not None else None
        return check_result(filing, [*findings, *more], edition, sums)

    def _problem(self, unit: str, findings: list[Finding]) -> CheckResult:
        from xltool.checks.results import check_result
        from xltool.editions.declaration import default_edition_id

        edition = asked_edition(self.order.edition)
        filing = Filing(edition.id if edition else default_edition_id(), source=self.item.input)
        return replace(check_result(filing, findings, edition), unit=unit)


def _why_renamed(item: Item) -> str:
    if is_report(item.key):
        return "原来的名字要留给报告"
    return "原来的名字与旁边另一个的，在有的系统上是同一个（只差大小写或字符的写法）"


def _note(code: str, message: str, file: str) -> Finding:
    return Finding(code, Severity.NOTE, message, file=file, review="形式")


def dated(records: bytes, made_at: str, reason: str) -> bytes:
    """Records of an earlier run that stand,
    each with a note of when they are and why; once only."""
    from xltool.checks.results import CheckResult, finding_result, with_findings

    dated_lines = []
    message = f"这是 {made_at} 的结果：后来没有做成（{reason}）"
    for line in records.splitlines():
        result = msgspec.json.decode(line, type=CheckResult)
        rest = [finding for finding in result.findings if finding.code != EARLIER or finding.sheet]
        note = finding_result(_note(EARLIER, message, result.file))
        dated_lines.append(msgspec.json.encode(with_findings(result, [*rest, note])))
    return b"\n".join(dated_lines)
