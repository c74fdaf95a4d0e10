"""What this user's desk knows of the bureau: its settings, and each unit's filing of last year.

One place for the ribbon, the panel and `xltool live`, so that the verdict equals the bureau's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from xltool.campaign.sealing.seal import claimed
from xltool.checks.engine import known_settings
from xltool.checks.settings import (
    Settings,
    copy_settings,
    load_settings,
    user_file,
    with_departures,
)
from xltool.errors import XltoolError, why
from xltool.excel.places import desk_folder
from xltool.files.atomic import writing
from xltool.model import Filing
from xltool.reading.last_year import LastYear, doubt


def house_rules(properties: Mapping[str, str] | None = None) -> Settings:
    """The settings that a workbook of these document properties is judged by. Raises SettingsError.

    One that a bureau sent out carries its settings in the seal; any other follows this user's own
    settings, else the shipped ones. The seal can't be verified here: who bends it deceives himself
    alone, for the bureau judges what comes back by its own settings.
    """
    own = load_settings(own_settings())
    seal = claimed(properties or {})
    if seal is None:
        return own
    return with_departures(seal.settings, own)


def own_settings() -> Path | None:
    """The file of this user's own settings, None where the shipped ones hold."""
    return user_file() if user_file().is_file() else None


def take_settings(file: Path) -> str:
    """Use these settings from now on; their short mark.
    Raises SettingsError where they are none."""
    known_settings(load_settings(file))
    try:
        copy_settings(file, user_file())
    except OSError as error:
        raise XltoolError(f"读不了“{file}”：{why(error)}") from error
    return settings_mark()


def drop_settings() -> None:
    """Use the shipped settings again; what was used is kept beside."""
    own = user_file()
    if own.is_file():
        own.replace(own.with_name("settings-停用.toml"))


def settings_mark() -> str:
    """By which two desks see on the telephone whether they judge alike;
    empty for the shipped settings."""
    try:
        return hashlib.sha256(user_file().read_bytes()).hexdigest()[:8]
    except OSError:
        return ""


def _former() -> Path:
    return desk_folder() / "last_year.json"


def _known() -> dict[str, str]:
    try:
        return msgspec.json.decode(_former().read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError):
        return {}


def remember_last_year(filing: Filing, file: Path) -> None:
    """Compare this unit's filing of this year with that file from now on."""
    with writing(_former(), "wb") as out:
        out.write(msgspec.json.encode(_known() | {_unit_year(filing): str(file)}))


def last_year(filing: Filing) -> tuple[Filing | None, str]:
    """The unit's earlier filing that was chosen at this desk, None where none was; and what a
    person must know: why the chosen one is not compared with, or may be the wrong one."""
    chosen = _known().get(_unit_year(filing), "")
    if not chosen:
        return None, ""
    try:
        former = read_former(Path(chosen))
    except XltoolError as error:
        return None, f"没有与上年对比：{error}；请再点一次“对比上年”"
    return former, doubt(filing, former)


def read_former(file: Path) -> Filing:
    """An earlier filing. Raises XltoolError where the file holds none."""
    former = LastYear(file).of(Filing(""))
    if former is None:  # a folder; one workbook that is named is always an answer
        raise XltoolError(f"请选一个工作簿，不是文件夹：{file}")
    return former


def _unit_year(filing: Filing) -> str:
    return f"{filing.unit}|{filing.year or ''}"
