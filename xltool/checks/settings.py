"""Thresholds that no text fixes: one commented TOML file that a bureau edits."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from xltool.errors import XltoolError, why
from xltool.files.atomic import writing
from xltool.files.declarations import declared, read_declaration
from xltool.files.places import own_folder
from xltool.library import LibraryError, load_library
from xltool.model import Severity

SHIPPED = Path(__file__).parent / "settings.toml"


# The rules that are new: shown, and not counted until a bureau takes them over.
TRIAL = (
    "P211", "I416", "I417", "I418", "I419", "I420", "I421", "I422", "X509", "X510",
)  # fmt: skip


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
    satisfaction_least: int = 60
    library: str = ""
    trial: tuple[str, ...] = TRIAL
    off: tuple[str, ...] = ()
    severity: dict[str, Severity] = {}


class SettingKey(NamedTuple):
    """One key of the settings: its name, its shipped value as TOML, what it is for (in Chinese)."""

    name: str
    shipped: str
    meaning: str


def user_file() -> Path:
    """This user's own settings, where there are any: they hold where a command names none."""
    return own_folder() / "settings.toml"


def keys() -> list[SettingKey]:
    """Every key with the remark above it in the shipped file; keys without a gap share one."""
    setting_keys: list[SettingKey] = []
    remark: list[str] = []
    for line in SHIPPED.read_text("utf-8").splitlines():
        name, sign, value = line.partition("=")
        if line.startswith("#"):
            remark.append(line.removeprefix("#").strip())
        elif sign:
            setting_keys.append(SettingKey(name.strip(), value.strip(), "\n".join(remark)))
        else:
            remark = []
    return setting_keys


def written(value: Any) -> str:
    """A value as TOML."""
    if isinstance(value, dict):
        inner = ", ".join(f"{_bare(key)} = {written(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, str):
        return f'"{value}"'
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bare(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else f'"{key}"'


def markdown() -> str:
    """The page of all keys."""
    lines = [
        "# 审核设置", "",
        "没有哪份读得到的文件规定这些数，所以由财政部门自己定。本页由 `xltool settings show --markdown` 生成。",
        "",
        "写一个文本文件（UTF-8，TOML），只写要改的键，其余用自带的值：", "",
        "```toml", 'long_text_max = 1500', 'severity = { P205 = "note" }', "```", "",
        "| 放在哪里 | 管什么 |", "|---|---|",
        "| `--settings 文件` | 这一次：check、watch、batch、page、export、demo、campaign new |",
        "| 本机的设置：`xltool settings use 文件` | 这台电脑上没有写 `--settings` 的命令，功能区也用它 |",
        "| 批次文件夹里的 `settings.toml` | 这个批次的 collect、recheck：建批次时由前两者定下，"
        "以后用 `xltool campaign recheck --settings 文件` 换 |",
        "| 下发的工作簿里（封印） | 功能区审核这个工作簿：按下发时批次的设置，与财政部门的结论一致 |", "",
        "现在按什么审：`xltool settings show`；检查一份：`xltool settings check 文件`；"
        "不再用本机的：`xltool settings use --shipped`。"
        "交叉平衡（`balance`）没有可设的数。", "",
        "| 键 | 自带的值 | 管什么 |", "|---|---|---|",
    ]  # fmt: skip
    for key in keys():
        meaning = key.meaning.replace("\n", "<br>").replace("|", "\\|")
        lines.append(f"| `{key.name}` | `{key.shipped}` | {meaning} |")
    return "\n".join(lines) + "\n"


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
    data = read_declaration(file, SettingsError)
    known_keys = [field.name for field in msgspec.structs.fields(Settings)]
    for key in data:
        if key not in known_keys:
            import difflib

            near = difflib.get_close_matches(key, known_keys, 1, 0.5)
            raise SettingsError(
                f"{file}：没有设置“{key}”" + (f"，是否想写“{near[0]}”？" if near else "")
            )
    settings = declared(data, Settings, file, SettingsError)
    return _with_library(file, settings) if settings.library else settings


# A name and no path: the library goes with the settings wherever they are copied, and nowhere else.
LIBRARY_NAME = re.compile(r"指标库[^/\\:*?\"<>|]{0,60}\.(?i:xlsx|toml)")


def _with_library(file: Path, settings: Settings) -> Settings:
    """The settings with the whole path of their indicator library, which must be readable."""
    if not LIBRARY_NAME.fullmatch(settings.library):
        raise SettingsError(
            f"{file}：library 写设置文件旁边的文件名，以“指标库”开头，如“指标库.xlsx”，"
            f"不是“{settings.library}”"
        )
    path = file.parent / settings.library
    try:
        load_library(path)
    except LibraryError as error:
        raise SettingsError(f"{file}：{error}") from error
    return msgspec.structs.replace(settings, library=str(path))


def departures(settings: Settings) -> dict[str, Any]:
    """What differs from the shipped values, as JSON has it (a seal is read back from it); of the
    indicator library, its file's name."""
    values, shipped = (
        msgspec.json.decode(msgspec.json.encode(each)) for each in (settings, Settings())
    )
    values["library"] = Path(settings.library).name
    return {key: value for key, value in values.items() if value != shipped[key]}


def with_departures(values: dict[str, Any], own: Settings) -> Settings:
    """The shipped values with these departures, as another desk has them.

    The indicator library is a file: `own` lends its own where it has the name that is meant. Raises
    SettingsError.
    """
    settings = declared(values, Settings, Path("下发的设置"), SettingsError)
    same = bool(settings.library) and Path(own.library).name == settings.library
    return msgspec.structs.replace(settings, library=own.library if same else "")


def copy_settings(file: Path, destination: Path) -> None:
    """Copy a settings file and the indicator library that it names. Raises SettingsError."""
    library = load_settings(file).library
    if library and (beside := destination.parent / Path(library).name) != Path(library):
        data = Path(library).read_bytes()
        with writing(beside, "wb") as copy:
            copy.write(data)
    data = file.read_bytes()
    with writing(destination, "wb") as copy:
        copy.write(data)
