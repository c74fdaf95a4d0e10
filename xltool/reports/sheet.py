"""How the sheets of a report look, and its links to the files."""

from __future__ import annotations

import re

from xltool.reports.run import Run
from xltool.xlsx.cell_text import sound
from xltool.xlsx.sheet_names import sheet_name_faults
from xltool.xlsx.table_frame import Look

MAX_LINK = 2_000  # characters that Excel takes
_CELL = re.compile(r"[A-Z]{1,3}\d{1,7}")
_LINK_ESCAPES = str.maketrans(
    {c: f"%{ord(c):02x}" for c in '%#?:\\"<>[]^`{}| '} | {chr(n): f"%{n:02x}" for n in range(32)}
)

# Colour by word: what is read off a sheet at a glance.
_COLOURS = {
    "有错误": "#B3261E", "错误": "#B3261E", "不平衡": "#B3261E", "待处理": "#B3261E",
    "待核实": "#8A5A00", "核实": "#8A5A00", "经非税项目调节后平衡": "#8A5A00",
    "通过": "#1B6E3C", "平衡": "#1B6E3C", "已说明": "#1B6E3C",
}  # fmt: skip

REPORT = Look(
    base={"font_name": "宋体", "font_size": 10, "valign": "top"},
    text={"text_wrap": True, "num_format": "@"},
    number={"align": "center"},
    amount={"num_format": "#,##0.00##_ ;[Red]-#,##0.00##_ "},
    link={"font_color": "#0B57D0", "underline": 1},
    head={"bold": True, "bg_color": "#E9EDF3", "bottom": 1, "text_wrap": True, "valign": "vcenter"},
    title={"bold": True, "font_size": 16, "valign": "vcenter"},
    line={"font_color": "#444444", "valign": "vcenter"},
    footer="&L&A&R第 &P 页，共 &N 页",
    heading_heights=(26, 18),
    head_height=20,
    line_height=15,  # of 宋体 10 and of the fonts that stand in for it
    words={word: {"font_color": colour, "bold": True} for word, colour in _COLOURS.items()},
)


def target(file: str, run: Run) -> str:
    """A relative link to a file as Excel writes it, safe: neither a scheme nor another machine."""
    link = "\\".join(sound(part).translate(_LINK_ESCAPES) for part in run.parts(file))
    return link if len(link) <= MAX_LINK else ""


def anchor(sheet: str, cell: str) -> str:
    """A cell as a link names it; empty where it can't be one."""
    if any(sheet_name_faults(sheet)) or not _CELL.fullmatch(cell):
        return ""
    return "'{}'!{}".format(sheet.replace("'", "''"), cell)
