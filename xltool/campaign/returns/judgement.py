"""What came back: whose it is
(by the seal, never by the file's name), whether it is genuine, what is wrong.

`judge` sees one file's bytes and what the ledger knew when the run began; it writes nothing.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from xltool.campaign.sealing import seal
from xltool.campaign.sealing.keys import PublicKey
from xltool.checks.cross_totals import Balance
from xltool.checks.engine import Review, on_these_forms
from xltool.checks.engine import judged as findings_on
from xltool.checks.results import finding_result, verdict
from xltool.checks.settings import Settings
from xltool.editions.declaration import Edition
from xltool.model import Entry, Fault, FaultKind, Filing, Finding, Form
from xltool.reading.reader import read_grid
from xltool.results_sheet.table import ANSWER, HEAD, KEY, read_answers, written_lines
from xltool.xlsx.grid import Grid, Sheet
from xltool.xlsx.package import Unreadable
from xltool.xlsx.workbook_reader import open_grid

if TYPE_CHECKING:
    from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.ledger.figures import figures_of
from xltool.campaign.ledger.last_year import (
    has_last_filings,
    last_filing,
    listed_filing,
    with_listed,
)
from xltool.campaign.ledger.related import weight
from xltool.campaign.ledger.unit_changes import taken_in

NOTE_OF = (
    "xltool.note"  # the document property of a return note: the digest of the return it is about
)
NOTE_TO = "xltool.note_to"  # and that of the unit to which it was sent
ANSWERS = "answers"  # no return: a return note that came back with explanations

# What a return is, in one word and in words.
KINDS = {
    "genuine": "真",
    "renamed": "文件名是别的单位",
    "stale": "旧版工作簿",
    "foreign": "别的批次",
    "tampered": "封住的内容被改动",
    "unsealed": "没有封印",
    "unlisted": "不在名单",
    "unreadable": "打不开",
    "unofficial": "不是官方模板",
    ANSWERS: "退回意见的答复",
}
# The bureau may let these count by choice; the others are not the unit's own or not what was sent.
CHOOSABLE = ("genuine", "renamed", "stale")


_OF_THE_LAYOUT = (FaultKind.LAYOUT, FaultKind.ROWS, FaultKind.LOST, FaultKind.NAMES)


@dataclass(frozen=True)
class Register:
    """What a run knows of its campaign: the key, the units' names, what each should return."""

    campaign: str
    key: PublicKey
    edition: Edition
    layout: str
    settings: Settings
    names: dict[str, str]  # code → name
    issues: dict[str, str]  # code → digest of the seal of the latest issue
    unique: dict[str, str] = field(default_factory=dict)  # a name that only one unit has → its code
    unsaved: str = (
        ""  # the last-modified time of a workbook that no program saved since it was sent
    )
    superiors: dict[str, str] = field(default_factory=dict)  # code → superior
    last_filings: Path | None = None  # the campaign's folder, where last year's filings are in it
    last_year: dict[str, dict[str, str]] = field(default_factory=dict)  # code → what the list says
    seals: frozenset[str] = frozenset()  # which were issued, each by its `seal.whole_digest`
    taken_in: dict[str, list[str]] = field(default_factory=dict)  # code → who was merged into it

    @classmethod
    def of(cls, campaign: Campaign) -> Register:
        listed = campaign.ledger.units()
        names = {unit.code: unit.name for unit in listed}
        holders = Counter(names.values())
        issues = campaign.ledger.issues()
        return cls(
            campaign.id,
            campaign.public_key,
            campaign.edition,
            campaign.layout,
            campaign.settings,
            names,
            {code: row["digest"] for code, row in issues.items()},
            {name: code for code, name in names.items() if holders[name] == 1},
            open_grid(campaign.edition_folder / "template.xlsx").modified,
            {unit.code: unit.superior for unit in listed},
            campaign.folder if has_last_filings(campaign.folder) else None,
            {unit.code: unit.last_year for unit in listed if unit.last_year},
            campaign.ledger.issued_seals(),
            taken_in(campaign),
        )


