"""`xltool settings`: which settings are in force, what each means,
and whether a file can be used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from xltool.cli._command import command_group, force_option
from xltool.cli._output import echo, echo_json, echo_text

if TYPE_CHECKING:
    from xltool.checks.settings import Settings

_file = click.Path(dir_okay=False, path_type=Path)
_folder = click.Path(file_okay=False, path_type=Path)


@command_group()
def settings() -> None:
    """审核设置：看现在按什么审、检查一份设置、设为本机的设置。

    先后：命令里写的 --settings；没写用本机的设置；没有就用自带的。批次用批次文件夹里的那一份，建批次时定下。
    """


@settings.command()
@click.option("--settings", "given", type=_file, help="看这份设置。")
@click.option("--campaign", "campaign", type=_folder, help="看这个批次的设置。")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON，供程序读取。")
@click.option("--markdown", is_flag=True, help="打印各个键的说明（docs/settings.md 就是它）。")
def show(given: Path | None, campaign: Path | None, as_json: bool, markdown: bool) -> None:
    """列出现在的设置：每个键的值、自带的值、管什么。

    例：xltool settings show

    例：xltool settings show --campaign 2024年申报
    """
    from xltool.checks import settings as house

    if markdown:
        echo_text(house.markdown())
        return
    file = _in_force(given, campaign)
    now = house.load_settings(file)
    if as_json:
        import msgspec

        values = msgspec.to_builtins(now)
        echo_json({"file": str(file) if file else None, "settings": values})
        return
    echo(f"设置：{file or '自带的'}")
    for line in _lines(now):
        echo(line)


@settings.command()
@click.argument("file", metavar="设置文件", type=_file)
def check(file: Path) -> int:
    """检查一份设置：键名、值、规则代码、类别都对不对。

    退出码：0 能用，2 不能用。

    例：xltool settings check 我的设置.toml
    """
    from xltool.checks.engine import known_settings
    from xltool.checks.settings import load_settings

    now = load_settings(file)
    known_settings(now)
    _known_categories(now)
    changed = [line for line in _lines(now) if line.startswith("*")]
    echo(f"“{file}”能用，与自带的不同的有 {len(changed)} 项")
    for line in changed:
        echo(line)
    return 0


@settings.command()
@click.argument("file", metavar="[设置文件]", type=_file, required=False)
@click.option("--shipped", is_flag=True, help="不再用本机的设置，回到自带的。")
@force_option
def use(file: Path | None, shipped: bool) -> None:
    """设为本机的设置：以后没有写 --settings 的命令都用它。

    例：xltool settings use 我的设置.toml
    """
    from xltool.checks.engine import known_settings
    from xltool.checks.settings import copy_settings, load_settings, user_file

    own = user_file()
    if shipped == (file is not None):
        raise click.UsageError("请写一份设置文件，或者 --shipped。")
    if file is None:
        aside = own.with_name("settings-停用.toml")
        if own.is_file():
            own.replace(aside)
            echo(f"改用自带的设置；原来的在 {aside}")
        else:
            echo("本机没有设置，用的就是自带的")
        return
    now = load_settings(file)
    known_settings(now)
    _known_categories(now)
    copy_settings(file, own)
    echo(f"已设为本机的设置：{own}")


def _known_categories(now: Settings) -> None:
    """Every category that is named stands on some edition's forms. Raises SettingsError."""
    from xltool.checks.settings import SettingsError
    from xltool.editions.declaration import usable_editions

    blocks = {
        block.id
        for edition in usable_editions()
        for form in edition.form
        for block in form.indicators.block
    }
    for key in ("required_blocks", "at_most", "at_least", "countable"):
        for name in getattr(now, key):
            if name not in blocks:
                raise SettingsError(f"{key}：没有类别“{name}”，可写 {'、'.join(sorted(blocks))}")


def _in_force(given: Path | None, campaign: Path | None) -> Path | None:
    from xltool.checks.settings import user_file

    if given is not None:
        return given
    if campaign is not None:
        from xltool.campaign import open_campaign

        opened_campaign = open_campaign(campaign)
        opened_campaign.ledger.close()
        return opened_campaign.settings_file
    own = user_file()
    return own if own.is_file() else None


def _lines(now: Settings) -> list[str]:
    """`* key = value` where it differs from the shipped one, which is then named."""
    from xltool.checks.settings import keys, load_settings, written

    shipped = load_settings()
    lines = []
    for key in keys():
        value, usual = (written(getattr(values, key.name)) for values in (now, shipped))
        mark = " " if value == usual else "*"
        rest = "" if value == usual else f"（自带的是 {usual}）"
        lines.append(f"{mark} {key.name} = {value}{rest}　{key.meaning.splitlines()[0]}")
    return lines
