"""帮助: how to fill in, what the rules say, and about."""

from __future__ import annotations

import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import xltool
from xltool.campaign.sealing.seal import claimed
from xltool.editions.declaration import Edition, editions, load_edition
from xltool.errors import XltoolError
from xltool.excel.desk_settings import drop_settings, settings_mark, take_settings
from xltool.excel.places import log_file
from xltool.excel.ribbon import button, desk, labels
from xltool.excel.session import ExcelSession
from xltool.files.atomic import writing
from xltool.model import Severity
from xltool.xlsx.workbook_reader import open_grid


@button()
def guide() -> str:
    """How to fill in the forms, as a page in the browser."""
    edition = _edition()
    rows = [(label.group, label.label, label.tip) for label in labels()]
    fields = [
        (
            form.title,
            field.label,
            f"{'必填' if field.required else '选填'}，{_KINDS[field.kind].format(edition.unit)}",
        )
        for form in edition.form
        for field in form.field
        if not field.derived
    ]
    blocks = [
        (form.title, block.level1, block.label)
        for form in edition.form
        for block in form.indicators.block
    ]
    return _show(
        "guide",
        "填报说明",
        [("按钮", ("组", "按钮", "做什么"), rows), ("要填的栏", ("表", "栏", "怎么填"), fields),
         ("指标类别", ("表", "一级指标", "二级指标"), blocks)],
    )  # fmt: skip


def _edition() -> Edition:
    """The edition of the workbook in front, the usual one where that is none of ours."""
    session = desk()
    with suppress(XltoolError), session.snapshot() as path:
        return load_edition(session.read(path).edition)
    return load_edition()


_KINDS = {
    "year": "四位年份",
    "unit": "单位全称",
    "text": "文字",
    "long": "文字，可分段",
    "amount": "金额，以{}为单位的数字",
    "period": "起止日期，如 2023年1月1日-2023年12月31日",
}


@button("xltool rules")
def rules_help() -> str:
    """Every rule of the check, as a page in the browser."""
    from xltool.checks.engine import rules

    rows = [
        (rule.code, Severity(rule.severity).label, rule.review, rule.title, rule.doc)
        for rule in rules().values()
    ]
    return _show(
        "rules", "规则说明", [("审核规则", ("代码", "级别", "审核属性", "规则", "说明"), rows)]
    )


@button("xltool settings use")
def settings() -> str:
    """Which settings the checks follow, and others in their place."""
    session = desk()
    mark = settings_mark()
    now = f"财政部门的设置（识别码 {mark}）" if mark else "随软件的设置"
    if title := _campaign(session):
        now += f"；这个工作簿是“{title}”下发的，按下发时的设置审核"
    picked = session.choose(
        f"现在用的是：{now}", ["不改", "选财政部门发的设置文件", "改用随软件的设置"]
    )
    if picked == 1:
        file = session.ask_file("设置：选财政部门发的设置文件", "设置文件 (*.toml),*.toml")
        if file is None:
            return "没有改"
        return f"以后按这份设置审核，识别码 {take_settings(file)}，可以与财政部门核对"
    if picked == 2:
        drop_settings()
        return "以后按随软件的设置审核"
    return f"{now}，没有改"


def _campaign(session: ExcelSession) -> str:
    """The title of the campaign that sent this workbook out; empty where none did."""
    if not session.has_book:
        return ""
    with suppress(XltoolError), session.snapshot() as path:
        seal = claimed(open_grid(path).properties)
        return seal.title if seal else ""
    return ""


@button("xltool --version")
def about() -> str:
    """Versions, edition, and where the log is."""
    lines = [
        f"xltool {xltool.__version__}",
        f"版式：{'、'.join(editions())}",
        f"设置：{settings_mark() or '随软件'}",
        f"日志：{log_file()}",
    ]
    text = "\n".join(lines)
    desk().tell(text)
    return text


HelpTable = tuple[str, tuple[str, ...], Sequence[tuple[str, ...]]]


def _show(name: str, title: str, tables: list[HelpTable]) -> str:
    """Write a page beside the log and open it."""
    from jinja2 import Environment

    page = Environment(autoescape=True).from_string(_PAGE).render(title=title, tables=tables)
    place = Path(log_file()).with_name(f"{name}.html")
    with writing(place) as file:
        file.write(page)
    webbrowser.open(place.as_uri())
    return f"已在浏览器里打开{title}"


_PAGE = """<!doctype html>
<html lang="zh"><meta charset="utf-8"><title>{{ title }}</title>
<style>body{font:15px/1.6 "Microsoft YaHei","Noto Sans CJK SC",sans-serif;margin:2em auto;max-width:70em}
table{border-collapse:collapse;width:100%}td,th{border:1px solid #bbb;padding:.3em .6em;text-align:left;
vertical-align:top;white-space:pre-line}th{background:#eef}</style>
<h1>{{ title }}</h1>
{% for heading, head, rows in tables %}<h2>{{ heading }}</h2>
<table><tr>{% for h in head %}<th>{{ h }}</th>{% endfor %}</tr>
{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</table>
{% endfor %}</html>
"""
