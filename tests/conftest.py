"""Shared by all tests. With XLTOOL_NO_SKIP set (CI) a skipped test is a failed test;
no test is timed."""

import os
import tempfile

import pytest
from hypothesis import settings

# What commands note of the files they wrote stays out of the home of whoever runs the tests.
_STATE = tempfile.TemporaryDirectory(prefix="state-")
os.environ["XDG_STATE_HOME"] = _STATE.name

# How long an example takes says something of the machine, not of the code.
settings.register_profile("steady", deadline=None)
# The same with fewer examples: for further Pythons and versions, where the question is whether it
# runs at all.
settings.register_profile("quick", deadline=None, max_examples=8)
settings.load_profile("quick" if os.environ.get("XLTOOL_QUICK") else "steady")

# Fixtures that start a program of their own, and modules that start processes or whole
# environments.
HEAVY_FIXTURES = {"calc", "engine", "app", "browser", "_chromium", "office", "validator", "at_work"}
HEAVY_MODULES = {
    "test_batch",
    "test_cluster",
    "test_habits",
    "test_inside",
    "test_template_live",
    "test_watch",
}


def pytest_collection_modifyitems(items):
    """Mark what `-m "not heavy"` leaves out."""
    for item in items:
        if HEAVY_FIXTURES & set(item.fixturenames) or item.path.stem in HEAVY_MODULES:
            item.add_marker(pytest.mark.heavy)


pytest_plugins = (
    "tests.support.browser",
    "tests.support.office",
    "tests.support.page",
    "tests.support.validator",
)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("XLTOOL_NO_SKIP") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may skip: {report.longrepr}"
