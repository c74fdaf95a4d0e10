"""How a campaign's tables look: as official ones do, for printing and passing on."""

from __future__ import annotations

from xltool.xlsx.table_frame import Look

TITLE, HEAD, TEXT = "方正小标宋简体", "黑体", "宋体"

OFFICIAL = Look(
    base={"font_name": TEXT, "font_size": 10.5, "valign": "vcenter"},
    text={"border": 1, "text_wrap": True, "align": "left"},
    number={"border": 1, "align": "center"},
    amount={"border": 1, "align": "right", "num_format": "#,##0.00"},
    link={"border": 1, "align": "left", "font_color": "#1F3864"},
    head={"font_name": HEAD, "border": 1, "align": "center", "text_wrap": True, "bg_color": "#EDEDED"},
    title={"font_name": TITLE, "font_size": 18, "align": "center"},
    line={"align": "left"},
    footer='&C&"宋体,Regular"&9第 &P 页 共 &N 页',
    heading_heights=(36, 20),
    head_height=24,
    line_height=15,
    row_margin=4,
    least_height=20,
    ruled=True,
)  # fmt: skip
# A cell that is open for whoever receives the sheet.
ANSWER_STYLE = {"bg_color": "#FFF8DC", "locked": False}
