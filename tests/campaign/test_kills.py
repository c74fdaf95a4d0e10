"""kill -9 at any point of a changing command: the ledger is whole, and the command is simply run again."""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
import sys

import pytest

from tests.support.campaign import Bureau, fill_in, sent_workbooks, write_units
from xltool.campaign.ledger.campaign_folder import open_campaign
from xltool.campaign.ledger.transfer import export_campaign, import_campaign
from xltool.campaign.returns.deadlines import extend
from xltool.campaign.returns.status import status
from xltool.campaign.rollup.record import rollup_json
from xltool.campaign.rollup.summation import rollup

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 on this system"),
]

# The command dies at the nth file that takes its place, or statement that changes the ledger.
KILLED = """
import os, pathlib, signal, sqlite3, sys
left = int(sys.argv[1])
def count():
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
replace = pathlib.Path.replace
pathlib.Path.replace = lambda self, goal: (count(), replace(self, goal), count())[1]
connect = sqlite3.connect
def traced(*given, **named):
    base = connect(*given, **named)
    changing = ("BEGIN", "INSERT", "UPDATE", "COMMIT")
    base.set_trace_callback(lambda text: count() if text.startswith(changing) else None)
    return base
sqlite3.connect = traced
from xltool.cli import main
sys.exit(main(sys.argv[2:]))
"""

COMMANDS = {
    "distribute": ["distribute"],
    "collect": ["collect", "../来"],
    "update": ["campaign", "update", "../新.xlsx"],
    "recheck": ["campaign", "recheck"],
    "accept": ["campaign", "accept", "--district", "第1区", "--note", "同意"],
    "notes": ["campaign", "notes", "--queries"],
    "abolish": ["campaign", "abolish", "0001001", "--reason", "撤销"],
    "undo": ["campaign", "undo"],
    "extend": ["campaign", "extend", "2024-02-01", "--reason", "延期"],
    "choose": ["campaign", "choose", "0001002", "1"],
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A campaign with something for every command to do, as an archive with its key."""
    folder = tmp_path_factory.mktemp("杀")
    bureau = Bureau(folder, 1, 3)
    codes = bureau.codes
    bureau.hand_in("先", {f"{c}.xlsx": fill_in(bureau.sent[c]) for c in codes[:2]}, when=1.7e9)
    bureau.rows[2][7] = "777.00"
    write_units(folder / "新.xlsx", bureau.rows)
    (folder / "来").mkdir()
    other = {"department.goal": "目标1：修好县内小型水库并通过县级验收。"}
    for n, code in enumerate(codes):
        (folder / "来" / f"{code}.xlsx").write_bytes(fill_in(bureau.sent[code], other if n else {}))
    with bureau.campaign.ledger.writing(), bureau.campaign.ledger.transaction():
        bureau.campaign.ledger.base.execute(
            "UPDATE units SET contact = '乙' WHERE code = '0001001'"
        )
        bureau.campaign.ledger.base.execute(
            "UPDATE units SET prefilled = '{\"general\":\"600\"}' WHERE code = '0001003'"
        )
    extend(bureau.campaign, dt.date(2024, 1, 20), [], reason="定下")
    export_campaign(bureau.campaign, folder / "存.zip", "口令")
    return folder


def outcome(campaign):
    """What anybody relies on; times and names of runs left out."""
    ledger = campaign.ledger
    counted = {code: row["sha256"] for code, row in ledger.counted().items()}
    issues = {code: (row["number"], row["digest"]) for code, row in ledger.issues().items()}
    states = [(s.unit, s.state, s.versions) for s in status(campaign).standings]
    sent = {code: len(data) for code, data in sent_workbooks(campaign.folder / "下发").items()}
    deeds = sorted({(d.action, d.unit, d.reason) for d in ledger.deeds()})
    return counted, issues, states, sent, deeds, rollup_json(rollup(campaign))["whole"]


def run(folder, command, at):
    given = [sys.executable, "-c", KILLED, str(at), *command]
    return subprocess.run(given, cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_killed_anywhere_is_simply_run_again(prepared, name):
    command = COMMANDS[name]
    undisturbed = import_campaign(prepared / "存.zip", prepared / f"{name}-全", "口令")
    undisturbed.ledger.close()
    done = run(undisturbed.folder, command, 10**6)
    assert done.returncode in (0, 1), done.stderr
    again = open_campaign(undisturbed.folder)
    right = outcome(again)
    again.ledger.close()
    killed = 0
    for at in (1, 4, 7):
        campaign = import_campaign(prepared / "存.zip", prepared / f"{name}-{at}", "口令")
        campaign.ledger.close()
        cut = run(campaign.folder, command, at)
        if cut.returncode != -signal.SIGKILL:
            break
        killed += 1
        campaign = open_campaign(campaign.folder)  # whole: the integrity check passes
        halfway = outcome(campaign)
        campaign.ledger.close()
        if halfway != right or name in ("distribute", "collect", "recheck", "update"):
            finished = run(campaign.folder, command, 10**6)
            assert finished.returncode in (0, 1), finished.stderr
        campaign = open_campaign(campaign.folder)
        assert outcome(campaign) == right, at
        campaign.ledger.close()
    assert killed
