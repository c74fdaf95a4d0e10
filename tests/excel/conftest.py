"""A live Calc for this process, started when the first test asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.calc.office import Office, why_absent


@pytest.fixture(scope="session")
def calc() -> Iterator[Office]:
    reason = why_absent()
    if reason:
        pytest.skip(reason)
    with Office() as running:
        yield running


@pytest.fixture(scope="session")
def engine(calc):
    import xlwings as xw

    from tests.support.calc.engine import CountedApp
    from xltool.excel.hosts.libreoffice.engine import Engine

    made = Engine(CountedApp(calc))
    xw.engines.add(xw.Engine(impl=made))
    return made


@pytest.fixture
def app(engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The live Calc with nothing open; the log goes to the test's own folder."""
    import xlwings as xw

    monkeypatch.setenv("APPDATA", str(tmp_path / "roaming"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "own"))
    xw.engines["libreoffice"].activate()
    app = engine.apps.running[0]
    app.reset()
    yield app
    try:
        app.reset()
    except Exception:
        if app.office.alive:
            raise
        # LibreOffice itself fell over, as it does once in many hundred closings: no fault of the
        # test.
        app.office.restart()
