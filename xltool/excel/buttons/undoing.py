"""审核: the last step undone."""

from __future__ import annotations

from xltool.errors import XltoolError
from xltool.excel import undo
from xltool.excel.ribbon import button, desk
from xltool.files.display import first_few


@button()
def undo_last() -> str:
    """Put the workbook back to what it was before the last button that wrote into it."""
    session = desk()
    folder = undo.last(session)
    if folder is None:
        raise XltoolError(
            "没有可以撤销的步骤：只能撤销本工具的按钮写进这个工作簿的内容（另存、改名以前的不能）"
        )
    name, untouched = undo.undo(session, folder)
    if not untouched:
        return f"已撤销“{name}”，工作簿恢复到按它以前的样子"
    where = first_few(untouched, 5)
    return f"已撤销“{name}”；{where}后来有人改过，没有动"