@dataclass(frozen=True, slots=True)
class Judgement:
    """One return, judged by itself. `unit` is whose it is by its seal, `claimed` whom it otherwise
    says it is of; `seal` is the digest of its seal, `stamp` when a program last saved it.
    """

    kind: str
    unit: str = ""
    claimed: str = ""
    issue: int = 0
    seal: str = ""
    stamp: str = ""
    filing: Filing = field(default_factory=lambda: Filing(""))
    findings: tuple[Finding, ...] = ()
    balance: Balance | None = None
    values: dict[str, str] = field(default_factory=dict)  # what the ledger keeps of it
    note: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    beside: tuple[str, ...] = ()  # what stands on a return note where nobody reads it


def judge(data: bytes, name: str, register: Register) -> Judgement:
    """Judge one file. `name` is where it was found, e.g. `龙城区.zip/310_县水利局.xlsx`."""
    try:
        grid = open_grid(data)
    except Unreadable as error:
        filing = Filing(
            register.edition.id, source=name, faults=(Fault(FaultKind.UNREADABLE, str(error)),)
        )
        return _judged("unreadable", filing, register, claimed=named_unit(name, register))
    if NOTE_OF in grid.properties and not seal.present(grid.properties):
        return _note_with_answers(grid)
    filing = read_grid(grid, source=name, edition=register.edition)
    kind, mark, faults = _authenticity(grid, filing, register)
    listed = mark is not None and kind != "foreign" and mark.unit in register.names
    unit = mark.unit if mark and listed else ""
    claimed = _other_unit(filing, unit, register)
    if not claimed and (kind == "genuine" or not unit):
        claimed = named_unit(name, register, unit)
        if claimed and unit:
            kind = "renamed"
            faults.append(_renamed(name, claimed, unit, register))
    own_faults = filing.faults
    sealed = seal.digest_of(mark) if mark and listed else ""
    superseded = bool(sealed) and sealed != register.issues.get(unit, sealed)
    if superseded and mark and mark.layout != register.layout:
        # Held against another layout every cell differs: the one reason says it all.
        own_faults = tuple(fault for fault in own_faults if fault.kind not in _OF_THE_LAYOUT)
    filing = replace(filing, code=unit or filing.code, faults=(*own_faults, *faults))
    return _judged(
        kind,
        filing,
        register,
        unit=unit,
        claimed=claimed,
        issue=mark.issue if mark else 0,
        seal=sealed,
        stamp=grid.modified if grid.modified != register.unsaved else "",
    )


SENT_BACK = "退回"  # on a return note the word before the bureau's own


def _beside_answers(sheet: Sheet) -> Iterator[str]:
    """What somebody wrote on a return note below or right of its table."""
    heads: dict[str, int] = {}
    for line in written_lines(sheet.cells):
        if HEAD[ANSWER] in line.values() and HEAD[KEY] in line.values():
            heads = {text: column for column, text in line.items()}
        elif heads:
            ours = heads[HEAD[KEY]] in line or SENT_BACK in line.values()
            yield from (text for at, text in line.items() if not (ours and at in heads.values()))


def _note_with_answers(grid: Grid) -> Judgement:
    """A return note that came back, with what the unit wrote on it."""
    answers = {k: v for sheet in grid.sheets for k, v in read_answers(sheet.cells).items()}
    return Judgement(
        ANSWERS,
        claimed=grid.properties.get(NOTE_TO, ""),
        stamp=grid.modified,
        note=grid.properties[NOTE_OF],
        answers=answers,
        beside=tuple(text for sheet in grid.sheets for text in _beside_answers(sheet)),
    )


def _renamed(name: str, claimed: str, unit: str, register: Register) -> Fault:
    return Fault(
        FaultKind.UNIT,
        f"文件名是 {claimed} {register.names[claimed]}，工作簿却是下发给"
        f" {unit} {register.names[unit]} 的",
        found=PurePosixPath(name).name,
    )


