"""A campaign with something for every changing command to do, and a kill −9 in the midst of one."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xltool
from tests.support.campaign import Bureau, fill_in, sent_workbooks, write_units
from xltool.campaign.ledger.campaign_folder import Campaign, open_campaign
from xltool.campaign.ledger.transfer import export_campaign, import_campaign
from xltool.campaign.ledger.trusted_keys import trust
from xltool.campaign.returns.collection import collect
from xltool.campaign.returns.deadlines import extend
from xltool.campaign.returns.decisions import accept, withdraw
from xltool.campaign.returns.status import status
from xltool.campaign.rollup.record import rollup_json
from xltool.campaign.rollup.summation import rollup
from xltool.campaign.sending.branch import new_branch, own_fingerprint, submit
from xltool.campaign.sending.distribution import distribute

PASSWORD = "口令"
NEVER = 10**6

# The command dies at the nth file that takes its place, or statement that changes the ledger; where
# it comes to its end, it says how many there were.
_KILLED = """
import atexit, os, pathlib, signal, sqlite3, sys
left = int(sys.argv[1])
begun = left
def count():
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
def counted(replace):
    return lambda source, goal: (count(), replace(source, goal), count())[1]
pathlib.Path.replace, os.replace = counted(pathlib.Path.replace), counted(os.replace)
connect = sqlite3.connect
def traced(*given, **named):
    base = connect(*given, **named)
    changing = ("BEGIN", "INSERT", "UPDATE", "COMMIT")
    base.set_trace_callback(lambda text: count() if text.startswith(changing) else None)
    return base
sqlite3.connect = traced
atexit.register(lambda: print(f"points {begun - left}", file=sys.stderr))
from xltool.cli import main
sys.exit(main(sys.argv[2:]))
"""

BUREAU = {
    "distribute": ["distribute"],
    "distribute again": ["distribute", "--again", "0001001", "0001002"],
    "collect": ["collect", "../来", "--pristine", "干净"],
    "collect a withdrawal": ["collect", "../区报.zip"],
    "update": ["campaign", "update", "../新.xlsx"],
    "rename": ["campaign", "rename", "0001002", "新名", "--reason", "改名"],
    "move": ["campaign", "move", "0001002", "第9区", "--reason", "区划"],
    "merge": ["campaign", "merge", "0001001", "0001002", "--reason", "合并"],
    "abolish": ["campaign", "abolish", "0001001", "--reason", "撤销"],
    "exempt": ["campaign", "exempt", "0001001", "--reason", "免报"],
    "recheck": ["campaign", "recheck"],
    "accept": ["campaign", "accept", "--district", "第1区", "--note", "同意"],
    "return": ["campaign", "return", "0001001", "--note", "重报"],
    "reopen": ["campaign", "reopen", "0001004", "--reason", "重开"],
    "withdraw": ["campaign", "withdraw", "0001002", "--reason", "撤回"],
    "choose": ["campaign", "choose", "0001002", "1"],
    "notes": ["campaign", "notes", "--queries"],
    "undo": ["campaign", "undo"],
    "extend": ["campaign", "extend", "2024-02-01", "--reason", "延期"],
    "last-year": ["campaign", "last-year", "../去年"],
    "letters": ["campaign", "letters"],
}
DISTRICT = {
    "receive": ["campaign", "receive", "../又下发.zip"],
    "forward": ["distribute"],
    "district collects": ["collect", "../来"],
    "submit": ["campaign", "submit", "-o", "../上报.zip"],
}
CASES = {**BUREAU, **DISTRICT}
# Done once more nothing of these is done twice, so they are always run again.
ALWAYS_AGAIN = {
    "distribute", "distribute again", "collect", "collect a withdrawal", "update", "recheck", "last-year",
    "letters", *DISTRICT,
}  # fmt: skip


@dataclass(frozen=True)
class Prepared:
    """What a case begins with: a folder with what it reads, and its campaign as an archive."""

    folder: Path

    def campaign(self, case: str, name: str) -> Campaign:
        """A fresh copy of the campaign that this case changes."""
        archive = self.folder / ("区.zip" if case in DISTRICT else "存.zip")
        return import_campaign(archive, self.folder / name, PASSWORD)


def prepare(folder: Path) -> Prepared:
    """A bureau with an accepted unit, two returns, a list that changed since;
    and a district's ledger."""
    bureau = Bureau(folder, 1, 4)
    codes, sent = bureau.codes, bureau.sent
    bureau.hand_in("先", {f"{code}.xlsx": fill_in(sent[code]) for code in codes[:2]}, when=1.7e9)
    (folder / "来").mkdir()
    other = {"department.goal": "目标1：修好县内小型水库并通过县级验收。"}
    for n, code in enumerate(codes[:3]):
        (folder / "来" / f"{code}.xlsx").write_bytes(fill_in(sent[code], other if n else {}))
    (folder / "去年").mkdir()
    earlier = fill_in(sent[codes[0]], {"department.year": "2023"})
    (folder / "去年" / f"{codes[0]}.xlsx").write_bytes(earlier)
    _prepare_district(folder, bureau)
    bureau.hand_in("再", {f"{codes[3]}.xlsx": fill_in(sent[codes[3]])}, when=1.7e9)
    accept(bureau.campaign, [codes[3]])
    bureau.rows[2][7] = "777.00"
    write_units(folder / "新.xlsx", bureau.rows)
    with bureau.campaign.ledger.writing(), bureau.campaign.ledger.transaction():
        for change in (
            "UPDATE units SET contact = '乙' WHERE code = '0001001'",
            "UPDATE units SET prefilled = '{\"general\":\"600\"}' WHERE code = '0001003'",
        ):
            bureau.campaign.ledger.base.execute(change)
    extend(bureau.campaign, dt.date(2024, 1, 20), [], reason="定下")
    export_campaign(bureau.campaign, folder / "存.zip", PASSWORD)
    return Prepared(folder)


