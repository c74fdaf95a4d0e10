"""`xltool live` and `xltool panel`: the ribbon's buttons without any macro."""

from __future__ import annotations

import click

from xltool.cli._command import command, guess
from xltool.cli._output import table


@command()
@click.argument("button", metavar="[按钮]", required=False)
@click.option("--book", default="", help="哪个工作簿（名称）；不写就是正在用的那个。")
def live(button: str | None, book: str) -> None:
    """对正在运行的 Excel 按一下功能区的按钮（名称或编号）；不写就列出全部按钮。"""
    from xltool.excel.ribbon import labels, press

    if button is None:
        rows = [(control.id, control.group, control.label, control.tip) for control in labels()]
        table(("编号", "组", "按钮", "做什么"), rows)
        return
    by_label = {control.label: control.id for control in labels()}
    guess(click.get_current_context(), button, [*by_label, *by_label.values()], "按钮", 0.5)
    click.echo(press(by_label.get(button, button), book))


@command()
def panel() -> None:
    """一个总在最前面的小窗口，按钮与功能区相同，不用宏。"""
    from xltool.excel.panel import show

    show()