def _judged(kind: str, filing: Filing, register: Register, **rest: Any) -> Judgement:
    before = on_these_forms(_year_before(rest.get("unit", ""), register), register.edition)
    desk = Review(filing, register.edition, register.settings, before)
    findings = tuple(findings_on(desk, strict=False))
    return Judgement(kind, filing=filing, findings=findings, balance=desk.balance, **rest)


def _year_before(unit: str, register: Register) -> Filing | None:
    """The unit's filing of last year, or else that of one that was merged into it, with the amounts
    that the ledger has of that year: of a unit into which another one was merged these are of
    both."""
    if not unit:
        return None
    filed = None
    if folder := register.last_filings:
        codes = (unit, *register.taken_in.get(unit, ()))
        filed = next(filter(None, (last_filing(folder, code) for code in codes)), None)
    listed = listed_filing(register.last_year.get(unit, {}), register.edition)
    if filed is None or listed is None:
        return filed or listed
    return with_listed(filed, listed)


def _authenticity(
    grid: Grid, filing: Filing, register: Register
) -> tuple[str, seal.Seal | None, list[Fault]]:
    """What kind of return this is, what its seal says, and the faults to tell."""
    properties = grid.properties
    mark = seal.claimed(properties)
    if any(fault.kind == FaultKind.FOREIGN for fault in filing.faults) and mark is None:
        return "unofficial", None, []
    if mark is None:
        seal_left = seal.present(properties)
        detail = (
            "封印残缺，读不出" if seal_left else "没有封印：不是本批次下发的工作簿，或封印被删去"
        )
        return ("tampered" if seal_left else "unsealed"), None, [Fault(FaultKind.SEAL, detail)]
    if mark.campaign != register.campaign:
        detail = f"封印属于另一个申报批次“{mark.title[:40]}”，不是本批次下发的工作簿"
        return "foreign", mark, [Fault(FaultKind.SEAL, detail)]
    if not seal.genuine(properties, register.key, register.seals):
        return (
            "tampered",
            None,
            [Fault(FaultKind.SEAL, "封印的签名不真：封印被改动过，或不出自本批次")],
        )
    if mark.unit not in register.names:
        detail = f"封印上的单位 {mark.unit} {mark.name} 不在本批次的名单上"
        return "unlisted", mark, [Fault(FaultKind.UNIT, detail, found=mark.unit)]
    faults = list(changed(filing, mark, register.edition))
    if faults:
        return "tampered", mark, faults
    return "genuine", mark, []


def changed(filing: Filing, mark: seal.Seal, edition: Edition) -> Iterator[Fault]:
    """Each prefilled value that is not what was sealed."""
    for form in filing.forms:
        spec = edition[form.kind]
        for id_, expected in mark.prefilled.get(form.kind, {}).items():
            entry = form[id_]
            # A project sheet that a unit added may lack what was printed; another value is a
            # change.
            added = form.kind == "project" and entry.blank
            if id_ in spec and not added and not _same(form, id_, expected):
                written = entry.text or ("" if entry.value is None else str(entry.value))
                detail = f"下发时封住的“{spec[id_].label}”被改动"
                if not written.strip():
                    detail += "（现在空着）"
                yield Fault(FaultKind.SEAL, detail, entry.place, id_, written, expected)


def _same(form: Form, id_: str, expected: str) -> bool:
    entry: Entry = form[id_]
    if isinstance(entry.value, Decimal):
        try:
            return entry.value == Decimal(expected)
        except InvalidOperation:
            return False
    return ("" if entry.value is None else str(entry.value).strip()) == expected.strip()


def _other_unit(filing: Filing, unit: str, register: Register) -> str:
    """The unit whose name stands on the form, where that is not the seal's."""
    if not filing.unit or (unit and filing.unit == register.names[unit]):
        return ""
    return register.unique.get(filing.unit, "")


_TOKEN = re.compile(r"[0-9A-Za-z]+")


