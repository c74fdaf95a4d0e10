"""Return notes (退回意见): for each unit one page that says exactly what to mend, and where."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from xltool.campaign.documents import page
from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.ledger.counting import Act
from xltool.campaign.ledger.related import UnitReturns, in_order
from xltool.campaign.ledger.store import LedgerRow
from xltool.campaign.returns.beside import asked_beside_others
from xltool.campaign.returns.deadlines import Deadlines
from xltool.campaign.returns.judgement import KINDS, NOTE_OF, NOTE_TO, SENT_BACK
from xltool.campaign.sheets import ANSWER_STYLE, OFFICIAL
from xltool.campaign.units import Unit, UnitFiles, of_before
from xltool.errors import XltoolError
from xltool.files.atomic import writing
from xltool.files.table_column import Column
from xltool.model import Finding, Severity
from xltool.reading.reader import read_grid
from xltool.results_sheet.table import ANSWER, HEAD, KEY
from xltool.xlsx.table_book import RowValue, Styled, TableBook
from xltool.xlsx.workbook_reader import open_grid

FOLDER = "退回意见"  # in it a folder for each day: what was sent back before stays apart


@dataclass(frozen=True, slots=True)
class UnitNote:
    """What one unit is told of one return: the findings that are still open, errors first."""

    unit: Unit
    file: str
    version: int
    received: str
    kind: str
    findings: list[Finding]
    return_id: int
    sha256: str = ""
    comment: str = ""  # in which words the bureau sent it back
    question: str = ""  # what the totals of the others ask of it

    @property
    def words(self) -> str:
        """What the bureau itself says, beside the findings."""
        return "；".join(filter(None, (self.comment, self.question)))

    @property
    def errors(self) -> int:
        return sum(finding.severity is Severity.ERROR for finding in self.findings)


def notes(
    campaign: Campaign, codes: Iterable[str] = (), *, queries: bool = False
) -> list[UnitNote]:
    """The notes to send: the latest return of each unit where it has errors
    (or, asked for, queries), or where the bureau sent one back with a comment.

    A file that could not be tied to a unit by its seal goes to the unit that it claims to be of.
    """
    units = {unit.code: unit for unit in campaign.ledger.units()}
    wanted = set(codes)
    if wanted - set(units):
        raise XltoolError(f"名单里没有部门编码：{'、'.join(sorted(wanted - set(units)))}")
    standings = campaign.ledger.standings()
    latest: dict[str, LedgerRow] = {}
    rows = [row for returns in standings.values() for row in returns.rows]
    for row in in_order(rows):
        code = row["claimed"] or row["unit"]
        if code in units and not _settled(row, standings.get(code, UnitReturns())):
            latest[code] = row
    asked = _asked(campaign, standings) if queries else {}
    unit_notes = []
    for code, unit in units.items():
        if wanted and code not in wanted:
            continue
        back, question = standings.get(code, UnitReturns()).sent_back, asked.get(code, "")
        comment = back.comment if back else ""
        sent_back = back.row if back and comment else None
        about = latest.get(code, sent_back)
        if about is None:
            continue
        wrong = about["verdict"] == "error" or (queries and about["verdict"] == "query")
        if comment or question or wrong:
            unit_notes.append(_note(unit, about, comment, question))
    return unit_notes


def _note(unit: Unit, row: LedgerRow, comment: str, question: str) -> UnitNote:
    findings = [f for f in msgspec.json.decode(row["findings"], type=list[Finding]) if f.open]
    findings.sort(key=lambda f: f.severity is not Severity.ERROR)
    file = row["name"].rpartition("/")[2]
    return UnitNote(
        unit, file, row["version"], row["day"], row["kind"], findings, row["id"], row["sha256"],
        comment, question,
    )  # fmt: skip


def _asked(campaign: Campaign, standings: Mapping[str, UnitReturns]) -> dict[str, str]:
    """What the totals of the others ask of units of which nothing was decided."""
    counting = [row for returns in standings.values() if (row := returns.counting)]
    asked = asked_beside_others(campaign, counting).to_answer
    return {c: said for c, said in asked.items() if not standings[c].outcome.standpoint.picked}


def _settled(row: LedgerRow, returns: UnitReturns) -> bool:
    """Whether nothing is to be mended: the unit owes nothing, what it owes is approved, the bureau
    let this version count, or it was taken back."""
    stand = returns.outcome.standpoint
    taken_back = not row["claimed"] and row["withdrawn"]
    return bool(stand.left) or stand.accepted or stand.picked == row["id"] or taken_back


# A unit may get both the table and its own workbook.
_SUFFIXES = {
    "html": "_退回意见.html",
    "xlsx": "_退回意见.xlsx",
    "workbook": "_退回意见（报来的工作簿）.xlsx",
}


def write_notes(
    campaign: Campaign, unit_notes: list[UnitNote], folder: Path, form: str = "html"
) -> list[Path]:
    """One file for each note, by district; then the ledger knows these returns as sent back."""
    written = []
    places, deadlines = UnitFiles(folder), Deadlines.of(campaign)
    for note in unit_notes:
        path = places.place(note.unit, _SUFFIXES[form])
        if form == "html":
            with writing(path) as file:
                file.write(page("note.html", **_said(campaign, note, deadlines)))
        elif form == "xlsx":
            _workbook(path, campaign, note)
        elif not _marked_copy(path, campaign, note):
            path = places.place(note.unit, _SUFFIXES["xlsx"])
            _workbook(path, campaign, note)
        written.append(path)
    ledger = campaign.ledger
    with ledger.writing():
        # Somebody may have decided on one while the files were written: that holds.
        standings = ledger.standings([note.unit.code for note in unit_notes])
        with ledger.transaction():
            for note in unit_notes:
                code = note.unit.code
                stand = standings.get(code, UnitReturns()).outcome.standpoint
                if stand.picked != note.return_id:
                    ledger.record(Act.NOTE, code, return_id=note.return_id, reason=note.question)
    return written


def outlived(campaign: Campaign, folder: Path) -> str:
    """Which notes in the folder are of units that nothing is asked of any more, in words."""
    if not of_before(folder, _SUFFIXES.values())[0]:
        return ""
    places = UnitFiles(folder)
    current = [
        places.place(note.unit, suffix)
        for note in notes(campaign, queries=True)
        for suffix in _SUFFIXES.values()
    ]
    number, few = of_before(folder, _SUFFIXES.values(), current)
    said = f"文件夹里另有 {number} 份先前的退回意见，单位已经没有要改的，或改了名、划走了，不要再发"
    return f"{said}：{few}" if number else ""


def _said(campaign: Campaign, note: UnitNote, deadlines: Deadlines) -> dict[str, Any]:
    return {
        "campaign": campaign,
        "deadline": deadlines[note.unit],
        "note": note,
        "kind": KINDS[note.kind],
        "labels": _labels(campaign),
    }


def _labels(campaign: Campaign) -> dict[str, str]:
    """What fields and columns of indicators are called on the forms, by id."""
    labels = {field.id: field.label for form in campaign.edition.form for field in form.field}
    return labels | {
        column.id: column.label
        for form in campaign.edition.form
        for column in form.indicators.column
    }


class NoteRow(NamedTuple):
    """One finding of a note, numbered, with the printed label of its field; before them all, without
    a number, the words of whoever sent it back."""

    number: int
    finding: Finding
    label: str

    @property
    def answer(self) -> RowValue:
        """What the unit has said to it; a query's cell is open for more."""
        said = self.finding.explanation
        return Styled(said, ANSWER_STYLE) if self.finding.severity is Severity.QUERY else said


