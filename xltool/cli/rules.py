"""`xltool rules`: the rule book, one rule explained, and the reference page."""

from __future__ import annotations

import difflib

import click

from xltool.cli._command import command
from xltool.cli._output import echo_text
from xltool.editions.declaration import asked_edition
from xltool.errors import XltoolError


@command()
@click.argument("code", metavar="[代码]", default="")
@click.option("--edition", default="", help="另列出对这个版式（编号或文件夹）不适用的规则。")
@click.option("--markdown", is_flag=True, help="打印整本规则的 Markdown（docs/rules.md 就是它）。")
def rules(code: str, edition: str, markdown: bool) -> None:
    """列出审核规则；给出代码时讲解这一条：说什么、为什么、怎么改、一个错的和一个对的例子。

    例：xltool rules I405
    """
    from xltool.checks.engine import rules as book
    from xltool.reports import rulebook

    every = book()
    if markdown:
        echo_text(rulebook.markdown(every))
        return
    if not code:
        chosen_edition = asked_edition(edition)
        silent = {
            c: lacks
            for c, rule in every.items()
            if chosen_edition is not None and (lacks := rule.lacks(chosen_edition))
        }
        for title, family in rulebook.families({c: r for c, r in every.items() if c not in silent}):
            click.secho(title, bold=True)
            for rule in family:
                click.echo(f"  {rulebook.line(rule)}")
        if silent and chosen_edition is not None:
            click.secho(f"对版式“{chosen_edition.id}”不适用（表上没有要审的栏）", bold=True)
            for c, lacks in silent.items():
                click.echo(f"  {rulebook.line(every[c])}　没有：{'、'.join(lacks)}")
        return
    if code.upper() not in every:
        near = difflib.get_close_matches(code.upper(), every, 1, 0.5)
        raise XltoolError(f"没有规则“{code}”" + (f"，是否想看“{near[0]}”？" if near else ""))
    click.echo(rulebook.page(every[code.upper()]))
