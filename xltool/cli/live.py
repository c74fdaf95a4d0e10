"""`xltool live` and `xltool panel`: the ribbon's buttons without any macro."""

from __future__ import annotations

import click

from xltool.cli._command import command


@command()
@click.argument("button", required=False)
@click.option("--book", default="", help="哪个工作簿（名称）；不写就是正在用的那个。")
def live(button: str | None, book: str) -> None:
    """对正在运行的 Excel 按一下功能区的按钮 BUTTON；不写 BUTTON 就列出全部按钮。"""
    from xltool.excel.ribbon import labels, press

    if button is None:
        from rich.console import Console
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        for head in ("BUTTON", "组", "按钮", "做什么"):
            table.add_column(head, overflow="fold")
        for one in labels():
            table.add_row(one.id, one.group, one.label, one.tip)
        Console().print(table)
        return
    by_label = {one.label: one.id for one in labels()}
    click.echo(press(by_label.get(button, button), book))


@command()
def panel() -> None:
    """一个总在最前面的小窗口，按钮与功能区相同，不用宏。"""
    from xltool.excel.panel import show

    show()