NOTE_COLUMNS: tuple[Column[NoteRow], ...] = (
    Column("序号", lambda row: row.number or "", 5),
    Column("性质", lambda row: row.finding.severity.label if row.number else SENT_BACK, 6),
    Column("工作表", lambda row: row.finding.sheet, 22),
    Column("单元格", lambda row: row.finding.cell, 8),
    Column("栏目", lambda row: row.label, 16),
    Column("问题和改法", lambda row: row.finding.message, 64),
    Column("规则", lambda row: row.finding.code, 7),
    Column(HEAD[ANSWER], lambda row: row.answer, 34),
    Column(HEAD[KEY], lambda row: row.finding.key if row.number else "", 3, "key"),
)
_WRITES = "改正后重报；核实项不改的，在“说明”栏写明理由，把本表交回。"


def _workbook(path: Path, campaign: Campaign, note: UnitNote) -> None:
    labels = _labels(campaign)
    rows = [
        NoteRow(number, finding, labels.get(finding.field, ""))
        for number, finding in enumerate(note.findings, 1)
    ]
    version = f"第 {note.version} 版，" if note.version else ""
    version = f"{version}{note.received[:16]} 收到"
    subtitle = f"{note.unit.code} {note.unit.name}　{version}　{note.file}"
    title, line = f"{campaign.title}退回意见", f"{subtitle}　{_WRITES}"
    if note.words:
        rows.insert(0, NoteRow(0, Finding("", Severity.ERROR, note.words), ""))
    with writing(path, "wb") as file, TableBook(file, OFFICIAL) as book:
        book.table("退回意见", NOTE_COLUMNS, rows, title=title, line=line)
        book.describe({}, **{NOTE_OF: note.sha256, NOTE_TO: note.unit.code})


_ACROSS = 80  # characters of a line on the sheet of results


def _marked_copy(path: Path, campaign: Campaign, note: UnitNote) -> bool:
    """The unit's own workbook with the findings in it and beside its cells,
    to be mended and sent again.

    False where the return is no workbook of this campaign that can be marked.
    """
    from xltool.results_sheet.insert import mark_file
    from xltool.results_sheet.marks import marks
    from xltool.results_sheet.table import results

    original = campaign.original(note.sha256)
    if note.kind in ("unreadable", "unofficial") or not original.is_file():
        return False
    filing = read_grid(open_grid(original), edition=campaign.edition)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet = results(filing, note.findings, campaign.edition)
    if note.words:
        words = [part for line in note.words.splitlines() for part in textwrap.wrap(line, _ACROSS)]
        summary = ("退回意见：", *words, *sheet.summary)
        sheet = replace(sheet, title=f"{sheet.title}，已退回", summary=summary)
    mark_file(original, path, sheet, marks(note.findings))
    return True
