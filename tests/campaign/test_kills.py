"""kill -9 at any point of a changing command:
the ledger is whole, and the command is simply run again."""

from __future__ import annotations

import signal

import pytest

from tests.support.campaign_kills import CASES, calm_run, killed_run, prepare

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 on this system"),
]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare(tmp_path_factory.mktemp("杀"))


@pytest.mark.parametrize("case", CASES)
def test_a_command_killed_anywhere_is_simply_run_again(prepared, case):
    """In the middle, and at the last point where all is done but its end.

    benchmarks/killing_campaign.py kills a hundred times.
    """
    right, points = calm_run(prepared, case)
    assert points
    for at in sorted({points // 2, points - 1}):
        killed_run(prepared, case, right, at)