def named_unit(name: str, register: Register, own: str = "") -> str:
    """The one other unit that a file's name speaks of;
    empty where it fits the own unit or says nothing.

    Of a file that is nobody's by its seal, what it was sent in (a folder, an archive) speaks too.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    named = _named_in(path.stem, register, own)
    if named or own:
        return named
    sent_in = (_unit_of_folder(parent.name, register) for parent in path.parents)
    return next((unit for unit in sent_in if unit), "")


_ARCHIVE = re.compile(r"\.zip$", re.IGNORECASE)
_AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")


def _unit_of_folder(name: str, register: Register) -> str:
    """The unit whose code is in the name of a folder or an archive, or whose name it is: one that
    is only mentioned there may have collected it."""
    stem = _ARCHIVE.sub("", name)
    tokens: set[str] = set(_TOKEN.findall(stem))
    codes = {token for token in tokens if len(token) > 4 and token in register.names}
    if len(codes) == 1:
        return codes.pop()
    return register.unique.get(stem, "") or register.unique.get(_AROUND.sub("", stem), "")


def _named_in(stem: str, register: Register, own: str) -> str:
    tokens: set[str] = set(_TOKEN.findall(stem))
    if own and (own in tokens or register.names[own] in stem):
        return ""
    by_code = {token for token in tokens if token in register.names and token != own}
    # Short numbers are years, months and copies more often than units, unless the name stands there
    # too.
    by_code = {code for code in by_code if len(code) > 4 or register.names[code] in stem}
    if len(by_code) == 1:
        return by_code.pop()
    names_in_stem = [
        n for n in register.unique if len(n) > 2 and n in stem and register.unique[n] != own
    ]
    longest = max(names_in_stem, key=len, default="")
    if longest and own and _only_mentioned(longest, stem, own, register):
        return ""
    return register.unique.get(longest, "")


# Whom a file is sent to or who asked for it stands in its name as often as whose it is.
_TO = re.compile(r"(报|送|呈|致|给|交|抄)$")
_BY = re.compile(r"^(要|收|转|下发|印发|布置|通知|审|批|预算|[^，。（）()_\-\s]{0,4}[股科室处])")
_PLACE = re.compile(r"^.*?[省市县区旗州镇乡]")


def _only_mentioned(name: str, stem: str, own: str, register: Register) -> bool:
    """Whether a file's name speaks of another unit as addressee,
    asker or superior of the own one."""
    if name == register.superiors.get(own):
        return True
    before, _, after = stem.partition(name)
    if _TO.search(before) or _BY.search(after):
        return True
    short = _PLACE.sub("", register.names[own])
    return len(short) > 2 and short in before + " " + after and bool(before)


# What each process of a run works with.
_register: Register | None = None


def set_up(register: Register) -> None:
    global _register
    _register = register


def received_size(item: tuple[bytes, str]) -> int:
    """The bytes of a received file: how long it may take goes by them."""
    return len(item[0])


def judge_one(item: tuple[bytes, str]) -> Judgement:
    """`judge` in a process of a run."""
    assert _register is not None
    return judged(*item, _register)


def judged(data: bytes, name: str, register: Register) -> Judgement:
    """`judge`, and of its result only what the ledger keeps."""
    judgement = judge(data, name, register)
    # What the ledger keeps is a tenth of the filing, and quicker on its way to the main process.
    values = judged_values(judgement, register.edition)
    return dataclasses.replace(judgement, values=values, filing=_NOTHING, findings=(), balance=None)


_NOTHING = Filing("")


def judged_values(judgement: Judgement, edition: Edition) -> dict[str, str]:
    """What the ledger keeps of a judgement: the file by itself, whatever else the unit returned."""
    findings = sorted(judgement.findings, key=weight)
    figures = figures_of(judgement.filing, edition, judgement.balance)
    return {
        "kind": judgement.kind,
        "unit": judgement.unit,
        "verdict": verdict(findings),
        "findings": msgspec.json.encode([finding_result(finding) for finding in findings]).decode(),
        "figures": msgspec.json.encode(figures).decode(),
        "content": figures.content,
        "seal": judgement.seal,
        "stamp": judgement.stamp,
    }
