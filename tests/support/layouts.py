"""Forms drawn as tables with merged cells, then written as Word, Excel, web page:
own words throughout.

A layout is rows of cells (text, columns, rows); cells under a merge are left out.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

Cell = tuple[str, int, int]
Layout = list[list[Cell]]


def c(text: str, columns: int = 1, rows: int = 1) -> Cell:
    return (text, columns, rows)


DEPARTMENT_TITLE = "2024年部门整体支出绩效目标表"
DEPARTMENT: Layout = [
    [c("部门名称"), c("南岭县水利局", 4)],
    [c("年度预算申请\n（万元）", 1, 6), c("资金总额：860.50", 4)],
    [c("按收入性质分：", 2), c("按支出性质分：", 2)],
    [c("其中：一般公共预算：800.5", 2), c("其中：基本支出：510.5", 2)],
    [c("政府性基金拨款：60", 2), c("项目支出：350", 2)],
    [c("纳入专户管理的非税收入拨款：", 2), c("", 2)],
    [c("其他资金：", 2), c("", 2)],
    [c("部门职能\n职责概述"), c("（一）管水。\n\n（二）治河。", 4)],
    [c("整体绩效目标"), c("目标1：修好水渠。\n目标2：守住汛期。", 4)],
    [
        c("部门整体支出\n年度绩效指标", 1, 8),
        c("一级指标"),
        c("二级指标"),
        c("三级指标"),
        c("指标值及单位"),
    ],
    [c("产出指标", 1, 4), c("数量指标", 1, 2), c("维修水渠"), c("≥12公里")],
    [c("巡河\n清淤"), c("≥40次\n≥3处")],
    [c("成本指标"), c("维修费"), c("≤200万元")],
    [c("时效指标"), c("……"), c("")],
    [c("效益指标", 1, 3), c("社会效益指标"), c("受益人口"), c("≥1.2万人")],
    [c("生态效益指标"), c("……"), c("")],
    [c("社会公众或服务对象满意度"), c("村民满意度"), c("≥90%")],
]
PROJECT_TITLE = "2024年项目支出绩效目标表"
PROJECT: Layout = [
    [c("项目支出名称"), c("水渠维修", 2), c("预算部门"), c("南岭县水利局", 2)],
    [c("年度本级\n预算金额"), c("200", 2), c("该项目支出上级资金"), c("150.25", 2)],
    [c("项目支出实施期"), c("2024年1月1日-2024年12月31日", 5)],
    [c("实施期绩效目标"), c("三年修完全部干渠", 5)],
    [c("本年度绩效目标"), c("修好第一段", 5)],
    [
        c("本年度\n绩效指标", 1, 5), c("一级指标"), c("二级指标"), c("三级指标"), c("指标值及单位"),
        c("绩效标准"),
    ],
    [c("产出指标", 1, 2), c("数量指标"), c("维修水渠"), c("≥12公里"), c("计划标准")],
    [c("成本指标"), c("维修费"), c("≤200万元"), c("计划标准")],
    [c("效益指标", 1, 2), c("经济效益"), c("节约水费"), c("≥8万元"), c("历史标准")],
    [c("社会公众或服务对象满意度指标"), c("……"), c("　"), c("")],
]  # fmt: skip
FILER = "填报单位：（盖章）南岭县水利局          单位：万元"

WHOLE = [(DEPARTMENT_TITLE, DEPARTMENT), (PROJECT_TITLE, PROJECT)]


def placed(layout: Layout) -> list[tuple[int, int, Cell]]:
    """(row, column, cell), both from 0, with the merges resolved."""
    taken: set[tuple[int, int]] = set()
    found = []
    for r, row in enumerate(layout):
        column = 0
        for cell in row:
            while (r, column) in taken:
                column += 1
            taken |= {(r + i, column + j) for i in range(cell[2]) for j in range(cell[1])}
            found.append((r, column, cell))
            column += cell[1]
    return found


def size(layout: Layout) -> tuple[int, int]:
    cells = placed(layout)
    return max(r + cell[2] for r, _, cell in cells), max(k + cell[1] for _, k, cell in cells)


def write_docx(
    path: Path, forms: list[tuple[str, Layout]] = WHOLE, filer: str = FILER, ruled: bool = True
) -> Path:
    import docx

    document = docx.Document()
    for title, layout in forms:
        document.add_paragraph(title)
        document.add_paragraph(filer)
        table = document.add_table(*size(layout))
        table.style = "Table Grid" if ruled else "Normal Table"
        for r, k, (text, width, height) in placed(layout):
            cell = table.cell(r, k)
            if width > 1 or height > 1:
                cell = cell.merge(table.cell(r + height - 1, k + width - 1))
            cell.text = text
    document.add_paragraph("")
    document.save(path)
    return path


def write_html(
    path: Path, forms: list[tuple[str, Layout]] = WHOLE, filer: str = FILER, encoding: str = "utf-8"
) -> Path:
    pieces = [
        f'<html><head><meta charset="{encoding}"><script>var x="<p>x"</script></head><body><div>首页</div>'
    ]
    for title, layout in forms:
        pieces.append(f"<h2>{escape(title)}</h2><p>{escape(filer)}</p><table>")
        for row in layout:
            cells = (
                f'<td colspan="{w}" rowspan="{h}">{escape(text).replace(chr(10), "<br>")}</td>'
                for text, w, h in row
            )
            pieces.append(f"<tr>{''.join(cells)}</tr>")
        pieces.append("</table>")
    path.write_bytes("".join([*pieces, "<div>版权所有</div></body></html>"]).encode(encoding))
    return path


def _amount(text: str) -> str | float:
    return float(text) if text.replace(".", "", 1).isdecimal() else text


def write_xlsx(path: Path, forms: list[tuple[str, Layout]] = WHOLE, filer: str = FILER) -> Path:
    """Both forms one under the other on one sheet, begun away from A1."""
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    top = 3
    for title, layout in forms:
        sheet.cell(top, 2, title)
        sheet.merge_cells(start_row=top, end_row=top, start_column=2, end_column=6)
        sheet.cell(top + 1, 2, filer)
        for r, k, (text, width, height) in placed(layout):
            row, column = top + 2 + r, 2 + k
            sheet.cell(row, column, _amount(text))
            if width > 1 or height > 1:
                sheet.merge_cells(
                    start_row=row,
                    end_row=row + height - 1,
                    start_column=column,
                    end_column=column + width - 1,
                )
        top += size(layout)[0] + 4
    book.save(path)
    return path


def write_xls(path: Path, forms: list[tuple[str, Layout]] = WHOLE, filer: str = FILER) -> Path:
    """A sheet for each form."""
    import xlwt

    book = xlwt.Workbook()
    for n, (title, layout) in enumerate(forms):
        sheet = book.add_sheet(f"表{n + 1}")
        sheet.write(0, 0, title)
        sheet.write(1, 0, filer)
        for r, k, (text, width, height) in placed(layout):
            sheet.write_merge(2 + r, 1 + r + height, k, k + width - 1, _amount(text))
    book.save(str(path))
    return path


def write_tabbed(path: Path, forms: list[tuple[str, Layout]] = WHOLE, filer: str = FILER) -> Path:
    """A Word page saved as text: a tab begins a cell, a blank line a row,
    merged rows leave blanks."""
    pieces = []
    for title, layout in forms:
        pieces.append(f" {title}\n {filer}\n")
        under: set[tuple[int, int]] = set()
        for r, row in enumerate(layout):
            here = {k: cell for rr, k, cell in placed(layout) if rr == r}
            cells = [(k, here[k][0]) for k in here] + [(k, "") for rr, k in under if rr == r]
            under |= {(r + i, k) for k, cell in here.items() for i in range(1, cell[2])}
            text = "\n".join("\t" + t.replace("\n", "\n\n") for _, t in sorted(cells))
            pieces.append(f"{text}\n\n")
            assert row
    path.write_text("".join(pieces), encoding="utf-8")
    return path


def write_piped(path: Path, forms: list[tuple[str, Layout]] = WHOLE, filer: str = FILER) -> Path:
    """A scraped page: `a | b |` a row on each line, cells under a merge gone,
    shifted left and padded."""
    lines = []
    for title, layout in forms:
        lines += [title, filer]
        width = size(layout)[1]
        for row in layout:
            texts = " | ".join(text.replace("\n", " ") for text, _, _ in row)
            lines.append(f"| {texts} |{'|' * (width - len(row))}")
    path.write_text("\n".join(lines), encoding="gb18030")
    return path