def _prepare_district(folder: Path, bureau: Bureau) -> None:
    """The district's ledger: not handed on yet, one return, one withdrawn;
    and what the bureau sends it."""
    outbox = bureau.campaign.folder / "下发"
    district = new_branch(folder / "区", outbox / "第1批" / "第1区.zip")
    (folder / "区报").mkdir()
    for code in bureau.codes[:2]:
        (folder / "区报" / f"{code}.xlsx").write_bytes(fill_in(bureau.sent[code]))
        os.utime(folder / "区报" / f"{code}.xlsx", (1.7e9, 1.7e9))
    collect(district, [folder / "区报"])
    withdraw(district, bureau.codes[:1], "区里重审")
    trust(bureau.campaign, [own_fingerprint(district)])
    submit(district, folder / "区报.zip")
    export_campaign(district, folder / "区.zip", PASSWORD)
    # Another workbook for the last unit, of a bureau that is a copy: the prepared one has not sent
    # it.
    export_campaign(bureau.campaign, folder / "先.zip", PASSWORD)
    later = import_campaign(folder / "先.zip", folder / "后", PASSWORD)
    with later.ledger.writing(), later.ledger.transaction():
        later.ledger.base.execute(
            "UPDATE units SET prefilled = '{\"general\":\"900\"}' WHERE code = '0001004'"
        )
    [(_, parcel, _)] = distribute(later).parcels
    parcel.rename(folder / "又下发.zip")


def outcome(campaign: Campaign) -> tuple[Any, ...]:
    """What anybody relies on; times and names of runs left out."""
    ledger = campaign.ledger
    counted = {code: row["sha256"] for code, row in ledger.counted().items()}
    issues = {
        code: (row["number"], row["digest"], row["batch"]) for code, row in ledger.issues().items()
    }
    states = [(s.unit, s.state, s.versions) for s in status(campaign).standings]
    sent = {code: len(data) for code, data in sent_workbooks(campaign.folder / "下发").items()}
    deeds = sorted({(d.action, d.unit, d.reason) for d in ledger.deeds()})
    made = sorted(
        path.relative_to(campaign.folder).as_posix()
        for name in ("退回意见", "批复", "干净", "上年申报", "下发")
        for path in (campaign.folder / name).rglob("*")
        if path.is_file() and not path.name.startswith(".")
    )
    sums = rollup_json(rollup(campaign))["whole"] if counted else {}
    return counted, issues, states, sent, deeds, made, sums


def run(folder: Path, command: list[str], at: int) -> subprocess.CompletedProcess[str]:
    """The command in a campaign's folder, killed at this point, if it comes so far."""
    given = [sys.executable, "-c", _KILLED, str(at), *command]
    environment = {**os.environ, "PYTHONPATH": str(Path(xltool.__file__).parents[1])}
    return subprocess.run(given, cwd=folder, capture_output=True, text=True, env=environment)


def calm_run(prepared: Prepared, case: str) -> tuple[tuple[Any, ...], int]:
    """What comes of a case when nothing disturbs it, and at how many points it can be killed."""
    campaign = prepared.campaign(case, f"{case}-全")
    campaign.ledger.close()
    done = run(campaign.folder, CASES[case], NEVER)
    assert done.returncode in (0, 1), (case, done.stderr)
    campaign = open_campaign(campaign.folder)
    right = outcome(campaign)
    campaign.ledger.close()
    return right, int(done.stderr.rpartition("points ")[2])


def killed_run(prepared: Prepared, case: str, right: tuple[Any, ...], at: int) -> None:
    """Kill a case there and run it again:
    whole in between, and in the end as if nothing had been."""
    campaign = prepared.campaign(case, f"{case}-{at}")
    campaign.ledger.close()
    cut = run(campaign.folder, CASES[case], at)
    assert cut.returncode == -signal.SIGKILL, (case, at, cut.stderr)
    campaign = open_campaign(campaign.folder)  # whole: the integrity check passes
    halfway = outcome(campaign)
    campaign.ledger.close()
    if halfway != right or case in ALWAYS_AGAIN:
        finished = run(campaign.folder, CASES[case], NEVER)
        assert finished.returncode in (0, 1), (case, at, finished.stderr)
    campaign = open_campaign(campaign.folder)
    assert outcome(campaign) == right, (case, at)
    campaign.ledger.close()
