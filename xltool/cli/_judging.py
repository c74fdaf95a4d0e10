"""What commands that judge have in common:
the bureau's settings, and the filings of the year before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from xltool.cli._output import echo

if TYPE_CHECKING:
    from xltool.checks.settings import Settings
    from xltool.editions.declaration import Edition
    from xltool.model import Filing

settings_option = click.option(
    "--settings", metavar="文件", default=None, type=click.Path(dir_okay=False, path_type=Path),
    help="设置文件（TOML）；不写用本机的设置，没有就用自带的（xltool settings show 可看）。",
)  # fmt: skip
last_year_option = click.option(
    "--last-year", metavar="文件或文件夹", default=None, type=click.Path(path_type=Path),
    help="上一年的申报，用来比较；文件夹里按部门编码或名称找同一单位的。",
)  # fmt: skip


def settings_file(given: Path | None) -> Path | None:
    """The settings in force, where they are not the shipped ones;
    this machine's own are named on stderr."""
    from xltool.checks.settings import user_file

    if given is not None:
        return given
    own = user_file()
    if not own.is_file():
        return None
    echo(f"按本机的设置审核：{own}", err=True)
    return own


def house_settings(given: Path | None) -> Settings:
    """The settings to judge by. Raises SettingsError."""
    from xltool.checks.settings import load_settings

    return load_settings(settings_file(given))


def last_year(path: Path | None, edition: Edition | None) -> Callable[[Filing], Filing | None]:
    """Gives a unit's filing of the year before; says on stderr where there is none."""
    if path is None:
        return lambda filing: None
    from xltool.reading.last_year import LastYear, doubt

    earlier = LastYear(path, edition)

    def find(filing: Filing) -> Filing | None:
        filing_before = earlier.of(filing)
        while earlier.unread:
            echo(f"注意：{earlier.unread.pop(0)}", err=True)
        if words := doubt(filing, filing_before):
            name = "" if filing_before else f"“{filing.unit or filing.source}”"
            echo(f"注意：{name}{words}", err=True)
        return filing_before

    return find
