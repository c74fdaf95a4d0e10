"""Shared by all tests. With XLTOOL_NO_SKIP set (CI) a skipped test is a failed test; no test is timed."""

import os

import pytest
from hypothesis import settings

# How long an example takes says something of the machine, not of the code.
settings.register_profile("steady", deadline=None)
settings.load_profile("steady")

pytest_plugins = ("tests.support.browser", "tests.support.office", "tests.support.validator")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("XLTOOL_NO_SKIP") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may skip: {report.longrepr}"
