"""What `xltool.check` and `xltool.balance` take beside a filing:
whatever a filing can be read from."""

from __future__ import annotations

from pathlib import Path

from xltool.checks import cross_totals, engine
from xltool.checks.settings import Settings, load_settings
from xltool.editions.declaration import Edition
from xltool.files.source import Source
from xltool.model import Filing, Finding
from xltool.reading.reader import read


def check(
    filing: Filing | Source,
    *,
    settings: Settings | str | Path | None = None,
    edition: Edition | None = None,
    last_year: Filing | Source | None = None,
    strict: bool = True,
) -> list[Finding]:
    """Every finding on a filing, errors first, then by form and cell.

    `filing` is a Filing, or a workbook: its path, its bytes, or a file open for reading; so is
    `last_year`, an earlier filing of the unit to compare with. `settings` are a bureau's
    thresholds, or the path of their file. A file that could not be read, or is not of an official
    form, gets that one finding only. With `strict=False` a rule that crashes becomes a finding of
    its own (R100) and the others go on. Raises XltoolError where a file can't be reached,
    SettingsError where the settings can't be used, EditionError where the edition is not known.
    """
    return engine.check(
        _filing(filing, edition),
        settings=load_settings(settings) if isinstance(settings, str | Path) else settings,
        edition=edition,
        last_year=None if last_year is None else _filing(last_year),
        strict=strict,
    )


def balance(filing: Filing | Source, edition: Edition | None = None) -> cross_totals.Balance:
    """The cross-totals of a filing, or of a workbook; amounts in the edition's unit (万元, or 元)."""
    return cross_totals.balance(_filing(filing, edition), edition)


def _filing(given: Filing | Source, edition: Edition | None = None) -> Filing:
    return given if isinstance(given, Filing) else read(given, edition=edition)
