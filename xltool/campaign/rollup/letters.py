"""The approval (批复) of each approved unit, from a Word template that the bureau edits.

A placeholder is a word in 【】.
A table row that holds 【三级指标】 is repeated for each approved indicator.
"""

from __future__ import annotations

import copy
import datetime as dt
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from xltool.campaign.ledger.campaign_folder import Campaign
from xltool.campaign.ledger.counting import Act
from xltool.campaign.ledger.related import UnitReturns
from xltool.campaign.returns.collection import original_bytes
from xltool.campaign.units import Unit, UnitFiles
from xltool.editions.declaration import Edition
from xltool.errors import XltoolError
from xltool.files.atomic import writing
from xltool.model import NOTHING, Filing
from xltool.money import plain
from xltool.reading.reader import read_grid
from xltool.xlsx.workbook_reader import open_grid

if TYPE_CHECKING:
    from docx.document import Document

TEMPLATE = "批复模板.docx"
FOLDER = "批复"
_WORD = re.compile(r"【([^【】]{1,20})】")
_REMARK = re.compile(r"（[^（）【】]*【([^【】]{1,20})】）")  # goes where there is nothing to say
_ROW = "三级指标"


def write_letters(
    campaign: Campaign, folder: Path, codes: Iterable[str] = (), template: Path | None = None
) -> tuple[list[Path], list[tuple[str, str]]]:
    """A letter for each approved unit (of these, or all):
    the files, and what could not be written and why.

    Without a template the campaign's own is used, which is made where there is none yet.
    """
    wanted = set(codes)
    units = {unit.code: unit for unit in campaign.ledger.units()}
    if unknown := wanted - set(units):
        raise XltoolError(f"名单里没有部门编码：{'、'.join(sorted(unknown))}")
    pattern = template or _own_template(campaign)
    standings, places = campaign.ledger.standings(), UnitFiles(folder)
    written: list[Path] = []
    problems: list[tuple[str, str]] = []
    for code, unit in units.items():
        returns = standings.get(code, UnitReturns())
        if wanted and code not in wanted:
            continue
        if not returns.outcome.standpoint.accepted:
            if wanted:
                problems.append((code, "还没有核准，没有批复"))
            continue
        try:
            path = places.place(unit, "_批复.docx")
            _write(path, pattern, campaign, unit, returns)
            written.append(path)
        except XltoolError as error:
            problems.append((code, str(error)))
    return written, problems


def _write(
    path: Path, template: Path, campaign: Campaign, unit: Unit, returns: UnitReturns
) -> None:
    row = returns.counting
    assert row is not None
    grid = open_grid(original_bytes(campaign, row["sha256"]))
    filing = read_grid(grid, edition=campaign.edition)
    document = _open(template)
    words = _words(campaign, unit, returns, filing)
    lines = [
        _indicator(indicator, form, campaign.edition)
        for form in filing.forms
        for indicator in form.indicators
    ]
    for paragraph in document.paragraphs:
        alone = _WORD.fullmatch(paragraph.text.strip())
        if alone and words.get(alone[1]) == "":
            paragraph._p.getparent().remove(paragraph._p)  # e.g. no remark was made
    for paragraph in _paragraphs(document):
        _replace(paragraph, words)
    # Last, so that nothing a unit wrote is taken for a placeholder.
    for table in document.tables:
        _repeat(table, lines)
    with writing(path, "wb") as file:
        document.save(file)


def _open(template: Path) -> Document:
    from docx import Document as opened
    from docx.opc.exceptions import PackageNotFoundError

    try:
        return opened(str(template))
    except (PackageNotFoundError, KeyError, ValueError, OSError) as error:
        raise XltoolError(f"批复模板打不开（要 .docx）：{template}") from error


def _words(campaign: Campaign, unit: Unit, returns: UnitReturns, filing: Filing) -> dict[str, str]:
    """What each placeholder stands for;
    the amounts of the department form go by their printed labels."""
    deed = next(deed for deed in reversed(returns.deeds) if deed.action == Act.ACCEPT)
    words = {
        "单位": unit.name, "部门名称": unit.name, "部门编码": unit.code, "区县": unit.district,
        "年度": str(campaign.year), "批次": campaign.title, "发文单位": campaign.meta.get("issuer", ""),
        "审核意见": str(msgspec.json.decode(deed.detail).get("grade", "")), "意见": deed.reason,
        "核准日期": _in_words(dt.date.fromisoformat(deed.made_at[:10])),
        "今日": _in_words(dt.date.today()),
        "金额单位": campaign.edition.unit,
    }  # fmt: skip
    if filing.department is not None:
        for field in campaign.edition.department.field:
            amount = filing.department.amount(field.id)
            text = plain(amount) if amount is not None else filing.department.text(field.id)
            words.setdefault(field.label, text)
    return words


