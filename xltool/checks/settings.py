"""Thresholds that no text fixes: one commented TOML file that a bureau edits."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path

import msgspec

from xltool.errors import XltoolError, why
from xltool.files.declarations import toml_fault, value_fault
from xltool.model import Severity

SHIPPED = Path(__file__).parent / "settings.toml"


class SettingsError(XltoolError):
    """A settings file that can't be used: file, key and reason in one line."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a bureau may set. Every key is explained in `settings.toml`."""

    long_text_min: int = 10
    long_text_max: int = 3000
    required_blocks: tuple[str, ...] = ("quantity", "quality", "time", "cost", "satisfaction")
    at_most: tuple[str, ...] = ("cost",)
    at_least: tuple[str, ...] = ("satisfaction",)
    countable: tuple[str, ...] = ("quantity", "cost")
    weight_total: tuple[int, ...] = (90, 100)
    weight_by_level1: dict[str, int] = {}
    trial: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    severity: dict[str, Severity] = {}


def load_settings(path: str | Path | None = None) -> Settings:
    """The settings in this file over the shipped defaults. Raises SettingsError."""
    file = Path(path) if path else SHIPPED
    try:
        # A file that is edited while a program runs is read again.
        return _load(file, file.stat().st_mtime_ns)
    except FileNotFoundError as error:
        raise SettingsError(f"没有设置文件 {file}") from error
    except OSError as error:
        raise SettingsError(f"{file}：读不了：{why(error)}") from error


@functools.lru_cache(maxsize=16)
def _load(file: Path, stamp: int) -> Settings:
    try:
        data = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}：{toml_fault(error)}") from error
    known = [f.name for f in msgspec.structs.fields(Settings)]
    for key in data:
        if key not in known:
            import difflib

            near = difflib.get_close_matches(key, known, 1, 0.5)
            raise SettingsError(
                f"{file}：没有设置“{key}”" + (f"，是否想写“{near[0]}”？" if near else "")
            )
    try:
        return msgspec.convert(data, Settings)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{file}：{'：'.join(value_fault(error))}") from error