def _in_words(day: dt.date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _indicator(indicator: Any, form: Any, edition: Edition) -> dict[str, str]:
    """One indicator's placeholders: its levels, and each column by its printed label."""
    spec = edition[form.kind]
    block = spec.block(indicator.block)
    printed = {
        column.label: indicator.cells.get(column.id, NOTHING).said
        for column in spec.indicators.column
    }
    return {
        **printed,
        "一级指标": block.level1,
        "二级指标": block.label,
        _ROW: indicator.name.said,
        "指标值": indicator.target.said,
        "项目": form.text("project").strip() if form.kind == "project" else "部门整体",
    }


def _repeat(table: Any, lines: list[dict[str, str]]) -> None:
    """The row with placeholders of an indicator, once for each."""
    for row in table.rows:
        if not any(_ROW in _WORD.findall(cell.text) for cell in row.cells):
            continue
        for line in lines:
            fresh = copy.deepcopy(row._tr)
            row._tr.addprevious(fresh)
            for cell in type(row)(fresh, table).cells:
                for paragraph in cell.paragraphs:
                    _replace(paragraph, line)
        table._tbl.remove(row._tr)
        return


def _paragraphs(document: Document) -> Iterable[Any]:
    """Every paragraph: of the text, of tables, of heads and feet."""
    yield from document.paragraphs
    for table in document.tables:
        for row in table.rows:
            for cell in row.cells:
                yield from cell.paragraphs
    for section in document.sections:
        yield from section.header.paragraphs
        yield from section.footer.paragraphs


def _replace(paragraph: Any, words: Mapping[str, str]) -> None:
    """Put words for placeholders.
    Word cuts text into runs where it likes: the first run takes it all then."""
    text = paragraph.text
    if not any(word in words for word in _WORD.findall(text)):
        return
    text = _REMARK.sub(lambda match: "" if words.get(match[1]) == "" else match[0], text)
    filled = _WORD.sub(lambda match: words.get(match[1], match[0]), text)
    runs = paragraph.runs
    for run in runs[1:]:
        run.text = ""
    if runs:
        runs[0].text = filled
    else:
        paragraph.add_run(filled)


def _own_template(campaign: Campaign) -> Path:
    """The campaign's template; a plain one is made where the bureau has not put its own there."""
    path = campaign.folder / TEMPLATE
    if not path.is_file():
        with writing(path, "wb") as file:
            _plain_template().save(file)
    return path


def _plain_template() -> Document:
    """A letter on A4 in the layout of official papers (公文)."""
    from docx import Document as opened
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Cm, Pt

    document = opened()
    page = document.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.top_margin, page.bottom_margin = Cm(3.7), Cm(3.5)
    page.left_margin, page.right_margin = Cm(2.8), Cm(2.6)
    _in_font(document.styles["Normal"], "仿宋", 16)
    title = document.add_paragraph()
    _in_font(title.add_run("关于批复【单位】【年度】年度绩效目标的通知"), "方正小标宋简体", 22)
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    document.add_paragraph("【单位】：")
    for text in (
        "你单位报来的【年度】年度部门整体支出和项目支出绩效目标已经审核（审核意见：【审核意见】），现予批复。"
        "资金总额【资金总额】【金额单位】。请按批复的绩效目标执行，年中监控和年终评价以此为准。",
        "【意见】",
    ):
        document.add_paragraph(text).paragraph_format.first_line_indent = Pt(32)
    _indicator_table(document, page.page_width - page.left_margin - page.right_margin)
    for text in ("【发文单位】", "【今日】"):
        signature = document.add_paragraph(text)
        signature.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        signature.paragraph_format.space_before = Pt(16)
    return document


def _in_font(what: Any, name: str, points: float) -> None:
    """A style or a run in a font, for Chinese text, too."""
    from docx.oxml.ns import qn
    from docx.shared import Pt

    what.font.name, what.font.size = name, Pt(points)
    what._element.get_or_add_rPr().rFonts.set(qn("w:eastAsia"), name)


def _indicator_table(document: Document, width: int) -> None:
    """The table of the approved indicators:
    its head, which each page repeats, and the row to be repeated."""
    from docx.enum.table import WD_ALIGN_VERTICAL
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml import OxmlElement

    columns = {"项目": 20, "一级指标": 14, "二级指标": 20, "三级指标": 26, "指标值": 20}
    table = document.add_table(rows=2, cols=len(columns), style="Table Grid")
    table.autofit = False
    for column, share in zip(table.columns, columns.values(), strict=True):
        column.width = width * share // 100
    for row, text in zip(table.rows, ("{}", "【{}】"), strict=True):
        row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))
        for cell, (head, share) in zip(row.cells, columns.items(), strict=True):
            cell.width, cell.vertical_alignment = width * share // 100, WD_ALIGN_VERTICAL.CENTER
            paragraph = cell.paragraphs[0]
            _in_font(paragraph.add_run(text.format(head)), "黑体" if text == "{}" else "宋体", 10.5)
            paragraph.paragraph_format.space_after = 0
            if text == "{}":
                paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    table.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
